//! Plugins by hand, and snapshots to ask them about.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use base::{CallId, DecisionId, Pii, Rng, Wall};
#[cfg(feature = "wasm")]
use plugins::{Host, Instance, Keep, Limits, Module};
use routing::{Action, Call, Candidate, Decision, Exclusions, Question, Queue, Service, Snapshot, VERSION};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Nothing here takes so long, however slow the machine is.
pub const LIMIT: Duration = Duration::from_secs(60);

pub const WIT: &str = include_str!("../../../routing/wit/routing.wit");

/// What a plugin does differently from [`plugin.wat`](self).
#[derive(Clone, Copy, Default)]
pub struct Parts {
    pub pages: Option<u32>,
    pub describe: &'static str,
    pub decide: &'static str,
    pub after: &'static str,
    pub told: &'static str,
    pub more: &'static str,
}

impl Parts {
    pub fn decides(decide: &'static str) -> Self {
        Self { decide, ..Self::default() }
    }

    pub fn core(&self) -> String {
        include_str!("plugin.wat")
            .replace("{pages}", &self.pages.unwrap_or(4).to_string())
            .replace("{describe}", self.describe)
            .replace("{decide}", self.decide)
            .replace("{after}", self.after)
            .replace("{told}", self.told)
            .replace("{more}", self.more)
    }

    pub fn component(&self) -> Vec<u8> {
        component(&self.core(), WIT)
    }
}

/// A component of a core module, for the first world of a WIT.
pub fn component(core: &str, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", wit).unwrap();
    let world = *resolve.packages[package].worlds.values().next().unwrap();
    let mut module = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

#[cfg(feature = "wasm")]
pub fn host() -> Host {
    Host::start(None).unwrap()
}

#[cfg(feature = "wasm")]
/// Generous in time, so that a slow machine ends nothing that would end by itself.
pub fn limits() -> Limits {
    Limits { deadline: LIMIT, start: LIMIT, ..Limits::default() }
}

#[cfg(feature = "wasm")]
pub fn instance(module: &Module, limits: Limits) -> Instance {
    Instance::new(module.clone(), limits, Keep::Fresh)
}

pub fn call(id: u64) -> Call {
    Call { dialled: "1000".to_owned(), ..Call::new(CallId::from_raw(id), "sales") }
}

pub fn queue(name: &str) -> Queue {
    let (excluded, service) = (Exclusions::default(), Service::default());
    Queue { name: name.into(), waiting: 1, longest_wait_ms: 0, excluded, ring_ms: 20_000, service }
}

pub fn snapshot(id: u64, question: Question) -> Snapshot {
    let (id, at) = (DecisionId::from_raw(id), Wall::from_unix_micros(1_795_253_400_000_000));
    let queue = queue("sales");
    Snapshot { version: VERSION, id, epoch: 1, at, seed: 7, queue, other_queues: Vec::new(), state: None, question }
}

/// Eva and Ben are free for call `id`.
pub fn agents(id: u64) -> Snapshot {
    let candidates = vec![Candidate::new("eva"), Candidate::new("ben")];
    snapshot(id, Question::Agent { call: call(id), candidates })
}

/// Eva is free for calls `id` and the next.
pub fn calls(id: u64) -> Snapshot {
    snapshot(id, Question::Call { agent: Candidate::new("eva"), calls: vec![call(id), call(id + 1)] })
}

/// The decision of the plugin by hand about such a snapshot.
pub fn first(id: u64) -> Decision {
    let action = Action::Offer { call: CallId::from_raw(id), agent: "eva".into(), ring_ms: None };
    Decision::new(action, "first of all")
}

/// Snapshots of a busy day, made by chance from a seed that is always the same.
pub fn recorded(count: u64) -> Vec<Snapshot> {
    let mut rng = Rng::from_number(7);
    let callers = ["+49 30 901820", "+49301", "+49302", "+49303", "+49304", ""];
    (0..count)
        .map(|number| {
            let mut any = |below: u32| u64::from(rng.below(below));
            let caller = |id: u64, any: &mut dyn FnMut(u32) -> u64| Call {
                caller: Pii::new(callers[usize::try_from(any(6)).unwrap()].to_owned()),
                waited_ms: any(90_000),
                ..call(100 * number + id)
            };
            let candidates = (0..1 + any(31)).map(|at| Candidate {
                level: u8::try_from(1 + any(2)).unwrap(),
                calls_today: u32::try_from(any(5)).unwrap(),
                idle_ms: any(1 << 30),
                ..Candidate::new(format!("agent{at} ü"))
            });
            let candidates: Vec<Candidate> = candidates.collect();
            let question = if any(2) == 0 {
                Question::Agent { call: caller(0, &mut any), candidates }
            } else {
                let calls = (0..1 + any(31)).map(|id| caller(id, &mut any)).collect();
                Question::Call { agent: candidates[0].clone(), calls }
            };
            snapshot(number, question)
        })
        .collect()
}
