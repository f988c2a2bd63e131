//! Agents at a moment, for operators. Read from the floor: nothing is kept for them.

use base::{CallId, Mono};
use routing::{AgentName, QueueName};

use crate::floor::{Agent, Held, LeaseKind};
use crate::machine::Acd;
use crate::{AgentState, Status};

/// An agent at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFigures {
    /// His name.
    pub name: AgentName,
    /// What he says of himself.
    pub status: Status,
    /// Since when.
    pub status_since: Mono,
    /// What he does.
    pub state: AgentState,
    /// Since when.
    pub state_since: Mono,
    /// The call that he has, is offered or is held for.
    pub call: Option<CallId>,
    /// The queues that he serves, in the order of the configuration.
    pub queues: Vec<QueueName>,
    /// Queue calls that he answered since the day began ([`Acd::begin_day`]).
    pub calls_today: u32,
}

impl Acd {
    /// Agents who are configured, or not yet gone, at most `limit` of them: from the first, or from the one behind `after`.
    /// Their order stays while the machine lives, so that pages fit each other. And whether there are more.
    #[must_use]
    pub fn agents(&self, after: Option<&AgentName>, limit: usize) -> (Vec<AgentFigures>, bool) {
        let from = after.map_or(0, |name| self.floor.place_of(name).map_or(usize::MAX, |ix| ix.saturating_add(1)));
        let mut there = self.floor.agents.iter().skip(from).filter(|agent| agent.listed || agent.held.is_some());
        let page = there.by_ref().take(limit).map(|agent| self.figures(agent)).collect();
        (page, there.next().is_some())
    }

    /// Agents who are configured, or not yet gone.
    #[must_use]
    pub fn agent_count(&self) -> usize {
        self.floor.agents.iter().filter(|agent| agent.listed || agent.held.is_some()).count()
    }

    /// One agent.
    #[must_use]
    pub fn agent(&self, name: &AgentName) -> Option<AgentFigures> {
        let agent = self.floor.find(name).and_then(|ix| self.floor.agent(ix))?;
        Some(self.figures(agent))
    }

    fn figures(&self, agent: &Agent) -> AgentFigures {
        let call = agent.held.as_ref().map(|held| match held {
            Held::Offer(offer) => offer.call,
            Held::Call { call, .. } | Held::Reserved(call) | Held::LettingGo { call, .. } => *call,
        });
        let queue = |ix| self.floor.queue(ix).map(|queue| queue.config.name.clone());
        AgentFigures {
            name: agent.name.clone(),
            status: agent.status.clone(),
            status_since: agent.status_since,
            state: agent.state(),
            state_since: state_since(agent),
            call,
            queues: agent.queues.iter().filter_map(|his| queue(his.queue)).collect(),
            calls_today: agent.today.calls,
        }
    }
}

/// Since when an agent is in his state: it is derived, and so is this.
fn state_since(agent: &Agent) -> Mono {
    match (&agent.held, &agent.status, &agent.lease) {
        (Some(Held::Offer(offer)), ..) => offer.began,
        (Some(Held::Call { .. } | Held::Reserved(_) | Held::LettingGo { .. }), ..) => agent.held_since,
        (None, Status::LoggedOut, _) => agent.status_since,
        (None, _, Some(lease)) if matches!(lease.kind, LeaseKind::WrapUp(_)) => lease.began,
        (None, Status::Break { .. }, _) => agent.status_since,
        (None, Status::Available, Some(lease)) => lease.began,
        (None, Status::Available, None) => agent.idle_since,
    }
}
