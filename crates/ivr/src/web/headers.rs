//! Headers that a person writes for requests: what they may say, and that no secret stands among them in the open.

use std::sync::Arc;

use yaml::{Map, Value};

use super::{HeaderValue, Origin};
use crate::read::table;

/// The most headers.
const MAX_HEADERS: usize = 50;

/// Headers that the connection is made of, or that every request has.
const OURS: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "accept",
    "accept-encoding",
    "user-agent",
];

/// Headers by which one proves who asks: what they say is a secret.
const SECRET: &[&str] = &["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// The headers below the key `headers` of a map, if there is one, for requests to `origin`, if that is known. `refer` is told of
/// each secret that one of them holds: its name, and where that stands.
#[must_use]
pub fn read_headers<'a>(
    map: Map<'a>,
    origin: Option<&Origin>,
    mut refer: impl FnMut(Arc<str>, Value<'a>),
) -> Option<Vec<(Arc<str>, HeaderValue)>> {
    let Some(value) = map.optional("headers") else { return Some(Vec::new()) };
    let entries = value.entries("headers, such as `X-Tenant: blue`")?;
    if entries.is_empty() || entries.len() > MAX_HEADERS {
        value.fault_at_key(format!("there are 1 to {MAX_HEADERS} headers, not {}", entries.len()), "");
        return None;
    }
    let headers: Vec<_> = entries.into_iter().map(|(name, value)| header(name, value, origin, &mut refer)).collect();
    headers.into_iter().collect()
}

fn header<'a>(
    name: Value<'a>,
    value: Value<'a>,
    origin: Option<&Origin>,
    refer: &mut impl FnMut(Arc<str>, Value<'a>),
) -> Option<(Arc<str>, HeaderValue)> {
    let text = name.string_for("a header's name")?;
    // RFC 9110 section 5.6.2.
    let is_token = text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c));
    if text.is_empty() || text.len() > 100 || !is_token {
        name.fault("this is not the name of a header", "write letters, digits and `-`, such as `X-Tenant`");
        return None;
    }
    let is_one_of = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(text));
    if is_one_of(OURS) {
        name.fault(format!("the header `{text}` is made by itself"), "remove it");
        return None;
    }
    if value.is_map() {
        let secret = value.map(&table::SECRET.shape)?.required("secret")?;
        let held: Arc<str> = Arc::from(secret.name()?);
        refer(Arc::clone(&held), secret);
        if let Some(origin) = origin.filter(|origin| !origin.is_private()) {
            let message = format!("everybody on the way to `{origin}` could read this secret");
            secret.fault(message, "ask it by `https://`");
            return None;
        }
        return Some((text.into(), HeaderValue::Secret(held)));
    }
    let says = value.string()?;
    if is_one_of(SECRET) {
        let remedy =
            format!("keep it in a file of its own, a secret of `secrets`, and write `{text}: {{ secret: NAME }}`");
        value.fault("this is a secret, written for everybody who may read this file", remedy);
        return None;
    }
    if says.len() > 1000 || !says.bytes().all(|c| c == b' ' || c.is_ascii_graphic()) {
        value.fault("a header is one line of at most 1000 plain characters", "");
        return None;
    }
    Some((text.into(), HeaderValue::Text(says.into())))
}
