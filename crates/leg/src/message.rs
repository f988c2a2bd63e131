//! A message that a caller leaves: a recording of its own, beside that of the call, which hears when he says no more.

use std::time::Duration;

use audio::is_voiced;
use base::TakeId;

use crate::control::{Event, FRAME};
use crate::leg::{Bay, Leg};
use crate::tap::Tap;

/// Milliseconds of a tick.
const TICK_MS: u128 = 20;

/// A message that is being taken.
#[derive(Debug)]
pub(crate) struct Message {
    tap: Tap,
    /// For so many ticks nothing was said.
    quiet: u32,
    /// With so many it is told, once.
    limit: u32,
}

impl Leg {
    pub(crate) fn begin_message(&mut self, take: TakeId, quiet: Duration, bay: &mut Bay<'_>) {
        self.end_message(bay);
        let limit = u32::try_from(quiet.as_millis() / TICK_MS).unwrap_or(u32::MAX).max(1);
        self.message = Some(Box::new(Message { tap: Tap::new(take, self.law), quiet: 0, limit }));
    }

    pub(crate) fn end_message(&mut self, bay: &mut Bay<'_>) {
        if let Some(message) = self.message.take() {
            self.pass_on(message.tap, bay);
        }
    }

    /// Gives this tick's frame to the message, if one is being taken.
    pub(crate) fn take_message(&mut self, said: &[u8; FRAME], bay: &mut Bay<'_>) {
        let (law, ticks) = (self.law, self.ticks);
        let Some(message) = &mut self.message else { return };
        if ticks > 1 {
            message.tap.skip(bay.takes, u64::from(ticks - 1));
        }
        message.tap.push(bay.takes, law, said, &[law.silence(); FRAME]);
        let before = message.quiet;
        message.quiet = if is_voiced(law, said) { 0 } else { before.saturating_add(ticks) };
        if before < message.limit && message.quiet >= message.limit {
            bay.events.push(Event::Quiet { leg: self.id });
        }
    }
}
