//! A session description: the lines of RFC 8866 that offer/answer needs, and how they print.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use compact_str::{CompactString, ToCompactString as _};

use crate::crypto;

/// Room for what a phone usually says of one audio line.
const USUAL_BYTES: usize = 320;

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

    /// The first direction among `attributes`. Some gateways write `SendRecv`, so case is ignored.
    fn among(attributes: &[Attribute]) -> Option<Self> {
        let all = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];
        let flags = attributes.iter().filter(|attribute| attribute.value.is_none());
        flags.filter_map(|flag| all.into_iter().find(|one| flag.name.eq_ignore_ascii_case(one.name()))).next()
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
    pub(crate) username: CompactString,
    pub(crate) session_id: CompactString,
    pub(crate) version: CompactString,
    pub(crate) address: Connection,
}

impl Origin {
    /// The session's number, as text: peers send more digits than fit a machine word.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// The description's version, as text.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// A c= line (RFC 8866 section 5.7), as text; the same three fields end an o= line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub(crate) net_type: CompactString,
    pub(crate) address_type: CompactString,
    pub(crate) address: CompactString,
}

/// An a= line (RFC 8866 section 5.13).
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    pub(crate) name: CompactString,
    pub(crate) value: Option<CompactString>,
}

impl Attribute {
    pub(crate) fn flag(name: &str) -> Self {
        Self { name: name.into(), value: None }
    }

    pub(crate) fn new(name: &str, value: impl fmt::Display) -> Self {
        Self { name: name.into(), value: Some(value.to_compact_string()) }
    }
}

/// Without keys.
impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = crypto::shown(&self.name, &self.value);
        f.debug_struct("Attribute").field("name", &self.name).field("value", &value).finish()
    }
}

/// An m= line and what follows it (RFC 8866 section 5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    pub(crate) kind: CompactString,
    pub(crate) port: u16,
    pub(crate) port_count: u16,
    pub(crate) protocol: CompactString,
    pub(crate) formats: Vec<CompactString>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) attributes: Vec<Attribute>,
}

impl Media {
    /// The media type: `audio`, `video`, `image`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The transport port; 0 in a line that was rejected or is not in use.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The transport protocol: `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, `udptl`, …
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The formats in order of preference; payload types where the protocol is RTP's.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.formats.iter().map(CompactString::as_str)
    }

    /// The value of the first attribute `name`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name)?.value.as_deref()
    }

    /// The values of all attributes `name`, in order.
    pub fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let named = self.attributes.iter().filter(move |attribute| attribute.name == name);
        named.filter_map(|attribute| attribute.value.as_deref())
    }

    /// The line as an answer rejects it: port 0, the rest as offered (RFC 3264 section 6).
    pub(crate) fn rejected(&self) -> Self {
        let (kind, protocol, formats) = (self.kind.clone(), self.protocol.clone(), self.formats.clone());
        Self { kind, port: 0, port_count: 1, protocol, formats, connections: Vec::new(), attributes: Vec::new() }
    }
}

/// A session description: what [`crate::parse`] read, or what [`crate::offer`] and [`crate::answer`] made.
///
/// It holds the lines that offer/answer needs. Lines that only describe (i=, u=, e=, p=, b=, r=, z=, k=) are checked
/// for their type letter and dropped, so printing what was parsed gives the same session, not the same octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub(crate) origin: Origin,
    pub(crate) name: CompactString,
    pub(crate) connection: Option<Connection>,
    pub(crate) times: Vec<CompactString>,
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

    /// The direction of one of its m= lines: said there, else for the session, else both ways (RFC 8866 section 6.7).
    #[must_use]
    pub fn direction(&self, media: &Media) -> Direction {
        Direction::among(&media.attributes).or_else(|| Direction::among(&self.attributes)).unwrap_or_default()
    }

    /// True if this is `previous` again: the same o= line, which a re-INVITE that only refreshes the session sends
    /// (RFC 3264 section 8). The answer is then the last one again, with its version unchanged.
    #[must_use]
    pub fn repeats(&self, previous: &Self) -> bool {
        self.origin == previous.origin
    }

    /// The text to send, with CRLF line ends.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut text = String::with_capacity(USUAL_BYTES);
        // Writing to a string cannot fail.
        let _ = write!(text, "{self}");
        Bytes::from(text)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { username, session_id, version, address } = &self.origin;
        write_all(f, ["v=0\r\no=", username, " ", session_id, " ", version, " "])?;
        fmt::Display::fmt(address, f)?;
        write_all(f, ["\r\ns=", &self.name, "\r\n"])?;
        self.connection.iter().try_for_each(|connection| connection.write_line(f))?;
        self.times.iter().try_for_each(|time| write_all(f, ["t=", time, "\r\n"]))?;
        self.attributes.iter().try_for_each(|attribute| attribute.fmt(f))?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, [&self.net_type, " ", &self.address_type, " ", &self.address])
    }
}

impl Connection {
    fn write_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("c=")?;
        fmt::Display::fmt(self, f)?;
        f.write_str("\r\n")
    }
}

/// Writes one text after the other: a description has dozens, and the general formatter takes several times as long.
fn write_all<const N: usize>(f: &mut fmt::Formatter<'_>, parts: [&str; N]) -> fmt::Result {
    parts.into_iter().try_for_each(|part| f.write_str(part))
}

/// The whole line.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write_all(f, ["a=", &self.name, ":", value, "\r\n"]),
            None => write_all(f, ["a=", &self.name, "\r\n"]),
        }
    }
}

/// The m= line and those that belong to it.
impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {}", self.kind, self.port)?;
        if self.port_count != 1 {
            write!(f, "/{}", self.port_count)?;
        }
        write_all(f, [" ", &self.protocol])?;
        self.formats.iter().try_for_each(|format| write_all(f, [" ", format]))?;
        f.write_str("\r\n")?;
        self.connections.iter().try_for_each(|connection| connection.write_line(f))?;
        self.attributes.iter().try_for_each(|attribute| attribute.fmt(f))
    }
}
