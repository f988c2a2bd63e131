//! [`Str`]: a piece of a received head, shared instead of copied.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// Text that shares the buffer it was cut from. Cloning and cutting copy nothing; the buffer lives as long as any
/// piece of it, so what outlives a message by long (a dialog's tags) is better copied.
#[derive(Clone, Default)]
pub struct Str {
    /// None for the empty text, which therefore costs no reference count.
    buffer: Option<Arc<str>>,
    start: u32,
    end: u32,
}

impl Str {
    /// The empty text.
    pub const EMPTY: Self = Self { buffer: None, start: 0, end: 0 };

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self
    }

    /// `part` as a piece of the same buffer if it lies in this text, else a copy.
    pub(crate) fn share(&self, part: &str) -> Self {
        if part.is_empty() {
            return Self::EMPTY;
        }
        let offset = part.as_ptr().addr().checked_sub(self.as_ptr().addr()).and_then(|o| u32::try_from(o).ok());
        let length = u32::try_from(part.len()).ok();
        let (Some(offset), Some(length)) = (offset, length) else { return Self::from(part) };
        let start = self.start.saturating_add(offset);
        let end = start.saturating_add(length);
        if end > self.end {
            return Self::from(part);
        }
        Self { buffer: self.buffer.clone(), start, end }
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        let (Ok(start), Ok(end)) = (usize::try_from(self.start), usize::try_from(self.end)) else { return "" };
        self.buffer.as_deref().and_then(|text| text.get(start..end)).unwrap_or("")
    }
}

impl From<&str> for Str {
    /// Copies `text`; what lies beyond 4 GiB is left off (no message is that long).
    fn from(text: &str) -> Self {
        match u32::try_from(text.len()) {
            Ok(0) => Self::EMPTY,
            Ok(end) => Self { buffer: Some(Arc::from(text)), start: 0, end },
            Err(_) => Self::EMPTY,
        }
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_shares_its_buffer_and_a_stranger_is_copied() {
        let whole = Str::from("tag=abc");
        let piece = whole.share(&whole[4..]);
        assert_eq!(piece, "abc");
        assert_eq!(piece.as_ptr().addr(), whole.as_ptr().addr() + 4, "shared");
        assert_eq!(piece.share(&piece[1..2]), "b");
        let stranger = String::from("xyz");
        assert_eq!(whole.share(&stranger), "xyz");
        assert_eq!(whole.share(""), Str::EMPTY);
    }
}
