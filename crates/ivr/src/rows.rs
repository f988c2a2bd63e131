//! Tables that conditions look into: `tables/NAME.csv` (RFC 4180), of which the first line names the columns and the first column
//! is the key.

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Faults, Source, Span};

use crate::Value;
use crate::flow::FlowHash;
use crate::read::is_variable;

/// The largest file, in octets.
const MAX_OCTETS: usize = 16 * 1024 * 1024;

/// The most rows, the line with the names aside.
const MAX_ROWS: usize = 100_000;

/// The most columns.
const MAX_COLUMNS: usize = 50;

/// The longest cell, in octets.
const MAX_CELL: usize = 500;

/// So many faults of one table are told: a file that is no table has one in each line.
const MAX_FAULTS: usize = 20;

/// A table without faults. Immutable; calls share it.
#[derive(Debug)]
pub struct Rows {
    hash: FlowHash,
    columns: Vec<Arc<str>>,
    /// The cells of each row, by its key, which is the first of them.
    by_key: BTreeMap<Box<str>, Box<[Box<str>]>>,
    /// The length of the longest key, in octets.
    longest: usize,
}

/// How a row is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its key is the text that is looked for.
    Exact,
    /// Its key is what that begins with; of several the longest.
    Prefix,
}

impl Rows {
    /// The largest file that is read, in octets.
    pub const MAX_OCTETS: usize = MAX_OCTETS;

    /// Reads a table from the bytes of its file, which people know by `path`. `None` if it has a fault; all of them (but for the
    /// 20th and what follows) are in `faults` then.
    #[must_use]
    pub fn read(path: &str, bytes: &[u8], faults: &Faults) -> Option<Self> {
        let source = Source::new(path, String::from_utf8_lossy(bytes));
        let mut reader = Reader { source: &source, faults, told: 0 };
        if bytes.len() > MAX_OCTETS {
            let message = format!("a table has at most {} MiB", MAX_OCTETS / 1024 / 1024);
            reader.fault(Span::START, message, "split it, or ask a server by its own means");
            return None;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let column = 1 + String::from_utf8_lossy(before.get(begin..).unwrap_or_default()).chars().count();
            let remedy = "save it as UTF-8: in a spreadsheet “CSV UTF-8”";
            reader.fault(span(line, column, 1), "here is what is no UTF-8", remedy);
            return None;
        }
        reader.table()
    }

    /// The names of the columns, the key's first.
    #[must_use]
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// True if there is a row of this text.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.by_key.contains_key(text)
    }

    /// The row of a text, as a map of its cells by the names of their columns.
    pub(crate) fn find(&self, text: &str, by: By) -> Option<Value> {
        let cells = match by {
            By::Exact => self.by_key.get(text),
            By::Prefix => {
                let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= self.longest);
                let ends: Vec<usize> = [0].into_iter().chain(ends).collect();
                ends.into_iter().rev().find_map(|end| self.by_key.get(text.get(..end)?))
            }
        }?;
        let cells = self.columns.iter().zip(cells.iter());
        Some(Value::Map(cells.map(|(name, cell)| (name.to_string(), Value::Text(cell.to_string()))).collect()))
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

/// A cell, where it is, and how long it is written.
struct Cell {
    text: String,
    span: Span,
}

struct Reader<'a> {
    source: &'a Source,
    faults: &'a Faults,
    told: usize,
}

fn span(line: usize, column: usize, length: usize) -> Span {
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Span { line: count(line), column: count(column), length: count(length.max(1)) }
}

impl Reader<'_> {
    fn fault(&mut self, span: Span, message: impl Into<String>, remedy: impl Into<String>) {
        self.told += 1;
        if self.told <= MAX_FAULTS {
            self.faults.add(self.source.place(span), message, remedy);
        }
    }

    fn table(&mut self) -> Option<Rows> {
        let source = self.source.clone();
        let mut lines = Lines { rest: source.text(), line: 1 };
        let Some(head) = lines.next(self).filter(|head| head.iter().any(|cell| !cell.text.is_empty())) else {
            self.fault(
                Span::START,
                "the first line names the columns, and there is none",
                "write one such as `number,name`",
            );
            return None;
        };
        let columns = self.columns(&head);
        let mut by_key: BTreeMap<Box<str>, Box<[Box<str>]>> = BTreeMap::new();
        let mut first_of: BTreeMap<Box<str>, u32> = BTreeMap::new();
        let mut rows = 0;
        while let Some(cells) = lines.next(self) {
            // A blank line is none, as at the end of many files.
            if cells.len() == 1 && cells.iter().all(|cell| cell.text.is_empty()) {
                continue;
            }
            rows += 1;
            let Some(key) = cells.first() else { continue };
            if rows > MAX_ROWS {
                self.fault(key.span, format!("a table has at most {MAX_ROWS} rows"), "split it");
                return None;
            }
            if self.told >= MAX_FAULTS {
                return None;
            }
            if cells.len() != head.len() {
                let message = format!("this row has {} of {} columns", cells.len(), head.len());
                let remedy = "write each cell, be it empty; put one with a comma in it between `\"` and `\"`";
                self.fault(key.span, message, remedy);
                continue;
            }
            if let Some(line) = first_of.get(key.text.as_str()) {
                let message = format!("the key `{}` stands in line {line} already", short(&key.text));
                self.fault(key.span, message, "remove one of the two rows");
                continue;
            }
            if key.text.is_empty() {
                self.fault(
                    key.span,
                    "this row has no key",
                    "the first column holds what is looked for; remove the row, or fill it in",
                );
            }
            for cell in cells.iter().filter(|cell| cell.text.len() > MAX_CELL) {
                self.fault(cell.span, format!("a cell has at most {MAX_CELL} octets, not {}", cell.text.len()), "");
            }
            first_of.insert(key.text.as_str().into(), key.span.line);
            by_key.insert(key.text.as_str().into(), cells.into_iter().map(|cell| cell.text.into()).collect());
        }
        if self.told > 0 {
            return None;
        }
        let longest = by_key.keys().map(|key| key.len()).max().unwrap_or_default();
        Some(Rows { hash: FlowHash::of(source.text()), columns, by_key, longest })
    }

    fn columns(&mut self, head: &[Cell]) -> Vec<Arc<str>> {
        if head.len() > MAX_COLUMNS {
            self.fault(Span::START, format!("a table has at most {MAX_COLUMNS} columns, not {}", head.len()), "");
        }
        let mut columns: Vec<Arc<str>> = Vec::new();
        for cell in head {
            let name = cell.text.as_str();
            let plain = name.trim().to_ascii_lowercase().replace([' ', '-', '.'], "_");
            if !is_variable(name) {
                let remedy = match () {
                    () if head.len() == 1 && name.contains([';', '\t']) => {
                        "columns are parted by commas: save it so".to_owned()
                    }
                    () if is_variable(&plain) => format!("write `{plain}`"),
                    () => "a column has lower-case letters, digits and `_`, like `account_number`".to_owned(),
                };
                self.fault(cell.span, format!("`{}` is not the name of a column", short(name)), remedy);
            }
            if columns.iter().any(|known| **known == *name) {
                self.fault(cell.span, format!("there are two columns `{}`", short(name)), "rename one of them");
            }
            columns.push(name.into());
        }
        columns
    }
}

/// A text as it may stand in a message: what the file holds must not flood a terminal.
fn short(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

/// What is left of the text, and the number of its first line.
struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    /// The cells of the next row; `None` at the end.
    fn next(&mut self, reader: &mut Reader<'_>) -> Option<Vec<Cell>> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut cells, mut column) = (Vec::new(), 1);
        loop {
            let (line, begin) = (self.line, column);
            let text = match self.rest.strip_prefix('"') {
                Some(quoted) => self.quoted(quoted, &mut column, reader),
                None => {
                    let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
                    let (text, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
                    self.rest = rest;
                    let text = if rest.starts_with(',') { text } else { text.strip_suffix('\r').unwrap_or(text) };
                    column += text.chars().count();
                    text.to_owned()
                }
            };
            let length = if self.line == line { column - begin } else { 1 };
            cells.push(Cell { text, span: span(line, begin, length) });
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                column += 1;
                continue;
            }
            let rest = self.rest.strip_prefix('\r').unwrap_or(self.rest);
            self.rest = rest.strip_prefix('\n').unwrap_or(rest);
            self.line += 1;
            return Some(cells);
        }
    }

    /// A cell between quotes, of which the first is gone.
    fn quoted(&mut self, mut rest: &'a str, column: &mut usize, reader: &mut Reader<'_>) -> String {
        let (begin, mut text) = (span(self.line, *column, 1), String::new());
        *column += 1;
        loop {
            let Some(end) = rest.find('"') else {
                reader.fault(begin, "this `\"` is never closed", "close it, or write `\"\"` for a quote within a cell");
                self.rest = "";
                return text;
            };
            let (part, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            self.line += part.matches('\n').count();
            *column = match part.rsplit_once('\n') {
                Some((_, last)) => 1 + last.chars().count(),
                None => *column + part.chars().count(),
            };
            text.push_str(part);
            rest = behind.strip_prefix('"').unwrap_or(behind);
            *column += 1;
            match rest.strip_prefix('"') {
                Some(more) => {
                    text.push('"');
                    *column += 1;
                    rest = more;
                }
                None => break,
            }
        }
        let ends = rest.is_empty() || rest.starts_with([',', '\n']) || rest.starts_with("\r\n");
        if !ends {
            let remedy = "write `\"\"` for a quote within a cell";
            reader.fault(span(self.line, *column, 1), "a cell goes on behind its closing `\"`", remedy);
            // What follows cannot be told apart from text.
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = rest.get(end..).unwrap_or("");
        }
        self.rest = rest;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Rows, String> {
        let faults = Faults::default();
        let rows = Rows::read("vip.csv", text.as_bytes(), &faults);
        rows.ok_or_else(|| faults.into_sorted().iter().map(ToString::to_string).collect())
    }

    fn cell(rows: &Rows, text: &str, by: By, column: &str) -> Option<String> {
        let Some(Value::Map(row)) = rows.find(text, by) else { return None };
        row.get(column).and_then(Value::text).map(str::to_owned)
    }

    #[test]
    fn a_row_is_found_by_its_key_or_by_the_longest_that_begins_the_text() {
        let rows = read("prefix,country\r\n+49,Germany\r\n+4930,\"Berlin, \"\"the\"\" city\"\r\n+1,\r\n\r\n").unwrap();
        assert_eq!((rows.len(), rows.columns().len()), (3, 2));
        assert_eq!(cell(&rows, "+49", By::Exact, "country").as_deref(), Some("Germany"));
        assert_eq!(cell(&rows, "+4930123", By::Exact, "country"), None);
        assert_eq!(cell(&rows, "+4930123", By::Prefix, "country").as_deref(), Some("Berlin, \"the\" city"));
        assert_eq!(cell(&rows, "+4989", By::Prefix, "country").as_deref(), Some("Germany"));
        assert_eq!(cell(&rows, "+1", By::Prefix, "country").as_deref(), Some(""));
        assert_eq!(cell(&rows, "+44", By::Prefix, "country"), None);
        assert_eq!(cell(&rows, "", By::Prefix, "country"), None);
        assert_eq!(cell(&rows, "€", By::Prefix, "country"), None);
    }

    #[test]
    fn a_large_table_is_read_and_looked_into_in_little_time() {
        let text: String = (0..MAX_ROWS).map(|n| format!("{n:06},name {n}\n")).collect();
        let rows = read(&format!("key,name\n{text}")).unwrap();
        for n in 0..MAX_ROWS {
            assert_eq!(cell(&rows, &format!("{n:06}99"), By::Prefix, "name"), Some(format!("name {n}")));
        }
        let told = read(&format!("key,name\n{text}last,row\n")).unwrap_err();
        assert!(told.contains("vip.csv:100002:1: error: a table has at most 100000 rows"), "{told}");
        let told = read(&"x".repeat(MAX_OCTETS + 1)).unwrap_err();
        assert!(told.contains("at most 16 MiB"), "{told}");
    }

    #[test]
    fn what_is_wrong_with_a_table_is_told_with_line_and_column() {
        let cases = [
            ("", "vip.csv:1:1: error: the first line names the columns, and there is none"),
            ("\nkey\n", "vip.csv:1:1: error: the first line names the columns, and there is none"),
            (
                "Key,name\n",
                "vip.csv:1:1: error: `Key` is not the name of a column\n   1 | Key,name\n     | ^^^\n   help: write `key`",
            ),
            ("key;name\na;b\n", "help: columns are parted by commas: save it so"),
            ("key,name,key\n", "vip.csv:1:10: error: there are two columns `key`"),
            ("key,name\na,b\n\nc\n", "vip.csv:4:1: error: this row has 1 of 2 columns"),
            ("key,name\na,b\n\"x\ny\",z\na,c\n", "vip.csv:5:1: error: the key `a` stands in line 2 already"),
            ("key,name\n,b\n", "vip.csv:2:1: error: this row has no key"),
            ("key,name\na,\"b\n", "vip.csv:2:3: error: this `\"` is never closed"),
            ("key,name\na,\"b\"c\n", "vip.csv:2:6: error: a cell goes on behind its closing `\"`"),
        ];
        for (text, expected) in cases {
            let told = read(text).unwrap_err();
            assert!(told.contains(expected), "{text:?}: {told}");
        }
        let faults = Faults::default();
        assert!(Rows::read("vip.csv", b"key,name\na,M\xfcller\n", &faults).is_none());
        let told = faults.into_sorted().remove(0).to_string();
        assert!(told.starts_with("vip.csv:2:4: error: here is what is no UTF-8"), "{told}");
        let many = read(&format!("key,name\n{}", "x\n".repeat(1000))).unwrap_err();
        assert_eq!(many.matches("error").count(), MAX_FAULTS);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-b,\"\r\n;é ]{0,60}") {
            let _ = read(&format!("a,b\n{text}"));
            let _ = read(&text);
        }
    }
}
