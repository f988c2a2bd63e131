//! Each field and each action on its way to a component and back: `examples/echo` says what it was asked, by the types that were
//! generated from the WIT file.

use base::{CallId, DecisionId, Pii, Wall};
use plugins::{Decide as _, Fault, Instance, Keep};
use routing::{
    Action, AgentName, Call, Candidate, Decision, Exclusions, Happened, LastAgent, Levels, Outcome, Presence, Question,
    Queue, Ring, Service, Snapshot, Target, VERSION, Variables,
};
use serde_json::{Map, Value, json};

use crate::{host, limits, modules};

fn echo() -> Instance {
    let (_, module) = modules(&host(), "echo", &["rust"]).remove(0);
    assert_eq!(module.description().order, routing::Order::LeastSkilled);
    Instance::new(module, limits(), Keep::Fresh)
}

/// Numbers that are all different, so that none can stand in another's place.
struct Numbers(u8);

impl Numbers {
    fn next<N: From<u8>>(&mut self) -> N {
        self.0 += 1;
        self.0.into()
    }
}

fn queue(name: &str, any: &mut Numbers) -> Queue {
    let excluded = Exclusions {
        unavailable: any.next(),
        on_break: any.next(),
        unskilled: any.next(),
        offered: any.next(),
        in_call: any.next(),
        wrap_up: any.next(),
        resting: any.next(),
        tried: any.next(),
        undecided: any.next(),
        surplus: any.next(),
    };
    let service = Service { within_ms: any.next(), target: any.next(), kept: Some(any.next()) };
    let (waiting, longest_wait_ms, ring_ms) = (any.next(), any.next(), any.next());
    Queue { name: name.into(), waiting, longest_wait_ms, excluded, ring_ms, service }
}

fn call(id: u64, presence: Presence, any: &mut Numbers) -> Call {
    Call {
        caller: Pii::new("+49301".to_owned()),
        dialled: "2000".to_owned(),
        diverted_from: Pii::new(Some("+49302".to_owned())),
        waited_ms: any.next(),
        offers: any.next(),
        priority: any.next(),
        needs: Levels::new([("billing".into(), any.next()), ("german".into(), any.next())]),
        language: Some("de".to_owned()),
        way: vec!["main/menu".to_owned(), "main/queue".to_owned()],
        variables: Variables::copied([("tier", json!("gold")), ("customer", json!({ "id": 7 }))]),
        repeats: any.next(),
        last_agent: Some(LastAgent { agent: "eva".into(), presence }),
        level: any.next(),
        ..Call::new(CallId::from_raw(id), "sales")
    }
}

fn candidate(agent: &str, any: &mut Numbers) -> Candidate {
    Candidate {
        agent: agent.into(),
        idle_ms: any.next(),
        calls: any.next(),
        level: any.next(),
        position: any.next(),
        weight: any.next(),
        turn: any.next(),
        calls_today: any.next(),
        talk_today_ms: any.next(),
        occupancy: any.next(),
        skills: Levels::new([("german".into(), any.next())]),
    }
}

fn snapshot(question: impl Fn(&mut Numbers) -> Question) -> Snapshot {
    let mut any = Numbers(2);
    let question = question(&mut any);
    Snapshot {
        version: VERSION,
        id: DecisionId::from_raw(5),
        epoch: any.next(),
        at: Wall::from_unix_micros(-7),
        seed: u64::MAX,
        queue: queue("sales", &mut any),
        other_queues: vec![queue("support", &mut any)],
        state: Some("what was left".to_owned()),
        question,
    }
}

/// The same as the generated types have it: skills and variables as lists, cases by their names.
fn as_generated(key: &str, value: Value) -> Value {
    let pascal = |word: &Value| {
        let word = word.as_str().unwrap();
        json!(word[..1].to_uppercase() + &word[1..])
    };
    match (key, value) {
        ("needs" | "skills", Value::Object(levels)) => {
            levels.into_iter().map(|(skill, level)| json!({ "skill": skill, "level": level })).collect()
        }
        ("values", Value::Object(values)) => {
            values.into_iter().map(|(name, value)| json!({ "name": name, "value": value.to_string() })).collect()
        }
        ("question", Value::Object(mut question)) => {
            let case = pascal(&question.remove("choose").unwrap());
            json!({ case.as_str().unwrap(): as_generated("", Value::Object(question)) })
        }
        ("presence", word) => pascal(&word),
        (_, Value::Object(fields)) => {
            let fields = fields.into_iter().map(|(key, value)| (key.clone(), as_generated(&key, value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        (_, Value::Array(items)) => items.into_iter().map(|item| as_generated("", item)).collect(),
        (_, value) => value,
    }
}

#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn each_field_of_a_snapshot_comes_to_a_component_as_it_is() {
    let mut echo = echo();
    let agents = snapshot(|any| Question::Agent {
        call: call(1, Presence::Busy, any),
        candidates: vec![candidate("eva", any), candidate("ben", any)],
    });
    let calls = snapshot(|any| Question::Call {
        agent: candidate("eva", any),
        calls: vec![call(1, Presence::Free, any), call(2, Presence::Away, any)],
    });
    for snapshot in [agents, calls] {
        let Err(Fault::Declined(asked)) = echo.decide(&snapshot, "") else { panic!("it says what it was asked") };
        let asked: Value = serde_json::from_str(&asked).unwrap();
        assert_eq!(asked, as_generated("", serde_json::to_value(&snapshot).unwrap()));
    }
}

#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn each_outcome_comes_to_a_component_as_it_is() {
    let happened = [
        Happened::Accepted { rang_ms: 1 },
        Happened::Declined { rang_ms: 2 },
        Happened::TimedOut { rang_ms: 3 },
        Happened::Unreachable { rang_ms: 4 },
        Happened::Withdrawn { rang_ms: 5 },
        Happened::Ended { talk_ms: 6, disposition: Some("sold".to_owned()) },
        Happened::Ended { talk_ms: 7, disposition: None },
    ];
    let (at, call) = (Wall::from_unix_micros(9), CallId::from_raw(8));
    let outcomes = happened.map(|happened| Outcome { at, queue: "sales".into(), call, agent: "eva".into(), happened });
    let told: Value = serde_json::from_str(&echo().told(&outcomes, None, "").unwrap().unwrap()).unwrap();
    let told: Vec<Value> = told.as_array().unwrap().iter().map(|outcome| outcome["happened"].clone()).collect();
    let expected = [
        json!({ "Accepted": { "rang_ms": 1 } }),
        json!({ "Declined": { "rang_ms": 2 } }),
        json!({ "TimedOut": { "rang_ms": 3 } }),
        json!({ "Unreachable": { "rang_ms": 4 } }),
        json!({ "Withdrawn": { "rang_ms": 5 } }),
        json!({ "Ended": { "talk_ms": 6, "disposition": "sold" } }),
        json!({ "Ended": { "talk_ms": 7, "disposition": null } }),
    ];
    assert_eq!(told, expected);
}

#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn each_action_comes_back_from_a_component_as_it_is() {
    let mut echo = echo();
    let id = CallId::from_raw(3);
    let text = id.to_string();
    let ring = |agent: &str, ring_ms| Ring { agent: AgentName::from(agent), ring_ms };
    let rings = json!([{ "agent": "eva", "ring_ms": 4 }, { "agent": "ben", "ring_ms": null }]);
    let to = |to| Action::Overflow { call: id, to };
    let over = |to: Value| json!({ "Overflow": { "call": text, "to": to } });
    let agents = vec![ring("eva", Some(4)), ring("ben", None)];
    let cases = [
        (
            Action::Offer { call: id, agent: "eva".into(), ring_ms: Some(5) },
            json!({ "Offer": { "call": text, "agent": "eva", "ring_ms": 5 } }),
        ),
        (
            Action::OfferAll { call: id, agents: agents.clone() },
            json!({ "OfferAll": { "call": text, "agents": rings } }),
        ),
        (Action::OfferInTurn { call: id, agents }, json!({ "OfferInTurn": { "call": text, "agents": rings } })),
        (Action::Wait { at_most_ms: Some(6) }, json!({ "Wait": { "at_most_ms": 6 } })),
        (
            Action::Widen { call: id, needs: Levels::new([("german".into(), 7)]) },
            json!({ "Widen": { "call": text, "needs": [{ "skill": "german", "level": 7 }] } }),
        ),
        (Action::Prioritise { call: id, priority: 8 }, json!({ "Prioritise": { "call": text, "priority": 8 } })),
        (to(Target::Queue("support".into())), over(json!({ "Queue": "support" }))),
        (to(Target::Flow("night".to_owned())), over(json!({ "Flow": "night" }))),
        (to(Target::Number("2000".to_owned())), over(json!({ "Number": "2000" }))),
        (to(Target::Voicemail("box".to_owned())), over(json!({ "Voicemail": "box" }))),
        (Action::Refuse { call: id }, json!({ "Refuse": { "call": text } })),
    ];
    let asked = crate::common::agents(3);
    for (action, said) in cases {
        let parameters = json!({ "action": said, "reason": "why", "scores": [-1, 2], "state": "next" }).to_string();
        let state = Some("next".to_owned());
        let expected = Decision { action, reason: "why".to_owned(), scores: vec![-1, 2], state };
        assert_eq!(echo.decide(&asked, &parameters), Ok(expected));
    }
}
