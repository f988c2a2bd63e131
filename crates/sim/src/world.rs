//! The world: a switch, its phones, the wires between them, and what media threads and disks would do.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use base::{CallId, LegId, Mono, Now, Rng, Wall};
use journal::{Cdr, CdrFold, Kind, Locations, Name};
use routing::{LongestIdle, Strategy};
use sip::{Flow, Transmit};
use sip_message::parse_datagram;
use switch::{Config, Setup, Switch, TakeOrder, TakeReport};

use crate::{Media, Phone, company};

/// The switch's address.
pub const SWITCH: &str = "127.0.0.1:5060";

/// Everything, and the time.
pub struct World {
    /// The time.
    pub now: Now,
    /// The switch.
    pub switch: Switch,
    phones: BTreeMap<SocketAddr, Phone>,
    wire: VecDeque<(SocketAddr, SocketAddr, bytes::Bytes)>,
    rng: Rng,
    /// Datagrams lost, of a hundred.
    pub loss: u32,
    /// What the switch told the journal.
    pub journal: Vec<journal::Event>,
    fold: CdrFold,
    /// The CDRs that follow from the journal.
    pub cdrs: Vec<Cdr>,
    /// Media threads and the writer of recordings.
    pub media: Media,
    /// A panic of the switch is caught and told to it, as a driver does; else it fails the test.
    pub survives: bool,
    /// Panics that were caught.
    pub faults: usize,
    /// Where registered users are, as storage would find it after a restart.
    pub locations: BTreeMap<Name, Locations>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with the sample [`company`].
    #[must_use]
    pub fn new() -> Self {
        Self::with(company(), 1)
    }

    /// A world with a company of one's own. The same seed and the same acts give the same events.
    #[must_use]
    pub fn with(config: Config, seed: u64) -> Self {
        Self::with_strategy(config, seed, Box::new(LongestIdle))
    }

    /// A world where `strategy` chooses who gets which call.
    #[must_use]
    pub fn with_strategy(config: Config, seed: u64, strategy: Box<dyn Strategy>) -> Self {
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let mut rng = Rng::from_number(seed);
        let local: SocketAddr = SWITCH.parse().unwrap();
        let sip = sip::StackConfig::new(
            "test",
            vec![sip::Listener { transport: sip::Transport::Udp, local, advertised: None }],
        );
        let setup = Setup { sip, node: 0, version: "test".into(), strategy, rng: rng.fork() };
        Self {
            now,
            switch: Switch::new(now, config, setup),
            phones: BTreeMap::new(),
            wire: VecDeque::new(),
            rng,
            loss: 0,
            journal: Vec::new(),
            fold: CdrFold::default(),
            cdrs: Vec::new(),
            media: Media::default(),
            survives: false,
            faults: 0,
            locations: BTreeMap::new(),
        }
    }

    /// Adds a phone that does nothing by itself.
    pub fn phone(&mut self, address: &str) -> SocketAddr {
        let address: SocketAddr = address.parse().unwrap();
        let rng = self.rng.fork();
        self.phones.insert(address, Phone::new(address, rng));
        address
    }

    /// A phone.
    pub fn at(&mut self, address: SocketAddr) -> &mut Phone {
        self.phones.get_mut(&address).unwrap()
    }

    /// Does something with a phone at the current time, and lets everything react.
    pub fn with_phone<T>(&mut self, address: SocketAddr, act: impl FnOnce(&mut Phone, Now) -> T) -> T {
        let now = self.now;
        let result = act(self.at(address), now);
        self.react();
        result
    }

    /// Takes a phone out of the network: nothing answers any more.
    pub fn unplug(&mut self, address: SocketAddr) {
        self.phones.remove(&address);
    }

    /// Lets `time` pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        self.react();
        loop {
            let due = self.phones.values().filter_map(Phone::poll_timeout).chain(self.switch.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.advance_to(due);
            let now = self.now;
            if self.switch.poll_timeout().is_some_and(|due| due <= now.monotonic) {
                self.tell(Switch::handle_timeout);
            }
            for phone in self.phones.values_mut() {
                phone.handle_timeout(now);
            }
            self.react();
        }
        self.advance_to(end);
    }

    fn advance_to(&mut self, at: Mono) {
        self.now = self.now.after(at.since(self.now.monotonic));
    }

    /// Gives the switch another configuration.
    pub fn reconfigure(&mut self, config: Config) {
        self.tell(|switch, now| switch.reconfigure(now, config, "a test's"));
        self.react();
    }

    /// Presses a key on a leg's phone.
    pub fn press(&mut self, leg: LegId, key: char) {
        let digit = leg::Digit::from_char(key).unwrap();
        self.tell(|switch, now| switch.handle_media(now, &leg::Event::Digit { leg, digit }));
        self.react();
    }

    /// What a leg plays comes to its end.
    pub fn finish_play(&mut self, leg: LegId) {
        let play = self.media.plays.remove(&leg).expect("nothing plays");
        self.tell(|switch, now| switch.handle_media(now, &leg::Event::PlayDone { leg, play }));
        self.react();
    }

    /// The slow disk is done with what it has.
    pub fn finish_takes(&mut self) {
        for report in self.media.slow_disk.take().into_iter().flatten() {
            self.tell(|switch, now| switch.handle_take(now, report));
        }
        self.react();
    }

    /// A leg's peer sends no media any more.
    pub fn silence(&mut self, leg: LegId) {
        self.tell(|switch, now| switch.handle_media(now, &leg::Event::Silent { leg }));
        self.react();
    }

    /// The caller's leg of the call that began last.
    pub fn caller_leg(&self) -> LegId {
        self.last(|kind| match kind {
            Kind::LegBegan { leg, role: journal::LegRole::Caller } => Some(*leg),
            _ => None,
        })
    }

    /// The last value that `pick` finds in the journal.
    pub fn last<T>(&self, pick: impl Fn(&Kind) -> Option<T>) -> T {
        self.journal.iter().rev().find_map(|event| pick(&event.kind)).expect("not in the journal")
    }

    /// How many events fit.
    pub fn count(&self, fits: impl Fn(&Kind) -> bool) -> usize {
        self.journal.iter().filter(|event| fits(&event.kind)).count()
    }

    /// Everything that was journaled about a call, for messages.
    pub fn story(&self, call: CallId) -> Vec<&Kind> {
        self.journal.iter().filter(|event| event.call == Some(call)).map(|event| &event.kind).collect()
    }

    /// Hands the switch an input.
    fn tell(&mut self, input: impl FnOnce(&mut Switch, Now)) {
        let (now, switch) = (self.now, &mut self.switch);
        if !self.survives {
            return input(switch, now);
        }
        // What is broken of the switch is what `handle_fault` is there for.
        if catch_unwind(AssertUnwindSafe(|| input(switch, now))).is_err() {
            self.faults += 1;
            switch.handle_fault(now, "test");
        }
    }

    /// Moves datagrams and orders until nobody has anything to say.
    pub fn react(&mut self) {
        loop {
            let before = self.wire.len();
            self.collect();
            if self.wire.is_empty() && before == 0 {
                return;
            }
            while let Some((from, to, payload)) = self.wire.pop_front() {
                if !self.rng.percent(self.loss) {
                    self.deliver(from, to, payload);
                }
                self.collect();
            }
        }
    }

    fn collect(&mut self) {
        self.obey();
        while let Some(Transmit { flow, payload }) = self.switch.poll_transmit() {
            self.wire.push_back((flow.local, flow.remote, payload));
        }
        for phone in self.phones.values_mut() {
            while let Some(Transmit { flow, payload }) = phone.poll_transmit() {
                self.wire.push_back((flow.local, flow.remote, payload));
            }
        }
        while let Some(event) = self.switch.poll_journal() {
            self.cdrs.extend(self.fold.feed(&event));
            self.journal.push(event);
        }
        while let Some(locations) = self.switch.poll_locations() {
            self.locations.insert(locations.user.clone(), locations);
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, payload: bytes::Bytes) {
        let now = self.now;
        let flow = Flow::udp(0, to, from);
        let parsed = parse_datagram(payload);
        if to == SWITCH.parse().unwrap() {
            self.tell(|switch, now| switch.handle_datagram(now, flow, parsed));
        } else if let Some(phone) = self.phones.get_mut(&to) {
            phone.handle_datagram(now, flow, parsed);
        }
    }

    /// Does what media threads and storage would do.
    fn obey(&mut self) {
        loop {
            while let Some(order) = self.switch.poll_take() {
                if let TakeOrder::Begin { take, .. } = order {
                    let file = format!("{take}.wav").into();
                    self.tell(|switch, now| switch.handle_take(now, TakeReport::Started { take, file }));
                }
            }
            let Some(command) = self.switch.poll_media() else { return };
            for event in self.media.execute(command) {
                if let leg::Event::TakeEnded { take, frames, lost, .. } = event {
                    let file = format!("{take}.wav").into();
                    let report = TakeReport::Finished { take, file, frames, lost };
                    match &mut self.media.slow_disk {
                        Some(held) => held.push(report),
                        None => self.tell(|switch, now| switch.handle_take(now, report)),
                    }
                }
                self.tell(|switch, now| switch.handle_media(now, &event));
            }
        }
    }
}
