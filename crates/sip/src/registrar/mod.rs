//! Where users can be reached: the registrar of RFC 3261 10.3, as a machine.
//!
//! Who may register what is not asked here: the caller proves the user ([`crate::digest`]) and names the address of
//! record. [`Registrar::register`] then does all of a request or nothing of it, and says how to answer.
//!
//! | what | where |
//! |---|---|
//! | what a request asks for: contacts, times, `q`, `*` | `request.rs` |
//! | bindings, their ends, events | `table.rs` |
//! | phones behind NATs are asked whether they are there | `alive.rs` |
//!
//! Invariants: each binding has one timer and leaves by it at the latest, and another one if it is behind a NAT; addresses of record and contacts of each are
//! bounded; nothing scans more than the contacts of one address of record.

mod alive;
mod request;
mod table;

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Wall};
use sip_message::AnyUri;

use crate::Flow;

pub use alive::{KeepAlive, Ping};
pub use table::Registrar;

/// Times and limits of a [`Registrar`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarConfig {
    /// Shorter times are refused with 423 and a Min-Expires (10.2.8); whole seconds.
    pub min_expires: Duration,
    /// Longer times are shortened to this; whole seconds.
    pub max_expires: Duration,
    /// The most contacts of one address of record.
    pub max_contacts: usize,
    /// The most addresses of record that have contacts at a time.
    pub max_records: usize,
    /// The longest contact or Call-ID that is kept, in octets.
    pub max_text: usize,
}

impl Default for RegistrarConfig {
    fn default() -> Self {
        Self {
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3600),
            max_contacts: 10,
            max_records: 100_000,
            max_text: 512,
        }
    }
}

/// One contact of an address of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The URI that requests for the user go to.
    pub contact: AnyUri,
    /// How much the user prefers it, in thousandths; 1000 if he did not say.
    pub q: u16,
    /// Where the REGISTER came from.
    pub flow: Flow,
    /// When it ends, if it is not renewed.
    pub ends: Mono,
    /// What the phone says it is (User-Agent), shortened; empty if it does not say.
    pub agent: Box<str>,
    /// The proxies between us and the phone, the one next to us first (RFC 3327).
    pub path: Vec<AnyUri>,
    /// Via or Contact name another address than the request came from: the phone sits behind a NAT, as far as we know.
    pub nat: bool,
    /// When the phone was heard of last.
    pub seen: Wall,
    /// Questions in a row that the phone did not answer.
    failures: u32,
    /// It did not answer so many that it counts as out of reach. It is not rung before it is heard of again.
    lost: bool,
    /// The Call-ID of the request that set it.
    call_id: Arc<str>,
    /// The CSeq number of the request that set it.
    cseq: u32,
    /// Grows with each request, so that the newest binding can be told.
    order: u64,
}

impl Binding {
    /// The way to the phone: where its REGISTER came from, as through a NAT it can be reached there alone. Once a
    /// connection is gone, another one is opened to where the phone listens, not to where it happened to call from; but
    /// for a contact with another machine's address, which is its own idea of its address.
    #[must_use]
    pub fn way(&self) -> Flow {
        let address = self.contact.as_sip().and_then(sip_message::Uri::socket_addr);
        let source = self.flow.remote;
        let listens = address.filter(|address| self.listens() && address.ip() == source.ip());
        Flow { remote: listens.unwrap_or(source), ..self.flow }
    }

    /// Another connection can be opened to it.
    fn listens(&self) -> bool {
        self.flow.transport.is_reliable() && self.flow.transport.can_be_opened()
    }

    /// True if the phone has not answered for so long that it is not rung any more.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }
}

/// A contact as it is kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The URI that requests for the user go to.
    pub contact: AnyUri,
    /// How much the user prefers it, in thousandths.
    pub q: u16,
    /// Where its REGISTER came from. A connection does not outlive a restart.
    pub flow: Flow,
    /// When it ends, by the wall clock, as the monotonic one begins anew.
    pub ends: Wall,
    /// What the phone says it is.
    pub agent: Box<str>,
    /// The proxies between us and the phone.
    pub path: Vec<AnyUri>,
    /// The phone sits behind a NAT.
    pub nat: bool,
    /// When its last REGISTER came.
    pub seen: Wall,
    /// The Call-ID of the request that set it.
    pub call_id: Arc<str>,
    /// The CSeq number of the request that set it.
    pub cseq: u32,
}

/// How a REGISTER is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200, or a failure that changed nothing.
    pub status: u16,
    /// Header fields, in order: each contact with the seconds it has left, or Min-Expires.
    pub headers: Vec<(String, String)>,
}

/// What changed, for the journal and for what is kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarEvent {
    /// A contact is new, was renewed, or was taken over a restart.
    Bound {
        /// The address of record.
        record: Arc<str>,
        /// It was not there before, and not before a restart.
        new: bool,
        /// It was there, and comes by the same flow with the same Call-ID (RFC 3261 10.2.4). Else its phone began anew.
        refreshed: bool,
        /// The address of record had no contact in reach before: its user can be reached from now on.
        first: bool,
    },
    /// A contact is gone.
    Unbound {
        /// The address of record.
        record: Arc<str>,
        /// Its time ran out; else the user took it back, or registers no more.
        expired: bool,
        /// It was in reach, and no other contact is: its user cannot be reached any more.
        last: bool,
    },
    /// A phone behind a NAT does not answer any more.
    Lost {
        /// The address of record.
        record: Arc<str>,
        /// No other contact is in reach.
        last: bool,
    },
    /// A phone that did not answer does again.
    Found {
        /// The address of record.
        record: Arc<str>,
        /// No contact was in reach before.
        first: bool,
    },
}
