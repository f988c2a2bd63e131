//! A calendar: how a time stands in it.

use std::fmt;
use std::sync::Arc;

use base::Wall;
use serde::{Deserialize, Serialize};

use crate::date::{When, weekday};
use crate::zone::{DAY, Zone, date};

/// How a time stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Within the hours.
    Open,
    /// In a break within the hours.
    Break,
    /// Closed, as the day is a holiday.
    Holiday,
    /// Closed.
    Closed,
    /// A switch is on that says so, whatever the time.
    Emergency,
}

impl State {
    /// The word for it, as it stands in files and journals.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Break => "break",
            Self::Holiday => "holiday",
            Self::Closed => "closed",
            Self::Emergency => "emergency",
        }
    }
}

/// How a time stands, and the name of the holiday or exception that makes it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    /// How.
    pub state: State,
    /// By what, if it is not the week alone.
    pub name: Option<Arc<str>>,
}

/// `open`, or with its name `holiday: Christmas Day`.
impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.state.word();
        match &self.name {
            Some(name) => write!(f, "{word}: {name}"),
            None => f.write_str(word),
        }
    }
}

/// When somebody is there: a week in a time zone, with breaks, holidays and exceptions. Immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub(crate) name: Arc<str>,
    pub(crate) zone: Zone,
    /// Monday first; each day's in order.
    pub(crate) week: [Vec<Span>; 7],
    /// Of the hours of the same day.
    pub(crate) breaks: [Vec<Span>; 7],
    /// Of several that mean a date, the first names it.
    pub(crate) holidays: Vec<(When, Arc<str>)>,
    /// In order; no two mean the same date.
    pub(crate) exceptions: Vec<Exception>,
    /// Those that close it at once.
    pub(crate) switches: Vec<Arc<str>>,
}

/// Minutes from the midnight at which the day begins that the span belongs to. It may end on the day after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub from: u16,
    /// Not in it any more.
    pub to: u16,
}

/// Minutes of a day.
pub(crate) const MINUTES: u16 = 1_440;

/// Dates on which neither week nor holidays count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    /// Days since 1970-01-01.
    pub from: i64,
    /// Still in it.
    pub to: i64,
    pub name: Option<Arc<str>>,
    pub open: Vec<Span>,
    pub breaks: Vec<Span>,
}

/// What a date holds.
struct Plan<'a> {
    open: &'a [Span],
    breaks: &'a [Span],
    /// What it is outside of the hours.
    otherwise: State,
    name: Option<&'a Arc<str>>,
}

impl Calendar {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The name of its time zone in the IANA database.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone.name
    }

    /// The switches that close it at once.
    #[must_use]
    pub fn switches(&self) -> &[Arc<str>] {
        &self.switches
    }

    /// How a time stands, switches aside.
    #[must_use]
    pub fn situation(&self, at: Wall) -> Situation {
        self.situation_at(self.zone.local(unix(at)))
    }

    /// How the time stands at which the clock on the wall shows `local`.
    pub(crate) fn situation_at(&self, local: i64) -> Situation {
        let (day, minute) = split(local);
        let (today, eve) = (self.plan(day), self.plan(day - 1));
        let covered = |spans: &[Span], minute| spans.iter().any(|span| (span.from..span.to).contains(&minute));
        let plans = [(&today, minute), (&eve, minute + MINUTES)];
        let Some((plan, minute)) = plans.into_iter().find(|(plan, minute)| covered(plan.open, *minute)) else {
            return Situation { state: today.otherwise, name: today.name.cloned() };
        };
        let state = if covered(plan.breaks, minute) { State::Break } else { State::Open };
        Situation { state, name: plan.name.cloned() }
    }

    /// When something may change next: the end of a span, the begin of one, or midnight.
    pub(crate) fn next_edge(&self, local: i64) -> i64 {
        let (day, minute) = split(local);
        let (today, eve) = (self.plan(day), self.plan(day - 1));
        let edges = |plan: Plan<'_>, shift: u16| {
            let spans = plan.open.iter().chain(plan.breaks);
            let edges = spans.flat_map(|span| [span.from, span.to]).filter_map(|edge| edge.checked_sub(shift));
            edges.filter(|edge| *edge > minute).min().unwrap_or(MINUTES)
        };
        day * DAY + i64::from(edges(today, 0).min(edges(eve, MINUTES)).min(MINUTES)) * 60
    }

    /// True if no date differs from another, and no time of day.
    pub(crate) fn never_changes(&self) -> bool {
        let whole = |spans: &Vec<Span>| spans.as_slice() == [Span { from: 0, to: MINUTES }];
        self.holidays.is_empty()
            && self.exceptions.is_empty()
            && self.week.iter().all(whole)
            && self.breaks.iter().all(Vec::is_empty)
    }

    fn plan(&self, day: i64) -> Plan<'_> {
        let before = self.exceptions.partition_point(|exception| exception.from <= day);
        let latest = before.checked_sub(1).and_then(|index| self.exceptions.get(index));
        if let Some(exception) = latest.filter(|exception| day <= exception.to) {
            let Exception { name, open, breaks, .. } = exception;
            return Plan { open, breaks, otherwise: State::Closed, name: name.as_ref() };
        }
        if let Some(name) = self.holiday(day) {
            return Plan { open: &[], breaks: &[], otherwise: State::Holiday, name: Some(name) };
        }
        Plan {
            open: self.week.get(weekday(day)).map_or(&[], Vec::as_slice),
            breaks: self.breaks.get(weekday(day)).map_or(&[], Vec::as_slice),
            otherwise: State::Closed,
            name: None,
        }
    }

    fn holiday(&self, day: i64) -> Option<&Arc<str>> {
        if self.holidays.is_empty() {
            return None;
        }
        let on = date(day);
        self.holidays.iter().find(|(when, _)| when.holds(day, on)).map(|(_, name)| name)
    }
}

/// Whole seconds since 1970-01-01T00:00:00Z.
pub(crate) const fn unix(at: Wall) -> i64 {
    at.as_unix_micros().div_euclid(1_000_000)
}

/// Day and minute of the day.
fn split(local: i64) -> (i64, u16) {
    (local.div_euclid(DAY), u16::try_from(local.rem_euclid(DAY) / 60).unwrap_or(0))
}
