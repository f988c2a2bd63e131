//! Reads a file of tests.

use std::collections::{BTreeMap, BTreeSet};

use base::{Day, Pii};
use ivr::{Facts, HangupCause, Outline, Value as Held};
use yaml::{Faults, Map, Place, Source, Value, did_you_mean};

use super::table::{DO, ENDS, EXPECT, FILE, GIVEN, TEST};
use super::{Act, Answers, Case, End, Expect};
use crate::call::{CALLBACK_ANSWERS, DIAL_ENDS, HEARD_IN, LEFT_IN, QUEUE_ANSWERS, STATES};
use crate::{Given, World};

pub(super) fn file(source: &Source, world: &World, faults: &Faults) -> Vec<Case> {
    let Some(document) = yaml::read(source, faults) else { return Vec::new() };
    let Some(map) = document.root(faults).map(&FILE.shape) else { return Vec::new() };
    if let Some(version) = map.required("version")
        && version.integer(1..=u32::MAX).is_some_and(|version| version != 1)
    {
        version.fault("this version of the format is not known", "this Strowger reads version 1");
    }
    let _ = map.optional("note").and_then(|note| note.string());
    let reader = Reader {
        world,
        outlines: world.flows.iter().map(|flow| flow.outline()).collect(),
        calendars: world.calendars.keys().map(ToString::to_string).collect(),
        dialled: map.optional("number").and_then(|number| number.raw()).map(str::to_owned),
    };
    let flow = reader.flow(map);
    let entries = map.required("tests").and_then(|tests| tests.entries("tests by their names")).unwrap_or_default();
    entries.into_iter().filter_map(|(key, value)| reader.case(key, value, flow.as_ref())).collect()
}

/// A flow that is named, or a fault; `None` if none is named.
type FlowOf = Option<Option<String>>;

struct Reader<'w> {
    world: &'w World,
    outlines: Vec<Outline>,
    calendars: BTreeSet<String>,
    /// The number of the file.
    dialled: Option<String>,
}

impl Reader<'_> {
    fn case(&self, key: Value<'_>, value: Value<'_>, of_file: Option<&Option<String>>) -> Option<Case> {
        let name = key.raw().unwrap_or_default().to_owned();
        let map = value.map(&TEST.shape)?;
        let _ = map.optional("note").and_then(|note| note.string());
        let flow = match self.flow(map).or_else(|| of_file.cloned()) {
            Some(flow) => flow,
            None => {
                map.fault("nothing says which flow is tested", "add `flow:` or `number:` to the test, or to the file");
                None
            }
        };
        let given = map.optional("given").and_then(|given| given.map(&GIVEN.shape));
        let steps = map.optional("does").map(|does| does.one_or_list()).unwrap_or_default();
        let does: Vec<_> = steps.into_iter().map(step).collect();
        let expect = map.required("expect").and_then(|value| value.map(&EXPECT.shape));
        let flow = flow?;
        let expect = expect.map(|map| self.expect(map, &flow))?;
        Some(Case {
            name,
            place: key.place(),
            given: self.given(given, map),
            hours: self.answers(given, "hours", "calendar", &self.calendars, STATES),
            figures: given.map(|given| super::given::figures(given, &self.world.queues)).unwrap_or_default(),
            http: given.map(|given| super::given::http(given, &self.outlines, &flow)).unwrap_or_default(),
            queues: self.answers(given, "queues", "queue", &self.world.queues, QUEUE_ANSWERS),
            callbacks: self.answers(given, "callbacks", "queue", &self.world.queues, CALLBACK_ANSWERS),
            mailboxes: self.answers(
                given,
                "mailboxes",
                "mailbox",
                &self.world.mailboxes,
                &[LEFT_IN, HEARD_IN].concat(),
            ),
            dials: self.answers(given, "dials", "user or number", &self.world.phones, DIAL_ENDS),
            flow,
            does: does.into_iter().collect::<Option<_>>()?,
            expect,
        })
    }

    /// The flow that `flow` or `number` names.
    fn flow(&self, map: Map<'_>) -> FlowOf {
        let (key, value) = map.at_most_one_of(&["flow", "number"])?;
        let Some(text) = value.string() else { return Some(None) };
        if key == "flow" {
            if self.world.flows.get(text).is_some() {
                return Some(Some(text.to_owned()));
            }
            unknown(value, &format!("there is no flow `{text}`"), text, self.outlines.iter().map(|flow| &*flow.name));
            return Some(None);
        }
        let found = self.world.numbers.iter().find(|(number, _)| number == text);
        if found.is_none() {
            unknown(
                value,
                &format!("no number `{text}` leads to a flow"),
                text,
                self.world.numbers.iter().map(|(number, _)| number.as_str()),
            );
        }
        Some(found.map(|(_, flow)| flow.clone()))
    }

    /// What is known of the call. The number is what `number` says, of the test or of the file.
    fn given(&self, given: Option<Map<'_>>, test: Map<'_>) -> Given {
        let text = |key| given.and_then(|given| given.optional(key)?.string()).unwrap_or_default().to_owned();
        let dialled = test.optional("number").and_then(|number| number.raw()).or(self.dialled.as_deref());
        let zone = self.world.flows.zone();
        let (calls_today, last_call) = given.and_then(|given| super::given::repeat(given, zone)).unwrap_or_default();
        let facts = Facts {
            caller_number: Pii::new(text("caller")),
            caller_name: Pii::new(text("caller_name")),
            dialled: dialled.unwrap_or_default().to_owned(),
            calls_today,
            last_call,
        };
        let at = given.and_then(|given| time(given.optional("at")?));
        Given {
            facts,
            wall: at.as_deref().and_then(|at| zone.at(at)).unwrap_or_default(),
            at,
            variables: given.map(variables).unwrap_or_default(),
            language: given.and_then(|given| self.language(given.optional("language")?)),
        }
    }

    fn language(&self, value: Value<'_>) -> Option<String> {
        let name = value.name()?;
        let known = &self.world.languages;
        if !known.contains(name) {
            unknown(value, &format!("there is no language `{name}`"), name, known.iter().map(String::as_str));
        }
        Some(name.to_owned())
    }

    /// How queues or diallings end, by their names.
    fn answers<T: Copy>(
        &self,
        given: Option<Map<'_>>,
        key: &'static str,
        what: &str,
        known: &BTreeSet<String>,
        words: &[(&str, T)],
    ) -> BTreeMap<String, Answers<T>> {
        let value = given.and_then(|given| given.optional(key));
        let entries = value.and_then(|value| value.entries("names, each with how it ends")).unwrap_or_default();
        let mut answers = BTreeMap::new();
        for (name, value) in entries {
            let Some(text) = name.raw() else { continue };
            if !known.contains(text) {
                unknown(name, &format!("there is no {what} `{text}`"), text, known.iter().map(String::as_str));
            }
            let read = match value.is_list() {
                true => value
                    .list()
                    .unwrap_or_default()
                    .iter()
                    .map(|item| item.choose(words))
                    .collect::<Option<_>>()
                    .map(Answers::InTurn),
                false => value.choose(words).map(Answers::Always),
            };
            answers.extend(read.map(|read| (text.to_owned(), read)));
        }
        answers
    }

    fn expect(&self, map: Map<'_>, flow: &str) -> Expect {
        if EXPECT.shape.keys.iter().all(|key| map.optional(key).is_none()) {
            map.fault("nothing is expected, so this test cannot fail", "add `ends:`, `said:` or another key");
        }
        let prompts = |key| self.names(map.optional(key)?, |value, name| self.prompt(value, name));
        let variables = map.optional("variables").and_then(|value| value.entries("variables by their names"));
        let held = |(key, value): &(Value<'_>, Value<'_>)| {
            let wanted = if value.is_empty() { None } else { Some(value.string()?.to_owned()) };
            Some((key.place(), key.raw()?.to_owned(), wanted))
        };
        Expect {
            said: prompts("said"),
            includes: prompts("includes"),
            nodes: map
                .optional("nodes")
                .and_then(|value| self.names(value, |value, name| self.node(value, name, flow))),
            variables: variables.unwrap_or_default().iter().filter_map(held).collect(),
            ends: map.optional("ends").and_then(|value| Some((value.key_place(), self.end(value, flow)?))),
        }
    }

    fn names(&self, value: Value<'_>, check: impl Fn(Value<'_>, &str)) -> Option<(Place, Vec<String>)> {
        let mut names = Vec::new();
        for item in value.one_or_list() {
            let name = item.string()?;
            check(item, name);
            names.push(name.to_owned());
        }
        Some((value.key_place(), names))
    }

    fn prompt(&self, value: Value<'_>, name: &str) {
        if !self.world.prompts.contains(name) && !self.may_be_spoken(name) {
            unknown(
                value,
                &format!("there is no prompt `{name}`"),
                name,
                self.world.prompts.iter().map(String::as_str),
            );
        }
    }

    /// True of what may be a text that a flow speaks: nobody knows what comes of those with variables, but that it looks
    /// like the name of a prompt is more likely a slip.
    fn may_be_spoken(&self, name: &str) -> bool {
        let is_name = name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'/'));
        let mut texts = self.world.flows.iter().flat_map(|flow| flow.texts());
        match is_name {
            true => texts.any(|text| text.fixed().any(|(_, text)| *text == *name)),
            false => texts.next().is_some(),
        }
    }

    /// A node of the flow, or `FLOW/NODE`.
    fn node(&self, value: Value<'_>, name: &str, flow: &str) {
        let (flow, node) = name.split_once('/').unwrap_or((flow, name));
        let Some(outline) = self.outlines.iter().find(|outline| *outline.name == *flow) else {
            return unknown(
                value,
                &format!("there is no flow `{flow}`"),
                flow,
                self.outlines.iter().map(|flow| &*flow.name),
            );
        };
        if !outline.nodes.iter().any(|known| *known.name == *node) {
            let message = format!("the flow `{flow}` has no node `{node}`");
            unknown(value, &message, node, outline.nodes.iter().map(|node| &*node.name));
        }
    }

    fn end(&self, value: Value<'_>, flow: &str) -> Option<End> {
        if !value.is_map() {
            return value.choose(&[("hangup", 0), ("caller", 1)]).map(|which| match which {
                0 => End::HangUp(HangupCause::Normal),
                _ => End::Caller,
            });
        }
        let (key, value) = value.map(&ENDS.shape)?.one_of(ENDS.one_of)?;
        match key {
            "hangup" if value.is_empty() => Some(End::HangUp(HangupCause::Normal)),
            "hangup" => value.choose(HangupCause::NAMES).map(End::HangUp),
            "caller" => nothing(value).map(|()| End::Caller),
            "waits" => {
                let node = value.string()?;
                self.node(value, node, flow);
                Some(End::Waits(node.to_owned()))
            }
            "queue" => {
                let name = value.string()?;
                if !self.world.queues.contains(name) {
                    unknown(
                        value,
                        &format!("there is no queue `{name}`"),
                        name,
                        self.world.queues.iter().map(String::as_str),
                    );
                }
                Some(End::Queue(name.to_owned()))
            }
            _ => {
                let whom = value.string()?;
                if !self.world.phones.contains(whom) {
                    unknown(
                        value,
                        &format!("there is no user or number `{whom}`"),
                        whom,
                        self.world.phones.iter().map(String::as_str),
                    );
                }
                Some(End::Dial(whom.to_owned()))
            }
        }
    }
}

fn variables(given: Map<'_>) -> Vec<(String, Held)> {
    let entries = given.optional("variables").and_then(|value| value.entries("variables by their names"));
    let held = |(key, value): &(Value<'_>, Value<'_>)| Some((key.raw()?.to_owned(), Held::from(value.string()?)));
    entries.unwrap_or_default().iter().filter_map(held).collect()
}

/// A time as a calendar takes it.
pub(crate) fn time(value: Value<'_>) -> Option<String> {
    let text = value.string()?;
    let (day, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let clock = clock.split_once(':').and_then(|(h, m)| Some((h.parse::<u8>().ok()?, m.parse::<u8>().ok()?)));
    if day.parse::<Day>().is_err() || clock.is_none_or(|(hour, minute)| hour > 23 || minute > 59) {
        value.fault("this is not a time", "write one such as `2026-12-24T10:00`, or a date such as `2026-12-24`");
        return None;
    }
    Some(text.to_owned())
}

fn step(value: Value<'_>) -> Option<(Place, Act)> {
    let (key, value) = value.map(&DO.shape)?.one_of(DO.one_of)?;
    let act = match key {
        "press" => Act::Press(keys(value)?),
        "interrupt" => Act::Interrupt(keys(value)?),
        "silence" if value.is_empty() => Act::Silence(None),
        "silence" => Act::Silence(Some(value.duration()?)),
        _ => nothing(value).map(|()| Act::HangUp)?,
    };
    Some((value.key_place(), act))
}

fn keys(value: Value<'_>) -> Option<String> {
    let text = value.string_for("keys of a phone, such as `1234#`")?;
    if text.len() > 100 || !text.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')) {
        value.fault("these are not keys of a phone", "keys are 0 to 9, `*`, `#` and A to D: `\"1234#\"`");
        return None;
    }
    Some(text.to_owned())
}

fn nothing(value: Value<'_>) -> Option<()> {
    if !value.is_empty() {
        value.fault("nothing can stand here", "leave it empty");
        return None;
    }
    Some(())
}

pub(super) fn unknown<'a>(value: Value<'_>, message: &str, name: &str, known: impl Iterator<Item = &'a str>) {
    let remedy = did_you_mean(name, known).map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
    value.fault(message, remedy);
}
