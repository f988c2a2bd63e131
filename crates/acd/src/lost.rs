//! Agents who are lost in mid-call: their calls stand first in line again, and they get no offer until they are found.

use std::time::Duration;

use base::Now;
use routing::AgentName;

use crate::floor::{AgentIx, Held, LeaseKind, QueueIx};
use crate::machine::Acd;
use crate::queue::Queue;
use crate::wrap_up::After;
use crate::{Event, LeaveReason, OfferEnd, OfferFailure};

impl Acd {
    /// The phone of an agent is lost in mid-call. He gets no offer until [`Self::agent_found`] says that it is there again, or for as long
    /// as after an offer that could not reach him. If the caller `waits`, his call stands first in its queue again with all that is
    /// known of it; else it is out. Without a call from a queue nothing changes.
    pub fn agent_lost(&mut self, now: Now, agent: &AgentName, waits: bool) {
        let Some(ix) = self.floor.find(agent) else { return };
        let Some(&Held::Call { call, queue }) = self.floor.agent(ix).and_then(|agent| agent.held.as_ref()) else {
            return;
        };
        let talked = self.floor.change(ix, |agent| {
            agent.held = None;
            let talked = now.monotonic - agent.held_since;
            agent.today.talk += talked;
            agent.today.end_busy(now.monotonic);
            talked
        });
        // Of the call, what he had is over; whoever has it next has another part of it.
        let talked = talked.unwrap_or_default();
        self.tell_ended(ix, After { call, queue, talked, longest: now.monotonic });
        if waits {
            if let Some(entry) = self.calls.get_mut(&call) {
                entry.returned = true;
                // As if there had been no talk.
                entry.joined = entry.joined + entry.waits(now.monotonic);
            }
            self.enter_queue(now, call, queue);
            // It is nobody who comes; only how long it waits from now on may be too much.
            self.arm_overflow(now, call);
            if let Some(name) = self.floor.queue(queue).map(|queue| queue.config.name.clone()) {
                self.events.push_back(Event::Returned { call, queue: name, agent: agent.clone() });
            }
        } else {
            self.calls.remove(&call);
            base::give_back(&mut self.calls);
        }
        self.rest_lost(now, ix, queue);
        let turned_out = self.floor.queue(queue).map_or(Some(LeaveReason::NoAgents), Queue::turns_out);
        if let Some(why) = turned_out {
            self.remove_call(now, call, OfferEnd::CallerLeft, why);
        }
        self.pump(now, queue);
    }

    fn rest_lost(&mut self, now: Now, ix: AgentIx, queue: QueueIx) {
        let penalty = self.floor.queue(queue).map(|queue| queue.config.penalties.unreachable);
        let (rest, pause_after) = penalty.map(|penalty| (penalty.rest, penalty.pause_after)).unwrap_or_default();
        let paused = self.pause_who_missed(now, ix, OfferFailure::Unreachable, pause_after);
        self.begin_lease(now, ix, LeaseKind::Lost, if paused { Duration::ZERO } else { rest });
    }

    /// The phone of an agent who was lost is there again.
    pub fn agent_found(&mut self, now: Now, agent: &AgentName) {
        let Some(ix) = self.floor.find(agent) else { return };
        let lease = self.floor.agent(ix).and_then(|agent| agent.lease.as_ref());
        let Some(timer) = lease.filter(|lease| lease.kind == LeaseKind::Lost).map(|lease| lease.timer) else { return };
        self.timers.cancel(timer);
        self.end_lease(now, ix);
    }
}
