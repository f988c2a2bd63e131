//! The server's INVITE transaction: RFC 3261 17.2.1 as corrected by RFC 6026 7.1.
//!
//! ```text
//!                INVITE
//!                   ▼        accept (2xx)
//!             Proceeding ───────────────────▶ Accepted ──L──▶ gone
//!                   │ reject (300–699)
//!                   ▼         ACK
//!              Completed ───────────────────▶ Confirmed ──I──▶ gone
//!                   └──H──▶ gone
//! ```

use std::time::Duration;

use bytes::Bytes;

use super::{Armed, Timer};
use crate::config::Times;

/// Waits for the application's final response. Final responses consume it, so that there can be but one.
#[derive(Debug, Default)]
pub struct Proceeding {
    provisional: Option<Bytes>,
}

impl Proceeding {
    /// Remembers the provisional response that was sent, for repeated INVITEs.
    pub fn provisional(&mut self, response: Bytes) {
        self.provisional = Some(response);
    }

    /// What a repeated INVITE is answered with; `None` as long as nothing was said.
    #[must_use]
    pub fn handle_repeated(&self) -> Option<Bytes> {
        self.provisional.clone()
    }

    /// A 2xx was sent. Whether it is repeated is the session's business (RFC 6026 7.1).
    #[must_use]
    pub fn accept(self) -> Accepted {
        Accepted
    }

    /// `response` (300–699) was sent.
    #[must_use]
    pub fn reject(self, response: Bytes, times: &Times) -> Completed {
        Completed { response, interval: times.t1 }
    }

    /// The timers that run from the INVITE on.
    #[must_use]
    pub fn timers(&self, trying_after: Duration) -> Armed {
        [Some((Timer::Trying, trying_after)), None]
    }
}

/// A 2xx was sent: repeated INVITEs are absorbed, ACKs go to the session.
#[derive(Debug)]
pub struct Accepted;

impl Accepted {
    /// The timers that run from the 2xx on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, Some((Timer::L, times.patience()))]
    }
}

/// A failure was sent and is repeated until its ACK comes.
#[derive(Debug)]
pub struct Completed {
    response: Bytes,
    interval: Duration,
}

impl Completed {
    /// What a repeated INVITE is answered with.
    #[must_use]
    pub fn handle_repeated(&self) -> Bytes {
        self.response.clone()
    }

    /// Timer G: the response to send again, and when G is due next.
    pub fn handle_g(&mut self, times: &Times) -> (Bytes, Duration) {
        self.interval = times.next_interval(self.interval);
        (self.response.clone(), self.interval)
    }

    /// The ACK came.
    #[must_use]
    pub fn acknowledge(self) -> Confirmed {
        Confirmed
    }

    /// The timers that run from the failure on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [Some((Timer::G, self.interval)), Some((Timer::H, times.patience()))]
    }
}

/// The failure was acknowledged: more ACKs and INVITEs are absorbed.
#[derive(Debug)]
pub struct Confirmed;

impl Confirmed {
    /// The timers that run from the ACK on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, Some((Timer::I, times.t4))]
    }
}

/// The transaction in whichever state it is.
#[derive(Debug)]
pub enum ServerInvite {
    /// No final response yet.
    Proceeding(Proceeding),
    /// Answered by a 2xx.
    Accepted(Accepted),
    /// Answered by a failure that waits for its ACK.
    Completed(Completed),
    /// Answered by a failure, and acknowledged.
    Confirmed(Confirmed),
}

impl ServerInvite {
    /// The response that a repeated INVITE gets, if any.
    #[must_use]
    pub fn handle_repeated(&self) -> Option<Bytes> {
        match self {
            Self::Proceeding(state) => state.handle_repeated(),
            Self::Completed(state) => Some(state.handle_repeated()),
            Self::Accepted(_) | Self::Confirmed(_) => None,
        }
    }

    /// The timers of the state.
    #[must_use]
    pub fn timers(&self, times: &Times, trying_after: Duration) -> Armed {
        match self {
            Self::Proceeding(state) => state.timers(trying_after),
            Self::Accepted(state) => state.timers(times),
            Self::Completed(state) => state.timers(times),
            Self::Confirmed(state) => state.timers(times),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times =
        Times { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };

    #[test]
    fn a_repeated_invite_gets_the_last_provisional_response() {
        let mut state = Proceeding::default();
        assert_eq!(state.handle_repeated(), None);
        state.provisional(Bytes::from_static(b"100"));
        state.provisional(Bytes::from_static(b"180"));
        assert_eq!(state.handle_repeated(), Some(Bytes::from_static(b"180")));
    }

    #[test]
    fn timer_g_doubles_from_t1_up_to_t2() {
        let mut state = Proceeding::default().reject(Bytes::from_static(b"486"), &TIMES);
        assert_eq!(state.timers(&TIMES)[0], Some((Timer::G, Duration::from_millis(500))));
        let intervals: Vec<u64> =
            (0..5).map(|_| u64::try_from(state.handle_g(&TIMES).1.as_millis()).unwrap()).collect();
        assert_eq!(intervals, [1000, 2000, 4000, 4000, 4000]);
        assert_eq!(state.handle_g(&TIMES).0, "486");
    }

    #[test]
    fn each_final_state_runs_the_timer_that_forgets_it() {
        let accepted = Proceeding::default().accept();
        assert_eq!(accepted.timers(&TIMES), [None, Some((Timer::L, Duration::from_secs(32)))]);
        let completed = Proceeding::default().reject(Bytes::new(), &TIMES);
        assert_eq!(completed.timers(&TIMES)[1], Some((Timer::H, Duration::from_secs(32))));
        let confirmed = completed.acknowledge();
        assert_eq!(confirmed.timers(&TIMES), [None, Some((Timer::I, Duration::from_secs(5)))]);
    }

    #[test]
    fn an_accepted_invite_absorbs_repeats() {
        assert_eq!(ServerInvite::Accepted(Proceeding::default().accept()).handle_repeated(), None);
    }
}
