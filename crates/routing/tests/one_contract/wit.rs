//! Holds the types of the WIT file against a schema file.

use serde_json::Value;
use wit_parser::{Resolve, Type, TypeDef, TypeDefKind};

use crate::schema::Schema;

/// The interface `strategy`.
pub fn parse(text: &str) -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_str("routing.wit", text).unwrap();
    resolve
}

/// Where a type of the WIT and the schema's root differ.
pub fn faults(resolve: &Resolve, name: &str, schema: &Schema) -> Vec<String> {
    let mut pair = Pair { resolve, schema, faults: Vec::new(), open: Vec::new() };
    let found = resolve.types.iter().find(|(_, def)| def.name.as_deref() == Some(name));
    let (id, _) = found.unwrap();
    pair.same(&Type::Id(id), "");
    pair.faults
}

struct Pair<'a> {
    resolve: &'a Resolve,
    schema: &'a Schema,
    faults: Vec<String>,
    /// What is being compared, so that nothing is compared without end.
    open: Vec<String>,
}

impl<'a> Pair<'a> {
    fn def(&self, ty: &Type) -> Option<&'a TypeDef> {
        match ty {
            Type::Id(id) => {
                let def = self.resolve.types.get(*id)?;
                match &def.kind {
                    TypeDefKind::Type(inner) => self.def(inner),
                    _ => Some(def),
                }
            }
            _ => None,
        }
    }

    /// The plain type that a name stands for.
    fn plain(&self, ty: &Type) -> Type {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(inner) => self.plain(inner),
                _ => *ty,
            },
            other => *other,
        }
    }

    fn differ(&mut self, at: &str, what: impl std::fmt::Display) {
        self.faults.push(format!("{at}: {what}"));
    }

    fn same(&mut self, ty: &Type, at: &str) {
        let (at, schema) = self.schema.target(at);
        let said = |expected: &str| match schema.get("type") {
            Some(Value::String(one)) => one == expected,
            Some(Value::Array(types)) => types.iter().any(|one| one == expected),
            _ => false,
        };
        let Some(def) = self.def(ty) else {
            let plain = self.plain(ty);
            let fits = match plain {
                // JSON within a WIT text.
                Type::String => said("string") || at.ends_with("/parameters") && said("object"),
                Type::S64 => said("integer") && schema.get("minimum").is_none(),
                Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                    let most = match plain {
                        Type::U8 => Some(255),
                        Type::U16 => Some(65_535),
                        Type::U32 => Some(4_294_967_295),
                        _ => None,
                    };
                    let maximum = schema.get("maximum").and_then(Value::as_u64);
                    let narrower = maximum.zip(most).is_some_and(|(maximum, most)| maximum <= most);
                    said("integer") && schema["minimum"] == 0 && (maximum == most || narrower)
                }
                _ => false,
            };
            if !fits {
                self.differ(&at, format_args!("{plain:?} in WIT, here {schema}"));
            }
            return;
        };
        match &def.kind {
            TypeDefKind::List(inner) => self.list(inner, &at),
            TypeDefKind::Enum(words) => {
                let mut words: Vec<Value> = words.cases.iter().map(|case| snake(&case.name).into()).collect();
                let mut here = schema["enum"].as_array().cloned().unwrap_or_default();
                words.sort_by_key(Value::to_string);
                here.sort_by_key(Value::to_string);
                if words != here {
                    self.differ(&at, format_args!("other words than in WIT: {here:?}, {words:?}"));
                }
            }
            TypeDefKind::Record(_) => self.record(def, &at, None),
            TypeDefKind::Variant(_) => self.variant(def, &at),
            other => self.differ(&at, format_args!("no rule for {}", other.as_str())),
        }
    }

    fn list(&mut self, inner: &Type, at: &str) {
        let schema = self.schema.0.pointer(at).unwrap();
        let fields: Vec<&str> = match self.def(inner).map(|def| &def.kind) {
            Some(TypeDefKind::Record(record)) => record.fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        };
        match *fields {
            // Maps of names to values in JSON.
            ["skill", "level"] if schema["additionalProperties"]["type"] == "integer" => {}
            ["name", "value"] if schema["type"] == "object" => {}
            _ if schema["type"] == "array" => self.same(inner, &format!("{at}/items")),
            _ => self.differ(at, "a list in WIT"),
        }
    }

    fn record(&mut self, def: &TypeDef, at: &str, tag: Option<&str>) {
        let TypeDefKind::Record(record) = &def.kind else { return self.differ(at, "no record in WIT") };
        if self.open.iter().any(|open| open == at) {
            return;
        }
        self.open.push(at.to_owned());
        let here = self.schema.properties(at);
        let mut parts: Vec<String> =
            self.schema.members(at, "allOf").iter().map(|part| self.schema.target(part).0).collect();
        for field in &record.fields {
            let key = snake(&field.name);
            let place = format!("{at}/properties/{key}");
            if !here.contains_key(&key) {
                // A variant whose tag and fields stand beside the other fields.
                let name = self.def(&field.ty).and_then(|def| def.name.as_deref()).map(snake);
                let part = parts.iter().position(|part| part.strip_prefix("/$defs/") == name.as_deref());
                match part.map(|number| parts.remove(number)) {
                    Some(part) => self.same(&field.ty, &part),
                    None => self.differ(at, format_args!("`{key}` is in WIT alone")),
                }
                continue;
            }
            let nullable = self.nullable(&place);
            let required = self.schema.is_required(at, &key);
            let option = match self.def(&field.ty).map(|def| &def.kind) {
                Some(TypeDefKind::Option(inner)) => Some(*inner),
                _ => None,
            };
            match option {
                Some(_) if required && nullable.is_none() => self.differ(&place, "an option in WIT"),
                None if nullable.is_some() => self.differ(&place, "no option in WIT"),
                None if !required && here[&key].get("default").is_none() => {
                    self.differ(&place, "no option in WIT: it needs a default, or to be required");
                }
                _ => {}
            }
            self.same(&option.unwrap_or(field.ty), nullable.as_deref().unwrap_or(&place));
        }
        for part in parts {
            self.differ(at, format_args!("{part} is not in WIT"));
        }
        for key in here.keys().filter(|key| Some(key.as_str()) != tag) {
            if !record.fields.iter().any(|field| snake(&field.name) == *key) {
                self.differ(at, format_args!("`{key}` is not in WIT"));
            }
        }
    }

    fn variant(&mut self, def: &TypeDef, at: &str) {
        let TypeDefKind::Variant(variant) = &def.kind else { return };
        let branches = self.schema.members(at, "oneOf");
        let mut left = branches.clone();
        for case in &variant.cases {
            let word = snake(&case.name);
            let found = branches.iter().find_map(|branch| {
                let properties = self.schema.properties(branch);
                let tag = properties.iter().find(|(_, schema)| schema.get("const") == Some(&word.clone().into()));
                let tag = tag.map(|(key, _)| (branch, Some(key.clone())));
                tag.or_else(|| (properties.len() == 1 && properties.contains_key(&word)).then_some((branch, None)))
            });
            let Some((branch, tag)) = found else {
                self.differ(at, format_args!("`{word}` is in WIT alone"));
                continue;
            };
            left.retain(|other| other != branch);
            match (&case.ty, tag) {
                (Some(ty), Some(tag)) if self.schema.is_required(branch, &tag) => {
                    if let Some(def) = self.def(ty) {
                        self.record(def, branch, Some(&tag));
                    }
                }
                (Some(ty), None) if self.schema.is_required(branch, &word) => {
                    self.same(ty, &format!("{branch}/properties/{word}"));
                }
                _ => self.differ(branch, "its tag is not required, or it has no payload in WIT"),
            }
        }
        for branch in left {
            self.differ(&branch, "not in WIT");
        }
    }

    /// Where the type stands that a value has if it is not null; none if it cannot be null.
    fn nullable(&self, place: &str) -> Option<String> {
        let schema = self.schema.0.pointer(place)?;
        if schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == "null")) {
            return Some(place.to_owned());
        }
        let branches = self.schema.members(place, "oneOf");
        let null = |at: &String| self.schema.0.pointer(at).is_some_and(|schema| schema["type"] == "null");
        branches.iter().any(null).then(|| branches.iter().find(|at| !null(at)).cloned()).flatten()
    }
}

pub fn snake(name: &str) -> String {
    name.replace('-', "_")
}
