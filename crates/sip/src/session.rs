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
use sip_message::Request;

use crate::dialog::Dialog;
use crate::identity::{Identity, Proof};
use crate::stack::{Attempt, Forks};
use crate::transaction::TransactionId;
use crate::{EndCause, Flow, Transmit};

/// A timer of one session. The comment says when it fires and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionTimer {
    /// When to send our 2xx again: after T1, doubling up to T2, until its ACK (RFC 3261 13.3.1.4).
    Accept,
    /// When to give up waiting for the ACK of our 2xx and send a BYE: after 64*T1 (13.3.1.4).
    AckWait,
    /// When to repeat a provisional response, so that no proxy gives the call up: each minute (13.3.1.1).
    Refresh,
    /// When the Expires of the INVITE runs out (13.3.1).
    Expiry,
    /// When to try our re-INVITE again after a 491 (14.1).
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
    /// The peer is known to sit behind a NAT.
    pub(crate) behind_nat: bool,
    /// The branches, the first one included, if the call goes to several places.
    pub(crate) forks: Option<Box<Forks>>,
    pub(crate) contact: Box<str>,
    /// What it takes to answer a challenge; none if there are no credentials.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// The header field that answered the last challenge.
    pub(crate) proof: Option<Proof>,
    /// The dialogs that forks began by provisional responses with a To tag.
    pub(crate) early: Vec<Dialog>,
    /// The application hung up: what comes now is no longer told, but ends the session.
    pub(crate) left: Option<EndCause>,
}

pub(crate) struct Established {
    pub(crate) dialog: Dialog,
    /// We placed the call, and so chose its Call-ID (14.1).
    pub(crate) ours: bool,
    /// Our 2xx that waits for its ACK.
    pub(crate) unacked: Option<Unacked>,
    pub(crate) change: Change,
    /// Our re-INVITE that met one of the peer's and is tried again later: its offer.
    pub(crate) retry: Option<(Bytes, TimerToken)>,
    /// The application hung up, with this Reason, while the ACK was missing: the BYE waits for it (15).
    pub(crate) hang_up: Option<Option<String>>,
}

/// A change of the session that is under way.
pub(crate) enum Change {
    /// None is.
    Idle,
    /// The peer's re-INVITE or UPDATE waits for the application's answer.
    Theirs(Asked),
    /// Our re-INVITE waits for the peer's answer.
    Ours { id: TransactionId, offer: Bytes, proof: Option<Proof> },
}

pub(crate) struct Unacked {
    /// It answered the first INVITE, not a re-INVITE.
    pub(crate) first: bool,
    /// It carried our answer, so that its ACK has nothing to bring; else it carried our offer.
    pub(crate) answers: bool,
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
        Self { dialog, ours, unacked: None, change: Change::Idle, retry: None, hang_up: None }
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
            State::Outgoing(state) => return state.early.iter_mut().find(|dialog| &*dialog.remote_tag == remote_tag),
            State::Established(state) => &mut state.dialog,
            State::Leaving(state) => &mut state.dialog,
        };
        (&*dialog.remote_tag == remote_tag).then_some(dialog)
    }
}
