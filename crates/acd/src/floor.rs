//! The floor: agents, what each holds, and the per-queue indexes of who is idle.
//!
//! What an agent does follows from what he holds (an offer, a call, a reservation) and from his lease (wrap-up or rest,
//! each with an end). Every change of an agent goes through [`Floor::change`], which moves him in the indexes of his
//! queues: O(log n) a queue of his, whatever the number of agents.

use std::collections::HashMap;

use base::{CallId, DecisionId, Mono, OfferId, TimerToken};
use routing::{AgentName, QueueName};

use crate::queue::Queue;
use crate::{AgentConfig, AgentState, QueueConfig, Status};

/// An agent's place in [`Floor::agents`].
pub type AgentIx = usize;
/// A queue's place in [`Floor::queues`].
pub type QueueIx = usize;

/// All agents and queues. Each name that was ever configured has one place for good: who is configured no more may still
/// be in a call, and who comes back is who he was.
#[derive(Debug, Default)]
pub struct Floor {
    pub agents: Vec<Agent>,
    pub queues: Vec<Queue>,
    /// The queues that are configured, in that order. The others have no agents.
    pub listed: Vec<QueueIx>,
    agent_names: HashMap<AgentName, AgentIx>,
    queue_names: HashMap<QueueName, QueueIx>,
}

/// An agent.
#[derive(Debug)]
pub struct Agent {
    pub name: AgentName,
    /// He is configured. If not, he has no queues, and what he holds is the last of him.
    pub listed: bool,
    /// His queues, each with his rank in its list: who is idle equally long stands in that order.
    pub queues: Vec<(QueueIx, u32)>,
    pub status: Status,
    /// Since when.
    pub status_since: Mono,
    /// What occupies him. One thing at a time, so he never has two offers.
    pub held: Option<Held>,
    /// Since when he has a call or a reservation; counts only while he does.
    pub held_since: Mono,
    /// Time in which he gets no offer.
    pub lease: Option<Lease>,
    /// The decision under way that chooses a call for him.
    pub ask: Option<DecisionId>,
    /// Wakes him when a decision said that he is to wait.
    pub wake: Option<TimerToken>,
    /// Since when he is idle, as [`routing::LongestIdle`] defines it; counts only while he is.
    pub idle_since: Mono,
    /// Queue calls that he answered.
    pub answered: u32,
}

/// What occupies an agent.
#[derive(Debug)]
pub enum Held {
    Offer(LiveOffer),
    Call { call: CallId, queue: QueueIx },
    Reserved(CallId),
}

/// An offer that is out.
#[derive(Debug)]
pub struct LiveOffer {
    pub id: OfferId,
    pub call: CallId,
    pub began: Mono,
    /// The end of its ring time.
    pub ring: TimerToken,
}

/// A stretch of time without offers.
#[derive(Debug)]
pub struct Lease {
    pub kind: LeaseKind,
    pub began: Mono,
    pub timer: TimerToken,
}

/// What a lease is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseKind {
    WrapUp,
    Rest,
}

/// What an agent is for the indexes of his queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Idle,
    /// Idle, but a decision about him is under way.
    Undecided,
    Unavailable,
    OnBreak,
    Offered,
    InCall,
    WrapUp,
    Resting,
}

impl Agent {
    fn new(name: AgentName, idle_since: Mono) -> Self {
        Self {
            name,
            listed: false,
            queues: Vec::new(),
            status: Status::Available,
            status_since: idle_since,
            held: None,
            held_since: idle_since,
            lease: None,
            ask: None,
            wake: None,
            idle_since,
            answered: 0,
        }
    }

    /// True if he may be offered the calls of a queue.
    pub fn serves(&self, queue: QueueIx) -> bool {
        self.queues.iter().any(|(his, _)| *his == queue)
    }

    pub fn state(&self) -> AgentState {
        match (&self.held, &self.status, self.lease.as_ref().map(|lease| lease.kind)) {
            (Some(Held::Offer(offer)), ..) => AgentState::Offered(offer.id),
            (Some(Held::Call { call, .. }), ..) => AgentState::InCall(*call),
            (Some(Held::Reserved(call)), ..) => AgentState::Reserved(*call),
            (None, Status::LoggedOut, _) => AgentState::LoggedOut,
            (None, _, Some(LeaseKind::WrapUp)) => AgentState::WrapUp,
            (None, Status::Break { .. }, _) => AgentState::OnBreak,
            (None, Status::Available, Some(LeaseKind::Rest)) => AgentState::Resting,
            (None, Status::Available, None) => AgentState::Idle,
        }
    }

    pub fn standing(&self) -> Standing {
        match self.state() {
            AgentState::Idle if self.ask.is_some() => Standing::Undecided,
            AgentState::Idle => Standing::Idle,
            AgentState::LoggedOut => Standing::Unavailable,
            AgentState::OnBreak => Standing::OnBreak,
            AgentState::Offered(_) => Standing::Offered,
            AgentState::InCall(_) | AgentState::Reserved(_) => Standing::InCall,
            AgentState::WrapUp => Standing::WrapUp,
            AgentState::Resting => Standing::Resting,
        }
    }
}

impl Floor {
    /// Takes new lists; `status` says of each agent what he is. What agents hold and the calls of queues stay as they are;
    /// no decision about an agent may be under way.
    pub fn list(
        &mut self,
        now: Mono,
        queues: Vec<QueueConfig>,
        agents: Vec<AgentConfig>,
        status: impl Fn(&AgentName) -> Status,
    ) {
        for agent in &mut self.agents {
            agent.listed = false;
            agent.queues.clear();
        }
        for AgentConfig { name } in agents {
            let status = status(&name);
            self.list_agent(now, name, status);
        }
        self.queues.iter_mut().for_each(Queue::dismiss_all);
        self.listed.clear();
        for config in queues {
            self.list_queue(config);
        }
    }

    fn list_agent(&mut self, now: Mono, name: AgentName, status: Status) {
        let ix = *self.agent_names.entry(name.clone()).or_insert(self.agents.len());
        if ix == self.agents.len() {
            self.agents.push(Agent::new(name, now));
        }
        let Some(agent) = self.agents.get_mut(ix) else { return };
        agent.listed = true;
        if agent.status != status {
            agent.status = status;
            agent.status_since = now;
            agent.idle_since = now;
        }
    }

    fn list_queue(&mut self, config: QueueConfig) {
        let ix = *self.queue_names.entry(config.name.clone()).or_insert(self.queues.len());
        match self.queues.get_mut(ix) {
            Some(queue) => queue.config = config,
            None => self.queues.push(Queue::new(config)),
        }
        let Some(queue) = self.queues.get_mut(ix) else { return };
        self.listed.push(ix);
        for (name, rank) in queue.config.agents.clone().iter().zip(0..) {
            let Some(&agent_ix) = self.agent_names.get(name) else { continue };
            let Some(agent) = self.agents.get_mut(agent_ix).filter(|agent| agent.listed) else { continue };
            if agent.queues.last().is_none_or(|(last, _)| *last != ix) {
                agent.queues.push((ix, rank));
                queue.enter(agent_ix, rank, agent);
            }
        }
    }

    /// An agent who is configured, or not yet gone.
    pub fn find(&self, name: &AgentName) -> Option<AgentIx> {
        let ix = *self.agent_names.get(name)?;
        self.agent(ix).filter(|agent| agent.listed || agent.held.is_some()).map(|_| ix)
    }

    /// The place of an agent who is or was configured.
    pub fn place_of(&self, name: &AgentName) -> Option<AgentIx> {
        self.agent_names.get(name).copied()
    }

    /// A queue that is or was configured.
    pub fn find_queue(&self, name: &QueueName) -> Option<QueueIx> {
        self.queue_names.get(name).copied()
    }

    pub fn agent(&self, ix: AgentIx) -> Option<&Agent> {
        self.agents.get(ix)
    }

    pub fn queue(&self, ix: QueueIx) -> Option<&Queue> {
        self.queues.get(ix)
    }

    pub fn queue_mut(&mut self, ix: QueueIx) -> Option<&mut Queue> {
        self.queues.get_mut(ix)
    }

    /// The one way to change an agent: his queues' indexes follow.
    pub fn change<R>(&mut self, ix: AgentIx, change: impl FnOnce(&mut Agent) -> R) -> Option<R> {
        let agent = self.agents.get_mut(ix)?;
        for &(queue, rank) in &agent.queues {
            if let Some(queue) = self.queues.get_mut(queue) {
                queue.exit(rank, agent);
            }
        }
        let result = change(agent);
        for &(queue, rank) in &agent.queues {
            if let Some(queue) = self.queues.get_mut(queue) {
                queue.enter(ix, rank, agent);
            }
        }
        Some(result)
    }

    /// How many changes the agent's queues have seen.
    pub fn agent_epoch(&self, ix: AgentIx) -> u64 {
        let queues = self.agent(ix).map(|agent| agent.queues.as_slice()).unwrap_or_default();
        queues.iter().filter_map(|(queue, _)| self.queue(*queue)).map(|queue| queue.epoch).sum()
    }

    /// Notes in the agent's queues that he became free.
    pub fn bump(&mut self, ix: AgentIx) {
        let Some(agent) = self.agents.get(ix) else { return };
        for (queue, _) in &agent.queues {
            if let Some(queue) = self.queues.get_mut(*queue) {
                queue.epoch += 1;
            }
        }
    }
}
