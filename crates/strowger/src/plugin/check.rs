//! `strowger plugin check`: loads a plugin as the switch does, and tries it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use company::{Component, Decider, Service};
use plugins::{Decide, Fault};
use routing::{Description, Snapshot};
use serde_json::Value;
use workbench::{sample_agents, sample_calls, sample_outcomes, shown};

use super::loaded::{Loaded, Means, by_name, deadline, json};
use crate::error::Error;
use crate::operate::print;
use crate::plugins::component;

/// Agents, and calls, that the samples have.
const SAMPLES: u32 = 3;
/// How long a service's first connection may be in the making.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which plugin, and how it is to run.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The component, the URL of a service, or with --config a name
    #[arg(value_name = "FILE|URL|NAME")]
    plugin: String,
    /// What it goes by, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    parameters: Value,
    /// How long one decision may take, from 1ms to 1s, as `deadline` in queues.yaml [default: 5ms, of a service 50ms]
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    deadline: Option<Duration>,
    /// Takes the plugin from the configuration in this folder, by its NAME there
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    #[command(flatten)]
    means: Means,
}

/// Prints what it is, and how it decides.
///
/// # Errors
/// If a file cannot be read, it is no plugin, or the parameters do not fit.
pub(super) fn check(request: &Check) -> Result<ExitCode, Error> {
    by_name(Some(&request.plugin), request.config.as_deref())?;
    let loaded = Loaded::new(&request.plugin, &request.means, request.deadline, request.config.as_deref())?;
    let deadline = loaded.plugin.deadline;
    match &loaded.plugin.decider {
        Decider::Component(component) => {
            let digest = component::digest(component, deadline).map_err(|why| loaded.wrong(why))?;
            print(&component_facts(&loaded, component, &digest));
        }
        Decider::Service(service) => print(&service_facts(&loaded, service)),
        Decider::Strategy(name) => {
            print(&format!("strategy    {name}, built in\norder       {}\n", order(&loaded.description)));
        }
    }
    loaded.fits(&request.parameters)?;
    let parameters = request.parameters.to_string();
    let (binding, service) = loaded.ready(&parameters)?;
    let mut trial = Trial { plugin: binding.decider(), parameters, faults: 0 };
    // As in the switch, there is a connection when the first question comes.
    if service.is_none_or(|service| trial.connect(&service)) {
        let state = trial.decide("agents", &sample_agents(SAMPLES), None);
        let state = trial.decide("calls", &sample_calls(SAMPLES.into()), state);
        trial.tell(state);
    }
    print(if trial.faults == 0 { "it is fit\n" } else { "it is not fit\n" });
    Ok(if trial.faults == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn component_facts(loaded: &Loaded, component: &Component, digest: &str) -> String {
    let Description { name, version, parameters, .. } = &loaded.description;
    format!(
        "plugin      {} {}\nfile        {} octets, SHA-256 {digest}\norder       {}\nparameters  {parameters}\nlimits      {} a decision, {} MiB\n",
        name.escape_debug(),
        version.escape_debug(),
        component.file.len(),
        order(&loaded.description),
        yaml::show_duration(loaded.plugin.deadline),
        component.memory >> 20,
    )
}

fn service_facts(loaded: &Loaded, service: &Service) -> String {
    let shows = if service.identity.is_some() { "a certificate" } else { "none" };
    let believes =
        service.ca.as_ref().map_or_else(|| "whom this machine does".to_owned(), |ca| ca.display().to_string());
    let tls = if service.origin.is_https() {
        format!("tls         shows {shows}, believes {believes}\n")
    } else {
        String::new()
    };
    format!(
        "service     {}{}\n{tls}signed      {}\norder       {}\nparameters  {}\nlimits      {} a decision\n",
        service.origin,
        service.path,
        if service.key.is_some() { "yes" } else { "no" },
        order(&loaded.description),
        loaded.description.parameters,
        yaml::show_duration(loaded.plugin.deadline),
    )
}

fn order(description: &Description) -> String {
    let order = serde_json::to_value(description.order).unwrap_or_default();
    order.as_str().unwrap_or_default().replace('_', "-")
}

/// A plugin that is tried.
struct Trial {
    plugin: Box<dyn Decide>,
    parameters: String,
    faults: u32,
}

impl Trial {
    /// True if there is a connection.
    fn connect(&mut self, service: &plugins::Service) -> bool {
        let begun = Instant::now();
        let spoken = service.connect(PATIENCE).map_err(|fault| words(&fault));
        self.line("connected", spoken, begun.elapsed());
        self.faults == 0
    }

    /// Asks, and gives the state that holds then.
    fn decide(&mut self, what: &str, snapshot: &Snapshot, state: Option<String>) -> Option<String> {
        let snapshot = Snapshot { state: state.clone(), ..snapshot.clone() };
        self.plugin.prepare();
        let begun = Instant::now();
        let answer = self.plugin.decide(&snapshot, &self.parameters);
        let took = begun.elapsed();
        let line = match &answer {
            Ok(decision) => match decision.impossible(&snapshot) {
                Some(why) => Err(format!("impossible: {why}; it says {}", shown(&snapshot, decision))),
                None => Ok(shown(&snapshot, decision)),
            },
            Err(fault) => Err(words(fault)),
        };
        self.line(what, line, took);
        answer.ok().and_then(|decision| decision.state).or(state)
    }

    fn tell(&mut self, state: Option<String>) {
        let outcomes = sample_outcomes();
        self.plugin.prepare();
        let begun = Instant::now();
        let answer = self.plugin.told(&outcomes, state.as_deref(), &self.parameters);
        let took = begun.elapsed();
        let line = match answer {
            Ok(Some(state)) => Ok(format!("keeps a state of {} octets after {} outcomes", state.len(), outcomes.len())),
            Ok(None) => Ok(format!("leaves its state after {} outcomes", outcomes.len())),
            Err(fault) => Err(words(&fault)),
        };
        self.line("told", line, took);
    }

    fn line(&mut self, what: &str, answer: Result<String, String>, took: Duration) {
        let micros = took.as_micros();
        match answer {
            Ok(text) => print(&format!("{what:<12}{text} ({micros} µs)\n")),
            Err(text) => {
                self.faults += 1;
                print(&format!("{what:<12}failed: {text} ({micros} µs)\n"));
            }
        }
    }
}

fn words(fault: &Fault) -> String {
    format!("{}: {fault}", fault.name())
}
