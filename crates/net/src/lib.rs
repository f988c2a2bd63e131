//! Signalling transports: they move datagrams between sockets and the domain thread, and decide nothing.
//!
//! [`udp::Listener`] owns one socket. A thread of its own receives in batches, parses, and hands typed messages to the
//! sink that it was given; the domain thread sends through [`udp::Sender`], in batches too. Neither ever waits for the
//! other: what the sink cannot take is dropped and counted, as a full socket buffer would.
//!
//! `unsafe` is for the batched socket calls alone (`sys.rs`).
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a driver: it owns sockets and threads")]

mod addr;
mod error;
mod sys;
pub mod udp;

pub use error::NetError;
