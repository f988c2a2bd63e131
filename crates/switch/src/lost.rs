//! An agent's phone is lost in mid-call: its audio ceased, or it answers no request of ours any more.
//!
//! The caller hears so, and then his queue's music. For a time that the queue gives the call is still the agent's, whose phone is rung
//! anew: at once, every few seconds, and when it registers. If he takes it they talk on; else the call stands first in its queue
//! again. The recording, which is the caller's, runs on through all of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentName, QueueName};
use base::{CallId, LegId, Now, TimerToken};
use ivr::Sound;
use journal::{AgentLost, Kind, LegRole, Name};
use leg::{Command, Item};
use sip_message::Reason;

use crate::call::{Role, Stage};
use crate::callbacks::Stood;
use crate::flow::{Wanted, item};
use crate::returning::Known;
use crate::switch::Switch;
use crate::timer::Timer;

/// How long after a try his phone is rung again.
const AGAIN: Duration = Duration::from_secs(3);
/// What the caller hears, if there is such a prompt.
const NOTICE: &str = "queue/agent-lost";

/// The agent of a call, who is awaited.
#[derive(Debug)]
pub(crate) struct Lost {
    agent: AgentName,
    queue: QueueName,
    /// The end of his time.
    until: TimerToken,
    /// When his phone is rung next, while it does not ring.
    again: Option<TimerToken>,
    /// What rings there.
    leg: Option<LegId>,
}

impl Lost {
    /// How many timers it has.
    pub fn timers(&self) -> usize {
        1 + usize::from(self.again.is_some())
    }

    pub const fn leg(&self) -> Option<LegId> {
        self.leg
    }

    pub const fn queue(&self) -> &QueueName {
        &self.queue
    }
}

/// True if a leg that ended so was not hung up.
pub(crate) fn is_loss(cause: &str) -> bool {
    matches!(cause, "media_silent" | "timeout" | "gone" | "session_expired")
}

impl Switch {
    /// The agent of a talk, which is over, is lost. False if his queue goes on without such calls.
    pub(crate) fn agent_lost(
        &mut self,
        now: Now,
        call: CallId,
        (agent, queue): (&AgentName, &QueueName),
        cause: &'static str,
    ) -> bool {
        let time = self.config.waiting.get(queue).and_then(|waiting| waiting.return_time);
        let Some(time) = time else { return false };
        let Some(found) = self.calls.get_mut(&call) else { return false };
        found.peer_gone = None;
        let until = self.timers.set(now.monotonic + time, Timer::Return(call));
        found.stage = Stage::Awaiting;
        found.lost = Some(Lost { agent: agent.clone(), queue: queue.clone(), until, again: None, leg: None });
        self.awaited.insert(agent.clone(), call);
        let return_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let lost = AgentLost { agent: agent.shared().clone(), cause: Name::from(cause), return_ms };
        self.note(now, call, Kind::AgentLost(lost));
        self.play_queue_music(now, call, queue);
        self.tell_lost(call);
        if !time.is_zero() {
            self.ring_anew(now, call);
        }
        true
    }

    /// The notice, over the music.
    fn tell_lost(&mut self, call: CallId) {
        let Some(found) = self.calls.get(&call) else { return };
        let notice = Sound::Prompt(NOTICE.into());
        let told = item(&found.prompts, &BTreeMap::new(), found.language.as_deref(), &notice);
        let items: Arc<[Item]> = told.into_iter().collect();
        if !items.is_empty() {
            self.commands.push_back(Command::Interject { leg: found.caller, items });
        }
    }

    /// The phone of an awaited agent is rung, which does not ring now.
    pub(crate) fn ring_anew(&mut self, now: Now, call: CallId) {
        let Some(lost) = self.calls.get_mut(&call).and_then(|found| found.lost.as_mut()) else { return };
        if let Some(timer) = lost.again.take() {
            self.timers.cancel(timer);
        }
        let (agent, queue) = (lost.agent.clone(), lost.queue.clone());
        // Who registers is rung when he does.
        let Some(route) = self.route_to(agent.shared()) else { return };
        let journaled = LegRole::Agent(agent.shared().clone());
        let leg = self.open_leg(now, call, Role::Agent { offer: None, queue, agent, route }, journaled);
        if let Some(lost) = self.calls.get_mut(&call).and_then(|found| found.lost.as_mut()) {
            lost.leg = Some(leg);
        }
    }

    /// His phone did not take it: once more in a while.
    pub(crate) fn not_back(&mut self, now: Now, call: CallId) {
        let Some(lost) = self.calls.get_mut(&call).and_then(|found| found.lost.as_mut()) else { return };
        lost.leg = None;
        if lost.again.is_none() {
            lost.again = Some(self.timers.set(now.monotonic + AGAIN, Timer::RingAnew(call)));
        }
    }

    pub(crate) fn ring_again(&mut self, now: Now, call: CallId) {
        if let Some(lost) = self.calls.get_mut(&call).and_then(|found| found.lost.as_mut()) {
            lost.again = None;
            self.ring_anew(now, call);
        }
    }

    /// A phone of an agent has registered, or answers again. If it only refreshed what it had, what rings there goes on.
    pub(crate) fn agent_in_reach(&mut self, now: Now, agent: &AgentName, refreshed: bool) {
        self.acd.agent_found(now, agent);
        let Some(&call) = self.awaited.get(agent) else { return };
        let Some(lost) = self.calls.get_mut(&call).and_then(|found| found.lost.as_mut()) else { return };
        if refreshed && lost.leg.is_some() {
            return;
        }
        if let Some(leg) = lost.leg.take() {
            // It may ring where nobody is any more.
            self.drop_leg(now, leg, "rung_elsewhere", Reason::default());
        }
        self.ring_anew(now, call);
    }

    /// The time is over: the call is for others.
    pub(crate) fn return_over(&mut self, now: Now, call: CallId) {
        if let Some(lost) = self.end_awaiting(call) {
            self.drop_lost(now, lost, true);
        }
    }

    /// The call ends while its agent is awaited.
    pub(crate) fn await_no_more(&mut self, now: Now, call: CallId) {
        if let Some(lost) = self.end_awaiting(call) {
            self.drop_lost(now, lost, false);
        }
    }

    fn drop_lost(&mut self, now: Now, lost: Lost, waits: bool) {
        if let Some(leg) = lost.leg {
            self.drop_leg(now, leg, "not_back", Reason::default());
        }
        self.acd.agent_lost(now, &lost.agent, waits);
    }

    /// An agent is awaited no longer; what rings at his phone stays as it is.
    pub(crate) fn end_awaiting(&mut self, call: CallId) -> Option<Lost> {
        let lost = self.calls.get_mut(&call)?.lost.take()?;
        for timer in [Some(lost.until), lost.again].into_iter().flatten() {
            self.timers.cancel(timer);
        }
        self.awaited.remove(&lost.agent);
        Some(lost)
    }

    /// The call stands in its queue again, for as long as its flow would have it wait at first, and its caller is told again what he was
    /// told there.
    pub(crate) fn returned_to_queue(&mut self, now: Now, call: CallId, queue: &QueueName) {
        let joined = self.acd.waits_since(call).unwrap_or(now.monotonic);
        let Some(found) = self.calls.get_mut(&call) else { return };
        // Whom somebody brought together with the agent never stood there himself.
        let new = || Stood { queue: queue.clone(), joined, wanted: Wanted::default() };
        let stood = found.stood.get_or_insert_with(new);
        stood.joined = joined;
        let (came_to, wanted) = (stood.queue.clone(), stood.wanted.clone());
        found.came_to = Some(came_to.clone());
        let limit = wanted.max_wait.map(|wait| self.timers.set(now.monotonic + wait, Timer::QueueWait(call)));
        found.stage = Stage::Queued(limit);
        self.note(now, call, Kind::QueueJoined { queue: queue.shared().clone() });
        self.waits_in(now, call, &came_to, &Known::Stranger);
        self.begin_announcing(now, call, wanted.announce);
    }
}
