//! New lists of queues and agents, while calls wait, are offered and talk.

use base::{CallId, Now};
use routing::AgentName;

use crate::floor::{AgentIx, Held, LeaseKind, LiveOffer};
use crate::machine::{Acd, Timer};
use crate::queue::Stage;
use crate::{AgentConfig, Event, LeaveReason, OfferEnd, QueueConfig, Status};

impl Acd {
    /// Takes new lists of queues and agents, in place of those it has; `status` says of each agent whether he is logged in.
    ///
    /// - What stays, stays as it is: places in line, offers, calls, wrap-up, since when agents are idle.
    /// - An agent who is listed no more, or no more in a queue, gets no new offer from it. A phone that rings may still be
    ///   answered, and a call goes on to its end; then he is gone, without wrap-up.
    /// - From a queue that is listed no more, or that nobody serves now, calls that wait leave ([`LeaveReason::NoAgents`]);
    ///   one that is offered does if the offer fails.
    /// - New times count from the next offer or call on; `max_wait` and `overflow` for those who wait, too, from when they came
    ///   into their queue. Those who wait stand by the new `aging`, and need what the new `needs` and `widening` say.
    pub fn reconfigure(
        &mut self,
        now: Now,
        queues: Vec<QueueConfig>,
        agents: Vec<AgentConfig>,
        status: impl Fn(&AgentName) -> Status,
    ) {
        // What was asked about an agent may not be his to decide any more; it is asked anew below.
        for ix in 0..self.floor.agents.len() {
            self.drop_agent_ask(ix);
        }
        self.floor.list(now.monotonic, queues, agents, status);
        for ix in 0..self.floor.agents.len() {
            self.end_lease_if_gone(ix);
        }
        self.renew_places(now);
        self.renew_waits(now);
        for ix in 0..self.floor.queues.len() {
            self.abandon_queue(now, ix);
        }
        for ix in 0..self.floor.agents.len() {
            self.agent_free(now, ix);
        }
        for ix in 0..self.floor.queues.len() {
            self.pump(now, ix);
        }
    }

    fn end_lease_if_gone(&mut self, ix: AgentIx) {
        let gone = |agent: &mut crate::floor::Agent| {
            let lease = if agent.listed { None } else { agent.lease.take() };
            lease.map(|lease| (lease, agent.name.clone()))
        };
        let Some((lease, agent)) = self.floor.change(ix, gone).flatten() else { return };
        self.timers.cancel(lease.timer);
        if let LeaseKind::WrapUp(after) = lease.kind {
            self.events.push_back(Event::WrapUpEnded { agent, call: after.call });
            self.tell_ended(ix, after);
        }
    }

    /// Those who wait or are offered stand where, and need what, their queues say now.
    fn renew_places(&mut self, now: Now) {
        for call in self.in_queues() {
            self.change_line(call, |entry, queue| {
                entry.place = queue.place(entry, entry.caller.priority);
            });
            let needs = self.set_needs(now, call);
            if let Some(queue) = self.calls.get(&call).map(|entry| entry.queue) {
                self.floor.index_skills(queue, &needs);
            }
        }
    }

    /// The calls that wait or are offered.
    fn in_queues(&self) -> Vec<CallId> {
        let waits = self.calls.iter().filter(|(_, entry)| !matches!(entry.stage, Stage::Connected(_)));
        let mut waiting: Vec<CallId> = waits.map(|(id, _)| *id).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Those who wait or are offered do so for as long as their queue says now.
    fn renew_waits(&mut self, now: Now) {
        for call in self.in_queues() {
            self.renew_wait(now, call);
            self.overflow_after_wait(now, call);
        }
    }

    /// A call waits for as long as its queue says, from when it came into it; but while its agent is told of it.
    pub(crate) fn renew_wait(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue(entry.queue) else { return };
        let taken = |ix: &AgentIx| {
            let held = self.floor.agent(*ix).and_then(|agent| agent.held.as_ref());
            matches!(held, Some(Held::Offer(LiveOffer { taken: Some(_), .. })))
        };
        if entry.ringing.first().is_some_and(taken) {
            return;
        }
        let end = queue.config.max_wait.filter(|_| !entry.caller.patient).map(|most| entry.entered + most);
        if entry.max_wait.map(base::TimerToken::at) == end {
            return;
        }
        if let Some(token) = entry.max_wait.take() {
            self.timers.cancel(token);
        }
        match end {
            Some(end) if end <= now.monotonic => {
                self.remove_call(now, call, OfferEnd::WaitedTooLong, LeaveReason::WaitedTooLong);
            }
            end => entry.max_wait = end.map(|end| self.timers.set(end, Timer::MaxWait(call))),
        }
    }
}
