//! Privacy: what a caller wants hidden, and from whom (RFC 3323, RFC 3325 section 9.3, RFC 7044 section 10.1.2).

use std::fmt;

use crate::{Head, HeaderName, chars};

/// What may stand in Privacy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PrivValue {
    /// Header fields that tell where the caller is, and that he cannot leave out himself.
    Header = 1,
    /// Where his audio comes from.
    Session = 2,
    /// What his phone writes of him: From, above all.
    User = 4,
    /// Who he was asserted to be.
    Id = 8,
    /// Who the call was for before.
    History = 16,
    /// Nothing is to be hidden.
    None = 32,
    /// If something of it cannot be done, the call shall fail.
    Critical = 64,
}

const NAMES: [(&str, PrivValue); 7] = [
    ("header", PrivValue::Header),
    ("session", PrivValue::Session),
    ("user", PrivValue::User),
    ("id", PrivValue::Id),
    ("history", PrivValue::History),
    ("none", PrivValue::None),
    ("critical", PrivValue::Critical),
];

/// What the Privacy of a message asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    values: u8,
    /// Something stands there that nobody here knows.
    unknown: bool,
}

impl Privacy {
    /// What all Privacy header fields of a message ask for. Values are parted by `;`, or by the `,` that some write.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        head.headers(HeaderName::Privacy).fold(Self::default(), Self::and)
    }

    /// What the value of a Privacy header field asks for.
    #[must_use]
    pub fn read(value: &str) -> Self {
        Self::default().and(value)
    }

    fn and(mut self, value: &str) -> Self {
        for word in value.split([';', ',']).map(chars::trim).filter(|word| !word.is_empty()) {
            match NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
                Some((_, value)) => self.values |= *value as u8,
                None => self.unknown = true,
            }
        }
        self
    }

    /// The same with `value`.
    #[must_use]
    pub const fn with(mut self, value: PrivValue) -> Self {
        self.values |= value as u8;
        self
    }

    /// True if `value` stands there.
    #[must_use]
    pub const fn has(self, value: PrivValue) -> bool {
        self.values & value as u8 != 0
    }

    /// True if nobody outside the trust domain may learn who calls. Who asks for that and for `none`, too, contradicts himself,
    /// and is hidden.
    #[must_use]
    pub const fn hides_caller(self) -> bool {
        self.has(PrivValue::Header) || self.has(PrivValue::User) || self.has(PrivValue::Id)
    }

    /// True if the call has to fail: something is wanted that cannot be done, as nobody knows it (RFC 3323 section 5).
    #[must_use]
    pub const fn is_unmet(self) -> bool {
        self.unknown && self.has(PrivValue::Critical)
    }
}

/// The value of a Privacy header field; empty if nothing is asked for.
impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in NAMES {
            if self.has(value) {
                write!(f, "{separator}{name}")?;
                separator = ";";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        for (text, hides, unmet) in [
            ("id", true, false),
            ("ID; Critical", true, false),
            ("user;header", true, false),
            ("header,session", true, false),
            ("session", false, false),
            ("history", false, false),
            ("none", false, false),
            ("none;id", true, false),
            ("", false, false),
            (";;", false, false),
            ("secret", false, false),
            ("secret;critical", false, true),
            ("id;secret;critical", true, true),
        ] {
            let privacy = Privacy::read(text);
            assert_eq!((privacy.hides_caller(), privacy.is_unmet()), (hides, unmet), "{text}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["id", "user;id", "header;session;user;id;history;critical", ""] {
            assert_eq!(Privacy::read(text).to_string(), text);
        }
        assert_eq!(Privacy::default().with(PrivValue::Id).to_string(), "id");
    }
}
