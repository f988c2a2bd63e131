//! What a caller may type in a menu: keys of one digit or several, and ranges of them.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The most digits of a key.
pub(crate) const MAX_KEY: usize = 8;

/// A key, or a range of keys that have as many digits: `1`, `*`, `12`, `20-29`. The ends of a range are digits, so that
/// among texts of their length the order of texts is that of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    first: Arc<str>,
    last: Arc<str>,
}

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// It has other characters than keys, or too many.
    Malformed,
    /// The ends of the range have more and fewer digits.
    Uneven,
    /// The range runs backwards.
    Backwards,
}

impl KeyRange {
    pub fn read(text: &str) -> Result<Self, NoKey> {
        let sized = |text: &str| (1..=MAX_KEY).contains(&text.len());
        let is_number = |text: &str| sized(text) && text.bytes().all(|c| c.is_ascii_digit());
        match text.split_once('-') {
            None if sized(text) && text.bytes().all(|c| c.is_ascii_digit() || b"*#".contains(&c)) => {
                Ok(Self { first: text.into(), last: text.into() })
            }
            Some((first, last)) if is_number(first) && is_number(last) => {
                if first.len() != last.len() {
                    return Err(NoKey::Uneven);
                }
                if first >= last {
                    return Err(NoKey::Backwards);
                }
                Ok(Self { first: first.into(), last: last.into() })
            }
            _ => Err(NoKey::Malformed),
        }
    }

    /// True if none of them has another key than digits.
    pub fn is_digits(&self) -> bool {
        self.first.bytes().all(|c| c.is_ascii_digit())
    }

    /// How many keys one presses.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// True if it is a single key.
    pub fn is_one(&self) -> bool {
        self.first == self.last
    }

    /// True if `typed` is one of them.
    pub fn has(&self, typed: &str) -> bool {
        typed.len() == self.len() && self.begins_with(typed)
    }

    /// True if `typed` begins one of them and is none yet.
    pub fn goes_on_from(&self, typed: &str) -> bool {
        typed.len() < self.len() && self.begins_with(typed)
    }

    /// The first and last of those that `other` has, too; `None` if there are none.
    pub fn shared(&self, other: &Self) -> Option<Self> {
        if self.len() != other.len() {
            return None;
        }
        let (first, last) = ((&self.first).max(&other.first), (&self.last).min(&other.last));
        let keys = Self { first: Arc::clone(first), last: Arc::clone(last) };
        (first <= last && self.has(first) && other.has(first)).then_some(keys)
    }

    /// One of them and one of `longer` that begins with it; `None` if there is none.
    pub fn begun(&self, longer: &Self) -> Option<(String, String)> {
        if self.len() >= longer.len() {
            return None;
        }
        // If any of a range is the beginning of one of another, so is the first one that both ranges have.
        let cut = longer.first.get(..self.len())?;
        let beginning = if *cut >= *self.first { cut } else { &*self.first };
        if !self.has(beginning) || !longer.begins_with(beginning) {
            return None;
        }
        let whole = if longer.first.starts_with(beginning) {
            longer.first.to_string()
        } else {
            format!("{beginning:0<width$}", width = longer.len())
        };
        Some((beginning.to_owned(), whole))
    }

    fn begins_with(&self, typed: &str) -> bool {
        let cut = |text: &str| text.get(..typed.len()).is_some_and(|begin| begin == typed);
        if self.is_one() {
            return cut(&self.first);
        }
        let (Some(first), Some(last)) = (self.first.get(..typed.len()), self.last.get(..typed.len())) else {
            return false;
        };
        typed.bytes().all(|c| c.is_ascii_digit()) && (first..=last).contains(&typed)
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_one() {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

/// How many digits there are, for people.
pub(crate) fn digits(count: &RangeInclusive<usize>) -> String {
    match (count.start(), count.end()) {
        (1, 1) => "1 digit".to_owned(),
        (least, most) if least == most => format!("{least} digits"),
        (least, most) => format!("{least} to {most} digits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> KeyRange {
        KeyRange::read(text).unwrap()
    }

    #[test]
    fn keys_and_ranges_are_read() {
        for good in ["1", "*", "#", "12", "*98", "007", "20-29", "0-9", "00000000-99999999"] {
            assert_eq!(keys(good).to_string(), good);
        }
        for bad in ["", "a", "1-", "-1", "1-2-3", "*-#", "1-*", "123456789", "1 2", "１"] {
            assert_eq!(KeyRange::read(bad), Err(NoKey::Malformed), "{bad}");
        }
        assert_eq!(KeyRange::read("5-12"), Err(NoKey::Uneven));
        assert_eq!((KeyRange::read("6-4"), KeyRange::read("4-4")), (Err(NoKey::Backwards), Err(NoKey::Backwards)));
    }

    /// All texts of up to three of these characters.
    fn texts() -> Vec<String> {
        let one = || "019*".chars();
        let two = one().flat_map(|a| one().map(move |b| format!("{a}{b}")));
        let three = one().flat_map(|a| one().flat_map(move |b| one().map(move |c| format!("{a}{b}{c}"))));
        one().map(String::from).chain(two).chain(three).collect()
    }

    #[test]
    fn what_is_said_of_two_ranges_is_true_of_their_keys() {
        let all = texts();
        let some = [
            "0", "1", "*", "0-9", "1-9", "10", "01-19", "1*", "90-99", "00-11", "100", "091-110", "190-910", "*01",
            "9*9",
        ];
        for (a, b) in some.iter().flat_map(|a| some.iter().map(move |b| (keys(a), keys(b)))) {
            let within = |keys: &KeyRange| all.iter().filter(|text| keys.has(text)).cloned().collect::<Vec<_>>();
            let (ours, theirs) = (within(&a), within(&b));
            let both = ours.iter().any(|key| theirs.contains(key));
            // The texts are few: a pair may share keys that are not among them.
            assert!(!both || a.shared(&b).is_some(), "{a} {b}");
            if let Some(shared) = a.shared(&b) {
                assert!(a.has(&shared.first) && b.has(&shared.first) && a.has(&shared.last) && b.has(&shared.last));
            }
            let begun =
                ours.iter().any(|key| theirs.iter().any(|longer| longer.len() > key.len() && longer.starts_with(key)));
            assert!(!begun || a.begun(&b).is_some(), "{a} {b}");
            if let Some((key, longer)) = a.begun(&b) {
                assert!(
                    a.has(&key) && b.has(&longer) && b.goes_on_from(&key) && longer.starts_with(&key),
                    "{a} {b}: {key} {longer}"
                );
            }
        }
    }
}
