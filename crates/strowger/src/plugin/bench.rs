//! `strowger plugin bench`: what a decision and a load cost.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use company::{Component, Decider, Service};
use plugins::Decide;
use routing::Snapshot;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use workbench::{sample_agents, sample_calls};

use super::loaded::{LONGEST, Loaded, Means, by_name, json};
use crate::error::Error;
use crate::operate::print;
use crate::plugins::component;

/// Decisions that are made before any is counted.
const WARM_UP: u32 = 20;

/// Which plugin, and how it is asked.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The component, the URL of a service, or with --config a name
    #[arg(value_name = "FILE|URL|NAME")]
    plugin: String,
    /// What it goes by, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    parameters: Value,
    /// Agents, or calls, that it may choose from
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=32))]
    candidates: u32,
    /// For how many seconds each way is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Questions that are under way to a service at once, as `outstanding` in queues.yaml [default: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    outstanding: Option<u16>,
    /// Takes the plugin from the configuration in this folder, by its NAME there
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    #[command(flatten)]
    means: Means,
}

/// Prints the figures.
///
/// # Errors
/// If it is no plugin, or does not decide.
pub(super) fn bench(request: &Bench) -> Result<ExitCode, Error> {
    by_name(Some(&request.plugin), request.config.as_deref())?;
    let loaded = Loaded::new(&request.plugin, &request.means, Some(LONGEST), request.config.as_deref())?;
    loaded.fits(&request.parameters)?;
    match &loaded.plugin.decider {
        Decider::Component(component) => of_component(request, &loaded, component)?,
        Decider::Service(service) => of_service(request, &loaded, service)?,
        Decider::Strategy(_) => of_strategy(request, &loaded)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn of_component(request: &Bench, loaded: &Loaded, component: &Component) -> Result<(), Error> {
    let [compiled, cached] = component::load_times(component).map_err(|why| loaded.wrong(why))?;
    print(&format!("load: {} ms compiled, {} ms from the cache\n", compiled.as_millis(), cached.as_millis()));
    let instances = [("fresh", false), ("kept", true)].map(|(name, kept)| {
        let decider = Decider::Component(Component { kept, ..component.clone() });
        (name, loaded.like(decider))
    });
    no_service(request)?;
    print(&row(["INSTANCE", "P50", "P99", "DECISIONS/S"]));
    for (name, loaded) in &instances {
        let figures = measure(request, loaded, 1, cpu_time)?;
        print(&row([name, &figures.at(50), &figures.at(99), &figures.rate.to_string()]));
    }
    print(&format!(
        "P50, P99: CPU time of a decision, {}.\nDecisions/s: on one thread, with what it takes to be ready for the next.\n",
        questions(request)
    ));
    Ok(())
}

/// A strategy in Rust decides on a thread of its own.
fn of_strategy(request: &Bench, loaded: &Loaded) -> Result<(), Error> {
    no_service(request)?;
    let begun = Instant::now();
    let figures = measure(request, loaded, 1, || begun.elapsed())?;
    print(&row(["INSTANCE", "P50", "P99", "DECISIONS/S"]));
    print(&row(["built in", &figures.at(50), &figures.at(99), &figures.rate.to_string()]));
    print(&format!(
        "P50, P99: time on the clock from the question to its answer, with the way to its thread and back, {}.\n",
        questions(request)
    ));
    Ok(())
}

/// # Errors
/// If an option is for services.
fn no_service(request: &Bench) -> Result<(), Error> {
    if request.outstanding.is_none() {
        return Ok(());
    }
    Err(Error::Option(format!(
        "--outstanding is for services, and {} is none: it decides one thing at a time; leave it out",
        request.plugin
    )))
}

fn of_service(request: &Bench, loaded: &Loaded, service: &Service) -> Result<(), Error> {
    let outstanding = request.outstanding.map_or(Service::USUAL_OUTSTANDING, usize::from);
    let service = Service { outstanding, ..service.clone() };
    let loaded = loaded.like(Decider::Service(Box::new(service)));
    let begun = Instant::now();
    let clock = || begun.elapsed();
    print(&row(["UNDER WAY", "P50", "P99", "DECISIONS/S"]));
    for lanes in if outstanding == 1 { vec![1] } else { vec![1, outstanding] } {
        let figures = measure(request, &loaded, lanes, clock)?;
        print(&row([&lanes.to_string(), &figures.at(50), &figures.at(99), &figures.rate.to_string()]));
    }
    print(&format!(
        "P50, P99: time on the clock from the question to its answer, with the way there and back, {}.\n\
         Decisions/s: with so many questions under way at once. What a decision costs the service, its own machine tells.\n",
        questions(request)
    ));
    Ok(())
}

fn questions(request: &Bench) -> String {
    format!("half of them about {0} agents for a call and half about {0} calls for an agent", request.candidates)
}

struct Figures {
    /// What each decision took, the shortest first.
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

/// Asks in so many threads, each for a queue of its own; `clock` tells what a decision took.
fn measure(
    request: &Bench,
    loaded: &Loaded,
    lanes: usize,
    clock: impl Fn() -> Duration + Sync,
) -> Result<Figures, Error> {
    let deciders =
        (0..lanes).map(|_| loaded.decider(&request.parameters.to_string())).collect::<Result<Vec<_>, _>>()?;
    let measured: Vec<Result<Figures, Error>> = thread::scope(|scope| {
        let lane = |decider| scope.spawn(|| Lane { request, loaded, decider, state: None }.measure(&clock));
        let running: Vec<_> = deciders.into_iter().map(lane).collect();
        let died = || Error::Died { thread: "measuring" };
        running.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err(died()))).collect()
    });
    let mut all = Figures { took: Vec::new(), rate: 0 };
    for figures in measured {
        let Figures { took, rate } = figures?;
        all.took.extend(took);
        all.rate += rate;
    }
    all.took.sort_unstable();
    Ok(all)
}

/// A queue that asks one thing after the other.
struct Lane<'a> {
    request: &'a Bench,
    loaded: &'a Loaded,
    decider: Box<dyn Decide>,
    state: Option<String>,
}

impl Lane<'_> {
    fn measure(mut self, clock: &impl Fn() -> Duration) -> Result<Figures, Error> {
        let candidates = self.request.candidates;
        let asked = [sample_agents(candidates), sample_calls(candidates.into())];
        let parameters = self.request.parameters.to_string();
        let mut questions = asked.iter().cycle();
        for question in questions.by_ref().take(WARM_UP as usize) {
            self.decide(question, &parameters, clock)?;
        }
        let (begun, lasts) = (Instant::now(), Duration::from_secs(self.request.seconds));
        let mut took = Vec::new();
        for question in questions {
            if begun.elapsed() >= lasts {
                break;
            }
            took.push(self.decide(question, &parameters, clock)?);
        }
        let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
        Ok(Figures { took, rate: rate as u64 })
    }

    fn decide(&mut self, asked: &Snapshot, parameters: &str, clock: &impl Fn() -> Duration) -> Result<Duration, Error> {
        self.decider.prepare();
        let snapshot = Snapshot { state: self.state.take(), ..asked.clone() };
        let begun = clock();
        let answer = self.decider.decide(&snapshot, parameters);
        let took = clock().saturating_sub(begun);
        let decision = answer.map_err(|fault| self.loaded.failed(&fault))?;
        self.state = decision.state.or(snapshot.state);
        Ok(took)
    }
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
