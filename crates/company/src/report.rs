//! What reading a company came to when something is wrong, and notes that are no faults.

use std::fmt;

use yaml::{Fault, Faults, Place};

/// How many notes are kept.
const MAX_NOTES: usize = 200;

/// Something that a person may want to look at, though nothing is wrong: a queue that nothing reaches, a silent prompt.
#[derive(Clone, Debug)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What, in one line without a full stop.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { source, span } = &self.place;
        writeln!(f, "{}:{}:{}: note: {}", source.path(), span.line, span.column, self.text)
    }
}

/// Collects notes.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Note>);

impl Notes {
    pub fn add(&mut self, place: Place, text: impl Into<String>) {
        if self.0.len() < MAX_NOTES {
            self.0.push(Note { place, text: printable(&text.into()) });
        }
    }

    /// All notes by file and line.
    pub fn into_sorted(mut self) -> Vec<Note> {
        self.0.sort_by(|a, b| key(a).cmp(&key(b)));
        self.0
    }
}

fn key(note: &Note) -> (&str, u32, u32, &str) {
    let Place { source, span } = &note.place;
    (source.path(), span.line, span.column, &note.text)
}

/// Why a company cannot be used. Prints every fault, then the notes, then how many faults there are.
#[derive(Debug)]
pub struct Report {
    /// Every fault, by file and line; never empty.
    pub faults: Vec<Fault>,
    /// What else was noticed.
    pub notes: Vec<Note>,
}

impl Report {
    pub(crate) fn new(faults: Faults, notes: Notes) -> Self {
        let mut faults = faults.into_sorted();
        for fault in &mut faults {
            fault.message = printable(&fault.message);
            fault.remedy = printable(&fault.remedy);
        }
        Self { faults, notes: notes.into_sorted() }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "{fault}")?;
        }
        for note in &self.notes {
            write!(f, "{note}")?;
        }
        match self.faults.len() {
            1 => writeln!(f, "1 fault"),
            count => writeln!(f, "{count} faults"),
        }
    }
}

impl std::error::Error for Report {}

/// A text without characters that steer the terminal of whoever reads it; files may hold them, and messages quote files.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
