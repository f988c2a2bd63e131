//! Where registered users are, as it is kept over a restart.

use std::net::SocketAddr;

use base::{Pii, Wall};
use serde::{Deserialize, Serialize};

use crate::Name;

/// All contacts of a user. One line of `locations.jsonl`; of the lines of a user, the last one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locations {
    /// The user.
    pub user: Name,
    /// His contacts, the oldest first. Empty: he is not registered.
    pub contacts: Vec<Location>,
}

/// One contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The URI that requests for the user go to.
    #[serde(with = "base::revealed")]
    pub contact: Pii<String>,
    /// How much the user prefers it, in thousandths.
    pub q: u16,
    /// What carries requests to it.
    pub transport: Carrier,
    /// The address of our listener, as the phone sees it.
    pub local: SocketAddr,
    /// The phone's address.
    pub remote: SocketAddr,
    /// When it ends, in microseconds since 1970-01-01T00:00:00Z.
    pub ends: Wall,
    /// What the phone says it is; empty if it does not say.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub agent: Box<str>,
    /// The proxies between us and the phone, the one next to us first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The phone sits behind a NAT.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nat: bool,
    /// When its last REGISTER came, in microseconds since 1970-01-01T00:00:00Z; 0 if it is not known.
    #[serde(default)]
    pub seen: Wall,
    /// The Call-ID of the REGISTER that set it.
    pub call_id: Name,
    /// The CSeq number of the REGISTER that set it.
    pub cseq: u32,
}

/// What carries SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
    /// Connections under TLS.
    Tls,
    /// WebSocket.
    Ws,
    /// WebSocket under TLS.
    Wss,
}
