//! Hosts of URIs and Via values.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::{ParseError, Str, chars, figures};

/// A host: an address, or a name that is still to be resolved.
#[derive(Clone, Debug)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, which stands in brackets on the wire.
    V6(Ipv6Addr),
    /// A domain name.
    Name(Str),
}

impl Host {
    /// The address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
            Self::Name(_) => None,
        }
    }

    /// Reads `text`, a piece of `source`.
    pub(crate) fn parse_in(source: &Str, text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            return ipv6(inner.strip_suffix(']')?).map(Self::V6);
        }
        if text.starts_with(|c: char| c.is_ascii_digit())
            && let Ok(ip) = text.parse()
        {
            return Some(Self::V4(ip));
        }
        chars::is_host_name(text).then(|| Self::Name(source.share(text)))
    }

    /// Reads `host[:port]`; white space round the colon is allowed, as Via has it.
    pub(crate) fn parse_with_port(source: &Str, text: &str) -> Option<(Self, Option<u16>)> {
        let text = chars::trim(text);
        // Only an IPv6 address has colons of its own, and it stands in brackets.
        let after_brackets = if text.starts_with('[') { text.find(']').map_or(0, |at| at + 1) } else { 0 };
        let colon = text.bytes().skip(after_brackets).position(|octet| octet == b':').map(|at| after_brackets + at);
        let Some(colon) = colon else { return Some((Self::parse_in(source, text)?, None)) };
        let host = Self::parse_in(source, chars::trim(text.get(..colon)?))?;
        let port: u16 = chars::number(chars::trim(text.get(colon + 1..)?))?;
        (port != 0).then_some((host, Some(port)))
    }
}

/// Reads an IPv6 address. The grammar of RFC 3261 allowed three colons before an embedded IPv4 address by mistake, and
/// asks receivers to bear them (RFC 5118 section 4.10).
pub(crate) fn ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| text.replacen(":::", "::", 1).parse().ok().filter(|_| text.contains(":::")))
}

/// Reads an address as `received` carries it: an IPv6 one with or without brackets (RFC 5118 section 4.5).
pub(crate) fn bare_ip(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    inner.parse::<Ipv4Addr>().map(IpAddr::V4).ok().or_else(|| ipv6(inner).map(IpAddr::V6))
}

/// Names are equal without regard to case (RFC 3261 section 19.1.4).
impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_ascii_case(b),
            _ => self.ip().is_some() && self.ip() == other.ip(),
        }
    }
}

impl Eq for Host {}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(ip),
        }
    }
}

impl FromStr for Host {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse_in(&Str::EMPTY, text).ok_or(ParseError::Host)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => figures::write_ipv4(f, *ip),
            Self::V6(ip) => write!(f, "[{ip}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_port(text: &str) -> Option<(String, Option<u16>)> {
        Host::parse_with_port(&Str::EMPTY, text).map(|(host, port)| (host.to_string(), port))
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let cases = [
            ("example.com", "example.com", None),
            ("example.com : 5070", "example.com", Some(5070)),
            ("192.0.2.1:5060", "192.0.2.1", Some(5060)),
            ("[2001:db8::10:5070]", "[2001:db8::10:5070]", None),
            ("[2001:db8::10]:5070", "[2001:db8::10]", Some(5070)),
            ("[::ffff:192.0.2.2]:19823", "[::ffff:192.0.2.2]", Some(19823)),
            ("[2001:db8:::192.0.2.1]", "[2001:db8::c000:201]", None),
            ("my_pbx", "my_pbx", None),
        ];
        for (text, host, port) in cases {
            assert_eq!(with_port(text), Some((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in
            ["2001:db8::10", "[2001:db8::10", "[1.2.3.4]", "a b", "", ".", "h:", "h:0", "h:65536", "h:-1", "h@i"]
        {
            assert_eq!(with_port(text), None, "{text}");
        }
    }

    #[test]
    fn received_may_carry_brackets_or_none() {
        assert_eq!(bare_ip("[2001:db8::9:255]"), bare_ip("2001:db8::9:255"));
        assert!(bare_ip("192.0.2.1").is_some());
        assert_eq!(bare_ip("host"), None);
    }

    #[test]
    fn names_are_equal_without_regard_to_case() {
        assert_eq!("Example.COM".parse::<Host>(), "example.com".parse());
        assert_ne!("192.0.2.1".parse::<Host>(), "192.0.2.2".parse());
    }
}
