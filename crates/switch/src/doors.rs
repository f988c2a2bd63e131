//! Queues with hours: they close and open by their calendars and by the switches that people turn.
//!
//! Calendars go by whole minutes of the clock on the wall, so each minute's begin is when a queue may change. A queue is looked at
//! once more when somebody comes to it, as that clock may have been put.

use std::sync::Arc;
use std::time::Duration;

use acd::{Door, JoinError, QueueName};
use base::{CallId, Now, TimerToken};
use hours::{Decision, State};
use journal::Kind;

use crate::switch::Switch;
use crate::timer::Timer;

/// When a queue takes callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueHours {
    /// While this calendar is open.
    pub calendar: Arc<str>,
    /// Those who wait when it closes leave; else they are served still.
    pub clears: bool,
}

/// When to look at them next.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    pub timer: Option<TimerToken>,
}

/// Calendars change at whole minutes.
const MINUTE: Duration = Duration::from_secs(60);

impl Switch {
    /// Opens and closes queues by how their calendars stand now.
    pub(crate) fn renew_doors(&mut self, now: Now) {
        if let Some(token) = self.doors.timer.take() {
            self.timers.cancel(token);
        }
        let config = Arc::clone(&self.config);
        for name in config.queues.iter().map(|queue| &queue.name) {
            self.renew_door(now, name);
        }
        if config.waiting.values().any(|waiting| waiting.hours.is_some()) {
            let into = Duration::from_micros(now.wall.as_unix_micros().rem_euclid(60_000_000).unsigned_abs());
            self.doors.timer = Some(self.timers.set(now.monotonic + (MINUTE - into), Timer::Doors));
        }
    }

    /// Opens or closes one queue. One without hours is open.
    pub(crate) fn renew_door(&mut self, now: Now, queue: &QueueName) {
        let hours = self.config.waiting.get(queue).and_then(|waiting| waiting.hours.as_ref());
        let open = hours.is_none_or(|hours| {
            let calendar = self.config.calendars.get(&hours.calendar);
            calendar.is_some_and(|calendar| {
                self.board.emergency(calendar).is_none() && calendar.situation(now.wall).state == State::Open
            })
        });
        let door = match hours {
            _ if open => Door::Open,
            Some(QueueHours { clears: true, .. }) => Door::Cleared,
            _ => Door::Closed,
        };
        self.acd.set_door(now, queue, door);
    }

    /// Whether a call could come into a queue now.
    pub(crate) fn check_join(&mut self, now: Now, queue: &QueueName) -> Result<(), JoinError> {
        self.renew_door(now, queue);
        self.acd.check_join(queue)
    }

    /// The journal says why the queue that a call came to, or waited in, is closed.
    pub(crate) fn note_closed(&mut self, now: Now, call: CallId, queue: &QueueName) {
        let Some(hours) = self.config.waiting.get(queue).and_then(|waiting| waiting.hours.as_ref()) else { return };
        let calendar = hours.calendar.clone();
        let Decision { state, why, .. } = self.decide_hours(now, &calendar);
        self.note(now, call, Kind::Hours { calendar, state: state.word().into(), why });
    }
}
