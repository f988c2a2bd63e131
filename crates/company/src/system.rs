//! What the drivers need of `strowger.yaml`: where to listen, where to write, ports, threads, times.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::Pii;
use sip::Transport;
use sip::digest::Algorithm;
use switch::SrtpPolicy;
use trace::Traces;
use yaml::{Map, Shape, Value};

use crate::speech::Speech;
use crate::tls::{Shelf, TlsFiles};
use crate::traces;
use crate::{control, dns, limits, listeners, or, web};

/// What the drivers need to know; the rest of a company is the switch's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Where SIP comes in, at least one, in the order of the file.
    pub listeners: Vec<Listener>,
    /// The folder for all that is written; see [`Self::data_folder`].
    pub data: PathBuf,
    /// Audio.
    pub media: Media,
    /// Where metrics and health are served over HTTP, on a loopback address; nowhere if none.
    pub metrics: Option<SocketAddr>,
    /// At shutdown: how long live calls may go on.
    pub grace: Duration,
    /// What is kept of what calls say on the wire.
    pub traces: Traces,
    /// The DNS servers that names are asked of; those of the system if there are none.
    pub dns: Vec<SocketAddr>,
    /// What headers of requests to web servers may hold. This may change while the switch runs.
    pub secrets: BTreeMap<Arc<str>, Pii<String>>,
    /// The folder is watched, and read again when something in it changes. This may change while the switch runs.
    pub watch: bool,
    /// Who speaks the texts of flows.
    pub speech: Speech,
}

impl System {
    /// The data folder of the company that was read from `folder`.
    #[must_use]
    pub fn data_folder(&self, folder: &Path) -> PathBuf {
        folder.join(&self.data)
    }

    /// The addresses that those send audio to who call by a listener or are called by it, by its index, if the configuration
    /// says: what is advertised for media, by the listener or for all, else the address that media is bound to, else what
    /// the listener advertises for SIP. Where it says nothing, that of each call's signalling.
    #[must_use]
    pub fn media_addresses(&self) -> BTreeMap<u16, IpAddr> {
        let Media { advertise, bind, .. } = self.media;
        let bound = (!bind.is_unspecified()).then_some(bind);
        let of = |listener: &Listener| {
            let told = listener.advertise.map(|advertise| advertise.address);
            listener.media.or(advertise).or(bound).or(told)
        };
        self.listeners.iter().zip(0..).filter_map(|(listener, index)| Some((index, of(listener)?))).collect()
    }

    /// True of a listener on `[::]` that leaves IPv4 to another one, which has its port there.
    #[must_use]
    pub fn is_ipv6_only(&self, listener: &Listener) -> bool {
        let own = listener.address;
        let beside = |other: &Listener| {
            let same = other.transport.is_reliable() == listener.transport.is_reliable();
            same && other.address.is_ipv4() && other.address.port() == own.port() && own.port() != 0
        };
        own.is_ipv6() && self.listeners.iter().any(beside)
    }
}

/// One address that SIP comes in by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What trunks call it that send by it.
    pub name: Option<String>,
    /// What carries it.
    pub transport: Transport,
    /// What to bind. Port 0 takes a free one.
    pub address: SocketAddr,
    /// What to write into Via and Contact in its place.
    pub advertise: Option<Advertise>,
    /// The address that those are told for audio who call or are called by it, if the file names one.
    pub media: Option<IpAddr>,
    /// The hashes by which users prove themselves here, if not those of all listeners.
    pub digest: Option<&'static [Algorithm]>,
    /// Whether audio is encrypted with those who come by it, if not as with all.
    pub srtp: Option<SrtpPolicy>,
    /// Its certificates, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// With WebSocket: the pages from which browsers may connect, in lower case; any if none.
    pub origins: Option<Vec<String>>,
}

impl Listener {
    /// What to write into Via and Contact, once the socket is bound to `local`. An unspecified address stays one if
    /// nothing is advertised: then the driver knows better.
    #[must_use]
    pub fn advertised(&self, local: SocketAddr) -> SocketAddr {
        match self.advertise {
            Some(Advertise { address, port }) => SocketAddr::new(address, port.unwrap_or_else(|| local.port())),
            None => local,
        }
    }
}

/// An address by which others reach a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// The address.
    pub address: IpAddr,
    /// The port, if it is not the listener's own.
    pub port: Option<u16>,
}

/// How audio is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The first port that may be used.
    pub first_port: u16,
    /// The last port that may be used.
    pub last_port: u16,
    /// The address that media sockets are bound to.
    pub bind: IpAddr,
    /// The address that callers are told, if the file names one.
    pub advertise: Option<IpAddr>,
    /// How many threads; one a core if none.
    pub threads: Option<usize>,
    /// The differentiated services code point of audio packets, 0–63 (RFC 2474).
    pub dscp: u8,
    /// A leg whose peer sends no audio for so long is dead.
    pub silence: Duration,
}

impl Media {
    /// How many legs have room: each takes a port for RTP and the next one for RTCP.
    #[must_use]
    pub fn legs(&self) -> usize {
        let first = u32::from(self.first_port).next_multiple_of(2);
        let behind = u32::from(self.last_port) + 1;
        usize::try_from(behind.saturating_sub(first) / 2).unwrap_or(0)
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            first_port: 16_384,
            last_port: 32_766,
            bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            advertise: None,
            threads: None,
            // Expedited forwarding (RFC 3246), as RFC 4594 section 4.1 recommends for telephony.
            dscp: 46,
            silence: Duration::from_secs(60),
        }
    }
}

const MEDIA: Shape = Shape { what: "`media`", keys: &["ports", "bind", "advertise", "threads", "dscp", "silence"] };

/// Reads the keys of `strowger.yaml` that are the drivers'.
pub(crate) fn read(root: &Map<'_>, shelf: &mut Shelf<'_>) -> System {
    let listeners = root.required("listeners").map_or_else(Vec::new, |value| listeners::read(&value, shelf));
    // Audio follows calls to both families.
    let six = listeners.iter().any(|(listener, _)| listener.address.is_ipv6());
    let any: IpAddr = if six { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let usual = Media { bind: any, ..Media::default() };
    let media = root.optional("media").map_or(usual, |value| media(&value, usual));
    for (listener, place) in &listeners {
        let udp = listener.transport == Transport::Udp;
        if udp && (media.first_port..=media.last_port).contains(&listener.address.port()) {
            place.fault(
                format!("port {} lies in the range for audio", listener.address.port()),
                format!("`media.ports` is {}-{}; take one outside of it", media.first_port, media.last_port),
            );
        }
    }
    let data = or(root, "data", usual_data(), data);
    let (metrics, grace, traces) = (control::metrics(root), limits::grace(root), traces::read(root));
    let listeners = listeners.into_iter().map(|(listener, _)| listener).collect();
    let watch = or(root, "watch", false, |value| value.bool());
    System {
        listeners,
        data,
        media,
        metrics,
        grace,
        traces,
        dns: dns::read(root),
        secrets: web::secrets(root, shelf.files),
        watch,
        speech: Speech::default(),
    }
}

/// Finds what cannot change while the switch runs: sockets, threads and open files are made of it at the start.
pub(crate) fn check_unchanged(root: &Map<'_>, running: &System, new: &System) {
    let fault = |map: &Map<'_>, key: &'static str, same: bool| {
        if same {
            return;
        }
        let message = format!("`{key}` cannot change while the switch runs");
        let remedy = "restart the switch for that, or write what it was started with";
        match map.optional(key) {
            Some(value) => value.fault_at_key(message, remedy),
            None => map.fault(message, remedy),
        }
    };
    // Certificates may change, wherever they lie, and what a listener is called.
    let sockets = |system: &System| -> Vec<Listener> {
        system.listeners.iter().map(|listener| Listener { tls: None, name: None, ..listener.clone() }).collect()
    };
    fault(root, "listeners", sockets(running) == sockets(new));
    fault(root, "data", running.data == new.data);
    fault(root, "control", running.metrics == new.metrics);
    fault(root, "trace", running.traces == new.traces);
    match root.optional("media").and_then(|value| value.map(&MEDIA)) {
        None => fault(root, "media", running.media == new.media),
        Some(map) => {
            let (a, b) = (&running.media, &new.media);
            fault(&map, "ports", (a.first_port, a.last_port) == (b.first_port, b.last_port));
            fault(&map, "bind", a.bind == b.bind);
            fault(&map, "advertise", a.advertise == b.advertise);
            fault(&map, "threads", a.threads == b.threads);
            fault(&map, "dscp", a.dscp == b.dscp);
            fault(&map, "silence", a.silence == b.silence);
        }
    }
}

/// The data folder if the file names none.
pub(crate) fn usual_data() -> PathBuf {
    PathBuf::from("data")
}

pub(crate) fn data(value: Value<'_>) -> Option<PathBuf> {
    let path = PathBuf::from(value.string()?);
    let mut parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let (first, second) = (parts.next(), parts.next());
    let config = ["flows", "prompts"].iter().any(|name| first == Some(Component::Normal(name.as_ref())));
    if first.is_none() || config || (path.has_root() && second.is_none()) {
        value.fault("what the switch writes needs a folder of its own", "write `data: data`");
        return None;
    }
    Some(path)
}

fn media(value: &Value<'_>, usual: Media) -> Media {
    let Some(map) = value.map(&MEDIA) else { return usual };
    let (first_port, last_port) = or(&map, "ports", (usual.first_port, usual.last_port), ports);
    let bind = or(&map, "bind", usual.bind, |value| value.ip());
    let advertise = map.optional("advertise").and_then(|value| reachable(&value));
    if let (Some(address), Some(value)) = (advertise, map.optional("advertise"))
        && address.is_ipv4() != bind.is_ipv4()
        && bind != IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    {
        value.fault(format!("`{address}` and `bind: {bind}` are not of one IP version"), "");
    }
    Media {
        first_port,
        last_port,
        bind,
        advertise,
        threads: map.optional("threads").and_then(|value| value.integer(1..=64)),
        dscp: or(&map, "dscp", usual.dscp, |value| value.integer(0..=63)),
        silence: or(&map, "silence", usual.silence, |value| {
            value.duration_in(Duration::from_secs(5)..=Duration::from_secs(3600))
        }),
    }
}

/// An address that others can send to.
pub(crate) fn reachable(value: &Value<'_>) -> Option<IpAddr> {
    let address = value.ip()?;
    if address.is_unspecified() || address.is_multicast() {
        value.fault(format!("nobody can send to `{address}`"), "write the address that callers reach");
        return None;
    }
    Some(address)
}

fn ports(value: Value<'_>) -> Option<(u16, u16)> {
    let text = value.string()?;
    let Some((first, last)) = text.split_once('-').and_then(|(a, b)| Some((port(a)?, port(b)?))) else {
        value.fault("`ports` must be a range such as `16384-32766`", "");
        return None;
    };
    let room = Media { first_port: first, last_port: last, ..Media::default() };
    if first < 1024 {
        value.fault("ports below 1024 belong to other services", "begin at 1024 or above");
    } else if last < first {
        value.fault("the range ends before it begins", format!("write `{last}-{first}`"));
    } else if room.legs() < 2 {
        value.fault(
            "too few ports: a leg takes an even one and the next",
            "begin with an even port, and give four or more",
        );
    } else {
        return Some((first, last));
    }
    None
}

fn port(text: &str) -> Option<u16> {
    let text = text.trim();
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
