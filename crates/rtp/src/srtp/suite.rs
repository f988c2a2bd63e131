//! The crypto suites that SDP names, and master keys.

use std::fmt;

use base::Rng;

/// A crypto suite: cipher, length of the key, authentication. Named as in RFC 4568 section 6.2, RFC 6188 and RFC 7714.
///
/// The order is that of our preference: authenticated encryption first, and of two alike the one with the longer key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// AES-GCM with a key of 256 bits (RFC 7714).
    AeadAes256Gcm,
    /// AES-GCM with a key of 128 bits (RFC 7714).
    AeadAes128Gcm,
    /// AES in counter mode with 256 bits, HMAC-SHA1 cut to 80 bits (RFC 6188).
    Aes256CmHmacSha1_80,
    /// AES in counter mode with 128 bits, HMAC-SHA1 cut to 80 bits: what every phone has (RFC 3711).
    AesCm128HmacSha1_80,
    /// AES in counter mode with 256 bits, HMAC-SHA1 cut to 32 bits for RTP (RFC 6188).
    Aes256CmHmacSha1_32,
    /// AES in counter mode with 128 bits, HMAC-SHA1 cut to 32 bits for RTP (RFC 3711).
    AesCm128HmacSha1_32,
}

impl Suite {
    /// All suites, the preferred one first.
    pub const ALL: [Self; 6] = [
        Self::AeadAes256Gcm,
        Self::AeadAes128Gcm,
        Self::Aes256CmHmacSha1_80,
        Self::AesCm128HmacSha1_80,
        Self::Aes256CmHmacSha1_32,
        Self::AesCm128HmacSha1_32,
    ];

    /// The name in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::Aes256CmHmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::Aes256CmHmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// The suite of that name. Case counts (RFC 4568 section 9.1).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Octets of the master key without its salt.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::Aes256CmHmacSha1_80 | Self::Aes256CmHmacSha1_32 => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 16,
        }
    }

    /// Octets of the master salt.
    #[must_use]
    pub const fn salt_length(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Octets of key and salt together: what SDP's `inline:` holds.
    #[must_use]
    pub const fn master_length(self) -> usize {
        self.key_length() + self.salt_length()
    }

    /// True for AES-GCM.
    pub(crate) const fn is_aead(self) -> bool {
        matches!(self, Self::AeadAes256Gcm | Self::AeadAes128Gcm)
    }

    /// Octets of the tag of an RTP packet. That of RTCP has 10 with HMAC-SHA1, whatever the suite (RFC 4568 section 6.2.2).
    pub(crate) const fn rtp_tag(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 16,
            Self::Aes256CmHmacSha1_80 | Self::AesCm128HmacSha1_80 => 10,
            Self::Aes256CmHmacSha1_32 | Self::AesCm128HmacSha1_32 => 4,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The longest key with its salt.
const LONGEST: usize = 46;

/// A master key with its salt, of one direction of one session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    octets: [u8; LONGEST],
}

impl MasterKey {
    /// The key followed by its salt, as SDP's `inline:` holds them; `None` if there are not [`Suite::master_length`] octets.
    #[must_use]
    pub fn new(suite: Suite, octets: &[u8]) -> Option<Self> {
        if octets.len() != suite.master_length() {
            return None;
        }
        let mut key = Self { suite, octets: [0; LONGEST] };
        key.octets.iter_mut().zip(octets).for_each(|(place, octet)| *place = *octet);
        Some(key)
    }

    /// A new key; as hard to guess as the generator's seed.
    #[must_use]
    pub fn random(suite: Suite, rng: &mut Rng) -> Self {
        let mut key = Self { suite, octets: [0; LONGEST] };
        for chunk in key.octets.chunks_mut(8) {
            chunk.iter_mut().zip(rng.u64().to_be_bytes()).for_each(|(place, octet)| *place = octet);
        }
        // What is behind the suite's length counts in no comparison.
        key.octets.iter_mut().skip(suite.master_length()).for_each(|octet| *octet = 0);
        key
    }

    /// What it is a key of.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Key and salt, to be told to the peer and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        self.octets.get(..self.suite.master_length()).unwrap_or_default()
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.octets.get(..self.suite.key_length()).unwrap_or_default()
    }

    /// The salt, with zeros behind it where it is shorter than that of counter mode (RFC 7714 section 11).
    pub(crate) fn salt(&self) -> [u8; 14] {
        let mut salt = [0; 14];
        let octets = self.octets.iter().skip(self.suite.key_length()).take(self.suite.salt_length());
        salt.iter_mut().zip(octets).for_each(|(place, octet)| *place = *octet);
        salt
    }
}

/// The suite alone.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.suite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_found_by_name_and_stand_in_order() {
        for suite in Suite::ALL {
            assert_eq!(Suite::named(suite.name()), Some(suite));
            assert!(suite.master_length() <= LONGEST);
        }
        assert!(Suite::ALL.is_sorted());
        assert_eq!(Suite::named("aes_cm_128_hmac_sha1_80"), None);
        assert_eq!(Suite::named("F8_128_HMAC_SHA1_80"), None);
    }

    #[test]
    fn a_key_has_its_suites_length_and_tells_nothing() {
        let octets: Vec<u8> = (1..=30).collect();
        let key = MasterKey::new(Suite::AesCm128HmacSha1_80, &octets).unwrap();
        assert_eq!(key.reveal(), octets);
        assert_eq!(key.key(), &octets[..16]);
        assert_eq!(key.salt(), octets[16..]);
        assert_eq!(format!("{key:?}"), "MasterKey(AES_CM_128_HMAC_SHA1_80)");
        assert!(MasterKey::new(Suite::AesCm128HmacSha1_80, &octets[1..]).is_none());
        assert!(MasterKey::new(Suite::AeadAes128Gcm, &octets).is_none());
    }

    #[test]
    fn random_keys_differ_and_repeat_with_their_seed() {
        for suite in Suite::ALL {
            let mut rng = Rng::from_number(3);
            let (a, b) = (MasterKey::random(suite, &mut rng), MasterKey::random(suite, &mut rng));
            assert_ne!(a, b);
            assert_eq!(a, MasterKey::random(suite, &mut Rng::from_number(3)));
            assert_eq!(MasterKey::new(suite, a.reveal()), Some(a));
            assert!(a.reveal().iter().any(|octet| *octet != 0));
        }
    }
}
