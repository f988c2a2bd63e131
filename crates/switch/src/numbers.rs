//! Rules that turn the numbers of a trunk into those of E.164, and back.
//!
//! A rule matches numbers by their beginning and their length, never by a regular expression, so that it can be decided
//! whether two rules match the same number ([`Rule::overlap`]). In a set where none do, their order means nothing.

use std::fmt;
use std::sync::Arc;

/// The most digits of a number of E.164, its country code included.
const E164_DIGITS: usize = 15;
/// The most digits of any number, as in [`crate::is_number`].
const MAX_DIGITS: usize = 32;

/// The rules of a trunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberRules {
    /// For numbers that come by it: what the carrier writes → E.164.
    pub inward: Vec<Rule>,
    /// For numbers that go to it: E.164 → what the carrier wants.
    pub outward: Vec<Rule>,
}

/// Which number of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The number that is called.
    Called,
    /// The number of who calls.
    Calling,
}

/// Which way a rule works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Its results are numbers of E.164: `+`, a digit but 0, 15 digits at most.
    In,
    /// Its results are numbers: 32 digits at most.
    Out,
}

/// One rule: what a number begins with, and what stands in its place afterwards. At least one digit follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How the number begins: digits, with a `+` before them or not. Without a `+`, no number that has one matches.
    prefix: Arc<str>,
    /// What takes its place.
    replace: Arc<str>,
    /// Longer beginnings that do not match.
    not: Vec<Arc<str>>,
    /// The fewest and the most digits of the whole number.
    digits: (usize, usize),
    /// Which of the numbers of a call it is for; both if none.
    only: Option<Of>,
}

/// What is wrong with a rule by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// The prefix is none.
    #[error("no beginning of a number")]
    Prefix,
    /// The replacement cannot begin a number.
    #[error("gives no number")]
    NoNumber,
    /// The replacement cannot begin a number of E.164.
    #[error("gives no number of E.164")]
    NotE164,
    /// An exception does not begin with the prefix, or is the prefix.
    #[error("is no longer beginning than `prefix`")]
    Exception(usize),
    /// No number fits.
    #[error("can match no number")]
    Never,
}

impl Rule {
    /// A rule, made so that it matches only numbers whose result is one, too.
    ///
    /// # Errors
    /// If that leaves none, or a part of it is malformed.
    pub fn new(
        way: Way,
        prefix: &str,
        replace: &str,
        not: &[&str],
        digits: Option<(usize, usize)>,
        only: Option<Of>,
    ) -> Result<Self, RuleFault> {
        if !begins_a_number(prefix) {
            return Err(RuleFault::Prefix);
        }
        let e164 = |text: &str| text.strip_prefix('+').is_some_and(|rest| !rest.starts_with('0'));
        if !begins_a_number(replace) {
            return Err(RuleFault::NoNumber);
        }
        if way == Way::In && !e164(replace) {
            return Err(RuleFault::NotE164);
        }
        let is_longer = |text: &str| begins_a_number(text) && text.len() > prefix.len() && begins_with(text, prefix);
        if let Some(index) = not.iter().position(|text| !is_longer(text)) {
            return Err(RuleFault::Exception(index));
        }
        let most = if way == Way::In { E164_DIGITS } else { MAX_DIGITS };
        let (before, after) = (count(prefix), count(replace));
        let most = most.saturating_sub(after).saturating_add(before).min(MAX_DIGITS);
        let (low, high) = digits.unwrap_or((1, MAX_DIGITS));
        let mut not: Vec<Arc<str>> = not.iter().map(|text| (*text).into()).collect();
        // No country code begins with 0.
        if way == Way::In && replace == "+" {
            not.push(format!("{prefix}0").into());
        }
        let digits = (low.max(before + 1), high.min(most));
        let rule = Self { prefix: prefix.into(), replace: replace.into(), not, digits, only };
        if rule.example(&[], rule.digits, &rule.prefix).is_none() {
            return Err(RuleFault::Never);
        }
        Ok(rule)
    }

    /// The number that this one becomes; none if the rule does not match it.
    #[must_use]
    pub fn apply(&self, number: &str, of: Of) -> Option<String> {
        let (low, high) = self.digits;
        let fits = crate::is_number(number)
            && self.only.is_none_or(|only| only == of)
            && begins_with(number, &self.prefix)
            && (low..=high).contains(&count(number))
            && !self.not.iter().any(|not| number.starts_with(&**not));
        let rest = number.get(self.prefix.len()..).filter(|_| fits)?;
        Some(format!("{}{rest}", self.replace))
    }

    /// A number that both match; none if there is none.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Option<String> {
        if self.only.zip(other.only).is_some_and(|(one, other)| one != other) {
            return None;
        }
        let longer = if self.prefix.len() >= other.prefix.len() { &self.prefix } else { &other.prefix };
        if !begins_with(longer, &self.prefix) || !begins_with(longer, &other.prefix) {
            return None;
        }
        let digits = (self.digits.0.max(other.digits.0), self.digits.1.min(other.digits.1));
        self.example(&other.not, digits, longer)
    }

    /// The smallest number that begins with `start`, has so many digits, and with none of the exceptions of this rule or
    /// `more`. It goes down only where an exception branches off, so that it takes no longer than these are long.
    fn example(&self, more: &[Arc<str>], (low, high): (usize, usize), start: &str) -> Option<String> {
        let barred = |text: &str| self.not.iter().chain(more).any(|not| text.starts_with(&**not));
        let branches = |text: &str| self.not.iter().chain(more).any(|not| not.starts_with(text));
        let mut open = vec![start.to_owned()];
        while let Some(text) = open.pop() {
            let digits = count(&text);
            if barred(&text) || digits > high {
                continue;
            }
            if digits >= low.max(1) {
                return Some(text);
            }
            if !branches(&text) {
                let zeros = "0".repeat(low.saturating_sub(digits));
                return (low <= high).then(|| text + &zeros);
            }
            open.extend(('0'..='9').rev().map(|digit| format!("{text}{digit}")));
        }
        None
    }
}

impl NumberRules {
    /// What a number that comes by the trunk is, as the switch writes it.
    #[must_use]
    pub fn inward(&self, number: &str, of: Of) -> Option<String> {
        self.inward.iter().find_map(|rule| rule.apply(number, of))
    }

    /// What a number that goes to the trunk is, as the trunk writes it.
    #[must_use]
    pub fn outward(&self, number: &str, of: Of) -> Option<String> {
        self.outward.iter().find_map(|rule| rule.apply(number, of))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" → \"{}\"", self.prefix, self.replace)
    }
}

/// Digits, with a `+` before them or not, or nothing.
fn begins_a_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.len() <= MAX_DIGITS && digits.bytes().all(|c| c.is_ascii_digit())
}

/// True if `text` begins so. What has a `+` and what has none have nothing in common.
fn begins_with(text: &str, prefix: &str) -> bool {
    text.starts_with(prefix) && text.starts_with('+') == prefix.starts_with('+')
}

/// The digits of a number.
fn count(number: &str) -> usize {
    number.strip_prefix('+').unwrap_or(number).len()
}

#[cfg(test)]
mod tests;
