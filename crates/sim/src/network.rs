//! A virtual network: what is sent arrives later, or not, or twice, or in another order, as the nodes on its path say.
//!
//! Datagrams meet the nodes as they are. On a connection nothing is lost, doubled or overtaken: what would be lost comes
//! later instead. A connection breaks if one of its ends cannot be reached when something is sent over it.
//!
//! Or datagrams are held, and whoever looks on lets them through one by one, in any order he likes but that of a path.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Rng};
use bytes::Bytes;
use sip::{ConnectionId, Flow, Transmit, Transport};

/// The index of each party's listeners in [`sip::StackConfig::listeners`].
const UDP: u16 = 0;
const TCP: u16 = 1;
/// How much later a piece of a connection comes whose first packet was lost.
const REPEATED: Duration = Duration::from_millis(300);
/// How long the sender's system tries before it gives a connection up that leads nowhere.
const GIVEN_UP: Duration = Duration::from_secs(10);
/// The most that a doubled datagram's copy comes later, in milliseconds.
const COPY_MS: u32 = 50;

/// What one node of a path does to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Everything takes this long, and up to `jitter` more: datagrams overtake each other.
    Delay {
        /// The least time.
        least: Duration,
        /// The most that is added.
        jitter: Duration,
    },
    /// This percentage is lost.
    Lose(u32),
    /// This percentage comes twice.
    Double(u32),
}

impl Node {
    /// When each copy goes on.
    fn pass(self, rng: &mut Rng, copies: &mut Vec<Duration>) {
        match self {
            Self::Delay { least, jitter } => {
                let most = u32::try_from(jitter.as_micros()).unwrap_or(u32::MAX);
                for after in copies {
                    *after += least + Duration::from_micros(u64::from(rng.below(most)));
                }
            }
            Self::Lose(percent) => copies.retain(|_| !rng.percent(percent)),
            Self::Double(percent) => {
                if let Some(&first) = copies.first().filter(|_| rng.percent(percent)) {
                    copies.push(first + Duration::from_millis(u64::from(rng.below(COPY_MS))));
                }
            }
        }
    }
}

/// Something that comes to a party: to whoever listens at `to`.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Whom it comes to.
    pub to: SocketAddr,
    /// What comes.
    pub what: Arrived,
}

/// What comes to a party.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// A message on this flow, as the receiver sees it.
    Message(Flow, Bytes),
    /// A connection with this peer is gone.
    Closed(ConnectionId, SocketAddr),
    /// Nobody took a connection there.
    Unreachable(SocketAddr),
}

/// A connection of two parties.
#[derive(Clone, Copy, Debug)]
struct Line {
    client: SocketAddr,
    /// Where the server sees the client.
    port: SocketAddr,
    server: SocketAddr,
    /// The end that is gone without a word.
    gone: Option<SocketAddr>,
    /// The latest arrival so far, each way: towards the server, towards the client.
    latest: [Mono; 2],
}

/// The paths between all parties, and what is on them.
#[derive(Debug)]
pub struct Network {
    /// The nodes that everything passes.
    pub nodes: Vec<Node>,
    rng: Rng,
    under_way: BTreeMap<(Mono, u64), Arrival>,
    /// Datagrams that wait to be let through, in the order in which they were sent, each with its sender; none if they do not wait.
    held: Option<VecDeque<(SocketAddr, Arrival)>>,
    serial: u64,
    parties: BTreeSet<SocketAddr>,
    away: BTreeSet<SocketAddr>,
    lines: BTreeMap<ConnectionId, Line>,
    connections: u64,
}

impl Network {
    /// A perfect network without parties.
    #[must_use]
    pub fn new(rng: Rng) -> Self {
        Self {
            nodes: Vec::new(),
            rng,
            under_way: BTreeMap::new(),
            held: None,
            serial: 0,
            parties: BTreeSet::new(),
            away: BTreeSet::new(),
            lines: BTreeMap::new(),
            connections: 0,
        }
    }

    /// Somebody listens at this address, for datagrams and connections.
    pub fn add(&mut self, party: SocketAddr) {
        self.parties.insert(party);
    }

    /// Nobody listens there any more; connections to there are refused.
    pub fn remove(&mut self, party: SocketAddr) {
        self.parties.remove(&party);
    }

    /// Whether a party's cable is out: nothing goes to it or comes from it.
    pub fn cut_off(&mut self, party: SocketAddr, out: bool) {
        if out {
            self.away.insert(party);
        } else {
            self.away.remove(&party);
        }
    }

    /// True if a party's cable is out.
    #[must_use]
    pub fn is_away(&self, party: SocketAddr) -> bool {
        self.away.contains(&party)
    }

    /// Ends all connections of a party. Its peers are told; the party itself if it is there to hear it.
    pub fn close_all(&mut self, now: Mono, party: SocketAddr, hears_it: bool) {
        let closed: Vec<_> =
            self.lines.iter().filter(|(_, line)| line.ends_at(party)).map(|(id, line)| (*id, *line)).collect();
        for (id, line) in closed {
            self.lines.remove(&id);
            for to in [line.client, line.server].into_iter().filter(|to| *to != party || hears_it) {
                self.put(now, Arrival { to, what: Arrived::Closed(id, line.seen_by(to)) });
            }
        }
    }

    /// Forgets the connections of a party that is gone without a word; what is sent over them breaks them.
    pub fn forget_all(&mut self, party: SocketAddr) {
        self.away.remove(&party);
        for line in self.lines.values_mut().filter(|line| line.ends_at(party)) {
            line.gone = Some(party);
        }
    }

    /// Holds all datagrams that are sent from now on.
    pub(crate) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Holds no more; what was held arrives now.
    pub(crate) fn let_go(&mut self, now: Mono) {
        for (_, arrival) in self.held.take().into_iter().flatten() {
            self.put(now, arrival);
        }
    }

    /// True if something is held on the path of two parties.
    pub(crate) fn is_held(&self, from: SocketAddr, to: SocketAddr) -> bool {
        self.held.iter().flatten().any(|(sender, arrival)| *sender == from && arrival.to == to)
    }

    /// Lets through what has been held longest on the path of two parties: it arrives now.
    pub(crate) fn let_through(&mut self, now: Mono, from: SocketAddr, to: SocketAddr) {
        let Some(held) = &mut self.held else { return };
        let at = held.iter().position(|(sender, arrival)| *sender == from && arrival.to == to);
        if let Some((_, arrival)) = at.and_then(|at| held.remove(at)) {
            self.put(now, arrival);
        }
    }

    /// Sends what `party` has to send.
    pub fn send(&mut self, now: Mono, party: SocketAddr, transmit: Transmit) {
        match transmit.flow.transport {
            Transport::Udp => self.send_datagram(now, transmit),
            _ => self.send_piece(now, party, transmit),
        }
    }

    /// When something arrives next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.under_way.first_key_value().map(|(&(at, _), _)| at)
    }

    /// What has arrived. What comes to a party whose cable is out is lost.
    pub fn pop_due(&mut self, now: Mono) -> Option<Arrival> {
        while self.poll_timeout()? <= now {
            let (_, arrival) = self.under_way.pop_first()?;
            if !(matches!(arrival.what, Arrived::Message(..)) && self.away.contains(&arrival.to)) {
                return Some(arrival);
            }
        }
        None
    }

    fn send_datagram(&mut self, now: Mono, Transmit { flow, payload }: Transmit) {
        if self.away.contains(&flow.local) {
            return;
        }
        if let Some(held) = &mut self.held {
            let what = Arrived::Message(Flow::udp(UDP, flow.remote, flow.local), payload);
            return held.push_back((flow.local, Arrival { to: flow.remote, what }));
        }
        let mut copies = vec![Duration::ZERO];
        for node in &self.nodes {
            node.pass(&mut self.rng, &mut copies);
        }
        for after in copies {
            let what = Arrived::Message(Flow::udp(UDP, flow.remote, flow.local), payload.clone());
            self.put(now + after, Arrival { to: flow.remote, what });
        }
    }

    fn send_piece(&mut self, now: Mono, party: SocketAddr, Transmit { flow, payload }: Transmit) {
        let mut after = Duration::ZERO;
        for node in &self.nodes {
            let mut copies = vec![after];
            node.pass(&mut self.rng, &mut copies);
            after = copies.first().copied().unwrap_or(after + REPEATED);
        }
        let known = flow.connection.filter(|id| self.lines.get(id).is_some_and(|line| line.ends_at(party)));
        let Some(id) = known.or_else(|| self.line_to(party, flow.remote)).or_else(|| self.open(party, flow.remote))
        else {
            self.put(now + after, Arrival { to: party, what: Arrived::Unreachable(flow.remote) });
            return;
        };
        let Some(line) = self.lines.get_mut(&id) else { return };
        let (to, from) = (line.other(party), line.seen_by(line.other(party)));
        if line.gone.is_some() || [to, party].iter().any(|end| self.away.contains(end)) {
            let peer = line.seen_by(party);
            self.lines.remove(&id);
            self.put(now + GIVEN_UP, Arrival { to: party, what: Arrived::Closed(id, peer) });
            return;
        }
        let way = usize::from(to == line.client);
        let latest = line.latest.get_mut(way).map(|latest| {
            *latest = (*latest).max(now + after);
            *latest
        });
        let flow = Flow { transport: Transport::Tcp, connection: Some(id), listener: TCP, local: to, remote: from };
        self.put(latest.unwrap_or(now), Arrival { to, what: Arrived::Message(flow, payload) });
    }

    fn line_to(&self, party: SocketAddr, remote: SocketAddr) -> Option<ConnectionId> {
        let fits = |line: &Line| line.ends_at(party) && line.seen_by(party) == remote;
        self.lines.iter().find(|(_, line)| fits(line)).map(|(id, _)| *id)
    }

    fn open(&mut self, client: SocketAddr, server: SocketAddr) -> Option<ConnectionId> {
        if !self.parties.contains(&server) {
            return None;
        }
        self.connections += 1;
        let id = ConnectionId(self.connections);
        let port = u16::try_from(self.connections).unwrap_or(0) | 0x8000;
        let port = SocketAddr::new(client.ip(), port);
        self.lines.insert(id, Line { client, port, server, gone: None, latest: [Mono::ZERO; 2] });
        Some(id)
    }

    fn put(&mut self, at: Mono, arrival: Arrival) {
        self.serial += 1;
        self.under_way.insert((at, self.serial), arrival);
    }
}

impl Line {
    fn ends_at(&self, party: SocketAddr) -> bool {
        (self.client == party || self.server == party) && self.gone != Some(party)
    }

    fn other(&self, party: SocketAddr) -> SocketAddr {
        if self.client == party { self.server } else { self.client }
    }

    /// The peer's address as this end sees it.
    fn seen_by(&self, party: SocketAddr) -> SocketAddr {
        if self.client == party { self.server } else { self.port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:5060";
    const THERE: &str = "127.0.0.2:5060";

    fn network(nodes: &[Node]) -> Network {
        let mut network = Network::new(Rng::from_number(7));
        network.nodes = nodes.to_vec();
        network.add(HERE.parse().unwrap());
        network.add(THERE.parse().unwrap());
        network
    }

    fn send(network: &mut Network, transport: Transport, number: u8) {
        let (local, remote): (SocketAddr, SocketAddr) = (HERE.parse().unwrap(), THERE.parse().unwrap());
        let flow = Flow { transport, connection: None, listener: 0, local, remote };
        network.send(Mono::ZERO, local, Transmit { flow, payload: Bytes::from(vec![number]) });
    }

    fn arrived(network: &mut Network) -> Vec<u8> {
        let end = Mono::ZERO + Duration::from_secs(60);
        let number = |arrival: Arrival| match arrival.what {
            Arrived::Message(_, payload) => payload.first().copied(),
            Arrived::Closed(..) | Arrived::Unreachable(_) => None,
        };
        std::iter::from_fn(|| network.pop_due(end)).filter_map(number).collect()
    }

    #[test]
    fn datagrams_get_lost_doubled_and_overtaken_and_pieces_of_a_connection_do_not() {
        let jitter = Node::Delay { least: Duration::ZERO, jitter: Duration::from_millis(100) };
        let sent: Vec<u8> = (0..100).collect();
        for (transport, nodes, lost, doubled, in_order) in [
            (Transport::Udp, vec![], false, false, true),
            (Transport::Udp, vec![Node::Lose(20)], true, false, true),
            (Transport::Udp, vec![Node::Double(20)], false, true, false),
            (Transport::Udp, vec![jitter], false, false, false),
            (Transport::Tcp, vec![jitter, Node::Lose(20), Node::Double(20)], false, false, true),
        ] {
            let mut network = network(&nodes);
            sent.iter().for_each(|&number| send(&mut network, transport, number));
            let got = arrived(&mut network);
            assert_eq!(sent.iter().any(|number| !got.contains(number)), lost, "{nodes:?}");
            assert_eq!(got.len() > sent.len(), doubled, "{nodes:?}");
            assert_eq!(got.is_sorted(), in_order, "{nodes:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let run = || {
            let mut network = network(&[Node::Lose(30), Node::Double(30)]);
            (0..50).for_each(|number| send(&mut network, Transport::Udp, number));
            arrived(&mut network)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn a_connection_to_one_who_is_gone_breaks_and_a_new_one_is_refused() {
        let mut network = network(&[]);
        let there = THERE.parse().unwrap();
        send(&mut network, Transport::Tcp, 1);
        network.remove(there);
        network.forget_all(there);
        send(&mut network, Transport::Tcp, 2);
        send(&mut network, Transport::Tcp, 3);
        let end = Mono::ZERO + GIVEN_UP;
        let mut what = std::iter::from_fn(|| network.pop_due(end)).map(|arrival| arrival.what);
        assert!(matches!(what.next(), Some(Arrived::Message(..))));
        assert!(matches!(what.next(), Some(Arrived::Unreachable(_))));
        assert!(matches!(what.next(), Some(Arrived::Closed(..))));
    }
}
