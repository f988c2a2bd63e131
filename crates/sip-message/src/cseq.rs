//! CSeq (RFC 3261 section 20.16).

use std::fmt;

use crate::{Method, Str, chars, figures};

/// A request's number in its dialog, and its method.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CSeq {
    /// Below 2³¹ (RFC 3261 section 8.1.1.5).
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// Reads one whole value, a piece of `source`.
    pub(crate) fn parse_in(source: &Str, text: &str) -> Option<Self> {
        let (number, method) = text.split_once([' ', '\t'])?;
        let number: u32 = chars::number(number).filter(|n| *n < 1 << 31)?;
        Some(Self { number, method: Method::parse_in(source, chars::trim(method))? })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        figures::write_number(f, self.number)?;
        f.write_str(" ")?;
        f.write_str(self.method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(u32, Method)> {
        CSeq::parse_in(&Str::EMPTY, text).map(|c| (c.number, c.method))
    }

    #[test]
    fn numbers_stay_below_two_to_the_31() {
        assert_eq!(read("0009   INVITE"), Some((9, Method::Invite)));
        assert_eq!(read("2147483647 BYE"), Some((2_147_483_647, Method::Bye)));
        for text in ["2147483648 BYE", "36893488147419103232 REGISTER", "-1 BYE", "x BYE", "1", "1 ", "1 A B", " 1 BYE"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
