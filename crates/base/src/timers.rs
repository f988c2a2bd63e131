//! A table of timers for machines: set, cancel and take due ones in O(log n); nothing scans.

use std::collections::BTreeMap;

use crate::Mono;

/// Names one timer that was set, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerToken {
    at: Mono,
    serial: u64,
}

impl TimerToken {
    /// When the timer is due.
    #[must_use]
    pub const fn at(self) -> Mono {
        self.at
    }
}

/// Timers of a machine, each with a `K` that says what for. Timers due at the same moment fire in the order in which
/// they were set.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    due: BTreeMap<(Mono, u64), K>,
    serial: u64,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), serial: 0 }
    }
}

impl<K> Timers<K> {
    /// Sets a timer for `at`.
    pub fn set(&mut self, at: Mono, key: K) -> TimerToken {
        let serial = self.serial;
        self.serial += 1;
        self.due.insert((at, serial), key);
        TimerToken { at, serial }
    }

    /// Cancels a timer and gives its key back; `None` if it fired or was cancelled before.
    pub fn cancel(&mut self, token: TimerToken) -> Option<K> {
        self.due.remove(&(token.at, token.serial))
    }

    /// The key of the first timer that is due at `now`, which is thereby gone.
    pub fn pop_due(&mut self, now: Mono) -> Option<K> {
        let (at, _) = *self.due.first_key_value()?.0;
        if at > now {
            return None;
        }
        self.due.pop_first().map(|(_, key)| key)
    }

    /// When the next timer is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.due.first_key_value().map(|(&(at, _), _)| at)
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// True if none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timers_fire_in_order_of_time_then_of_setting() {
        let mut timers = Timers::default();
        let late = Mono::ZERO + Duration::from_secs(2);
        let soon = Mono::ZERO + Duration::from_secs(1);
        timers.set(late, 'c');
        timers.set(soon, 'a');
        let cancelled = timers.set(soon, 'x');
        timers.set(soon, 'b');
        assert_eq!(timers.cancel(cancelled), Some('x'));
        assert_eq!(timers.cancel(cancelled), None);
        assert_eq!(timers.poll_timeout(), Some(soon));
        assert_eq!(timers.pop_due(Mono::ZERO), None);
        assert_eq!((timers.pop_due(soon), timers.pop_due(soon), timers.pop_due(soon)), (Some('a'), Some('b'), None));
        assert_eq!(timers.pop_due(late), Some('c'));
        assert!(timers.is_empty());
    }
}
