//! A peer asks who we are: our request again, with the answer to his challenge (RFC 3261 22.2, 22.3). Branches of a call to
//! several phones get none: phones are never told who we are.

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{Method, Response};

use std::net::IpAddr;
use std::sync::Arc;

use super::Stack;
use crate::SessionId;
use crate::core::{Core, printed};
use crate::digest::Login;
use crate::identity::{Identity, Proof};
use crate::outline::Outline;
use crate::session::{Change, State};
use crate::transaction::{TransactionId, key};

/// An INVITE that can be sent again with credentials.
pub(crate) struct Attempt {
    outline: Outline,
    headers: Vec<(String, String)>,
    /// What it says of session timers.
    timer: Vec<(String, String)>,
    /// The interval that the peer demanded; 0 if none.
    least: u32,
    offer: Bytes,
}

impl Attempt {
    pub(crate) fn new(
        outline: Outline,
        headers: Vec<(String, String)>,
        timer: Vec<(String, String)>,
        offer: Bytes,
    ) -> Box<Self> {
        Box::new(Self { outline, headers, timer, least: 0, offer })
    }

    /// Takes the interval that the peer demands. False if he demanded as much before.
    pub(super) fn demand(&mut self, least: u32) -> bool {
        let more = least > self.least;
        self.least = least;
        more
    }

    /// The INVITE once more, with these header fields about session timers and this proof.
    pub(super) fn again(
        &mut self,
        core: &mut Core,
        contact: &str,
        timer: Vec<(String, String)>,
        proof: Option<&Proof>,
    ) -> (Outline, Bytes) {
        self.timer = timer;
        self.outline.cseq = self.outline.cseq.saturating_add(1);
        self.outline.branch = key::branch(&core.token()).into();
        let headers: Vec<_> = self.headers.iter().chain(proof).chain(&self.timer).cloned().collect();
        let payload = self.outline.encode_offer(core, Method::Invite, contact, &headers, &self.offer);
        (self.outline.clone(), payload)
    }
}

impl Stack {
    /// Takes the names and secrets by which peers know us, by the names that [`crate::Invite::login`] and others use. One
    /// that is gone answers nobody any more.
    pub fn set_logins(&mut self, logins: impl IntoIterator<Item = (Arc<str>, Login)>) {
        self.core.logins.replace(logins.into_iter());
    }

    /// Answers the peer of a session by a login if he asks who we are, as long as our requests go to `home`: for the calls that
    /// he placed. Those of ours say it in their [`crate::Invite`].
    pub fn identify(&mut self, _now: Now, session: SessionId, login: Arc<str>, home: IpAddr) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.identity = Some(Box::new(Identity::login(login, home)));
        }
    }

    /// Sends the request of a session again that `response` challenges, if there is an answer. False: the response is the
    /// last word.
    pub(super) fn prove(&mut self, now: Mono, id: TransactionId, owner: SessionId, response: &Response) -> bool {
        if !matches!(response.status.code(), 401 | 407) {
            return false;
        }
        if self.inquiries.contains_key(&owner) {
            return self.prove_inquiry(now, owner, response);
        }
        if self.referrals.contains_key(&owner) {
            return self.prove_referral(now, owner, response);
        }
        let Some(session) = self.sessions.get_mut(&owner) else { return false };
        if session.changes_mut().any(|change| matches!(change, Change::Ours { id: ours, .. } if *ours == id)) {
            return self.prove_change(now, id, owner, response);
        }
        match &session.state {
            State::Outgoing(state) if state.invite == id => self.prove_invite(now, owner, response),
            State::Outgoing(_) => self.prove_prack(now, id, owner, response),
            State::Established(_) => self.prove_aside(now, id, owner, response),
            State::Leaving(state) if state.bye == id => self.prove_bye(now, owner, response),
            _ => false,
        }
    }

    fn prove_invite(&mut self, now: Mono, id: SessionId, response: &Response) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let State::Outgoing(state) = &mut session.state else { return false };
        let Some(attempt) = state.attempt.as_deref_mut().filter(|_| state.left.is_none()) else { return false };
        let outline = &attempt.outline;
        let asked = (&Method::Invite, &*printed(&outline.uri), outline.flow.remote.ip());
        let Some(proof) = self.core.answer_challenge(session.identity.as_deref_mut(), response, asked) else {
            return false;
        };
        let timer = std::mem::take(&mut attempt.timer);
        let (outline, payload) = attempt.again(&mut self.core, &state.contact, timer, Some(&proof));
        let flow = outline.flow;
        state.proof = Some(proof);
        let parts = (outline, &Method::Invite);
        let again = self.clients.open(&mut self.core, now, parts, flow, (Some(id), false), payload);
        let before = std::mem::replace(&mut state.invite, again);
        self.drop_branch(now, id, before, Some(response.status.code()));
        true
    }

    fn prove_change(&mut self, now: Mono, id: TransactionId, owner: SessionId, response: &Response) -> bool {
        let Some(session) = self.sessions.get_mut(&owner) else { return false };
        let Some(dialog) = session.dialog_mut(response.head.to.tag().unwrap_or_default()) else { return false };
        let (flow, contact) = (dialog.flow(), dialog.contact.clone());
        let outline = dialog.next_request(key::branch(&self.core.token()));
        let method = response.head.cseq.method.clone();
        let asked = (&method, &*printed(&outline.uri), flow.remote.ip());
        let Some(proof) = self.core.answer_challenge(session.identity.as_deref_mut(), response, asked) else {
            return false;
        };
        let mut headers = match &session.state {
            State::Established(state) => state.timer_headers(&self.core),
            _ => Vec::new(),
        };
        headers.push(proof.clone());
        for change in session.changes_mut() {
            if let Change::Ours { id: ours, proposal, proof: known } = change
                && *ours == id
            {
                let payload = outline.encode_offer(&self.core, method.clone(), &contact, &headers, &proposal.offer);
                *ours = self.clients.open(&mut self.core, now, (outline, &method), flow, (Some(owner), true), payload);
                *known = Some(proof);
                return true;
            }
        }
        false
    }

    fn prove_bye(&mut self, now: Mono, id: SessionId, response: &Response) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let State::Leaving(state) = &mut session.state else { return false };
        let flow = state.dialog.flow();
        let outline = state.dialog.next_request(key::branch(&self.core.token()));
        let asked = (&Method::Bye, &*printed(&outline.uri), flow.remote.ip());
        let Some(proof) = self.core.answer_challenge(session.identity.as_deref_mut(), response, asked) else {
            return false;
        };
        let payload = outline.encode_bye(&self.core, state.reason.as_deref(), Some(&proof));
        state.bye = self.clients.open(&mut self.core, now, (outline, &Method::Bye), flow, (Some(id), true), payload);
        true
    }
}
