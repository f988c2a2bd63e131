//! What the machine must know of queues and agents.

use std::sync::Arc;
use std::time::Duration;

use routing::{AgentName, Levels, MAX_CANDIDATES, Method, Order, PluginName, QueueName, Strategy as _, Widening};

use crate::{Attendance, Overflow, Penalties};

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Its name, unique.
    pub name: QueueName,
    /// Who serves it, in the order of its list.
    pub agents: Vec<Member>,
    /// How agents and calls are chosen; if a plugin is asked, in whose place when that does not decide.
    pub method: Method,
    /// The plugin that is asked first.
    pub plugin: Option<Arc<Binding>>,
    /// What its agents must know for any call of it, beside what the call itself needs.
    pub needs: Levels,
    /// How a call's needs shrink while it waits, in the order of the times.
    pub widening: Vec<Widening>,
    /// The wait that makes up for one step of priority; if none, the higher priority always goes first.
    pub aging: Option<Duration>,
    /// Which calls go on to another queue; of several rules that fit, the first whose queue takes the call.
    pub overflow: Vec<Overflow>,
    /// Who must be there for callers to come and to stay.
    pub attendance: Attendance,
    /// What callers have been promised.
    pub service_level: ServiceLevel,
    /// How long an agent's phone rings before the call is offered to the next one.
    pub ring_time: Duration,
    /// Time that an agent has for himself after a call of this queue.
    pub wrap_up: Duration,
    /// How long that may be in all if he extends it.
    pub wrap_up_max: Duration,
    /// What follows for an agent who did not take an offer.
    pub penalties: Penalties,
    /// The longest that a call waits before it leaves the queue; no bound if none.
    pub max_wait: Option<Duration>,
    /// The most calls that wait or are offered; no bound if none.
    pub max_length: Option<usize>,
    /// How long a decision may take before another one takes its place.
    pub decision_time: Duration,
}

impl QueueConfig {
    /// A queue with the usual times: rings 20 s, 5 s of wrap-up, decisions within 100 ms.
    #[must_use]
    pub fn new(name: impl Into<QueueName>, agents: Vec<AgentName>) -> Self {
        Self {
            name: name.into(),
            agents: agents.into_iter().map(Member::new).collect(),
            method: Method::default(),
            plugin: None,
            needs: Levels::default(),
            widening: Vec::new(),
            aging: None,
            overflow: Vec::new(),
            attendance: Attendance::default(),
            service_level: ServiceLevel::default(),
            ring_time: Duration::from_secs(20),
            wrap_up: Duration::from_secs(5),
            wrap_up_max: Duration::from_secs(300),
            penalties: Penalties::default(),
            max_wait: None,
            max_length: None,
            decision_time: Duration::from_millis(100),
        }
    }
}

impl QueueConfig {
    /// The order in which its candidates stand.
    #[must_use]
    pub fn order(&self) -> Order {
        self.plugin.as_ref().map_or_else(|| self.method.order(), |plugin| plugin.order)
    }

    /// The most candidates or calls of its snapshots.
    pub(crate) fn most_candidates(&self) -> usize {
        self.plugin.as_ref().map_or(MAX_CANDIDATES, |plugin| plugin.candidates.clamp(1, MAX_CANDIDATES))
    }
}

/// A plugin that decides for a queue, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Which one.
    pub plugin: PluginName,
    /// What it is to go by: JSON, an object.
    pub parameters: Arc<str>,
    /// The order in which it sees the candidates.
    pub order: Order,
    /// The most candidates or calls that it sees, at most [`MAX_CANDIDATES`].
    pub candidates: usize,
    /// How long it may have a call wait in this queue though somebody could take it, of all such decisions together.
    pub may_wait: Duration,
}

impl Binding {
    /// A plugin without parameters that sees as much as it can, the candidates in this order. It may have no call wait.
    #[must_use]
    pub fn new(plugin: impl Into<PluginName>, order: Order) -> Self {
        let (parameters, candidates, may_wait) = ("{}".into(), MAX_CANDIDATES, Duration::ZERO);
        Self { plugin: plugin.into(), parameters, order, candidates, may_wait }
    }
}

/// An agent in a queue's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The agent.
    pub agent: AgentName,
    /// Who has a higher level is asked only if nobody with a lower one is free; and he serves first the queues where
    /// his own is lower.
    pub level: u8,
    /// His share of the calls, where a strategy goes by that.
    pub weight: u16,
}

impl Member {
    /// A member of the first level.
    #[must_use]
    pub const fn new(agent: AgentName) -> Self {
        Self { agent, level: 1, weight: 1 }
    }
}

impl From<&str> for Member {
    fn from(agent: &str) -> Self {
        Self::new(agent.into())
    }
}

/// In how many of a hundred cases a queue's calls are to be answered within which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLevel {
    /// Since the call joined.
    pub within: Duration,
    /// Of a hundred calls.
    pub target: u8,
}

impl Default for ServiceLevel {
    fn default() -> Self {
        Self { within: Duration::from_secs(20), target: 80 }
    }
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// His name, unique: that of the user whose phone rings.
    pub name: AgentName,
    /// What he knows.
    pub skills: Levels,
}

impl AgentConfig {
    /// An agent without skills.
    #[must_use]
    pub fn new(name: impl Into<AgentName>) -> Self {
        Self { name: name.into(), skills: Levels::default() }
    }
}
