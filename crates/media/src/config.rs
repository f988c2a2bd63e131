//! What media threads are started with, and what they count.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use leg::{Chunk, Event, Stereo, TakeSink};

/// How to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Media threads, at least one; one a core.
    pub threads: usize,
    /// The address that ports are bound to.
    pub bind: IpAddr,
    /// The ports: RTP on even ones, RTCP on the odd ones above them.
    pub ports: RangeInclusive<u16>,
    /// How long a port rests before its next use, so that late packets of the last call reach no other; a tenth of it
    /// when no other port is left.
    pub port_rest: Duration,
    /// DSCP of what is sent; 46 is EF (RFC 4594 section 4.1).
    pub dscp: u8,
    /// How long a leg may receive nothing before it is told as silent.
    pub rtp_timeout: Duration,
    /// The seed of SSRCs, sequence numbers and the like; from the system's CSPRNG.
    pub seed: [u8; 32],
}

/// Takes an event; never blocks. `Err` gives it back because there is no room: it is offered again at the next tick.
pub type EventSink = Box<dyn FnMut(Event) -> Result<(), Event> + Send>;

/// Where a thread's outputs go. All threads' events may go to one queue; all threads' chunks must.
pub struct Sinks {
    /// Events.
    pub events: EventSink,
    /// Recorded audio.
    pub takes: Box<dyn TakeSink>,
}

/// A sink for systems that record nothing: each frame is lost and counted, the ends of takes pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTakes;

impl TakeSink for NoTakes {
    fn buffer(&mut self) -> Option<Stereo> {
        None
    }

    fn deliver(&mut self, _chunk: Chunk) -> Result<(), Chunk> {
        Ok(())
    }
}

/// Why media did not start.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The port range holds no pair of an even port and the one above it.
    #[error("the rtp port range holds no even port with its rtcp port")]
    NoPorts,
    /// No threads were asked for, or more than 64.
    #[error("media needs from 1 to 64 threads")]
    Threads,
    /// The system refused a thread, epoll or eventfd.
    #[error("cannot start a media thread")]
    System(#[from] std::io::Error),
}

/// Counts over all threads since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Ticks run, over all threads.
    pub ticks: u64,
    /// Ticks that began more than 5 ms late.
    pub late_ticks: u64,
    /// Ticks that were left out because a thread was stopped for longer than it makes up for.
    pub skipped_ticks: u64,
    /// Events dropped because their queue stayed full.
    pub dropped_events: u64,
    /// Commands dropped because a thread took none for long.
    pub dropped_commands: u64,
}

/// The counts of one thread, read by the handle.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) ticks: AtomicU64,
    pub(crate) late_ticks: AtomicU64,
    pub(crate) skipped_ticks: AtomicU64,
    pub(crate) dropped_events: AtomicU64,
}

impl Tally {
    pub(crate) fn add_to(&self, counters: &mut Counters) {
        counters.ticks += self.ticks.load(Ordering::Relaxed);
        counters.late_ticks += self.late_ticks.load(Ordering::Relaxed);
        counters.skipped_ticks += self.skipped_ticks.load(Ordering::Relaxed);
        counters.dropped_events += self.dropped_events.load(Ordering::Relaxed);
    }
}
