//! Responses to our requests: what each means to the session that waits for it (RFC 3261 12.2.1.2, 13.2.2, 14.1).

use std::time::Duration;

use base::Mono;
use bytes::Bytes;
use sip_message::{Response, StatusCode};

use super::within::is_of_session;
use super::{Stack, forks};
use crate::core::Due;
use crate::dialog::Dialog;
use crate::session::{Change, Established, Outgoing, Session, SessionTimer, State};
use crate::transaction::{Heard, Lost, TransactionId, key};
use crate::{EndCause, Event, Flow, SessionId, Transmit};

/// Provisional responses of more forks than this begin no early dialogs.
const MAX_EARLY: usize = 16;

impl Stack {
    pub(super) fn handle_response(&mut self, now: Mono, flow: Flow, response: Box<Response>) {
        let heard = match key::of_response(&response) {
            Some(key) => self.clients.handle_response(&mut self.core, now, &key, &response),
            None => Heard::Stray,
        };
        self.in_hand = heard.owner();
        match heard {
            Heard::Stray => self.core.counters.strays += 1,
            Heard::Absorbed | Heard::Provisional(_, None) | Heard::Final(_, None) => {}
            Heard::Provisional(id, Some(owner)) => self.progressed(id, owner, flow, &response),
            Heard::Accepted { id, owner, within } => self.accepted(now, id, owner, within, flow, &response),
            Heard::Final(id, Some(owner)) => {
                let status = response.status;
                if self.prove(now, id, owner, &response) {
                    return;
                }
                if self.inquiries.contains_key(&owner) {
                    return self.replied(owner, status.code(), Some((flow, response)));
                }
                if self.referral_told(now, owner, Some(status)) {
                    return;
                }
                if !is_of_session(&response) {
                    return self.aside_replied(now, owner, response.head.cseq.method, status);
                }
                self.failed(now, id, owner, status, Some(response));
            }
        }
    }

    /// A transaction of ours ended without a final response; `status` stands in for it (8.1.3.1).
    pub(super) fn handle_lost(&mut self, now: Mono, lost: Lost, status: u16) {
        self.in_hand = lost.owner;
        if let Some(owner) = lost.owner.filter(|owner| self.inquiries.contains_key(owner)) {
            return self.replied(owner, status, None);
        }
        if lost.owner.is_some_and(|owner| self.referral_told(now, owner, None)) {
            return;
        }
        if let (Some(owner), Some(status)) = (lost.owner, StatusCode::new(status))
            && !self.lost_aside(now, lost.id, owner)
        {
            self.failed(now, lost.id, owner, status, None);
        }
    }

    fn progressed(&mut self, id: TransactionId, owner: SessionId, flow: Flow, response: &Response) {
        let symmetric = self.core.config.symmetric;
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&owner).map(|session| &mut session.state) else {
            return;
        };
        let status = response.status.code();
        if status == 100 || state.branch(id).is_none() {
            return;
        }
        if let Some(tag) = response.head.to.tag() {
            let full = state.early.len() >= MAX_EARLY;
            match state.early.iter_mut().find(|dialog| &*dialog.remote_tag == tag) {
                Some(dialog) => dialog.refresh(&response.head, flow),
                None if full => {}
                None => {
                    let (contact, behind_nat) = state.branch(id).unwrap_or_default();
                    let dialog = Dialog::of_response(response, flow, contact, symmetric, behind_nat);
                    state.early.push(dialog);
                }
            }
        }
        if state.left.is_none() {
            self.core.tell(Event::Progress { session: owner, status, body: sdp(response) });
        }
    }

    /// A 2xx to INVITE that was not acknowledged before.
    fn accepted(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: Option<SessionId>,
        within: bool,
        flow: Flow,
        response: &Response,
    ) {
        if within {
            return self.change_accepted(id, owner, flow, response);
        }
        let session = owner.and_then(|owner| self.sessions.remove(&owner).map(|session| (owner, session)));
        match session {
            Some((owner, Session { dialog_key, identity, state: State::Outgoing(mut state) }))
                if state.branch(id).is_some() =>
            {
                self.complete_elsewhere(now, &mut state, Some(id));
                let own = state.branch(id).unwrap_or_default();
                let mut dialog = self.acknowledge(id, flow, response, own, state.proof.as_ref());
                let Outgoing { early, left, .. } = *state;
                if let Some(early) = early.iter().find(|early| early.remote_tag == dialog.remote_tag) {
                    dialog.follow(early);
                }
                let state = State::Established(Box::new(Established::new(dialog, true)));
                self.sessions.insert(owner, Session { dialog_key, identity, state });
                match left {
                    None => self.core.tell(Event::Answered { session: owner, body: sdp(response), flow }),
                    // The 2xx crossed our CANCEL (9.1, 15).
                    Some(cause) => self.send_bye(now, owner, cause, None),
                }
            }
            other => {
                if let Some((owner, session)) = other {
                    self.sessions.insert(owner, session);
                }
                // Another fork answered before: this one is let go politely (13.2.2.4).
                let mut dialog = self.acknowledge(id, flow, response, ("", false), None);
                let outline = dialog.next_request(key::branch(&self.core.token()));
                self.open_bye(now, outline, dialog.flow(), None, (None, None));
            }
        }
    }

    /// Sends the ACK of a 2xx to our first INVITE, with what proved us there (22.1). Gives back the dialog that the 2xx began.
    fn acknowledge(
        &mut self,
        id: TransactionId,
        flow: Flow,
        response: &Response,
        (contact, behind_nat): (&str, bool),
        proof: Option<&(String, String)>,
    ) -> Dialog {
        let dialog = Dialog::of_response(response, flow, contact, self.core.config.symmetric, behind_nat);
        self.send_ack(id, &dialog, response, proof);
        dialog
    }

    fn send_ack(&mut self, id: TransactionId, dialog: &Dialog, response: &Response, proof: Option<&(String, String)>) {
        let outline = dialog.ack(response.head.cseq.number, key::branch(&self.core.token()));
        let payload = outline.encode_plain_ack(&self.core, proof);
        let tag = response.head.to.tag().unwrap_or_default();
        self.clients.acknowledge(&mut self.core, id, tag, Transmit { flow: dialog.flow(), payload });
    }

    /// A 2xx to our re-INVITE.
    fn change_accepted(&mut self, id: TransactionId, owner: Option<SessionId>, flow: Flow, response: &Response) {
        let session = owner.and_then(|owner| Some((owner, self.sessions.get_mut(&owner)?)));
        if let Some((owner, Session { state: State::Established(state), .. })) = session
            && matches!(state.change, Change::Ours { id: ours, .. } if ours == id)
        {
            let proof = match std::mem::replace(&mut state.change, Change::Idle) {
                Change::Ours { proof, .. } => proof,
                Change::Theirs(_) | Change::Idle => None,
            };
            state.dialog.refresh(&response.head, flow);
            let dialog = state.dialog.clone();
            self.send_ack(id, &dialog, response, proof.as_ref());
            self.core.tell(Event::ChangeAnswered { session: owner, body: sdp(response) });
            return;
        }
        // The session is over, or ends: its BYE is on its way, the 2xx is acknowledged all the same.
        self.acknowledge(id, flow, response, ("", false), None);
    }

    /// A final response that is no 2xx to an INVITE, or none at all (`response` is `None`).
    fn failed(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: SessionId,
        status: StatusCode,
        response: Option<Box<Response>>,
    ) {
        match self.sessions.get_mut(&owner).map(|session| &mut session.state) {
            Some(State::Outgoing(state)) if state.forks.is_some() => {
                let left = state.left.clone();
                let answered = response.is_some();
                let Some(failure) = self.branch_failed(now, owner, id, status, response) else { return };
                let event = match left {
                    Some(cause) => forks::left(owner, cause, answered),
                    None => forks::refused(owner, failure),
                };
                self.close(owner, event);
            }
            Some(State::Outgoing(state)) if state.invite == id => {
                let event = match state.left.take() {
                    Some(cause) if response.is_some() => Event::Ended { session: owner, cause },
                    Some(_) => Event::Ended { session: owner, cause: EndCause::TransactionTimeout },
                    None => refused(owner, status, response),
                };
                self.close(owner, event);
            }
            Some(State::Established(state)) => match std::mem::replace(&mut state.change, Change::Idle) {
                Change::Ours { id: ours, offer, .. } if ours == id => self.change_failed(now, owner, status, offer),
                other => state.change = other,
            },
            Some(State::Leaving(state)) if state.bye == id => {
                let cause = match (&state.cause, response) {
                    (EndCause::HungUp, None) => EndCause::TransactionTimeout,
                    (cause, _) => cause.clone(),
                };
                self.close(owner, Event::Ended { session: owner, cause });
            }
            _ => {}
        }
    }

    fn change_failed(&mut self, now: Mono, id: SessionId, status: StatusCode, offer: Bytes) {
        match status.code() {
            491 => self.retry_later(now, id, offer),
            481 => self.send_bye(now, id, EndCause::Gone, None),
            408 | 503 => self.send_bye(now, id, EndCause::TransactionTimeout, None),
            status => self.core.tell(Event::ChangeRefused { session: id, status }),
        }
    }

    /// 14.1: who chose the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms.
    pub(super) fn retry_later(&mut self, now: Mono, id: SessionId, offer: Bytes) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        let steps = if state.ours { 210 + self.core.rng.below(191) } else { self.core.rng.below(201) };
        let after = Duration::from_millis(u64::from(steps) * 10);
        let token = self.core.set(now, after, Due::Session(id, SessionTimer::Retry));
        state.retry = Some((offer, token));
    }
}

fn refused(session: SessionId, status: StatusCode, response: Option<Box<Response>>) -> Event {
    let reason = match &response {
        Some(response) => response.reason.to_string(),
        None => status.reason().to_owned(),
    };
    Event::Refused { session, status: status.code(), reason, local: response.is_none(), response }
}

/// The SDP that a response carries.
fn sdp(response: &Response) -> Option<Bytes> {
    let fits = response.head.media_type().is_none_or(|kind| kind.eq_ignore_ascii_case("application/sdp"));
    (fits && !response.body.is_empty()).then(|| response.body.clone())
}
