//! The header fields of a message, typed where RFC 3261 makes them mandatory or a dialog needs them.

use std::fmt;

use crate::fields::Fields;
use crate::{
    CSeq, Contacts, HeaderName, MAX_ADDRESSES, MAX_VIAS, Method, NameAddr, ParseError, RAck, SessionExpires, Str, Via,
    chars, rack, session_expires,
};

/// The header fields of a request or response. The public ones were read and checked; every field, these too, can be
/// had as text.
#[derive(Clone)]
pub struct Head {
    /// The topmost Via: for a request the hop that sent it, for a response our own.
    pub via: Via,
    /// How many Via values there are. A response for us has one (RFC 3261 section 8.1.3.3).
    pub via_count: usize,
    /// Who asks.
    pub from: NameAddr,
    /// Who was asked for.
    pub to: NameAddr,
    /// Names the call.
    pub call_id: Str,
    /// Number and method of the request.
    pub cseq: CSeq,
    /// Hops left; None if it is missing (RFC 2543) or beyond 255 (RFC 4475 section 3.1.2.4).
    pub max_forwards: Option<u8>,
    /// Where the sender wants later requests.
    pub contacts: Contacts,
    /// The hops that a request still has to take.
    pub routes: Vec<NameAddr>,
    /// The hops that want to see the dialog's later requests, in the order of the message.
    pub record_routes: Vec<NameAddr>,
    /// Extensions that the receiver must know.
    pub require: Vec<Str>,
    /// The body's type as it stands, with its parameters.
    pub content_type: Option<Str>,
    /// The octets of body that the sender promised.
    pub(crate) content_length: Option<usize>,
    pub(crate) fields: Fields,
}

impl Head {
    /// The first value of header field `name`, unfolded and trimmed; comma lists are whole.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.fields.values(name).next()
    }

    /// The whole head as text, start line and empty line included. Every octet has the place it had on the wire; folds are
    /// spaces, and octets that are not UTF-8 are `?`.
    #[must_use]
    pub fn source(&self) -> &Str {
        self.fields.source()
    }

    /// The values of all header fields `name`, in order, unfolded and trimmed; comma lists are whole.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.fields.values(name)
    }

    /// The values of a header field that is a comma list (Supported, Allow, Accept, …), over all its lines; empty ones
    /// are left out.
    pub fn list(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.fields.values(name).flat_map(chars::commas).filter(|value| !value.is_empty())
    }

    /// The first value of the header field of any name, without regard to case.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&str> {
        self.all().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All header fields in order; compact names are expanded.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.named()
    }

    /// All Via values in order, as they came.
    pub fn raw_vias(&self) -> impl Iterator<Item = &str> {
        self.fields.values(HeaderName::Via).flat_map(chars::commas)
    }

    /// The body's media type without parameters, such as `application/sdp`; compare it without regard to case.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.content_type.as_deref().map(|t| chars::trim(chars::cut(t, b';').0))
    }

    /// Expires in seconds. What is malformed or beyond 2³²-1 counts as an hour (RFC 3261 section 10.3, RFC 4475 section
    /// 3.1.2.4).
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.header(HeaderName::Expires).map(|text| chars::number(text).unwrap_or(3600))
    }

    /// The number of a reliable provisional response; none if it is missing or none (RFC 3262 section 7.1).
    #[must_use]
    pub fn rseq(&self) -> Option<u32> {
        self.header(HeaderName::RSeq).and_then(rack::number)
    }

    /// Which reliable provisional response a PRACK acknowledges; none if that is missing or malformed.
    #[must_use]
    pub fn rack(&self) -> Option<RAck> {
        self.header(HeaderName::RAck).and_then(RAck::parse)
    }

    /// How long the session shall live without being refreshed; none if that is missing or malformed (RFC 4028 section 4).
    #[must_use]
    pub fn session_expires(&self) -> Option<SessionExpires> {
        self.header(HeaderName::SessionExpires).and_then(SessionExpires::parse)
    }

    /// The least that Session-Expires may be, in seconds (RFC 4028 section 5).
    #[must_use]
    pub fn min_se(&self) -> Option<u32> {
        self.header(HeaderName::MinSe).and_then(session_expires::seconds)
    }

    /// For how many seconds the sender wants to be left alone (RFC 3261 section 20.33).
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.header(HeaderName::RetryAfter).and_then(session_expires::seconds)
    }

    /// True if Supported or Require names the extension.
    #[must_use]
    pub fn supports(&self, extension: &str) -> bool {
        self.requires(extension) || self.list(HeaderName::Supported).any(|tag| tag.eq_ignore_ascii_case(extension))
    }

    /// True if Require names the extension.
    #[must_use]
    pub fn requires(&self, extension: &str) -> bool {
        self.require.iter().any(|tag| tag.eq_ignore_ascii_case(extension))
    }

    /// True if Allow names the method.
    #[must_use]
    pub fn allows(&self, method: &Method) -> bool {
        self.list(HeaderName::Allow).any(|name| name == method.as_str())
    }

    /// Reads all fields; the first fault ends it.
    pub(crate) fn read(fields: Fields) -> Result<Self, (ParseError, Fields)> {
        let mut draft = Draft::default();
        let read = fields.iter().try_for_each(|(name, value)| match name {
            Some(name) => draft.take(fields.source(), name, value),
            None => Ok(()),
        });
        match read.and_then(|()| draft.missing()) {
            Err(cause) => Err((cause, fields)),
            Ok(()) => draft.finish(fields),
        }
    }
}

/// Names no person: what a log may hold of a message.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Head");
        debug.field("via", &self.via).field("from", &self.from).field("to", &self.to);
        debug.field("call_id", &self.call_id).field("cseq", &self.cseq).finish_non_exhaustive()
    }
}

/// A head while it is read.
#[derive(Default)]
struct Draft {
    via: Option<Via>,
    via_count: usize,
    from: Option<NameAddr>,
    to: Option<NameAddr>,
    call_id: Option<Str>,
    cseq: Option<CSeq>,
    max_forwards: Option<Option<u8>>,
    contacts: Vec<NameAddr>,
    star: bool,
    routes: Vec<NameAddr>,
    record_routes: Vec<NameAddr>,
    require: Vec<Str>,
    content_type: Option<Str>,
    content_length: Option<usize>,
}

impl Draft {
    fn take(&mut self, source: &Str, name: HeaderName, value: &str) -> Result<(), ParseError> {
        let malformed = ParseError::Malformed(name);
        let address = || NameAddr::parse_in(source, value).ok_or(malformed);
        match name {
            HeaderName::Via => self.take_via(source, value),
            HeaderName::From => once(&mut self.from, name, address()?),
            HeaderName::To => once(&mut self.to, name, address()?),
            HeaderName::CallId => {
                let id =
                    (!value.is_empty() && value.bytes().all(|b| b > b' ' && b != 0x7f)).then(|| source.share(value));
                once(&mut self.call_id, name, id.ok_or(malformed)?)
            }
            HeaderName::CSeq => once(&mut self.cseq, name, CSeq::parse_in(source, value).ok_or(malformed)?),
            HeaderName::MaxForwards => {
                let hops = is_digits(value).then(|| chars::number(value));
                once(&mut self.max_forwards, name, hops.ok_or(malformed)?)
            }
            HeaderName::Contact if value == "*" => {
                self.star = true;
                Ok(())
            }
            HeaderName::Contact => addresses(&mut self.contacts, source, name, value),
            HeaderName::Route => addresses(&mut self.routes, source, name, value),
            HeaderName::RecordRoute => addresses(&mut self.record_routes, source, name, value),
            HeaderName::Require => {
                self.require.extend(chars::commas(value).filter(|tag| !tag.is_empty()).map(|tag| source.share(tag)));
                Ok(())
            }
            HeaderName::ContentType => once(&mut self.content_type, name, source.share(value)),
            HeaderName::ContentLength => {
                let length = chars::number(value).ok_or(malformed)?;
                // Said twice but alike, it still means one thing.
                match self.content_length.replace(length) {
                    Some(before) if before != length => Err(ParseError::Repeated(name)),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn take_via(&mut self, source: &Str, value: &str) -> Result<(), ParseError> {
        for via in chars::commas(value) {
            self.via_count += 1;
            if self.via_count > MAX_VIAS {
                return Err(ParseError::TooManyValues(HeaderName::Via));
            }
            if via.is_empty() {
                return Err(ParseError::Malformed(HeaderName::Via));
            }
            if self.via.is_none() {
                let top = Via::parse_in(source, via, false).ok_or(ParseError::Malformed(HeaderName::Via))?;
                self.via = Some(top);
            }
        }
        Ok(())
    }

    fn missing(&self) -> Result<(), ParseError> {
        let mandatory = [
            (HeaderName::Via, self.via.is_some()),
            (HeaderName::From, self.from.is_some()),
            (HeaderName::To, self.to.is_some()),
            (HeaderName::CallId, self.call_id.is_some()),
            (HeaderName::CSeq, self.cseq.is_some()),
        ];
        match mandatory.into_iter().find(|(_, there)| !there) {
            Some((name, _)) => Err(ParseError::Missing(name)),
            None if self.star && !self.contacts.is_empty() => Err(ParseError::Malformed(HeaderName::Contact)),
            None => Ok(()),
        }
    }

    fn finish(self, fields: Fields) -> Result<Head, (ParseError, Fields)> {
        let (Some(via), Some(from), Some(to), Some(call_id), Some(cseq)) =
            (self.via, self.from, self.to, self.call_id, self.cseq)
        else {
            return Err((ParseError::Missing(HeaderName::Via), fields));
        };
        Ok(Head {
            via,
            via_count: self.via_count,
            from,
            to,
            call_id,
            cseq,
            max_forwards: self.max_forwards.flatten(),
            contacts: if self.star { Contacts::Star } else { Contacts::List(self.contacts) },
            routes: self.routes,
            record_routes: self.record_routes,
            require: self.require,
            content_type: self.content_type.filter(|t| !t.is_empty()),
            content_length: self.content_length,
            fields,
        })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn once<T>(place: &mut Option<T>, name: HeaderName, value: T) -> Result<(), ParseError> {
    match place.replace(value) {
        Some(_) => Err(ParseError::Repeated(name)),
        None => Ok(()),
    }
}

fn addresses(list: &mut Vec<NameAddr>, source: &Str, name: HeaderName, value: &str) -> Result<(), ParseError> {
    for text in chars::commas(value) {
        if list.len() == MAX_ADDRESSES {
            return Err(ParseError::TooManyValues(name));
        }
        list.push(NameAddr::parse_in(source, text).ok_or(ParseError::Malformed(name))?);
    }
    Ok(())
}
