//! What the stack tells its application.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use sip_message::{InfoDigit, Method, ParseError, Reason, ReferTo, Request, Response};

use crate::{Flow, InquiryId, Package, Pending, SessionId, SubscriptionId};

/// Why a session ended after it was answered, or after the application hung up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The peer's BYE, with its Reason header field's value.
    Bye {
        /// What stood in Reason (RFC 3326).
        reason: Option<String>,
    },
    /// The application hung up, and the peer answered the BYE or the cancelled INVITE.
    HungUp,
    /// Both sides sent a BYE at the same time.
    ByeGlare,
    /// The peer never acknowledged our 2xx; it was sent a BYE (RFC 3261 13.3.1.4).
    AckTimeout,
    /// The peer never answered a request of ours inside the dialog (12.2.1.2), or never finished a cancelled INVITE.
    TransactionTimeout,
    /// Nobody refreshed the session in time; the peer was sent a BYE (RFC 4028 10).
    Expired,
    /// The peer knows nothing of the dialog (481 to a request of ours, 12.2.1.2).
    Gone,
}

/// What happened, in order. Each session ends by exactly one of `Cancelled`, `Refused` and `Ended`; after that its
/// id means nothing, and commands for it do nothing. It prints as its kind and session only: bodies and header fields
/// tell about persons.
#[derive(Clone)]
pub enum Event {
    /// A new INVITE that passed all checks. Answer with `ring`, `accept`, `refuse` or `hang_up`.
    Invited {
        /// The new session.
        session: SessionId,
        /// The INVITE.
        request: Box<Request>,
        /// Where it came from.
        flow: Flow,
        /// Who has been proven to have sent it.
        user: Option<Arc<str>>,
    },
    /// A REGISTER that passed all checks. Answer with `respond`.
    Registered {
        /// The request.
        pending: Pending,
        /// Who has been proven to have sent it.
        user: Option<Arc<str>>,
    },
    /// A MESSAGE outside dialogs that passed all checks: text. Answer with `respond`.
    Messaged {
        /// The request.
        pending: Pending,
        /// Who has been proven to have sent it.
        user: Option<Arc<str>>,
    },
    /// A SUBSCRIBE outside dialogs that passed all checks. Answer with `accept_subscription` or `respond`.
    Subscribed {
        /// The request.
        pending: Pending,
        /// What about.
        package: Package,
        /// Who has been proven to have sent it.
        user: Option<Arc<str>>,
    },
    /// A subscriber is to be told how things are now. Answer with [`crate::Stack::notify`].
    NotifyWanted {
        /// The subscription.
        subscription: SubscriptionId,
        /// How often he was told before.
        told: u32,
    },
    /// The subscription is over: its id means nothing any more.
    Unsubscribed {
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// The caller took his INVITE back (200 and 487 are sent), or its Expires ran out. The session is over.
    Cancelled {
        /// The session.
        session: SessionId,
        /// What the CANCEL's Reason says.
        reason: Reason,
    },
    /// The first ACK of a 2xx of ours, to the first INVITE or to a re-INVITE.
    Acked {
        /// The session.
        session: SessionId,
        /// The SDP answer, when the offer was ours.
        body: Option<Bytes>,
    },
    /// The PRACK of a reliable provisional response of ours.
    Pracked {
        /// The session.
        session: SessionId,
        /// The SDP answer, when the response made our offer.
        body: Option<Bytes>,
    },
    /// A provisional response (101–199) to our INVITE. One that is reliable is told once, and in its order.
    Progress {
        /// The session.
        session: SessionId,
        /// Its status.
        status: u16,
        /// Its SDP.
        body: Option<Bytes>,
        /// The place that it came from: 0 where the INVITE went first, then its number among [`crate::Search::forks`].
        place: usize,
    },
    /// A dialog that rang is over, while the call goes on elsewhere: its phone declined, or its turn has passed (RFC 3261 12.3).
    /// Those that ring as another one answers, or as the whole call ends, are not told.
    ForkEnded {
        /// The session.
        session: SessionId,
        /// The peer's tag.
        tag: Box<str>,
        /// The status by which the peer refused; none if he was cancelled, hung up or fell silent.
        status: Option<u16>,
    },
    /// The first 2xx to our INVITE. The ACK is sent; other forks get ACK and BYE.
    Answered {
        /// The session.
        session: SessionId,
        /// Its SDP; none if a reliable response brought it before, unless other forks spoke, too: then that again.
        body: Option<Bytes>,
        /// Where it came from; of a request that was too large for a datagram: the flow that it left for TCP.
        flow: Flow,
        /// The place that answered, numbered as in `Progress`.
        place: usize,
    },
    /// The session failed before it was answered, and is over.
    Refused {
        /// The session.
        session: SessionId,
        /// The status; 408 when nobody answered, 503 when nobody could be reached.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// True when no peer said so: time-outs, unreachable peers, and our own refusal of an INVITE.
        local: bool,
        /// The peer's response.
        response: Option<Box<Response>>,
    },
    /// A re-INVITE or an UPDATE from the peer, or a PRACK with an offer; before the call is answered, too. Answer with `accept_change` or `refuse_change`.
    Changed {
        /// The session.
        session: SessionId,
        /// The SDP offer; `None` in a re-INVITE: the peer wants ours.
        body: Option<Bytes>,
    },
    /// The peer took his re-INVITE back before it was answered (487 is sent). The session goes on as it was.
    ChangeCancelled {
        /// The session.
        session: SessionId,
    },
    /// The peer accepted our re-INVITE or UPDATE.
    ChangeAnswered {
        /// The session.
        session: SessionId,
        /// What we had offered; empty if we asked for his offer.
        offer: Bytes,
        /// The SDP answer; or his offer, to be answered by [`crate::Stack::answer`].
        body: Option<Bytes>,
    },
    /// The peer refused our re-INVITE or UPDATE; the session goes on as it was. A 491 is not told of an answered call: the stack
    /// tries again.
    ChangeRefused {
        /// The session.
        session: SessionId,
        /// The status.
        status: u16,
    },
    /// A key that was pressed, told by an INFO in the session, which was answered 200.
    Info {
        /// The session.
        session: SessionId,
        /// The key.
        digit: InfoDigit,
    },
    /// The peer of an answered session wants its other side to talk to somebody else (REFER). Answer with `accept_refer` or
    /// `respond`.
    Referred {
        /// The session.
        session: SessionId,
        /// The request.
        pending: Pending,
        /// To whom.
        refer: Box<ReferTo>,
    },
    /// The final response to a request of ours beside the session ([`crate::Stack::ask`]).
    AsideReplied {
        /// The session.
        session: SessionId,
        /// The request's method.
        method: Method,
        /// The status.
        status: u16,
    },
    /// The session is over.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        cause: EndCause,
    },
    /// The answer to an [`Inquiry`], or that there is none.
    Replied {
        /// Which.
        inquiry: InquiryId,
        /// The number of the last request that was sent for it: one more if it was challenged.
        cseq: u32,
        /// The status; 408 when nobody answered, 503 when nobody could be reached.
        status: u16,
        /// The peer's response and the flow that it came on; none when no peer said so.
        answer: Option<(Flow, Box<Response>)>,
    },
    /// A datagram that was no SIP message, or a broken one. What can be answered was.
    Malformed {
        /// Where it came from.
        flow: Flow,
        /// What was wrong.
        cause: ParseError,
    },
}

impl Event {
    /// The session that it is about; none for what is outside of sessions.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Invited { session, .. }
            | Self::Cancelled { session, .. }
            | Self::Acked { session, .. }
            | Self::Pracked { session, .. }
            | Self::Progress { session, .. }
            | Self::ForkEnded { session, .. }
            | Self::Answered { session, .. }
            | Self::Refused { session, .. }
            | Self::Changed { session, .. }
            | Self::ChangeCancelled { session }
            | Self::ChangeAnswered { session, .. }
            | Self::ChangeRefused { session, .. }
            | Self::Info { session, .. }
            | Self::Referred { session, .. }
            | Self::AsideReplied { session, .. }
            | Self::Ended { session, .. } => Some(*session),
            Self::Registered { .. } | Self::Messaged { .. } | Self::Replied { .. } | Self::Malformed { .. } => None,
            Self::Subscribed { .. } | Self::NotifyWanted { .. } | Self::Unsubscribed { .. } => None,
        }
    }

    /// True for the one event that ends its session.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Cancelled { .. } | Self::Refused { .. } | Self::Ended { .. })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Invited { .. } => "Invited",
            Self::Registered { .. } => "Registered",
            Self::Cancelled { .. } => "Cancelled",
            Self::Acked { .. } => "Acked",
            Self::Pracked { .. } => "Pracked",
            Self::Progress { .. } => "Progress",
            Self::ForkEnded { .. } => "ForkEnded",
            Self::Answered { .. } => "Answered",
            Self::Refused { .. } => "Refused",
            Self::Changed { .. } => "Changed",
            Self::ChangeCancelled { .. } => "ChangeCancelled",
            Self::ChangeAnswered { .. } => "ChangeAnswered",
            Self::ChangeRefused { .. } => "ChangeRefused",
            Self::Info { .. } => "Info",
            Self::Referred { .. } => "Referred",
            Self::Messaged { .. } => "Messaged",
            Self::Subscribed { .. } => "Subscribed",
            Self::NotifyWanted { .. } => "NotifyWanted",
            Self::Unsubscribed { .. } => "Unsubscribed",
            Self::AsideReplied { .. } => "AsideReplied",
            Self::Ended { .. } => "Ended",
            Self::Replied { .. } => "Replied",
            Self::Malformed { .. } => "Malformed",
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct(self.kind());
        if let Some(session) = self.session() {
            debug.field("session", &session.as_raw());
        }
        match self {
            Self::Progress { status, .. }
            | Self::Refused { status, .. }
            | Self::ChangeRefused { status, .. }
            | Self::AsideReplied { status, .. } => {
                debug.field("status", status);
            }
            Self::Ended { cause, .. } => {
                debug.field("cause", cause);
            }
            Self::Malformed { cause, .. } => {
                debug.field("cause", cause);
            }
            _ => {}
        }
        debug.finish_non_exhaustive()
    }
}
