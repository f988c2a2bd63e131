//! A fault of ours, a panic, while an input was handled: the call that it was about ends, the others go on.
//!
//! The driver catches the panic, as only it can, and says so by [`Switch::handle_fault`]. Whose input it was is noted
//! before each is handled ([`Hand`]). What the panic left half-changed is of three kinds: what belongs to that call is
//! given back here; what other inputs are waiting for (timers, queued events) is still queued, and goes on; what nobody
//! asks for any more (a transaction without its answer) ends by its own timers or stays, which is why a driver gives up
//! after some faults.

use base::{CallId, Now};
use journal::{Kind, Name, Party};
use sip::{Refusal, SessionId};

use crate::switch::Switch;
use crate::timer::Timer;

/// What is being handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hand {
    /// Nothing of a call's.
    #[default]
    Nothing,
    /// Something that the SIP stack knows the session of.
    Sip,
    /// A session that is no call yet.
    Session(SessionId),
    /// A call.
    Call(CallId),
}

/// Q.850 cause 41: temporary failure.
const TEMPORARY_FAILURE: u8 = 41;

impl Hand {
    /// A decision is nobody's: if the strategy panics, longest idle decides when its time is over, and no call ends.
    pub fn of_acd(event: &acd::Event) -> Self {
        use acd::Event;
        match event {
            Event::Offer(offer) => Self::Call(offer.call),
            Event::OfferEnded { call, .. }
            | Event::LeftQueue { call, .. }
            | Event::Moved { call, .. }
            | Event::Changed { call, .. }
            | Event::Returned { call, .. } => Self::Call(*call),
            Event::Outcome { .. } => Self::Nothing,
            Event::DecisionNeeded { .. } | Event::DecisionRejected { .. } => Self::Nothing,
            Event::WrapUpBegan { call, .. } | Event::WrapUpEnded { call, .. } => Self::Call(*call),
            Event::Paused { .. } => Self::Nothing,
        }
    }
}

impl Switch {
    /// Handling the last input ended by a panic at `place` in the source. Ends the call that it was about, whose peers are
    /// hung up; without one, there is only the journal to be told. If this panics, too, the switch cannot be used any more.
    pub fn handle_fault(&mut self, now: Now, place: &str) {
        let hand = std::mem::take(&mut self.hand);
        let place = Name::from(place);
        let hand = match hand {
            Hand::Sip => self.sip.session_in_hand().map_or(Hand::Nothing, |session| self.hand_of_session(session)),
            // It may have become a call since.
            Hand::Session(session) => self.hand_of_session(session),
            other => other,
        };
        match hand {
            Hand::Call(call) if self.calls.contains_key(&call) => self.end_faulty(now, call, place),
            Hand::Session(session) => {
                self.book.write_system(now, Kind::Fault { place });
                self.sip.refuse(now, session, Refusal::of(500));
                self.sip.hang_up(now, session, None);
            }
            _ => self.book.write_system(now, Kind::Fault { place }),
        }
        self.settle(now);
    }

    pub(crate) fn hand_of_session(&self, session: SessionId) -> Hand {
        let leg = self.sessions.get(&session).and_then(|leg| self.legs.get(leg));
        leg.map_or(Hand::Session(session), |leg| Hand::Call(leg.call))
    }

    pub(crate) fn hand_of_timer(&self, timer: Timer) -> Hand {
        match timer {
            Timer::CallLimit(call) | Timer::Flow(call) | Timer::QueueWait(call) | Timer::Announce(call) => {
                Hand::Call(call)
            }
            Timer::Speech(call) | Timer::Tidy(call) | Timer::Shutdown(call) => Hand::Call(call),
            Timer::Return(call) | Timer::RingAnew(call) => Hand::Call(call),
            Timer::Ring(leg) | Timer::Silence(leg) | Timer::Keys(leg) | Timer::Typed(leg) => {
                self.legs.get(&leg).map_or(Hand::Nothing, |leg| Hand::Call(leg.call))
            }
            Timer::Grace | Timer::Doors | Timer::Callback(_) => Hand::Nothing,
        }
    }

    fn end_faulty(&mut self, now: Now, call: CallId, place: Name) {
        self.note(now, call, Kind::Fault { place });
        let over = self.calls.get_mut(&call).filter(|found| found.over);
        if let Some(found) = over {
            // It was being ended: there is no second way to do that but to let go of all that it holds.
            if let Some(limit) = found.limit.take() {
                self.timers.cancel(limit);
            }
            self.acd.leave(now, call);
            self.tidy(now, call);
            return;
        }
        self.end_call(now, call, Party::System, "fault", TEMPORARY_FAILURE);
    }
}
