//! Plugins that decide for queues: asked through a driver, judged by what comes of it, and left alone for a while if they
//! fail again and again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{Binding, QueueName};
use base::{CallId, DecisionId, Mono, Now, Wall};
use journal::{Decided, Kind, Name, PluginFailed, PluginLearnt};
use routing::{Decision, MAX_REASON, Outcome, PluginName, Snapshot};
use serde::{Deserialize, Serialize};

use crate::fault::Hand;
use crate::outgoing::millis;
use crate::plugin_lines::{Lines, Next, PluginAsk, PluginOrder, PluginTell};
use crate::switch::Switch;

/// The word for a plugin that left a decision to the queue's strategy of its own will: that is no reason to leave it alone.
const DECLINED: &str = "declined";

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
    /// Outcomes that it was told, and those that it was not, as it failed, rested or was behind.
    #[serde(default)]
    pub told: u64,
    /// Those that it was not told.
    #[serde(default)]
    pub untold: u64,
    /// Failures since the last decision that was carried out, or that it left to the strategy.
    pub in_row: u32,
    /// How often it answered, be it by a failure of its own.
    #[serde(default)]
    pub answered: u64,
    /// How long its answers took together, in microseconds.
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

impl Standing {
    fn rests(&self, now: Now) -> bool {
        self.rests_until.is_some_and(|until| now.monotonic < until)
    }

    fn took(&mut self, took: Duration) -> u64 {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.state.answered += 1;
        self.state.took_us = self.state.took_us.saturating_add(took_us);
        self.state.longest_us = self.state.longest_us.max(took_us);
        took_us
    }
}

/// All plugins.
#[derive(Debug, Default)]
pub(crate) struct Plugins {
    pub lines: Lines,
    standing: BTreeMap<PluginName, Standing>,
}

impl Plugins {
    fn of(&mut self, plugin: &PluginName) -> &mut Standing {
        self.standing.entry(plugin.clone()).or_default()
    }
}

impl Switch {
    /// The next thing that a plugin is to do.
    pub fn poll_plugin(&mut self) -> Option<PluginOrder> {
        self.plugins.lines.poll()
    }

    /// What came of asking a plugin, and how long it took, without waiting for its turn. An answer that nobody waits for any
    /// more changes nothing.
    pub fn handle_plugin(&mut self, now: Now, id: DecisionId, outcome: Result<Decision, PluginFault>, took: Duration) {
        self.hand = Hand::Nothing;
        let Some(ask) = self.plugins.lines.decided(id) else { return };
        let plugin = ask.binding.plugin.clone();
        let took_us = self.plugins.of(&plugin).took(took);
        match outcome {
            Ok(decision) => {
                let (queue, parameters) = (&ask.queue, Some(ask.binding.parameters.clone()));
                self.note_decided(now, queue, plugin.shared(), parameters, Some(took_us), &ask.snapshot, &decision);
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
        self.next_of_line(now, &ask.queue);
        self.settle(now);
    }

    /// What came of telling a queue's plugin of outcomes: the state that takes the place of its state, if another one does; and
    /// how long it took.
    pub fn handle_told(
        &mut self,
        now: Now,
        queue: &QueueName,
        outcome: Result<Option<String>, PluginFault>,
        took: Duration,
    ) {
        self.hand = Hand::Nothing;
        let Some(tell) = self.plugins.lines.told(queue) else { return };
        let plugin = tell.binding.plugin.clone();
        let standing = self.plugins.of(&plugin);
        standing.took(took);
        let count = u64::try_from(tell.outcomes.len()).unwrap_or(u64::MAX);
        match outcome {
            Ok(state) => {
                standing.state.told += count;
                if let Some(state) = state.filter(|state| self.acd.set_strategy_state(queue, state.clone())) {
                    let learnt = PluginLearnt {
                        plugin: plugin.shared().clone(),
                        queue: queue.shared().clone(),
                        parameters: tell.binding.parameters.clone(),
                        outcomes: tell.outcomes.to_vec(),
                        before: tell.state,
                        state,
                    };
                    self.book.write_system(now, Kind::PluginLearnt(learnt));
                }
            }
            Err(PluginFault { kind, text }) => {
                standing.state.untold += count;
                self.plugin_failed(now, &plugin, queue, None, kind, text);
            }
        }
        self.next_of_line(now, queue);
        self.settle(now);
    }

    /// What a queue's plugin had learnt before a restart; of no use to another plugin. To be called at the start.
    pub fn restore_plugin_state(&mut self, queue: &QueueName, plugin: &Name, state: String) {
        let asks = |asks: &&acd::QueueConfig| {
            asks.name == *queue && asks.plugin.as_ref().is_some_and(|binding| binding.plugin.shared() == plugin)
        };
        if self.config.queues.iter().any(|config| asks(&config)) {
            self.acd.set_strategy_state(queue, state);
        }
    }

    /// A queue wants a decision of its plugin.
    pub(crate) fn ask_plugin(&mut self, now: Now, ask: PluginAsk) {
        let standing = self.plugins.of(&ask.binding.plugin);
        if standing.rests(now) {
            standing.state.rested += 1;
            self.acd.decide_otherwise(now, ask.id);
            return;
        }
        standing.state.asked += 1;
        let queue = ask.queue.clone();
        self.plugins.lines.ask(ask);
        self.next_of_line(now, &queue);
    }

    /// Something became of an offer or a call that the plugin of the queue may learn from.
    pub(crate) fn tell_plugin(&mut self, now: Now, binding: &Arc<Binding>, outcome: Outcome) {
        let standing = self.plugins.of(&binding.plugin);
        if standing.rests(now) {
            standing.state.untold += 1;
            return;
        }
        let queue = outcome.queue.clone();
        if self.plugins.lines.tell(binding, outcome) {
            self.plugins.of(&binding.plugin).state.untold += 1;
        }
        self.next_of_line(now, &queue);
    }

    /// Has a queue's plugin do the next thing, if it is at nothing.
    fn next_of_line(&mut self, now: Now, queue: &QueueName) {
        while let Some(next) = self.plugins.lines.next(queue) {
            match next {
                Next::Ask(mut ask) => {
                    let standing = self.plugins.of(&ask.binding.plugin);
                    if !self.acd.waits_for(ask.id) {
                        continue;
                    }
                    if standing.rests(now) {
                        standing.state.rested += 1;
                        self.acd.decide_otherwise(now, ask.id);
                        continue;
                    }
                    // What it found out meanwhile.
                    let state = self.acd.strategy_state(queue);
                    if ask.snapshot.state.as_deref() != state {
                        Arc::make_mut(&mut ask.snapshot).state = state.map(str::to_owned);
                    }
                    return self.plugins.lines.order(PluginOrder::Decide(ask));
                }
                Next::Tell(binding, outcomes) => {
                    let standing = self.plugins.of(&binding.plugin);
                    if standing.rests(now) {
                        standing.state.untold += u64::try_from(outcomes.len()).unwrap_or(u64::MAX);
                        continue;
                    }
                    let state = self.acd.strategy_state(queue).map(str::to_owned);
                    let tell = PluginTell { queue: queue.clone(), binding, outcomes: outcomes.into(), state };
                    return self.plugins.lines.order(PluginOrder::Tell(tell));
                }
            }
        }
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
        state.in_row = if kind == DECLINED { 0 } else { state.in_row.saturating_add(1) };
        state.last_failure = Some((now.wall, kind.into(), text.clone()));
        // Those that were asked before it rested may fail while it does.
        let rested = standing.rests_until.is_some_and(|until| now.monotonic < until);
        let rests = state.in_row >= rest.after && !rested;
        if kind == DECLINED && !rested {
            standing.rests_until = None;
        }
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
    #[expect(clippy::too_many_arguments, reason = "each is a field of what is kept")]
    pub(crate) fn note_decided(
        &mut self,
        now: Now,
        queue: &QueueName,
        strategy: &Name,
        parameters: Option<Arc<str>>,
        took_us: Option<u64>,
        snapshot: &Arc<Snapshot>,
        decision: &Decision,
    ) {
        let Some(call) = snapshot.calls().first().map(|call| call.id) else { return };
        let decided = Decided {
            queue: queue.shared().clone(),
            strategy: strategy.clone(),
            parameters,
            took_us,
            snapshot: snapshot.clone(),
            decision: Box::new(decision.clone()),
        };
        self.note(now, call, Kind::Decided(decided));
    }

    /// Every plugin of the configuration, by name.
    #[must_use]
    pub fn plugin_states(&self, now: Now) -> Vec<PluginState> {
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
