//! Where the host of a URI is (RFC 3263 4): which records are asked for, when again, and what follows from the answers.
//!
//! ```text
//!  site: name, port?, transport ──▶ port: A, AAAA
//!                                   none: SRV ──▶ A, AAAA of each target ──▶ hops
//!                                          └ there are none: A, AAAA with the transport's own port
//! ```
//! A [`Locator`] says what to ask ([`Locator::poll_ask`]); somebody asks, and hands in what came of it. `order` is the
//! choice among the hops (RFC 2782), which each call makes anew. NAPTR is not asked for: it tells the transport, and that
//! is always known here.

mod locator;
mod order;
mod search;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use locator::{Located, Locator};
pub use order::order;

use crate::Transport;

/// The longest domain name, as text without its last dot (RFC 1035 2.3.4).
pub const MAX_NAME: usize = 253;

/// A host that is to be found. In order, so that it can be a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// Its name, in lower case and without a dot at its end.
    pub name: Arc<str>,
    /// The port, if one is given: then there is no SRV.
    pub port: Option<u16>,
    /// What carries messages to it.
    pub transport: Transport,
}

impl Site {
    /// The name of its SRV records (RFC 3263 4.1); none where there cannot be any.
    #[must_use]
    pub fn service(&self) -> Option<Arc<str>> {
        let prefix = match (self.port, self.transport) {
            (None, Transport::Udp) => "_sip._udp",
            (None, Transport::Tcp) => "_sip._tcp",
            (None, Transport::Tls) => "_sips._tcp",
            // Nobody is called by WebSocket.
            (None, Transport::Ws | Transport::Wss) | (Some(_), _) => return None,
        };
        Some(format!("{prefix}.{}", self.name)).filter(|name| name.len() <= MAX_NAME).map(Arc::from)
    }
}

/// What is asked of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Which hosts serve it (RFC 2782).
    Srv,
    /// Its IPv4 addresses.
    A,
    /// Its IPv6 addresses.
    Aaaa,
}

/// A question for a DNS server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The full name, without a dot at its end.
    pub name: Arc<str>,
    /// What is asked of it.
    pub kind: Kind,
}

/// A question that is to be asked now. Its number comes back with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Never given twice.
    pub id: u64,
    /// The question.
    pub question: Question,
}

/// What a DNS server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The records.
    pub records: Records,
    /// For how long all of them hold.
    pub ttl: Duration,
}

/// The records of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// To [`Kind::Srv`].
    Srv(Vec<Srv>),
    /// To [`Kind::A`] and [`Kind::Aaaa`].
    Hosts(Vec<Host>),
}

/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Those with the lowest number come first.
    pub priority: u16,
    /// The share of calls among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host, without a dot at its end. It is empty for the root: there is no such service.
    pub target: Arc<str>,
}

/// An address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// The address.
    pub address: IpAddr,
    /// The address of ours from which that is reached; none if there is no way to it.
    pub ours: Option<IpAddr>,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no such name, or nothing of that kind at it: an answer, too.
    #[error("no such name or record")]
    Nothing,
    /// The name says that it has no such service (RFC 2782, a target of `.`).
    #[error("the name says that there is no such service")]
    NoService,
    /// No server answered in time.
    #[error("no DNS server answered")]
    Silent,
    /// The servers could not or would not say.
    #[error("the DNS servers refused or failed")]
    Refused,
    /// The answer cannot be read, or never ends.
    #[error("the DNS answer cannot be read")]
    Unreadable,
    /// No server is known.
    #[error("no DNS server is configured")]
    NoServer,
    /// Nothing that was found can be reached from here.
    #[error("no way to any of its addresses")]
    NoRoute,
}

impl Fault {
    /// True if the DNS says so, and not that it failed: what held before holds no more.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Nothing | Self::NoService)
    }
}

/// Which IP versions our sockets can send by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

/// Where a request for a site can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Whereto.
    pub address: SocketAddr,
    /// The address of ours from which that is reached.
    pub ours: IpAddr,
    /// Those with the lowest number are tried first.
    pub priority: u16,
    /// The share of calls among those of one priority.
    pub weight: u16,
    /// The host whose address it is. Several addresses of one share its weight.
    pub host: Arc<str>,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
        })
    }
}
