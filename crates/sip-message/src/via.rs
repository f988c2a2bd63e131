//! Via values (RFC 3261 section 20.42) and where a response goes.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::build::push_number;
use crate::{Host, Params, ParseError, Str, chars, figures, host};

/// The start of every branch that names its transaction alone (RFC 3261 section 8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// The port that a Via without one means, for UDP and TCP.
const DEFAULT_PORT: u16 = 5060;

/// The transport that a Via names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
    /// Any other token, which is no fault (RFC 4475 section 3.1.1.10).
    Other(Str),
}

impl Transport {
    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Other(name) => name,
        }
    }

    fn parse_in(source: &Str, text: &str) -> Option<Self> {
        let known = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];
        match known.into_iter().find(|t| t.as_str().eq_ignore_ascii_case(text)) {
            Some(known) => Some(known),
            None => chars::is_token(text).then(|| Self::Other(source.share(text))),
        }
    }
}

/// One Via value: a hop that the request took, and the way back for its responses.
#[derive(Clone, PartialEq, Eq)]
pub struct Via {
    /// The transport.
    pub transport: Transport,
    /// The host of sent-by.
    pub host: Host,
    /// The port of sent-by, if it is written.
    pub port: Option<u16>,
    /// All parameters.
    pub params: Params,
}

impl Via {
    /// A Via of our own: `SIP/2.0/TRANSPORT sent-by;branch=…;rport` (RFC 3581 asks for the empty rport).
    #[must_use]
    pub fn new(transport: Transport, sent_by: SocketAddr, branch: &str) -> Self {
        let params = Params::NONE.with("branch", Some(branch)).with("rport", None);
        Self { transport, host: sent_by.ip().into(), port: Some(sent_by.port()), params }
    }

    /// The branch as it is written.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// The branch if it names its transaction alone, that is, if something follows the magic cookie. Else the
    /// transaction is found as RFC 2543 did (RFC 3261 section 17.2.3).
    #[must_use]
    pub fn unique_branch(&self) -> Option<&str> {
        self.branch().filter(|b| {
            b.len() > MAGIC_COOKIE.len() && b.get(..7).is_some_and(|c| c.eq_ignore_ascii_case(MAGIC_COOKIE))
        })
    }

    /// The address that the request came from, if a server noted it.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        host::bare_ip(self.params.value("received")?)
    }

    /// The port that the request came from, if a server noted it (RFC 3581).
    #[must_use]
    pub fn rport(&self) -> Option<u16> {
        chars::number(self.params.value("rport")?)
    }

    /// True if `rport` is there: responses are to go to the port that the request came from.
    #[must_use]
    pub fn wants_rport(&self) -> bool {
        self.params.has("rport")
    }

    /// Reads one whole value, a piece of `source`. The protocol must be SIP, of any version if `any_version`
    /// (for the answer to a request of another version).
    pub(crate) fn parse_in(source: &Str, text: &str, any_version: bool) -> Option<Self> {
        let (protocol, rest) = chars::split(text, b'/')?;
        let (version, rest) = chars::split(rest, b'/')?;
        if !chars::trim(protocol).eq_ignore_ascii_case("SIP") || !(any_version || chars::trim(version) == "2.0") {
            return None;
        }
        let rest = chars::trim_start(rest);
        let (transport, rest) = rest.split_at(rest.find([' ', '\t'])?);
        let (sent_by, params) = chars::before(rest, b';');
        let (host, port) = Host::parse_with_port(source, chars::trim(sent_by))?;
        let transport = Transport::parse_in(source, transport)?;
        Some(Self { transport, host, port, params: Params::parse_in(source, params)? })
    }
}

impl FromStr for Via {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let source = Str::from(text);
        Self::parse_in(&source, chars::trim(&source), false).ok_or(ParseError::Via)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SIP/2.0/")?;
        f.write_str(self.transport.as_str())?;
        f.write_str(" ")?;
        fmt::Display::fmt(&self.host, f)?;
        if let Some(port) = self.port {
            f.write_str(":")?;
            figures::write_number(f, u32::from(port))?;
        }
        fmt::Display::fmt(&self.params, f)
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the responses to a request go that came over UDP from `source` with `via` on top: to the address that it came
/// from, at the port that it came from if `rport` asks for that (RFC 3581), else at the port of sent-by (RFC 3261
/// section 18.2.2). A sender who names a private address that he did not send from sits behind a NAT, where only the port
/// that he sent from leads back to him, whether he asks for that or not. `maddr` is not followed: it serves multicast, which we do not, and would let a stranger point our
/// responses at others.
#[must_use]
pub fn response_destination(via: &Via, source: SocketAddr) -> SocketAddr {
    let behind_nat = via.host.ip().is_some_and(|ip| is_private(ip) && ip.to_canonical() != source.ip().to_canonical());
    if via.wants_rport() || behind_nat {
        return source;
    }
    SocketAddr::new(source.ip(), via.port.unwrap_or(DEFAULT_PORT))
}

/// True for addresses that lead nowhere from other networks: private, shared, link-local, loopback.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || ip.is_unspecified() || shared
        }
        IpAddr::V6(ip) => {
            let first = ip.segments().first().copied().unwrap_or(0);
            ip.is_loopback() || ip.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}

/// Writes the topmost Via of a request as its responses carry it: `value` as it came, with `received` if the source is
/// another address than sent-by says, and both `received` and `rport` if rport was asked for (RFC 3261 section 18.2.1,
/// RFC 3581 section 4). What the request claimed about these two is dropped.
pub(crate) fn mark_source(marked: &mut Vec<u8>, value: &str, via: &Via, source: SocketAddr) {
    let (sent_by, params) = chars::before(value, b';');
    marked.extend_from_slice(chars::trim(sent_by).as_bytes());
    let mut rest = params.strip_prefix(';');
    while let Some(text) = rest {
        let (param, tail) = chars::cut(text, b';');
        let name = chars::trim(chars::before(param, b'=').0);
        if !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport") {
            marked.push(b';');
            marked.extend_from_slice(chars::trim(param).as_bytes());
        }
        rest = tail;
    }
    let symmetric = via.wants_rport();
    if symmetric || via.host.ip() != Some(source.ip()) {
        marked.extend_from_slice(b";received=");
        push_ip(marked, source.ip());
    }
    if symmetric {
        marked.extend_from_slice(b";rport=");
        push_number(marked, usize::from(source.port()));
    }
}

/// Writes an address; one of IPv4 without `write!`, which takes several times as long.
fn push_ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (place, octet) in ip.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                push_number(out, usize::from(octet));
            }
        }
        // Writing to a Vec cannot fail.
        IpAddr::V6(ip) => drop(write!(out, "{ip}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(text: &str) -> Via {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn a_via_is_read_with_white_space_in_all_allowed_places() {
        let read = via("SIP  /   2.0    /UDP     192.0.2.2 : 5070 ; branch=\t390skdjuw ;rport");
        assert_eq!((read.transport.clone(), read.port, read.branch()), (Transport::Udp, Some(5070), Some("390skdjuw")));
        assert!(read.wants_rport() && read.rport().is_none());
        assert_eq!(read.to_string(), "SIP/2.0/UDP 192.0.2.2:5070;branch=390skdjuw;rport");
    }

    #[test]
    fn unknown_transports_are_no_fault() {
        assert_eq!(via("SIP/2.0/UNKNOWN t4.example.com").transport.as_str(), "UNKNOWN");
        assert_eq!(via("SIP/2.0/tls t4.example.com").transport, Transport::Tls);
    }

    #[test]
    fn malformed_vias_are_refused() {
        let wrong = [
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 h",
            "HTTP/2.0/UDP h",
            "SIP/7.0/UDP h",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP 2001:db8::1",
            "SIP/2.0/U@P h",
            "SIP/2.0/UDP a b",
            "",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Via>(), Err(ParseError::Via), "{text}");
        }
    }

    #[test]
    fn a_branch_names_its_transaction_only_with_something_after_the_cookie() {
        assert_eq!(via("SIP/2.0/UDP h;branch=z9hG4bKx").unique_branch(), Some("z9hG4bKx"));
        assert_eq!(via("SIP/2.0/UDP h;branch=z9hG4bK").unique_branch(), None);
        assert_eq!(via("SIP/2.0/UDP h;branch=390skdjuw").unique_branch(), None);
        assert_eq!(via("SIP/2.0/UDP h").unique_branch(), None);
    }

    #[test]
    fn responses_go_to_the_source_and_to_its_port_if_rport_asks() {
        let source: SocketAddr = "198.51.100.7:40000".parse().unwrap();
        let to = |text: &str| response_destination(&via(text), source).to_string();
        assert_eq!(to("SIP/2.0/UDP 10.0.0.1:5070;rport"), "198.51.100.7:40000");
        assert_eq!(to("SIP/2.0/UDP 192.0.2.1:5070"), "198.51.100.7:5070");
        assert_eq!(to("SIP/2.0/UDP 192.0.2.1"), "198.51.100.7:5060");
        assert_eq!(to("SIP/2.0/UDP h:5070"), "198.51.100.7:5070");
        assert_eq!(to("SIP/2.0/UDP 192.0.2.1;received=203.0.113.9;maddr=203.0.113.8"), "198.51.100.7:5060");
    }

    #[test]
    fn who_names_a_private_address_that_he_did_not_send_from_is_answered_where_he_sent_from() {
        let to = |text: &str, source: &str| response_destination(&via(text), source.parse().unwrap()).to_string();
        for host in ["10.0.0.1:5070", "192.168.1.2", "172.16.0.1:5060", "100.64.0.1", "169.254.1.1", "127.0.0.1:5070"] {
            assert_eq!(to(&format!("SIP/2.0/UDP {host}"), "198.51.100.7:40000"), "198.51.100.7:40000", "{host}");
        }
        for host in ["[fd00::1]:5070", "[fe80::1]"] {
            assert_eq!(to(&format!("SIP/2.0/UDP {host}"), "[2001:db8::7]:40000"), "[2001:db8::7]:40000", "{host}");
        }
        // It is his own address: his port is the one that he says.
        assert_eq!(to("SIP/2.0/UDP 10.0.0.1:5070", "10.0.0.1:40000"), "10.0.0.1:5070");
        assert_eq!(to("SIP/2.0/UDP 10.0.0.1:5070", "[::ffff:10.0.0.1]:40000"), "[::ffff:10.0.0.1]:5070");
    }

    #[test]
    fn the_source_is_noted_where_it_differs_or_is_asked_for() {
        let source: SocketAddr = "198.51.100.7:40000".parse().unwrap();
        let marked = |text: &str| {
            let mut out = Vec::new();
            mark_source(&mut out, text, &via(text), source);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(marked("SIP/2.0/UDP 198.51.100.7;branch=x"), "SIP/2.0/UDP 198.51.100.7;branch=x");
        assert_eq!(marked("SIP/2.0/UDP h;branch=x"), "SIP/2.0/UDP h;branch=x;received=198.51.100.7");
        assert_eq!(
            marked("SIP/2.0/UDP 198.51.100.7;rport;branch=x;received=1.2.3.4"),
            "SIP/2.0/UDP 198.51.100.7;branch=x;received=198.51.100.7;rport=40000"
        );
    }
}
