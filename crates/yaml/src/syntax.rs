//! What the parser cannot read, said in words of people who write configuration.
//!
//! The parser tells where it gave up, which is often behind the slip: at the end of the file for a `{` that is not closed.
//! So the lines before are looked at for what people get wrong.

use saphyr_parser::ScanError;

use crate::fault::printable;
use crate::tree::mark;
use crate::{Faults, Source, Span};

/// Reports characters that no text file holds. False if reading on makes no sense.
pub(crate) fn check_characters(source: &Source, faults: &Faults) -> bool {
    for (line, text) in source.lines() {
        let bad = |c: char| matches!(c, '\u{fffd}' | '\u{feff}') || (c.is_control() && c != '\t');
        let Some((column, c)) = (1..).zip(text.chars()).find(|(_, c)| bad(*c)) else { continue };
        let place = source.place(Span { line, column, length: 1 });
        if c == '\u{fffd}' {
            faults.add(place, "this is not UTF-8 text", "save the file as UTF-8");
        } else {
            faults.add(place, format!("the invisible character U+{:04X} is not allowed", u32::from(c)), "remove it");
        }
        return false;
    }
    true
}

/// Reports lines that begin with `#:`. To YAML that is a comment; who writes it means the `#` of the phone.
/// `texts`: first and last lines of texts over several lines, in which a `#` begins no comment.
pub(crate) fn check_hash_keys(source: &Source, texts: &[(u32, u32)], faults: &Faults) {
    for (line, text) in source.lines().filter(|(_, text)| text.trim_start().starts_with("#:")) {
        let before = texts.partition_point(|(first, _)| *first <= line);
        let inside = before.checked_sub(1).and_then(|i| texts.get(i)).is_some_and(|(_, last)| line <= *last);
        if !inside {
            let place = source.place(Span { length: 1, ..first_word(line, text) });
            faults.add(place, "an unquoted `#` begins a comment, so this is no key", "put it in quotes: `\"#\":`");
        }
    }
}

/// Turns the parser's error into a fault. `open`: where maps and lists begin that are not closed yet.
pub(crate) fn report(source: &Source, error: &ScanError, open: &[Span], faults: &Faults) {
    let at = mark(*error.marker());
    let info = error.info();
    let slip = tab(source, at)
        .or_else(|| star_key(source, at, info))
        .or_else(|| unclosed(source, at, info, open))
        .or_else(|| colon(source, at, info))
        .unwrap_or_else(|| plain(source, at, info));
    faults.add(source.place(slip.span), slip.message, slip.remedy);
}

struct Slip {
    span: Span,
    message: String,
    remedy: String,
}

fn slip(span: Span, message: impl Into<String>, remedy: impl Into<String>) -> Slip {
    Slip { span, message: message.into(), remedy: remedy.into() }
}

/// A tab in the indentation. The parser may stop a line before it.
fn tab(source: &Source, at: Span) -> Option<Slip> {
    let near = at.line.saturating_sub(1)..=at.line.saturating_add(1);
    near.filter_map(|line| Some((line, source.line(line)?))).find_map(|(line, text)| {
        let indent = text.len() - text.trim_start().len();
        let column = u32::try_from(text.get(..indent)?.find('\t')?).ok()? + 1;
        let span = Span { line, column, length: 1 };
        Some(slip(span, "a tab in the indentation", "indent with spaces; most editors can turn tabs into them"))
    })
}

/// A `*` key without quotes, which begins an alias to YAML.
fn star_key(source: &Source, at: Span, info: &str) -> Option<Slip> {
    if !info.contains("anchor") && !info.contains("simple key") {
        return None;
    }
    let is_star = |text: &str| text.trim_start().starts_with('*');
    let (line, text) =
        source.lines().take_while(|(line, _)| *line <= at.line).filter(|(_, text)| is_star(text)).last()?;
    Some(slip(
        Span { length: 1, ..first_word(line, text) },
        "a key cannot begin with `*`",
        "put it in quotes: `\"*\":`",
    ))
}

/// A bracket or quote that is not closed.
fn unclosed(source: &Source, at: Span, info: &str, open: &[Span]) -> Option<Slip> {
    if info.contains("quoted scalar") && ["end of stream", "indentation", "document"].iter().any(|w| info.contains(w)) {
        return Some(slip(at, "this quote is never closed", "add the closing quote at the end of the text"));
    }
    let opening = *open.last()?;
    let bracket = char_at(source, opening).filter(|c| matches!(c, '{' | '['))?;
    let closing = if bracket == '{' { '}' } else { ']' };
    let behind = source.line(at.line).is_none_or(|text| text.chars().count() < column(at));
    if at.line > opening.line || behind {
        let remedy = format!("add `{closing}` where it ends");
        return Some(slip(opening, format!("this `{bracket}` is never closed"), remedy));
    }
    let remedy =
        format!("separate what is between `{bracket}` and `{closing}` by `,`, and put texts with signs in quotes");
    Some(slip(at, format!("`,` or `{closing}` is missing before this"), remedy))
}

/// A `:` that the parser did not expect, or did not find.
fn colon(source: &Source, at: Span, info: &str) -> Option<Slip> {
    let not_expected = info.contains("mapping values are not allowed") || info.contains("illegal placement of ':'");
    // The second of these is said at the end of the file.
    if !not_expected && !info.contains("expect ':'") && !info.contains("simple key expected") {
        return None;
    }
    let text = source.line(at.line).unwrap_or("");
    let before: String = text.chars().take(column(at).saturating_sub(1)).collect();
    if not_expected && before.contains(": ") {
        let remedy = "put the whole text in quotes, or begin a new line for a new key";
        return Some(slip(at, "a second `:` on one line", remedy));
    }
    let (line, above) =
        source.lines().take_while(|(line, _)| *line < at.line).filter(|(_, text)| is_content(text)).last()?;
    let content = content(above);
    if !content.starts_with('-') && !content.contains(": ") && !content.ends_with(':') {
        let (message, remedy) = match content.contains(':') {
            true => ("this key has no space behind its `:`", "write `key: value`"),
            false => ("this is neither a key nor the value of one", "a key needs a `:` behind it"),
        };
        return Some(slip(first_word(line, above), message, remedy));
    }
    let remedy = "line it up with the keys that it belongs to";
    not_expected
        .then(|| slip(first_word(at.line, text), "this line is indented too far: the key above has a value", remedy))
}

/// The rest: the parser's own words, turned into ours where people meet them.
fn plain(source: &Source, at: Span, info: &str) -> Slip {
    let text = source.line(at.line).unwrap_or("");
    let line = first_word(at.line, text);
    let c = printable(char_at(source, at).unwrap_or(' '));
    if info.contains("did not find expected key") && content(text).starts_with('-') {
        return slip(line, "an item of a list, where keys are", "indent it below the key that it belongs to");
    }
    if info.contains("did not find expected key") || info.contains("invalid indentation") {
        let remedy = "line it up with the keys that it belongs to";
        return slip(line, "this line begins at a column where no other key does", remedy);
    }
    if info.contains("expected '-'") {
        return slip(
            line,
            "a key, where items of a list are",
            "begin it with `- `, or indent it as far as its own keys",
        );
    }
    if info.contains("block sequence entries") {
        let remedy = "write each `- ` on a line of its own below the key, or the list as `[a, b]`";
        return slip(at, "a list cannot begin here", remedy);
    }
    if info.contains("unexpected character") {
        return slip(at, format!("a text cannot begin with `{c}`"), "put it in quotes");
    }
    if info.contains("misplaced bracket") {
        return slip(at, format!("this `{c}` closes nothing"), "remove it, or put the text in quotes");
    }
    if info.contains("escape") {
        let remedy = "write `\\\\` for a backslash, or put the text in single quotes";
        return slip(at, "this text holds a `\\` with a character that has no meaning behind it", remedy);
    }
    if info.contains("trailing content") {
        return slip(at, "something follows the closing quote", "put the whole text in quotes, or remove the quotes");
    }
    if info.contains("unknown anchor") {
        return slip(
            at,
            "aliases (`*name`) are not allowed",
            "write the value out; put a text that begins with `*` in quotes",
        );
    }
    if info.contains("recursion limit") {
        return slip(at, "brackets nest too deep", "check the brackets");
    }
    slip(at, format!("this is not YAML: {info}"), "")
}

/// The first word of a line, key or not.
fn first_word(line: u32, text: &str) -> Span {
    let trimmed = text.trim_start();
    let count = |number: usize| u32::try_from(number).unwrap_or(0);
    let word = trimmed.split([' ', ':']).next().unwrap_or("");
    Span { line, column: count(text.len() - trimmed.len()) + 1, length: count(word.chars().count()).max(1) }
}

fn is_content(text: &str) -> bool {
    !content(text).is_empty()
}

/// A line without indentation and comment.
fn content(text: &str) -> &str {
    let text = text.trim();
    if text.starts_with('#') { "" } else { text.split_once(" #").map_or(text, |(before, _)| before.trim_end()) }
}

fn char_at(source: &Source, at: Span) -> Option<char> {
    source.line(at.line)?.chars().nth(column(at).checked_sub(1)?)
}

fn column(at: Span) -> usize {
    usize::try_from(at.column).unwrap_or(usize::MAX)
}
