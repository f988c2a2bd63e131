//! Where the calls of a trunk go, by address or by name, and who calls from where a name leads.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use sip::Transport;
use sip::locate::{Families, Hop, Locator, Site};
use sip_message::Uri;

use crate::{Config, Peer, Trunk, TrunkName};

/// The far end of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FarEnd {
    /// At an address.
    At(Peer),
    /// Wherever the DNS says (RFC 3263).
    Named {
        /// Its URI, without a user part.
        contact: Uri,
        /// What is looked for.
        site: Site,
        /// As [`Peer::listener`].
        listener: Option<u16>,
    },
}

impl FarEnd {
    /// Its URI, without a user part: there stands the number that is called.
    #[must_use]
    pub const fn contact(&self) -> &Uri {
        match self {
            Self::At(peer) => &peer.contact,
            Self::Named { contact, .. } => contact,
        }
    }

    /// What carries requests to it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::At(peer) => peer.transport(),
            Self::Named { site, .. } => site.transport,
        }
    }

    /// Its fixed address, if it has one.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::At(peer) => Some(peer.address),
            Self::Named { .. } => None,
        }
    }

    /// What is looked for, if it is not at a fixed address.
    #[must_use]
    pub const fn site(&self) -> Option<&Site> {
        match self {
            Self::At(_) => None,
            Self::Named { site, .. } => Some(site),
        }
    }

    /// As [`Peer::listener`].
    pub(crate) const fn listener(&self) -> Option<u16> {
        match self {
            Self::At(peer) => peer.listener,
            Self::Named { listener, .. } => *listener,
        }
    }

    /// The same at one of the addresses that were found.
    pub(crate) fn at(&self, hop: &Hop) -> Peer {
        let (contact, listener) = (self.contact().clone(), self.listener());
        Peer { contact, address: hop.address, reached_at: Some(hop.ours), listener }
    }

    /// The same by a listener that the configuration names.
    #[must_use]
    pub fn by_listener(self, listener: Option<u16>) -> Self {
        match self {
            Self::At(peer) => Self::At(Peer { listener, ..peer }),
            Self::Named { contact, site, .. } => Self::Named { contact, site, listener },
        }
    }
}

impl From<Peer> for FarEnd {
    fn from(peer: Peer) -> Self {
        Self::At(peer)
    }
}

impl Trunk {
    /// The sites that must be found for it.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &Site> {
        self.to.as_ref().and_then(FarEnd::site).into_iter().chain(&self.source_names)
    }

    /// The name that whoever is at an address of its far end must prove under TLS: the domain that was asked for, wherever
    /// its SRV records lead (RFC 5922 4), unless the configuration says otherwise.
    pub(crate) fn proof(&self, address: IpAddr) -> Option<String> {
        let to = self.to.as_ref().filter(|to| to.transport().is_secure())?;
        let domain = || to.site().map_or_else(|| address.to_string(), |site| site.name.to_string());
        Some(self.to_name.as_deref().map_or_else(domain, str::to_owned))
    }
}

/// Who calls from the addresses that names lead to.
#[derive(Debug, Default)]
pub(crate) struct NamedSources(BTreeMap<IpAddr, Vec<TrunkName>>);

impl NamedSources {
    /// By what is known of the names now. From our own `listeners` no trunk calls: a call of ours that comes back is no
    /// trunk's.
    pub fn of(config: &Config, locator: &Locator, listeners: &[sip::Listener]) -> Self {
        let mut sources = Self::default();
        for trunk in &config.trunks {
            let hops = trunk.source_names.iter().filter_map(|site| locator.located(site)).flat_map(|found| &found.hops);
            for hop in hops.filter(|hop| !is_any_of_ours(listeners, hop)) {
                let trunks = sources.0.entry(hop.address.ip()).or_default();
                if !trunks.contains(&trunk.name) {
                    trunks.push(trunk.name.clone());
                }
            }
        }
        sources
    }

    /// True if a name of that trunk leads to `source`.
    pub fn has(&self, source: IpAddr, trunk: &str) -> bool {
        self.0.get(&source).is_some_and(|trunks| trunks.iter().any(|name| **name == *trunk))
    }

    /// The first trunk with a name that leads to `source`, of those that need not show a certificate.
    pub fn first<'a>(&self, config: &'a Config, source: IpAddr) -> Option<&'a Trunk> {
        let trunks = self.0.get(&source)?;
        trunks.iter().filter_map(|name| config.trunk(name)).find(|trunk| trunk.certificate.is_none())
    }
}

/// The IP versions that `listeners` can send by over a transport; if one of them is `named`, that one.
pub(crate) fn families(listeners: &[sip::Listener], transport: Transport, named: Option<u16>) -> Families {
    let named = named.and_then(|index| listeners.get(usize::from(index)));
    let alike = || listeners.iter().filter(|one| named.map_or(one.transport == transport, |named| *one == named));
    Families {
        v4: alike().any(|listener| carries_ipv4(listeners, listener)),
        v6: alike().any(|listener| listener.local.is_ipv6()),
    }
}

/// One on `[::]` carries IPv4, too, unless another one has its port there.
fn carries_ipv4(listeners: &[sip::Listener], listener: &sip::Listener) -> bool {
    let own = listener.local;
    let beside = |other: &sip::Listener| {
        let same = other.transport.is_reliable() == listener.transport.is_reliable();
        same && other.local.is_ipv4() && other.local.port() == own.port()
    };
    own.is_ipv4() || (own.ip().is_unspecified() && !listeners.iter().any(beside))
}

/// True of an address of one of these versions.
pub(crate) const fn is_of(families: Families, address: IpAddr) -> bool {
    if address.is_ipv4() { families.v4 } else { families.v6 }
}

/// As [`is_ours`], over whichever transport.
pub(crate) fn is_any_of_ours(listeners: &[sip::Listener], hop: &Hop) -> bool {
    Transport::ALL.iter().any(|transport| is_ours(listeners, *transport, hop))
}

/// True if a request sent to `hop` comes back to one of `listeners`: its calls would go round in a circle.
pub(crate) fn is_ours(listeners: &[sip::Listener], transport: Transport, hop: &Hop) -> bool {
    let (address, ip) = (hop.address, hop.address.ip());
    // Our way to an address of ours begins at it; to a loopback address at another one.
    let is_here = ip == hop.ours || ip.is_loopback();
    let takes = |listener: &&sip::Listener| {
        let local = listener.local;
        let any = local.ip().is_unspecified() && local.port() == address.port() && is_here;
        local == address || any || listener.advertised == Some(address)
    };
    listeners.iter().filter(|listener| listener.transport == transport).any(|listener| takes(&listener))
}

/// The name of a site as people write it.
pub(crate) fn written(site: &Site) -> String {
    match site.port {
        Some(port) => format!("{}:{port}", site.name),
        None => site.name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sip::Flow;

    use super::*;

    #[test]
    fn where_a_name_leads_counts_as_an_address_does_and_a_certificate_is_asked_for_besides() {
        let named = |name: &str, certificate: Option<&str>| {
            let site = Site { name: "carrier.test".into(), port: None, transport: Transport::Udp };
            let trunk = Trunk::incoming(name, Vec::new());
            Trunk { certificate: certificate.map(Into::into), source_names: vec![site], ..trunk }
        };
        let net = Trunk::incoming("net", vec!["192.0.2.0/24".parse().unwrap()]);
        let trunks = vec![net, named("proven", Some("a.example")), named("open", None)];
        let config = Config { trunks, ..Config::default() };
        let leads = NamedSources([("192.0.2.1".parse().unwrap(), vec!["proven".into(), "open".into()])].into());
        let of = |source: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let source = SocketAddr::new(source.parse().unwrap(), 5060);
            config.trunk_of(Flow::udp(0, source, source), &names, &leads).map(|trunk| trunk.name.to_string())
        };
        let found = |name: &str| Some(name.to_owned());
        assert_eq!(
            of("192.0.2.1", &[]),
            found("open"),
            "before any network, and for nobody who must show a certificate"
        );
        assert_eq!(of("192.0.2.1", &["a.example"]), found("proven"));
        assert_eq!(of("192.0.2.2", &["a.example"]), found("net"), "a certificate alone is not enough");
        assert_eq!(of("198.51.100.1", &["a.example"]), None);
    }
}
