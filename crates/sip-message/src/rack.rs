//! RAck (RFC 3262 section 7.2).

use std::fmt;

use crate::{CSeq, Str, chars};

/// Which reliable provisional response a PRACK acknowledges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RAck {
    /// The response's RSeq.
    pub rseq: u32,
    /// Number and method of the request that it answered.
    pub cseq: CSeq,
}

impl RAck {
    /// Reads one whole value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (rseq, cseq) = text.split_once([' ', '\t'])?;
        Some(Self { rseq: number(rseq)?, cseq: CSeq::parse_in(&Str::EMPTY, chars::trim(cseq))? })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

/// A response number: 1 to 2³²-1 (RFC 3262 section 7.1).
pub(crate) fn number(text: &str) -> Option<u32> {
    chars::number(text).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_are_read_and_printed() {
        let read = RAck::parse("776656  1\tINVITE").unwrap();
        assert_eq!(read.to_string(), "776656 1 INVITE");
        assert_eq!(RAck::parse("4294967295 2147483647 INVITE").unwrap().rseq, u32::MAX);
        for text in
            ["", "1", "1 2", "0 1 INVITE", "4294967296 1 INVITE", "1 2147483648 INVITE", "x 1 INVITE", "1 1 I N"]
        {
            assert_eq!(RAck::parse(text), None, "{text}");
        }
    }
}
