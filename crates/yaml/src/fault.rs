//! Faults: collected while reading, printed in one style.

use std::cell::RefCell;
use std::fmt;

use crate::Place;

/// How many faults are kept; a file that is no configuration at all must not fill the memory or the screen.
const MAX_FAULTS: usize = 500;

/// How many columns of a line are shown around a fault.
const MAX_SHOWN: usize = 110;

/// One thing that is wrong, where, and what to do about it. Prints with the line shown and the place underlined.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong: one line without a full stop, in lower case, with names in backticks.
    pub message: String,
    /// What to do: one line, printed behind `help:`; empty if the message says it all.
    pub remedy: String,
}

/// Collects faults. Reading shares it (`&Faults`), so that each getter can add to it.
#[derive(Debug, Default)]
pub struct Faults {
    list: RefCell<Vec<Fault>>,
}

impl Faults {
    /// Adds a fault. Behind the 500th none is kept.
    pub fn add(&self, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        let mut list = self.list.borrow_mut();
        if list.len() < MAX_FAULTS {
            list.push(Fault { place, message: message.into(), remedy: remedy.into() });
        }
    }

    /// True if nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// How many faults there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.borrow().len()
    }

    /// All faults, sorted by file, line and column; of equal ones one is kept.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Fault> {
        let mut list = self.list.into_inner();
        list.sort_by(|a, b| a.key().cmp(&b.key()));
        list.dedup_by(|a, b| a.key() == b.key() && a.remedy == b.remedy);
        list
    }
}

impl Fault {
    fn key(&self) -> (&str, u32, u32, &str) {
        let Place { source, span } = &self.place;
        (source.path(), span.line, span.column, &self.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { source, span } = &self.place;
        writeln!(f, "{}:{}:{}: error: {}", source.path(), span.line, span.column, self.message)?;
        if let Some(line) = source.line(span.line).filter(|line| !line.is_empty()) {
            show_line(f, line, *span)?;
        }
        if self.remedy.is_empty() {
            return Ok(());
        }
        writeln!(f, "   help: {}", self.remedy)
    }
}

/// The line and, under it, a caret for every column of the span. A line that is too long to show is cut on both sides.
fn show_line(f: &mut fmt::Formatter<'_>, line: &str, span: crate::Span) -> fmt::Result {
    let column = usize::try_from(span.column).unwrap_or(1).saturating_sub(1);
    let length = usize::try_from(span.length).unwrap_or(1);
    let from = if column < MAX_SHOWN { 0 } else { column - MAX_SHOWN / 2 };
    let hidden = hidden(line);
    let line = hidden.as_deref().unwrap_or(line);
    let shown: Vec<char> = line.chars().skip(from).take(MAX_SHOWN).map(printable).collect();
    let number = span.line.to_string();
    let gap = " ".repeat(number.len().max(4));
    let text: String = shown.iter().collect();
    writeln!(f, "{number:>4} | {}", text.trim_end())?;
    let before: usize = shown.iter().take(column - from).map(|c| width(*c)).sum();
    let under: usize = shown.iter().skip(column - from).take(length).map(|c| width(*c)).sum();
    writeln!(f, "{gap} | {}{}", " ".repeat(before), "^".repeat(under.max(1)))
}

/// A line that holds a password without what follows the key: a fault is printed on screens and kept in logs.
fn hidden(line: &str) -> Option<String> {
    let end = line.find(SECRET)? + SECRET.len();
    Some(format!("{} •••", line.get(..end)?))
}

/// The key whose values are never shown.
const SECRET: &str = "password:";

/// What a file holds must not steer the terminal of whoever reads the fault.
pub(crate) fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}') =>
        {
            '\u{fffd}'
        }
        c => c,
    }
}

/// Columns that a character takes on a terminal: two for Chinese, Japanese, Korean and emoji.
fn width(c: char) -> usize {
    let wide = matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}');
    if wide { 2 } else { 1 }
}
