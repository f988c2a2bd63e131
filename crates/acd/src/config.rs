//! What the machine must know of queues and agents.

use std::time::Duration;

use routing::{AgentName, QueueName};

use crate::OfferFailure;

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Its name, unique.
    pub name: QueueName,
    /// Who serves it. The order decides between agents who have been idle equally long.
    pub agents: Vec<AgentName>,
    /// How long an agent's phone rings before the call is offered to the next one.
    pub ring_time: Duration,
    /// Time that an agent has for himself after a call of this queue.
    pub wrap_up: Duration,
    /// How long a call is not offered again to an agent who did not take it.
    pub retry_delay: Duration,
    /// How long an agent rests after an offer that he did not take.
    pub rest: Rest,
    /// The longest that a call waits before it leaves the queue; no bound if none.
    pub max_wait: Option<Duration>,
    /// The most calls that wait or are offered; no bound if none.
    pub max_length: Option<usize>,
    /// How long a decision may take before longest idle decides.
    pub decision_time: Duration,
}

impl QueueConfig {
    /// A queue with the usual times: rings 20 s, 5 s of wrap-up, decisions within 100 ms.
    #[must_use]
    pub fn new(name: impl Into<QueueName>, agents: Vec<AgentName>) -> Self {
        Self {
            name: name.into(),
            agents,
            ring_time: Duration::from_secs(20),
            wrap_up: Duration::from_secs(5),
            retry_delay: Duration::from_secs(30),
            rest: Rest::default(),
            max_wait: None,
            max_length: None,
            decision_time: Duration::from_millis(100),
        }
    }
}

/// How long an agent gets no offer after one that he did not take, by what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// His phone was busy.
    pub busy: Duration,
    /// He declined.
    pub declined: Duration,
    /// He let it ring.
    pub no_answer: Duration,
    /// His phone could not be reached, or refused with an error.
    pub unreachable: Duration,
}

impl Rest {
    /// The time for one failure.
    #[must_use]
    pub const fn after(&self, failure: OfferFailure) -> Duration {
        match failure {
            OfferFailure::Busy => self.busy,
            OfferFailure::Declined => self.declined,
            OfferFailure::NoAnswer => self.no_answer,
            OfferFailure::Unreachable => self.unreachable,
        }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            busy: Duration::from_secs(10),
            declined: Duration::from_secs(5),
            no_answer: Duration::from_secs(15),
            unreachable: Duration::from_secs(30),
        }
    }
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// His name, unique: that of the user whose phone rings.
    pub name: AgentName,
}
