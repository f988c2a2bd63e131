//! Changes that the peer asks for: re-INVITE, UPDATE, and PRACK with an offer (RFC 3261 14.2, RFC 3311 5.2, RFC 3262 5, RFC
//! 5407 3.1.5).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{HeaderName, Method, Refresher};

use super::Stack;
use super::refreshes::with_timer;
use crate::inspect::Fault;
use crate::lifetime;
use crate::session::{Asked, Change, Established, Incoming, Outgoing, State};
use crate::{EndCause, Event, Refusal, SessionId};

/// What a change of the peer meets.
enum Meets {
    /// Nothing: the application decides.
    Nothing,
    /// An offer of ours that is not answered: both sides step back and try again (491).
    Ours,
    /// An offer of the peer's own that is not answered: he shall wait (500 with Retry-After).
    Theirs,
    /// The end of the dialog.
    End,
}

impl Stack {
    /// Accepts the peer's change with `answer` (our offer, if his re-INVITE had none).
    pub fn accept_change(&mut self, now: Now, session: SessionId, answer: Bytes) {
        let now = now.monotonic;
        let Some(found) = self.sessions.get_mut(&session) else { return };
        let Some(asked) = found.take_theirs() else { return };
        let is_established = matches!(found.state, State::Established(_));
        let head = &asked.request.head;
        let Some(dialog) = found.dialog_mut(head.from.tag().unwrap_or_default()) else { return };
        // A PRACK moves no target (RFC 3262 3).
        if asked.request.method != Method::Prack {
            dialog.refresh(head, asked.flow);
        }
        let refreshes = asked.request.method != Method::Prack && is_established;
        let agreed = refreshes.then(|| lifetime::agree(head, &self.core.config)).flatten();
        let builder = self.core.response_in(&asked, dialog, 200, Some(answer.clone()));
        let response = with_timer(builder, agreed, head).build();
        match &mut found.state {
            State::Established(state) => state.description = answer,
            State::Outgoing(state) if asked.request.method == Method::Update => {
                if let Some(early) = state.early_mut(head.from.tag().unwrap_or_default()) {
                    early.said = Some(answer);
                }
            }
            _ => {}
        }
        if refreshes {
            self.live(now, session, agreed, Refresher::Uas);
        }
        if asked.request.method != Method::Invite {
            self.servers.answer(&mut self.core, now, asked.id, true, response);
            self.go_on(now, session);
            return;
        }
        let offers = asked.request.body.is_empty();
        let unacked = self.send_accept(now, session, &asked, response, (false, offers));
        if let Some(State::Established(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) {
            state.unacked = unacked;
        }
    }

    /// Refuses the peer's change; the session goes on as it was.
    pub fn refuse_change(&mut self, now: Now, session: SessionId, refusal: Refusal) {
        let Some(asked) = self.sessions.get_mut(&session).and_then(|found| found.take_theirs()) else { return };
        let (response, _) = self.core.refusal(&asked, "", &refusal);
        self.servers.answer(&mut self.core, now.monotonic, asked.id, false, response.build());
        self.go_on(now.monotonic, session);
    }

    pub(super) fn handle_change(&mut self, now: Mono, id: SessionId, asked: Asked) {
        let offers = asked.request.method == Method::Invite || !asked.request.body.is_empty();
        match self.meets(id, &asked) {
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

    fn meets(&mut self, id: SessionId, asked: &Asked) -> Meets {
        let by_invite = asked.request.method == Method::Invite;
        match self.sessions.get_mut(&id).map(|session| &mut session.state) {
            Some(State::Established(state)) => state.meets(),
            Some(State::Incoming(_)) if by_invite => Meets::Theirs,
            Some(State::Incoming(state)) => state.meets(),
            Some(State::Outgoing(_)) if by_invite => Meets::Ours,
            Some(State::Outgoing(state)) => state.meets(asked.request.head.from.tag().unwrap_or_default()),
            Some(State::Leaving(_)) | None => Meets::End,
        }
    }

    pub(super) fn begin_change(&mut self, now: Mono, id: SessionId, asked: Asked) {
        // Who sends another INVITE has our 2xx to the last one, though its ACK is lost or overtaken (RFC 5407 3.1.5).
        let (mut settled, mut hang_up) = (None, None);
        if let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) {
            settled = state.unacked.take_if(|_| asked.request.method == Method::Invite);
            hang_up = state.hang_up.take_if(|_| settled.is_some());
        }
        let tag = asked.request.head.from.tag().unwrap_or_default();
        let Some(change) = self.sessions.get_mut(&id).and_then(|session| session.change_mut(tag)) else { return };
        let body = (!asked.request.body.is_empty()).then(|| asked.request.body.clone());
        self.servers.own(asked.id, id);
        *change = Change::Theirs(asked);
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
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let is_established = matches!(session.state, State::Established(_));
        let Some(dialog) = session.dialog_mut(tag) else { return };
        let head = &asked.request.head;
        dialog.refresh(head, asked.flow);
        let agreed = if is_established { lifetime::agree(head, &self.core.config) } else { None };
        let builder = self.core.response_in(asked, dialog, 200, None);
        let response = with_timer(builder, agreed, head).build();
        self.servers.answer(&mut self.core, now, asked.id, true, response);
        self.live(now, id, agreed, Refresher::Uas);
    }
}

impl Change {
    fn meets(&self) -> Meets {
        match self {
            Self::Ours { .. } => Meets::Ours,
            Self::Theirs(_) => Meets::Theirs,
            Self::Idle => Meets::Nothing,
        }
    }
}

impl Established {
    fn meets(&self) -> Meets {
        match &self.unacked {
            _ if !matches!(self.change, Change::Idle) => self.change.meets(),
            // His offer in a 2xx, which we have not answered.
            _ if self.owed.is_some() => Meets::Theirs,
            // The answer is still to come, in the ACK.
            Some(unacked) if unacked.offers => Meets::Ours,
            Some(_) | None => Meets::Nothing,
        }
    }
}

impl Incoming {
    /// What an offer meets by which the caller changes his call before it is answered.
    fn meets(&self) -> Meets {
        let offered = !self.invite.request.body.is_empty();
        match &self.change {
            Change::Idle if !self.reliable.described => Meets::Theirs,
            // Our offer waits for its answer in the PRACK.
            Change::Idle if !offered && self.reliable.holds_back() => Meets::Ours,
            change => change.meets(),
        }
    }
}

impl Outgoing {
    /// What an offer meets by which one who is called changes the call before he answers it. Of several, one at a time may.
    fn meets(&mut self, tag: &str) -> Meets {
        if self.early.iter().any(|early| matches!(early.change, Change::Theirs(_))) {
            return Meets::Theirs;
        }
        match self.early_mut(tag) {
            Some(early) if early.owed.is_some() => Meets::Theirs,
            Some(early) if early.described.is_some() => early.change.meets(),
            // Our INVITE's offer is not answered, or none is made yet.
            Some(_) => Meets::Ours,
            None => Meets::End,
        }
    }
}
