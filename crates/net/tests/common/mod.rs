//! What the tests of connections share: a listener on loopback, and what it hands in.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use net::Received;
use net::tcp::{Layer, Limits, Listener, Sender};
use sip::{Flow, Transmit, Transport};

/// Generous: the machines that run this are shared.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A listener, and what comes by its connections.
pub struct World {
    pub listener: Listener,
    pub sender: Sender,
    pub received: mpsc::Receiver<Received>,
    index: u16,
    transport: Transport,
}

/// Starts the listener with this index, for connections of `transport`, which have this `layer`.
pub fn start(index: u16, transport: Transport, layer: Layer, limits: Limits) -> World {
    let mut listener = Listener::bind(index, "127.0.0.1:0".parse().unwrap(), false, layer, limits).unwrap();
    let (tx, received) = mpsc::sync_channel(64);
    let sink: net::tcp::Sink = Arc::new(move |received| {
        tx.try_send(received).map_err(|error| match error {
            mpsc::TrySendError::Full(received) | mpsc::TrySendError::Disconnected(received) => received,
        })
    });
    let sender = listener.sender(sink.clone()).unwrap();
    listener.start(sink).unwrap();
    World { listener, sender, received, index, transport }
}

impl World {
    /// What comes next.
    pub fn next(&self) -> Received {
        self.received.recv_timeout(LIMIT).unwrap()
    }

    pub fn send(&mut self, flow: Flow, payload: &[u8]) {
        self.sender.send(&[Transmit { flow, payload: Bytes::copy_from_slice(payload) }]);
    }

    /// The flow of a new connection to there.
    pub fn to(&self, remote: SocketAddr) -> Flow {
        let (local, listener) = (self.listener.local(), self.index);
        Flow { transport: self.transport, connection: None, listener, local, remote }
    }
}
