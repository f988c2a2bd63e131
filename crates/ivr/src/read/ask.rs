//! What `menu` and `collect` have in common, and `collect`: nodes that ask the caller for keys.

use std::ops::RangeInclusive;
use std::time::Duration;

use yaml::{Map, Value};

use super::parts::times;
use super::{BESIDE, Reader, inspect, table};
use crate::flow::{Collect, Confirm, Outcome, Prompt, Question, Target, Times, Way};

/// The most digits that one `collect` takes.
const MAX_DIGITS: usize = 32;

impl<'a> Reader<'a> {
    pub(super) fn collect(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Collect> {
        let next = self.next(node);
        let map = value.map_with(&table::COLLECT.shape, BESIDE)?;
        let secret = map.optional("secret").map_or(Some(false), |value| value.bool());
        let question = self.question(map);
        let variable = map.required("into").and_then(|value| self.names.variable(value));
        let length = map.required("digits").and_then(|value| digit_count(value, MAX_DIGITS));
        let end_key = map.optional("end_key").map_or(Some(Some('#')), end_key);
        let digit_timeout = duration(map, "digit_timeout", 3, 1..=60);
        let confirm = match map.optional("confirm") {
            Some(value) => self.confirm(value).map(Some),
            None => Some(None),
        };
        let length = length?;
        let check = match map.optional("check") {
            Some(value) => inspect::check(value, &length).map(Some),
            None => Some(None),
        };
        let mut question = question?;
        let invalid = match (map.optional("invalid"), &check) {
            (Some(value), Some(None)) => {
                value.fault_at_key("`invalid` is never reached: nothing is checked", "add `check:`, or remove it");
                None
            }
            (Some(value), _) => self.answer(value, Some(Way::Repeat)),
            (None, _) => Some(question.wrong_input.clone()),
        };
        let secret = secret?;
        if secret {
            question.keep_type_ahead = keep_no_secret(map)?;
        }
        let (least, most) = length.into_inner();
        Some(Collect {
            question,
            variable: variable?,
            least,
            most,
            end_key: end_key?,
            digit_timeout: digit_timeout?,
            secret,
            check: check?,
            invalid: invalid?,
            confirm: confirm?,
            survey: None,
            next: next?,
        })
    }

    fn confirm(&mut self, value: Value<'a>) -> Option<Confirm> {
        let map = value.map(&table::CONFIRM.shape)?;
        let prompt = map.required("prompt").and_then(|value| self.prompt(value));
        let key = |name, usual| map.optional(name).map_or(Some(usual), one_key);
        let (yes, no) = (key("yes", '1'), key("no", '2'));
        let (yes, no) = (yes?, no?);
        if yes == no {
            let message = format!("the key `{yes}` cannot mean both yes and no");
            value.fault_at_key(message, "give `yes` and `no` keys of their own; they are `1` and `2` if left out");
            return None;
        }
        Some(Confirm { prompt: prompt?, yes, no })
    }

    pub(super) fn question(&mut self, map: Map<'a>) -> Option<Question> {
        self.question_with_end(map, None)
    }

    /// A question; whoever used up all attempts goes to `otherwise` if nothing else is written.
    pub(super) fn question_with_end(&mut self, map: Map<'a>, otherwise: Option<Target>) -> Option<Question> {
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
            (Some(value), _) => match otherwise {
                Some(way) => self.outcome(map, "exhausted", way).map(Some),
                None => self.last_outcome(value).map(Some),
            },
            (None, Some(Times::Count(_))) if otherwise.is_some() => {
                Some(otherwise.map(|way| Outcome { prompt: Prompt::default(), way }))
            }
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

/// `6`, or `4-8`; `limit` at most.
pub(super) fn digit_count(value: Value<'_>, limit: usize) -> Option<RangeInclusive<usize>> {
    let text = value.string()?;
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=limit).contains(n));
    let range = match text.split_once('-') {
        Some((least, most)) => number(least).zip(number(most)),
        None => number(text).map(|n| (n, n)),
    };
    let Some((least, most)) = range.filter(|(least, most)| least <= most) else {
        let remedy = format!("write how many, such as `6`, or a range such as `4-8`, up to {limit}");
        value.fault("this is not a number of digits", remedy);
        return None;
    };
    Some(least..=most)
}

/// Keys that were pressed before a secret is asked for are written down, so none of them may count as part of it.
fn keep_no_secret(map: Map<'_>) -> Option<bool> {
    if let Some(value) = map.optional("type_ahead")
        && value.raw() == Some("keep")
    {
        let message = "what is typed ahead of the question cannot be kept secret";
        value.fault(message, "remove `type_ahead`: of a secret it is `discard`");
        return None;
    }
    Some(false)
}

/// One of the twelve keys of a phone.
pub(super) fn one_key(value: Value<'_>) -> Option<char> {
    let text = value.string()?;
    let mut chars = text.chars();
    if let (Some(key @ ('0'..='9' | '*' | '#')), None) = (chars.next(), chars.next()) {
        return Some(key);
    }
    value.fault("this is not a key of a phone", "write one of 0 to 9, `\"*\"` or `\"#\"`");
    None
}

pub(super) fn end_key(value: Value<'_>) -> Option<Option<char>> {
    if value.is_empty() {
        value.fault("`end_key` is empty", "write `\"#\"` with the quotes, `\"*\"`, or `none`");
        return None;
    }
    value.choose(&[("#", Some('#')), ("*", Some('*')), ("none", None)])
}
