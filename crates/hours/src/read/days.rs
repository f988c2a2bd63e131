//! Days of the week, and times of day: `monday-friday: [09:00-12:00, 13:00-18:00]`.

use yaml::{Place, Value, did_you_mean};

use super::{joined, minutes};
use crate::calendar::{MINUTES, Span};
use crate::date::DAYS;

/// The most spans of a day.
pub(super) const MAX_SPANS: usize = 20;
/// Nobody means to be open for longer over midnight: that is how `09:00-06:00` looks, written for `09:00-18:00`.
const LONGEST_NIGHT: u16 = 16 * 60;

/// Minutes of a week.
const WEEK: i64 = 7 * MINUTES as i64;

/// A span, and where it is written.
type Placed = (Span, Place);

/// The spans of each day, Monday first, each behind the place where the day is written, if it is.
#[derive(Debug, Default)]
pub(super) struct Days([Option<(Place, Vec<Placed>)>; 7]);

impl Days {
    /// Without their places.
    pub fn spans(&self) -> [Vec<Span>; 7] {
        let of = |day: &Option<(Place, Vec<Placed>)>| {
            day.iter().flat_map(|(_, spans)| spans).map(|(span, _)| *span).collect()
        };
        self.0.each_ref().map(of)
    }

    /// All spans as minutes of the week, which may go on behind its end.
    fn line(&self) -> Vec<(i64, i64, Place)> {
        let days = (0..).zip(&self.0).filter_map(|(day, spans)| Some((day, &spans.as_ref()?.1)));
        let spans = days.flat_map(|(day, spans)| spans.iter().map(move |(span, place)| (minutes(day, *span), place)));
        spans.map(|((from, to), place)| (from, to, place.clone())).collect()
    }

    /// What of these breaks lies in the hours of each day. After midnight a break is written under the next day, and belongs to
    /// the hours all the same.
    pub fn within(&self, hours: &Self) -> [Vec<Span>; 7] {
        let breaks = self.line();
        let mut within: [Vec<Span>; 7] = Default::default();
        for ((day, open), spans) in (0..).zip(hours.spans()).zip(&mut within) {
            for (begin, end) in open.iter().map(|span| minutes(day, *span)) {
                let parts =
                    breaks.iter().flat_map(|(from, to, _)| [-WEEK, 0, WEEK].map(|shift| (from + shift, to + shift)));
                let parts = parts.map(|(from, to)| (from.max(begin), to.min(end))).filter(|(from, to)| from < to);
                let own = |minute: i64| u16::try_from(minute - day * i64::from(MINUTES)).ok();
                spans.extend(parts.filter_map(|(from, to)| Some(Span { from: own(from)?, to: own(to)? })));
            }
            spans.sort();
        }
        within
    }

    fn is_empty(&self) -> bool {
        self.0.iter().flatten().all(|(_, spans)| spans.is_empty())
    }
}

/// The hours of a week or, given those, its breaks, which must lie within them.
pub(super) fn week(value: Value<'_>, hours: Option<&Days>) -> Days {
    let mut days = Days::default();
    let before = value.faults().len();
    for (key, value) in value.entries("days, such as `monday-friday: 09:00-18:00`").unwrap_or_default() {
        let (named, spans) = (day_names(key), spans(value, hours.is_none()));
        for day in named.unwrap_or_default() {
            let Some(slot) = days.0.get_mut(day) else { continue };
            if let Some((first, _)) = slot {
                let name = DAYS.get(day).copied().unwrap_or_default();
                key.fault(
                    format!("{name} is given twice; first in line {}", first.span.line),
                    "write all its hours in one place: `[09:00-12:00, 13:00-18:00]`",
                );
                break;
            }
            *slot = Some((key.place(), spans.clone().unwrap_or_default()));
        }
    }
    // What is said of half a week would mislead.
    if value.faults().len() > before || !value.is_map() {
        return days;
    }
    if days.is_empty() {
        let (what, remedy) = match hours {
            None => ("hours", "write some, such as `monday-friday: 09:00-18:00`"),
            Some(_) => ("breaks", "write some, such as `monday-friday: 12:00-13:00`, or take it out"),
        };
        value.fault_at_key(format!("this week has no {what}"), remedy);
    }
    find_overlaps(value, &days);
    if let Some(hours) = hours.filter(|hours| !hours.is_empty()) {
        find_outside(value, &days, hours);
    }
    days
}

/// Hours of the night of a Sunday meet those of a Monday.
fn find_overlaps(value: Value<'_>, days: &Days) {
    let mut line = days.line();
    line.sort_by_key(|(from, to, _)| (*from, *to));
    let again: Vec<_> = line.iter().map(|(from, to, place)| (from + WEEK, to + WEEK, place.clone())).collect();
    let all: Vec<_> = line.into_iter().chain(again).collect();
    for (one, other) in all.iter().zip(all.iter().skip(1)) {
        if other.0 < one.1 {
            overlap(value, &one.2, &other.2);
        }
    }
}

fn overlap(value: Value<'_>, one: &Place, other: &Place) {
    let key = |place: &Place| (place.span.line, place.span.column);
    let (first, second) = if key(one) <= key(other) { (one, other) } else { (other, one) };
    let message = match first.span.line == second.span.line {
        true => "these hours overlap others in this line".to_owned(),
        false => format!("these hours overlap those in line {}", first.span.line),
    };
    value.faults().add(second.clone(), message, "end one where the other begins, or write one for both");
}

fn find_outside(value: Value<'_>, breaks: &Days, hours: &Days) {
    let open = |shift: i64| hours.line().into_iter().map(move |(from, to, _)| (from + shift, to + shift));
    let open = joined([-WEEK, 0, WEEK].into_iter().flat_map(open));
    for (from, to, place) in breaks.line() {
        if !open.iter().any(|(begin, end)| *begin <= from && to <= *end) {
            let day = usize::try_from(from.div_euclid(i64::from(MINUTES))).ok().and_then(|day| DAYS.get(day));
            let message = format!("this break lies outside of the hours of {}", day.copied().unwrap_or_default());
            value.faults().add(place, message, "a break lies within the hours that `week` has");
        }
    }
}

/// `monday`, `monday-friday`, `saturday, sunday`.
fn day_names(key: Value<'_>) -> Option<Vec<usize>> {
    let text = key.string_for("a day, or days")?;
    let mut days = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let index = |name: &str| DAYS.iter().position(|day| *day == name.trim());
        let (Some(first), Some(last)) = (index(first), index(last)) else {
            let meant: Option<Vec<&str>> = part.split('-').map(|name| meant(name.trim())).collect();
            let remedy = match meant {
                Some(names) if names.len() <= 2 => format!("did you mean `{}`?", names.join("-")),
                _ => "days are `monday` to `sunday`, several as `monday-friday` or `saturday, sunday`".to_owned(),
            };
            let shown: String = part.chars().take(40).collect();
            key.fault(format!("`{shown}` is no day of the week"), remedy);
            return None;
        };
        // A range may pass the end of the week.
        let length = (last + 7 - first) % 7;
        days.extend((first..=first + length).map(|day| day % 7));
    }
    Some(days)
}

fn meant(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let begins = |day: &&&str| name.len() >= 2 && day.starts_with(&name);
    DAYS.iter().find(begins).copied().or_else(|| did_you_mean(&name, DAYS))
}

/// One span, a list of them, or where it is allowed `closed`.
fn spans(value: Value<'_>, may_be_closed: bool) -> Option<Vec<Placed>> {
    if may_be_closed && value.raw() == Some("closed") {
        return Some(Vec::new());
    }
    let items = value.one_or_list();
    if items.len() > MAX_SPANS {
        value.fault_at_key(format!("a day has at most {MAX_SPANS} spans"), "");
        return None;
    }
    let read = items.into_iter().map(|item| span(item).map(|span| (span, item.place())));
    let mut spans: Vec<_> = read.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?;
    spans.sort_by_key(|(span, _)| *span);
    Some(spans)
}

/// The spans of a date, which must not overlap.
pub(super) fn date_spans(value: Value<'_>) -> Option<Vec<Span>> {
    let spans = spans(value, false)?;
    for ((one, first), (other, second)) in spans.iter().zip(spans.iter().skip(1)) {
        if other.from < one.to {
            overlap(value, first, second);
            return None;
        }
    }
    Some(spans.into_iter().map(|(span, _)| span).collect())
}

/// `09:00-18:00`; over midnight `22:00-06:00`.
fn span(value: Value<'_>) -> Option<Span> {
    let expected = "hours such as `09:00-18:00`";
    let text = value.string_for(expected)?;
    let (from, to) = text.split_once('-').map_or((text, ""), |(from, to)| (from.trim(), to.trim()));
    let (Some(begin), Some(end)) = (time_of_day(from), time_of_day(to)) else {
        let shown: String = text.chars().take(40).collect();
        let remedy = match (short_time(from), short_time(to)) {
            (Some(from), Some(to)) => format!("write `{from}-{to}`"),
            _ if text == "closed" => "`closed` stands alone, in place of all hours".to_owned(),
            _ if did_you_mean(text, ["closed"]).is_some() => "did you mean `closed`?".to_owned(),
            _ => format!("write {expected}, with 24 hours a day"),
        };
        value.fault(format!("`{shown}` are no hours"), remedy);
        return None;
    };
    if begin == MINUTES || begin == end {
        value.fault("these hours have no length", "the whole day is `00:00-24:00`");
        return None;
    }
    if begin < end {
        return Some(Span { from: begin, to: end });
    }
    let length = end + MINUTES - begin;
    if length > LONGEST_NIGHT {
        // Of the clock with twelve hours.
        let afternoon = end + MINUTES / 2;
        let remedy = match afternoon > begin && end < MINUTES / 2 {
            true => format!("did you mean `{from}-{:02}:{:02}`?", afternoon / 60, afternoon % 60),
            false => "over midnight, hours last 16 hours at most; write `00:00-24:00` for whole days".to_owned(),
        };
        let hours = length / 60;
        value.fault(format!("these hours end before they begin; over midnight they would last {hours} hours"), remedy);
        return None;
    }
    Some(Span { from: begin, to: end + MINUTES })
}

/// `09:00`, up to `24:00`, as minutes.
pub(crate) fn time_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| part.len() == 2 && part.bytes().all(|c| c.is_ascii_digit());
    let (hour, minute): (u16, u16) =
        (hour.parse().ok().filter(|_| two(hour))?, minute.parse().ok().filter(|_| two(minute))?);
    (minute < 60 && hour * 60 + minute <= MINUTES).then_some(hour * 60 + minute)
}

/// What somebody means by `9`, `9:00` or `9am`.
fn short_time(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (number, shift) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(number), _) => (number.trim(), 0),
        (_, Some(number)) => (number.trim(), 12),
        _ => (lower.as_str(), 0),
    };
    let (hour, minute) = number.split_once([':', '.', 'h']).unwrap_or((number, "00"));
    let hour: u16 = hour.parse().ok()?;
    let hour = if shift > 0 && hour < 12 { hour + shift } else { hour };
    let time = format!("{hour:02}:{minute}");
    time_of_day(&time).map(|_| time)
}
