//! Requests of ours inside an answered session, but for those that change or end it (RFC 3261 12.2.1).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{Method, Response, StatusCode};

use super::Stack;
use crate::core::printed;
use crate::session::{Change, State};
use crate::transaction::{TransactionId, key};
use crate::{EndCause, Event, SessionId};

/// Requests beside a session that may be sent again, once challenged.
const MOST_ASIDES: usize = 16;

/// A request that stands beside the session: INFO, REFER, NOTIFY, MESSAGE. It prints without what it says.
#[derive(Clone)]
pub struct Aside {
    /// Its method; neither INVITE, ACK, CANCEL, BYE, PRACK nor UPDATE.
    pub method: Method,
    /// Its header fields, in order, besides those that every request has.
    pub headers: Vec<(String, String)>,
    /// The type of its body, and the body.
    pub body: Option<(String, Bytes)>,
}

impl std::fmt::Debug for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aside").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Stack {
    /// Sends a request inside a session that is answered. What it is answered is told by [`Event::AsideReplied`]; that the peer
    /// knows nothing of the session, or does not answer, ends it (RFC 3261 12.2.1.2). False: there is no such session.
    pub fn ask(&mut self, now: Now, session: SessionId, aside: &Aside) -> bool {
        self.send_aside(now.monotonic, session, aside.clone(), None)
    }

    /// Sends it; with the answer to the challenge of the one before, if there was one. False: it cannot be.
    fn send_aside(&mut self, now: Mono, id: SessionId, aside: Aside, challenge: Option<&Response>) -> bool {
        let branch = key::branch(&self.core.token());
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let State::Established(state) = &mut session.state else { return false };
        let (outline, flow) = (state.dialog.next_request(branch), state.dialog.flow());
        let asked = (&aside.method, &*printed(&outline.uri), flow.remote.ip());
        let Ok(proof) = self.core.proof(session.identity.as_deref_mut(), challenge, asked) else { return false };
        let payload = outline.encode_aside(&self.core, &state.dialog.contact, &aside, proof.as_ref());
        let parts = (outline, &aside.method);
        let transaction = self.clients.open(&mut self.core, now, parts, flow, (Some(id), true), payload);
        // Kept only where it could be sent again.
        if session.identity.is_some() && state.asides.len() < MOST_ASIDES {
            state.asides.push((transaction, aside));
        }
        true
    }

    /// The request beside a session once more, if `response` challenges it and there is an answer.
    pub(super) fn prove_aside(&mut self, now: Mono, id: TransactionId, owner: SessionId, response: &Response) -> bool {
        self.take_aside(id, owner).is_some_and(|aside| self.send_aside(now, owner, aside, Some(response)))
    }

    fn take_aside(&mut self, id: TransactionId, owner: SessionId) -> Option<Aside> {
        let State::Established(state) = &mut self.sessions.get_mut(&owner)?.state else { return None };
        let place = state.asides.iter().position(|(known, _)| *known == id)?;
        Some(state.asides.swap_remove(place).1)
    }

    /// The final response to a request of ours beside a session.
    pub(super) fn aside_replied(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: SessionId,
        (method, status): (Method, StatusCode),
    ) {
        self.take_aside(id, owner);
        if !matches!(self.sessions.get(&owner).map(|session| &session.state), Some(State::Established(_))) {
            return;
        }
        match status.code() {
            481 => self.send_bye(now, owner, EndCause::Gone, None),
            status => self.core.tell(Event::AsideReplied { session: owner, method, status }),
        }
    }

    /// Nobody answered a request of ours beside a session, which ends it. False if it was none.
    pub(super) fn lost_aside(&mut self, now: Mono, id: TransactionId, owner: SessionId) -> bool {
        let Some(State::Established(state)) = self.sessions.get(&owner).map(|session| &session.state) else {
            return false;
        };
        if matches!(state.change, Change::Ours { id: ours, .. } if ours == id) {
            return false;
        }
        self.send_bye(now, owner, EndCause::TransactionTimeout, None);
        true
    }
}

/// True for what has to do with the session itself.
pub(super) fn is_of_session(response: &Response) -> bool {
    matches!(response.head.cseq.method, Method::Invite | Method::Bye | Method::Update | Method::Prack | Method::Cancel)
}
