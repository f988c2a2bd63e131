//! A phone is rung for a call: an agent's by an offer of the ACD, a user's by a flow or by his number.

use std::net::SocketAddr;
use std::time::Duration;

use acd::{AgentName, OfferFailure, ReserveError};
use base::{CallId, LegId, Mono, Now};
use ivr::DialOutcome;
use journal::{Kind, LegRole};
use leg::Command;
use sdp::{Codec, Preferences};
use sip::{Flow, Invite, Onward, Refusal, Transport};
use sip_message::{AnyUri, HeaderName, NameAddr, Reason, Response, Uri};

use crate::call::{Call, Callee, Leg, Others, Role, Route, Stage};
use crate::flow::FlowInput;
use crate::places::Places;
use crate::switch::Switch;
use crate::talk::BAD_ANSWER;
use crate::timer::Timer;
use crate::{Peer, Place, Ring, User, UserName};

/// The longest that an agent's phone is left alone as it asks; who wants more logs out.
const LONGEST_ALONE: Duration = Duration::from_secs(300);
/// How long an address of a trunk may say nothing where there are others, if the configuration does not say: an INVITE
/// is sent three times in that time.
const PATIENCE: Duration = Duration::from_secs(4);

impl Switch {
    /// The ACD wants an agent's phone rung.
    pub(crate) fn place_offer(&mut self, now: Now, offer: acd::Offer) {
        let acd::Offer { id, call, agent, queue, .. } = &offer;
        let (id, call, agent, queue) = (*id, *call, agent.clone(), queue.clone());
        let made = self.offer_made(&offer);
        if !self.calls.contains_key(&call) && !self.begin_callback(now, call) {
            return;
        }
        self.note(now, call, made);
        let live = self.calls.get(&call).is_some_and(|found| !found.over);
        match self.route_to(agent.shared()).filter(|_| live) {
            Some(route) => {
                let role = LegRole::Agent(agent.shared().clone());
                let leg = self.open_leg(now, call, Role::Agent { offer: Some(id), queue, agent, route }, role);
                self.offers.insert(id, leg);
            }
            None => self.acd.offer_failed(now, id, OfferFailure::Unreachable),
        }
    }

    /// Rings a user for a call, until `deadline`; if that cannot be, the dial is over.
    pub(crate) fn dial_user(&mut self, now: Now, call: CallId, user: &UserName, deadline: Mono) {
        if let Err(outcome) = self.try_user(now, call, user, deadline) {
            self.dial_over(now, call, outcome);
        }
    }

    /// Rings a user for a call, until `deadline`.
    ///
    /// # Errors
    /// If he cannot be rung now.
    pub(crate) fn try_user(
        &mut self,
        now: Now,
        call: CallId,
        user: &UserName,
        deadline: Mono,
    ) -> Result<(), DialOutcome> {
        let agent = AgentName::from(user.clone());
        let route = self.route_to(user).ok_or(DialOutcome::Unreachable)?;
        // Who is no agent of a queue cannot be reserved and need not be.
        if self.acd.reserve(now, &agent, call) == Err(ReserveError::Busy) {
            return Err(DialOutcome::Busy);
        }
        let leg = self.open_leg(now, call, Role::Party { agent, route }, LegRole::Party(user.clone()));
        self.ring_until(call, leg, Callee::User(user.clone()), deadline);
        Ok(())
    }

    pub(crate) fn route_to(&self, user: &UserName) -> Option<Route> {
        let found = self.config.users.get(user)?;
        match &found.place {
            Place::Fixed(phone) => {
                let (target, flow) = (phone.contact.clone(), self.flow_to(phone));
                Some(Route { target, flow, onward: Onward::default(), others: Others::default() })
            }
            Place::Registered => self.search(user, found),
        }
    }

    /// The ways to the phones in reach of a user who registers: those that he prefers equally ring at once or one after the
    /// other, as he wants, those that he prefers less after them.
    fn search(&self, user: &UserName, wants: &User) -> Option<Route> {
        let phones = self.desk.registrar.in_reach(user);
        let mut turns = 0u8;
        let mut before = None;
        let mut routes = phones.into_iter().filter_map(|binding| {
            let is_next = before.is_some_and(|q| wants.ring == Ring::InTurn || q != binding.q);
            turns = turns.saturating_add(u8::from(is_next));
            before = Some(binding.q);
            let by_flow = binding.flow.transport == Transport::Udp;
            let onward = Onward { routes: binding.path.clone(), behind_nat: binding.nat, by_flow };
            let target = binding.contact.as_sip()?.clone();
            Some((turns, Route { target, flow: binding.way(), onward, others: Others::default() }))
        });
        let (_, first) = routes.next()?;
        let others = Others { phones: routes.collect(), patience: wants.turn };
        Some(Route { others, ..first })
    }

    /// The way to something at a fixed address: by the listener that the configuration names for it; else by the first listener of its transport that is bound to the address of ours
    /// from which that is reached; else by the first that is bound to all, or at least to its family.
    pub(crate) fn flow_to(&self, peer: &Peer) -> Flow {
        let (transport, remote) = (peer.transport(), peer.address);
        let alike =
            |listener: &sip::Listener| listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4();
        let there = |listener: &sip::Listener| alike(listener) && Some(listener.local.ip()) == peer.reached_at;
        let to_all = |listener: &sip::Listener| alike(listener) && listener.local.ip().is_unspecified();
        // One on `[::]` carries IPv4, too.
        let both = |listener: &sip::Listener| listener.transport == transport && listener.local.ip().is_unspecified();
        let place = |fits: &dyn Fn(&sip::Listener) -> bool| self.listeners.iter().position(fits);
        let found = place(&there).or_else(|| place(&to_all)).or_else(|| place(&alike)).or_else(|| place(&both));
        let named = peer.listener.map(usize::from).filter(|index| self.listeners.get(*index).is_some());
        let index = named.or(found).unwrap_or(0);
        let bound = self.listeners.get(index).map_or(remote, |listener| listener.local);
        let own = peer.reached_at.filter(|_| named.is_none() || bound.ip().is_unspecified());
        let local = SocketAddr::new(own.unwrap_or(bound.ip()), bound.port());
        Flow { transport, connection: None, listener: u16::try_from(index).unwrap_or(0), local, remote }
    }

    pub(crate) fn open_leg(&mut self, now: Now, call: CallId, role: Role, journaled: LegRole) -> LegId {
        let id = self.ids.leg();
        let address = match &role {
            Role::Agent { route, .. } | Role::Party { route, .. } | Role::Outside { route, .. } => {
                self.config.limits.media_address(route.flow)
            }
            Role::Caller { .. } | Role::Joined { .. } => std::net::Ipv4Addr::UNSPECIFIED.into(),
        };
        let session_id = self.rng.u64() >> 2;
        let secrecy = self.secrecy_of(&role);
        self.legs.insert(id, Leg::new(call, role, address, session_id, secrecy));
        if let Some(found) = self.calls.get_mut(&call) {
            found.open_legs.push(id);
        }
        self.note(now, call, Kind::LegBegan { leg: id, role: journaled });
        self.commands.push_back(Command::Open { leg: id });
        id
    }

    /// The leg has its port: the phone is rung.
    pub(crate) fn send_invite(&mut self, now: Now, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Some(call) = self.calls.get(&found.call) else { return };
        let (route, from, contact_user, in_confidence) = match &found.role {
            Role::Agent { route, .. } | Role::Party { route, .. } => {
                let from = self.caller_identity(call, route.flow.local.ip());
                (route.clone(), from, call.dialled.to_string(), Vec::new())
            }
            Role::Outside { outside, route, .. } => {
                let (from, in_confidence) = self.shown_outside(call, outside, route);
                let user = from.uri.user().unwrap_or_default().into_owned();
                (route.clone(), from, user, in_confidence)
            }
            Role::Caller { .. } | Role::Joined { .. } => return,
        };
        let login = match &found.role {
            Role::Outside { outside, .. } => self.login_of(&outside.trunk),
            Role::Agent { .. } | Role::Party { .. } | Role::Caller { .. } | Role::Joined { .. } => None,
        };
        let mut preferences = self.codecs_like(call);
        // Data for another system stays in the company.
        let data = call.user_to_user.as_ref().filter(|_| !matches!(found.role, Role::Outside { .. }));
        let data = data.map(|data| (HeaderName::UserToUser.as_str().to_owned(), data.value()));
        // Who sent the caller on; nobody outside need know.
        let referrer = self.referrer(call).filter(|_| !matches!(found.role, Role::Outside { .. }));
        let referrer = referrer.map(|user| {
            let address = NameAddr::new(Uri::new(route.flow.local.ip()).with_user(&user));
            (HeaderName::ReferredBy.as_str().to_owned(), address.to_string())
        });
        let headers = data.into_iter().chain(referrer).chain(in_confidence).collect();
        let target = AnyUri::Sip(route.target);
        let (call, max_forwards) = (found.call, call.hops.unwrap_or_default());
        let Some(found) = self.legs.get_mut(&leg) else { return };
        preferences.security = found.secrecy.for_offer(None, &mut self.rng);
        let local = found.local;
        let offer = sdp::offer(&local, &preferences);
        let (search, places) = self.offer_elsewhere(route.others, (&offer, local), preferences);
        let invite = Invite {
            flow: route.flow,
            to: NameAddr::new(target.clone()),
            target,
            onward: route.onward,
            from,
            contact_user,
            max_forwards,
            headers,
            offer: offer.to_bytes(),
            login,
        };
        let session = self.sip.search(now, invite, search);
        let silence = self.silence_of(leg).map(|time| self.timers.set(now.monotonic + time, Timer::Silence(leg)));
        if let Some(found) = self.legs.get_mut(&leg) {
            (found.offered, found.places) = (Some(offer), places);
            found.session = Some(session);
            found.silence = silence;
        }
        self.sessions.insert(session, leg);
        self.note_dialog(call, session);
        self.touch(leg);
    }

    /// How long the far end of a leg's trunk may say nothing.
    fn silence_of(&self, leg: LegId) -> Option<Duration> {
        let Role::Outside { outside, ways, .. } = &self.legs.get(&leg)?.role else { return None };
        self.config.trunk(&outside.trunk)?.silence.or((!ways.is_empty()).then_some(PATIENCE))
    }

    /// The caller's codec first, so that the bridge need not transcode.
    fn codecs_like(&self, call: &Call) -> Preferences {
        let mut preferences = Preferences::default();
        let caller = self.legs.get(&call.caller).and_then(|leg| leg.agreed);
        if let Some(codec) = caller.map(|agreed| agreed.codec) {
            let others = [Codec::Pcmu, Codec::Pcma].into_iter().filter(|other| *other != codec);
            preferences.codecs = std::iter::once(codec).chain(others).collect();
        }
        preferences
    }

    /// A phone answered, of a user who may have several: it reaches us at an address of ours that may not be the one that the
    /// first of them does.
    pub(crate) fn reached_by(&mut self, leg: LegId, flow: Flow) {
        if let Some(found) = self.legs.get_mut(&leg) {
            found.local.address = self.config.limits.media_address(flow);
        }
    }

    /// The phone answered: its media starts, and it is connected if the call still wants it.
    pub(crate) fn answered(&mut self, now: Now, leg: LegId, body: Option<&[u8]>) {
        // A 2xx without a description stands by what an earlier response said.
        let heard = body.is_none() && self.legs.get(&leg).is_some_and(|found| found.agreed.is_some());
        if !heard && !self.conclude(leg, body) {
            self.drop_leg(now, leg, "bad_answer", BAD_ANSWER);
            self.outgoing_failed(now, leg, (488, false), Reason::default(), None);
            return;
        }
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.answered = true;
        (found.offered, found.places) = (None, Places::default());
        let call = found.call;
        for timer in [found.ring.take(), found.silence.take()].into_iter().flatten() {
            self.timers.cancel(timer);
        }
        let offer = match &found.role {
            Role::Agent { offer, .. } => *offer,
            Role::Party { .. } | Role::Caller { .. } | Role::Joined { .. } => None,
            Role::Outside { outside, .. } => {
                if let Some(grant) = &outside.grant {
                    self.meter.answered(now, grant, leg);
                }
                self.trunk_counts.add(&outside.trunk, true, 200);
                None
            }
        };
        self.note(now, call, Kind::LegAnswered { leg });
        let won = offer.is_none_or(|offer| {
            let later = self.call_back(now, call, leg, offer) || self.whisper(now, leg);
            !later && self.offer_won(now, call, leg, offer)
        });
        if won {
            self.connect(now, call, leg);
        }
    }

    /// Reads an answer to our offer and starts the leg's media by it, if it says anything new. False if it cannot be met.
    pub(crate) fn conclude(&mut self, leg: LegId, body: Option<&[u8]>) -> bool {
        let Some(found) = self.legs.get_mut(&leg) else { return false };
        let (Some(offer), Some(body)) = (&found.offered, body) else { return false };
        let agreed = sdp::parse(body).ok().and_then(|answer| sdp::conclude(offer, &answer).ok());
        let Some(agreed) = agreed else { return false };
        found.secrecy.settle(&agreed, &mut self.rng);
        if found.agreed.replace(agreed) != Some(agreed) {
            self.commands.push_back(Command::Start { leg, agreed });
        }
        true
    }

    /// A phone or trunk refused, sent us elsewhere, or could not be reached. Its session is over.
    pub(crate) fn refused(&mut self, now: Now, leg: LegId, status: u16, local: bool, response: Option<&Response>) {
        // We refuse callers where their session is given up first; this one never acknowledged that it rings (RFC 3262).
        if self.legs.get(&leg).is_some_and(|found| matches!(found.role, Role::Caller { .. })) {
            self.peer_gone(now, leg, "no_prack", Some(status), Reason::default());
            return;
        }
        let elsewhere = response.filter(|_| (300..400).contains(&status));
        if elsewhere.is_some_and(|response| self.redirected(now, leg, status, response)) {
            return;
        }
        if !local && self.falls_back(leg, status) {
            self.send_invite(now, leg);
            return;
        }
        if let (503, Some(response)) = (status, response) {
            self.trunk_rests(now, leg, response);
        }
        let mut again = None;
        if matches!(status, 503 | 408) {
            match self.fail_over(now, leg, status) {
                Ok(()) => return,
                Err(room) => again = room,
            }
        }
        let cause = match (status, response) {
            _ if local => "unreachable",
            (401 | 407, Some(response)) => {
                self.tell_login_failed(now, leg, response);
                "challenged"
            }
            _ => "refused",
        };
        let reason = response.map(|response| Reason::of(&response.head)).unwrap_or_default();
        self.close_leg(now, leg, cause, Some(status), reason);
        if let Some(Role::Agent { offer: Some(offer), .. }) = self.legs.get(&leg).map(|found| &found.role) {
            let (offer, alone) = (*offer, response.map(|response| left_alone(status, response)).unwrap_or_default());
            self.offers.remove(&offer);
            return self.acd.offer_failed_for(now, offer, offer_failure(status, local), alone);
        }
        self.outgoing_failed(now, leg, (status, local), reason, again);
    }

    /// What an outgoing leg was for does not come about, by a status of its phone's or of our own (`local`). A trunk in its
    /// place may have room after so many seconds, if that is known.
    pub(crate) fn outgoing_failed(
        &mut self,
        now: Now,
        leg: LegId,
        (status, local): (u16, bool),
        reason: Reason,
        retry_after: Option<u32>,
    ) {
        let Some(found) = self.legs.get(&leg) else { return };
        let call = found.call;
        match &found.role {
            Role::Agent { offer: Some(offer), .. } => {
                let offer = *offer;
                self.offers.remove(&offer);
                self.acd.offer_failed(now, offer, offer_failure(status, local));
            }
            Role::Agent { offer: None, .. } => self.not_back(now, call),
            Role::Party { .. } => {
                self.dial_over(now, call, DialEnd { reason, ..DialEnd::of(dial_failure(status, local)) });
            }
            Role::Outside { .. } => {
                self.dial_over(now, call, DialEnd { reason, retry_after, ..DialEnd::of_trunk(status, local) });
            }
            Role::Caller { .. } | Role::Joined { .. } => {}
        }
    }

    /// A phone has rung long enough.
    pub(crate) fn ring_over(&mut self, now: Now, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.ring = None;
        let call = found.call;
        self.drop_leg(now, leg, "no_answer", Reason::default());
        self.dial_over(now, call, DialOutcome::NoAnswer);
    }

    /// Tells a flow how its `dial` ended. A caller who dialled himself is refused, or hung up.
    pub(crate) fn dial_over(&mut self, now: Now, call: CallId, end: impl Into<DialEnd>) {
        let end = end.into();
        let DialEnd { outcome, status, cause, reason, retry_after } = end;
        let Some(found) = self.calls.get_mut(&call) else { return };
        if found.over {
            return;
        }
        if found.transfer.is_some() {
            return self.transfer_failed(now, call, end);
        }
        if found.consult.is_some() {
            return self.consult_failed(now, call, status);
        }
        found.stage = Stage::Flow;
        found.rung.clear();
        if found.flow.is_some() {
            self.stop_play(call);
            self.flow_inputs.push_back((call, FlowInput::Dial(outcome)));
            return;
        }
        if self.legs.get(&found.caller).is_some_and(|leg| leg.answered) {
            let (by, cause, of_talk) = found.end(cause, q850(outcome));
            self.end_call(now, call, by, cause, reason.or(of_talk));
        } else {
            let reason = reason.value().map(|value| (HeaderName::Reason, value));
            let again = retry_after.map(|seconds| (HeaderName::RetryAfter, seconds.to_string()));
            let headers = reason.into_iter().chain(again).map(|(name, value)| (name.as_str().to_owned(), value));
            self.refuse_caller(now, call, Refusal { headers: headers.collect(), ..Refusal::of(status) });
        }
    }
}

/// How a dial ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DialEnd {
    /// For the flow that dialled.
    pub outcome: DialOutcome,
    /// The status that a caller gets who dialled himself and is not answered.
    pub status: u16,
    /// Why such a caller's call ends if he is answered.
    pub cause: &'static str,
    /// What whoever was dialled said of it.
    pub reason: Reason,
    /// After how many seconds such a caller may try again, if that is known.
    pub retry_after: Option<u32>,
}

impl DialEnd {
    /// An end with the usual status and cause.
    pub const fn of(outcome: DialOutcome) -> Self {
        let (status, cause) = match outcome {
            DialOutcome::Ended => (480, "bye"),
            DialOutcome::Busy => (486, "busy"),
            DialOutcome::NoAnswer => (480, "no_answer"),
            DialOutcome::Declined => (603, "declined"),
            DialOutcome::Unreachable => (480, "unreachable"),
            DialOutcome::Refused => (403, "refused"),
        };
        Self { outcome, status, cause, reason: Reason { sip: None, q850: None }, retry_after: None }
    }
}

impl From<DialOutcome> for DialEnd {
    fn from(outcome: DialOutcome) -> Self {
        Self::of(outcome)
    }
}

/// The cause of ITU-T Q.850 that a caller's phone is told.
const fn q850(outcome: DialOutcome) -> u8 {
    match outcome {
        DialOutcome::Ended => 16,
        DialOutcome::Busy => 17,
        DialOutcome::NoAnswer => 19,
        DialOutcome::Unreachable => 20,
        DialOutcome::Declined | DialOutcome::Refused => 21,
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How long a phone that took no call wants to get none, by its Retry-After (RFC 3261 20.33).
fn left_alone(status: u16, response: &Response) -> Duration {
    let seconds = response.head.retry_after().filter(|_| matches!(status, 480 | 486 | 500 | 503 | 600 | 603));
    Duration::from_secs(u64::from(seconds.unwrap_or(0))).min(LONGEST_ALONE)
}

/// What a final response says about an agent.
const fn offer_failure(status: u16, local: bool) -> OfferFailure {
    match status {
        486 | 600 => OfferFailure::Busy,
        // Who sends a queue's call elsewhere does not take it.
        300..=399 | 480 | 603 => OfferFailure::Declined,
        408 if !local => OfferFailure::NoAnswer,
        _ => OfferFailure::Unreachable,
    }
}

/// What a final response says about somebody dialled.
const fn dial_failure(status: u16, local: bool) -> DialOutcome {
    match status {
        486 | 600 => DialOutcome::Busy,
        // A redirection that was not followed.
        300..=399 | 480 | 603 => DialOutcome::Declined,
        408 if !local => DialOutcome::NoAnswer,
        401 | 403 | 407 => DialOutcome::Refused,
        _ => DialOutcome::Unreachable,
    }
}
