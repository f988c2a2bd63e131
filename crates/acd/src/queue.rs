//! One queue: the calls that wait in it and the agents who could take them, each in order.

use std::collections::BTreeMap;

use base::{CallId, DecisionId, Mono, TimerToken};
use routing::Exclusions;

use crate::floor::{Agent, AgentIx, QueueIx, Standing};
use crate::{Caller, QueueConfig, Status};

/// A call's place in its queue: when it joined, and a serial number for those of the same moment. It keeps the place
/// through offers that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub joined: Mono,
    pub serial: u64,
}

/// A call that joined a queue and has not left this machine.
#[derive(Debug)]
pub struct Entry {
    pub queue: QueueIx,
    pub place: Place,
    pub caller: Caller,
    pub stage: Stage,
    /// Offers made so far.
    pub offers: u32,
    /// Agents who did not take it, and until when it is not offered to them again.
    pub tried: Vec<(AgentIx, Mono)>,
    /// The end of its longest wait.
    pub max_wait: Option<TimerToken>,
    /// When to look again for an agent, though nothing changed: a retry delay or a decision to wait is over.
    pub wake: Option<TimerToken>,
}

/// Where a call is: in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting; with the decision under way that chooses an agent for it.
    Waiting(Option<DecisionId>),
    /// Offered to an agent.
    Offered(AgentIx),
    /// With an agent.
    Connected(AgentIx),
}

impl Entry {
    /// True if the call may not be offered to the agent yet.
    pub fn was_tried(&self, agent: AgentIx, now: Mono) -> bool {
        self.tried.iter().any(|&(tried, until)| tried == agent && until > now)
    }

    /// Notes that the agent did not take it.
    pub fn note_tried(&mut self, agent: AgentIx, now: Mono, until: Mono) {
        self.tried.retain(|&(tried, until)| until > now && tried != agent);
        self.tried.push((agent, until));
    }

    /// When the next retry delay is over.
    pub fn next_retry(&self, now: Mono) -> Option<Mono> {
        self.tried.iter().map(|&(_, until)| until).filter(|&until| until > now).min()
    }
}

/// A queue's indexes.
#[derive(Debug)]
pub struct Queue {
    pub config: QueueConfig,
    /// Waiting calls, first come first.
    pub waiting: BTreeMap<Place, CallId>,
    /// Those of them for which an agent is to be looked for now; empty between inputs unless decisions are under way.
    pub due: BTreeMap<Place, CallId>,
    /// Idle agents without a decision under way, longest idle first.
    pub idle: BTreeMap<(Mono, u32), AgentIx>,
    /// The other agents, counted.
    pub excluded: Exclusions,
    /// Agents who are not logged out.
    pub logged_in: u32,
    /// Calls that wait or are offered.
    pub length: usize,
    /// Decisions under way that choose an agent for a call of this queue.
    pub asking: usize,
    /// Counts calls that began to wait and agents who became free.
    pub epoch: u64,
}

impl Queue {
    pub fn new(config: QueueConfig) -> Self {
        Self {
            config,
            waiting: BTreeMap::new(),
            due: BTreeMap::new(),
            idle: BTreeMap::new(),
            excluded: Exclusions::default(),
            logged_in: 0,
            length: 0,
            asking: 0,
            epoch: 0,
        }
    }

    /// No agent serves it any more; its calls stay.
    pub fn dismiss_all(&mut self) {
        self.config.agents.clear();
        self.idle.clear();
        self.excluded = Exclusions::default();
        self.logged_in = 0;
    }

    /// Puts an agent into the indexes as he stands.
    pub fn enter(&mut self, ix: AgentIx, rank: u32, agent: &Agent) {
        self.logged_in += u32::from(agent.status != Status::LoggedOut);
        match self.counter(agent.standing()) {
            Some(counter) => *counter += 1,
            None => drop(self.idle.insert((agent.idle_since, rank), ix)),
        }
    }

    /// Takes an agent out of the indexes, who has not changed since he was put in.
    pub fn exit(&mut self, rank: u32, agent: &Agent) {
        self.logged_in -= u32::from(agent.status != Status::LoggedOut);
        match self.counter(agent.standing()) {
            Some(counter) => *counter -= 1,
            None => drop(self.idle.remove(&(agent.idle_since, rank))),
        }
    }

    fn counter(&mut self, standing: Standing) -> Option<&mut u32> {
        match standing {
            Standing::Idle => None,
            Standing::Undecided => Some(&mut self.excluded.undecided),
            Standing::Unavailable => Some(&mut self.excluded.unavailable),
            Standing::OnBreak => Some(&mut self.excluded.on_break),
            Standing::Offered => Some(&mut self.excluded.offered),
            Standing::InCall => Some(&mut self.excluded.in_call),
            Standing::WrapUp => Some(&mut self.excluded.wrap_up),
            Standing::Resting => Some(&mut self.excluded.resting),
        }
    }

    /// A call begins to wait, or waits again after an offer.
    pub fn put(&mut self, place: Place, call: CallId) {
        self.waiting.insert(place, call);
        self.due.insert(place, call);
        self.epoch += 1;
    }

    /// A call waits no longer.
    pub fn take(&mut self, place: Place) {
        self.waiting.remove(&place);
        self.due.remove(&place);
    }
}
