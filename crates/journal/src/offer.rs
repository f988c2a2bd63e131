//! What is told of offers, and of the decisions that made them.

use std::collections::BTreeMap;

use base::{CallId, DecisionId, OfferId, Wall};
use serde::{Deserialize, Serialize};

use crate::Name;

/// An agent's phone is rung for the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferMade {
    /// Names the offer.
    pub offer: OfferId,
    /// The queue.
    pub queue: Name,
    /// The agent.
    pub agent: Name,
    /// How long it may ring, in milliseconds.
    pub ring_ms: u64,
    /// Why this agent and this call.
    #[serde(flatten)]
    pub why: OfferReason,
}

/// Why an offer was made as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferReason {
    /// The decision.
    pub decision: DecisionId,
    /// The strategy that decided.
    pub strategy: Name,
    /// True if that is the fallback, as the queue's own strategy did not decide.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
    /// When the snapshot was taken on which it decided.
    pub decided_on: Wall,
    /// In its words.
    pub reason: String,
    /// The best candidates with their figures, best first.
    pub candidates: Vec<Candidate>,
    /// The waiting calls among which it chose one for the agent, in their order; none if it chose an agent for the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Rival>,
    /// Agents of the queue who could not be candidates, counted by reason; reasons that fit nobody are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excluded: BTreeMap<Name, u32>,
}

/// A free agent whom the decision could choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Who.
    pub agent: Name,
    /// How long he had been idle, in milliseconds.
    pub idle_ms: u64,
    /// Queue calls that he had answered.
    pub calls: u32,
    /// His level in the queue.
    #[serde(default)]
    pub level: u8,
    /// Queue calls that he had answered on the day.
    #[serde(default)]
    pub calls_today: u32,
    /// How long he had spoken in queue calls on the day, in milliseconds.
    #[serde(default)]
    pub talk_today_ms: u64,
    /// His skills with their levels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<Name, u8>,
    /// How good the strategy found him; more is better. None if it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
}

/// A waiting call that the decision could give to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rival {
    /// The call.
    pub call: CallId,
    /// Its queue.
    pub queue: Name,
    /// How long it had waited, in milliseconds.
    pub waited_ms: u64,
    /// Its priority, 0 to 100.
    pub priority: u8,
    /// How urgent the strategy found it; more is more so. None if it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
}

/// An offer is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferEnded {
    /// The offer.
    pub offer: OfferId,
    /// The agent.
    pub agent: Name,
    /// How.
    pub outcome: OfferOutcome,
    /// How long it was live, in milliseconds (monotonic).
    pub rang_ms: u64,
}

/// How an offer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferOutcome {
    /// The agent took the call.
    Answered,
    /// His phone was busy.
    Busy,
    /// He declined.
    Declined,
    /// He let it ring for the ring time.
    NoAnswer,
    /// His phone could not be reached, or refused with an error.
    Unreachable,
    /// The caller hung up or left the queue.
    CallerLeft,
    /// The call had waited as long as it may.
    WaitedTooLong,
    /// Of several agents who were rung another one was faster.
    AnsweredElsewhere,
}

/// A decision about a call was not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRejected {
    /// The queue whose strategy decided.
    pub queue: Name,
    /// What was wrong.
    pub fault: DecisionFault,
    /// The decision's own reason; none if it did not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A call that waits is another one, by its queue's rule or by a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallChanged {
    /// The queue.
    pub queue: Name,
    /// What its agent must know from now on, if that is less than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<BTreeMap<Name, u8>>,
    /// Its priority from now on, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Why, in words.
    pub reason: String,
}

/// What was wrong with a routing decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionFault {
    /// It did not come in time.
    Late,
    /// The agent or call that it names was taken meanwhile.
    Stale,
    /// It names what could not be chosen.
    Impossible,
}
