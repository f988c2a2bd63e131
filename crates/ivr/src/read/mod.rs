//! From a file to a [`Flow`]: the shape of the language. What each key means stands in `config/README.md`.

mod announce;
mod ask;
mod callback;
mod connect;
mod decide;
mod hours;
mod http;
mod inspect;
mod items;
mod menu;
mod names;
mod parts;
mod survey;
pub(crate) mod table;
mod texts;
mod voicemail;

pub(crate) use menu::WAIT;
pub(crate) use names::is_variable;

use std::sync::Arc;

use yaml::{Faults, Map, Place, Source, Value};

use self::names::Names;
use self::table::VERBS;
use crate::flow::{Call, Flow, FlowHash, Node, Play, Target, Times, Verb};
use crate::text::Text;
use crate::{HangupCause, Need, Recording, Reference, ReferenceKind, SpokenReference, WayIn};

/// The version of the language that is read here.
const VERSION: u32 = 1;
const MAX_NODES: usize = 1000;

/// What is written in a wrong place often, and where it belongs.
const BESIDE: &[(&str, &str)] =
    &[("next", "write `next:` beside the verb, not below it"), ("note", "write `note:` beside the verb, not below it")];

/// Reads the flow. Faults may be in `faults` even if there is one; then it lacks nodes.
pub(crate) fn flow(name: &str, source: &Source, faults: &Faults) -> Option<Flow> {
    let document = yaml::read(source, faults)?;
    let map = document.root(faults).map(&table::FLOW.shape)?;
    check_version(map)?;
    let _ = map.optional("note").and_then(|note| note.string());
    let nodes = map.required("nodes")?;
    let entries = nodes.entries("the nodes of the flow")?;
    if entries.len() > MAX_NODES {
        nodes.fault_at_key(format!("a flow has at most {MAX_NODES} nodes, not {}", entries.len()), "split the flow");
        return None;
    }
    if entries.is_empty() {
        nodes.fault_at_key("a flow needs a node", "add one, such as `end: {hangup: normal}`");
        return None;
    }
    let mut reader = Reader {
        names: Names::of(&entries),
        references: Vec::new(),
        spoken: Vec::new(),
        needs: Vec::new(),
        ways_in: Vec::new(),
        callbacks: Vec::new(),
        texts: Vec::new(),
    };
    let start = match map.optional("start") {
        Some(value) => reader.names.node(value),
        None => Some(0),
    };
    let places: Vec<Place> = entries.iter().map(|(key, _)| key.place()).collect();
    let hash_of = |index: usize| {
        let text = places.get(index).map_or("", |place| source.entry(place, places.get(index + 1)));
        FlowHash::of(text)
    };
    let nodes: Vec<_> =
        entries.iter().enumerate().map(|(index, (key, value))| reader.node(*key, *value, hash_of(index))).collect();
    reader.references.sort_by_key(|reference| reference.place.span);
    Some(Flow {
        name: Arc::from(name),
        hash: FlowHash::of(source.text()),
        start: start?,
        nodes: nodes.into_iter().collect::<Option<_>>()?,
        references: reader.references,
        spoken: reader.spoken,
        needs: reader.needs,
        ways_in: reader.ways_in,
        callbacks: reader.callbacks,
        texts: reader.texts,
    })
}

fn check_version(map: Map<'_>) -> Option<()> {
    let value = map.required("version")?;
    let version = value.integer(1..=u32::MAX)?;
    if version != VERSION {
        let message = format!("version {version} of the flow language is not known");
        value.fault(message, format!("this Strowger reads version {VERSION}"));
        return None;
    }
    Some(())
}

/// What reading a node needs: the names of all others, and a place for what it names outside.
struct Reader<'a> {
    names: Names<'a>,
    references: Vec<Reference>,
    spoken: Vec<SpokenReference>,
    needs: Vec<Need>,
    ways_in: Vec<WayIn>,
    callbacks: Vec<Place>,
    texts: Vec<Arc<Text>>,
}

impl<'a> Reader<'a> {
    fn node(&mut self, key: Value<'a>, value: Value<'a>, hash: FlowHash) -> Option<Node> {
        let name = names::node_name(key);
        let map = value.map(&table::NODE.shape)?;
        let _ = map.optional("note").and_then(|note| note.string());
        let next = map.optional("next");
        let (verb, value) = map.one_of(VERBS)?;
        let verb = match verb {
            "play" => self.play(map, value, false).map(Verb::Play),
            "say" => self.play(map, value, true).map(Verb::Play),
            "menu" => {
                refuse_next(next, "a menu: its keys and `exhausted` say what follows");
                self.menu(value).map(Verb::Menu)
            }
            "collect" => self.collect(map, value).map(Verb::Collect),
            "hours" => {
                refuse_next(next, "`hours`: its outcomes say what follows");
                self.hours(value).map(Verb::Hours)
            }
            "survey" => self.survey(name.as_ref(), map, value).map(Verb::Collect),
            "queue" => self.queue(map, value).map(Verb::Queue),
            "callback" => self.callback(map, value).map(|callback| Verb::Callback(Box::new(callback))),
            "dial" => self.dial(map, value).map(Verb::Dial),
            "transfer" => {
                refuse_next(
                    next,
                    "`transfer`: who is sent on does not come back, and its outcomes say what follows if he is not",
                );
                self.transfer(value).map(Verb::Dial)
            }
            "voicemail" => self.voicemail(map, value).map(Verb::Voicemail),
            "mailbox" => self.mailbox(map, value).map(Verb::Mailbox),
            "when" => {
                refuse_next(next, "`when`: its cases say what follows");
                if value.is_map() { self.look(value).map(Verb::Look) } else { self.when(value).map(Verb::When) }
            }
            "http" => self.http(map, value).map(|http| Verb::Http(Box::new(http))),
            "set" => self.set(map, value).map(Verb::Set),
            "call" => {
                let next = self.next(map);
                let flow = self.other_flow(value)?;
                Some(Verb::Call(Call { flow, place: value.place(), next: next? }))
            }
            "record" => {
                let (order, next) = (value.choose(Recording::NAMES), self.next(map));
                Some(Verb::Record { order: order?, next: next? })
            }
            "language" => {
                let (name, next) = (self.language(value), self.next(map));
                Some(Verb::Language { name: name?, next: next? })
            }
            "goto" => {
                refuse_next(next, "`goto`: its target is what follows");
                self.goto(value)
            }
            _ => {
                refuse_next(next, "`hangup`: nothing follows");
                let cause = if value.is_empty() { Some(HangupCause::Normal) } else { value.choose(HangupCause::NAMES) };
                cause.map(Verb::Hangup)
            }
        };
        Some(Node { name: name?, place: key.place(), hash, verb: verb? })
    }

    /// The node's `next`, which must be written.
    fn next(&mut self, node: Map<'a>) -> Option<Target> {
        if let Some(value) = node.optional("next") {
            return self.names.target(value);
        }
        node.fault("nothing says what follows this node", "add `next:` with a node's name, or `next: hangup`");
        None
    }

    /// `play`, or `say`, where plain words are spoken.
    fn play(&mut self, node: Map<'a>, value: Value<'a>, says: bool) -> Option<Play> {
        // A map may be an item of a prompt, too: `play: {digits: account}`, `say: {en: Hello}`.
        let is_form = match says {
            true => table::SAY.shape.keys.iter().any(|key| value.has(key)),
            false => value.is_map() && !items::is_item(value),
        };
        let (prompt, repeat, barge_in) = if is_form {
            let form = if says { &table::SAY } else { &table::PLAY };
            let map = value.map_with(&form.shape, BESIDE)?;
            let prompt = map.required("prompt").and_then(|value| self.words(value, says));
            let repeat = map.optional("repeat").map_or(Some(Times::Count(1)), parts::times);
            let barge_in = map.optional("barge_in").map(|value| (value, value.bool()));
            (prompt, repeat, barge_in)
        } else {
            (self.words(value, says), Some(Times::Count(1)), None)
        };
        let repeat = repeat?;
        let next = node.optional("next");
        let (next, barge_in) = match (repeat, next, barge_in) {
            (Times::Forever, None, Some((value, Some(true)))) => {
                value.fault_at_key("a key ends this play, but nothing says what follows", "add `next:` to the node");
                return None;
            }
            (Times::Forever, None, _) => (None, Some(false)),
            (Times::Forever, Some(next), Some((_, Some(false)))) => {
                let message = "`next` is never reached: the play repeats for ever, and no key ends it";
                next.fault_at_key(message, "remove `next`, or `barge_in: false`");
                return None;
            }
            (_, _, barge_in) => (Some(self.next(node)?), barge_in.map_or(Some(true), |(_, wanted)| wanted)),
        };
        Some(Play { says, prompt: prompt?, repeat, barge_in: barge_in?, next })
    }
}

impl<'a> Reader<'a> {
    fn goto(&mut self, value: Value<'a>) -> Option<Verb> {
        if !value.is_map() {
            return self.names.target(value).map(Verb::Goto);
        }
        let flow = value.map(&table::GOTO.shape)?.required("flow")?;
        Some(Verb::Leave { flow: self.other_flow(flow)?, place: flow.place() })
    }

    fn other_flow(&mut self, value: Value<'a>) -> Option<Arc<str>> {
        let name: Arc<str> = Arc::from(value.name()?);
        self.refer(ReferenceKind::Flow, name.clone(), value);
        Some(name)
    }
}

fn refuse_next(next: Option<Value<'_>>, why: &str) {
    if let Some(next) = next {
        next.fault_at_key(format!("`next` has no place beside {why}"), "remove it");
    }
}
