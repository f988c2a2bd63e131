//! How operators reach a running switch: a control socket for commands, and a local HTTP port for figures and health.
//!
//! One contract: the driver binds both ([`Api::bind`]), starts them on a tokio runtime with a way to the domain thread
//! ([`Api::start`]), and answers each [`Query`] that comes out. Nothing here decides anything about calls.
//!
//! Where to find what: `protocol` the lines of the control socket · `control` its server · `watching` a client that sees messages as they come · [`Client`] its other end, for
//! the command line · `http` the few requests that are understood · `metrics` the text that Prometheus reads · `port` the
//! way to the domain thread and to whoever reads the configuration.
//!
//! Invariants:
//! - The control socket obeys root and the user that the switch runs as, by the peer's credentials, whatever the modes of
//!   files say. The HTTP port listens on a loopback address, changes nothing and shows nobody's number.
//! - Clients, the length of what they send and the time that they take are bounded; beyond it they are told, and cut off.
//! - A client costs the domain thread what its question costs, and never makes it wait.
#![allow(clippy::disallowed_types, reason = "a driver: it owns sockets and files")]

mod client;
mod control;
mod http;
mod metrics;
mod port;
mod protocol;
mod serve;
mod watching;

pub use client::{Client, ClientError};
pub use port::{Figures, MediaFigures, Post, Query};
pub use protocol::{ErrorCode, MAX_LINE, Reloaded, Tracing, VERSION, Watched};
pub use serve::{Api, ApiError, SOCKET, Serving};
