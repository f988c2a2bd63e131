//! Where a call stands at a moment, and why nobody has it: for operators. Read from the indexes; nothing is kept for it.

use base::{CallId, Mono, Now};
use routing::{AgentName, Exclusions, Levels, QueueName};

use crate::machine::Acd;
use crate::queue::Stage;

/// A call that is in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStanding {
    /// The queue.
    pub queue: QueueName,
    /// When it joined, or joined the first queue if it came from another one.
    pub joined: Mono,
    /// How it stands.
    pub stage: CallStage,
    /// Its place from 1 on, while it waits; see [`Acd::position`].
    pub position: Option<u32>,
    /// Its priority.
    pub priority: u8,
    /// What its agent must know by now.
    pub needs: Levels,
    /// The agents of the queue who cannot be asked now, by the reason.
    pub excluded: Exclusions,
    /// Agents who could be asked: not none only while a decision is under way, or said that the call is to wait.
    pub free: u32,
    /// When it needs less.
    pub widens: Option<Mono>,
    /// When an agent may be asked for it again who did not take it, or a decision's wait is over.
    pub looks_again: Option<Mono>,
    /// When it leaves, as it will have waited as long as it may.
    pub leaves: Option<Mono>,
}

/// How a call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStage {
    /// It waits.
    Waiting,
    /// It waits, and a decision about it is under way.
    Deciding,
    /// It is offered to these.
    Offered(Vec<AgentName>),
    /// It is with this agent.
    Connected(AgentName),
}

impl Acd {
    /// Since when a call waits or has waited: when it joined the first of its queues, put forward by what it talked with agents who were
    /// lost. None if it is in no queue.
    #[must_use]
    pub fn waits_since(&self, call: CallId) -> Option<Mono> {
        self.calls.get(&call).map(|entry| entry.joined)
    }

    /// Where a call stands; none if it is in no queue. Costs what the free agents are who have a skill that it needs.
    #[must_use]
    pub fn standing(&self, now: Now, call: CallId) -> Option<CallStanding> {
        let entry = self.calls.get(&call)?;
        let queue = self.floor.queue(entry.queue)?;
        let name = |ix| self.floor.agent(ix).map(|agent| agent.name.clone());
        let stage = match entry.stage {
            Stage::Waiting(None) => CallStage::Waiting,
            Stage::Waiting(Some(_)) => CallStage::Deciding,
            Stage::Offered => CallStage::Offered(entry.ringing.iter().filter_map(|ix| name(*ix)).collect()),
            Stage::Connected(ix) => CallStage::Connected(name(ix)?),
        };
        let pool = queue.pool(&entry.needs);
        let mut excluded = queue.excluded;
        excluded.unskilled = count(queue.idle.len().saturating_sub(pool.len()));
        let mut free = 0;
        for &ix in pool.values() {
            let Some(agent) = self.floor.agent(ix) else { continue };
            if !agent.skills.meet(&entry.needs) {
                excluded.unskilled += 1;
            } else if entry.was_tried(ix, now.monotonic) {
                excluded.tried += 1;
            } else {
                free += 1;
            }
        }
        let retry = entry.next_retry(now.monotonic);
        Some(CallStanding {
            queue: queue.config.name.clone(),
            joined: entry.joined,
            stage,
            position: self.position(call),
            priority: entry.caller.priority,
            needs: entry.needs.clone(),
            excluded,
            free,
            widens: entry.widen.map(|token| token.at()),
            looks_again: retry.into_iter().chain(entry.wake.map(|token| token.at())).min(),
            leaves: entry.max_wait.map(|token| token.at()),
        })
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
