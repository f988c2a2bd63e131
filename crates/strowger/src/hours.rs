//! `strowger hours`: how calendars stand at a time, and how they change then.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use base::Wall;
use hours::Calendar;

use crate::clock::Clock;
use crate::error::Error;
use crate::folder::read_company;
use crate::operate::print;

/// The most days that can be looked at.
pub(crate) const MAX_DAYS: u16 = 400;

/// Prints one calendar, or all, at a time of theirs and so many days on.
///
/// # Errors
/// As [`read_company`]; if there is no such calendar, or `at` is no time.
pub(crate) fn hours(folder: &Path, name: Option<&str>, at: Option<&str>, days: u16) -> Result<(), Error> {
    let company = read_company(folder)?;
    let calendars = &company.switch.calendars;
    let named = |name: &str| {
        let found = calendars.get(name);
        found.ok_or_else(|| Error::NoSuchCalendar { calendar: name.to_owned(), known: names(calendars.keys()) })
    };
    let chosen: Vec<_> = match name {
        Some(name) => vec![named(name)?],
        None => calendars.values().collect(),
    };
    if chosen.is_empty() {
        print("there are no calendars; hours.yaml has them\n");
    }
    for calendar in chosen {
        let from = match at {
            Some(text) => calendar.at(text).ok_or_else(|| Error::NoTime { text: text.to_owned() })?,
            None => Clock::start().now().wall,
        };
        print(&outlook(calendar, from, days));
    }
    Ok(())
}

/// How a calendar stands, and a line for each change.
fn outlook(calendar: &Calendar, from: Wall, days: u16) -> String {
    let end = from + Duration::from_secs(u64::from(days) * 86_400);
    let mut text = format!("{} ({})\n", calendar.name(), calendar.zone());
    let _ = writeln!(text, "  {}  {}", calendar.local(from), calendar.decide(from, None).why);
    let mut at = from;
    while let Some((next, situation)) = calendar.next_change(at).filter(|(next, _)| *next <= end) {
        let _ = writeln!(text, "  {}  {situation}", calendar.local(next));
        at = next;
    }
    if !calendar.switches().is_empty() {
        let _ = writeln!(text, "  unless a switch is on that closes it: {}", names(calendar.switches()));
    }
    text
}

pub(crate) fn names(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    names.join(", ")
}
