//! A component that was loaded as the switch does it.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use plugins::{Cache, Decide, Fault, Host, Instance, Keep, Limits, MAX_FILE, Module};
use routing::{Decision, Outcome, Snapshot};
use serde_json::Value;
use workbench::{Failed, Tested};

use crate::error::Error;
use crate::folder::read_file;
use crate::plugins::{Loader, cache_folder};

/// How much memory a plugin may use.
#[derive(Debug, Args)]
pub(super) struct Room {
    /// How much memory it may use, in MiB up to 256, as `memory` in queues.yaml
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub memory: u16,
}

impl Room {
    pub fn limits(&self, deadline: Duration) -> Limits {
        Limits { deadline, memory: usize::from(self.memory) << 20, ..Limits::default() }
    }
}

/// The longest deadline that a plugin can have: where it is not the time that matters, but what is decided.
pub(super) const LONGEST: Duration = Duration::from_secs(1);

/// A deadline that queues.yaml could have.
pub(super) fn deadline(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_millis(1)..=LONGEST;
    let read = yaml::duration(text).filter(|time| allowed.contains(time));
    read.ok_or_else(|| "write a time from 1ms to 1s, such as `20ms`".to_owned())
}

/// A text of JSON.
pub(super) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))
}

/// What runs plugins here, with the cache that the switch has.
///
/// # Errors
/// If WebAssembly cannot be run.
pub(super) fn host() -> Result<Host, Error> {
    host_with(cache_folder().and_then(|folder| Cache::open(&folder).ok()))
}

pub(super) fn host_with(cache: Option<Cache>) -> Result<Host, Error> {
    Host::start(cache).map_err(|source| Error::System { what: "room for WebAssembly", source })
}

/// The octets of a component's file.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_file(path, MAX_FILE).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Loads a component.
///
/// # Errors
/// If it is none, or says what cannot be of itself.
pub(super) fn load(host: &Host, path: &Path, file: &[u8], limits: &Limits) -> Result<Module, Error> {
    let no_plugin = |why: String| Error::NoPlugin { path: path.to_owned(), why };
    let module = host.load(file, limits).map_err(|fault| no_plugin(fault.to_string()))?;
    jsonschema::validator_for(&module.description().parameters)
        .map_err(|error| no_plugin(format!("the schema of its parameters is none: {error}")))?;
    Ok(module)
}

/// What is wrong with parameters by the schema that a plugin gives, a line each.
pub(super) fn misfits(module: &Module, parameters: &Value) -> Vec<String> {
    let wrong = company::Plugins::check(&Loader, &module.description().parameters, parameters);
    let line =
        |(pointer, wrong): (String, String)| if pointer.is_empty() { wrong } else { format!("{pointer}: {wrong}") };
    wrong.into_iter().map(line).collect()
}

/// # Errors
/// If parameters do not fit.
pub(super) fn fits(path: &Path, module: &Module, parameters: &Value) -> Result<(), Error> {
    let wrong = misfits(module, parameters);
    if wrong.is_empty() {
        return Ok(());
    }
    let why = format!("the parameters do not fit its schema: {}; give others with --parameters", wrong.join("; "));
    Err(Error::NoPlugin { path: path.to_owned(), why })
}

/// A plugin under test, asked by fresh instances.
pub(super) struct Asked(Instance);

impl Asked {
    pub fn new(module: &Module, limits: Limits) -> Self {
        Self(Instance::new(module.clone(), limits, Keep::Fresh))
    }
}

impl Tested for Asked {
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Failed> {
        self.0.decide(snapshot, parameters).map_err(|fault| failed(&fault))
    }

    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Failed> {
        self.0.told(outcomes, state, parameters).map_err(|fault| failed(&fault))
    }
}

fn failed(fault: &Fault) -> Failed {
    Failed { kind: fault.name(), text: fault.to_string() }
}
