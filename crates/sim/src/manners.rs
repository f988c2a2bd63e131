//! What a phone's make says of it, and its owner has no say in.

use std::net::SocketAddr;

use sip::{StackConfig, Transport};

/// How a phone was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// What it says of reliable provisional responses (RFC 3262).
    pub reliable: Reliable,
    /// After how many seconds its calls end that were not refreshed (RFC 4028); none: it knows no session timers.
    pub session_timer: Option<u32>,
}

/// What a phone says of reliable provisional responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliable {
    /// It does not know them.
    No,
    /// It supports them.
    #[default]
    Supported,
    /// It takes no others when it calls.
    Required,
}

/// The words of scenarios for that.
pub(crate) const RELIABLE: [(&str, Reliable); 3] =
    [("no", Reliable::No), ("supported", Reliable::Supported), ("required", Reliable::Required)];

impl Manners {
    /// The settings of a stack that behaves so, at `address`.
    pub(crate) fn config(self, address: SocketAddr) -> StackConfig {
        let listener = |transport| sip::Listener { transport, local: address, advertised: None };
        let mut config = StackConfig::new("phone", [Transport::Udp, Transport::Tcp].map(listener).into());
        config.reliable = self.reliable != Reliable::No;
        config.session_timer = self.session_timer;
        config
    }

    /// What its INVITEs say beyond that.
    pub(crate) fn headers(self) -> impl Iterator<Item = (String, String)> {
        let required = self.reliable == Reliable::Required;
        required.then(|| ("Require".to_owned(), "100rel".to_owned())).into_iter()
    }
}
