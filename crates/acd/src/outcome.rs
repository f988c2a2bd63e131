//! What became of decisions, for plugins that learn.

use std::time::Duration;

use base::{CallId, DecisionId};
use routing::{Happened, MAX_STATE, QueueName};

use crate::floor::{AgentIx, LiveOffer, QueueIx};
use crate::machine::Acd;
use crate::wrap_up::After;
use crate::{Event, OfferEnd, OfferFailure};

impl Acd {
    /// What the queue's plugin, or a strategy of it, wants to find in the next snapshot.
    #[must_use]
    pub fn strategy_state(&self, queue: &QueueName) -> Option<&str> {
        self.floor.queue(self.floor.find_queue(queue)?)?.state.as_deref()
    }

    /// The state that takes the place of the queue's, as its plugin was told of outcomes. One of more than [`MAX_STATE`] octets
    /// changes nothing. True if it is another one than before.
    pub fn set_strategy_state(&mut self, queue: &QueueName, state: String) -> bool {
        let Some(queue) = self.floor.find_queue(queue).and_then(|ix| self.floor.queue_mut(ix)) else { return false };
        let changes = state.len() <= MAX_STATE && queue.state.as_deref() != Some(&state);
        if changes {
            queue.state = Some(state);
        }
        changes
    }

    /// True if the answer to [`Event::DecisionNeeded`] is still waited for.
    #[must_use]
    pub fn waits_for(&self, decision: DecisionId) -> bool {
        self.asks.contains_key(&decision)
    }

    fn tell_outcome(&mut self, queue: QueueIx, ix: AgentIx, call: CallId, happened: Happened) {
        let Some(queue) = self.floor.queue(queue) else { return };
        let (Some(plugin), Some(agent)) = (queue.config.plugin.clone(), self.floor.agent(ix)) else { return };
        let (queue, agent) = (queue.config.name.clone(), agent.name.clone());
        self.events.push_back(Event::Outcome { queue, plugin, agent, call, happened });
    }

    pub(crate) fn tell_accepted(&mut self, queue: QueueIx, ix: AgentIx, call: CallId, rang: Duration) {
        self.tell_outcome(queue, ix, call, Happened::Accepted { rang_ms: millis(rang) });
    }

    pub(crate) fn tell_not_accepted(&mut self, ix: AgentIx, offer: &LiveOffer, end: OfferEnd, rang: Duration) {
        let rang_ms = millis(rang);
        let happened = match end {
            OfferEnd::Failed(OfferFailure::Busy | OfferFailure::Declined) => Happened::Declined { rang_ms },
            OfferEnd::Failed(OfferFailure::NoAnswer) => Happened::TimedOut { rang_ms },
            OfferEnd::Failed(OfferFailure::Unreachable) => Happened::Unreachable { rang_ms },
            OfferEnd::CallerLeft | OfferEnd::WaitedTooLong | OfferEnd::AnsweredElsewhere => {
                Happened::Withdrawn { rang_ms }
            }
        };
        self.tell_outcome(offer.queue, ix, offer.call, happened);
    }

    /// A call that an agent took is over, and so is his time after it.
    pub(crate) fn tell_ended(&mut self, ix: AgentIx, after: After) {
        let happened = Happened::Ended { talk_ms: millis(after.talked), disposition: None };
        self.tell_outcome(after.queue, ix, after.call, happened);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
