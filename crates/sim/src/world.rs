//! The world: a switch, its phones, the network between them, and what media threads and disks would do.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use acd::AgentState;
use base::{LegId, Mono, Now, PlayId, Rng, Timers, Wall};
use bytes::Bytes;
use journal::{Cdr, Charges, Locations, Name};
use routing::Strategy;
use sip::Transport;
use sip_message::parse_datagram;
use switch::{Config, Setup, Switch, TakeOrder, TakeReport};

use crate::dns::Dns;
use crate::laws::{Books, Breach, Grants, Lifetimes, Reliable, Wire};
use crate::letters::Letters;
use crate::media::{Effect, Media};
use crate::network::{Arrival, Arrived, Network};
use crate::oracle::Oracle;
use crate::phone::Phone;
use crate::{company, switch_address};

/// For how long a leg's peer sends nothing until the media says so.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the switch takes to start. Ids are told apart by the millisecond of the start.
const START: Duration = Duration::from_millis(50);

/// Everything, and the time.
pub struct World {
    /// The time.
    pub now: Now,
    /// The switch.
    pub switch: Switch,
    /// What is between it and the phones.
    pub network: Network,
    /// What the switch told the journal.
    pub journal: Vec<journal::Event>,
    /// The CDRs that follow from the journal.
    pub cdrs: Vec<Cdr>,
    /// Media threads and the writer of recordings.
    pub media: Media,
    /// Mailboxes.
    pub letters: Letters,
    /// What names lead to.
    pub dns: Dns,
    /// A panic of the switch is caught and told to it, as a driver does; else it fails the test.
    pub survives: bool,
    /// Panics that were caught.
    pub faults: usize,
    /// Where registered users are, as storage would find it after a restart.
    pub locations: BTreeMap<Name, Locations>,
    /// How emergency switches are turned, as it is kept over a restart.
    pub turned: Vec<hours::Turned>,
    /// What was said of agents last, likewise.
    pub said: BTreeMap<journal::Name, journal::AgentSaid>,
    /// Who is to be called back, likewise.
    pub callbacks: BTreeMap<Name, journal::CallbackKept>,
    pub(crate) phones: BTreeMap<SocketAddr, Phone>,
    /// What came to addresses where a test listens itself.
    pub(crate) ears: BTreeMap<SocketAddr, Vec<Bytes>>,
    pub(crate) books: Books,
    pub(crate) grants: Grants,
    pub(crate) wire: Wire,
    pub(crate) reliable: Reliable,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) oracle: Oracle,
    /// Whether to take down what happens.
    pub(crate) telling: bool,
    /// What happened: when, at which phone or else the switch, and what.
    pub(crate) told: Vec<(Mono, Option<SocketAddr>, String)>,
    heard: BTreeMap<SocketAddr, usize>,
    /// What the media has to tell, if that waits to be let through.
    held: Option<VecDeque<leg::Event>>,
    config: Config,
    rng: Rng,
    agenda: Timers<Happening>,
}

/// What media and disks do when its time has come.
#[derive(Debug)]
enum Happening {
    /// The media tells this.
    Told(leg::Event),
    /// A playout is at its end.
    PlayOver(LegId, PlayId),
    /// The disk tells this.
    Took(TakeReport),
    /// Nothing came to this leg for a while, unless the phone's cable is in again.
    Silent(LegId, Option<SocketAddr>),
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
        Self::starting(config, seed, None)
    }

    /// A world where `strategy` chooses who gets which call, until a restart.
    #[must_use]
    pub fn with_strategy(config: Config, seed: u64, strategy: Box<dyn Strategy>) -> Self {
        Self::starting(config, seed, Some(strategy))
    }

    fn starting(config: Config, seed: u64, strategy: Option<Box<dyn Strategy>>) -> Self {
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let mut rng = Rng::from_number(seed);
        let switch = start(now, config.clone(), strategy, &mut rng, Charges::default());
        let mut network = Network::new(rng.fork());
        network.add(switch_address());
        Self {
            now,
            switch,
            network,
            journal: Vec::new(),
            cdrs: Vec::new(),
            media: Media::default(),
            letters: Letters::default(),
            dns: Dns::default(),
            survives: false,
            faults: 0,
            locations: BTreeMap::new(),
            turned: Vec::new(),
            said: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            phones: BTreeMap::new(),
            ears: BTreeMap::new(),
            books: Books::default(),
            grants: Grants::default(),
            wire: Wire::default(),
            reliable: Reliable::default(),
            lifetimes: Lifetimes::default(),
            oracle: Oracle::default(),
            telling: false,
            told: Vec::new(),
            heard: BTreeMap::new(),
            held: None,
            config,
            rng,
            agenda: Timers::default(),
        }
    }

    /// Adds a phone that does nothing by itself, or a new one in place of one that was there.
    pub fn add_phone(&mut self, address: SocketAddr) -> &mut Phone {
        self.network.add(address);
        self.heard.remove(&address);
        let phone = Phone::new(address, self.rng.fork());
        self.phones.entry(address).insert_entry(phone).into_mut()
    }

    /// Takes a phone out of the network: nothing answers any more, and its calls are silent.
    pub fn unplug(&mut self, address: SocketAddr) {
        self.fall_silent(address, None);
        self.phones.remove(&address);
        self.network.remove(address);
        self.network.forget_all(address);
    }

    /// Gives the switch another configuration.
    pub fn reconfigure(&mut self, config: Config) {
        self.config = config.clone();
        self.tell(|switch, now| switch.reconfigure(now, config, "a test's"));
        self.react();
    }

    /// Pulls a phone's cable, or plugs it in again. It knows its calls all the time.
    pub fn cut_off(&mut self, address: SocketAddr, out: bool) {
        self.network.cut_off(address, out);
        if let Some(phone) = self.phones.get_mut(&address) {
            phone.estranged = true;
        }
        if out {
            self.fall_silent(address, Some(address));
        }
    }

    /// Breaks all connections of a phone; both sides are told.
    pub fn break_lines(&mut self, address: SocketAddr) {
        self.wire.lines_broke();
        self.oracle.line_broke();
        self.network.close_all(self.now.monotonic, address, true);
        self.react();
    }

    /// The switch is killed and starts again: from the journal it makes the records of what was cut, and it is told where
    /// registered users are.
    pub fn restart(&mut self) {
        self.network.close_all(self.now.monotonic, switch_address(), false);
        self.media.restart();
        self.agenda = Timers::default();
        self.wire = Wire::default();
        self.reliable = Reliable::default();
        self.lifetimes = Lifetimes::default();
        self.oracle = Oracle::default();
        for event in self.books.cut() {
            self.cdrs.extend(self.books.feed(&event));
            self.grants.feed(self.now, &event, &self.config);
            self.journal.push(event);
        }
        self.phones.values_mut().for_each(|phone| phone.estranged = true);
        self.now = self.now.after(START);
        let mut charges = Charges::default();
        self.cdrs.iter().flat_map(|cdr| &cdr.outside).for_each(|leg| charges.feed(leg));
        self.switch = start(self.now, self.config.clone(), None, &mut self.rng, charges);
        self.restore_kept();
        self.react();
    }

    /// Lets `time` pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        self.react();
        while let Some(due) = self.next().filter(|due| *due <= end) {
            self.advance_to(due);
            self.deliver_due();
            while let Some(happening) = self.agenda.pop_due(self.now.monotonic) {
                self.happen(happening);
            }
            if self.switch.poll_timeout().is_some_and(|due| due <= self.now.monotonic) {
                self.tell(Switch::handle_timeout);
            }
            for phone in self.phones.values_mut() {
                phone.handle_timeout(self.now);
            }
            self.react();
        }
        self.advance_to(end);
    }

    /// Holds all datagrams from now on, and what the media tells if it is `media`, too: until they are let through, or all are
    /// let go.
    pub(crate) fn hold(&mut self, media: bool) {
        self.network.hold();
        self.held = media.then(VecDeque::new);
    }

    /// Holds nothing any more.
    pub(crate) fn let_go(&mut self) {
        self.network.let_go(self.now.monotonic);
        while self.media_waits() {
            self.let_media_tell();
        }
        self.held = None;
        self.react();
    }

    /// True if the media has something to tell that is held.
    pub(crate) fn media_waits(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.is_empty())
    }

    /// The media tells the first of what is held.
    pub(crate) fn let_media_tell(&mut self) {
        if let Some(event) = self.held.as_mut().and_then(VecDeque::pop_front) {
            self.on_media(&event);
            self.react();
        }
    }

    /// The configuration that the switch has.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// The clock moves on, and nobody has looked at it yet.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// True if something of the switch's is due.
    pub(crate) fn is_due(&self) -> bool {
        self.switch.poll_timeout().is_some_and(|due| due <= self.now.monotonic)
    }

    /// Takes out what everybody has to say, and delivers what arrives at once.
    pub fn react(&mut self) {
        self.collect();
        while self.network.poll_timeout().is_some_and(|at| at <= self.now.monotonic) {
            self.deliver_due();
        }
    }

    /// What was found to be against the laws so far.
    #[must_use]
    pub fn breaches(&mut self) -> Vec<Breach> {
        self.grants.observe(self.now, &self.config);
        let nonsense = self.media.nonsense.iter().map(|command| Breach::new("commands make sense", command));
        let state = self.switch.check_invariants(self.now).err().map(|what| Breach::new("the switch is sound", &what));
        let on_wire = self.wire.breaches().iter().chain(self.reliable.breaches());
        let told = self.books.breaches().iter().chain(on_wire).chain(self.grants.breaches()).cloned();
        let told = told.chain(self.lifetimes.breaches(self.now.monotonic)).chain(self.oracle.breaches().to_vec());
        let misled = self.phones.values().flat_map(|phone| phone.watches.misled.iter().cloned());
        told.chain(misled).chain(nonsense).chain(state).chain(self.wrongly_heard()).collect()
    }

    /// Bridges that the journal does not know or that are missing, and music that is not where somebody is held.
    fn wrongly_heard(&self) -> Vec<Breach> {
        let media = &self.media;
        let (told, truth) = (self.books.hearing(), media.hearing());
        let bridges = (told != truth).then(|| format!("{told:?} by the journal, {truth:?} in truth"));
        let bridges = bridges.map(|what| Breach::new("who hears whom is as the journal says", &what));
        let there_is_music =
            self.config.hold_music.as_ref().is_some_and(|name| self.config.prompts.get(None, name).is_some());
        let sides = self.books.talks().flat_map(|(a, b)| [(a, b), (b, a)]);
        let wrong = sides.filter(|(leg, other)| {
            let is_held = media.directions.get(other).is_some_and(|direction| !direction.sends());
            let hears_music = media.plays.contains_key(leg);
            if is_held { there_is_music && !hears_music } else { hears_music }
        });
        let without = self.books.held().filter(|leg| there_is_music != media.plays.contains_key(leg));
        let music = wrong.map(|(leg, _)| leg).chain(without);
        let music =
            music.map(|leg| Breach::new("who is held hears music, and nobody else who talks", &leg.to_string()));
        bridges.into_iter().chain(music).collect()
    }

    /// What may not be there any more when all have hung up and time has passed.
    pub(crate) fn left_behind(&self) -> Vec<Breach> {
        let (population, media) = (self.switch.sip_population(), &self.media);
        let of_media = [media.open.len(), media.bridges.len(), media.takes.len(), media.plays.len()];
        let left = |there: bool, what: String| there.then(|| Breach::new("nothing is left behind", &what));
        let of_switch = !self.switch.is_quiet() || population != sip::Population::default();
        let of_switch = left(of_switch, format!("{:?} {population:?}", self.switch));
        let of_media = left(of_media != [0; 4], format!("legs, bridges, takes, playouts: {of_media:?}"));
        let records = self.cdrs.len().abs_diff(self.books.ended()) + self.books.live();
        let records = left(records > 0, format!("{} calls live, {} records", self.books.live(), self.cdrs.len()));
        let busy = self
            .phones
            .iter()
            .filter(|(_, phone)| phone.session.is_some() || phone.aside.is_some() || !phone.is_quiet());
        let busy = busy.map(|(address, _)| Breach::new("nothing is left behind", &format!("at the phone {address}")));
        let agents = self.config.agents.iter().filter(|agent| {
            let state = self.switch.agent_state(&agent.name);
            !matches!(state, Some(AgentState::Idle | AgentState::OnBreak | AgentState::LoggedOut))
        });
        let agents =
            agents.map(|agent| Breach::new("nothing is left behind", &format!("agent {} is not free", agent.name)));
        let unanswered = self.wire.unanswered().into_iter().chain(self.reliable.unacknowledged());
        [of_switch, of_media, records].into_iter().flatten().chain(busy).chain(agents).chain(unanswered).collect()
    }

    /// What may not be there when registrations and nonces are over too.
    pub(crate) fn left_at_the_end(&self) -> Vec<Breach> {
        let timer = self.next().map(|_| Breach::new("nothing is left behind", "a timer"));
        let here = |agent: &&acd::AgentConfig| {
            let registers = self.config.users.get(agent.name.shared()).is_some_and(|user| user.fixed().is_none());
            registers && self.switch.agent_state(&agent.name) != Some(AgentState::LoggedOut)
        };
        let here = self.config.agents.iter().filter(here);
        let here = here.map(|agent| Breach::new("who is not registered is logged out", agent.name.as_str()));
        timer.into_iter().chain(here).collect()
    }

    fn next(&self) -> Option<Mono> {
        let phones = self.phones.values().filter_map(Phone::poll_timeout);
        let others = [self.switch.poll_timeout(), self.network.poll_timeout(), self.agenda.poll_timeout()];
        phones.chain(others.into_iter().flatten()).min()
    }

    fn advance_to(&mut self, at: Mono) {
        self.now = self.now.after(at.since(self.now.monotonic));
    }

    fn deliver_due(&mut self) {
        while let Some(arrival) = self.network.pop_due(self.now.monotonic) {
            self.deliver(arrival);
            self.collect();
        }
    }

    fn deliver(&mut self, Arrival { to, what }: Arrival) {
        let now = self.now;
        if to == switch_address() {
            return match what {
                Arrived::Message(flow, payload) => {
                    let parsed = parse_datagram(payload);
                    self.wire.arrived(now.monotonic, &parsed);
                    self.reliable.arrived(now.monotonic, &parsed);
                    self.lifetimes.arrived(now.monotonic, &parsed);
                    self.oracle.arrived(now.monotonic, flow.transport.is_reliable(), &parsed);
                    self.tell(|switch, now| switch.handle_datagram(now, flow, parsed));
                }
                Arrived::Closed(connection, remote) => {
                    self.reliable.line_broke();
                    self.oracle.line_broke();
                    self.tell(|switch, now| switch.handle_connection_closed(now, connection, Transport::Tcp, remote));
                }
                Arrived::Unreachable(remote) => {
                    self.reliable.line_broke();
                    self.oracle.line_broke();
                    self.tell(|switch, now| switch.handle_unreachable(now, Transport::Tcp, remote));
                }
            };
        }
        let Some(phone) = self.phones.get_mut(&to) else {
            if let (Some(ear), Arrived::Message(_, payload)) = (self.ears.get_mut(&to), what) {
                ear.push(payload);
            }
            return;
        };
        match what {
            Arrived::Message(flow, payload) => phone.handle_message(now, flow, parse_datagram(payload)),
            Arrived::Closed(connection, remote) => phone.handle_closed(now, connection, remote),
            Arrived::Unreachable(remote) => phone.handle_unreachable(now, remote),
        }
    }

    /// Puts everything that is to be sent onto the network, and everything that was told into the books.
    fn collect(&mut self) {
        self.obey();
        let now = self.now.monotonic;
        while let Some(transmit) = self.switch.poll_transmit() {
            if let Ok(message) = parse_datagram(transmit.payload.clone()) {
                self.wire.sent(now, &message);
                self.reliable.sent(now, &message);
                self.lifetimes.sent(now, &message);
                self.oracle.sent(now, transmit.flow.transport.is_reliable(), &transmit.payload, &message);
            }
            self.network.send(now, switch_address(), transmit);
        }
        for (address, phone) in &mut self.phones {
            while let Some(transmit) = phone.poll_transmit() {
                self.network.send(now, *address, transmit);
            }
        }
        while let Some(event) = self.switch.poll_journal() {
            self.cdrs.extend(self.books.feed(&event));
            self.grants.feed(self.now, &event, &self.config);
            if self.telling {
                self.told.push((now, None, format!("{:?}", event.kind)));
            }
            self.journal.push(event);
        }
        self.keep();
        if self.telling {
            self.hear();
        }
    }

    /// Takes down what the owners of phones saw.
    fn hear(&mut self) {
        for (address, phone) in &self.phones {
            let heard = self.heard.entry(*address).or_default();
            for seen in phone.seen.iter().skip(*heard) {
                self.told.push((self.now.monotonic, Some(*address), seen.to_string()));
            }
            *heard = phone.seen.len();
        }
    }

    /// Does what media threads and storage would do.
    fn obey(&mut self) {
        loop {
            while let Some(ask) = self.switch.poll_ask() {
                if let Some(answer) = self.dns.answer(&ask.question) {
                    self.tell(|switch, now| switch.handle_answer(now, ask.id, answer));
                }
            }
            while let Some(order) = self.switch.poll_take() {
                if let TakeOrder::Begin { take, .. } = order {
                    let report = TakeReport::Started { take, file: file_of(take) };
                    self.tell(|switch, now| switch.handle_take(now, report));
                }
            }
            while let Some(order) = self.switch.poll_letter() {
                for report in self.letters.handle(order) {
                    self.tell(|switch, now| switch.handle_letter(now, report));
                }
            }
            let Some(command) = self.switch.poll_media() else { return };
            for effect in self.media.execute(command) {
                self.follow(effect);
            }
        }
    }

    fn follow(&mut self, effect: Effect) {
        let now = self.now.monotonic;
        let pace = self.media.pace;
        match effect {
            Effect::Told(event) if self.held.is_some() => {
                self.held.iter_mut().for_each(|held| held.push_back(event.clone()))
            }
            Effect::Told(event) if pace.media.is_zero() => self.on_media(&event),
            Effect::Told(event) => drop(self.agenda.set(now + pace.media, Happening::Told(event))),
            Effect::Plays(leg, play) => {
                if let Some(length) = pace.prompt {
                    self.agenda.set(now + length, Happening::PlayOver(leg, play));
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Told(event) => self.on_media(&event),
            Happening::PlayOver(leg, play) => self.end_play(leg, Some(play)),
            Happening::Took(report) => self.tell(|switch, now| switch.handle_take(now, report)),
            Happening::Silent(leg, phone) => {
                let gone = phone.is_none_or(|phone| self.network.is_away(phone));
                if gone && self.media.open.contains_key(&leg) {
                    self.tell(|switch, now| switch.handle_media(now, &leg::Event::Silent { leg }));
                }
            }
        }
        self.collect();
    }

    fn on_media(&mut self, event: &leg::Event) {
        let letter = match *event {
            leg::Event::TakeEnded { take, .. } => self.letters.ended(take),
            _ => None,
        };
        if let Some(report) = letter {
            self.tell(|switch, now| switch.handle_letter(now, report));
        } else if let leg::Event::TakeEnded { take, frames, lost, .. } = *event {
            let report = TakeReport::Finished { take, file: file_of(take), frames, lost };
            let disk = self.media.pace.disk;
            match &mut self.media.slow_disk {
                Some(held) => held.push(report),
                None if disk.is_zero() => self.tell(|switch, now| switch.handle_take(now, report)),
                None => drop(self.agenda.set(self.now.monotonic + disk, Happening::Took(report))),
            }
        }
        self.tell(|switch, now| switch.handle_media(now, event));
    }

    /// Hands the switch an input.
    pub(crate) fn tell(&mut self, input: impl FnOnce(&mut Switch, Now)) {
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

    /// What a leg plays comes to its end, if it is that (`None`: whatever it is).
    pub(crate) fn end_play(&mut self, leg: LegId, which: Option<PlayId>) {
        if let Some(&play) = self.media.plays.get(&leg).filter(|play| which.is_none_or(|which| which == **play)) {
            self.media.plays.remove(&leg);
            self.tell(|switch, now| switch.handle_media(now, &leg::Event::PlayDone { leg, play }));
        }
    }

    /// The slow disk is done with what it has, and quick from now on.
    pub fn finish_takes(&mut self) {
        for report in self.media.slow_disk.take().into_iter().flatten() {
            self.tell(|switch, now| switch.handle_take(now, report));
        }
        self.react();
    }

    /// From now on the legs that send to a phone hear nothing; for good, or while its `cable` is out.
    fn fall_silent(&mut self, phone: SocketAddr, cable: Option<SocketAddr>) {
        let Some(media) = self.phones.get(&phone).map(Phone::media) else { return };
        if let Some(leg) = self.media.leg_to(media) {
            self.agenda.set(self.now.monotonic + SILENCE, Happening::Silent(leg, cable));
        }
    }
}

fn file_of(take: base::TakeId) -> journal::Name {
    format!("{take}.wav").into()
}

fn start(now: Now, config: Config, strategy: Option<Box<dyn Strategy>>, rng: &mut Rng, charges: Charges) -> Switch {
    let listener = |transport| sip::Listener { transport, local: switch_address(), advertised: None };
    let sip = sip::StackConfig::new("test", [Transport::Udp, Transport::Tcp].map(listener).into());
    Switch::new(now, config, Setup { sip, node: 0, version: "test".into(), strategy, rng: rng.fork(), charges })
}
