//! JSON Schema (draft 2020-12) of a file, out of the table that its reader goes by.

use serde_json::{Map, Value, json};
use yaml::{Faults, Form, Key, Kind, Source, Usual};

/// The schema of files that hold `form`; `title` names them.
#[must_use]
pub fn schema(title: &str, form: &'static Form) -> Value {
    let mut writer = Writer::default();
    let mut root = writer.form(form);
    root.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    root.insert("title".to_owned(), title.into());
    root.insert("$defs".to_owned(), writer.definitions.into());
    root.into()
}

#[derive(Default)]
struct Writer {
    definitions: Map<String, Value>,
    /// Forms that have a definition, with its name.
    forms: Vec<(&'static Form, String)>,
}

impl Writer {
    fn form(&mut self, form: &'static Form) -> Map<String, Value> {
        let properties: Map<String, Value> =
            form.keys.iter().map(|key| (key.name.to_owned(), self.property(key))).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        schema.insert("additionalProperties".to_owned(), false.into());
        let needed: Vec<&str> = form.keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
        if !needed.is_empty() {
            schema.insert("required".to_owned(), needed.into());
        }
        if !form.one_of.is_empty() {
            let ways: Vec<Value> = form.one_of.iter().map(|key| json!({ "required": [key] })).collect();
            schema.insert("oneOf".to_owned(), ways.into());
        }
        let rules: Map<String, Value> =
            form.keys.iter().filter_map(|key| Some((key.name.to_owned(), beside(key)?))).collect();
        if !rules.is_empty() {
            schema.insert("dependentSchemas".to_owned(), rules.into());
        }
        let rules: Vec<Value> = form.keys.iter().filter_map(unless).collect();
        if !rules.is_empty() {
            schema.insert("allOf".to_owned(), rules.into());
        }
        schema
    }

    fn property(&mut self, key: &'static Key) -> Value {
        let mut property = self.kind(key.kind);
        let Some(entries) = property.as_object_mut() else { return property };
        let mut about = key.about.to_owned();
        match key.usual {
            Usual::None => {}
            Usual::Value(value) => {
                entries.insert("default".to_owned(), written(value));
            }
            Usual::Words(words) => about = format!("{about} If left out: {words}."),
        }
        entries.insert("description".to_owned(), about.into());
        entries.insert("examples".to_owned(), json!([written(key.example)]));
        property
    }

    fn kind(&mut self, kind: &'static Kind) -> Value {
        match kind {
            Kind::Text => json!({ "type": ["string", "number", "boolean"] }),
            Kind::Like(pattern) => json!({ "type": ["string", "number"], "pattern": pattern }),
            Kind::Unlike(pattern) => json!({ "type": "string", "pattern": pattern }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Kind::Word(words) => json!({ "enum": words }),
            Kind::Anything => json!({}),
            Kind::Empty => json!({ "type": "null" }),
            Kind::Form(form) => {
                let name = self.definition_of(form);
                json!({ "$ref": format!("#/$defs/{name}") })
            }
            Kind::List(kind, most) => {
                json!({ "type": "array", "items": self.kind(kind), "minItems": 1, "maxItems": most })
            }
            Kind::Map(keys, kind, most) => json!({
                "type": "object",
                "propertyNames": { "pattern": keys },
                "additionalProperties": self.kind(kind),
                "minProperties": 1,
                "maxProperties": most,
            }),
            Kind::Any(kinds) => {
                let kinds: Vec<Value> = kinds.iter().map(|kind| self.kind(kind)).collect();
                json!({ "anyOf": kinds })
            }
            Kind::Named(name, kind) => {
                // A stand-in first: the kind may lead back to itself.
                if !self.definitions.contains_key(*name) {
                    self.definitions.insert((*name).to_owned(), Value::Bool(true));
                    let schema = self.kind(kind);
                    self.definitions.insert((*name).to_owned(), schema);
                }
                json!({ "$ref": format!("#/$defs/{name}") })
            }
        }
    }

    /// The name of the definition of `form`, which is made if there is none yet.
    fn definition_of(&mut self, form: &'static Form) -> String {
        if let Some((_, name)) = self.forms.iter().find(|(known, _)| std::ptr::eq(*known, form)) {
            return name.clone();
        }
        let what = form.shape.what.trim_start_matches("an ").trim_start_matches("a ").replace('`', "");
        let plain = format!("map-{}", what.replace(' ', "-"));
        let taken = self.forms.iter().filter(|(known, _)| known.shape.what == form.shape.what).count();
        let name = if taken == 0 { plain } else { format!("{plain}-{}", taken + 1) };
        self.forms.push((form, name.clone()));
        let schema = self.form(form);
        self.definitions.insert(name.clone(), schema.into());
        name
    }
}

/// What must stand beside a key, and what must not.
fn beside(key: &Key) -> Option<Value> {
    if key.with.is_empty() && key.without.is_empty() {
        return None;
    }
    let refused: Map<String, Value> =
        key.without.iter().map(|other| ((*other).to_owned(), Value::Bool(false))).collect();
    let rule = json!({ "required": key.with, "properties": refused });
    Some(match key.with_unless {
        Some((own, value)) => {
            let inner =
                json!({ "type": "object", "required": [own], "properties": { own: { "const": written(value) } } });
            json!({ "anyOf": [rule, { "properties": { key.name: inner } }] })
        }
        None => rule,
    })
}

/// A key that is needed but where another one has a certain value.
fn unless(key: &Key) -> Option<Value> {
    let (other, value) = key.unless?;
    Some(json!({
        "if": { "required": [other], "properties": { other: { "const": written(value) } } },
        "then": { "properties": { key.name: false } },
        "else": { "required": [key.name] },
    }))
}

/// A value as one would write it in YAML, as JSON.
fn written(text: &str) -> Value {
    let faults = Faults::default();
    let document = yaml::read(&Source::new("table", format!("value: {text}\n")), &faults);
    let root = document.as_ref().and_then(|document| document.root(&faults).entries("a map"));
    root.and_then(|entries| entries.first().map(|(_, value)| plain(*value))).unwrap_or_default()
}

fn plain(value: yaml::Value<'_>) -> Value {
    if value.is_list() {
        return value.list().unwrap_or_default().into_iter().map(plain).collect();
    }
    if value.is_map() {
        let entries = value.entries("a map").unwrap_or_default();
        return entries.iter().map(|(key, value)| (key.raw().unwrap_or_default().to_owned(), plain(*value))).collect();
    }
    if value.is_empty() {
        return Value::Null;
    }
    match value.raw().unwrap_or_default() {
        "true" => true.into(),
        "false" => false.into(),
        text => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_it_means_what_holds_without_it_and_an_example() {
        let schema = schema("a flow", ivr::Flow::form());
        let timeout = schema.pointer("/$defs/map-menu/properties/timeout").unwrap();
        assert_eq!(timeout["default"], "5s");
        assert!(timeout["description"].as_str().unwrap().contains("waits for a key"));
        assert_eq!(timeout["examples"], json!(["8s"]));
        assert_eq!(timeout["$ref"], "#/$defs/duration");
        let full = schema.pointer("/$defs/map-queue-node/properties/full/description").unwrap();
        assert!(full.as_str().unwrap().ends_with("If left out: as `next`."), "{full}");
    }

    #[test]
    fn every_form_is_defined_once_and_knows_the_keys_that_its_reader_takes() {
        let schema = schema("a flow", ivr::Flow::form());
        let definitions = schema["$defs"].as_object().unwrap();
        let mut seen = 0;
        walk(ivr::Flow::form(), &mut Vec::new(), &mut |form| {
            seen += 1;
            assert_eq!(form.shape.keys, form.keys.iter().map(|key| key.name).collect::<Vec<_>>());
            assert!(form.one_of.iter().all(|key| form.shape.keys.contains(key)), "{}", form.shape.what);
            let beside = form.keys.iter().flat_map(|key| key.with.iter().chain(key.without));
            assert!(beside.clone().all(|key| form.shape.keys.contains(key)), "{}", form.shape.what);
            for key in form.keys {
                assert!(key.about.ends_with('.') && !key.example.is_empty(), "{} of {}", key.name, form.shape.what);
            }
        });
        let forms =
            definitions.values().filter(|schema| schema["type"] == "object" && schema.get("properties").is_some());
        assert_eq!(forms.count() + 1, seen, "all but the root are definitions");
    }

    /// Visits each form that `form` leads to, itself first.
    fn walk(form: &'static Form, seen: &mut Vec<*const Form>, visit: &mut impl FnMut(&'static Form)) {
        if seen.contains(&std::ptr::from_ref(form)) {
            return;
        }
        seen.push(form);
        visit(form);
        form.keys.iter().for_each(|key| walk_kind(key.kind, seen, visit));
    }

    fn walk_kind(kind: &'static Kind, seen: &mut Vec<*const Form>, visit: &mut impl FnMut(&'static Form)) {
        match kind {
            Kind::Form(form) => walk(form, seen, visit),
            Kind::List(kind, _) | Kind::Map(_, kind, _) | Kind::Named(_, kind) => walk_kind(kind, seen, visit),
            Kind::Any(kinds) => kinds.iter().for_each(|kind| walk_kind(kind, seen, visit)),
            _ => {}
        }
    }
}
