//! Agents who are held for something beside the queues: a direct call, a phone that is not free yet.

use std::time::Duration;

use base::{CallId, Now};
use routing::AgentName;

use crate::ReserveError;
use crate::floor::{AgentIx, Held};
use crate::machine::{Acd, Timer};

/// A phone that was let go is taken to be free after this time: no transaction of SIP takes longer (RFC 3261 17.1.1.2).
const LET_GO: Duration = Duration::from_secs(40);

impl Acd {
    /// Holds an agent for a direct call, or for one that he makes himself; also in his wrap-up or rest.
    ///
    /// # Errors
    /// If there is no such agent, or he has an offer, a call or a reservation.
    pub fn reserve(&mut self, now: Now, agent: &AgentName, call: CallId) -> Result<(), ReserveError> {
        let ix = self.floor.find(agent).ok_or(ReserveError::UnknownAgent)?;
        if self.floor.agent(ix).is_none_or(|agent| agent.held.is_some()) {
            return Err(ReserveError::Busy);
        }
        self.drop_agent_ask(ix);
        self.floor.change(ix, |agent| {
            agent.held = Some(Held::Reserved(call));
            agent.held_since = now.monotonic;
        });
        Ok(())
    }

    /// What an agent holds of the call `from`, be it from a queue or a reservation, he holds of `to` from now on, which is in no
    /// queue: two calls have become one. Without such a thing nothing changes.
    pub fn hand_over(&mut self, agent: &AgentName, from: CallId, to: CallId) {
        let Some(ix) = self.floor.find(agent) else { return };
        let held = match self.floor.agent(ix).and_then(|agent| agent.held.as_ref()) {
            Some(Held::Call { call, queue }) if *call == from && !self.calls.contains_key(&to) => {
                Held::Call { call: to, queue: *queue }
            }
            Some(Held::Reserved(call)) if *call == from => Held::Reserved(to),
            _ => return,
        };
        if matches!(held, Held::Call { .. })
            && let Some(entry) = self.calls.remove(&from)
        {
            self.calls.insert(to, entry);
        }
        self.floor.change(ix, |agent| agent.held = Some(held));
    }

    /// Ends the reservation of an agent for `call`, without wrap-up; another one's is left alone.
    pub fn release(&mut self, now: Now, agent: &AgentName, call: CallId) {
        let Some(ix) = self.floor.find(agent) else { return };
        let holds = |held: &Option<Held>| matches!(held, Some(Held::Reserved(other)) if *other == call);
        if self.floor.agent(ix).is_some_and(|agent| holds(&agent.held)) {
            self.floor.change(ix, |agent| {
                agent.held = None;
                agent.idle_since = now.monotonic;
            });
            self.agent_free(now, ix);
        }
    }

    /// The phone of an agent whose offer was withdrawn still has to let go of it. Until [`Self::let_go`], or for 40 s, he gets no
    /// call that it would find it busy with; then he is idle as before. Without effect if he has something else already.
    pub fn keep_back(&mut self, now: Now, agent: &AgentName, call: CallId) {
        let Some(ix) = self.floor.find(agent) else { return };
        if self.floor.agent(ix).is_none_or(|agent| agent.held.is_some()) {
            return;
        }
        self.drop_agent_ask(ix);
        let end = self.timers.set(now.monotonic + LET_GO, Timer::LetGo(ix));
        self.floor.change(ix, |agent| {
            agent.held = Some(Held::LettingGo { call, end });
            agent.held_since = now.monotonic;
        });
    }

    /// The agent's phone has let go of the offer that `call` had.
    pub fn let_go(&mut self, now: Now, agent: &AgentName, call: CallId) {
        let Some(ix) = self.floor.find(agent) else { return };
        match self.floor.agent(ix).and_then(|agent| agent.held.as_ref()) {
            Some(&Held::LettingGo { call: other, end }) if other == call => drop(self.timers.cancel(end)),
            _ => return,
        }
        self.has_let_go(now, ix);
    }

    pub(crate) fn has_let_go(&mut self, now: Now, ix: AgentIx) {
        self.floor.change(ix, |agent| agent.held = None);
        self.agent_free(now, ix);
    }
}
