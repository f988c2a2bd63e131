//! Playing a scenario: everybody does what he does when it is time, then all hang up, and when all is quiet nothing may
//! be left.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use base::{Mono, Wall};
use bytes::Bytes;
use switch::{Config, control};

use super::{Act, Cast, Deed, Scenario, Whose, fixed_address};
use crate::company::{Company, PASSWORD};
use crate::laws::Breach;
use crate::{Account, World};

/// For how long live calls may go on when the switch takes no new ones.
const GRACE: Duration = Duration::from_secs(5);
/// In this time all phones that ring or talk for callers who have hung up are let go: the silence of a phone without
/// power, or a time-out of 64*T1 with another one after it.
const LET_GO: Duration = Duration::from_secs(100);
/// Longer than it takes to ask how those are whom one watches.
const LOOK: Duration = Duration::from_secs(70);
/// Longer than a cancelled INVITE and the BYE after it linger, with the time to tidy up.
const QUIET: Duration = Duration::from_secs(200);
/// Longer than any registration or nonce lasts.
const LAST_TIMERS: Duration = Duration::from_secs(2 * 3600);

/// What came of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// What happened, in order; empty unless it was asked for.
    pub told: Vec<Told>,
    /// The laws that were broken, expectations among them. The first ends the scenario.
    pub breaches: Vec<Breach>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When, from the scenario's start.
    pub at: Duration,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = self.at.as_millis();
        write!(f, "{:6}.{:03} {}", millis / 1000, millis % 1000, self.what)
    }
}

impl Scenario {
    /// Plays it. `telling`: what happens is told too. A panic breaks a law as well.
    #[must_use]
    pub fn play(&self, telling: bool) -> Played {
        let mut stage = Stage::new(self, telling, &Company::config);
        let breaches = match catch_unwind(AssertUnwindSafe(|| stage.run())) {
            Ok(held) => held.err().unwrap_or_default(),
            Err(panic) => vec![Breach::new("nothing panics", text_of(panic.as_ref()))],
        };
        Played { told: stage.into_told(), breaches }
    }
}

/// A scenario that is being played.
pub(crate) struct Stage<'a> {
    scenario: &'a Scenario,
    pub world: World,
    start: Mono,
    told: Option<Vec<Told>>,
    /// The configuration of each company.
    config: &'a dyn Fn(Company) -> Config,
}

impl<'a> Stage<'a> {
    /// An empty stage. `telling`: what happens is taken down.
    pub fn new(scenario: &'a Scenario, telling: bool, config: &'a dyn Fn(Company) -> Config) -> Self {
        let mut world = World::with(config(Company::Whole), scenario.seed);
        world.telling = telling;
        let start = world.now.monotonic;
        Self { scenario, world, start, told: telling.then(Vec::new), config }
    }

    /// What was taken down.
    pub fn into_told(mut self) -> Vec<Told> {
        self.hear();
        self.told.unwrap_or_default()
    }

    fn run(&mut self) -> Result<(), Vec<Breach>> {
        self.world.network.nodes.clone_from(&self.scenario.network);
        self.world.media.pace = self.scenario.pace;
        for index in 0..self.scenario.phones.len() {
            self.set_up(index);
        }
        for step in &self.scenario.timeline {
            let now = self.world.now.monotonic.since(self.start);
            self.world.run(step.at.saturating_sub(now));
            self.check()?;
            self.tell(|scenario| scenario.act_text(&step.act));
            self.act(&step.act)?;
            self.world.run(Duration::ZERO);
            self.check()?;
        }
        self.end()
    }

    pub fn set_up(&mut self, index: usize) {
        let Some(Cast { whose, transport, answers, rings_for, talks_for, manners, .. }) =
            self.scenario.phones.get(index)
        else {
            return;
        };
        let phone = self.world.add_phone(self.scenario.address(index));
        phone.set_manners(*manners);
        phone.transport = *transport;
        phone.reflex = *answers;
        phone.rings_for = *rings_for;
        phone.talks_for = *talks_for;
        if let Whose::User(user) = whose
            && fixed_address(user).is_none()
        {
            phone.set_account(Account { user: user.clone(), password: PASSWORD.to_owned() });
        }
    }

    pub fn act(&mut self, act: &Act) -> Result<(), Vec<Breach>> {
        let now = self.world.now;
        match act {
            Act::Phone(phone, deed) => self.act_with_phone(*phone, deed),
            Act::Restart => self.world.restart(),
            Act::Drain => self.world.switch.drain(now, GRACE),
            Act::EndCall => self.end_call(),
            Act::Reload(company) => self.world.reconfigure((self.config)(*company)),
            Act::Fault => self.world.switch.handle_fault(now, "test"),
            Act::Jump(millis) => {
                let wall = now.wall.as_unix_micros().saturating_add(millis.saturating_mul(1000));
                self.world.now.wall = Wall::from_unix_micros(wall);
            }
            Act::NoPorts(none) => self.world.media.exhausted = *none,
            Act::DiskStalls(true) => drop(self.world.media.slow_disk.get_or_insert_default()),
            Act::DiskStalls(false) => self.world.finish_takes(),
            Act::Expect(expected) => return or_breaches(expected.check(self.scenario, &self.world)),
        }
        Ok(())
    }

    fn act_with_phone(&mut self, index: usize, deed: &Deed) {
        let address = self.scenario.address(index);
        let now = self.world.now;
        match deed {
            Deed::Press(key) => self
                .media_tells(address, |leg| leg::Digit::from_char(*key).map(|digit| leg::Event::Digit { leg, digit })),
            Deed::Type(keys) => {
                for digit in keys.chars().filter_map(leg::Digit::from_char) {
                    self.media_tells(address, |leg| Some(leg::Event::Digit { leg, digit }));
                }
            }
            Deed::Silence => self.media_tells(address, |leg| Some(leg::Event::Silent { leg })),
            Deed::Vanish => self.world.unplug(address),
            Deed::Return if !self.world.phones.contains_key(&address) => self.set_up(index),
            Deed::CutOff => self.world.cut_off(address, true),
            Deed::Reconnect => self.world.cut_off(address, false),
            Deed::BreakLines => self.world.break_lines(address),
            _ => {}
        }
        let number = match self.scenario.phones.get(index).map(|cast| &cast.whose) {
            Some(Whose::Outside(number) | Whose::User(number) | Whose::Stranger(number)) => number,
            Some(Whose::Carrier) | None => "",
        };
        let replaces = match deed {
            Deed::TakeOver(user) => self.replaces(user),
            _ => None,
        };
        let Some(phone) = self.world.phones.get_mut(&address) else { return };
        match deed {
            Deed::Call(to) if phone.session.is_none() => phone.call(now, number, to),
            Deed::CallOfferless(to) if phone.session.is_none() => phone.call_with(now, number, to, Bytes::new()),
            Deed::Ring => phone.ring(now),
            Deed::SpeakEarly => phone.speak_early(now),
            Deed::Redirect(to) => phone.redirect(now, &format!("sip:{to}@{}", crate::SWITCH)),
            Deed::Answer => phone.answer(now),
            Deed::Refuse(status) => phone.refuse(now, *status),
            Deed::HangUp => phone.hang_up(now),
            Deed::ByeEarly => phone.bye_early(now),
            Deed::Refer(to) => phone.refer(now, to),
            Deed::Consult(to) if phone.session.is_some() && phone.aside.is_none() => {
                phone.put_aside();
                phone.call(now, number, to);
            }
            Deed::Join => phone.join(now, "102"),
            Deed::TakeOver(user) if phone.session.is_none() => {
                phone.headers = replaces.map(|value| ("Replaces".to_owned(), value)).into_iter().collect();
                phone.call(now, number, user);
                phone.headers.clear();
            }
            Deed::Change(direction) => drop(phone.change(now, direction_word(*direction))),
            Deed::Ask => drop(phone.change_with(now, Bytes::new())),
            Deed::Update(direction) => drop(phone.update(now, direction_word(*direction))),
            Deed::Move => drop(phone.move_media(now)),
            Deed::Watch(user) => phone.subscribe(now, number, user),
            Deed::Unwatch => phone.unsubscribe(now),
            Deed::Register => phone.register(now),
            Deed::Unregister => phone.unregister(now),
            _ => {}
        }
    }

    /// The Replaces of what a user's phone does.
    fn replaces(&self, user: &str) -> Option<String> {
        let whose = Whose::User(user.to_owned());
        let index = self.scenario.phones.iter().position(|cast| cast.whose == whose)?;
        self.world.phones.get(&self.scenario.address(index))?.replaces()
    }

    fn media_tells(&mut self, phone: SocketAddr, event: impl FnOnce(base::LegId) -> Option<leg::Event>) {
        let Some(media) = self.world.phones.get(&phone).map(crate::Phone::media) else { return };
        if let Some(event) = self.world.media.leg_to(media).and_then(event) {
            self.world.tell(|switch, now| switch.handle_media(now, &event));
        }
    }

    fn end_call(&mut self) {
        let now = self.world.now;
        let request = control::Request::Calls { after: None, limit: 1 };
        if let control::Response::Calls(page) = self.world.switch.handle_control(now, request)
            && let Some(line) = page.calls.first()
        {
            self.world.switch.handle_control(now, control::Request::Hangup { call: line.call });
        }
    }

    /// Everybody goes home; then nothing may be left.
    fn end(&mut self) -> Result<(), Vec<Breach>> {
        self.tell(|_| "all callers hang up".to_owned());
        self.world.reconfigure((self.config)(Company::Whole));
        self.world.media.exhausted = false;
        self.world.finish_takes();
        let is_transfer = |event: &journal::Event| matches!(event.kind, journal::Kind::Transferred { .. });
        let brought_together = self.world.journal.iter().any(is_transfer);
        self.for_each_phone(|world, address| world.cut_off(address, false));
        self.for_each_phone(|world, address| {
            let now = world.now;
            if let Some(phone) = world.phones.get_mut(&address) {
                phone.reflex = Some(486);
                phone.rings_for = Duration::ZERO;
                phone.stop_refreshing();
                // Two who were brought together may both have been called.
                if phone.placed_its_call() || brought_together {
                    phone.hang_up(now);
                }
            }
        });
        self.world.run(LET_GO);
        self.check()?;
        let held = self.scenario.phones.iter().enumerate().filter(|(index, _)| {
            let phone = self.world.phones.get(&self.scenario.address(*index));
            phone.is_some_and(|phone| phone.session.is_some() && !phone.estranged)
        });
        let held = held.map(|(_, cast)| Breach::new("whoever rings or talks for nobody is let go", &cast.name));
        or_breaches(held.collect())?;
        self.tell(|_| "everybody goes home".to_owned());
        self.for_each_phone(|world, address| {
            let now = world.now;
            if let Some(phone) = world.phones.get_mut(&address) {
                phone.hang_up(now);
                phone.unregister(now);
            }
        });
        self.world.run(LOOK);
        self.check()?;
        self.look_again()?;
        self.for_each_phone(|world, address| {
            let now = world.now;
            if let Some(phone) = world.phones.get_mut(&address) {
                phone.unsubscribe(now);
            }
        });
        self.world.run(QUIET);
        self.check()?;
        or_breaches(self.world.left_behind())?;
        or_breaches(self.scenario.expected.check(self.scenario, &self.world))?;
        self.world.run(LAST_TIMERS);
        self.check()?;
        or_breaches(self.world.left_at_the_end())
    }

    /// Nobody talks any more: no lamp is lit, neither by what was told while all went on nor by what is told now. Who learns that he
    /// was not subscribed any more missed what he was not told by no fault of the switch.
    fn look_again(&mut self) -> Result<(), Vec<Breach>> {
        let lit: Vec<(SocketAddr, String)> =
            self.world.phones.iter().flat_map(|(at, phone)| phone.lit().map(|what| (*at, what))).collect();
        self.tell(|_| "who watches looks again".to_owned());
        self.for_each_phone(|world, address| {
            let now = world.now;
            if let Some(phone) = world.phones.get_mut(&address) {
                phone.look_again(now);
            }
        });
        self.world.run(LOOK / 2);
        self.check()?;
        let alive = |(at, what): &(SocketAddr, String)| self.world.phones.get(at).is_some_and(|it| it.is_alive(what));
        let before = lit.into_iter().filter(alive).map(|(_, what)| what);
        let now = self.world.phones.values().flat_map(crate::Phone::lit);
        let law = "who watches knows that it is over";
        let breaches = before.chain(now).map(|what| Breach::new(law, &what)).collect();
        self.world.run(LOOK / 2);
        or_breaches(breaches)
    }

    pub fn for_each_phone(&mut self, act: impl Fn(&mut World, SocketAddr)) {
        for index in 0..self.scenario.phones.len() {
            act(&mut self.world, self.scenario.address(index));
        }
        self.world.react();
    }

    pub fn check(&mut self) -> Result<(), Vec<Breach>> {
        or_breaches(self.world.breaches())
    }

    pub fn tell(&mut self, what: impl FnOnce(&Scenario) -> String) {
        self.hear();
        let at = self.world.now.monotonic.since(self.start);
        if let Some(told) = &mut self.told {
            told.push(Told { at, what: format!("→ {}", what(self.scenario)) });
        }
    }

    /// Takes what the world told meanwhile.
    fn hear(&mut self) {
        let Some(told) = &mut self.told else { return };
        for (at, address, what) in std::mem::take(&mut self.world.told) {
            let name = address.and_then(|address| {
                let casts = self.scenario.phones.iter().enumerate();
                casts.into_iter().find(|(index, _)| self.scenario.address(*index) == address)
            });
            let name = name.map_or("switch", |(_, cast)| &cast.name);
            told.push(Told { at: at.since(self.start), what: format!("  {name}: {what}") });
        }
    }
}

/// What a panic said.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

pub(crate) fn or_breaches(breaches: Vec<Breach>) -> Result<(), Vec<Breach>> {
    if breaches.is_empty() { Ok(()) } else { Err(breaches) }
}

/// A direction as SDP writes it.
pub(super) const fn direction_word(direction: sdp::Direction) -> &'static str {
    match direction {
        sdp::Direction::SendRecv => "sendrecv",
        sdp::Direction::SendOnly => "sendonly",
        sdp::Direction::RecvOnly => "recvonly",
        sdp::Direction::Inactive => "inactive",
    }
}
