//! `numbers` of `strowger.yaml`: which number reaches what.

use std::collections::BTreeMap;
use std::sync::Arc;

use switch::{Codes, Destination};
use yaml::{Faults, Shape, Value};

use crate::Catalogue;

const NUMBER: Shape = Shape { what: "a destination", keys: &["flow", "user", "queue"] };

/// The number plan at `value`, none of whose numbers may be one of the agents' `codes`; what it names is looked up in `catalogue`.
pub(crate) fn read(
    value: &Value<'_>,
    codes: &Codes,
    catalogue: &mut Catalogue,
    faults: &Faults,
) -> BTreeMap<Arc<str>, Destination> {
    let mut numbers = BTreeMap::new();
    for (key, value) in value.entries("a map of numbers").unwrap_or_default() {
        let number = number(&key);
        if let Some((feature, _)) = number.and_then(|number| codes.find(number)) {
            key.fault(
                format!("agents dial this for `{}`", feature.as_str()),
                "choose another number here, or another code under `codes` in `queues.yaml`",
            );
        }
        let target = destination(&value, catalogue, faults);
        if let (Some(number), Some(target)) = (number, target) {
            numbers.insert(number.into(), target);
        }
    }
    numbers
}

fn destination(value: &Value<'_>, catalogue: &mut Catalogue, faults: &Faults) -> Option<Destination> {
    if let Some(name) = value.raw().filter(|name| !name.is_empty()) {
        value.fault(
            "this does not say what the number reaches",
            format!("write `{{ flow: {name} }}`, or `user` or `queue`"),
        );
        return None;
    }
    let map = value.map(&NUMBER)?;
    let (kind, target) = map.one_of(NUMBER.keys)?;
    let name = target.name()?;
    let place = target.place();
    match kind {
        "flow" => {
            catalogue.flows.refer(name, &place, format!("write it as `flows/{name}.yaml`"), faults);
            Some(Destination::Flow(name.into()))
        }
        "user" => {
            catalogue.users.refer(name, &place, "add it to `users.yaml`", faults);
            Some(Destination::User(name.into()))
        }
        _ => {
            catalogue.queues.refer(name, &place, "add it to `queues.yaml`", faults);
            Some(Destination::Queue(name.into()))
        }
    }
}

/// What somebody may dial: digits, `*`, `#`, with a `+` before them or not; or a name.
fn number<'a>(key: &Value<'a>) -> Option<&'a str> {
    let text = key.string()?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_dialled =
        (1..=32).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit() || b"*#".contains(&c));
    if is_dialled {
        return Some(text);
    }
    if text.bytes().any(|c| c.is_ascii_lowercase()) {
        return key.name();
    }
    key.fault(
        format!("`{}` cannot be dialled", crate::names::short(text)),
        "a number has digits, `*` and `#`, with a `+` before them or not; spaces and `-` are left out",
    );
    None
}
