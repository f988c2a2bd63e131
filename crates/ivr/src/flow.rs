//! A flow that was read and checked: nodes that name each other by index.

mod connect;
mod voicemail;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use hours::State;
use yaml::{Faults, Form, Place, Source, TextPlace};

use crate::expression::Expression;
use crate::inspect::Check;
use crate::key_range::KeyRange;
use crate::rows::By;
use crate::text::Text;
use crate::web::{HeaderValue, Method, Origin};
use crate::{HangupCause, Recording, Scale, Spoken, read};
pub(crate) use connect::{Callback, Dial, Queue};
pub(crate) use voicemail::{Mailbox, MessageKeys, Review, Voicemail};

/// A flow without faults. Immutable; calls share it.
///
/// What holds for each of them, so that [`crate::Session`] need not look: every target exists, every variable is set
/// before it is read back, and no way round the graph takes neither a key nor time.
#[derive(Debug)]
pub struct Flow {
    pub(crate) name: Arc<str>,
    pub(crate) hash: FlowHash,
    pub(crate) start: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) references: Vec<Reference>,
    pub(crate) spoken: Vec<SpokenReference>,
    pub(crate) needs: Vec<Need>,
    pub(crate) ways_in: Vec<WayIn>,
    pub(crate) callbacks: Vec<Place>,
    pub(crate) texts: Vec<Arc<Text>>,
}

impl Flow {
    /// Reads the flow `name` from its file. `None` if it has a fault; all of them are in `faults` then. Where its ways lead is
    /// checked by [`crate::Flows::new`], with all others. What the flow refers to outside of itself is left to the caller:
    /// see [`Self::references`].
    #[must_use]
    pub fn read(name: &str, source: &Source, faults: &Faults) -> Option<Self> {
        let before = faults.len();
        let flow = read::flow(name, source, faults)?;
        // Faults may be told though there is a flow: it lacks what they are about.
        (faults.len() == before).then_some(flow)
    }

    /// A flow that takes a message for a mailbox. Its name, `voicemail:MAILBOX`, is one that no file can have. `None` if the
    /// mailbox's name is none.
    pub(crate) fn for_message(mailbox: &str) -> Option<Self> {
        let name = format!("voicemail:{mailbox}");
        let text = format!("version: 1\nnodes: {{ message: {{ voicemail: {mailbox}, next: hangup }} }}\n");
        Self::read(&name, &Source::new(name.as_str(), text), &Faults::default())
    }

    /// The keys of a flow's file, all that stand below them included, with what people want to know of each.
    #[must_use]
    pub fn form() -> &'static Form {
        &read::table::FLOW
    }

    /// The flow's name: that of its file without the ending.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The hash of the text that the flow was read from.
    #[must_use]
    pub const fn hash(&self) -> FlowHash {
        self.hash
    }

    /// Everything outside of this file that the flow names, with the place where it does, in the order of the file.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// All numbers, dates and the like that the flow says: each language must be able to.
    #[must_use]
    pub fn spoken(&self) -> &[SpokenReference] {
        &self.spoken
    }

    /// Every skill that a caller of the flow's may need in a queue.
    #[must_use]
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Every node that leads into a queue.
    #[must_use]
    pub fn ways_in(&self) -> &[WayIn] {
        &self.ways_in
    }

    /// Where it promises to call back.
    #[must_use]
    pub fn callbacks(&self) -> &[Place] {
        &self.callbacks
    }

    /// All texts that the flow speaks: each must be there in every language.
    #[must_use]
    pub fn texts(&self) -> &[Arc<Text>] {
        &self.texts
    }

    /// The names of the nodes, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter().map(|node| &node.name)
    }

    /// Each node with the hash of its text, which tells whether another version of the flow has the same.
    pub fn versions(&self) -> impl Iterator<Item = (&Arc<str>, FlowHash)> {
        self.nodes.iter().map(|node| (&node.name, node.hash))
    }

    /// The variables that hold what a caller typed as a secret.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter().filter_map(|node| match &node.verb {
            Verb::Collect(Collect { secret: true, variable, .. }) => Some(variable),
            _ => None,
        })
    }

    pub(crate) fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)
    }
}

/// Something that a flow names but does not hold.
#[derive(Clone, Debug)]
pub struct Reference {
    /// What kind of thing.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: Arc<str>,
    /// Where the flow names it, for a fault there.
    pub place: Place,
}

/// A skill that the agent of a queue's call must have.
#[derive(Clone, Debug)]
pub struct Need {
    /// The queue.
    pub queue: Arc<str>,
    /// The skill.
    pub skill: Arc<str>,
    /// Its least level, 0 to 100.
    pub least: u8,
    /// Where it stands.
    pub place: Place,
}

/// A node that leads callers into a queue.
#[derive(Clone, Debug)]
pub struct WayIn {
    /// The queue.
    pub queue: Arc<str>,
    /// Where the node names it.
    pub place: Place,
    /// Where it says what follows if the queue is closed, if it does.
    pub closed: Option<Place>,
}

/// Something that a flow says by the rules of a language.
#[derive(Clone, Debug)]
pub struct SpokenReference {
    /// What.
    pub spoken: Spoken,
    /// Where the flow says it, for a fault there.
    pub place: Place,
}

/// What a flow can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A prompt, which every language must have.
    Prompt,
    /// A queue.
    Queue,
    /// A user.
    User,
    /// A number that a `dial` rings.
    Number,
    /// A number that a `transfer` sends the caller on to, be it a flow's or a queue's.
    Onward,
    /// A language.
    Language,
    /// Another flow; that there is one is checked by [`crate::Flows::new`].
    Flow,
    /// A queue whose figures a condition reads.
    QueueFigures,
    /// The time zone of the company, in which conditions read the time of day, or what day it is; without a name.
    Zone,
    /// A table that a `when` looks into.
    Table,
    /// The origin of a web server, as [`crate::web::Origin`] spells it: it must be allowed.
    Origin,
    /// A secret that goes into a header.
    Secret,
    /// A mailbox.
    Mailbox,
    /// A calendar.
    Calendar,
    /// A calendar of which the flow says what follows in an emergency: it must have a switch.
    EmergencyOf,
}

/// Names the text that a flow was read from; a saved session goes on only in the flow that it began in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowHash(u128);

impl FlowHash {
    /// FNV-1a with 128 bits: flows come from operators, not from foes, so it need not be a cryptographic one.
    pub(crate) fn of(text: &str) -> Self {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        Self(text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME)))
    }
}

impl fmt::Display for FlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub name: Arc<str>,
    /// Where its name is written, for faults of the graph.
    pub place: Place,
    /// Of its text.
    pub hash: FlowHash,
    pub verb: Verb,
}

#[derive(Debug)]
pub(crate) enum Verb {
    Play(Play),
    Menu(Menu),
    Collect(Collect),
    Hours(Hours),
    Queue(Queue),
    Callback(Box<Callback>),
    Dial(Dial),
    Voicemail(Voicemail),
    Mailbox(Mailbox),
    Record {
        order: Recording,
        next: Target,
    },
    Language {
        name: Arc<str>,
        next: Target,
    },
    Goto(Target),
    Call(Call),
    When(When),
    Look(Look),
    Set(Set),
    Http(Box<Http>),
    /// `goto: { flow: … }`: into another flow, for good.
    Leave {
        flow: Arc<str>,
        place: Place,
    },
    Hangup(HangupCause),
}

impl Verb {
    /// What it asks, if it asks for keys.
    pub const fn question(&self) -> Option<&Question> {
        match self {
            Self::Menu(menu) => Some(&menu.question),
            Self::Collect(collect) => Some(&collect.question),
            _ => None,
        }
    }

    /// What it works out when a caller comes to it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let (cases, values): (&[_], &[Written]) = match self {
            Self::When(when) => (&when.cases, &[]),
            Self::Set(set) => (&[], &set.values),
            Self::Look(look) => (&[], std::slice::from_ref(&look.value)),
            Self::Callback(callback) => (&[], std::slice::from_ref(&callback.number)),
            _ => (&[], &[]),
        };
        let sent = match self {
            Self::Http(http) => Some(http.sends()),
            _ => None,
        };
        let written = cases.iter().map(|(case, _): &(Written, Target)| case).chain(values);
        written.chain(sent.into_iter().flatten()).map(|written| &written.expression)
    }
}

/// Where a caller goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Target {
    Node(usize),
    /// The word `hangup`: the end, with the cause `normal`.
    Hangup,
    /// The word `return`: back to the flow that called this one; the end if none did.
    Return,
}

/// What follows when something happened: maybe words, then a way; by default one that leaves the node.
#[derive(Clone, Debug)]
pub(crate) struct Outcome<W = Target> {
    pub prompt: Prompt,
    pub way: W,
}

/// A way that may stay at the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    To(Target),
    /// Ask once more: the word `repeat`, and what `no_input` and `wrong_input` do if nothing else is written.
    Repeat,
    /// The word `back`: the question before this one; the first one is asked once more.
    Back,
}

/// What is played, one after the other; empty where a prompt is optional and not written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt(pub Vec<Item>);

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Recording(Arc<str>),
    /// What a variable holds, said by the rules of the caller's language.
    Spoken {
        spoken: Spoken,
        variable: Arc<str>,
        place: Place,
    },
    Silence(Duration),
    Text(Arc<Text>),
}

impl Item {
    /// The variables that it reads, each with where.
    pub fn reads(&self) -> Box<dyn Iterator<Item = (&str, &Place)> + '_> {
        match self {
            Self::Spoken { variable, place, .. } => Box::new(std::iter::once((&**variable, place))),
            Self::Text(text) => Box::new(text.reads()),
            Self::Recording(_) | Self::Silence(_) => Box::new(std::iter::empty()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Count(u32),
    Forever,
}

#[derive(Debug)]
pub(crate) struct Play {
    /// It is written as `say`.
    pub says: bool,
    pub prompt: Prompt,
    pub repeat: Times,
    pub barge_in: bool,
    /// `None` only if it repeats for ever and no key ends it.
    pub next: Option<Target>,
}

/// What `menu` and `collect` have in common: they ask, wait, and ask again.
#[derive(Debug)]
pub(crate) struct Question {
    pub prompt: Prompt,
    pub barge_in: bool,
    /// Keys pressed before the prompt count.
    pub keep_type_ahead: bool,
    /// From the prompt's end to the first key.
    pub timeout: Duration,
    pub attempts: Times,
    pub no_input: Outcome<Way>,
    pub wrong_input: Outcome<Way>,
    /// `None` only if attempts never end.
    pub exhausted: Option<Outcome>,
}

#[derive(Debug)]
pub(crate) struct Menu {
    pub question: Question,
    pub keys: Vec<MenuKey>,
    /// From one key to the next, where more than one may follow.
    pub digit_timeout: Duration,
    /// That time is written, so that a key may begin another.
    pub may_wait: bool,
    pub direct_dial: Option<DirectDial>,
}

#[derive(Debug)]
pub(crate) struct MenuKey {
    pub range: KeyRange,
    pub answer: Outcome<Way>,
    pub place: Place,
}

/// Users whose extensions may be dialled beside the keys of a menu.
#[derive(Debug)]
pub(crate) struct DirectDial {
    pub extension: Extension,
    pub ring_time: Duration,
    pub next: Target,
    pub busy: Outcome<Way>,
    pub no_answer: Outcome<Way>,
    pub declined: Outcome<Way>,
    pub failed: Outcome<Way>,
}

/// Which numbers of the number plan that lead to users.
#[derive(Debug)]
pub(crate) struct Extension {
    pub digits: RangeInclusive<usize>,
    /// Those users; all if `None`.
    pub users: Option<Vec<(Arc<str>, Place)>>,
    /// Keys before the number.
    pub prefix: Arc<str>,
    /// Where the number of digits is written.
    pub place: Place,
}

#[derive(Debug)]
pub(crate) struct Collect {
    pub question: Question,
    pub variable: Arc<str>,
    pub least: usize,
    pub most: usize,
    pub end_key: Option<char>,
    /// From one key to the next.
    pub digit_timeout: Duration,
    /// What is typed reaches neither journal nor recording.
    pub secret: bool,
    pub check: Option<Check>,
    /// The digits did not pass the check.
    pub invalid: Outcome<Way>,
    pub confirm: Option<Confirm>,
    /// It is written as `survey`: the digits are a score.
    pub survey: Option<Survey>,
    pub next: Target,
}

/// What a score is of.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The name of its node.
    pub name: Arc<str>,
    pub scale: Scale,
}

/// Reads the digits back and asks whether they are right.
#[derive(Debug)]
pub(crate) struct Confirm {
    pub prompt: Prompt,
    pub yes: char,
    pub no: char,
}

/// The first case whose condition holds says where it goes on.
#[derive(Debug)]
pub(crate) struct When {
    pub cases: Vec<(Written, Target)>,
    /// No case holds, or one of them could not be worked out.
    pub otherwise: Target,
}

/// A table says where it goes on.
#[derive(Debug)]
pub(crate) struct Look {
    pub value: Written,
    pub rows: Arc<str>,
    pub by: By,
    /// The variable for the row.
    pub into: Option<Arc<str>>,
    pub found: Outcome,
    pub otherwise: Outcome,
}

/// Asks a web server.
#[derive(Debug)]
pub(crate) struct Http {
    pub method: Method,
    pub origin: Origin,
    /// Begins with `/`; may have a query.
    pub path: Arc<str>,
    /// Where the URL is written.
    pub place: Place,
    pub query: Vec<(Arc<str>, Written)>,
    pub headers: Vec<(Arc<str>, HeaderValue)>,
    /// `None`: nothing is sent.
    pub send: Option<Vec<(Arc<str>, Written)>>,
    /// To the last octet of the answer.
    pub timeout: Duration,
    /// Over and over while it lasts.
    pub hear: Prompt,
    /// The variables that get something of the answer.
    pub names: Vec<Arc<str>>,
    /// What each gets.
    pub take: Vec<Written>,
    pub failed: Outcome,
    pub next: Target,
}

impl Http {
    /// All that is worked out before it is sent.
    pub fn sends(&self) -> impl Iterator<Item = &Written> {
        self.query.iter().chain(self.send.iter().flatten()).map(|(_, written)| written)
    }
}

/// Sets variables, one after the other.
#[derive(Debug)]
pub(crate) struct Set {
    pub names: Vec<Arc<str>>,
    /// What each becomes.
    pub values: Vec<Written>,
    pub next: Target,
}

/// An expression, and where it reads which variable.
#[derive(Debug)]
pub(crate) struct Written {
    /// As it is written, for drawings.
    pub text: Arc<str>,
    pub place: TextPlace,
    pub expression: Expression,
    pub reads: Vec<(Arc<str>, Place)>,
}

/// Another flow, and back.
#[derive(Debug)]
pub(crate) struct Call {
    pub flow: Arc<str>,
    /// Where the flow is named.
    pub place: Place,
    pub next: Target,
}

/// Where a calendar leads; what is not written leads where `closed` does.
#[derive(Debug)]
pub(crate) struct Hours {
    pub calendar: Arc<str>,
    pub open: Outcome,
    pub rest: Outcome,
    pub holiday: Outcome,
    pub closed: Outcome,
    pub emergency: Outcome,
}

impl Hours {
    /// What follows where the calendar stands so.
    pub const fn outcome(&self, state: State) -> &Outcome {
        match state {
            State::Open => &self.open,
            State::Break => &self.rest,
            State::Holiday => &self.holiday,
            State::Closed => &self.closed,
            State::Emergency => &self.emergency,
        }
    }

    pub fn outcomes(&self) -> [&Outcome; 5] {
        [&self.open, &self.rest, &self.holiday, &self.closed, &self.emergency]
    }
}
