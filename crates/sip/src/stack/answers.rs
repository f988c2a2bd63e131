//! The application's answers to an INVITE, and the 2xx until its ACK (RFC 3261 13.3.1, 15).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{HeaderName, Refresher, Request, SessionExpires};

use super::Stack;
use super::refreshes::with_timer;
use crate::core::Due;
use crate::lifetime;
use crate::session::{Asked, Change, Early, Established, Incoming, Session, SessionTimer, State, Unacked};
use crate::transaction::TransactionId;
use crate::{EndCause, Event, Refusal, SessionId, Transmit};

impl Stack {
    /// Answers a session's INVITE 200 with `answer`, which is our offer if the INVITE had none, and which is left out if a
    /// reliable provisional response has said it. The 200 waits for the PRACK of such a response (RFC 3262 3). It is repeated
    /// until its ACK comes; if none comes for 64*T1, the session ends by a BYE.
    pub fn accept(&mut self, now: Now, session: SessionId, answer: Bytes) {
        match self.sessions.get_mut(&session).map(|session| &mut session.state) {
            Some(State::Incoming(state)) if state.reliable.holds_back() => state.reliable.accepted = true,
            Some(State::Incoming(_)) => self.accept_now(now.monotonic, session, answer),
            _ => {}
        }
    }

    pub(super) fn accept_now(&mut self, now: Mono, session: SessionId, answer: Bytes) {
        let Some(Session { dialog_key, identity, state }) = self.sessions.remove(&session) else { return };
        let mut agreed = None;
        let state = match state {
            State::Incoming(state) => {
                agreed = lifetime::agree(&state.invite.request.head, &self.core.config);
                self.accept_incoming(now, session, *state, answer, agreed)
            }
            other => other,
        };
        self.sessions.insert(session, Session { dialog_key, identity, state });
        self.live(now, session, agreed, Refresher::Uas);
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
        self.close(now, id, event);
    }

    /// Answers the peer's changes that still wait, since the session is over.
    pub(super) fn answer_changes(&mut self, now: Mono, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let pending: Vec<Asked> = session.changes_mut().filter_map(Change::take_theirs).collect();
        pending.iter().for_each(|asked| self.answer_void(now, asked));
    }

    /// Answers a change of the peer whose dialog is over.
    fn answer_void(&mut self, now: Mono, asked: &Asked) {
        let refusal = Refusal::of(487);
        let (response, _) = self.core.refusal(asked, "", &refusal);
        self.servers.answer(&mut self.core, now, asked.id, false, response.build());
    }

    /// Lets an early dialog go, with what was to change in it.
    pub(super) fn drop_early(&mut self, now: Mono, early: Early) {
        early.pracks.iter().for_each(|(prack, ..)| self.clients.disown(*prack));
        match early.change {
            Change::Theirs(asked) => self.answer_void(now, &asked),
            Change::Ours { id, .. } => self.clients.disown(id),
            Change::Idle => {}
        }
    }

    /// An INVITE of ours has failed while its call goes on: the dialogs that it began are over (12.3).
    pub(super) fn drop_branch(&mut self, now: Mono, session: SessionId, invite: TransactionId, status: Option<u16>) {
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) else {
            return;
        };
        let over: Vec<Early> = state.early.extract_if(.., |early| early.invite == invite).collect();
        self.end_forks(now, session, over, status);
    }

    /// Lets dialogs of our INVITE go that are over before the call is, and tells of them.
    pub(super) fn end_forks(&mut self, now: Mono, session: SessionId, over: Vec<Early>, status: Option<u16>) {
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&session).map(|session| &mut session.state) else {
            return;
        };
        state.outspoken |= over.iter().any(|early| early.described.is_some());
        let told = state.left.is_none();
        for early in over {
            if told {
                let tag = early.dialog.remote_tag.clone();
                self.core.tell(Event::ForkEnded { session, tag, status });
            }
            self.drop_early(now, early);
        }
    }

    /// Answers what the peer asked and still waits for, on behalf of an event that made it void.
    pub(super) fn answer_pending(&mut self, now: Mono, id: SessionId) {
        if let Some(State::Incoming(state)) = self.sessions.get(&id).map(|session| &session.state) {
            let refusal = Refusal::of(487);
            let (response, _) = self.core.refusal(&state.invite, &state.dialog.local_tag, &refusal);
            self.servers.answer(&mut self.core, now, state.invite.id, false, response.build());
        }
        self.answer_changes(now, id);
    }

    fn accept_incoming(
        &mut self,
        now: Mono,
        id: SessionId,
        incoming: Incoming,
        answer: Bytes,
        agreed: Option<SessionExpires>,
    ) -> State {
        self.core.cancel(incoming.refresh);
        self.core.cancel(incoming.expiry);
        let unpracked = incoming.reliable.unpracked.is_some().then(|| incoming.last_reliable());
        let Incoming { invite, dialog, reliable, change, .. } = incoming;
        if let Some(open) = reliable.unpracked {
            self.core.cancel(Some(open.repeat));
            self.core.cancel(Some(open.give_up));
        }
        let description = if reliable.described { reliable.description } else { answer.clone() };
        let answer = Some(answer).filter(|_| !reliable.described);
        let offers = invite.request.body.is_empty() && answer.is_some();
        let builder = self.core.response_in(&invite, &dialog, 200, answer);
        let response = with_timer(builder, agreed, &invite.request.head).build();
        let unacked = self.send_accept(now, id, &invite, response, (true, offers));
        State::Established(Box::new(Established {
            unacked,
            unpracked,
            change,
            description,
            ..Established::new(dialog, false)
        }))
    }

    /// Sends a 2xx to an INVITE, and sets the timers that repeat it.
    pub(super) fn send_accept(
        &mut self,
        now: Mono,
        id: SessionId,
        asked: &Asked,
        response: Bytes,
        (first, offers): (bool, bool),
    ) -> Option<Unacked> {
        let flow = self.servers.answer(&mut self.core, now, asked.id, true, response.clone())?;
        let times = self.core.config.times;
        Some(Unacked {
            first,
            offers,
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
