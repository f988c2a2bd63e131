//! A gallery of bad plugins: each comes back as a fault with a name, and costs nothing but its own say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![cfg(feature = "wasm")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ThreadId;
use std::time::Duration;

use base::{CallId, DecisionId, Wall};
use common::{LIMIT, Parts, WIT, agents, calls, component, first, host, instance, limits};
use plugins::{Answer, Ask, Binding, Decide, Fault, Instance, Keep, Limits, MAX_QUEUES, Module, Plugins};
use routing::{Action, Decision, Happened, MAX_REASON, MAX_STATE, Outcome, Snapshot};

/// Never returns.
const LOOP: &str = "(loop $for_ever (br $for_ever))";

fn bad() -> Vec<(&'static str, Parts, &'static str)> {
    let huge_reason = "(drop (memory.grow (i32.const 180))) (i32.store (i32.const 1076) (i32.const 10000000))";
    let huge_state = "(drop (memory.grow (i32.const 180)))
        (i32.store (i32.const 1088) (i32.const 1)) (i32.store (i32.const 1096) (i32.const 10000000))";
    let many_scores = "(drop (memory.grow (i32.const 180)))
        (i32.store (i32.const 1080) (i32.const 8192)) (i32.store (i32.const 1084) (i32.const 1000000))";
    let four_gib = "(if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable))";
    let deep = Parts {
        decide: "(drop (call $deep (i32.const 1)))",
        more: "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (call $deep (local.get 0))))",
        ..Parts::default()
    };
    let tables = Parts {
        decide: "(if (i32.eq (table.grow $t (ref.null func) (i32.const 10000000)) (i32.const -1)) (then unreachable))",
        more: "(table $t 1 funcref)",
        ..Parts::default()
    };
    vec![
        ("an endless loop", Parts::decides(LOOP), "deadline"),
        ("an endless loop when it is over", Parts { after: LOOP, ..Parts::default() }, "deadline"),
        ("deep recursion", deep, "stack"),
        ("4 GiB", Parts::decides(four_gib), "memory"),
        ("a large table", tables, "memory"),
        ("a trap", Parts::decides("unreachable"), "trap"),
        ("a division by zero", Parts::decides("(drop (i32.div_u (i32.const 1) (i32.const 0)))"), "trap"),
        ("beyond its memory", Parts::decides("(i32.store (i32.const -8) (i32.const 1))"), "trap"),
        ("a huge reason", Parts::decides(huge_reason), "too_large"),
        ("10 MB of state", Parts::decides(huge_state), "too_large"),
        ("a million scores", Parts::decides(many_scores), "too_large"),
        ("a reason beyond its memory", Parts::decides("(i32.store (i32.const 1072) (i32.const -1))"), "answer"),
        ("a reason that is no text", Parts::decides("(i32.store8 (i32.const 80) (i32.const 255))"), "answer"),
        ("an action that is none", Parts::decides("(i32.store8 (i32.const 1032) (i32.const 99))"), "answer"),
        ("an id that is none", Parts::decides("(i32.store (i32.const 1044) (i32.const 3))"), "answer"),
        ("no decision, in words", Parts::decides(DECLINE), "declined"),
    ]
}

/// An error with the text of the reason.
const DECLINE: &str = "(i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store (i32.const 1032) (i32.const 80)) (i32.store (i32.const 1036) (i32.const 12))";

fn bound(module: &Module, limits: Limits, keep: Keep) -> Binding {
    let module = module.clone();
    Binding::new(move || Instance::new(module.clone(), limits, keep), "{}".into())
}

fn plugins() -> (Plugins, Receiver<Answer>) {
    let (told, answers) = channel();
    (Plugins::new(move |answer| drop(told.send(answer))), answers)
}

fn ask(plugins: &Plugins, queue: &str, id: u64) -> Result<(), Fault> {
    plugins.ask(Ask { id: DecisionId::from_raw(id), queue: queue.into(), snapshot: Arc::new(agents(id)) })
}

/// The next answer: its queue, its number and what it says.
fn answer(answers: &Receiver<Answer>) -> (String, u64, Result<Decision, Fault>) {
    match answers.recv_timeout(LIMIT).unwrap() {
        Answer::Decided { id, queue, result, .. } => (queue.to_string(), id.as_raw(), result),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_costs_its_own_say_and_no_more() {
    let host = host();
    let (mut plugins, answers) = plugins();
    plugins
        .bind("good".into(), bound(&host.load(&Parts::default().component(), &limits()).unwrap(), limits(), Keep::Kept))
        .unwrap();
    let mut number = 0;
    for (what, parts, expected) in bad() {
        // What loops would do so for the whole of a long limit.
        let deadline = if expected == "deadline" { Duration::from_millis(20) } else { LIMIT };
        let limits = Limits { deadline, ..limits() };
        let module = host.load(&parts.component(), &limits).unwrap();
        for keep in [Keep::Fresh, Keep::Kept] {
            plugins.bind("bad".into(), bound(&module, limits, keep)).unwrap();
            // It is asked again, and does it again; another queue is answered between.
            for _ in 0..2 {
                number += 1;
                ask(&plugins, "bad", number).unwrap();
                let (queue, id, result) = answer(&answers);
                assert_eq!((queue.as_str(), id), ("bad", number), "{what}");
                let fault = result.expect_err(what);
                assert_eq!(fault.name(), expected, "{what}: {fault}");
                ask(&plugins, "good", number).unwrap();
                assert_eq!(answer(&answers), ("good".to_owned(), number, Ok(first(number))), "{what}");
            }
        }
    }
}

/// The other queue's answer comes first, though it was asked last: the slow one is at it until its limit is over.
#[test]
fn a_slow_queue_delays_no_other() {
    let host = host();
    let (mut plugins, answers) = plugins();
    let good = host.load(&Parts::default().component(), &limits()).unwrap();
    let slow = host.load(&Parts::decides(LOOP).component(), &limits()).unwrap();
    plugins.bind("good".into(), bound(&good, limits(), Keep::Fresh)).unwrap();
    let patient = Limits { deadline: Duration::from_secs(2), ..limits() };
    plugins.bind("slow".into(), bound(&slow, patient, Keep::Fresh)).unwrap();
    // One that it is at, those that wait, and those too many, who are told at once. That a ninth finds room shows that the
    // thread is at the first.
    let (mut taken, mut id) = (Vec::new(), 0);
    while taken.len() < 9 {
        id += 1;
        match ask(&plugins, "slow", id) {
            Ok(()) => taken.push(id),
            Err(fault) => assert_eq!(fault, Fault::Busy),
        }
        ask(&plugins, "good", 100 + id).unwrap();
        let seen = answer(&answers);
        assert_eq!(seen, ("good".to_owned(), 100 + id, Ok(first(100 + id))));
    }
    assert_eq!(ask(&plugins, "slow", id + 1), Err(Fault::Busy));
    // Another plugin takes over: what it is at ends by its limit, what waits is answered by the new one.
    plugins.bind("slow".into(), bound(&good, limits(), Keep::Fresh)).unwrap();
    let (first_taken, waiting) = taken.split_first().unwrap();
    let over = Err(Fault::Deadline(patient.deadline));
    assert_eq!(answer(&answers), ("slow".to_owned(), *first_taken, over));
    for id in waiting {
        assert_eq!(answer(&answers), ("slow".to_owned(), *id, Ok(first(*id))));
    }
    assert!(answers.try_recv().is_err());
    // A queue that has none any more.
    plugins.unbind(&"slow".into());
    assert_eq!(ask(&plugins, "slow", id + 2), Err(Fault::Unbound));
}

/// A component that tells on which thread what is done with it.
struct Watched {
    queue: &'static str,
    instance: Instance,
    seen: Sender<(&'static str, &'static str, ThreadId)>,
}

impl Watched {
    fn tell(&self, what: &'static str) {
        self.seen.send((self.queue, what, std::thread::current().id())).unwrap();
    }
}

impl Decide for Watched {
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Fault> {
        self.tell("decide");
        self.instance.decide(snapshot, parameters)
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Fault> {
        self.tell("told");
        self.instance.told(outcomes, state, parameters)
    }

    fn prepare(&mut self) {
        self.tell("prepare");
        self.instance.prepare();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tell("drop");
    }
}

/// Whoever asks, the domain thread, does nothing of WebAssembly: no instance is made, asked, told or dropped there.
#[test]
fn a_component_runs_on_the_thread_of_its_queue_alone() {
    let host = host();
    let module = host.load(&Parts::default().component(), &limits()).unwrap();
    let (mut plugins, answers) = plugins();
    let (seen, all) = channel();
    let queues = ["sales", "support"];
    for number in 1..=2 {
        for queue in queues {
            let (module, seen) = (module.clone(), seen.clone());
            let make = move || {
                let watched = Watched {
                    queue,
                    instance: Instance::new(module.clone(), limits(), Keep::Fresh),
                    seen: seen.clone(),
                };
                watched.tell("make");
                watched
            };
            plugins.bind(queue.into(), Binding::new(make, "{}".into())).unwrap();
            ask(&plugins, queue, number).unwrap();
            plugins.tell(&queue.into(), Vec::new(), None).unwrap();
            plugins.renew(&queue.into());
        }
    }
    for _ in 0..8 {
        answers.recv_timeout(LIMIT).unwrap();
    }
    plugins.unbind(&queues[0].into());
    drop((plugins, seen));
    let mut done: BTreeMap<_, (BTreeSet<_>, Vec<ThreadId>)> = BTreeMap::new();
    // Until the threads have ended.
    for (queue, what, thread) in all {
        let (deeds, threads) = done.entry(queue).or_default();
        deeds.insert(what);
        threads.push(thread);
    }
    for queue in queues {
        let (deeds, threads) = &done[queue];
        assert_eq!(Vec::from_iter(deeds), [&"decide", &"drop", &"make", &"prepare", &"told"]);
        assert!(threads.iter().all(|thread| *thread == threads[0]), "{queue}: {threads:?}");
        assert_ne!(threads[0], std::thread::current().id(), "{queue}");
    }
    assert_ne!(done[queues[0]].1[0], done[queues[1]].1[0]);
}

/// There is room for two of each queue that may ask components. Whoever finds none says so, and takes the next that is free.
#[test]
fn a_full_pool_is_a_fault_of_whoever_comes_too_late_and_passes() {
    let module = host().load(&Parts::default().component(), &limits()).unwrap();
    let ready = || {
        let mut instance = Instance::new(module.clone(), limits(), Keep::Kept);
        instance.prepare();
        instance
    };
    let mut others = Vec::from_iter((0..2 * MAX_QUEUES).map(|_| ready()));
    for other in &mut others {
        assert_eq!(other.decide(&agents(1), "{}"), Ok(first(1)));
    }
    let mut late = ready();
    assert_eq!(late.decide(&agents(2), "{}"), Err(Fault::Busy));
    assert_eq!(late.told(&[], None, "{}"), Err(Fault::Busy));
    drop(others.pop());
    assert_eq!(late.decide(&agents(3), "{}"), Ok(first(3)));
}

#[test]
fn what_is_absurd_but_well_formed_is_for_acd_to_refuse() {
    let host = host();
    let decide = |parts: Parts, keep, id| {
        let module = host.load(&parts.component(), &limits()).unwrap();
        let mut instance = Instance::new(module, limits(), keep);
        let first = instance.decide(&agents(id), "{}").unwrap();
        (first, instance.decide(&agents(id + 1), "{}").unwrap())
    };
    // An agent whom nobody knows: the text of the reason.
    let unknown = "(i32.store (i32.const 1048) (i32.const 80)) (i32.store (i32.const 1052) (i32.const 12))";
    let (decision, _) = decide(Parts::decides(unknown), Keep::Fresh, 1);
    let expected = Action::Offer { call: CallId::from_raw(1), agent: "first of all".into(), ring_ms: None };
    assert_eq!(decision.action, expected);
    // Always to wait.
    let wait = "(i32.store8 (i32.const 1032) (i32.const 3)) (i64.store (i32.const 1040) (i64.const 0))";
    let (decision, _) = decide(Parts::decides(wait), Keep::Fresh, 1);
    assert_eq!(decision.action, Action::Wait { at_most_ms: None });
    // Two decisions about one call: the second question gets the first one's call again.
    let stale = "(if (i32.eqz (i32.load (i32.const 2048)))
          (then (memory.copy (i32.const 2056) (i32.load (i32.const 1040)) (i32.const 14)) (i32.store (i32.const 2048) (i32.const 1))))
        (i32.store (i32.const 1040) (i32.const 2056))";
    let (one, two) = decide(Parts::decides(stale), Keep::Kept, 1);
    assert_eq!((one.action.call(), two.action.call()), (Some(CallId::from_raw(1)), Some(CallId::from_raw(1))));
    // A fresh instance remembers nothing.
    let (_, two) = decide(Parts::decides(stale), Keep::Fresh, 1);
    assert_eq!(two.action.call(), Some(CallId::from_raw(2)));
}

/// A reason is cut, a state is a fault: half of it would be another one.
#[test]
fn a_reason_and_a_state_have_their_bounds() {
    let host = host();
    let decide =
        |parts: Parts| instance(&host.load(&parts.component(), &limits()).unwrap(), limits()).decide(&agents(1), "{}");
    let fits = "(i32.store (i32.const 1072) (i32.const 4096)) (i32.store (i32.const 1076) (i32.const 300))
        (i32.store (i32.const 1088) (i32.const 1)) (i32.store (i32.const 1092) (i32.const 100000))
        (i32.store (i32.const 1096) (i32.const 4096))";
    let decision = decide(Parts::decides(fits)).unwrap();
    assert_eq!((decision.reason.len(), decision.state.map(|state| state.len())), (MAX_REASON, Some(MAX_STATE)));
    let long = "(i32.store (i32.const 1088) (i32.const 1)) (i32.store (i32.const 1092) (i32.const 100000))
        (i32.store (i32.const 1096) (i32.const 4097))";
    assert_eq!(decide(Parts::decides(long)), Err(Fault::TooLarge(MAX_STATE)));
}

/// Memory that a plugin lets leak is at an end some time; then it begins anew.
#[test]
fn a_kept_instance_that_leaks_begins_anew() {
    let leak = "(if (i32.eq (memory.grow (i32.const 60)) (i32.const -1)) (then unreachable))";
    let module = host().load(&Parts::decides(leak).component(), &limits()).unwrap();
    let mut instance = Instance::new(module, limits(), Keep::Kept);
    let mut results = (1..10).map(|id| instance.decide(&agents(id), "{}"));
    assert_eq!(results.by_ref().take(4).filter(Result::is_ok).count(), 4, "4 times 4 MB fit into 16 MiB");
    assert_eq!(results.next().unwrap(), Err(Fault::Memory(16 << 20)));
    assert_eq!(results.take(4).filter(Result::is_ok).count(), 4);
}

#[test]
fn what_cannot_be_a_plugin_is_not_loaded() {
    let host = host();
    let load = |file: &[u8], limits: Limits| host.load(file, &limits).expect_err("a fault");
    let usual = limits();
    let quick = Limits { start: Duration::from_millis(20), ..usual };
    // Slow to start, in its start function and when it says what it is.
    let start = Parts { more: "(start $spin) (func $spin (loop $l (br $l)))", ..Parts::default() };
    assert_eq!(load(&start.component(), quick), Fault::Deadline(quick.start));
    assert_eq!(load(&Parts { describe: LOOP, ..Parts::default() }.component(), quick), Fault::Deadline(quick.start));
    // More memory at once than it may have, and than anything may have.
    let large = Parts { pages: Some(300), ..Parts::default() }.component();
    assert_eq!(load(&large, usual), Fault::Memory(16 << 20));
    assert!(host.load(&large, &Limits { memory: 32 << 20, ..usual }).is_ok());
    assert_eq!(load(&Parts { pages: Some(65_000), ..Parts::default() }.component(), usual).name(), "component");
    // Another version, with the one that is known.
    let second =
        |text: &str| text.replace("routing@1.0.0", "routing@2.0.0").replace("strategy@1.0.0", "strategy@2.0.0");
    let fault = load(&component(&second(&Parts::default().core()), &second(WIT)), usual);
    let text = "built for strowger:routing/strategy@2.0.0, and this switch speaks strowger:routing/strategy@1.0.0";
    assert_eq!((fault.name(), fault.to_string().as_str()), ("version", text));
    // Another world.
    let other = component("(module (func (export \"hello\")))", "package a:b; world w { export hello: func(); }");
    let fault = load(&other, usual);
    assert_eq!(fault.name(), "world");
    assert!(
        fault.to_string().contains("does not export `strowger:routing/strategy@1.0.0`, but [\"hello\"]"),
        "{fault}"
    );
    // The right names with other types.
    let wit = WIT.replace("version: u16,", "version: u32,");
    let fault = load(&component(&Parts::default().core(), &wit), usual);
    assert_eq!(fault.name(), "world", "{fault}");
    assert!(fault.to_string().contains("is not that of `routing.wit`"), "{fault}");
    // What the contract does not hand in.
    let wit = format!(
        "{} package wasi:clocks@0.2.0 {{ interface monotonic-clock {{ now: func() -> u64; }} }}",
        WIT.replace("    export strategy;", "    import wasi:clocks/monotonic-clock@0.2.0;\n    export strategy;")
    );
    let core = Parts::default().core().replacen(
        "(memory",
        "(import \"wasi:clocks/monotonic-clock@0.2.0\" \"now\" (func (result i64)))\n(memory",
        1,
    );
    let fault = load(&component(&core, &wit), usual);
    assert_eq!(fault.name(), "world");
    for part in ["`wasi:clocks/monotonic-clock@0.2.0`", "wasm32-unknown-unknown", "--stub-wasi", "--disable all"] {
        assert!(fault.to_string().contains(part), "{fault}");
    }
    // No component at all.
    let core = wat::parse_str(Parts::default().core()).unwrap();
    assert!(load(&core, usual).to_string().contains("core module"));
    for file in [&b""[..], b"#!/bin/sh", &Parts::default().component()[..900]] {
        assert_eq!(load(file, usual).name(), "component");
    }
    // A description that is none.
    let unnamed = Parts { describe: "(i32.store (i32.const 1204) (i32.const 0))", ..Parts::default() };
    assert_eq!(load(&unnamed.component(), usual).name(), "description");
    let no_json = Parts { describe: "(i32.store (i32.const 1224) (i32.const 5))", ..Parts::default() };
    assert!(load(&no_json.component(), usual).to_string().contains("no JSON"));
}

#[test]
fn a_plugin_is_told_what_became_of_its_decisions() {
    let host = host();
    let outcome = |happened| Outcome {
        at: Wall::from_unix_micros(5),
        queue: "sales".into(),
        call: CallId::from_raw(7),
        agent: "eva".into(),
        happened,
    };
    let outcomes = [
        outcome(Happened::Accepted { rang_ms: 4_000 }),
        outcome(Happened::Ended { talk_ms: 60_000, disposition: Some("sold".to_owned()) }),
    ];
    let told = |parts: Parts, state: Option<&str>| {
        let module = host.load(&parts.component(), &limits()).unwrap();
        instance(&module, limits()).told(&outcomes, state, "{}")
    };
    assert_eq!(told(Parts::default(), Some("before")), Ok(Some("before".to_owned())));
    assert_eq!(told(Parts::default(), None), Ok(None));
    // The disposition of the second outcome: an outcome has 64 octets, and what happened begins at 32.
    let disposition = "(i32.store (i32.const 1024) (i32.load8_u offset=112 (local.get $outcomes)))
        (i64.store (i32.const 1028) (i64.load offset=116 (local.get $outcomes)))";
    assert_eq!(told(Parts { told: disposition, ..Parts::default() }, None), Ok(Some("sold".to_owned())));
    let long = "(i32.store (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1032) (i32.const 4097))";
    assert_eq!(told(Parts { told: long, ..Parts::default() }, Some("")), Err(Fault::TooLarge(MAX_STATE)));
    let (mut plugins, answers) = plugins();
    let module = host.load(&Parts::default().component(), &limits()).unwrap();
    plugins.bind("sales".into(), bound(&module, limits(), Keep::Kept)).unwrap();
    plugins.tell(&"sales".into(), outcomes.to_vec(), Some("before".to_owned())).unwrap();
    let Answer::Told { queue, result, .. } = answers.recv_timeout(LIMIT).unwrap() else { panic!("no word of it") };
    assert_eq!((queue.as_str(), result), ("sales", Ok(Some("before".to_owned()))));
    assert_eq!(plugins.tell(&"support".into(), outcomes.to_vec(), None), Err(Fault::Unbound));
}

/// A file of the first version, kept as it was built then.
#[test]
fn a_plugin_that_was_built_for_1_0_goes_on_working() {
    let module = host().load(include_bytes!("frozen/first-1.0.0.wasm"), &limits()).unwrap();
    let description = module.description();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("first", "1.0.0"));
    let mut instance = instance(&module, limits());
    assert_eq!(instance.decide(&agents(3), "{}"), Ok(first(3)));
    assert_eq!(instance.decide(&calls(5), "{}"), Ok(first(5)));
    assert_eq!(instance.told(&[], Some("a"), "{}"), Ok(Some("a".to_owned())));
}
