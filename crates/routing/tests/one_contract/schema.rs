//! As much of JSON Schema as the contract's files use: enough to hold a value or a WIT type against them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A schema file.
pub struct Schema(pub Value);

/// Which properties and branches values had, by their place in the file, and which they lacked.
#[derive(Clone, Default)]
pub struct Seen {
    pub present: BTreeSet<String>,
    pub absent: BTreeSet<String>,
}

impl Schema {
    pub fn read(name: &str) -> Self {
        let path = format!("{}/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// What `at` stands for, with its place: a reference is followed.
    pub fn target(&self, at: &str) -> (String, &Value) {
        let value = self.0.pointer(at).unwrap();
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.target(reference.trim_start_matches('#')),
            None => (at.to_owned(), value),
        }
    }

    /// The places of an array's members under `key`.
    pub fn members(&self, at: &str, key: &str) -> Vec<String> {
        let count = self.0.pointer(&format!("{at}/{key}")).and_then(Value::as_array).map_or(0, Vec::len);
        (0..count).map(|number| format!("{at}/{key}/{number}")).collect()
    }

    pub fn properties(&self, at: &str) -> Map<String, Value> {
        self.0.pointer(&format!("{at}/properties")).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub fn is_required(&self, at: &str, key: &str) -> bool {
        let required = self.0.pointer(&format!("{at}/required")).and_then(Value::as_array);
        required.is_some_and(|required| required.iter().any(|name| name == key))
    }

    /// The place of each property and each branch in the file.
    pub fn places(&self) -> BTreeSet<String> {
        let mut places = BTreeSet::new();
        walk(&self.0, "", &mut |at, value| {
            for key in value.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
                places.insert(format!("{at}/properties/{key}"));
            }
            places.extend(value.get("oneOf").map(|_| self.members(at, "oneOf")).into_iter().flatten());
        });
        places
    }

    /// What is wrong with a value, where a key that the file does not know is a fault too.
    pub fn faults(&self, value: &Value, seen: &mut Seen) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(value, "", seen, &mut faults);
        faults
    }

    fn check(&self, value: &Value, at: &str, seen: &mut Seen, faults: &mut Vec<String>) {
        let (at, schema) = self.target(at);
        let fault = |what: &str| format!("{at}: {what}: {value}");
        if schema.get("const").is_some_and(|only| only != value) {
            faults.push(fault("another constant"));
        }
        if schema.get("enum").and_then(Value::as_array).is_some_and(|all| !all.contains(value)) {
            faults.push(fault("none of the words"));
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => Vec::new(),
        };
        if !types.is_empty() && !types.contains(&kind(value)) {
            faults.push(fault("another type"));
            return;
        }
        let beyond = |key: &str, over: fn(f64, f64) -> bool| {
            schema
                .get(key)
                .and_then(Value::as_f64)
                .zip(value.as_f64())
                .is_some_and(|(limit, number)| over(number, limit))
        };
        if beyond("minimum", |number, limit| number < limit) || beyond("maximum", |number, limit| number > limit) {
            faults.push(fault("out of bounds"));
        }
        for item in value.as_array().into_iter().flatten().filter(|_| schema.get("items").is_some()) {
            self.check(item, &format!("{at}/items"), seen, faults);
        }
        let Some(object) = value.as_object() else {
            // A branch that is no object, such as null.
            if schema.get("oneOf").is_some() {
                self.choose(value, &at, seen, faults);
            }
            return;
        };
        if schema.get("additionalProperties").is_some_and(Value::is_object) {
            object.values().for_each(|value| self.check(value, &format!("{at}/additionalProperties"), seen, faults));
            return;
        }
        let known = self.fields(value, &at, seen, faults);
        // An object of which the file says nothing may hold what it likes.
        if known.is_empty() && schema.get("oneOf").is_none() {
            return;
        }
        for (key, value) in object {
            match known.get(key) {
                Some(place) => self.check(value, place, seen, faults),
                None => faults.push(fault(&format!("`{key}` is unknown"))),
            }
        }
    }

    /// The keys that an object may have here, with their places: its own, and those of what it is made of.
    fn fields(&self, value: &Value, at: &str, seen: &mut Seen, faults: &mut Vec<String>) -> BTreeMap<String, String> {
        let (at, _) = self.target(at);
        let mut known = BTreeMap::new();
        for key in self.properties(&at).keys() {
            let place = format!("{at}/properties/{key}");
            let there = value.get(key).is_some();
            if !there && self.is_required(&at, key) {
                faults.push(format!("{at}: `{key}` is missing: {value}"));
            }
            let seen = if there { &mut seen.present } else { &mut seen.absent };
            seen.insert(place.clone());
            known.insert(key.clone(), place);
        }
        for part in self.members(&at, "allOf") {
            known.extend(self.fields(value, &part, seen, faults));
        }
        if !self.members(&at, "oneOf").is_empty() {
            let branch = self.choose(value, &at, seen, faults);
            known.extend(self.fields(value, &branch, &mut Seen::default(), &mut Vec::new()));
        }
        known
    }

    /// The branch that fits best; its faults and what was seen in it count.
    fn choose(&self, value: &Value, at: &str, seen: &mut Seen, faults: &mut Vec<String>) -> String {
        let tried = self.members(at, "oneOf").into_iter().map(|branch| {
            let (mut seen, mut faults) = (seen.clone(), Vec::new());
            let (place, _) = self.target(&branch);
            if value.is_object() && !self.properties(&place).is_empty() {
                let known = self.fields(value, &branch, &mut seen, &mut faults);
                for (key, value) in value.as_object().into_iter().flatten() {
                    if let Some(place) = known.get(key) {
                        self.check(value, place, &mut seen, &mut faults);
                    }
                }
            } else {
                self.check(value, &branch, &mut seen, &mut faults);
            }
            (branch, seen, faults)
        });
        let (branch, best, found) = tried.min_by_key(|(_, _, faults)| faults.len()).unwrap();
        *seen = best;
        seen.present.insert(branch.clone());
        faults.extend(found);
        branch
    }
}

/// Gives each object of a JSON text with its place. What `default` and `required` hold is no schema.
pub fn walk(value: &Value, at: &str, give: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            give(at, value);
            let inner = object.iter().filter(|(key, _)| !matches!(key.as_str(), "default" | "required"));
            inner.for_each(|(key, value)| walk(value, &format!("{at}/{key}"), give));
        }
        Value::Array(members) => {
            members.iter().enumerate().for_each(|(number, value)| walk(value, &format!("{at}/{number}"), give));
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
