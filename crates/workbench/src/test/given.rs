//! What a test gives: queues that stand so, earlier calls.

use std::collections::{BTreeMap, BTreeSet};

use base::Wall;
use hours::Zone;
use ivr::QueueFigures;
use yaml::{Map, Value};

use super::Answers;
use super::read::{time, unknown};
use super::table::{FIGURES, REPEAT};

/// How queues stand, by their names.
pub(super) fn figures(given: Map<'_>, known: &BTreeSet<String>) -> BTreeMap<String, Answers<QueueFigures>> {
    let entries = given.optional("figures").and_then(|value| value.entries("queues, each with how it stands"));
    let mut answers = BTreeMap::new();
    for (name, value) in entries.unwrap_or_default() {
        let Some(text) = name.raw() else { continue };
        if !known.contains(text) {
            unknown(name, &format!("there is no queue `{text}`"), text, known.iter().map(String::as_str));
        }
        let read = match value.is_list() {
            true => {
                let items = value.list().unwrap_or_default();
                items.into_iter().map(queue).collect::<Option<_>>().map(Answers::InTurn)
            }
            false => queue(value).map(Answers::Always),
        };
        answers.extend(read.map(|read| (text.to_owned(), read)));
    }
    answers
}

fn queue(value: Value<'_>) -> Option<QueueFigures> {
    let map = value.map(&FIGURES.shape)?;
    let count = |key| map.optional(key).map_or(Some(0), |value| value.integer(0..=1_000_000));
    let longest_wait = map.optional("longest_wait").map_or(Some(std::time::Duration::ZERO), |value| value.duration());
    Some(QueueFigures { waiting: count("waiting")?, longest_wait: longest_wait?, free: count("free")? })
}

/// Earlier calls: how many on the same day, and when the last one began.
pub(super) fn repeat(given: Map<'_>, zone: &Zone) -> Option<(u32, Option<Wall>)> {
    let map = given.optional("repeat")?.map(&REPEAT.shape)?;
    let today = map.optional("today").map_or(Some(0), |value| value.integer(0..=1_000_000));
    let last = map.optional("last").and_then(time).and_then(|text| zone.at(&text));
    Some((today?, last))
}
