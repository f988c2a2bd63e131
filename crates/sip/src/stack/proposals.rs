//! Changes that we ask for: by re-INVITE or UPDATE (RFC 3261 14.1, RFC 3311 5.1).

use std::time::Duration;

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{Method, Refresher, Response, StatusCode};

use super::Stack;
use super::responses::sdp;
use crate::core::Due;
use crate::session::{Change, Established, OwedAck, Proposal, Session, SessionTimer, State};
use crate::transaction::{TransactionId, key};
use crate::{ChangeError, EndCause, Event, Flow, SessionId};

impl Stack {
    /// Offers the peer a change of the session by a re-INVITE; with an empty `offer`, asks for his. What comes of it is told by
    /// `ChangeAnswered`, `ChangeRefused` or `Ended`; a 491 is tried again after the time that RFC 3261 14.1 sets.
    ///
    /// # Errors
    /// If the session is not established, or a change of either side is under way.
    pub fn change(&mut self, now: Now, session: SessionId, offer: Bytes) -> Result<(), ChangeError> {
        let tag = self.established_idle(session)?.dialog.remote_tag.clone();
        self.propose(now.monotonic, session, &tag, Proposal { update: false, offer });
        Ok(())
    }

    /// As [`Stack::change`], by an UPDATE, which may also come before the call is answered, as soon as its first offer is
    /// answered by a reliable provisional response and that is acknowledged (RFC 3311 5.1). A 491 before the answer of the call
    /// is told as `ChangeRefused`.
    ///
    /// # Errors
    /// If the peer takes no UPDATE, if there is nothing yet that could be changed, a change of either side is under way, or
    /// several forks of an unanswered call have spoken.
    pub fn update(&mut self, now: Now, session: SessionId, offer: Bytes) -> Result<(), ChangeError> {
        let dialog = match &self.sessions.get(&session).ok_or(ChangeError::NotEstablished)?.state {
            State::Incoming(state) => {
                let is_free = matches!(state.change, Change::Idle) && !state.reliable.holds_back();
                let dialog = state.reliable.described.then_some(&state.dialog).ok_or(ChangeError::NotEstablished)?;
                if is_free { dialog } else { return Err(ChangeError::Pending) }
            }
            State::Outgoing(state) => {
                let mut spoke = state.early.iter().filter(|early| early.described.is_some() && early.owed.is_none());
                let early = spoke.next().filter(|_| state.left.is_none()).ok_or(ChangeError::NotEstablished)?;
                // Nobody knows yet whose call it will be, and a change of one would not be one of the others.
                if spoke.next().is_some() {
                    return Err(ChangeError::Pending);
                }
                if matches!(early.change, Change::Idle) { &early.dialog } else { return Err(ChangeError::Pending) }
            }
            State::Established(_) => &self.established_idle(session)?.dialog,
            State::Leaving(_) => return Err(ChangeError::NotEstablished),
        };
        if !dialog.updates {
            return Err(ChangeError::NotServed);
        }
        let tag = dialog.remote_tag.clone();
        self.propose(now.monotonic, session, &tag, Proposal { update: true, offer });
        Ok(())
    }

    fn established_idle(&self, session: SessionId) -> Result<&Established, ChangeError> {
        let state = self.sessions.get(&session).map(|session| &session.state);
        let Some(State::Established(state)) = state else { return Err(ChangeError::NotEstablished) };
        if state.unacked.as_ref().is_some_and(|unacked| unacked.first) || state.hang_up.is_some() {
            return Err(ChangeError::NotEstablished);
        }
        if !state.is_idle() || state.retry.is_some() {
            return Err(ChangeError::Pending);
        }
        Ok(state)
    }

    pub(super) fn propose(&mut self, now: Mono, id: SessionId, tag: &str, proposal: Proposal) {
        let branch = key::branch(&self.core.token());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(dialog) = session.dialog_mut(tag) else { return };
        let method = if proposal.update { Method::Update } else { Method::Invite };
        let (outline, flow, contact) = (dialog.next_request(branch), dialog.flow(), dialog.contact.clone());
        let identity = session.identity.as_deref_mut();
        let proof = identity
            .and_then(|identity| self.core.known_proof(Some(identity), &method, &outline.uri, flow.remote.ip()));
        let mut headers = match &session.state {
            State::Established(state) => state.timer_headers(&self.core),
            _ => Vec::new(),
        };
        headers.extend(proof.clone());
        let payload = outline.encode_offer(&self.core, method.clone(), &contact, &headers, &proposal.offer);
        let id = self.clients.open(&mut self.core, now, (outline, &method), flow, (Some(id), true), payload);
        if let Some(change) = session.change_mut(tag) {
            *change = Change::Ours { id, proposal, proof };
        }
    }

    /// A 2xx to our re-INVITE. False if no session waits for it.
    pub(super) fn change_accepted(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: Option<SessionId>,
        flow: Flow,
        response: &Response,
    ) -> bool {
        let Some(owner) = owner else { return false };
        let Some(session) = self.sessions.get_mut(&owner) else { return false };
        let Session { state: State::Established(state), .. } = session else { return false };
        // It came again, while its ACK still waits for the application.
        if state.owed.as_ref().is_some_and(|owed| owed.id == id) {
            return true;
        }
        let Some((Proposal { offer, .. }, proof)) = state.change.take_ours(id) else { return false };
        state.dialog.refresh(&response.head, flow);
        let body = sdp(response);
        let cseq = response.head.cseq.number;
        if !offer.is_empty() {
            state.description = offer.clone();
        }
        if offer.is_empty() && body.is_some() {
            state.owed = Some(OwedAck { id, cseq, proof });
        } else {
            let dialog = state.dialog.clone();
            self.send_ack(now, id, &dialog, cseq, (proof.as_ref(), &Bytes::new()));
        }
        self.live(now, owner, response.head.session_expires(), Refresher::Uac);
        self.core.tell(Event::ChangeAnswered { session: owner, offer, body });
        true
    }

    /// A final response to a request of ours that is no INVITE. True if it was a 2xx to our UPDATE.
    pub(super) fn update_accepted(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: SessionId,
        flow: Flow,
        response: &Response,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&owner).filter(|_| response.status.is_success()) else {
            return false;
        };
        let ours = session.changes_mut().find_map(|change| change.take_ours(id));
        let Some((Proposal { offer, .. }, _)) = ours else { return false };
        if let Some(dialog) = session.dialog_mut(response.head.to.tag().unwrap_or_default()) {
            dialog.refresh(&response.head, flow);
        }
        match &mut session.state {
            State::Established(state) => {
                if !offer.is_empty() {
                    state.description = offer.clone();
                }
                self.live(now, owner, response.head.session_expires(), Refresher::Uac);
            }
            State::Outgoing(state) => {
                if let Some(early) = state.early_mut(response.head.to.tag().unwrap_or_default()) {
                    early.said = Some(offer.clone());
                }
            }
            State::Incoming(_) | State::Leaving(_) => {}
        }
        self.core.tell(Event::ChangeAnswered { session: owner, offer, body: sdp(response) });
        true
    }

    /// Our change was refused; or never answered, if there is no `response`.
    pub(super) fn change_failed(
        &mut self,
        now: Mono,
        id: SessionId,
        status: StatusCode,
        proposal: Proposal,
        response: Option<&Response>,
    ) {
        if let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state)
            && let Some(response) = response.filter(|response| response.status.code() == 422)
            && state.demands_more(&response.head)
        {
            let tag = state.dialog.remote_tag.clone();
            return self.propose(now, id, &tag, proposal);
        }
        let lost = response.is_none();
        let established = self.sessions.get(&id).is_some_and(|session| matches!(session.state, State::Established(_)));
        match status.code() {
            491 if established => self.retry_later(now, id, proposal),
            481 if established => self.send_bye(now, id, EndCause::Gone, None),
            408 if established => self.send_bye(now, id, EndCause::TransactionTimeout, None),
            _ if established && lost => self.send_bye(now, id, EndCause::TransactionTimeout, None),
            status => self.core.tell(Event::ChangeRefused { session: id, status }),
        }
    }

    /// 14.1: who chose the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms.
    fn retry_later(&mut self, now: Mono, id: SessionId, proposal: Proposal) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        let steps = if state.ours { 210 + self.core.rng.below(191) } else { self.core.rng.below(201) };
        let after = Duration::from_millis(u64::from(steps) * 10);
        let token = self.core.set(now, after, Due::Session(id, SessionTimer::Retry));
        state.retry = Some((proposal, token));
    }

    pub(super) fn retry_change(&mut self, now: Mono, id: SessionId) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        let Some((proposal, _)) = state.retry.take() else { return };
        if state.is_idle() {
            let tag = state.dialog.remote_tag.clone();
            self.propose(now, id, &tag, proposal);
        } else {
            self.retry_later(now, id, proposal);
        }
    }

    /// Our change is void, since the session ends: cancelled, and left to itself.
    pub(super) fn abandon_change(&mut self, now: Mono, id: SessionId) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        if let Change::Ours { id: change, .. } = std::mem::replace(&mut state.change, Change::Idle) {
            self.clients.disown(change);
            self.clients.cancel(&mut self.core, now, change, None);
        }
    }
}

impl Established {
    /// True if neither side changes anything: the one offer after the other.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.change, Change::Idle) && self.unacked.is_none() && self.owed.is_none()
    }
}
