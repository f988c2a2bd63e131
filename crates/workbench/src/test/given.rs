//! What a test gives: queues that stand so, earlier calls.

use std::collections::{BTreeMap, BTreeSet};

use base::{Pii, Wall};
use hours::Zone;
use ivr::web::Reply;
use ivr::{Outline, QueueFigures, Value as Held};
use yaml::{Map, Value};

use super::Answers;
use super::read::{time, unknown};
use super::table::{FIGURES, HTTP, REPEAT};
use crate::call::FAILURES;

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

/// What web servers answer, by the nodes that ask, as `FLOW/NODE`.
pub(super) fn http(given: Map<'_>, flows: &[Outline], own: &str) -> BTreeMap<String, Answers<Reply>> {
    let entries = given.optional("http").and_then(|value| value.entries("nodes, each with what its server answers"));
    let mut answers = BTreeMap::new();
    for (name, value) in entries.unwrap_or_default() {
        let Some(text) = name.raw() else { continue };
        let (flow, node) = text.split_once('/').unwrap_or((own, text));
        let asking = flows.iter().filter(|outline| *outline.name == *flow).flat_map(|outline| &outline.nodes);
        let asking: Vec<&str> = asking.filter(|node| node.verb == "http").map(|node| &*node.name).collect();
        if !asking.contains(&node) {
            let message = format!("the flow `{flow}` has no `http` node `{node}`");
            unknown(name, &message, node, asking.into_iter());
        }
        let read = match value.is_list() {
            true => {
                let items = value.list().unwrap_or_default();
                items.into_iter().map(reply).collect::<Option<_>>().map(Answers::InTurn)
            }
            false => reply(value).map(Answers::Always),
        };
        answers.extend(read.map(|read| (format!("{flow}/{node}"), read)));
    }
    answers
}

fn reply(value: Value<'_>) -> Option<Reply> {
    let map = value.map(&HTTP.shape)?;
    let status = map.optional("status").map(|value| value.integer(200..=599));
    if let Some(failed) = map.optional("failed") {
        let failure = failed.choose(FAILURES)?;
        let status = status.map_or(Some(None), |status| status.map(Some))?;
        return Some(Reply::Failed { status, failure });
    }
    let body = match map.at_most_one_of(&["json", "body"]) {
        Some(("json", value)) => serde_json::to_string(&held(value)).ok()?,
        Some((_, value)) => value.string()?.to_owned(),
        None => String::new(),
    };
    Some(Reply::Answer { status: status.unwrap_or(Some(200))?, body: Pii::new(body.into_bytes()) })
}

/// YAML as the JSON that it looks like.
fn held(value: Value<'_>) -> Held {
    if value.is_map() {
        let entries = value.entries("").unwrap_or_default();
        return Held::Map(
            entries.into_iter().filter_map(|(key, value)| Some((key.raw()?.to_owned(), held(value)))).collect(),
        );
    }
    if value.is_list() {
        return Held::List(value.one_or_list().into_iter().map(held).collect());
    }
    let text = value.raw().unwrap_or_default();
    let number = || text.parse().ok().map(Held::Integer);
    let decimal = || text.parse().ok().filter(|number: &f64| number.is_finite()).map(Held::Decimal);
    match text {
        _ if value.is_quoted() => Held::from(text),
        "" | "~" | "null" => Held::Null,
        "true" | "false" => Held::Bool(text == "true"),
        _ => number().or_else(decimal).unwrap_or_else(|| Held::from(text)),
    }
}
