//! Responses to our requests: what each means to the session that waits for it (RFC 3261 12.2.1.2, 13.2.2, 14.1).

use std::sync::Arc;

use base::Mono;
use bytes::Bytes;
use sip_message::{Method, Refresher, Response, StatusCode};

use super::Stack;
use super::within::is_of_session;
use crate::dialog::{Dialog, Tie};
use crate::identity::{Identity, Proof};
use crate::session::{Established, Outgoing, OwedAck, Proposal, Session, State};
use crate::transaction::{Heard, Lost, TransactionId, key};
use crate::{EndCause, Event, Flow, SessionId, Transmit};

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
            Heard::Provisional(id, Some(owner)) => self.progressed(now, id, owner, flow, &response),
            Heard::Accepted { id, owner, within } => self.accepted(now, id, owner, within, flow, &response),
            Heard::Final(id, Some(owner)) => {
                let status = response.status;
                if self.lengthen(now, id, owner, &response) || self.prove(now, id, owner, &response) {
                    return;
                }
                if self.inquiries.contains_key(&owner) {
                    return self.replied(owner, status.code(), Some((flow, response)));
                }
                if self.referral_told(now, owner, Some(status)) || self.notified(now, owner, Some(&response)) {
                    return;
                }
                if response.head.cseq.method == Method::Prack {
                    self.pracked(id, owner);
                    return;
                }
                if !is_of_session(&response) {
                    return self.aside_replied(now, id, owner, (response.head.cseq.method, status));
                }
                let renewed = self.renewed(now, id, owner, (status, Some((flow, &response))));
                if renewed || self.update_accepted(now, id, owner, flow, &response) {
                    return;
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
        if lost.owner.is_some_and(|owner| self.referral_told(now, owner, None) || self.notified(now, owner, None)) {
            return;
        }
        if let (Some(owner), Some(status)) = (lost.owner, StatusCode::new(status))
            && !self.pracked(lost.id, owner)
            && !self.renewed(now, lost.id, owner, (status, None))
            && !self.lost_aside(now, lost.id, owner)
        {
            self.failed(now, lost.id, owner, status, None);
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
            if !self.change_accepted(now, id, owner, flow, response) {
                // The session is over, or ends: its BYE is on its way, the 2xx is acknowledged all the same.
                self.acknowledge_stray(now, id, flow, response);
            }
            return;
        }
        let session = owner.and_then(|owner| self.sessions.remove(&owner).map(|session| (owner, session)));
        match session {
            Some((owner, Session { dialog_key, identity, state: State::Outgoing(mut state) }))
                if state.branch(id).is_some() =>
            {
                self.complete_elsewhere(now, &mut state, Some(id));
                self.confirmed(now, id, (owner, dialog_key, identity), *state, flow, response);
            }
            other => {
                let again = other.as_ref().is_some_and(|(_, session)| session.owes_ack(id, response));
                if let Some((owner, session)) = other {
                    self.sessions.insert(owner, session);
                }
                if again {
                    return;
                }
                // Another fork answered before: this one is let go politely (13.2.2.4).
                let mut dialog = self.acknowledge_stray(now, id, flow, response);
                let outline = dialog.next_request(key::branch(&self.core.token()));
                self.open_bye(now, outline, dialog.flow(), None, (None, None));
            }
        }
    }

    /// The first 2xx to the INVITE of a call: its dialog is the session's from now on.
    fn confirmed(
        &mut self,
        now: Mono,
        id: TransactionId,
        (owner, dialog_key, identity): (SessionId, Arc<str>, Option<Box<Identity>>),
        outgoing: Outgoing,
        flow: Flow,
        response: &Response,
    ) {
        let own = outgoing.branch(id).unwrap_or_default();
        let mut dialog = Dialog::of_response(response, flow, own.0, self.core.config.symmetric, own.1);
        let datagrams = self.clients.datagrams(id);
        dialog.came_from(datagrams);
        // The size of a request says nothing of the listener that its peer belongs to.
        let told = datagrams.map_or(flow, |datagrams| Flow { remote: flow.remote, ..datagrams });
        let (offer, place) = (outgoing.offer_of(id), outgoing.place_of(id));
        let Outgoing { proof, early, outspoken, left, .. } = outgoing;
        let offerless = offer.is_empty();
        let mut state = Established::new(dialog, true);
        let (mut body, mut described, mut said, mut others) = (sdp(response), None, None, outspoken);
        for early in early {
            if early.dialog.remote_tag == state.dialog.remote_tag {
                early.pracks.iter().for_each(|(prack, ..)| self.clients.disown(*prack));
                state.dialog.follow(&early.dialog);
                state.change = early.change;
                (described, said) = (early.described, early.said);
            } else {
                others = true;
                self.drop_early(now, early);
            }
        }
        let owes = offerless && described.is_none() && body.is_some() && left.is_none();
        if described.is_some() {
            // The offer was answered by a reliable response: what is said again does not count (13.2.1). If other forks
            // spoke, too, the application learns whose answer holds.
            body = described.filter(|_| others && !offerless);
        }
        let cseq = response.head.cseq.number;
        if owes {
            state.owed = Some(OwedAck { id, cseq, proof });
        } else {
            self.send_ack(now, id, &state.dialog, cseq, (proof.as_ref(), &Bytes::new()));
        }
        // What an UPDATE changed in this dialog, another fork that spoke later may have taken the application's mind off.
        let settle = said.clone().filter(|_| others && left.is_none() && state.is_idle());
        state.description = said.unwrap_or(offer);
        let tag = state.dialog.remote_tag.clone();
        self.sessions.insert(owner, Session { dialog_key, identity, state: State::Established(Box::new(state)) });
        self.live(now, owner, response.head.session_expires(), Refresher::Uac);
        match left {
            None => {
                self.core.tell(Event::Answered { session: owner, body, flow: told, place });
                if let Some(offer) = settle {
                    self.propose(now, owner, &tag, Proposal { update: false, offer });
                }
            }
            // The 2xx crossed our CANCEL (9.1, 15).
            Some(cause) => self.send_bye(now, owner, cause, None),
        }
    }

    /// Sends the ACK of a 2xx to an INVITE of ours that nobody waits for any more. Gives back the dialog that the 2xx began.
    fn acknowledge_stray(&mut self, now: Mono, id: TransactionId, flow: Flow, response: &Response) -> Dialog {
        let mut dialog = Dialog::of_response(response, flow, "", self.core.config.symmetric, Tie::default());
        dialog.came_from(self.clients.datagrams(id));
        self.send_ack(now, id, &dialog, response.head.cseq.number, (None, &Bytes::new()));
        dialog
    }

    /// Sends the ACK of the 2xx to our INVITE numbered `cseq`, with what proved us there (22.1) and our answer, if the 2xx made
    /// an offer.
    pub(super) fn send_ack(
        &mut self,
        now: Mono,
        id: TransactionId,
        dialog: &Dialog,
        cseq: u32,
        (proof, answer): (Option<&Proof>, &Bytes),
    ) {
        let outline = dialog.ack(cseq, key::branch(&self.core.token()));
        let ack = Transmit { flow: dialog.flow(), payload: outline.encode_plain_ack(&self.core, proof, answer) };
        self.clients.acknowledge(&mut self.core, now, id, &dialog.remote_tag, (outline, ack));
    }

    /// Sends an ACK that still waits for the application without its answer, since the session ends.
    pub(super) fn acknowledge_owed(&mut self, now: Mono, id: SessionId) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        if let Some(OwedAck { id, cseq, proof }) = state.owed.take() {
            let dialog = state.dialog.clone();
            self.send_ack(now, id, &dialog, cseq, (proof.as_ref(), &Bytes::new()));
        }
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
        let Some(session) = self.sessions.get_mut(&owner) else { return };
        let ours = session.changes_mut().find_map(|change| change.take_ours(id));
        if let Some((proposal, _)) = ours {
            return self.change_failed(now, owner, status, proposal, response.as_deref());
        }
        match &mut session.state {
            State::Outgoing(state) if state.forks.is_some() => self.branch_failed(now, owner, id, status, response),
            State::Outgoing(state) if state.invite == id => {
                let event = match state.left.take() {
                    Some(cause) if response.is_some() => Event::Ended { session: owner, cause },
                    Some(_) => Event::Ended { session: owner, cause: EndCause::TransactionTimeout },
                    None => refused(owner, status, response),
                };
                self.close(now, owner, event);
            }
            State::Leaving(state) if state.bye == id => {
                let cause = match (&state.cause, response) {
                    (EndCause::HungUp, None) => EndCause::TransactionTimeout,
                    (cause, _) => cause.clone(),
                };
                self.close(now, owner, Event::Ended { session: owner, cause });
            }
            _ => {}
        }
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
pub(super) fn sdp(response: &Response) -> Option<Bytes> {
    let fits = response.head.media_type().is_none_or(|kind| kind.eq_ignore_ascii_case("application/sdp"));
    (fits && !response.body.is_empty()).then(|| response.body.clone())
}
