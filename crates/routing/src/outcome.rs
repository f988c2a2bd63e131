//! What became of a decision, for strategies that learn.

use base::{CallId, Wall};
use serde::{Deserialize, Serialize};

use crate::{AgentName, QueueName};

/// What became of a decision. An offer ends once; a call that was accepted is `ended` later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When.
    pub at: Wall,
    /// The queue by which the call was offered.
    pub queue: QueueName,
    /// The call.
    pub call: CallId,
    /// The agent.
    pub agent: AgentName,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
}

/// What happened to an offer, or to the call that came of it. Within a version it may grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "happened", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// The agent took the call.
    Accepted {
        /// How long it rang, in milliseconds.
        rang_ms: u64,
    },
    /// He declined, or his phone was busy.
    Declined {
        /// How long it rang, in milliseconds.
        rang_ms: u64,
    },
    /// He let it ring for the ring time.
    TimedOut {
        /// How long it rang, in milliseconds.
        rang_ms: u64,
    },
    /// His phone could not be reached, or refused with an error.
    Unreachable {
        /// How long it was tried, in milliseconds.
        rang_ms: u64,
    },
    /// The offer ended through no doing of his: the caller hung up or had waited too long, or a colleague was faster.
    Withdrawn {
        /// How long it rang, in milliseconds.
        rang_ms: u64,
    },
    /// A call that he took is over, with the time that he had for himself after it.
    Ended {
        /// How long they spoke, in milliseconds.
        talk_ms: u64,
        /// The code that he gave the call, if he did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disposition: Option<String>,
    },
}
