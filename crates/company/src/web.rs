//! `http` of `strowger.yaml`: the web servers that flows may ask; and `secrets`, which their headers may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::Pii;
use ivr::web::Origin;
use yaml::{Map, Shape, Value};

use crate::{Files, login};

const HTTP: Shape = Shape { what: "`http`", keys: &["allow"] };
const SECRET: Shape = Shape { what: "a secret", keys: &["file"] };

/// The most servers.
const MAX_ORIGINS: usize = 1000;

/// The longest secret, in characters: a token can be long.
const MAX_SECRET: usize = 4096;

/// The origins that flows may ask, as they are spelled.
pub(crate) fn origins(root: &Map<'_>) -> BTreeSet<String> {
    let mut origins = BTreeSet::new();
    let Some(map) = root.optional("http").and_then(|value| value.map(&HTTP)) else { return origins };
    let Some(allow) = map.required("allow") else { return origins };
    let values = allow.one_or_list();
    if values.len() > MAX_ORIGINS {
        allow.fault_at_key(format!("at most {MAX_ORIGINS} servers may be allowed, not {}", values.len()), "");
    }
    for value in values {
        let Some(text) = value.string() else { continue };
        match Origin::read(text) {
            Ok(origin) => {
                if !origins.insert(origin.to_string()) {
                    value.fault(format!("`{origin}` is given twice"), "take one of them out");
                }
            }
            Err(why) => value.fault(
                format!("this is not the origin of a web server: {why}"),
                "write scheme and host, and the port unless it is the usual one: `https://crm.example`",
            ),
        }
    }
    origins
}

/// The names of all secrets, be they good or not.
pub(crate) fn names(root: &Map<'_>) -> BTreeSet<String> {
    let entries = root.optional("secrets").map(entries).unwrap_or_default();
    entries.into_iter().filter_map(|(name, _)| name.raw().map(str::to_owned)).collect()
}

/// What the files of the secrets hold.
pub(crate) fn secrets(root: &Map<'_>, files: &Files) -> BTreeMap<Arc<str>, Pii<String>> {
    let mut secrets = BTreeMap::new();
    for (name, value) in root.optional("secrets").map(entries).unwrap_or_default() {
        let name = name.name();
        let file = value.map(&SECRET).and_then(|map| map.required("file"));
        let text = file.and_then(|file| login::line(&file, files, "secret", MAX_SECRET));
        if let (Some(name), Some(text)) = (name, text) {
            secrets.insert(Arc::from(name), Pii::new(text));
        }
    }
    secrets
}

/// The secret that a file holds as its only line.
///
/// # Errors
/// If it holds something else.
pub fn read_secret(octets: &[u8]) -> Result<Pii<String>, &'static str> {
    let text = std::str::from_utf8(octets).map_err(|_| "it is not UTF-8")?;
    login::only_line(text, MAX_SECRET).map(|line| Pii::new(line.to_owned()))
}

fn entries(value: Value<'_>) -> Vec<(Value<'_>, Value<'_>)> {
    value.entries("names, each with its file: `crm-key: { file: crm-key.txt }`").unwrap_or_default()
}
