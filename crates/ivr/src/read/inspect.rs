//! `check` of a `collect`: what the digits are to be.

use std::ops::RangeInclusive;

use yaml::Value;

use super::table;
use crate::inspect::{Check, DateForm, NoPattern, Pattern};
use crate::key_range::{KeyRange, digits};

/// The most octets of a regular expression, and the most entries of a list.
const MAX_REGEX: usize = 200;
pub(super) const MAX_LIST: usize = 100;

/// The check at `value`, of so many digits. What no such digits can pass is a fault.
pub(super) fn check(value: Value<'_>, length: &RangeInclusive<usize>) -> Option<Check> {
    let map = value.map(&table::CHECK.shape)?;
    let regex = map.optional("regex").map(|value| pattern(value, length));
    let luhn = map.optional("luhn").map(|value| value.bool());
    let date = map.optional("date").map(|value| date(value, length));
    let among = map.optional("in").map(|value| among(value, length));
    if regex.is_none() && luhn.is_none() && date.is_none() && among.is_none() {
        value.fault_at_key("nothing is checked", "write `regex`, `luhn`, `date` or `in` below it, or remove it");
        return None;
    }
    // What is there is to be without fault.
    let all_good =
        [regex.as_ref().map(Option::is_some), luhn.map(|luhn| luhn.is_some()), date.as_ref().map(Option::is_some)];
    let all_good = all_good.into_iter().flatten().all(|good| good);
    let among = among.map_or(Some(Vec::new()), |among| among)?;
    all_good.then(|| Check {
        regex: regex.flatten(),
        luhn: luhn.flatten().unwrap_or(false),
        date: date.flatten(),
        among,
    })
}

fn pattern(value: Value<'_>, length: &RangeInclusive<usize>) -> Option<Pattern> {
    let text = value.string()?;
    if text.len() > MAX_REGEX {
        value.fault(format!("a regular expression has at most {MAX_REGEX} characters, not {}", text.len()), "");
        return None;
    }
    let pattern = match Pattern::read(text) {
        Ok(pattern) => pattern,
        Err(NoPattern::Faulty(why)) => {
            let remedy = "write one such as `[1-9][0-9]{5}`; it is for the whole of the digits";
            value.fault(format!("this is not a regular expression: {why}"), remedy);
            return None;
        }
        Err(NoPattern::TooLarge) => {
            value.fault("this regular expression needs too much memory", "write smaller numbers of repetitions");
            return None;
        }
    };
    if !pattern.can_match(length) {
        let message = format!("{} can never match this", digits(length));
        value.fault(message, "it is for the whole of the digits, and there are no other characters than 0 to 9");
        return None;
    }
    Some(pattern)
}

fn date(value: Value<'_>, length: &RangeInclusive<usize>) -> Option<DateForm> {
    let text = value.string()?;
    let Some(form) = DateForm::read(text) else {
        let remedy = "write in which order it is typed: `ddmmyyyy`, `mmddyy`, `mmyy` and the like";
        value.fault("this is not the form of a date", remedy);
        return None;
    };
    if !length.contains(&form.len()) {
        let message = format!("`{text}` has {} digits, and the caller types {}", form.len(), digits(length));
        value.fault(message, format!("write `digits: {}`", form.len()));
        return None;
    }
    Some(form)
}

fn among(value: Value<'_>, length: &RangeInclusive<usize>) -> Option<Vec<KeyRange>> {
    let values = value.one_or_list();
    if values.is_empty() || values.len() > MAX_LIST {
        let message = format!("a list of what may be typed has 1 to {MAX_LIST} entries, not {}", values.len());
        value.fault_at_key(message, "write ranges such as `1000-1999`");
        return None;
    }
    let ranges: Vec<_> = values
        .into_iter()
        .map(|value| {
            let text = value.string()?;
            let range = KeyRange::read(text).ok().filter(|range| range.is_digits());
            let Some(range) = range else {
                value.fault(
                    "these are not digits",
                    "write some such as `1234`, 8 at most, or a range such as `1000-1999`",
                );
                return None;
            };
            if !length.contains(&range.len()) {
                let message = format!("`{text}` can never be typed: the caller types {}", digits(length));
                value.fault(message, "correct it, or `digits`");
                return None;
            }
            Some(range)
        })
        .collect();
    ranges.into_iter().collect()
}
