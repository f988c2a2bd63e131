//! WIT, JSON Schema and Rust say the same: names of fields, which may be lacking, and the words and branches of each choice.
//! A field that is missing or too many in one of the three is a fault.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod schema;
mod wit;

use std::collections::BTreeSet;

use base::{CallId, Pii, Wall};
use routing::{
    Action, Call, Candidate, Decision, Description, Exclusions, Happened, LastAgent, Levels, Order, Outcome, Presence,
    Question, Queue, Ring, Service, Snapshot, Target, VERSION, Variables,
};
use schema::{Schema, Seen, walk};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const WIT: &str = include_str!("../../wit/routing.wit");
const FILES: [&str; 4] = ["snapshot", "decision", "outcome", "description"];

/// The same sample with all that can be said, and with as little as can be. Without `..`, so that a new field must be added.
fn call(full: bool) -> Call {
    Call {
        id: CallId::from_raw(1),
        queue: "sales".into(),
        caller: Pii::new("+4930901820".to_owned()),
        dialled: "1000".to_owned(),
        diverted_from: Pii::new(full.then(|| "+49301".to_owned())),
        waited_ms: 3,
        offers: 0,
        priority: 50,
        needs: if full { levels() } else { Levels::default() },
        language: full.then(|| "es".to_owned()),
        way: if full { vec!["main/welcome".to_owned()] } else { Vec::new() },
        variables: if full { Variables::copied([("customer", "gold")]) } else { Variables::default() },
        repeats: 0,
        last_agent: full.then(|| LastAgent { agent: "eva".into(), presence: Presence::Busy }),
        level: 1,
    }
}

fn candidate(full: bool) -> Candidate {
    Candidate {
        agent: "eva".into(),
        idle_ms: 1,
        calls: 2,
        level: 3,
        position: 4,
        weight: 5,
        turn: 6,
        calls_today: 7,
        talk_today_ms: 8,
        occupancy: 9,
        skills: if full { levels() } else { Levels::default() },
    }
}

fn levels() -> Levels {
    Levels::new([("spanish".into(), 60)])
}

fn queue(full: bool) -> Queue {
    Queue {
        name: "sales".into(),
        waiting: 1,
        longest_wait_ms: 2,
        excluded: Exclusions {
            unavailable: 1,
            on_break: 2,
            unskilled: 3,
            offered: 4,
            in_call: 5,
            wrap_up: 6,
            resting: 7,
            tried: 8,
            undecided: 9,
            surplus: 10,
        },
        ring_ms: 20_000,
        service: Service { within_ms: 20_000, target: 80, kept: full.then_some(7_500) },
    }
}

fn snapshots() -> Vec<Value> {
    let mut samples = Vec::new();
    for full in [true, false] {
        let agent = Question::Agent { call: call(full), candidates: vec![candidate(full)] };
        let of_calls = Question::Call { agent: candidate(full), calls: vec![call(full)] };
        samples.extend([agent, of_calls].map(|question| Snapshot {
            version: VERSION,
            id: base::DecisionId::from_raw(1),
            epoch: 1,
            at: Wall::from_unix_micros(-1),
            seed: 7,
            queue: queue(full),
            other_queues: if full { vec![queue(full)] } else { Vec::new() },
            state: full.then(|| "{}".to_owned()),
            question,
        }));
    }
    json(&samples)
}

fn decisions() -> Vec<Value> {
    let (id, agent) = (CallId::from_raw(1), routing::AgentName::from("eva"));
    let ring = |full: bool| vec![Ring { agent: agent.clone(), ring_ms: full.then_some(9_000) }];
    let targets = [
        Target::Queue("support".into()),
        Target::Flow("main".to_owned()),
        Target::Number("1000".to_owned()),
        Target::Voicemail("sales".to_owned()),
    ];
    // The compiler says here that a case is missing above or below.
    let _ = |target: &Target, action: &Action| {
        let a = match target {
            Target::Queue(_) | Target::Flow(_) | Target::Number(_) | Target::Voicemail(_) => 0,
        };
        let b = match action {
            Action::Offer { .. } | Action::OfferAll { .. } | Action::OfferInTurn { .. } | Action::Wait { .. } => 1,
            Action::Widen { .. } | Action::Prioritise { .. } | Action::Overflow { .. } | Action::Refuse { .. } => 2,
        };
        a + b
    };
    let mut samples = Vec::new();
    for full in [true, false] {
        let mut actions = vec![
            Action::Offer { call: id, agent: agent.clone(), ring_ms: full.then_some(9_000) },
            Action::OfferAll { call: id, agents: ring(full) },
            Action::OfferInTurn { call: id, agents: ring(full) },
            Action::Wait { at_most_ms: full.then_some(500) },
            Action::Widen { call: id, needs: levels() },
            Action::Prioritise { call: id, priority: 90 },
            Action::Refuse { call: id },
        ];
        actions.extend(targets.clone().map(|to| Action::Overflow { call: id, to }));
        samples.extend(actions.into_iter().map(|action| Decision {
            action,
            reason: "why".to_owned(),
            scores: if full { vec![-1, 2] } else { Vec::new() },
            state: full.then(|| "{}".to_owned()),
        }));
    }
    json(&samples)
}

fn outcomes() -> Vec<Value> {
    let rang_ms = 4_000;
    let all = [
        Happened::Accepted { rang_ms },
        Happened::Declined { rang_ms },
        Happened::TimedOut { rang_ms },
        Happened::Unreachable { rang_ms },
        Happened::Withdrawn { rang_ms },
        Happened::Ended { talk_ms: 60_000, disposition: Some("sold".to_owned()) },
        Happened::Ended { talk_ms: 60_000, disposition: None },
    ];
    let all = json(&all.map(|happened| Outcome {
        at: Wall::from_unix_micros(-1),
        queue: "sales".into(),
        call: CallId::from_raw(1),
        agent: "eva".into(),
        happened,
    }));
    // It may grow, so no match says that a case is missing; who reads one that is none is told all that there are.
    let unknown = serde_json::from_value::<Happened>(json!({ "happened": "?" })).unwrap_err().to_string();
    let known: BTreeSet<&str> = unknown.split('`').skip(1).step_by(2).filter(|name| *name != "?").collect();
    assert_eq!(all.iter().filter_map(|outcome| outcome["happened"].as_str()).collect::<BTreeSet<_>>(), known);
    all
}

fn descriptions() -> Vec<Value> {
    let new = |order| Description { name: "a".to_owned(), version: "1".to_owned(), order, parameters: json!({}) };
    json(&[new(Order::LongestIdle)])
}

fn json<T: serde::Serialize>(samples: &[T]) -> Vec<Value> {
    samples.iter().map(|sample| serde_json::to_value(sample).unwrap()).collect()
}

fn samples(name: &str) -> Vec<Value> {
    match name {
        "snapshot" => snapshots(),
        "decision" => decisions(),
        "outcome" => outcomes(),
        _ => descriptions(),
    }
}

/// Where the samples and the file differ: unknown, missing and never seen fields and branches.
fn differences(schema: &Schema, samples: &[Value]) -> (Vec<String>, Seen) {
    let mut seen = Seen::default();
    let mut faults: Vec<String> = samples.iter().flat_map(|sample| schema.faults(sample, &mut seen)).collect();
    // A null is seen where an option is left out in Rust, too.
    let null = |place: &&String| schema.0.pointer(place).is_none_or(|schema| schema["type"] != "null");
    let unseen: Vec<String> = schema.places().difference(&seen.present).filter(null).cloned().collect();
    faults.extend(unseen.into_iter().map(|place| format!("{place}: in the schema alone")));
    (faults, seen)
}

/// The object and the key of a place that is a property.
fn property(place: &str) -> Option<(&str, &str)> {
    place.rsplit_once("/properties/").filter(|(_, key)| !key.contains('/'))
}

#[test]
fn the_wit_and_the_schemas_agree() {
    let resolve = wit::parse(WIT);
    for name in FILES {
        assert_eq!(wit::faults(&resolve, name, &Schema::read(name)), [""; 0], "{name}");
    }
}

#[test]
fn the_schemas_and_the_types_agree() {
    for name in FILES {
        assert_eq!(differences(&Schema::read(name), &samples(name)).0, [""; 0], "{name}");
    }
}

/// What the switch writes always is required, and nothing else.
#[test]
fn a_field_that_a_plugin_may_count_on_is_required() {
    for name in ["snapshot", "outcome"] {
        let schema = Schema::read(name);
        let (_, seen) = differences(&schema, &samples(name));
        for (object, key) in seen.present.iter().filter_map(|place| property(place)) {
            let place = format!("{object}/properties/{key}");
            assert_eq!(schema.is_required(object, key), !seen.absent.contains(&place), "{name} {place}");
        }
    }
}

/// What a plugin may leave out is not required, and the rest is.
#[test]
fn a_field_without_which_an_answer_is_not_read_is_required() {
    fn check<T: DeserializeOwned>(name: &str) {
        let schema = Schema::read(name);
        for sample in samples(name) {
            let mut places = BTreeSet::new();
            // Below `parameters` stands the plugin's own schema, below `needs` the company's skills.
            walk(&sample, "", &mut |at, value| {
                let own = !at.contains("/parameters") && !at.contains("/needs");
                places.extend(
                    value
                        .as_object()
                        .filter(|_| own)
                        .into_iter()
                        .flat_map(|object| object.keys().map(|key| (at.to_owned(), key.clone())).collect::<Vec<_>>()),
                );
            });
            for (at, key) in places {
                let mut less = sample.clone();
                less.pointer_mut(&at).unwrap().as_object_mut().unwrap().remove(&key);
                let read = serde_json::from_value::<T>(less.clone()).is_ok();
                let valid = schema.faults(&less, &mut Seen::default()).is_empty();
                assert_eq!(read, valid, "{name} {at}/{key}");
            }
        }
    }
    check::<Decision>("decision");
    check::<Description>("description");
}

#[test]
fn words_are_the_same_in_rust() {
    let words = |of: &str, file: &str| Schema::read(file).0["$defs"][of]["enum"].as_array().unwrap().clone();
    for word in words("order", "description") {
        assert!(serde_json::from_value::<Order>(word).is_ok());
    }
    for word in words("presence", "snapshot") {
        assert!(serde_json::from_value::<Presence>(word).is_ok());
    }
    let _ = |order: Order, presence: Presence| {
        let a = match order {
            Order::LongestIdle | Order::List | Order::Turn | Order::FewestCalls => 4,
            Order::LeastTalkTime | Order::MostSkilled | Order::LeastSkilled => 3,
        };
        match presence {
            Presence::Free | Presence::Busy | Presence::Away => a + 3,
        }
    };
    assert_eq!((words("order", "description").len(), words("presence", "snapshot").len()), (7, 3));
}

/// The three tests above would not notice what they cannot see: each field of each file is taken away, and one added.
#[test]
fn each_field_that_is_missing_or_too_many_is_found() {
    let resolve = wit::parse(WIT);
    for name in FILES {
        let schema = Schema::read(name);
        for (object, key) in schema.places().iter().filter_map(|place| property(place)) {
            let (place, object) = (format!("{object}/{key}"), &format!("{object}/properties"));
            let mut less = schema.0.clone();
            less.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(key);
            let less = Schema(less);
            assert!(!differences(&less, &samples(name)).0.is_empty(), "{name} without {place}: types");
            assert!(!wit::faults(&resolve, name, &less).is_empty(), "{name} without {place}: WIT");
            let mut more = schema.0.clone();
            let added = more.pointer_mut(object).unwrap().as_object_mut().unwrap();
            added.insert("more".to_owned(), json!({ "type": "string" }));
            let more = Schema(more);
            assert!(!differences(&more, &samples(name)).0.is_empty(), "{name} with more in {object}: types");
            assert!(!wit::faults(&resolve, name, &more).is_empty(), "{name} with more in {object}: WIT");
        }
    }
    // And each line of a record, variant or enumeration in the WIT.
    let mut inside = false;
    for (number, line) in WIT.lines().enumerate() {
        let text = line.trim();
        let opens = ["record ", "variant ", "enum "].iter().any(|word| text.starts_with(word));
        if opens || text == "}" {
            inside = opens;
        } else if inside && text.ends_with(',') {
            let less: Vec<&str> =
                WIT.lines().enumerate().filter(|(at, _)| *at != number).map(|(_, line)| line).collect();
            // A record without fields is no WIT.
            let Ok(less) = std::panic::catch_unwind(|| wit::parse(&less.join("\n"))) else { continue };
            let found = FILES.iter().any(|name| !wit::faults(&less, name, &Schema::read(name)).is_empty());
            assert!(found, "without line {}: {text}", number + 1);
        }
    }
}
