//! A session: one INVITE usage, from the first INVITE to its end.
//!
//! ```text
//!   Incoming ──accept──▶ Established ──hang up──▶ Leaving ──▶ over
//!   Outgoing ──2xx─────▶     │
//!      │ failure, CANCEL, …  │ peer's BYE
//!      ▼                     ▼
//!     over                  over
//! ```

use std::sync::Arc;
use std::time::Duration;

use base::TimerToken;
use bytes::Bytes;
use sip_message::{RAck, Request, Response};

use crate::dialog::{Dialog, Tie};
use crate::identity::{Identity, Proof};
use crate::lifetime::Lifetime;
use crate::stack::{Attempt, Forks};
use crate::transaction::TransactionId;
use crate::{Aside, EndCause, Flow, Transmit};

/// A timer of one session. The comment says when it fires and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionTimer {
    /// When to send our 2xx again: after T1, doubling up to T2, until its ACK (RFC 3261 13.3.1.4).
    Accept,
    /// When to give up waiting for the ACK of our 2xx and send a BYE: after 64*T1 (13.3.1.4).
    AckWait,
    /// When to repeat a provisional response, so that no proxy gives the call up: each minute (13.3.1.1).
    Refresh,
    /// When to send a reliable provisional response again: after T1, doubling, until its PRACK (RFC 3262 3).
    Reliable,
    /// When to give up waiting for a PRACK and refuse the INVITE: after 64*T1 (RFC 3262 3).
    PrackWait,
    /// When the Expires of the INVITE runs out (13.3.1).
    Expiry,
    /// When to refresh the session: after half its interval (RFC 4028 10).
    Renew,
    /// When to end a session that nobody refreshed: a little before its interval is over (RFC 4028 10).
    Lapse,
    /// When to try our re-INVITE or UPDATE again after a 491 (14.1).
    Retry,
    /// When to give up the places that ring and to call those of the next turn (16.8, for each turn).
    Turn,
}

pub(crate) struct Session {
    /// Its place in the index of dialogs.
    pub(crate) dialog_key: Arc<str>,
    /// As whom we answer a peer that asks who we are; we do not if there is none.
    pub(crate) identity: Option<Box<Identity>>,
    pub(crate) state: State,
}

pub(crate) enum State {
    /// The peer's INVITE waits for the application's answer.
    Incoming(Box<Incoming>),
    /// Our INVITE waits for the peer's answer.
    Outgoing(Box<Outgoing>),
    /// Answered.
    Established(Box<Established>),
    /// Our BYE waits for its answer.
    Leaving(Box<Leaving>),
}

pub(crate) struct Incoming {
    pub(crate) invite: Asked,
    pub(crate) dialog: Dialog,
    pub(crate) refresh: Option<TimerToken>,
    pub(crate) expiry: Option<TimerToken>,
    pub(crate) reliable: Reliable,
    /// A change in the early dialog.
    pub(crate) change: Change,
}

/// What is reliable of our provisional responses to an INVITE (RFC 3262 3).
pub(crate) struct Reliable {
    pub(crate) wish: Wish,
    /// The number of the last one.
    pub(crate) rseq: u32,
    /// The one that waits for its PRACK: never more than one.
    pub(crate) unpracked: Option<Unpracked>,
    /// What is to be sent after that: its status and description.
    pub(crate) next: Option<(u16, Option<Bytes>)>,
    /// One of them carried our offer or answer; no other response to the INVITE may (RFC 3261 13.2.1).
    pub(crate) described: bool,
    /// The application has accepted; the 2xx waits for the PRACK of a description.
    pub(crate) accepted: bool,
    /// What we said in the last of them that described something.
    pub(crate) description: Bytes,
}

/// What a caller says of reliable provisional responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing: none may be.
    Nothing,
    /// He supports them: those with a description are.
    Supported,
    /// He requires them: all are.
    Required,
}

/// A reliable provisional response of ours that was not acknowledged.
pub(crate) struct Unpracked {
    pub(crate) response: Bytes,
    pub(crate) has_description: bool,
    pub(crate) interval: Duration,
    pub(crate) repeat: TimerToken,
    pub(crate) give_up: TimerToken,
}

/// A request of the peer that waits for our answer.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: TransactionId,
    pub(crate) request: Box<Request>,
    pub(crate) flow: Flow,
}

pub(crate) struct Outgoing {
    pub(crate) invite: TransactionId,
    /// What is known of the peer's place.
    pub(crate) tie: Tie,
    /// The branches, the first one included, if the call goes to several places.
    pub(crate) forks: Option<Box<Forks>>,
    pub(crate) contact: Box<str>,
    /// What it takes to answer a challenge; none if there are no credentials.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// The header field that answered the last challenge.
    pub(crate) proof: Option<Proof>,
    /// Our offer; if it is empty, the peer makes one.
    pub(crate) offer: Bytes,
    /// The dialogs that forks began by provisional responses with a To tag.
    pub(crate) early: Vec<Early>,
    /// A dialog that described something is over: the application may go by what it said.
    pub(crate) outspoken: bool,
    /// The application hung up: what comes now is no longer told, but ends the session.
    pub(crate) left: Option<EndCause>,
}

/// A dialog that a fork of our INVITE began, and that no 2xx has confirmed.
pub(crate) struct Early {
    /// The INVITE that began it, and with whose failure it ends (RFC 3261 12.3).
    pub(crate) invite: TransactionId,
    pub(crate) dialog: Dialog,
    /// The number of its last reliable response (RFC 3262 4).
    pub(crate) rseq: Option<u32>,
    /// Its answer or offer, if such a response carried it: no other response to the INVITE counts for that.
    pub(crate) described: Option<Bytes>,
    /// What we said last in this dialog by an UPDATE or its answer.
    pub(crate) said: Option<Bytes>,
    /// Our PRACKs that may be sent again with proof of who we are, each with its answer.
    pub(crate) pracks: Vec<(TransactionId, RAck, Bytes)>,
    /// The reliable response whose offer waits for the application's answer.
    pub(crate) owed: Option<RAck>,
    /// A change in this dialog.
    pub(crate) change: Change,
}

pub(crate) struct Established {
    pub(crate) dialog: Dialog,
    /// We placed the call, and so chose its Call-ID (14.1).
    pub(crate) ours: bool,
    /// Our 2xx that waits for its ACK.
    pub(crate) unacked: Option<Unacked>,
    /// A reliable provisional response that our 2xx overtook, and whose PRACK may still come.
    pub(crate) unpracked: Option<RAck>,
    /// The peer's 2xx whose offer waits for the application's answer, which goes with the ACK.
    pub(crate) owed: Option<OwedAck>,
    pub(crate) change: Change,
    /// Our change that met one of the peer's and is tried again later.
    pub(crate) retry: Option<(Proposal, TimerToken)>,
    /// The application hung up, with this Reason, while the ACK was missing: the BYE waits for it (15).
    pub(crate) hang_up: Option<Option<String>>,
    /// It ends unless it is refreshed.
    pub(crate) lifetime: Option<Box<Lifetime>>,
    /// The least interval that the peer takes, in seconds.
    pub(crate) least: u32,
    /// Requests beside the session that wait for their answer, and may be sent again with proof of who we are.
    pub(crate) asides: Vec<(TransactionId, Aside)>,
    /// Our last offer or answer, to be said again in a re-INVITE that only refreshes.
    pub(crate) description: Bytes,
}

/// A change of the session that is under way.
pub(crate) enum Change {
    /// None is.
    Idle,
    /// The peer's re-INVITE, UPDATE or PRACK waits for the application's answer.
    Theirs(Asked),
    /// Our re-INVITE or UPDATE waits for the peer's answer.
    Ours { id: TransactionId, proposal: Proposal, proof: Option<Proof> },
}

/// A change that we ask for.
#[derive(Clone)]
pub(crate) struct Proposal {
    /// By UPDATE; else by re-INVITE.
    pub(crate) update: bool,
    /// Our offer; empty in a re-INVITE that asks for the peer's.
    pub(crate) offer: Bytes,
}

/// An ACK that waits for the application's answer to the offer in a 2xx.
pub(crate) struct OwedAck {
    pub(crate) id: TransactionId,
    pub(crate) cseq: u32,
    pub(crate) proof: Option<Proof>,
}

pub(crate) struct Unacked {
    /// It answered the first INVITE, not a re-INVITE.
    pub(crate) first: bool,
    /// It made an offer, which the ACK answers.
    pub(crate) offers: bool,
    pub(crate) cseq: u32,
    pub(crate) response: Transmit,
    pub(crate) interval: Duration,
    pub(crate) repeat: TimerToken,
    pub(crate) give_up: TimerToken,
}

pub(crate) struct Leaving {
    pub(crate) dialog: Dialog,
    pub(crate) bye: TransactionId,
    /// The value of its Reason.
    pub(crate) reason: Option<String>,
    pub(crate) cause: EndCause,
}

impl Established {
    pub(crate) fn new(dialog: Dialog, ours: bool) -> Self {
        let (unacked, unpracked, owed, retry, hang_up) = (None, None, None, None, None);
        let (lifetime, least, description) = (None, 0, Bytes::new());
        let (change, asides) = (Change::Idle, Vec::new());
        Self { dialog, ours, unacked, unpracked, owed, change, retry, hang_up, lifetime, least, asides, description }
    }
}

impl Early {
    pub(crate) fn new(invite: TransactionId, dialog: Dialog) -> Self {
        let (rseq, described, said, owed) = (None, None, None, None);
        Self { invite, dialog, rseq, described, said, pracks: Vec::new(), owed, change: Change::Idle }
    }
}

impl Change {
    /// The peer's request, if one waits.
    pub(crate) fn take_theirs(&mut self) -> Option<Asked> {
        match std::mem::replace(self, Self::Idle) {
            Self::Theirs(asked) => Some(asked),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Our proposal and what proved us in it, if it went by this transaction.
    pub(crate) fn take_ours(&mut self, transaction: TransactionId) -> Option<(Proposal, Option<Proof>)> {
        match std::mem::replace(self, Self::Idle) {
            Self::Ours { id, proposal, proof } if id == transaction => Some((proposal, proof)),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Session {
    /// The session's one dialog; none while forks of our INVITE may each have one.
    pub(crate) fn dialog(&self) -> Option<&Dialog> {
        match &self.state {
            State::Incoming(state) => Some(&state.dialog),
            State::Outgoing(_) => None,
            State::Established(state) => Some(&state.dialog),
            State::Leaving(state) => Some(&state.dialog),
        }
    }

    /// The dialog that a request of the peer with this From tag belongs to.
    pub(crate) fn dialog_mut(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        let dialog = match &mut self.state {
            State::Incoming(state) => &mut state.dialog,
            State::Outgoing(state) => return state.early_mut(remote_tag).map(|early| &mut early.dialog),
            State::Established(state) => &mut state.dialog,
            State::Leaving(state) => &mut state.dialog,
        };
        (&*dialog.remote_tag == remote_tag).then_some(dialog)
    }

    /// True if the ACK of this 2xx to our INVITE waits for the application.
    pub(crate) fn owes_ack(&self, id: TransactionId, response: &Response) -> bool {
        let State::Established(state) = &self.state else { return false };
        let same_fork = response.head.to.tag() == Some(&*state.dialog.remote_tag);
        same_fork && state.owed.as_ref().is_some_and(|owed| owed.id == id)
    }

    /// The changes that are under way: one a dialog.
    pub(crate) fn changes_mut(&mut self) -> impl Iterator<Item = &mut Change> {
        let (one, many) = match &mut self.state {
            State::Incoming(state) => (Some(&mut state.change), None),
            State::Outgoing(state) => (None, Some(state.early.iter_mut().map(|early| &mut early.change))),
            State::Established(state) => (Some(&mut state.change), None),
            State::Leaving(_) => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The peer's change that waits for the application's answer: never more than one.
    pub(crate) fn take_theirs(&mut self) -> Option<Asked> {
        self.changes_mut().find_map(Change::take_theirs)
    }

    /// Where a change in the dialog with this peer stands.
    pub(crate) fn change_mut(&mut self, remote_tag: &str) -> Option<&mut Change> {
        match &mut self.state {
            State::Incoming(state) => Some(&mut state.change),
            State::Outgoing(state) => state.early_mut(remote_tag).map(|early| &mut early.change),
            State::Established(state) => Some(&mut state.change),
            State::Leaving(_) => None,
        }
    }
}

impl Outgoing {
    /// The early dialog with this peer.
    pub(crate) fn early_mut(&mut self, remote_tag: &str) -> Option<&mut Early> {
        self.early.iter_mut().find(|early| &*early.dialog.remote_tag == remote_tag)
    }
}

impl Reliable {
    /// By what the caller says. `rseq`: a number from which to count on.
    pub(crate) fn new(wish: Wish, rseq: u32) -> Self {
        Self { wish, rseq, unpracked: None, next: None, described: false, accepted: false, description: Bytes::new() }
    }

    /// True if a response with or without a description must be acknowledged.
    pub(crate) fn applies(&self, has_description: bool) -> bool {
        match self.wish {
            Wish::Nothing => false,
            Wish::Supported => has_description,
            Wish::Required => true,
        }
    }

    /// True while a description of ours may not have arrived.
    pub(crate) fn holds_back(&self) -> bool {
        self.unpracked.as_ref().is_some_and(|unpracked| unpracked.has_description)
    }
}
