//! Ways out: calls that leave, agents who become free.

use std::time::Duration;

use base::{CallId, Now};

use crate::floor::{AgentIx, Held, Lease, LeaseKind, QueueIx};
use crate::machine::{Acd, Timer};
use crate::queue::Stage;
use crate::{Event, LeaveReason, OfferEnd};

impl Acd {
    /// Takes a call out that waits or is offered. The agent to whom it was offered is idle as before.
    pub(crate) fn remove_call(&mut self, now: Now, call: CallId, end: OfferEnd, why: LeaveReason) {
        let stage = match self.calls.get(&call).map(|entry| entry.stage) {
            None | Some(Stage::Connected(_)) => return,
            Some(stage) => stage,
        };
        let freed = match stage {
            Stage::Offered(agent) => self.withdraw(now, agent, end),
            _ => None,
        };
        self.drop_call_ask(call);
        let Some(entry) = self.calls.remove(&call) else { return };
        base::give_back(&mut self.calls);
        for token in [entry.max_wait, entry.wake].into_iter().flatten() {
            self.timers.cancel(token);
        }
        self.note_left(now, call, entry.queue, false);
        let Some(queue) = self.floor.queue_mut(entry.queue) else { return };
        queue.take(entry.place);
        queue.length -= 1;
        let (name, waited) = (queue.config.name.clone(), now.monotonic - entry.place.joined);
        self.events.push_back(Event::LeftQueue { call, queue: name, why, waited });
        if let Some(agent) = freed {
            self.agent_free(now, agent);
        }
        self.pump(now, entry.queue);
    }

    /// Ends an agent's offer through no doing of his.
    fn withdraw(&mut self, now: Now, agent: AgentIx, end: OfferEnd) -> Option<AgentIx> {
        let offer = self.take_offer(agent)?;
        self.push_offer_ended(now, agent, &offer, end);
        Some(agent)
    }

    /// Ends an agent's call from a queue, if he has one; his wrap-up begins.
    pub(crate) fn end_call(&mut self, now: Now, ix: AgentIx) {
        let Some(&Held::Call { call, queue }) = self.floor.agent(ix).and_then(|agent| agent.held.as_ref()) else {
            return;
        };
        self.calls.remove(&call);
        base::give_back(&mut self.calls);
        self.floor.change(ix, |agent| agent.held = None);
        let wrap_up = self.floor.queue(queue).map(|queue| queue.config.wrap_up).unwrap_or_default();
        self.begin_lease(now, ix, LeaseKind::WrapUp, wrap_up);
    }

    /// Keeps an agent from offers for a time, then he is idle anew. One who is configured no more is gone.
    pub(crate) fn begin_lease(&mut self, now: Now, ix: AgentIx, kind: LeaseKind, lasts: Duration) {
        let listed = self.floor.change(ix, |agent| {
            agent.idle_since = now.monotonic;
            agent.listed
        });
        if listed != Some(true) {
            return;
        }
        if lasts.is_zero() {
            self.agent_free(now, ix);
            return;
        }
        let timer = self.timers.set(now.monotonic + lasts, Timer::Lease(ix));
        let name = self.floor.change(ix, |agent| {
            agent.lease = Some(Lease { kind, began: now.monotonic, timer });
            agent.name.clone()
        });
        if let (LeaseKind::WrapUp, Some(agent)) = (kind, name) {
            self.events.push_back(Event::WrapUpBegan { agent, lasts });
        }
    }

    pub(crate) fn end_lease(&mut self, now: Now, ix: AgentIx) {
        let ended = self.floor.change(ix, |agent| {
            agent.idle_since = now.monotonic;
            agent.lease.take().map(|lease| (lease.kind, agent.name.clone()))
        });
        if let Some((LeaseKind::WrapUp, agent)) = ended.flatten() {
            self.events.push_back(Event::WrapUpEnded { agent });
        }
        self.agent_free(now, ix);
    }

    /// An agent may have become idle: he is one more for his queues, and perhaps a call waits for him.
    pub(crate) fn agent_free(&mut self, now: Now, ix: AgentIx) {
        self.floor.bump(ix);
        self.ask_for_agent(now, ix, false);
    }

    /// Calls leave those queues of an agent that nobody serves any more.
    pub(crate) fn abandon_unserved(&mut self, now: Now, ix: AgentIx) {
        let queues = self.floor.agent(ix).map(|agent| agent.queues.clone()).unwrap_or_default();
        for (queue, _) in queues {
            self.abandon_queue(now, queue);
        }
    }

    /// Calls leave a queue if nobody serves it. Offers that ring go on: they may still be answered.
    pub(crate) fn abandon_queue(&mut self, now: Now, queue: QueueIx) {
        while let Some(call) = self.first_unserved(queue) {
            self.remove_call(now, call, OfferEnd::CallerLeft, LeaveReason::NoAgents);
        }
    }

    fn first_unserved(&self, queue: QueueIx) -> Option<CallId> {
        let queue = self.floor.queue(queue).filter(|queue| queue.logged_in == 0)?;
        queue.waiting.first_key_value().map(|(_, call)| *call)
    }
}
