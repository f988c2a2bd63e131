//! The server's non-INVITE transaction: RFC 3261 17.2.2.
//!
//! The application of a non-INVITE request here is the stack itself, which mostly answers at once; an UPDATE may wait
//! for the application. No provisional responses are sent (RFC 4320 4.1), so Trying goes straight to Completed.

use bytes::Bytes;

use super::{Armed, Timer};
use crate::config::Times;

/// Waits for the final response.
#[derive(Debug, Default)]
pub struct Trying;

impl Trying {
    /// `response` (200–699) was sent.
    #[must_use]
    pub fn answer(self, response: Bytes) -> Completed {
        Completed { response }
    }
}

/// Answered: repeats get the same response again.
#[derive(Debug)]
pub struct Completed {
    response: Bytes,
}

impl Completed {
    /// What a repeated request is answered with.
    #[must_use]
    pub fn handle_repeated(&self) -> Bytes {
        self.response.clone()
    }

    /// The timers that run from the response on.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        [None, Some((Timer::J, times.patience()))]
    }
}

/// The transaction in whichever state it is.
#[derive(Debug)]
pub enum Server {
    /// No final response yet.
    Trying(Trying),
    /// Answered.
    Completed(Completed),
}

impl Server {
    /// The response that a repeated request gets, if any.
    #[must_use]
    pub fn handle_repeated(&self) -> Option<Bytes> {
        match self {
            Self::Trying(_) => None,
            Self::Completed(state) => Some(state.handle_repeated()),
        }
    }

    /// The timers of the state.
    #[must_use]
    pub fn timers(&self, times: &Times) -> Armed {
        match self {
            Self::Trying(_) => [None, None],
            Self::Completed(state) => state.timers(times),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_repeated_request_gets_the_same_response_until_timer_j() {
        assert_eq!(Server::Trying(Trying).handle_repeated(), None);
        let completed = Trying.answer(Bytes::from_static(b"200"));
        assert_eq!(completed.timers(&Times::default()), [None, Some((Timer::J, Duration::from_secs(32)))]);
        assert_eq!(Server::Completed(completed).handle_repeated(), Some(Bytes::from_static(b"200")));
    }
}
