//! The machine's inputs and outputs.

use std::collections::VecDeque;
use std::time::Duration;

use base::{CallId, DecisionId, IdGen, IdMap, Mono, Now, OfferId, Timers};
use routing::{AgentName, Levels, QueueName};

use crate::decide::Ask;
use crate::defer::Deferred;
use crate::floor::{AgentIx, Floor, QueueIx, Today};
use crate::foresee::Estimators;
use crate::line::Place;
use crate::penalty::Missed;
use crate::queue::{Entry, Queue, Stage};
use crate::snapshot::millis;
use crate::{
    AgentConfig, AgentState, Caller, Door, Event, JoinError, LeaveReason, OfferEnd, OfferFailure, QueueConfig, Status,
};

/// All queues and agents of a node.
#[derive(Debug)]
pub struct Acd {
    pub(crate) ids: IdGen,
    pub(crate) floor: Floor,
    pub(crate) calls: IdMap<CallId, Entry>,
    /// Who has which live offer.
    pub(crate) offers: IdMap<OfferId, AgentIx>,
    /// Decisions under way.
    pub(crate) asks: IdMap<DecisionId, Ask>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) estimators: Estimators,
    /// Calls that joined so far.
    joined: u64,
}

/// When to act though nothing came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// When an offer has rung its time: it ends, the call goes on to the next agent.
    Ring(OfferId),
    /// When an agent's wrap-up or rest ends.
    Lease(AgentIx),
    /// When a call has waited as long as it may.
    MaxWait(CallId),
    /// When a call may be offered again to somebody who did not take it, or a decision's wait is over.
    WakeCall(CallId),
    /// When a call may go on to another queue.
    Overflow(CallId),
    /// When a call needs less.
    Widen(CallId),
    /// When a decision's wait is over for an agent.
    WakeAgent(AgentIx),
    /// When a decision is late: longest idle decides.
    Decision(DecisionId),
    /// When an agent's phone is taken to be free that does not say so.
    LetGo(AgentIx),
}

impl Acd {
    /// A machine with these queues and agents, all agents idle since `now`. An agent whom a queue names and `agents` does
    /// not hold is left out; `company` refuses such a configuration.
    #[must_use]
    pub fn new(now: Now, ids: IdGen, queues: Vec<QueueConfig>, agents: Vec<AgentConfig>) -> Self {
        let mut floor = Floor::default();
        floor.list(now.monotonic, queues, agents, |_| Status::Available);
        Self {
            ids,
            floor,
            calls: IdMap::default(),
            offers: IdMap::default(),
            asks: IdMap::default(),
            timers: Timers::default(),
            events: VecDeque::new(),
            estimators: Estimators::default(),
            joined: 0,
        }
    }

    /// Whether a call could enter a queue now.
    ///
    /// # Errors
    /// As for [`Self::join`].
    pub fn check_join(&self, queue: &QueueName) -> Result<(), JoinError> {
        let queue = self.floor.find_queue(queue).and_then(|ix| self.floor.queue(ix)).ok_or(JoinError::UnknownQueue)?;
        if queue.door != Door::Open {
            return Err(JoinError::Closed);
        }
        if !queue.has(queue.config.attendance.join) {
            return Err(JoinError::NoAgents);
        }
        let full = queue.config.max_length.is_some_and(|most| queue.length >= most);
        if full { Err(JoinError::Full) } else { Ok(()) }
    }

    /// A call enters a queue.
    ///
    /// # Errors
    /// If there is no such queue, it is closed, full, or nobody is there who must be (as in one that is configured no more),
    /// or the call is in one already.
    pub fn join(&mut self, now: Now, call: CallId, queue: &QueueName, caller: Caller) -> Result<(), JoinError> {
        self.join_since(now, call, queue, caller, now.monotonic)
    }

    /// As [`Acd::join`], for a call whose caller has waited since `joined`, which decides on its place.
    ///
    /// # Errors
    /// The same.
    pub fn join_since(
        &mut self,
        now: Now,
        call: CallId,
        queue: &QueueName,
        caller: Caller,
        joined: Mono,
    ) -> Result<(), JoinError> {
        if self.calls.contains_key(&call) {
            return Err(JoinError::AlreadyIn);
        }
        self.check_join(queue)?;
        let ix = self.floor.find_queue(queue).ok_or(JoinError::UnknownQueue)?;
        let entry = Entry {
            queue: ix,
            joined: joined.min(now.monotonic),
            entered: now.monotonic,
            waited: Duration::ZERO,
            returned: false,
            serial: self.joined,
            place: Place::default(),
            caller,
            needs: Levels::default(),
            stage: Stage::Waiting(None),
            ringing: Vec::new(),
            open: false,
            turns: VecDeque::new(),
            offers: 0,
            deferred: Deferred::default(),
            changes: 0,
            tried: Vec::new(),
            max_wait: None,
            overflow: None,
            widen: None,
            wake: None,
        };
        self.joined += 1;
        self.calls.insert(call, entry);
        self.enter_queue(now, call, ix);
        self.overflow_at_once(now, call);
        self.pump(now, ix);
        Ok(())
    }

    /// A call that is in no line takes its place in this queue's.
    pub(crate) fn enter_queue(&mut self, now: Now, call: CallId, ix: QueueIx) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue_mut(ix) else { return };
        entry.queue = ix;
        entry.entered = now.monotonic;
        entry.deferred = Deferred::default();
        entry.stage = Stage::Waiting(None);
        entry.place = queue.place(entry, entry.caller.priority);
        queue.length += 1;
        let max_wait = queue.config.max_wait.filter(|_| !entry.caller.patient);
        queue.put(call, entry);
        entry.max_wait = max_wait.map(|most| self.timers.set(now.monotonic + most, Timer::MaxWait(call)));
        if let Some(retry) = entry.next_retry(now.monotonic) {
            self.arm_call(call, retry);
        }
        let needs = self.set_needs(now, call);
        self.floor.index_skills(ix, &needs);
        self.note_joined(now, call, ix);
    }

    /// Works out what the agent of a call must know by now, and when that is less. Gives what it is.
    pub(crate) fn set_needs(&mut self, now: Now, call: CallId) -> Levels {
        let Some(entry) = self.calls.get_mut(&call) else { return Levels::default() };
        let Some(queue) = self.floor.queue(entry.queue) else { return Levels::default() };
        let of_queue = queue.config.needs.iter().filter(|(skill, _)| entry.caller.needs.of(skill).is_none());
        let all = entry.caller.needs.iter().chain(of_queue).map(|(skill, level)| (skill.clone(), level));
        let first = Levels::new(all);
        let waited = millis(entry.joined, now.monotonic);
        let (needs, next) = routing::needs_after(&first, &queue.config.widening, waited);
        if let Some(token) = entry.widen.take() {
            self.timers.cancel(token);
        }
        let next = next.map(|after| entry.joined + Duration::from_millis(after));
        entry.widen = next.map(|at| self.timers.set(at, Timer::Widen(call)));
        if needs != entry.needs {
            self.change_line(call, |entry, _| entry.needs = needs.clone());
        }
        needs
    }

    /// Changes what decides on a call's place; one that waits is looked for an agent for anew.
    pub(crate) fn change_line(&mut self, call: CallId, change: impl FnOnce(&mut Entry, &Queue)) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue_mut(entry.queue) else { return };
        let open = queue.line.open.remove(&entry.place).is_some();
        let waits = matches!(entry.stage, Stage::Waiting(_));
        if waits {
            queue.take(entry);
        }
        change(entry, queue);
        if waits {
            queue.put(call, entry);
        }
        if open {
            queue.line.open.insert(entry.place, call);
        }
    }

    /// A new day begins: what agents did today counts from now.
    pub fn begin_day(&mut self, now: Now) {
        for ix in 0..self.floor.agents.len() {
            self.floor.change(ix, |agent| {
                let staffed_since = agent.today.staffed_since.map(|_| now.monotonic);
                let busy_since = agent.today.busy_since.map(|_| now.monotonic);
                agent.today = Today { staffed_since, busy_since, ..Today::default() };
            });
        }
    }

    /// The caller hung up, or his flow goes on without the queue: wherever the call is (waiting, offered, with an
    /// agent), it is out and its agent free, for wrap-up if he had answered. A call that is not here changes nothing.
    pub fn leave(&mut self, now: Now, call: CallId) {
        match self.calls.get(&call).map(|entry| entry.stage) {
            Some(Stage::Connected(agent)) => self.end_call(now, agent),
            Some(_) => self.remove_call(now, call, OfferEnd::CallerLeft, LeaveReason::Left),
            None => {}
        }
    }

    /// The agent's call from a queue ended on his side: his wrap-up begins, and the call is out of the machine (it may
    /// join again). Without such a call nothing changes.
    pub fn agent_released(&mut self, now: Now, agent: &AgentName) {
        if let Some(ix) = self.floor.find(agent) {
            self.end_call(now, ix);
        }
    }

    /// What the agent says of himself; false if he is not there or had said so before. A break and logging out end nothing
    /// that he has; the calls that wait leave his queues if nobody is left there for whom they may ([`crate::Attendance`]).
    pub fn set_status(&mut self, now: Now, agent: &AgentName, status: Status) -> bool {
        let Some(ix) = self.floor.find(agent) else { return false };
        if self.floor.agent(ix).is_none_or(|agent| agent.status == status) {
            return false;
        }
        let free = status == Status::Available;
        if !free {
            self.drop_agent_ask(ix);
        }
        self.floor.change(ix, |agent| agent.set_status(now.monotonic, status));
        if free {
            self.agent_free(now, ix);
        } else {
            self.abandon_unserved(now, ix);
        }
        true
    }

    /// The agent says that he takes calls, though that was known: what he did not take before counts no more.
    pub fn forgive(&mut self, agent: &AgentName) {
        if let Some(ix) = self.floor.find(agent) {
            self.floor.change(ix, |agent| agent.missed = Missed::default());
        }
    }

    /// What the agent says of himself.
    #[must_use]
    pub fn agent_status(&self, agent: &AgentName) -> Option<&Status> {
        self.floor.find(agent).and_then(|ix| self.floor.agent(ix)).map(|agent| &agent.status)
    }

    /// What the agent is doing.
    #[must_use]
    pub fn agent_state(&self, agent: &AgentName) -> Option<AgentState> {
        self.floor.find(agent).and_then(|ix| self.floor.agent(ix)).map(|agent| agent.state())
    }

    /// True if a queue wants to know who spoke with a caller last ([`Caller::last_agent`]).
    #[must_use]
    pub fn asks_for_last_agents(&self) -> bool {
        self.floor.asks_for_last_agents
    }

    /// Calls that wait in the queue or are offered from it.
    #[must_use]
    pub fn queue_length(&self, queue: &QueueName) -> Option<usize> {
        self.floor.find_queue(queue).and_then(|ix| self.floor.queue(ix)).map(|queue| queue.length)
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop_due(now.monotonic) {
            match timer {
                Timer::Ring(offer) => self.offer_failed(now, offer, OfferFailure::NoAnswer),
                Timer::Lease(agent) => self.end_lease(now, agent),
                Timer::MaxWait(call) => {
                    self.remove_call(now, call, OfferEnd::WaitedTooLong, LeaveReason::WaitedTooLong);
                }
                Timer::WakeCall(call) => self.wake_call(now, call),
                Timer::Overflow(call) => {
                    if let Some(entry) = self.calls.get_mut(&call) {
                        entry.overflow = None;
                    }
                    self.overflow_after_wait(now, call);
                }
                Timer::Widen(call) => self.widen(now, call),
                Timer::WakeAgent(agent) => self.wake_agent(now, agent),
                Timer::Decision(id) => self.decision_late(now, id),
                Timer::LetGo(agent) => self.has_let_go(now, agent),
            }
        }
    }

    /// When to call [`Self::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.poll_timeout()
    }

    /// The next thing for the driver to do or to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// True if no call is in the machine: nothing waits, is offered or with an agent.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.calls.is_empty() && self.offers.is_empty() && self.asks.is_empty()
    }
}
