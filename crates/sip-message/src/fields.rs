//! The tokenizer: cuts a message into its start line, header fields and the place where the body begins.

use std::ops::Range;

use bytes::Bytes;

use crate::{HeaderName, MAX_FIELDS, ParseError, Str, chars};

/// A piece of the head's text, from an octet up to but without another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Messages are shorter than [`crate::MAX_MESSAGE`].
    fn new(start: usize, end: usize) -> Self {
        let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    fn range(self) -> Range<usize> {
        let wide = |at| usize::try_from(at).unwrap_or(usize::MAX);
        wide(self.start)..wide(self.end)
    }
}

#[derive(Clone, Debug)]
struct Field {
    /// None for a name that [`HeaderName`] does not list.
    known: Option<HeaderName>,
    name: Span,
    value: Span,
}

/// All header fields of a message in order, names expanded and values unfolded.
#[derive(Clone)]
pub(crate) struct Fields {
    /// Start line and header fields. Line ends of folds are spaces and octets that are not UTF-8 are `?`, so that every
    /// octet has the place it had on the wire.
    text: Str,
    /// The head as it came, kept only if [`Self::text`] had to replace octets that were not UTF-8.
    raw: Option<Bytes>,
    list: Vec<Field>,
}

/// A message that has been cut up. The first fault does not stop the cutting, because the answer that tells of it needs
/// the fields after it.
pub(crate) struct Tokens {
    pub start_line: Span,
    pub fields: Fields,
    /// Where the body begins.
    pub body: usize,
    pub fault: Option<ParseError>,
}

/// Usual messages have fewer header fields than this; more cost a second allocation.
const USUAL_FIELDS: usize = 24;

/// Cuts up `message`, which begins with the start line. Lines end with CRLF, or with LF alone as some products send.
/// None if there is no start line.
pub(crate) fn tokenize(message: &[u8]) -> Option<Tokens> {
    let Line { end: start_end, next: mut at, .. } = line_at(message, 0);
    let start_line = Span::new(0, start_end);
    let mut list: Vec<Field> = Vec::with_capacity(USUAL_FIELDS);
    let mut fault = None;
    let mut folded = false;
    loop {
        if at >= message.len() {
            fault = fault.or(Some(ParseError::UnfinishedHead));
            break;
        }
        let Line { end, next, is_whole } = line_at(message, at);
        if end == at {
            at = next;
            break;
        }
        let line = message.get(at..end)?;
        let is_fold = matches!(line.first(), Some(b' ' | b'\t'));
        if !is_whole {
            fault = fault.or(Some(ParseError::HeaderLine));
        } else if is_fold {
            match list.last_mut() {
                Some(last) => last.value.end = Span::new(at, end).end,
                None => fault = fault.or(Some(ParseError::HeaderLine)),
            }
            folded = true;
        } else if list.len() == MAX_FIELDS {
            fault = fault.or(Some(ParseError::TooManyFields));
            break;
        } else {
            match field(line, at) {
                Some(field) => list.push(field),
                None => fault = fault.or(Some(ParseError::HeaderLine)),
            }
        }
        at = next;
    }
    let fields = Fields::new(message.get(..at)?, list, folded);
    (start_end > 0).then_some(Tokens { start_line, fields, body: at, fault })
}

/// A line of the head.
struct Line {
    /// Where it ends, without its CR and LF.
    end: usize,
    /// Where the next begins.
    next: usize,
    /// No CR stands within it.
    is_whole: bool,
}

/// The line that begins at `at`.
fn line_at(message: &[u8], at: usize) -> Line {
    let rest = message.get(at..).unwrap_or_default();
    // Mostly the first of either is the CR before the LF, so that one look finds all.
    let first = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    match rest.get(first..) {
        Some([b'\r', b'\n', ..]) => Line { end: at + first, next: at + first + 2, is_whole: true },
        Some([b'\n', ..]) => Line { end: at + first, next: at + first + 1, is_whole: true },
        Some(broken @ [_, ..]) => match memchr::memchr(b'\n', broken) {
            Some(length) => {
                let line = broken.get(..length).unwrap_or_default();
                let end = at + first + line.strip_suffix(b"\r").unwrap_or(line).len();
                Line { end, next: at + first + length + 1, is_whole: false }
            }
            None => Line { end: message.len(), next: message.len(), is_whole: false },
        },
        _ => Line { end: message.len(), next: message.len(), is_whole: true },
    }
}

/// Cuts one line into name and value; white space may stand before the colon.
fn field(line: &[u8], at: usize) -> Option<Field> {
    let colon = memchr::memchr(b':', line)?;
    let name = chars::trim_octets_end(line.get(..colon)?);
    let known = HeaderName::parse_octets(name);
    if known.is_none() && !std::str::from_utf8(name).is_ok_and(chars::is_token) {
        return None;
    }
    let (name, value) = (Span::new(at, at + name.len()), Span::new(at + colon + 1, at + line.len()));
    Some(Field { known, name, value })
}

impl Fields {
    fn new(head: &[u8], list: Vec<Field>, folded: bool) -> Self {
        let mut unfolded;
        let mut bytes = head;
        if folded {
            unfolded = head.to_vec();
            for field in &list {
                for byte in unfolded.get_mut(field.value.range()).unwrap_or_default() {
                    if matches!(byte, b'\r' | b'\n') {
                        *byte = b' ';
                    }
                }
            }
            bytes = &unfolded;
        }
        let (text, raw) = match std::str::from_utf8(bytes) {
            Ok(text) => (Str::from(text), None),
            Err(_) => (Str::from(placeheld(bytes)), Some(Bytes::copy_from_slice(bytes))),
        };
        Self { text, raw, list }
    }

    /// The text of all of it, which pieces are shared from.
    pub fn source(&self) -> &Str {
        &self.text
    }

    /// The text of one piece.
    pub fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// All fields: the name if it is known, and the trimmed value.
    pub fn iter(&self) -> impl Iterator<Item = (Option<HeaderName>, &str)> {
        self.list.iter().map(|f| (f.known, chars::trim(self.text(f.value))))
    }

    /// The trimmed values of all fields `name`, in order.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.list.iter().filter(move |f| f.known == Some(name)).map(|f| chars::trim(self.text(f.value)))
    }

    /// All fields with their names as they came, except that known ones have their full form.
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|f| {
            let name = match f.known {
                Some(known) => known.as_str(),
                None => self.text(f.name),
            };
            (name, chars::trim(self.text(f.value)))
        })
    }

    /// The octets that `part`, a piece of the text, stood for on the wire.
    pub fn octets<'a>(&'a self, part: &'a str) -> &'a [u8] {
        let Some(raw) = &self.raw else { return part.as_bytes() };
        let start = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        start.and_then(|start| raw.get(start..start + part.len())).unwrap_or(part.as_bytes())
    }
}

/// `bytes` as text of the same length, with `?` for every octet that is not UTF-8.
fn placeheld(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(message: &[u8]) -> (Vec<(String, String)>, Option<ParseError>, usize) {
        let tokens = tokenize(message).unwrap();
        let list = tokens.fields.named().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        (list, tokens.fault, tokens.body)
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn names_are_expanded_and_values_unfolded() {
        let message = b"X\r\nv : a\r\nSUBJECT:\r\n b\r\n\tc  \r\ns :\r\nX-y: ;;,\r\n\r\nbody";
        let (list, fault, body) = named(message);
        assert_eq!(list, pairs(&[("Via", "a"), ("Subject", "b  \tc"), ("Subject", ""), ("X-y", ";;,")]));
        assert_eq!((fault, &message[body..]), (None, &b"body"[..]));
    }

    #[test]
    fn lines_may_end_with_lf_alone() {
        let (list, fault, body) = named(b"X\na: 1\nTo: 2\n 3\n\nb");
        assert_eq!((list, fault, body), (pairs(&[("a", "1"), ("To", "2  3")]), None, 17));
    }

    #[test]
    fn faults_are_noted_and_the_rest_is_still_read() {
        let cases: [(&[u8], ParseError); 6] = [
            (b"X\r\nFoobar roobar\r\nTo: a\r\n\r\n", ParseError::HeaderLine),
            (b"X\r\nbad name: x\r\nTo: a\r\n\r\n", ParseError::HeaderLine),
            (b"X\r\n: x\r\nTo: a\r\n\r\n", ParseError::HeaderLine),
            (b"X\r\nA: x\rB: y\r\nTo: a\r\n\r\n", ParseError::HeaderLine),
            (b"X\r\n fold of nothing\r\nTo: a\r\n\r\n", ParseError::HeaderLine),
            (b"X\r\nTo: a\r\n", ParseError::UnfinishedHead),
        ];
        for (message, expected) in cases {
            let (list, fault, _) = named(message);
            assert_eq!(fault, Some(expected));
            assert!(list.contains(&("To".to_owned(), "a".to_owned())), "{message:?}");
        }
    }

    #[test]
    fn the_number_of_fields_is_limited() {
        let many = format!("X\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1));
        assert_eq!(named(many.as_bytes()).1, Some(ParseError::TooManyFields));
    }

    #[test]
    fn octets_that_are_not_utf_8_keep_their_place() {
        let tokens = tokenize(b"X\r\nTo: J\xfcrgen\r\n x\r\n\r\n").unwrap();
        let value = tokens.fields.values(HeaderName::To).next().unwrap();
        assert_eq!(value, "J?rgen   x");
        assert_eq!(tokens.fields.octets(value), b"J\xfcrgen   x");
    }
}
