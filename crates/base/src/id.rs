//! Ids of calls, legs, offers, …: sortable by time, unique over restarts and over the nodes of an exchange.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Wall;

/// Bits of an id below the node's: 41 bits of milliseconds at the start (to the year 2039) and 13 for a counter that
/// runs on into the milliseconds, so that ids stay unique as long as fewer than 8 are taken a microsecond.
const COUNTER_BITS: u32 = 54;
const TIME_SHIFT: u32 = 13;

/// Gives ids to everything that one node makes. Ids of one generator only grow.
#[derive(Clone, Debug)]
pub struct IdGen {
    next: u64,
}

impl IdGen {
    /// A generator for node `node` (0–1023), started at `start`. A later start never repeats an earlier one's ids.
    #[must_use]
    pub fn new(node: u16, start: Wall) -> Self {
        let millis = u64::try_from(start.as_unix_micros() / 1000).unwrap_or(0);
        let counter = (millis << TIME_SHIFT) & ((1 << COUNTER_BITS) - 1);
        Self { next: (u64::from(node & 0x3ff) << COUNTER_BITS) | counter }
    }

    fn next_raw(&mut self) -> u64 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        id
    }
}

/// Crockford's base 32 in lower case: no letter that a person takes for a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// An id's text. Without a formatter, as ids stand in every event of the journal.
struct Text([u8; 14]);

impl Text {
    fn of(raw: u64, prefix: u8) -> Self {
        let mut text = [prefix; 14];
        for (place, shift) in text.iter_mut().skip(1).zip((0..13).rev()) {
            let digit = usize::try_from((raw >> (shift * 5)) & 31).unwrap_or(0);
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        }
        Self(text)
    }

    /// It is ASCII, so never empty.
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn read_id(text: &str, prefix: u8) -> Option<u64> {
    let digits = text.as_bytes().strip_prefix(&[prefix])?;
    if digits.len() != 13 {
        return None;
    }
    digits.iter().try_fold(0u64, |raw, digit| {
        let value = ALPHABET.iter().position(|a| a == digit)?;
        raw.checked_mul(32)?.checked_add(u64::try_from(value).ok()?)
    })
}

/// A text that is no id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id")
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $method:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The id's number; for tests and tables indexed by ids.
            #[must_use]
            pub const fn from_raw(raw: u64) -> Self {
                Self(raw)
            }

            /// The number that [`Self::from_raw`] takes.
            #[must_use]
            pub const fn as_raw(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Text::of(self.0, $prefix).as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                read_id(text, $prefix).map(Self).ok_or(InvalidId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Text::of(self.0, $prefix).as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|_| serde::de::Error::custom("not an id"))
            }
        }

        impl IdGen {
            /// The next id of this kind.
            pub fn $method(&mut self) -> $name {
                $name(self.next_raw())
            }
        }
    )*};
}

ids! {
    /// One call: a caller and all that was done for him, over every leg.
    CallId call b'c';
    /// One leg: one SIP session and its media.
    LegId leg b'l';
    /// One offer of a call to an agent.
    OfferId offer b'o';
    /// One routing decision that was asked for.
    DecisionId decision b'd';
    /// One recording (a take) of a call.
    TakeId take b't';
    /// One playout on a leg, so that its end can be told from an earlier one's.
    PlayId play b'p';
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_and_parse_back() {
        let mut ids = IdGen::new(3, Wall::from_unix_micros(1_795_253_400_000_000));
        let (first, second) = (ids.call(), ids.call());
        assert!(first < second);
        assert_eq!(first.to_string().parse(), Ok(first));
        assert_eq!(first.to_string().len(), 14);
        assert!("cooo".parse::<CallId>().is_err());
        assert!(first.to_string().parse::<LegId>().is_err(), "a call's id is no leg's");
    }

    #[test]
    fn a_later_start_does_not_repeat_ids() {
        let mut before = IdGen::new(0, Wall::from_unix_micros(1_000_000));
        let mut after = IdGen::new(0, Wall::from_unix_micros(2_000_000));
        let last = (0..1000).map(|_| before.call()).last().unwrap();
        assert!(after.call() > last);
    }
}
