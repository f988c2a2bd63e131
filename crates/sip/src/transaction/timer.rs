//! Every timer of the transactions, by its letter in RFC 3261 (table 4) and RFC 6026.

/// A timer of one transaction. The comment says when it fires and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// When to send our INVITE again: after T1, then doubling (RFC 3261 17.1.1.2).
    A,
    /// When to give our INVITE up as unanswered: after 64*T1 (17.1.1.2).
    B,
    /// When to forget our failed INVITE: at least 32 s after its final response (17.1.1.2).
    D,
    /// When to send our non-INVITE request again: after T1, doubling up to T2, or T2 once a 1xx came (17.1.2.2).
    E,
    /// When to give our non-INVITE request up as unanswered: after 64*T1 (17.1.2.2).
    F,
    /// When to send our failure response to INVITE again: after T1, doubling up to T2 (17.2.1).
    G,
    /// When to give up waiting for the ACK of a failure response: after 64*T1 (17.2.1).
    H,
    /// When to forget an acknowledged failure: T4 after the ACK (17.2.1).
    I,
    /// When to forget an answered non-INVITE request: 64*T1 after the response (17.2.2).
    J,
    /// When to forget our answered non-INVITE request: T4 after the response (17.1.2.2).
    K,
    /// When to forget an accepted INVITE: 64*T1 after the first 2xx (RFC 6026 7.1).
    L,
    /// When to forget our accepted INVITE: 64*T1 after the first 2xx (RFC 6026 7.2).
    M,
    /// When to say 100 because the application has said nothing yet (RFC 3261 17.2.1: within 200 ms).
    Trying,
    /// When to send as a datagram what went over TCP for its size and heard nothing (18.1.1).
    Datagram,
    /// When to give up an INVITE that we cancelled: 64*T1 after the CANCEL (RFC 3261 9.1).
    Abandon,
}
