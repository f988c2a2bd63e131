//! The control socket's lines: one JSON object each, ended by `\n`; a response for each request, in order.
//!
//! ```text
//! → {"v":1,"request":"status"}
//! ← {"v":1,"response":{"status":{"version":"0.1.0","calls":2,…}}}
//! → {"v":1,"request":{"calls":{"after":null,"limit":100}}}
//! ← {"v":1,"response":{"calls":{"total":2,"calls":[…],"next":null}}}
//! → {"v":1,"request":{"registrations":{"after":"105","limit":100}}}
//! ← {"v":1,"response":{"registrations":{"total":2,"contacts":[…],"next":null}}}
//! → {"v":1,"request":{"turn":{"switch":"evacuation","on":true,"reason":"fire drill","by":"ada"}}}
//! ← {"v":1,"response":{"turned":{"switch":"evacuation","on":true,…}}}  or {"no_such_switch":{"known":[…]}}
//! → {"v":1,"request":{"queues":{"limit":100}}}
//! ← {"v":1,"response":{"queues":{"total":2,"queues":[…],"next":null}}}
//! → {"v":1,"request":{"explain":{"call":"c…"}}}
//! ← {"v":1,"response":{"standing":{"queue":"sales","stage":"waiting",…}}}  or {"standing":null}, "no_such_call"
//! → {"v":1,"request":{"hangup":{"call":"c…"}}}
//! ← {"v":1,"response":"hung_up"}                    or "no_such_call"
//! → {"v":1,"request":{"drain":{"grace_s":20}}}
//! ← {"v":1,"response":{"draining":{"calls":2,"already":false}}}
//! → {"v":1,"request":"reload"}   (`"plan"` asks what would come of it)
//! ← {"v":1,"response":{"changes":"users: 1 added"}}  or an error of code "faulty" whose text is the report
//! → {"v":1,"request":{"trace":{"from":"101","clear":false}}}
//! ← {"v":1,"response":"watching"}                  then one for each message, until the client sends or closes:
//! ← {"v":1,"response":{"at":…,"sent":true,"transport":"UDP",…,"left_out":0,"text":"INVITE sip:…"}}
//! ← {"v":1,"error":{"code":"bad_request","text":"…"}}
//! ```
//!
//! Requests and responses are [`switch::control`]'s, but for `reload` and `trace`, which are of the program: the switch
//! reads no files and keeps no messages.
//! Fields may be added to responses within a version; a client leaves alone what it does not know. A request with a field
//! or of a kind that is not known is refused.

use std::net::SocketAddr;

use base::Wall;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use switch::control::Request;

use crate::port::Unanswered;

/// The version of the protocol.
pub const VERSION: u32 = 1;
/// The longest request, in octets, its end included.
pub const MAX_LINE: usize = 4_096;

const RELOAD: &str = "reload";
const PLAN: &str = "plan";

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The peer is neither root nor the user that the switch runs as.
    NotAllowed,
    /// The line is no request.
    BadRequest,
    /// The line is longer than [`MAX_LINE`]; the connection is closed.
    TooLong,
    /// No request came for long; the connection is closed.
    TooSlow,
    /// The request is of another version.
    Version,
    /// Too many clients, or too much to do: try again.
    Busy,
    /// The switch is about to end, or its domain thread stands still.
    Gone,
    /// The configuration has faults, which the text tells as `strowger check` does; the old one holds.
    Faulty,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Something of the switch.
    Switch(Request),
    /// That the configuration be read again and taken.
    Reload {
        /// Only to say what would come of it.
        plan: bool,
    },
    /// To see messages as they come and go.
    Trace(Tracing),
}

/// Which messages are to be shown, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracing {
    /// Only dialogs in which a message came from this user or number.
    #[serde(default)]
    pub from: Option<String>,
    /// Personal data in clear; secrets never are.
    #[serde(default)]
    pub clear: bool,
}

/// A message that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// When, in microseconds since 1970.
    pub at: Wall,
    /// The switch sent it; else it came.
    pub sent: bool,
    /// What carried it, as in a Via.
    pub transport: String,
    /// The switch's address.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    /// How many messages were left out before it, as the client took them too slowly.
    pub left_out: u64,
    /// All of it, as far as it is shown.
    pub text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceAsked<T> {
    trace: T,
}

/// The configuration was read again and taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// What is new, in few words.
    pub changes: String,
    /// A line for each flow that is another: which of its nodes, and how many callers are inside.
    pub flows: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<R> {
    v: u32,
    request: R,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answered<R> {
    v: u32,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    response: Option<R>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// Why a request was not carried out, with words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub code: ErrorCode,
    pub text: String,
}

impl Failure {
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl From<Unanswered> for Failure {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Busy => Self::new(ErrorCode::Busy, "the switch has too much to do; try again"),
            Unanswered::Gone => Self::new(ErrorCode::Gone, "the switch is about to end, or stands still"),
        }
    }
}

/// A request as a line.
pub(crate) fn write_request(wish: &Wish) -> Vec<u8> {
    match wish {
        Wish::Switch(request) => line(&Asked { v: VERSION, request }),
        Wish::Reload { plan } => line(&Asked { v: VERSION, request: if *plan { PLAN } else { RELOAD } }),
        Wish::Trace(tracing) => line(&Asked { v: VERSION, request: TraceAsked { trace: tracing } }),
    }
}

/// The request in a line.
pub(crate) fn read_request(line: &[u8]) -> Result<Wish, Failure> {
    let bad = |error: serde_json::Error| Failure::new(ErrorCode::BadRequest, error.to_string());
    // What another version's request looks like is not known, so its version is read first.
    let asked: Asked<serde_json::Value> = serde_json::from_slice(line).map_err(bad)?;
    if asked.v != VERSION {
        let text = format!("version {} is not known; this is version {VERSION}", asked.v);
        return Err(Failure::new(ErrorCode::Version, text));
    }
    if asked.request == RELOAD || asked.request == PLAN {
        return Ok(Wish::Reload { plan: asked.request == PLAN });
    }
    if asked.request.get("trace").is_some() {
        return serde_json::from_value(asked.request).map(|TraceAsked { trace }| Wish::Trace(trace)).map_err(bad);
    }
    serde_json::from_value(asked.request).map(Wish::Switch).map_err(bad)
}

/// What a request came to, as a line.
pub(crate) fn write_response<R: Serialize>(outcome: Result<R, Failure>) -> Vec<u8> {
    let (response, error) = match outcome {
        Ok(response) => (Some(response), None),
        Err(failure) => (None, Some(failure)),
    };
    line(&Answered { v: VERSION, response, error })
}

/// What a request came to; `None` if the line is no response.
pub(crate) fn read_response<R: DeserializeOwned>(line: &[u8]) -> Option<Result<R, Failure>> {
    let answered: Answered<R> = serde_json::from_slice(line).ok()?;
    match (answered.response, answered.error) {
        (_, Some(failure)) => Some(Err(failure)),
        (Some(response), None) => Some(Ok(response)),
        (None, None) => None,
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Our own types have string keys only, so that this cannot fail.
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> ErrorCode {
        read_request(line.as_bytes()).unwrap_err().code
    }

    #[test]
    fn requests_read_back_as_they_were_written() {
        let call = base::CallId::from_raw(7);
        let tracing = Tracing { from: Some("101".to_owned()), clear: true };
        let requests = [
            Request::Status,
            Request::Calls { after: Some(call), limit: 3 },
            Request::Registrations { after: Some("105".into()), limit: 3 },
            Request::Switches,
            Request::Turn { switch: "fire".into(), on: true, reason: "smoke".into(), by: "ada".into() },
            Request::Plugins,
            Request::Queues { after: Some("sales".into()), limit: 3 },
            Request::Explain { call },
            Request::Hangup { call },
            Request::Drain { grace_s: Some(20) },
        ];
        for wish in requests.map(Wish::Switch).into_iter().chain([
            Wish::Reload { plan: false },
            Wish::Reload { plan: true },
            Wish::Trace(tracing),
        ]) {
            assert_eq!(read_request(&write_request(&wish)), Ok(wish.clone()));
        }
        assert_eq!(write_request(&Wish::Reload { plan: false }), b"{\"v\":1,\"request\":\"reload\"}\n");
        assert_eq!(write_request(&Wish::Switch(Request::Status)), b"{\"v\":1,\"request\":\"status\"}\n");
    }

    #[test]
    fn fields_with_a_usual_value_may_be_left_out() {
        let read = read_request(br#"{"v":1,"request":{"calls":{}}}"#);
        assert_eq!(read, Ok(Wish::Switch(Request::Calls { after: None, limit: 0 })));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for line in [
            "",
            "status",
            "{}",
            "[]",
            r#"{"v":1}"#,
            r#"{"v":1,"request":"reboot"}"#,
            r#"{"v":1,"request":{"hangup":{"call":"x"}}}"#,
            r#"{"v":1,"request":{"drain":{"grace_s":-1}}}"#,
            r#"{"v":1,"request":{"calls":{"limit":1,"all":true}}}"#,
            r#"{"v":1,"request":"status","as":"root"}"#,
            r#"{"v":1,"request":{"trace":{"of":"1"}}}"#,
            r#"{"v":1,"request":{"trace":{},"status":1}}"#,
            "\u{0}\u{1}",
        ] {
            assert_eq!(code(line), ErrorCode::BadRequest, "{line}");
        }
        assert_eq!(code(&"[".repeat(MAX_LINE)), ErrorCode::BadRequest, "deep nesting ends no thread");
    }

    #[test]
    fn another_version_is_told_as_such() {
        assert_eq!(code(r#"{"v":2,"request":{"fly":{}}}"#), ErrorCode::Version);
    }
}
