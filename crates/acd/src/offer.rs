//! Offers: made, answered, failed.

use std::time::Duration;

use base::{Now, OfferId};

use crate::decide::Choice;
use crate::floor::{AgentIx, Held, LeaseKind, LiveOffer};
use crate::machine::{Acd, Timer};
use crate::queue::Stage;
use crate::{Connected, Event, LeaveReason, Offer, OfferEnd, OfferFailure, OfferOver};

impl Acd {
    /// The agent's phone answered: the call is his.
    ///
    /// # Errors
    /// If the offer is over (withdrawn or timed out meanwhile); the leg that answered gets BYE.
    pub fn offer_answered(&mut self, now: Now, offer: OfferId) -> Result<Connected, OfferOver> {
        let ix = *self.offers.get(&offer).ok_or(OfferOver)?;
        let offer = self.take_offer(ix).ok_or(OfferOver)?;
        let entry = self.calls.get_mut(&offer.call).ok_or(OfferOver)?;
        entry.stage = Stage::Connected(ix);
        let (queue_ix, waited) = (entry.queue, now.monotonic - entry.place.joined);
        for token in [entry.max_wait.take(), entry.wake.take()].into_iter().flatten() {
            self.timers.cancel(token);
        }
        self.note_left(now, offer.call, queue_ix, true);
        let agent = self.floor.change(ix, |agent| {
            agent.held = Some(Held::Call { call: offer.call, queue: queue_ix });
            agent.held_since = now.monotonic;
            agent.answered = agent.answered.saturating_add(1);
            agent.name.clone()
        });
        let (agent, queue) = (agent.ok_or(OfferOver)?, self.floor.queue_mut(queue_ix).ok_or(OfferOver)?);
        queue.length -= 1;
        let name = queue.config.name.clone();
        let why = LeaveReason::Answered { agent: agent.clone() };
        self.events.push_back(Event::LeftQueue { call: offer.call, queue: name.clone(), why, waited });
        Ok(Connected { call: offer.call, agent, queue: name, waited, rang: now.monotonic - offer.began })
    }

    /// As [`Acd::offer_failed_for`], without a wish of the phone's.
    pub fn offer_failed(&mut self, now: Now, offer: OfferId, failure: OfferFailure) {
        self.offer_failed_for(now, offer, failure, Duration::ZERO);
    }

    /// The agent's phone did not take the offer: he rests, the call goes to the next agent and is not offered to this
    /// one again before the retry delay is over. His rest takes as long as his phone asks to be left alone, if that is longer than his
    /// queue's. An offer that is over already changes nothing.
    pub fn offer_failed_for(&mut self, now: Now, offer: OfferId, failure: OfferFailure, alone: Duration) {
        let Some(&ix) = self.offers.get(&offer) else { return };
        let Some(offer) = self.take_offer(ix) else { return };
        self.push_offer_ended(now, ix, &offer, OfferEnd::Failed(failure));
        let Some(entry) = self.calls.get_mut(&offer.call) else { return };
        let Some(queue) = self.floor.queue_mut(entry.queue) else { return };
        let until = now.monotonic + queue.config.retry_delay;
        entry.stage = Stage::Waiting(None);
        entry.note_tried(ix, now.monotonic, until);
        queue.put(entry.place, offer.call);
        let (queue_ix, rest, served) = (entry.queue, queue.config.rest.after(failure).max(alone), queue.logged_in > 0);
        self.arm_call(offer.call, until);
        self.begin_lease(now, ix, LeaseKind::Rest, rest);
        if served {
            self.pump(now, queue_ix);
        } else {
            self.remove_call(now, offer.call, OfferEnd::CallerLeft, LeaveReason::NoAgents);
        }
    }

    /// Takes the choice of a decision: both sides are free, as has been checked.
    pub(crate) fn make_offer(&mut self, now: Now, choice: Choice) {
        let Choice { call, agent: ix, ring_time, decision, fallback, reason, snapshot } = choice;
        self.drop_call_ask(call);
        self.drop_agent_ask(ix);
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue_mut(entry.queue) else { return };
        let ring_time = ring_time.unwrap_or(queue.config.ring_time);
        let (queue_ix, name) = (entry.queue, queue.config.name.clone());
        queue.take(entry.place);
        entry.stage = Stage::Offered(ix);
        entry.offers = entry.offers.saturating_add(1);
        let id = self.ids.offer();
        let ring = self.timers.set(now.monotonic + ring_time, Timer::Ring(id));
        let held = LiveOffer { id, call, began: now.monotonic, ring };
        let agent = self.floor.change(ix, |agent| {
            agent.held = Some(Held::Offer(held));
            agent.name.clone()
        });
        let Some(agent) = agent else { return };
        self.offers.insert(id, ix);
        let offer = Offer { id, call, queue: name, agent, ring_time, decision, fallback, reason, snapshot };
        self.events.push_back(Event::Offer(offer));
        // The call's own decision, if one was under way, kept others of its queue back.
        self.pump(now, queue_ix);
    }

    /// Takes the offer that an agent has away from him.
    pub(crate) fn take_offer(&mut self, ix: AgentIx) -> Option<LiveOffer> {
        let held = self.floor.change(ix, |agent| match agent.held.take() {
            Some(Held::Offer(offer)) => Some(offer),
            other => {
                agent.held = other;
                None
            }
        });
        let offer = held.flatten()?;
        self.offers.remove(&offer.id);
        base::give_back(&mut self.offers);
        self.timers.cancel(offer.ring);
        Some(offer)
    }

    pub(crate) fn push_offer_ended(&mut self, now: Now, ix: AgentIx, offer: &LiveOffer, end: OfferEnd) {
        let Some(agent) = self.floor.agent(ix).map(|agent| agent.name.clone()) else { return };
        let (offer, call, rang) = (offer.id, offer.call, now.monotonic - offer.began);
        self.events.push_back(Event::OfferEnded { offer, call, agent, end, rang });
    }
}
