//! Calls to the outside. There is one door: [`Switch::dial_outside`], which asks for a grant, whoever calls, be it by a
//! dialled number, a flow or a redirection. Emergency calls alone go round it.

use std::sync::Arc;

use base::{CallId, LegId, Mono, Now, Pii};
use ivr::DialOutcome;
use journal::{Asker, Kind, LegRole, NoWayOut, Outside, Party};
use sip_message::{NameAddr, Reason, Response, Uri};

use crate::call::{Call, Callee, Others, Role, Route, Stage};
use crate::outgoing::DialEnd;
use crate::switch::{Switch, Timer};
use crate::{CallerId, Destination, Grant, TrunkName, UserName, is_number};

/// How often one dial may be redirected.
const MAX_REDIRECTIONS: usize = 5;
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
    ) -> Result<(), NoWayOut> {
        let config = Arc::clone(&self.config);
        let grant = config.grant_of(&asker, number);
        let checked = match grant {
            Some(grant) => self.meter.check(now, grant).map(|()| grant),
            None => Err(NoWayOut::NoGrant),
        };
        let exhausted = self.calls.get(&call).is_some_and(|found| found.left >= MAX_LEFT);
        let checked = if exhausted { Err(NoWayOut::TooOften) } else { checked };
        match checked {
            Ok(granted) => {
                self.leave(now, call, asker, number.into(), &granted.trunk, Some(granted), deadline);
                Ok(())
            }
            Err(why) => {
                let (number, grant) = (Pii::new(number.to_owned()), grant.map(|grant| grant.name.clone()));
                self.note(now, call, Kind::OutsideRefused { asked_by: asker, number, why, grant });
                Err(why)
            }
        }
    }

    /// Calls for help: no grant is asked for, and nothing is counted.
    pub(crate) fn dial_emergency(&mut self, now: Now, call: CallId, user: UserName, number: Arc<str>, deadline: Mono) {
        let Some(trunk) = self.config.emergency.as_ref().map(|emergency| emergency.trunk.clone()) else {
            self.dial_over(now, call, DialOutcome::Unreachable);
            return;
        };
        self.leave(now, call, Asker::User(user), number, &trunk, None, deadline);
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
        // That a trunk takes calls is checked when the configuration is read.
        let Some(peer) = self.config.trunk(trunk).and_then(|trunk| trunk.to.clone()) else {
            self.dial_over(now, call, DialOutcome::Unreachable);
            return;
        };
        let (target, flow) = (peer.contact.clone().with_user(&number), self.flow_to(&peer));
        let route = Route { target, flow, onward: sip::Onward::default(), others: Others::default() };
        let outside = Outside {
            trunk: trunk.clone(),
            number: Pii::new(number.to_string()),
            asked_by,
            grant: grant.map(|grant| grant.name.clone()),
        };
        let role = LegRole::Outside(outside.clone());
        let leg = self.open_leg(now, call, Role::Outside { outside, route }, role);
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
            found.stage = Stage::Dialling(leg);
            found.rung.push(callee);
        }
    }

    /// Follows a 3xx, if that is allowed: a user's phone may send a call on to another user, or outside by a grant of
    /// its user; a trunk may name another number that the same grants hold. False if the leg has only declined.
    pub(crate) fn redirected(&mut self, now: Now, leg: LegId, status: u16, response: &Response) -> bool {
        let Some(found) = self.legs.get(&leg) else { return false };
        let call = found.call;
        let Some(deadline) = found.ring.map(base::TimerToken::at) else { return false };
        let Some(number) = response.head.contacts.first().and_then(|contact| contact.uri.user()) else { return false };
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
        found.stage == Stage::Dialling(leg) && found.rung.len() <= MAX_REDIRECTIONS && !found.rung.contains(next)
    }

    /// The minutes of a leg's grant are used up: it is hung up, and what follows is the call's own matter.
    pub(crate) fn minutes_used_up(&mut self, now: Now, leg: LegId) {
        self.drop_leg(now, leg, "minutes_used_up", 16);
        self.side_gone(now, leg, Party::System, "minutes_used_up", Reason::default());
    }

    /// Whom the far end of a trunk sees calling.
    pub(crate) fn outside_identity(&self, call: &Call, outside: &Outside, route: &Route) -> NameAddr {
        let own = match &outside.asked_by {
            Asker::User(user) => self.config.users.get(user).and_then(|user| user.caller_id.clone()),
            Asker::Flow(_) | Asker::Trunk(_) => None,
        };
        let shown = own.or_else(|| match &self.config.trunk(&outside.trunk)?.caller_id {
            CallerId::Number(number) => Some(number.clone()),
            CallerId::Caller => {
                Some(call.number.reveal().as_str().into()).filter(|number: &Arc<str>| is_number(number))
            }
            CallerId::Anonymous => None,
        });
        match shown {
            Some(number) => {
                let listener = self.listeners.get(usize::from(route.flow.listener));
                let ours =
                    listener.and_then(|listener| listener.advertised).map_or(route.flow.local.ip(), |ours| ours.ip());
                NameAddr::new(Uri::new(ours).with_user(&number))
            }
            None => anonymous(),
        }
    }
}

/// Nobody that anybody need know (RFC 3323 section 4.1.1.3).
fn anonymous() -> NameAddr {
    NameAddr::new(Uri::new(sip_message::Host::Name("anonymous.invalid".into())).with_user("anonymous"))
        .with_display("Anonymous")
}

impl DialEnd {
    /// What a caller gets who dialled a number himself that he is not let out to.
    pub(crate) const fn of_limit(why: NoWayOut) -> Self {
        let status = match why {
            // As for any number that nothing reaches.
            NoWayOut::NoGrant => 404,
            NoWayOut::AtOnce | NoWayOut::TooOften => 503,
            NoWayOut::Minutes => 403,
        };
        Self { outcome: DialOutcome::Refused, status, cause: "not_let_out", reason: Reason { sip: None, q850: None } }
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
