//! Ways out: calls that leave, agents who become free.

use std::time::Duration;

use base::{CallId, Now};

use crate::decide::Subject;
use crate::floor::{AgentIx, Held, Lease, LeaseKind, QueueIx};
use crate::machine::{Acd, Timer};
use crate::queue::Stage;
use crate::wrap_up::After;
use crate::{Event, LeaveReason, OfferEnd};

impl Acd {
    /// Takes a call out that waits or is offered. The agents to whom it was offered are idle as before.
    pub(crate) fn remove_call(&mut self, now: Now, call: CallId, end: OfferEnd, why: LeaveReason) {
        if let Some((queue, freed)) = self.take_out(now, call, end, why) {
            self.calls.remove(&call);
            base::give_back(&mut self.calls);
            self.free_all(now, freed);
            self.pump(now, queue);
        }
    }

    /// Ends what a call that waits or is offered has in its queue; the call itself stays. Gives the queue and the agents
    /// who have become free.
    pub(crate) fn take_out(
        &mut self,
        now: Now,
        call: CallId,
        end: OfferEnd,
        why: LeaveReason,
    ) -> Option<(QueueIx, Vec<AgentIx>)> {
        if matches!(self.calls.get(&call)?.stage, Stage::Connected(_)) {
            return None;
        }
        self.drop_call_ask(call);
        self.note_left(now, call, self.calls.get(&call)?.queue, false);
        let entry = self.calls.get_mut(&call)?;
        let (ringing, timers) = (std::mem::take(&mut entry.ringing), entry.take_timers());
        entry.turns.clear();
        entry.open = false;
        for token in timers {
            self.timers.cancel(token);
        }
        let queue = self.floor.queue_mut(entry.queue)?;
        queue.take(entry);
        queue.line.open.remove(&entry.place);
        queue.length -= 1;
        let waited = entry.waits(now.monotonic);
        let given_up =
            matches!(why, LeaveReason::Left | LeaveReason::WaitedTooLong | LeaveReason::NoAgents | LeaveReason::Closed);
        if given_up && waited > queue.config.service_level.within {
            queue.kept.note(false);
        }
        let (ix, name) = (entry.queue, queue.config.name.clone());
        for &agent in &ringing {
            self.withdraw(now, agent, end);
        }
        self.events.push_back(Event::LeftQueue { call, queue: name, why, waited });
        Some((ix, ringing))
    }

    pub(crate) fn free_all(&mut self, now: Now, agents: Vec<AgentIx>) {
        for agent in agents {
            self.agent_free(now, agent);
        }
    }

    /// Ends an agent's offer through no doing of his.
    pub(crate) fn withdraw(&mut self, now: Now, agent: AgentIx, end: OfferEnd) {
        if let Some(offer) = self.take_offer(agent) {
            self.push_offer_ended(now, agent, &offer, end);
        }
    }

    /// Ends an agent's call from a queue, if he has one; his wrap-up begins.
    pub(crate) fn end_call(&mut self, now: Now, ix: AgentIx) {
        let Some(&Held::Call { call, queue }) = self.floor.agent(ix).and_then(|agent| agent.held.as_ref()) else {
            return;
        };
        self.calls.remove(&call);
        base::give_back(&mut self.calls);
        let talked = self.floor.change(ix, |agent| {
            agent.held = None;
            agent.idle_since = now.monotonic;
            let talked = now.monotonic - agent.held_since;
            agent.today.talk += talked;
            talked
        });
        let times = self.floor.queue(queue).map(|queue| (queue.config.wrap_up, queue.config.wrap_up_max));
        let (wrap_up, most) = times.unwrap_or_default();
        let longest = now.monotonic + most.max(wrap_up);
        let after = After { call, queue, talked: talked.unwrap_or_default(), longest };
        if wrap_up.is_zero() || self.floor.agent(ix).is_none_or(|agent| !agent.listed) {
            self.tell_ended(ix, after);
        }
        self.begin_lease(now, ix, LeaseKind::WrapUp(after), wrap_up);
    }

    /// Keeps an agent from offers for a time, then he is idle anew. One who is configured no more is gone.
    pub(crate) fn begin_lease(&mut self, now: Now, ix: AgentIx, kind: LeaseKind, lasts: Duration) {
        let listed = self.floor.change(ix, |agent| {
            agent.idle_since = now.monotonic;
            if !agent.listed || lasts.is_zero() {
                agent.today.end_busy(now.monotonic);
            }
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
        if let (LeaseKind::WrapUp(After { call, .. }), Some(agent)) = (kind, name) {
            self.events.push_back(Event::WrapUpBegan { agent, call, lasts });
        }
    }

    pub(crate) fn end_lease(&mut self, now: Now, ix: AgentIx) {
        let ended = self.floor.change(ix, |agent| {
            agent.idle_since = now.monotonic;
            agent.today.end_busy(now.monotonic);
            agent.lease.take().map(|lease| (lease.kind, agent.name.clone()))
        });
        if let Some((LeaseKind::WrapUp(after), agent)) = ended.flatten() {
            self.events.push_back(Event::WrapUpEnded { agent, call: after.call });
            self.tell_ended(ix, after);
        }
        self.agent_free(now, ix);
    }

    /// An agent may have become idle: he is one more for his queues, and perhaps a call waits for him.
    pub(crate) fn agent_free(&mut self, now: Now, ix: AgentIx) {
        self.floor.bump(ix);
        self.ask(now, Subject::Agent(ix));
    }

    /// Calls leave those queues of an agent where nobody is any more who must be.
    pub(crate) fn abandon_unserved(&mut self, now: Now, ix: AgentIx) {
        let queues = self.floor.agent(ix).map(|agent| agent.queues.clone()).unwrap_or_default();
        for his in queues {
            self.abandon_queue(now, his.queue);
        }
    }

    /// Calls leave a queue where nobody may wait now. Offers that ring go on: they may still be answered.
    pub(crate) fn abandon_queue(&mut self, now: Now, queue: QueueIx) {
        while let Some((call, why)) = self.first_turned_out(queue) {
            self.remove_call(now, call, OfferEnd::CallerLeft, why);
        }
    }

    fn first_turned_out(&self, queue: QueueIx) -> Option<(CallId, LeaveReason)> {
        let queue = self.floor.queue(queue)?;
        let (_, call) = queue.line.all.first_key_value()?;
        Some((*call, queue.turns_out()?))
    }
}
