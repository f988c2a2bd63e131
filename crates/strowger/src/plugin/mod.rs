//! `strowger plugin`: what the author of a routing plugin works with, without a switch.
//!
//! `new` writes one to begin from · `build` makes a component of it · `check` says whether the switch would take it · `test` plays
//! its tests · `replay` asks it about a recorded day · `bench` measures it · `loaded` a component or a service, as the switch asks it.

mod bench;
mod build;
mod check;
mod loaded;
mod new;
mod replay;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use crate::error::Error;

/// What is to be done with a plugin.
#[derive(Debug, Subcommand)]
pub(crate) enum Deed {
    /// Writes a folder with a whole small plugin, to begin from
    ///
    /// With its tests, the contract and what to do next. It decides as `fewest-calls` does, has a parameter, and learns who lets calls
    /// ring.
    New(new::New),
    /// Makes a component of a plugin's source: NAME.wasm in its folder, by the name of the folder
    ///
    /// Source in Rust (Cargo.toml) needs cargo with wasm32-unknown-unknown; in Python (strategy.py) componentize-py; in JavaScript
    /// (strategy.js) componentize-js. What is missing is told with the way to install it. A service needs no building.
    Build {
        /// The plugin's folder
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
    },
    /// Says whether the switch would take a plugin, and how it decides
    ///
    /// Loads it as the switch does, or connects to the service, prints what is known of it, asks it about an agent surplus and a call
    /// surplus that are made up, and tells it outcomes. Exit code 0: it is fit; 1: it is not; 2: a file cannot be read, or an option does
    /// not fit.
    Check(check::Check),
    /// Plays the tests of a plugin: what it is asked and told, and what must come of it
    ///
    /// Tests lie in `tests/*.yaml` in the plugin's folder (crates/routing/README.md has their keys). What fails is told with its place,
    /// what was expected and what came. Exit code 0: all pass; 1: one fails, or a file is wrong; 2: a file cannot be read.
    Test(test::Test),
    /// Says what a plugin would have decided on a recorded day, beside what was decided
    ///
    /// Asks it what `decided` in the journal has (decisions of plugins, and of queues with `record_decisions`), and tells it what
    /// `plugin_learnt` has, which is what the plugin of then learnt something from. With --config, plays the
    /// recorded calls again on a virtual clock, once by the queues' strategies and once by the plugin, and compares the figures: callers
    /// come to their queues when they did, with their numbers, talk as long and are as patient; agents are there when they were. What
    /// flows found out is not played. Exit code 0: done; 1: a decision failed; 2: a file cannot be read, or nothing is recorded.
    Replay(replay::Replay),
    /// Measures a plugin: how long a decision takes, and how many there are in a second
    ///
    /// Of a component the CPU time of a decision, with fresh instances and with one that is kept, and how long it takes to load. Of a
    /// service the time on the clock from question to answer, one at a time and with `--outstanding` questions under way. A decision may
    /// take up to 1 s here.
    Bench(bench::Bench),
}

/// Does it.
///
/// # Errors
/// If a file cannot be read or written, is no plugin, or if a tool is missing.
pub(crate) fn perform(deed: &Deed) -> Result<ExitCode, Error> {
    match deed {
        Deed::New(request) => new::new(request),
        Deed::Build { folder } => build::build(folder),
        Deed::Check(request) => check::check(request),
        Deed::Test(request) => test::test(request),
        Deed::Replay(request) => replay::replay(request),
        Deed::Bench(request) => bench::bench(request),
    }
}

/// The component of a plugin's folder: `NAME.wasm`, by the folder's name.
///
/// # Errors
/// If there is no such folder, or it has no name.
fn component(folder: &Path) -> Result<PathBuf, Error> {
    let whole = folder.canonicalize().map_err(|source| Error::File { path: folder.to_owned(), source })?;
    let name = whole.file_name().and_then(|name| name.to_str()).filter(|name| new::is_name(name));
    let name = name.ok_or_else(|| Error::NoPluginName { name: whole.display().to_string() })?;
    Ok(folder.join(format!("{name}.wasm")))
}

/// What describes the service in a plugin's folder, `NAME.json`; none if it has no such.
///
/// # Errors
/// As [`component`].
fn described(folder: &Path) -> Result<Option<PathBuf>, Error> {
    Ok(Some(component(folder)?.with_extension("json")).filter(|path| path.exists()))
}
