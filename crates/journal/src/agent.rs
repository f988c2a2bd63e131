//! What is told of agents apart from calls: what they say of themselves.
//!
//! Occupancy and adherence are folds over these events: an agent is what the last one says, from its time on. A start tells
//! what everybody is who is not logged out, and so does the begin of each day; a configuration tells what it changes.

use base::Wall;
use serde::{Deserialize, Serialize};

use crate::Name;

/// What an agent says of himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStatus {
    /// He takes calls.
    Available,
    /// He takes none for a while, for the reason beside this.
    Break,
    /// He is not there.
    LoggedOut,
}

/// By what somebody's status changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusBy {
    /// He said so by his phone.
    Phone,
    /// Somebody said so on the switch's machine.
    Operator,
    /// His phone registered, or is not there any more.
    Registration,
    /// The switch did by itself, as he did not take calls.
    Automatic,
    /// Another configuration.
    Configuration,
    /// The switch started.
    Start,
    /// A day began: nothing is new, but each day's journal says who is there.
    Day,
}

/// An agent is something else from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChanged {
    /// The agent.
    pub agent: Name,
    /// What he is.
    pub status: AgentStatus,
    /// Why he is on a break, by the code of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Name>,
    /// By what.
    pub by: StatusBy,
    /// Which operator: the name that he gave, and the user id that the system knows him by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
}

/// An agent says what came of a call, or somebody says it for him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposed {
    /// The agent.
    pub agent: Name,
    /// What came of it, by the code of the configuration.
    pub code: Name,
    /// By what: a phone or an operator.
    pub by: StatusBy,
    /// Which operator: the name that he gave, and the user id that the system knows him by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
}

/// The phone of an agent is lost in mid-call: he was not hung up on, nor did he hang up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLost {
    /// The agent.
    pub agent: Name,
    /// How that was seen: `media_silent`, `timeout`, `gone` or `session_expired`, as the end of his leg has it.
    pub cause: Name,
    /// How long he has to come back, in milliseconds. If he does, a leg of his begins; else the call joins its queue again.
    pub return_ms: u64,
}

/// The last word on an agent that is kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSaid {
    /// The agent.
    pub agent: Name,
    /// What was said; nothing: his phone alone says whether he is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AgentStatus>,
    /// Why he is on a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Name>,
    /// Since when, in microseconds since 1970.
    pub at: Wall,
}
