//! `calls` › `talk_keys` of `strowger.yaml`: codes that users type while they talk.

use std::sync::Arc;

use switch::{TalkKey, TalkKeys};
use yaml::{Map, Shape, Value};

const TALK_KEYS: Shape = Shape { what: "`talk_keys`", keys: &["consult", "confer", "return", "transfer"] };

/// Reads the codes; none begins with another one.
pub(crate) fn read(calls: &Map<'_>) -> TalkKeys {
    let Some(map) = calls.optional("talk_keys").and_then(|value| value.map(&TALK_KEYS)) else {
        return TalkKeys::default();
    };
    let mut codes: Vec<(Arc<str>, TalkKey)> = Vec::new();
    let all = [
        ("consult", TalkKey::Consult),
        ("confer", TalkKey::Confer),
        ("return", TalkKey::Return),
        ("transfer", TalkKey::Transfer),
    ];
    for (key, does) in all {
        let Some(value) = map.optional(key) else { continue };
        let Some(code) = code(&value) else { continue };
        if let Some((other, _)) =
            codes.iter().find(|(other, _)| other.starts_with(&*code) || code.starts_with(&**other))
        {
            value.fault(
                format!("`{code}` and `{other}` begin alike"),
                "write codes of which none begins with another one",
            );
            continue;
        }
        codes.push((code, does));
    }
    let asks = codes.iter().any(|(_, does)| *does == TalkKey::Consult);
    for key in ["confer", "return"] {
        if let Some(value) = map.optional(key).filter(|_| !asks && map.optional("consult").is_none()) {
            value.fault_at_key(format!("`{key}` without `consult` does nothing"), "write `consult: \"*2\"`, too");
        }
    }
    TalkKeys(codes)
}

/// A code: `*` or `#` and one to three keys behind it, so that no number typed for the other side begins with one.
fn code(value: &Value<'_>) -> Option<Arc<str>> {
    let text = value.string()?;
    let mut keys = text.chars();
    let first = keys.next().is_some_and(|key| matches!(key, '*' | '#'));
    let rest = keys.clone().count();
    if first && (1..=3).contains(&rest) && keys.all(|key| key.is_ascii_digit() || key == '*') {
        return Some(text.into());
    }
    value.fault(format!("`{text}` is no code"), "write `*` or `#` and one to three keys, such as `\"*2\"`");
    None
}
