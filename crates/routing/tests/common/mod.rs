//! Snapshots made by hand.
#![allow(dead_code, reason = "each test file uses a part of it")]

use base::{CallId, DecisionId, Pii, Wall};
use routing::{Action, Call, Candidate, Decision, Exclusions, Question, Queue, Service, Snapshot, VERSION};

pub fn call(id: u64, waited_ms: u64) -> Call {
    let caller = Pii::new("+49 30 901820".to_owned());
    Call { caller, dialled: "1000".to_owned(), waited_ms, ..Call::new(CallId::from_raw(id), "sales") }
}

pub fn candidate(number: usize, idle_ms: u64) -> Candidate {
    Candidate { idle_ms, ..Candidate::new(format!("agent{number}")) }
}

pub fn queue(name: &str) -> Queue {
    let excluded = Exclusions::default();
    let service = Service::default();
    Queue { name: name.into(), waiting: 1, longest_wait_ms: 0, excluded, ring_ms: 20_000, service }
}

pub fn snapshot(question: Question) -> Snapshot {
    let (id, at) = (DecisionId::from_raw(1), Wall::from_unix_micros(1_795_253_400_000_000));
    let queue = queue("sales");
    Snapshot { version: VERSION, id, epoch: 1, at, seed: 7, queue, other_queues: Vec::new(), state: None, question }
}

/// Whom an offer to one agent chose.
pub fn chosen(decision: &Decision) -> (CallId, &str) {
    match &decision.action {
        Action::Offer { call, agent, ring_ms: None } => (*call, agent.as_str()),
        other => panic!("no offer: {other:?}"),
    }
}
