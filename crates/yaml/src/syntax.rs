//! What the parser cannot read, said in words of people who write configuration.

use saphyr_parser::ScanError;

use crate::tree::mark;
use crate::{Faults, Source, Span};

/// Reports characters that no text file holds. False if reading on makes no sense.
pub(crate) fn check_characters(source: &Source, faults: &Faults) -> bool {
    for (line, text) in (1..).zip(source.text().lines()) {
        let bad = |c: char| c == '\u{fffd}' || (c.is_control() && c != '\t');
        let Some((column, c)) = (1..).zip(text.chars()).find(|(_, c)| bad(*c)) else { continue };
        let place = source.place(Span { line, column, length: 1 });
        if c == '\u{fffd}' {
            faults.add(place, "this is not UTF-8 text", "save the file as UTF-8");
        } else {
            faults.add(place, format!("the control character U+{:04X} is not allowed", u32::from(c)), "remove it");
        }
        return false;
    }
    true
}

/// Reports lines that begin with `#:`. To YAML that is a comment; who writes it means the `#` of the phone.
pub(crate) fn check_hash_keys(source: &Source, texts: &[(u32, u32)], faults: &Faults) {
    for (line, text) in (1..).zip(source.text().lines()) {
        let trimmed = text.trim_start();
        let inside = || {
            let next = texts.partition_point(|(first, _)| *first < line);
            next.checked_sub(1).and_then(|i| texts.get(i)).is_some_and(|(_, last)| line <= *last)
        };
        if !trimmed.starts_with("#:") || inside() {
            continue;
        }
        let column = u32::try_from(text.len() - trimmed.len()).unwrap_or(0) + 1;
        let place = source.place(Span { line, column, length: 1 });
        faults.add(place, "an unquoted `#` begins a comment, so this is no key", "put it in quotes: `\"#\":`");
    }
}

/// Turns the parser's error into a fault. `open`: where maps and lists begin that are not closed yet.
pub(crate) fn report(source: &Source, error: &ScanError, open: &[Span], faults: &Faults) {
    let at = mark(*error.marker());
    let _ = open;
    faults.add(source.place(at), format!("this is not YAML: {}", error.info()), "");
}
