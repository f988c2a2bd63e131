//! `menu` and `collect`: nodes that ask the caller for keys.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use yaml::{Map, Value};

use super::parts::times;
use super::{BESIDE, Reader, table};
use crate::flow::{Collect, Menu, Outcome, Prompt, Question, Times, Way};

/// The most digits that one `collect` takes.
const MAX_DIGITS: usize = 32;

impl<'a> Reader<'a> {
    pub(super) fn menu(&mut self, value: Value<'a>) -> Option<Menu> {
        let map = value.map_with(&table::MENU.shape, BESIDE)?;
        let question = self.question(map);
        let keys = map.required("keys").and_then(|keys| self.keys(keys));
        Some(Menu { question: question?, keys: keys? })
    }

    fn keys(&mut self, value: Value<'a>) -> Option<Vec<(char, Outcome<Way>)>> {
        let entries = value.entries("the keys of a menu, such as `1: sales`")?;
        let mut keys: BTreeMap<char, Outcome<Way>> = BTreeMap::new();
        let mut good = !entries.is_empty();
        if entries.is_empty() {
            value.fault_at_key("a menu needs a key", "add one, such as `1: sales`");
        }
        for (key, value) in entries {
            let (pressed, outcome) = (key_range(key), self.answer(value, None));
            let (Some(pressed), Some(outcome)) = (pressed, outcome) else {
                good = false;
                continue;
            };
            for c in pressed {
                if keys.insert(c, outcome.clone()).is_some() {
                    key.fault(format!("the key `{c}` is given twice"), "take it out of one of the ranges");
                    good = false;
                }
            }
        }
        good.then(|| keys.into_iter().collect())
    }

    pub(super) fn collect(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Collect> {
        let next = self.next(node);
        let map = value.map_with(&table::COLLECT.shape, BESIDE)?;
        let question = self.question(map);
        let variable = map.required("into").and_then(|value| self.names.variable(value));
        let length = map.required("digits").and_then(length);
        let end_key = map.optional("end_key").map_or(Some(Some('#')), end_key);
        let digit_timeout = duration(map, "digit_timeout", 3, 1..=60);
        let (least, most) = length?.into_inner();
        Some(Collect {
            question: question?,
            variable: variable?,
            least,
            most,
            end_key: end_key?,
            digit_timeout: digit_timeout?,
            next: next?,
        })
    }

    fn question(&mut self, map: Map<'a>) -> Option<Question> {
        let prompt = map.required("prompt").and_then(|value| self.prompt(value));
        let barge_in = map.optional("barge_in").map_or(Some(true), |value| value.bool());
        let policy = [("keep", true), ("discard", false)];
        let keep_type_ahead = map.optional("type_ahead").map_or(Some(true), |value| value.choose(&policy));
        let timeout = duration(map, "timeout", 5, 0..=300);
        if let (Some(false), Some(Duration::ZERO), Some(value)) = (barge_in, timeout, map.optional("timeout")) {
            value.fault(
                "nobody can press a key: none counts during the prompt, and none is waited for",
                "write a `timeout` such as `5s`",
            );
        }
        let attempts = map.optional("attempts").map_or(Some(Times::Count(3)), times);
        let again = Outcome { prompt: Prompt::default(), way: Way::Repeat };
        let mut failure = |key| match map.optional(key) {
            Some(value) => self.answer(value, Some(Way::Repeat)),
            None => Some(again.clone()),
        };
        let (no_input, wrong_input) = (failure("no_input"), failure("wrong_input"));
        let exhausted = match (map.optional("exhausted"), attempts) {
            (Some(value), Some(Times::Forever)) => {
                value.fault_at_key("`exhausted` is never reached: `attempts` is `forever`", "remove one of them");
                None
            }
            (Some(value), _) => self.last_outcome(value).map(Some),
            (None, Some(Times::Count(_))) => {
                let remedy = "add `exhausted:` with a node's name, or `exhausted: hangup`";
                map.fault_if_missing("exhausted", "nothing says what follows when all attempts are used up", remedy);
                None
            }
            (None, _) => Some(None),
        };
        Some(Question {
            prompt: prompt?,
            barge_in: barge_in?,
            keep_type_ahead: keep_type_ahead?,
            timeout: timeout?,
            attempts: attempts?,
            no_input: no_input?,
            wrong_input: wrong_input?,
            exhausted: exhausted?,
        })
    }
}

/// A duration in seconds: the bounds, and what holds if `key` is not written.
pub(super) fn duration(map: Map<'_>, key: &'static str, default: u64, range: RangeInclusive<u64>) -> Option<Duration> {
    let (least, most) = range.into_inner();
    let range = Duration::from_secs(least)..=Duration::from_secs(most);
    map.optional(key).map_or(Some(Duration::from_secs(default)), |value| value.duration_in(range))
}

/// `1`, `*`, `#`, or a range of digits: `4-6`.
fn key_range(key: Value<'_>) -> Option<RangeInclusive<char>> {
    let text = key.string()?;
    let mut chars = text.chars();
    match (chars.next(), chars.next(), chars.next(), chars.next()) {
        (Some(c @ ('0'..='9' | '*' | '#')), None, ..) => Some(c..=c),
        (Some(a @ '0'..='9'), Some('-'), Some(b @ '0'..='9'), None) if a < b => Some(a..=b),
        _ => {
            let remedy = "a key is one of 0 to 9, `\"*\"` or `\"#\"`, or a range such as `4-6`";
            key.fault("this is not a key of a phone", remedy);
            None
        }
    }
}

/// `6`, or `4-8`.
fn length(value: Value<'_>) -> Option<RangeInclusive<usize>> {
    let text = value.string()?;
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=MAX_DIGITS).contains(n));
    let range = match text.split_once('-') {
        Some((least, most)) => number(least).zip(number(most)),
        None => number(text).map(|n| (n, n)),
    };
    let Some((least, most)) = range.filter(|(least, most)| least <= most) else {
        let remedy = format!("write how many, such as `6`, or a range such as `4-8`, up to {MAX_DIGITS}");
        value.fault("this is not a number of digits", remedy);
        return None;
    };
    Some(least..=most)
}

fn end_key(value: Value<'_>) -> Option<Option<char>> {
    if value.is_empty() {
        value.fault("`end_key` is empty", "write `\"#\"` with the quotes, `\"*\"`, or `none`");
        return None;
    }
    value.choose(&[("#", Some('#')), ("*", Some('*')), ("none", None)])
}
