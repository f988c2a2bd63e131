//! What the stack counts, for metrics and tests.

use crate::Traffic;

/// Counts since the start; they only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that a transaction or a dialog took as new.
    pub requests: u64,
    /// Responses that matched a transaction of ours.
    pub responses: u64,
    /// Datagrams that were no SIP message, or a broken one.
    pub malformed: u64,
    /// Requests that were seen before and absorbed, or answered by the response given before.
    pub repeated_requests: u64,
    /// Responses without a transaction, and ACKs without a session.
    pub strays: u64,
    /// Datagrams that the stack sent, repeats included.
    pub sent: u64,
    /// Datagrams that the stack sent again because no reply came (timers A, E and G; 2xx without ACK).
    pub resent: u64,
    /// Transactions of ours that nobody answered (timers B and F).
    pub timed_out: u64,
    /// INVITEs whose final response was never acknowledged (timer H; 2xx after 64*T1).
    pub unacknowledged: u64,
    /// Requests that were answered 503 because of a limit or while draining.
    pub overloaded: u64,
    /// Requests that were refused by the checks of RFC 3261 8.2 and 12.2.2.
    pub refused: u64,
    /// Reports that an address could not be reached.
    pub unreachable: u64,
    /// Requests of ours that went over TCP as they were too large for a datagram (RFC 3261 18.1.1).
    pub oversized: u64,
    /// Requests that went as datagrams after all, as TCP led nowhere.
    pub fell_back: u64,
    /// Every message that could be read or was sent, by what it was.
    pub traffic: Traffic,
}
