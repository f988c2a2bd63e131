//! `trunks` of `strowger.yaml`: who may send calls without being a user, and where calls to the outside go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use sip::digest::{Login, Secret};
use sip::health::Watch;
use sip::locate::Site;
use switch::{Account, CallerId, FarEnd, Register, Trunk, TrunkName, User, UserName};
use yaml::{Map, Prefix, Shape, Value};

use crate::names::Names;
use crate::number_rules;
use crate::peer::{self, Form};
use crate::system::Listener;
use crate::{Files, Notes};

const TRUNK: Shape = Shape {
    what: "a trunk",
    keys: &[
        "from",
        "certificate",
        "to",
        "to_name",
        "listener",
        "caller_id",
        "login",
        "srtp",
        "register",
        "authenticate",
        "transfers",
        "messages",
        "health",
        "failover",
        "silence",
        "trusted",
        "numbers",
        "channels",
        "calls_per_second",
        "note",
    ],
};
const REGISTER: Shape = Shape { what: "`register`", keys: &["contact", "expires"] };
const HEALTH: Shape = Shape { what: "`health`", keys: &["every", "timeout", "down_after", "up_after"] };
const ACCOUNT: Shape = Shape { what: "`authenticate`", keys: &["user", "password", "password_file"] };
/// More calls than a machine carries.
const MAX_CHANNELS: usize = 100_000;
/// More calls in a second than a machine begins.
const MAX_RATE: u32 = 10_000;
/// For how long we register where nothing is written.
const USUAL_EXPIRES: Duration = Duration::from_secs(600);
/// What the `to` of a trunk is to look like.
const FAR_END: Form = Form {
    owner: "trunk",
    remedy: "write `sip:HOST` or `sip:HOST:PORT`, such as `sip:192.0.2.1:5060` or `sip:sip.example.org`; the number is put \
             before it",
};

/// A network with the trunk whose it is and where that stands.
struct Source<'a> {
    trunk: &'a str,
    net: IpNet,
    value: Value<'a>,
}

/// Every trunk of the map at `value`. None of them can be one of our own `listeners`.
pub(crate) fn read(
    value: &Value<'_>,
    reading: &Reading<'_>,
    rules: &mut number_rules::Sets,
    notes: &mut Notes,
) -> Vec<Trunk> {
    let Reading { listeners, files, .. } = reading;
    let mut trunks: Vec<Trunk> = Vec::new();
    let mut failovers: Vec<(usize, Value<'_>)> = Vec::new();
    let mut all: Vec<Source<'_>> = Vec::new();
    for (key, value) in value.entries("a map of trunks").unwrap_or_default() {
        let (Some(name), Some(map)) = (key.name(), value.map(&TRUNK)) else { continue };
        let _ = map.optional("note").map(|note| note.string());
        let to = map.optional("to");
        // One that takes calls need not send any, and one that proves itself may send from anywhere.
        let certificate = map.optional("certificate");
        let known = to.is_some() || certificate.is_some() || map.optional("authenticate").is_some();
        let from = if known { map.optional("from") } else { map.required("from") };
        let from = from.map_or_else(Vec::new, |value| value.one_or_list());
        let (to, caller_id) = far_end(&map, listeners);
        let (mut sources, mut source_names) = (Vec::new(), Vec::new());
        for value in from {
            if let Some(name) = value.raw().and_then(crate::dns::host) {
                source_names.extend(source(&value, name, to.as_ref(), &source_names, &trunks));
                continue;
            }
            let Some(net) = value.prefix().and_then(network) else { continue };
            sources.push(net);
            // Who must show a certificate takes nobody's address away.
            if certificate.is_none() {
                compare(&all, name, net, &value, notes);
                all.push(Source { trunk: name, net, value });
            }
        }
        let certificate = certificate.and_then(|value| proven(&value, listeners, &trunks));
        let index = map.optional("listener").and_then(|value| {
            needs_to(&value, &map);
            way_out(&value, to.as_ref(), listeners)
        });
        let to = to.map(|to| to.by_listener(index));
        let to_name = map.optional("to_name").and_then(|value| to_name(&value, to.as_ref(), &trunks));
        let login = login(&map, files, notes);
        let srtp = map.optional("srtp").and_then(crate::srtp);
        let register = map.optional("register").and_then(|value| register(&value, &map, login.as_ref()));
        let authenticate = map.optional("authenticate").and_then(|value| account(&value, reading, &trunks, notes));
        let [transfers, messages, trusted] = ["transfers", "messages", "trusted"]
            .map(|key| map.optional(key).and_then(|value| value.bool()).unwrap_or(false));
        let health = map.optional("health").and_then(|value| watched(&value, &map));
        let silence = map.optional("silence").and_then(|value| {
            needs_to(&value, &map);
            value.duration_in(Duration::from_millis(500)..=Duration::from_secs(32))
        });
        let numbers = map.optional("numbers").and_then(|value| rules.of_trunk(&value)).unwrap_or_default();
        let channels = map.optional("channels").and_then(|value| value.integer(1..=MAX_CHANNELS));
        let calls_per_second = map.optional("calls_per_second").and_then(|value| value.integer(1..=MAX_RATE));
        failovers.extend(map.optional("failover").map(|value| (trunks.len(), value)));
        trunks.push(Trunk {
            name: name.into(),
            sources,
            source_names,
            certificate,
            to,
            to_name,
            caller_id,
            login,
            srtp,
            register,
            authenticate,
            transfers,
            messages,
            health,
            failover: None,
            silence,
            trusted,
            numbers,
            channels,
            calls_per_second,
        });
    }
    for (index, value) in failovers {
        let failover = in_its_place(&value, index, &trunks);
        if let Some(trunk) = trunks.get_mut(index) {
            trunk.failover = failover;
        }
    }
    trunks
}

/// The names of all trunks, be they good or not.
pub(crate) fn names(root: &Map<'_>) -> Names {
    let entries = root.optional("trunks").filter(Value::is_map).and_then(|value| value.entries("a map of trunks"));
    let entries = entries.unwrap_or_default();
    Names::new("trunk", Some(entries.iter().filter_map(|(key, _)| key.raw()).map(str::to_owned).collect()))
}

/// What trunks are read with.
pub(crate) struct Reading<'a> {
    /// Our own listeners.
    pub listeners: &'a [Listener],
    /// For passwords.
    pub files: &'a Files,
    /// Our own realm.
    pub realm: &'a str,
    /// Everyone who has a phone: no trunk proves itself by such a name.
    pub users: &'a BTreeMap<UserName, User>,
}

/// What only makes sense of a trunk that takes calls.
fn needs_to(value: &Value<'_>, trunk: &Map<'_>) {
    if trunk.optional("to").is_none() {
        value.fault_at_key("a trunk without `to` is sent nothing", "add `to`, or take it out");
    }
}

/// The listener that calls out go by.
fn way_out(value: &Value<'_>, to: Option<&FarEnd>, listeners: &[Listener]) -> Option<u16> {
    let name = value.name()?;
    let Some(index) = listeners.iter().position(|listener| listener.name.as_deref() == Some(name)) else {
        let names = listeners.iter().filter_map(|listener| listener.name.as_deref());
        let meant = yaml::did_you_mean(name, names).map(|meant| format!("did you mean `{meant}`?"));
        let remedy = meant.unwrap_or_else(|| format!("write `name: {name}` at one of `listeners`"));
        value.fault(format!("there is no listener `{name}`"), remedy);
        return None;
    };
    let (listener, to) = (listeners.get(index)?, to?);
    if listener.transport != to.transport() {
        let (is, wanted) = (listener.transport.name(), to.transport().name());
        value.fault(
            format!("listener `{name}` is for {is}, and `to` for {wanted}"),
            "name one of the transport of `to`",
        );
        return None;
    }
    let own = listener.address;
    // One on `[::]` carries IPv4, too.
    let unfit = |to: &SocketAddr| own.is_ipv4() != to.is_ipv4() && !(own.is_ipv6() && own.ip().is_unspecified());
    if let Some(to) = to.address().filter(unfit) {
        let message = format!("from `{}` nothing can be sent to `{}`", own.ip(), to.ip());
        value.fault(message, "name a listener of the IP version of `to`");
        return None;
    }
    u16::try_from(index).ok()
}

/// How the far end is watched.
fn watched(value: &Value<'_>, trunk: &Map<'_>) -> Option<Watch> {
    needs_to(value, trunk);
    let usual = switch::usual_watch();
    if !value.is_map() {
        value.choose(&[("true", ())])?;
        return Some(usual);
    }
    let map = value.map(&HEALTH)?;
    let time =
        |key, usual, range: RangeInclusive<Duration>| crate::or(&map, key, usual, |value| value.duration_in(range));
    let times = |key, usual| crate::or(&map, key, usual, |value| value.integer(1..=100));
    let seconds = Duration::from_secs;
    let watch = Watch {
        every: time("every", usual.every, seconds(1)..=seconds(3600)),
        timeout: time("timeout", usual.timeout, Duration::from_millis(500)..=seconds(30)),
        down_after: times("down_after", usual.down_after),
        up_after: times("up_after", usual.up_after),
    };
    Some(watch)
}

/// The trunk that calls go to in the place of another.
fn in_its_place(value: &Value<'_>, index: usize, trunks: &[Trunk]) -> Option<TrunkName> {
    let name = value.name()?;
    let own = trunks.get(index)?;
    let Some(next) = trunks.iter().find(|trunk| &*trunk.name == name) else {
        let names = trunks.iter().map(|trunk| &*trunk.name);
        let meant = yaml::did_you_mean(name, names).map(|meant| format!("did you mean `{meant}`?"));
        value.fault(format!("there is no trunk `{name}`"), meant.unwrap_or_else(|| "add it to `trunks`".to_owned()));
        return None;
    };
    if own.to.is_none() || next.to.is_none() {
        let without = if own.to.is_none() { own } else { next };
        value.fault(format!("trunk `{}` takes no calls", without.name), "give it `to: sip:ADDRESS:PORT`");
        return None;
    }
    // Those behind this one have none yet, so that each circle is found at the one that closes it.
    let mut at = Some(next);
    while let Some(trunk) = at {
        if trunk.name == own.name {
            value.fault(format!("`failover` leads from trunk `{name}` back to `{}`", own.name), "take one of them out");
            return None;
        }
        at = trunk.failover.as_ref().and_then(|next| trunks.iter().find(|trunk| trunk.name == *next));
    }
    Some(next.name.clone())
}

/// How we register, as the user of `login`, of which a fault was told if there is none.
fn register(value: &Value<'_>, trunk: &Map<'_>, login: Option<&Login>) -> Option<Register> {
    let map = if value.is_map() { Some(value.map(&REGISTER)?) } else { None };
    if map.is_none() {
        value.choose(&[("true", ())])?;
    }
    if trunk.optional("login").is_none() {
        let remedy = "add `login: { user: …, realm: …, password_file: … }`";
        value.fault_at_key("who registers needs a name and a password", remedy);
        return None;
    }
    let contact = map.as_ref().and_then(|map| map.optional("contact"));
    let contact = contact.map_or_else(|| Some(login?.user.clone()), |value| contact_user(&value));
    let time = |value: Value<'_>| value.duration_in(Duration::from_secs(60)..=Duration::from_secs(3600));
    let expires = map.as_ref().and_then(|map| map.optional("expires"));
    let expires = expires.map_or(Some(USUAL_EXPIRES), time);
    Some(Register { contact: contact?, expires: expires? })
}

fn contact_user(value: &Value<'_>) -> Option<Arc<str>> {
    let text = value.string()?;
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"+-_.".contains(&c);
    if !(1..=64).contains(&text.len()) || !text.bytes().all(fits) {
        let message = format!("`{}` is no user part of a contact", crate::names::short(text));
        value.fault(message, "write letters, digits, `+`, `-`, `_` and `.` alone: `\"+4930123456\"`");
        return None;
    }
    Some(text.into())
}

/// Who the far end must prove to be.
fn account(value: &Value<'_>, reading: &Reading<'_>, trunks: &[Trunk], notes: &mut Notes) -> Option<Account> {
    let map = value.map(&ACCOUNT)?;
    let user = map.required("user").and_then(|value| {
        let user = crate::login::word(&value, "a name")?;
        let other = trunks.iter().find(|t| t.authenticate.as_ref().is_some_and(|account| *account.user == *user));
        let taken = match other {
            Some(other) => Some(format!("trunk `{}`", other.name)),
            None => reading.users.contains_key(user).then(|| format!("user `{user}`")),
        };
        if let Some(taken) = taken {
            value.fault(format!("{taken} proves itself by this name"), "give the trunk a name of its own");
            return None;
        }
        Some(user)
    });
    let password = crate::login::password(&map, reading.files, notes);
    let (user, password) = (user?, password?);
    Some(Account { user: user.into(), secret: Secret::of(user, reading.realm, &password) })
}

/// Who we are to the far end of a trunk.
fn login(map: &Map<'_>, files: &Files, notes: &mut Notes) -> Option<Login> {
    let value = map.optional("login")?;
    if map.optional("to").is_none() {
        value.fault_at_key(
            "a trunk without `to` is sent nothing, so nobody asks who we are",
            "add `to`, or take it out",
        );
        return None;
    }
    crate::login::read(&value, files, notes)
}

/// The name in the certificate by which a trunk is known.
fn proven(value: &Value<'_>, listeners: &[Listener], before: &[Trunk]) -> Option<Box<str>> {
    let name = host(value)?;
    if !listeners.iter().any(|listener| listener.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some())) {
        value.fault_at_key("no listener asks for certificates", "add `client_ca: FILE` to one with `tls`");
        return None;
    }
    let sources_overlap = |other: &&Trunk| other.certificate.as_deref() == Some(&*name);
    if let Some(other) = before.iter().find(sources_overlap) {
        value.fault(format!("trunk `{}` has this certificate, too", other.name), "keep one of them");
        return None;
    }
    Some(name)
}

/// The name that the certificate of a trunk's far end must bear.
fn to_name(value: &Value<'_>, to: Option<&FarEnd>, before: &[Trunk]) -> Option<Box<str>> {
    let name = host(value)?;
    let Some(to) = to.filter(|to| to.transport().is_secure()) else {
        value.fault_at_key("only under TLS a name is proven", "write `to: sips:ADDRESS`, or take it out");
        return None;
    };
    let place = |to: &FarEnd| (to.address(), to.site().cloned());
    let same = |other: &&Trunk| other.to.as_ref().is_some_and(|other| place(other) == place(to));
    if let Some(other) = before.iter().filter(same).find(|other| other.to_name.as_deref() != Some(&*name)) {
        let message = format!("trunk `{}` goes to the same address and wants another name there", other.name);
        value.fault(message, "write one name for both");
        return None;
    }
    Some(name)
}

/// The name of a host, in lower case.
fn host(value: &Value<'_>) -> Option<Box<str>> {
    let text = value.string()?;
    let Some(name) = crate::dns::host(text) else {
        let message = format!("`{}` is not the name of a host", crate::names::short(text));
        value.fault(message, "write the name in the certificate (subjectAltName), such as `sip.example.org`");
        return None;
    };
    Some((*name).into())
}

/// Where calls through a trunk go, and what they show.
fn far_end(map: &Map<'_>, listeners: &[Listener]) -> (Option<FarEnd>, CallerId) {
    let Some(to) = map.optional("to") else {
        if let Some(caller_id) = map.optional("caller_id") {
            caller_id.fault_at_key(
                "a trunk without `to` takes no calls, so nobody sees a number",
                "add `to`, or take it out",
            );
        }
        return (None, CallerId::Anonymous);
    };
    let caller_id = map.required("caller_id").and_then(|value| match value.string()? {
        "anonymous" => Some(CallerId::Anonymous),
        "caller" => Some(CallerId::Caller),
        text if text.bytes().any(|c| c.is_ascii_alphabetic()) => {
            let message = format!("`{}` is neither a number, `anonymous` nor `caller`", crate::names::short(text));
            value.fault(message, "write the number that those see who are called, in quotes: `\"+4930123456\"`");
            None
        }
        _ => Some(CallerId::Number(peer::number(&value)?.into())),
    });
    (peer(&to, listeners), caller_id.unwrap_or_default())
}

fn peer(value: &Value<'_>, listeners: &[Listener]) -> Option<FarEnd> {
    let peer = peer::read_or_named(value, &FAR_END, listeners)?;
    if !peer.contact().raw_user().is_empty() {
        value.fault("the `to` of a trunk has no user: there stands the number that is called", FAR_END.remedy);
        return None;
    }
    Some(peer)
}

/// A name from whose addresses a trunk calls. If it is that of its `to`, it is looked up as that is.
fn source(value: &Value<'_>, name: Arc<str>, to: Option<&FarEnd>, own: &[Site], before: &[Trunk]) -> Option<Site> {
    let others = before.iter().find(|trunk| trunk.source_names.iter().any(|site| site.name == name));
    if others.is_some() || own.iter().any(|site| site.name == name) {
        let of = others.map_or_else(String::new, |trunk| format!("; first for trunk `{}`", trunk.name));
        value.fault(format!("`{name}` is given twice{of}"), "keep one of them");
        return None;
    }
    if &*name == "localhost" || name.ends_with(".localhost") {
        let remedy = "write the address: `127.0.0.1`, or that of the machine whose name was meant";
        value.fault(format!("`{name}` is this machine, wherever it is read"), remedy);
        return None;
    }
    let alike = to.and_then(FarEnd::site).filter(|site| site.name == name);
    let transport = to.map(FarEnd::transport).unwrap_or_default();
    Some(alike.cloned().unwrap_or(Site { name, port: None, transport }))
}

fn network(prefix: Prefix) -> Option<IpNet> {
    IpNet::new(prefix.address, prefix.length).ok()
}

fn compare(all: &[Source<'_>], name: &str, net: IpNet, value: &Value<'_>, notes: &mut Notes) {
    if let Some(same) = all.iter().find(|other| other.net == net) {
        let line = same.value.place().span.line;
        value.fault(
            format!("`{net}` is given twice; first for trunk `{}` in line {line}", same.trunk),
            "keep one of them",
        );
        return;
    }
    if net.prefix_len() == 0 {
        notes.add(value.place(), format!("trunk `{name}` takes calls from any address"));
        return;
    }
    let overlap = |other: &&Source<'_>| other.trunk != name && (other.net.contains(&net) || net.contains(&other.net));
    if let Some(other) = all.iter().find(overlap) {
        let longer = if other.net.prefix_len() > net.prefix_len() { other.trunk } else { name };
        let shared = if longer == name { net } else { other.net };
        notes.add(value.place(), format!("calls from `{shared}` are of trunk `{longer}`: the longer prefix decides"));
    }
}
