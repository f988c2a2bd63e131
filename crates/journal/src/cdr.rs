//! The record of a call, with the definition of each figure.

use std::collections::BTreeMap;

use base::{CallId, Day, Pii, TakeId, Wall};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Consult, Direction, DivertedFrom, Name, OfferedTo, Origin, Outside, Party, Reason, Received, Scale, Transfer, Visit,
};

/// Call detail record: one a call, made when it ends. Times are RFC 3339 in UTC, durations whole milliseconds.
///
/// The words are the field's own: *wait* is time in queues, *ring* time that phones rang, *talk* time bridged without *hold*.
/// Speed of answer is `wait_ms` of calls whose disposition is `answered` and that name a queue; handle time is
/// `talk_ms + hold_ms` (wrap-up belongs to the agent, not to the call).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cdr {
    /// Version of the record; fields may be added within one.
    pub version: u16,
    /// The call.
    pub call: CallId,
    /// Which way it went.
    pub direction: Direction,
    /// The caller's number as signalled; empty if withheld.
    #[serde(with = "base::revealed")]
    pub from: Pii<String>,
    /// The number that was dialled.
    #[serde(with = "base::revealed")]
    pub to: Pii<String>,
    /// The numbers as they came, if they were others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// A trusted trunk says that the number is the caller's.
    pub asserted: bool,
    /// The caller wants to be hidden.
    pub private: bool,
    /// Whom the call was for before, by the word of a trusted trunk, the last one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diverted_from: Vec<DivertedFrom>,
    /// The trunk or user that sent it.
    pub origin: Origin,
    /// When it came.
    #[serde(serialize_with = "rfc3339")]
    pub began: Wall,
    /// When the switch answered the caller; none if it never did.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub answered: Option<Wall>,
    /// When it ended.
    #[serde(serialize_with = "rfc3339")]
    pub ended: Wall,
    /// From `began` to `ended`.
    pub duration_ms: u64,
    /// Time in queues, summed over its visits: from joining until an agent answered or the call left.
    pub wait_ms: u64,
    /// Time that agents' phones rang for it, summed over its offers.
    pub ring_ms: u64,
    /// Time bridged with an agent or another party, summed, but for `hold_ms`.
    pub talk_ms: u64,
    /// Time in which either side of a bridge held the other, or asked a third one, summed.
    pub hold_ms: u64,
    /// The queue that it joined last.
    pub queue: Option<Name>,
    /// The agent or user with whom the caller was connected last.
    pub agent: Option<Name>,
    /// Offers made to agents for it.
    pub offers: u32,
    /// Its visits to queues, in order; the first 63 and the last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<Visit>,
    /// Its offers to agents, in the order in which they were made; the first 256.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offered_to: Vec<OfferedTo>,
    /// Its legs to trunks, in the order in which they began.
    pub outside: Vec<OutsideLeg>,
    /// How it went on with others, in order; the first 64.
    pub transfers: Vec<Transfer>,
    /// Whom those asked who talked with the caller, in order; the first 64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consults: Vec<Consult>,
    /// What the caller said in surveys, in order; the first 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surveys: Vec<SurveyAnswer>,
    /// What agents said came of it, the last word of each; of 16 agents at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dispositions: Vec<AgentDisposition>,
    /// The call that it has become, whose record tells how it went on.
    pub joined: Option<CallId>,
    /// What became of it.
    pub disposition: Disposition,
    /// Who ended it.
    pub hung_up_by: Option<Party>,
    /// Why it ended, as journaled.
    pub cause: Name,
    /// Why, as phones were told: by the side that hung up, or by the switch.
    pub reason: Option<Reason>,
    /// Its recordings, in the order in which they began.
    pub recordings: Vec<Recording>,
    /// Recorded time that could not be kept, over all recordings, in milliseconds.
    pub recording_lost_ms: u64,
    /// True if the switch died during the call: figures are those up to the last event found.
    pub cut: bool,
}

/// A leg of a call that left to a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideLeg {
    /// Whereto, and by whose leave.
    #[serde(flatten)]
    pub call: Outside,
    /// The final SIP status, if one refused it.
    pub status: Option<u16>,
    /// From its answer to its end, in milliseconds by day (UTC): what the grant is charged. Empty if nobody answered.
    pub charged_ms: BTreeMap<Day, u64>,
}

/// An answer of the caller to a survey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SurveyAnswer {
    /// The name of the flow's node that asked.
    pub survey: Name,
    /// What was asked.
    pub scale: Scale,
    /// The score: 1–5 or 0–10.
    pub score: u8,
    /// The queue that the caller had been in last, if in any.
    pub queue: Option<Name>,
    /// With whom he had talked last, if with anybody.
    pub agent: Option<Name>,
}

/// What an agent said came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentDisposition {
    /// The agent.
    pub agent: Name,
    /// What came of it, by the code of the configuration.
    pub code: Name,
}

/// What became of a call. The first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It was connected with an agent or another party.
    Answered,
    /// It ended while waiting in a queue.
    Abandoned,
    /// The switch answered, and the call needed nobody or reached nobody: it ended in a menu, after a queue gave it
    /// up, or after a dialled party did not answer.
    SelfServed,
    /// The caller gave up before the switch answered.
    Cancelled,
    /// The switch refused it.
    Refused,
}

/// A recording of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recording {
    /// Its id.
    pub take: TakeId,
    /// Its file, below the data folder; none if it could not be made.
    pub file: Option<Name>,
    /// Its length in milliseconds, lost parts included; 0 if the switch died before it ended.
    pub length_ms: u64,
    /// Time of it that could not be kept, in milliseconds.
    pub lost_ms: u64,
}

pub(crate) fn rfc3339<S: Serializer>(at: &Wall, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

fn maybe_rfc3339<S: Serializer>(at: &Option<Wall>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}
