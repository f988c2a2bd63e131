//! Small records of callers who are to be called back.

use std::collections::BTreeMap;

use base::{Pii, Wall};
use serde::{Deserialize, Serialize};

use crate::Name;

/// Somebody is to be called back, as that is kept over a restart: of several lines of one name the last counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackKept {
    /// Its name: the id of the call in which it was promised.
    pub callback: Name,
    /// What was promised; none once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<CallbackPromise>,
}

/// What was promised to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackPromise {
    /// The queue whose agents call.
    pub queue: Name,
    /// Whom.
    #[serde(with = "base::revealed")]
    pub number: Pii<String>,
    /// The number that he had dialled.
    pub dialled: Name,
    /// The flow that promised it, by whose grants he is called.
    pub flow: Name,
    /// The calendar in whose open hours he is called.
    pub hours: Name,
    /// The table of numbers that are not called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Name>,
    /// Since when he waits, which decides on his place.
    pub since: Wall,
    /// Who has more is served first.
    pub priority: u8,
    /// What his agent must know.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<Name, u8>,
    /// Attempts that are left.
    pub attempts: u8,
    /// Attempts that cost none, as an agent ended them while the number was rung.
    #[serde(default)]
    pub excused: u8,
    /// How long after one the next comes, in seconds.
    pub retry_s: u64,
    /// Not before this.
    pub not_before: Wall,
}

/// What becomes of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackTold {
    /// Its name: the id of the call in which it was promised.
    pub callback: Name,
    /// What.
    #[serde(flatten)]
    pub step: CallbackStep,
}

/// A step of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum CallbackStep {
    /// The caller of this call will be called back.
    Promised {
        /// By an agent of this queue.
        queue: Name,
        /// At this number.
        #[serde(with = "base::revealed")]
        number: Pii<String>,
    },
    /// He wanted it, and will not be.
    Refused {
        /// Why not.
        why: NoCallback,
    },
    /// This call is an attempt.
    Begun,
    /// He was not reached.
    Missed {
        /// Attempts that are left; with none it is over.
        left: u8,
    },
    /// He talked with an agent: it is over.
    Reached,
    /// The agent was lost while they talked: he is called again, in his turn.
    Cut,
    /// An operator took it back.
    Cancelled {
        /// Who, by his own word and by whom the system knows him as.
        by: String,
    },
    /// His number must not be called any more: it is over.
    Barred,
}

/// Why somebody is not called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoCallback {
    /// There is no number, or it is none outside.
    NoNumber,
    /// No grant of the flow holds it.
    NoGrant,
    /// It stands in the table of those that are not called.
    Barred,
    /// As many wait for that as may.
    TooMany,
}
