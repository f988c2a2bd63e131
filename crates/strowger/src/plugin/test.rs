//! `strowger plugin test`: plays the tests that lie beside a plugin.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use workbench::PluginCase;
use yaml::{Faults, Source};

use super::loaded::{Asked, LONGEST, Loaded, Means, by_name, is_url};
use super::{component, described};
use crate::error::Error;
use crate::folder::read_file;
use crate::operate::print;
use crate::test::gather;

/// Tests lie in this folder of the plugin.
const FOLDER: &str = "tests";

/// Whose tests.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The plugin's folder, which has its tests in `tests`
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The component, the URL of a service, or with --config a name [default: NAME.wasm in the folder, by the name of that]
    #[arg(long, value_name = "FILE|URL|NAME")]
    plugin: Option<String>,
    /// Takes the plugin from the configuration in this folder, by its NAME there
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    #[command(flatten)]
    means: Means,
}

/// Plays them, and says what failed.
///
/// # Errors
/// If a file cannot be read, or there is no plugin or no test.
pub(super) fn test(request: &Test) -> Result<ExitCode, Error> {
    let loaded = load(request)?;
    let beside = request.folder.join(FOLDER);
    let mut paths = Vec::new();
    if beside.is_dir() {
        gather(&beside, &mut paths)?;
    }
    if paths.is_empty() {
        return Err(Error::NoTests { folder: beside });
    }
    let faults = Faults::default();
    let mut cases = Vec::new();
    for path in paths {
        let octets = read_file(&path, yaml::MAX_BYTES).map_err(|source| Error::File { path: path.clone(), source })?;
        cases.extend(PluginCase::read(&Source::from_bytes(path.display().to_string(), &octets), &faults));
    }
    for case in &cases {
        for wrong in loaded.misfits(&case.parameters) {
            let remedy = "`strowger plugin check` prints the schema";
            faults.add(case.parameters_at.clone(), format!("the parameters do not fit: {wrong}"), remedy);
        }
    }
    if !faults.is_empty() {
        let faults = faults.into_sorted();
        faults.iter().for_each(|fault| eprintln!("{fault}"));
        eprintln!("{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" });
        return Ok(ExitCode::from(1));
    }
    let mut failed = 0;
    for case in &cases {
        let failures = case.run(&mut Asked(loaded.decider(&case.parameters.to_string())?));
        failed += usize::from(!failures.is_empty());
        print(&case.report(&failures));
    }
    print(&format!("{} test{}, {failed} failed\n", cases.len(), if cases.len() == 1 { "" } else { "s" }));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What is tested: the component in the folder, or what was named instead. A service is described by what lies in the folder.
fn load(request: &Test) -> Result<Loaded, Error> {
    by_name(request.plugin.as_deref(), request.config.as_deref())?;
    let folder = &request.folder;
    let Some(named) = &request.plugin else {
        let path = component(folder)?;
        if !path.exists() {
            return Err(match described(folder)? {
                Some(_) => Error::NoUrl { folder: folder.clone() },
                None => Error::NotBuilt { path, folder: folder.clone() },
            });
        }
        return Loaded::new(&path.to_string_lossy(), &request.means, Some(LONGEST), None);
    };
    let means = request.means.clone();
    let means = match is_url(named).then(|| described(folder)).transpose()?.flatten() {
        Some(description) => means.described_by(description),
        None => means,
    };
    Loaded::new(named, &means, Some(LONGEST), request.config.as_deref())
}
