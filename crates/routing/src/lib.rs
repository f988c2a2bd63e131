//! The routing contract: which agent gets which call.
//!
//! One contract: a [`Strategy`] is a pure function from a [`Snapshot`] to a [`Decision`]. The snapshot holds all that it
//! may look at, time included; equal snapshots give equal decisions, so that a recorded call can be decided again.
//!
//! There are two questions ([`Question`]). *Agent surplus*: a call came and several agents are free; choose an agent.
//! *Call surplus*: an agent became free and several calls wait; choose a call.
//!
//! Where to find what: `snapshot.rs` what a strategy is told, `decision.rs` what it may answer, `name.rs` names of agents
//! and queues, `longest_idle.rs` the strategy that is built in.
//!
//! Invariants:
//! - The types are owned and serialise ([`VERSION`]); nothing refers into the switch, so a snapshot can go to another
//!   thread, process or machine. Durations are whole milliseconds; there is no monotonic time in them.
//! - The candidates of a snapshot are free agents only, best first by the declared pre-order: longest idle first.
//!   The waiting calls stand in the order in which they joined.
//! - Whoever asks checks the answer. A decision can be late, wrong or absurd; it costs nothing but its own say.

mod decision;
mod longest_idle;
mod name;
mod snapshot;

pub use decision::{Action, Decision, MAX_REASON};
pub use longest_idle::LongestIdle;
pub use name::{AgentName, QueueName};
pub use snapshot::{Call, Candidate, Exclusions, MAX_CANDIDATES, Question, Queue, Snapshot, VERSION};

/// A way to choose. Implementations hold parameters only; what they know of the moment is in the snapshot.
pub trait Strategy: Send + Sync {
    /// The name that the configuration and the journal use, such as `longest-idle`.
    fn name(&self) -> &str;

    /// Decides. Equal snapshots give equal decisions.
    fn decide(&self, snapshot: &Snapshot) -> Decision;
}

/// The README's example, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
