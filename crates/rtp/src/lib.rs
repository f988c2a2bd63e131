//! RTP on the wire: packets, sequence numbers and jitter (RFC 3550), reports (RTCP), telephone events (RFC 4733).
//!
//! Its one contract: octets in, values out, and back; nothing here keeps a socket, a clock or a buffer of audio.
//!
//! | module | what |
//! |---|---|
//! | [`event`] | RFC 4733 payloads and the digits that they carry |
//!
//! Invariants: a parsed [`Digit`] is one of the sixteen; no input panics; nothing allocates.

pub mod event;

pub use event::Digit;
