//! Decisions to wait: a call waits by them though somebody could take it, for so long and no longer.

use std::time::Duration;

use base::{Mono, Now};

use crate::DecisionFault;
use crate::decide::{Ask, Subject};
use crate::machine::{Acd, Timer};
use crate::queue::{Entry, Stage};

/// How long a decision's wait lasts if it does not say; and the longest that it may say, lest a call be forgotten.
const USUAL_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The shortest wait of a plugin, lest it be asked without a pause.
const LEAST_WAIT: Duration = Duration::from_millis(100);

/// How long a plugin had a call wait, of all such decisions together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deferred {
    /// By those before the last.
    waited: Duration,
    /// The last: when it was made, and when it is over.
    last: Option<(Mono, Mono)>,
}

impl Deferred {
    /// What there was of it by `now`. The time of the next question counts, too, so that one who says "wait" for no time at
    /// all, again and again, comes to an end.
    fn in_all(&self, now: Mono) -> Duration {
        let last = self.last.map(|(since, until)| now.min(until + USUAL_WAIT) - since);
        self.waited + last.unwrap_or_default()
    }
}

impl Acd {
    /// The subject waits, unless something changed while the decision was under way. A plugin may have calls wait only so long.
    pub(crate) fn defer(&mut self, now: Now, ask: &Ask, at_most_ms: Option<u64>) -> Result<(), DecisionFault> {
        let wait = at_most_ms.map_or(USUAL_WAIT, Duration::from_millis).min(MAX_WAIT);
        let wait = match &ask.plugin {
            Some(binding) => self.note_deferred(now.monotonic, ask, binding.may_wait, wait.max(LEAST_WAIT))?,
            None => wait,
        };
        let changed = self.epoch(ask.subject, ask.queue) != ask.snapshot.epoch;
        match ask.subject {
            _ if changed => self.ask(now, ask.subject),
            Subject::Call(call) => self.arm_call(call, now.monotonic + wait),
            Subject::Agent(agent) => {
                let token = self.timers.set(now.monotonic + wait, Timer::WakeAgent(agent));
                self.floor.change(agent, |agent| agent.wake = Some(token));
            }
        }
        Ok(())
    }

    /// Each call of its queue that the plugin could have chosen waits by its word, at most until one of them has done so as long as
    /// it may.
    fn note_deferred(
        &mut self,
        now: Mono,
        ask: &Ask,
        most: Duration,
        wait: Duration,
    ) -> Result<Duration, DecisionFault> {
        let calls = ask.snapshot.calls();
        let waits = |entry: &Entry| entry.queue == ask.queue && matches!(entry.stage, Stage::Waiting(_));
        let waiting = calls.iter().filter_map(|call| self.calls.get(&call.id)).filter(|entry| waits(entry));
        let longest = waiting.map(|entry| entry.deferred.in_all(now)).max();
        let left = most.saturating_sub(longest.unwrap_or_default());
        if left.is_zero() {
            return Err(DecisionFault::Wait);
        }
        let wait = wait.min(left);
        for call in calls {
            if let Some(entry) = self.calls.get_mut(&call.id).filter(|entry| waits(entry)) {
                let waited = entry.deferred.in_all(now);
                entry.deferred = Deferred { waited, last: Some((now, now + wait)) };
            }
        }
        Ok(wait)
    }
}
