//! What a clock on the wall shows at a moment.

use std::fmt;

use jiff::civil::DateTime;

use crate::change::month;

/// What a clock on the wall shows; printed as `Thu 24 Dec 2026 10:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub(crate) at: DateTime,
    /// Seconds that it is ahead of UTC.
    pub(crate) offset: i32,
}

impl LocalTime {
    /// The year.
    #[must_use]
    pub fn year(self) -> i64 {
        self.at.year().into()
    }

    /// The month, from 1.
    #[must_use]
    pub fn month(self) -> i64 {
        self.at.month().into()
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day(self) -> i64 {
        self.at.day().into()
    }

    /// The day of the year, from 1.
    #[must_use]
    pub fn day_of_year(self) -> i64 {
        self.at.day_of_year().into()
    }

    /// Days since Sunday.
    #[must_use]
    pub fn weekday(self) -> i64 {
        self.at.weekday().to_sunday_zero_offset().into()
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub fn hour(self) -> i64 {
        self.at.hour().into()
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub fn minute(self) -> i64 {
        self.at.minute().into()
    }

    /// The second, 0 to 59.
    #[must_use]
    pub fn second(self) -> i64 {
        self.at.second().into()
    }

    /// True if both show the same date.
    #[must_use]
    pub fn is_same_day(self, other: Self) -> bool {
        self.at.date() == other.at.date()
    }

    /// As RFC 3339 has it, to the second: `2026-12-24T10:00:00+01:00`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (sign, minutes) = (if self.offset < 0 { '-' } else { '+' }, self.offset.unsigned_abs() / 60);
        let (date, at) = (self.at.date(), self.at);
        let time = format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
        format!("{date}T{time}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        let index = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0);
        let day = WEEKDAYS.get(index).copied().unwrap_or_default();
        write!(f, "{day} {} {} {} {:02}:{:02}", at.day(), month(at), at.year(), at.hour(), at.minute())
    }
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
