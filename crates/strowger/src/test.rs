//! `strowger test`: calls that are written beside the flows, played without a phone, and judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use switch::{Config, Destination};
use workbench::{Case, Coverage, Ran, World};
use yaml::{Faults, Source};

use crate::error::Error;
use crate::folder::{read_company, read_file};
use crate::operate::print;

/// Tests lie in this folder beside the flows.
const FOLDER: &str = "tests";

/// What is tested, and what is told.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Files of tests, or folders of them [default: `tests` in the folder of the configuration]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Writes the results for a build server, too, as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Lists every way of the flows that no test takes
    #[arg(long)]
    pub coverage: bool,
    /// Tries all that callers could do, instead, and reports calls that come to no end
    ///
    /// Every key and a wrong one, silence, and each end of a queue or a dialling, from each state that a call can come to. What is found is printed with
    /// the shortest way there, as a test.
    #[arg(long, conflicts_with_all = ["junit", "paths"])]
    pub explore: bool,
    /// With --explore: the most steps of a caller
    #[arg(long, value_name = "N", default_value_t = 40, requires = "explore")]
    pub depth: usize,
    /// The folder that holds strowger.yaml
    #[arg(long, value_name = "DIR", default_value = "config")]
    pub config: PathBuf,
}

/// Runs the tests and says what failed. Exit code 1: a test fails, or a file is wrong.
///
/// # Errors
/// If the configuration has faults, a file cannot be read, or JUnit's cannot be written.
pub(crate) fn test(request: &Test) -> Result<ExitCode, Error> {
    let world = world(&read_company(&request.config)?.switch);
    if request.explore {
        return Ok(explore(&world, request.depth));
    }
    let mut paths = Vec::new();
    for path in &request.paths {
        gather(path, &mut paths)?;
    }
    let beside = request.config.join(FOLDER);
    if request.paths.is_empty() && beside.is_dir() {
        gather(&beside, &mut paths)?;
    }
    if paths.is_empty() {
        return Err(Error::NoTests { folder: beside });
    }
    let faults = Faults::default();
    let mut cases = Vec::new();
    for path in paths {
        let octets = read_file(&path, yaml::MAX_BYTES).map_err(|source| Error::File { path: path.clone(), source })?;
        cases.extend(Case::read(&Source::from_bytes(path.display().to_string(), &octets), &world, &faults));
    }
    if !faults.is_empty() {
        let faults = faults.into_sorted();
        faults.iter().for_each(|fault| eprintln!("{fault}"));
        eprintln!("{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" });
        return Ok(ExitCode::from(1));
    }
    judge(request, &world, cases)
}

fn judge(request: &Test, world: &World, cases: Vec<Case>) -> Result<ExitCode, Error> {
    let mut coverage = Coverage::default();
    let ran: Vec<(Case, Ran)> = cases
        .into_iter()
        .map(|case| {
            let ran = case.run(world);
            coverage.add(&ran);
            (case, ran)
        })
        .collect();
    for (case, ran) in &ran {
        print(&case.report(ran));
    }
    print(&coverage.report(&world.flows, request.coverage));
    let failed = ran.iter().filter(|(_, ran)| !ran.failures.is_empty()).count();
    let (taken, ways) = coverage.ways(&world.flows);
    print(&format!("{} tests, {failed} failed; {taken} of {ways} ways taken\n", ran.len()));
    if let Some(path) = &request.junit {
        fs::write(path, workbench::junit(&ran)).map_err(|source| Error::File { path: path.clone(), source })?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn explore(world: &World, depth: usize) -> ExitCode {
    let found = workbench::explore(world, depth);
    print(&found.report);
    if found.good { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// What calls can meet in a company.
pub(crate) fn world(config: &Config) -> World {
    let numbers = config.numbers.iter().filter_map(|(number, destination)| match destination {
        Destination::Flow(flow) => Some((number.to_string(), flow.to_string())),
        _ => None,
    });
    let dialled = config.flows.iter().flat_map(|flow| flow.references());
    let dialled =
        dialled.filter(|reference| matches!(reference.kind, ivr::ReferenceKind::Number | ivr::ReferenceKind::Onward));
    let languages = config.prompts.iter().map(|(language, ..)| language);
    let users = config.users.keys().map(ToString::to_string);
    World {
        flows: std::sync::Arc::clone(&config.flows),
        numbers: numbers.collect(),
        prompts: config.prompts.iter().map(|(_, name, _)| name.to_string()).collect(),
        calendars: config.calendars.clone(),
        languages: languages.filter(|language| !language.is_empty()).map(str::to_owned).collect(),
        queues: config.queues.iter().map(|queue| queue.name.to_string()).collect(),
        mailboxes: config.mailboxes.keys().map(ToString::to_string).chain(["own".to_owned()]).collect(),
        phones: users.chain(dialled.map(|reference| reference.name.to_string())).collect(),
    }
}

/// Adds the file at `path`, or all files of tests below the folder there, by name.
pub(crate) fn gather(path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Error> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let cannot = |source| Error::File { path: path.to_owned(), source };
    let mut below = Vec::new();
    for entry in fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?.path();
        if entry.is_dir() || entry.extension().is_some_and(|ending| ending == "yaml") {
            below.push(entry);
        }
    }
    below.sort();
    below.iter().try_for_each(|path| gather(path, paths))
}
