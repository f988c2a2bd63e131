//! Blind transfer: one side of a talk sends the other on by REFER (RFC 3515), and goes.
//!
//! Who is sent on hears that it rings; who sends is told by NOTIFY how it goes, and stays on his line until somebody answers:
//! then he is let go, and his wrap-up begins. If nobody does, the two talk again; if he has hung up meanwhile, his phone
//! rings. Whom he may send others to is his own matter: numbers outside by his grants alone.
//!
//! A flow or a queue answers at once. Whoever is sent on has left the flow that he was in. A flow sends its caller on in the
//! same way, with nobody to be told.

use std::sync::Arc;
use std::time::Duration;

use acd::AgentName;
use base::{CallId, LegId, Now, Pii};
use ivr::{DialOutcome, DialTarget, QueueOutcome};
use journal::{Asker, Kind, NoWayOut, TransferKind};
use leg::Command;
use sip::{Pending, ReferralId, SessionId};
use sip_message::ReferTo;

use crate::call::{Call, Role, Stage};
use crate::flow::{FlowInput, Wanted};
use crate::identity::Identity;
use crate::outgoing::DialEnd;
use crate::switch::Switch;
use crate::talk::NORMAL_CLEARING;
use crate::{Destination, NumbersOf, UserName, is_number};

/// A transfer that waits for somebody to answer.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// The leg of whoever sends the other on, while he is there.
    pub by: Option<LegId>,
    /// Who that is.
    pub who: Asker,
    /// The number.
    pub target: Pii<String>,
    /// By what he is told how it goes.
    pub referral: Option<ReferralId>,
    /// How long it rings.
    pub ring_time: Duration,
}

/// What a transfer's number reaches.
pub(crate) enum Target {
    Listed(Destination),
    Outside,
}

/// The final status of a transfer.
const OK: u16 = 200;
/// Whoever was to be sent on has hung up.
const TERMINATED: u16 = 487;
pub(crate) const UNAVAILABLE: u16 = 480;
const LOOP_DETECTED: u16 = 482;

/// How often flows send one caller on; one who comes to a further transfer goes where that fails.
pub(crate) const MAX_SENT_ON: u8 = 16;

impl Switch {
    /// A REFER in a leg's session.
    pub(crate) fn referred(&mut self, now: Now, leg: LegId, session: SessionId, pending: Pending, refer: &ReferTo) {
        let number = refer.target.user().unwrap_or_default().into_owned();
        let (call, who) = match self.transferor(leg) {
            Ok(found) => found,
            Err(status) => return self.sip.respond(now, pending, status, &[]),
        };
        if let Some(replaces) = &refer.replaces {
            return self.refer_to_dialog(now, (call, leg, who), (session, pending), (number, replaces));
        }
        // A trunk names whom it means as it writes numbers.
        let number = match &who {
            Asker::Trunk(trunk) => self.config.number_in(trunk, number, NumbersOf::Called),
            _ => number,
        };
        let target = match self.target_for(now, call, &who, &number) {
            Ok(target) => target,
            Err(status) => {
                let target = Pii::new(number);
                self.note(now, call, Kind::TransferFailed { by: who, kind: TransferKind::Blind, target, status });
                return self.sip.respond(now, pending, status, &[]);
            }
        };
        let referral = self.sip.accept_refer(now, session, pending, self.config.limits.ring_time);
        let ring_time = self.config.limits.ring_time;
        let transfer = Transfer { by: Some(leg), who, target: Pii::new(number), referral, ring_time };
        self.send_on(now, call, transfer, target);
    }

    /// Sends the other side of a talk on.
    pub(crate) fn send_on(&mut self, now: Now, call: CallId, transfer: Transfer, target: Target) {
        match target {
            Target::Listed(Destination::User(user)) => self.ring_instead(now, call, transfer, Some(&user)),
            Target::Outside => self.ring_instead(now, call, transfer, None),
            Target::Listed(destination) => self.move_on(now, call, transfer, destination),
        }
    }

    /// What a number reaches for whoever names it in a talk.
    ///
    /// # Errors
    /// The status that says why it reaches nothing; what that tells of grants is journaled.
    pub(crate) fn target_for(&mut self, now: Now, call: CallId, who: &Asker, number: &str) -> Result<Target, u16> {
        self.target_of(who, number).map_err(|(status, why)| {
            if let Some(why) = why {
                let (asked_by, number) = (who.clone(), Pii::new(number.to_owned()));
                self.note(now, call, Kind::OutsideRefused { asked_by, number, why, grant: None });
            }
            status
        })
    }

    /// The call of a leg whose peer may send the other side of his talk on now, and as whom he does.
    fn transferor(&self, leg: LegId) -> Result<(CallId, Asker), u16> {
        let call = self.legs.get(&leg).map(|found| found.call).ok_or(481_u16)?;
        let found = self.calls.get(&call).filter(|found| !found.over).ok_or(481_u16)?;
        let talks = matches!(found.stage, Stage::Talking(peer) if peer == leg || found.caller == leg);
        if found.transfer.is_some() || found.consult.is_some() {
            return Err(491);
        }
        let who = self.may_transfer(leg).filter(|_| talks).ok_or(403_u16)?;
        Ok((call, who))
    }

    /// As whom a leg's peer transfers; `None` if he may not.
    pub(crate) fn may_transfer(&self, leg: LegId) -> Option<Asker> {
        match self.owner(leg)? {
            Asker::Trunk(name) => {
                let allowed = self.config.trunk(&name).is_some_and(|trunk| trunk.transfers);
                allowed.then_some(Asker::Trunk(name))
            }
            other => Some(other),
        }
    }

    /// Whose a leg is.
    pub(crate) fn owner(&self, leg: LegId) -> Option<Asker> {
        let found = self.legs.get(&leg)?;
        match &found.role {
            Role::Agent { agent, .. } | Role::Party { agent, .. } => Some(Asker::User(agent.shared().clone())),
            Role::Outside { outside, .. } => Some(Asker::Trunk(outside.trunk.clone())),
            Role::Caller { .. } => self.calls.get(&found.call)?.asker.clone(),
            Role::Joined { who } => who.clone(),
        }
    }

    fn target_of(&self, who: &Asker, number: &str) -> Result<Target, (u16, Option<NoWayOut>)> {
        if let Some(listed) = self.config.numbers.get(number) {
            return Ok(Target::Listed(listed.clone()));
        }
        match self.config.grant_of(who, number) {
            Some(_) => Ok(Target::Outside),
            None if is_number(number) && !self.config.grants.is_empty() => Err((403, Some(NoWayOut::NoGrant))),
            None => Err((404, None)),
        }
    }

    /// Rings whom the other side of a talk is sent on to: a user, or the number outside.
    fn ring_instead(&mut self, now: Now, call: CallId, transfer: Transfer, user: Option<&UserName>) {
        let deadline = now.monotonic + transfer.ring_time;
        let (who, number) = (transfer.who.clone(), transfer.target.reveal().clone());
        self.part(now, call);
        if let Some(by) = transfer.by {
            self.put_first(now, call, by);
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.rung.clear();
        found.transfer = Some(transfer);
        self.play_ringback(call);
        let outcome = match user {
            Some(user) => self.try_user(now, call, user, deadline).map_err(DialEnd::of),
            None => self.dial_outside(now, call, who, &number, deadline).map_err(DialEnd::of_limit),
        };
        if let Err(end) = outcome {
            self.dial_over(now, call, end);
        }
    }

    /// A flow sends its caller on.
    pub(crate) fn transfer_from_flow(&mut self, now: Now, call: CallId, target: &DialTarget, ring_time: Duration) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let Some(flow) = &found.flow else { return };
        let who = Asker::Flow(flow.flow().name().clone());
        let (DialTarget::User(name) | DialTarget::Number(name)) = target;
        let transfer = Transfer { by: None, who, target: Pii::new(name.to_string()), referral: None, ring_time };
        // Numbers may lead round, which no check of flows can see.
        if found.hops.is_none() || found.sent_on >= MAX_SENT_ON {
            self.tell_failure(now, call, &transfer, LOOP_DETECTED);
            return self.dial_over(now, call, DialOutcome::Refused);
        }
        found.sent_on += 1;
        let listed = match target {
            DialTarget::User(user) => Some(Destination::User(user.clone())),
            DialTarget::Number(number) => self.config.numbers.get(number).cloned(),
        };
        match listed {
            Some(Destination::User(user)) => self.ring_instead(now, call, transfer, Some(&user)),
            None => self.ring_instead(now, call, transfer, None),
            Some(destination) => self.move_on(now, call, transfer, destination),
        }
    }

    /// Sends the other side of a talk, or the caller of a flow, on to a queue or a flow.
    fn move_on(&mut self, now: Now, call: CallId, transfer: Transfer, destination: Destination) {
        if let Destination::Queue(queue) = &destination
            && self.check_join(now, queue).is_err()
        {
            self.tell_failure(now, call, &transfer, UNAVAILABLE);
            if transfer.by.is_none() {
                self.dial_over(now, call, DialOutcome::Unreachable);
            }
            return;
        }
        self.part(now, call);
        if let Some(by) = transfer.by {
            self.put_first(now, call, by);
        }
        self.tell_success(now, call, &transfer);
        self.leave_flow(call);
        if let Some(by) = transfer.by {
            self.let_go(now, by);
        }
        self.begin_anew(now, call, destination, Wanted::default());
    }

    /// A caller who has left his flow begins at another place: a flow, or a queue of which he wants this.
    pub(crate) fn begin_anew(&mut self, now: Now, call: CallId, destination: Destination, wanted: Wanted) {
        match destination {
            Destination::Queue(queue) => {
                let Some(found) = self.calls.get_mut(&call).filter(|found| !found.over) else { return };
                found.stage = Stage::Flow;
                self.join_queue(now, call, &queue, wanted, Vec::new());
            }
            Destination::Flow(name) => {
                let flow = ivr::Session::new(self.config.flows.clone(), &name);
                self.begin_flow(now, call, flow);
            }
            Destination::User(_) => {}
        }
    }

    /// A caller who has left his flow begins in this one.
    pub(crate) fn begin_flow(&mut self, now: Now, call: CallId, flow: Option<ivr::Session>) {
        let Some(found) = self.calls.get_mut(&call).filter(|found| !found.over) else { return };
        found.stage = Stage::Flow;
        found.prompts = self.config.prompts.clone();
        // The number plan names no flow that is not there.
        let Some(flow) = flow else { return self.queue_over(now, call, QueueOutcome::Unknown) };
        let facts = ivr::Facts {
            caller_number: found.number.clone(),
            caller_name: found.identity.display.clone().unwrap_or(Pii::new(String::new())),
            dialled: found.dialled.to_string(),
            calls_today: found.earlier.today,
            last_call: found.earlier.last,
        };
        let mut flow = flow.with_facts(facts);
        // Who sends him on does not change what he understands.
        found.language.iter().for_each(|language| flow.set_language(language));
        found.flow = Some(flow);
        self.flow_inputs.push_back((call, FlowInput::Start));
    }

    /// Two who talk hear each other no more, and neither holds the other.
    pub(crate) fn part(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        let Stage::Talking(peer) = found.stage else { return };
        let caller = found.caller;
        self.forget_holds(caller, peer);
        self.commands.push_back(Command::Unbridge { leg: caller });
        self.note(now, call, Kind::Unbridged { a: caller, b: peer });
    }

    /// Makes the call one about the other side of a talk that `gone` leaves, if it was one about `gone`: his line is the one
    /// that is recorded, and whose end is the call's end.
    pub(crate) fn put_first(&mut self, now: Now, call: CallId, gone: LegId) {
        let Some(found) = self.calls.get(&call) else { return };
        let Stage::Talking(peer) = found.stage else { return };
        if found.caller != gone {
            return;
        }
        let records = found.take.is_some();
        self.record(call, false);
        self.leave_flow(call);
        let shown = match self.legs.get(&peer).map(|found| &found.role) {
            Some(Role::Agent { agent, .. } | Role::Party { agent, .. }) => agent.shared().to_string(),
            Some(Role::Outside { outside, .. }) => outside.number.reveal().clone(),
            _ => String::new(),
        };
        if let Some(found) = self.calls.get_mut(&call) {
            (found.caller, found.stage, found.number) = (peer, Stage::Talking(gone), Pii::new(shown));
            // What was said of who is gone is not said of who is there.
            found.identity = Identity::default();
        }
        self.keep_agent(now, call, peer);
        self.move_mask(call);
        if records {
            self.record(call, true);
        }
    }

    /// An agent who came by an offer is held by the call, not by his queue, from now on: it is about him.
    fn keep_agent(&mut self, now: Now, call: CallId, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Role::Agent { agent, route, .. } = &found.role else { return };
        let (agent, route) = (agent.clone(), route.clone());
        found.role = Role::Party { agent: agent.clone(), route };
        self.acd.agent_released(now, &agent);
        // He was released just now: nothing else holds him.
        let _ = self.acd.reserve(now, &agent, call);
    }

    /// The flow of a call is left for good.
    pub(crate) fn leave_flow(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.flow = None;
        found.peer_gone = None;
        if let Some(timer) = found.flow_timer.take() {
            self.timers.cancel(timer);
        }
        self.unmask_secret(call);
    }

    /// Hangs up on whoever has transferred.
    pub(crate) fn let_go(&mut self, now: Now, leg: LegId) {
        self.release_agent(now, leg);
        self.drop_leg(now, leg, "transferred", NORMAL_CLEARING);
    }

    /// The agent of a leg has nothing to do with its call any more: his wrap-up begins.
    pub(crate) fn release_agent(&mut self, now: Now, leg: LegId) {
        if let Some(Role::Agent { agent, .. }) = self.legs.get(&leg).map(|found| &found.role) {
            let agent: AgentName = agent.clone();
            self.acd.agent_released(now, &agent);
        }
    }

    /// Whom a call is transferred to has answered.
    pub(crate) fn transfer_done(&mut self, now: Now, call: CallId) {
        let Some(transfer) = self.calls.get_mut(&call).and_then(|found| found.transfer.take()) else { return };
        self.tell_success(now, call, &transfer);
        self.leave_flow(call);
        if let Some(by) = transfer.by {
            self.let_go(now, by);
        }
    }

    /// Whom a call was to be transferred to does not answer: as before, if whoever wanted it is still there; else his phone rings,
    /// once.
    pub(crate) fn transfer_failed(&mut self, now: Now, call: CallId, end: DialEnd) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let Some(transfer) = found.transfer.take() else { return };
        found.rung.clear();
        found.stage = Stage::Flow;
        let caller = found.caller;
        self.stop_play(call);
        self.tell_failure(now, call, &transfer, end.status);
        let there = transfer.by.filter(|by| self.legs.get(by).is_some_and(|leg| leg.answered && !leg.closed));
        if let Some(by) = there {
            if let Some(found) = self.calls.get_mut(&call) {
                found.stage = Stage::Talking(by);
            }
            self.commands.push_back(Command::Bridge { a: caller, b: by });
            self.note(now, call, Kind::Bridged { a: caller, b: by });
            self.attend_holds(now, call);
            return;
        }
        match &transfer.who {
            Asker::User(user) => {
                let deadline = now.monotonic + self.config.limits.ring_time;
                self.play_ringback(call);
                self.dial_user(now, call, &user.clone(), deadline);
            }
            Asker::Flow(_) | Asker::Trunk(_) => self.dial_over(now, call, end),
        }
    }

    /// The leg of whoever transfers is gone before anybody answered. True if it was that.
    pub(crate) fn transferor_gone(&mut self, now: Now, leg: LegId) -> bool {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return false };
        let transfer = self.calls.get_mut(&call).and_then(|found| found.transfer.as_mut());
        let Some(transfer) = transfer.filter(|transfer| transfer.by == Some(leg)) else { return false };
        transfer.by = None;
        self.release_agent(now, leg);
        self.leave_flow(call);
        true
    }

    /// A call ends in the middle of a transfer.
    pub(crate) fn abandon_transfer(&mut self, now: Now, call: CallId) {
        if let Some(transfer) = self.calls.get_mut(&call).and_then(|found| found.transfer.take()) {
            self.tell_failure(now, call, &transfer, TERMINATED);
        }
    }

    /// Whoever transfers a call that rings is told so.
    pub(crate) fn transfer_rings(&mut self, now: Now, call: CallId, status: u16) {
        let referral = self.calls.get(&call).and_then(|found| found.transfer.as_ref()?.referral);
        if let Some(referral) = referral {
            self.sip.notify_referral(now, referral, status, false);
        }
    }

    fn tell_success(&mut self, now: Now, call: CallId, transfer: &Transfer) {
        let (by, target) = (transfer.who.clone(), transfer.target.clone());
        self.note(now, call, Kind::Transferred { by, kind: TransferKind::Blind, target, joined: None });
        if let Some(referral) = transfer.referral {
            self.sip.notify_referral(now, referral, OK, true);
        }
    }

    fn tell_failure(&mut self, now: Now, call: CallId, transfer: &Transfer, status: u16) {
        let (by, target) = (transfer.who.clone(), transfer.target.clone());
        self.note(now, call, Kind::TransferFailed { by, kind: TransferKind::Blind, target, status });
        if let Some(referral) = transfer.referral {
            self.sip.notify_referral(now, referral, status, true);
        }
    }

    /// Who sent the caller on, for the phone that rings for him (RFC 3892).
    pub(crate) fn referrer(&self, call: &Call) -> Option<Arc<str>> {
        match &call.transfer.as_ref()?.who {
            Asker::User(user) => Some(user.clone()),
            Asker::Flow(_) | Asker::Trunk(_) => None,
        }
    }
}
