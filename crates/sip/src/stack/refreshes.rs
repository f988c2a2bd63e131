//! Session timers: who refreshes a session when, and what ends one that nobody does (RFC 4028).

use std::time::Duration;

use base::Mono;
use bytes::Bytes;
use sip_message::{Head, HeaderName, Method, Refresher, Response, ResponseBuilder, SessionExpires, StatusCode};

use super::Stack;
use crate::abilities::{self, TIMER};
use crate::core::{Core, Due, printed};
use crate::lifetime::{self, Lifetime};
use crate::session::{Established, Proposal, SessionTimer, State};
use crate::transaction::{TransactionId, key};
use crate::{EndCause, Flow, SessionId};

/// Why we hang up on a session that nobody refreshed: Q.850 cause 102, recovery on timer expiry.
const EXPIRED: &str = "Q.850;cause=102;text=\"session expired\"";
/// A refresh that failed is tried again after half of what is left, at least after this.
const SOONEST: Duration = Duration::from_secs(5);
/// A re-INVITE that would meet another change waits so long.
const BUSY: Duration = Duration::from_secs(2);

impl Stack {
    /// Sets [`crate::StackConfig::session_timer`] anew, for what is agreed from now on.
    pub fn set_session_timer(&mut self, interval: Option<Duration>) {
        self.core.config.session_timer = interval.map(|interval| u32::try_from(interval.as_secs()).unwrap_or(u32::MAX));
        self.core.supported = abilities::supported(&self.core.config);
    }

    /// What our INVITE for a new call says.
    pub(super) fn first_timer(&self) -> Vec<(String, String)> {
        let own = self.core.config.session_timer.map(|seconds| SessionExpires { seconds, refresher: None });
        own.map(|own| lifetime::asking(own, 0)).unwrap_or_default()
    }

    /// The session lives by what our 2xx or the peer's says from now on. `we`: our side of that transaction.
    pub(super) fn live(&mut self, now: Mono, id: SessionId, agreed: Option<SessionExpires>, we: Refresher) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        if let Some(old) = state.lifetime.take() {
            self.core.cancel(old.renew);
            self.core.cancel(Some(old.lapse));
            old.pending.into_iter().for_each(|pending| self.clients.disown(pending));
        }
        let Some(SessionExpires { seconds, refresher }) = agreed else { return };
        // A 2xx must say who refreshes; if it does not, we do, which does no harm.
        let ours = refresher.is_none_or(|refresher| refresher == we);
        let interval = Duration::from_secs(u64::from(seconds));
        // Section 10: a little before it is over, so that both sides agree that it is.
        let lapse = interval.saturating_sub((interval / 3).min(Duration::from_secs(32)));
        let lapse = self.core.set(now, lapse, Due::Session(id, SessionTimer::Lapse));
        let renew = ours.then(|| self.core.set(now, interval / 2, Due::Session(id, SessionTimer::Renew)));
        state.lifetime = Some(Box::new(Lifetime { interval: seconds, ours, renew, lapse, pending: None }));
    }

    /// Nobody refreshed the session: it is over.
    pub(super) fn lapse(&mut self, now: Mono, id: SessionId) {
        self.send_bye(now, id, EndCause::Expired, Some(EXPIRED));
    }

    /// Refreshes the session: by UPDATE if the peer takes that, else by a re-INVITE with what we said last. Should it
    /// fail, it is tried again, until the session lapses.
    pub(super) fn renew(&mut self, now: Mono, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Established(state) = &mut session.state else { return };
        let idle = state.is_idle() && state.retry.is_none();
        let Some(lifetime) = state.lifetime.as_deref_mut() else { return };
        self.core.cancel(lifetime.renew.take());
        let left = lifetime.lapse.at().since(now);
        let by_update = state.dialog.updates || state.description.is_empty();
        let after = if idle || by_update { (left / 2).max(SOONEST) } else { BUSY };
        lifetime.renew = Some(self.core.set(now, after, Due::Session(id, SessionTimer::Renew)));
        if !by_update {
            let (tag, offer) = (state.dialog.remote_tag.clone(), state.description.clone());
            if idle {
                self.propose(now, id, &tag, Proposal { update: false, offer });
            }
        } else if lifetime.pending.is_none() {
            self.send_renewal(now, id, None);
        }
    }

    /// Sends an UPDATE without an offer; with the answer to the challenge of the one before, if there was one.
    fn send_renewal(&mut self, now: Mono, id: SessionId, challenge: Option<&Response>) -> bool {
        let branch = key::branch(&self.core.token());
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let State::Established(state) = &mut session.state else { return false };
        let (outline, flow) = (state.dialog.next_request(branch), state.dialog.flow());
        let asked = (&Method::Update, &*printed(&outline.uri), flow.remote.ip());
        let identity = session.identity.as_deref_mut();
        let proof = match challenge {
            Some(response) => self.core.answer_challenge(identity, response, asked),
            None => self.core.known_proof(identity, asked.0, asked.1, asked.2),
        };
        if challenge.is_some() && proof.is_none() {
            return false;
        }
        let mut headers = state.timer_headers(&self.core);
        headers.extend(proof);
        let payload = outline.encode_offer(&self.core, Method::Update, &state.dialog.contact, &headers, &Bytes::new());
        let parts = (outline, &Method::Update);
        let pending = self.clients.open(&mut self.core, now, parts, flow, (Some(id), true), payload);
        if let Some(lifetime) = &mut state.lifetime {
            lifetime.pending = Some(pending);
        }
        true
    }

    fn is_renewal(&self, id: TransactionId, owner: SessionId) -> bool {
        match self.sessions.get(&owner).map(|session| &session.state) {
            Some(State::Established(state)) => {
                state.lifetime.as_ref().is_some_and(|lifetime| lifetime.pending == Some(id))
            }
            _ => false,
        }
    }

    /// The final response to our UPDATE without an offer, or none. True if it was that.
    pub(super) fn renewed(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: SessionId,
        (status, response): (StatusCode, Option<(Flow, &Response)>),
    ) -> bool {
        if !self.is_renewal(id, owner) {
            return false;
        }
        if let Some((_, response)) = response.filter(|_| matches!(status.code(), 401 | 407))
            && self.send_renewal(now, owner, Some(response))
        {
            return true;
        }
        let Some(State::Established(state)) = self.sessions.get_mut(&owner).map(|session| &mut session.state) else {
            return false;
        };
        if let Some(lifetime) = &mut state.lifetime {
            lifetime.pending = None;
        }
        match (status.code(), response) {
            (200..300, Some((flow, response))) => {
                state.dialog.refresh(&response.head, flow);
                self.live(now, owner, response.head.session_expires(), Refresher::Uac);
            }
            (422, Some((_, response))) if state.demands_more(&response.head) => self.renew(now, owner),
            (481, _) => self.send_bye(now, owner, EndCause::Gone, None),
            (408, _) | (_, None) => self.send_bye(now, owner, EndCause::TransactionTimeout, None),
            // Later, by the timer that runs.
            (491 | 500..=599, _) => {
                self.hold_off(now, owner, response.and_then(|(_, response)| response.head.retry_after()))
            }
            // It takes no UPDATE after all.
            _ => {
                state.dialog.updates = false;
                if !state.description.is_empty() {
                    self.renew(now, owner);
                }
            }
        }
        true
    }

    /// The peer wants to be left alone for some seconds: the next refresh waits for that, if the session lives so long.
    fn hold_off(&mut self, now: Mono, id: SessionId, seconds: Option<u32>) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        let Some((lifetime, seconds)) = state.lifetime.as_deref_mut().zip(seconds) else { return };
        let after = Duration::from_secs(u64::from(seconds)).max(SOONEST);
        if now + after < lifetime.lapse.at() {
            self.core.cancel(lifetime.renew.take());
            lifetime.renew = Some(self.core.set(now, after, Due::Session(id, SessionTimer::Renew)));
        }
    }

    /// Sends our INVITE again if the peer demands a longer interval (section 7.3). False: the response is the last word.
    pub(super) fn lengthen(&mut self, now: Mono, id: TransactionId, owner: SessionId, response: &Response) -> bool {
        let Some(least) = response.head.min_se().filter(|_| response.status.code() == 422) else { return false };
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&owner).map(|session| &mut session.state) else {
            return false;
        };
        if state.left.is_some() {
            return false;
        }
        let proof = state.proof.clone();
        let Some((attempt, contact)) = state.attempt_of(id) else { return false };
        let Some(own) = self.core.config.session_timer.filter(|own| least > *own && attempt.demand(least)) else {
            return false;
        };
        let expires = SessionExpires { seconds: own, refresher: None };
        let headers = lifetime::asking(expires, least);
        let (outline, payload) = attempt.again(&mut self.core, contact, headers, proof.as_ref());
        let flow = outline.flow;
        let parts = (outline, &Method::Invite);
        let again = self.clients.open(&mut self.core, now, parts, flow, (Some(owner), false), payload);
        state.goes_on(id, again);
        self.drop_branch(now, owner, id, Some(422));
        true
    }
}

impl Established {
    /// What a request of ours that refreshes the session says.
    pub(super) fn timer_headers(&self, core: &Core) -> Vec<(String, String)> {
        let own = core.config.session_timer.map(|seconds| SessionExpires { seconds, refresher: None });
        let expires = self.lifetime.as_ref().map(|lifetime| lifetime.value()).or(own);
        expires.map(|expires| lifetime::asking(expires, self.least)).unwrap_or_default()
    }

    /// Takes the interval that a 422 demands. False if it demands nothing new.
    pub(super) fn demands_more(&mut self, head: &Head) -> bool {
        let least = head.min_se().unwrap_or(0);
        let more = least > self.least;
        self.least = self.least.max(least);
        more
    }
}

/// Says in our 2xx what was agreed with `request`.
pub(super) fn with_timer<'a>(
    mut builder: ResponseBuilder<'a>,
    agreed: Option<SessionExpires>,
    request: &Head,
) -> ResponseBuilder<'a> {
    if let Some(agreed) = agreed {
        builder = builder.header(HeaderName::SessionExpires, &agreed.to_string());
        if request.supports(TIMER) {
            builder = builder.header(HeaderName::Require, TIMER);
        }
    }
    builder
}
