//! Runs routing plugins: what somebody else wrote decides which agent gets which call, and costs nothing but its own say.
//!
//! The one contract: asking never waits ([`Plugins::ask`]), and whatever a plugin does (hangs, crashes, eats memory, answers
//! nonsense) comes back as a [`Fault`] with a name. Whether a decision makes sense is for `acd` to check: here it only has the
//! form and the size of one.
//!
//! - `decide.rs`: [`Decide`], the one face of plugins of every kind.
//! - `fault.rs`: what can be wrong with a plugin or its answer.
//! - `wasm`: components of WebAssembly. `Host` loads a file into a `Module`, of which an `Instance` answers; its caller waits.
//! - `native.rs`: strategies in Rust, built into the program; each has a thread, as nothing ends one that does not return.
//! - `http.rs`: services that are asked over HTTP.
//! - `lanes.rs`: [`Plugins`], a thread for each queue, so that a slow one delays no other.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a driver: it owns threads, files and clocks")]

mod decide;
mod fault;
mod http;
mod lanes;
mod native;
#[cfg(feature = "wasm")]
mod wasm;

pub use decide::Decide;
pub use fault::Fault;
pub use http::{Asker, Known, Service, Settings, Web};
pub use lanes::{Answer, Ask, Binding, Plugins};
pub use native::{Make, Native};
#[cfg(feature = "wasm")]
pub use wasm::{Cache, Host, Instance, Keep, Limits, MAX_FILE, MAX_MEMORY, MAX_QUEUES, Module};
