//! The media threads: sockets, ticks and the moving of legs. A driver; what a leg does is decided in `leg`.
//!
//! Its one contract: [`Media::execute`] never waits. It binds ports and tells the threads what to do; what happens
//! comes back as events through the [`Sinks`], recorded audio as chunks.
//!
//! ```text
//!   domain thread                     media thread (one a core)
//!   Media::execute ── messages ──▶  17 ms: drain ready sockets ──▶ Leg::handle_rtp
//!         ▲                         20 ms: Leg::hear all, Leg::speak all ──▶ send
//!         └────── events ─────────  moves a leg by sending it, whole, to another thread
//! ```
//!
//! | module | what |
//! |---|---|
//! | `handle` | [`Media`]: which leg is on which thread, bridges, orders |
//! | `ports` | ports given out, given back and rested |
//! | `thread` | a media thread: sleep, receive, tick; its messages |
//! | `work` | receiving and the tick |
//! | `roster` | the legs of a thread, and those on their way to it |
//! | `socket` | the system calls |
//! | `clock` | monotonic and wall time; tick numbers that all threads share |
//!
//! Invariants: messages about one leg take effect in the order given, whichever thread it is on (see `roster`), and its
//! events come in order; a leg has each tick number at most once, also while it moves; no lock, allocation or log line
//! a packet of audio (an event, such as the first packet of a digit, may); each queue is bounded; an error of a socket
//! ends no leg.
//!
//! A thread asks for real-time scheduling (SCHED_FIFO), which takes CAP_SYS_NICE or RLIMIT_RTPRIO, and gives it up while
//! it is busy for more than 80 % of its time. Where it is refused media runs all the same, less punctually.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver: it owns the sockets, threads and clock of media"
)]

mod clock;
mod config;
mod handle;
mod ports;
mod roster;
mod socket;
mod thread;
mod work;

pub use config::{Config, Counters, EventSink, MediaError, NoTakes, Sinks};
pub use handle::Media;
