//! `breaks` and `login` of `queues.yaml`: why agents may pause, and how they log in.

use std::collections::BTreeMap;
use std::sync::Arc;

use acd::OfferFailure;
use switch::{Duties, Login};
use yaml::{Key, Kind, Map, Value, key};

use super::NAME_PATTERN;
use crate::or;

/// The highest number of a break.
const MAX_NUMBER: u32 = 99;

pub(super) const BREAKS: Key = key(
    "breaks",
    &Kind::Map(NAME_PATTERN, &Kind::Whole(0, MAX_NUMBER as i64), 100),
    "Why agents may take a break, each with the number by which a phone names it.",
    "{ lunch: 1, coaching: 2 }",
)
.otherwise("nobody takes a break");

pub(super) const LOGIN: Key = key(
    "login",
    &Kind::Word(&["registration", "code"]),
    "How agents log in: by `registration` of their phones (one at a fixed place is logged in from the start), or by a `code` or an operator alone.",
    "code",
)
.usual("registration");

/// Reads both keys of the file's map.
pub(crate) fn read(file: &Map<'_>) -> Duties {
    let breaks = file.optional("breaks").map(|value| breaks(&value)).unwrap_or_default();
    let words = [("registration", Login::Registration), ("code", Login::Code)];
    Duties { breaks, login: or(file, "login", Login::default(), |value| value.choose(&words)) }
}

fn breaks(value: &Value<'_>) -> BTreeMap<Arc<str>, u32> {
    let mut breaks = BTreeMap::new();
    let mut taken: BTreeMap<u32, &str> = BTreeMap::new();
    for (key, value) in value.entries("a map of breaks").unwrap_or_default() {
        let (name, number) = (key.name(), value.integer(0..=MAX_NUMBER));
        let (Some(name), Some(number)) = (name, number) else { continue };
        if OfferFailure::ALL.iter().any(|failure| failure.reason() == name) {
            key.fault(
                format!("breaks for the reason `{name}` begin by themselves"),
                "choose another name for this one; `penalties` of a queue say when they do",
            );
        }
        if let Some(other) = taken.insert(number, name) {
            value.fault(format!("`{other}` has this number, too"), "give each break a number of its own");
        }
        breaks.insert(name.into(), number);
    }
    breaks
}
