//! a=crypto (RFC 4568): the keys of SRTP, told in the description itself.
//!
//! A line tells one suite and the key of whoever sends the line. What RFC 4568 section 6.3 lets a line ask for beyond that
//! (no encryption, no authentication, other key derivation, error correction before encryption) makes it one that we do not
//! take; another of the same offer may do.

use std::fmt::{self, Write as _};

use base::Rng;
use compact_str::CompactString;
use rtp::srtp::{MasterKey, Mki, Suite};

use crate::{Attribute, Description, Media, Refusal};

/// The attribute's name.
pub(crate) const CRYPTO: &str = "crypto";

/// What we offer. Whoever has a tag of 32 bits has that of 80, and the longer keys of counter mode are no match for GCM,
/// so that offers stay short enough for UDP.
const OFFERED: [Suite; 3] = [Suite::AeadAes256Gcm, Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80];

/// Whether the audio is protected, and our keys for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// It is not; what offers protection alone is refused.
    #[default]
    Never,
    /// It is if the peer's offer allows it. Our own offers are plain.
    Allowed(Box<Keys>),
    /// It is, or there is no session.
    Required(Box<Keys>),
}

impl Security {
    pub(crate) fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Never => None,
            Self::Allowed(keys) | Self::Required(keys) => Some(keys),
        }
    }

    pub(crate) const fn is_required(&self) -> bool {
        matches!(self, Self::Required(_))
    }
}

/// Our master keys in one dialog, one for each suite: what we offer or answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    keys: [MasterKey; Suite::ALL.len()],
    in_use: Option<Suite>,
}

impl Keys {
    /// New ones.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        Self { keys: Suite::ALL.map(|suite| MasterKey::random(suite, rng)), in_use: None }
    }

    /// Takes up what was agreed. A key that was in use before must not come back, as its packets would be counted from the
    /// beginning again: all but the one that is in use now are replaced then.
    pub fn settle(&mut self, agreed: Option<&Srtp>, rng: &mut Rng) {
        let in_use = agreed.map(|srtp| srtp.local.suite());
        if self.in_use.is_some() && self.in_use != in_use {
            for key in self.keys.iter_mut().filter(|key| Some(key.suite()) != in_use) {
                *key = MasterKey::random(key.suite(), rng);
            }
        }
        self.in_use = in_use;
    }

    /// What is offered: if one is in use, that alone.
    fn offered(&self) -> impl Iterator<Item = &MasterKey> {
        let wanted = |suite| self.in_use.map_or_else(|| OFFERED.contains(&suite), |in_use| suite == in_use);
        self.keys.iter().filter(move |key| wanted(key.suite()))
    }

    fn of(&self, suite: Suite) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.suite() == suite)
    }
}

/// What two sides came to about protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Srtp {
    /// What we protect with.
    pub local: MasterKey,
    /// What the peer protects with.
    pub remote: MasterKey,
    /// What each of the peer's packets bears besides, if its line says so.
    pub mki: Option<Mki>,
}

/// An a=crypto line that we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crypto {
    pub tag: u32,
    pub key: MasterKey,
    pub mki: Option<Mki>,
}

impl Crypto {
    /// Reads a line's value; `None` for one that is malformed, of an unknown suite, or asks for what we do not do.
    fn parse(value: &str) -> Option<Self> {
        let mut fields = value.split_ascii_whitespace();
        let tag = decimal(fields.next()?).filter(|tag| *tag < 1_000_000_000)?;
        let suite = Suite::named(fields.next()?)?;
        let (key, mki) = inline(suite, fields.next()?)?;
        // Several keys are told by their MKIs (section 6.1); nobody is known to send them.
        if !fields.all(is_harmless) {
            return None;
        }
        Some(Self { tag: u32::try_from(tag).ok()?, key, mki })
    }

    /// The lines of `media` that we understand, in its order.
    fn lines(media: &Media) -> impl Iterator<Item = Self> {
        media.values(CRYPTO).filter_map(Self::parse)
    }

    fn attribute(tag: u32, key: &MasterKey) -> Attribute {
        Attribute::new(CRYPTO, format_args!("{tag} {} inline:{}", key.suite(), Base64(key.reveal())))
    }
}

/// The lines of an offer of ours.
pub(crate) fn offer(keys: &Keys) -> impl Iterator<Item = Attribute> {
    (1..).zip(keys.offered()).map(|(tag, key)| Crypto::attribute(tag, key))
}

/// Of what an offered line lists, the suite that is in use, else the one that we like best; with the line to answer. `None`
/// if it lists none that we have.
pub(crate) fn answer(media: &Media, keys: &Keys) -> Option<(Srtp, Attribute)> {
    let best = Crypto::lines(media).min_by_key(|line| (Some(line.key.suite()) != keys.in_use, line.key.suite()))?;
    let local = keys.of(best.key.suite())?;
    let srtp = Srtp { local: *local, remote: best.key, mki: best.mki };
    Some((srtp, Crypto::attribute(best.tag, local)))
}

/// What the answered line makes of ours (section 5.1.3).
pub(crate) fn conclude(ours: &Media, theirs: &Media) -> Result<Srtp, Refusal> {
    let mut answered = theirs.values(CRYPTO);
    let chosen = answered.next().and_then(Crypto::parse).filter(|_| answered.next().is_none());
    let chosen = chosen.ok_or_else(|| Refusal::malformed("answer without one a=crypto that can be read"))?;
    let taken = |line: &Crypto| line.tag == chosen.tag && line.key.suite() == chosen.key.suite();
    let line = Crypto::lines(ours).find(taken);
    let line = line.ok_or_else(|| Refusal::malformed("answer with another a=crypto than was offered"))?;
    Ok(Srtp { local: line.key, remote: chosen.key, mki: chosen.mki })
}

impl Description {
    /// True if protection is offered in any way: keys of ours are wanted to answer it.
    #[must_use]
    pub fn offers_srtp(&self) -> bool {
        let has_keys = |media: &Media| media.values(CRYPTO).next().is_some();
        self.media.iter().any(|media| has_keys(media) || media.protocol.to_ascii_uppercase().starts_with("RTP/SAVP"))
    }
}

/// `inline:KEY||SALT[|lifetime][|MKI:length]` (section 6.1). How long a key lives is its sender's matter: it sends a new one
/// in time. 2³¹ reports or 2⁴⁸ packets of ours never come together in a call.
fn inline(suite: Suite, text: &str) -> Option<(MasterKey, Option<Mki>)> {
    let (method, text) = text.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let mut parts = text.split('|');
    let key = MasterKey::new(suite, &decode(parts.next()?)?)?;
    let mki = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => None,
        (Some(mki), None, _) if mki.contains(':') => Some(self::mki(mki)?),
        (Some(lifetime), None, _) if is_lifetime(lifetime) => None,
        (Some(lifetime), Some(mki), None) if is_lifetime(lifetime) => Some(self::mki(mki)?),
        _ => return None,
    };
    Some((key, mki))
}

/// `2^N` or a number of packets.
fn is_lifetime(text: &str) -> bool {
    match text.strip_prefix("2^") {
        Some(power) => decimal(power).is_some_and(|power| power <= 48),
        None => decimal(text).is_some_and(|packets| packets > 0),
    }
}

/// `value:length`.
fn mki(text: &str) -> Option<Mki> {
    let (value, length) = text.split_once(':')?;
    Mki::new(decimal(value)?, u8::try_from(decimal(length)?).ok()?)
}

/// True for a session parameter that changes nothing for us (section 6.3): the size of the replay window is a hint, a key
/// derivation rate of 0 is what we have, and what begins with a minus may be passed over.
fn is_harmless(parameter: &str) -> bool {
    parameter.starts_with('-') || parameter.starts_with("WSH=") || parameter == "KDR=0"
}

/// Digits alone.
fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Octets as base64 (RFC 4648 section 4).
struct Base64<'a>(&'a [u8]);

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.chunks(3) {
            let octets = chunk.iter().chain([&0, &0]).take(3);
            let bits = octets.fold(0u32, |bits, octet| bits << 8 | u32::from(*octet));
            for place in 0..4 {
                let symbol = SYMBOLS.get((bits >> (18 - 6 * place)) as usize & 63).filter(|_| place <= chunk.len());
                f.write_char(symbol.map_or('=', |symbol| char::from(*symbol)))?;
            }
        }
        Ok(())
    }
}

/// Base64 read; some leave the `=` at its end out.
fn decode(text: &str) -> Option<Vec<u8>> {
    // No key is longer.
    if text.len() > 64 {
        return None;
    }
    let text = text.trim_end_matches('=');
    let mut octets = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0u32, 0);
    for symbol in text.bytes() {
        let value = SYMBOLS.iter().position(|known| *known == symbol)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    // What is left over is part of no octet, and less than a symbol.
    (count < 6 && bits & ((1 << count) - 1) == 0).then_some(octets)
}

/// The value that a `Debug` text shows of an attribute.
pub(crate) fn shown<'a>(name: &str, value: &'a Option<CompactString>) -> Option<&'a str> {
    if name.eq_ignore_ascii_case(CRYPTO) { value.as_ref().map(|_| "(hidden)") } else { value.as_deref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4568 section 6.1's key.
    const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

    fn read(parameters: &str) -> Option<Crypto> {
        Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 {parameters}"))
    }

    #[test]
    fn lines_are_read() {
        let plain = read(&format!("inline:{KEY}")).unwrap();
        assert_eq!(plain.key.reveal(), b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ");
        assert_eq!((plain.tag, plain.mki), (1, None));
        for (parameters, mki) in [
            (format!("inline:{KEY}|2^20"), None),
            (format!("inline:{KEY}|2^48 WSH=128"), None),
            (format!("INLINE:{KEY}|1048576 KDR=0 -future"), None),
            (format!("inline:{KEY}|2^20|1:4"), Mki::new(1, 4)),
            (format!("inline:{KEY}|1:32"), Mki::new(1, 32)),
        ] {
            assert_eq!(read(&parameters), Some(Crypto { mki, ..plain }), "{parameters}");
        }
    }

    #[test]
    fn what_asks_for_more_or_less_is_no_line_of_ours() {
        for parameters in [
            format!("inline:{KEY} UNENCRYPTED_SRTP"),
            format!("inline:{KEY} UNENCRYPTED_SRTCP"),
            format!("inline:{KEY} WSH=64 UNAUTHENTICATED_SRTP"),
            format!("inline:{KEY} KDR=1"),
            format!("inline:{KEY} FEC_ORDER=FEC_SRTP"),
            format!("inline:{KEY} FEC_KEY=inline:{KEY}"),
            format!("inline:{KEY} new"),
            format!("inline:{KEY}|1:4;inline:{KEY}|2:4"),
            format!("inline:{KEY}|"),
            format!("inline:{KEY}|2^49"),
            format!("inline:{KEY}|0"),
            format!("inline:{KEY}|2^20|300:1"),
            format!("inline:{KEY}|2^20|1:4|5"),
            format!("inline:{KEY}|2^20|1:200"),
            format!("inline:{}", &KEY[1..]),
            format!("inline:{}", &KEY[4..]),
            format!("inline:{KEY}AAAA"),
            format!("inline:{}*", &KEY[1..]),
            "inline:".to_owned(),
            format!("uri:{KEY}"),
            KEY.to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&parameters), None, "{parameters}");
        }
        for line in ["", "1", "x AES_CM_128_HMAC_SHA1_80 k", "1 F8_128_HMAC_SHA1_80 inline:k", "+1 AES"] {
            assert_eq!(Crypto::parse(line), None, "{line}");
        }
        let long = format!("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
        assert_eq!(Crypto::parse(&long), None);
    }

    #[test]
    fn our_lines_are_read_back_for_every_suite() {
        let keys = Keys::random(&mut Rng::from_number(1));
        for key in &keys.keys {
            let attribute = Crypto::attribute(7, key);
            let value = attribute.value.clone().unwrap();
            assert_eq!(Crypto::parse(&value), Some(Crypto { tag: 7, key: *key, mki: None }));
            assert_eq!(Crypto::parse(value.trim_end_matches('=')), Some(Crypto { tag: 7, key: *key, mki: None }));
            assert_eq!(format!("{attribute:?}"), "Attribute { name: \"crypto\", value: Some(\"(hidden)\") }");
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (clear, encoded) in pairs {
            assert_eq!(Base64(clear.as_bytes()).to_string(), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(clear.as_bytes()));
        }
        for odd in ["Z", "Zh==", "Zm9=", "Zm 9v", "Zm9v\u{e9}"] {
            assert_eq!(decode(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_key_that_was_in_use_does_not_come_back() {
        let mut rng = Rng::from_number(1);
        let first = Keys::random(&mut rng);
        let srtp = |keys: &Keys, n: usize| Srtp { local: keys.keys[n], remote: keys.keys[n], mki: None };
        let kept =
            |keys: &Keys, old: &Keys| -> Vec<usize> { (0..6).filter(|n| keys.keys[*n] == old.keys[*n]).collect() };
        let mut keys = first.clone();
        for _ in 0..2 {
            keys.settle(Some(&srtp(&first, 1)), &mut rng);
            assert_eq!(kept(&keys, &first), [0, 1, 2, 3, 4, 5], "nothing else was in use");
        }
        keys.settle(Some(&srtp(&first, 3)), &mut rng);
        assert_eq!(kept(&keys, &first), [3]);
        keys.settle(None, &mut rng);
        assert_eq!(kept(&keys, &first), []);
    }
}
