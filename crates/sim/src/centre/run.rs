//! The centre itself: time, and everybody reacting to everybody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use base::{IdMap, LegId, Mono, Now, Rng, Timers, Wall};
use ivr::web::{Failure, Reply};
use journal::{Charges, Kind, LegRole};
use leg::Prompt;
use routing::Strategy;
use sip::Transport;
use sip_message::parse_datagram;
use switch::control::Request;
use switch::{Config, HttpOrder, Setup, Switch, TakeOrder, TakeReport};

use super::adapt::adapt;
use super::agents::{Agents, Habit};
use super::callers::{CallerId, Callers};
use super::erring::Erring;
use super::load::{Fault, Load};
use super::media::{Later, Lines};
use super::plugins::Beside;
use super::summary::Outcome;
use super::tally::Tally;
use crate::laws::{Books, Breach};
use crate::letters::Letters;
use crate::network::{Arrival, Arrived, Network};
use crate::{Dns, switch_address};

/// After the last call may come, those that live have so long to end.
const EVENING: Duration = Duration::from_secs(3 * 3_600);
/// When all have gone, so long until nothing may be left: transactions linger for 32 s, and dead phones are waited for.
const NIGHT: Duration = Duration::from_secs(180);
/// For how long a leg's peer sends nothing until the media says so.
const SILENCE: Duration = Duration::from_secs(30);
/// A shift on no day.
const NEVER: (Duration, Duration) = (Duration::from_secs(86_400), Duration::from_secs(86_401));
/// What a text is that is spoken.
static SPOKEN: [i16; 16_000] = [0; 16_000];
/// Breaches are kept up to so many.
const BREACHES: usize = 20;

/// What happens when its time has come.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// The next call of a stream.
    Comes(usize),
    /// A caller's patience ends.
    GivesUp(CallerId),
    /// A caller hangs up after his talk.
    HangsUp(CallerId),
    /// A caller presses the key of this number.
    Presses(CallerId, usize),
    /// The media has something to tell.
    Media(Later),
    /// Nothing comes to a leg of an agent: his phone died, and knows nothing of the call though it may live again.
    Silent(LegId),
    /// An agent does something.
    Agent(usize, Habit),
    /// The fault of this number.
    Fault(usize),
    /// The invariants are looked at.
    Check,
}

/// A contact centre while it is played.
pub struct Centre {
    load: Load,
    /// As it was given, for reloads.
    config: Arc<Config>,
    pub(super) now: Now,
    begin: Mono,
    pub(super) switch: Switch,
    pub(super) beside: Beside,
    callers: Callers,
    agents: Agents,
    /// Which agent has which leg.
    legs: IdMap<LegId, usize>,
    network: Network,
    lines: Lines,
    letters: Letters,
    dns: Dns,
    agenda: Timers<Due>,
    rng: Rng,
    tally: Tally,
    books: Option<Books>,
    check: bool,
    breaches: Vec<(Duration, Breach)>,
    messages: u64,
}

impl Centre {
    /// Plays a load to its end, until the last caller has gone, in a company.
    #[must_use]
    pub fn play(load: Load, config: Config) -> Outcome {
        Self::play_beside(load, config, Beside::default())
    }

    /// The same, with somebody who runs its plugins, or reads its journal.
    #[must_use]
    pub fn play_beside(load: Load, config: Config, beside: Beside) -> Outcome {
        let mut centre = Self::new(load, config, beside);
        // What a panic leaves is looked at no more.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| centre.run_all())) {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing");
            centre.breach(Breach::new("the switch does not panic", said));
        }
        let lasted = centre.since();
        centre.tally.close(lasted);
        let Self { tally, breaches, messages, load, .. } = centre;
        Outcome { tally, breaches, lasted, messages, clock: load.clock }
    }

    fn new(load: Load, config: Config, beside: Beside) -> Self {
        let config = Arc::new(adapt(config, beside.plugins.is_some()));
        let mut rng = Rng::from_number(load.seed);
        let now = Now { monotonic: Mono::from_nanos(1), wall: load.begin };
        let listener = sip::Listener { transport: Transport::Udp, local: switch_address(), advertised: None };
        let setup = Setup {
            sip: sip::StackConfig::new("strowger", vec![listener]),
            node: 0,
            version: "sim".into(),
            strategy: (load.errs > 0)
                .then(|| Box::new(Erring { often: load.errs, seed: load.seed }) as Box<dyn Strategy>),
            rng: rng.fork(),
            charges: Charges::default(),
        };
        let switch = Switch::new(now, config.clone(), setup);
        let mut network = Network::new(rng.fork());
        network.nodes.clone_from(&load.network);
        let longest = config.limits.registration.longest.as_secs();
        let expires = u32::try_from(longest).unwrap_or(u32::MAX);
        // Laws that cost much are looked after where invariants are looked at often.
        let books = (load.check <= Duration::from_secs(1)).then(Books::default);
        let tally = Tally::new(config.targets());
        let mut centre = Self {
            callers: Callers::new(load.seed, rng.fork()),
            agents: Agents::new(&load, expires, rng.fork()),
            load,
            config,
            now,
            begin: now.monotonic,
            switch,
            beside,
            legs: IdMap::default(),
            network,
            lines: Lines::default(),
            letters: Letters::default(),
            dns: Dns::default(),
            agenda: Timers::default(),
            rng,
            tally,
            books,
            check: false,
            breaches: Vec::new(),
            messages: 0,
        };
        centre.plan();
        centre
    }

    /// Puts on the agenda what the load says.
    fn plan(&mut self) {
        for stream in 0..self.load.streams.len() {
            self.next_call(stream);
        }
        for (ix, (at, _)) in self.load.faults.iter().enumerate() {
            self.agenda.set(self.begin + *at, Due::Fault(ix));
        }
        for agent in 0..self.agents.people.len() {
            self.agenda.set(self.begin, Due::Agent(agent, Habit::Attends));
        }
        self.agenda.set(self.begin + self.load.check, Due::Check);
        self.plan_shifts();
    }

    /// Each time of day at which a team may come or go, on each day.
    fn plan_shifts(&mut self) {
        let end = self.load.length + EVENING;
        let mut agent = 0;
        for team in &self.load.teams {
            let mut changes: Vec<Duration> = team.changes().collect();
            changes.sort_unstable();
            changes.dedup();
            for _ in &team.users {
                for change in &changes {
                    let mut at = match change.checked_sub(self.load.clock) {
                        Some(at) => at,
                        None => *change + super::load::DAY - self.load.clock,
                    };
                    while at <= end {
                        self.agenda.set(self.begin + at, Due::Agent(agent, Habit::Attends));
                        at += super::load::DAY;
                    }
                }
                agent += 1;
            }
        }
    }

    fn run_all(&mut self) {
        let end = self.begin + self.load.length;
        self.run(end);
        while self.callers.live() > 0 && self.now.monotonic < end + EVENING {
            self.run(self.now.monotonic + Duration::from_secs(60));
        }
        if self.callers.live() > 0 {
            let left = format!("{} callers after {EVENING:?}", self.callers.live());
            self.breach(Breach::new("everybody is served or gives up", &left));
            return;
        }
        // Everybody goes home: what is left then is left for good.
        self.load.teams.iter_mut().for_each(|team| team.shifts = vec![NEVER]);
        self.tally.close(self.since());
        for agent in 0..self.agents.people.len() {
            self.agenda.set(self.now.monotonic, Due::Agent(agent, Habit::Attends));
        }
        self.run(self.now.monotonic + NIGHT);
        self.check();
        let population = self.switch.sip_population();
        if !self.switch.is_quiet() || self.lines.len() > 0 || population.sessions > 0 {
            let left = format!("{:?} {population:?}, {} legs", self.switch, self.lines.len());
            self.breach(Breach::new("nothing is left behind", &left));
        }
    }

    /// Lets time pass until `end`, or until a law is broken.
    fn run(&mut self, end: Mono) {
        self.settle();
        while let Some(due) = self.next().filter(|due| *due <= end) {
            self.now = self.now.after(due.since(self.now.monotonic));
            while let Some(due) = self.agenda.pop_due(self.now.monotonic) {
                self.happen(due);
            }
            let is_due = |at: Option<Mono>| at.is_some_and(|at| at <= self.now.monotonic);
            let (callers, agents) = (is_due(self.callers.poll_timeout()), is_due(self.agents.poll_timeout()));
            if is_due(self.switch.poll_timeout()) {
                self.switch.handle_timeout(self.now);
            }
            if callers {
                self.callers.handle_timeout(self.now);
            }
            if agents {
                self.agents.handle_timeout(self.now, &self.load);
            }
            self.settle();
            if std::mem::take(&mut self.check) {
                self.check();
            }
            if self.breaches.len() >= BREACHES {
                return;
            }
        }
        self.now = self.now.after(end.since(self.now.monotonic));
    }

    fn next(&self) -> Option<Mono> {
        let all = [
            self.agenda.poll_timeout(),
            self.switch.poll_timeout(),
            self.callers.poll_timeout(),
            self.agents.poll_timeout(),
            self.network.poll_timeout(),
        ];
        all.into_iter().flatten().min()
    }

    fn happen(&mut self, due: Due) {
        let now = self.now;
        match due {
            Due::Comes(stream) => {
                if let Some(what) = self.load.streams.get(stream) {
                    self.callers.call(now, now.monotonic.since(self.begin), stream, what);
                }
                self.next_call(stream);
            }
            Due::GivesUp(caller) => {
                if let Some(caller) = self.callers.get_mut(caller) {
                    caller.waiting = None;
                }
                self.callers.hang_up(now, caller);
            }
            Due::HangsUp(caller) => self.callers.hang_up(now, caller),
            Due::Presses(caller, key) => self.press(caller, key),
            Due::Media(later) => {
                if let Some(event) = self.lines.due(later) {
                    self.switch.handle_media(now, &event);
                }
            }
            Due::Silent(leg) => {
                if self.lines.is_open(leg) {
                    self.switch.handle_media(now, &leg::Event::Silent { leg });
                }
            }
            Due::Agent(agent, habit) => {
                if habit == Habit::Revives
                    && let Some(address) = self.agents.address(agent)
                {
                    self.network.cut_off(address, false);
                }
                self.agents.act(now, self.clock(), &self.load, agent, habit);
            }
            Due::Fault(ix) => {
                if let Some((_, fault)) = self.load.faults.get(ix).cloned() {
                    self.go_wrong(fault);
                }
            }
            Due::Check => {
                self.check = true;
                self.agenda.set(now.monotonic + self.load.check, Due::Check);
            }
        }
    }

    fn go_wrong(&mut self, fault: Fault) {
        match fault {
            Fault::PhoneDies(agent, time) => {
                let Some(address) = self.agents.address(agent) else { return };
                self.network.cut_off(address, true);
                if let Some(leg) = self.agents.die(self.now, agent) {
                    self.agenda.set(self.now.monotonic + SILENCE, Due::Silent(leg));
                }
                self.agenda.set(self.now.monotonic + time, Due::Agent(agent, Habit::Revives));
            }
            Fault::LogsOut(agent, time) => {
                self.agents.log_out(self.now, self.clock(), &self.load, agent);
                self.agenda.set(self.now.monotonic + time, Due::Agent(agent, Habit::Returns));
            }
            Fault::ClockJumps(seconds) => {
                let by = seconds.saturating_mul(1_000_000);
                self.now.wall = Wall::from_unix_micros(self.now.wall.as_unix_micros().saturating_add(by));
            }
            Fault::Reload(seed) => {
                let config = super::adapt::changed(&self.config, seed);
                self.switch.reconfigure(self.now, config, "a fault");
            }
        }
    }

    fn next_call(&mut self, stream: usize) {
        let since = self.since();
        let Some(what) = self.load.streams.get(stream) else { return };
        let next = what.arrivals.next(since, self.load.clock, &mut self.rng);
        if let Some(next) = next.filter(|next| *next < self.load.length) {
            self.agenda.set(self.begin + next, Due::Comes(stream));
        }
    }

    fn press(&mut self, caller: CallerId, key: usize) {
        let Some(found) = self.callers.get_mut(caller) else { return };
        let digit = self.load.streams.get(found.stream).and_then(|stream| stream.keys.get(key));
        if let (Some(leg), Some((_, digit))) = (found.leg, digit.copied()) {
            self.switch.handle_media(self.now, &leg::Event::Digit { leg, digit });
            self.switch.handle_media(self.now, &leg::Event::DigitEnd { leg, digit, duration_ms: 100 });
        }
    }

    /// Lets all react to each other until nobody has anything to say.
    fn settle(&mut self) {
        loop {
            let mut idle = self.obey();
            while let Some(event) = self.switch.poll_journal() {
                idle = false;
                self.note(&event);
            }
            idle &= self.plan_what_follows();
            idle &= self.send();
            while let Some(arrival) = self.network.pop_due(self.now.monotonic) {
                idle = false;
                self.deliver(arrival);
            }
            if idle {
                return;
            }
        }
    }

    /// Does what media threads, disks and other servers would do. True if there was nothing.
    fn obey(&mut self) -> bool {
        let (now, mut idle) = (self.now, self.obey_plugins());
        while let Some(ask) = self.switch.poll_ask() {
            idle = false;
            if let Some(answer) = self.dns.answer(&ask.question) {
                self.switch.handle_answer(now, ask.id, answer);
            }
        }
        while let Some(order) = self.switch.poll_take() {
            idle = false;
            if let TakeOrder::Begin { take, .. } = order {
                let report = TakeReport::Started { take, file: format!("{take}.wav").into() };
                self.switch.handle_take(now, report);
            }
        }
        while let Some(order) = self.switch.poll_letter() {
            idle = false;
            for report in self.letters.handle(order) {
                self.switch.handle_letter(now, report);
            }
        }
        while let Some(speak) = self.switch.poll_speak() {
            idle = false;
            self.switch.handle_spoken(now, speak.id, Ok(Prompt::from_samples(&SPOKEN)));
        }
        while let Some(order) = self.switch.poll_http() {
            idle = false;
            if let HttpOrder::Ask { id, .. } = order {
                let reply = Reply::Failed { status: None, failure: Failure::Refused };
                self.switch.handle_http(now, id, reply);
            }
        }
        while let Some(command) = self.switch.poll_media() {
            idle = false;
            self.lines.execute(command);
        }
        for event in std::mem::take(&mut self.lines.told) {
            self.on_media(&event);
        }
        while self.switch.poll_locations().is_some() || self.switch.poll_turned().is_some() {}
        while self.switch.poll_said().is_some() || self.switch.poll_callback().is_some() {}
        idle
    }

    fn on_media(&mut self, event: &leg::Event) {
        if let leg::Event::TakeEnded { take, frames, lost, .. } = *event {
            match self.letters.ended(take) {
                Some(report) => self.switch.handle_letter(self.now, report),
                None => {
                    let report = TakeReport::Finished { take, file: format!("{take}.wav").into(), frames, lost };
                    self.switch.handle_take(self.now, report);
                }
            }
        }
        self.switch.handle_media(self.now, event);
    }

    /// Puts on the agenda what media, callers and agents want. True if that was nothing.
    fn plan_what_follows(&mut self) -> bool {
        let now = self.now.monotonic;
        let mut idle = true;
        for (after, later) in std::mem::take(&mut self.lines.later) {
            self.agenda.set(now + after, Due::Media(later));
        }
        for (at, agent, habit) in std::mem::take(&mut self.agents.plans) {
            self.agenda.set(at, Due::Agent(agent, habit));
        }
        for (agent, saying) in std::mem::take(&mut self.agents.sayings) {
            idle = false;
            // Who is logged out has no break to take or to end.
            let _ = self.switch.handle_control(self.now, Request::SetAgent { agent, saying, by: "sim".to_owned() });
        }
        for token in std::mem::take(&mut self.callers.dropped) {
            self.agenda.cancel(token);
        }
        for caller in std::mem::take(&mut self.callers.answered) {
            idle = false;
            let Some(found) = self.callers.get_mut(caller) else { continue };
            let keys = self.load.streams.get(found.stream).map_or(&[][..], |stream| &stream.keys);
            for (key, (after, _)) in keys.iter().enumerate() {
                self.agenda.set(now + *after, Due::Presses(caller, key));
            }
        }
        idle
    }

    /// Puts everything that is to be sent onto the network. True if that was nothing.
    fn send(&mut self) -> bool {
        let (now, before) = (self.now.monotonic, self.messages);
        while let Some(transmit) = self.switch.poll_transmit() {
            self.messages += 1;
            self.network.send(now, transmit.flow.local, transmit);
        }
        while let Some(transmit) = self.callers.poll_transmit() {
            self.messages += 1;
            self.network.send(now, transmit.flow.local, transmit);
        }
        while let Some(transmit) = self.agents.poll_transmit() {
            self.messages += 1;
            self.network.send(now, transmit.flow.local, transmit);
        }
        before == self.messages
    }

    fn deliver(&mut self, Arrival { to, what }: Arrival) {
        let Arrived::Message(flow, payload) = what else { return };
        let parsed = parse_datagram(payload);
        if to == switch_address() {
            self.switch.handle_datagram(self.now, flow, parsed);
        } else if to.ip() == super::callers::CALLERS {
            self.callers.handle(self.now, flow, parsed);
        } else {
            self.agents.handle(self.now, &self.load, flow, parsed);
        }
    }

    /// What the journal is told: figures, and what people do by it.
    fn note(&mut self, event: &journal::Event) {
        let since = self.since();
        self.tally.feed(since, event);
        if let Some(journal) = &mut self.beside.journal {
            journal(event);
        }
        if let Some(books) = &mut self.books {
            books.feed(event);
        }
        let Some(call) = event.call else { return };
        match &event.kind {
            Kind::CallBegan { from, .. } => self.callers.began(call, from.reveal()),
            Kind::LegBegan { leg, role: LegRole::Caller } => {
                if let Some((_, caller)) = self.callers.of_call(call) {
                    caller.leg = Some(*leg);
                }
            }
            Kind::LegBegan { leg, role: LegRole::Agent(name) } => {
                if let Some(agent) = self.agents.find(name) {
                    self.legs.insert(*leg, agent);
                    self.agents.people.get_mut(agent).into_iter().for_each(|agent| agent.leg = Some(*leg));
                }
            }
            Kind::LegEnded { leg, .. } => {
                if let Some(agent) = self.legs.remove(leg).and_then(|agent| self.agents.people.get_mut(agent)) {
                    agent.leg.take_if(|known| known == leg);
                }
            }
            Kind::QueueJoined { .. } => self.waits(call),
            Kind::QueueLeft { .. } => {
                if let Some(token) = self.callers.of_call(call).and_then(|(_, caller)| caller.waiting.take()) {
                    self.agenda.cancel(token);
                }
            }
            Kind::Bridged { b, .. } => self.talk(call, *b),
            Kind::CallEnded { .. } => self.callers.ended(call),
            _ => {}
        }
    }

    /// A caller waits: when he gives up.
    fn waits(&mut self, call: base::CallId) {
        let now = self.now.monotonic;
        let Some((number, caller)) = self.callers.of_call(call) else { return };
        if let Some(at) = caller.gives_up_at(now, &self.load) {
            caller.waiting = Some(self.agenda.set(at.max(now), Due::GivesUp(number)));
        }
    }

    /// A caller talks with somebody: when that ends, and who ends it.
    fn talk(&mut self, call: base::CallId, leg: LegId) {
        let Some((number, caller)) = self.callers.of_call(call) else { return };
        let Some(talk) = caller.talk(&self.load) else { return };
        let Some(lasts) = talk.lasts else { return };
        let agent = self.legs.get(&leg).copied().filter(|_| talk.agent_ends);
        let agent = agent.and_then(|agent| Some((agent, self.agents.talks(agent)?)));
        let due = match agent {
            Some((agent, session)) => Due::Agent(agent, Habit::HangsUp(session)),
            None => Due::HangsUp(number),
        };
        self.agenda.set(self.now.monotonic + lasts, due);
    }

    fn check(&mut self) {
        if let Err(what) = self.switch.check_invariants(self.now) {
            self.breach(Breach::new("the switch is sound", &what));
        }
        for what in std::mem::take(&mut self.lines.nonsense) {
            self.breach(Breach::new("commands make sense", &what));
        }
        let of_books: Vec<Breach> = self.books.as_ref().map_or_else(Vec::new, |books| books.breaches().to_vec());
        if let Some(breach) = of_books.into_iter().next() {
            self.breach(breach);
        }
    }

    fn breach(&mut self, breach: Breach) {
        if self.breaches.len() < BREACHES {
            self.breaches.push((self.since(), breach));
        }
    }

    /// Time since the begin.
    fn since(&self) -> Duration {
        self.now.monotonic.since(self.begin)
    }

    /// What the clock on the wall would show if it did not jump.
    fn clock(&self) -> Duration {
        self.load.clock + self.since()
    }
}
