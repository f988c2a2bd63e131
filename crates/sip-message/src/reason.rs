//! Reason: why a request was sent or refused (RFC 3326).

use std::fmt;

use crate::{Head, HeaderName, chars};

/// The causes that Reason values name, one a protocol; texts are for people and left out. Protocols other than these two
/// are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// A SIP status: 200 in a CANCEL says that the call was answered elsewhere (RFC 3326 section 3.1).
    pub sip: Option<u16>,
    /// A cause of ITU-T Q.850, 1 to 127.
    pub q850: Option<u8>,
}

impl Reason {
    /// The text that goes with [`Reason::sip`] 200, which phones know by it.
    const ELSEWHERE: &'static str = "Call completed elsewhere";

    /// That the call was answered by somebody else, so that no phone shows it as missed.
    pub const ANSWERED_ELSEWHERE: Self = Self { sip: Some(200), q850: None };

    /// A cause of Q.850.
    #[must_use]
    pub const fn q850(cause: u8) -> Self {
        Self { sip: None, q850: Some(cause) }
    }

    /// What all Reason header fields of a message say. What is malformed, or out of range, says nothing: nobody's call
    /// may depend on it.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        head.headers(HeaderName::Reason).fold(Self::default(), Self::and)
    }

    /// What the value of a Reason header field says.
    #[must_use]
    pub fn read(value: &str) -> Self {
        Self::default().and(value)
    }

    /// True if nothing is known.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.sip.is_none() && self.q850.is_none()
    }

    /// This one, or `other` if it is empty.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }

    /// The value of a Reason header field; none if there is nothing to say.
    #[must_use]
    pub fn value(self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_string())
    }

    /// Of several values of one protocol the first counts: RFC 3326 section 2 allows one only.
    fn and(mut self, value: &str) -> Self {
        for one in chars::commas(value) {
            let (protocol, params) = chars::cut(one, b';');
            let mut cause = None;
            let mut rest = params;
            while let Some(params) = rest {
                let (param, tail) = chars::cut(params, b';');
                rest = tail;
                if let Some((name, value)) = chars::split(param, b'=')
                    && chars::trim(name).eq_ignore_ascii_case("cause")
                {
                    cause = cause.or(chars::number::<u16>(chars::trim(value)));
                }
            }
            let protocol = chars::trim(protocol);
            if protocol.eq_ignore_ascii_case("SIP") {
                self.sip = self.sip.or(cause.filter(|cause| (100..700).contains(cause)));
            } else if protocol.eq_ignore_ascii_case("Q.850") {
                let cause = cause.and_then(|cause| u8::try_from(cause).ok()).filter(|cause| (1..128).contains(cause));
                self.q850 = self.q850.or(cause);
            }
        }
        self
    }
}

/// A cause of Q.850.
impl From<u8> for Reason {
    fn from(cause: u8) -> Self {
        Self::q850(cause)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cause) = self.sip {
            write!(f, "SIP;cause={cause}")?;
            if cause == 200 {
                write!(f, ";text=\"{}\"", Self::ELSEWHERE)?;
            }
        }
        if let Some(cause) = self.q850 {
            let between = if self.sip.is_some() { ", " } else { "" };
            write!(f, "{between}Q.850;cause={cause}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_found_whatever_stands_around_them() {
        let both = Reason { sip: Some(200), q850: Some(16) };
        assert_eq!(Reason::read("SIP ;cause=200 ;text=\"Call, completed; cause=3\" , q.850; cause = 16"), both);
        assert_eq!(Reason::read("Q.850;text=\"a\";cause=31;cause=2, Q.850;cause=1"), Reason::q850(31));
        assert_eq!(Reason::read("preemption;cause=1;text=\"UA\", SIP;cause=600").sip, Some(600));
    }

    #[test]
    fn what_makes_no_sense_says_nothing() {
        for text in
            ["", ";", "Q.850", "Q.850;cause=", "Q.850;cause=0", "Q.850;cause=128", "SIP;cause=99999", "SIP;cause=-1"]
        {
            assert!(Reason::read(text).is_empty(), "{text}");
        }
        assert!(Reason::read("SIP;text=\"not closed;cause=200").is_empty());
        assert_eq!(Reason::default().value(), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        for reason in [Reason::q850(17), Reason::ANSWERED_ELSEWHERE, Reason { sip: Some(486), q850: Some(17) }] {
            assert_eq!(Reason::read(&reason.value().unwrap()), reason);
        }
        assert_eq!(Reason::ANSWERED_ELSEWHERE.to_string(), "SIP;cause=200;text=\"Call completed elsewhere\"");
    }
}
