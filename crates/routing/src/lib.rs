//! The routing contract: which agent gets which call.
//!
//! One contract: a [`Strategy`] is a pure function from a [`Snapshot`] to a [`Decision`]. The snapshot holds all that it
//! may look at, time and chance included; equal snapshots give equal decisions, so that a recorded call can be decided
//! again.
//!
//! There are two questions ([`Question`]). *Agent surplus*: a call came and several agents are free; choose an agent.
//! *Call surplus*: an agent became free and several calls wait; choose a call.
//!
//! Where to find what: `snapshot.rs` what a strategy is told, `decision.rs` what it may answer, `impossible.rs` what no answer can be,
//! `outcome.rs` what came of it, `description.rs` what it says of itself, `order.rs` in which order candidates stand, `name.rs` names, `levels.rs` skills,
//! `variables.rs` what flows found out, `builtin.rs` the strategies that are built in, `sticky.rs` and `widening.rs` what goes
//! with any of them. The same contract for plugins in other languages: `wit/routing.wit`, and as JSON `schema/`.
//!
//! Invariants:
//! - The types are owned and serialise ([`VERSION`]); nothing refers into the switch, so a snapshot can go to another
//!   thread, process or machine. Durations are whole milliseconds; there is no monotonic time in them.
//! - The candidates of a snapshot are free agents only who can take the call, best first by the order that the strategy
//!   declares.
//! - Whoever asks checks the answer. A decision can be late, wrong or absurd; it costs nothing but its own say.

mod builtin;
mod decision;
mod description;
mod impossible;
mod levels;
mod name;
mod order;
mod outcome;
mod size;
mod snapshot;
mod sticky;
mod variables;
mod widening;

pub use builtin::{Builtin, LongestIdle};
pub use decision::{Action, Decision, MAX_REASON, MAX_STATE, Ring, Target};
pub use description::Description;
pub use impossible::Impossible;
pub use levels::{Levels, MAX_NEEDS};
pub use name::{AgentName, PluginName, QueueName, SkillName};
pub use order::Order;
pub use outcome::{Happened, Outcome};
pub use size::MAX_SNAPSHOT;
pub use snapshot::{
    Call, Candidate, Exclusions, LastAgent, MAX_CANDIDATES, Presence, Question, Queue, Service, Snapshot,
    USUAL_PRIORITY, VERSION,
};
pub use sticky::{Method, Sticky};
pub use variables::{MAX_VARIABLES, Variables};
pub use widening::{Widening, needs_after};

/// A way to choose. Implementations hold parameters only; what they know of the moment is in the snapshot.
pub trait Strategy: Send + Sync {
    /// The name that the configuration and the journal use, such as `longest-idle`.
    fn name(&self) -> &str;

    /// The order in which it wants to see the candidates.
    fn order(&self) -> Order {
        Order::LongestIdle
    }

    /// Decides. Equal snapshots give equal decisions.
    fn decide(&self, snapshot: &Snapshot) -> Decision;

    /// Told what became of earlier decisions, in the order in which it happened, with the queue's state as it is
    /// ([`Decision::state`]). Gives the state that takes its place; none leaves it. Depends on its arguments alone.
    fn told(&self, outcomes: &[Outcome], state: Option<&str>) -> Option<String> {
        let _ = (outcomes, state);
        None
    }
}

/// The README's example, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
