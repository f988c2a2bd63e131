//! A bad network of our own: relays for datagrams that lose, double, delay and overtake some of them, each way by its own dice.
//!
//! A relay listens at its front and sends on to its target, from a socket of its own for each who sends to it, as a NAT does. What
//! the target answers goes back from the front.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base::Rng;

/// The address of all relays: not that of the switch or of its phones, so that none of them takes the other for near.
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 8));

/// What happens to datagrams that go one way.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// How many of a hundred are lost.
    pub lost: u32,
    /// How many of a hundred come twice.
    pub doubled: u32,
    /// What each takes at least, in milliseconds.
    pub least: u32,
    /// And at most: where that is more than the time between two, they overtake each other.
    pub most: u32,
}

/// What the signalling of a bad line meets: 5 % lost, 2 % doubled, a delay of up to 30 ms that reorders.
pub const BAD: Weather = Weather { lost: 5, doubled: 2, least: 1, most: 30 };

/// How much later a copy comes at most, in milliseconds.
const COPY: u32 = 20;

/// What happened to datagrams, both ways together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They came to the shaper.
    pub came: u64,
    /// They went no further.
    pub lost: u64,
    /// They went on twice.
    pub doubled: u64,
    /// They went on after one that had come later.
    pub overtaken: u64,
}

/// The relays of one test. They end with it.
#[derive(Debug)]
pub struct Shaper {
    seed: u64,
    relays: u64,
    counts: Arc<Mutex<Counts>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A datagram on its way.
struct Parcel {
    due: Instant,
    /// In which order they came.
    serial: u64,
    by: Arc<UdpSocket>,
    to: SocketAddr,
    octets: Vec<u8>,
}

impl Shaper {
    /// One without relays. The same seed throws the same dice for the same datagrams in the same order.
    pub fn new(seed: u64) -> Self {
        println!("the shaper's seed is {seed}");
        Self { seed, relays: 0, counts: Arc::default(), is_over: Arc::default(), threads: Vec::new() }
    }

    /// A relay to `target` at any port; gives its front.
    pub fn relay(&mut self, target: SocketAddr, weather: Weather) -> SocketAddr {
        self.relay_at(0, target, weather)
    }

    /// As [`Self::relay`], at a port of one's choice.
    ///
    /// # Panics
    /// If that is taken.
    pub fn relay_at(&mut self, port: u16, target: SocketAddr, weather: Weather) -> SocketAddr {
        self.relays += 1;
        let front = Arc::new(UdpSocket::bind((HERE, port)).expect("a port"));
        let address = front.local_addr().expect("bound");
        let (sender, parcels) = channel();
        let (counts, seed) = (Arc::clone(&self.counts), self.seed.wrapping_mul(1000) + self.relays);
        self.threads.push(std::thread::spawn(move || send_on(parcels, &counts)));
        let way = Way { weather, counts: Arc::clone(&self.counts), is_over: Arc::clone(&self.is_over), sender };
        self.threads.push(std::thread::spawn(move || forth(&front, target, seed, &way)));
        address
    }

    /// What it did so far.
    ///
    /// # Panics
    /// Never.
    pub fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }
}

impl Drop for Shaper {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        if std::thread::panicking() {
            eprintln!("---- the shaper with seed {} counted {:?}", self.seed, self.counts());
        }
    }
}

/// What the threads of a relay share.
#[derive(Clone)]
struct Way {
    weather: Weather,
    counts: Arc<Mutex<Counts>>,
    is_over: Arc<AtomicBool>,
    sender: Sender<Parcel>,
}

impl Way {
    /// What comes to `socket`, until the test is over.
    fn each(&self, socket: &UdpSocket, mut take: impl FnMut(&[u8], SocketAddr)) {
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a limit");
        let mut buffer = vec![0; 65_535];
        while !self.is_over.load(Ordering::Relaxed) {
            // An error says that a datagram met nobody: as good as lost.
            if let Ok((size, from)) = socket.recv_from(&mut buffer) {
                take(&buffer[..size], from);
            }
        }
    }

    fn pass(&self, dice: &mut Rng, by: &Arc<UdpSocket>, to: SocketAddr, octets: &[u8]) {
        let Weather { lost, doubled, least, most } = self.weather;
        let (is_lost, is_doubled) = (dice.percent(lost), dice.percent(doubled));
        let mut after = least + dice.below(most.saturating_sub(least).max(1));
        let mut counts = self.counts.lock().unwrap();
        counts.came += 1;
        if is_lost {
            counts.lost += 1;
            return;
        }
        counts.doubled += u64::from(is_doubled);
        for _ in 0..=u32::from(is_doubled) {
            let due = Instant::now() + Duration::from_millis(u64::from(after));
            let (by, octets) = (Arc::clone(by), octets.to_vec());
            let _ = self.sender.send(Parcel { due, serial: counts.came, by, to, octets });
            after += 1 + dice.below(COPY);
        }
    }
}

/// From all who send to the front on to the target; a thread for each brings back what it answers.
fn forth(front: &Arc<UdpSocket>, target: SocketAddr, seed: u64, way: &Way) {
    let mut backs: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
    let mut threads = Vec::new();
    let mut dice = Rng::from_number(seed);
    way.each(front, |octets, from| {
        let back = backs.entry(from).or_insert_with(|| {
            let back = Arc::new(UdpSocket::bind((HERE, 0)).expect("a port"));
            let (socket, front, way, mut dice) = (Arc::clone(&back), Arc::clone(front), way.clone(), dice.fork());
            threads.push(std::thread::spawn(move || {
                way.each(&socket, |octets, _| way.pass(&mut dice, &front, from, octets));
            }));
            back
        });
        way.pass(&mut dice, back, target, octets);
    });
    for thread in threads {
        let _ = thread.join();
    }
}

/// Sends each parcel when it is due.
fn send_on(parcels: Receiver<Parcel>, counts: &Mutex<Counts>) {
    let (mut waiting, mut last) = (BinaryHeap::new(), 0);
    loop {
        let patience = waiting.peek().map_or(Duration::from_secs(3600), |Reverse(first): &Reverse<Parcel>| {
            first.due.saturating_duration_since(Instant::now())
        });
        match parcels.recv_timeout(patience) {
            Ok(parcel) => waiting.push(Reverse(parcel)),
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody can send any more: the test is over.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while waiting.peek().is_some_and(|Reverse(first)| first.due <= Instant::now()) {
            let Some(Reverse(Parcel { serial, by, to, octets, .. })) = waiting.pop() else { break };
            let _ = by.send_to(&octets, to);
            counts.lock().unwrap().overtaken += u64::from(serial < last);
            last = last.max(serial);
        }
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.serial).cmp(&(other.due, other.serial))
    }
}
