//! The handle of all media threads, for the domain thread.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use base::{IdMap, LegId, Rng};
use crossbeam_channel::{Receiver, bounded};
use leg::{Command, Event, Leg, OpenFailure, Order, Tones};

use crate::clock::{Clock, TICK};
use crate::config::{Config, Counters, MediaError, Sinks, Tally};
use crate::ports::Ports;
use crate::roster::{Message, Slot};
use crate::socket::{Alarm, Socket};
use crate::thread::{Line, Setup, Worker};

/// Messages that wait for a thread, in its queue and, should that be full, here.
const QUEUE: usize = 4096;
const MAX_WAITING: usize = 65_536;

/// Ports tried for one leg while others hold them.
const MAX_TRIES: usize = 64;

/// How long the end of the handle waits to tell a thread to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// All media threads. Dropping it closes all legs and ends the threads.
#[derive(Debug)]
pub struct Media {
    clock: Clock,
    workers: Vec<Remote>,
    legs: IdMap<LegId, Placed>,
    ports: Ports,
    returned: Receiver<u16>,
    bind: IpAddr,
    dscp: u8,
    rng: Rng,
    dropped: u64,
}

/// A thread as the handle sees it.
#[derive(Debug)]
struct Remote {
    line: Line,
    /// Messages for which its queue had no room.
    waiting: VecDeque<Message>,
    legs: usize,
    tally: Arc<Tally>,
    thread: Option<JoinHandle<()>>,
}

/// Where a leg is.
#[derive(Clone, Copy, Debug)]
struct Placed {
    thread: usize,
    /// Whom it hears: one in a bridge, two in a conference.
    peers: [Option<LegId>; 2],
}

impl Media {
    /// Starts the threads; `sinks` makes each its own, by its number.
    ///
    /// # Errors
    /// [`MediaError`] if the configuration cannot work or the system refuses a thread.
    pub fn start(config: Config, mut sinks: impl FnMut(usize) -> Sinks) -> Result<Self, MediaError> {
        if !(1..=64).contains(&config.threads) {
            return Err(MediaError::Threads);
        }
        let mut rng = Rng::from_seed(config.seed);
        let ports = Ports::new(&config.ports, config.port_rest, &mut rng);
        if ports.len() == 0 {
            return Err(MediaError::NoPorts);
        }
        let clock = Clock::start();
        // Room for every port, so that giving one back never fails.
        let (ports_back, returned) = bounded(ports.len());
        let mut queues = Vec::with_capacity(config.threads);
        for _ in 0..config.threads {
            let (messages, queue) = bounded(QUEUE);
            let line = Line { messages, alarm: Arc::new(Alarm::new()?), dormant: Arc::new(AtomicBool::new(false)) };
            queues.push((line, queue));
        }
        let tones = Arc::new(Tones::default());
        let lines: Vec<Line> = queues.iter().map(|(line, _)| line.clone()).collect();
        let share = TICK / u32::try_from(config.threads).unwrap_or(1);
        let mut media = Self {
            clock,
            workers: Vec::with_capacity(config.threads),
            legs: IdMap::default(),
            ports,
            returned,
            bind: config.bind,
            dscp: config.dscp,
            rng: rng.fork(),
            dropped: 0,
        };
        for (number, (line, messages)) in queues.into_iter().enumerate() {
            let tally = Arc::new(Tally::default());
            let setup = Setup {
                clock,
                offset: share * u32::try_from(number).unwrap_or(0),
                messages,
                own: line.clone(),
                lines: lines.clone(),
                ports: ports_back.clone(),
                sinks: sinks(number),
                tally: Arc::clone(&tally),
                tones: Arc::clone(&tones),
                rtp_timeout: config.rtp_timeout,
                bind: config.bind,
                dscp: config.dscp,
                rng: rng.fork(),
            };
            let worker = Worker::new(setup)?;
            let thread = std::thread::Builder::new().name(format!("media-{number}")).spawn(move || worker.run())?;
            media.workers.push(Remote { line, waiting: VecDeque::new(), legs: 0, tally, thread: Some(thread) });
        }
        Ok(media)
    }

    /// Does what the switch asks. Answers [`Command::Open`] at once; other events come through the sinks.
    pub fn execute(&mut self, command: Command) -> Option<Event> {
        self.flush();
        match command {
            Command::Open { leg } => return Some(self.open(leg)),
            Command::Start { leg, agreed } => self.order(leg, Order::Start(agreed)),
            Command::Play { leg, play, items, repeat } => self.order(leg, Order::Play(play, items, repeat)),
            Command::Interject { leg, items } => self.order(leg, Order::Interject(items)),
            Command::StopPlay { leg } => self.order(leg, Order::StopPlay),
            Command::Bridge { a, b } => self.bridge(a, b),
            Command::Confer { legs } => self.confer(legs),
            Command::Unbridge { leg } => self.leave(leg),
            Command::KeepDigits { leg } => self.order(leg, Order::KeepDigits),
            Command::SendDigit { leg, digit, duration_ms } => self.order(leg, Order::SendDigit(digit, duration_ms)),
            Command::Record { leg, take } => self.order(leg, Order::Record(take)),
            Command::StopRecord { leg } => self.order(leg, Order::StopRecord),
            Command::TakeMessage { leg, take, quiet } => self.order(leg, Order::TakeMessage(take, quiet)),
            Command::EndMessage { leg } => self.order(leg, Order::EndMessage),
            Command::Mask { leg, what } => self.order(leg, Order::Mask(what)),
            Command::Close { leg } => {
                self.leave(leg);
                self.order(leg, Order::Close);
                if let Some(remote) = self.legs.remove(&leg).and_then(|placed| self.workers.get_mut(placed.thread)) {
                    remote.legs -= 1;
                }
                base::give_back(&mut self.legs);
            }
        }
        None
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = Counters { dropped_commands: self.dropped, ..Counters::default() };
        self.workers.iter().for_each(|remote| remote.tally.add_to(&mut counters));
        counters
    }

    /// True while all threads run. One that ended by a fault takes its legs with it: better to end than to go on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.workers.iter().all(|remote| remote.thread.as_ref().is_some_and(|thread| !thread.is_finished()))
    }

    /// How many legs are open.
    #[must_use]
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    fn open(&mut self, leg: LegId) -> Event {
        if self.legs.contains_key(&leg) {
            return Event::OpenFailed { leg, reason: OpenFailure::AlreadyOpen };
        }
        let (port, socket) = match self.bind_port() {
            Ok(bound) => bound,
            Err(reason) => return Event::OpenFailed { leg, reason },
        };
        let slot = Slot {
            leg: Leg::new(leg, &mut self.rng),
            port,
            rtp: Some(socket),
            connected: None,
            is_connected: false,
            rtcp: None,
            no_rtcp: false,
        };
        let least = self.workers.iter_mut().enumerate().min_by_key(|(_, remote)| remote.legs);
        if let Some((thread, remote)) = least {
            remote.legs += 1;
            self.legs.insert(leg, Placed { thread, peers: [None; 2] });
            self.post(thread, Message::Open(Box::new(slot)));
        }
        Event::Opened { leg, port }
    }

    fn bind_port(&mut self) -> Result<(u16, Socket), OpenFailure> {
        let now = self.clock.monotonic();
        for port in self.returned.try_iter() {
            self.ports.give_back(now, port);
        }
        for _ in 0..MAX_TRIES {
            let port = self.ports.take(now).ok_or(OpenFailure::NoPort)?;
            match Socket::bind(SocketAddr::new(self.bind, port), self.dscp) {
                Ok(socket) => return Ok((port, socket)),
                Err(error) => {
                    self.ports.give_back(now, port);
                    if error.kind() != ErrorKind::AddrInUse {
                        return Err(OpenFailure::NoSocket);
                    }
                }
            }
        }
        Err(OpenFailure::NoPort)
    }

    fn bridge(&mut self, a: LegId, b: LegId) {
        if a == b || !self.legs.contains_key(&a) || !self.legs.contains_key(&b) {
            return;
        }
        // Two of a conference that the third has left are a bridge already.
        if self.peers(a) == [Some(b), None] {
            return;
        }
        [a, b].iter().for_each(|leg| self.leave(*leg));
        self.bring_together(&[a, b]);
        self.join(a, b);
    }

    fn confer(&mut self, legs: [LegId; 3]) {
        let [a, b, c] = legs;
        if a == b || b == c || a == c || legs.iter().any(|leg| !self.legs.contains_key(leg)) {
            return;
        }
        legs.iter().for_each(|leg| self.leave(*leg));
        self.bring_together(&legs);
        for (leg, others) in [(a, [b, c]), (b, [a, c]), (c, [a, b])] {
            self.set_peers(leg, others.map(Some));
            self.order(leg, Order::Confer(others));
        }
    }

    /// Takes a leg out of its bridge or conference; two of a conference who are left are a bridge.
    fn leave(&mut self, leg: LegId) {
        let others = self.peers(leg);
        if others == [None; 2] {
            return;
        }
        self.part(leg);
        match others {
            [Some(a), Some(b)] => self.join(a, b),
            others => others.into_iter().flatten().for_each(|other| self.part(other)),
        }
    }

    fn join(&mut self, a: LegId, b: LegId) {
        for (leg, peer) in [(a, b), (b, a)] {
            self.set_peers(leg, [Some(peer), None]);
            self.order(leg, Order::Join(peer));
        }
    }

    fn part(&mut self, leg: LegId) {
        self.set_peers(leg, [None; 2]);
        self.order(leg, Order::Part);
    }

    fn peers(&self, leg: LegId) -> [Option<LegId>; 2] {
        self.legs.get(&leg).map_or([None; 2], |placed| placed.peers)
    }

    fn set_peers(&mut self, leg: LegId, peers: [Option<LegId>; 2]) {
        if let Some(placed) = self.legs.get_mut(&leg) {
            placed.peers = peers;
        }
    }

    /// Has legs that are on several threads move to one of those: to that with the fewest legs.
    fn bring_together(&mut self, legs: &[LegId]) {
        let places = legs.iter().filter_map(|leg| self.legs.get(leg)).map(|placed| placed.thread);
        let load = |thread: &usize| self.workers.get(*thread).map_or(0, |remote| remote.legs);
        if let Some(to) = places.min_by_key(load) {
            legs.iter().for_each(|leg| self.move_leg(*leg, to));
        }
    }

    fn move_leg(&mut self, leg: LegId, to: usize) {
        let Some(placed) = self.legs.get_mut(&leg).filter(|placed| placed.thread != to) else { return };
        let from = std::mem::replace(&mut placed.thread, to);
        // In this order: see `roster`.
        self.post(to, Message::Expect(leg));
        self.post(from, Message::Detach(leg, to));
        for (thread, change) in [(from, -1), (to, 1)] {
            if let Some(remote) = self.workers.get_mut(thread) {
                remote.legs = remote.legs.saturating_add_signed(change);
                // At once, so that the leg misses no tick on its way.
                remote.line.alarm.ring();
            }
        }
    }

    fn order(&mut self, leg: LegId, order: Order) {
        if let Some(thread) = self.legs.get(&leg).map(|placed| placed.thread) {
            self.post(thread, Message::Order(leg, order));
        }
    }

    fn post(&mut self, thread: usize, message: Message) {
        let Some(remote) = self.workers.get_mut(thread) else { return };
        if remote.waiting.len() >= MAX_WAITING {
            self.dropped += 1;
            return;
        }
        remote.waiting.push_back(message);
        remote.flush();
    }

    /// Passes on what waits for room in the threads' queues.
    fn flush(&mut self) {
        self.workers.iter_mut().for_each(Remote::flush);
    }
}

impl Remote {
    fn flush(&mut self) {
        while let Some(message) = self.waiting.pop_front() {
            if let Err(refused) = self.line.messages.try_send(message) {
                self.waiting.push_front(refused.into_inner());
                return;
            }
            self.line.wake_if_dormant();
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        for remote in &self.workers {
            let _ = remote.line.messages.send_timeout(Message::Stop, STOP_PATIENCE);
            remote.line.alarm.ring();
        }
        for remote in &mut self.workers {
            if let Some(thread) = remote.thread.take() {
                let _ = thread.join();
            }
        }
    }
}
