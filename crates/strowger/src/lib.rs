//! The `strowger` program: wires drivers to the switch machine. As a library it is for whoever builds routing strategies of his
//! own into it ([`Strowger`]); the example `last_of_list` does.
//!
//! `cli` what can be asked for · `folder` reads a company's files · `check` says whether they are right · `run` starts the
//! drivers and ends them · `reload` gives a running switch another configuration, `watch` sees that files changed · `operate` asks a running switch, `turn` its emergency switches · `explain` and `report` read the journal · `hours` shows calendars · `wire` what calls said ·
//! `call` a phone for the command line · `sim` plays scenarios and centres · `schema` for editors · `graph` draws flows · `test` and `try_flow` play them · `plugin` for authors of routing plugins · `domain` the one thread that owns the switch · `fault`
//! keeps its panics to the call that they are about · `mailbox` the queue into it · `letters` voice messages between it and storage, `voicemail` what operators do with them · `memory` how much is left · `clock`
//! its clock · `error` what is printed when the program cannot go on, faults of a configuration included.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the program: it owns clock, files and threads"
)]

mod agents;
mod call;
mod callbacks;
mod check;
mod cli;
mod clock;
mod domain;
mod error;
mod explain;
mod fault;
mod folder;
mod graph;
mod hours;
mod letters;
mod listener;
mod mailbox;
mod memory;
mod operate;
mod passwords;
mod plugin;
mod plugin_list;
mod plugins;
mod queues;
mod reload;
mod report;
mod run;
mod schema;
mod sim;
mod speech;
mod test;
mod tls;
mod trunks;
mod try_flow;
mod turn;
mod voicemail;
mod watch;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Task};
use crate::error::Error;
use crate::plugins::Strategies;

/// What strategies are written against.
pub use ::routing;
/// What their parameters are.
pub use serde_json::Value;

/// The program, maybe with strategies of one's own.
#[derive(Debug, Default)]
pub struct Strowger {
    strategies: Strategies,
}

impl Strowger {
    /// Without any so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a strategy, which queues ask by `plugin: NAME` ([`routing::Strategy::name`]). Each of them has one of its own, made
    /// anew should it panic.
    #[must_use]
    pub fn strategy<S: routing::Strategy + 'static>(mut self, make: impl Fn() -> S + Send + Sync + 'static) -> Self {
        self.strategies.add(None, move |_| make());
        self
    }

    /// Adds a strategy that goes by parameters, which each queue writes (`plugin: { name: NAME, parameters: … }`). `schema`: a
    /// JSON Schema of them, an object, by which `strowger check` looks at what is written. `make` is given a queue's, an object
    /// that fits; and first of all an empty one, so that the strategy says its name and the order of its candidates.
    #[must_use]
    pub fn strategy_with<S: routing::Strategy + 'static>(
        mut self,
        schema: &str,
        make: impl Fn(&Value) -> S + Send + Sync + 'static,
    ) -> Self {
        self.strategies.add(Some(schema), make);
        self
    }

    /// Does what the command line asks for, as `strowger` does. To be called once in a process.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let outcome = self.strategies.register().and_then(|()| perform(Cli::parse().task));
        outcome.unwrap_or_else(|error| {
            error.print();
            error.exit_code()
        })
    }
}

fn perform(task: Task) -> Result<ExitCode, Error> {
    let done = |()| ExitCode::SUCCESS;
    match task {
        Task::Run { config } => run::run(&config).map(done),
        Task::Check { config, json: true, .. } => check::check_for_machines(&config),
        Task::Check { config, number, trunk, .. } => {
            check::check(&config, number.as_deref(), trunk.as_deref()).map(done)
        }
        Task::Call(request) => call::call(&request),
        Task::Sim(asked) => sim::sim(&asked),
        Task::Test(request) => test::test(&request),
        Task::Try { flow, caller, at, repeat, config } => {
            try_flow::try_flow(&config, &flow, caller.as_deref(), at.as_deref(), repeat)
        }
        Task::Graph { flows, format, config } => graph::graph(&config, &flows, format),
        Task::Schema { kind } => {
            schema::schema(kind);
            Ok(ExitCode::SUCCESS)
        }
        Task::Hours { calendar, at, days, config } => {
            hours::hours(&config, calendar.as_deref(), at.as_deref(), days).map(done)
        }
        Task::Switch { name, deed, reason, json, at } => {
            turn::switch(&at.config, name.as_deref(), deed, reason, json).map(done)
        }
        Task::Status { at, json } => operate::status(&at.config, json).map(done),
        Task::Calls { at, json } => operate::calls(&at.config, json).map(done),
        Task::Registrations { at, json } => operate::registrations(&at.config, json).map(done),
        Task::Trunks { at, json } => trunks::trunks(&at.config, json).map(done),
        Task::Agents(request) => agents::agents(request).map(done),
        Task::Callbacks(request) => callbacks::callbacks(request).map(done),
        Task::Plugin { deed } => plugin::perform(&deed),
        Task::Plugins(request) => plugin_list::plugins(&request).map(done),
        Task::Queues(request) => queues::queues(&request).map(done),
        Task::Explain(request) => explain::explain(&request).map(done),
        Task::Report(request) => report::report(&request).map(done),
        Task::Voicemail { deed, at } => voicemail::voicemail(&at.config, &deed).map(done),
        Task::Hangup { call, at } => operate::hangup(&at.config, call).map(done),
        Task::Reload { plan, at } => operate::reload(&at.config, plan).map(done),
        Task::Trace(request) => wire::trace(&request).map(done),
        Task::Drain { grace, at } => operate::drain(&at.config, grace).map(done),
    }
}
