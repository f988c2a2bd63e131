//! Re-INVITE and UPDATE of the peer (RFC 3261 14.2, RFC 3311 5.2, RFC 5407 3.1.5).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{HeaderName, Method};

use super::Stack;
use crate::inspect::Fault;
use crate::session::{Asked, Change, State};
use crate::{EndCause, Event, Refusal, SessionId};

/// What a change of the peer meets.
enum Meets {
    /// Nothing: the application decides.
    Nothing,
    /// An offer of ours that is under way: both sides step back and try again (491).
    Ours,
    /// An offer of the peer's own that is not answered: he shall wait (500 with Retry-After).
    Theirs,
    /// The end of the dialog.
    End,
}

impl Stack {
    /// Accepts the peer's change with `answer` (our offer, if his re-INVITE had none).
    pub fn accept_change(&mut self, now: Now, session: SessionId, answer: Bytes) {
        let Some(asked) = self.take_change(session) else { return };
        let now = now.monotonic;
        let Some(State::Established(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) else {
            return;
        };
        state.dialog.refresh(&asked.request.head, asked.flow);
        let response = self.core.response_in(&asked, &state.dialog, 200, Some(answer)).build();
        if asked.request.method != Method::Invite {
            self.servers.answer(&mut self.core, now, asked.id, true, response);
            return;
        }
        let unacked = self.send_accept(now, session, &asked, response, false);
        if let Some(State::Established(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) {
            state.unacked = unacked;
        }
    }

    /// Refuses the peer's change; the session goes on as it was.
    pub fn refuse_change(&mut self, now: Now, session: SessionId, refusal: Refusal) {
        let Some(asked) = self.take_change(session) else { return };
        let (response, _) = self.core.refusal(&asked, "", &refusal);
        self.servers.answer(&mut self.core, now.monotonic, asked.id, false, response.build());
    }

    pub(super) fn handle_change(&mut self, now: Mono, id: SessionId, asked: Asked) {
        let offers = asked.request.method == Method::Invite || !asked.request.body.is_empty();
        match self.meets(id) {
            Meets::End => self.answer_fault(now, &asked, Fault::of(481)),
            _ if !offers => self.refresh_target(now, id, &asked),
            Meets::Ours => self.answer_fault(now, &asked, Fault::of(491)),
            Meets::Theirs => {
                // 14.2: a random number of seconds from 0 to 10.
                let seconds = self.core.rng.below(11).to_string();
                let fault = Fault { status: 500, header: Some((HeaderName::RetryAfter, seconds)) };
                self.answer_fault(now, &asked, fault);
            }
            Meets::Nothing => self.begin_change(now, id, asked),
        }
    }

    fn meets(&self, id: SessionId) -> Meets {
        match self.sessions.get(&id).map(|session| &session.state) {
            Some(State::Established(state)) => match (&state.change, &state.unacked) {
                (Change::Ours { .. }, _) => Meets::Ours,
                (Change::Theirs(_), _) => Meets::Theirs,
                // The answer is still to come, in the ACK.
                (Change::Idle, Some(unacked)) if !unacked.answers => Meets::Ours,
                (Change::Idle, _) => Meets::Nothing,
            },
            Some(State::Incoming(_)) => Meets::Theirs,
            Some(State::Outgoing(_)) => Meets::Ours,
            Some(State::Leaving(_)) | None => Meets::End,
        }
    }

    fn begin_change(&mut self, now: Mono, id: SessionId, asked: Asked) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        let body = (!asked.request.body.is_empty()).then(|| asked.request.body.clone());
        // Who sends another INVITE has our 2xx to the last one, though its ACK is lost or overtaken (RFC 5407 3.1.5).
        let settled = state.unacked.take_if(|_| asked.request.method == Method::Invite);
        let hang_up = state.hang_up.take_if(|_| settled.is_some());
        self.servers.own(asked.id, id);
        state.change = Change::Theirs(asked);
        if let Some(unacked) = settled {
            self.stop_repeating(&unacked);
            self.core.tell(Event::Acked { session: id, body: None });
        }
        match hang_up {
            Some(reason) => self.send_bye(now, id, EndCause::HungUp, reason.as_deref()),
            None => self.core.tell(Event::Changed { session: id, body }),
        }
    }

    /// An UPDATE without an offer only names a new Contact, or shows that the peer still lives.
    fn refresh_target(&mut self, now: Mono, id: SessionId, asked: &Asked) {
        let tag = asked.request.head.from.tag().unwrap_or_default();
        let Some(dialog) = self.sessions.get_mut(&id).and_then(|session| session.dialog_mut(tag)) else { return };
        dialog.refresh(&asked.request.head, asked.flow);
        let response = self.core.response_in(asked, dialog, 200, None).build();
        self.servers.answer(&mut self.core, now, asked.id, true, response);
    }

    fn take_change(&mut self, id: SessionId) -> Option<Asked> {
        let State::Established(state) = &mut self.sessions.get_mut(&id)?.state else { return None };
        match std::mem::replace(&mut state.change, Change::Idle) {
            Change::Theirs(asked) => Some(asked),
            other => {
                state.change = other;
                None
            }
        }
    }
}
