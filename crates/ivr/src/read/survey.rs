//! `survey`: what callers think, as a score.

use std::sync::Arc;

use yaml::{Map, Value};

use super::ask::duration;
use super::{BESIDE, Reader, table};
use crate::Scale;
use crate::flow::{Collect, Survey, Target};
use crate::inspect::Check;
use crate::key_range::KeyRange;

/// The variable that gets the score if no other is named.
const SCORE: &str = "score";

impl<'a> Reader<'a> {
    /// The survey of the node `name`: digits are collected that are on its scale. Nobody is held up by it: who does not
    /// answer goes on as who does, if nothing else is written.
    pub(super) fn survey(&mut self, name: Option<&Arc<str>>, node: Map<'a>, value: Value<'a>) -> Option<Collect> {
        let next = self.next(node);
        let map = value.map_with(&table::SURVEY.shape, BESIDE)?;
        let scale = map.required("scale").and_then(|value| value.choose(Scale::NAMES));
        let question = self.question_with_end(map, Some(next.unwrap_or(Target::Hangup)));
        let variable = match map.optional("into") {
            Some(value) => self.names.variable(value),
            None => Some(Arc::from(SCORE)),
        };
        let digit_timeout = duration(map, "digit_timeout", 3, 1..=60);
        let (question, scale) = (question?, scale?);
        let among = scale.ranges();
        Some(Collect {
            invalid: question.wrong_input.clone(),
            question,
            variable: variable?,
            least: 1,
            most: among.iter().map(KeyRange::len).max().unwrap_or(1),
            end_key: Some('#'),
            digit_timeout: digit_timeout?,
            secret: false,
            check: Some(Check { among, ..Check::default() }),
            confirm: None,
            survey: Some(Survey { name: Arc::clone(name?), scale }),
            next: next?,
        })
    }
}

impl Scale {
    /// What may be typed.
    fn ranges(self) -> Vec<KeyRange> {
        let texts: &[&str] = match self {
            Self::Csat => &["1-5"],
            Self::Nps => &["0-9", "10"],
        };
        texts.iter().filter_map(|text| KeyRange::read(text).ok()).collect()
    }
}
