//! Longest idle, by its definition: nobody who was offered was idle shorter, or waited shorter, than another who could
//! have been. And the contract's types: what is written is read back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use base::{CallId, DecisionId, Pii, Wall};
use proptest::prelude::*;
use routing::{
    Action, Call, Candidate, Decision, Exclusions, LongestIdle, MAX_CANDIDATES, Question, Queue, Snapshot, Strategy,
    VERSION,
};

fn call(id: u64, waited_ms: u64) -> Call {
    let caller = Pii::new("+49 30 901820".to_owned());
    let (id, queue) = (CallId::from_raw(id), "sales".into());
    Call { id, queue, caller, dialled: "1000".to_owned(), diverted_from: Pii::default(), waited_ms, offers: 0 }
}

fn candidate(number: usize, idle_ms: u64) -> Candidate {
    Candidate { agent: format!("agent{number}").into(), idle_ms, calls: 0 }
}

fn snapshot(question: Question) -> Snapshot {
    let queue = Queue {
        name: "sales".into(),
        waiting: 1,
        longest_wait_ms: 0,
        excluded: Exclusions::default(),
        ring_ms: 20_000,
    };
    let (id, at) = (DecisionId::from_raw(1), Wall::from_unix_micros(1_795_253_400_000_000));
    Snapshot { version: VERSION, id, epoch: 1, at, queue, question }
}

fn agent_surplus(idle: &[u64]) -> Snapshot {
    let candidates = idle.iter().enumerate().map(|(number, idle)| candidate(number, *idle)).collect();
    snapshot(Question::Agent { call: call(1, 0), candidates })
}

fn call_surplus(waited: &[u64]) -> Snapshot {
    let calls = waited.iter().zip(0..).map(|(waited, id)| call(id, *waited)).collect();
    snapshot(Question::Call { agent: candidate(0, 5), calls })
}

fn chosen(decision: &Decision) -> (CallId, &str) {
    match &decision.action {
        Action::Offer { call, agent, ring_ms: None } => (*call, agent.as_str()),
        other => panic!("no offer: {other:?}"),
    }
}

proptest! {
    #[test]
    fn nobody_was_idle_longer_than_the_agent_who_is_chosen(
        idle in prop::collection::vec(0u64..50, 1..MAX_CANDIDATES)
    ) {
        let decision = LongestIdle.decide(&agent_surplus(&idle));
        let longest = idle.iter().max().unwrap();
        // Of equals, the one who stands first.
        let first = idle.iter().position(|idle| idle == longest).unwrap();
        let name = format!("agent{first}");
        prop_assert_eq!(chosen(&decision), (CallId::from_raw(1), name.as_str()));
    }

    #[test]
    fn no_call_waited_longer_than_the_one_that_is_chosen(
        waited in prop::collection::vec(0u64..50, 1..MAX_CANDIDATES)
    ) {
        let decision = LongestIdle.decide(&call_surplus(&waited));
        let longest = waited.iter().max().unwrap();
        let first = waited.iter().position(|waited| waited == longest).unwrap();
        prop_assert_eq!(chosen(&decision), (CallId::from_raw(u64::try_from(first).unwrap()), "agent0"));
    }

    #[test]
    fn equal_snapshots_give_equal_decisions_also_after_they_were_written_and_read(
        idle in prop::collection::vec(0u64..50, 1..MAX_CANDIDATES), of_calls: bool
    ) {
        let snapshot = if of_calls { call_surplus(&idle) } else { agent_surplus(&idle) };
        let read: Snapshot = serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap();
        prop_assert_eq!(&read, &snapshot);
        prop_assert_eq!(LongestIdle.decide(&read), LongestIdle.decide(&snapshot));
    }
}

#[test]
fn a_snapshot_without_candidates_leads_to_waiting() {
    let decision = LongestIdle.decide(&agent_surplus(&[]));
    assert_eq!(decision.action, Action::Wait { at_most_ms: None });
}

/// The JSON that plugins will read: a change of it is a change of the contract.
#[test]
fn the_json_of_version_1_stays_as_it_is() {
    let json = serde_json::to_value(agent_surplus(&[7])).unwrap();
    let expected: serde_json::Value = serde_json::from_str(
        r#"{
            "version": 1, "id": "d0000000000001", "epoch": 1, "at": 1795253400000000,
            "queue": {
                "name": "sales", "waiting": 1, "longest_wait_ms": 0, "ring_ms": 20000,
                "excluded": {
                    "unavailable": 0, "on_break": 0, "offered": 0, "in_call": 0, "wrap_up": 0, "resting": 0, "tried": 0,
                    "undecided": 0, "surplus": 0
                }
            },
            "question": {
                "choose": "agent",
                "call": {
                    "id": "c0000000000001", "queue": "sales", "caller": "+49 30 901820", "dialled": "1000",
                    "waited_ms": 0, "offers": 0
                },
                "candidates": [{ "agent": "agent0", "idle_ms": 7, "calls": 0 }]
            }
        }"#,
    )
    .unwrap();
    assert_eq!(json, expected);
    let mut diverted = agent_surplus(&[7]);
    let Question::Agent { call, .. } = &mut diverted.question else { panic!("{diverted:?}") };
    call.diverted_from = Pii::new(Some("+49301".to_owned()));
    let json = serde_json::to_value(&diverted).unwrap();
    assert_eq!(json["question"]["call"]["diverted_from"], "+49301");
    assert_eq!(serde_json::from_value::<Snapshot>(json).unwrap(), diverted);
}

#[test]
fn a_larger_snapshot_stays_under_64_kb() {
    let many: Vec<u64> = (0..u64::try_from(MAX_CANDIDATES).unwrap()).collect();
    for snapshot in [agent_surplus(&many), call_surplus(&many)] {
        assert!(serde_json::to_string(&snapshot).unwrap().len() < 64_000);
    }
}
