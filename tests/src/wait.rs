//! Waiting for conditions, with limits that are generous because the machine may be busy.

use std::time::{Duration, Instant};

/// How long a test waits for what should come at once.
pub const SOON: Duration = Duration::from_secs(15);

/// Asks `what` every 20 ms until it gives something.
///
/// # Panics
/// If `limit` passes first; the message names `title`.
pub fn until<T>(title: &str, limit: Duration, mut what: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain: {title}");
        pause(Duration::from_millis(20));
    }
}

/// As [`until`] for a condition that is true or not.
///
/// # Panics
/// If `limit` passes first.
pub fn until_true(title: &str, limit: Duration, mut what: impl FnMut() -> bool) {
    until(title, limit, || what().then_some(()));
}

/// Lets time pass where the passing of time is itself what is tested (talk, ringing, waiting).
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
