//! A telephone that places one call, as a machine: what `strowger call` drives.
//!
//! Contract: make a [`Phone`], which asks for its media port at once; put in what comes (`handle_…`, `hang_up`), each with
//! the time; take out what it wants ([`Phone::poll_transmit`], [`Phone::poll_media`], [`Phone::poll_milestone`]) until
//! `None`; come back at [`Phone::poll_timeout`]; stop when [`Phone::outcome`] is there.
//!
//! | module | what |
//! |---|---|
//! | `plan` | what is asked of the call: [`Plan`], [`Key`] |
//! | `phone` | [`Phone`]: its inputs, outputs and timers |
//! | `talk` | what the signalling's events mean to it |
//! | `milestone` | what it tells: [`Milestone`], [`Outcome`] |
//! | `ear` | what was heard: [`Ear`], fed by the recording of the leg |
//!
//! Invariants: a phone has one call, and exactly one [`Outcome`]; whatever the peer does or leaves undone, it comes to an
//! end by a timer; a call that comes in is answered 486 (Busy Here).

mod ear;
mod milestone;
#[allow(clippy::module_inception, reason = "the crate's one machine has a file of its own")]
mod phone;
mod plan;
mod talk;

pub use ear::{Ear, Hearing};
pub use milestone::{Ending, Milestone, Outcome, Side, Step};
pub use phone::{Phone, Setup};
pub use plan::{Key, Plan, PlanError};
