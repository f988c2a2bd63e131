//! Reads a file of tests of plugins. What a test leaves out is as in a quiet queue.

use base::{CallId, Day, DecisionId, Wall};
use routing::{Call, Candidate, Exclusions, MAX_CANDIDATES, Outcome, Question, Queue, Service, Snapshot, VERSION};
use serde::de::DeserializeOwned;
use serde_json::{Map as Object, Value as Json, json};
use yaml::{Faults, Form, Kind, Map, Source, Value};

use super::table::{AGENT, CALL, EXPECT, FILE, OUTCOME, QUEUE, STEP, TEST};
use super::{Expectation, PluginCase, Step};
use crate::test::read::time;

/// When a test plays that does not say it: a Monday morning.
const USUAL_DAY: &str = "2026-01-05";
const USUAL_HOUR: i64 = 9;

pub(super) fn file(source: &Source, faults: &Faults) -> Vec<PluginCase> {
    let Some(document) = yaml::read(source, faults) else { return Vec::new() };
    let Some(map) = document.root(faults).map(&FILE.shape) else { return Vec::new() };
    if let Some(version) = map.required("version")
        && version.integer(1..=u32::MAX).is_some_and(|version| version != 1)
    {
        version.fault("this version of the format is not known", "this Strowger reads version 1");
    }
    let _ = map.optional("note").and_then(|note| note.string());
    let of_file = map.optional("parameters");
    let entries = map.required("tests").and_then(|tests| tests.entries("tests by their names")).unwrap_or_default();
    entries.into_iter().filter_map(|(key, value)| case(key, value, of_file)).collect()
}

fn case(key: Value<'_>, value: Value<'_>, of_file: Option<Value<'_>>) -> Option<PluginCase> {
    let map = value.map(&TEST.shape)?;
    let _ = map.optional("note").and_then(|note| note.string());
    let parameters = map.optional("parameters").or(of_file);
    let steps = match map.optional("steps") {
        Some(steps) => {
            for own in ["told", "call", "agents", "agent", "calls", "expect"] {
                if let Some(value) = map.optional(own) {
                    value.fault_at_key(
                        format!("`{own}` and `steps` exclude each other in a test"),
                        "put it into a step",
                    );
                }
            }
            let steps = steps.list()?;
            steps.into_iter().map(|value| value.map(&STEP.shape).and_then(|step| self::step(step, Some(map)))).collect()
        }
        None => vec![step(map, None)],
    };
    Some(PluginCase {
        name: key.raw().unwrap_or_default().to_owned(),
        place: key.place(),
        parameters: parameters.map_or_else(|| json!({}), |value| value.json()),
        parameters_at: parameters.map_or_else(|| key.place(), |value| value.place()),
        state: map.optional("state").and_then(|state| state.string()).map(str::to_owned),
        steps: steps.into_iter().collect::<Option<_>>()?,
    })
}

/// A step; what it does not say of queue, time and seed the test says, in which it stands.
fn step(map: Map<'_>, test: Option<Map<'_>>) -> Option<Step> {
    let shared = |key| map.optional(key).or_else(|| test.and_then(|test| test.optional(key)));
    let queue: Queue = match shared("queue") {
        Some(value) => read(value, &QUEUE, &a_queue())?,
        None => serde_json::from_value(a_queue()).ok()?,
    };
    let others = shared("other_queues").map(|value| value.list()).unwrap_or(Some(Vec::new()))?;
    let other_queues = others.into_iter().map(|value| read(value, &QUEUE, &a_queue())).collect::<Option<_>>()?;
    let told = map.optional("told").map(|value| value.list()).unwrap_or(Some(Vec::new()))?;
    let at = shared("at").map_or_else(usual_time, moment)?;
    let told = told.into_iter().map(|value| outcome(value, &queue, at)).collect::<Option<_>>()?;
    let question = question(map, &queue)?;
    let expect = match map.optional("expect") {
        Some(value) => expectations(value)?,
        None => Vec::new(),
    };
    if let (None, Some(value)) = (&question, map.optional("expect")) {
        value.fault_at_key("nothing is asked of which this could come", "add `agents:`, or `agent:` and `calls:`");
    }
    let seed =
        shared("seed").map_or(Some(0), |value| value.integer(0..=i64::MAX)).and_then(|seed| seed.try_into().ok())?;
    let question = question.map(|question| Snapshot {
        version: VERSION,
        id: DecisionId::from_raw(1),
        epoch: 1,
        at,
        seed,
        queue,
        other_queues,
        state: None,
        question,
    });
    let place = map.place();
    Some(Step { place, told, question, expect })
}

/// What is asked; `None` within if nothing is.
fn question(map: Map<'_>, queue: &Queue) -> Option<Option<Question>> {
    let by_agents = map.optional("agents").or_else(|| map.optional("call"));
    let by_calls = map.optional("agent").or_else(|| map.optional("calls"));
    match (by_agents, by_calls) {
        (None, None) => Some(None),
        (Some(value), Some(_)) => {
            value.fault_at_key(
                "either a call is given and the agents for it, or an agent and the calls for him",
                "keep `call` and `agents`, or `agent` and `calls`",
            );
            None
        }
        (Some(_), None) => {
            let call = match map.optional("call") {
                Some(value) => read(value, &CALL, &a_call(1, queue))?,
                None => serde_json::from_value(a_call(1, queue)).ok()?,
            };
            let candidates: Vec<Candidate> =
                some(map.required("agents")?)?.into_iter().map(agent).collect::<Option<_>>()?;
            Some(Some(Question::Agent { call, candidates }))
        }
        (None, Some(_)) => {
            let agent = map.required("agent").and_then(agent);
            let calls = (1..).zip(some(map.required("calls")?)?);
            let calls: Vec<Call> =
                calls.map(|(place, value)| read(value, &CALL, &a_call(place, queue))).collect::<Option<_>>()?;
            Some(Some(Question::Call { agent: agent?, calls }))
        }
    }
}

/// Those of whom, or of which, one is to be chosen.
fn some(value: Value<'_>) -> Option<Vec<Value<'_>>> {
    let all = value.list()?;
    if (1..=MAX_CANDIDATES).contains(&all.len()) {
        return Some(all);
    }
    value.fault(format!("these are {}; a question has from 1 to {MAX_CANDIDATES}", all.len()), "");
    None
}

fn agent(value: Value<'_>) -> Option<Candidate> {
    if value.is_map() {
        return read(value, &AGENT, &serde_json::to_value(Candidate::new("")).ok()?);
    }
    value.name().map(Candidate::new)
}

fn outcome(value: Value<'_>, queue: &Queue, at: Wall) -> Option<Outcome> {
    let map = value.map(&OUTCOME.shape)?;
    let ended = map.optional("happened").and_then(|value| value.raw()) == Some("ended");
    for (key, of_ended) in [("rang_ms", false), ("talk_ms", true), ("disposition", true)] {
        if let Some(value) = map.optional(key).filter(|_| ended != of_ended) {
            let remedy = if ended { "write `talk_ms`" } else { "write `rang_ms`" };
            value.fault_at_key(format!("`{key}` is not told then"), remedy);
        }
    }
    let usual = json!({ "at": at, "queue": queue.name, "call": 1, "rang_ms": 5_000, "talk_ms": 60_000 });
    let mut outcome = object(value, &OUTCOME, &usual)?;
    if let Some(call) = outcome.get_mut("call") {
        *call = id_of(call);
    }
    made(outcome, value)
}

fn expectations(value: Value<'_>) -> Option<Vec<Expectation>> {
    let map = value.map(&EXPECT.shape)?;
    let all = EXPECT.keys.iter().filter_map(|key| Some((key, map.optional(key.name)?)));
    let read = all.map(|(key, value)| {
        let mut wanted = written(value, key.kind)?;
        if key.name == "call" {
            wanted = id_of(&wanted);
        }
        Some(Expectation { place: value.place(), key: key.name, wanted })
    });
    let read = read.collect::<Option<Vec<_>>>()?;
    if let (Some(fault), true) = (map.optional("fault"), read.len() > 1) {
        fault.fault_at_key("whoever fails decides nothing", "keep `fault` alone");
    }
    Some(read)
}

/// The id of the call that stands at a place, from 1.
fn id_of(place: &Json) -> Json {
    json!(CallId::from_raw(place.as_u64().unwrap_or_default()))
}

fn usual_time() -> Option<Wall> {
    let day: Day = USUAL_DAY.parse().ok()?;
    Some(Wall::from_unix_micros(day.start().as_unix_micros() + USUAL_HOUR * 3_600_000_000))
}

/// A time of UTC.
fn moment(value: Value<'_>) -> Option<Wall> {
    let text = time(value)?;
    let (day, clock) = text.split_once(['T', ' ']).unwrap_or((&text, "00:00"));
    let (hour, minute) = clock.split_once(':')?;
    let minutes = hour.parse::<i64>().ok()? * 60 + minute.parse::<i64>().ok()?;
    Some(Wall::from_unix_micros(day.parse::<Day>().ok()?.start().as_unix_micros() + minutes * 60_000_000))
}

fn a_queue() -> Json {
    let (excluded, service) = (Exclusions::default(), Service::default());
    json!({ "name": "sales", "waiting": 1, "longest_wait_ms": 0, "excluded": excluded, "ring_ms": 20_000, "service": service })
}

fn a_call(place: u64, queue: &Queue) -> Json {
    serde_json::to_value(Call::new(CallId::from_raw(place), queue.name.as_str())).unwrap_or_default()
}

/// What a map says, in the place of `usual` where it does.
fn read<T: DeserializeOwned>(value: Value<'_>, form: &'static Form, usual: &Json) -> Option<T> {
    let mut object = object(value, form, usual)?;
    // They stand a step deeper in the contract.
    if let Some(variables) = object.get_mut("variables") {
        *variables = json!({ "values": variables.take() });
    }
    made(object, value)
}

fn made<T: DeserializeOwned>(json: Json, value: Value<'_>) -> Option<T> {
    let made = serde_json::from_value(json);
    made.map_err(|error| value.fault(format!("this is none: {error}"), "")).ok()
}

fn object(value: Value<'_>, form: &'static Form, usual: &Json) -> Option<Json> {
    let map = value.map(&form.shape)?;
    let mut object = usual.as_object().cloned().unwrap_or_default();
    for key in form.keys {
        match map.optional(key.name) {
            Some(value) => {
                let written = written(value, key.kind)?;
                match (object.get_mut(key.name).and_then(Json::as_object_mut), written) {
                    (Some(usual), Json::Object(own)) => usual.extend(own),
                    (_, written) => drop(object.insert(key.name.to_owned(), written)),
                }
            }
            None if key.needed => drop(map.required(key.name)?),
            None => {}
        }
    }
    Some(Json::Object(object))
}

/// A value of a kind, as the JSON of the contract has it.
fn written(value: Value<'_>, kind: &'static Kind) -> Option<Json> {
    Some(match kind {
        Kind::Whole(least, most) => value.integer(*least..=*most)?.into(),
        Kind::Word(words) => {
            let words: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
            value.choose(&words)?.into()
        }
        Kind::Like(_) => value.name()?.into(),
        Kind::Form(form) => {
            let map = value.map(&form.shape)?;
            if !form.one_of.is_empty() {
                let _ = map.one_of(form.one_of)?;
            }
            object(value, form, &Json::Null)?
        }
        Kind::List(kind, most) => {
            let items = value.list()?;
            if items.len() > *most {
                value.fault(format!("these are {}, and {most} are the most", items.len()), "");
            }
            items.into_iter().map(|item| written(item, kind)).collect::<Option<_>>()?
        }
        Kind::Map(_, kind, _) => {
            let entries = value.entries("a map")?;
            let entries = entries.into_iter().map(|(key, value)| Some((key.raw()?.to_owned(), written(value, kind)?)));
            entries.collect::<Option<Object<_, _>>>()?.into()
        }
        Kind::Named(_, kind) => written(value, kind)?,
        Kind::Any(_) if value.is_empty() => Json::Null,
        Kind::Anything => value.json(),
        Kind::Text | Kind::Unlike(_) | Kind::Bool | Kind::Empty | Kind::Any(_) => value.string()?.into(),
    })
}
