//! Figures of the queues at a moment, for operators. Read from the queues' indexes: nothing is counted for them.

use base::{CallId, Now};
use routing::{Exclusions, QueueName};

use crate::estimate::{Forecasts, WaitRange};
use crate::machine::Acd;
use crate::snapshot::millis;

/// A queue at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFigures {
    /// Its name.
    pub name: QueueName,
    /// Calls that wait and are offered to nobody.
    pub waiting: u64,
    /// Calls that are offered to an agent.
    pub offered: u64,
    /// How long the one of them that waits longest has waited, in milliseconds.
    pub longest_wait_ms: u64,
    /// Idle agents.
    pub idle: u32,
    /// The other agents, by what keeps them.
    pub others: Exclusions,
    /// How long one would wait who joined now; none if that is uncertain or somebody is idle.
    pub estimate: Option<WaitRange>,
    /// What became of such estimates.
    pub forecasts: Forecasts,
}

impl Acd {
    /// Every queue, in the order of the configuration.
    pub fn queues(&self, now: Now) -> impl Iterator<Item = QueueFigures> + '_ {
        self.floor.listed.iter().filter_map(|ix| Some((*ix, self.floor.queue(*ix)?))).map(move |(ix, queue)| {
            let (estimate, forecasts) = self.outlook(ix, queue);
            QueueFigures {
                name: queue.config.name.clone(),
                waiting: count(queue.line.all.len()),
                offered: count(queue.length.saturating_sub(queue.line.all.len())),
                longest_wait_ms: queue.line.longest().map(|joined| millis(joined, now.monotonic)).unwrap_or_default(),
                idle: u32::try_from(queue.idle.len()).unwrap_or(u32::MAX),
                others: queue.excluded,
                estimate,
                forecasts,
            }
        })
    }

    /// The queue that a call waits in, is offered from or came to its agent from.
    #[must_use]
    pub fn queue_of(&self, call: CallId) -> Option<&QueueName> {
        let queue = self.floor.queue(self.calls.get(&call)?.queue)?;
        Some(&queue.config.name)
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
