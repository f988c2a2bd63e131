//! Agents and their phones: they log in and out by registering, take breaks, answer, let ring or decline, and their phones die.
//!
//! All phones share one SIP stack, which is theirs alone; each has its own address.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base::{IdMap, LegId, Mono, Now, Rng};
use sip::{Event, Flow, Refusal, SessionId, Stack, StackConfig, Transmit};
use sip_message::{Message, Method};
use switch::Saying;

use super::load::{Load, time_of_day};
use crate::carrier::Entrance;
use crate::registration::{Account, Outcome, Registration};
use crate::switch_address;

/// The password of every agent of the centre.
pub(super) const PASSWORD: &str = "virtual";
/// The reason of every break.
pub(super) const BREAK: &str = "simulated";
/// After how long a phone asks again whose registration failed.
const RETRY: Duration = Duration::from_secs(20);

/// What a phone's owner does when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// He answers.
    Answers(SessionId),
    /// He declines.
    Declines(SessionId),
    /// He hangs up.
    HangsUp(SessionId),
    /// He comes or goes, if it is time for that.
    Attends,
    /// His phone's registration has something to do.
    Registers,
    /// His phone is alive again.
    Revives,
    /// He who logged out of his own accord may come again.
    Returns,
}

pub(super) struct Agent {
    name: Arc<str>,
    address: SocketAddr,
    team: usize,
    registration: Registration,
    /// Whether it registers, or wants to.
    here: bool,
    /// Whether he has said that he is on a break.
    pauses: bool,
    session: Option<SessionId>,
    /// His leg in the switch.
    pub leg: Option<LegId>,
    /// How many faults keep his phone dead.
    dead: u32,
    /// How many faults keep him away.
    away: u32,
}

/// All agents.
pub(super) struct Agents {
    stack: Stack,
    pub people: Vec<Agent>,
    names: BTreeMap<String, usize>,
    /// Whose phone has which session.
    sessions: IdMap<SessionId, usize>,
    rng: Rng,
    expires: u32,
    /// Messages of registrations.
    registering: VecDeque<Transmit>,
    /// What is to be done when, by whom.
    pub plans: Vec<(Mono, usize, Habit)>,
    /// What agents say of themselves.
    pub sayings: Vec<(Arc<str>, Saying)>,
}

impl Agents {
    pub(super) fn new(load: &Load, expires: u32, mut rng: Rng) -> Self {
        let listener = sip::Listener { transport: sip::Transport::Udp, local: address(0), advertised: None };
        let mut agents = Self {
            stack: Stack::new(StackConfig::new("virtual phones", vec![listener]), rng.fork()),
            people: Vec::new(),
            names: BTreeMap::new(),
            sessions: IdMap::default(),
            rng: rng.fork(),
            expires,
            registering: VecDeque::new(),
            plans: Vec::new(),
            sayings: Vec::new(),
        };
        for (team, users) in load.teams.iter().enumerate().map(|(ix, team)| (ix, &team.users)) {
            for user in users {
                let address = address(agents.people.len());
                let flow = Flow::udp(0, address, switch_address());
                let account = Account { user: user.clone(), password: PASSWORD.to_owned() };
                let registration = Registration::new(account, flow, rng.fork());
                agents.names.insert(user.clone(), agents.people.len());
                agents.people.push(Agent {
                    name: user.as_str().into(),
                    address,
                    team,
                    registration,
                    here: false,
                    pauses: false,
                    session: None,
                    leg: None,
                    dead: 0,
                    away: 0,
                });
            }
        }
        agents
    }

    /// The agent of that name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub(super) fn address(&self, agent: usize) -> Option<SocketAddr> {
        self.people.get(agent).map(|agent| agent.address)
    }

    /// What he does is due.
    pub(super) fn act(&mut self, now: Now, clock: Duration, load: &Load, agent: usize, habit: Habit) {
        let Some(person) = self.people.get_mut(agent) else { return };
        match habit {
            Habit::Answers(session) if person.session == Some(session) => {
                self.stack.accept(now, session, description(person.address.ip()).into());
            }
            Habit::Declines(session) if person.session == Some(session) => {
                self.stack.refuse(now, session, Refusal::of(603));
            }
            Habit::HangsUp(session) if person.session == Some(session) => self.stack.hang_up(now, session, None),
            Habit::Answers(_) | Habit::Declines(_) | Habit::HangsUp(_) => {}
            Habit::Attends => self.attend(now, clock, load, agent),
            Habit::Registers => {
                let outcome = person.registration.handle_timeout(now.monotonic);
                self.registered(now, agent, outcome);
            }
            Habit::Revives => {
                person.dead = person.dead.saturating_sub(1);
                // It knows nothing of what was before, and registers anew.
                person.here = false;
                self.attend(now, clock, load, agent);
            }
            Habit::Returns => {
                person.away = person.away.saturating_sub(1);
                self.attend(now, clock, load, agent);
            }
        }
        self.watch(now, load);
    }

    /// His phone is dead until [`Habit::Revives`]. Gives the leg whose media falls silent.
    pub(super) fn die(&mut self, now: Now, agent: usize) -> Option<LegId> {
        let person = self.people.get_mut(agent)?;
        person.dead += 1;
        if let Some(session) = person.session.take() {
            // Nobody hears that.
            self.stack.hang_up(now, session, None);
        }
        person.leg
    }

    /// He logs out, whatever he does, until [`Habit::Returns`].
    pub(super) fn log_out(&mut self, now: Now, clock: Duration, load: &Load, agent: usize) {
        if let Some(person) = self.people.get_mut(agent) {
            person.away += 1;
        }
        self.attend(now, clock, load, agent);
    }

    /// Whoever talks hangs up.
    pub(super) fn talks(&self, agent: usize) -> Option<SessionId> {
        self.people.get(agent)?.session
    }

    /// Comes or goes, as the shift and faults say.
    fn attend(&mut self, now: Now, clock: Duration, load: &Load, agent: usize) {
        let Some(person) = self.people.get_mut(agent) else { return };
        let time = time_of_day(clock);
        let Some(team) = load.teams.get(person.team) else { return };
        let wanted = team.works_at(time) && person.away == 0;
        if wanted != person.here && person.dead == 0 {
            person.here = wanted;
            person.registration.ask(now.monotonic, if wanted { self.expires } else { 0 });
            self.registered(now, agent, None);
        }
        self.rest(agent, team.rests_at(time), false);
    }

    /// Says that a break begins or ends, if it does, or who `came` just now is on one.
    fn rest(&mut self, agent: usize, wanted: bool, came: bool) {
        let Some(person) = self.people.get_mut(agent) else { return };
        if wanted != person.pauses || (came && wanted) {
            person.pauses = wanted;
            let saying = if wanted { Saying::Pause { reason: BREAK.into() } } else { Saying::Ready };
            self.sayings.push((person.name.clone(), saying));
        }
    }

    /// Sends what a registration has to say, and plans when it goes on.
    fn registered(&mut self, now: Now, agent: usize, outcome: Option<Outcome>) {
        let Some(person) = self.people.get_mut(agent) else { return };
        while let Some(transmit) = person.registration.poll_transmit() {
            self.registering.push_back(transmit);
        }
        if matches!(outcome, Some(Outcome::Failed(_))) {
            person.here = !person.here;
            self.plans.push((now.monotonic + RETRY, agent, Habit::Attends));
        }
        if let Some(due) = person.registration.poll_timeout() {
            self.plans.push((due, agent, Habit::Registers));
        }
    }

    /// A message came to a phone.
    pub(super) fn handle(&mut self, now: Now, load: &Load, flow: Flow, parsed: Result<Message, sip_message::Reject>) {
        if let Ok(Message::Response(response)) = &parsed
            && response.head.cseq.method == Method::Register
        {
            let Some(agent) = index(flow.local) else { return };
            let Some(person) = self.people.get_mut(agent) else { return };
            let outcome = person.registration.handle_response(now.monotonic, response);
            let pauses = person.pauses;
            if outcome == Some(Outcome::Bound) {
                self.rest(agent, pauses, true);
            }
            return self.registered(now, agent, outcome);
        }
        self.stack.handle_datagram(now, flow, parsed, &mut Entrance(None));
        self.watch(now, load);
    }

    pub(super) fn handle_timeout(&mut self, now: Now, load: &Load) {
        self.stack.handle_timeout(now);
        self.watch(now, load);
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.stack.poll_timeout()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.registering.pop_front().or_else(|| self.stack.poll_transmit())
    }

    fn watch(&mut self, now: Now, load: &Load) {
        while let Some(event) = self.stack.poll_event() {
            match event {
                Event::Invited { session, flow, .. } => self.rings(now, load, session, flow),
                Event::Changed { session, body } => {
                    let answer = body.map_or_else(String::new, |_| description(IpAddr::V4(Ipv4Addr::LOCALHOST)));
                    self.stack.accept_change(now, session, answer.into());
                }
                Event::Cancelled { session, .. } | Event::Ended { session, .. } | Event::Refused { session, .. } => {
                    self.over(session);
                }
                Event::Subscribed { pending, .. } | Event::Messaged { pending, .. } => {
                    self.stack.respond(now, pending, 405, &[]);
                }
                _ => {}
            }
        }
    }

    fn over(&mut self, session: SessionId) {
        if let Some(person) = self.sessions.remove(&session).and_then(|agent| self.people.get_mut(agent)) {
            person.session.take_if(|known| *known == session);
        }
    }

    fn rings(&mut self, now: Now, load: &Load, session: SessionId, flow: Flow) {
        let Some(agent) = index(flow.local) else { return };
        let Some(person) = self.people.get_mut(agent) else { return };
        if person.session.is_some() {
            return self.stack.refuse(now, session, Refusal::of(486));
        }
        person.session = Some(session);
        self.sessions.insert(session, agent);
        let Some(team) = self.people.get(agent).and_then(|person| load.teams.get(person.team)) else { return };
        let mood = self.rng.below(100);
        let after = team.answers_after.draw(&mut self.rng);
        let habit = match (mood, after) {
            (mood, Some(after)) if mood >= team.ignores + team.declines => Some((after, Habit::Answers(session))),
            (mood, Some(after)) if mood >= team.ignores => Some((after, Habit::Declines(session))),
            _ => None,
        };
        match habit {
            Some((Duration::ZERO, Habit::Answers(_))) => {
                let answer = description(flow.local.ip());
                self.stack.accept(now, session, answer.into());
            }
            habit => {
                self.stack.ring(now, session, 180, None);
                self.plans.extend(habit.map(|(after, habit)| (now.monotonic + after, agent, habit)));
            }
        }
    }
}

/// The address of an agent's phone, by his number.
fn address(agent: usize) -> SocketAddr {
    let number = u16::try_from(agent).unwrap_or(u16::MAX);
    let [high, low] = number.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, 1, high, low), 5060))
}

/// The number of the agent whose phone has this address.
fn index(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        IpAddr::V4(ip) => match ip.octets() {
            [127, 1, high, low] => Some(usize::from(u16::from_be_bytes([high, low]))),
            _ => None,
        },
        IpAddr::V6(_) => None,
    }
}

/// The description of one audio line, at an address.
pub(super) fn description(ip: IpAddr) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    )
}
