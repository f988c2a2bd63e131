//! Calls to the outside. There is one door: [`Switch::dial_outside`], which asks for a grant, whoever calls, be it by a
//! dialled number, a flow or a redirection. Emergency calls alone go round it.

use std::net::SocketAddr;
use std::sync::Arc;

use base::{CallId, LegId, Mono, Now, Pii};
use ivr::DialOutcome;
use journal::{Asker, Kind, LegRole, NoWayOut, Outside, Party};
use sip_message::{Reason, Response};

use crate::call::{Call, Callee, Others, Role, Route, Stage};
use crate::consult::With;
use crate::outgoing::DialEnd;
use crate::registration::{CONGESTION, NO_CIRCUIT};
use crate::switch::Switch;
use crate::timer::Timer;
use crate::{Destination, Grant, NumbersOf, Trunk, TrunkName, UserName, is_number};

/// How often one dial may be redirected.
const MAX_REDIRECTIONS: usize = 5;
/// What stands for an answer that does not come.
const SILENT: u16 = 408;
/// How often one call may leave: a flow that dials in a circle ends here.
const MAX_LEFT: u32 = 100;

impl Switch {
    /// Calls a number outside on behalf of `asker`, if a grant of his allows it and has room.
    ///
    /// # Errors
    /// Why not; it is journaled. The dial has not begun then.
    pub(crate) fn dial_outside(
        &mut self,
        now: Now,
        call: CallId,
        asker: Asker,
        number: &str,
        deadline: Mono,
    ) -> Result<(), NotOut> {
        let config = Arc::clone(&self.config);
        let grant = config.grant_of(&asker, number);
        let checked = match grant {
            Some(grant) => self.meter.check(now, grant).map(|()| grant),
            None => Err(NoWayOut::NoGrant),
        }
        .map_err(NotOut::of);
        let exhausted = self.calls.get(&call).is_some_and(|found| found.left >= MAX_LEFT);
        let checked = if exhausted { Err(NotOut::of(NoWayOut::TooOften)) } else { checked };
        let checked = checked.and_then(|grant| Ok((grant, self.way_by(now, call, &grant.trunk)?)));
        match checked {
            Ok((granted, trunk)) => {
                self.leave(now, call, asker, number.into(), &trunk, Some(granted), deadline);
                Ok(())
            }
            Err(not) => {
                let (number, grant) = (Pii::new(number.to_owned()), grant.map(|grant| grant.name.clone()));
                self.note(now, call, Kind::OutsideRefused { asked_by: asker, number, why: not.why, grant });
                Err(not)
            }
        }
    }

    /// Calls for help: no grant is asked for, and nothing is counted.
    pub(crate) fn dial_emergency(&mut self, now: Now, call: CallId, user: UserName, number: Arc<str>, deadline: Mono) {
        let Some(trunk) = self.config.emergency.as_ref().map(|emergency| emergency.trunk.clone()) else {
            self.dial_over(now, call, DialOutcome::Unreachable);
            return;
        };
        // Whoever calls for help is tried for, whatever is known of the trunk.
        let trunk = self.way_by(now, call, &trunk).ok().or_else(|| self.way_for_help(&trunk)).unwrap_or(trunk);
        self.leave(now, call, Asker::User(user), number, &trunk, None, deadline);
    }

    /// A trunk that is neither down nor full: this one, or one that calls go to in its place.
    ///
    /// # Errors
    /// What stands against the last of them, and when the first of them may have room.
    fn way_by(&mut self, now: Now, call: CallId, trunk: &TrunkName) -> Result<TrunkName, NotOut> {
        let config = Arc::clone(&self.config);
        let mut found = config.trunk(trunk);
        let mut last = NotOut::of(NoWayOut::TrunkDown);
        while let Some(trunk) = found {
            let room = match self.trunks.is_down(&trunk.name) {
                true => Err(NoWayOut::TrunkDown),
                false => self.trunks.room_out(now, trunk),
            };
            let Err(why) = room else { return Ok(trunk.name.clone()) };
            let room = NotOut::of(why).retry_after.into_iter().chain(last.retry_after).min();
            last = NotOut { why, retry_after: room };
            found = trunk.failover.as_ref().and_then(|next| config.trunk(next));
            if found.is_some() {
                self.note(now, call, Kind::TrunkPassed { trunk: trunk.name.clone(), why });
            }
        }
        Err(last)
    }

    /// A trunk that is down but has an address at least: this one, or one that calls go to in its place.
    fn way_for_help(&self, trunk: &TrunkName) -> Option<TrunkName> {
        let mut trunk = trunk;
        // None leads to itself by these.
        while !self.trunks.is_somewhere(trunk) {
            trunk = self.config.trunk(trunk)?.failover.as_ref()?;
        }
        Some(trunk.clone())
    }

    /// A trunk is busy, silent or gone: the call goes to the one in its place, by the same grant, if there is one and it still
    /// rings.
    ///
    /// # Errors
    /// If it does not go on: after how many seconds a trunk that is full may have room, if that is why.
    pub(crate) fn fail_over(&mut self, now: Now, leg: LegId, status: u16) -> Result<(), Option<u32>> {
        let Some(found) = self.legs.get(&leg).filter(|found| !found.answered) else { return Err(None) };
        let (call, ring) = (found.call, found.ring.map(base::TimerToken::at));
        let Role::Outside { outside, route, ways } = &found.role else { return Err(None) };
        let (outside, at, urgent) = (outside.clone(), route.flow.remote, outside.grant.is_none());
        let ways = self.trunks.still(&outside.trunk, ways, urgent);
        self.trunks.note_failure(now, &outside.trunk, "INVITE", at, status);
        let dials = |found: &Call| !found.over && found.rings(leg) && found.left < MAX_LEFT;
        let config = Arc::clone(&self.config);
        // Another address of the same trunk (RFC 3263 4.3), else another trunk.
        let own = (!ways.is_empty()).then_some(&outside.trunk);
        let next = own.or_else(|| config.trunk(&outside.trunk)?.failover.as_ref());
        let grant = outside.grant.as_ref().map(|name| config.grants.get(name));
        let (Some(next), Some(deadline), true) = (next, ring, self.calls.get(&call).is_some_and(dials)) else {
            return Err(None);
        };
        let by = if own.is_some() { Ok(next.clone()) } else { self.way_by(now, call, next) };
        let next = match by {
            Ok(next) => next,
            Err(_) if urgent => next.clone(),
            Err(not) => {
                // The call ends by what the first trunk said, so that nothing else tells of this.
                let after = |trunk: &&Trunk| config.trunk(trunk.failover.as_ref()?);
                if let Some(last) = std::iter::successors(config.trunk(next), after).last() {
                    self.note(now, call, Kind::TrunkPassed { trunk: last.name.clone(), why: not.why });
                }
                return Err(not.retry_after);
            }
        };
        // A grant that is gone lets nobody out any more.
        let grant = match grant {
            Some(None) => return Err(None),
            Some(grant) => grant,
            None => None,
        };
        let number: Arc<str> = outside.number.reveal().as_str().into();
        if let Some(session) = self.legs.get_mut(&leg).and_then(|found| found.session.take()) {
            // It may still answer: then it is told that nobody wants it any more.
            self.sessions.remove(&session);
            self.sip.hang_up(now, session, None);
        }
        self.close_leg(now, leg, "failed_over", Some(status), sip_message::Reason::default());
        if ways.is_empty() {
            self.leave(now, call, outside.asked_by, number, &next, grant, deadline);
        } else {
            // It is the same call: the trunk's rate has it already.
            self.leave_by(now, call, outside.asked_by, number, (&next, ways), grant, deadline);
        }
        Ok(())
    }

    /// The time is over in which the far end of a trunk is to say something. If it has not, it counts as silent.
    pub(crate) fn trunk_silent(&mut self, now: Now, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.silence = None;
        let unheard = found.session.is_some_and(|session| !self.sip.is_heard(session));
        if !unheard {
            return;
        }
        let Err(again) = self.fail_over(now, leg, SILENT) else { return };
        self.drop_leg(now, leg, "unreachable", sip_message::Reason::default());
        self.outgoing_failed(now, leg, (SILENT, true), sip_message::Reason::default(), again);
    }

    /// Places a leg to a trunk. All checks are done.
    #[allow(clippy::too_many_arguments, reason = "what makes up a call to the outside, each of another type")]
    fn leave(
        &mut self,
        now: Now,
        call: CallId,
        asked_by: Asker,
        number: Arc<str>,
        trunk: &TrunkName,
        grant: Option<&Grant>,
        deadline: Mono,
    ) {
        let ways = self.trunks.roll(trunk, grant.is_none());
        if let Some(trunk) = self.config.trunk(trunk) {
            self.trunks.placed(now, trunk);
        }
        self.leave_by(now, call, asked_by, number, (trunk, ways), grant, deadline);
    }

    /// The same to the first of some addresses of the trunk; the others are for when it fails.
    #[allow(clippy::too_many_arguments, reason = "as above")]
    fn leave_by(
        &mut self,
        now: Now,
        call: CallId,
        asked_by: Asker,
        number: Arc<str>,
        (trunk, mut ways): (&TrunkName, Vec<SocketAddr>),
        grant: Option<&Grant>,
        deadline: Mono,
    ) {
        let first = (!ways.is_empty()).then(|| ways.remove(0));
        let peer = first.and_then(|first| self.trunks.peer_at(trunk, first));
        let config = Arc::clone(&self.config);
        let Some((trunk, peer)) = config.trunk(trunk).zip(peer) else {
            self.dial_over(now, call, DialOutcome::Unreachable);
            return;
        };
        // Leave was given for the number as it is. What the trunk writes in its place is between it and us; help is called
        // for by the number that was dialled.
        let sent = grant.and_then(|_| trunk.numbers.outward(&number, NumbersOf::Called));
        let told = sent.as_deref().unwrap_or(&number);
        let (target, flow) = (peer.contact.clone().with_user(told), self.flow_to(&peer));
        let route = Route { target, flow, onward: sip::Onward::default(), others: Others::default() };
        let outside = Outside {
            trunk: trunk.name.clone(),
            number: Pii::new(number.to_string()),
            sent: Pii::new(sent.unwrap_or_default()),
            asked_by,
            grant: grant.map(|grant| grant.name.clone()),
        };
        self.trunks.left_by(&trunk.name, flow.remote);
        let role = LegRole::Outside(outside.clone());
        let leg = self.open_leg(now, call, Role::Outside { outside, route, ways }, role);
        if let Some(grant) = grant {
            self.meter.placed(now, grant, leg);
        }
        if let Some(found) = self.calls.get_mut(&call) {
            found.left += 1;
        }
        self.ring_until(call, leg, Callee::Outside(number), deadline);
    }

    /// A leg rings for a dial until `deadline`.
    pub(crate) fn ring_until(&mut self, call: CallId, leg: LegId, callee: Callee, deadline: Mono) {
        let ring = self.timers.set(deadline, Timer::Ring(leg));
        if let Some(found) = self.legs.get_mut(&leg) {
            found.ring = Some(ring);
        }
        if let Some(found) = self.calls.get_mut(&call) {
            match &mut found.consult {
                Some(consult) => consult.with = With::Rings(leg),
                None => found.stage = Stage::Dialling(leg),
            }
            found.rung.push(callee);
        }
    }

    /// Follows a 3xx, if that is allowed: a user's phone may send a call on to another user, or outside by a grant of
    /// its user; a trunk may name another number that the same grants hold. False if the leg has only declined.
    pub(crate) fn redirected(&mut self, now: Now, leg: LegId, status: u16, response: &Response) -> bool {
        let Some(found) = self.legs.get(&leg) else { return false };
        let call = found.call;
        let Some(deadline) = found.ring.map(base::TimerToken::at) else { return false };
        let number = response.head.contacts.first().and_then(|contact| contact.uri.user());
        let Some(number) = number.map(std::borrow::Cow::into_owned) else { return false };
        let number = match &found.role {
            // A trunk names it as it writes numbers.
            Role::Outside { outside, .. } => self.config.number_in(&outside.trunk, number, NumbersOf::Called),
            _ => number,
        };
        let next = match &found.role {
            Role::Party { agent, .. } => self.next_callee(Some(agent.shared()), &number),
            // Whoever calls for help calls that number and no other.
            Role::Outside { outside, .. } if outside.grant.is_some() => self.next_callee(None, &number),
            // A call from a queue goes to the queue's next agent.
            Role::Outside { .. } | Role::Agent { .. } | Role::Caller { .. } | Role::Joined { .. } => None,
        };
        let asker = match &found.role {
            Role::Party { agent, .. } => Asker::User(agent.shared().clone()),
            Role::Outside { outside, .. } => outside.asked_by.clone(),
            Role::Agent { .. } | Role::Caller { .. } | Role::Joined { .. } => return false,
        };
        let Some(next) = next.filter(|next| self.may_go_on(call, leg, next)) else { return false };
        self.close_leg(now, leg, "redirected", Some(status), Reason::of(&response.head));
        match next {
            Callee::User(user) => self.dial_user(now, call, &user, deadline),
            Callee::Outside(number) => {
                if self.dial_outside(now, call, asker, &number, deadline).is_err() {
                    self.dial_over(now, call, DialOutcome::Declined);
                }
            }
        }
        true
    }

    /// Whom a redirection means. Only the number before the `@` counts, as in every call that comes in.
    fn next_callee(&self, user: Option<&UserName>, number: &str) -> Option<Callee> {
        match self.config.numbers.get(number).filter(|_| user.is_some()) {
            Some(Destination::User(user)) => Some(Callee::User(user.clone())),
            Some(Destination::Flow(_) | Destination::Queue(_)) => None,
            None => is_number(number).then(|| Callee::Outside(number.into())),
        }
    }

    /// True if the dial still runs, and the redirection leads neither in a circle nor too far.
    fn may_go_on(&self, call: CallId, leg: LegId, next: &Callee) -> bool {
        let Some(found) = self.calls.get(&call).filter(|found| !found.over) else { return false };
        found.rings(leg) && found.rung.len() <= MAX_REDIRECTIONS && !found.rung.contains(next)
    }

    /// The minutes of a leg's grant are used up: it is hung up, and what follows is the call's own matter.
    pub(crate) fn minutes_used_up(&mut self, now: Now, leg: LegId) {
        self.drop_leg(now, leg, "minutes_used_up", 16);
        self.side_gone(now, leg, Party::System, "minutes_used_up", Reason::default());
    }

    /// The address of ours that the far end of a way is told.
    pub(crate) fn told_host(&self, route: &Route) -> std::net::IpAddr {
        let listener = self.listeners.get(usize::from(route.flow.listener));
        listener.and_then(|listener| listener.advertised).map_or(route.flow.local.ip(), |ours| ours.ip())
    }
}

/// Why a call does not leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotOut {
    why: NoWayOut,
    /// After how many seconds it is worth another try, if that can be said.
    retry_after: Option<u32>,
}

impl NotOut {
    const fn of(why: NoWayOut) -> Self {
        Self { why, retry_after: until_room(why) }
    }
}

/// The seconds after which a trunk may have room again. A talk's end cannot be foreseen, the next second's calls can.
pub(crate) const fn until_room(why: NoWayOut) -> Option<u32> {
    match why {
        NoWayOut::TrunkFull => Some(5),
        NoWayOut::TrunkRate => Some(1),
        NoWayOut::NoGrant | NoWayOut::AtOnce | NoWayOut::TooOften | NoWayOut::TrunkDown | NoWayOut::Minutes => None,
    }
}

impl DialEnd {
    /// What a caller gets who dialled a number himself that he is not let out to.
    pub(crate) const fn of_limit(NotOut { why, retry_after }: NotOut) -> Self {
        let status = match why {
            // As for any number that nothing reaches.
            NoWayOut::NoGrant => 404,
            NoWayOut::AtOnce | NoWayOut::TooOften | NoWayOut::TrunkDown => 503,
            NoWayOut::TrunkFull | NoWayOut::TrunkRate => 503,
            NoWayOut::Minutes => 403,
        };
        let q850 = match why {
            NoWayOut::TrunkFull => Some(NO_CIRCUIT),
            NoWayOut::TrunkRate => Some(CONGESTION),
            _ => None,
        };
        Self {
            outcome: DialOutcome::Refused,
            status,
            cause: "not_let_out",
            reason: Reason { sip: None, q850 },
            retry_after,
        }
    }

    /// What the final response of a trunk says. What it says of itself, such as that it wants a password of us, is none
    /// of the caller's business: he learns that it does not work.
    pub(crate) const fn of_trunk(status: u16, local: bool) -> Self {
        let (outcome, status) = match status {
            _ if local => (DialOutcome::Unreachable, 503),
            486 | 600 => (DialOutcome::Busy, 486),
            408 | 480 | 487 => (DialOutcome::NoAnswer, 480),
            300..=399 | 603 | 607 | 608 => (DialOutcome::Declined, 603),
            403 => (DialOutcome::Refused, 403),
            401 | 407 => (DialOutcome::Refused, 503),
            404 | 410 | 604 => (DialOutcome::Unreachable, 404),
            484 => (DialOutcome::Unreachable, 484),
            415 | 488 | 606 => (DialOutcome::Unreachable, 488),
            400..=499 => (DialOutcome::Unreachable, 480),
            _ => (DialOutcome::Unreachable, 503),
        };
        Self { status, ..Self::of(outcome) }
    }
}
