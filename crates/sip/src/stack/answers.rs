//! The application's answers to an INVITE, and the 2xx until its ACK (RFC 3261 13.3.1, 15).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{HeaderName, Request};

use super::Stack;
use crate::core::Due;
use crate::session::{Asked, Change, Established, Incoming, Session, SessionTimer, State, Unacked};
use crate::{EndCause, Event, Refusal, SessionId, Transmit};

impl Stack {
    /// Sends a provisional response (101–199, else 180) to a session's INVITE, with an SDP body if one is given. It is
    /// repeated each minute until the final one (RFC 3261 13.3.1.1).
    pub fn ring(&mut self, now: Now, session: SessionId, status: u16, body: Option<Bytes>) {
        let now = now.monotonic;
        let Some(State::Incoming(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) else {
            return;
        };
        let status = if (101..200).contains(&status) { status } else { 180 };
        let response = self.core.response_in(&state.invite, &state.dialog, status, body);
        self.servers.provisional(&mut self.core, state.invite.id, response.build());
        self.core.cancel(state.refresh.take());
        let after = self.core.config.provisional_refresh;
        state.refresh = Some(self.core.set(now, after, Due::Session(session, SessionTimer::Refresh)));
    }

    /// Answers a session's INVITE 200 with `answer`, which is our offer if the INVITE had none. The 200 is repeated
    /// until its ACK comes; if none comes for 64*T1, the session ends by a BYE.
    pub fn accept(&mut self, now: Now, session: SessionId, answer: Bytes) {
        let Some(Session { dialog_key, identity, state }) = self.sessions.remove(&session) else { return };
        let state = match state {
            State::Incoming(state) => self.accept_incoming(now.monotonic, session, *state, answer),
            other => other,
        };
        self.sessions.insert(session, Session { dialog_key, identity, state });
    }

    /// Answers a session's INVITE with a failure; the session is over.
    pub fn refuse(&mut self, now: Now, session: SessionId, refusal: Refusal) {
        if let Some(State::Incoming(_)) = self.sessions.get(&session).map(|session| &session.state) {
            self.refuse_incoming(now.monotonic, session, &refusal);
        }
    }

    pub(super) fn refuse_incoming(&mut self, now: Mono, id: SessionId, refusal: &Refusal) {
        let Some(State::Incoming(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        let (response, status) = self.core.refusal(&state.invite, &state.dialog.local_tag, refusal);
        self.servers.answer(&mut self.core, now, state.invite.id, false, response.build());
        let reason = refusal.reason.clone().unwrap_or_else(|| status.reason().to_owned());
        let event = Event::Refused { session: id, status: status.code(), reason, local: true, response: None };
        self.close(id, event);
    }

    /// Answers the INVITE or re-INVITE of the peer that still waits, on behalf of an event that made it void.
    pub(super) fn answer_pending(&mut self, now: Mono, id: SessionId, status: u16) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (asked, tag) = match &session.state {
            State::Incoming(state) => (&state.invite, &state.dialog.local_tag),
            State::Established(state) => match &state.change {
                Change::Theirs(asked) => (asked, &state.dialog.local_tag),
                Change::Ours { .. } | Change::Idle => return,
            },
            State::Outgoing(_) | State::Leaving(_) => return,
        };
        let refusal = Refusal::of(status);
        let (response, _) = self.core.refusal(asked, tag, &refusal);
        self.servers.answer(&mut self.core, now, asked.id, false, response.build());
    }

    fn accept_incoming(&mut self, now: Mono, id: SessionId, incoming: Incoming, answer: Bytes) -> State {
        let Incoming { invite, dialog, refresh, expiry } = incoming;
        self.core.cancel(refresh);
        self.core.cancel(expiry);
        let response = self.core.response_in(&invite, &dialog, 200, Some(answer)).build();
        let unacked = self.send_accept(now, id, &invite, response, true);
        State::Established(Box::new(Established { unacked, ..Established::new(dialog, false) }))
    }

    /// Sends a 2xx to an INVITE, and sets the timers that repeat it.
    pub(super) fn send_accept(
        &mut self,
        now: Mono,
        id: SessionId,
        asked: &Asked,
        response: Bytes,
        first: bool,
    ) -> Option<Unacked> {
        let flow = self.servers.answer(&mut self.core, now, asked.id, true, response.clone())?;
        let times = self.core.config.times;
        Some(Unacked {
            first,
            answers: !asked.request.body.is_empty(),
            cseq: asked.request.head.cseq.number,
            response: Transmit { flow, payload: response },
            interval: times.t1,
            repeat: self.core.set(now, times.t1, Due::Session(id, SessionTimer::Accept)),
            give_up: self.core.set(now, times.patience(), Due::Session(id, SessionTimer::AckWait)),
        })
    }

    /// An ACK that no failure waited for: that of a 2xx, or a stray.
    pub(super) fn acknowledged(&mut self, now: Mono, request: &Request) {
        let id = self.dialog_of(request);
        self.in_hand = id;
        let head = &request.head;
        let Some((id, session)) = id.and_then(|id| Some((id, self.sessions.get_mut(&id)?))) else {
            self.core.counters.strays += 1;
            return;
        };
        let State::Established(state) = &mut session.state else { return };
        let same_peer = &*state.dialog.remote_tag == head.from.tag().unwrap_or_default();
        let Some(unacked) = state.unacked.take_if(|unacked| same_peer && unacked.cseq == head.cseq.number) else {
            return;
        };
        let hang_up = state.hang_up.take();
        self.stop_repeating(&unacked);
        let body = (!request.body.is_empty()).then(|| request.body.clone());
        self.core.tell(Event::Acked { session: id, body });
        if let Some(reason) = hang_up {
            self.send_bye(now, id, EndCause::HungUp, reason.as_deref());
        }
    }

    /// The peer has our 2xx, or will never need it.
    pub(super) fn stop_repeating(&mut self, unacked: &Unacked) {
        self.core.cancel(Some(unacked.repeat));
        self.core.cancel(Some(unacked.give_up));
    }

    /// The value of Reason that goes with a hang-up.
    pub(super) fn reason_header(reason: Option<String>) -> Vec<(String, String)> {
        reason.map(|reason| (HeaderName::Reason.as_str().to_owned(), reason)).into_iter().collect()
    }
}
