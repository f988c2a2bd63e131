//! Texts that stand for durations, addresses and names.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Reads `300ms`, `5s`, `2m`, `1h`; `0s` is zero. `None` if it is none of these, or longer than 30 days.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(split)?;
    let number: u64 = digits.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let total = number.checked_mul(millis)?;
    (total <= 30 * 24 * 3_600_000).then(|| Duration::from_millis(total))
}

/// A duration as one writes it.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0s".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ => format!("{millis}ms"),
    }
}

/// A lower-case name such as `sales-menu` or `101`: letters a–z, digits, and `-` inside; at most 64 characters.
pub(crate) fn is_name(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 64
        && text.bytes().all(|c| inner(c) || c == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
}

/// The name that `text` could be: `Sales Menu` → `sales-menu`.
pub(crate) fn nearest_name(text: &str) -> Option<String> {
    let short = if text.len() <= 64 { text } else { return None };
    let lower = short.trim().to_ascii_lowercase().replace([' ', '_', '.'], "-");
    is_name(&lower).then_some(lower)
}

/// A network as `192.0.2.0/24` or `2001:db8::/32`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The first address; bits behind the length are zero.
    pub address: IpAddr,
    /// How many leading bits count.
    pub length: u8,
}

impl Prefix {
    /// Reads a prefix. `None` if the text is none, or if bits behind the length are set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let written = text.split_once('/').map_or(text, |(address, _)| address);
        Self::parse_rounded(text).filter(|prefix| written.parse() == Ok(prefix.address))
    }

    /// Reads a prefix and clears the bits behind its length: what someone meant who wrote an address of the network.
    pub(crate) fn parse_rounded(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(text) if text.bytes().all(|c| c.is_ascii_digit()) => text.parse().ok()?,
            Some(_) => return None,
            None => bits,
        };
        let prefix = Self { address, length };
        (length <= bits).then_some(())?;
        Some(Self { address: prefix.masked(address)?, length })
    }

    /// True if `address` lies in the network. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.masked(address.to_canonical()) == Some(self.address)
    }

    /// `address` with the bits behind the length cleared; `None` if it is of the other family.
    fn masked(&self, address: IpAddr) -> Option<IpAddr> {
        let length = u32::from(self.length);
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(v4)) => {
                let mask = u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0);
                Some(IpAddr::from((v4.to_bits() & mask).to_be_bytes()))
            }
            (IpAddr::V6(_), IpAddr::V6(v6)) => {
                let mask = u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0);
                Some(IpAddr::from((v6.to_bits() & mask).to_be_bytes()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_whole_number_and_a_unit() {
        assert_eq!(duration("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        for bad in ["5", "s", "", "1.5s", "-5s", "5 s", "5S", "31000000h", "99999999999999999999s", "1000h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_name_is_lower_case_with_hyphens_inside() {
        for good in ["a", "101", "sales-menu", "a1-b2"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-", "a-", "-a", "Sales", "sales menu", "sales_menu", "größe"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert_eq!(nearest_name("Sales Menu").as_deref(), Some("sales-menu"));
        assert_eq!(nearest_name("größe"), None);
    }

    #[test]
    fn a_prefix_holds_its_network_and_no_other_address() {
        let net = Prefix::parse("192.0.2.0/24").unwrap();
        let holds = |prefix: &Prefix, text: &str| prefix.contains(text.parse().unwrap());
        assert!(holds(&net, "192.0.2.255") && holds(&net, "::ffff:192.0.2.7"));
        assert!(!holds(&net, "192.0.3.0") && !holds(&net, "2001:db8::1"));
        let v6 = Prefix::parse("2001:db8::/32").unwrap();
        assert!(holds(&v6, "2001:db8:1::1") && !holds(&v6, "2001:db9::1"));
        assert!(holds(&Prefix::parse("0.0.0.0/0").unwrap(), "203.0.113.9"));
        assert!(holds(&Prefix::parse("127.0.0.1").unwrap(), "127.0.0.1"));
        for bad in ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/+8", "localhost", "2001:db8::/129"] {
            assert_eq!(Prefix::parse(bad), None, "{bad}");
        }
    }
}
