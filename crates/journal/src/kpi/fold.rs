//! Events become sums.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{CallId, LegId, OfferId, Wall};

use crate::kpi::Figures;
use crate::kpi::work::{Agent, Handling};
use crate::visit::{Carried, millis};
use crate::{
    AgentLost, AgentStatus, CallbackStep, CallbackTold, Event, Kind, LegRole, Name, OfferEnded, OfferMade,
    OfferOutcome, QueueExit, StatusChanged,
};

/// Calls in queues or with agents at once; beyond it the oldest is forgotten, as its end must have got lost.
const MAX_LIVE: usize = 200_000;

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
    /// Why he was on a break, if it is about that ([`Figures::break_ms`]); empty if no reason was told.
    pub break_reason: Option<&'a Name>,
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

/// A call that came to a queue and is not over.
#[derive(Debug, Default)]
struct Call {
    visit: Option<Stay>,
    /// The visit that ended last.
    before: Option<Stay>,
    /// It is an attempt to call somebody back, who has not talked yet.
    is_callback: bool,
    carried: Carried,
    offers: BTreeMap<OfferId, Stay>,
    /// Legs of agents, and of users who may be agents.
    legs: BTreeMap<LegId, Name>,
    handling: Option<Handling>,
    /// The agent whose phone was lost while he had the call.
    lost: Option<Name>,
}

/// A visit to which things are put down.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    pub queue: Name,
    pub joined: Wall,
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
                | "place_resumed"
                | "queue_left"
                | "callback"
                | "offer_made"
                | "offer_ended"
                | "leg_began"
                | "leg_answered"
                | "leg_ended"
                | "bridged"
                | "unbridged"
                | "held"
                | "resumed"
                | "consult_began"
                | "conference_began"
                | "consult_ended"
                | "agent_lost"
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
            (Kind::AgentStatus(StatusChanged { agent, status, reason, .. }), _) => {
                let found = self.agents.entry(agent.clone()).or_default();
                let is_break = *status == AgentStatus::Break;
                let reason = is_break.then(|| reason.clone().unwrap_or_default());
                found.say(agent, *status == AgentStatus::Available, reason, event.at, credit);
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
            Kind::QueueJoined { queue } => self.joined(id, event, queue, credit),
            Kind::PlaceResumed { waited_ms, .. } => {
                let Some(call) = self.calls.get_mut(&id) else { return };
                // What he waited in the call before was counted there.
                call.carried.resume(*waited_ms);
                if let Some(visit) = &call.visit {
                    credit(visit.credit(None, Figures { resumed: 1, ..Figures::default() }));
                }
            }
            Kind::QueueLeft { queue, why, waited_ms, .. } => self.left(id, event, (queue, *why, *waited_ms), credit),
            Kind::Callback(CallbackTold { step, .. }) => self.take_callback(id, event, step, credit),
            Kind::OfferMade(_) | Kind::OfferEnded(_) => self.take_offer(id, event, credit),
            Kind::CallEnded { .. } => {
                if let Some(call) = self.calls.remove(&id) {
                    self.close(call, event.at, credit);
                }
            }
            Kind::LegBegan { .. } | Kind::LegAnswered { .. } | Kind::LegEnded { .. } | Kind::AgentLost(_) => {
                self.take_leg(id, event, credit);
            }
            _ => self.take_talk(id, event),
        }
    }

    fn joined(&mut self, id: CallId, event: &Event, queue: &Name, credit: &mut impl FnMut(Credit<'_>)) {
        let call = self.calls.entry(id).or_default();
        call.carried.join(event.seq);
        call.lost = None;
        let stay = Stay { queue: queue.clone(), joined: event.at };
        if !call.is_callback {
            credit(stay.credit(None, Figures { offered: 1, ..Figures::default() }));
        }
        call.visit = Some(stay);
        if self.calls.len() > MAX_LIVE
            && let Some((_, oldest)) = self.calls.pop_first()
        {
            self.close(oldest, event.at, credit);
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
        let call = self.calls.entry(id).or_default();
        let waited_ms = call.carried.leave(event.seq, why, waited_ms);
        let visit = call.visit.take();
        let is_attempt = call.is_callback;
        let figures = match (&visit, why) {
            // An attempt is nobody who waits: he is called when an agent is there.
            _ if is_attempt => {
                call.is_callback = why != QueueExit::Answered;
                Figures { callbacks_reached: u64::from(why == QueueExit::Answered), ..Figures::default() }
            }
            (None, QueueExit::Closed) => Figures { out_of_hours: 1, ..Figures::default() },
            // A queue that takes nobody is left without having been joined.
            (None, _) => Figures { offered: 1, ..Figures::of_exit(why, waited_ms, within) },
            (Some(_), _) => Figures::of_exit(why, waited_ms, within),
        };
        let agent = call.handling.as_ref().filter(|_| why == QueueExit::Answered).map(|handling| &handling.agent);
        let stay = visit.unwrap_or_else(|| Stay { queue: queue.clone(), joined: event.at });
        credit(stay.credit(agent, figures));
        call.before = Some(stay);
    }

    fn take_callback(&mut self, id: CallId, event: &Event, step: &CallbackStep, credit: &mut impl FnMut(Credit<'_>)) {
        match step {
            CallbackStep::Begun => self.calls.entry(id).or_default().is_callback = true,
            CallbackStep::Promised { queue, .. } => {
                let before = self.calls.get(&id).and_then(|call| call.before.as_ref());
                let at = before.map_or(event.at, |stay| stay.joined);
                let figures = Figures { callbacks: 1, ..Figures::default() };
                credit(Credit { at, queue: Some(queue), agent: None, figures, break_reason: None });
            }
            CallbackStep::Missed { left: 0 } => {
                let call = self.calls.get(&id);
                let stay = call.and_then(|call| call.visit.as_ref().or(call.before.as_ref()));
                if let Some(stay) = stay {
                    credit(stay.credit(None, Figures { callbacks_failed: 1, ..Figures::default() }));
                }
            }
            _ => {}
        }
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
                    let before = call.handling.replace(Handling::new(stay, agent.clone(), leg, true));
                    if let Some(before) = before {
                        self.done(before, event.at, credit);
                    }
                }
            }
            _ => {}
        }
    }

    fn take_leg(&mut self, id: CallId, event: &Event, credit: &mut impl FnMut(Credit<'_>)) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &event.kind {
            Kind::LegBegan { leg, role: LegRole::Agent(name) } => {
                self.agents.entry(name.clone()).or_default();
                call.legs.insert(*leg, name.clone());
            }
            Kind::LegBegan { leg, role: LegRole::Party(name) } => drop(call.legs.insert(*leg, name.clone())),
            Kind::LegAnswered { leg } => {
                let Some(name) = call.legs.get(leg) else { return };
                if let Some(agent) = self.agents.get_mut(name) {
                    agent.begin_call(name, *leg, event.at, credit);
                }
                // He is back, and has the call as before.
                if let (Some(agent), Some(stay)) = (call.lost.take_if(|lost| lost == name), &call.before) {
                    call.handling = Some(Handling::new(stay.clone(), agent, Some(*leg), false));
                }
            }
            Kind::LegEnded { leg, .. } => {
                if let Some(name) = call.legs.remove(leg)
                    && let Some(agent) = self.agents.get_mut(&name)
                {
                    agent.end_call(&name, *leg, event.at, credit);
                }
                if let Some(handling) = call.handling.take_if(|handling| handling.leg == Some(*leg)) {
                    self.done(handling, event.at, credit);
                }
            }
            Kind::AgentLost(AgentLost { agent, .. }) => {
                call.lost = Some(agent.clone());
                if let Some(handling) = call.handling.take() {
                    self.done(handling, event.at, credit);
                }
            }
            _ => {}
        }
    }

    /// Who of the two hears whom.
    fn take_talk(&mut self, id: CallId, event: &Event) {
        let Some(handling) = self.calls.get_mut(&id).and_then(|call| call.handling.as_mut()) else { return };
        let at = event.at;
        match &event.kind {
            Kind::Bridged { a, b } if handling.leg.is_some_and(|leg| leg == *a || leg == *b) => {
                handling.turn(at, |state| state.bridged = true);
            }
            Kind::Unbridged { .. } => handling.turn(at, |state| state.bridged = false),
            Kind::Held { leg } => handling.turn(at, |state| {
                state.holding.insert(*leg);
            }),
            Kind::Resumed { leg } => handling.turn(at, |state| {
                state.holding.remove(leg);
            }),
            // Whoever asks a third one has the other side wait.
            Kind::ConsultBegan(_) => handling.turn(at, |state| state.asks = true),
            Kind::ConferenceBegan { .. } | Kind::ConsultEnded { .. } => handling.turn(at, |state| state.asks = false),
            _ => {}
        }
    }

    /// The books of a call end.
    fn close(&mut self, call: Call, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        if let Some(stay) = call.visit.filter(|_| !call.is_callback) {
            let waited_ms = millis(stay.joined, at);
            credit(stay.credit(None, Figures::of_exit(QueueExit::Cut, waited_ms, self.within(&stay.queue))));
        }
        if let Some(handling) = call.handling {
            self.done(handling, at, credit);
        }
        for (leg, name) in call.legs {
            if let Some(agent) = self.agents.get_mut(&name) {
                agent.end_call(&name, leg, at, credit);
            }
        }
    }

    /// An agent is done with a caller.
    fn done(&mut self, mut handling: Handling, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        handling.turn(at, |state| state.bridged = false);
        let Handling { stay, agent, first, talk_ms, hold_ms, .. } = handling;
        let figures = Figures { handled: u64::from(first), talk_ms, hold_ms, ..Figures::default() };
        credit(stay.credit(Some(&agent), figures));
        if let Some(found) = self.agents.get_mut(&agent) {
            found.last = Some(stay);
        }
    }

    fn within(&self, queue: &Name) -> Duration {
        self.targets.within.get(queue).copied().unwrap_or(self.targets.usual)
    }
}

impl Stay {
    pub const fn credit<'a>(&'a self, agent: Option<&'a Name>, figures: Figures) -> Credit<'a> {
        Credit { at: self.joined, queue: Some(&self.queue), agent, figures, break_reason: None }
    }
}
