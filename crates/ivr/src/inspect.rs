//! What a `collect` looks for in the digits that a caller typed.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

use crate::key_range::KeyRange;

/// How large the automaton of a regular expression may be, in octets, and what making it may take.
const MAX_AUTOMATON: usize = 1 << 20;

/// All that the digits must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    pub regex: Option<Pattern>,
    pub luhn: bool,
    pub date: Option<DateForm>,
    /// One of these; empty: any.
    pub among: Vec<KeyRange>,
}

impl Check {
    pub fn passes(&self, digits: &str) -> bool {
        self.regex.as_ref().is_none_or(|pattern| pattern.matches(digits))
            && (!self.luhn || luhn(digits))
            && self.date.as_ref().is_none_or(|form| form.names_a_day(digits))
            && (self.among.is_empty() || self.among.iter().any(|keys| keys.has(digits)))
    }
}

/// A regular expression that the whole of a text is to match. Made into an automaton whole when it is read, so that each digit
/// costs one step, whatever the expression.
#[derive(Clone)]
pub(crate) struct Pattern(Arc<dense::DFA<Vec<u32>>>);

/// A regular expression that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoPattern {
    /// It is none, in the words of its reader.
    Faulty(String),
    /// Its automaton would be too large.
    TooLarge,
}

impl Pattern {
    pub fn read(text: &str) -> Result<Self, NoPattern> {
        let syntax = syntax::Config::new().unicode(false).utf8(false).nest_limit(50);
        if let Err(error) = syntax::parse_with(text, &syntax) {
            // What it says at length, with the expression and a caret, ends in a line with the fault.
            let said = error.to_string();
            let fault = said.lines().rev().find_map(|line| line.strip_prefix("error: "));
            return Err(NoPattern::Faulty(fault.unwrap_or("it cannot be read").to_owned()));
        }
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Anchored)
            .dfa_size_limit(Some(MAX_AUTOMATON))
            .determinize_size_limit(Some(MAX_AUTOMATON));
        let limits = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_AUTOMATON));
        let built = dense::Builder::new().configure(config).syntax(syntax).thompson(limits).build(text);
        built.map(|automaton| Self(Arc::new(automaton))).map_err(|_| NoPattern::TooLarge)
    }

    pub fn matches(&self, text: &str) -> bool {
        let end = |start| text.bytes().fold(start, |state, octet| self.0.next_state(state, octet));
        self.start().is_some_and(|start| self.accepts(end(start)))
    }

    /// True if it matches digits of such a number.
    pub fn can_match(&self, lengths: &RangeInclusive<usize>) -> bool {
        let mut states: Vec<StateID> = self.start().into_iter().collect();
        for length in 0..=*lengths.end() {
            if lengths.contains(&length) && states.iter().any(|state| self.accepts(*state)) {
                return true;
            }
            states =
                states.iter().flat_map(|state| (b'0'..=b'9').map(|digit| self.0.next_state(*state, digit))).collect();
            states.sort_unstable();
            states.dedup();
        }
        false
    }

    fn start(&self) -> Option<StateID> {
        self.0.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()
    }

    fn accepts(&self, state: StateID) -> bool {
        self.0.is_match_state(self.0.next_eoi_state(state))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a regular expression")
    }
}

/// True if the last digit is the one that the others ask for (ISO/IEC 7812-1, annex B).
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, times)| u32::from(digit.wrapping_sub(b'0')) * times)
        .map(|product| product / 10 + product % 10)
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// In which order a date is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DateForm(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Day,
    Month,
    /// With so many digits.
    Year(usize),
}

impl DateForm {
    /// `ddmmyyyy`, `mmyy` and the like: a month, and maybe a day and a year.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let forms = [("dd", Part::Day), ("mm", Part::Month), ("yyyy", Part::Year(4)), ("yy", Part::Year(2))];
            let (part, behind) = forms.iter().find_map(|(form, part)| Some((*part, rest.strip_prefix(form)?)))?;
            if parts.iter().any(|known| std::mem::discriminant(known) == std::mem::discriminant(&part)) {
                return None;
            }
            parts.push(part);
            rest = behind;
        }
        parts.contains(&Part::Month).then_some(Self(parts)).filter(|form| form.0.len() > 1)
    }

    /// How many digits it has.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    fn names_a_day(&self, digits: &str) -> bool {
        if digits.len() != self.len() {
            return false;
        }
        // Without a year it may be one with a 29th of February.
        let (mut day, mut month, mut year) = (1, 0, 2000);
        let mut rest = digits;
        for part in &self.0 {
            let Some((text, behind)) = rest.split_at_checked(part.len()) else { return false };
            let Ok(number) = text.parse::<u32>() else { return false };
            match part {
                Part::Day => day = number,
                Part::Month => month = number,
                Part::Year(2) => year = 2000 + number,
                Part::Year(_) => year = number,
            }
            rest = behind;
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        (1..=days).contains(&day) && year > 0
    }
}

impl Part {
    const fn len(self) -> usize {
        match self {
            Self::Day | Self::Month => 2,
            Self::Year(digits) => digits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_of_a_text_is_to_match() {
        let pattern = Pattern::read("12|3[0-5]*").unwrap();
        assert!(["12", "3", "3012345"].iter().all(|text| pattern.matches(text)));
        assert!(["", "1", "123", "36", "412"].iter().all(|text| !pattern.matches(text)));
        assert!(Pattern::read("1|12").unwrap().matches("12"), "the longer of two that begin alike");
        assert!(Pattern::read("^12$").unwrap().matches("12"), "who writes anchors is right, too");
        assert!(Pattern::read(r"\d{4}").unwrap().matches("0815"));
    }

    #[test]
    fn it_is_known_whether_digits_of_a_length_can_match() {
        let can = |text: &str, lengths| Pattern::read(text).unwrap().can_match(&lengths);
        assert!(can("[0-9]{4}", 4..=4) && can("[0-9]{4}", 1..=32) && can("(12)*", 3..=4));
        assert!(!can("[0-9]{4}", 5..=8) && !can("(12)*", 3..=3) && !can("[a-z]+", 1..=32) && !can("1-2", 1..=32));
    }

    #[test]
    fn faulty_and_huge_expressions_are_refused_in_little_time() {
        assert_eq!(Pattern::read("[0-9").err(), Some(NoPattern::Faulty("unclosed character class".to_owned())));
        assert_eq!(Pattern::read("1)(2").err(), Some(NoPattern::Faulty("unopened group".to_owned())));
        for huge in ["[0-9]{1000000}", "(([0-9]{1000}){1000}){1000}", "[01]*1[01]{40}"] {
            assert_eq!(Pattern::read(huge).err(), Some(NoPattern::TooLarge), "{huge}");
        }
        let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
        assert!(matches!(Pattern::read(&deep), Err(NoPattern::Faulty(_))));
    }

    #[test]
    fn check_digits_are_told_from_wrong_ones() {
        for good in ["4111111111111111", "79927398713", "0", "18"] {
            assert!(luhn(good), "{good}");
        }
        for bad in ["4111111111111112", "79927398710", "1", ""] {
            assert!(!luhn(bad), "{bad}");
        }
    }

    #[test]
    fn dates_are_days_that_there_are() {
        let is = |form: &str, digits: &str| DateForm::read(form).unwrap().names_a_day(digits);
        assert!(
            is("ddmmyyyy", "29022024") && is("mmddyy", "022900") && is("yyyymmdd", "19991231") && is("mmyy", "1230")
        );
        assert!(is("ddmm", "2902"), "in some years");
        for (form, bad) in [("ddmmyyyy", "29022023"), ("ddmmyyyy", "31042024"), ("ddmmyyyy", "00012024")] {
            assert!(!is(form, bad), "{bad}");
        }
        assert!(!is("mmyy", "1330") && !is("mmyy", "0030") && !is("mmyy", "12300") && !is("yyyymmdd", "00000101"));
        assert!(!is("yyyymmdd", "19000229") && is("yyyymmdd", "20000229"));
        for bad in ["", "dd", "mm", "ddmmdd", "yyyyyy", "ddmmyyy", "mm-dd", "hhmm", "yyyydd"] {
            assert_eq!(DateForm::read(bad), None, "{bad}");
        }
    }
}
