//! The listeners of either transport, as one kind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use net::{NetError, Received, tcp, udp};
use sip::{Transmit, Transport};

use crate::domain::Input;
use crate::mailbox::Sender as Mailbox;

/// A listener that is bound.
pub(crate) enum Listener {
    Udp(udp::Listener),
    Tcp(tcp::Listener),
}

impl Listener {
    /// Binds one listener of the configuration as number `index`.
    pub fn bind(index: u16, config: &company::Listener) -> Result<Self, NetError> {
        match config.transport {
            Transport::Udp => udp::Listener::bind(index, config.address).map(Self::Udp),
            Transport::Tcp => tcp::Listener::bind(index, config.address, tcp::Limits::default()).map(Self::Tcp),
        }
    }

    /// What carries its messages, and the name for it.
    pub fn transport(&self) -> (Transport, &'static str) {
        match self {
            Self::Udp(_) => (Transport::Udp, "udp"),
            Self::Tcp(_) => (Transport::Tcp, "tcp"),
        }
    }

    pub fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(listener) => listener.local(),
            Self::Tcp(listener) => listener.local(),
        }
    }

    /// Counts what the domain thread had no room for; over TCP that waits instead.
    pub fn dropped(&self) -> Option<Arc<AtomicU64>> {
        match self {
            Self::Udp(listener) => Some(listener.dropped()),
            Self::Tcp(_) => None,
        }
    }

    /// The sending side, for the domain thread. None once it has started.
    pub fn sender(&self, inputs: &Mailbox<Input>) -> Option<Sender> {
        match self {
            Self::Udp(listener) => Some(Sender::Udp(listener.sender())),
            Self::Tcp(listener) => listener.sender(sink(inputs)).map(Sender::Tcp),
        }
    }

    /// Starts to receive.
    pub fn start(&mut self, inputs: &Mailbox<Input>) -> Result<(), NetError> {
        match self {
            Self::Udp(listener) => {
                let inputs = inputs.clone();
                listener.start(move |received| inputs.try_send(Input::Sip(received)).is_ok())
            }
            Self::Tcp(listener) => listener.start(sink(inputs)),
        }
    }
}

fn sink(inputs: &Mailbox<Input>) -> tcp::Sink {
    let inputs = inputs.clone();
    Arc::new(move |received: Received| match inputs.try_send(Input::Sip(received)) {
        Err(Input::Sip(received)) => Err(received),
        // Sent, as nothing else than what was given can come back.
        _ => Ok(()),
    })
}

/// The sending side of a listener.
pub(crate) enum Sender {
    Udp(udp::Sender),
    Tcp(tcp::Sender),
}

impl Sender {
    pub fn send(&mut self, transmits: &[Transmit]) {
        match self {
            Self::Udp(sender) => sender.send(transmits),
            Self::Tcp(sender) => sender.send(transmits),
        }
    }

    /// Messages that could not be sent.
    pub fn unsent(&self) -> u64 {
        match self {
            Self::Udp(sender) => sender.unsent(),
            Self::Tcp(sender) => sender.unsent(),
        }
    }
}
