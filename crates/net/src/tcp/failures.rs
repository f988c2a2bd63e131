//! Handshakes of TLS and WebSocket that did not come about, counted by why.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::{AlertDescription, Error as TlsError};
use tokio_tungstenite::tungstenite::Error as WebSocketError;

/// Why a handshake did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not over in time.
    Timeout,
    /// The other side went away, or the network did.
    Closed,
    /// What came was no TLS.
    NotTls,
    /// No version or cipher in common.
    Incompatible,
    /// We do not believe the other side's certificate, or it shows none where it must.
    Certificate,
    /// The other side does not believe ours, or did not like what we said for another reason.
    Refused,
    /// What came was no WebSocket handshake for SIP.
    NotWebSocket,
    /// A page of an origin that may not connect.
    Origin,
    /// Anything else.
    Other,
}

impl Failure {
    /// All of them, in the order that they are told in.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Closed,
        Self::NotTls,
        Self::Incompatible,
        Self::Certificate,
        Self::Refused,
        Self::NotWebSocket,
        Self::Origin,
        Self::Other,
    ];

    /// As metrics call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::NotTls => "not_tls",
            Self::Incompatible => "incompatible",
            Self::Certificate => "certificate",
            Self::Refused => "refused",
            Self::NotWebSocket => "not_websocket",
            Self::Origin => "origin",
            Self::Other => "other",
        }
    }

    /// Of a TLS handshake.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) else {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Self::Closed,
                _ => Self::Other,
            };
        };
        match cause {
            TlsError::InvalidMessage(_) | TlsError::InappropriateMessage { .. } => Self::NotTls,
            TlsError::PeerIncompatible(_) => Self::Incompatible,
            TlsError::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure) => {
                Self::Incompatible
            }
            TlsError::AlertReceived(_) => Self::Refused,
            TlsError::NoCertificatesPresented
            | TlsError::InvalidCertificate(_)
            | TlsError::InvalidCertRevocationList(_) => Self::Certificate,
            _ => Self::Other,
        }
    }

    /// Of a WebSocket handshake.
    pub(super) fn of_websocket(error: &WebSocketError) -> Self {
        match error {
            WebSocketError::Http(refusal) if refusal.status().as_u16() == 403 => Self::Origin,
            WebSocketError::Http(_) | WebSocketError::HttpFormat(_) | WebSocketError::Protocol(_) => Self::NotWebSocket,
            WebSocketError::Io(_) | WebSocketError::ConnectionClosed => Self::Closed,
            _ => Self::NotWebSocket,
        }
    }
}

/// How many there were of each kind.
#[derive(Debug, Default)]
pub(crate) struct Failures([AtomicU64; Failure::ALL.len()]);

impl Failures {
    pub(super) fn add(&self, failure: Failure) {
        let place = Failure::ALL.iter().position(|kind| *kind == failure);
        if let Some(count) = place.and_then(|place| self.0.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Those that there were at all.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        let named = Failure::ALL.into_iter().map(Failure::as_str).zip(counts);
        named.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, PeerIncompatible};

    use super::*;

    #[test]
    fn what_went_wrong_is_told_by_its_kind() {
        let tls = |error| Failure::of_tls(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(tls(TlsError::NoCertificatesPresented), Failure::Certificate);
        assert_eq!(tls(TlsError::InvalidCertificate(CertificateError::Expired)), Failure::Certificate);
        assert_eq!(tls(TlsError::AlertReceived(AlertDescription::UnknownCA)), Failure::Refused);
        assert_eq!(tls(TlsError::AlertReceived(AlertDescription::ProtocolVersion)), Failure::Incompatible);
        assert_eq!(tls(TlsError::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon)), Failure::Incompatible);
        assert_eq!(Failure::of_tls(&io::ErrorKind::UnexpectedEof.into()), Failure::Closed);
        assert_eq!(Failure::of_tls(&io::Error::other("else")), Failure::Other);
        assert_eq!(Failure::of_websocket(&WebSocketError::ConnectionClosed), Failure::Closed);
    }

    #[test]
    fn only_what_there_was_is_told() {
        let failures = Failures::default();
        assert_eq!(failures.counts(), []);
        failures.add(Failure::Timeout);
        failures.add(Failure::Other);
        failures.add(Failure::Other);
        assert_eq!(failures.counts(), [("timeout", 1), ("other", 2)]);
    }
}
