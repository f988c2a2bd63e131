//! The client's INVITE transaction: RFC 3261 17.1.1 as corrected by RFC 6026 7.2, with cancelling (RFC 3261 9.1).
//!
//! ```text
//!              1xx                2xx
//!   Calling ────────▶ Proceeding ──────▶ Accepted ──M──▶ gone     (each 2xx: ACK by the session)
//!      │ B              │ Abandon
//!      ▼                ▼         300–699
//!     gone             gone     ──────────▶ Completed ──D──▶ gone  (each repeat: the same ACK)
//! ```
//! In Calling, timer A sends the INVITE again.

use std::time::Duration;

use base::Mono;
use bytes::Bytes;

use super::{Armed, Timer};
use crate::Flow;
use crate::config::Times;

/// Sends the INVITE again and again until any response comes.
#[derive(Debug)]
pub struct Calling {
    request: Bytes,
    interval: Duration,
    cancelled: bool,
}

impl Calling {
    /// `request` was sent.
    #[must_use]
    pub fn new(request: Bytes, times: &Times) -> Self {
        Self { request, interval: times.t1, cancelled: false }
    }

    /// Timer A: the request to send again, and when A is due next. A doubles without limit (17.1.1.2).
    pub fn handle_a(&mut self) -> (Bytes, Duration) {
        self.interval = self.interval.saturating_mul(2);
        (self.request.clone(), self.interval)
    }

    /// The INVITE, unless it shall be cancelled.
    pub fn wanted(&self) -> Option<&Bytes> {
        (!self.cancelled).then_some(&self.request)
    }

    /// The session wants the INVITE cancelled. The CANCEL is held back until a provisional response (9.1).
    pub fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// A provisional response came. `true`: a CANCEL was held back and must be sent now.
    #[must_use]
    pub fn proceed(self) -> (Proceeding, bool) {
        (Proceeding { cancelled: self.cancelled }, self.cancelled)
    }

    /// A 2xx came.
    #[must_use]
    pub fn accept(self) -> Accepted {
        Accepted { acks: Vec::new() }
    }

    /// A failure came, which `ack` acknowledges.
    #[must_use]
    pub fn complete(self, ack: Bytes) -> Completed {
        Completed { ack }
    }

    /// The timers that run from the INVITE on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [Some((Timer::A, self.interval)), Some((Timer::B, times.patience()))]
    }
}

/// A provisional response came; the final one may take its time.
#[derive(Debug)]
pub struct Proceeding {
    cancelled: bool,
}

impl Proceeding {
    /// The session wants the INVITE cancelled. `true`: the CANCEL must be sent now; `false`: it was before.
    #[must_use]
    pub fn cancel(&mut self) -> bool {
        !std::mem::replace(&mut self.cancelled, true)
    }

    /// A 2xx came.
    #[must_use]
    pub fn accept(self) -> Accepted {
        Accepted { acks: Vec::new() }
    }

    /// A failure came, which `ack` acknowledges.
    #[must_use]
    pub fn complete(self, ack: Bytes) -> Completed {
        Completed { ack }
    }

    /// The timers that run from the first provisional response on, and again from the CANCEL on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, self.cancelled.then(|| (Timer::Abandon, times.patience()))]
    }
}

/// A 2xx came. Its ACK is made by the session (13.2.2.4) and kept here, so that a repeated 2xx gets the same ACK
/// even when the session is long over.
#[derive(Debug)]
pub struct Accepted {
    acks: Vec<Acknowledged>,
}

/// The ACK of one fork's 2xx.
#[derive(Debug)]
pub struct Acknowledged {
    /// The fork's tag (the To tag of its 2xx).
    pub tag: Box<str>,
    /// The ACK, and where it goes.
    pub ack: crate::Transmit,
    /// How it went over TCP for its size.
    pub stream: Option<Stream>,
}

/// How a message went over TCP that would have been a datagram but for its size.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// The way that it went.
    pub flow: Flow,
    /// When.
    pub since: Mono,
    /// The flow of datagrams that it takes if TCP leads nowhere; none once it did.
    pub datagrams: Option<Flow>,
}

/// 2xx of more forks than this are ignored; they will give up for want of an ACK.
const MAX_FORKS: usize = 16;

impl Accepted {
    /// The ACK for a 2xx with this To tag, if one was made before.
    #[must_use]
    pub fn ack_of(&mut self, tag: &str) -> Option<&mut Acknowledged> {
        self.acks.iter_mut().find(|known| &*known.tag == tag)
    }

    /// All ACKs that were made.
    pub fn acks(&mut self) -> &mut [Acknowledged] {
        &mut self.acks
    }

    /// True if no further fork will be acknowledged.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.acks.len() >= MAX_FORKS
    }

    /// Keeps the ACK of a fork's 2xx.
    pub fn keep(&mut self, acknowledged: Acknowledged) {
        self.acks.push(acknowledged);
    }

    /// The timers that run from the first 2xx on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, Some((Timer::M, times.patience()))]
    }
}

/// A failure came and was acknowledged: repeats get the same ACK.
#[derive(Debug)]
pub struct Completed {
    ack: Bytes,
}

impl Completed {
    /// The ACK for a repeated failure.
    #[must_use]
    pub fn handle_repeated(&self) -> Bytes {
        self.ack.clone()
    }

    /// The timers that run from the failure on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, Some((Timer::D, times.d()))]
    }
}

/// The transaction in whichever state it is.
#[derive(Debug)]
pub enum ClientInvite {
    /// No response yet.
    Calling(Calling),
    /// Provisional responses only.
    Proceeding(Proceeding),
    /// Answered by a 2xx.
    Accepted(Accepted),
    /// Answered by a failure.
    Completed(Completed),
}

impl ClientInvite {
    /// The timers of the state.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        match self {
            Self::Calling(state) => state.timers(times),
            Self::Proceeding(state) => state.timers(times),
            Self::Accepted(state) => state.timers(times),
            Self::Completed(state) => state.timers(times),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calling() -> Calling {
        Calling::new(Bytes::from_static(b"INVITE"), &Times::default())
    }

    #[test]
    fn timer_a_doubles_from_t1_without_limit() {
        let mut state = calling();
        let start = [Some((Timer::A, Duration::from_millis(500))), Some((Timer::B, Duration::from_secs(32)))];
        assert_eq!(state.timers(&Times::default()), start);
        let intervals: Vec<u128> = (0..6).map(|_| state.handle_a().1.as_millis()).collect();
        assert_eq!(intervals, [1000, 2000, 4000, 8000, 16000, 32000]);
    }

    #[test]
    fn a_cancel_before_any_response_is_held_until_the_first() {
        let mut state = calling();
        state.cancel();
        let (mut state, send_now) = state.proceed();
        assert!(send_now);
        assert!(!state.cancel(), "not twice");
        assert_eq!(state.timers(&Times::default()), [None, Some((Timer::Abandon, Duration::from_secs(32)))]);
    }

    #[test]
    fn a_cancel_after_a_provisional_response_goes_at_once_and_once() {
        let (mut state, send_now) = calling().proceed();
        assert!(!send_now);
        assert_eq!(state.timers(&Times::default()), [None, None], "no limit while it rings");
        assert!(state.cancel());
        assert!(!state.cancel());
    }

    #[test]
    fn final_states_linger_for_timers_d_and_m() {
        let accepted = calling().proceed().0.accept();
        assert_eq!(accepted.timers(&Times::default()), [None, Some((Timer::M, Duration::from_secs(32)))]);
        let completed = calling().complete(Bytes::from_static(b"ACK"));
        assert_eq!(completed.timers(&Times::default()), [None, Some((Timer::D, Duration::from_secs(32)))]);
        assert_eq!(completed.handle_repeated(), "ACK");
    }
}
