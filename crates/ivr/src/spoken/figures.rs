//! What a text says: a number, an amount, a date, a time of day. Nothing is guessed: what is not plainly one is none.

/// A number in decimal notation, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub negative: bool,
    pub whole: u64,
    /// Digits behind the point; empty if there is none.
    pub decimals: String,
}

/// Larger whole parts are no numbers that one says.
const MAX_DIGITS: usize = 18;

impl Number {
    /// `12`, `-3.50`, `007`; blanks around it do not count.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, decimals) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let are_digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        let significant = whole.trim_start_matches('0');
        if whole.is_empty() || !are_digits(whole) || !are_digits(decimals) || significant.len() > MAX_DIGITS {
            return None;
        }
        let whole = if significant.is_empty() { 0 } else { significant.parse().ok()? };
        let is_zero = whole == 0 && decimals.bytes().all(|c| c == b'0');
        Some(Self { negative: negative && !is_zero, whole, decimals: decimals.to_owned() })
    }

    /// Units and minor units, of which 10^`places` make one; rounded half up, away from zero.
    pub fn amount(&self, places: u32) -> Option<(u64, u64)> {
        let scale = 10u64.checked_pow(places)?;
        let digit = |at: u32| {
            let digits = self.decimals.as_bytes();
            usize::try_from(at).ok().and_then(|at| digits.get(at)).map_or(0, |c| u64::from(c - b'0'))
        };
        let minor = (0..places).fold(0, |sum, at| sum * 10 + digit(at));
        let minor = if digit(places) >= 5 { minor + 1 } else { minor };
        Some(if minor == scale { (self.whole.checked_add(1)?, 0) } else { (self.whole, minor) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub year: u64,
    pub month: u64,
    pub day: u64,
}

impl Date {
    /// `2026-11-26`, `20261126`, or either before a time (`2026-11-26T09:05:00+01:00`), in the Gregorian calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.split(['T', ' ']).next()?;
        let (year, month, day) = match text.as_bytes() {
            [_, _, _, _, b'-', _, _, b'-', _, _] => (text.get(..4)?, text.get(5..7)?, text.get(8..)?),
            [_, _, _, _, _, _, _, _] => (text.get(..4)?, text.get(4..6)?, text.get(6..)?),
            _ => return None,
        };
        let date = Self { year: number(year)?, month: number(month)?, day: number(day)? };
        let days = days_of(date.year, date.month)?;
        (date.year >= 1 && (1..=days).contains(&date.day)).then_some(date)
    }

    /// 1 is Monday, 7 is Sunday (ISO 8601).
    pub fn weekday(self) -> u64 {
        // Days since the first of March of the year 0, of which a leap day is the last of its year.
        let (year, month) = if self.month < 3 { (self.year - 1, self.month + 9) } else { (self.year, self.month - 3) };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + self.day - 1;
        (days + 2) % 7 + 1
    }
}

fn days_of(year: u64, month: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        4 | 6 | 9 | 11 => Some(30),
        2 if leap => Some(29),
        2 => Some(28),
        1..=12 => Some(31),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub hour: u64,
    pub minute: u64,
}

impl Time {
    /// `9:05`, `09:05`, `0905`, `09:05:30`, or one behind a date. Seconds are not said.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let time = match text.split_once(['T', ' ']) {
            Some((date, time)) => Date::parse(date).map(|_| time)?,
            None => text,
        };
        // A zone, and parts of a second.
        let time = time.split(['Z', '+', '-', '.', '[']).next()?;
        let mut parts = time.split(':');
        let (hour, minute, second) = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
            (both, None, None, None) if both.len() == 4 => (both.get(..2)?, both.get(2..)?, "00"),
            (hour, Some(minute), second, None) => (hour, minute, second.unwrap_or("00")),
            _ => return None,
        };
        let two = |text: &str| (text.len() == 2).then(|| number(text)).flatten();
        let hour = if (1..=2).contains(&hour.len()) { number(hour)? } else { return None };
        let (minute, second) = (two(minute)?, two(second)?);
        (hour < 24 && minute < 60 && second <= 60).then_some(Self { hour, minute })
    }

    /// 12, 1, …, 11.
    pub const fn hour12(self) -> u64 {
        match self.hour % 12 {
            0 => 12,
            hour => hour,
        }
    }

    /// 0 before noon, 1 after it.
    pub const fn half(self) -> u64 {
        self.hour / 12
    }
}

/// Digits alone.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_a_number_is_one() {
        let number = |negative, whole, decimals: &str| Some(Number { negative, whole, decimals: decimals.to_owned() });
        assert_eq!(Number::parse("007"), number(false, 7, ""));
        assert_eq!(Number::parse(" -3.50 "), number(true, 3, "50"));
        assert_eq!(Number::parse("−4"), number(true, 4, ""));
        assert_eq!(Number::parse("-0.00"), number(false, 0, "00"));
        assert_eq!(Number::parse("+1"), number(false, 1, ""));
        assert_eq!(
            Number::parse("000000000000000000000999999999999999999"),
            number(false, 999_999_999_999_999_999, "")
        );
        for none in ["", "-", ".5", "5.", "1,5", "1e3", "--1", "1 2", "1234567890123456789", "٣", "NaN", "1.2.3"] {
            assert_eq!(Number::parse(none), None, "{none}");
        }
    }

    #[test]
    fn amounts_are_rounded_to_the_minor_unit() {
        let amount = |text, places| Number::parse(text).unwrap().amount(places);
        assert_eq!(amount("12.5", 2), Some((12, 50)));
        assert_eq!(amount("12.005", 2), Some((12, 1)));
        assert_eq!(amount("12.0049", 2), Some((12, 0)));
        assert_eq!(amount("0.995", 2), Some((1, 0)));
        assert_eq!(amount("12.5", 0), Some((13, 0)));
    }

    #[test]
    fn weekdays_are_those_of_the_calendar() {
        for (text, day) in [("2026-11-26", 4), ("2000-02-29", 2), ("1900-01-01", 1), ("1969-07-20", 7), ("20240229", 4)]
        {
            assert_eq!(Date::parse(text).unwrap().weekday(), day, "{text}");
        }
        for none in [
            "2025-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "26-11-2026",
            "0000-01-01",
            "2026-11-31",
            "tomorrow",
            "2026_11_26",
            "äääää",
        ] {
            assert_eq!(Date::parse(none), None, "{none}");
        }
    }

    #[test]
    fn times_are_read_with_and_without_a_date() {
        let at = |hour, minute| Some(Time { hour, minute });
        for (text, time) in [
            ("9:05", at(9, 5)),
            ("0905", at(9, 5)),
            ("23:59:60", at(23, 59)),
            ("2026-11-26T09:05:30.5+01:00", at(9, 5)),
            ("2026-11-26 00:00", at(0, 0)),
            ("2026-11-26T10:12:00Z", at(10, 12)),
        ] {
            assert_eq!(Time::parse(text), time, "{text}");
        }
        for none in ["", "24:00", "9", "9:5", "12:60", "905", "12:00:00:00", "noon", "x 12:00", "12:+5", ":30"] {
            assert_eq!(Time::parse(none), None, "{none}");
        }
        assert_eq!([0, 1, 11, 12, 13, 23].map(|hour| (Time { hour, minute: 0 }).hour12()), [12, 1, 11, 12, 1, 11]);
    }
}
