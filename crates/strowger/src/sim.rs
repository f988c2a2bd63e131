//! `strowger sim`: plays scenarios with the switch machine, without a network or a clock.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sim::Scenario;

use crate::error::Error;
use crate::operate::print;

/// Plays each file and says what happened and whether it held. Exit code 1: a file is wrong, or a scenario does not hold.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn sim(files: &[PathBuf]) -> Result<ExitCode, Error> {
    let mut held = true;
    for path in files {
        held &= play(path)?;
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn play(path: &Path) -> Result<bool, Error> {
    let octets = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let scenario = match Scenario::from_bytes(&path.to_string_lossy(), &octets) {
        Ok(scenario) => scenario,
        Err(faults) => {
            eprint!("{faults}");
            return Ok(false);
        }
    };
    print(&format!("{}: {}\n", path.display(), scenario.about));
    let played = scenario.play(true);
    for told in &played.told {
        print(&format!("{told}\n"));
    }
    for breach in &played.breaches {
        print(&format!("broken: {breach}\n"));
    }
    let holds = played.breaches.is_empty();
    print(&format!("{}\n", if holds { "holds" } else { "does not hold" }));
    Ok(holds)
}
