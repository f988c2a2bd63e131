//! A virtual network: what is sent arrives later, or not, or twice, or in another order, as its nodes say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Rng};
use bytes::Bytes;

/// One datagram under way.
#[derive(Clone, Debug)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: Bytes,
}

/// What one node of a path does to a datagram: each element of the result goes on, that much later.
pub trait Node {
    fn pass(&mut self, datagram: &Datagram, rng: &mut Rng) -> Vec<Duration>;

    /// Changes it on the way.
    fn touch(&mut self, _: &mut Datagram, _: &mut Rng) {}
}

/// Every datagram takes this long.
pub struct Delay(pub Duration);

/// Loses this percentage.
pub struct Lose(pub u32);

/// Doubles this percentage; the copy comes up to 50 ms later.
pub struct Double(pub u32);

/// Holds back this percentage for up to the given time, so that later ones overtake it.
pub struct Reorder(pub u32, pub Duration);

/// Spoils this percentage: some octets replaced, cut out or doubled.
pub struct Garble(pub u32);

/// Loses what the test says, in order of sending.
pub struct LoseIf(pub Box<dyn FnMut(&Datagram) -> bool>);

impl Node for Delay {
    fn pass(&mut self, _: &Datagram, _: &mut Rng) -> Vec<Duration> {
        vec![self.0]
    }
}

impl Node for Lose {
    fn pass(&mut self, _: &Datagram, rng: &mut Rng) -> Vec<Duration> {
        if rng.percent(self.0) { vec![] } else { vec![Duration::ZERO] }
    }
}

impl Node for Double {
    fn pass(&mut self, _: &Datagram, rng: &mut Rng) -> Vec<Duration> {
        let mut copies = vec![Duration::ZERO];
        if rng.percent(self.0) {
            copies.push(Duration::from_millis(u64::from(rng.below(50))));
        }
        copies
    }
}

impl Node for Reorder {
    fn pass(&mut self, _: &Datagram, rng: &mut Rng) -> Vec<Duration> {
        if !rng.percent(self.0) {
            return vec![Duration::ZERO];
        }
        let most = u32::try_from(self.1.as_micros()).unwrap();
        vec![Duration::from_micros(u64::from(rng.below(most)))]
    }
}

impl Node for Garble {
    fn pass(&mut self, _: &Datagram, _: &mut Rng) -> Vec<Duration> {
        vec![Duration::ZERO]
    }

    fn touch(&mut self, datagram: &mut Datagram, rng: &mut Rng) {
        if !rng.percent(self.0) {
            return;
        }
        let mut octets = datagram.payload.to_vec();
        for _ in 0..=rng.below(3) {
            let length = u32::try_from(octets.len()).unwrap();
            let at = usize::try_from(rng.below(length)).unwrap();
            let end = octets.len().min(at + usize::try_from(rng.below(20)).unwrap());
            match rng.below(3) {
                0 => octets.splice(at..end, []).for_each(drop),
                1 => octets.splice(at..at, octets[at..end].to_vec()).for_each(drop),
                _ if length > 0 => octets[at] = u8::try_from(rng.below(256)).unwrap(),
                _ => {}
            }
        }
        datagram.payload = Bytes::from(octets);
    }
}

impl Node for LoseIf {
    fn pass(&mut self, datagram: &Datagram, _: &mut Rng) -> Vec<Duration> {
        if (self.0)(datagram) { vec![] } else { vec![Duration::ZERO] }
    }
}

/// The path between all parties, and what is on it.
pub struct Network {
    pub nodes: Vec<Box<dyn Node>>,
    rng: Rng,
    under_way: BTreeMap<(Mono, u64), Datagram>,
    serial: u64,
}

impl Network {
    /// A path of the given nodes; everything takes a millisecond at least, so that a test's time goes on.
    pub fn new(seed: u64, mut nodes: Vec<Box<dyn Node>>) -> Self {
        nodes.push(Box::new(Delay(Duration::from_millis(1))));
        Self { nodes, rng: Rng::from_number(seed), under_way: BTreeMap::new(), serial: 0 }
    }

    pub fn send(&mut self, now: Mono, datagram: &Datagram) {
        let mut copies = vec![Duration::ZERO];
        let mut datagram = datagram.clone();
        for node in &mut self.nodes {
            node.touch(&mut datagram, &mut self.rng);
            let passed = copies.iter().map(|after| (*after, node.pass(&datagram, &mut self.rng)));
            copies = passed.flat_map(|(after, more)| more.into_iter().map(move |m| after + m)).collect();
        }
        for after in copies {
            self.serial += 1;
            self.under_way.insert((now + after, self.serial), datagram.clone());
        }
    }

    pub fn poll_timeout(&self) -> Option<Mono> {
        self.under_way.first_key_value().map(|(&(at, _), _)| at)
    }

    pub fn pop_due(&mut self, now: Mono) -> Option<Datagram> {
        self.poll_timeout().filter(|&at| at <= now)?;
        self.under_way.pop_first().map(|(_, datagram)| datagram)
    }
}
