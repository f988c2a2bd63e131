//! Our registration at a peer: when to send a REGISTER, and for how long (RFC 3261 10.2; RFC 5626 4.5 for the time between
//! attempts).
//!
//! ```text
//!             bound                     time to renew
//!   Asking ──────────▶ Bound ─────────────────────────▶ Asking
//!      │                 │ the connection is gone         ▲
//!      │ anything else   └──────▶ Waiting ────────────────┘
//!      └──────────────────────▶ Waiting   (longer after each failure, by chance within half of it)
//! ```
//! One REGISTER is under way at a time. `leave` ends it all by one more, for 0 seconds.

use std::time::Duration;

use base::{Mono, Rng};

/// The time to wait after one failure, which doubles with each, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// Half of it to all of it passes before the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The same after an answer that another attempt will hardly change: the name or the password is wrong.
const HOPELESS_WAIT: Duration = Duration::from_secs(120);
const LONGEST_HOPELESS_WAIT: Duration = Duration::from_secs(1800);
/// The longest time that a peer can make us wait by Retry-After.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The most seconds that a peer can make us ask for by Min-Expires: a day.
const MAX_EXPIRES: u32 = 86_400;
/// However short a time it grants, we renew no sooner.
const MIN_RENEWAL: Duration = Duration::from_secs(5);

/// What a peer said to a REGISTER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status; 408 for silence, 503 if it cannot be reached.
    pub status: u16,
    /// The seconds that it grants our contact, if it says.
    pub granted: Option<u32>,
    /// The seconds of Min-Expires.
    pub min_expires: Option<u32>,
    /// The seconds of Retry-After.
    pub retry_after: Option<u32>,
}

/// What came of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// We are bound, and were not.
    Bound {
        /// For so many seconds.
        seconds: u32,
    },
    /// We are still bound.
    Renewed,
    /// We are not bound; the next attempt is under way, or comes in a while.
    Failed {
        /// The status that says why.
        status: u16,
    },
    /// We are not bound any more, as we wished.
    Left,
}

/// A registration of ours at one peer.
#[derive(Debug)]
pub struct Enrolment {
    /// The seconds that we ask for: as configured, or more if the peer wants more.
    asks: u32,
    failures: u32,
    /// When the next REGISTER is to be sent.
    due: Option<Mono>,
    under_way: bool,
    until: Option<Mono>,
    leaving: bool,
    /// The peer's Min-Expires was followed, and nothing came of it yet.
    raised: bool,
}

impl Enrolment {
    /// One that registers for `seconds` at a time, from `now` on.
    #[must_use]
    pub fn new(now: Mono, seconds: u32) -> Self {
        Self {
            asks: seconds,
            failures: 0,
            due: Some(now),
            under_way: false,
            until: None,
            leaving: false,
            raised: false,
        }
    }

    /// True while the peer knows where we are.
    #[must_use]
    pub fn is_bound(&self, now: Mono) -> bool {
        !self.leaving && self.until.is_some_and(|until| until > now)
    }

    /// True from the wish to leave on until the peer has answered to it.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving && (self.under_way || self.due.is_some())
    }

    /// The seconds to ask for in a REGISTER that is to be sent now.
    pub fn poll_ask(&mut self, now: Mono) -> Option<u32> {
        self.due.take_if(|due| *due <= now && !self.under_way)?;
        self.under_way = true;
        Some(if self.leaving { 0 } else { self.asks })
    }

    /// When to call [`Enrolment::poll_ask`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.due.filter(|_| !self.under_way)
    }

    /// The peer has answered, or will not.
    pub fn handle_reply(&mut self, now: Mono, reply: Reply, rng: &mut Rng) -> Outcome {
        self.under_way = false;
        if self.leaving {
            // A binding that was asked for before the wish to leave is taken back by the next.
            return Outcome::Left;
        }
        let granted = reply.granted.unwrap_or(self.asks);
        if (200..300).contains(&reply.status) && granted > 0 {
            let (was_bound, time) = (self.until.is_some(), Duration::from_secs(u64::from(granted)));
            (self.failures, self.raised) = (0, false);
            self.until = Some(now + time);
            // Some time between 75 and 90 % of it, so that many do not renew at once; enough is left to try again.
            let renewal = time * (75 + rng.below(16)) / 100;
            self.due = Some(now + renewal.max(MIN_RENEWAL));
            return if was_bound { Outcome::Renewed } else { Outcome::Bound { seconds: granted } };
        }
        if let (423, Some(seconds), false) = (reply.status, reply.min_expires, self.raised)
            && seconds > self.asks
        {
            self.asks = seconds.min(MAX_EXPIRES);
            self.raised = true;
            self.due = Some(now);
            return if self.until.is_some() { Outcome::Renewed } else { Outcome::Failed { status: 423 } };
        }
        self.raised = false;
        self.until = None;
        self.failures = self.failures.saturating_add(1);
        let wait = self.wait(reply.status, rng);
        let wanted = Duration::from_secs(u64::from(reply.retry_after.unwrap_or(0))).min(MAX_RETRY_AFTER);
        self.due = Some(now + wait.max(wanted));
        Outcome::Failed { status: reply.status }
    }

    /// The peer sent us on: asked again at once, at the place that the caller knows.
    pub fn ask_again(&mut self, now: Mono) {
        self.under_way = false;
        self.due = Some(now);
    }

    /// The connection is gone that calls were to come by.
    pub fn handle_closed(&mut self, now: Mono, rng: &mut Rng) {
        if self.until.take().is_some() && !self.leaving {
            // Soon, but not all at the same moment when a peer starts anew.
            self.due = Some(now + Duration::from_millis(u64::from(rng.below(2000))));
        }
    }

    /// Ends the registration: one more REGISTER, if there is something to take back.
    pub fn leave(&mut self, now: Mono) {
        if self.leaving {
            return;
        }
        self.leaving = true;
        let bound = self.until.take().is_some() || self.under_way;
        self.due = bound.then_some(now);
    }

    fn wait(&self, status: u16, rng: &mut Rng) -> Duration {
        let (first, longest) = match status {
            401 | 403 | 404 | 407 => (HOPELESS_WAIT, LONGEST_HOPELESS_WAIT),
            _ => (FIRST_WAIT, LONGEST_WAIT),
        };
        let doubled = first.saturating_mul(1 << self.failures.saturating_sub(1).min(10));
        doubled.min(longest) * (50 + rng.below(51)) / 100
    }
}

#[cfg(test)]
mod tests;
