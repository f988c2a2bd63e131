//! `strowger plugin check`: loads a plugin as the switch does, and tries it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use plugins::{Decide as _, Instance, Keep, Module};
use routing::Snapshot;
use serde_json::Value;
use workbench::{sample_agents, sample_calls, sample_outcomes, shown};

use super::loaded::{Room, deadline, fits, host, json, load, read};
use crate::error::Error;
use crate::operate::print;

/// Agents, and calls, that the samples have.
const SAMPLES: u32 = 3;

/// Which plugin, and how it is to run.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The component
    file: PathBuf,
    /// What it goes by, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json)]
    parameters: Value,
    /// How long one decision may take, from 1ms to 1s, as `deadline` in queues.yaml
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = deadline)]
    deadline: Duration,
    #[command(flatten)]
    room: Room,
}

/// Prints what it is, and how it decides.
///
/// # Errors
/// If the file cannot be read, is no plugin, or the parameters do not fit.
pub(super) fn check(request: &Check) -> Result<ExitCode, Error> {
    let file = read(&request.file)?;
    let limits = request.room.limits(request.deadline);
    let module = load(&host()?, &request.file, &file, &limits)?;
    print(&facts(request, &file, &module));
    fits(&request.file, &module, &request.parameters)?;
    let mut trial = Trial {
        instance: Instance::new(module, limits, Keep::Fresh),
        parameters: request.parameters.to_string(),
        faults: 0,
    };
    let state = trial.decide("agents", &sample_agents(SAMPLES), None);
    let state = trial.decide("calls", &sample_calls(SAMPLES.into()), state);
    trial.tell(state);
    print(if trial.faults == 0 { "it is fit\n" } else { "it is not fit\n" });
    Ok(if trial.faults == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn facts(request: &Check, file: &[u8], module: &Module) -> String {
    let routing::Description { name, version, order, parameters } = module.description();
    let order = serde_json::to_value(order).unwrap_or_default();
    let order = order.as_str().unwrap_or_default().replace('_', "-");
    format!(
        "plugin      {} {}\nfile        {} octets, SHA-256 {}\norder       {order}\nparameters  {parameters}\nlimits      {} a decision, {} MiB\n",
        name.escape_debug(),
        version.escape_debug(),
        file.len(),
        module.digest(),
        yaml::show_duration(request.deadline),
        request.room.memory,
    )
}

/// A plugin that is tried.
struct Trial {
    instance: Instance,
    parameters: String,
    faults: u32,
}

impl Trial {
    /// Asks, and gives the state that holds then.
    fn decide(&mut self, what: &str, snapshot: &Snapshot, state: Option<String>) -> Option<String> {
        let snapshot = Snapshot { state: state.clone(), ..snapshot.clone() };
        self.instance.prepare();
        let begun = Instant::now();
        let answer = self.instance.decide(&snapshot, &self.parameters);
        let took = begun.elapsed().as_micros();
        let line = match &answer {
            Ok(decision) => match decision.impossible(&snapshot) {
                Some(why) => Err(format!("impossible: {why}; it says {}", shown(&snapshot, decision))),
                None => Ok(shown(&snapshot, decision)),
            },
            Err(fault) => Err(format!("{}: {fault}", fault.name())),
        };
        self.line(what, line, took);
        answer.ok().and_then(|decision| decision.state).or(state)
    }

    fn tell(&mut self, state: Option<String>) {
        let outcomes = sample_outcomes();
        self.instance.prepare();
        let begun = Instant::now();
        let answer = self.instance.told(&outcomes, state.as_deref(), &self.parameters);
        let took = begun.elapsed().as_micros();
        let line = match answer {
            Ok(Some(state)) => Ok(format!("keeps a state of {} octets after {} outcomes", state.len(), outcomes.len())),
            Ok(None) => Ok(format!("leaves its state after {} outcomes", outcomes.len())),
            Err(fault) => Err(format!("{}: {fault}", fault.name())),
        };
        self.line("told", line, took);
    }

    fn line(&mut self, what: &str, answer: Result<String, String>, micros: u128) {
        match answer {
            Ok(text) => print(&format!("{what:<12}{text} ({micros} µs)\n")),
            Err(text) => {
                self.faults += 1;
                print(&format!("{what:<12}failed: {text} ({micros} µs)\n"));
            }
        }
    }
}
