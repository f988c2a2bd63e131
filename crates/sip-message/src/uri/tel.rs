//! Telephone URIs (RFC 3966).

use std::fmt;

use crate::{Params, Str, chars};

/// A `tel:` URI: a number, which is global if it begins with `+`, and parameters (`phone-context`, `ext`, …).
#[derive(Clone, PartialEq, Eq)]
pub struct TelUri {
    number: Str,
    params: Params,
}

impl TelUri {
    /// `tel:number`; None if `number` holds anything but digits (hexadecimal ones, `*` and `#` in a local number),
    /// visual separators and a `+` at its start.
    #[must_use]
    pub fn new(number: &str) -> Option<Self> {
        Self::parse_rest(&Str::EMPTY, number).filter(|uri| uri.params.is_empty())
    }

    /// The number as it is written, with its visual separators.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The number without visual separators, as a number plan looks it up.
    #[must_use]
    pub fn digits(&self) -> String {
        self.number.chars().filter(|c| !is_separator(*c)).collect()
    }

    /// True for a number that holds worldwide.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// The parameters as they are written.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Equal numbers without regard to separators and case, and equal parameters in any order (RFC 3966 section 4).
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let covers = |a: &Self, b: &Self| {
            a.params
                .iter()
                .all(|(name, value)| b.params.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && same_value(value, v)))
        };
        self.digits().eq_ignore_ascii_case(&other.digits()) && covers(self, other) && covers(other, self)
    }

    /// Reads what follows the scheme's colon, a piece of `source`.
    pub(crate) fn parse_rest(source: &Str, rest: &str) -> Option<Self> {
        let (number, params) = chars::before(rest, b';');
        let global = number.strip_prefix('+');
        let body = global.unwrap_or(number);
        let is_digit = |c: char| match global {
            Some(_) => c.is_ascii_digit(),
            None => c.is_ascii_hexdigit() || matches!(c, '*' | '#'),
        };
        let well_formed = body.chars().all(|c| is_digit(c) || is_separator(c)) && body.chars().any(is_digit);
        if !well_formed || params.contains([' ', '\t', '"']) {
            return None;
        }
        Some(Self { number: source.share(number), params: Params::parse_in(source, params)? })
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')')
}

fn same_value(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (None, None) => true,
        _ => false,
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}{}", self.number, self.params)
    }
}

impl fmt::Debug for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tel:•••")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AnyUri;

    fn tel(text: &str) -> TelUri {
        text.parse::<AnyUri>().unwrap().as_tel().unwrap().clone()
    }

    #[test]
    fn numbers_are_read_with_their_separators_and_looked_up_without() {
        let uri = tel("tel:+49-(30)-123.45;ext=7");
        assert_eq!(
            (uri.digits().as_str(), uri.is_global(), uri.params().value("ext")),
            ("+493012345", true, Some("7"))
        );
        assert_eq!(uri.to_string(), "tel:+49-(30)-123.45;ext=7");
        assert_eq!(tel("tel:*72#;phone-context=example.com").digits(), "*72#");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["tel:", "tel:+", "tel:alice", "tel:+49a", "tel:12 34", "tel:12;", "tel:12@h", "tel:-"] {
            assert!(text.parse::<AnyUri>().is_err(), "{text}");
        }
        assert_eq!(TelUri::new("12;x=y"), None);
    }

    #[test]
    fn separators_do_not_count_when_numbers_are_compared() {
        assert!(tel("tel:+49-30-1").matches(&tel("tel:+49301")));
        assert!(tel("tel:1;a=b;c=d").matches(&tel("tel:1;C=D;a=b")));
        assert!(!tel("tel:1;a=b").matches(&tel("tel:1")));
    }
}
