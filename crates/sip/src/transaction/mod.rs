//! The four transaction machines of RFC 3261 17 and RFC 6026, and the tables that find them and run their timers.
//!
//! A machine is one state value; an input that ends a state consumes it and gives the next one. Each state says which
//! timers run in it ([`Armed`]); the tables set them, cancel them on every change of state, and drop the transaction
//! when its last timer fires. A transaction that lingers keeps its key and its last message only.

pub(crate) mod client;
pub(crate) mod client_invite;
mod client_table;
pub(crate) mod key;
pub(crate) mod server;
pub(crate) mod server_invite;
mod server_table;
mod timer;

use std::time::Duration;

use bytes::Bytes;

pub(crate) use client_table::{ClientTable, Heard, Lost, Way};
pub(crate) use server_table::{Acknowledged, ServerTable, ServerTimeout};
pub(crate) use timer::Timer;

use crate::Transport;

/// The timers of a state as they are over `transport`: on a reliable one nothing is sent again (A, E, G), and nobody
/// waits for what comes again (D, I, J, K are zero). RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1, 17.2.2.
fn over(transport: Transport, armed: Armed) -> Armed {
    if !transport.is_reliable() {
        return armed;
    }
    armed.map(|timer| match timer? {
        (Timer::A | Timer::E | Timer::G, _) => None,
        (timer @ (Timer::D | Timer::I | Timer::J | Timer::K), _) => Some((timer, Duration::ZERO)),
        other => Some(other),
    })
}

/// `message` without the room to grow that its writer left, for it will linger.
fn compact(message: &Bytes) -> Bytes {
    Bytes::copy_from_slice(message)
}

/// Names a transaction in timers and sessions. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransactionId(pub(crate) u64);

/// The timers of a state: one that repeats something, one that ends the state.
pub(crate) type Armed = [Option<(Timer, Duration)>; 2];
