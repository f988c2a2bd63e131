//! Events become sums.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{CallId, LegId, OfferId, Wall};

use crate::kpi::Figures;
use crate::visit::{Carried, millis};
use crate::{AgentStatus, Event, Kind, LegRole, Name, OfferEnded, OfferMade, OfferOutcome, QueueExit, StatusChanged};

/// Calls in queues or with agents at once; beyond it the oldest is forgotten, as its end must have got lost.
const MAX_LIVE: usize = 200_000;
/// Time is told in pieces that do not cross a multiple of this: hours and days of every time zone begin at one.
const PIECE: Duration = Duration::from_secs(900);
/// A longer stretch is told from its end only: events are missing.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Within what time queues are to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// By queue.
    pub within: BTreeMap<Name, Duration>,
    /// Of the others.
    pub usual: Duration,
}

impl Default for Targets {
    fn default() -> Self {
        Self { within: BTreeMap::new(), usual: Duration::from_secs(20) }
    }
}

/// What an event adds.
#[derive(Clone, Debug)]
pub struct Credit<'a> {
    /// The moment whose interval it belongs to.
    pub at: Wall,
    /// The queue; none for the time of agents.
    pub queue: Option<&'a Name>,
    /// The agent, if it is about one.
    pub agent: Option<&'a Name>,
    /// How much.
    pub figures: Figures,
}

/// Folds the events of all calls and agents, in the order of the journal, into what they add to the figures.
#[derive(Debug, Default)]
pub struct KpiFold {
    targets: Targets,
    calls: BTreeMap<CallId, Call>,
    agents: BTreeMap<Name, Agent>,
    /// When the last event was.
    last: Wall,
}

/// A call that was in a queue and is not over.
#[derive(Debug, Default)]
struct Call {
    visit: Option<Stay>,
    carried: Carried,
    offers: BTreeMap<OfferId, Stay>,
    /// Legs of agents.
    legs: BTreeMap<LegId, Name>,
    handling: Option<Handling>,
}

/// A visit to which things are put down.
#[derive(Clone, Debug)]
struct Stay {
    queue: Name,
    joined: Wall,
}

/// An agent has the call.
#[derive(Debug)]
struct Handling {
    stay: Stay,
    agent: Name,
    leg: Option<LegId>,
    talking: Option<Wall>,
    holding: BTreeSet<LegId>,
    held: Option<Wall>,
    talk_ms: u64,
    hold_ms: u64,
}

/// What an agent does.
#[derive(Debug, Default)]
struct Agent {
    available: bool,
    /// He has a call.
    in_call: bool,
    /// Since when the time after a call goes on.
    wrap_up: Option<Wall>,
    /// The visit of his last call, to which the time after it is put down.
    last: Option<Stay>,
    staffed: Option<Wall>,
    busy: Option<Wall>,
}

impl KpiFold {
    /// A fold by which calls are in time.
    #[must_use]
    pub fn new(targets: Targets) -> Self {
        Self { targets, ..Self::default() }
    }

    /// Queues answer in time by this from now on.
    pub fn set_targets(&mut self, targets: Targets) {
        self.targets = targets;
    }

    /// True if events of this name can add anything, so that others need not be read at all.
    #[must_use]
    pub fn wants(event: &str) -> bool {
        matches!(
            event,
            "queue_joined"
                | "queue_left"
                | "offer_made"
                | "offer_ended"
                | "leg_began"
                | "leg_ended"
                | "bridged"
                | "unbridged"
                | "held"
                | "resumed"
                | "call_ended"
                | "agent_status"
                | "wrap_up_began"
                | "wrap_up_ended"
                | "started"
                | "stopped"
        )
    }

    /// Takes the next event, and tells `credit` what it adds.
    pub fn feed(&mut self, event: &Event, credit: &mut impl FnMut(Credit<'_>)) {
        match (&event.kind, event.call) {
            (Kind::AgentStatus(StatusChanged { agent, status, .. }), _) => {
                let found = self.agents.entry(agent.clone()).or_default();
                found.available = *status == AgentStatus::Available;
                found.turn(agent, event.at, credit);
            }
            (Kind::WrapUpBegan { agent }, _) => {
                let found = self.agents.entry(agent.clone()).or_default();
                found.end_wrap_up(agent, event.at, credit);
                found.wrap_up = Some(event.at);
                found.turn(agent, event.at, credit);
            }
            (Kind::WrapUpEnded { agent }, _) => {
                if let Some(found) = self.agents.get_mut(agent) {
                    found.end_wrap_up(agent, event.at, credit);
                    found.turn(agent, event.at, credit);
                }
            }
            // What went on when the last run ended, ended with it.
            (Kind::Started { .. }, None) => self.end_all(self.last, credit),
            (Kind::Stopped { .. }, None) => self.end_all(event.at, credit),
            (_, Some(call)) => self.take(call, event, credit),
            _ => {}
        }
        self.last = event.at;
    }

    /// Tells what the time of agents adds that goes on at `now`, up to then; nothing of it is told again.
    pub fn advance(&mut self, now: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        for (name, agent) in &mut self.agents {
            agent.pass(name, now, credit);
        }
    }

    /// As [`KpiFold::advance`], for one agent.
    pub fn advance_agent(&mut self, name: &Name, now: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        if let Some(agent) = self.agents.get_mut(name) {
            agent.pass(name, now, credit);
        }
    }

    fn end_all(&mut self, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        for (_, call) in std::mem::take(&mut self.calls) {
            self.close(call, at, credit);
        }
        for (name, mut agent) in std::mem::take(&mut self.agents) {
            agent.end_wrap_up(&name, at, credit);
            agent.pass(&name, at, credit);
        }
    }

    fn take(&mut self, id: CallId, event: &Event, credit: &mut impl FnMut(Credit<'_>)) {
        match &event.kind {
            Kind::QueueJoined { queue } => {
                let call = self.calls.entry(id).or_default();
                call.carried.join(event.seq);
                let stay = Stay { queue: queue.clone(), joined: event.at };
                credit(stay.credit(None, Figures { offered: 1, ..Figures::default() }));
                call.visit = Some(stay);
                if self.calls.len() > MAX_LIVE {
                    self.calls.pop_first();
                }
            }
            Kind::QueueLeft { queue, why, waited_ms, .. } => self.left(id, event, (queue, *why, *waited_ms), credit),
            Kind::OfferMade(_) | Kind::OfferEnded(_) => self.take_offer(id, event, credit),
            Kind::CallEnded { .. } => {
                if let Some(call) = self.calls.remove(&id) {
                    self.close(call, event.at, credit);
                }
            }
            _ => self.take_leg(id, event, credit),
        }
    }

    fn left(
        &mut self,
        id: CallId,
        event: &Event,
        (queue, why, waited_ms): (&Name, QueueExit, u64),
        credit: &mut impl FnMut(Credit<'_>),
    ) {
        let within = self.within(queue);
        let Some(call) = self.calls.get_mut(&id) else {
            // A queue that takes nobody is left without having been joined.
            let stay = Stay { queue: queue.clone(), joined: event.at };
            let figures = Figures { offered: 1, ..Figures::of_exit(Some(why), waited_ms, within) };
            return credit(stay.credit(None, figures));
        };
        let waited_ms = call.carried.leave(event.seq, why, waited_ms);
        let agent = call.handling.as_ref().filter(|_| why == QueueExit::Answered).map(|handling| &handling.agent);
        let mut figures = Figures::of_exit(Some(why), waited_ms, within);
        let stay = call.visit.take().unwrap_or_else(|| {
            figures.offered = 1;
            Stay { queue: queue.clone(), joined: event.at }
        });
        credit(stay.credit(agent, figures));
    }

    fn take_offer(&mut self, id: CallId, event: &Event, credit: &mut impl FnMut(Credit<'_>)) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &event.kind {
            Kind::OfferMade(OfferMade { offer, .. }) => {
                if let Some(visit) = &call.visit {
                    call.offers.insert(*offer, visit.clone());
                }
            }
            Kind::OfferEnded(OfferEnded { offer, agent, outcome, rang_ms }) => {
                let Some(stay) = call.offers.remove(offer) else { return };
                let missed = matches!(
                    outcome,
                    OfferOutcome::Busy | OfferOutcome::Declined | OfferOutcome::NoAnswer | OfferOutcome::Unreachable
                );
                let figures = Figures { offers: 1, missed: u64::from(missed), ring_ms: *rang_ms, ..Figures::default() };
                credit(stay.credit(Some(agent), figures));
                if *outcome == OfferOutcome::Answered {
                    let leg = call.legs.iter().find(|(_, whose)| *whose == agent).map(|(leg, _)| *leg);
                    let before = call.handling.replace(Handling::new(stay, agent.clone(), leg));
                    if let Some(before) = before {
                        self.done(before, event.at, credit);
                    }
                    let found = self.agents.entry(agent.clone()).or_default();
                    found.in_call = true;
                    found.turn(agent, event.at, credit);
                }
            }
            _ => {}
        }
    }

    fn take_leg(&mut self, id: CallId, event: &Event, credit: &mut impl FnMut(Credit<'_>)) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &event.kind {
            Kind::LegBegan { leg, role: LegRole::Agent(name) } => drop(call.legs.insert(*leg, name.clone())),
            Kind::LegEnded { leg, .. } => {
                call.legs.remove(leg);
                if let Some(handling) = call.handling.take_if(|handling| handling.leg == Some(*leg)) {
                    self.done(handling, event.at, credit);
                }
            }
            Kind::Bridged { a, b } => {
                if let Some(handling) = &mut call.handling
                    && handling.leg.is_some_and(|leg| leg == *a || leg == *b)
                {
                    handling.talk(event.at);
                }
            }
            Kind::Unbridged { .. } => call.handling.iter_mut().for_each(|handling| handling.part(event.at)),
            Kind::Held { leg } => call.handling.iter_mut().for_each(|handling| handling.hold(event.at, *leg)),
            Kind::Resumed { leg } => call.handling.iter_mut().for_each(|handling| handling.resume(event.at, *leg)),
            _ => {}
        }
    }

    /// The books of a call end.
    fn close(&mut self, call: Call, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        if let Some(stay) = call.visit {
            let waited_ms = millis(stay.joined, at);
            credit(stay.credit(None, Figures::of_exit(None, waited_ms, self.within(&stay.queue))));
        }
        if let Some(handling) = call.handling {
            self.done(handling, at, credit);
        }
    }

    /// An agent is done with a caller.
    fn done(&mut self, mut handling: Handling, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        handling.part(at);
        let Handling { stay, agent, talk_ms, hold_ms, .. } = handling;
        credit(stay.credit(Some(&agent), Figures { handled: 1, talk_ms, hold_ms, ..Figures::default() }));
        if let Some(found) = self.agents.get_mut(&agent) {
            (found.in_call, found.last) = (false, Some(stay));
            found.turn(&agent, at, credit);
        }
    }

    fn within(&self, queue: &Name) -> Duration {
        self.targets.within.get(queue).copied().unwrap_or(self.targets.usual)
    }
}

impl Stay {
    const fn credit<'a>(&'a self, agent: Option<&'a Name>, figures: Figures) -> Credit<'a> {
        Credit { at: self.joined, queue: Some(&self.queue), agent, figures }
    }
}

impl Handling {
    const fn new(stay: Stay, agent: Name, leg: Option<LegId>) -> Self {
        let holding = BTreeSet::new();
        Self { stay, agent, leg, talking: None, holding, held: None, talk_ms: 0, hold_ms: 0 }
    }

    fn talk(&mut self, at: Wall) {
        if self.holding.is_empty() {
            self.talking = self.talking.or(Some(at));
        } else {
            self.held = self.held.or(Some(at));
        }
    }

    fn part(&mut self, at: Wall) {
        self.talk_ms += self.talking.take().map_or(0, |since| millis(since, at));
        self.hold_ms += self.held.take().map_or(0, |since| millis(since, at));
    }

    fn hold(&mut self, at: Wall, leg: LegId) {
        self.holding.insert(leg);
        if let Some(since) = self.talking.take() {
            self.talk_ms += millis(since, at);
            self.held = Some(at);
        }
    }

    fn resume(&mut self, at: Wall, leg: LegId) {
        self.holding.remove(&leg);
        if self.holding.is_empty()
            && let Some(since) = self.held.take()
        {
            self.hold_ms += millis(since, at);
            self.talking = Some(at);
        }
    }
}

impl Agent {
    fn end_wrap_up(&mut self, name: &Name, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        let (Some(since), Some(stay)) = (self.wrap_up.take(), &self.last) else { return };
        credit(stay.credit(Some(name), Figures { wrap_up_ms: millis(since, at), ..Figures::default() }));
    }

    /// Something about him is new.
    fn turn(&mut self, name: &Name, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        self.pass(name, at, credit);
        let busy = self.in_call || self.wrap_up.is_some();
        self.busy = busy.then_some(at);
        self.staffed = (busy || self.available).then_some(at);
    }

    /// Tells what the time up to `at` adds.
    fn pass(&mut self, name: &Name, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        for (since, busy) in [(&mut self.staffed, false), (&mut self.busy, true)] {
            let Some(from) = *since else { continue };
            // If the clock was put back, what comes until then is not known.
            *since = Some(at.max(from));
            for (at, ms) in pieces(from, at) {
                let (staffed_ms, busy_ms) = if busy { (0, ms) } else { (ms, 0) };
                let figures = Figures { staffed_ms, busy_ms, ..Figures::default() };
                credit(Credit { at, queue: None, agent: Some(name), figures });
            }
        }
    }
}

/// A stretch of time, cut at multiples of [`PIECE`]: when each piece begins, and its milliseconds. What is lost by rounding a
/// piece is less than a millisecond.
fn pieces(from: Wall, to: Wall) -> impl Iterator<Item = (Wall, u64)> {
    let piece = i64::try_from(PIECE.as_micros()).unwrap_or(i64::MAX);
    let longest = i64::try_from(LONGEST.as_micros()).unwrap_or(i64::MAX);
    let end = to.as_unix_micros();
    let mut at = from.as_unix_micros().max(end.saturating_sub(longest));
    std::iter::from_fn(move || {
        let begin = at;
        at = (begin.div_euclid(piece) + 1).saturating_mul(piece).min(end);
        (begin < end).then(|| (Wall::from_unix_micros(begin), u64::try_from((at - begin) / 1_000).unwrap_or(0)))
    })
}
