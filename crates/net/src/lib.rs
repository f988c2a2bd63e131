//! Signalling transports: they move messages between sockets and the domain thread, and decide nothing.
//!
//! [`udp::Listener`] owns one socket. A thread of its own receives in batches, parses, and hands typed messages to the
//! sink that it was given; the domain thread sends through [`udp::Sender`], in batches too. Neither ever waits for the
//! other: what the sink cannot take is dropped and counted, as a full socket buffer would.
//!
//! [`tcp::Listener`] owns one socket and its connections, run by one thread: `tcp.rs` accepts, opens and finds them,
//! `tcp/connection.rs` serves one over any stream of octets, `tcp/registry.rs` counts them. What the sink cannot take
//! waits there, since nobody sends it again; limits and deadlines ([`tcp::Limits`]) keep slow and greedy peers off.
//!
//! What lies between their octets and the messages is a [`tcp::Layer`]: nothing, TLS ([`tls::Tls`]), WebSocket
//! (`tcp/websocket.rs`), or WebSocket over TLS.
//!
//! [`dns::Dns`] asks DNS servers on a thread of its own.
//!
//! In a burst of datagrams the receiving thread lets some gather for 300 µs (`udp.rs`), as to be woken for each costs more
//! than to answer it.
//!
//! `unsafe` is for the batched socket calls alone (`sys.rs`).
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a driver: it owns sockets and threads")]

mod addr;
pub mod dns;
mod error;
mod received;
mod sys;
pub mod tcp;
pub mod tls;
pub mod udp;

pub use error::NetError;
pub use received::Received;
