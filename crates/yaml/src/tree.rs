//! From the parser's events to a tree of nodes with their places; what of YAML is refused, and the limits.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as ParserSpan};

use crate::fault::printable;
use crate::value::Context;
use crate::{Faults, Source, Span, Value, syntax};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1_000_000;
/// How deep maps and lists may nest.
pub const MAX_DEPTH: usize = 32;
/// How many keys, values, maps and lists a file may hold.
pub const MAX_NODES: usize = 100_000;

/// A file that was read: its tree of maps, lists and texts.
#[derive(Debug)]
pub struct Document {
    source: Source,
    root: Node,
}

impl Document {
    /// The file's value. Faults of its getters go to `faults`.
    #[must_use]
    pub fn root<'a>(&'a self, faults: &'a Faults) -> Value<'a> {
        Value { node: &self.root, context: Context { source: &self.source, faults, key: None } }
    }

    /// The file that this was read from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// A text as written; plain ones may stand for numbers and so on, as the getter wants.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that was reported already; getters give `None` and say nothing.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub key: Node,
    pub value: Node,
}

impl Node {
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// True for `key:` with nothing behind it, and for `~` and `null`.
    pub fn is_empty(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// Reads a file. `None` if nothing of use could be made of it; then `faults` holds at least one fault.
/// `Some` may come with faults, too: then the tree lacks what they are about, and the rest can still be checked.
#[must_use]
pub fn read(source: &Source, faults: &Faults) -> Option<Document> {
    if source.text().len() > MAX_BYTES {
        let message = format!("the file is larger than {MAX_BYTES} bytes");
        faults.add(source.place(Span::START), message, "split it, or check that it is the right file");
        return None;
    }
    if !syntax::check_characters(source, faults) {
        return None;
    }
    let mut builder = Builder::new(source, faults);
    let root = builder.document()?;
    syntax::check_hash_keys(source, &builder.scalars, faults);
    Some(Document { source: source.clone(), root })
}

/// Why reading stopped; the fault is in the list already.
struct Stopped;

struct Builder<'a> {
    source: &'a Source,
    faults: &'a Faults,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    nodes: usize,
    /// Maps and lists that are open, with the places where they began: an error of syntax is often there.
    open: Vec<Span>,
    /// Where the last value began: line, column (from 0), byte of the line.
    cursor: (u32, usize, usize),
    /// First and last lines of texts over several lines: a `#` in them begins no comment.
    scalars: Vec<(u32, u32)>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source, faults: &'a Faults) -> Self {
        let parser = Parser::new_from_str(source.text());
        Self { source, faults, parser, nodes: 0, open: Vec::new(), cursor: (0, 0, 0), scalars: Vec::new() }
    }

    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next().ok()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    let remedy = "remove the line `---` or `...`, or make it two files";
                    let span = self.span(span);
                    self.fault(span, "a second document begins here; a file holds one", remedy);
                    return root;
                }
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span).ok()?),
            }
        }
        if root.is_none() {
            self.fault(Span::START, "the file is empty", "");
        }
        root
    }

    fn next(&mut self) -> Result<(Event<'a>, ParserSpan), Stopped> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                syntax::report(self.source, &error, &self.open, self.faults);
                Err(Stopped)
            }
            None => Err(Stopped),
        }
    }

    /// The node that begins with `event`. Recursion is no deeper than [`MAX_DEPTH`].
    fn node(&mut self, event: Event<'a>, at: ParserSpan) -> Result<Node, Stopped> {
        let span = self.span(at);
        self.count_node(span)?;
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if at.end.line() > at.start.line() {
                    // A block of text ends where the line after it begins.
                    let last = count(at.end.line()).saturating_sub(u32::from(at.end.col() == 0));
                    self.scalars.push((span.line, last));
                }
                let quoted = style != ScalarStyle::Plain;
                self.refuse_decoration(span, anchor, tag.is_some());
                Kind::Scalar { text: text.into_owned(), quoted }
            }
            Event::Alias(_) => {
                let remedy = "write the value out here; if a `*` key of the phone is meant, put it in quotes: `\"*\"`";
                self.fault(span, "aliases (`*name`) are not allowed", remedy);
                Kind::Refused
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_decoration(span, anchor, tag.is_some());
                self.list(span)?
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_decoration(span, anchor, tag.is_some());
                self.map(span)?
            }
            _ => Kind::Refused,
        };
        Ok(Node { span, kind })
    }

    fn list(&mut self, span: Span) -> Result<Kind, Stopped> {
        self.enter(span)?;
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => break,
                (event, at) => items.push(self.node(event, at)?),
            }
        }
        self.open.pop();
        Ok(Kind::List(items))
    }

    fn map(&mut self, span: Span) -> Result<Kind, Stopped> {
        self.enter(span)?;
        let mut entries = Vec::new();
        let mut lines: BTreeMap<String, u32> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => break,
                (event, at) => self.node(event, at)?,
            };
            let (event, at) = self.next()?;
            let value = self.node(event, at)?;
            let Some(text) = key.text() else {
                if !matches!(key.kind, Kind::Refused) {
                    self.fault(key.span, "a key must be a text", "a map or list cannot be a key");
                }
                continue;
            };
            if let Some(first) = lines.get(text) {
                let message = format!("`{}` is given twice; first in line {first}", shorten(text));
                self.fault(key.span, message, "keep one of them");
                continue;
            }
            lines.insert(text.to_owned(), key.span.line);
            entries.push(Entry { key, value });
        }
        self.open.pop();
        Ok(Kind::Map(entries))
    }

    fn enter(&mut self, span: Span) -> Result<(), Stopped> {
        if self.open.len() >= MAX_DEPTH {
            self.fault(span, format!("maps and lists nest deeper than {MAX_DEPTH} levels"), "check the brackets");
            return Err(Stopped);
        }
        self.open.push(span);
        Ok(())
    }

    fn count_node(&mut self, span: Span) -> Result<(), Stopped> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.fault(span, format!("the file holds more than {MAX_NODES} values"), "split it");
            return Err(Stopped);
        }
        Ok(())
    }

    fn refuse_decoration(&self, span: Span, anchor: usize, tagged: bool) {
        if anchor > 0 {
            self.fault(
                span,
                "anchors (`&name`) are not allowed",
                "remove it, and write values out where they are needed",
            );
        }
        if tagged {
            self.fault(
                span,
                "tags (`!name`) are not allowed",
                "remove it; if the text begins with `!`, put it in quotes",
            );
        }
    }

    fn fault(&self, span: Span, message: impl Into<String>, remedy: impl Into<String>) {
        self.faults.add(self.source.place(span), message, remedy);
    }

    /// The part of `at` that lies on its first line, without blanks at the end.
    fn span(&mut self, at: ParserSpan) -> Span {
        let start = mark(at.start);
        let length = if at.end.line() > at.start.line() { usize::MAX } else { at.len() };
        let shown: String = self.rest_of_line(start.line, at.start.col()).chars().take(length).collect();
        Span { length: count(shown.trim_end().chars().count()).max(1), ..start }
    }

    /// The line's text from `column` (from 0) on. Values come in the order of the text, so the search goes on where the last
    /// one ended; from the line's start each time, a line with thousands of values would take too long.
    fn rest_of_line(&mut self, line: u32, column: usize) -> &'a str {
        let text: &'a str = self.source.line(line).unwrap_or("");
        let (last_line, last_column, last_byte) = self.cursor;
        let (known, byte) = if last_line == line && last_column <= column { (last_column, last_byte) } else { (0, 0) };
        let rest = text.get(byte..).unwrap_or("");
        let further = rest.char_indices().nth(column - known).map_or(rest.len(), |(byte, _)| byte);
        self.cursor = (line, column, byte + further);
        rest.get(further..).unwrap_or("")
    }
}

/// The parser's mark as a span of one character.
pub(crate) fn mark(marker: Marker) -> Span {
    Span { line: count(marker.line()).max(1), column: count(marker.col()).saturating_add(1), length: 1 }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A text of the file as it may stand in a message: short, and without characters that steer a terminal.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(printable).collect();
    if short.len() < text.len() && text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}
