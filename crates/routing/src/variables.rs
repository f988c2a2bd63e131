//! What a call's flow has found out, as a copy.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most octets that the variables of one call have as JSON, names included; those that do not fit are left out and counted.
pub const MAX_VARIABLES: usize = 4_096;

/// The variables of a call's flow when it joined the queue. Secrets are never among them.
///
/// Personal data: `Debug` shows their names alone, and a snapshot that leaves the process carries them.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Variables {
    /// Shared by all snapshots of the call.
    values: Arc<BTreeMap<String, Value>>,
    /// How many did not fit.
    #[serde(default)]
    left_out: u32,
    /// What they take as JSON, without the signs round all of them; of those that were read it is not known.
    #[serde(skip)]
    octets: Option<usize>,
}

impl PartialEq for Variables {
    fn eq(&self, other: &Self) -> bool {
        (&self.values, self.left_out) == (&other.values, other.left_out)
    }
}

impl Eq for Variables {}

impl Variables {
    /// A copy of these, in the order of their names, as many as fit. What is no JSON is left out, too.
    pub fn copied<'a>(variables: impl IntoIterator<Item = (&'a str, impl Serialize)>) -> Self {
        let sorted: BTreeMap<&str, _> = variables.into_iter().collect();
        Self::fitting(sorted.into_iter().map(|(name, value)| (name, serde_json::to_value(value).ok())), MAX_VARIABLES)
    }

    /// As many of them as fit into so many octets.
    pub(crate) fn within(&self, room: usize) -> Self {
        let kept = Self::fitting(self.iter().map(|(name, value)| (name, Some(value.clone()))), room);
        Self { left_out: kept.left_out + self.left_out, ..kept }
    }

    fn fitting<'a>(variables: impl Iterator<Item = (&'a str, Option<Value>)>, room: usize) -> Self {
        let (mut values, mut left_out, mut taken) = (BTreeMap::new(), 0, 0);
        for (name, value) in variables {
            let with = value.as_ref().map(|value| taken + octets(name, value));
            match (value, with.filter(|with| *with <= room)) {
                (Some(value), Some(with)) => {
                    taken = with;
                    values.insert(name.to_owned(), value);
                }
                _ => left_out += 1,
            }
        }
        Self { values: Arc::new(values), left_out, octets: Some(taken) }
    }

    /// What they take as JSON, without the signs round all of them.
    pub(crate) fn octets(&self) -> usize {
        self.octets.unwrap_or_else(|| self.iter().map(|(name, value)| octets(name, value)).sum())
    }

    /// What a variable holds; none if it was not set, is a secret, or did not fit.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many did not fit.
    #[must_use]
    pub const fn left_out(&self) -> u32 {
        self.left_out
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.values.is_empty() && self.left_out == 0
    }
}

/// Its name, its value, and what stands round them.
fn octets(name: &str, value: &Value) -> usize {
    name.len() + value.to_string().len() + 4
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_counted_and_the_rest_is_there() {
        let (short, long) = ("x".repeat(1_000), "x".repeat(MAX_VARIABLES));
        let given = [("d", short.as_str()), ("b", &long), ("c", &short), ("a", &short), ("e", &short), ("f", "y")];
        let copied = Variables::copied(given);
        assert_eq!(copied.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "c", "d", "e", "f"]);
        assert_eq!((copied.left_out(), copied.get("f")), (1, Some(&Value::from("y"))));
        let copied = Variables::copied(given.map(|(name, text)| (name, [text, &short])));
        assert_eq!((copied.iter().count(), copied.left_out()), (2, 4));
        assert!(serde_json::to_string(&copied).unwrap().len() < MAX_VARIABLES + 50);
        assert_eq!(Variables::copied([("a", f64::NAN)]).get("a"), Some(&Value::Null));
        assert_eq!(format!("{:?}", Variables::copied([("pin", 4711)])), r#"{"pin"}"#);
    }
}
