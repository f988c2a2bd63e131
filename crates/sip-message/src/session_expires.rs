//! Session-Expires (RFC 4028 section 4).

use std::fmt;

use crate::params::Params;
use crate::{Str, chars};

/// How long a session lives without being refreshed, and who refreshes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionExpires {
    /// In seconds.
    pub seconds: u32,
    /// Who refreshes, if that is said.
    pub refresher: Option<Refresher>,
}

/// Who refreshes a session: a side of the transaction in which that is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

impl SessionExpires {
    /// Reads one whole value. A refresher that is none of the two counts as not said.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (seconds, rest) = chars::before(text, b';');
        let seconds = chars::number(chars::trim(seconds))?;
        let params = Params::parse_in(&Str::from(rest), rest)?;
        let refresher = params.value("refresher").and_then(|value| match value {
            _ if value.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            _ if value.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        });
        Some(Self { seconds, refresher })
    }
}

/// A delta-seconds value that may have parameters behind it, as Min-SE and Retry-After do.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let end = text.find([';', '(']).unwrap_or(text.len());
    chars::number(chars::trim(text.get(..end)?))
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_refresher_are_read_and_printed() {
        for (text, printed) in [
            ("1800", "1800"),
            ("90 ; Refresher = UAC", "90;refresher=uac"),
            ("4294967295;x=y;refresher=uas", "4294967295;refresher=uas"),
            ("1800;refresher=none", "1800"),
        ] {
            assert_eq!(SessionExpires::parse(text).unwrap().to_string(), printed);
        }
        for text in ["", ";refresher=uac", "-1", "x", "4294967296", "1800;;", "1800;=", "18 00"] {
            assert_eq!(SessionExpires::parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_may_have_a_comment_or_parameters_behind_them() {
        for (text, number) in
            [("90", Some(90)), ("18 (be patient);duration=60", Some(18)), ("120;x", Some(120)), ("(a)", None)]
        {
            assert_eq!(seconds(text), number, "{text}");
        }
    }
}
