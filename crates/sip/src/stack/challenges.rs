//! A peer asks who calls: our INVITE again, with the answer to his challenge (RFC 3261 22.2, 22.3).

use base::Mono;
use bytes::Bytes;
use sip_message::{HeaderName, Method, Response};

use super::Stack;
use crate::SessionId;
use crate::core::printed;
use crate::digest::{Challenge, Credentials};
use crate::outline::Outline;
use crate::session::State;
use crate::transaction::key;

/// An INVITE that can be sent again with credentials.
pub(crate) struct Attempt {
    outline: Outline,
    headers: Vec<(String, String)>,
    offer: Bytes,
    credentials: Credentials,
    answered: Answered,
}

/// What was answered, so that a wrong password is sent once and nobody is asked for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Nothing,
    Challenge,
    StaleNonce,
}

impl Attempt {
    pub(crate) fn new(
        outline: Outline,
        headers: Vec<(String, String)>,
        offer: Bytes,
        credentials: Credentials,
    ) -> Box<Self> {
        Box::new(Self { outline, headers, offer, credentials, answered: Answered::Nothing })
    }
}

impl Stack {
    /// Sends the INVITE of a session again if `response` challenges it and there is an answer: one to a first challenge, one
    /// more if the peer says that only the nonce was old. False: the response is the last word.
    pub(super) fn prove(&mut self, now: Mono, id: SessionId, response: &Response) -> bool {
        let (asks, proves) = match response.status.code() {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            407 => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
            _ => return false,
        };
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return false;
        };
        let Some(attempt) = state.attempt.as_deref_mut().filter(|_| state.left.is_none()) else { return false };
        let Some(challenge) = Challenge::strongest(response.head.headers(asks)) else { return false };
        attempt.answered = match attempt.answered {
            Answered::Nothing => Answered::Challenge,
            Answered::Challenge if challenge.stale => Answered::StaleNonce,
            Answered::Challenge | Answered::StaleNonce => return false,
        };
        let outline = &mut attempt.outline;
        outline.cseq = outline.cseq.saturating_add(1);
        outline.branch = key::branch(&self.core.token()).into();
        let method = Method::Invite;
        let uri = printed(&outline.uri);
        let value = attempt.credentials.answer(&challenge, method.as_str(), &uri, &mut self.core.rng);
        let proof = (proves.as_str().to_owned(), value);
        let headers: Vec<_> = attempt.headers.iter().chain([&proof]).cloned().collect();
        let payload = outline.encode_invite(&self.core, &state.contact, &headers, &attempt.offer);
        let (outline, flow) = (outline.clone(), outline.flow);
        state.early.clear();
        state.proof = Some(proof);
        state.invite = self.clients.open(&mut self.core, now, (outline, &method), flow, (Some(id), false), payload);
        true
    }
}
