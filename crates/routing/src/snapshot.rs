//! What a strategy is told: one moment, as plain data.

use base::{CallId, DecisionId, Pii, Wall};
use serde::{Deserialize, Serialize};

use crate::{AgentName, Levels, QueueName, Variables};

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
    /// A number drawn for this decision, for strategies that choose by chance.
    #[serde(default)]
    pub seed: u64,
    /// The queue that asks. With call surplus, the queue of the call that stands first.
    pub queue: Queue,
    /// With call surplus, the other queues of the calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_queues: Vec<Queue>,
    /// What the queue's strategy wanted to find here ([`crate::Decision::state`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
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
        /// Free agents who have what the call needs, in the strategy's order ([`crate::Order`]); never empty; at most
        /// [`MAX_CANDIDATES`].
        candidates: Vec<Candidate>,
    },
    /// Call surplus: one agent who became free, and calls of which he is to get one.
    Call {
        /// The agent.
        agent: Candidate,
        /// Calls of all his queues that he could take, in the order in which they are to be served: those of queues where
        /// his level is lower first, then by priority and waiting time. Never empty; at most [`MAX_CANDIDATES`]. The
        /// first call of each queue is among them.
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

    /// The queue of a call.
    #[must_use]
    pub fn queue_of(&self, call: &Call) -> &Queue {
        self.other_queues.iter().find(|queue| queue.name == call.queue).unwrap_or(&self.queue)
    }
}

/// A queue at the moment of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: QueueName,
    /// Calls that wait and are offered to nobody.
    pub waiting: u32,
    /// How long the one that waits longest has waited, in milliseconds.
    pub longest_wait_ms: u64,
    /// Agents of the queue who could not be candidates, counted by the reason.
    pub excluded: Exclusions,
    /// How long an agent's phone rings if the decision does not say, in milliseconds.
    pub ring_ms: u64,
    /// What it has promised, and how it kept that so far.
    #[serde(default)]
    pub service: Service,
}

/// A queue's service objective and what became of its calls of late. For decisions: the figures that are reported are
/// computed from the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Calls are to be answered within so many milliseconds…
    pub within_ms: u64,
    /// …in so many of a hundred cases.
    pub target: u8,
    /// Of the last hundred calls or so that were answered or given up, those that were answered in time, in hundredths
    /// of a percent; none while there were none.
    pub kept: Option<u16>,
}

impl Default for Service {
    fn default() -> Self {
        Self { within_ms: 20_000, target: 80, kept: None }
    }
}

impl Service {
    /// By how much the queue is behind its target, in hundredths of a percent; negative if it is ahead. A queue without
    /// calls so far is at its target.
    #[must_use]
    pub fn behind(&self) -> i64 {
        self.kept.map_or(0, |kept| i64::from(self.target) * 100 - i64::from(kept))
    }
}

/// Agents of the queue who could not be candidates, counted by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusions {
    /// Not logged in.
    pub unavailable: u32,
    /// On a break.
    #[serde(default)]
    pub on_break: u32,
    /// Free, but without a skill that the call needs, or at too low a level.
    #[serde(default)]
    pub unskilled: u32,
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
    /// From 0 to 100; who has more is served first.
    #[serde(default = "usual_priority")]
    pub priority: u8,
    /// The skills that its agent must have.
    #[serde(default, skip_serializing_if = "Levels::is_empty")]
    pub needs: Levels,
    /// The language that the caller chose, if he chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The flows and nodes by which it came, as `FLOW/NODE`, the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub way: Vec<String>,
    /// The variables of the flow by which it came, when it joined the queue. Personal data, as the caller's number is.
    #[serde(default, skip_serializing_if = "Variables::is_nothing")]
    pub variables: Variables,
    /// Earlier calls of the same number today.
    #[serde(default)]
    pub repeats: u32,
    /// The agent who spoke with this caller last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_agent: Option<LastAgent>,
    /// With call surplus, the agent's level in this queue ([`Candidate::level`]).
    #[serde(default)]
    pub level: u8,
}

impl Call {
    /// A call of which nothing more is known.
    #[must_use]
    pub fn new(id: CallId, queue: impl Into<QueueName>) -> Self {
        Self {
            id,
            queue: queue.into(),
            caller: Pii::default(),
            dialled: String::new(),
            diverted_from: Pii::default(),
            waited_ms: 0,
            offers: 0,
            priority: USUAL_PRIORITY,
            needs: Levels::default(),
            language: None,
            way: Vec::new(),
            variables: Variables::default(),
            repeats: 0,
            last_agent: None,
            level: 0,
        }
    }
}

/// The priority of a call of which none was said.
pub const USUAL_PRIORITY: u8 = 50;

const fn usual_priority() -> u8 {
    USUAL_PRIORITY
}

/// An agent who spoke with a caller before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAgent {
    /// The agent.
    pub agent: AgentName,
    /// What he is doing.
    pub presence: Presence,
}

/// What an agent is doing, as far as it matters to a call that would rather have him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Free; if he could take the call, he is a candidate.
    Free,
    /// Speaks, is being rung, or has time for himself after a call: he will be free.
    Busy,
    /// Not logged in, on a break, resting after an offer that he did not take, or he does not serve the queue or lacks
    /// a skill.
    Away,
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
    /// His level in the queue: who has a higher number is asked only if nobody with a lower one is free.
    #[serde(default)]
    pub level: u8,
    /// His place in the queue's list, from 0.
    #[serde(default)]
    pub position: u32,
    /// His share of the calls beside others', for choices by chance.
    #[serde(default = "usual_weight")]
    pub weight: u16,
    /// The number of his last offer from this queue, counted over all its offers; 0 if he had none.
    #[serde(default)]
    pub turn: u64,
    /// Queue calls that he answered today.
    #[serde(default)]
    pub calls_today: u32,
    /// How long he spoke in queue calls today, in milliseconds.
    #[serde(default)]
    pub talk_today_ms: u64,
    /// Of the time in which he took calls today, the part that he spoke or had for himself after a call, in thousandths.
    #[serde(default)]
    pub occupancy: u16,
    /// His skills.
    #[serde(default, skip_serializing_if = "Levels::is_empty")]
    pub skills: Levels,
}

impl Candidate {
    /// An agent who became idle just now, of whom nothing more is known.
    #[must_use]
    pub fn new(agent: impl Into<AgentName>) -> Self {
        Self {
            agent: agent.into(),
            idle_ms: 0,
            calls: 0,
            level: 0,
            position: 0,
            weight: 1,
            turn: 0,
            calls_today: 0,
            talk_today_ms: 0,
            occupancy: 0,
            skills: Levels::default(),
        }
    }
}

const fn usual_weight() -> u16 {
    1
}
