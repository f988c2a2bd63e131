//! RTP on the wire: packets, sequence numbers and jitter (RFC 3550), reports (RTCP), telephone events (RFC 4733),
//! and their protection (SRTP, RFC 3711).
//!
//! Its one contract: octets in, values out, and back; nothing here keeps a socket, a clock or a buffer of audio.
//!
//! | module | what |
//! |---|---|
//! | [`packet`] | the RTP header: read in place, written |
//! | [`reception`] | what arrived of a stream: sequence, loss, jitter (RFC 3550 appendices A.1, A.3, A.8) |
//! | [`rtcp`] | compound packets: SR, RR, SDES, BYE; NTP time |
//! | [`event`] | RFC 4733 payloads and the digits that they carry |
//! | [`srtp`] | packets encrypted and authenticated: SRTP and SRTCP |
//!
//! Invariants: a parsed [`Digit`] is one of the sixteen; no input panics; nothing allocates, but for the memory of a new
//! stream that has proven itself.

pub mod event;
pub mod packet;
pub mod reception;
pub mod rtcp;
pub mod srtp;

pub use event::{Digit, EventPayload};
pub use packet::{HEADER, Header, Packet, header_length, is_rtcp};
pub use reception::{Arrival, Reception};

/// Why octets are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// Shorter than its header and what the header announces.
    #[error("packet too short")]
    TooShort,
    /// Not version 2.
    #[error("not rtp version 2")]
    Version,
    /// Padding that is longer than the packet, or of no length.
    #[error("padding longer than the packet")]
    Padding,
    /// An RTCP compound that does not begin with a report, or whose lengths do not add up (RFC 3550 appendix A.2).
    #[error("not a valid rtcp compound packet")]
    Compound,
}
