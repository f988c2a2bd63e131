//! What a strategy is told: one moment, as plain data.

use base::{CallId, DecisionId, Pii, Wall};
use serde::{Deserialize, Serialize};

use crate::{AgentName, QueueName};

/// The version of the contract. Within a version fields may be added, never changed in meaning or taken away; readers
/// ignore fields that they do not know.
pub const VERSION: u16 = 1;

/// The most candidates or waiting calls that one snapshot holds, so that its size does not grow with the exchange.
pub const MAX_CANDIDATES: usize = 32;

/// All that a strategy may look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`VERSION`] of whoever made the snapshot.
    pub version: u16,
    /// Names this decision; the answer carries it.
    pub id: DecisionId,
    /// Counts the changes of the queue (calls that join, agents that become free), so that an answer to an older moment
    /// can be told.
    pub epoch: u64,
    /// When the snapshot was taken.
    pub at: Wall,
    /// The queue that asks. With call surplus, the queue of the call that has waited longest.
    pub queue: Queue,
    /// What is to be chosen.
    pub question: Question,
}

/// What is to be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choose", rename_all = "snake_case")]
pub enum Question {
    /// Agent surplus: one call, and agents of whom one is to get it.
    Agent {
        /// The call.
        call: Call,
        /// Free agents, longest idle first; never empty; at most [`MAX_CANDIDATES`].
        candidates: Vec<Candidate>,
    },
    /// Call surplus: one agent who became free, and calls of which he is to get one.
    Call {
        /// The agent.
        agent: Candidate,
        /// Waiting calls of all his queues, the one that joined first in front; never empty; at most
        /// [`MAX_CANDIDATES`].
        calls: Vec<Call>,
    },
}

impl Snapshot {
    /// The free agents that the answer may name.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        match &self.question {
            Question::Agent { candidates, .. } => candidates,
            Question::Call { agent, .. } => std::slice::from_ref(agent),
        }
    }

    /// The waiting calls that the answer may name.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        match &self.question {
            Question::Agent { call, .. } => std::slice::from_ref(call),
            Question::Call { calls, .. } => calls,
        }
    }
}

/// A queue at the moment of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: QueueName,
    /// Calls that wait and are offered to nobody.
    pub waiting: u32,
    /// How long the first of them has waited, in milliseconds.
    pub longest_wait_ms: u64,
    /// Agents of the queue who could not be candidates, counted by the reason.
    pub excluded: Exclusions,
    /// How long an agent's phone rings if the decision does not say, in milliseconds.
    pub ring_ms: u64,
}

/// Agents of the queue who could not be candidates, counted by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusions {
    /// Not logged in.
    pub unavailable: u32,
    /// On a break.
    #[serde(default)]
    pub on_break: u32,
    /// Another call is being offered to them.
    pub offered: u32,
    /// In a call, or reserved for a direct one.
    pub in_call: u32,
    /// In the time after a call.
    pub wrap_up: u32,
    /// Did not take an offer a short while ago (busy, declined, no answer, unreachable).
    pub resting: u32,
    /// Free, but this same call was offered to them a short while ago.
    pub tried: u32,
    /// Free, but another decision about them is under way.
    pub undecided: u32,
    /// Free, but behind the best [`MAX_CANDIDATES`].
    pub surplus: u32,
}

/// A waiting call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The call.
    pub id: CallId,
    /// The queue in which it waits.
    pub queue: QueueName,
    /// The caller's number as signalled; empty if withheld. Personal data: a snapshot that leaves the process carries it.
    #[serde(with = "base::revealed")]
    pub caller: Pii<String>,
    /// The number that was dialled.
    pub dialled: String,
    /// Who sent the call on last, if a trusted trunk says that it was for somebody else.
    #[serde(default, with = "base::revealed", skip_serializing_if = "is_nobody")]
    pub diverted_from: Pii<Option<String>>,
    /// How long it has waited since it joined the queue, in milliseconds; offers that failed do not restart it.
    pub waited_ms: u64,
    /// How often it was offered so far.
    pub offers: u32,
}

fn is_nobody(number: &Pii<Option<String>>) -> bool {
    number.reveal().is_none()
}

/// A free agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The agent.
    pub agent: AgentName,
    /// How long he has been idle, in milliseconds, as [`crate::LongestIdle`] defines it.
    pub idle_ms: u64,
    /// Queue calls that he answered since the switch started.
    pub calls: u32,
}
