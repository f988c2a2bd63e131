//! The text of one file, and places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::MAX_BYTES;

/// One file of the configuration as a driver read it. Cloning is cheap.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    path: String,
    text: String,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
}

impl Source {
    /// A file at `path` (as people shall see it in faults) that holds `text`.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        // Some editors put a byte order mark first; it would shift every column of the first line.
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        Self(Arc::new(Inner { path: path.into(), text, lines }))
    }

    /// A file at `path` that holds `bytes`. Bytes that are no UTF-8 become `U+FFFD`, which [`crate::read`] reports, as it
    /// does a file that is too large; of that no more is kept than shows it.
    #[must_use]
    pub fn from_bytes(path: impl Into<String>, bytes: &[u8]) -> Self {
        let kept = bytes.get(..=MAX_BYTES).unwrap_or(bytes);
        Self::new(path, String::from_utf8_lossy(kept))
    }

    /// The path as given.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The place of `span` in this file: its end if `span` lies behind that. (The parser counts a line more than there is if the
    /// last one has no end.)
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let span = if self.line(span.line).is_some() { span } else { self.end() };
        Place { source: self.clone(), span }
    }

    /// The text of what begins at `place`, a key of a map, up to the next thing that is not part of it: all lines that stand
    /// deeper than the key, but for comments and empty lines at the end. What stands behind `next`, which begins behind it, is
    /// not part of it.
    #[must_use]
    pub fn entry(&self, place: &Place, next: Option<&Place>) -> &str {
        let from = self.offset(place.span);
        let to = next.map_or(self.text().len(), |next| self.offset(next.span));
        let text = self.text().get(from..to).unwrap_or_default();
        let margin = usize::try_from(place.span.column).unwrap_or(usize::MAX);
        let mut end = 0;
        let mut at = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let inner = line.trim_start();
            let is_empty = inner.is_empty() || (index > 0 && inner.starts_with('#'));
            if index > 0 && !is_empty && line.len() - inner.len() < margin {
                break;
            }
            at += line.len();
            if !is_empty {
                end = at;
            }
        }
        text.get(..end).unwrap_or_default().trim_end()
    }

    /// Where a span begins, in bytes.
    fn offset(&self, span: Span) -> usize {
        let index = usize::try_from(span.line).unwrap_or_default().saturating_sub(1);
        let start = self.0.lines.get(index).copied().unwrap_or(self.text().len());
        let before = usize::try_from(span.column).unwrap_or_default().saturating_sub(1);
        start + self.line(span.line).map_or(0, |line| line.chars().take(before).map(char::len_utf8).sum())
    }

    fn end(&self) -> Span {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let line = count(self.0.lines.len());
        let columns = self.line(line).map_or(0, |text| text.chars().count());
        Span { line, column: count(columns).saturating_add(1), length: 1 }
    }

    /// The text of line `line` (from 1) without its end; `None` behind the last.
    pub(crate) fn line(&self, line: u32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.0.lines.get(index)?;
        let end = self.0.lines.get(index + 1).map_or(self.text().len(), |next| next - 1);
        let line = self.text().get(start..end)?;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Every line with its number, which begins at 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u32, &str)> {
        (1..).zip(self.text().lines())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

/// A stretch of one line: where a fault points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// Characters that the stretch covers on this line; at least 1.
    pub length: u32,
}

impl Span {
    /// The first character of a file: where a fault of the whole file points.
    pub const START: Self = Self { line: 1, column: 1, length: 1 };
}

/// A stretch of a file; kept beside what was read there, so that a fault found later can still point at it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Source,
    /// Where in it.
    pub span: Span,
}

/// Where a text stands in a file, so that a fault found later can point at a part of it.
#[derive(Clone, Debug)]
pub struct TextPlace {
    /// All of it, with its quotes.
    pub whole: Place,
    /// The column of its first character; `None` if it is not written as it reads: it has several lines, or escapes.
    pub(crate) first: Option<u32>,
}

impl TextPlace {
    /// Where some of its characters stand, counted from 0; the whole if that cannot be told.
    #[must_use]
    pub fn part(&self, characters: &Range<usize>) -> Place {
        let span = self.first.and_then(|first| {
            let column = first.checked_add(u32::try_from(characters.start).ok()?)?;
            let length = u32::try_from(characters.len()).ok()?.max(1);
            Some(Span { column, length, ..self.whole.span })
        });
        Place { span: span.unwrap_or(self.whole.span), ..self.whole.clone() }
    }
}
