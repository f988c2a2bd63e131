//! Decisions as they were asked for, and plugins that did not make theirs.

use std::sync::Arc;

use routing::{Decision, Outcome, Snapshot};
use serde::{Deserialize, Serialize};

use crate::Name;

/// A decision, with all that it went by: asked again, whoever decided decides the same.
///
/// It holds what the snapshot holds of the caller: his number, and what his flow found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The queue that asked.
    pub queue: Name,
    /// The plugin or strategy that decided.
    pub strategy: Name,
    /// The plugin's parameters, as JSON; none of a strategy that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Arc<str>>,
    /// How long the plugin took, in microseconds; none of a strategy that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// What it went by.
    pub snapshot: Arc<Snapshot>,
    /// What it said.
    pub decision: Box<Decision>,
}

/// A plugin was told of outcomes, and its state for the queue is another one since: told the same again, it learns the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLearnt {
    /// The plugin.
    pub plugin: Name,
    /// The queue.
    pub queue: Name,
    /// The plugin's parameters, as JSON.
    pub parameters: Arc<str>,
    /// What it was told, in that order.
    pub outcomes: Vec<Outcome>,
    /// Its state before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its state since.
    pub state: String,
}

/// A plugin did not decide, or not so that it could be carried out: the queue's own strategy decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginFailed {
    /// The plugin.
    pub plugin: Name,
    /// The queue that asked.
    pub queue: Name,
    /// What was wrong, as a word: `deadline`, `trap`, `impossible`, …
    pub fault: Name,
    /// The same in words, of a bounded length.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// It is not asked for so long from now on, in milliseconds, as it failed too often in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_ms: Option<u64>,
}
