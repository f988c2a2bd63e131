//! What is said when a description cannot be used: a status code and a Warning.

use std::fmt;

use crate::SdpError;

/// The warn-codes of RFC 3261 section 20.43 that this crate gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Warning {
    /// 300: a network protocol (IPv4, IPv6, …) is not available.
    NetworkProtocol = 300,
    /// 301: an address format (a host name, a reserved address) is not available.
    AddressFormat = 301,
    /// 302: a transport protocol (RTP/SAVP, UDP/TLS/RTP/SAVPF, …) is not available.
    TransportProtocol = 302,
    /// 304: a media type is not available.
    MediaType = 304,
    /// 305: no media format (codec) in common.
    MediaFormat = 305,
    /// 307: a parameter of the description was not understood.
    Parameter = 307,
    /// 330: no multicast here.
    Multicast = 330,
    /// 399: anything else; the text says what.
    Miscellaneous = 399,
}

/// Why an offer or an answer cannot be used, in the terms of the response that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {text}")]
pub struct Refusal {
    /// The status code: 400 (malformed), 413 (over our limits) or 488 (understood but not acceptable).
    pub status: u16,
    /// The warn-code of RFC 3261 section 20.43.
    pub warn_code: u16,
    /// What is wrong, for a person. Our own words: it holds nothing that the peer sent, and no quote or line end.
    pub text: String,
}

impl Refusal {
    pub(crate) fn not_acceptable(warning: Warning, text: impl fmt::Display) -> Self {
        Self { status: 488, warn_code: warning as u16, text: text.to_string() }
    }

    pub(crate) fn malformed(text: impl fmt::Display) -> Self {
        Self { status: 400, warn_code: Warning::Miscellaneous as u16, text: text.to_string() }
    }

    /// The value of a Warning header field (RFC 3261 section 20.43) by `agent`, a host (and port) or a pseudonym of
    /// this switch: `305 pbx.example "no codec in common"`.
    #[must_use]
    pub fn warning(&self, agent: &str) -> String {
        format!("{} {agent} \"{}\"", self.warn_code, self.text)
    }
}

impl From<SdpError> for Refusal {
    fn from(error: SdpError) -> Self {
        match error {
            SdpError::TooLong | SdpError::TooManyLines | SdpError::TooManyMedia | SdpError::TooManyFormats { .. } => {
                Self { status: 413, ..Self::malformed(error) }
            }
            SdpError::UnknownVersion | SdpError::UnknownType { .. } => Self::not_acceptable(Warning::Parameter, error),
            _ => Self::malformed(error),
        }
    }
}
