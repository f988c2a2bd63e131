//! Tests of flows: files that say what a caller meets and does, and what must come of it.

mod given;
mod junit;
pub(crate) mod read;
mod run;
pub(crate) mod table;

use std::collections::BTreeMap;
use std::fmt;

use ivr::web::Reply;
use ivr::{DialOutcome, HangupCause, QueueFigures, QueueOutcome, Taken};
use yaml::{Faults, Place, Source};

pub use junit::junit;

use crate::call::MailboxEnd;
use crate::{Given, World};

/// A test that was read without a fault.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Where that is written.
    pub place: Place,
    flow: String,
    given: Given,
    hours: BTreeMap<String, Answers<hours::State>>,
    figures: BTreeMap<String, Answers<QueueFigures>>,
    http: BTreeMap<String, Answers<Reply>>,
    /// `None`: he waits on.
    queues: BTreeMap<String, Answers<Option<QueueOutcome>>>,
    callbacks: BTreeMap<String, Answers<bool>>,
    mailboxes: BTreeMap<String, Answers<MailboxEnd>>,
    dials: BTreeMap<String, Answers<DialOutcome>>,
    does: Vec<(Place, Act)>,
    expect: Expect,
}

/// How something ends, each time that the call comes to it.
#[derive(Clone, Debug)]
enum Answers<T> {
    Always(T),
    InTurn(Vec<T>),
}

impl<T: Clone> Answers<T> {
    /// The answer of the `time`th time, from 0.
    fn at(&self, time: usize) -> Option<T> {
        match self {
            Self::Always(answer) => Some(answer.clone()),
            Self::InTurn(answers) => answers.get(time).cloned(),
        }
    }
}

#[derive(Debug)]
enum Act {
    Press(String),
    Interrupt(String),
    /// For so long, or until what is waited for is over.
    Silence(Option<std::time::Duration>),
    HangUp,
}

#[derive(Debug, Default)]
struct Expect {
    said: Option<(Place, Vec<String>)>,
    includes: Option<(Place, Vec<String>)>,
    nodes: Option<(Place, Vec<String>)>,
    /// `None`: it must not be set.
    variables: Vec<(Place, String, Option<String>)>,
    ends: Option<(Place, End)>,
}

/// Where a call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    HangUp(HangupCause),
    Queue(String),
    Dial(String),
    /// At a node, for a key.
    Waits(String),
    Caller,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HangUp(cause) => write!(f, "the flow hangs up ({})", cause.word()),
            Self::Queue(name) => write!(f, "in the queue {name}"),
            Self::Dial(whom) => write!(f, "where {whom} is rung"),
            Self::Waits(node) => write!(f, "waiting at {node}"),
            Self::Caller => f.write_str("the caller hangs up"),
        }
    }
}

/// What came of a test.
#[derive(Debug)]
pub struct Ran {
    /// What is not as expected; empty if the test passed.
    pub failures: Vec<Failure>,
    /// The nodes that the call came to, as [`Taken`] names them: flow and node.
    pub nodes: Vec<(String, String)>,
    /// The ways that it took.
    pub ways: Vec<Taken>,
    /// The path for people.
    path: Vec<String>,
}

/// Something that is not as expected.
#[derive(Debug)]
pub struct Failure {
    /// Where the expectation stands.
    pub place: Place,
    /// What differs, in one line.
    pub what: String,
    /// What was expected; empty if `what` says it all.
    expected: String,
    /// What came in its place.
    came: String,
}

impl Case {
    /// Reads a file of tests. Faults may be in `faults` even if there are some; then some are left out.
    #[must_use]
    pub fn read(source: &Source, world: &World, faults: &Faults) -> Vec<Self> {
        read::file(source, world, faults)
    }

    /// Runs the test.
    #[must_use]
    pub fn run(&self, world: &World) -> Ran {
        run::run(self, world)
    }

    /// What a person is told of its failures.
    #[must_use]
    pub fn report(&self, ran: &Ran) -> String {
        let mut text = String::new();
        for failure in &ran.failures {
            text += &failure.report(&self.name);
            text += &format!("   path:     {}\n", ran.path.join(" → "));
        }
        text
    }
}

impl Failure {
    pub(crate) const fn new(place: Place, what: String, expected: String, came: String) -> Self {
        Self { place, what, expected, came }
    }

    /// What a person is told: where, in which test, and what.
    pub(crate) fn report(&self, test: &str) -> String {
        let Place { source, span } = &self.place;
        format!("{}:{}:{}: failed: {test}\n{}", source.path(), span.line, span.column, self.text())
    }

    fn text(&self) -> String {
        if self.expected.is_empty() {
            return format!("   {}\n", self.what);
        }
        format!("   {}\n   expected: {}\n   came:     {}\n", self.what, self.expected, self.came)
    }
}
