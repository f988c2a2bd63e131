//! Messages, and how a datagram becomes one.

use bytes::Bytes;

use crate::fields::{Fields, Tokens, tokenize};
use crate::{AnyUri, Head, HeaderName, MAX_MESSAGE, Method, ParseError, Reject, StatusCode, Str, chars};

/// What a datagram held.
#[derive(Clone, Debug)]
pub enum Message {
    /// A request; boxed, because it is large and goes from hand to hand.
    Request(Box<Request>),
    /// A response, boxed as well.
    Response(Box<Response>),
    /// Nothing but line ends, spaces or zeros, sent to keep a NAT binding open (RFC 5626 section 3.5.1).
    KeepAlive,
}

/// A well-formed request. Whether its method, URI scheme, extensions and body type are supported is left to the UAS core
/// (RFC 3261 section 8.2).
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, which is also CSeq's.
    pub method: Method,
    /// The Request-URI. A SIP one has no header part.
    pub uri: AnyUri,
    /// The header fields.
    pub head: Head,
    /// The body, as long as Content-Length says; without one, the rest of the datagram.
    pub body: Bytes,
}

/// A well-formed response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase as it came, which may be empty.
    pub reason: Str,
    /// The header fields.
    pub head: Head,
    /// The body, as long as Content-Length says; without one, the rest of the datagram.
    pub body: Bytes,
}

/// Reads a UDP datagram: one message, and perhaps octets after it that count for nothing (RFC 3261 section 18.3).
///
/// # Errors
/// A [`Reject`], which says what was wrong, and answers the sender where RFC 3261 wants that.
pub fn parse_datagram(datagram: impl AsRef<[u8]>) -> Result<Message, Reject> {
    let datagram = datagram.as_ref();
    if datagram.len() > MAX_MESSAGE {
        return Err(Reject::silent(ParseError::TooLarge));
    }
    // RFC 3261 section 7.5: empty lines before the start line are passed over.
    let Some(start) = datagram.iter().position(|b| !matches!(b, b'\r' | b'\n' | b' ' | b'\t' | 0)) else {
        return Ok(Message::KeepAlive);
    };
    let message = datagram.get(start..).unwrap_or_default();
    let Some(tokens) = tokenize(message) else { return Err(Reject::silent(ParseError::NotSip)) };
    let rest = message.get(tokens.body..).unwrap_or_default();
    read(tokens, rest)
}

/// Reads a message that was cut up; `rest` is what stood behind its head.
pub(crate) fn read(tokens: Tokens, rest: &[u8]) -> Result<Message, Reject> {
    let start_line = StartLine::read(&tokens.fields, tokens.fields.text(tokens.start_line));
    let reject = |cause, fields: Fields| {
        let line = fields.text(tokens.start_line).to_owned();
        Err(Reject::new(cause, &line, fields))
    };
    let start_line = match (start_line, tokens.fault) {
        (Err(cause), _) | (_, Some(cause)) => return reject(cause, tokens.fields),
        (Ok(start_line), None) => start_line,
    };
    let head = match Head::read(tokens.fields) {
        Ok(head) => head,
        Err((cause, fields)) => return reject(cause, fields),
    };
    let length = head.content_length.unwrap_or(rest.len());
    if length > rest.len() {
        return reject(ParseError::ShortBody, head.fields);
    }
    let body = Bytes::copy_from_slice(rest.get(..length).unwrap_or_default());
    match start_line {
        StartLine::Request(method, _) if method != head.cseq.method => reject(ParseError::MethodMismatch, head.fields),
        StartLine::Request(method, uri) => Ok(Message::Request(Box::new(Request { method, uri, head, body }))),
        StartLine::Response(status, reason) => Ok(Message::Response(Box::new(Response { status, reason, head, body }))),
    }
}

enum StartLine {
    Request(Method, AnyUri),
    Response(StatusCode, Str),
}

impl StartLine {
    fn read(fields: &Fields, line: &str) -> Result<Self, ParseError> {
        if is_response(line) {
            return Self::read_response(fields, line);
        }
        // Spaces at the end have one meaning only (RFC 4475 section 3.1.2.10); more than one between the parts, or any
        // in the URI, could be read in two ways.
        let mut parts = chars::trim(line).split(' ');
        let (Some(method), Some(uri), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseError::StartLine);
        };
        if !is_sip_version(version) {
            return Err(ParseError::StartLine);
        }
        if version.get(4..) != Some("2.0") {
            return Err(ParseError::Version);
        }
        let method = Method::parse_in(fields.source(), method).ok_or(ParseError::StartLine)?;
        let uri = AnyUri::parse_in(fields.source(), uri).ok_or(ParseError::RequestUri)?;
        // RFC 3261 section 19.1.1 forbids a header part here; it must never turn into header fields of the request.
        if uri.as_sip().is_some_and(|uri| !uri.raw_headers().is_empty()) {
            return Err(ParseError::RequestUri);
        }
        Ok(Self::Request(method, uri))
    }

    fn read_response(fields: &Fields, line: &str) -> Result<Self, ParseError> {
        let (version, rest) = line.split_once(' ').ok_or(ParseError::StartLine)?;
        if !version.eq_ignore_ascii_case("SIP/2.0") {
            return Err(ParseError::Version);
        }
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = StatusCode::parse(code).ok_or(ParseError::StatusCode)?;
        Ok(Self::Response(status, fields.source().share(reason)))
    }
}

/// True for a status line: no method holds a slash.
pub(crate) fn is_response(line: &str) -> bool {
    line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/"))
}

fn is_sip_version(text: &str) -> bool {
    let number = text.get(4..).and_then(|v| v.split_once('.'));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    is_response(text) && number.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

impl Request {
    /// True if the request belongs to a dialog: its To has a tag (RFC 3261 section 12.2).
    #[must_use]
    pub fn is_in_dialog(&self) -> bool {
        self.head.to.tag().is_some()
    }

    /// The first value of header field `name`.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.head.header(name)
    }
}

impl Response {
    /// The first value of header field `name`.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.head.header(name)
    }
}
