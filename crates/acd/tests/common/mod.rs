//! A centre on a virtual clock: one verb, [`Centre::settle`], after each input.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use acd::{Acd, AgentConfig, AgentName, AgentState, Caller, Event, Offer, QueueConfig, Status};
use base::{CallId, IdGen, Mono, Now, OfferId, Wall};
use routing::{Decision, Snapshot, Strategy as _};

pub const SECOND: Duration = Duration::from_secs(1);

/// An ACD, the time, and what it said.
pub struct Centre {
    pub acd: Acd,
    pub now: Now,
    /// What the machine said since the last [`Centre::take`], decisions that were answered at once left out.
    pub said: Vec<Event>,
    /// Whether the queue's own strategy answers decisions at once; otherwise they stay in `said`.
    pub decide: bool,
    calls: u64,
}

impl Centre {
    pub fn new(queues: Vec<QueueConfig>, agents: &[&str]) -> Self {
        let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let agents = agents.iter().map(|name| AgentConfig::new(*name)).collect();
        let acd = Acd::new(now, IdGen::new(0, now.wall), queues, agents);
        Self { acd, now, said: Vec::new(), decide: true, calls: 0 }
    }

    /// One queue `sales` with these agents and the usual times.
    pub fn sales(agents: &[&str]) -> Self {
        Self::new(vec![queue("sales", agents)], agents)
    }

    /// New lists of queues and agents; everybody is logged in.
    pub fn reconfigure(&mut self, queues: Vec<QueueConfig>, agents: &[&str]) {
        let agents = agents.iter().map(|name| AgentConfig::new(*name)).collect();
        self.acd.reconfigure(self.now, queues, agents, |_| Status::Available);
        self.settle();
    }

    /// Takes out all that the machine says, answers decisions, checks that all is well.
    pub fn settle(&mut self) {
        while let Some(event) = self.acd.poll_event() {
            match event {
                Event::DecisionNeeded { id, method, snapshot, .. } if self.decide => {
                    let decision = method.decide(&snapshot);
                    self.acd.handle_decision(self.now, id, &decision);
                }
                other => self.said.push(other),
            }
        }
        self.acd.check_invariants(self.now).unwrap();
    }

    /// A new call joins.
    pub fn join(&mut self, queue: &str) -> CallId {
        self.join_as(queue, Caller::default())
    }

    /// A new call joins, of which something is known.
    pub fn join_as(&mut self, queue: &str, caller: Caller) -> CallId {
        self.calls += 1;
        let call = CallId::from_raw(self.calls);
        self.acd.join(self.now, call, &queue.into(), caller).unwrap();
        self.settle();
        call
    }

    /// Time goes on, step by step to each timer.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        loop {
            let next = self.acd.poll_timeout().filter(|at| *at <= end).unwrap_or(end);
            self.now = self.now.after(next - self.now.monotonic);
            self.acd.handle_timeout(self.now);
            self.settle();
            if next == end && self.acd.poll_timeout().is_none_or(|at| at > end) {
                return;
            }
        }
    }

    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.said)
    }

    /// The only offer among what was said, which is thereby taken.
    pub fn offer(&mut self) -> Offer {
        let mut offers: Vec<Offer> = offers(&self.take());
        assert_eq!(offers.len(), 1, "one offer expected: {offers:#?}");
        offers.remove(0)
    }

    /// The only decision asked for among what was said.
    pub fn asked(&mut self) -> std::sync::Arc<Snapshot> {
        let said = self.take();
        let mut asked = said.into_iter().filter_map(|event| match event {
            Event::DecisionNeeded { snapshot, .. } => Some(snapshot),
            _ => None,
        });
        let first = asked.next().expect("a decision is asked for");
        assert!(asked.next().is_none(), "one decision expected");
        first
    }

    pub fn decide(&mut self, snapshot: &Snapshot, decision: &Decision) {
        self.acd.handle_decision(self.now, snapshot.id, decision);
        self.settle();
    }

    pub fn answer(&mut self, offer: OfferId) -> acd::Connected {
        let connected = self.acd.offer_answered(self.now, offer).unwrap();
        self.settle();
        connected
    }

    pub fn fail(&mut self, offer: OfferId, failure: acd::OfferFailure) {
        self.acd.offer_failed(self.now, offer, failure);
        self.settle();
    }

    pub fn leave(&mut self, call: CallId) {
        self.acd.leave(self.now, call);
        self.settle();
    }

    pub fn release(&mut self, agent: &str) {
        self.acd.agent_released(self.now, &agent.into());
        self.settle();
    }

    pub fn state(&self, agent: &str) -> AgentState {
        self.acd.agent_state(&agent.into()).unwrap()
    }
}

pub fn queue(name: &str, agents: &[&str]) -> QueueConfig {
    QueueConfig::new(name, agents.iter().map(|name| AgentName::from(*name)).collect())
}

pub fn offers(said: &[Event]) -> Vec<Offer> {
    said.iter()
        .filter_map(|event| match event {
            Event::Offer(offer) => Some(offer.clone()),
            _ => None,
        })
        .collect()
}
