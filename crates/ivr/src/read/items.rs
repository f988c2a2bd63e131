//! Items of a prompt that are no recordings: what is said of variables, and silence. And the language that it is said in.

use std::sync::Arc;
use std::time::Duration;

use yaml::{Map, Value};

use super::{Reader, table};
use crate::flow::Item;
use crate::spoken::{clock, currency};
use crate::{ReferenceKind, Spoken, SpokenReference};

/// True for a map that is an item: `play: {digits: account}`.
pub(super) fn is_item(value: Value<'_>) -> bool {
    table::ITEM.one_of.iter().any(|key| value.has(key))
}

impl<'a> Reader<'a> {
    /// `{date: account}`, `{silence: 1s}`.
    pub(super) fn said(&mut self, value: Value<'a>) -> Option<Item> {
        let map = value.map(&table::ITEM.shape)?;
        let (key, of) = map.one_of(table::ITEM.one_of)?;
        if key == "text" {
            refuse(map, &["currency", "clock"], "text");
            return self.text(of);
        }
        if key == "silence" {
            refuse(map, &["currency", "clock"], "silence");
            let (least, most) = (Duration::from_millis(20), Duration::from_secs(60));
            return of.duration_in(least..=most).map(Item::Silence);
        }
        let spoken = spoken(map, key, of);
        let variable = self.names.variable(of);
        let (spoken, variable, place) = (spoken?, variable?, of.place());
        self.spoken.push(SpokenReference { spoken: spoken.clone(), place: place.clone() });
        Some(Item::Spoken { spoken, variable, place })
    }

    /// A language that callers can hear.
    pub(super) fn language(&mut self, value: Value<'a>) -> Option<Arc<str>> {
        let name: Arc<str> = value.name()?.into();
        self.refer(ReferenceKind::Language, name.clone(), value);
        Some(name)
    }
}

fn spoken(map: Map<'_>, key: &'static str, of: Value<'_>) -> Option<Spoken> {
    Some(match key {
        "money" => {
            refuse(map, &["clock"], key);
            let written = map.optional("currency");
            if written.is_none() {
                of.fault_at_key(
                    "nothing tells the currency of this amount",
                    "add `currency: EUR` beside it, or another one",
                );
            }
            Spoken::Money { currency: currency(written?)? }
        }
        "time" => {
            refuse(map, &["currency"], key);
            let clock = match map.optional("clock") {
                Some(value) => Some(clock(value)?),
                None => None,
            };
            Spoken::Time { clock }
        }
        other => {
            refuse(map, &["currency", "clock"], other);
            match other {
                "digits" => Spoken::Digits,
                "number" => Spoken::Number,
                "date" => Spoken::Date,
                _ => Spoken::Spell,
            }
        }
    })
}

/// A fault for each of `keys` that is written beside `key`, which has no use for it.
fn refuse(map: Map<'_>, keys: &[&'static str], key: &str) {
    for (other, value) in keys.iter().filter_map(|other| Some((other, map.optional(other)?))) {
        value.fault_at_key(
            format!("`{other}` has no place beside `{key}`"),
            "`currency` belongs to `money`, `clock` to `time`",
        );
    }
}
