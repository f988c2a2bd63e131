//! A calendar day in UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Wall;

const MICROS: i64 = 86_400_000_000;

/// A day in UTC, as a whole number of days since 1970-01-01. It is written `2026-11-25`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Day(i64);

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a day such as 2026-11-25")]
pub struct NoDay;

impl Day {
    /// The day into which `at` falls.
    #[must_use]
    pub const fn of(at: Wall) -> Self {
        Self(at.as_unix_micros().div_euclid(MICROS))
    }

    /// Its first moment.
    #[must_use]
    pub const fn start(self) -> Wall {
        Wall::from_unix_micros(self.0.saturating_mul(MICROS))
    }

    /// The day before.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How long it still lasts at `at`; nothing if it is over.
    #[must_use]
    pub fn rest(self, at: Wall) -> Duration {
        Self(self.0.saturating_add(1)).start().since(at)
    }

    /// Days between this one and `other`, whichever comes first.
    #[must_use]
    pub const fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0);
        if !(0..=9999).contains(&year) {
            return write!(f, "{year:04}-{month:02}-{day:02}");
        }
        let mut text = *b"0000-00-00";
        put_digits(&mut text, &[(0, 4, year), (5, 2, month), (8, 2, day)]);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<u16>().map(i64::from));
        let mut part = || parts.next().and_then(Result::ok).ok_or(NoDay);
        let day = Self(days_from_civil(part()?, part()?, part()?));
        // Whatever is no date, such as a 13th month, comes to another one.
        if day.to_string() == text { Ok(day) } else { Err(NoDay) }
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl TryFrom<String> for Day {
    type Error = NoDay;

    fn try_from(text: String) -> Result<Self, NoDay> {
        text.parse()
    }
}

/// Puts numbers in place of zeros: where, how many digits, and the number. The general formatter takes ten times as long, and
/// every CDR has three times of day.
pub(crate) fn put_digits(text: &mut [u8], numbers: &[(usize, usize, i64)]) {
    for &(at, count, mut number) in numbers {
        for place in text.iter_mut().skip(at).take(count).rev() {
            *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
    }
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01.
/// The year is taken to begin in March, which puts the leap day last.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for days in (-719_000..1_000_000).step_by(97).chain([-1, 0, 1, 20_782]) {
            assert_eq!(Day(days).to_string().parse(), Ok(Day(days)));
        }
        for text in
            ["", "2026-11", "2026-11-31", "2026-13-01", "2026-11-25T", "2026-1-05", "+2026-11-25", "70000-01-01"]
        {
            assert_eq!(text.parse::<Day>(), Err(NoDay), "{text}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_and_lasts_to_the_next() {
        let noon = Wall::from_unix_micros(1_795_262_400_000_000);
        let day = Day::of(noon);
        assert_eq!(
            (day.to_string(), day.start().to_string()),
            ("2026-11-21".into(), "2026-11-21T00:00:00.000Z".into())
        );
        assert_eq!((day.rest(noon), day.before().rest(noon)), (Duration::from_secs(12 * 3600), Duration::ZERO));
        let last = Wall::from_unix_micros(day.start().as_unix_micros() - 1);
        assert_eq!((Day::of(last), day.distance(Day::of(last))), (day.before(), 1));
    }
}
