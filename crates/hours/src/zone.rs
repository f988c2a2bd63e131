//! Time zones: what the clocks on the wall show at a moment, and when they are put forward or back.

use std::sync::Arc;

use base::Wall;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use yaml::{Value, did_you_mean};

use crate::calendar::unix;
use crate::change::wall;
use crate::date::full;
use crate::local::LocalTime;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// A time zone of the IANA database; UTC if nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    pub(crate) name: Arc<str>,
    rules: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".into(), rules: TimeZone::UTC }
    }
}

impl Zone {
    /// The zone that `value` names; `None` after it has added a fault.
    #[must_use]
    pub fn read(value: Value<'_>) -> Option<Self> {
        let name = value.string_for("a time zone such as `Europe/Berlin`")?;
        let known = TimeZoneDatabase::bundled();
        let found = if is_whole(name) { known.get(name).ok() } else { None };
        // The database takes `europe/berlin`, too; a file shall name it as everybody does.
        if let Some(rules) = found.filter(|rules| rules.iana_name() == Some(name)) {
            return Some(Self { name: name.into(), rules });
        }
        let names: Vec<String> = known.available().map(|name| name.to_string()).filter(|name| is_whole(name)).collect();
        let city = |full: &&str| full.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
        let all = || names.iter().map(String::as_str);
        let remedy = match all().find(city).or_else(|| did_you_mean(name, all())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write region and city, such as `Europe/Berlin`, `America/New_York` or `Asia/Shanghai`".to_owned(),
        };
        let shown: String = name.chars().take(40).collect();
        value.fault(format!("there is no time zone `{shown}`"), remedy);
        None
    }

    /// Its IANA name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the clock on the wall shows at a moment.
    #[must_use]
    pub fn clock(&self, at: Wall) -> LocalTime {
        let seconds = unix(at);
        let offset = self.rules.to_offset(timestamp(seconds)).seconds();
        LocalTime { at: date_time(seconds + i64::from(offset)), offset }
    }

    /// When the clock on the wall shows `text`, a time as `2026-12-24T10:00` or a date, whose begin is meant; the first time of
    /// two. None if it is neither.
    #[must_use]
    pub fn at(&self, text: &str) -> Option<Wall> {
        let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
        let minute = crate::read::time_of_day(time)?;
        let local = full(day)? * DAY + i64::from(minute) * 60;
        Some(wall(self.unix(local)))
    }

    /// When the day began on which the clock on the wall stands at a moment.
    #[must_use]
    pub fn day_of(&self, at: Wall) -> Wall {
        let local = self.local(unix(at));
        wall(self.unix(local - local.rem_euclid(DAY)))
    }

    /// What the clock on the wall shows: seconds since it showed 1970-01-01 00:00.
    pub(crate) fn local(&self, unix: i64) -> i64 {
        unix + i64::from(self.rules.to_offset(timestamp(unix)).seconds())
    }

    /// When the clock is put forward or back next, after `unix`.
    pub(crate) fn next_shift(&self, unix: i64) -> Option<i64> {
        self.rules.following(timestamp(unix)).next().map(|shift| shift.timestamp().as_second())
    }

    /// When the clock shows `local`: the first time of two, and behind a gap as long as `local` lies in it.
    pub(crate) fn unix(&self, local: i64) -> i64 {
        self.rules.to_timestamp(date_time(local)).map_or(local, Timestamp::as_second)
    }
}

/// Not one of the old names without a region: `EST` knows no summer time, and `Japan` says less than `Asia/Tokyo`.
fn is_whole(name: &str) -> bool {
    name.contains('/') || name == "UTC"
}

fn timestamp(unix: i64) -> Timestamp {
    let nearest = if unix < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(unix).unwrap_or(nearest)
}

/// The date and time that a clock shows.
pub(crate) fn date_time(local: i64) -> DateTime {
    Offset::UTC.to_datetime(timestamp(local))
}

/// The date that is `day` days after 1970-01-01.
pub(crate) fn date(day: i64) -> Date {
    date_time(day.saturating_mul(DAY)).date()
}

/// The inverse of [`date`].
pub(crate) fn day_of(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_secs().div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_of_the_wall_also_where_the_clock_is_put_back_on_it() {
        let zone = |name: &str| {
            let rules = TimeZoneDatabase::bundled().get(name).unwrap();
            Zone { name: name.into(), rules }
        };
        let berlin = zone("Europe/Berlin");
        for (time, begins) in [
            ("2026-11-26T00:00", "2026-11-26T00:00:00+01:00"),
            ("2026-11-26T23:59", "2026-11-26T00:00:00+01:00"),
            // 25 hours long: the clock is put back at three.
            ("2026-10-25T20:00", "2026-10-25T00:00:00+02:00"),
        ] {
            let begin = berlin.day_of(berlin.at(time).unwrap());
            assert_eq!(berlin.clock(begin).rfc3339(), begins);
        }
        let begin = Zone::default().day_of(Wall::from_unix_micros(-1));
        assert_eq!(begin, Wall::from_unix_micros(-86_400_000_000));
    }
}
