//! Attended transfer, and calls that take the place of others (RFC 3891, RFC 5589 7): two calls become one.
//!
//! Whoever has two talks sends the one side to the other by a REFER with Replaces: his own legs end, and the two who are left
//! talk. If he only waits in a queue there, or hears a flow, whom he sends waits in his place, or begins that flow. Or an INVITE with
//! Replaces takes a leg's place: a user's other phone does so, or whoever may pick a ringing call up.
//!
//! One call survives: that of a caller, of two the older one. The leg of the other joins it, ends there with cause `joined` and begins
//! here; that call ends, and its record names the one that it became.

use acd::{JoinError, QueueName};
use base::{CallId, LegId, Now, Pii};
use journal::{Asker, Kind, LegRole, Name, Party, TransferKind};
use leg::Command;
use sip::{Pending, Refusal, Replaced, SessionId};
use sip_message::{Reason, Replaces};

use crate::Destination;
use crate::call::{Role, Stage};
use crate::flow::Wanted;
use crate::switch::Switch;
use crate::talk::NORMAL_CLEARING;
use crate::transfer::UNAVAILABLE;

/// Why two calls become one.
struct Join {
    by: Asker,
    kind: TransferKind,
    target: Pii<String>,
}

/// A call, who leaves it, and who stays.
#[derive(Clone, Copy)]
struct Half {
    call: CallId,
    gone: LegId,
    stays: LegId,
}

/// Where whoever transfers is in his other call.
enum Second {
    /// He talks.
    Talks(Half),
    /// He waits in a queue, or hears a flow.
    Waits(CallId, Destination),
}

impl Second {
    const fn call(&self) -> CallId {
        match self {
            Self::Talks(half) => half.call,
            Self::Waits(call, _) => *call,
        }
    }
}

impl Switch {
    /// A REFER that names another talk of whoever sends it: those two sides shall talk.
    pub(crate) fn refer_to_dialog(
        &mut self,
        now: Now,
        (call, leg, who): (CallId, LegId, Asker),
        (session, pending): (SessionId, Pending),
        (number, replaces): (String, &Replaces),
    ) {
        let target = Pii::new(number);
        let other = match self.sip.find_replaced(replaces) {
            Replaced::Answered(session) if !replaces.early_only => self.sessions.get(&session).copied(),
            _ => None,
        };
        // Nobody joins calls that are not both his.
        if other.is_some_and(|other| self.owner(other).as_ref() != Some(&who) || other == leg) {
            let failed = Kind::TransferFailed { by: who, kind: TransferKind::Attended, target, status: 403 };
            self.note(now, call, failed);
            return self.sip.respond(now, pending, 403, &[]);
        }
        let referral = self.sip.accept_refer(now, session, pending, self.config.limits.ring_time);
        let second = other.and_then(|other| {
            let talks = self.half(other).map(Second::Talks);
            talks.or_else(|| self.place_of(other).map(|(call, place)| Second::Waits(call, place)))
        });
        let both = self.half(leg).zip(second.filter(|second| second.call() != call));
        let full = match &both {
            Some((_, Second::Waits(_, Destination::Queue(queue)))) => !self.may_follow(now, queue),
            _ => false,
        };
        let status = match &both {
            None => 481,
            Some(_) if full => UNAVAILABLE,
            Some(_) => 200,
        };
        if let Some(referral) = referral {
            self.sip.notify_referral(now, referral, status, true);
        }
        let why = Join { by: who, kind: TransferKind::Attended, target };
        match both.filter(|_| !full) {
            Some((first, Second::Talks(second))) => self.join(now, first, second, why),
            Some((first, Second::Waits(second, place))) => self.follow(now, first, second, place, why),
            None => {
                let Join { by, kind, target } = why;
                self.note(now, call, Kind::TransferFailed { by, kind, target, status });
            }
        }
    }

    /// Where a caller is who talks with nobody yet, and in which call: in a queue or a flow.
    fn place_of(&self, leg: LegId) -> Option<(CallId, Destination)> {
        let call = self.legs.get(&leg).filter(|leg| !leg.closed)?.call;
        let found = self.calls.get(&call).filter(|found| !found.over && found.caller == leg)?;
        let place = match found.stage {
            Stage::Queued(_) => Destination::Queue(self.acd.queue_of(call)?.clone()),
            Stage::Flow => Destination::Flow(found.flow.as_ref()?.flow().name().clone()),
            Stage::Setup | Stage::Dialling(_) | Stage::Talking(_) | Stage::Awaiting => return None,
        };
        Some((call, place))
    }

    /// True if one who waits in a queue can be followed there by another: his own place is counted.
    fn may_follow(&mut self, now: Now, queue: &QueueName) -> bool {
        matches!(self.check_join(now, queue), Ok(()) | Err(JoinError::Full))
    }

    /// The other side of a talk takes the place of a caller in a queue, or begins the flow that he hears.
    fn follow(&mut self, now: Now, first: Half, second: CallId, place: Destination, why: Join) {
        self.part(now, first.call);
        self.put_first(now, first.call, first.gone);
        self.leave_flow(first.call);
        let Join { by, kind, target } = why;
        self.note(now, first.call, Kind::Transferred { by, kind, target, joined: Some(second) });
        self.let_go(now, first.gone);
        let stood = self.calls.get(&second).and_then(|found| found.stood.clone());
        self.leave_place(second);
        self.note(now, second, Kind::Joined { into: first.call });
        self.end_joined(now, second, Party::Caller);
        let wanted = stood.map(|stood| Wanted { since: Some(stood.joined), ..stood.wanted });
        self.begin_anew(now, first.call, place, wanted.unwrap_or_default());
    }

    /// Whoever waited or heard a flow does so no more, as another one does: nobody has given up waiting.
    fn leave_place(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        if let Stage::Queued(Some(limit)) = std::mem::replace(&mut found.stage, Stage::Flow) {
            self.timers.cancel(limit);
        }
        self.leave_flow(call);
    }

    /// The call that a leg talks in, if it may leave it now.
    fn half(&self, gone: LegId) -> Option<Half> {
        let call = self.legs.get(&gone).filter(|leg| !leg.closed)?.call;
        let found =
            self.calls.get(&call).filter(|found| !found.over && found.transfer.is_none() && found.consult.is_none())?;
        let Stage::Talking(peer) = found.stage else { return None };
        let stays = if gone == peer { found.caller } else { peer };
        (gone == peer || gone == found.caller).then_some(Half { call, gone, stays })
    }

    /// Two sides of two talks talk with each other.
    fn join(&mut self, now: Now, first: Half, second: Half, why: Join) {
        let leads = |half: &Half| self.calls.get(&half.call).is_some_and(|call| call.caller == half.stays);
        let rank = |half: &Half| (!leads(half), half.call);
        let (kept, other) = if rank(&first) <= rank(&second) { (first, second) } else { (second, first) };
        self.part(now, kept.call);
        self.part(now, other.call);
        self.put_first(now, kept.call, kept.gone);
        self.leave_flow(kept.call);
        self.let_go(now, kept.gone);
        let caller_left = self.calls.get(&other.call).is_some_and(|call| call.caller == other.gone);
        self.take_in(now, kept.call, other.stays, why);
        self.let_go(now, other.gone);
        self.unite(now, kept.call, other.stays);
        self.end_joined(now, other.call, if caller_left { Party::Caller } else { Party::Agent });
    }

    /// The call of an INVITE with Replaces has its port: it takes the place of a leg.
    pub(crate) fn replace(&mut self, now: Now, call: CallId, leg: LegId) {
        let Some(found) = self.calls.get(&call) else { return };
        let (caller, target) = (found.caller, Pii::new(found.dialled.to_string()));
        let half = self.half(leg);
        let rings = self.rings_for(leg);
        let Some(by) = self.owner(caller).filter(|_| half.is_some() || rings.is_some()) else {
            return self.refuse_caller(now, call, Refusal::of(481));
        };
        if !self.accept_caller(now, call) {
            return;
        }
        let kept = match (half, rings) {
            (Some(kept), _) => {
                self.part(now, kept.call);
                self.put_first(now, kept.call, leg);
                self.leave_flow(kept.call);
                self.let_go(now, leg);
                self.take_in(now, kept.call, caller, Join { by, kind: TransferKind::Replaced, target });
                self.unite(now, kept.call, caller);
                kept.call
            }
            (None, Some(kept)) => {
                self.leave_flow(kept);
                self.silence(now, leg, kept);
                self.take_in(now, kept, caller, Join { by, kind: TransferKind::PickedUp, target });
                self.connect(now, kept, caller);
                kept
            }
            (None, None) => return,
        };
        self.hold_agent(now, kept, caller);
        self.end_joined(now, call, Party::Caller);
    }

    /// The leg that an INVITE with Replaces names, if its sender may take its place.
    ///
    /// # Errors
    /// The status that he is refused with (RFC 3891 section 3).
    pub(crate) fn replaced_by(&mut self, who: Option<&Asker>, replaces: &Replaces) -> Result<LegId, u16> {
        let (session, rings) = match self.sip.find_replaced(replaces) {
            Replaced::Answered(_) if replaces.early_only => return Err(486),
            Replaced::Answered(session) => (session, false),
            Replaced::Ringing(session) => (session, true),
            Replaced::Ended => return Err(603),
            Replaced::Unknown | Replaced::Asking(_) => return Err(481),
        };
        let leg = *self.sessions.get(&session).ok_or(481_u16)?;
        let owner = self.owner(leg);
        let own = owner.is_some() && self.may_transfer(leg).as_ref() == who;
        let picks_up = rings
            && match (who, &owner) {
                (Some(Asker::User(who)), Some(Asker::User(user))) => self.config.may_watch(who, user),
                _ => false,
            };
        if own || picks_up { Ok(leg) } else { Err(403) }
    }

    /// The call that a leg rings for.
    fn rings_for(&self, leg: LegId) -> Option<CallId> {
        let found = self.legs.get(&leg).filter(|found| !found.closed && !found.answered && found.session.is_some())?;
        let call = self.calls.get(&found.call).filter(|call| !call.over)?;
        let wanted = match &found.role {
            Role::Agent { offer, .. } => offer.is_some_and(|offer| self.offers.contains_key(&offer)),
            _ => call.stage == Stage::Dialling(leg),
        };
        wanted.then_some(found.call)
    }

    /// A leg rings no more, as its call was taken elsewhere.
    fn silence(&mut self, now: Now, leg: LegId, call: CallId) {
        let offer = match self.legs.get(&leg).map(|found| &found.role) {
            Some(Role::Agent { offer, .. }) => *offer,
            _ => None,
        };
        if let Some(offer) = offer {
            self.offers.remove(&offer);
        }
        self.drop_leg(now, leg, "answered_elsewhere", Reason::ANSWERED_ELSEWHERE);
        // Its offer, if it was one, is withdrawn, and the agent free.
        self.acd.leave(now, call);
    }

    /// A leg leaves its call and goes on in another one.
    fn take_in(&mut self, now: Now, call: CallId, leg: LegId, why: Join) {
        let who = self.owner(leg);
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let from = std::mem::replace(&mut found.call, call);
        let (role, charged_ms) = match &found.role {
            Role::Agent { agent, .. } => (LegRole::Agent(agent.shared().clone()), None),
            Role::Party { agent, .. } => (LegRole::Party(agent.shared().clone()), None),
            Role::Outside { outside, .. } => {
                let charged = outside.grant.as_ref().and_then(|grant| self.meter.split(now, grant, leg));
                (LegRole::Outside(outside.clone()), charged)
            }
            Role::Caller { .. } | Role::Joined { .. } => match &who {
                Some(Asker::User(user)) => (LegRole::Party(user.clone()), None),
                _ => (LegRole::Caller, None),
            },
        };
        match &found.role {
            Role::Agent { agent, .. } | Role::Party { agent, .. } => {
                let agent = agent.clone();
                self.acd.hand_over(&agent, from, call);
            }
            Role::Caller { .. } => found.role = Role::Joined { who },
            Role::Joined { .. } | Role::Outside { .. } => {}
        }
        let mut records = false;
        if let Some(other) = self.calls.get_mut(&from) {
            other.open_legs.retain(|&open| open != leg);
            records = other.take.is_some();
        }
        if records {
            // It may run on the leg that goes.
            self.record(from, false);
        }
        if let Some(other) = self.calls.get_mut(&from) {
            other.stage = Stage::Flow;
        }
        if let Some(found) = self.calls.get_mut(&call) {
            found.open_legs.push(leg);
        }
        let Join { by, kind, target } = why;
        let cause = Name::from("joined");
        self.note(now, from, Kind::LegEnded { leg, status: None, cause, reason: None, charged_ms });
        self.note(now, from, Kind::Joined { into: call });
        self.note(now, call, Kind::Transferred { by, kind, target, joined: Some(from) });
        self.note(now, call, Kind::LegBegan { leg, role });
        self.note(now, call, Kind::LegAnswered { leg });
        if records {
            self.record(call, true);
        }
    }

    /// A call is one with this leg from now on.
    pub(crate) fn unite(&mut self, now: Now, call: CallId, leg: LegId) {
        let Some(found) = self.calls.get_mut(&call).filter(|found| !found.over) else { return };
        found.stage = Stage::Talking(leg);
        let caller = found.caller;
        self.keep_digits(leg);
        self.commands.push_back(Command::Bridge { a: caller, b: leg });
        self.note(now, call, Kind::Bridged { a: caller, b: leg });
        self.attend_holds(now, call);
    }

    /// A user who took a call by another of his phones is busy with it, if he is an agent.
    fn hold_agent(&mut self, now: Now, call: CallId, leg: LegId) {
        if let Some(Asker::User(user)) = self.owner(leg) {
            // Who is no agent, or has something else to do, is left alone.
            let _ = self.acd.reserve(now, &user.into(), call);
        }
    }

    /// What is left of a call whose leg has joined another one.
    fn end_joined(&mut self, now: Now, call: CallId, by: Party) {
        self.end_call(now, call, by, "joined", NORMAL_CLEARING);
    }
}
