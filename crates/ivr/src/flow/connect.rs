//! Nodes that connect the caller with someone, now or later.

use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Prompt, Target, Written};
use crate::{Announce, DialTarget};

#[derive(Debug)]
pub(crate) struct Queue {
    pub name: Arc<str>,
    pub max_wait: Option<Duration>,
    pub priority: Option<u8>,
    /// What his agent must have, each with the least level.
    pub skills: Vec<(Arc<str>, u8)>,
    /// What is heard over and over while he waits; empty: what the queue itself has.
    pub hear: Prompt,
    /// Keys that lead out of it while he waits.
    pub keys: Vec<(char, Outcome)>,
    pub announce: Announce,
    pub timed_out: Outcome,
    pub full: Outcome,
    pub no_agents: Outcome,
    /// None where it is not written: then the queue has no hours.
    pub closed: Option<Outcome>,
    pub next: Target,
}

impl Queue {
    /// What follows if a caller who waits presses `key`.
    pub fn way_out(&self, key: char) -> Option<&Outcome> {
        self.keys.iter().find(|(known, _)| *known == key).map(|(_, outcome)| outcome)
    }
}

/// `dial`, or `transfer`: whoever is connected does not come back to the flow.
#[derive(Debug)]
pub(crate) struct Dial {
    /// It is written as `transfer`; then `next` is the end.
    pub leaves: bool,
    pub target: DialTarget,
    pub ring_time: Duration,
    pub busy: Outcome,
    pub no_answer: Outcome,
    pub declined: Outcome,
    pub failed: Outcome,
    pub next: Target,
}

/// Whoever called is called back when it would have been his turn.
#[derive(Debug)]
pub(crate) struct Callback {
    pub queue: Arc<str>,
    /// The calendar in whose open hours he is called.
    pub hours: Arc<str>,
    pub number: Written,
    pub attempts: u8,
    pub retry: Duration,
    /// The table of numbers that are not called.
    pub except: Option<Arc<str>>,
    pub refused: Outcome,
    pub next: Target,
}
