//! The `strowger` program: wires drivers to the switch machine.
//!
//! `cli` what can be asked for · `folder` reads a company's files · `check` says whether they are right · `run` starts the
//! drivers and ends them · `domain` the one thread that owns the switch · `mailbox` the queue into it · `clock` its clock ·
//! `error` what is printed when the program cannot go on, faults of a configuration included.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the program: it owns clock, files and threads"
)]

mod check;
mod cli;
mod clock;
mod domain;
mod error;
mod folder;
mod listener;
mod mailbox;
mod run;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Task};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.task {
        Task::Run { config } => run::run(&config),
        Task::Check { config } => check::check(&config),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}
