//! Plugins that decide for queues: asked through a driver, judged by what comes of it, and left alone for a while if they
//! fail again and again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use acd::{Binding, QueueName};
use base::{CallId, DecisionId, IdMap, Mono, Now, Wall};
use journal::{Decided, Kind, Name, PluginFailed};
use routing::{Decision, MAX_REASON, PluginName, Snapshot};
use serde::{Deserialize, Serialize};

use crate::fault::Hand;
use crate::outgoing::millis;
use crate::switch::Switch;

/// A decision that the driver of plugins is to have made. [`Switch::handle_plugin`] is to be told once what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginAsk {
    /// Names the decision.
    pub id: DecisionId,
    /// The queue that asks.
    pub queue: QueueName,
    /// The plugin, and what it is to go by.
    pub binding: Arc<Binding>,
    /// What is known.
    pub snapshot: Arc<Snapshot>,
}

/// Why a plugin did not decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFault {
    /// What was wrong, as a word of the driver's.
    pub kind: &'static str,
    /// The same in words.
    pub text: String,
}

/// When a plugin is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// After so many failures in a row.
    pub after: u32,
    /// For so long. The first failure after it has it rest again.
    pub lasts: Duration,
}

impl Default for Rest {
    fn default() -> Self {
        Self { after: 5, lasts: Duration::from_secs(30) }
    }
}

/// A plugin, as operators see it. Counts are since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginState {
    /// Its name.
    pub plugin: String,
    /// The queues that ask it, in the order of the configuration.
    pub queues: Vec<String>,
    /// So long it will not be asked, in milliseconds, as it failed again and again.
    #[serde(default)]
    pub rests_ms: Option<u64>,
    /// How often it was asked.
    pub asked: u64,
    /// Decisions of its that were carried out.
    pub decided: u64,
    /// Failures, by what was wrong.
    pub failed: BTreeMap<Name, u64>,
    /// Decisions that it was not asked for as it rested.
    pub rested: u64,
    /// Failures since the last decision that was carried out.
    pub in_row: u32,
    /// How long its answers took together, in microseconds, and the longest.
    pub took_us: u64,
    /// The longest.
    pub longest_us: u64,
    /// The last failure: when, what, and in words.
    #[serde(default)]
    pub last_failure: Option<(Wall, Name, String)>,
}

#[derive(Debug, Default)]
struct Standing {
    state: PluginState,
    rests_until: Option<Mono>,
}

/// All plugins.
#[derive(Debug, Default)]
pub(crate) struct Plugins {
    orders: VecDeque<PluginAsk>,
    under_way: IdMap<DecisionId, PluginAsk>,
    standing: BTreeMap<PluginName, Standing>,
}

impl Plugins {
    fn of(&mut self, plugin: &PluginName) -> &mut Standing {
        self.standing.entry(plugin.clone()).or_default()
    }
}

impl Switch {
    /// The next decision to have made.
    pub fn poll_plugin(&mut self) -> Option<PluginAsk> {
        self.plugins.orders.pop_front()
    }

    /// What came of asking a plugin, and how long it took, without waiting for its turn. An answer that nobody waits for any
    /// more changes nothing.
    pub fn handle_plugin(&mut self, now: Now, id: DecisionId, outcome: Result<Decision, PluginFault>, took: Duration) {
        self.hand = Hand::Nothing;
        let Some(ask) = self.plugins.under_way.remove(&id) else { return };
        base::give_back(&mut self.plugins.under_way);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let plugin = ask.binding.plugin.clone();
        let state = &mut self.plugins.of(&plugin).state;
        state.took_us = state.took_us.saturating_add(took_us);
        state.longest_us = state.longest_us.max(took_us);
        match outcome {
            Ok(decision) => {
                self.note_decided(now, &ask, &decision, Some(took_us));
                if self.take_decision(now, ask.id, decision) {
                    let standing = self.plugins.of(&plugin);
                    standing.state.decided += 1;
                    standing.state.in_row = 0;
                    standing.rests_until = None;
                }
            }
            Err(PluginFault { kind, text }) => {
                let call = self.acd.decide_otherwise(now, ask.id);
                self.plugin_failed(now, &plugin, &ask.queue, call, kind, text);
            }
        }
        self.settle(now);
    }

    /// A queue wants a decision of its plugin.
    pub(crate) fn ask_plugin(&mut self, now: Now, ask: PluginAsk) {
        let standing = self.plugins.of(&ask.binding.plugin);
        if standing.rests_until.is_some_and(|until| now.monotonic < until) {
            standing.state.rested += 1;
            self.acd.decide_otherwise(now, ask.id);
            return;
        }
        standing.state.asked += 1;
        self.plugins.under_way.insert(ask.id, ask.clone());
        self.plugins.orders.push_back(ask);
    }

    /// A plugin has failed. `call`: the one that it was about, if that still waits.
    pub(crate) fn plugin_failed(
        &mut self,
        now: Now,
        plugin: &PluginName,
        queue: &QueueName,
        call: Option<CallId>,
        kind: &'static str,
        mut text: String,
    ) {
        let rest = self.config.plugins.get(plugin).copied().unwrap_or_default();
        text.truncate(text.floor_char_boundary(MAX_REASON));
        let standing = self.plugins.of(plugin);
        let state = &mut standing.state;
        *state.failed.entry(kind.into()).or_default() += 1;
        state.in_row = state.in_row.saturating_add(1);
        state.last_failure = Some((now.wall, kind.into(), text.clone()));
        // Those that were asked before it rested may fail while it does.
        let rested = standing.rests_until.is_some_and(|until| now.monotonic < until);
        let rests = state.in_row >= rest.after && !rested;
        if rests {
            standing.rests_until = Some(now.monotonic + rest.lasts);
        }
        let rests_ms = rests.then(|| millis(rest.lasts));
        let (plugin, queue) = (plugin.shared().clone(), queue.shared().clone());
        let failed = Kind::PluginFailed(PluginFailed { plugin, queue, fault: kind.into(), text, rests_ms });
        match call {
            Some(call) => self.note(now, call, failed),
            None => self.book.write_system(now, failed),
        }
    }

    /// Keeps a decision with all that it went by.
    pub(crate) fn note_decided(&mut self, now: Now, ask: &PluginAsk, decision: &Decision, took_us: Option<u64>) {
        let Some(call) = ask.snapshot.calls().first() else { return };
        let decided = Decided {
            queue: ask.queue.shared().clone(),
            strategy: ask.binding.plugin.shared().clone(),
            parameters: Some(ask.binding.parameters.clone()),
            took_us,
            snapshot: ask.snapshot.clone(),
            decision: Box::new(decision.clone()),
        };
        self.note(now, call.id, Kind::Decided(decided));
    }

    /// Every plugin of the configuration, by name.
    pub(crate) fn plugin_states(&self, now: Now) -> Vec<PluginState> {
        let state = |plugin: &PluginName| {
            let standing = self.plugins.standing.get(plugin);
            let asks = |queue: &&acd::QueueConfig| queue.plugin.as_ref().is_some_and(|asked| asked.plugin == *plugin);
            let until = standing.and_then(|standing| standing.rests_until).filter(|until| *until > now.monotonic);
            PluginState {
                plugin: plugin.to_string(),
                queues: self.config.queues.iter().filter(asks).map(|queue| queue.name.to_string()).collect(),
                rests_ms: until.map(|until| millis(until.since(now.monotonic))),
                ..standing.map(|standing| standing.state.clone()).unwrap_or_default()
            }
        };
        self.config.plugins.keys().map(state).collect()
    }
}
