//! A switch among phones, on a virtual clock and network. One verb: [`World::run`].
//!
//! Phones are the project's own SIP stack, which is fine here: these tests are about what the switch decides, not about
//! what is on the wire. Media threads are played by the world: ports open at once, legs close when told to.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of the world")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod phone;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base::{CallId, LegId, Mono, Now, PlayId, Rng, Wall};
use journal::{Cdr, CdrFold, Kind};
use leg::{Command, PromptId};
use sip::{Flow, Transmit};
use sip_message::parse_datagram;
use switch::{Config, Destination, Setup, Switch, TakeOrder, TakeReport, Trunk, User};

pub use phone::{Phone, Seen};

/// The switch's address.
pub const SWITCH: &str = "127.0.0.1:5060";

/// The menu that most tests call: 1 for the queue, 2 to be dialled through to 102, three attempts.
const MENU: &str = "\
version: 1
nodes:
  menu:
    menu:
      prompt: welcome
      timeout: 2s
      attempts: 3
      keys: {1: sales, 2: direct, 3: recorded, 4: bye, 5: thanked}
      exhausted: bye
  sales:
    queue: {name: sales, timed_out: bye, full: bye, no_agents: bye}
    next: hangup
  direct:
    dial: {user: 102, ring_time: 10s, busy: bye, no_answer: bye, declined: bye, failed: bye}
    next: hangup
  recorded:
    record: start
    next: sales
  thanked:
    queue: sales
    next: bye
  bye:
    play: goodbye
    next: hangup
";

/// Everything, and the time.
pub struct World {
    pub now: Now,
    pub switch: Switch,
    phones: BTreeMap<SocketAddr, Phone>,
    wire: VecDeque<(SocketAddr, SocketAddr, bytes::Bytes)>,
    rng: Rng,
    /// Datagrams lost, of a hundred.
    pub loss: u32,
    pub journal: Vec<journal::Event>,
    fold: CdrFold,
    pub cdrs: Vec<Cdr>,
    pub media: Media,
}

/// What media threads and the writer of recordings were told.
#[derive(Default)]
pub struct Media {
    /// Open legs with their ports.
    pub open: BTreeMap<LegId, u16>,
    /// What each leg plays.
    pub plays: HashMap<LegId, PlayId>,
    /// Who is bridged with whom, both ways.
    pub bridges: BTreeMap<LegId, LegId>,
    /// Recordings that run.
    pub takes: HashMap<LegId, base::TakeId>,
    /// The last direction of each leg.
    pub directions: HashMap<LegId, sdp::Direction>,
    /// No more ports if set.
    pub exhausted: bool,
    /// Ends of recordings that a slow disk has not told yet; none if the disk is quick.
    pub slow_disk: Option<Vec<TakeReport>>,
    ports: u16,
}

/// The company of the tests: 1000 the menu, 101 and 102 agents of `sales`, 201 the queue without a menu.
pub fn company() -> Config {
    let faults = yaml::Faults::default();
    let flow = ivr::Flow::read("main", &yaml::Source::new("main.yaml", MENU), &faults);
    assert!(faults.is_empty(), "{:?}", faults.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>());
    let user = |port: u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let contact = sip_message::Uri::from_address(address).with_user("agent");
        User { display: None, place: switch::Place::Fixed(switch::FixedPhone { contact, address, reached_at: None }) }
    };
    let mut queue = acd::QueueConfig::new("sales", vec!["101".into(), "102".into()]);
    queue.max_wait = Some(Duration::from_secs(120));
    let agents = ["101", "102"].map(|name| acd::AgentConfig { name: name.into() });
    let mut config = Config {
        trunks: vec![Trunk { name: "local".into(), sources: vec!["127.0.0.2/32".parse().unwrap()] }],
        users: [("101".into(), user(5071)), ("102".into(), user(5072))].into(),
        numbers: [
            ("1000".into(), Destination::Flow("main".into())),
            ("101".into(), Destination::User("101".into())),
            ("201".into(), Destination::Queue("sales".into())),
        ]
        .into(),
        flows: [("main".into(), Arc::new(flow.unwrap()))].into(),
        queues: vec![queue],
        agents: agents.into(),
        queue_music: [("sales".into(), "music".into())].into(),
        ..Config::default()
    };
    for (name, id) in ["welcome", "goodbye", "music"].into_iter().zip(0..) {
        config.prompts.insert(name.into(), PromptId(id));
    }
    config
}

impl World {
    pub fn new() -> Self {
        Self::with(company(), 1)
    }

    pub fn with(config: Config, seed: u64) -> Self {
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let mut rng = Rng::from_number(seed);
        let local: SocketAddr = SWITCH.parse().unwrap();
        let sip = sip::StackConfig::new(
            "test",
            vec![sip::Listener { transport: sip::Transport::Udp, local, advertised: None }],
        );
        let setup = Setup { sip, node: 0, version: "test".into(), rng: rng.fork() };
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
            media: Media { ports: 16_384, ..Media::default() },
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
                self.switch.handle_timeout(now);
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

    /// Presses a key on a leg's phone.
    pub fn press(&mut self, leg: LegId, key: char) {
        let digit = leg::Digit::from_char(key).unwrap();
        self.switch.handle_media(self.now, &leg::Event::Digit { leg, digit });
        self.react();
    }

    /// What a leg plays comes to its end.
    pub fn finish_play(&mut self, leg: LegId) {
        let play = self.media.plays.remove(&leg).expect("nothing plays");
        self.switch.handle_media(self.now, &leg::Event::PlayDone { leg, play });
        self.react();
    }

    /// The slow disk is done with what it has.
    pub fn finish_takes(&mut self) {
        for report in self.media.slow_disk.take().into_iter().flatten() {
            self.switch.handle_take(self.now, report);
        }
        self.react();
    }

    /// A leg's peer sends no media any more.
    pub fn silence(&mut self, leg: LegId) {
        self.switch.handle_media(self.now, &leg::Event::Silent { leg });
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
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, payload: bytes::Bytes) {
        let now = self.now;
        let flow = Flow::udp(0, to, from);
        let parsed = parse_datagram(payload);
        if to == SWITCH.parse().unwrap() {
            self.switch.handle_datagram(now, flow, parsed);
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
                    self.switch.handle_take(self.now, TakeReport::Started { take, file });
                }
            }
            let Some(command) = self.switch.poll_media() else { return };
            for event in self.media.execute(command) {
                if let leg::Event::TakeEnded { take, frames, lost, .. } = event {
                    let file = format!("{take}.wav").into();
                    let report = TakeReport::Finished { take, file, frames, lost };
                    match &mut self.media.slow_disk {
                        Some(held) => held.push(report),
                        None => self.switch.handle_take(self.now, report),
                    }
                }
                self.switch.handle_media(self.now, &event);
            }
        }
    }
}

impl Media {
    fn execute(&mut self, command: Command) -> Vec<leg::Event> {
        match command {
            Command::Open { leg } if self.exhausted => {
                vec![leg::Event::OpenFailed { leg, reason: leg::OpenFailure::NoPort }]
            }
            Command::Open { leg } => {
                self.ports += 2;
                assert!(self.open.insert(leg, self.ports).is_none(), "opened twice");
                vec![leg::Event::Opened { leg, port: self.ports }]
            }
            Command::Close { leg } => self.close(leg),
            Command::Play { leg, play, .. } => {
                assert!(self.open.contains_key(&leg));
                self.plays.insert(leg, play);
                vec![]
            }
            Command::StopPlay { leg } => {
                self.plays.remove(&leg);
                vec![]
            }
            Command::Bridge { a, b } => {
                assert!(self.open.contains_key(&a) && self.open.contains_key(&b));
                self.bridges.extend([(a, b), (b, a)]);
                vec![]
            }
            Command::Unbridge { leg } => {
                self.unbridge(leg);
                vec![]
            }
            Command::Record { leg, take } => {
                self.takes.insert(leg, take);
                vec![]
            }
            Command::StopRecord { leg } => self.end_take(leg),
            Command::Start { leg, agreed } => {
                self.directions.insert(leg, agreed.direction);
                vec![]
            }
            Command::SendDigit { .. } => vec![],
        }
    }

    fn close(&mut self, leg: LegId) -> Vec<leg::Event> {
        if self.open.remove(&leg).is_none() {
            return vec![];
        }
        self.plays.remove(&leg);
        self.unbridge(leg);
        let mut events = self.end_take(leg);
        events.push(leg::Event::Closed { leg, stats: leg::Stats::default() });
        events
    }

    fn unbridge(&mut self, leg: LegId) {
        if let Some(other) = self.bridges.remove(&leg) {
            self.bridges.remove(&other);
        }
    }

    fn end_take(&mut self, leg: LegId) -> Vec<leg::Event> {
        let ended = self.takes.remove(&leg);
        ended.map(|take| leg::Event::TakeEnded { leg, take, frames: 100, lost: 0 }).into_iter().collect()
    }
}
