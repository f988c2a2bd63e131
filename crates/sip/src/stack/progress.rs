//! Provisional responses to our INVITE, and our PRACKs of the reliable ones (RFC 3261 13.2.2.1, RFC 3262 4).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{Method, RAck, Response};

use super::Stack;
use super::responses::sdp;
use crate::abilities::RELIABLE;
use crate::core::printed;
use crate::dialog::Dialog;
use crate::session::{Early, OwedAck, Session, State};
use crate::transaction::{TransactionId, key};
use crate::{Event, Flow, SessionId};

/// Provisional responses of more forks than this begin no early dialogs.
const MAX_EARLY: usize = 16;

/// PRACKs of one early dialog that may be sent again, once challenged.
const MOST_PRACKS: usize = 16;

/// How a provisional response stands to its early dialog.
enum Place {
    /// It came before, or another one is missing before it: it does not count (RFC 3262 4).
    OutOfOrder,
    /// It is not reliable.
    Loose,
    /// It is to be acknowledged by a PRACK that says this.
    Next(RAck),
}

impl Stack {
    pub(super) fn progressed(
        &mut self,
        now: Mono,
        id: TransactionId,
        owner: SessionId,
        flow: Flow,
        response: &Response,
    ) {
        let symmetric = self.core.config.symmetric;
        let reliable = self.core.config.reliable;
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&owner).map(|session| &mut session.state) else {
            return;
        };
        let status = response.status.code();
        if status == 100 || state.branch(id).is_none() {
            return;
        }
        let (mut body, place) = (sdp(response), state.place_of(id));
        let tag = response.head.to.tag().unwrap_or_default();
        if !tag.is_empty() && state.early_mut(tag).is_none() && state.early.len() < MAX_EARLY {
            let (contact, tie) = state.branch(id).unwrap_or_default();
            let mut dialog = Dialog::of_response(response, flow, contact, symmetric, tie);
            dialog.came_from(self.clients.datagrams(id));
            state.early.push(Early::new(id, dialog));
        }
        let told = state.left.is_none();
        let answers = state.offer.is_empty() && told;
        let mut prack = None;
        if let Some(early) = state.early_mut(tag) {
            let order = if reliable { early.place(response) } else { Place::Loose };
            if matches!(order, Place::OutOfOrder) {
                return;
            }
            early.dialog.refresh(&response.head, flow);
            body = body.filter(|_| early.described.is_none());
            if let Place::Next(rack) = order {
                early.rseq = Some(rack.rseq);
                if body.is_some() {
                    early.described.clone_from(&body);
                }
                if answers && body.is_some() {
                    early.owed = Some(rack);
                } else {
                    prack = Some(rack);
                }
            }
        }
        if let Some(rack) = prack {
            self.send_prack(now, owner, tag, (rack, Bytes::new()), None);
        }
        if told {
            self.core.tell(Event::Progress { session: owner, status, body, place });
        }
    }

    /// Answers the offer that the peer made in a response to a call or change of ours that made none: by the PRACK or the ACK of
    /// that response. To be called upon the `Progress`, `Answered` or `ChangeAnswered` that brings the offer.
    pub fn answer(&mut self, now: Now, session: SessionId, answer: &Bytes) {
        let now = now.monotonic;
        match self.sessions.get_mut(&session).map(|session| &mut session.state) {
            Some(State::Outgoing(state)) => {
                let owed = state.early.iter_mut().find_map(|early| Some((early.owed.take()?, &early.dialog)));
                if let Some((rack, tag)) = owed.map(|(rack, dialog)| (rack, dialog.remote_tag.clone())) {
                    self.send_prack(now, session, &tag, (rack, answer.clone()), None);
                }
            }
            Some(State::Established(state)) => {
                if let Some(OwedAck { id, cseq, proof }) = state.owed.take() {
                    state.description = answer.clone();
                    let dialog = state.dialog.clone();
                    self.send_ack(now, id, &dialog, cseq, (proof.as_ref(), answer));
                }
            }
            _ => {}
        }
    }

    /// Sends a PRACK; with the answer to the challenge of the one before, if there was one. False: it cannot be.
    fn send_prack(
        &mut self,
        now: Mono,
        id: SessionId,
        tag: &str,
        (rack, answer): (RAck, Bytes),
        challenge: Option<&Response>,
    ) -> bool {
        let branch = key::branch(&self.core.token());
        let Some(Session { state: State::Outgoing(state), identity, .. }) = self.sessions.get_mut(&id) else {
            return false;
        };
        let Some(early) = state.early_mut(tag) else { return false };
        let (outline, flow) = (early.dialog.next_request(branch), early.dialog.flow());
        let asked = (&Method::Prack, &*printed(&outline.uri), flow.remote.ip());
        let Ok(proof) = self.core.proof(identity.as_deref_mut(), challenge, asked) else { return false };
        let payload = outline.encode_prack(&self.core, &rack, &answer, proof.as_ref());
        // Nobody waits for its answer but to prove who we are.
        let owner = identity.is_some().then_some(id);
        let parts = (outline, &Method::Prack);
        let transaction = self.clients.open(&mut self.core, now, parts, flow, (owner, true), payload);
        if owner.is_some() && early.pracks.len() < MOST_PRACKS {
            early.pracks.push((transaction, rack, answer));
        }
        true
    }

    /// The PRACK once more, if `response` challenges it and there is an answer.
    pub(super) fn prove_prack(&mut self, now: Mono, id: TransactionId, owner: SessionId, response: &Response) -> bool {
        let tag = response.head.to.tag().unwrap_or_default();
        let Some((rack, answer)) = self.take_prack(id, owner) else { return false };
        self.send_prack(now, owner, tag, (rack, answer), Some(response))
    }

    fn take_prack(&mut self, id: TransactionId, owner: SessionId) -> Option<(RAck, Bytes)> {
        let State::Outgoing(state) = &mut self.sessions.get_mut(&owner)?.state else { return None };
        state.early.iter_mut().find_map(|early| {
            let place = early.pracks.iter().position(|(known, ..)| *known == id)?;
            let (_, rack, answer) = early.pracks.swap_remove(place);
            Some((rack, answer))
        })
    }

    /// A PRACK has its last answer, or none. False if it was no PRACK.
    pub(super) fn pracked(&mut self, id: TransactionId, owner: SessionId) -> bool {
        self.take_prack(id, owner).is_some()
    }
}

impl Early {
    fn place(&self, response: &Response) -> Place {
        let head = &response.head;
        let Some(rseq) = head.rseq().filter(|_| head.requires(RELIABLE)) else { return Place::Loose };
        match self.rseq {
            Some(last) if rseq != last.wrapping_add(1) => Place::OutOfOrder,
            _ => Place::Next(RAck { rseq, cseq: head.cseq.clone() }),
        }
    }
}
