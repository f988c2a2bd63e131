//! The domain's clock: the switch gets its time from here, as an argument. Media and storage have clocks of their own,
//! and no monotonic time passes between them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base::{Mono, Now, Wall};

/// Both clocks, from the start of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Now {
        let nanos = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // A wall clock set to before 1970 is nobody's; the epoch stands in for it.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(wall.as_micros()).unwrap_or(i64::MAX);
        Now { monotonic: Mono::from_nanos(nanos), wall: Wall::from_unix_micros(micros) }
    }
}
