//! Payload formats of RTP/AVP: which codec a payload type stands for.

use std::fmt;

/// A codec that we encode and decode ourselves. Both run at 8 kHz and one octet a sample (RFC 3551 section 4.5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law; static payload type 0.
    Pcmu,
    /// G.711 A-law; static payload type 8.
    Pcma,
}

impl Codec {
    /// The static payload type of RFC 3551 section 6.
    #[must_use]
    pub const fn static_pt(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The encoding name in a=rtpmap.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
