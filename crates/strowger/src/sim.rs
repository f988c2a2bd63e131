//! `strowger sim`: plays scenarios with the switch machine, without a network or a clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use journal::kpi::{self, Figures};
use serde_json::json;
use sim::{Beside, Centre, CentreFile, Deciders, Outcome, Scenario};

use crate::error::Error;
use crate::folder::read_company;
use crate::operate::print;
use crate::plugins::Played;
use crate::tls::Vault;

/// What is asked of `strowger sim`.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The scenarios' files; some are in config/centres and crates/sim/scenarios
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Writes the report of a centre's day, with charts, as one HTML page; for one file alone
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Prints the figures of centres as JSON, a line each
    #[arg(long)]
    json: bool,
    /// Plays centres with this seed in place of their own
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Plays each file and says what happened and whether it held. Exit code 1: a file is wrong, or a scenario does not hold.
///
/// # Errors
/// If a file cannot be read, or the report not be written.
pub(crate) fn sim(asked: &Sim) -> Result<ExitCode, Error> {
    if let (Some(path), [_, _, ..]) = (&asked.report, &*asked.files) {
        return Err(Error::OneReport { path: path.clone() });
    }
    let mut held = true;
    for path in &asked.files {
        let octets = std::fs::read(path).map_err(|source| Error::File { path: path.clone(), source })?;
        let shown = path.to_string_lossy();
        held &= match sim::is_centre(&shown, &octets) {
            true => play_centre(path, &octets, asked)?,
            false => play(path, &octets),
        };
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn play(path: &Path, octets: &[u8]) -> bool {
    let scenario = match Scenario::from_bytes(&path.to_string_lossy(), octets) {
        Ok(scenario) => scenario,
        Err(faults) => {
            eprint!("{faults}");
            return false;
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
    holds
}

/// Plays the day of a centre, in the company that its file names.
fn play_centre(path: &Path, octets: &[u8], asked: &Sim) -> Result<bool, Error> {
    let file = match CentreFile::from_bytes(&path.to_string_lossy(), octets) {
        Ok(file) => asked.seed.into_iter().fold(file, CentreFile::with_seed),
        Err(faults) => {
            eprint!("{faults}");
            return Ok(false);
        }
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("")).join(&file.config);
    let company = read_company(&folder)?;
    let about = file.about.clone();
    let load = match file.load(&company.switch) {
        Ok(load) => load,
        Err(faults) => {
            eprint!("{faults}");
            return Ok(false);
        }
    };
    let seed = load.seed;
    let plugins = Played::of(&company.switch, &company.plugins, &Vault { folder })?;
    let plugins = plugins.map(|plugins| Box::new(plugins) as Box<dyn Deciders>);
    let outcome = Centre::play_beside(load, company.switch, Beside { plugins, ..Beside::default() });
    let holds = outcome.breaches.is_empty();
    if asked.json {
        let shown = path.to_string_lossy();
        print(&format!("{}\n", figures(&shown, &about, seed, &outcome)));
    } else {
        print(&format!("{}: {about}\n\n{}", path.display(), outcome.summary()));
    }
    for (at, breach) in &outcome.breaches {
        eprintln!("broken at {} s of virtual time with seed {seed}: {breach}", at.as_secs_f64());
    }
    if let Some(report) = &asked.report {
        let written = std::fs::write(report, outcome.html(&about, seed));
        written.map_err(|source| Error::File { path: report.clone(), source })?;
    }
    if !asked.json {
        print(&format!("\n{}\n", if holds { "holds" } else { "does not hold" }));
    }
    Ok(holds)
}

/// The figures of a day, as JSON.
fn figures(path: &str, about: &str, seed: u64, outcome: &Outcome) -> serde_json::Value {
    let broken: Vec<_> = outcome
        .breaches
        .iter()
        .map(|(at, breach)| json!({ "at_s": at.as_secs_f64(), "law": breach.law, "what": breach.what }))
        .collect();
    let tally = &outcome.tally;
    let queues: BTreeMap<&String, _> = tally.queues.iter().map(|(name, figures)| (name, figures.kpis())).collect();
    json!({
        "scenario": path,
        "about": about,
        "seed": seed,
        "lasted_s": outcome.lasted.as_secs_f64(),
        "messages": outcome.messages,
        "calls": tally.calls,
        "definitions": kpi::VERSION,
        "all": tally.all.kpis(),
        "queues": queues,
        "hours": tally.hours.iter().map(Figures::kpis).collect::<Vec<_>>(),
        "most_agents": tally.most_agents,
        "offers": tally.offers,
        "fallbacks": tally.fallbacks,
        "broken": broken,
    })
}
