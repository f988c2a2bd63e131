//! The vocabulary between the stack and what drives it: flows, sessions and commands. Events have a place of their own.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::dialog::Tie;
use bytes::Bytes;
use sip_message::{AnyUri, Method, NameAddr, Via, response_destination};

/// What carries messages. (`sip_message::Transport` is what a Via may name, which is more.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams, any of which may be lost.
    #[default]
    Udp,
    /// Connections, which lose nothing while they live.
    Tcp,
    /// Connections under TLS.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket under TLS.
    Wss,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// The one that people, configurations and `transport` parameters call `name`, in whichever case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name().eq_ignore_ascii_case(name))
    }

    /// As people and configurations call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// True if nothing need be sent again (RFC 3261 17).
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// True if a `sips:` URI may be reached by it (RFC 3261 26.2.2).
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// True if we can send to an address by it; else there is no way to who does not come to us, as browsers do.
    #[must_use]
    pub const fn can_be_opened(self) -> bool {
        !matches!(self, Self::Ws | Self::Wss)
    }

    /// The port that a Via or URI without one means (RFC 3261 18.2.2, 19.1.2; RFC 7118 5.4).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// The value of the `transport` parameter that a URI needs for it; none where nothing need be said.
    #[must_use]
    pub const fn in_uri(self) -> Option<&'static str> {
        match self {
            Self::Udp => None,
            Self::Tcp => Some("tcp"),
            Self::Tls => Some("tls"),
            // Under TLS or not is not said here (RFC 7118 5.2.1).
            Self::Ws | Self::Wss => Some("ws"),
        }
    }

    /// As it stands in Via.
    #[must_use]
    pub const fn in_via(self) -> sip_message::Transport {
        match self {
            Self::Udp => sip_message::Transport::Udp,
            Self::Tcp => sip_message::Transport::Tcp,
            Self::Tls => sip_message::Transport::Tls,
            Self::Ws => sip_message::Transport::Ws,
            Self::Wss => sip_message::Transport::Wss,
        }
    }
}

/// A connection of the driver's. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Where a message came from or goes to.
///
/// With a `connection` that lives, it goes there; else over a connection to `remote`, which the driver reuses or opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// What carries it.
    pub transport: Transport,
    /// The connection that it came on or shall go on; none for datagrams.
    pub connection: Option<ConnectionId>,
    /// Index of our listener in [`crate::StackConfig::listeners`].
    pub listener: u16,
    /// The address of our socket; of a connection that we opened: its address, and the port that we listen on.
    pub local: SocketAddr,
    /// The address of the peer's.
    pub remote: SocketAddr,
}

impl Flow {
    /// The flow of datagrams between two addresses.
    #[must_use]
    pub const fn udp(listener: u16, local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, connection: None, listener, local, remote }
    }

    /// Where the responses to a request go that came on this flow with `via` on top: on its connection; if that is gone,
    /// to the address that it came from at the port of sent-by (RFC 3261 18.2.2, RFC 3581).
    #[must_use]
    pub fn reply(self, via: &Via) -> Self {
        let remote = match self.transport {
            Transport::Udp => response_destination(via, self.remote),
            stream => SocketAddr::new(self.remote.ip(), via.port.unwrap_or(stream.default_port())),
        };
        Self { remote, ..self }
    }
}

/// A message that the driver must send now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Which socket sends it, and whereto.
    pub flow: Flow,
    /// The message.
    pub payload: Bytes,
}

/// One INVITE usage, on either side: its early dialogs, the dialog it became, its end. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) u64);

impl SessionId {
    /// The id's number, for logs and tests.
    #[must_use]
    pub const fn as_raw(self) -> u64 {
        self.0
    }
}

/// How many hops a request of ours may take (RFC 3261 8.1.1.6).
pub const MAX_FORWARDS: u8 = 70;

/// A call that the application places. It prints without what tells about a person.
#[derive(Clone)]
pub struct Invite {
    /// Which listener sends it, from which address of ours as the peer sees it, and whereto.
    pub flow: Flow,
    /// The Request-URI.
    pub target: AnyUri,
    /// Who calls, without a tag (the stack adds one).
    pub from: NameAddr,
    /// Who is called, without a tag.
    pub to: NameAddr,
    /// The user part of our Contact.
    pub contact_user: String,
    /// How many hops it may take: [`MAX_FORWARDS`], or for a call that is passed on one less than it came with (RFC 7332).
    pub max_forwards: u8,
    /// More header fields, in order. Line ends in them are refused by the builder.
    pub headers: Vec<(String, String)>,
    /// The SDP offer; if it is empty, the peer makes one, and [`crate::Stack::answer`] answers it.
    pub offer: Bytes,
    /// The login ([`crate::Stack::set_logins`]) that answers a peer who asks who calls.
    pub login: Option<Arc<str>>,
    /// What is known of the way beyond its first hop.
    pub onward: Onward,
}

/// What is known of the way to a peer beyond its first hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onward {
    /// The proxies that the request passes, as Route header fields (RFC 3327 section 5.5).
    pub routes: Vec<AnyUri>,
    /// The peer sits behind a NAT: requests of ours go to where his messages come from, not to his Contact.
    pub behind_nat: bool,
    /// The peer registered over UDP: he is reached on that flow alone, however large a request is.
    pub by_flow: bool,
}

/// Other places that a call goes to, at once or in turns. The first to answer has it.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The places.
    pub forks: Vec<Fork>,
    /// How long the places of a turn may ring before the next turn begins; theirs is over then.
    pub patience: Duration,
}

/// Another place that a call goes to. It prints without what tells about a person.
#[derive(Clone)]
pub struct Fork {
    /// Places with the number of the call's first one, 0, are called at once with it, those with 1 if nobody answers there…
    pub turn: u8,
    /// The Request-URI.
    pub target: AnyUri,
    /// Which listener sends it, from which address of ours as the peer sees it, and whereto.
    pub flow: Flow,
    /// What is known of the way beyond that.
    pub onward: Onward,
    /// The SDP offer: the call's own, but for the address that this place reaches us at, and the keys that it may know.
    pub offer: Bytes,
}

impl Onward {
    /// What is known of the peer himself.
    pub(crate) const fn tie(&self) -> Tie {
        Tie { behind_nat: self.behind_nat, by_flow: self.by_flow }
    }
}

impl fmt::Debug for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fork").field("turn", &self.turn).field("flow", &self.flow).finish_non_exhaustive()
    }
}

/// A request outside dialogs that the application sends. It prints without what tells about a person.
#[derive(Clone)]
pub struct Inquiry {
    /// Which listener sends it, from which address of ours as the peer sees it, and whereto.
    pub flow: Flow,
    /// REGISTER, OPTIONS or MESSAGE.
    pub method: Method,
    /// The Request-URI.
    pub target: AnyUri,
    /// Who asks, without a tag (the stack adds one).
    pub from: NameAddr,
    /// About whom.
    pub to: NameAddr,
    /// The Call-ID, if it goes on from an earlier request (RFC 3261 10.2); else a new one.
    pub call_id: Option<Arc<str>>,
    /// Its number: above that of the earlier request.
    pub cseq: u32,
    /// Who we are in a Contact, if it is to have one.
    pub contact: Option<Own>,
    /// More header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The type of its body, and the body.
    pub body: Option<(String, Bytes)>,
    /// The login that answers a peer who asks who we are.
    pub login: Option<Arc<str>>,
    /// What is known of the way beyond its first hop.
    pub onward: Onward,
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("flow", &self.flow).field("method", &self.method).finish_non_exhaustive()
    }
}

/// A contact of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its user part.
    pub user: String,
    /// The value of its parameter `line`, by which a peer's request to it is known.
    pub line: Option<Arc<str>>,
}

/// One [`Inquiry`]. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InquiryId(pub(crate) SessionId);

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite").field("flow", &self.flow).finish_non_exhaustive()
    }
}

/// A failure that the application answers with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// 300 to 699; anything else is sent as 500.
    pub status: u16,
    /// The reason phrase, if not the usual one.
    pub reason: Option<String>,
    /// More header fields, in order (Warning, Retry-After, Contact of a redirection).
    pub headers: Vec<(String, String)>,
}

impl Refusal {
    /// A refusal with the usual phrase and nothing more.
    #[must_use]
    pub fn of(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
}

/// Why [`crate::Stack::change`] could not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The session is over, or not answered and acknowledged yet.
    #[error("no established session")]
    NotEstablished,
    /// A change of either side is under way (RFC 3261 14.1).
    #[error("another change is under way")]
    Pending,
    /// The peer takes no UPDATE.
    #[error("the peer takes no UPDATE")]
    NotServed,
}

/// What lives in the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// Sessions that have not ended.
    pub sessions: usize,
    /// Transactions, lingering ones included.
    pub transactions: usize,
    /// Dialogs that can be found.
    pub dialogs: usize,
    /// Requests of ours outside dialogs that wait for their answer.
    pub inquiries: usize,
    /// Timers that run.
    pub timers: usize,
    /// Subscriptions of peers.
    pub subscriptions: usize,
}
