//! The checks of RFC 3261 8.2, in its order, on requests that are well-formed.

use sip_message::{AnyUri, HeaderName, Method, Request};

use crate::abilities::{self, ACCEPT, ACCEPT_INFO, ALLOW, ALLOW_EVENTS};
use crate::{Package, StackConfig};

/// What a MESSAGE may say.
const ACCEPT_MESSAGE: &str = "text/plain";

/// Why a request is refused: the status, and the header field that says what would have been fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) header: Option<(HeaderName, String)>,
}

impl Fault {
    pub(crate) fn of(status: u16) -> Self {
        Self { status, header: None }
    }

    fn with(status: u16, name: HeaderName, value: impl Into<String>) -> Self {
        Self { status, header: Some((name, value.into())) }
    }
}

/// 8.2.1 and 8.2.2.1: method and scheme. They come before the search for merged requests (8.2.2.2).
pub(crate) fn address(request: &Request) -> Result<(), Fault> {
    if !abilities::is_served(&request.method) {
        let status = if matches!(request.method, Method::Other(_)) { 501 } else { 405 };
        return Err(Fault::with(status, HeaderName::Allow, ALLOW));
    }
    match &request.uri {
        AnyUri::Sip(_) | AnyUri::Tel(_) => Ok(()),
        AnyUri::Other { .. } => Err(Fault::of(416)),
    }
}

/// 8.2.2.3 and 8.2.3: extensions and content.
pub(crate) fn content(request: &Request, config: &StackConfig) -> Result<(), Fault> {
    extensions(request, config)?;
    body(request)?;
    accepts_sdp(request)?;
    event(request)
}

/// 8.2.2.3: of what a peer may require we support what fits the request; ACK and CANCEL are exempt.
fn extensions(request: &Request, config: &StackConfig) -> Result<(), Fault> {
    if request.head.require.is_empty() || matches!(request.method, Method::Ack | Method::Cancel) {
        return Ok(());
    }
    let required = request.head.require.iter().map(|tag| tag.as_str());
    let unsupported: Vec<&str> = required.filter(|tag| !abilities::supports(config, &request.method, tag)).collect();
    if unsupported.is_empty() {
        return Ok(());
    }
    Err(Fault::with(420, HeaderName::Unsupported, unsupported.join(", ")))
}

/// 8.2.3: a body that we cannot read, unless its sender lets us leave it unread.
fn body(request: &Request) -> Result<(), Fault> {
    understood(request).or_else(|fault| if is_optional(request) { Ok(()) } else { Err(fault) })
}

/// True for a body that is to be passed over: its sender allows that, and we do not understand it.
pub(crate) fn is_unread(request: &Request) -> bool {
    is_optional(request) && understood(request).is_err()
}

/// The body's coding, type and purpose, where the body matters. A BYE and a REGISTER may bring any body: they do
/// their work all the same.
fn understood(request: &Request) -> Result<(), Fault> {
    let accepted = match request.method {
        Method::Invite | Method::Update | Method::Prack | Method::Options => ACCEPT,
        Method::Info => ACCEPT_INFO,
        Method::Message => ACCEPT_MESSAGE,
        _ => return Ok(()),
    };
    if request.body.is_empty() {
        return Ok(());
    }
    let mut encodings = request.head.list(HeaderName::ContentEncoding);
    if encodings.any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Fault::with(415, HeaderName::AcceptEncoding, "identity"));
    }
    let kind = content_type(request);
    // A body without a type is taken for what it can only be.
    let known = kind.is_empty() || accepted.split(", ").any(|known| known == kind);
    // A description that is not for this session is no offer of it (20.11; early-session of RFC 3959).
    let (purpose, _) = disposition(request);
    let meant = accepted != ACCEPT || purpose.is_empty() || purpose.eq_ignore_ascii_case("session");
    if known && meant { Ok(()) } else { Err(Fault::with(415, HeaderName::Accept, accepted)) }
}

/// What the body is for, and the parameters of that (20.11).
fn disposition(request: &Request) -> (&str, impl Iterator<Item = &str>) {
    let mut parts = request.head.header(HeaderName::ContentDisposition).unwrap_or_default().split(';').map(str::trim);
    (parts.next().unwrap_or_default(), parts)
}

/// True if the sender lets us leave a body that we don't understand unread (20.11).
fn is_optional(request: &Request) -> bool {
    let (_, mut parameters) = disposition(request);
    parameters.any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("handling") && value.trim().eq_ignore_ascii_case("optional")
    })
}

/// 20.1: an INVITE whose Accept leaves no room for SDP can get no answer that its sender reads.
fn accepts_sdp(request: &Request) -> Result<(), Fault> {
    if request.method == Method::Invite { accepts(request, ACCEPT) } else { Ok(()) }
}

/// 406 if the request's Accept leaves no room for `application/…`; without one everything goes.
fn accepts(request: &Request, kind: &str) -> Result<(), Fault> {
    let mut ranges = request.head.headers(HeaderName::Accept).flat_map(|value| value.split(',')).peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let fits = |range: &str| {
        let range = range.split(';').next().unwrap_or_default().trim();
        [kind, "application/*", "*/*"].iter().any(|known| range.eq_ignore_ascii_case(known))
    };
    if ranges.any(fits) { Ok(()) } else { Err(Fault::of(406)) }
}

/// RFC 6665 4.2.1.1, 7.2: a SUBSCRIBE names a package that we have, reads what we would tell, and says where it is to be told.
fn event(request: &Request) -> Result<(), Fault> {
    if request.method != Method::Subscribe {
        return Ok(());
    }
    let package = Package::of(&request.head).ok_or_else(|| Fault::with(489, HeaderName::AllowEvents, ALLOW_EVENTS))?;
    accepts(request, package.content_type())?;
    if request.head.contacts.first().is_some() { Ok(()) } else { Err(Fault::of(400)) }
}

/// The type of the body in lower case, without parameters; empty if it names none.
pub(crate) fn content_type(request: &Request) -> String {
    let value = request.head.header(HeaderName::ContentType).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
