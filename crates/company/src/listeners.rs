//! `listeners` of `strowger.yaml`.

use std::net::{IpAddr, SocketAddr};

use sip::Transport;
use yaml::{Shape, Value};

use crate::system::{Advertise, Listener, reachable};
use crate::tls::Shelf;

const LISTENER: Shape = Shape {
    what: "a listener",
    keys: &[
        "udp",
        "tcp",
        "tls",
        "ws",
        "wss",
        "advertise",
        "media",
        "digest",
        "srtp",
        "origins",
        "certificate",
        "key",
        "certificates",
        "client_ca",
        "ca",
        "name",
    ],
};

/// More than anyone has addresses for; each takes a socket and a thread's attention.
const MAX_LISTENERS: usize = 32;

/// Every listener with the value that a fault of it belongs to.
pub(crate) fn read<'a>(value: &Value<'a>, shelf: &mut Shelf<'_>) -> Vec<(Listener, Value<'a>)> {
    let items = value.list().unwrap_or_default();
    if value.is_list() && items.is_empty() {
        value.fault("nothing to listen on", "add `- udp: 0.0.0.0:5060`");
    }
    if items.len() > MAX_LISTENERS {
        value.fault(format!("more than {MAX_LISTENERS} listeners"), "");
    }
    let mut listeners: Vec<(Listener, Value<'a>)> = Vec::new();
    for item in items.into_iter().take(MAX_LISTENERS) {
        let Some((listener, place)) = listener(&item, shelf) else { continue };
        if let Some((other, _)) = listeners.iter().find(|(other, _)| collide(other, &listener)) {
            place.fault(format!("this takes the port of the listener `{}`", other.address), "give it another port");
        }
        let same = |(other, _): &&(Listener, Value<'_>)| listener.name.is_some() && other.name == listener.name;
        if let (Some((other, _)), Some(name)) = (listeners.iter().find(same), &listener.name) {
            let message = format!("the listener `{}` is called `{name}`, too", other.address);
            place.fault(message, "give each a name of its own");
        }
        listeners.push((listener, place));
    }
    listeners
}

fn listener<'a>(item: &Value<'a>, shelf: &mut Shelf<'_>) -> Option<(Listener, Value<'a>)> {
    if item.raw().is_some() && !item.is_empty() {
        item.fault("a listener begins with its transport", "write `- udp: 0.0.0.0:5060`");
        return None;
    }
    let map = item.map(&LISTENER)?;
    let advertise = map.optional("advertise").and_then(|value| advertise(&value));
    let mut given = Transport::ALL.into_iter().filter_map(|way| Some((way, map.optional(way.name())?)));
    let (transport, place) = match given.next() {
        Some(first) => first,
        None => (Transport::Udp, map.required("udp")?),
    };
    if let Some((other, second)) = given.next() {
        let remedy = format!("begin another item of the list with `- {}:`", other.name());
        second.fault("one listener has one transport", remedy);
        return None;
    }
    let name = map.optional("name").and_then(|value| value.name().map(str::to_owned));
    let tls = crate::tls::read(&map, (transport, &place), shelf);
    let origins = map.optional("origins").map(|value| origins(&value, transport));
    let bound = place.socket_addr()?;
    if bound.ip().is_multicast() || bound.ip() == IpAddr::from([255; 4]) {
        place.fault(format!("`{}` is no address of a machine", bound.ip()), "");
        return None;
    }
    if let (Some(value), Some(Advertise { address, .. })) = (map.optional("advertise"), advertise)
        && address.is_ipv4() != bound.is_ipv4()
    {
        value.fault(format!("`{address}` and `{}` are not of one IP version", bound.ip()), "");
    }
    let media = map.optional("media").and_then(|value| reachable(&value));
    let digest = map.optional("digest").and_then(crate::digest);
    let srtp = map.optional("srtp").and_then(crate::srtp);
    Some((Listener { name, transport, address: bound, advertise, media, digest, srtp, tls, origins }, place))
}

/// The most pages that a listener may name.
const MAX_ORIGINS: usize = 64;

/// From which pages browsers may connect.
fn origins(value: &Value<'_>, transport: Transport) -> Vec<String> {
    if transport.can_be_opened() {
        value.fault_at_key("`origins` is for listeners with `ws` or `wss`", "take it out");
        return Vec::new();
    }
    let items = value.one_or_list();
    if !(1..=MAX_ORIGINS).contains(&items.len()) {
        value
            .fault(format!("a listener has 1 to {MAX_ORIGINS} origins"), "leave out `origins` to let any page connect");
    }
    items.iter().filter_map(origin).collect()
}

/// `https://HOST` or `https://HOST:PORT`, as browsers write it (RFC 6454 section 6.2).
fn origin(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if !authority.is_some_and(|authority| !authority.is_empty() && authority.chars().all(plain)) {
        let message = format!("`{}` is not the origin of a page", crate::names::short(text));
        value.fault(
            message,
            "write scheme and host alone: `https://phone.example`, with a port if it is not the usual one",
        );
        return None;
    }
    Some(text.to_ascii_lowercase())
}

fn advertise(value: &Value<'_>) -> Option<Advertise> {
    let text = value.string()?;
    let with_port = text.parse::<SocketAddr>().ok().map(|a| Advertise { address: a.ip(), port: Some(a.port()) });
    let alone = || text.parse::<IpAddr>().ok().map(|address| Advertise { address, port: None });
    let Some(advertise) = with_port.or_else(alone) else {
        value.fault("`advertise` must be an IP address, with or without a port", "such as `203.0.113.7`");
        return None;
    };
    if advertise.address.is_unspecified() || advertise.address.is_multicast() || advertise.port == Some(0) {
        value.fault(format!("nobody can send to `{text}`"), "write the address that phones reach");
        return None;
    }
    Some(advertise)
}

/// True if the second of the two could not be bound.
fn collide(one: &Listener, second: &Listener) -> bool {
    let (a, b) = (one.address, second.address);
    let (ip, other) = (a.ip(), b.ip());
    let overlap = ip == other || (ip.is_ipv4() == other.is_ipv4() && (ip.is_unspecified() || other.is_unspecified()));
    one.transport.is_reliable() == second.transport.is_reliable() && a.port() != 0 && a.port() == b.port() && overlap
}
