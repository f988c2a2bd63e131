//! `strowger plugin bench`: what a decision and a load cost.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use plugins::{Decide as _, Instance, Keep, Limits, Module};
use routing::Snapshot;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use workbench::{sample_agents, sample_calls};

use super::loaded::{LONGEST, Room, fits, host, host_with, json, load, read};
use crate::error::Error;
use crate::operate::print;

/// Decisions that are made before any is counted.
const WARM_UP: u32 = 20;

/// Which plugin, and how it is asked.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The component
    file: PathBuf,
    /// What it goes by, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    parameters: Value,
    /// Agents, or calls, that it may choose from
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=32))]
    candidates: u32,
    /// For how many seconds each way is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    #[command(flatten)]
    room: Room,
}

/// Prints the figures.
///
/// # Errors
/// If it is no plugin, or does not decide.
pub(super) fn bench(request: &Bench) -> Result<ExitCode, Error> {
    let file = read(&request.file)?;
    let limits = request.room.limits(LONGEST);
    let begun = Instant::now();
    let module = load(&host_with(None)?, &request.file, &file, &limits)?;
    let compiled = begun.elapsed();
    fits(&request.file, &module, &request.parameters)?;
    // The first of these may compile it once more, for the cache; the second finds it there.
    load(&host()?, &request.file, &file, &limits)?;
    let begun = Instant::now();
    let module = load(&host()?, &request.file, &file, &limits)?;
    let cached = begun.elapsed();
    print(&format!("load: {} ms compiled, {} ms from the cache\n", compiled.as_millis(), cached.as_millis()));
    print(&row(["INSTANCE", "P50", "P99", "DECISIONS/S"]));
    for (name, keep) in [("fresh", Keep::Fresh), ("kept", Keep::Kept)] {
        let figures = measure(request, &module, limits, keep)?;
        print(&row([name, &figures.at(50), &figures.at(99), &figures.rate.to_string()]));
    }
    print(&format!(
        "P50, P99: CPU time of a decision, half of them about {0} agents for a call and half about {0} calls for an agent.\n\
         Decisions/s: on one thread, with what it takes to be ready for the next.\n",
        request.candidates
    ));
    Ok(ExitCode::SUCCESS)
}

struct Figures {
    /// The CPU time of each decision, the shortest first.
    took: Vec<Duration>,
    /// Decisions in a second.
    rate: u64,
}

impl Figures {
    fn at(&self, percent: usize) -> String {
        let place = (self.took.len() * percent / 100).min(self.took.len().saturating_sub(1));
        let took = self.took.get(place).copied().unwrap_or_default();
        format!("{:.1} µs", took.as_secs_f64() * 1e6)
    }
}

fn measure(request: &Bench, module: &Module, limits: Limits, keep: Keep) -> Result<Figures, Error> {
    let parameters = request.parameters.to_string();
    let mut instance = Instance::new(module.clone(), limits, keep);
    let mut state = None;
    let asked = [sample_agents(request.candidates), sample_calls(request.candidates.into())];
    let mut decide = |number: usize| {
        instance.prepare();
        let question = asked.get(number % asked.len()).cloned();
        let Some(question) = question else { return Ok::<_, Error>(Duration::ZERO) };
        let snapshot = Snapshot { state: state.take(), ..question };
        let begun = cpu_time();
        let answer = instance.decide(&snapshot, &parameters);
        let took = cpu_time().saturating_sub(begun);
        let decision = answer.map_err(|fault| Error::NoPlugin {
            path: request.file.clone(),
            why: format!("{}: {fault}", fault.name()),
        })?;
        state = decision.state.or(snapshot.state);
        Ok(took)
    };
    for number in 0..WARM_UP as usize {
        decide(number)?;
    }
    let (begun, lasts) = (Instant::now(), Duration::from_secs(request.seconds));
    let mut took = Vec::new();
    while begun.elapsed() < lasts {
        took.push(decide(took.len())?);
    }
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    Ok(Figures { took, rate: rate as u64 })
}

/// The CPU time that this thread had so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

fn row([name, half, most, rate]: [&str; 4]) -> String {
    format!("{name:<10}{half:>12}{most:>12}{rate:>14}\n")
}
