//! The keys of a map whose keys are known. Unknown ones are found when a map is made of a value ([`Value::map`]).

use crate::tree::Entry;
use crate::{Place, Value, did_you_mean};

/// What a map may hold. Unknown keys are faults that name `what` and suggest one of `keys`.
#[derive(Debug)]
pub struct Shape {
    /// What the map is, with its article: `a menu`.
    pub what: &'static str,
    /// Every key that it may have, most important first (the order in which a fault lists them).
    pub keys: &'static [&'static str],
}

/// A map whose unknown keys have been reported. Each getter asks for one key of the shape.
#[derive(Clone, Copy)]
pub struct Map<'a> {
    pub(crate) entries: &'a [Entry],
    pub(crate) shape: &'static Shape,
    pub(crate) owner: Value<'a>,
}

impl<'a> Map<'a> {
    /// The value of `key`, if it is written.
    #[must_use]
    pub fn optional(&self, key: &'static str) -> Option<Value<'a>> {
        debug_assert!(self.shape.keys.contains(&key), "`{key}` is not among the keys of {}", self.shape.what);
        let entry = self.entries.iter().find(|entry| entry.key.text() == Some(key))?;
        Some(Value { node: &entry.value, context: self.owner.context.under(entry) })
    }

    /// The value of `key`; a fault if it is not written. An unknown key that was probably meant to be `key` has been
    /// reported as such, which is enough.
    #[must_use]
    pub fn required(&self, key: &'static str) -> Option<Value<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.fault_if_missing(key, format!("`{key}` is missing in {}", self.shape.what), format!("add `{key}:`"));
        }
        value
    }

    /// Adds a fault of the whole map if `key` is not written, as [`Self::required`] does, with words of the caller's.
    pub fn fault_if_missing(&self, key: &'static str, message: impl Into<String>, remedy: impl Into<String>) {
        if self.optional(key).is_none() && !self.is_misspelt(&[key]) {
            self.fault(message, remedy);
        }
    }

    /// The one of `keys` that is written, and its value; a fault if none or several are.
    #[must_use]
    pub fn one_of(&self, keys: &[&'static str]) -> Option<(&'static str, Value<'a>)> {
        let found = self.at_most_one_of(keys);
        // Where there is an unknown key, that was probably meant to be the one.
        let is_known = |entry: &Entry| entry.key.text().is_none_or(|key| self.shape.keys.contains(&key));
        if !keys.iter().any(|key| self.optional(key).is_some()) && self.entries.iter().all(is_known) {
            self.fault(format!("{} needs one of {}", self.shape.what, list(keys)), "");
        }
        found
    }

    /// The one of `keys` that is written, if any; a fault if several are.
    #[must_use]
    pub fn at_most_one_of(&self, keys: &[&'static str]) -> Option<(&'static str, Value<'a>)> {
        let mut found = keys.iter().filter_map(|key| Some((*key, self.optional(key)?)));
        let first = found.next()?;
        let Some((second, value)) = found.next() else { return Some(first) };
        value.fault_at_key(
            format!("`{second}` and `{}` exclude each other in {}", first.0, self.shape.what),
            format!("keep one of {}", list(keys)),
        );
        None
    }

    fn is_misspelt(&self, keys: &[&'static str]) -> bool {
        let unknown = self.entries.iter().filter_map(|entry| entry.key.text());
        unknown
            .filter(|key| !self.shape.keys.contains(key))
            .filter_map(|key| did_you_mean(key, self.shape.keys.iter().copied()))
            .any(|meant| keys.contains(&meant))
    }

    /// Where a fault of the whole map points: at the key that it stands under, else at its start.
    #[must_use]
    pub fn place(&self) -> Place {
        self.owner.key_place()
    }

    /// Adds a fault at [`Self::place`].
    pub fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.owner.fault_at_key(message, remedy);
    }
}

/// `a`, `b` or `c`.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
