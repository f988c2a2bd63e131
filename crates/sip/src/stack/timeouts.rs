//! What a timer of a session means.

use base::Mono;
use sip_message::Reason;

use super::Stack;
use crate::core::Due;
use crate::session::{Change, SessionTimer, State};
use crate::transaction::{ServerTimeout, TransactionId};
use crate::{EndCause, SessionId};

impl Stack {
    pub(super) fn handle_server_timeout(&mut self, timeout: ServerTimeout) {
        match timeout {
            ServerTimeout::Trying(id, session) => self.send_trying(id, session),
        }
    }

    /// Says 100 to the INVITE or re-INVITE that waits (8.2.6.1).
    pub(super) fn send_trying(&mut self, id: TransactionId, session: SessionId) {
        let asked = match self.sessions.get(&session).map(|session| &session.state) {
            Some(State::Incoming(state)) => &state.invite,
            Some(State::Established(state)) => match &state.change {
                Change::Theirs(asked) => asked,
                Change::Ours { .. } | Change::Idle => return,
            },
            _ => return,
        };
        if asked.id == id {
            let response = self.core.trying(asked);
            self.servers.provisional(&mut self.core, id, response);
        }
    }

    pub(super) fn handle_session_timer(&mut self, now: Mono, id: SessionId, timer: SessionTimer) {
        match timer {
            SessionTimer::Accept => self.repeat_accept(now, id),
            SessionTimer::AckWait => {
                self.core.counters.unacknowledged += 1;
                self.send_bye(now, id, EndCause::AckTimeout, None);
            }
            SessionTimer::Refresh => self.extend(now, id),
            SessionTimer::Reliable => self.repeat_reliable(now, id),
            SessionTimer::PrackWait => self.give_up_reliable(now, id),
            SessionTimer::Renew => self.renew(now, id),
            SessionTimer::Lapse => self.lapse(now, id),
            SessionTimer::Expiry => self.cancelled(now, id, Reason::default()),
            SessionTimer::Retry => self.retry_change(now, id),
            SessionTimer::Turn => self.turn_over(now, id),
        }
    }

    fn repeat_accept(&mut self, now: Mono, id: SessionId) {
        let Some(State::Established(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
            return;
        };
        let Some(unacked) = &mut state.unacked else { return };
        unacked.interval = self.core.config.times.next_interval(unacked.interval);
        self.core.resend(unacked.response.flow, unacked.response.payload.clone());
        unacked.repeat = self.core.set(now, unacked.interval, Due::Session(id, SessionTimer::Accept));
    }
}
