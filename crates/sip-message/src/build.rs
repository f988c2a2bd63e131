//! Writing requests and responses.
//!
//! Values come from typed parts or are cleaned of line ends on their way out, so no input can add a header field to a
//! message of ours. What a response echoes it echoes octet by octet.

use std::fmt::Display;
use std::io::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::fields::Fields;
use crate::via::mark_source;
use crate::{AnyUri, CSeq, HeaderName, Method, NameAddr, Request, StatusCode, Via, chars};

/// Room for a usual message, so that writing it allocates once.
const USUAL_SIZE: usize = 1024;
/// The same for the header fields that a response adds to what it echoes.
const USUAL_ADDED: usize = 384;

/// Writes a request. Header fields stand in the order of the calls; Content-Length and the body come last.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestBuilder {
    out: Vec<u8>,
    body: Bytes,
}

impl RequestBuilder {
    /// Begins a request to `uri`.
    pub fn new(method: &Method, uri: &AnyUri) -> Self {
        let mut out = Vec::with_capacity(USUAL_SIZE);
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        push_display(&mut out, uri);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out, body: Bytes::new() }
    }

    /// Adds a Via.
    pub fn via(self, via: &Via) -> Self {
        self.field(HeaderName::Via, via)
    }

    /// Adds From.
    pub fn from(self, from: &NameAddr) -> Self {
        self.field(HeaderName::From, from)
    }

    /// Adds To.
    pub fn to(self, to: &NameAddr) -> Self {
        self.field(HeaderName::To, to)
    }

    /// Adds Call-ID.
    pub fn call_id(self, call_id: &str) -> Self {
        self.header(HeaderName::CallId, call_id)
    }

    /// Adds CSeq.
    pub fn cseq(self, cseq: &CSeq) -> Self {
        self.field(HeaderName::CSeq, cseq)
    }

    /// Adds Max-Forwards; 70 is usual (RFC 3261 section 8.1.1.6).
    pub fn max_forwards(self, hops: u8) -> Self {
        self.field(HeaderName::MaxForwards, hops)
    }

    /// Adds a Contact.
    pub fn contact(self, contact: &NameAddr) -> Self {
        self.field(HeaderName::Contact, contact)
    }

    /// Adds a Route.
    pub fn route(self, route: &NameAddr) -> Self {
        self.field(HeaderName::Route, route)
    }

    /// Adds any header field. Control characters in `value` become spaces; a `name` that is no token adds nothing.
    pub fn header(mut self, name: impl AsRef<str>, value: &str) -> Self {
        push_field(&mut self.out, name.as_ref(), value);
        self
    }

    fn field(mut self, name: HeaderName, value: impl Display) -> Self {
        self.out.extend_from_slice(name.as_str().as_bytes());
        self.out.extend_from_slice(b": ");
        push_display(&mut self.out, value);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Sets the body and its type.
    pub fn body(mut self, content_type: &str, body: Bytes) -> Self {
        push_field(&mut self.out, "Content-Type", content_type);
        self.body = body;
        self
    }

    /// The request as it goes on the wire.
    #[must_use]
    pub fn build(self) -> Bytes {
        finish(self.out, &self.body)
    }
}

/// Writes a response to a request: Via, From, To, Call-ID and CSeq are echoed (RFC 3261 section 8.2.6.2), Record-Route too
/// where a dialog may begin (section 12.1.1).
#[derive(Clone, Debug)]
#[must_use]
pub struct ResponseBuilder<'a> {
    request: &'a Request,
    source: SocketAddr,
    status: StatusCode,
    reason: Option<&'a str>,
    to_tag: Option<&'a str>,
    /// Header fields that were added, written out.
    added: Vec<u8>,
    body: Bytes,
}

impl<'a> ResponseBuilder<'a> {
    /// Begins a response to `request`, which came from `source`: the topmost Via gets `received` and `rport` from that.
    pub fn to(request: &'a Request, source: SocketAddr, status: StatusCode) -> Self {
        let (added, body) = (Vec::with_capacity(USUAL_ADDED), Bytes::new());
        Self { request, source, status, reason: None, to_tag: None, added, body }
    }

    /// Sets another reason phrase than the usual one.
    pub fn reason(mut self, reason: &'a str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Sets the tag that To gets if the request's had none. Every response but 100 has one.
    pub fn to_tag(mut self, tag: &'a str) -> Self {
        self.to_tag = Some(tag);
        self
    }

    /// Adds a Contact.
    pub fn contact(self, contact: &NameAddr) -> Self {
        self.header(HeaderName::Contact, &contact.to_string())
    }

    /// Adds any header field. Control characters in `value` become spaces; a `name` that is no token adds nothing.
    pub fn header(mut self, name: impl AsRef<str>, value: &str) -> Self {
        push_field(&mut self.added, name.as_ref(), value);
        self
    }

    /// Sets the body and its type.
    pub fn body(mut self, content_type: &str, body: Bytes) -> Self {
        push_field(&mut self.added, "Content-Type", content_type);
        self.body = body;
        self
    }

    /// The response as it goes on the wire.
    #[must_use]
    pub fn build(self) -> Bytes {
        let head = &self.request.head;
        let mut out = start_response(self.status, self.reason.unwrap_or_else(|| self.status.reason()));
        push_top_via(&mut out, &head.fields, Some(&head.via), self.source);
        let echo = |out: &mut Vec<u8>, name| {
            for value in head.headers(name) {
                push_octets(out, name, head.fields.octets(value));
            }
        };
        if self.begins_dialog() {
            echo(&mut out, HeaderName::RecordRoute);
        }
        echo(&mut out, HeaderName::From);
        self.push_to(&mut out);
        echo(&mut out, HeaderName::CallId);
        echo(&mut out, HeaderName::CSeq);
        if self.status == StatusCode::TRYING {
            // RFC 3261 section 8.2.6.1.
            echo(&mut out, HeaderName::Timestamp);
        }
        out.extend_from_slice(&self.added);
        finish(out, &self.body)
    }

    fn begins_dialog(&self) -> bool {
        let by_method =
            matches!(self.request.method, Method::Invite | Method::Subscribe | Method::Refer | Method::Notify);
        by_method && matches!(self.status.code(), 101..=299)
    }

    fn push_to(&self, out: &mut Vec<u8>) {
        let head = &self.request.head;
        let Some(value) = head.header(HeaderName::To) else { return };
        let octets = head.fields.octets(value);
        match self.to_tag.filter(|tag| head.to.tag().is_none() && chars::is_token(tag)) {
            Some(tag) => {
                push_octets(out, HeaderName::To, octets);
                out.truncate(out.len().saturating_sub(2));
                out.extend_from_slice(b";tag=");
                out.extend_from_slice(tag.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            None => push_octets(out, HeaderName::To, octets),
        }
    }
}

/// A response's status line.
pub(crate) fn start_response(status: StatusCode, reason: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(USUAL_SIZE);
    out.extend_from_slice(b"SIP/2.0 ");
    push_number(&mut out, usize::from(status.code()));
    out.push(b' ');
    push_clean(&mut out, reason.as_bytes());
    out.extend_from_slice(b"\r\n");
    out
}

/// Echoes all Vias in order, the topmost with the source noted if it could be read.
pub(crate) fn push_top_via(out: &mut Vec<u8>, fields: &Fields, top: Option<&Via>, source: SocketAddr) {
    let mut values = fields.values(HeaderName::Via);
    if let (Some(top), Some(first)) = (top, values.next()) {
        let (value, below) = chars::cut(first, b',');
        push_name(out, HeaderName::Via);
        mark_source(out, value, top, source);
        out.extend_from_slice(b"\r\n");
        if let Some(below) = below {
            push_octets(out, HeaderName::Via, fields.octets(chars::trim(below)));
        }
        for value in values {
            push_octets(out, HeaderName::Via, fields.octets(value));
        }
    } else {
        for value in fields.values(HeaderName::Via) {
            push_octets(out, HeaderName::Via, fields.octets(value));
        }
    }
}

/// Writes a header field of ours; see [`RequestBuilder::header`].
pub(crate) fn push_field(out: &mut Vec<u8>, name: &str, value: &str) {
    if !chars::is_token(name) {
        return;
    }
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    push_clean(out, value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Echoes a header field of a request, octet by octet; only line ends, which it cannot hold, would be cleaned.
pub(crate) fn push_octets(out: &mut Vec<u8>, name: HeaderName, value: &[u8]) {
    push_name(out, name);
    let start = out.len();
    out.extend_from_slice(value);
    if memchr::memchr2(b'\r', b'\n', value).is_some() {
        clean(out, start, |b| matches!(b, b'\r' | b'\n'));
    }
    out.extend_from_slice(b"\r\n");
}

fn push_name(out: &mut Vec<u8>, name: HeaderName) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
}

/// Writes what prints itself, without a text of its own in between.
fn push_display(out: &mut Vec<u8>, value: impl Display) {
    let start = out.len();
    // Writing to a vector cannot fail.
    let _ = write!(out, "{value}");
    clean(out, start, |b| b.is_ascii_control());
}

fn push_clean(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    out.extend_from_slice(value);
    clean(out, start, |b| b.is_ascii_control());
}

fn clean(out: &mut [u8], start: usize, is_bad: impl Fn(u8) -> bool) {
    for byte in out.get_mut(start..).unwrap_or_default() {
        if is_bad(*byte) {
            *byte = b' ';
        }
    }
}

/// Writes a number in decimal. (This runs several times a response; `format!` is ten times slower.)
pub(crate) fn push_number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn finish(mut out: Vec<u8>, body: &Bytes) -> Bytes {
    out.extend_from_slice(b"Content-Length: ");
    push_number(&mut out, body.len());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
    Bytes::from(out)
}
