//! Calls and legs end: everything that they hold is given back, and the books are closed.

use std::time::Duration;

use base::{CallId, LegId, Now};
use journal::{Asker, Kind, MediaStats, Name, Party};
use leg::{Command, Stats};
use sip::Refusal;
use sip_message::{HeaderName, Reason};

use crate::call::{Role, Stage};
use crate::lost::is_loss;
use crate::switch::Switch;
use crate::timer::Timer;
use crate::wrap_up::OpenBook;

/// How long after its end a call may wait for its media and files to close. They take milliseconds, seconds on a disk
/// that stalls; after this the books are closed without them.
const TIDY_TIME: Duration = Duration::from_secs(30);

impl Switch {
    /// Ends a call: hangs up on everybody who is still there. `reason` tells phones why (RFC 3326).
    pub(crate) fn end_call(&mut self, now: Now, call: CallId, by: Party, cause: &str, reason: impl Into<Reason>) {
        if self.calls.get(&call).is_none_or(|found| found.over) {
            return;
        }
        let reason = reason.into();
        self.stop_speaking(call);
        self.end_code(now, call);
        self.await_no_more(now, call);
        self.give_fetch_up(call);
        self.end_announcing(call);
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.over = true;
        found.cut = by == Party::System && !is_loss(cause);
        found.reason = reason;
        found.flow = None;
        found.play = None;
        let queue_limit = match found.stage {
            Stage::Queued(limit) => limit,
            _ => None,
        };
        for timer in [found.flow_timer.take(), found.limit.take(), queue_limit].into_iter().flatten() {
            self.timers.cancel(timer);
        }
        // A callback that nobody has answered has no legs; what the ACD says of it comes first.
        let bare = found.open_legs.is_empty() && found.open_takes.is_empty();
        let tidy_time = if bare { Duration::ZERO } else { TIDY_TIME };
        found.limit = Some(self.timers.set(now.monotonic + tidy_time, Timer::Tidy(call)));
        let (stage, caller, legs) = (found.stage, found.caller, found.open_legs.clone());
        if let Stage::Talking(peer) = stage {
            self.note(now, call, Kind::Unbridged { a: caller, b: peer });
        }
        self.abandon_transfer(now, call);
        self.abandon_consult(now, call);
        self.judge_letter(call, true);
        self.note(now, call, Kind::HungUp { by, cause: Name::from(cause), reason: journaled(reason) });
        if let Some(attempt) = self.calls.get(&call).and_then(|found| found.callback) {
            self.callback_tried(now, call, attempt, by, cause);
        }
        // Waiting, offered or with an agent: the call is out, and its offer's phone is cancelled by the event for it.
        self.acd.leave(now, call);
        for leg in legs {
            if self.is_offered(leg) {
                continue;
            }
            self.drop_leg(now, leg, "hung_up", reason);
        }
        if !bare {
            self.finish_if_closed(now, call);
        }
    }

    /// A leg that rings for an offer: the ACD withdraws the offer, and the leg with it.
    fn is_offered(&self, leg: LegId) -> bool {
        match self.legs.get(&leg).map(|found| &found.role) {
            Some(Role::Agent { offer: Some(offer), .. }) => self.offers.contains_key(offer),
            _ => false,
        }
    }

    /// Refuses a caller who was not answered. The call is over.
    pub(crate) fn refuse_caller(&mut self, now: Now, call: CallId, refusal: Refusal) {
        let Some(caller) = self.calls.get(&call).map(|found| found.caller) else { return };
        let status = refusal.status;
        let told = refusal.headers.iter().find(|(name, _)| name == HeaderName::Reason.as_str());
        let reason = told.map(|(_, value)| Reason::read(value)).unwrap_or_default();
        if let Some(session) = self.legs.get_mut(&caller).and_then(|leg| leg.session.take()) {
            self.sessions.remove(&session);
            self.sip.refuse(now, session, refusal);
        }
        self.close_leg(now, caller, "refused", Some(status), Reason::default());
        self.end_call(now, call, Party::System, &format!("refused_{status}"), reason);
    }

    /// Hangs up on a leg and closes it.
    pub(crate) fn drop_leg(&mut self, now: Now, leg: LegId, cause: &str, reason: impl Into<Reason>) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let Some(session) = found.session.take() {
            self.sessions.remove(&session);
            self.sip.hang_up(now, session, reason.into().value());
        }
        self.close_leg(now, leg, cause, None, Reason::default());
    }

    /// Closes a leg whose session is over, which its peer gave this reason for. It is gone when its media says so.
    pub(crate) fn close_leg(&mut self, now: Now, leg: LegId, cause: &str, status: Option<u16>, reason: Reason) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.session = None;
        if found.closed {
            return;
        }
        found.closed = true;
        let call = found.call;
        for timer in [found.ring.take(), found.silence.take(), found.keys.take_timer(), found.typed.take_timer()]
            .into_iter()
            .flatten()
        {
            self.timers.cancel(timer);
        }
        if let Some(trunk) = found.came_by.take() {
            self.trunks.in_ended(&trunk);
        }
        let mut charged_ms = None;
        if let Some(status) = status {
            match &found.role {
                Role::Caller { .. } => {
                    if let Some(trunk) = self.calls.get(&call).and_then(|found| found.trunk.as_ref()) {
                        self.trunk_counts.add(trunk, false, status);
                    }
                }
                Role::Outside { outside, .. } => self.trunk_counts.add(&outside.trunk, true, status),
                Role::Agent { .. } | Role::Party { .. } | Role::Joined { .. } => {}
            }
        }
        match &found.role {
            Role::Party { agent, .. } => self.acd.release(now, agent, call),
            Role::Outside { outside, route, .. } => {
                self.trunks.out_ended(&outside.trunk, route.flow.remote);
                charged_ms = self.meter.closed(now, outside.grant.as_ref(), leg);
            }
            Role::Joined { who: Some(Asker::User(user)) } => self.acd.release(now, &user.clone().into(), call),
            Role::Caller { .. } | Role::Agent { .. } | Role::Joined { .. } => {}
        }
        if let Some(found) = self.calls.get_mut(&call) {
            found.early.take_if(|early| *early == leg);
        }
        self.commands.push_back(Command::Close { leg });
        self.note(
            now,
            call,
            Kind::LegEnded { leg, status, cause: Name::from(cause), reason: journaled(reason), charged_ms },
        );
    }

    /// The media of a leg is closed.
    pub(crate) fn media_closed(&mut self, now: Now, leg: LegId, stats: &Stats) {
        let Some(found) = self.legs.get(&leg) else { return };
        let (call, srtp) = (found.call, found.agreed.and_then(|agreed| agreed.srtp));
        let srtp = srtp.map(|srtp| Name::from(srtp.local.suite().name()));
        let &Stats { sent, received, lost, discarded, jitter_us, unauthentic, replayed, .. } = stats;
        let stats = MediaStats { leg, sent, received, lost, discarded, jitter_us, srtp, unauthentic, replayed };
        self.note(now, call, Kind::MediaStats(stats));
        self.forget_leg(now, leg);
    }

    /// A leg has no media any more, or never had.
    pub(crate) fn forget_leg(&mut self, now: Now, leg: LegId) {
        let Some(call) = self.legs.remove(&leg).map(|found| found.call) else { return };
        if let Some(found) = self.calls.get_mut(&call) {
            found.open_legs.retain(|&open| open != leg);
        }
        self.finish_if_closed(now, call);
    }

    /// Closes the books of a call if nothing of it is left.
    pub(crate) fn finish_if_closed(&mut self, now: Now, call: CallId) {
        let closed = |c: &crate::call::Call| c.over && c.open_legs.is_empty() && c.open_takes.is_empty();
        if self.calls.get(&call).is_some_and(closed) {
            self.finish(now, call);
        }
    }

    /// Media or files of a call did not close in time: its books are closed without them.
    pub(crate) fn tidy(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.limit = None;
        let (legs, takes) = (std::mem::take(&mut found.open_legs), std::mem::take(&mut found.open_takes));
        for leg in legs {
            // One that was told to close has nothing left to give back; after a fault, that may not have come about.
            self.drop_leg(now, leg, "hung_up", Reason::default());
            self.legs.remove(&leg);
        }
        for take in takes {
            self.takes.remove(&take);
            self.letters.forget(take);
        }
        self.finish(now, call);
    }

    fn finish(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.remove(&call) else { return };
        self.close_book(now, call, OpenBook { seq: found.seq, wrap_ups: found.wrap_ups });
        if let Some(limit) = found.limit {
            self.timers.cancel(limit);
        }
        base::give_back(&mut self.legs);
        base::give_back(&mut self.sessions);
        base::give_back(&mut self.offers);
        base::give_back(&mut self.takes);
    }
}

/// A reason as it stands in the journal.
fn journaled(reason: Reason) -> Option<journal::Reason> {
    (!reason.is_empty()).then_some(journal::Reason { sip: reason.sip, q850: reason.q850 })
}
