//! The example plugins: the same snapshots give the same decisions in every language.
//!
//! `STROWGER_PLUGINS` names the folder that `crates/plugins/examples/build` has filled; `scripts/test` does both.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "servers on real sockets, which take their time"
)]
#![cfg(feature = "wasm")]

mod common;
#[path = "examples/echo.rs"]
mod echo;
#[path = "common/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{CallId, Pii, Wall};
use common::{LIMIT, agents, call, recorded, snapshot};
use plugins::{Asker, Cache, Decide, Host, Instance, Keep, Limits, Module, Native, Web};
use routing::{Builtin, Call, Candidate, Decision, Happened, Outcome, Question, Snapshot, Strategy as _};
use wit_component::ComponentEncoder;

const CUSTOMERS: &str = "number,value\n+49 30 901820,500\n+49 30 1,20\n+49 30 2,70\n\n+49 30 3,70\n";

/// The usual memory is enough for an interpreter, too.
fn limits() -> Limits {
    Limits { deadline: LIMIT, start: LIMIT, ..Limits::default() }
}

fn folder() -> PathBuf {
    let folder = std::env::var("STROWGER_PLUGINS");
    folder
        .unwrap_or_else(|_| panic!("STROWGER_PLUGINS: the folder that crates/plugins/examples/build has filled"))
        .into()
}

/// One that compiles each of the large components once for all tests.
fn host() -> Host {
    Host::start(Some(Cache::open(&folder().join("compiled")).unwrap())).unwrap()
}

/// The files of an example, by language.
fn files(example: &str) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_prefix(example)?.strip_prefix('.')?;
            Some((name.split('.').next()?.to_owned(), path.clone()))
        })
        .collect();
    files.sort();
    files
}

/// Each language's module of an example. What Rust's compiler makes is a core module; the types stand in it already.
fn modules(host: &Host, example: &str, languages: &[&str]) -> Vec<(String, Module)> {
    let found = files(example);
    assert_eq!(found.iter().map(|(language, _)| language.as_str()).collect::<Vec<_>>(), languages);
    let load = |(language, path): (String, PathBuf)| {
        let mut file = std::fs::read(&path).unwrap();
        if path.to_str().unwrap().ends_with(".core.wasm") {
            file = ComponentEncoder::default().module(&file).unwrap().validate(true).encode().unwrap();
        }
        let module = host.load(&file, &limits()).unwrap_or_else(|fault| panic!("{language}: {fault}"));
        (language, module)
    };
    found.into_iter().map(load).collect()
}

#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn fewest_calls_is_the_same_in_every_language_and_built_in() {
    let host = host();
    for (language, module) in modules(&host, "fewest-calls", &["javascript", "python", "rust"]) {
        assert_eq!(module.description().order, Builtin::FewestCalls.order(), "{language}");
        let mut instance = Instance::new(module, limits(), Keep::Kept);
        for snapshot in recorded(300) {
            let expected = Builtin::FewestCalls.decide(&snapshot);
            assert_eq!(instance.decide(&snapshot, "{}").as_ref(), Ok(&expected), "{language}: {snapshot:?}");
        }
        // Who let calls ring stands behind the others until he takes one; what is told beside that changes nothing.
        let happened = |happened| {
            let at = Wall::from_unix_micros(5);
            Outcome { at, queue: "sales".into(), call: CallId::from_raw(1), agent: "eva".into(), happened }
        };
        let rang_ms = 20_000;
        let missed = [Happened::TimedOut { rang_ms }, Happened::Withdrawn { rang_ms }, Happened::Declined { rang_ms }];
        let state = instance.told(&missed.map(happened), None, "{}").unwrap();
        assert_eq!(state.as_deref(), Some(r#"{"eva":2}"#), "{language}");
        let who = |instance: &mut Instance, state: Option<&str>, parameters: &str| {
            let asked = Snapshot { state: state.map(str::to_owned), ..agents(1) };
            match instance.decide(&asked, parameters).unwrap().action {
                routing::Action::Offer { agent, .. } => agent.to_string(),
                action => panic!("{language}: {action:?}"),
            }
        };
        assert_eq!(who(&mut instance, state.as_deref(), "{}"), "eva", "{language}");
        assert_eq!(who(&mut instance, state.as_deref(), r#"{"misses":2}"#), "ben", "{language}");
        let state = instance.told(&[happened(Happened::Accepted { rang_ms })], state.as_deref(), "{}").unwrap();
        assert_eq!(state.as_deref(), Some("{}"), "{language}");
        assert_eq!(instance.told(&[], state.as_deref(), "{}"), Ok(None), "{language}");
    }
}

/// With the state that it keeps for the queue, and told of what became of its offers. Twice, so that a replay is the same octet
/// by octet, and with fresh instances, so that nothing hangs on what is kept in memory.
#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn value_based_is_the_same_in_every_language_and_when_it_is_replayed() {
    let host = host();
    let parameters = serde_json::json!({ "customers": CUSTOMERS, "usual": 1 }).to_string();
    let run = |module: &Module, keep| {
        let mut instance = Instance::new(module.clone(), limits(), keep);
        let (mut state, mut decisions) = (None, Vec::new());
        for (number, snapshot) in recorded(300).into_iter().enumerate() {
            let decision = instance.decide(&Snapshot { state: state.clone(), ..snapshot }, &parameters).unwrap();
            state = decision.state.clone().or(state);
            if let routing::Action::Offer { call, agent, .. } = &decision.action {
                let rang_ms = 4_000;
                let happened = match number % 3 {
                    0 => Happened::Declined { rang_ms },
                    1 => Happened::Accepted { rang_ms },
                    _ => Happened::Withdrawn { rang_ms },
                };
                let (at, queue) = (Wall::from_unix_micros(5), "sales".into());
                let outcome = Outcome { at, queue, call: *call, agent: agent.clone(), happened };
                state = instance.told(&[outcome], state.as_deref(), &parameters).unwrap().or(state);
            }
            decisions.push((serde_json::to_string(&decision).unwrap(), state.clone()));
        }
        decisions
    };
    let modules = modules(&host, "value-based", &["python", "rust"]);
    let first = run(&modules[0].1, Keep::Kept);
    assert!(first.iter().any(|(decision, _)| decision.contains("worth 500, most of")));
    for (language, module) in &modules {
        for keep in [Keep::Kept, Keep::Fresh] {
            let again = run(module, keep);
            for (number, (again, first)) in again.iter().zip(&first).enumerate() {
                assert_eq!(again, first, "{language} {keep:?} {number}");
            }
        }
    }
}

/// By its definition: who is worth most is served first, but nobody waits for ever; and each agent has his share.
#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn value_based_serves_who_is_worth_more_and_spreads_it_over_the_agents() {
    let host = host();
    let parameters = serde_json::json!({ "customers": CUSTOMERS, "patience_ms": 30_000 }).to_string();
    for (language, module) in modules(&host, "value-based", &["python", "rust"]) {
        let mut instance = Instance::new(module, limits(), Keep::Kept);
        let caller = |id, number: &str, waited_ms| Call { caller: Pii::new(number.to_owned()), waited_ms, ..call(id) };
        let mut chosen = |question, state: Option<String>| {
            let asked = Snapshot { state, ..snapshot(1, question) };
            let Decision { action, state, .. } = instance.decide(&asked, &parameters).unwrap();
            let routing::Action::Offer { call, agent, .. } = action else { panic!("{language}: {action:?}") };
            (call, agent.to_string(), state)
        };
        let calls = vec![caller(1, "+49301", 20_000), caller(2, "+4930901820", 1_000), caller(3, "", 29_000)];
        let mut question = Question::Call { agent: Candidate::new("eva"), calls };
        assert_eq!(chosen(question.clone(), None).0, CallId::from_raw(2), "{language}");
        let Question::Call { calls, .. } = &mut question else { unreachable!() };
        calls[2].waited_ms = 30_000;
        assert_eq!(chosen(question, None).0, CallId::from_raw(3), "{language}");
        // 70 each in turn; then one of 500, after which the others have the next ones.
        let mut state = None;
        let mut who = Vec::new();
        for (id, number) in ["+49302", "+49303", "+4930901820", "+49302", "+49303"].into_iter().enumerate() {
            let candidates = vec![Candidate::new("eva"), Candidate::new("ben")];
            let call = caller(u64::try_from(id).unwrap(), number, 0);
            let (_, agent, new) = chosen(Question::Agent { call, candidates }, state);
            who.push(agent);
            state = new;
        }
        assert_eq!(who, ["eva", "ben", "eva", "ben", "ben"], "{language}");
        // Parameters that it cannot use.
        for parameters in ["{}", r#"{"customers":"+491,much"}"#] {
            let asked =
                snapshot(1, Question::Agent { call: caller(1, "+491", 0), candidates: vec![Candidate::new("eva")] });
            assert_eq!(instance.decide(&asked, parameters).unwrap_err().name(), "declined", "{language}");
        }
        assert!(instance.decide(&agents(1), &parameters).is_ok(), "{language}: it goes on");
    }
}

/// One strategy in the three ways that there are: in Rust, as a component, and as a service.
#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build, and python3"]
fn the_same_snapshots_give_the_same_decisions_in_rust_as_a_component_and_as_a_service() {
    let (_, module) = modules(&host(), "fewest-calls", &["javascript", "python", "rust"]).remove(2);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/http/fewest_calls.py");
    let service = server::Stranger::start("python3", &[Path::new(script), Path::new("0")]);
    let web = Web::start().unwrap();
    let service = web.service(server::settings(&format!("http://127.0.0.1:{}", service.port())));
    let ways: [(&str, Box<dyn Decide>); 3] = [
        ("in Rust", Box::new(Native::new(Arc::new(|| Box::new(Builtin::FewestCalls)), LIMIT))),
        ("as a component", Box::new(Instance::new(module, limits(), Keep::Fresh))),
        ("as a service", Box::new(Asker::new(service, LIMIT))),
    ];
    let decided = ways.map(|(way, mut plugin)| {
        let decide = |snapshot: Snapshot| {
            let decision = plugin.decide(&snapshot, "{}").unwrap_or_else(|fault| panic!("{way}: {fault}"));
            serde_json::to_string(&decision).unwrap()
        };
        recorded(300).into_iter().map(decide).collect::<Vec<_>>()
    });
    assert_eq!(decided[0], decided[1]);
    assert_eq!(decided[0], decided[2]);
}

/// What is made of Python has dozens of core instances: there is room for many queues that ask such a one.
#[test]
#[ignore = "needs the example plugins: crates/plugins/examples/build"]
fn many_queues_can_ask_a_plugin_in_python() {
    let (_, module) = modules(&host(), "fewest-calls", &["javascript", "python", "rust"]).remove(1);
    let mut queues: Vec<Instance> = (0..60).map(|_| Instance::new(module.clone(), limits(), Keep::Kept)).collect();
    for queue in &mut queues {
        queue.prepare();
    }
    for queue in &mut queues {
        queue.decide(&agents(1), "{}").unwrap();
    }
}
