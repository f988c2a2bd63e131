//! Holidays and exceptions: lines that begin with a date.

use std::sync::Arc;

use yaml::{Place, Value};

use super::days::date_spans;
use super::{has_room, joined, minutes, table};
use crate::calendar::{Exception, MINUTES, Span};
use crate::date::When;
use crate::zone::date;

/// Reads a map of dates and names.
pub(super) fn holidays(value: Value<'_>) -> Vec<(When, Arc<str>)> {
    let entries =
        value.entries("dates with the name of the holiday, such as `12-25: Christmas Day`").unwrap_or_default();
    let mut read: Vec<(When, Arc<str>, Place)> = Vec::new();
    if !has_room(value, entries.len(), "holidays") {
        return Vec::new();
    }
    for (key, value) in entries {
        let name = value.string_for("the holiday's name");
        let Some(when) = when(key) else { continue };
        if let Some((_, _, first)) = read.iter().find(|(known, ..)| known.meets(when)) {
            let message = format!("this date is a holiday already, by line {}", first.span.line);
            key.fault(message, "keep one of them");
            continue;
        }
        read.push((when, name.unwrap_or_default().into(), key.place()));
    }
    read.into_iter().map(|(when, name, _)| (when, name)).collect()
}

fn when(key: Value<'_>) -> Option<When> {
    let text = key.string_for("a date")?;
    let when = When::parse(text);
    if when.is_none() {
        let remedy = match text.split_once("..") {
            Some(_) => "a range is two dates, the earlier one first: `2026-02-16..2026-02-22`",
            None => {
                "dates are `2026-12-25`, each year `12-25`, `easter+1` or `last monday of may`, or `2026-02-16..2026-02-22`"
            }
        };
        refuse(key, text, remedy);
    }
    when
}

fn refuse(key: Value<'_>, text: &str, remedy: &str) {
    let shown: String = text.chars().take(60).collect();
    key.fault(format!("`{shown}` is no date"), remedy);
}

/// Reads a map of dates and what they are in place of the week, in their order.
pub(super) fn exceptions(value: Value<'_>) -> Vec<(Exception, Place)> {
    let entries = value.entries("dates, such as `2026-12-24: 09:00-12:00`").unwrap_or_default();
    let mut read: Vec<(Exception, Place)> = Vec::new();
    if !has_room(value, entries.len(), "exceptions") {
        return Vec::new();
    }
    for (key, value) in entries {
        let (days, hours) = (dates(key), exception(value));
        let Some((from, to)) = days else { continue };
        let meets = |(known, _): &&(Exception, Place)| known.from <= to && from <= known.to;
        if let Some((known, first)) = read.iter().find(meets) {
            let both = date(from.max(known.from));
            key.fault(format!("`{both}` has an exception already, in line {}", first.span.line), "keep one of them");
            continue;
        }
        let (name, open, breaks) = hours.unwrap_or_default();
        read.push((Exception { from, to, name, open, breaks }, key.place()));
    }
    read.sort_by_key(|(exception, _)| exception.from);
    read
}

fn dates(key: Value<'_>) -> Option<(i64, i64)> {
    let text = key.string_for("a date")?;
    match When::parse(text) {
        Some(When::Dates(from, to)) => return Some((from, to)),
        Some(_) => {
            let remedy = "an exception is for once: write the year, too; what comes each year is a holiday, of which the whole day is closed";
            key.fault(format!("`{text}` comes each year"), remedy);
        }
        None => refuse(key, text, "write a date as `2026-12-24`, or two as `2026-12-24..2026-12-31`"),
    }
    None
}

/// What a date is called, its hours and its breaks.
type Day = (Option<Arc<str>>, Vec<Span>, Vec<Span>);

fn exception(value: Value<'_>) -> Option<Day> {
    if value.raw() == Some("closed") {
        return Some(Day::default());
    }
    if !value.is_map() {
        return Some((None, date_spans(value)?, Vec::new()));
    }
    let map = value.map(&table::EXCEPTION.shape)?;
    let (key, hours) = map.one_of(&["closed", "open"])?;
    if key == "closed" {
        for other in ["break", "name"] {
            if let Some(other_value) = map.optional(other) {
                other_value
                    .fault_at_key(format!("`{other}` has no place beside `closed`"), "write `closed: NAME` alone");
            }
        }
        return Some((Some(hours.string_for("why it is closed")?.into()), Vec::new(), Vec::new()));
    }
    let name = map.optional("name").and_then(|name| name.string()).map(Arc::from);
    let open = date_spans(hours)?;
    let Some(rest) = map.optional("break") else { return Some((name, open, Vec::new())) };
    let whole = joined(open.iter().map(|span| minutes(0, *span)));
    let within = |span: &Span| {
        whole.iter().any(|(from, to)| (*from..=*to).contains(&minutes(0, *span).0) && minutes(0, *span).1 <= *to)
    };
    let breaks: Vec<Span> = date_spans(rest)?;
    // Of hours over midnight, a break may lie behind it.
    let later = |span: Span| Span { from: span.from + MINUTES, to: span.to + MINUTES };
    let breaks: Vec<Span> = breaks.into_iter().map(|span| if within(&span) { span } else { later(span) }).collect();
    if !breaks.iter().all(within) {
        rest.fault("this break lies outside of the hours", "a break lies within what `open` has");
    }
    Some((name, open, breaks))
}
