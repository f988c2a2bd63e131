//! Telephone events: the payload of RFC 4733 section 2.3, and digits.

use std::fmt;

/// One of the sixteen DTMF digits, RFC 4733 section 3.2 (event codes 0–15).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

/// The digits in the order of their event codes.
const SYMBOLS: &[u8; 16] = b"0123456789*#ABCD";

impl Digit {
    /// The digit of an event code; `None` for codes that are no digit (16 is a hook flash).
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        if code < 16 { Some(Self(code)) } else { None }
    }

    /// The digit that `symbol` names: `0`–`9`, `*`, `#`, `A`–`D` (or `a`–`d`).
    #[must_use]
    pub fn from_char(symbol: char) -> Option<Self> {
        let symbol = u8::try_from(symbol.to_ascii_uppercase()).ok()?;
        let code = SYMBOLS.iter().position(|known| *known == symbol)?;
        u8::try_from(code).ok().map(Self)
    }

    /// The event code, 0–15.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The symbol on the key: `0`–`9`, `*`, `#`, `A`–`D`.
    #[must_use]
    pub fn symbol(self) -> char {
        SYMBOLS.get(usize::from(self.0)).map_or('0', |symbol| char::from(*symbol))
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, self.symbol())
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A digit may be part of an account number: it stays out of logs (base::Pii does the same).
        f.write_str("Digit(•)")
    }
}

/// The four octets of an event packet, RFC 4733 section 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPayload {
    /// The event code as sent; [`Digit::from_code`] says whether it is a digit.
    pub code: u8,
    /// True in the last packets of an event (the E bit).
    pub end: bool,
    /// Power level in dBm0 without its sign, 0–63.
    pub volume: u8,
    /// Time since the event (or its segment) began, in timestamp units.
    pub duration: u16,
}

impl EventPayload {
    /// Reads a payload; `None` if it is shorter than four octets. More octets (redundant or appended events) are left.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [code, flags, high, low] = *payload.first_chunk()?;
        let duration = u16::from_be_bytes([high, low]);
        Some(Self { code, end: flags & 0x80 != 0, volume: flags & 0x3f, duration })
    }

    /// The octets to send.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, ((self.end as u8) << 7) | (self.volume & 0x3f), high, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_the_codes_of_rfc_4733() {
        let symbols: String = (0..16).filter_map(Digit::from_code).map(Digit::symbol).collect();
        assert_eq!(symbols, "0123456789*#ABCD");
        assert_eq!(Digit::from_code(16), None);
        assert_eq!(Digit::from_char('b').map(Digit::code), Some(13));
        assert_eq!(Digit::from_char('E'), None);
        assert_eq!(Digit::from_char('é'), None);
    }

    #[test]
    fn a_payload_prints_and_parses_back() {
        let payload = EventPayload { code: 11, end: true, volume: 10, duration: 800 };
        assert_eq!(payload.to_bytes(), [11, 0x8a, 0x03, 0x20]);
        assert_eq!(EventPayload::parse(&payload.to_bytes()), Some(payload));
        assert_eq!(EventPayload::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn a_digit_stays_out_of_logs() {
        let digit = Digit::from_char('7').unwrap();
        assert_eq!((format!("{digit:?}"), digit.to_string()), ("Digit(•)".to_owned(), "7".to_owned()));
    }
}
