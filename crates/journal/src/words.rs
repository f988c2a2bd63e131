//! Words and small records that the events' fields use.

use std::sync::Arc;

use base::{CallId, LegId, Pii};
use serde::{Deserialize, Serialize};

/// The name of a user, agent, queue, flow, trunk, prompt, …: shared with the configuration, not copied.
pub type Name = Arc<str>;

/// Which way a call went through the edge of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a trunk to us.
    Inbound,
    /// From us to a trunk.
    Outbound,
    /// From a user of ours.
    Internal,
}

/// Who sent the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A trunk.
    Trunk(Name),
    /// A user.
    User(Name),
    /// The switch calls somebody back, as was promised in the call of this id.
    Callback(Name),
    /// Neither: the call is refused.
    Unknown,
}

/// What a survey asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Customer satisfaction, 1 to 5.
    Csat,
    /// Net promoter score, 0 to 10.
    Nps,
}

/// Whose leg it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegRole {
    /// The caller's.
    Caller,
    /// An agent's, rung for an offer.
    Agent(Name),
    /// A user's, rung by `dial` or by his number.
    Party(Name),
    /// Of somebody outside, reached through a trunk.
    Outside(Outside),
}

/// A call to the outside: the part of a leg to a trunk that says who may answer for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The trunk.
    pub trunk: Name,
    /// The number that is called there.
    #[serde(with = "base::revealed")]
    pub number: Pii<String>,
    /// The number that the trunk was told, if its rules made another one of it; empty if not.
    #[serde(default, with = "base::revealed", skip_serializing_if = "is_nothing")]
    pub sent: Pii<String>,
    /// Who asked for it.
    pub asked_by: Asker,
    /// The grant that allows it; none for an emergency call, which needs none.
    pub grant: Option<Name>,
}

fn is_nothing(number: &Pii<String>) -> bool {
    number.reveal().is_empty()
}

/// Somebody whom a call was for before it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivertedFrom {
    /// His number.
    #[serde(with = "base::revealed")]
    pub number: Pii<String>,
    /// Why it went on: `unconditional`, `user-busy`, … (RFC 5806).
    pub reason: Name,
    /// Nobody but trusted trunks may learn of him.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// Numbers as they came, where the rules of a trunk made others of them, or something else counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The caller's, in From.
    #[serde(with = "base::revealed")]
    pub from: Pii<String>,
    /// The one that was dialled.
    #[serde(with = "base::revealed")]
    pub to: Pii<String>,
}

/// Who asks for a call to the outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// A user, who dialled it or whose phone redirects there.
    User(Name),
    /// A flow, by a `dial`.
    Flow(Name),
    /// A trunk, whose call passes through.
    Trunk(Name),
}

/// Why a call may not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoWayOut {
    /// No grant of whoever asks holds the number.
    NoGrant,
    /// As many calls of the grant are up as may be at once.
    AtOnce,
    /// The minutes of the grant's day are used up.
    Minutes,
    /// The call has gone out, or was redirected, as often as one call may.
    TooOften,
    /// Its trunk is down, and those that calls go to in its place.
    TrunkDown,
    /// As many calls go by its trunk as may at once (`channels`).
    TrunkFull,
    /// As many calls began by its trunk as may in a second (`calls_per_second`).
    TrunkRate,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The caller hung up.
    Caller,
    /// The agent, or whoever the caller was connected to.
    Agent,
    /// The switch: the flow's end, a limit, a fault, a shutdown.
    System,
}

/// How a call went on with somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// One side sent the other on, without having talked to whom.
    Blind,
    /// One who had two talks brought the other sides together.
    Attended,
    /// Another phone took the place of one that talked.
    Replaced,
    /// Another phone took a call that rang.
    PickedUp,
}

/// A transfer, as a record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Who did it.
    pub by: Asker,
    /// How.
    pub kind: TransferKind,
    /// The number.
    #[serde(with = "base::revealed")]
    pub target: Pii<String>,
    /// The call that has become this one thereby.
    pub joined: Option<CallId>,
}

/// Somebody asks a third one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsultBegan {
    /// Who.
    pub by: Asker,
    /// His leg.
    pub leg: LegId,
    /// The number of whom he asks.
    #[serde(with = "base::revealed")]
    pub target: Pii<String>,
}

/// How a question to a third one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsultOutcome {
    /// He could not be reached, or did not take the call.
    Failed,
    /// Whoever asked let him go, and talked with the caller again.
    Returned,
    /// He hung up, and the two others talked on.
    ThirdLeft,
    /// Whoever asked hung up: the caller went on with the third one.
    Transferred,
    /// The call ended.
    CallOver,
}

/// A question to a third one, as a record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consult {
    /// Who asked.
    pub by: Asker,
    /// The number of whom he asked.
    #[serde(with = "base::revealed")]
    pub target: Pii<String>,
    /// How long the caller waited meanwhile, in milliseconds.
    pub waited_ms: u64,
    /// How long all three talked, in milliseconds.
    pub conference_ms: u64,
    /// How it ended; none if the switch died.
    pub outcome: Option<ConsultOutcome>,
}

/// Why a leg ended, as SIP tells it (RFC 3326).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A SIP status; 200: the call was answered elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<u16>,
    /// A cause of ITU-T Q.850.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q850: Option<u8>,
}

/// Why a call left a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueExit {
    /// An agent answered.
    Answered,
    /// The caller hung up, or nothing is heard of him any more: the call is abandoned.
    Abandoned,
    /// The switch ended the call: it was stopped, the call's longest time was over, or a fault.
    Cut,
    /// The flow took the call on (a key, another step).
    MovedOn,
    /// It had waited as long as it may.
    WaitedTooLong,
    /// Nobody was there who serves the queue.
    NoAgents,
    /// The queue was closed, or closed while the call waited.
    Closed,
    /// Whoever was to be called back was not reached.
    NotReached,
    /// The queue was full, so the call never waited.
    Full,
    /// A routing decision turned it away.
    Refused,
    /// It went on to another queue, or elsewhere, without an agent.
    Overflowed,
}

/// Why a peer did not take us for who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginFault {
    /// It asks for a password, and its trunk has no `login`.
    NoLogin,
    /// It asks in another realm than that of the login, or by nothing that we know: no answer was given.
    OtherRealm,
    /// It did not take our answer: the name or the password is wrong.
    Refused,
}

/// A secret, of which nothing is written.
pub(crate) const fn is_hidden<T>(value: &Pii<Option<T>>) -> bool {
    value.reveal().is_none()
}

/// What a count is when it need not be written.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(crate) const fn is_zero(count: &u64) -> bool {
    *count == 0
}
