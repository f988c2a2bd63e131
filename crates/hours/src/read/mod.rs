//! From a file to [`Hours`]: the shape of `hours.yaml`. What each key means stands in `config/README.md`.

mod dates;
mod days;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::Wall;
use yaml::{Faults, Form, Place, Source, Value, did_you_mean};

pub(crate) use self::days::time_of_day;
use crate::calendar::{Calendar, Span};
use crate::date::When;
use crate::zone::{DAY, Zone};

/// What is written often, and how it is written here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("timezone", "write `zone:`"),
    ("time_zone", "write `zone:`"),
    ("hours", "write `week:`"),
    ("days", "write `week:`"),
];

/// More than any company has; each costs a walk at each look at the calendar.
const MAX_LINES: usize = 1_000;
const MAX_SWITCHES: usize = 100;

/// All of `hours.yaml`.
#[derive(Debug, Default)]
pub struct Hours {
    /// By name.
    pub calendars: BTreeMap<Arc<str>, Arc<Calendar>>,
    /// What each switch means, by its name.
    pub switches: BTreeMap<Arc<str>, Arc<str>>,
    /// Names of all calendars, be they good or not.
    names: BTreeSet<String>,
    /// Calendars that have a switch, be they good or not.
    emergencies: BTreeSet<String>,
    /// Where each calendar begins, by its name.
    places: Vec<(Arc<str>, Place)>,
    /// Exceptions, with the last day of each since 1970-01-01.
    exceptions: Vec<(Arc<str>, i64, Place)>,
    /// Switches and lists of holidays that no calendar names.
    idle: Vec<(Place, &'static str)>,
}

impl Hours {
    /// Reads the file. None if it is no map; else what is good of it, which is of use only if there was no fault.
    #[must_use]
    pub fn read(source: &Source, faults: &Faults) -> Option<Self> {
        let document = yaml::read(source, faults)?;
        let map = document.root(faults).map(&table::FILE.shape)?;
        let mut reader = Reader { hours: Self::default(), lists: BTreeMap::new(), used: BTreeSet::new() };
        let switches = map.optional("switches").map_or_else(Vec::new, |value| reader.switches(value));
        let lists = map.optional("holidays").map_or_else(Vec::new, |value| reader.lists(value));
        let calendars = map.required("calendars").and_then(|value| value.entries("a map of calendars"));
        for (key, value) in calendars.unwrap_or_default() {
            reader.calendar(key, value);
        }
        reader.note_idle(&switches, "no calendar names this switch");
        reader.note_idle(&lists, "no calendar has these holidays");
        Some(reader.hours)
    }

    /// The keys of the file, all that stand below them included, with what people want to know of each.
    #[must_use]
    pub fn form() -> &'static Form {
        &table::FILE
    }

    /// The names of all calendars, be they good or not.
    #[must_use]
    pub const fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// True if a switch closes the calendar of that name.
    #[must_use]
    pub fn has_switch(&self, calendar: &str) -> bool {
        self.emergencies.contains(calendar)
    }

    /// What a person may want to look at, though nothing is wrong: calendars that `is_used` denies, what no calendar names, and
    /// exceptions that are over at `now`, if that is known.
    pub fn notes(&self, is_used: impl Fn(&str) -> bool, now: Option<Wall>) -> Vec<(Place, String)> {
        let unused = self.places.iter().filter(|(name, _)| !is_used(name));
        let unused = unused.map(|(_, place)| (place.clone(), "no flow asks this calendar".to_owned()));
        let idle = self.idle.iter().map(|(place, words)| (place.clone(), (*words).to_owned()));
        let today = |calendar: &str| {
            let calendar = self.calendars.get(calendar)?;
            Some(calendar.zone.local(crate::calendar::unix(now?)).div_euclid(DAY))
        };
        let past = self.exceptions.iter().filter(|(calendar, last, _)| today(calendar).is_some_and(|day| *last < day));
        let past = past.map(|(_, _, place)| (place.clone(), "this exception is over".to_owned()));
        unused.chain(idle).chain(past).collect()
    }
}

struct Reader {
    hours: Hours,
    /// Named lists of holidays.
    lists: BTreeMap<String, Vec<(When, Arc<str>)>>,
    /// Switches and lists that calendars name.
    used: BTreeSet<String>,
}

/// A name that the file defines, and where.
type Defined = (String, Place);

impl Reader {
    fn switches(&mut self, value: Value<'_>) -> Vec<Defined> {
        let entries = value.entries("a map of switches, each with what it means").unwrap_or_default();
        if entries.len() > MAX_SWITCHES {
            value.fault_at_key(format!("there are at most {MAX_SWITCHES} switches"), "");
            return Vec::new();
        }
        let mut defined = Vec::new();
        for (key, value) in entries {
            let (name, means) = (key.name(), value.string_for("what the switch means"));
            if let Some(name) = name {
                defined.push((name.to_owned(), key.place()));
                self.hours.switches.insert(name.into(), means.unwrap_or_default().into());
            }
        }
        defined
    }

    fn lists(&mut self, value: Value<'_>) -> Vec<Defined> {
        let mut defined = Vec::new();
        for (key, value) in value.entries("a map of lists of holidays").unwrap_or_default() {
            let Some(name) = key.name() else { continue };
            defined.push((name.to_owned(), key.place()));
            self.lists.insert(name.to_owned(), dates::holidays(value));
        }
        defined
    }

    fn note_idle(&mut self, defined: &[Defined], words: &'static str) {
        let idle = defined.iter().filter(|(name, _)| !self.used.contains(name));
        self.hours.idle.extend(idle.map(|(_, place)| (place.clone(), words)));
    }

    fn calendar(&mut self, key: Value<'_>, value: Value<'_>) {
        let Some(name) = key.name() else { return };
        let name: Arc<str> = name.into();
        self.hours.names.insert(name.to_string());
        if value.has("emergency") {
            self.hours.emergencies.insert(name.to_string());
        }
        self.hours.places.push((name.clone(), key.place()));
        let Some(map) = value.map_with(&table::CALENDAR.shape, ELSEWHERE) else { return };
        let _ = map.optional("note").and_then(|note| note.string());
        let zone = map.required("zone").and_then(Zone::read);
        let week = map.required("week").map(|value| days::week(value, None));
        let breaks = map.optional("breaks").map(|value| days::week(value, week.as_ref()));
        let holidays = map.optional("holidays").map_or_else(Vec::new, |value| self.holidays(value));
        let exceptions = map.optional("exceptions").map_or_else(Vec::new, dates::exceptions);
        let places = exceptions.iter().map(|(exception, place)| (name.clone(), exception.to, place.clone()));
        self.hours.exceptions.extend(places);
        let switches = map.optional("emergency").map_or_else(Vec::new, |value| self.emergency(value));
        let (Some(zone), Some(week)) = (zone, week) else { return };
        let calendar = Calendar {
            name: name.clone(),
            zone,
            week: week.spans(),
            breaks: breaks.unwrap_or_default().within(&week),
            holidays,
            exceptions: exceptions.into_iter().map(|(exception, _)| exception).collect(),
            switches,
        };
        self.hours.calendars.insert(name, Arc::new(calendar));
    }

    /// Dates, or the names of lists of them, or a list of both.
    fn holidays(&mut self, value: Value<'_>) -> Vec<(When, Arc<str>)> {
        let items = value.one_or_list();
        let read =
            items.into_iter().flat_map(|item| if item.is_map() { dates::holidays(item) } else { self.list(item) });
        read.collect()
    }

    fn list(&mut self, value: Value<'_>) -> Vec<(When, Arc<str>)> {
        let Some(name) = value.string_for("holidays, or the name of a list of them") else { return Vec::new() };
        let Some(list) = self.lists.get(name) else {
            unknown(
                &value,
                "list of holidays",
                name,
                self.lists.keys(),
                "add it to `holidays` at the top of this file",
            );
            return Vec::new();
        };
        self.used.insert(name.to_owned());
        list.clone()
    }

    fn emergency(&mut self, value: Value<'_>) -> Vec<Arc<str>> {
        let mut switches = Vec::new();
        for item in value.one_or_list() {
            let Some(name) = item.string_for("the name of a switch") else { continue };
            match self.hours.switches.get_key_value(name) {
                Some((known, _)) if switches.contains(known) => {
                    item.fault(format!("`{name}` is given twice"), "keep one of them")
                }
                Some((known, _)) => {
                    self.used.insert(name.to_owned());
                    switches.push(known.clone());
                }
                None => {
                    let names: Vec<String> = self.hours.switches.keys().map(ToString::to_string).collect();
                    unknown(&item, "switch", name, names.iter(), "add it to `switches` at the top of this file");
                }
            }
        }
        switches
    }
}

fn unknown<'a>(value: &Value<'_>, what: &str, name: &str, known: impl Iterator<Item = &'a String>, remedy: &str) {
    let remedy = match did_you_mean(name, known.map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => remedy.to_owned(),
    };
    let shown: String = name.chars().take(60).collect();
    value.fault(format!("there is no {what} `{shown}`"), remedy);
}

/// True if there are no more than a calendar may have; else that is a fault.
fn has_room(value: Value<'_>, count: usize, what: &str) -> bool {
    if count > MAX_LINES {
        value.fault_at_key(format!("a calendar has at most {MAX_LINES} {what}, not {count}"), "");
    }
    count <= MAX_LINES
}

/// Spans in order, those that touch joined.
pub(crate) fn joined(spans: impl IntoIterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut sorted: Vec<(i64, i64)> = spans.into_iter().collect();
    sorted.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, to) in sorted {
        match joined.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// A span as minutes that go on behind the end of a day; `day` days later.
pub(crate) const fn minutes(day: i64, span: Span) -> (i64, i64) {
    let start = day * (DAY / 60);
    (start + span.from as i64, start + span.to as i64)
}
