//! Limits and times.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sip::Flow;
use sip::registrar::KeepAlive;

/// Limits and times of the whole switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live calls at once; more get 503.
    pub max_calls: usize,
    /// The longest a call may last.
    pub max_call_time: Duration,
    /// After how long a session ends that was not refreshed, as the switch asks for it and at most; none: there are no
    /// session timers (RFC 4028).
    pub session_timer: Option<Duration>,
    /// How long a user's phone rings when nothing else says so.
    pub ring_time: Duration,
    /// At a drain: how long live calls may go on when nothing else says so.
    pub grace: Duration,
    /// How long a text may take to be spoken while a caller waits for it.
    pub speech: Duration,
    /// The addresses that peers send media to, written into SDP, by the index of the listener that a call comes or goes by;
    /// without one, the address that its signalling uses.
    pub media_addresses: BTreeMap<u16, IpAddr>,
    /// Of those who register.
    pub registration: Registration,
}

/// Times of registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Who asks for less is refused, and told so.
    pub shortest: Duration,
    /// Who asks for more gets this.
    pub longest: Duration,
    /// How often phones behind NATs are asked whether they are there; `None`: never.
    pub keep_alive: Option<KeepAlive>,
}

impl Default for Registration {
    fn default() -> Self {
        let (shortest, longest) = (Duration::from_secs(60), Duration::from_secs(3600));
        Self { shortest, longest, keep_alive: Some(KeepAlive::default()) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_calls: 2_000,
            max_call_time: Duration::from_secs(4 * 3600),
            session_timer: Some(Duration::from_secs(30 * 60)),
            ring_time: Duration::from_secs(30),
            grace: Duration::from_secs(20),
            speech: Duration::from_secs(5),
            media_addresses: BTreeMap::new(),
            registration: Registration::default(),
        }
    }
}

impl Limits {
    /// The address that the peer of a flow sends media to. One of the other IP version is none to him.
    #[must_use]
    pub fn media_address(&self, flow: Flow) -> IpAddr {
        let own = flow.local.ip();
        let told = self.media_addresses.get(&flow.listener).copied();
        told.filter(|address| address.is_ipv4() == own.is_ipv4()).unwrap_or(own)
    }

    /// The most SIP sessions: each call has three legs at most, and most have two; what is above comes from sessions that linger.
    #[must_use]
    pub const fn max_sessions(&self) -> usize {
        self.max_calls.saturating_mul(3)
    }
}
