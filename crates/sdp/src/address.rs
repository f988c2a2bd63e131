//! Where media may be sent: connection data (RFC 8866 section 5.7) read into an address that can be used.

use std::net::{IpAddr, SocketAddr};

use compact_str::{CompactString, ToCompactString as _};

use crate::parse::number;
use crate::refusal::Warning;
use crate::{Connection, Description, Media, Refusal};

/// What a c= line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// An address to send to.
    Host(IpAddr),
    /// 0.0.0.0 or `::`: send nothing (RFC 3264 section 8.4).
    Held,
}

impl Connection {
    /// The address, if it is one that this switch can send to.
    fn target(&self) -> Result<Target, Refusal> {
        if self.net_type != "IN" {
            return Err(Refusal::not_acceptable(Warning::NetworkProtocol, "network type other than IN"));
        }
        // Multicast addresses carry a TTL or a count after a slash; a unicast one that does means nothing known.
        let (host, suffix) = self.address.split_once('/').map_or((&*self.address, false), |(host, _)| (host, true));
        let address = match &*self.address_type {
            "IP4" => host.parse().map(IpAddr::V4).ok(),
            // Some put the brackets of a URI around it.
            "IP6" => unbracketed(host).parse().map(IpAddr::V6).ok(),
            _ => return Err(Refusal::not_acceptable(Warning::AddressFormat, "address type other than IP4 and IP6")),
        };
        let odd = |text: &str| Err(Refusal::not_acceptable(Warning::AddressFormat, text));
        match address.map(|address| address.to_canonical()) {
            None => odd("connection address is not an IP address"),
            Some(address) if address.is_multicast() => {
                Err(Refusal::not_acceptable(Warning::Multicast, "multicast address"))
            }
            Some(_) if suffix => odd("unicast connection address with a suffix"),
            Some(address) if address.is_unspecified() => Ok(Target::Held),
            Some(address) if is_odd(address) => odd("connection address is reserved"),
            Some(address) => Ok(Target::Host(address)),
        }
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// True for addresses that no host has: 0/8, 240/4 with the broadcast address, and IPv6 link-local ones, which mean
/// nothing without the interface that SDP cannot name.
fn is_odd(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [0 | 240..=255, ..]),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// Where one m= line of `description` wants its RTP and its RTCP.
///
/// # Errors
/// There is no usable c= line, or the address is of another version of IP than `family`, our own address.
pub(crate) fn endpoints(
    description: &Description,
    media: &Media,
    family: Option<IpAddr>,
) -> Result<(Option<SocketAddr>, Option<SocketAddr>), Refusal> {
    let connection = match &*media.connections {
        [] => description.connection.as_ref().ok_or_else(|| Refusal::malformed("no c= line for the audio"))?,
        [first, rest @ ..] if rest.iter().all(|other| other == first) => first,
        // Several are for layered multicast alone (RFC 8866 section 5.7).
        _ => return Err(Refusal::malformed("several c= lines for the audio")),
    };
    let Target::Host(address) = connection.target()? else {
        return Ok((None, None));
    };
    if family.is_some_and(|ours| ours.to_canonical().is_ipv4() != address.is_ipv4()) {
        return Err(Refusal::not_acceptable(Warning::NetworkProtocol, "IP version not available here"));
    }
    Ok((Some(SocketAddr::new(address, media.port)), rtcp(media, address)))
}

/// a=rtcp (RFC 3605), else the port after RTP's (RFC 3550 section 11). An a=rtcp that does not read, or points where
/// nothing can be sent, means no RTCP, rather than RTCP somewhere else.
fn rtcp(media: &Media, address: IpAddr) -> Option<SocketAddr> {
    let Some(value) = media.attribute("rtcp") else {
        return Some(SocketAddr::new(address, media.port.checked_add(1)?));
    };
    let mut fields = value.split_ascii_whitespace();
    let port = number(fields.next()?).filter(|&port| port != 0)?;
    let rest = [fields.next(), fields.next(), fields.next()];
    let [Some(net_type), Some(address_type), Some(host)] = rest.map(|field| field.map(CompactString::from)) else {
        return Some(SocketAddr::new(address, port));
    };
    match (Connection { net_type, address_type, address: host }).target() {
        Ok(Target::Host(host)) if host.is_ipv4() == address.is_ipv4() => Some(SocketAddr::new(host, port)),
        _ => None,
    }
}

impl From<IpAddr> for Connection {
    fn from(address: IpAddr) -> Self {
        let address_type = if address.is_ipv4() { "IP4" } else { "IP6" };
        Self {
            net_type: CompactString::const_new("IN"),
            address_type: address_type.into(),
            address: address.to_compact_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn target(address_type: &str, address: &str) -> Result<Target, u16> {
        let (address_type, address) = (address_type.into(), address.into());
        Connection { net_type: "IN".into(), address_type, address }.target().map_err(|refusal| refusal.warn_code)
    }

    #[test]
    fn addresses_are_told_apart() {
        let v4 = |a, b, c, d| Ok(Target::Host(Ipv4Addr::new(a, b, c, d).into()));
        let v6: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let cases = [
            ("IP4", "192.0.2.1", v4(192, 0, 2, 1)),
            ("IP4", "127.0.0.1", v4(127, 0, 0, 1)),
            ("IP6", "2001:db8::1", Ok(Target::Host(v6.into()))),
            ("IP6", "[2001:db8::1]", Ok(Target::Host(v6.into()))),
            ("IP6", "::ffff:192.0.2.2", v4(192, 0, 2, 2)),
            ("IP4", "0.0.0.0", Ok(Target::Held)),
            ("IP6", "::", Ok(Target::Held)),
            ("IP4", "224.2.36.42/127", Err(330)),
            ("IP4", "239.1.1.1", Err(330)),
            ("IP6", "ff15::101/3", Err(330)),
            ("IP4", "192.0.2.1/127", Err(301)),
            ("IP4", "255.255.255.255", Err(301)),
            ("IP4", "240.0.0.1", Err(301)),
            ("IP4", "0.1.2.3", Err(301)),
            ("IP6", "fe80::1", Err(301)),
            ("IP4", "2001:db8::1", Err(301)),
            ("IP6", "192.0.2.1", Err(301)),
            ("IP4", "192.0.2", Err(301)),
            ("IP4", "phone.example.com", Err(301)),
            ("E164", "+4930123456", Err(301)),
        ];
        for (address_type, address, expected) in cases {
            assert_eq!(target(address_type, address), expected, "{address_type} {address}");
        }
    }
}
