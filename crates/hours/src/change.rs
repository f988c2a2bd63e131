//! When a situation ends, and the words for it.

use base::Wall;
use jiff::civil::DateTime;

use crate::board::Turned;
use crate::calendar::{Calendar, Situation, State, unix};
use crate::local::LocalTime;
use crate::zone::{DAY, date_time};

/// How far ahead a change is looked for, in seconds: whoever is closed for longer is closed for good.
const HORIZON: i64 = 400 * DAY;

/// What a calendar says of a time, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How the time stands.
    pub state: State,
    /// Why, for people: `closed: holiday Christmas Day until 27 Dec 09:00`.
    pub why: String,
    /// When that ends: of open hours and breaks their end, else the next opening. None if it is not known, as in an emergency,
    /// or does not happen within 400 days.
    pub until: Option<Wall>,
}

impl Calendar {
    /// How the calendar stands at a time, if `emergency` is a switch of its that is on, and why.
    #[must_use]
    pub fn decide(&self, at: Wall, emergency: Option<&Turned>) -> Decision {
        if let Some(turned) = emergency {
            let reason = if turned.reason.is_empty() { String::new() } else { format!(": {}", turned.reason) };
            let why = format!("closed: emergency switch {}{reason}", turned.switch);
            return Decision { state: State::Emergency, why, until: None };
        }
        let Situation { state, name } = self.situation(at);
        let until = match state {
            State::Open | State::Break => self.next(unix(at), |found| found.state != state),
            _ => self.next(unix(at), |found| found.state == State::Open),
        };
        let end = until.map(|until| format!(" until {}", self.spell(unix(at), until))).unwrap_or_default();
        let why = match (state, name) {
            (State::Holiday, name) => format!("closed: holiday {}{end}", name.unwrap_or_default()),
            (State::Closed, Some(name)) => format!("closed: {name}{end}"),
            (_, Some(name)) => format!("{}: {name}{end}", state.word()),
            (_, None) => format!("{}{end}", state.word()),
        };
        Decision { state, why, until: until.map(wall) }
    }

    /// When it stands otherwise than at `at`, and how it stands then; a holiday next to another is a change, too. None if it is
    /// not within 400 days.
    #[must_use]
    pub fn next_change(&self, at: Wall) -> Option<(Wall, Situation)> {
        let now = self.situation(at);
        let at = self.next(unix(at), |found| *found != now)?;
        Some((wall(at), self.situation_at(self.zone.local(at))))
    }

    /// The first moment after `from` at which it stands as `wanted` says.
    fn next(&self, from: i64, wanted: impl Fn(&Situation) -> bool) -> Option<i64> {
        if self.never_changes() {
            return None;
        }
        let (mut at, mut shift) = (from, self.zone.next_shift(from));
        while at < from.saturating_add(HORIZON) {
            let local = self.zone.local(at);
            let edge = at + (self.next_edge(local) - local);
            // The clock on the wall may jump over that edge, or back.
            at = match shift {
                Some(moment) if moment <= edge => {
                    shift = self.zone.next_shift(moment);
                    moment
                }
                _ => edge,
            };
            if wanted(&self.situation_at(self.zone.local(at))) {
                return Some(at);
            }
        }
        None
    }

    /// What the clock on the wall shows at a moment.
    #[must_use]
    pub fn local(&self, at: Wall) -> LocalTime {
        self.zone.clock(at)
    }

    /// When the clock on the wall shows `text`, a time as `2026-12-24T10:00` or a date, whose begin is meant; the first time of
    /// two. None if it is neither.
    #[must_use]
    pub fn at(&self, text: &str) -> Option<Wall> {
        self.zone.at(text)
    }

    /// A time as one says it at another one: `18:00`, `27 Dec 09:00`, `4 Jan 2027 09:00`.
    fn spell(&self, now: i64, at: i64) -> String {
        let (now, at) = (date_time(self.zone.local(now)), date_time(self.zone.local(at)));
        let time = format!("{:02}:{:02}", at.hour(), at.minute());
        if now.date() == at.date() {
            time
        } else if now.year() == at.year() {
            format!("{} {} {time}", at.day(), month(at))
        } else {
            format!("{} {} {} {time}", at.day(), month(at), at.year())
        }
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

pub(crate) fn month(at: DateTime) -> &'static str {
    usize::try_from(at.month() - 1).ok().and_then(|index| MONTHS.get(index).copied()).unwrap_or_default()
}

pub(crate) const fn wall(unix: i64) -> Wall {
    Wall::from_unix_micros(unix.saturating_mul(1_000_000))
}
