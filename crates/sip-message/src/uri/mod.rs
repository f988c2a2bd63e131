//! URIs: `sip` and `sips`, `tel`, and any other as it came.

mod equality;
mod sip;
mod tel;

use std::fmt;
use std::str::FromStr;

pub use sip::{Scheme, Uri};
pub use tel::TelUri;

use crate::{ParseError, Str};

/// A URI of any scheme, as Request-URIs, From, To and Contact may carry.
#[derive(Clone, PartialEq, Eq)]
pub enum AnyUri {
    /// `sip:` or `sips:`.
    Sip(Uri),
    /// `tel:` (RFC 3966).
    Tel(TelUri),
    /// Any other, unread: a UAS answers 416 to such a Request-URI.
    Other {
        /// What stands before the colon.
        scheme: Str,
        /// What stands after it.
        rest: Str,
    },
}

impl AnyUri {
    /// The SIP or SIPS URI, if it is one.
    #[must_use]
    pub fn as_sip(&self) -> Option<&Uri> {
        if let Self::Sip(uri) = self { Some(uri) } else { None }
    }

    /// The telephone URI, if it is one.
    #[must_use]
    pub fn as_tel(&self) -> Option<&TelUri> {
        if let Self::Tel(uri) = self { Some(uri) } else { None }
    }

    /// The user part of a SIP URI, decoded, or the number of a `tel` one: what a number plan looks up.
    #[must_use]
    pub fn user(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Sip(uri) => uri.user(),
            Self::Tel(uri) => Some(std::borrow::Cow::Borrowed(uri.number())),
            Self::Other { .. } => None,
        }
    }

    /// RFC 3261 section 19.1.4 for SIP URIs, RFC 3966 section 4 for `tel`, equal octets for others.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.matches(b),
            (Self::Tel(a), Self::Tel(b)) => a.matches(b),
            (Self::Other { scheme: a, rest: x }, Self::Other { scheme: b, rest: y }) => {
                a.eq_ignore_ascii_case(b) && x == y
            }
            _ => false,
        }
    }

    /// Reads `text`, a piece of `source`.
    pub(crate) fn parse_in(source: &Str, text: &str) -> Option<Self> {
        // Schemes are short, and most addresses have this one.
        let at = text.bytes().position(|octet| octet == b':')?;
        let (scheme, rest) = (text.get(..at)?, text.get(at + 1..)?);
        if scheme.eq_ignore_ascii_case("sip") {
            return Uri::parse_rest(source, Scheme::Sip, rest).map(Self::Sip);
        }
        if scheme.eq_ignore_ascii_case("sips") {
            return Uri::parse_rest(source, Scheme::Sips, rest).map(Self::Sip);
        }
        if scheme.eq_ignore_ascii_case("tel") {
            return TelUri::parse_rest(source, rest).map(Self::Tel);
        }
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let is_rest =
            !rest.is_empty() && rest.bytes().all(|b| b > b' ' && b != 0x7f && !matches!(b, b'<' | b'>' | b'"'));
        (is_scheme && is_rest).then(|| Self::Other { scheme: source.share(scheme), rest: source.share(rest) })
    }
}

impl From<Uri> for AnyUri {
    fn from(uri: Uri) -> Self {
        Self::Sip(uri)
    }
}

impl From<TelUri> for AnyUri {
    fn from(uri: TelUri) -> Self {
        Self::Tel(uri)
    }
}

impl FromStr for AnyUri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let source = Str::from(text);
        Self::parse_in(&source, &source).ok_or(ParseError::Uri)
    }
}

impl fmt::Display for AnyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => fmt::Display::fmt(uri, f),
            Self::Tel(uri) => fmt::Display::fmt(uri, f),
            Self::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

/// Hides what tells about a person.
impl fmt::Debug for AnyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => fmt::Debug::fmt(uri, f),
            Self::Tel(_) => f.write_str("tel:•••"),
            Self::Other { scheme, .. } => write!(f, "{scheme}:•••"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_told_apart_and_unknown_ones_are_kept() {
        assert!(matches!("SIPS:a@h".parse(), Ok(AnyUri::Sip(uri)) if uri.scheme() == Scheme::Sips));
        assert!(matches!("tel:+4930123".parse(), Ok(AnyUri::Tel(_))));
        for text in ["soap.beep://192.0.2.103:3002", "nobodyKnowsThisScheme:totallyopaquecontent", "urn:service:sos"] {
            let uri: AnyUri = text.parse().unwrap();
            assert!(matches!(uri, AnyUri::Other { .. }));
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in ["", "alan@example.com", ":", "sip:", "1x:y", "http:", "http:a b", "sip", "a<b:c"] {
            assert_eq!(text.parse::<AnyUri>(), Err(ParseError::Uri), "{text}");
        }
    }

    #[test]
    fn debug_output_names_nobody() {
        let uris = ["sip:alice@example.com:5070;x=1", "tel:+4930123", "mailto:alice@example.com"];
        let printed: Vec<_> = uris.iter().map(|u| format!("{:?}", u.parse::<AnyUri>().unwrap())).collect();
        assert_eq!(printed, ["sip:•••@example.com:5070", "tel:•••", "mailto:•••"]);
    }
}
