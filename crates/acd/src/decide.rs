//! Decisions: asked for, checked when they come, replaced when they do not serve.
//!
//! A decision has a subject: a call for which an agent is sought (agent surplus), or an agent for whom a call is sought
//! (call surplus). A subject has at most one decision under way, and is no option in those of others meanwhile; options
//! are not held, so two decisions may want the same agent. Then the later one is stale: one more try, then longest idle.

use std::sync::Arc;
use std::time::Duration;

use base::{CallId, DecisionId, Mono, Now, TimerToken};
use routing::{Action, AgentName, Decision, LongestIdle, Snapshot, Strategy as _};

use crate::floor::{AgentIx, QueueIx, Standing};
use crate::machine::{Acd, Timer};
use crate::queue::Stage;
use crate::{DecisionFault, Event, LeaveReason, OfferEnd};

/// The longest ring time that a decision may ask for.
const MAX_RING: Duration = Duration::from_secs(600);
/// How long a decision's wait lasts if it does not say; and the longest that it may say, lest a call be forgotten.
const USUAL_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A decision under way.
#[derive(Debug)]
pub(crate) struct Ask {
    pub subject: Subject,
    /// The queue whose strategy was asked.
    queue: QueueIx,
    /// True for the second try, after a stale decision.
    again: bool,
    snapshot: Arc<Snapshot>,
    timer: TimerToken,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Call(CallId),
    Agent(AgentIx),
}

/// A pair that was chosen and checked.
pub(crate) struct Choice {
    pub call: CallId,
    pub agent: AgentIx,
    pub ring_time: Option<Duration>,
    pub decision: DecisionId,
    pub fallback: bool,
    pub reason: String,
    pub snapshot: Arc<Snapshot>,
}

impl Acd {
    /// The answer to [`Event::DecisionNeeded`]. It is checked again: one that names an agent or call who is not free any
    /// more causes one new decision; one that is impossible, or stale a second time, is replaced by longest idle. An
    /// answer that nobody waits for changes nothing.
    pub fn handle_decision(&mut self, now: Now, id: DecisionId, decision: &Decision) {
        let Some(ask) = self.end_ask(id) else { return };
        let outcome = match &decision.action {
            Action::Offer { call, agent, ring_ms } => self.take_pair(now, &ask, *call, agent, *ring_ms, decision),
            Action::Wait { at_most_ms } => {
                let wait = at_most_ms.map_or(USUAL_WAIT, Duration::from_millis).min(MAX_WAIT);
                self.defer(now, &ask, wait);
                Ok(())
            }
            Action::Refuse { call } => self.refuse(now, &ask, *call, decision),
        };
        if let Err(fault) = outcome {
            self.reject(now, id, &ask, fault);
        }
        self.pump(now, ask.queue);
    }

    /// Offers the pair if both stood in the snapshot and are still free.
    fn take_pair(
        &mut self,
        now: Now,
        ask: &Ask,
        call: CallId,
        agent: &AgentName,
        ring_ms: Option<u64>,
        decision: &Decision,
    ) -> Result<(), DecisionFault> {
        let ring_time = ring_ms.map(Duration::from_millis);
        let listed = ask.snapshot.candidates().iter().any(|candidate| candidate.agent == *agent)
            && ask.snapshot.calls().iter().any(|listed| listed.id == call);
        if !listed || ring_time.is_some_and(|ring| ring.is_zero() || ring > MAX_RING) {
            return Err(DecisionFault::Impossible);
        }
        let agent = self.free_pair(now.monotonic, call, agent).ok_or(DecisionFault::Stale)?;
        let (decision_id, reason) = (ask.snapshot.id, decision.short_reason().to_owned());
        let snapshot = Arc::clone(&ask.snapshot);
        self.make_offer(
            now,
            Choice { call, agent, ring_time, decision: decision_id, fallback: false, reason, snapshot },
        );
        Ok(())
    }

    /// The agent, if he is idle, serves the queue in which the call waits, and did not decline it a moment ago.
    fn free_pair(&self, now: Mono, call: CallId, agent: &AgentName) -> Option<AgentIx> {
        let ix = self.floor.find(agent)?;
        let (agent, entry) = (self.floor.agent(ix)?, self.calls.get(&call)?);
        let free = matches!(agent.standing(), Standing::Idle | Standing::Undecided) && agent.serves(entry.queue);
        let waits = matches!(entry.stage, Stage::Waiting(_)) && !entry.was_tried(ix, now);
        (free && waits).then_some(ix)
    }

    fn refuse(&mut self, now: Now, ask: &Ask, call: CallId, decision: &Decision) -> Result<(), DecisionFault> {
        if !ask.snapshot.calls().iter().any(|listed| listed.id == call) {
            return Err(DecisionFault::Impossible);
        }
        if !self.calls.get(&call).is_some_and(|entry| matches!(entry.stage, Stage::Waiting(_))) {
            return Err(DecisionFault::Stale);
        }
        let reason = decision.short_reason().to_owned();
        self.remove_call(now, call, OfferEnd::CallerLeft, LeaveReason::Refused { reason });
        if let Subject::Agent(agent) = ask.subject {
            self.ask_for_agent(now, agent, false);
        }
        Ok(())
    }

    /// The subject waits, unless something changed while the decision was under way.
    fn defer(&mut self, now: Now, ask: &Ask, wait: Duration) {
        let changed = self.epoch(ask.subject, ask.queue) != ask.snapshot.epoch;
        match ask.subject {
            _ if changed => self.ask(now, ask.subject, false),
            Subject::Call(call) => self.arm_call(call, now.monotonic + wait),
            Subject::Agent(agent) => {
                let token = self.timers.set(now.monotonic + wait, Timer::WakeAgent(agent));
                self.floor.change(agent, |agent| agent.wake = Some(token));
            }
        }
    }

    fn reject(&mut self, now: Now, id: DecisionId, ask: &Ask, fault: DecisionFault) {
        if let Some(queue) = self.floor.queue(ask.queue).map(|queue| queue.config.name.clone()) {
            self.events.push_back(Event::DecisionRejected { id, queue, fault });
        }
        if fault == DecisionFault::Stale && !ask.again {
            self.ask(now, ask.subject, true);
        } else {
            self.fall_back(now, ask.subject);
        }
    }

    pub(crate) fn decision_late(&mut self, now: Now, id: DecisionId) {
        let Some(ask) = self.end_ask(id) else { return };
        self.reject(now, id, &ask, DecisionFault::Late);
        self.pump(now, ask.queue);
    }

    /// Longest idle decides about the subject, if it is still to be decided.
    fn fall_back(&mut self, now: Now, subject: Subject) {
        if !self.is_open(subject) {
            return;
        }
        let id = self.ids.decision();
        let Some((_, snapshot)) = self.snapshot(now, id, subject) else { return };
        let decision = LongestIdle.decide(&snapshot);
        let Action::Offer { call, agent, .. } = &decision.action else { return };
        let Some(agent) = self.free_pair(now.monotonic, *call, agent) else { return };
        let (call, reason, snapshot) = (*call, decision.reason, Arc::new(snapshot));
        self.make_offer(now, Choice { call, agent, ring_time: None, decision: id, fallback: true, reason, snapshot });
    }

    /// Looks for agents for the calls of a queue that are due. No more decisions are under way at once than agents are
    /// idle, so that the calls in front are decided first.
    pub(crate) fn pump(&mut self, now: Now, ix: QueueIx) {
        while let Some(queue) = self.floor.queue_mut(ix) {
            if !queue.idle.is_empty() && queue.asking >= queue.idle.len() {
                return;
            }
            let Some((_, call)) = queue.due.pop_first() else { return };
            if !queue.idle.is_empty() {
                self.ask(now, Subject::Call(call), false);
            }
        }
    }

    pub(crate) fn ask_for_agent(&mut self, now: Now, agent: AgentIx, again: bool) {
        self.ask(now, Subject::Agent(agent), again);
    }

    /// Asks for a decision about the subject, if it is free and there is something to choose from.
    fn ask(&mut self, now: Now, subject: Subject, again: bool) {
        if !self.is_open(subject) {
            return;
        }
        let id = self.ids.decision();
        let Some((queue_ix, snapshot)) = self.snapshot(now, id, subject) else { return };
        let Some(queue) = self.floor.queue_mut(queue_ix) else { return };
        let timer = self.timers.set(now.monotonic + queue.config.decision_time, Timer::Decision(id));
        let name = queue.config.name.clone();
        match subject {
            Subject::Call(call) => {
                queue.asking += 1;
                if let Some(entry) = self.calls.get_mut(&call) {
                    queue.due.remove(&entry.place);
                    entry.stage = Stage::Waiting(Some(id));
                }
            }
            Subject::Agent(agent) => {
                self.cancel_agent_wake(agent);
                self.floor.change(agent, |agent| agent.ask = Some(id));
            }
        }
        let snapshot = Arc::new(snapshot);
        self.asks.insert(id, Ask { subject, queue: queue_ix, again, snapshot: Arc::clone(&snapshot), timer });
        self.events.push_back(Event::DecisionNeeded { id, queue: name, snapshot });
    }

    /// True if the subject waits for a decision and none is under way.
    fn is_open(&self, subject: Subject) -> bool {
        match subject {
            Subject::Call(call) => self.calls.get(&call).is_some_and(|entry| entry.stage == Stage::Waiting(None)),
            Subject::Agent(agent) => self.floor.agent(agent).is_some_and(|agent| agent.standing() == Standing::Idle),
        }
    }

    /// A decision is under way no more.
    fn end_ask(&mut self, id: DecisionId) -> Option<Ask> {
        let ask = self.asks.remove(&id)?;
        base::give_back(&mut self.asks);
        self.timers.cancel(ask.timer);
        match ask.subject {
            Subject::Call(call) => {
                if let Some(queue) = self.floor.queue_mut(ask.queue) {
                    queue.asking = queue.asking.saturating_sub(1);
                }
                if let Some(entry) = self.calls.get_mut(&call) {
                    entry.stage = Stage::Waiting(None);
                }
            }
            Subject::Agent(agent) => {
                self.floor.change(agent, |agent| agent.ask = None);
            }
        }
        Some(ask)
    }

    /// The call is decided, or gone: a decision under way about it is nobody's any more.
    pub(crate) fn drop_call_ask(&mut self, call: CallId) {
        if let Some(Stage::Waiting(Some(id))) = self.calls.get(&call).map(|entry| entry.stage) {
            self.end_ask(id);
        }
    }

    /// The agent is not idle any more: a decision under way about him is nobody's, and he need not be woken.
    pub(crate) fn drop_agent_ask(&mut self, agent: AgentIx) {
        if let Some(id) = self.floor.agent(agent).and_then(|agent| agent.ask) {
            self.end_ask(id);
        }
        self.cancel_agent_wake(agent);
    }

    fn cancel_agent_wake(&mut self, agent: AgentIx) {
        if let Some(token) = self.floor.change(agent, |agent| agent.wake.take()).flatten() {
            self.timers.cancel(token);
        }
    }

    /// Looks again for an agent for the call at `at`, or sooner if it is to be looked for sooner anyway.
    pub(crate) fn arm_call(&mut self, call: CallId, at: Mono) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        match entry.wake {
            Some(token) if token.at() <= at => return,
            Some(token) => drop(self.timers.cancel(token)),
            None => {}
        }
        entry.wake = Some(self.timers.set(at, Timer::WakeCall(call)));
    }

    pub(crate) fn wake_call(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.wake = None;
        let next = entry.next_retry(now.monotonic);
        let (place, queue_ix, stage) = (entry.place, entry.queue, entry.stage);
        if let Some(next) = next {
            self.arm_call(call, next);
        }
        if let (Stage::Waiting(None), Some(queue)) = (stage, self.floor.queue_mut(queue_ix)) {
            queue.due.insert(place, call);
            self.pump(now, queue_ix);
        }
    }

    pub(crate) fn wake_agent(&mut self, now: Now, agent: AgentIx) {
        self.floor.change(agent, |agent| agent.wake = None);
        self.ask_for_agent(now, agent, false);
    }
}
