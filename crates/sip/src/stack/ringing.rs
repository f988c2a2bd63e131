//! Our provisional responses to an INVITE, and the PRACKs of the reliable ones (RFC 3261 13.3.1.1, RFC 3262 3).

use std::mem;

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{CSeq, HeaderName, Method, RAck, Request};

use super::Stack;
use crate::abilities::RELIABLE;
use crate::core::{Core, Due};
use crate::inspect::Fault;
use crate::session::{Asked, Change, Incoming, Reliable, SessionTimer, State, Unpracked, Wish};
use crate::{Event, Refusal, SessionId};

/// An INVITE is refused with this when its caller never acknowledges a reliable response: any 5xx would do (RFC 3262 3).
const NO_PRACK: u16 = 504;

/// What a PRACK is to the session.
enum Meaning {
    /// It acknowledges nothing that waits for it.
    Nothing,
    /// It acknowledges, with an answer to our offer maybe.
    Acknowledges,
    /// It acknowledges, and offers something new.
    Offers,
    /// It acknowledges, and offers something where none may be offered.
    Disturbs,
}

impl Reliable {
    /// What the caller says of them in his INVITE.
    pub(super) fn of_request(core: &mut Core, request: &Request) -> Self {
        let head = &request.head;
        let wish = match () {
            () if !core.config.reliable => Wish::Nothing,
            () if head.requires(RELIABLE) => Wish::Required,
            () if head.supports(RELIABLE) => Wish::Supported,
            () => Wish::Nothing,
        };
        // RFC 3262 3: the first number is a random one below 2^31.
        let rseq = if wish == Wish::Nothing { 0 } else { core.rng.u32() >> 1 };
        Self::new(wish, rseq)
    }
}

impl Stack {
    /// Sends a provisional response (101–199, else 180) to a session's INVITE, with an SDP body if one is given.
    ///
    /// It is reliable (RFC 3262) if the caller requires that, or if he supports it and there is a body: then it is repeated
    /// until he acknowledges it, which `Pracked` tells, and what is sent after it waits for that. If he never does, the
    /// session ends by `Refused` (504, `local`). One that is not reliable is repeated each minute until the final response.
    /// After a reliable one with a body, no later response has one.
    pub fn ring(&mut self, now: Now, session: SessionId, status: u16, body: Option<Bytes>) {
        let now = now.monotonic;
        let Some(State::Incoming(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) else {
            return;
        };
        let status = if (101..200).contains(&status) { status } else { 180 };
        let body = body.filter(|body| !body.is_empty() && !state.reliable.described);
        if !state.reliable.applies(body.is_some()) {
            let response = self.core.response_in(&state.invite, &state.dialog, status, body);
            self.servers.provisional(&mut self.core, state.invite.id, response.build());
        } else if state.reliable.unpracked.is_some() {
            // Of several that wait, the last one counts, but for a description, which is sent once.
            let body = body.or_else(|| state.reliable.next.take().and_then(|(_, body)| body));
            state.reliable.next = Some((status, body));
        } else {
            self.send_reliable(now, session, status, body);
        }
        self.extend_later(now, session);
    }

    /// True if the peer of an unanswered call takes no provisional response that is not reliable. If his INVITE made no
    /// offer, the first one must then make ours (RFC 3262 5).
    #[must_use]
    pub fn requires_reliable(&self, session: SessionId) -> bool {
        self.wish(session) == Some(Wish::Required)
    }

    /// True if an offer of ours can reach the peer of an unanswered call, and his answer us, before we answer him: his INVITE
    /// made none, and he takes reliable provisional responses.
    #[must_use]
    pub fn can_offer_early(&self, session: SessionId) -> bool {
        matches!(self.wish(session), Some(Wish::Supported | Wish::Required))
    }

    fn wish(&self, session: SessionId) -> Option<Wish> {
        match &self.sessions.get(&session)?.state {
            State::Incoming(state) => Some(state.reliable.wish),
            State::Outgoing(_) | State::Established(_) | State::Leaving(_) => None,
        }
    }

    /// The minute after which no proxy shall give the call up begins anew.
    fn extend_later(&mut self, now: Mono, id: SessionId) {
        let Some(State::Incoming(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        self.core.cancel(state.refresh.take());
        let after = self.core.config.provisional_refresh;
        state.refresh = Some(self.core.set(now, after, Due::Session(id, SessionTimer::Refresh)));
    }

    /// A minute has passed since the last provisional response: once more (RFC 3261 13.3.1.1).
    pub(super) fn extend(&mut self, now: Mono, id: SessionId) {
        let Some(State::Incoming(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        match state.reliable.wish {
            // One that waits for its PRACK is repeated anyway.
            Wish::Required if state.reliable.unpracked.is_some() => {}
            Wish::Required => self.send_reliable(now, id, 180, None),
            Wish::Nothing | Wish::Supported => {
                self.servers.handle_repeated(&mut self.core, state.invite.id);
            }
        }
        self.extend_later(now, id);
    }

    fn send_reliable(&mut self, now: Mono, id: SessionId, status: u16, body: Option<Bytes>) {
        let Some(State::Incoming(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        let reliable = &mut state.reliable;
        let body = body.filter(|_| !reliable.described);
        let has_description = body.is_some();
        reliable.described |= has_description;
        if let Some(body) = &body {
            reliable.description = body.clone();
        }
        reliable.rseq = reliable.rseq.saturating_add(1);
        let builder = self.core.response_in(&state.invite, &state.dialog, status, body);
        let builder = builder.header(HeaderName::Require, RELIABLE);
        let response = builder.header(HeaderName::RSeq, &reliable.rseq.to_string()).build();
        self.servers.provisional(&mut self.core, state.invite.id, response.clone());
        let times = self.core.config.times;
        reliable.unpracked = Some(Unpracked {
            response,
            has_description,
            interval: times.t1,
            repeat: self.core.set(now, times.t1, Due::Session(id, SessionTimer::Reliable)),
            give_up: self.core.set(now, times.patience(), Due::Session(id, SessionTimer::PrackWait)),
        });
    }

    /// No PRACK came yet: once more, and then after twice the time. There is no upper bound to that (RFC 3262 3).
    pub(super) fn repeat_reliable(&mut self, now: Mono, id: SessionId) {
        let Some(State::Incoming(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        let Some(unpracked) = &mut state.reliable.unpracked else { return };
        self.servers.resend_provisional(&mut self.core, state.invite.id, unpracked.response.clone());
        unpracked.interval = unpracked.interval.saturating_mul(2);
        unpracked.repeat = self.core.set(now, unpracked.interval, Due::Session(id, SessionTimer::Reliable));
    }

    /// No PRACK came in all the time: the INVITE is refused.
    pub(super) fn give_up_reliable(&mut self, now: Mono, id: SessionId) {
        self.core.counters.unacknowledged += 1;
        self.refuse_incoming(now, id, &Refusal::of(NO_PRACK));
    }

    pub(super) fn handle_prack(&mut self, now: Mono, id: SessionId, asked: Asked) {
        let Some(rack) = asked.request.head.rack() else { return self.answer_fault(now, &asked, Fault::of(400)) };
        let has_body = !asked.request.body.is_empty();
        match self.acknowledge_reliable(id, &rack, has_body) {
            Meaning::Nothing => self.answer_fault(now, &asked, Fault::of(481)),
            Meaning::Disturbs => {
                self.answer_fault(now, &asked, Fault::of(488));
                self.core.tell(Event::Pracked { session: id, body: None });
                self.go_on(now, id);
            }
            Meaning::Offers => self.begin_change(now, id, asked),
            Meaning::Acknowledges => {
                self.answer_plain(now, &asked, 200);
                let body = has_body.then(|| asked.request.body.clone());
                self.core.tell(Event::Pracked { session: id, body });
                self.go_on(now, id);
            }
        }
    }

    /// The response that `rack` names is acknowledged, if one waits for that (RFC 3262 3).
    fn acknowledge_reliable(&mut self, id: SessionId, rack: &RAck, has_body: bool) -> Meaning {
        match self.sessions.get_mut(&id).map(|session| &mut session.state) {
            Some(State::Incoming(state)) => {
                if *rack != state.last_reliable() {
                    return Meaning::Nothing;
                }
                let Some(unpracked) = state.reliable.unpracked.take() else { return Meaning::Nothing };
                self.core.cancel(Some(unpracked.repeat));
                self.core.cancel(Some(unpracked.give_up));
                let we_offered = state.invite.request.body.is_empty() && unpracked.has_description;
                match (has_body, we_offered, &state.change) {
                    (false, ..) | (true, true, _) => Meaning::Acknowledges,
                    (true, false, Change::Idle) if state.reliable.described => Meaning::Offers,
                    (true, false, _) => Meaning::Disturbs,
                }
            }
            // Our 2xx has overtaken it. What had a description would have held that back.
            Some(State::Established(state)) => match state.unpracked.take_if(|waiting| waiting == rack) {
                Some(_) if has_body => Meaning::Disturbs,
                Some(_) => Meaning::Acknowledges,
                None => Meaning::Nothing,
            },
            _ => Meaning::Nothing,
        }
    }

    /// Sends what waited for a PRACK, or for the answer to its offer: our 2xx, or else the next provisional response.
    pub(super) fn go_on(&mut self, now: Mono, id: SessionId) {
        let Some(State::Incoming(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        if state.reliable.unpracked.is_some() || matches!(state.change, Change::Theirs(_)) {
            return;
        }
        let next = state.reliable.next.take();
        if mem::take(&mut state.reliable.accepted) {
            self.accept_now(now, id, Bytes::new());
        } else if let Some((status, body)) = next {
            self.send_reliable(now, id, status, body);
        }
    }
}

impl Incoming {
    /// What a PRACK says that acknowledges our last reliable response.
    pub(super) fn last_reliable(&self) -> RAck {
        let number = self.invite.request.head.cseq.number;
        RAck { rseq: self.reliable.rseq, cseq: CSeq { number, method: Method::Invite } }
    }
}
