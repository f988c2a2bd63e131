//! Which dates a line of the file means: `2026-12-25`, `12-25`, `easter+1`, `last monday of may`.

use jiff::civil::{Date, Weekday};

use crate::zone::{date, day_of};

/// The names of the days, as one writes them.
pub(crate) const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const COUNTS: [(&str, i8); 5] = [("1st", 1), ("2nd", 2), ("3rd", 3), ("4th", 4), ("last", -1)];

/// How far from Easter Sunday a holiday may be, in days: all that churches keep lie within.
const MOST_FROM_EASTER: i64 = 100;

/// The dates that a line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// From one day to another, both included; days since 1970-01-01.
    Dates(i64, i64),
    /// A day of each year.
    Yearly(i8, i8),
    /// So many days after Easter Sunday.
    Easter(i64),
    /// The nth weekday of a month, of each year; -1 is the last.
    Nth { nth: i8, weekday: i8, month: i8 },
}

impl When {
    /// Reads a line's key.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (full(from)?, full(to)?);
            return (from <= to).then_some(Self::Dates(from, to));
        }
        if let Some(rest) = text.strip_prefix("easter") {
            return from_easter(rest).map(Self::Easter);
        }
        if let Some(day) = full(text) {
            return Some(Self::Dates(day, day));
        }
        if let Some((month, day)) = text.split_once('-') {
            let (month, day) = (digits(month, 2)?, digits(day, 2)?);
            // Of a leap year, so that its day is one.
            Date::new(2000, month, day).ok()?;
            return Some(Self::Yearly(month, day));
        }
        nth(text)
    }

    /// True if `day`, which is `on`, is one of these dates.
    pub fn holds(self, day: i64, on: Date) -> bool {
        match self {
            Self::Dates(from, to) => (from..=to).contains(&day),
            Self::Yearly(month, of_month) => (on.month(), on.day()) == (month, of_month),
            Self::Easter(after) => easter(on.year()).is_some_and(|easter| day_of(easter) + after == day),
            Self::Nth { nth, weekday, month } => {
                on.month() == month
                    && on.weekday().to_monday_zero_offset() == weekday
                    && if nth < 0 { on.day() + 7 > on.days_in_month() } else { (on.day() - 1) / 7 + 1 == nth }
            }
        }
    }

    /// True if a date that both mean can be told from the file alone.
    pub fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Dates(from, to), Self::Dates(other_from, other_to)) => from <= other_to && other_from <= to,
            (Self::Dates(from, to), rule) | (rule, Self::Dates(from, to)) => {
                // A rule comes round once a year.
                (from..=to.min(from + 366)).any(|day| rule.holds(day, date(day)))
            }
            (one, other) => one == other,
        }
    }
}

/// `2026-12-25`, as days since 1970-01-01.
pub(crate) fn full(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut part = || parts.next();
    let (year, month, day) = (part()?, part()?, part()?);
    let whole = part().is_none() && year.len() == 4 && year.bytes().all(|c| c.is_ascii_digit());
    let year: i16 = year.parse().ok().filter(|year| whole && *year >= 1970)?;
    Date::new(year, digits(month, 2)?, digits(day, 2)?).ok().map(day_of)
}

fn digits(text: &str, length: usize) -> Option<i8> {
    let fits = text.len() == length && text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// Behind `easter`: nothing, `+1`, `-2`.
fn from_easter(rest: &str) -> Option<i64> {
    if rest.is_empty() {
        return Some(0);
    }
    let (sign, number) = match rest.split_at_checked(1)? {
        ("+", number) => (1, number),
        ("-", number) => (-1, number),
        _ => return None,
    };
    let days: i64 = number.parse().ok().filter(|_| number.bytes().all(|c| c.is_ascii_digit()))?;
    (1..=MOST_FROM_EASTER).contains(&days).then_some(sign * days)
}

/// `4th thursday of november`.
fn nth(text: &str) -> Option<When> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [count, weekday, "of", month] = *words.as_slice() else { return None };
    let (_, nth) = COUNTS.iter().find(|(word, _)| *word == count)?;
    let place = |words: &[&str], word| words.iter().zip(0i8..).find(|(known, _)| **known == word).map(|(_, at)| at);
    Some(When::Nth { nth: *nth, weekday: place(&DAYS, weekday)?, month: place(&MONTHS, month)? + 1 })
}

/// Easter Sunday of the western churches, by the method that J. M. Oudin found (1940).
pub(crate) fn easter(year: i16) -> Option<Date> {
    let year_number = i64::from(year);
    let century = year_number / 100;
    let golden = year_number % 19;
    let k = (century - 17) / 25;
    let i = (century - century / 4 - (century - k) / 3 + 19 * golden + 15) % 30;
    let i = i - (i / 28) * (1 - (i / 28) * (29 / (i + 1)) * ((21 - golden) / 11));
    let j = (year_number + year_number / 4 + i + 2 - century + century / 4) % 7;
    let from_full_moon = i - j;
    let month = 3 + (from_full_moon + 40) / 44;
    let day = from_full_moon + 28 - 31 * (month / 4);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The weekday of a day since 1970-01-01, which was a Thursday: 0 is Monday.
pub(crate) fn weekday(day: i64) -> usize {
    usize::try_from((day + i64::from(Weekday::Thursday.to_monday_zero_offset())).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_the_churches_have_it() {
        let known = [
            (1981, 4, 19),
            (2000, 4, 23),
            (2008, 3, 23),
            (2011, 4, 24),
            (2019, 4, 21),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2038, 4, 25),
            (2049, 4, 18),
            (2076, 4, 19),
        ];
        for (year, month, day) in known {
            assert_eq!(easter(year), Some(Date::constant(year, month, day)));
        }
    }

    #[test]
    fn a_line_means_the_dates_that_one_reads_there() {
        let holds = |text: &str, at: &str| {
            let day = full(at).unwrap();
            When::parse(text).unwrap().holds(day, date(day))
        };
        for (text, yes, no) in [
            ("2026-12-25", "2026-12-25", "2027-12-25"),
            ("12-25", "2031-12-25", "2031-12-24"),
            ("02-29", "2028-02-29", "2027-02-28"),
            ("easter", "2026-04-05", "2026-04-06"),
            ("easter+1", "2026-04-06", "2027-04-06"),
            ("easter-2", "2026-04-03", "2026-04-05"),
            ("easter-47", "2026-02-17", "2026-02-18"),
            ("4th thursday of november", "2026-11-26", "2026-11-19"),
            ("1st monday of september", "2026-09-07", "2026-09-14"),
            ("last monday of may", "2026-05-25", "2026-05-18"),
            ("last monday of may", "2027-05-31", "2027-05-24"),
            ("2026-02-16..2026-02-22", "2026-02-22", "2026-02-23"),
        ] {
            assert!(holds(text, yes) && !holds(text, no), "{text}");
        }
        for text in [
            "",
            "12-32",
            "02-30",
            "1-1",
            "2026-02-29",
            "2026-12",
            "26-12-25",
            "easter+0",
            "easter1",
            "easter+1000",
            "easter + 1",
            "5th monday of may",
            "last moonday of may",
            "2026-02-22..2026-02-16",
            "12-24..12-31",
            "+026-12-25",
        ] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }

    #[test]
    fn weekdays_follow_the_calendar() {
        for (at, name) in [("1970-01-01", "thursday"), ("2026-11-26", "thursday"), ("2026-12-28", "monday")] {
            assert_eq!(DAYS[weekday(full(at).unwrap())], name, "{at}");
        }
    }
}
