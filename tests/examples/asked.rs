//! What it costs to ask a plugin for a decision, by the way that it is asked.
//!
//! `asked --component FILE [--url URL] [--seconds 3]`
//!
//! One question (a call, and 32 agents for it) is asked again and again: of a strategy that is built in, of the same as a plugin in
//! Rust, of the component with an instance for each decision and with one that is kept, and of the web service at URL. Plugins are
//! asked as the switch does it: through the queue's thread and back. Prints one JSON object: for each the microseconds on the clock
//! from the question to the answer, those of all processors of this process for a decision, and how many decisions of four queues
//! at once are made in a second.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program: it owns its clock and threads")]

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base::{CallId, DecisionId, Wall};
use plugins::{Answer, Ask, Asker, Binding, Host, Instance, Keep, Limits, Native, Plugins, Settings, Web};
use routing::{
    Builtin, Call, Candidate, Exclusions, MAX_CANDIDATES, Question, Queue, QueueName, Service, Snapshot, Strategy as _,
    VERSION,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

const QUEUES: usize = 4;
/// How long a service, or a strategy in Rust, has for an answer: what is slow is to be seen.
const PATIENCE: Duration = Duration::from_secs(1);
/// Questions before any is counted.
const WARM_UP: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut component, mut url, mut seconds) = (None, None, 3);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--component" => component = Some(value),
            "--url" => url = Some(value),
            "--seconds" => seconds = value.parse()?,
            _ => return Err(format!("there is no {word}").into()),
        }
    }
    let lasts = Duration::from_secs(seconds);
    let snapshot = Arc::new(snapshot());
    let mut report = serde_json::Map::new();
    report.insert("built_in".to_owned(), built_in(&snapshot, lasts));
    let native = || Native::new(Arc::new(|| Box::new(Builtin::FewestCalls)), PATIENCE);
    report.insert("rust".to_owned(), asked(&Binding::new(native, "{}".into()), &snapshot, lasts)?);
    if let Some(component) = component {
        let limits = Limits::default();
        let module = Host::start(None)?.load(&std::fs::read(&component)?, &limits)?;
        for (name, keep) in [("fresh", Keep::Fresh), ("kept", Keep::Kept)] {
            let module = module.clone();
            let binding = Binding::new(move || Instance::new(module.clone(), limits, keep), "{}".into());
            report.insert(name.to_owned(), asked(&binding, &snapshot, lasts)?);
        }
    }
    if let Some(url) = url {
        let (origin, path) = ivr::web::read_url(&url)?;
        let tls = net::tls::client_config(None, net::tls::Authorities::of_machine())?;
        let web = Web::start()?;
        let service = web.service(Settings { origin, path, tls, key: None, outstanding: QUEUES });
        let binding = Binding::new(move || Asker::new(service.clone(), PATIENCE), "{}".into());
        report.insert("http".to_owned(), asked(&binding, &snapshot, lasts)?);
    }
    println!("{}", Value::Object(report));
    Ok(())
}

fn snapshot() -> Snapshot {
    let candidates = (0_u32..).take(MAX_CANDIDATES).map(|number| Candidate {
        idle_ms: u64::from(number) * 1_000,
        calls_today: 40 - number,
        ..Candidate::new(format!("agent{number}"))
    });
    let queue = Queue {
        name: "q0".into(),
        waiting: 1,
        longest_wait_ms: 4_000,
        excluded: Exclusions::default(),
        ring_ms: 20_000,
        service: Service::default(),
    };
    let call = Call { dialled: "2000".to_owned(), ..Call::new(CallId::from_raw(1), "q0") };
    Snapshot {
        version: VERSION,
        id: DecisionId::from_raw(1),
        epoch: 1,
        at: Wall::from_unix_micros(1_795_253_400_000_000),
        seed: 7,
        queue,
        other_queues: Vec::new(),
        state: None,
        question: Question::Agent { call, candidates: candidates.collect() },
    }
}

fn built_in(snapshot: &Snapshot, lasts: Duration) -> Value {
    let (mut times, mut count) = (Vec::new(), 0_u64);
    let (begun, busy) = (Instant::now(), cpu());
    while begun.elapsed() < lasts {
        let asked = Instant::now();
        std::hint::black_box(Builtin::FewestCalls.decide(std::hint::black_box(snapshot)));
        times.push(asked.elapsed());
        count += 1;
    }
    figures(
        times,
        (cpu() - busy) / u32::try_from(count).unwrap_or(u32::MAX),
        count as f64 / begun.elapsed().as_secs_f64(),
    )
}

fn asked(binding: &Binding, snapshot: &Arc<Snapshot>, lasts: Duration) -> Result<Value, Box<dyn Error>> {
    let (answers, answered) = channel();
    let mut plugins = Plugins::new(move |answer| drop(answers.send(answer)));
    let queues: Vec<QueueName> = (0..QUEUES).map(|number| format!("q{number}").into()).collect();
    for queue in &queues {
        plugins.bind(queue.clone(), binding.clone())?;
    }
    let ask = |queue: &QueueName| {
        let (id, queue, snapshot) = (DecisionId::from_raw(1), queue.clone(), Arc::clone(snapshot));
        plugins.ask(Ask { id, queue, snapshot })
    };
    let first = queues.first().ok_or("no queue")?;
    let (mut times, mut busy, mut begun) = (Vec::new(), cpu(), Instant::now());
    while begun.elapsed() < lasts {
        let asked = Instant::now();
        ask(first)?;
        answer(&answered)?;
        times.push(asked.elapsed());
        if times.len() == WARM_UP {
            (busy, begun) = (cpu(), Instant::now());
        }
    }
    let cpu_each = (cpu() - busy) / u32::try_from(times.len().saturating_sub(WARM_UP).max(1)).unwrap_or(u32::MAX);
    // Each queue is asked anew once it has answered.
    for queue in &queues {
        ask(queue)?;
    }
    let (begun, mut count) = (Instant::now(), 0_u64);
    while begun.elapsed() < lasts {
        let queue = answer(&answered)?;
        count += 1;
        ask(&queue)?;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    Ok(figures(times.split_off(WARM_UP.min(times.len())), cpu_each, rate))
}

/// The queue that has one more decision.
fn answer(answered: &Receiver<Answer>) -> Result<QueueName, Box<dyn Error>> {
    match answered.recv()? {
        Answer::Decided { queue, result, .. } => result.map(|_| queue).map_err(Into::into),
        Answer::Told { .. } => Err("nobody was told anything".into()),
    }
}

fn figures(mut times: Vec<Duration>, cpu: Duration, rate: f64) -> Value {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = times.len().saturating_sub(1) * percent / 100;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    json!({ "p50_us": at(50), "p99_us": at(99), "cpu_us": cpu.as_secs_f64() * 1e6, "rate": rate })
}

/// The processor time of all threads.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
