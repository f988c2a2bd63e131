//! What a decision costs by the kind of plugin, without the way to its queue's thread: 32 candidates, the first of whom is taken. A
//! strategy in Rust has a thread of its own beside that, and the way there is in its figure.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench that panics tells so")]

use std::hint::black_box;
use std::sync::Arc;

use base::{CallId, DecisionId, Wall};
use criterion::{Criterion, criterion_group, criterion_main};
use plugins::{Decide, Host, Instance, Keep, Limits, Native};
use routing::{Builtin, Call, Candidate, Exclusions, MAX_CANDIDATES, Question, Queue, Service, Snapshot, VERSION};

fn snapshot() -> Snapshot {
    let candidates = (0..MAX_CANDIDATES).map(|number| Candidate::new(format!("agent{number}")));
    let queue = Queue {
        name: "sales".into(),
        waiting: 1,
        longest_wait_ms: 4_000,
        excluded: Exclusions::default(),
        ring_ms: 20_000,
        service: Service::default(),
    };
    Snapshot {
        version: VERSION,
        id: DecisionId::from_raw(1),
        epoch: 1,
        at: Wall::from_unix_micros(1_795_253_400_000_000),
        seed: 7,
        queue,
        other_queues: Vec::new(),
        state: None,
        question: Question::Agent { call: Call::new(CallId::from_raw(1), "sales"), candidates: candidates.collect() },
    }
}

fn bench(c: &mut Criterion) {
    let snapshot = snapshot();
    let mut decide = |name: &str, plugin: &mut dyn Decide| {
        c.bench_function(name, |b| {
            b.iter(|| {
                plugin.prepare();
                plugin.decide(black_box(&snapshot), "{}").unwrap()
            });
        });
    };
    let limits = Limits { deadline: std::time::Duration::from_secs(1), ..Limits::default() };
    decide("in Rust", &mut Native::new(Arc::new(|| Box::new(Builtin::LongestIdle)), limits.deadline));
    // One host for all: its thread and its pool cost as in the switch.
    let module = Host::start(None).unwrap().load(include_bytes!("../tests/frozen/first-1.0.0.wasm"), &limits).unwrap();
    for (name, keep) in [("a component, kept", Keep::Kept), ("a component, fresh", Keep::Fresh)] {
        decide(name, &mut Instance::new(module.clone(), limits, keep));
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
