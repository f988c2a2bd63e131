//! The client's non-INVITE transaction: RFC 3261 17.1.2.

use std::time::Duration;

use bytes::Bytes;

use super::{Armed, Timer};
use crate::config::Times;

/// Sends the request again and again until a final response comes.
#[derive(Debug)]
pub struct Trying {
    request: Bytes,
    interval: Duration,
    /// A provisional response came: repeats now run at T2.
    heard: bool,
}

impl Trying {
    /// `request` was sent.
    #[must_use]
    pub fn new(request: Bytes, times: &Times) -> Self {
        Self { request, interval: times.t1, heard: false }
    }

    /// Timer E: the request to send again, and when E is due next.
    pub fn handle_e(&mut self, times: &Times) -> (Bytes, Duration) {
        self.interval = if self.heard { times.t2 } else { times.next_interval(self.interval) };
        (self.request.clone(), self.interval)
    }

    /// The request, as long as nothing came.
    pub fn unheard(&self) -> Option<&Bytes> {
        (!self.heard).then_some(&self.request)
    }

    /// A provisional response came.
    pub fn handle_provisional(&mut self) {
        self.heard = true;
    }

    /// A final response came.
    #[must_use]
    pub fn complete(self) -> Completed {
        Completed
    }

    /// The timers that run from the request on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [Some((Timer::E, self.interval)), Some((Timer::F, times.patience()))]
    }
}

/// Answered: repeated responses are absorbed.
#[derive(Debug)]
pub struct Completed;

impl Completed {
    /// The timers that run from the response on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, Some((Timer::K, times.t4))]
    }
}

/// The transaction in whichever state it is.
#[derive(Debug)]
pub enum Client {
    /// No final response yet.
    Trying(Trying),
    /// Answered.
    Completed(Completed),
}

impl Client {
    /// The timers of the state.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        match self {
            Self::Trying(state) => state.timers(times),
            Self::Completed(state) => state.timers(times),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals(state: &mut Trying, count: usize) -> Vec<u128> {
        (0..count).map(|_| state.handle_e(&Times::default()).1.as_millis()).collect()
    }

    #[test]
    fn timer_e_doubles_from_t1_up_to_t2() {
        let mut state = Trying::new(Bytes::from_static(b"BYE"), &Times::default());
        let start = [Some((Timer::E, Duration::from_millis(500))), Some((Timer::F, Duration::from_secs(32)))];
        assert_eq!(state.timers(&Times::default()), start);
        assert_eq!(intervals(&mut state, 5), [1000, 2000, 4000, 4000, 4000]);
        assert_eq!(state.handle_e(&Times::default()).0, "BYE");
    }

    #[test]
    fn after_a_provisional_response_timer_e_runs_at_t2() {
        let mut state = Trying::new(Bytes::new(), &Times::default());
        state.handle_provisional();
        assert_eq!(intervals(&mut state, 2), [4000, 4000]);
    }

    #[test]
    fn an_answered_request_lingers_for_timer_k() {
        let completed = Trying::new(Bytes::new(), &Times::default()).complete();
        assert_eq!(completed.timers(&Times::default()), [None, Some((Timer::K, Duration::from_secs(5)))]);
    }
}
