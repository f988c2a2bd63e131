//! What a driver knows of a call when it begins, and of queues when it is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base::{Pii, Wall};
use serde::{Deserialize, Serialize};

/// What is known of the call, for conditions to read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The caller's number; empty if he withholds it.
    #[serde(with = "base::revealed")]
    pub caller_number: Pii<String>,
    /// The caller's name; empty if nobody says it.
    #[serde(with = "base::revealed")]
    pub caller_name: Pii<String>,
    /// The number that he dialled.
    pub dialled: String,
    /// Calls of his number that began before this one, on the same day.
    #[serde(default)]
    pub calls_today: u32,
    /// When the last one before this one began, on whatever day; none if none is known.
    #[serde(default)]
    pub last_call: Option<Wall>,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("dialled", &self.dialled).finish_non_exhaustive()
    }
}

/// How a queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Callers who wait, those included for whom a phone rings.
    pub waiting: u32,
    /// How long the first of those has waited for whom no phone rings.
    pub longest_wait: Duration,
    /// Agents who could take a call now.
    pub free: u32,
}

/// How queues stand, by name.
pub type Figures = BTreeMap<Arc<str>, QueueFigures>;
