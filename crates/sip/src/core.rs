//! What all parts of the stack share: settings, randomness, timers, and the queues towards the driver.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Rng, TimerToken, Timers};
use bytes::Bytes;

use crate::digest::hex;
use crate::identity::Logins;
use crate::oversize::WithoutTcp;
use crate::session::SessionTimer;
use crate::stack::SubscriptionTimer;
use crate::transaction::{Armed, Timer, TransactionId};
use crate::{Counters, Event, Flow, SessionId, StackConfig, Transmit, abilities};

/// Octets of a URI with display name and tag.
const USUAL_ADDRESS: usize = 96;

/// Which timer is due, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A timer of a request that we received.
    Server(TransactionId, Timer),
    /// A timer of a request that we sent.
    Client(TransactionId, Timer),
    /// A timer of a session.
    Session(SessionId, SessionTimer),
    /// A timer of a subscription.
    Subscription(SessionId, SubscriptionTimer),
}

/// The timers that one transaction has set.
pub(crate) type Tokens = [Option<TimerToken>; 2];

pub(crate) struct Core {
    pub(crate) config: StackConfig,
    pub(crate) rng: Rng,
    pub(crate) timers: Timers<Due>,
    pub(crate) transmits: VecDeque<Transmit>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) counters: Counters,
    pub(crate) logins: Logins,
    /// Who was found to have no TCP.
    pub(crate) without_tcp: WithoutTcp,
    /// Makes the tags of stateless responses the same for each repeat of a request (RFC 3261 8.2.7), and unguessable.
    pub(crate) secret: u64,
    /// Our Supported.
    pub(crate) supported: Box<str>,
    serial: u64,
}

impl Core {
    pub(crate) fn new(config: StackConfig, mut rng: Rng) -> Self {
        let secret = rng.u64();
        Self {
            supported: abilities::supported(&config),
            config,
            rng,
            timers: Timers::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            logins: Logins::default(),
            without_tcp: WithoutTcp::default(),
            secret,
            serial: 0,
        }
    }

    /// A number that was not given before, for ids.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn send(&mut self, flow: Flow, payload: Bytes) {
        self.counters.sent += 1;
        self.counters.traffic.sent(flow.transport, &payload);
        self.transmits.push_back(Transmit { flow, payload });
    }

    pub(crate) fn resend(&mut self, flow: Flow, payload: Bytes) {
        self.counters.resent += 1;
        self.send(flow, payload);
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(crate) fn set(&mut self, now: Mono, after: Duration, due: Due) -> TimerToken {
        self.timers.set(now + after, due)
    }

    pub(crate) fn cancel(&mut self, token: Option<TimerToken>) {
        if let Some(token) = token {
            self.timers.cancel(token);
        }
    }

    /// Replaces the timers of a transaction that changed its state.
    pub(crate) fn rearm(&mut self, now: Mono, tokens: &mut Tokens, armed: Armed, due: impl Fn(Timer) -> Due) {
        for (slot, wanted) in tokens.iter_mut().zip(armed) {
            if let Some(old) = slot.take() {
                self.timers.cancel(old);
            }
            *slot = wanted.map(|(timer, after)| self.timers.set(now + after, due(timer)));
        }
    }

    /// The address that the peer of a flow reaches us at.
    pub(crate) fn own_address(&self, flow: Flow) -> SocketAddr {
        let listener = self.config.listeners.get(usize::from(flow.listener));
        listener.and_then(|listener| listener.advertised).unwrap_or(flow.local)
    }

    /// 64 random bits as text: a tag, a branch's rest, half a Call-ID.
    pub(crate) fn token(&mut self) -> String {
        hex(&self.rng.u64().to_be_bytes())
    }
}

/// The value's text, in room that a usual address fits in: a text that grows piece by piece is allocated at each doubling.
pub(crate) fn printed(value: impl Display) -> String {
    let mut text = String::with_capacity(USUAL_ADDRESS);
    // Writing to a string cannot fail.
    let _ = write!(text, "{value}");
    text
}
