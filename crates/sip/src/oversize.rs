//! Requests of ours that are too large for a datagram: over TCP where that works (RFC 3261 18.1.1).
//!
//! A large datagram travels in pieces, and firewalls lose pieces. So a large request goes over TCP, and as the datagram
//! that it would have been if TCP leads nowhere: the peer refuses or resets it, the network opens no connection, or nobody
//! says a word over it. Who did so once is not asked again for a while.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use base::Mono;
use bytes::Bytes;

use crate::config::Listener;
use crate::core::Core;
use crate::outline::Outline;
use crate::{Flow, Transport};

/// The largest request that goes as a datagram, in octets, as the path's MTU is not known (18.1.1).
pub(crate) const LARGEST_DATAGRAM: usize = 1300;
/// How long a request may hear nothing over TCP before it goes as a datagram. Longer than a driver takes to find that no
/// connection comes about, so that it is not delivered twice; far shorter than the patience of a transaction.
pub(crate) const TCP_PATIENCE: Duration = Duration::from_secs(4);
/// How long a peer without TCP is remembered.
const MEMORY: Duration = Duration::from_secs(600);
/// How many are.
const MOST_REMEMBERED: usize = 1024;

/// What a request may change about its transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Carriage {
    /// Nothing.
    #[default]
    Fixed,
    /// It goes over TCP instead of UDP if it is too large for a datagram.
    BySize,
    /// It goes over TCP, as its dialog came to that by size; by this flow if TCP leads nowhere.
    Otherwise(Flow),
}

/// Peers who were found to have no TCP.
#[derive(Debug, Default)]
pub(crate) struct WithoutTcp {
    peers: HashSet<SocketAddr>,
    /// The same with the time that they are forgotten at, in order.
    ends: VecDeque<(Mono, SocketAddr)>,
}

impl WithoutTcp {
    pub(crate) fn remember(&mut self, now: Mono, peer: SocketAddr) {
        self.forget(now);
        if !self.peers.insert(peer) {
            return;
        }
        if self.ends.len() >= MOST_REMEMBERED
            && let Some((_, oldest)) = self.ends.pop_front()
        {
            self.peers.remove(&oldest);
        }
        self.ends.push_back((now + MEMORY, peer));
    }

    pub(crate) fn knows(&mut self, now: Mono, peer: SocketAddr) -> bool {
        self.forget(now);
        self.peers.contains(&peer)
    }

    fn forget(&mut self, now: Mono) {
        while let Some((_, peer)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.peers.remove(&peer);
        }
    }
}

/// The way that a request goes, changed for its size. With it the flow to take if that leads nowhere.
pub(crate) fn choose(
    core: &mut Core,
    now: Mono,
    outline: &mut Outline,
    flow: Flow,
    payload: Bytes,
) -> (Flow, Bytes, Option<Flow>) {
    let carriage = std::mem::take(&mut outline.carriage);
    match carriage {
        Carriage::Otherwise(datagram) if flow.transport == Transport::Tcp => (flow, payload, Some(datagram)),
        Carriage::BySize if flow.transport == Transport::Udp && payload.len() > LARGEST_DATAGRAM => {
            let stream = stream_beside(&core.config.listeners, flow);
            let Some(stream) = stream.filter(|_| !core.without_tcp.knows(now, flow.remote)) else {
                return (flow, payload, None);
            };
            core.counters.oversized += 1;
            outline.flow = stream;
            (stream, readdressed(&payload, core, stream), Some(flow))
        }
        _ => (flow, payload, None),
    }
}

/// TCP in place of a flow of datagrams: by the listener at the same address, with the same port if there is one.
fn stream_beside(listeners: &[Listener], flow: Flow) -> Option<Flow> {
    let own = listeners.get(usize::from(flow.listener))?.local;
    let beside = |listener: &Listener| listener.transport == Transport::Tcp && listener.local.ip() == own.ip();
    let wide = |listener: &Listener| {
        let local = listener.local;
        listener.transport == Transport::Tcp && local.ip().is_unspecified() && local.is_ipv4() == flow.local.is_ipv4()
    };
    let same_port = |listener: &Listener| beside(listener) && listener.local.port() == own.port();
    let place = |fits: &dyn Fn(&Listener) -> bool| listeners.iter().position(fits);
    let index = place(&same_port).or_else(|| place(&beside)).or_else(|| place(&wide))?;
    let local = SocketAddr::new(flow.local.ip(), listeners.get(index)?.local.port());
    let listener = u16::try_from(index).ok()?;
    Some(Flow { transport: Transport::Tcp, connection: None, listener, local, remote: flow.remote })
}

/// The request with the topmost Via that it has on `flow`: transport and sent-by; all else stays, the branch too, for it is
/// the same transaction.
pub(crate) fn readdressed(payload: &Bytes, core: &Core, flow: Flow) -> Bytes {
    readdress(payload, flow.transport, core.own_address(flow)).unwrap_or_else(|| payload.clone())
}

fn readdress(payload: &[u8], transport: Transport, own: SocketAddr) -> Option<Bytes> {
    const VIA: &[u8] = b"\r\nVia: ";
    let start = payload.windows(VIA.len()).position(|octets| octets == VIA)? + VIA.len();
    let (before, rest) = payload.split_at_checked(start)?;
    let parameters = rest.iter().position(|&octet| octet == b';')?;
    let mut sent_by = String::with_capacity(64);
    write!(sent_by, "SIP/2.0/{} {own}", transport.in_via().as_str()).ok()?;
    let mut out = Vec::with_capacity(payload.len() + 16);
    out.extend_from_slice(before);
    out.extend_from_slice(sent_by.as_bytes());
    out.extend_from_slice(rest.get(parameters..)?);
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_topmost_via_alone_is_changed_and_keeps_its_branch() {
        let request =
            b"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:5060;branch=z9hG4bK1;rport\r\nVia: x;y\r\n\r\nVia: z;";
        let changed = readdress(request, Transport::Tcp, address("192.0.2.1:5070")).unwrap();
        let expected = "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK1;rport\r\nVia: x;y\r\n\r\nVia: z;";
        assert_eq!(changed, expected);
        let back = readdress(&changed, Transport::Udp, address("[::1]:5060")).unwrap();
        assert_eq!(back, &request[..]);
        assert_eq!(readdress(b"INVITE", Transport::Tcp, address("[::1]:5060")), None);
    }

    #[test]
    fn peers_without_tcp_are_remembered_for_a_while_and_in_a_bounded_number() {
        let mut known = WithoutTcp::default();
        let peer = |n: usize| SocketAddr::from(([192, 0, 2, 1], u16::try_from(n).unwrap()));
        let later = Mono::ZERO + MEMORY;
        for n in 0..=MOST_REMEMBERED {
            known.remember(Mono::ZERO, peer(n));
            known.remember(Mono::ZERO, peer(n));
        }
        assert!(!known.knows(Mono::ZERO, peer(0)), "the oldest made room");
        assert!(known.knows(Mono::ZERO, peer(1)) && known.knows(Mono::ZERO, peer(MOST_REMEMBERED)));
        assert!(!known.knows(later, peer(1)));
        assert_eq!((known.peers.len(), known.ends.len()), (0, 0));
    }

    #[test]
    fn tcp_is_taken_at_the_address_of_the_datagrams() {
        let listener = |transport, local| Listener { transport, local: address(local), advertised: None };
        let listeners = [
            listener(Transport::Udp, "192.0.2.1:5060"),
            listener(Transport::Tcp, "0.0.0.0:5080"),
            listener(Transport::Tcp, "192.0.2.1:5070"),
            listener(Transport::Tcp, "192.0.2.1:5060"),
            listener(Transport::Udp, "192.0.2.2:5060"),
            listener(Transport::Udp, "[::1]:5060"),
        ];
        let found = |of: u16, local: &str| {
            let flow = Flow::udp(of, address(local), address("192.0.2.9:5060"));
            stream_beside(&listeners, flow).map(|flow| (flow.listener, flow.local))
        };
        assert_eq!(found(0, "192.0.2.1:5060"), Some((3, address("192.0.2.1:5060"))));
        assert_eq!(found(4, "192.0.2.2:5060"), Some((1, address("192.0.2.2:5080"))));
        assert_eq!(found(5, "[::1]:5060"), None);
    }
}
