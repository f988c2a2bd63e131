//! Whether a peer lives: OPTIONS again and again (RFC 3261 11), and how many answers in a row change our mind.
//!
//! Any answer shows life but 503 (it takes no calls), 408 (nobody behind it does) and none at all.

use std::time::Duration;

use base::{Mono, Rng};

/// How a peer is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The time from one OPTIONS to the next.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// So many failures in a row, and it is down.
    pub down_after: u32,
    /// So many answers in a row, and it is up again.
    pub up_after: u32,
}

/// What is to be done, or has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has changed.
    Same,
    /// It is down, by that last status; 408 for silence.
    Down {
        /// The status.
        status: u16,
    },
    /// It is up again.
    Up,
}

/// What is known of the life of one peer, which is up until it shows otherwise.
#[derive(Debug)]
pub struct Health {
    watch: Watch,
    up: bool,
    since: Mono,
    /// Failures in a row while it is up, answers in a row while it is down.
    against: u32,
    /// When to ask next, or, while an answer is waited for, when that has taken too long.
    due: Mono,
    waits: bool,
}

impl Health {
    /// A peer that is watched from `now` on.
    #[must_use]
    pub fn new(now: Mono, watch: Watch) -> Self {
        Self { watch, up: true, since: now, against: 0, due: now, waits: false }
    }

    /// True unless it is down.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Since when it is as it is.
    #[must_use]
    pub fn since(&self) -> Mono {
        self.since
    }

    /// When to call [`Health::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Mono {
        self.due
    }

    /// What time says: `None` to ask now, which the caller then does; else that an answer has taken too long. What comes
    /// later for that is to be left out.
    pub fn handle_timeout(&mut self, now: Mono, rng: &mut Rng) -> Option<Verdict> {
        if now < self.due {
            return Some(Verdict::Same);
        }
        if self.waits {
            return Some(self.handle_reply(now, 408, rng));
        }
        self.waits = true;
        self.due = now + self.watch.timeout;
        None
    }

    /// What the peer answered; 408 for silence, 503 if it cannot be reached.
    pub fn handle_reply(&mut self, now: Mono, status: u16, rng: &mut Rng) -> Verdict {
        self.waits = false;
        // A tenth earlier or later, so that many peers are not asked at once.
        self.due = now + self.watch.every * (90 + rng.below(21)) / 100;
        let lives = !matches!(status, 408 | 503);
        if lives == self.up {
            self.against = 0;
            return Verdict::Same;
        }
        self.against += 1;
        let needed = if self.up { self.watch.down_after } else { self.watch.up_after };
        if self.against < needed {
            return Verdict::Same;
        }
        (self.up, self.since, self.against) = (lives, now, 0);
        if lives { Verdict::Up } else { Verdict::Down { status } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::from_nanos(1);
    const WATCH: Watch =
        Watch { every: Duration::from_secs(30), timeout: Duration::from_secs(4), down_after: 3, up_after: 2 };

    fn replies(health: &mut Health, statuses: &[u16]) -> Vec<Verdict> {
        let mut rng = Rng::from_number(1);
        let mut verdicts = Vec::new();
        for &status in statuses {
            let due = health.poll_timeout();
            assert_eq!(health.handle_timeout(due, &mut rng), None, "it asks");
            verdicts.push(match status {
                // Silence.
                0 => health.handle_timeout(health.poll_timeout(), &mut rng).unwrap(),
                status => health.handle_reply(due, status, &mut rng),
            });
        }
        verdicts
    }

    #[test]
    fn so_many_failures_in_a_row_and_it_is_down_so_many_answers_and_it_is_up() {
        use Verdict::{Down, Same, Up};
        let mut health = Health::new(START, WATCH);
        assert_eq!(replies(&mut health, &[0, 503, 200, 0, 408]), [Same; 5], "not in a row");
        assert_eq!(replies(&mut health, &[0]), [Down { status: 408 }]);
        assert!(!health.is_up() && health.since() > START);
        assert_eq!(replies(&mut health, &[200, 503, 404]), [Same; 3]);
        assert_eq!(replies(&mut health, &[405]), [Up], "any other answer shows life");
        assert!(health.is_up());
    }

    #[test]
    fn it_is_asked_each_interval_or_so_and_waited_for_no_longer_than_may_be() {
        let mut health = Health::new(START, WATCH);
        let mut rng = Rng::from_number(1);
        assert_eq!(health.handle_timeout(START, &mut rng), None);
        assert_eq!(health.poll_timeout().since(START), WATCH.timeout);
        assert_eq!(health.handle_timeout(START, &mut rng), Some(Verdict::Same), "not yet");
        health.handle_reply(START, 200, &mut rng);
        let next = health.poll_timeout().since(START);
        assert!((Duration::from_secs(27)..=Duration::from_secs(33)).contains(&next), "{next:?}");
    }
}
