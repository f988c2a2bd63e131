//! When two SIP URIs mean the same (RFC 3261 section 19.1.4).

use super::Uri;
use super::sip::decoded;
use crate::chars;

/// Parameters that count as different when one URI alone has them. The section's text names the first four;
/// its examples count `transport` too.
const COUNT_WHEN_ALONE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri {
    /// True if both mean the same resource: RFC 3261 section 19.1.4.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.scheme() == other.scheme()
            && chars::unescaped_bytes(self.raw_user()).eq(chars::unescaped_bytes(other.raw_user()))
            && self.raw_password().map(decoded) == other.raw_password().map(decoded)
            && self.host() == other.host()
            && self.port() == other.port()
            && params_agree(self, other)
            && params_agree(other, self)
            && headers(self) == headers(other)
    }
}

/// Every parameter of `a` has the same value in `b`, or is missing there and may be.
fn params_agree(a: &Uri, b: &Uri) -> bool {
    a.params().iter().all(|(name, _)| {
        let name = decoded(name);
        if b.has_param(&name) {
            let value = |uri: &Uri| uri.param(&name).map(|v| v.to_ascii_lowercase());
            return value(a) == value(b);
        }
        !COUNT_WHEN_ALONE.iter().any(|n| n.eq_ignore_ascii_case(&name))
    })
}

/// Header fields in an order of their own, decoded.
fn headers(uri: &Uri) -> Vec<(String, String)> {
    let mut headers: Vec<_> = uri
        .raw_headers()
        .split('&')
        .map(|header| {
            let (name, value) = header.split_once('=').unwrap_or((header, ""));
            (decoded(name).to_ascii_lowercase(), decoded(value).into_owned())
        })
        .collect();
    headers.sort_unstable();
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(a: &str, b: &str) -> bool {
        let (a, b): (Uri, Uri) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(a.matches(&b), b.matches(&a), "symmetric");
        a.matches(&b)
    }

    #[test]
    fn the_equal_pairs_of_the_rfc_are_equal() {
        let pairs = [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ];
        for (a, b) in pairs {
            assert!(matches(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_unequal_pairs_of_the_rfc_are_unequal() {
        let pairs = [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:a@h", "sips:a@h"),
            ("sip:%00@h", "sip:%00%00@h"),
            ("sip:a@h", "sip:a@h;user=phone"),
        ];
        for (a, b) in pairs {
            assert!(!matches(a, b), "{a} {b}");
        }
    }
}
