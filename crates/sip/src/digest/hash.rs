//! The hashes of RFC 7616 3.4, with the algorithms that RFC 8760 lets SIP use.

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256};

/// A hash that we offer and take. SHA-256 comes first (RFC 8760 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// MD5, for phones that know nothing better.
    Md5,
}

impl Algorithm {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// The algorithm of that name, without regard to case. None at all is MD5 (RFC 7616 3.3).
    pub(super) fn read(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self::Md5) };
        [Self::Sha256, Self::Md5].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name))
    }

    /// The hash over `parts` with colons between them, in hexadecimal.
    pub(super) fn join(self, parts: &[&str]) -> String {
        match self {
            Self::Sha256 => join::<Sha256>(parts),
            Self::Md5 => join::<Md5>(parts),
        }
    }
}

fn join<H: Digest>(parts: &[&str]) -> String {
    let mut hasher = H::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            hasher.update(b":");
        }
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Octets in lower-case hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut text = Vec::with_capacity(octets.len() * 2);
    for octet in octets {
        text.extend_from_slice(&[digit(octet >> 4), digit(octet & 15)]);
    }
    // It is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// What proves a user: the hash over user, realm and password (A1) for each algorithm. The password cannot be read from
/// it, but who has it can answer any challenge of the realm: it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    sha256: String,
    md5: String,
}

impl Secret {
    /// The secret of `user` in `realm`.
    #[must_use]
    pub fn of(user: &str, realm: &str, password: &str) -> Self {
        let parts = [user, realm, password];
        Self { sha256: Algorithm::Sha256.join(&parts), md5: Algorithm::Md5.join(&parts) }
    }

    fn ha1(&self, algorithm: Algorithm) -> &str {
        match algorithm {
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Md5 => &self.md5,
        }
    }

    /// The response to a challenge with `qop=auth`; without a count (and its client nonce), as RFC 2069 had it.
    pub(super) fn response(&self, algorithm: Algorithm, asked: &Asked<'_>) -> String {
        let ha2 = algorithm.join(&[asked.method, asked.uri]);
        match asked.count {
            Some((nc, cnonce)) => algorithm.join(&[self.ha1(algorithm), asked.nonce, nc, cnonce, "auth", &ha2]),
            None => algorithm.join(&[self.ha1(algorithm), asked.nonce, &ha2]),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(•••)")
    }
}

/// What a response is computed over, beside the secret.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    /// The nonce count as it stands, and the client's nonce.
    pub(super) count: Option<(&'a str, &'a str)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'static> = Asked {
        method: "GET",
        uri: "/dir/index.html",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        count: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
    };

    #[test]
    fn the_examples_of_rfc_7616_3_9_1_come_out() {
        let secret = Secret::of("Mufasa", "http-auth@example.org", "Circle of Life");
        assert_eq!(secret.response(Algorithm::Md5, &ASKED), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(secret.response(Algorithm::Sha256, &ASKED), sha256);
    }

    #[test]
    fn the_example_of_rfc_2617_3_5_comes_out() {
        let secret = Secret::of("Mufasa", "testrealm@host.com", "Circle Of Life");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let asked = Asked { nonce, count: Some(("00000001", "0a4f113b")), ..ASKED };
        assert_eq!(secret.response(Algorithm::Md5, &asked), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn hexadecimal_has_two_digits_an_octet() {
        assert_eq!(hex(&0x0123_4567_89ab_cdef_u64.to_be_bytes()), "0123456789abcdef");
        assert_eq!((hex(&[0, 255]), hex(&[])), ("00ff".to_owned(), String::new()));
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::of("a", "b", "c")), "Secret(•••)");
    }
}
