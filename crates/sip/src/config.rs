//! What a driver tells the stack once, at its start: listeners, names, limits and the constants of RFC 3261.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Transport;

/// One address on which the driver receives and from which it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What it receives and sends by.
    pub transport: Transport,
    /// The address that the socket is bound to.
    pub local: SocketAddr,
    /// The address that peers can reach us at where a NAT lies between; it stands in our `Via` and `Contact`. Without
    /// one, each peer is told the address of ours that his messages go to and come from ([`crate::Flow::local`]).
    pub advertised: Option<SocketAddr>,
}

/// The constants that all timers derive from (RFC 3261 17.1.1.1, 17.1.2.1; Table 4 in its appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The estimate of a round trip: the first interval of every retransmission.
    pub t1: Duration,
    /// The longest interval between retransmissions of a non-INVITE request or of a response to INVITE.
    pub t2: Duration,
    /// The longest time that a message stays in the network.
    pub t4: Duration,
}

impl Times {
    /// 64*T1: how long a party goes on repeating itself before it gives up (timers B, F, H, J, L and M).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D: how long a failed INVITE still acknowledges repeated responses; at least 32 s (RFC 3261 17.1.1.2).
    #[must_use]
    pub fn d(&self) -> Duration {
        self.patience().max(Duration::from_secs(32))
    }

    /// The interval after `interval`: twice as long, up to T2.
    #[must_use]
    pub fn next_interval(&self, interval: Duration) -> Duration {
        interval.saturating_mul(2).min(self.t2)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

/// The stack's settings. Build it with [`StackConfig::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct StackConfig {
    /// The text of our `User-Agent` and `Server` header fields.
    pub user_agent: String,
    /// Our listeners; [`crate::Flow::listener`] is an index into this list.
    pub listeners: Vec<Listener>,
    /// T1, T2 and T4.
    pub times: Times,
    /// How long an INVITE may wait for a word of the application before the stack says 100 (Trying). RFC 3261 17.2.1
    /// asks for a 100 unless the application will answer within 200 ms; a fast answer then saves a packet.
    pub trying_after: Duration,
    /// Whether provisional responses may be reliable (100rel, RFC 3262). Those of ours are if the caller demands that of all,
    /// or supports it and there is a description in them.
    pub reliable: bool,
    /// The seconds after which a session ends that was not refreshed, as we ask for it and at most; `None`: there are no
    /// session timers (RFC 4028).
    pub session_timer: Option<u32>,
    /// How often a ringing call repeats its provisional response, so that no proxy on the way gives it up
    /// (RFC 3261 13.3.1.1: once a minute).
    pub provisional_refresh: Duration,
    /// INVITEs beyond this many sessions are answered 503 without keeping anything of them.
    pub max_sessions: usize,
    /// Requests outside dialogs beyond this many transactions are answered 503 without keeping anything of them;
    /// those inside dialogs at twice as many. A transaction lingers for 32 s, so this also bounds the rate.
    pub max_transactions: usize,
    /// SUBSCRIBEs beyond this many subscriptions are answered 503.
    pub max_subscriptions: usize,
    /// The seconds that a 503 asks the peer to wait (`Retry-After`).
    pub retry_after: u32,
    /// Where our requests inside a dialog go when the peer has no route set: `Some(true)`: to the address that his last
    /// message came from; `Some(false)`: to his Contact; `None`: to his Contact unless that is plainly out of reach:
    /// its host is a name (the stack resolves none), or it is a private address while the message came from a public
    /// one, or his only `Via` does not name the address that the message came from (RFC 3581: he sits behind a NAT).
    pub symmetric: Option<bool>,
}

impl StackConfig {
    /// The usual settings with the given name and listeners.
    #[must_use]
    pub fn new(user_agent: impl Into<String>, listeners: Vec<Listener>) -> Self {
        Self {
            user_agent: user_agent.into(),
            listeners,
            times: Times::default(),
            trying_after: Duration::from_millis(100),
            reliable: true,
            session_timer: None,
            provisional_refresh: Duration::from_secs(60),
            max_sessions: 20_000,
            max_transactions: 400_000,
            max_subscriptions: 10_000,
            retry_after: 10,
            symmetric: None,
        }
    }
}
