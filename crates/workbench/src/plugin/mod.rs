//! Tests of routing plugins: files that say what a plugin is asked and told, and what must come of it.

mod judge;
mod read;
mod samples;
pub(crate) mod table;

use routing::{Decision, Outcome, Snapshot};
use serde_json::Value as Json;
use yaml::{Faults, Place, Source};

pub use judge::shown;
pub use samples::{sample_agents, sample_calls, sample_outcomes};

use crate::Failure;

/// A plugin that is tested.
pub trait Tested {
    /// Decides.
    ///
    /// # Errors
    /// Why it does not.
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Failed>;

    /// Is told of outcomes; gives the state that takes the place of this one, if another does.
    ///
    /// # Errors
    /// Why it could not be told.
    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Failed>;
}

/// Why a plugin does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// In one word, that of the journal.
    pub kind: &'static str,
    /// In words.
    pub text: String,
}

/// A test of a plugin that was read without a fault.
#[derive(Debug)]
pub struct PluginCase {
    /// Its name.
    pub name: String,
    /// Where that is written.
    pub place: Place,
    /// What the plugin goes by.
    pub parameters: Json,
    /// Where that is written, of the test or of the file.
    pub parameters_at: Place,
    state: Option<String>,
    steps: Vec<Step>,
}

/// What the plugin is told, and asked then.
#[derive(Debug)]
struct Step {
    place: Place,
    told: Vec<Outcome>,
    question: Option<Snapshot>,
    expect: Vec<Expectation>,
}

/// One key of a decision.
#[derive(Debug)]
struct Expectation {
    place: Place,
    key: &'static str,
    wanted: Json,
}

impl PluginCase {
    /// Reads a file of tests. Faults may be in `faults` even if there are some; then some are left out.
    #[must_use]
    pub fn read(source: &Source, faults: &Faults) -> Vec<Self> {
        read::file(source, faults)
    }

    /// Runs the test, and gives what is not as expected. After a failure nothing more is asked.
    pub fn run(&self, plugin: &mut impl Tested) -> Vec<Failure> {
        let parameters = self.parameters.to_string();
        let mut state = self.state.clone();
        for step in &self.steps {
            let failures = step.run(plugin, &parameters, &mut state);
            if !failures.is_empty() {
                return failures;
            }
        }
        Vec::new()
    }

    /// What a person is told of its failures.
    #[must_use]
    pub fn report(&self, failures: &[Failure]) -> String {
        failures.iter().map(|failure| failure.report(&self.name)).collect()
    }
}

impl Step {
    fn run(&self, plugin: &mut impl Tested, parameters: &str, state: &mut Option<String>) -> Vec<Failure> {
        if !self.told.is_empty() {
            match plugin.told(&self.told, state.as_deref(), parameters) {
                Ok(new) => *state = new.or(state.take()),
                Err(failed) => return vec![judge::failed(self.place.clone(), "told", &failed)],
            }
        }
        let Some(question) = &self.question else { return Vec::new() };
        let snapshot = Snapshot { state: state.clone(), ..question.clone() };
        let answer = plugin.decide(&snapshot, parameters);
        if let Ok(decision) = &answer {
            *state = decision.state.clone().or(state.take());
        }
        judge::judge(self, &snapshot, &answer, state.as_deref())
    }
}
