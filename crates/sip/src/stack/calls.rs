//! What the application asks for: calls and hang-ups (RFC 3261 9.1, 13.2, 15).

use base::{Mono, Now};
use sip_message::{Method, StatusCode};

use super::write::is_sips;
use super::{Attempt, Forks, Stack};
use crate::core::printed;
use crate::digest::Credentials;
use crate::identity::{Identity, Proof};
use crate::outline::Outline;
use crate::session::{Leaving, Outgoing, Session, State};
use crate::transaction::{TransactionId, key};
use crate::{EndCause, Event, Flow, Invite, Refusal, Search, SessionId};

impl Stack {
    /// Places a call. What comes of it is told by `Progress`, `Answered`, `Refused` and `Ended`.
    pub fn invite(&mut self, now: Now, invite: Invite) -> SessionId {
        let login = invite.login.clone();
        let identity = login.map(|name| Box::new(Identity::login(name, invite.flow.remote.ip())));
        self.place(now, invite, identity)
    }

    /// Places a call as [`Stack::invite`] does, and answers with `credentials` if the peer asks who calls (401, 407). Only
    /// if that does not convince him, his response is told.
    pub fn invite_as(&mut self, now: Now, invite: Invite, credentials: Credentials) -> SessionId {
        self.place(now, invite, Some(Box::new(Identity::given(credentials))))
    }

    /// Places a call as [`Stack::invite`] does, to several places. Of their responses the first 2xx counts, else a 6xx, else
    /// the best when all have failed (RFC 3261 16.7); nobody is told who calls.
    pub fn search(&mut self, now: Now, invite: Invite, search: Search) -> SessionId {
        let Search { forks, patience } = search;
        if forks.is_empty() {
            return self.invite(now, invite);
        }
        let (user, headers) = (invite.contact_user.clone(), invite.headers.clone());
        let id = self.place(now, invite, None);
        if let Some(State::Outgoing(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state)
            && let Some(outline) = self.clients.outline(state.invite)
        {
            let first = (&*state.contact, state.tie);
            let like = (outline, state.attempt.take());
            state.forks = Some(Forks::new(state.invite, first, like, (user, headers), (forks, patience)));
            self.begin_turn(now.monotonic, id, 0);
        }
        id
    }

    fn place(&mut self, now: Now, invite: Invite, mut identity: Option<Box<Identity>>) -> SessionId {
        let id = SessionId(self.core.next_serial());
        let flow = invite.flow;
        let known = self.core.config.listeners.get(usize::from(flow.listener)).is_some();
        if !known || self.sessions.len() >= self.core.config.max_sessions {
            let (status, reason) = (503, StatusCode::new(503).map_or("", StatusCode::reason).to_owned());
            self.core.tell(Event::Refused { session: id, status, reason, local: true, response: None });
            return id;
        }
        let local_tag = self.core.token();
        let call_id = self.core.token() + &self.core.token();
        let contact = self.contact(&invite.contact_user, flow, is_sips(&invite.target));
        let tie = invite.onward.tie();
        let outline = Outline {
            uri: invite.target,
            branch: key::branch(&self.core.token()).into(),
            flow,
            from: printed(invite.from.with_tag(&local_tag)).into(),
            to: printed(&invite.to).into(),
            call_id: call_id.as_str().into(),
            cseq: 1,
            carriage: tie.carriage(),
            routes: invite.onward.routes,
            max_forwards: invite.max_forwards,
        };
        let mut headers = invite.headers;
        let mut proof = None;
        let mut attempt = None;
        if identity.is_some() || self.core.config.session_timer.is_some() {
            attempt = Some(Attempt::new(outline.clone(), headers.clone(), self.first_timer(), invite.offer.clone()));
            let uri = printed(&outline.uri);
            proof = self.core.known_proof(identity.as_deref_mut(), &Method::Invite, &uri, flow.remote.ip());
            headers.extend(proof.clone());
        }
        headers.extend(self.first_timer());
        let payload = outline.encode_offer(&self.core, Method::Invite, &contact, &headers, &invite.offer);
        let parts = (outline, &Method::Invite);
        let transaction = self.clients.open(&mut self.core, now.monotonic, parts, flow, (Some(id), false), payload);
        let (contact, early) = (contact.into(), Vec::new());
        let (left, forks, offer, outspoken) = (None, None, invite.offer, false);
        let invite = transaction;
        let state = Outgoing { invite, tie, forks, contact, attempt, proof, offer, early, outspoken, left };
        self.insert(id, &call_id, &local_tag, State::Outgoing(Box::new(state)));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.identity = identity;
        }
        id
    }

    /// Ends a session, whatever its state. An unanswered call of ours is cancelled as soon as RFC 3261 9.1 allows, an
    /// unanswered one of the peer's refused with 480, an answered one gets a BYE: at once, or, if our 2xx still waits
    /// for its ACK, when that comes or is given up (15). `reason` is the value of a Reason header field (RFC 3326). The
    /// session ends by `Refused` (480, `local`) or `Ended`, the latter when the peer has answered or 64*T1 are over.
    pub fn hang_up(&mut self, now: Now, session: SessionId, reason: Option<String>) {
        let now = now.monotonic;
        match self.sessions.get_mut(&session).map(|session| &mut session.state) {
            Some(State::Incoming(_)) => {
                let refusal = Refusal { status: 480, reason: None, headers: Self::reason_header(reason) };
                self.refuse_incoming(now, session, &refusal);
            }
            Some(State::Outgoing(state)) => {
                state.left.get_or_insert(EndCause::HungUp);
                let (turn, invites) = (state.stop_turns(), state.open_invites());
                self.core.cancel(turn);
                for invite in invites {
                    self.clients.cancel(&mut self.core, now, invite, reason.clone());
                }
            }
            Some(State::Established(state)) if state.unacked.as_ref().is_some_and(|unacked| unacked.first) => {
                state.hang_up.get_or_insert(reason);
            }
            Some(State::Established(_)) => {
                self.acknowledge_owed(now, session);
                self.send_bye(now, session, EndCause::HungUp, reason.as_deref());
            }
            Some(State::Leaving(_)) | None => {}
        }
    }

    /// The caller is a phone that registered over UDP: our requests to him go on the flow that he calls on, however large.
    pub fn keep_flow(&mut self, session: SessionId) {
        if let Some(State::Incoming(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) {
            state.dialog.by_flow = true;
        }
    }

    /// True unless a call of ours waits for the first word of its peer, a 100 included.
    #[must_use]
    pub fn is_heard(&self, session: SessionId) -> bool {
        match self.sessions.get(&session).map(|session| &session.state) {
            Some(State::Outgoing(state)) => self.clients.is_heard(state.invite),
            _ => true,
        }
    }

    /// Ends an answered session by a BYE.
    pub(super) fn send_bye(&mut self, now: Mono, id: SessionId, cause: EndCause, reason: Option<&str>) {
        self.answer_pending(now, id);
        self.abandon_change(now, id);
        let branch = key::branch(&self.core.token());
        let Some(Session { dialog_key, mut identity, state }) = self.sessions.remove(&id) else { return };
        let state = match state {
            State::Established(mut established) => {
                let outline = established.dialog.next_request(branch);
                let flow = established.dialog.flow();
                let dialog = self.release_established(*established);
                let proof = identity.as_deref_mut().and_then(|identity| {
                    self.core.known_proof(Some(identity), &Method::Bye, &outline.uri, flow.remote.ip())
                });
                let bye = self.open_bye(now, outline, flow, Some(id), (reason, proof.as_ref()));
                let reason = reason.filter(|_| identity.is_some()).map(str::to_owned);
                State::Leaving(Box::new(Leaving { dialog, bye, reason, cause }))
            }
            other => other,
        };
        self.sessions.insert(id, Session { dialog_key, identity, state });
    }

    pub(super) fn open_bye(
        &mut self,
        now: Mono,
        outline: Outline,
        flow: Flow,
        owner: Option<SessionId>,
        (reason, proof): (Option<&str>, Option<&Proof>),
    ) -> TransactionId {
        let payload = outline.encode_bye(&self.core, reason, proof);
        self.clients.open(&mut self.core, now, (outline, &Method::Bye), flow, (owner, true), payload)
    }
}
