//! The time after a call: when it begins and ends, ended early, extended.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{CallId, Mono, Now};
use routing::AgentName;

use crate::floor::{AgentIx, Held, LeaseKind, QueueIx};
use crate::machine::{Acd, Timer};

/// Whose end a wrap-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct After {
    pub call: CallId,
    pub queue: QueueIx,
    /// How long the two talked.
    pub talked: Duration,
    /// Whatever is asked for, it lasts no longer than until then.
    pub longest: Mono,
}

/// Why a wrap-up does not end or go on as somebody wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapUpFault {
    /// There is no such agent, or he is in none.
    #[error("agent is not in wrap-up")]
    None,
    /// It lasts as long already as his queue allows.
    #[error("wrap-up lasts as long as it may")]
    Longest,
}

impl Acd {
    /// The agent is done with what follows his call.
    ///
    /// # Errors
    /// [`WrapUpFault::None`].
    pub fn end_wrap_up(&mut self, now: Now, agent: &AgentName) -> Result<(), WrapUpFault> {
        let (ix, _) = self.wrap_up_of(agent).ok_or(WrapUpFault::None)?;
        let timer = self.floor.agent(ix).and_then(|agent| agent.lease.as_ref()).map(|lease| lease.timer);
        if let Some(timer) = timer {
            self.timers.cancel(timer);
        }
        self.end_lease(now, ix);
        Ok(())
    }

    /// The agent's wrap-up lasts as much longer as his queue gives for one, in all no longer than that allows. Gives how long
    /// it lasts from now.
    ///
    /// # Errors
    /// [`WrapUpFault::None`]; [`WrapUpFault::Longest`] if it cannot last any longer.
    pub fn extend_wrap_up(&mut self, now: Now, agent: &AgentName) -> Result<Duration, WrapUpFault> {
        let (ix, after) = self.wrap_up_of(agent).ok_or(WrapUpFault::None)?;
        let more = self.floor.queue(after.queue).map(|queue| queue.config.wrap_up).unwrap_or_default();
        let lease = self.floor.agent(ix).and_then(|agent| agent.lease.as_ref()).ok_or(WrapUpFault::None)?;
        let until = (lease.timer.at() + more).min(after.longest);
        if until <= lease.timer.at() {
            return Err(WrapUpFault::Longest);
        }
        self.timers.cancel(lease.timer);
        let timer = self.timers.set(until, Timer::Lease(ix));
        self.floor.change(ix, |agent| agent.lease.as_mut().map(|lease| lease.timer = timer));
        Ok(until - now.monotonic)
    }

    /// The call that an agent may say something of: that which he has from a queue, or whose wrap-up he is in.
    #[must_use]
    pub fn call_of(&self, agent: &AgentName) -> Option<CallId> {
        let ix = self.floor.find(agent)?;
        match self.floor.agent(ix)?.held {
            Some(Held::Call { call, .. }) => Some(call),
            _ => self.wrap_up_of(agent).map(|(_, after)| after.call),
        }
    }

    /// How many agents are in the wrap-up of each call. Looks once at all of them, so for tests and reconciliation.
    #[must_use]
    pub fn wrap_ups(&self) -> BTreeMap<CallId, usize> {
        let mut calls = BTreeMap::new();
        for lease in self.floor.agents.iter().filter_map(|agent| agent.lease.as_ref()) {
            if let LeaseKind::WrapUp(after) = lease.kind {
                *calls.entry(after.call).or_default() += 1;
            }
        }
        calls
    }

    fn wrap_up_of(&self, agent: &AgentName) -> Option<(AgentIx, After)> {
        let ix = self.floor.find(agent)?;
        match self.floor.agent(ix)?.lease.as_ref()?.kind {
            LeaseKind::WrapUp(after) => Some((ix, after)),
            LeaseKind::Rest | LeaseKind::Lost => None,
        }
    }
}
