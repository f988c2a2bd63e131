//! Decisions: asked for, checked when they come, replaced when they do not serve.
//!
//! A decision has a subject: a call for which an agent is sought (agent surplus), or an agent for whom a call is sought
//! (call surplus). A subject has at most one decision under way, and is no option in those of others meanwhile; options
//! are not held, so two decisions may want the same agent. Then the later one is stale: one more try, then longest idle.

use std::sync::Arc;
use std::time::Duration;

use base::{CallId, DecisionId, Mono, Now, TimerToken};
use routing::{Action, Decision, Levels, MAX_STATE, Method, Ring, Snapshot, Strategy as _, Target};

use crate::floor::{AgentIx, QueueIx, Standing};
use crate::machine::{Acd, Timer};
use crate::offer::Choice;
use crate::overflow::MAX_CHANGES;
use crate::queue::Stage;
use crate::{Binding, Change, Chosen, DecisionFault, Event, LeaveReason, OfferEnd};

/// A decision under way.
#[derive(Debug)]
pub(crate) struct Ask {
    pub subject: Subject,
    /// The queue whose strategy was asked.
    pub queue: QueueIx,
    /// True for the second try, after a stale decision.
    again: bool,
    method: Method,
    /// The plugin that was asked.
    pub plugin: Option<Arc<Binding>>,
    /// The method decides in the place of the plugin.
    fallback: bool,
    pub snapshot: Arc<Snapshot>,
    timer: Option<TimerToken>,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Call(CallId),
    Agent(AgentIx),
}

/// How a decision offers a call to agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    AtOnce { open: bool },
    InTurn,
}

impl Acd {
    /// The answer to [`Event::DecisionNeeded`]. It is checked again: one that names an agent or call who is not free any
    /// more causes one new decision; one that is impossible, or stale a second time, is replaced: a plugin's by that of the
    /// queue's method, a method's by longest idle. An answer that nobody waits for changes nothing. True if it is carried out.
    pub fn handle_decision(&mut self, now: Now, id: DecisionId, decision: &Decision) -> bool {
        let Some(ask) = self.end_ask(id) else { return false };
        if let (Some(state), Some(queue)) = (&decision.state, self.floor.queue_mut(ask.queue))
            && state.len() <= MAX_STATE
        {
            queue.state = Some(state.clone());
        }
        let obeyed = self.obey(now, &ask, decision);
        if let Err(fault) = obeyed {
            self.reject(now, id, &ask, fault, Some(decision));
        }
        self.pump(now, ask.queue);
        obeyed.is_ok()
    }

    /// The answer to [`Event::DecisionNeeded`] will not come: the queue's method decides at once, or if that was asked,
    /// longest idle. The call that it would have been about, if anybody waits for the answer.
    pub fn decide_otherwise(&mut self, now: Now, id: DecisionId) -> Option<CallId> {
        let ask = self.end_ask(id)?;
        self.fall_back(now, &ask);
        self.pump(now, ask.queue);
        ask.snapshot.calls().first().map(|call| call.id)
    }

    /// The answer to [`Event::DecisionNeeded`] was one that the driver could not carry out: it is replaced.
    pub fn handle_bad_decision(&mut self, now: Now, id: DecisionId, decision: &Decision) {
        let Some(ask) = self.end_ask(id) else { return };
        self.reject(now, id, &ask, DecisionFault::Impossible, Some(decision));
        self.pump(now, ask.queue);
    }

    fn obey(&mut self, now: Now, ask: &Ask, decision: &Decision) -> Result<(), DecisionFault> {
        if decision.impossible(&ask.snapshot).is_some() {
            return Err(DecisionFault::Impossible);
        }
        match &decision.action {
            Action::Offer { call, agent, ring_ms } => {
                let one = [Ring { agent: agent.clone(), ring_ms: *ring_ms }];
                self.offer_to(now, ask, *call, &one, Manner::AtOnce { open: false }, decision)
            }
            Action::OfferAll { call, agents } => {
                self.offer_to(now, ask, *call, agents, Manner::AtOnce { open: true }, decision)
            }
            Action::OfferInTurn { call, agents } => self.offer_to(now, ask, *call, agents, Manner::InTurn, decision),
            Action::Wait { at_most_ms } => self.defer(now, ask, *at_most_ms),
            Action::Widen { call, needs } => self.widen_to(now, ask, *call, needs, decision),
            Action::Prioritise { call, priority } => self.prioritise(now, ask, *call, *priority, decision),
            Action::Overflow { call, to } => self.overflow_to(now, ask, *call, to, decision),
            Action::Refuse { call } => self.refuse(now, ask, *call, decision),
        }
    }

    /// Offers the call to those of the agents who are still free.
    fn offer_to(
        &mut self,
        now: Now,
        ask: &Ask,
        call: CallId,
        agents: &[Ring],
        manner: Manner,
        decision: &Decision,
    ) -> Result<(), DecisionFault> {
        let choice = |ring: &Ring| {
            let agent = self.floor.find(&ring.agent).filter(|ix| self.is_free_for(now.monotonic, call, *ix))?;
            Some(Choice { agent, ring_time: ring.ring_ms.map(Duration::from_millis) })
        };
        let choices: Vec<Choice> = agents.iter().filter_map(choice).collect();
        let chosen = Arc::new(Chosen {
            decision: ask.snapshot.id,
            method: ask.method,
            plugin: ask.plugin.clone(),
            fallback: ask.fallback,
            reason: decision.short_reason().into(),
            scores: decision.scores.iter().copied().take(routing::MAX_CANDIDATES).collect(),
            snapshot: Arc::clone(&ask.snapshot),
        });
        match manner {
            _ if choices.is_empty() => return Err(DecisionFault::Stale),
            Manner::AtOnce { open } => self.make_offers(now, call, &choices, open, &chosen),
            Manner::InTurn => {
                let mut choices = choices.into_iter();
                let first: Vec<Choice> = choices.next().into_iter().collect();
                self.make_offers(now, call, &first, false, &chosen);
                if let Some(entry) = self.calls.get_mut(&call) {
                    entry.turns = choices.map(|choice| (choice, Arc::clone(&chosen))).collect();
                }
            }
        }
        Ok(())
    }

    /// True if the agent could be rung for the call: he is idle, serves its queue, has what it needs and did not turn it
    /// down a moment ago; and it waits, or is offered to others and open for more.
    pub(crate) fn is_free_for(&self, now: Mono, call: CallId, ix: AgentIx) -> bool {
        let (Some(agent), Some(entry)) = (self.floor.agent(ix), self.calls.get(&call)) else { return false };
        let idle = matches!(agent.standing(), Standing::Idle | Standing::Undecided);
        let fits = agent.membership(entry.queue).is_some() && agent.skills.meet(&entry.needs);
        let wants = match entry.stage {
            Stage::Waiting(_) => true,
            Stage::Offered => entry.open,
            Stage::Connected(_) => false,
        };
        idle && fits && wants && !entry.was_tried(ix, now)
    }

    fn refuse(&mut self, now: Now, ask: &Ask, call: CallId, decision: &Decision) -> Result<(), DecisionFault> {
        self.check_waits(call)?;
        let reason = decision.short_reason().to_owned();
        self.remove_call(now, call, OfferEnd::CallerLeft, LeaveReason::Refused { reason });
        self.ask(now, ask.subject);
        Ok(())
    }

    fn check_waits(&self, call: CallId) -> Result<(), DecisionFault> {
        let waits = self.calls.get(&call).is_some_and(|entry| matches!(entry.stage, Stage::Waiting(_)));
        if waits { Ok(()) } else { Err(DecisionFault::Stale) }
    }

    /// A change of a call that decisions may make so many times.
    fn count_change(&mut self, call: CallId) -> Result<(), DecisionFault> {
        let entry = self.calls.get_mut(&call).ok_or(DecisionFault::Stale)?;
        if entry.changes == MAX_CHANGES {
            return Err(DecisionFault::Impossible);
        }
        entry.changes += 1;
        Ok(())
    }

    fn widen_to(
        &mut self,
        now: Now,
        ask: &Ask,
        call: CallId,
        needs: &Levels,
        decision: &Decision,
    ) -> Result<(), DecisionFault> {
        self.check_waits(call)?;
        let entry = self.calls.get_mut(&call).ok_or(DecisionFault::Stale)?;
        // Its queue may have widened it meanwhile.
        if *needs == entry.needs || !entry.needs.meet(needs) {
            return Err(DecisionFault::Stale);
        }
        let widening = entry.widen.take();
        if let Some(token) = widening {
            self.timers.cancel(token);
        }
        self.count_change(call)?;
        self.change_line(call, |entry, _| entry.needs = needs.clone());
        self.tell_change(call, Change::Needs(needs.clone()), decision.short_reason().to_owned());
        self.ask_on(now, ask, false);
        self.pump_for(now, call);
        Ok(())
    }

    fn prioritise(
        &mut self,
        now: Now,
        ask: &Ask,
        call: CallId,
        priority: u8,
        decision: &Decision,
    ) -> Result<(), DecisionFault> {
        self.check_waits(call)?;
        if self.calls.get(&call).is_none_or(|entry| entry.caller.priority == priority) {
            return Err(DecisionFault::Stale);
        }
        self.count_change(call)?;
        self.change_line(call, |entry, queue| {
            entry.caller.priority = priority;
            entry.place = queue.place(entry, priority);
        });
        self.tell_change(call, Change::Priority(priority), decision.short_reason().to_owned());
        self.ask_on(now, ask, false);
        self.pump_for(now, call);
        Ok(())
    }

    fn tell_change(&mut self, call: CallId, change: Change, reason: String) {
        let queue = self.calls.get(&call).and_then(|entry| self.floor.queue(entry.queue));
        if let Some(queue) = queue.map(|queue| queue.config.name.clone()) {
            self.events.push_back(Event::Changed { call, queue, change, reason });
        }
    }

    fn overflow_to(
        &mut self,
        now: Now,
        ask: &Ask,
        call: CallId,
        to: &Target,
        decision: &Decision,
    ) -> Result<(), DecisionFault> {
        self.check_waits(call)?;
        self.count_change(call)?;
        let reason = decision.short_reason();
        match to {
            Target::Queue(queue) => {
                self.overflow(now, call, queue, reason).map_err(|_| DecisionFault::Impossible)?;
            }
            Target::Flow(_) | Target::Voicemail(_) | Target::Number(_) => {
                let why = LeaveReason::Overflowed { to: to.clone(), reason: reason.to_owned() };
                self.remove_call(now, call, OfferEnd::CallerLeft, why);
            }
        }
        self.ask(now, ask.subject);
        Ok(())
    }

    /// Looks for agents in the queue of a call.
    fn pump_for(&mut self, now: Now, call: CallId) {
        if let Some(queue) = self.calls.get(&call).map(|entry| entry.queue) {
            self.pump(now, queue);
        }
    }

    fn reject(&mut self, now: Now, id: DecisionId, ask: &Ask, fault: DecisionFault, decision: Option<&Decision>) {
        let listed = ask.snapshot.calls();
        let named = decision.and_then(|decision| decision.action.call());
        let call = named.filter(|call| listed.iter().any(|listed| listed.id == *call));
        let queue = self.floor.queue(ask.queue).map(|queue| queue.config.name.clone());
        if let (Some(queue), Some(call)) = (queue, call.or_else(|| listed.first().map(|call| call.id))) {
            let reason = decision.map(|decision| decision.short_reason().to_owned());
            let plugin = ask.plugin.clone();
            self.events.push_back(Event::DecisionRejected { id, plugin, call, queue, fault, reason });
        }
        if fault == DecisionFault::Stale && !ask.again {
            self.ask_on(now, ask, true);
        } else {
            self.fall_back(now, ask);
        }
    }

    pub(crate) fn decision_late(&mut self, now: Now, id: DecisionId) {
        let Some(ask) = self.end_ask(id) else { return };
        // Who is asked once more may have little time left.
        let fault = if ask.again { DecisionFault::Stale } else { DecisionFault::Late };
        self.reject(now, id, &ask, fault, None);
        self.pump(now, ask.queue);
    }

    /// Who decides in the place of whom was asked does so, if there is still something to be decided.
    fn fall_back(&mut self, now: Now, before: &Ask) {
        if !self.is_open(before.subject) {
            return;
        }
        let id = self.ids.decision();
        let Some((queue, snapshot)) = self.snapshot(now, id, before.subject) else { return };
        let method = if before.plugin.is_some() { before.method } else { Method::default() };
        let decision = method.decide(&snapshot);
        let ask = Ask {
            subject: before.subject,
            queue,
            again: true,
            method,
            plugin: None,
            fallback: true,
            snapshot: Arc::new(snapshot),
            timer: None,
        };
        // It is of this moment, so that it can be carried out, unless it names one about whom another decision is under way.
        let _ = self.obey(now, &ask, &decision);
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
                self.ask(now, Subject::Call(call));
            }
        }
    }

    /// Asks for a decision about the subject, if it is free and there is something to choose from.
    pub(crate) fn ask(&mut self, now: Now, subject: Subject) {
        self.ask_by(now, subject, None, false);
    }

    /// Asks the same once more, for as much of the time as is left: however often, all together take no longer than one decision may.
    fn ask_on(&mut self, now: Now, ask: &Ask, again: bool) {
        self.ask_by(now, ask.subject, ask.timer.map(|timer| timer.at()), again);
    }

    fn ask_by(&mut self, now: Now, subject: Subject, by: Option<Mono>, again: bool) {
        if !self.is_open(subject) {
            return;
        }
        let id = self.ids.decision();
        let Some((queue_ix, snapshot)) = self.snapshot(now, id, subject) else { return };
        let Some(queue) = self.floor.queue_mut(queue_ix) else { return };
        let by = by.unwrap_or(now.monotonic + queue.config.decision_time);
        let timer = self.timers.set(by, Timer::Decision(id));
        let (name, method, plugin) = (queue.config.name.clone(), queue.config.method, queue.config.plugin.clone());
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
        let ask = Ask {
            subject,
            queue: queue_ix,
            again,
            method,
            plugin: plugin.clone(),
            fallback: false,
            snapshot: Arc::clone(&snapshot),
            timer: Some(timer),
        };
        self.asks.insert(id, ask);
        self.events.push_back(Event::DecisionNeeded { id, queue: name, method, plugin, snapshot });
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
        if let Some(timer) = ask.timer {
            self.timers.cancel(timer);
        }
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

    /// A call that waits needs less by now, as its queue says.
    pub(crate) fn widen(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.widen = None;
        let (queue_ix, waited) = (entry.queue, now.monotonic - entry.joined);
        let before = entry.needs.clone();
        let needs = self.set_needs(now, call);
        if needs != before {
            self.tell_change(call, Change::Needs(needs.clone()), format!("waited for {} s", waited.as_secs()));
        }
        self.floor.index_skills(queue_ix, &needs);
        self.pump(now, queue_ix);
    }

    pub(crate) fn wake_agent(&mut self, now: Now, agent: AgentIx) {
        self.floor.change(agent, |agent| agent.wake = None);
        self.ask(now, Subject::Agent(agent));
    }
}
