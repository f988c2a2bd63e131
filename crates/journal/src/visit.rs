//! A call's visits to queues and its offers to agents, as its record lists them.

use std::collections::BTreeMap;

use base::{OfferId, Wall};
use serde::Serialize;

use crate::cdr::rfc3339;
use crate::{Event, Kind, Name, OfferEnded, OfferMade, OfferOutcome, QueueExit};

/// Visits of one call that its record lists.
const MAX_VISITS: usize = 64;
/// Offers of one call that its record lists.
const MAX_OFFERS: usize = 256;

/// A call's stay in one queue. One that overflowed into another queue has a visit in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// The queue.
    pub queue: Name,
    /// When the call joined; of one that the queue did not take, when it was turned away.
    #[serde(serialize_with = "rfc3339")]
    pub joined: Wall,
    /// How long it waited in this queue, phones that rang for it included.
    pub waited_ms: u64,
    /// Why it left; none if the switch died while it waited.
    pub left: Option<QueueExit>,
    /// The agent who answered.
    pub agent: Option<Name>,
    /// Offers made to agents in this visit.
    pub offers: u32,
}

/// An offer of a call to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferedTo {
    /// The agent.
    pub agent: Name,
    /// The queue that offered it.
    pub queue: Name,
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Wall,
    /// How long it was live.
    pub rang_ms: u64,
    /// How it ended; none if the switch died meanwhile.
    pub outcome: Option<OfferOutcome>,
}

/// The part of a queue's waits that belongs to it, of a call that comes from another queue: `queue_left` tells the wait since
/// the call joined the first of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carried {
    /// The number of the event by which the call overflowed, and how long it had waited by then.
    left: Option<(u32, u64)>,
    /// What it brought into the queue that it is in.
    brought_ms: u64,
}

impl Carried {
    /// The call joined a queue. It brings its wait along if it left another one by the event right before.
    pub fn join(&mut self, seq: u32) {
        let before = self.left.take().filter(|(left, _)| left.checked_add(1) == Some(seq));
        self.brought_ms = before.map_or(0, |(_, waited_ms)| waited_ms);
    }

    /// The caller stands where he stood in another call, and brings along what he waited in that.
    pub fn resume(&mut self, waited_ms: u64) {
        self.brought_ms = waited_ms;
    }

    /// The call left a queue. Gives how long it waited in that alone.
    pub fn leave(&mut self, seq: u32, why: QueueExit, waited_ms: u64) -> u64 {
        self.left = (why == QueueExit::Overflowed).then_some((seq, waited_ms));
        waited_ms.saturating_sub(std::mem::take(&mut self.brought_ms))
    }
}

/// The visits and offers of a call that is not over.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    visits: Vec<Visit>,
    /// The last visit goes on.
    open: bool,
    carried: Carried,
    /// Who answered last, until the visit is told to be over.
    answered: Option<Name>,
    offers: Vec<OfferedTo>,
    /// Offers that are not over, by their place in the list.
    live: BTreeMap<OfferId, usize>,
}

impl Visits {
    /// Takes the next event of the call. Gives how long it waited, when it leaves a queue.
    pub fn take(&mut self, event: &Event) -> Option<u64> {
        match &event.kind {
            Kind::QueueJoined { queue } => {
                self.carried.join(event.seq);
                self.begin(queue, event.at);
            }
            // What he waited in the call before stands in the record of that.
            Kind::PlaceResumed { waited_ms, .. } => self.carried.resume(*waited_ms),
            Kind::QueueLeft { queue, why, waited_ms, .. } => {
                let waited_ms = self.carried.leave(event.seq, *why, *waited_ms);
                if !self.open {
                    self.begin(queue, event.at);
                }
                self.end(Some(*why), waited_ms);
                return Some(waited_ms);
            }
            Kind::OfferMade(OfferMade { offer, queue, agent, .. }) => {
                if let Some(visit) = self.visits.last_mut().filter(|_| self.open) {
                    visit.offers = visit.offers.saturating_add(1);
                }
                if self.offers.len() < MAX_OFFERS {
                    self.live.insert(*offer, self.offers.len());
                    let (agent, queue) = (agent.clone(), queue.clone());
                    self.offers.push(OfferedTo { agent, queue, at: event.at, rang_ms: 0, outcome: None });
                }
            }
            Kind::OfferEnded(OfferEnded { offer, agent, outcome, rang_ms }) => {
                if *outcome == OfferOutcome::Answered {
                    self.answered = Some(agent.clone());
                }
                if let Some(record) = self.live.remove(offer).and_then(|ix| self.offers.get_mut(ix)) {
                    (record.rang_ms, record.outcome) = (*rang_ms, Some(*outcome));
                }
            }
            _ => {}
        }
        None
    }

    /// The lists, and how long the visit lasted that the end of the books cut.
    pub fn close(mut self, at: Wall) -> (Vec<Visit>, Vec<OfferedTo>, u64) {
        let cut = self.visits.last().filter(|_| self.open).map_or(0, |visit| millis(visit.joined, at));
        if self.open {
            self.end(None, cut);
        }
        for ix in self.live.into_values() {
            if let Some(offer) = self.offers.get_mut(ix) {
                offer.rang_ms = millis(offer.at, at);
            }
        }
        (self.visits, self.offers, cut)
    }

    fn begin(&mut self, queue: &Name, joined: Wall) {
        self.open = true;
        // The last place is for the visit that counts most: the last one.
        self.visits.truncate(MAX_VISITS - 1);
        let queue = queue.clone();
        self.visits.push(Visit { queue, joined, waited_ms: 0, left: None, agent: None, offers: 0 });
    }

    fn end(&mut self, why: Option<QueueExit>, waited_ms: u64) {
        self.open = false;
        let agent = self.answered.take().filter(|_| why == Some(QueueExit::Answered));
        if let Some(visit) = self.visits.last_mut() {
            (visit.left, visit.waited_ms, visit.agent) = (why, waited_ms, agent);
        }
    }
}

/// Time between two moments; none if the clock was put back.
pub(crate) fn millis(from: Wall, to: Wall) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}
