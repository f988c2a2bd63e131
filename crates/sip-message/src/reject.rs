//! Messages that could not be read, and the answer that RFC 3261 wants for them.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

use bytes::Bytes;

use crate::build::{push_field, push_octets, push_top_via, start_response};
use crate::fields::Fields;
use crate::message::is_response;
use crate::{HeaderName, Method, NameAddr, ParseError, StatusCode, Str, Via, chars, response_destination};

/// A message that is not well-formed. It says what was wrong and, for a request that gave enough to go by, the answer.
pub struct Reject {
    /// What was wrong.
    pub cause: ParseError,
    /// The status to answer with. None where silence is right: responses, ACK, what is no SIP, no Via to answer to.
    pub status: Option<StatusCode>,
    salvage: Option<Box<Salvage>>,
}

/// What the answer is made of.
struct Salvage {
    method: Method,
    via: Option<Via>,
    fields: Fields,
}

impl Reject {
    pub(crate) fn silent(cause: ParseError) -> Self {
        Self { cause, status: None, salvage: None }
    }

    pub(crate) fn new(cause: ParseError, start_line: &str, fields: Fields) -> Self {
        let method = start_line.split(' ').next().and_then(|m| Method::parse_in(&Str::EMPTY, m));
        let Some(method) = method.filter(|m| !is_response(start_line) && *m != Method::Ack) else {
            return Self::silent(cause);
        };
        let Some(top) = fields.values(HeaderName::Via).flat_map(chars::commas).next() else {
            return Self::silent(cause);
        };
        let status = match (cause, &method) {
            (ParseError::Version, _) => StatusCode::VERSION_NOT_SUPPORTED,
            (ParseError::TooLarge, _) => StatusCode::MESSAGE_TOO_LARGE,
            // What we cannot do anyway is refused as such (RFC 4475 section 3.1.2.18).
            (ParseError::MethodMismatch, Method::Other(_)) => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        };
        let via = Via::parse_in(fields.source(), top, true);
        Self { cause, status: Some(status), salvage: Some(Box::new(Salvage { method, via, fields })) }
    }

    /// The answer to a request that came from `source`; None where silence is right. The same request gets the same
    /// answer again, so that nothing need be kept (RFC 3261 section 8.2.7).
    #[must_use]
    pub fn answer(&self, source: SocketAddr) -> Option<Bytes> {
        Some(self.salvage.as_ref()?.answer(self.status?, source))
    }

    /// Where [`Self::answer`] goes: as [`response_destination`] says, or back to `source` if Via could not be read.
    #[must_use]
    pub fn destination(&self, source: SocketAddr) -> SocketAddr {
        let via = self.salvage.as_ref().and_then(|s| s.via.as_ref());
        via.map_or(source, |via| response_destination(via, source))
    }

    /// The method of a request, as far as the start line gave one.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.salvage.as_ref().map(|s| &s.method)
    }
}

impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject").field("cause", &self.cause).field("status", &self.status).finish_non_exhaustive()
    }
}

impl Salvage {
    fn answer(&self, status: StatusCode, source: SocketAddr) -> Bytes {
        let mut out = start_response(status, status.reason());
        push_top_via(&mut out, &self.fields, self.via.as_ref(), source);
        self.push_or(&mut out, HeaderName::From, "<sip:anonymous@anonymous.invalid>");
        self.push_to(&mut out);
        self.push_or(&mut out, HeaderName::CallId, "missing");
        self.push_or(&mut out, HeaderName::CSeq, &format!("0 {}", self.method));
        push_field(&mut out, "Content-Length", "0");
        out.extend_from_slice(b"\r\n");
        Bytes::from(out)
    }

    /// Echoes the first field `name`, or puts `stand_in` in its place, so that the answer is a whole response.
    fn push_or(&self, out: &mut Vec<u8>, name: HeaderName, stand_in: &str) {
        match self.fields.values(name).next() {
            Some(value) => push_octets(out, name, self.fields.octets(value)),
            None => push_field(out, name.as_str(), stand_in),
        }
    }

    fn push_to(&self, out: &mut Vec<u8>) {
        let value = self.fields.values(HeaderName::To).next();
        let text = value.unwrap_or("<sip:anonymous@anonymous.invalid>");
        let tagged = match NameAddr::parse_in(&Str::EMPTY, text) {
            Some(to) => to.tag().is_some(),
            None => text.to_ascii_lowercase().contains(";tag="),
        };
        let mut octets = value.map_or(text.as_bytes(), |v| self.fields.octets(v)).to_vec();
        if !tagged {
            octets.extend_from_slice(format!(";tag={:016x}", self.fingerprint()).as_bytes());
        }
        push_octets(out, HeaderName::To, &octets);
    }

    /// The same for every copy of a request.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            self.fields.values(name).next().hash(&mut hasher);
        }
        hasher.finish()
    }
}
