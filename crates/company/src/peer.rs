//! Something at an address or by a name that calls are sent to, and the numbers that are called or shown there.

use std::net::SocketAddr;

use sip::Transport;
use sip::locate::Site;
use sip_message::{AnyUri, Host, Scheme, Uri};
use switch::{FarEnd, Peer, is_number};
use yaml::Value;

use crate::system::Listener;

/// How faults speak of a peer.
pub(crate) struct Form {
    /// What it is, without an article.
    pub owner: &'static str,
    /// What to write.
    pub remedy: &'static str,
}

/// The peer whose URI stands at `value`. It cannot be one of our own `listeners`.
pub(crate) fn read(value: &Value<'_>, form: &Form, listeners: &[Listener]) -> Option<Peer> {
    let (uri, _) = uri(value, form, listeners)?;
    if uri.socket_addr().is_none() {
        let message = format!("`{}` names a host", crate::names::short(value.string()?));
        let remedy = format!("write the {}'s IP address; only names of trunks are looked up", form.owner);
        value.fault(message, remedy);
        return None;
    }
    at_address(value, form, listeners, uri)
}

/// The same, or a name that is to be looked up.
pub(crate) fn read_or_named(value: &Value<'_>, form: &Form, listeners: &[Listener]) -> Option<FarEnd> {
    let (uri, transport) = uri(value, form, listeners)?;
    let Host::Name(name) = uri.host() else { return at_address(value, form, listeners, uri).map(FarEnd::At) };
    let Some(name) = crate::dns::host(name) else {
        let message = format!("`{}` is neither an IP address nor the name of a host", crate::names::short(name));
        value.fault(message, "write the address, or a name of letters, digits, `-` and `.` such as `sip.example.org`");
        return None;
    };
    let site = Site { name, port: uri.port(), transport };
    Some(FarEnd::Named { contact: uri, site, listener: None })
}

/// The URI at `value`, and what carries requests to it.
fn uri(value: &Value<'_>, form: &Form, listeners: &[Listener]) -> Option<(Uri, Transport)> {
    let text = value.string()?;
    let fault = |message: &str, remedy: &str| {
        value.fault(format!("`{}` {message}", crate::names::short(text)), remedy);
        None
    };
    let uri = match text.parse::<AnyUri>() {
        Ok(AnyUri::Sip(uri)) => uri,
        Ok(_) => return fault("is not a SIP URI", form.remedy),
        Err(_) if !text.contains(':') || text.parse::<SocketAddr>().is_ok() => {
            return fault("is not a SIP URI", form.remedy);
        }
        Err(_) => return fault("is not a URI", form.remedy),
    };
    let transport = match (uri.scheme(), uri.param("transport")) {
        (Scheme::Sip, None) => Some(Transport::Udp),
        (Scheme::Sip, Some(name)) => Transport::by_name(&name).filter(|way| way.can_be_opened()),
        // TLS is what `sips` means; over TCP, as `transport=tcp` says there (RFC 3261 26.2.2).
        (Scheme::Sips, name) => {
            let fits = |name: &str| ["tls", "tcp"].iter().any(|fit| name.eq_ignore_ascii_case(fit));
            Some(Transport::Tls).filter(|_| name.is_none_or(|name| fits(&name)))
        }
    };
    let Some(transport) = transport else {
        return fault(
            "asks for a transport that is not there",
            "calls go by UDP, `;transport=tcp` or `;transport=tls`",
        );
    };
    if transport.is_reliable() && !listeners.iter().any(|listener| listener.transport == transport) {
        let name = transport.name();
        return fault(
            &format!("is to be reached by {}", name.to_uppercase()),
            &format!("add a listener `- {name}: 0.0.0.0:{}`, from which it is called", transport.default_port()),
        );
    }
    if !uri.raw_headers().is_empty() || uri.raw_password().is_some() {
        return fault("holds a password or header fields", form.remedy);
    }
    Some((uri, transport))
}

fn at_address(value: &Value<'_>, form: &Form, listeners: &[Listener], uri: Uri) -> Option<Peer> {
    let text = value.string()?;
    let fault = |message: &str, remedy: &str| {
        value.fault(format!("`{}` {message}", crate::names::short(text)), remedy);
        None
    };
    let address = uri.socket_addr()?;
    if address.ip().is_unspecified() || address.ip().is_multicast() {
        return fault(&format!("is the address of no {}", form.owner), form.remedy);
    }
    if listeners.iter().any(|listener| is_own(listener, address)) {
        return fault("is this switch itself", &format!("write the address of the {}", form.owner));
    }
    Some(Peer { contact: uri, address, reached_at: None, listener: None })
}

/// True if what is sent to `address` comes back in by `listener`.
fn is_own(listener: &Listener, address: SocketAddr) -> bool {
    let bound = listener.address;
    let same_host = bound.ip() == address.ip() || (bound.ip().is_unspecified() && address.ip().is_loopback());
    let advertised = listener
        .advertise
        .is_some_and(|a| a.address == address.ip() && a.port.unwrap_or_else(|| bound.port()) == address.port());
    (same_host && bound.port() == address.port()) || advertised
}

/// A number outside, in full.
pub(crate) fn number<'a>(value: &Value<'a>) -> Option<&'a str> {
    let text = value.string()?;
    if !is_number(text) {
        let message = format!("`{}` is not a number outside", crate::names::short(text));
        value.fault(message, "write digits alone, with a `+` before them or not: `\"+4930123456\"`");
        return None;
    }
    Some(text)
}
