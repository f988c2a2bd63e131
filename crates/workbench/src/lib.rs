//! What people work on flows and routing plugins with, without a switch.
//!
//! Pure functions: files come in as text, what is to be printed or written goes out as text.
//!
//! Where to find what: `call` a call on a virtual clock · `test` files of tests, read, run and told · `coverage` which nodes and ways
//! calls came to · `explore` all that callers could do · `rehearsal` a person as the caller · `graph` flows as drawings · `schema` what
//! editors complete and explain by · `plugin` tests of routing plugins, and sample questions for them.

mod call;
mod coverage;
mod explore;
mod graph;
mod plugin;
mod rehearsal;
mod schema;
mod test;

pub use call::{Call, Event, Given, MailboxEnd, Stands, World};
pub use coverage::Coverage;
pub use explore::{Explored, explore};
pub use graph::{Sketch, dot, mermaid};
pub use plugin::{Failed, PluginCase, Tested, sample_agents, sample_calls, sample_outcomes, shown};
pub use rehearsal::Rehearsal;
pub use schema::schema;
pub use test::{Case, Failure, Ran, junit};

/// The keys of a file of tests, all that stand below them included.
#[must_use]
pub fn tests_form() -> &'static yaml::Form {
    &test::table::FILE
}

/// The keys of a file of tests of plugins.
#[must_use]
pub fn plugin_tests_form() -> &'static yaml::Form {
    &plugin::table::FILE
}
