//! Offers: made, answered, failed.

use std::sync::Arc;
use std::time::Duration;

use base::{CallId, Now, OfferId};

use crate::floor::{AgentIx, Held, LeaseKind, LiveOffer};
use crate::machine::{Acd, Timer};
use crate::penalty::Missed;
use crate::queue::Stage;
use crate::{Chosen, Connected, Event, LeaveReason, Offer, OfferEnd, OfferFailure, OfferOver, Status};

/// An agent whose phone is to ring.
#[derive(Clone, Debug)]
pub struct Choice {
    pub agent: AgentIx,
    pub ring_time: Option<Duration>,
}

impl Acd {
    /// The agent's phone answered: the call is his. Others who are rung for it are idle as before.
    ///
    /// # Errors
    /// If the offer is over (withdrawn, timed out, or another agent was faster); the leg that answered gets BYE.
    pub fn offer_answered(&mut self, now: Now, offer: OfferId) -> Result<Connected, OfferOver> {
        let ix = *self.offers.get(&offer).ok_or(OfferOver)?;
        let offer = self.take_offer(ix).ok_or(OfferOver)?;
        let entry = self.calls.get_mut(&offer.call).ok_or(OfferOver)?;
        entry.stage = Stage::Connected(ix);
        entry.open = false;
        entry.turns.clear();
        let mut others = std::mem::take(&mut entry.ringing);
        others.retain(|other| *other != ix);
        let (queue_ix, place, waited) = (entry.queue, entry.place, entry.waits(now.monotonic));
        entry.waited = now.monotonic - entry.joined;
        for token in entry.take_timers() {
            self.timers.cancel(token);
        }
        self.note_left(now, offer.call, queue_ix, true);
        let agent = self.floor.change(ix, |agent| {
            agent.held = Some(Held::Call { call: offer.call, queue: queue_ix });
            agent.held_since = now.monotonic;
            agent.answered = agent.answered.saturating_add(1);
            agent.missed = Missed::default();
            agent.today.calls = agent.today.calls.saturating_add(1);
            agent.today.busy_since = Some(now.monotonic);
            agent.name.clone()
        });
        let (agent, queue) = (agent.ok_or(OfferOver)?, self.floor.queue_mut(queue_ix).ok_or(OfferOver)?);
        queue.length -= 1;
        queue.line.open.remove(&place);
        queue.kept.note(waited <= queue.config.service_level.within);
        let name = queue.config.name.clone();
        for &other in &others {
            self.withdraw(now, other, OfferEnd::AnsweredElsewhere);
        }
        let why = LeaveReason::Answered { agent: agent.clone() };
        self.events.push_back(Event::LeftQueue { call: offer.call, queue: name.clone(), why, waited });
        for other in others {
            self.agent_free(now, other);
        }
        let rang = offer.rang(now.monotonic);
        self.tell_accepted(queue_ix, ix, offer.call, rang);
        Ok(Connected { call: offer.call, agent, queue: name, waited, rang })
    }

    /// The agent's phone answered, and he is told something before the two talk, for `within` at most: nobody else is rung, and
    /// the call has waited as long as it may. Then comes [`Acd::offer_answered`]; until then the offer may fail or be withdrawn as
    /// before.
    ///
    /// # Errors
    /// If the offer is over, as for [`Acd::offer_answered`].
    pub fn offer_taken(&mut self, now: Now, offer: OfferId, within: Duration) -> Result<(), OfferOver> {
        let ix = *self.offers.get(&offer).ok_or(OfferOver)?;
        let ring = self.timers.set(now.monotonic + within, Timer::Ring(offer));
        let live = self.floor.change(ix, |agent| match &mut agent.held {
            Some(Held::Offer(live)) => {
                live.taken = Some(now.monotonic);
                Some((live.call, std::mem::replace(&mut live.ring, ring)))
            }
            _ => None,
        });
        let (call, before) = live.flatten().ok_or(OfferOver)?;
        self.timers.cancel(before);
        let entry = self.calls.get_mut(&call).ok_or(OfferOver)?;
        entry.open = false;
        entry.turns.clear();
        let place = entry.place;
        let others: Vec<AgentIx> = std::mem::replace(&mut entry.ringing, vec![ix]);
        for token in [entry.max_wait.take(), entry.overflow.take()].into_iter().flatten() {
            self.timers.cancel(token);
        }
        if let Some(queue) = self.floor.queue_mut(entry.queue) {
            queue.line.open.remove(&place);
        }
        let others = others.into_iter().filter(|other| *other != ix);
        for other in others.collect::<Vec<_>>() {
            self.withdraw(now, other, OfferEnd::AnsweredElsewhere);
            self.agent_free(now, other);
        }
        Ok(())
    }

    /// As [`Acd::offer_failed_for`], without a wish of the phone's.
    pub fn offer_failed(&mut self, now: Now, offer: OfferId, failure: OfferFailure) {
        self.offer_failed_for(now, offer, failure, Duration::ZERO);
    }

    /// The agent's phone did not take the offer: he rests, or is on a break if that was one too many; the call goes to the next
    /// agent unless others are rung for it still, and is not offered to this one again before its retry delay is over. His rest
    /// takes as long as his phone asks to be left alone, if that is longer than his queue's. An offer that is over already
    /// changes nothing.
    pub fn offer_failed_for(&mut self, now: Now, offer: OfferId, failure: OfferFailure, alone: Duration) {
        let Some(&ix) = self.offers.get(&offer) else { return };
        let Some(offer) = self.take_offer(ix) else { return };
        self.push_offer_ended(now, ix, &offer, OfferEnd::Failed(failure));
        let Some(entry) = self.calls.get_mut(&offer.call) else { return };
        let Some(queue) = self.floor.queue(entry.queue) else { return };
        let penalty = queue.config.penalties.of(failure);
        let until = now.monotonic + penalty.retry;
        entry.note_tried(ix, now.monotonic, until);
        entry.ringing.retain(|ringing| *ringing != ix);
        let (queue_ix, rings) = (entry.queue, !entry.ringing.is_empty());
        self.arm_call(offer.call, until);
        if !rings {
            self.wait_again(now, offer.call);
            self.overflow_after_wait(now, offer.call);
            if offer.taken.is_some() {
                self.renew_wait(now, offer.call);
            }
        }
        // Who is on a break gets no offers anyway, and is there at once when he ends it.
        let paused = self.pause_who_missed(now, ix, failure, penalty.pause_after);
        let rest = if paused { Duration::ZERO } else { penalty.rest };
        self.begin_lease(now, ix, LeaseKind::Rest, rest.max(alone));
        // Who was rung for is let out only now, if nobody may wait any more.
        self.abandon_queue(now, queue_ix);
        if paused {
            self.abandon_unserved(now, ix);
        }
        self.pump(now, queue_ix);
    }

    /// An agent did not take an offer. True if that was one too many: then he is on a break.
    pub(crate) fn pause_who_missed(&mut self, now: Now, ix: AgentIx, failure: OfferFailure, most: Option<u32>) -> bool {
        let paused = self.floor.change(ix, |agent| {
            let missed = agent.missed.add(failure);
            let too_many = most.is_some_and(|most| missed >= most) && agent.status == Status::Available;
            (too_many && agent.listed).then(|| {
                agent.set_status(now.monotonic, Status::Break { reason: failure.reason().into() });
                agent.name.clone()
            })
        });
        let Some(agent) = paused.flatten() else { return false };
        self.events.push_back(Event::Paused { agent, failure });
        true
    }

    /// Nobody is rung for a call any more: the next whose turn it is, or it waits at its old place.
    fn wait_again(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.stage = Stage::Waiting(None);
        entry.open = false;
        let place = entry.place;
        if let Some(queue) = self.floor.queue_mut(entry.queue) {
            queue.line.open.remove(&place);
        }
        while let Some((next, chosen)) = self.calls.get_mut(&call).and_then(|entry| entry.turns.pop_front()) {
            if self.is_free_for(now.monotonic, call, next.agent) {
                return self.make_offers(now, call, &[next], false, &chosen);
            }
        }
        let Some(entry) = self.calls.get(&call) else { return };
        if let Some(queue) = self.floor.queue_mut(entry.queue) {
            queue.put(call, entry);
        }
    }

    /// Takes the choice of a decision: the call waits, or is offered to others and open for more; the agents are free, as has
    /// been checked.
    pub(crate) fn make_offers(&mut self, now: Now, call: CallId, choices: &[Choice], open: bool, chosen: &Arc<Chosen>) {
        self.drop_call_ask(call);
        for choice in choices {
            self.drop_agent_ask(choice.agent);
        }
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue_mut(entry.queue) else { return };
        queue.take(entry);
        entry.stage = Stage::Offered;
        entry.open |= open;
        if entry.open {
            queue.line.open.insert(entry.place, call);
        }
        let queue_ix = entry.queue;
        for choice in choices {
            self.make_offer(now, call, choice, chosen);
        }
        // The call's own decision, if one was under way, kept others of its queue back.
        self.pump(now, queue_ix);
    }

    fn make_offer(&mut self, now: Now, call: CallId, choice: &Choice, chosen: &Arc<Chosen>) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue_mut(entry.queue) else { return };
        let ring_time = choice.ring_time.unwrap_or(queue.config.ring_time);
        queue.turns += 1;
        let (queue_ix, name, turn) = (entry.queue, queue.config.name.clone(), queue.turns);
        entry.offers = entry.offers.saturating_add(1);
        entry.ringing.push(choice.agent);
        let id = self.ids.offer();
        let ring = self.timers.set(now.monotonic + ring_time, Timer::Ring(id));
        let held = LiveOffer { id, call, queue: queue_ix, began: now.monotonic, taken: None, ring };
        let agent = self.floor.change(choice.agent, |agent| {
            agent.held = Some(Held::Offer(held));
            agent.name.clone()
        });
        self.floor.note_turn(choice.agent, queue_ix, turn);
        let Some(agent) = agent else { return };
        self.offers.insert(id, choice.agent);
        let chosen = Arc::clone(chosen);
        self.events.push_back(Event::Offer(Offer { id, call, queue: name, agent, ring_time, chosen }));
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
        let (id, call, rang) = (offer.id, offer.call, offer.rang(now.monotonic));
        self.events.push_back(Event::OfferEnded { offer: id, call, agent, end, rang });
        self.tell_not_accepted(ix, offer, end, rang);
    }
}
