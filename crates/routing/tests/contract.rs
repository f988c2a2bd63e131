//! The contract's types: what is written is read back, and the JSON of a version stays as it is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use base::{CallId, Pii};
use common::{call, candidate, queue, snapshot};
use proptest::prelude::*;
use routing::{
    Action, Builtin, Call, Candidate, LastAgent, Levels, MAX_CANDIDATES, Presence, Question, Snapshot, Strategy as _,
};

fn agent_surplus(idle: &[u64]) -> Snapshot {
    let candidates = idle.iter().enumerate().map(|(number, idle)| candidate(number, *idle)).collect();
    snapshot(Question::Agent { call: call(1, 0), candidates })
}

fn call_surplus(waited: &[u64]) -> Snapshot {
    let calls = waited.iter().zip(0..).map(|(waited, id)| call(id, *waited)).collect();
    snapshot(Question::Call { agent: candidate(0, 5), calls })
}

proptest! {
    #[test]
    fn equal_snapshots_give_equal_decisions_also_after_they_were_written_and_read(
        idle in prop::collection::vec(0u64..50, 1..MAX_CANDIDATES), of_calls: bool
    ) {
        let snapshot = if of_calls { call_surplus(&idle) } else { agent_surplus(&idle) };
        let read: Snapshot = serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap();
        prop_assert_eq!(&read, &snapshot);
        for strategy in Builtin::ALL {
            prop_assert_eq!(strategy.decide(&read), strategy.decide(&snapshot));
        }
    }
}

#[test]
fn a_snapshot_without_candidates_leads_to_waiting() {
    for strategy in Builtin::ALL {
        let decision = strategy.decide(&agent_surplus(&[]));
        assert_eq!(decision.action, Action::Wait { at_most_ms: None });
    }
}

/// The JSON that plugins will read: a change of it is a change of the contract.
#[test]
fn the_json_of_version_1_stays_as_it_is() {
    let json = serde_json::to_value(agent_surplus(&[7])).unwrap();
    let expected: serde_json::Value = serde_json::from_str(
        r#"{
            "version": 1, "id": "d0000000000001", "epoch": 1, "at": 1795253400000000, "seed": 7,
            "queue": {
                "name": "sales", "waiting": 1, "longest_wait_ms": 0, "ring_ms": 20000,
                "excluded": {
                    "unavailable": 0, "on_break": 0, "unskilled": 0, "offered": 0, "in_call": 0, "wrap_up": 0, "resting": 0,
                    "tried": 0, "undecided": 0, "surplus": 0
                },
                "service": { "within_ms": 20000, "target": 80, "kept": null }
            },
            "question": {
                "choose": "agent",
                "call": {
                    "id": "c0000000000001", "queue": "sales", "caller": "+49 30 901820", "dialled": "1000",
                    "waited_ms": 0, "offers": 0, "priority": 50, "repeats": 0, "level": 0
                },
                "candidates": [{
                    "agent": "agent0", "idle_ms": 7, "calls": 0, "level": 0, "position": 0, "weight": 1, "turn": 0,
                    "calls_today": 0, "talk_today_ms": 0, "occupancy": 0
                }]
            }
        }"#,
    )
    .unwrap();
    assert_eq!(json, expected);
}

/// All that is left out where there is nothing to say.
#[test]
fn what_is_known_of_a_call_stands_in_the_json() {
    let mut full = call_surplus(&[7]);
    full.other_queues.push(queue("support"));
    full.state = Some("{}".to_owned());
    let Question::Call { agent, calls } = &mut full.question else { panic!("{full:?}") };
    agent.skills = Levels::new([("spanish".into(), 60)]);
    let known = &mut calls[0];
    known.diverted_from = Pii::new(Some("+49301".to_owned()));
    known.needs = Levels::new([("spanish".into(), 40)]);
    known.language = Some("es".to_owned());
    known.way = vec!["main/welcome".to_owned()];
    known.last_agent = Some(LastAgent { agent: "eva".into(), presence: Presence::Busy });
    let json = serde_json::to_value(&full).unwrap();
    assert_eq!(json["other_queues"][0]["name"], "support");
    assert_eq!(json["state"], "{}");
    assert_eq!(json["question"]["agent"]["skills"], serde_json::json!({ "spanish": 60 }));
    let call = &json["question"]["calls"][0];
    let expected = serde_json::json!({
        "diverted_from": "+49301", "needs": { "spanish": 40 }, "language": "es", "way": ["main/welcome"],
        "last_agent": { "agent": "eva", "presence": "busy" },
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&call[key], value, "{key}");
    }
    assert_eq!(serde_json::from_value::<Snapshot>(json).unwrap(), full);
}

/// What the first version of the contract wrote, before fields were added.
#[test]
fn an_older_snapshot_is_still_read() {
    let call: Call = serde_json::from_str(
        r#"{ "id": "c0000000000001", "queue": "sales", "caller": "", "dialled": "", "waited_ms": 3, "offers": 0 }"#,
    )
    .unwrap();
    assert_eq!(call, Call { waited_ms: 3, ..Call::new(CallId::from_raw(1), "sales") });
    let agent: Candidate = serde_json::from_str(r#"{ "agent": "eva", "idle_ms": 0, "calls": 0 }"#).unwrap();
    assert_eq!(agent, Candidate::new("eva"));
}

#[test]
fn a_larger_snapshot_stays_under_64_kb() {
    let many: Vec<u64> = (0..u64::try_from(MAX_CANDIDATES).unwrap()).collect();
    for snapshot in [agent_surplus(&many), call_surplus(&many)] {
        assert!(serde_json::to_string(&snapshot).unwrap().len() < 64_000);
    }
}
