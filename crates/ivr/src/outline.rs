//! A flow as others may look at it: its nodes, what they say, and every way between them by its name. For drawings, and to
//! see which ways a call has gone.

use std::sync::Arc;

use yaml::{Faults, Place, Source};

use crate::flow::{DirectDial, Flow, Item, Node, Outcome, Prompt, Question, Target, Verb, Way};
use crate::trail::ANSWERED;
use crate::{DialTarget, HangupCause, Spoken, Value, read};

/// The nodes and ways of a flow.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The flow's name.
    pub name: Arc<str>,
    /// The index of the node that calls begin at.
    pub start: usize,
    /// In the order of the file.
    pub nodes: Vec<OutlineNode>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct OutlineNode {
    /// Its name.
    pub name: Arc<str>,
    /// Where that is written.
    pub place: Place,
    /// Its verb, as it is written: `menu`.
    pub verb: &'static str,
    /// Whom or what the verb names: the queue, the user, the variable, the cause; empty if nothing.
    pub object: String,
    /// What the caller hears first, an item a text; a recording is its name.
    pub says: Vec<String>,
    /// What a caller can press to be understood, one for each way; empty for a node that asks for nothing.
    pub keys: Vec<String>,
    /// What a caller can press that is wrong here.
    pub wrong: Option<String>,
    /// Of a node that asks a web server: an answer that it can take, as JSON.
    pub sample: Option<String>,
    /// The ways that lead on, in the order of the language.
    pub ways: Vec<OutlineWay>,
}

/// A way from a node.
#[derive(Clone, Debug)]
pub struct OutlineWay {
    /// The key that leads there, or the key of the file that the way stands under: `1`, `timed_out`, `next`. A node has but
    /// one way of a name; [`crate::Session::poll_way`] tells them by it.
    pub name: String,
    /// What a drawing shows for it: the name, or the condition of a case.
    pub label: String,
    /// What the caller hears on it.
    pub says: Vec<String>,
    /// Where it leads.
    pub to: OutlineTarget,
    /// It is what happens where nothing is written: the question is asked again without a word, or it goes on as by `next`.
    pub implied: bool,
}

/// Where a way leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutlineTarget {
    /// To the node of this index; its own asks again.
    Node(usize),
    /// To the end of the call.
    End(HangupCause),
    /// To another flow, for good.
    Flow(Arc<str>),
    /// Back to the flow that called this one; the end if none did.
    Return,
    /// Back to the question that was asked before.
    Back,
}

impl Flow {
    /// The flow's nodes and ways.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let nodes = self.nodes.iter().enumerate().map(|(index, node)| sketch(index, node)).collect();
        Outline { name: Arc::clone(&self.name), start: self.start, nodes }
    }
}

impl Outline {
    /// The nodes and ways of a flow in which there may be faults of the graph, as far as it can be read; `None` if its shape is
    /// at fault. What the faults are is for [`Flow::read`] to say.
    #[must_use]
    pub fn of_draft(name: &str, source: &Source) -> Option<Self> {
        let faults = Faults::default();
        let flow = read::flow(name, source, &faults)?;
        faults.is_empty().then(|| flow.outline())
    }
}

fn sketch(index: usize, node: &Node) -> OutlineNode {
    let draft = Draft::of(index, &node.verb);
    let Draft { verb, object, says, ways, .. } = draft;
    let (keys, wrong) = answers(&node.verb);
    let sample = sample(&node.verb);
    OutlineNode {
        name: Arc::clone(&node.name),
        place: node.place.clone(),
        verb,
        object,
        says,
        keys,
        wrong,
        sample,
        ways,
    }
}

/// An answer that an `http` can take.
fn sample(verb: &Verb) -> Option<String> {
    let Verb::Http(http) = verb else { return None };
    let mut sample = Value::Null;
    http.take.iter().for_each(|written| written.expression.sample("reply", &mut sample));
    serde_json::to_string(&sample).ok()
}

/// What may be pressed at a node that asks, and what is wrong there.
fn answers(verb: &Verb) -> (Vec<String>, Option<String>) {
    match verb {
        Verb::Menu(menu) => {
            let is_free =
                |typed: &String| menu.keys.iter().all(|key| !key.range.has(typed) && !key.range.goes_on_from(typed));
            let wrong = "0123456789*#".chars().map(String::from).find(is_free);
            let first = |range: String| range.split_once('-').map_or(range.clone(), |(first, _)| first.to_owned());
            (menu.keys.iter().map(|key| first(key.range.to_string())).collect(), wrong)
        }
        Verb::Collect(collect) => {
            let passes = |digits: &String| collect.check.as_ref().is_none_or(|check| check.passes(digits));
            let tried = (0..1000).map(|number| format!("{number:0width$}", width = collect.least));
            let good = tried.filter(|digits| digits.len() <= collect.most).find(passes).unwrap_or_default();
            let end = collect.end_key.filter(|_| good.len() < collect.most);
            let confirms = collect.confirm.iter().flat_map(|confirm| [confirm.yes, confirm.no]).map(String::from);
            // A key that neither is a digit nor ends them.
            let wrong = if collect.end_key == Some('*') { "#" } else { "*" };
            let keys = std::iter::once(good.chars().chain(end).collect()).chain(confirms);
            (keys.collect(), Some(wrong.to_owned()))
        }
        Verb::Queue(queue) => (queue.keys.iter().map(|(key, _)| key.to_string()).collect(), None),
        Verb::Voicemail(voicemail) => {
            let review = voicemail.review.as_ref();
            let review = review.map(|review| [review.listen, review.again, review.keep, review.delete]);
            free_of(voicemail.end_key.into_iter().chain(review.into_iter().flatten()).collect())
        }
        Verb::Mailbox(mailbox) => {
            let keys = &mailbox.keys;
            free_of(vec![keys.again, keys.skip, keys.delete, keys.keep, keys.leave])
        }
        _ => (Vec::new(), None),
    }
}

/// Keys that mean something, and one that does not.
fn free_of(keys: Vec<char>) -> (Vec<String>, Option<String>) {
    let wrong = "0123456789*#".chars().find(|key| !keys.contains(key)).map(String::from);
    (keys.into_iter().map(String::from).collect(), wrong)
}

/// A node that is being looked at.
struct Draft {
    index: usize,
    verb: &'static str,
    object: String,
    says: Vec<String>,
    ways: Vec<OutlineWay>,
}

impl Draft {
    fn of(index: usize, verb: &Verb) -> Self {
        let new = |verb, object: &str, says| Self { index, verb, object: object.to_owned(), says, ways: Vec::new() };
        match verb {
            Verb::Play(play) => {
                let draft = new(if play.says { "say" } else { "play" }, "", said(&play.prompt));
                play.next.into_iter().fold(draft, |draft, next| draft.way("next", next))
            }
            Verb::Menu(menu) => {
                let draft = new("menu", "", said(&menu.question.prompt));
                let draft =
                    menu.keys.iter().fold(draft, |draft, key| draft.answer(&key.range.to_string(), &key.answer));
                let draft = menu.direct_dial.iter().fold(draft, Self::direct_dial);
                draft.failures(&menu.question)
            }
            Verb::Collect(collect) => {
                let verb = if collect.survey.is_some() { "survey" } else { "collect" };
                let draft = new(verb, &collect.variable, said(&collect.question.prompt));
                let draft = draft.way("next", collect.next).failures(&collect.question);
                // What is not on the scale is as wrong as a key that is none.
                if collect.survey.is_some() {
                    return draft.usually("next", &["exhausted"]);
                }
                if collect.check.is_none() { draft } else { draft.failure("invalid", &collect.invalid) }
            }
            Verb::Queue(queue) => {
                let mut outcomes =
                    vec![("timed_out", &queue.timed_out), ("full", &queue.full), ("no_agents", &queue.no_agents)];
                outcomes.extend(queue.closed.as_ref().map(|closed| ("closed", closed)));
                let mut draft = new("queue", &queue.name, said(&queue.hear));
                for (key, outcome) in &queue.keys {
                    draft.push(&key.to_string(), said(&outcome.prompt), target(outcome.way), false);
                }
                draft.ends(queue.next, &outcomes)
            }
            Verb::Callback(callback) => {
                new("callback", &callback.queue, Vec::new()).ends(callback.next, &[("refused", &callback.refused)])
            }
            Verb::Dial(dial) => {
                let (DialTarget::User(whom) | DialTarget::Number(whom)) = &dial.target;
                let outcomes = [
                    ("busy", &dial.busy),
                    ("no_answer", &dial.no_answer),
                    ("declined", &dial.declined),
                    ("failed", &dial.failed),
                ];
                if dial.leaves {
                    return new("transfer", whom, Vec::new())
                        .way(ANSWERED, dial.next)
                        .stands(&outcomes)
                        .usually("failed", &["busy", "no_answer", "declined"]);
                }
                new("dial", whom, Vec::new()).ends(dial.next, &outcomes)
            }
            Verb::Voicemail(voicemail) => {
                let deleted = voicemail.review.as_ref().map(|review| ("deleted", &review.deleted));
                let outcomes: Vec<_> =
                    [("full", &voicemail.full), ("empty", &voicemail.empty)].into_iter().chain(deleted).collect();
                new("voicemail", &voicemail.mailbox, said(&voicemail.greeting)).ends(voicemail.next, &outcomes)
            }
            Verb::Mailbox(mailbox) => {
                let outcomes = [("empty", &mailbox.empty), ("denied", &mailbox.denied)];
                new("mailbox", &mailbox.name, said(&mailbox.greeting)).ends(mailbox.next, &outcomes)
            }
            Verb::Hours(hours) => {
                let outcomes = [
                    ("open", &hours.open),
                    ("break", &hours.rest),
                    ("holiday", &hours.holiday),
                    ("closed", &hours.closed),
                    ("emergency", &hours.emergency),
                ];
                new("hours", &hours.calendar, Vec::new())
                    .stands(&outcomes)
                    .usually("closed", &["break", "holiday", "emergency"])
            }
            Verb::When(when) => {
                let mut draft = new("when", "", Vec::new());
                for (number, (condition, to)) in (1..).zip(&when.cases) {
                    draft.push(&case(number), Vec::new(), target(*to), false);
                    if let Some(way) = draft.ways.last_mut() {
                        way.label = condition.text.to_string();
                    }
                }
                draft.way("otherwise", when.otherwise)
            }
            Verb::Look(look) => {
                new("when", &look.rows, Vec::new()).stands(&[("found", &look.found), ("otherwise", &look.otherwise)])
            }
            Verb::Http(http) => {
                let object = format!("{} {}", http.method.word(), http.origin);
                new("http", &object, said(&http.hear)).ends(http.next, &[("failed", &http.failed)])
            }
            Verb::Set(set) => new("set", &set.names.join(", "), Vec::new()).way("next", set.next),
            Verb::Record { order, next } => new("record", order.word(), Vec::new()).way("next", *next),
            Verb::Language { name, next } => new("language", name, Vec::new()).way("next", *next),
            Verb::Goto(to) => new("goto", "", Vec::new()).way("next", *to),
            Verb::Call(call) => new("call", &call.flow, Vec::new()).way("next", call.next),
            Verb::Leave { flow, .. } => {
                let mut draft = new("goto", flow, Vec::new());
                draft.push("next", Vec::new(), OutlineTarget::Flow(Arc::clone(flow)), false);
                draft
            }
            Verb::Hangup(cause) => {
                let mut draft = new("hangup", cause.word(), Vec::new());
                draft.push("next", Vec::new(), OutlineTarget::End(*cause), false);
                draft
            }
        }
    }

    fn push(&mut self, name: &str, says: Vec<String>, to: OutlineTarget, implied: bool) {
        let (name, label) = (name.to_owned(), name.to_owned());
        self.ways.push(OutlineWay { name, label, says, to, implied });
    }

    fn way(mut self, name: &str, to: Target) -> Self {
        self.push(name, Vec::new(), target(to), false);
        self
    }

    fn answer(mut self, name: &str, answer: &Outcome<Way>) -> Self {
        let to = match answer.way {
            Way::To(to) => target(to),
            Way::Repeat => OutlineTarget::Node(self.index),
            Way::Back => OutlineTarget::Back,
        };
        self.push(name, said(&answer.prompt), to, false);
        self
    }

    /// An answer that asks again if nothing is written.
    fn failure(mut self, name: &str, outcome: &Outcome<Way>) -> Self {
        self = self.answer(name, outcome);
        if let Some(way) = self.ways.last_mut() {
            way.implied = way.says.is_empty() && outcome.way == Way::Repeat;
        }
        self
    }

    fn direct_dial(mut self, dial: &DirectDial) -> Self {
        self = self.way("direct_dial.next", dial.next);
        let outcomes = [
            ("direct_dial.busy", &dial.busy),
            ("direct_dial.no_answer", &dial.no_answer),
            ("direct_dial.declined", &dial.declined),
            ("direct_dial.failed", &dial.failed),
        ];
        outcomes.into_iter().fold(self, |draft, (name, outcome)| draft.failure(name, outcome))
    }

    fn failures(mut self, question: &Question) -> Self {
        self = self.failure("no_input", &question.no_input).failure("wrong_input", &question.wrong_input);
        if let Some(outcome) = &question.exhausted {
            self.push("exhausted", said(&outcome.prompt), target(outcome.way), false);
        }
        self
    }

    fn stands(mut self, outcomes: &[(&str, &Outcome)]) -> Self {
        for (name, outcome) in outcomes {
            self.push(name, said(&outcome.prompt), target(outcome.way), false);
        }
        self
    }

    /// Those of these `names` lead where `usual` does that are not written.
    fn usually(mut self, usual: &str, names: &[&str]) -> Self {
        let Some(usual) = self.ways.iter().find(|way| way.name == usual).cloned() else { return self };
        for way in self.ways.iter_mut().filter(|way| names.contains(&way.name.as_str())) {
            way.implied = way.says == usual.says && way.to == usual.to;
        }
        self
    }

    fn ends(mut self, next: Target, outcomes: &[(&str, &Outcome)]) -> Self {
        self = self.way("next", next);
        for (name, outcome) in outcomes {
            let implied = outcome.prompt.0.is_empty() && outcome.way == next;
            self.push(name, said(&outcome.prompt), target(outcome.way), implied);
        }
        self
    }
}

const fn target(to: Target) -> OutlineTarget {
    match to {
        Target::Node(index) => OutlineTarget::Node(index),
        Target::Hangup => OutlineTarget::End(HangupCause::Normal),
        Target::Return => OutlineTarget::Return,
    }
}

fn said(prompt: &Prompt) -> Vec<String> {
    let item = |item: &Item| match item {
        Item::Recording(name) => name.to_string(),
        Item::Spoken { spoken, variable, .. } => format!("{} of {variable}", spoken_as(spoken)),
        Item::Silence(time) => format!("silence {}", yaml::show_duration(*time)),
        Item::Text(text) => text.shown(),
    };
    prompt.0.iter().map(item).collect()
}

/// The name of a case of a `when`, from 1.
pub(crate) fn case(number: u32) -> String {
    format!("case {number}")
}

/// A word for how it is said.
const fn spoken_as(spoken: &Spoken) -> &'static str {
    match spoken {
        Spoken::Digits => "digits",
        Spoken::Spell => "spelling",
        Spoken::Number => "number",
        Spoken::Money { .. } => "money",
        Spoken::Date => "date",
        Spoken::Time { .. } => "time",
        Spoken::Position => "place",
        Spoken::Wait => "wait",
    }
}
