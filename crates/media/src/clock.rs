//! The clock of all media threads, and the ticks counted by it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base::{Mono, Now, Wall};

/// A tick: one frame.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// One origin for all threads, so that a tick's number means the same on each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub(crate) fn monotonic(self) -> Mono {
        Mono::ZERO + self.origin.elapsed()
    }

    pub(crate) fn now(self) -> Now {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        Now { monotonic: self.monotonic(), wall: Wall::from_unix_micros(i64::try_from(micros).unwrap_or(0)) }
    }
}

/// The ticks of one thread: number n is due at n · 20 ms after the origin and the thread's share of 20 ms, so that the
/// threads do not all work at the same moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    offset: Duration,
    /// The next one's number.
    pub(crate) next: u64,
}

/// Ticks that are made up for, one after the other, after a thread was stopped; what is before them is left out.
pub(crate) const CATCH_UP: u64 = 4;

impl Ticks {
    pub(crate) fn new(now: Mono, offset: Duration) -> Self {
        let mut ticks = Self { offset, next: 0 };
        ticks.next = ticks.last_due(now) + 1;
        ticks
    }

    /// When the next tick is due.
    pub(crate) fn due(self) -> Mono {
        let millis = self.next.saturating_mul(20);
        Mono::ZERO + Duration::from_millis(millis) + self.offset
    }

    /// Leaves out ticks that are too long ago; how many.
    pub(crate) fn leave_out(&mut self, now: Mono) -> u64 {
        let first = self.last_due(now).saturating_sub(CATCH_UP - 1);
        let skipped = first.saturating_sub(self.next);
        self.next += skipped;
        skipped
    }

    fn last_due(self, now: Mono) -> u64 {
        let nanos = now.since(Mono::ZERO + self.offset).as_nanos() / TICK.as_nanos();
        u64::try_from(nanos).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn ticks_are_due_at_multiples_of_20_ms_whenever_they_ran() {
        let mut ticks = Ticks::new(at(1005), Duration::from_millis(3));
        assert_eq!((ticks.next, ticks.due()), (51, at(1023)));
        ticks.next += 1;
        assert_eq!(ticks.due(), at(1043));
    }

    #[test]
    fn after_a_stop_four_ticks_are_made_up_for() {
        let mut ticks = Ticks { offset: Duration::ZERO, next: 10 };
        assert_eq!(ticks.leave_out(at(260)), 0);
        assert_eq!(ticks.leave_out(at(1000)), 37);
        assert_eq!(ticks.next, 47, "47 to 50 are run at once");
    }
}
