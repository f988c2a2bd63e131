//! An attempt to call back: an agent is rung, and once he has answered the one who is to be called back.
//!
//! The agent's leg stands in the caller's place; it hears that it rings. Until the other side answers, the call is offered to the
//! agent still, so that he is free at once if nobody does.

use std::time::Duration;

use base::{CallId, LegId, Now, OfferId, Pii};
use journal::{Asker, CallbackStep, Direction, Kind, Origin, Party};

use crate::call::{Call, Reach, Role, Stage};
use crate::callbacks::{Attempt, told};
use crate::switch::Switch;
use crate::timer::Timer;

/// How long the one rings who is to be called back.
const RING_TIME: Duration = Duration::from_secs(45);
/// How much longer the agent's offer lives.
const MARGIN: Duration = Duration::from_secs(5);
/// Q.850 cause 21: call rejected.
const REJECTED: u8 = 21;

impl Switch {
    /// An agent is to be rung for a callback that stands in line: it becomes a call. False if he may not be called now; then it
    /// is out of the line.
    pub(crate) fn begin_callback(&mut self, now: Now, call: CallId) -> bool {
        let Some(name) = self.callbacks.in_line.get(&call).cloned() else { return true };
        let promise = self.callbacks.kept.get(&name).map(|callback| callback.promise.clone());
        let Some(promise) = promise.filter(|promise| self.may_call_back(now, promise)) else {
            self.callback_out_of_line(now, call);
            self.acd.leave(now, call);
            return false;
        };
        let limit = self.timers.set(now.monotonic + self.config.limits.max_call_time, Timer::CallLimit(call));
        let reach = Reach::Outside(Asker::Flow(promise.flow.clone()));
        // Whose leg stands in the caller's place is not known before an agent has answered.
        let mut begun = Call::new(self.ids.leg(), now.wall, promise.dialled.clone(), reach, limit);
        begun.prompts = self.config.prompts.clone();
        begun.number = promise.number.clone();
        begun.hops = Some(MAX_HOPS);
        begun.stage = Stage::Queued(None);
        begun.callback = Some(Attempt::default());
        self.calls.insert(call, begun);
        let began = Kind::CallBegan {
            direction: Direction::Outbound,
            from: Pii::new(promise.dialled.to_string()),
            to: promise.number.clone(),
            origin: Origin::Callback(name.clone()),
            source: None,
            sip_call_id: String::new(),
            received: None,
        };
        self.note(now, call, began);
        self.note(now, call, told(&name, CallbackStep::Begun));
        if let Some(queue) = self.acd.queue_of(call).map(|queue| queue.shared().clone()) {
            self.note(now, call, Kind::QueueJoined { queue });
        }
        true
    }

    /// The agent who was rung for a callback has answered: the number is called. False if the call is none, or the offer over.
    pub(crate) fn call_back(&mut self, now: Now, call: CallId, leg: LegId, offer: OfferId) -> bool {
        let Some(name) = self.callbacks.in_line.get(&call).cloned() else { return false };
        if self.calls.get(&call).is_none_or(|found| found.callback.is_none())
            || self.acd.offer_taken(now, offer, RING_TIME + MARGIN).is_err()
        {
            return false;
        }
        let promise = self.callbacks.kept.get(&name).map(|callback| callback.promise.clone());
        let Some(found) = self.calls.get_mut(&call) else { return false };
        found.caller = leg;
        found.callback = Some(Attempt { taken: Some(offer), dialled: promise.is_some(), ..Attempt::default() });
        let Some(promise) = promise else {
            // It was taken back while the agent's phone rang.
            self.end_call(now, call, Party::System, "cancelled", REJECTED);
            return true;
        };
        self.play_ringback(call);
        let (asker, deadline) = (Asker::Flow(promise.flow.clone()), now.monotonic + RING_TIME);
        if self.dial_outside(now, call, asker, promise.number.reveal(), deadline).is_err() {
            self.end_call(now, call, Party::System, "not_let_out", REJECTED);
        }
        true
    }

    /// Whoever is called back has answered: the agent takes the call. False if he is gone.
    pub(crate) fn callback_answered(&mut self, now: Now, call: CallId) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return true };
        let caller = found.caller;
        let Some(attempt) = &mut found.callback else { return true };
        let Some(offer) = attempt.taken.take() else { return true };
        attempt.talked = true;
        let won = self.offer_won(now, call, caller, offer);
        if won {
            self.note(now, call, Kind::Answered);
        } else if let Some(Attempt { talked, .. }) = self.calls.get_mut(&call).and_then(|found| found.callback.as_mut())
        {
            *talked = false;
        }
        won
    }

    /// The leg in the caller's place is lost: of a callback, the agent's, who gets no other call until his phone is back. He may have
    /// sent the other side on, which stands there then.
    pub(crate) fn callback_cut(&mut self, now: Now, call: CallId, leg: LegId) {
        let Some(Role::Agent { agent, .. }) = self.legs.get(&leg).map(|found| &found.role) else { return };
        let attempt = self.calls.get_mut(&call).and_then(|found| found.callback.as_mut());
        if let Some(attempt) = attempt.filter(|attempt| attempt.talked) {
            attempt.cut = true;
            self.acd.agent_lost(now, agent, false);
        }
    }

    /// True if the leg in the caller's place of this call is an agent's.
    pub(crate) fn is_callback(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|found| found.callback.is_some())
    }
}

/// How many hops the one may be away who is called back (RFC 3261 8.1.1.6).
const MAX_HOPS: u8 = 70;
