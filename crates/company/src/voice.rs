//! `speech` › `http` of `strowger.yaml`: the web server that speaks texts.

use std::sync::Arc;

use ivr::web::{HeaderValue, Method, Origin, read_headers, read_url};
use yaml::{Map, Shape, Value};

use crate::names::Names;
use crate::speech::known_words;

const HTTP: Shape = Shape { what: "`http`", keys: &["get", "post", "query", "headers", "send"] };

/// The most names of a query, or of what is sent.
const MAX_PARTS: usize = 50;

/// The word that stands for the text.
const TEXT: &str = "{text}";

/// A web server that speaks texts, and how it is asked. In the values of the query and in what is sent `{voice}`, `{language}` and
/// `{text}` stand for these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebVoice {
    /// `GET` or `POST`.
    pub method: Method,
    /// Who is asked.
    pub origin: Origin,
    /// The path, maybe with a query. Begins with `/`.
    pub path: String,
    /// More of the query: names with their values.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(Arc<str>, HeaderValue)>,
    /// What is sent, if anything.
    pub send: Option<Sent>,
}

/// What is sent to a web server that speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A text.
    Text(String),
    /// A JSON object of these names and values.
    Json(Vec<(String, Scalar)>),
}

/// A value of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A text: a template.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// True or false.
    Bool(bool),
}

pub(crate) fn read(value: Value<'_>, secrets: &mut Names) -> Option<WebVoice> {
    let map = value.map(&HTTP)?;
    let asked = map.one_of(&["get", "post"]).and_then(|(method, url)| {
        let method = if method == "get" { Method::Get } else { Method::Post };
        Some((method, read_origin(url)?))
    });
    let query = parts(map, "query", template);
    let send = match map.optional("send") {
        Some(value) if value.is_map() => parts(map, "send", scalar).map(|all| Some(Sent::Json(all))),
        Some(value) => template(value).map(|text| Some(Sent::Text(text))),
        None => Some(None),
    };
    let origin = asked.as_ref().map(|(_, (origin, _))| origin.clone());
    let headers = read_headers(map, origin.as_ref(), |name, place| {
        secrets.refer(&name, &place.place(), "add it to `secrets` in `strowger.yaml`", place.faults());
    });
    let (method, (origin, path)) = asked?;
    let (query, send) = (query?, send?);
    if let (Method::Get, Some(send)) = (method, map.optional("send")) {
        send.fault_at_key("a `get` sends nothing", "write `query:`, or `post:` in the place of `get:`");
    }
    let says_it = match &send {
        None => false,
        Some(Sent::Text(text)) => text.contains(TEXT),
        Some(Sent::Json(all)) => {
            all.iter().any(|(_, value)| matches!(value, Scalar::Text(text) if text.contains(TEXT)))
        }
    };
    if !says_it && !query.iter().any(|(_, value)| value.contains(TEXT)) {
        let remedy = "write it in `query` or `send`, such as `send: { input: \"{text}\" }`";
        value.fault_at_key("the server is not told the text: `{text}` stands nowhere", remedy);
        return None;
    }
    Some(WebVoice { method, origin, path, query, headers: headers?, send })
}

fn read_origin(value: Value<'_>) -> Option<(Origin, String)> {
    let text = value.string_for("a URL, such as `https://tts.example/speak`")?;
    match read_url(text) {
        Ok(found) => Some(found),
        Err(why) => {
            value.fault(format!("this is not a URL: {why}"), "write one such as `https://tts.example/speak`");
            None
        }
    }
}

/// The names below `key`, each with what `read` makes of its value; none are written: none.
fn parts<T>(map: Map<'_>, key: &'static str, read: fn(Value<'_>) -> Option<T>) -> Option<Vec<(String, T)>> {
    let Some(value) = map.optional(key) else { return Some(Vec::new()) };
    let entries = value.entries("names, each with a value")?;
    if entries.is_empty() || entries.len() > MAX_PARTS {
        value.fault_at_key(format!("`{key}` has 1 to {MAX_PARTS} names, not {}", entries.len()), "");
        return None;
    }
    let parts: Vec<_> = entries
        .into_iter()
        .map(|(name, value)| {
            let name = name.string_for("a name").filter(|text| !text.is_empty());
            let value = read(value);
            Some((name?.to_owned(), value?))
        })
        .collect();
    parts.into_iter().collect()
}

fn template(value: Value<'_>) -> Option<String> {
    let text = value.string()?;
    known_words(value).then(|| text.to_owned())
}

fn scalar(value: Value<'_>) -> Option<Scalar> {
    let plain = value.raw().filter(|_| !value.is_quoted());
    match plain {
        Some("true") => Some(Scalar::Bool(true)),
        Some("false") => Some(Scalar::Bool(false)),
        Some(text) if is_number(text) => Some(Scalar::Number(text.to_owned())),
        _ => template(value).map(Scalar::Text),
    }
}

/// True for what JSON takes for a number (RFC 8259 section 6), without an exponent.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, rest) = unsigned.split_once('.').map_or((unsigned, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |text: &str| !text.is_empty() && text.len() <= 15 && text.bytes().all(|c| c.is_ascii_digit());
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && rest.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_takes_for_a_number_is_one() {
        assert!(["0", "-1", "1.0", "0.25", "100"].into_iter().all(is_number));
        assert!(
            ["", "-", "01", ".5", "1.", "1e9", "nan", "0x1", "1234567890123456"].into_iter().all(|t| !is_number(t))
        );
    }
}
