//! What is asked of a call.

use std::time::Duration;

use leg::{Digit, Prompt};
use sip_message::Uri;

/// The most keys and pauses of one call.
pub const MAX_KEYS: usize = 256;

/// One element of what is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A digit, sent by RFC 4733.
    Digit(Digit),
    /// Nothing for a second.
    Pause,
}

/// Why a text does not say what to press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// A character that stands for no key.
    NoKey(char),
    /// More than 256 of them.
    TooMany,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoKey(symbol) => {
                write!(f, "{symbol:?} is no key; there are 0-9, *, #, A-D, and the comma for a pause")
            }
            Self::TooMany => write!(f, "more than {MAX_KEYS} keys"),
        }
    }
}

impl std::error::Error for PlanError {}

impl Key {
    /// Reads keys as they are typed: `1,,2#`.
    ///
    /// # Errors
    /// [`PlanError`] says what is no key.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, PlanError> {
        let key = |symbol| match symbol {
            ',' => Ok(Self::Pause),
            _ => Digit::from_char(symbol).map(Self::Digit).ok_or(PlanError::NoKey(symbol)),
        };
        let keys: Vec<Self> = text.chars().take(MAX_KEYS + 1).map(key).collect::<Result<_, _>>()?;
        if keys.len() > MAX_KEYS { Err(PlanError::TooMany) } else { Ok(keys) }
    }
}

/// What a call shall be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who is called.
    pub target: Uri,
    /// The user part of who calls.
    pub from: String,
    /// What is pressed once the call is answered.
    pub keys: Vec<Key>,
    /// What is played, again and again, once the call is answered; else silence is sent.
    pub play: Option<Prompt>,
    /// Whether its audio shall be encrypted (SRTP), or there is no call.
    pub srtp: bool,
    /// How long the call may ring.
    pub ring: Duration,
    /// How long after the answer the phone hangs up; without it the other side must.
    pub hold: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_typed_and_a_comma_is_a_pause() {
        let keys = Key::parse_all("1,#").unwrap();
        let digit = |symbol| Key::Digit(Digit::from_char(symbol).unwrap());
        assert_eq!(keys, [digit('1'), Key::Pause, digit('#')]);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(Key::parse_all("1x"), Err(PlanError::NoKey('x')));
        assert_eq!(Key::parse_all(&"1".repeat(257)), Err(PlanError::TooMany));
    }
}
