//! SRTP and SRTCP: packets encrypted and authenticated (RFC 3711, RFC 6188, RFC 7714), as a pure machine.
//!
//! The one contract: an [`Outbound`] protects the packets of one stream of ours, in the order of their sequence numbers; an
//! [`Inbound`] opens whatever a peer sends under one master key. Both work in place on the caller's buffer and allocate
//! nothing but when a peer's new stream has proven itself.
//!
//! | module | what |
//! |---|---|
//! | `suite` | the crypto suites, and a [`MasterKey`] of one |
//! | `derive` | session keys of a master key (RFC 3711 section 4.3) |
//! | `cipher` | one packet sealed or opened: counter mode with HMAC-SHA1, and AES-GCM |
//! | `window` | the index of a packet, and which were seen (sections 3.3.1 and 3.3.2) |
//! | `outbound`, `inbound` | the two directions |
//!
//! Invariants: no two packets are ever sealed under one index; of a packet that does not prove itself nothing is kept, and
//! its octets stay as they were; no key reaches a `Debug` text.

mod cipher;
mod derive;
mod inbound;
mod outbound;
mod suite;
mod window;

#[cfg(test)]
mod vectors;

pub use inbound::{Inbound, MAX_STREAMS, Mki};
pub use outbound::Outbound;
pub use suite::{MasterKey, Suite};

use crate::RtpError;

/// Octets that protection adds to an RTP packet at most: the tag.
pub const RTP_TRAILER: usize = 16;

/// Octets that protection adds to an RTCP packet at most: the word with the index, and the tag.
pub const RTCP_TRAILER: usize = 4 + 16;

/// Why a packet was not protected or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// No RTP or RTCP packet, or too short for what protection adds.
    #[error("not a protected packet: {0}")]
    Malformed(#[from] RtpError),
    /// It does not bear the master key identifier that was agreed on.
    #[error("another master key identifier")]
    Mki,
    /// Its tag is not what the key makes of it: another key, a changed packet, or one that was never protected.
    #[error("authentication failed")]
    Unauthentic,
    /// It came before, or is older than what is remembered.
    #[error("replayed packet")]
    Replayed,
    /// An RTCP packet that is authenticated only, which was not agreed on (the E bit is 0).
    #[error("rtcp not encrypted")]
    Unencrypted,
    /// The peer has begun [`MAX_STREAMS`] streams under this key.
    #[error("too many streams under one key")]
    TooManyStreams,
    /// The buffer has no room for what protection adds.
    #[error("no room for the tag")]
    NoRoom,
    /// The index was used before, or the key has protected all that it may (RFC 3711 section 9.2).
    #[error("index used up")]
    UsedUp,
}
