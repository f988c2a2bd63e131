//! The floor: agents, what each holds, and the per-queue indexes of who is idle.
//!
//! What an agent does follows from what he holds (an offer, a call, a reservation) and from his lease (wrap-up or rest,
//! each with an end). Every change of an agent goes through [`Floor::change`], which moves him in the indexes of his
//! queues: O(log n) a queue of his, whatever the number of agents.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base::{CallId, DecisionId, Mono, OfferId, TimerToken};
use routing::{AgentName, Levels, QueueName, SkillName};

use crate::penalty::Missed;
use crate::queue::Queue;
use crate::wrap_up::After;
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
    /// One of them wants to know who spoke with a caller last.
    pub asks_for_last_agents: bool,
    agent_names: HashMap<AgentName, AgentIx>,
    queue_names: HashMap<QueueName, QueueIx>,
}

/// An agent.
#[derive(Debug)]
pub struct Agent {
    pub name: AgentName,
    /// He is configured. If not, he has no queues, and what he holds is the last of him.
    pub listed: bool,
    pub queues: Vec<Membership>,
    pub skills: Levels,
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
    /// Offers that he did not take since he last took one or became available.
    pub missed: Missed,
    pub today: Today,
}

/// An agent's part in a queue.
#[derive(Clone, Debug)]
pub struct Membership {
    pub queue: QueueIx,
    /// His place in its list: who is equal otherwise stands in that order.
    pub position: u32,
    pub level: u8,
    pub weight: u16,
    /// The number of his last offer from it; 0 if he had none.
    pub turn: u64,
}

/// What an agent did since the day began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Today {
    /// Queue calls that he answered.
    pub calls: u32,
    /// Time in queue calls.
    pub talk: Duration,
    /// Time in queue calls and after them.
    pub busy: Duration,
    /// Since when the call or the time after it goes on.
    pub busy_since: Option<Mono>,
    /// Time in which he took calls, up to `staffed_since`.
    pub staffed: Duration,
    pub staffed_since: Option<Mono>,
}

impl Today {
    /// Of the time in which he took calls, the part that he was busy, in thousandths.
    pub fn occupancy(&self, now: Mono) -> u16 {
        let staffed = self.staffed + self.staffed_since.map_or(Duration::ZERO, |since| now - since);
        let busy = self.busy + self.busy_since.map_or(Duration::ZERO, |since| now - since);
        let share = (busy.as_millis() * 1_000).checked_div(staffed.as_millis()).unwrap_or(0);
        u16::try_from(share).unwrap_or(1_000).min(1_000)
    }

    /// He is busy no more.
    pub fn end_busy(&mut self, now: Mono) {
        if let Some(since) = self.busy_since.take() {
            self.busy += now - since;
        }
    }
}

/// What occupies an agent.
#[derive(Debug)]
pub enum Held {
    Offer(LiveOffer),
    Call {
        call: CallId,
        queue: QueueIx,
    },
    Reserved(CallId),
    /// His phone was let go, and has not said yet that it is: it would be busy for another call.
    LettingGo {
        call: CallId,
        /// When that is taken for granted.
        end: TimerToken,
    },
}

/// An offer that is out.
#[derive(Debug)]
pub struct LiveOffer {
    pub id: OfferId,
    pub call: CallId,
    pub queue: QueueIx,
    pub began: Mono,
    /// When his phone answered, if he is told something before he talks.
    pub taken: Option<Mono>,
    /// The end of its ring time, or of the time to tell him that.
    pub ring: TimerToken,
}

impl LiveOffer {
    /// How long his phone rang.
    pub fn rang(&self, now: Mono) -> Duration {
        self.taken.unwrap_or(now) - self.began
    }
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
    WrapUp(After),
    /// He did not take an offer.
    Rest,
    /// His phone was lost in mid-call.
    Lost,
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

/// What the indexes of queues go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub standing: Standing,
    pub logged_in: bool,
    pub working: bool,
    pub idle_since: Mono,
    pub calls_today: u32,
    pub talk_today: Duration,
}

impl Agent {
    fn new(name: AgentName, idle_since: Mono) -> Self {
        Self {
            name,
            listed: false,
            queues: Vec::new(),
            skills: Levels::default(),
            status: Status::Available,
            status_since: idle_since,
            held: None,
            held_since: idle_since,
            lease: None,
            ask: None,
            wake: None,
            idle_since,
            answered: 0,
            missed: Missed::default(),
            today: Today { staffed_since: Some(idle_since), ..Today::default() },
        }
    }

    /// His part in a queue, if he may be offered its calls.
    pub fn membership(&self, queue: QueueIx) -> Option<&Membership> {
        self.queues.iter().find(|his| his.queue == queue)
    }

    /// He says of himself something else than before.
    pub fn set_status(&mut self, now: Mono, status: Status) {
        if let Some(since) = self.today.staffed_since.take() {
            self.today.staffed += now - since;
        }
        self.today.staffed_since = (status == Status::Available).then_some(now);
        if status == Status::Available {
            self.missed = Missed::default();
        }
        self.status = status;
        self.status_since = now;
        self.idle_since = now;
    }

    pub fn state(&self) -> AgentState {
        match (&self.held, &self.status, self.lease.as_ref().map(|lease| lease.kind)) {
            (Some(Held::Offer(offer)), ..) => AgentState::Offered(offer.id),
            (Some(Held::Call { call, .. }), ..) => AgentState::InCall(*call),
            (Some(Held::Reserved(call) | Held::LettingGo { call, .. }), ..) => AgentState::Reserved(*call),
            (None, Status::LoggedOut, _) => AgentState::LoggedOut,
            (None, _, Some(LeaseKind::WrapUp(_))) => AgentState::WrapUp,
            (None, Status::Break { .. }, _) => AgentState::OnBreak,
            (None, Status::Available, Some(LeaseKind::Rest | LeaseKind::Lost)) => AgentState::Resting,
            (None, Status::Available, None) => AgentState::Idle,
        }
    }

    /// What his queues' indexes go by, beside his part in each.
    pub fn figures(&self) -> Figures {
        Figures {
            standing: self.standing(),
            logged_in: self.status != Status::LoggedOut,
            working: self.status == Status::Available,
            idle_since: self.idle_since,
            calls_today: self.today.calls,
            talk_today: self.today.talk,
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
        let mut former = Vec::with_capacity(self.agents.len());
        for agent in &mut self.agents {
            agent.listed = false;
            former.push(std::mem::take(&mut agent.queues));
        }
        for AgentConfig { name, skills } in agents {
            let status = status(&name);
            self.list_agent(now, name, skills, status);
        }
        self.queues.iter_mut().for_each(Queue::dismiss_all);
        self.listed.clear();
        self.asks_for_last_agents = queues.iter().any(|queue| queue.method.patience_ms.is_some());
        for config in queues {
            self.list_queue(config, &former);
        }
    }

    fn list_agent(&mut self, now: Mono, name: AgentName, skills: Levels, status: Status) {
        let ix = *self.agent_names.entry(name.clone()).or_insert(self.agents.len());
        if ix == self.agents.len() {
            self.agents.push(Agent::new(name, now));
        }
        let Some(agent) = self.agents.get_mut(ix) else { return };
        agent.listed = true;
        agent.skills = skills;
        if agent.status != status {
            agent.set_status(now, status);
        }
    }

    /// `former` are the memberships of the agents before, of which their turns are kept.
    fn list_queue(&mut self, config: QueueConfig, former: &[Vec<Membership>]) {
        let ix = *self.queue_names.entry(config.name.clone()).or_insert(self.queues.len());
        match self.queues.get_mut(ix) {
            Some(queue) => {
                let plugin = |config: &QueueConfig| config.plugin.as_ref().map(|binding| binding.plugin.clone());
                // It is of no use to another one.
                queue.state.take_if(|_| plugin(&queue.config) != plugin(&config));
                queue.config = config;
            }
            None => self.queues.push(Queue::new(config)),
        }
        let Some(queue) = self.queues.get_mut(ix) else { return };
        self.listed.push(ix);
        for (member, position) in queue.config.agents.clone().into_iter().zip(0..) {
            let Some(&agent_ix) = self.agent_names.get(&member.agent) else { continue };
            let Some(agent) = self.agents.get_mut(agent_ix).filter(|agent| agent.listed) else { continue };
            if agent.queues.last().is_some_and(|last| last.queue == ix) {
                continue;
            }
            let before = former.get(agent_ix).and_then(|queues| queues.iter().find(|before| before.queue == ix));
            let turn = before.map_or(0, |before| before.turn);
            let membership = Membership { queue: ix, position, level: member.level, weight: member.weight, turn };
            queue.enter(agent_ix, &membership, &agent.figures(), &agent.skills);
            agent.queues.push(membership);
        }
    }

    /// Keeps, from now on, who of a queue's idle agents has which of these skills.
    pub fn index_skills(&mut self, ix: QueueIx, needs: &Levels) {
        let Some(queue) = self.queues.get(ix) else { return };
        let lacking = needs.iter().map(|(skill, _)| skill).filter(|skill| !queue.skilled.contains_key(*skill));
        let lacking: Vec<SkillName> = lacking.cloned().collect();
        if lacking.is_empty() {
            return;
        }
        let idle: Vec<AgentIx> = queue.idle.values().copied().collect();
        let Some(queue) = self.queues.get_mut(ix) else { return };
        queue.skilled.extend(lacking.into_iter().map(|skill| (skill, BTreeMap::new())));
        for agent_ix in idle {
            let Some(agent) = self.agents.get(agent_ix) else { continue };
            let Some(membership) = agent.membership(ix) else { continue };
            let figures = agent.figures();
            queue.exit(membership, &figures, &agent.skills);
            queue.enter(agent_ix, membership, &figures, &agent.skills);
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

    /// The one way to change an agent: his queues' indexes follow, if he stands elsewhere in them now. Which queues he serves and what
    /// he knows is changed by [`Self::list`] alone.
    pub fn change<R>(&mut self, ix: AgentIx, change: impl FnOnce(&mut Agent) -> R) -> Option<R> {
        let agent = self.agents.get_mut(ix)?;
        let before = agent.figures();
        let result = change(agent);
        let after = agent.figures();
        if before != after {
            for membership in &agent.queues {
                if let Some(queue) = self.queues.get_mut(membership.queue) {
                    queue.exit(membership, &before, &agent.skills);
                    queue.enter(ix, membership, &after, &agent.skills);
                }
            }
        }
        Some(result)
    }

    /// An agent has an offer from a queue, with this number. As he is not idle, he stands in no order that goes by it.
    pub fn note_turn(&mut self, ix: AgentIx, queue: QueueIx, turn: u64) {
        let queues = self.agents.get_mut(ix).into_iter().flat_map(|agent| &mut agent.queues);
        if let Some(his) = queues.into_iter().find(|his| his.queue == queue) {
            his.turn = turn;
        }
    }

    /// How many changes the agent's queues have seen.
    pub fn agent_epoch(&self, ix: AgentIx) -> u64 {
        let queues = self.agent(ix).map(|agent| agent.queues.as_slice()).unwrap_or_default();
        queues.iter().filter_map(|his| self.queue(his.queue)).map(|queue| queue.epoch).sum()
    }

    /// Notes in the agent's queues that he became free.
    pub fn bump(&mut self, ix: AgentIx) {
        let Some(agent) = self.agents.get(ix) else { return };
        for his in &agent.queues {
            if let Some(queue) = self.queues.get_mut(his.queue) {
                queue.epoch += 1;
            }
        }
    }
}
