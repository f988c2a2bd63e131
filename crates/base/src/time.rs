//! Time as an argument: [`Now`] joins a monotonic clock for timers with a wall clock for calendars and records.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Day;
use crate::day::put_digits;

/// Both clocks at one moment. Timers use `monotonic`, so that a jump of the wall clock harms none of them;
/// CDRs, nonces and calendars use `wall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time since an arbitrary origin; never goes back.
    pub monotonic: Mono,
    /// Civil time, which may jump either way.
    pub wall: Wall,
}

impl Now {
    /// The same moment shifted by `by` on both clocks; the step of a virtual clock.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self { monotonic: self.monotonic + by, wall: self.wall + by }
    }
}

/// A point of monotonic time: nanoseconds since an origin that the driver chose (its start).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// The point `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Mono {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Civil time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(i64);

impl Wall {
    /// The point `micros` microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_micros(self) -> i64 {
        self.0
    }

    /// Whole days since the Unix epoch: the number of its day in UTC.
    #[must_use]
    pub const fn as_unix_days(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }

    /// Time from `earlier` to `self`; zero if the wall clock went back between them.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Wall {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-21T09:30:00.125Z`.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.div_euclid(1000).rem_euclid(86_400_000);
        let (s, ms) = (ms / 1000, ms % 1000);
        let (hour, minute, second) = (s / 3600, s / 60 % 60, s % 60);
        fmt::Display::fmt(&Day::of(*self), f)?;
        let mut text = *b"T00:00:00.000Z";
        put_digits(&mut text, &[(1, 2, hour), (4, 2, minute), (7, 2, second), (10, 3, ms)]);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_prints_as_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_795_253_400_125_000, "2026-11-21T09:30:00.125Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"),
        ];
        for (micros, text) in cases {
            assert_eq!(Wall::from_unix_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn days_begin_at_midnight_also_before_1970() {
        let days = [-1, 0, 86_399_999_999, 86_400_000_000].map(|micros| Wall::from_unix_micros(micros).as_unix_days());
        assert_eq!(days, [-1, 0, 0, 1]);
    }

    #[test]
    fn a_wall_clock_that_goes_back_gives_no_negative_time() {
        let early = Wall::from_unix_micros(5);
        assert_eq!(early.since(early + Duration::from_secs(1)), Duration::ZERO);
    }
}
