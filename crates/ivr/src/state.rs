//! What a session remembers: small, and fit to be written down.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use base::Pii;
use serde::{Deserialize, Serialize};

use crate::flow::Target;
use crate::web::Last;
use crate::{Facts, Value};

/// Everything about a caller in a flow but the flow itself, the deadline and outputs that wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// The index of the node; without meaning while idle.
    pub node: usize,
    /// The nodes that called the flow, the first caller first; empty in the flow that the call began in.
    pub callers: Vec<Frame>,
    pub phase: Phase,
    /// A [`crate::Output::Play`] was put out, and neither stopped nor reported done.
    pub playing: bool,
    /// Which time it is that this prompt is played, or this question asked; from 1.
    pub round: u32,
    /// Keys for nodes to come.
    pub ahead: Keys,
    /// Keys of the `collect` that is under way.
    pub typed: Keys,
    /// The language that a node or the driver chose.
    pub language: Option<String>,
    /// The questions that led to the one under way, which is the last: by the index of their nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<usize>,
    /// What the variable held before that is to be confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// How many messages the mailbox has that is heard.
    #[serde(default, skip_serializing_if = "is_none")]
    pub messages: u32,
    /// A secret is asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// How the last request to a web server ended.
    #[serde(default)]
    pub http: Last,
    /// Recordings have silence in place of what both sides say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hushed: bool,
    /// What was known of the call when it began.
    pub facts: Facts,
    /// Variables that were set, by name.
    pub variables: BTreeMap<String, Value>,
}

/// A node that called another flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub flow: String,
    pub node: usize,
    /// The questions that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<usize>,
}

/// What the session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// For the start.
    Idle,
    /// For the end of a `play`.
    Playing,
    /// For the end of a question's prompt, or a key.
    Asking,
    /// For a key.
    Waiting,
    /// For the end of a confirmation's prompt, or its answer.
    Confirming {
        /// It is asked for the second time.
        again: bool,
    },
    /// For the end of an outcome's prompt, to go on to its target.
    Leaving { to: Target, barge_in: bool },
    /// For a calendar.
    Deciding,
    /// For the figures of queues.
    Weighing,
    /// For a web server.
    Fetching,
    /// For the queue.
    Queued,
    /// For the end of a dialling.
    Dialled,
    /// For a mailbox.
    Opening,
    /// For the end of a greeting: of a mailbox that takes a message, or of one that is heard.
    Greeting,
    /// For the beep's end.
    Beeping,
    /// For the end of a message.
    Taking,
    /// For what came of it.
    Taken,
    /// For a key that says what is to be done with it.
    Reviewing,
    /// For the end of a message that is heard; or for a key behind it, which is asked for.
    Hearing { index: u32, asks: bool },
    /// For nothing.
    Over,
}

/// So that states without a mailbox stay as they were.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(messages: &u32) -> bool {
    *messages == 0
}

impl State {
    pub fn new() -> Self {
        let (ahead, typed) = (Keys::default(), Keys::default());
        Self {
            node: 0,
            callers: Vec::new(),
            phase: Phase::Idle,
            playing: false,
            round: 0,
            ahead,
            typed,
            language: None,
            asked: Vec::new(),
            before: None,
            messages: 0,
            masked: false,
            http: Last::default(),
            hushed: false,
            facts: Facts::default(),
            variables: BTreeMap::new(),
        }
    }

    /// Sets a variable; gives what it held before.
    pub fn set(&mut self, name: &str, value: Value) -> Option<Value> {
        match self.variables.get_mut(name) {
            Some(slot) => Some(std::mem::replace(slot, value)),
            None => self.variables.insert(name.to_owned(), value),
        }
    }
}

/// Keys that a caller pressed: personal, so they print as their number only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Keys(VecDeque<char>);

impl Keys {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn push(&mut self, key: char) {
        self.0.push_back(key);
    }

    pub fn take_first(&mut self) -> Option<char> {
        self.0.pop_front()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn iter(&self) -> impl Iterator<Item = char> {
        self.0.iter().copied()
    }

    pub fn to_text(&self) -> Pii<String> {
        Pii::new(self.iter().collect())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.len())
    }
}
