//! `users.yaml`: everyone who has a phone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use sip::Transport;
use sip_message::{AnyUri, Scheme, Uri};
use switch::{Peer, Place, User, UserName};
use yaml::{Faults, Shape, Value};

use crate::Notes;
use crate::names::Names;
use crate::system::Listener;

const USER: Shape = Shape { what: "a user", keys: &["display", "contact", "register", "register_for"] };

/// The longest name that is shown on phones.
const MAX_DISPLAY: usize = 64;

/// All users, and for whom else each may register.
#[derive(Debug, Default)]
pub(crate) struct Users {
    pub users: BTreeMap<UserName, User>,
    pub registers_for: BTreeMap<UserName, BTreeSet<UserName>>,
}

/// Every user of the map at `value`, whose names are `names`. A phone cannot be one of our own `listeners`.
pub(crate) fn read(
    value: &Value<'_>,
    listeners: &[Listener],
    names: &Names,
    faults: &Faults,
    notes: &mut Notes,
) -> Users {
    let mut users: BTreeMap<UserName, User> = BTreeMap::new();
    let mut grants: Vec<(UserName, Vec<Value<'_>>)> = Vec::new();
    let mut phones: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for (key, value) in value.entries("a map of users").unwrap_or_default() {
        let (Some(name), Some(map)) = (key.name(), value.map(&USER)) else { continue };
        let display = map.optional("display").and_then(|value| display(&value));
        let name: UserName = name.into();
        if let Some(register) = map.optional("register") {
            registers(&register, map.optional("contact"));
            grants
                .push((name.clone(), map.optional("register_for").map_or_else(Vec::new, |value| value.one_or_list())));
            users.insert(name, User { display, place: Place::Registered, caller_id: None });
            continue;
        }
        if let Some(value) = map.optional("register_for") {
            let remedy = "take it out, or write `register: true` in the place of `contact`";
            value.fault("a phone at a fixed place registers for nobody", remedy);
        }
        let Some(contact) = map.required("contact") else { continue };
        let Some((uri, address)) = phone(&contact, listeners) else { continue };
        if let Some(other) = phones.insert(uri.to_string(), name.clone()) {
            notes.add(contact.place(), format!("users `{other}` and `{name}` have one phone"));
        }
        users.insert(
            name,
            User { display, place: Place::Fixed(Peer { contact: uri, address, reached_at: None }), caller_id: None },
        );
    }
    let granted = |(name, wanted): (UserName, Vec<Value<'_>>)| {
        let others = registers_for(&name, &wanted, &users, names, faults);
        (!others.is_empty()).then_some((name, others))
    };
    let registers_for = grants.into_iter().filter_map(granted).collect();
    Users { users, registers_for }
}

/// The users for whom `user` may register besides himself.
fn registers_for(
    user: &UserName,
    wanted: &[Value<'_>],
    users: &BTreeMap<UserName, User>,
    names: &Names,
    faults: &Faults,
) -> BTreeSet<UserName> {
    let mut others = BTreeSet::new();
    for value in wanted {
        let Some(other) = value.name() else { continue };
        if *other == **user {
            value.fault(format!("`{user}` registers for itself anyway"), "take it out");
        } else if !names.check(other, &value.place(), "add it to `users.yaml`", faults) {
            continue;
        } else if users.get(other).is_some_and(|found| found.place != Place::Registered) {
            value.fault(format!("`{other}` does not register"), "write `register: true` in the place of its `contact`");
        } else if !others.insert(other.into()) {
            value.fault(format!("`{other}` is given twice"), "keep one of them");
        }
    }
    others
}

/// `register: true` stands in the place of a contact.
fn registers(value: &Value<'_>, contact: Option<Value<'_>>) {
    let _ = value.choose(&[("true", ())]);
    if let Some(contact) = contact {
        contact.fault("a phone that registers says itself where it is", "take out `contact` or `register`");
    }
}

fn display(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    if text.chars().count() > MAX_DISPLAY || text.chars().any(char::is_control) {
        value.fault(format!("a display name is one line of at most {MAX_DISPLAY} characters"), "");
        return None;
    }
    Some(text.to_owned())
}

fn phone(value: &Value<'_>, listeners: &[Listener]) -> Option<(Uri, SocketAddr)> {
    const FORM: &str = "write `sip:USER@ADDRESS:PORT`, such as `sip:101@192.0.2.10:5060`";
    let text = value.string()?;
    let fault = |message: &str, remedy: &str| {
        value.fault(format!("`{}` {message}", crate::names::short(text)), remedy);
        None
    };
    let uri = match text.parse::<AnyUri>() {
        Ok(AnyUri::Sip(uri)) => uri,
        Ok(_) => return fault("is not a SIP URI", FORM),
        Err(_) if !text.contains(':') || text.parse::<SocketAddr>().is_ok() => return fault("is not a SIP URI", FORM),
        Err(_) => return fault("is not a URI", FORM),
    };
    let transport = match uri.param("transport") {
        None => Some(Transport::Udp),
        Some(name) if name.eq_ignore_ascii_case("udp") => Some(Transport::Udp),
        Some(name) if name.eq_ignore_ascii_case("tcp") => Some(Transport::Tcp),
        Some(_) => None,
    };
    let Some(transport) = transport.filter(|_| uri.scheme() == Scheme::Sip) else {
        return fault("asks for a transport other than UDP or TCP", "this version sends by UDP and TCP only");
    };
    if transport == Transport::Tcp && !listeners.iter().any(|listener| listener.transport == transport) {
        return fault("is to be reached by TCP", "add a listener `- tcp: 0.0.0.0:5060`, from which it is called");
    }
    if !uri.raw_headers().is_empty() || uri.raw_password().is_some() {
        return fault("holds a password or header fields", FORM);
    }
    let Some(address) = uri.socket_addr() else {
        return fault("names a host", "write the phone's IP address; names of hosts are not looked up");
    };
    if address.ip().is_unspecified() || address.ip().is_multicast() {
        return fault("is the address of no phone", FORM);
    }
    if listeners.iter().any(|listener| is_own(listener, address)) {
        return fault("is this switch itself", "write the address of the phone");
    }
    Some((uri, address))
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
