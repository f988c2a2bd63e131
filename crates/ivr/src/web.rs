//! Requests to web servers: what a flow asks, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base::Pii;
use serde::{Deserialize, Serialize};

use crate::Value;

mod headers;

pub use headers::read_headers;

/// The largest answer that a driver may hand over, in octets.
pub const MAX_REPLY: usize = 64 * 1024;

/// The largest request that a flow makes, in octets: its body, and its URL.
pub(crate) const MAX_REQUEST: usize = 64 * 1024;

/// The longest URL that is written.
const MAX_URL: usize = 1000;

/// Where a server is: scheme, host and port (RFC 6454). Written without the port that the scheme has anyhow, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    https: bool,
    host: Arc<str>,
    port: u16,
}

impl Origin {
    /// Reads an origin alone, such as `https://crm.example`.
    ///
    /// # Errors
    /// What is wrong, in words for a person.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        match split(text)? {
            (origin, "" | "/") => Ok(origin),
            _ => Err("an origin has no path"),
        }
    }

    /// True for TLS.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// The host: a name, or an address; that of IPv6 in brackets.
    #[must_use]
    pub const fn host(&self) -> &Arc<str> {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// True if nobody on the way can read what is sent: it is encrypted, or does not leave the machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let loopback = || matches!(&*self.host, "localhost" | "[::1]") || is_loopback_v4(&self.host);
        self.https || loopback()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

fn is_loopback_v4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// A URL's origin and its path, which begins with `/`, maybe with a query.
///
/// # Errors
/// What is wrong, in words for a person.
pub fn read_url(text: &str) -> Result<(Origin, String), &'static str> {
    let (origin, path) = split(text)?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok((origin, format!("{slash}{path}")))
}

/// The origin of a URL, and what stands behind it: the path, and maybe a query.
fn split(url: &str) -> Result<(Origin, &str), &'static str> {
    if url.len() > MAX_URL {
        return Err("it is longer than 1000 characters");
    }
    if !url
        .bytes()
        .all(|c| c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'))
    {
        return Err("it has a character that a URL cannot have; write it as `%` and two digits");
    }
    if url.contains('#') {
        return Err("a server never sees what stands behind `#`");
    }
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let (https, rest) = match () {
        () if lower.starts_with("https://") => (true, url.get(8..)),
        () if lower.starts_with("http://") => (false, url.get(7..)),
        () => return Err("it does not begin with `https://` or `http://`"),
    };
    let rest = rest.unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err("names and passwords have no place in it");
    }
    let colon = authority.rfind(':').filter(|at| !authority.get(*at..).is_some_and(|rest| rest.contains(']')));
    let (host, port) = match colon {
        Some(at) => (authority.get(..at).unwrap_or_default(), authority.get(at + 1..)),
        None => (authority, None),
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or("its port is not 1 to 65535")?,
        None if https => 443,
        None => 80,
    };
    if !is_host(host) {
        return Err("its host is no name and no address");
    }
    Ok((Origin { https, host: host.to_ascii_lowercase().into(), port }, path))
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    };
    !host.is_empty() && host.len() <= 253 && host.split('.').all(label)
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To be told something.
    Get,
    /// To have something done.
    Post,
    /// To have something put in the place of what there is.
    Put,
}

impl Method {
    /// As the protocol has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderValue {
    /// This.
    Text(Arc<str>),
    /// What the secret of this name holds; the driver has it.
    Secret(Arc<str>),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// Of whom.
    pub origin: Origin,
    /// The path, with the query. Begins with `/`.
    pub path: Pii<String>,
    /// Headers beside those that every request has.
    pub headers: Vec<(Arc<str>, HeaderValue)>,
    /// JSON; none if nothing is sent.
    pub body: Pii<Option<String>>,
    /// How long it may take, to the last octet of the answer. The session minds it: see [`crate::Output::HttpCancel`].
    pub timeout: Duration,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// What is to be sent could not be worked out, or is too large: nothing was sent.
    Send,
    /// The answer, or its end, did not come in time.
    Timeout,
    /// There was no connection, or it broke; or too many requests were under way.
    Refused,
    /// The answer's status is not one of 200 to 299.
    Status,
    /// The answer is no JSON.
    NotJson,
    /// The answer is larger than 64 KiB.
    TooLarge,
    /// A value of `take` could not be worked out.
    Take,
}

impl Failure {
    /// As a word: of the journal, and of `http.failure`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Status => "status",
            Self::NotJson => "not_json",
            Self::TooLarge => "too_large",
            Self::Take => "take",
        }
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// What it holds, of [`MAX_REPLY`] octets at most.
        body: Pii<Vec<u8>>,
    },
    /// None came, or it cannot be taken.
    Failed {
        /// The status, if it came to that.
        status: Option<u16>,
        /// Why.
        failure: Failure,
    },
}

/// How the last request of a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub status: Option<u16>,
    pub failure: Option<Failure>,
}

/// `?name=value&…`; none if a value is no text, number or truth.
pub(crate) fn query(parts: &[(Arc<str>, Value)], first: char) -> Option<String> {
    let mut query = String::new();
    for (name, value) in parts {
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::List(_) | Value::Map(_) => return None,
        };
        query.push(if query.is_empty() { first } else { '&' });
        encode(name, &mut query);
        query.push('=');
        encode(&text, &mut query);
    }
    Some(query)
}

/// Writes what is not unreserved (RFC 3986) as `%` and two digits.
pub fn encode(text: &str, into: &mut String) {
    use fmt::Write as _;
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(byte.into()),
            // Writing to a text cannot fail.
            _ => drop(write!(into, "%{byte:02X}")),
        }
    }
}

/// The JSON of a body; none if it is too large.
pub(crate) fn body(parts: &[(Arc<str>, Value)]) -> Option<String> {
    let map: BTreeMap<&str, &Value> = parts.iter().map(|(name, value)| (&**name, value)).collect();
    serde_json::to_string(&map).ok().filter(|body| body.len() <= MAX_REQUEST)
}

/// What an answer holds. The reader of JSON goes no deeper than 128 levels.
pub(crate) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_spelled_in_one_way() {
        let read = |text| Origin::read(text).map(|origin| origin.to_string());
        assert_eq!(read("HTTPS://Crm.Example:443/").unwrap(), "https://crm.example");
        assert_eq!(read("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(read("http://[::1]:80").unwrap(), "http://[::1]");
        for wrong in [
            "crm.example",
            "ftp://crm",
            "https://",
            "https://a b",
            "https://u:p@crm",
            "https://crm:0",
            "https://[::g]",
            "https://crm/x",
            "https://a..b",
            "https://crm#x",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_sent_in_the_clear_stays_on_the_machine() {
        let private = |text| Origin::read(text).unwrap().is_private();
        assert!(
            private("https://crm.example")
                && private("http://127.0.0.9:1")
                && private("http://[::1]")
                && private("http://localhost")
        );
        assert!(!private("http://crm.example") && !private("http://127.example") && !private("http://10.0.0.1"));
    }

    #[test]
    fn a_value_cannot_leave_its_place_in_a_query() {
        let parts = [("a".into(), Value::from("x&b=1#/ü")), ("n".into(), Value::Integer(-7))];
        assert_eq!(query(&parts, '?').unwrap(), "?a=x%26b%3D1%23%2F%C3%BC&n=-7");
        assert_eq!(query(&[("a".into(), Value::Null)], '?'), None);
    }

    #[test]
    fn an_answer_that_is_nested_without_end_is_no_json() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert_eq!(json(&deep), None);
        assert_eq!(json(b"{\"a\": \"\xff\"}"), None);
        assert_eq!(json(b"[1e999]"), None);
        assert_eq!(json(b"18446744073709551615"), Some(Value::Decimal(18_446_744_073_709_551_615.0)));
    }
}
