//! Sums, and the figures that follow from them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::QueueExit;

/// Who hangs up within this did not mean to wait, or had dialled wrongly: such abandons are *short* and count apart.
pub const SHORT_ABANDON: Duration = Duration::from_secs(5);
/// Waits of answered calls are counted up to each of these, in seconds, and beyond the last.
pub const WAIT_STEPS: [u64; 9] = [0, 5, 10, 20, 30, 60, 120, 300, 600];

/// Sums over visits, and over the time of agents. They add up: those of a day are the sum of its hours'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Visits: calls that joined, or that the queue turned away though it was open.
    pub offered: u64,
    /// Of these, those whose callers had waited in an earlier call, and stood where they stood. Two calls are two visits: the
    /// first one was abandoned.
    pub resumed: u64,
    /// Calls that came while the queue was closed. They are not offered.
    pub out_of_hours: u64,
    /// Visits that an agent answered.
    pub answered: u64,
    /// Of these, those whose wait was at most the time of the queue's service level.
    pub answered_in_time: u64,
    /// Visits whose callers hung up as they waited.
    pub abandoned: u64,
    /// Of these, those that had waited for less than [`SHORT_ABANDON`].
    pub abandoned_short: u64,
    /// Visits that went on without an agent: to another queue, where they are offered again, to a flow, or to a number.
    pub overflowed: u64,
    /// Visits that had lasted as long as the queue allows.
    pub waited_too_long: u64,
    /// Visits that ended as nobody was there to serve the queue, when they began or later.
    pub no_agents: u64,
    /// Calls that were turned away as as many waited as may.
    pub full: u64,
    /// Visits that ended as the queue closed.
    pub closed: u64,
    /// Visits that a decision turned away.
    pub refused: u64,
    /// Visits whose flow went on, by a key or a limit of its own, or whose place was handed on to somebody transferred.
    pub moved_on: u64,
    /// Visits that the switch ended, or that it did not survive.
    pub cut: u64,
    /// Calls whose callers were promised that agents of this queue call them back. However their visits ended, if they had one:
    /// they are counted there, too.
    pub callbacks: u64,
    /// Callbacks that were reached. An attempt is no visit: nobody waits. What the agent does in it counts as in all calls.
    pub callbacks_reached: u64,
    /// Callbacks that were given up, as all attempts failed.
    pub callbacks_failed: u64,
    /// How long the visits waited together that ended.
    pub wait_ms: u64,
    /// How long the answered ones waited together.
    pub answer_wait_ms: u64,
    /// The longest wait of a visit that ended.
    pub longest_wait_ms: u64,
    /// Waits of answered visits, by [`WAIT_STEPS`].
    pub waits: [u64; WAIT_STEPS.len() + 1],
    /// Answered visits whose agent is done with the caller, and callbacks likewise.
    pub handled: u64,
    /// How long their callers and agents were connected, without hold.
    pub talk_ms: u64,
    /// How long either held the other, or had him wait to ask a third one.
    pub hold_ms: u64,
    /// How long the time after them lasted.
    pub wrap_up_ms: u64,
    /// Offers that ended.
    pub offers: u64,
    /// Of these, those that the agent did not take: busy, declined, no answer, unreachable.
    pub missed: u64,
    /// How long phones rang for offers.
    pub ring_ms: u64,
    /// How long agents were available, or busy nonetheless.
    pub staffed_ms: u64,
    /// How long they were busy: from when they answered a call that was in a queue until they left it, and the time after that.
    /// It is no matter whether they were rung for the queue, asked by its agent, or had the call from him.
    pub busy_ms: u64,
    /// How long agents were on a break, and not busy nonetheless.
    pub break_ms: u64,
}

impl Figures {
    /// Visits that ended neither by an answer nor by the caller. All are offered, so that
    /// `offered = answered + abandoned + others` as soon as nobody waits.
    #[must_use]
    pub const fn others(&self) -> u64 {
        let Self { overflowed, waited_too_long, no_agents, full, closed, refused, moved_on, cut, .. } = *self;
        overflowed + waited_too_long + no_agents + full + closed + refused + moved_on + cut
    }

    /// Service level by what ended: `answered_in_time / (answered + abandoned)`. Those who wait do not count yet, nor does
    /// whoever left otherwise.
    #[must_use]
    pub fn service_level(&self) -> Option<f64> {
        share(self.answered_in_time, self.answered + self.abandoned)
    }

    /// Service level by what was offered: `answered_in_time / (offered - abandoned_short)`. Whoever was turned away or overflowed
    /// was not served; who hung up at once could not be.
    #[must_use]
    pub fn service_level_offered(&self) -> Option<f64> {
        share(self.answered_in_time, self.offered.saturating_sub(self.abandoned_short))
    }

    /// Abandonment rate, without the short ones: `(abandoned - abandoned_short) / (offered - abandoned_short)`.
    #[must_use]
    pub fn abandonment(&self) -> Option<f64> {
        share(self.abandoned.saturating_sub(self.abandoned_short), self.offered.saturating_sub(self.abandoned_short))
    }

    /// ASA, the average speed of answer in seconds: `answer_wait_ms / answered`. The wait includes that the phone rings.
    #[must_use]
    pub fn speed_of_answer(&self) -> Option<f64> {
        share(self.answer_wait_ms, self.answered).map(|ms| ms / 1_000.0)
    }

    /// AHT, the average handle time in seconds: `(talk_ms + hold_ms + wrap_up_ms) / handled`.
    #[must_use]
    pub fn handle_time(&self) -> Option<f64> {
        share(self.talk_ms + self.hold_ms + self.wrap_up_ms, self.handled).map(|ms| ms / 1_000.0)
    }

    /// Occupancy: `busy_ms / staffed_ms`. Ringing is not busy; a break is not staffed, unless a call or the time after it goes on.
    #[must_use]
    pub fn occupancy(&self) -> Option<f64> {
        share(self.busy_ms, self.staffed_ms)
    }

    /// Of the occupancy of a queue's agents the part that is its own calls: `(talk_ms + hold_ms + wrap_up_ms) / staffed_ms`.
    #[must_use]
    pub fn own_occupancy(&self) -> Option<f64> {
        share(self.talk_ms + self.hold_ms + self.wrap_up_ms, self.staffed_ms)
    }

    /// All of them, as they are shown.
    #[must_use]
    pub fn kpis(&self) -> Kpis {
        Kpis {
            offered: self.offered,
            answered: self.answered,
            abandoned: self.abandoned,
            abandoned_short: self.abandoned_short,
            others: self.others(),
            overflowed: self.overflowed,
            waited_too_long: self.waited_too_long,
            no_agents: self.no_agents,
            full: self.full,
            closed: self.closed,
            refused: self.refused,
            moved_on: self.moved_on,
            cut: self.cut,
            resumed: self.resumed,
            out_of_hours: self.out_of_hours,
            callbacks: self.callbacks,
            callbacks_reached: self.callbacks_reached,
            callbacks_failed: self.callbacks_failed,
            service_level: self.service_level(),
            service_level_offered: self.service_level_offered(),
            abandonment: self.abandonment(),
            asa_s: self.speed_of_answer(),
            aht_s: self.handle_time(),
            longest_wait_s: seconds(self.longest_wait_ms),
            handled: self.handled,
            talk_s: seconds(self.talk_ms),
            hold_s: seconds(self.hold_ms),
            wrap_up_s: seconds(self.wrap_up_ms),
            offers: self.offers,
            missed: self.missed,
            staffed_s: seconds(self.staffed_ms),
            busy_s: seconds(self.busy_ms),
            break_s: seconds(self.break_ms),
            occupancy: self.occupancy(),
            own_occupancy: self.own_occupancy(),
        }
    }

    /// Adds the sums of another part.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts().into_iter().zip(other.to_owned().counts()) {
            *mine = mine.saturating_add(*theirs);
        }
        for (mine, theirs) in self.waits.iter_mut().zip(other.waits) {
            *mine = mine.saturating_add(theirs);
        }
        self.longest_wait_ms = self.longest_wait_ms.max(other.longest_wait_ms);
    }

    /// All that is summed, but for `waits`.
    fn counts(&mut self) -> [&mut u64; 30] {
        [
            &mut self.offered,
            &mut self.answered,
            &mut self.answered_in_time,
            &mut self.abandoned,
            &mut self.abandoned_short,
            &mut self.resumed,
            &mut self.out_of_hours,
            &mut self.overflowed,
            &mut self.waited_too_long,
            &mut self.no_agents,
            &mut self.full,
            &mut self.closed,
            &mut self.refused,
            &mut self.moved_on,
            &mut self.cut,
            &mut self.callbacks,
            &mut self.callbacks_reached,
            &mut self.callbacks_failed,
            &mut self.wait_ms,
            &mut self.answer_wait_ms,
            &mut self.handled,
            &mut self.talk_ms,
            &mut self.hold_ms,
            &mut self.wrap_up_ms,
            &mut self.offers,
            &mut self.missed,
            &mut self.ring_ms,
            &mut self.staffed_ms,
            &mut self.busy_ms,
            &mut self.break_ms,
        ]
    }

    /// A visit that ended after `waited_ms`.
    pub(crate) fn of_exit(why: QueueExit, waited_ms: u64, within: Duration) -> Self {
        let waited = Duration::from_millis(waited_ms);
        let mut figures = Self { wait_ms: waited_ms, longest_wait_ms: waited_ms, ..Self::default() };
        match why {
            QueueExit::Answered => {
                figures.answered = 1;
                figures.answered_in_time = u64::from(waited <= within);
                figures.answer_wait_ms = waited_ms;
                let step = WAIT_STEPS.iter().position(|most| waited <= Duration::from_secs(*most));
                if let Some(count) = figures.waits.get_mut(step.unwrap_or(WAIT_STEPS.len())) {
                    *count = 1;
                }
            }
            QueueExit::Abandoned => {
                figures.abandoned = 1;
                figures.abandoned_short = u64::from(waited < SHORT_ABANDON);
            }
            QueueExit::Overflowed => figures.overflowed = 1,
            QueueExit::WaitedTooLong => figures.waited_too_long = 1,
            QueueExit::NoAgents => figures.no_agents = 1,
            QueueExit::Full => figures.full = 1,
            QueueExit::Closed => figures.closed = 1,
            QueueExit::Refused => figures.refused = 1,
            QueueExit::MovedOn | QueueExit::NotReached => figures.moved_on = 1,
            QueueExit::Cut => figures.cut = 1,
        }
        figures
    }
}

/// The figures as they are shown and serialised: shares from 0 to 1, times in seconds; none where nothing was counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kpis {
    /// [`Figures::offered`].
    pub offered: u64,
    /// [`Figures::answered`].
    pub answered: u64,
    /// [`Figures::abandoned`].
    pub abandoned: u64,
    /// [`Figures::abandoned_short`].
    pub abandoned_short: u64,
    /// [`Figures::others`], and what they are.
    pub others: u64,
    /// [`Figures::overflowed`].
    pub overflowed: u64,
    /// [`Figures::waited_too_long`].
    pub waited_too_long: u64,
    /// [`Figures::no_agents`].
    pub no_agents: u64,
    /// [`Figures::full`].
    pub full: u64,
    /// [`Figures::closed`].
    pub closed: u64,
    /// [`Figures::refused`].
    pub refused: u64,
    /// [`Figures::moved_on`].
    pub moved_on: u64,
    /// [`Figures::cut`].
    pub cut: u64,
    /// [`Figures::resumed`].
    pub resumed: u64,
    /// [`Figures::out_of_hours`].
    pub out_of_hours: u64,
    /// [`Figures::callbacks`].
    pub callbacks: u64,
    /// [`Figures::callbacks_reached`].
    pub callbacks_reached: u64,
    /// [`Figures::callbacks_failed`].
    pub callbacks_failed: u64,
    /// [`Figures::service_level`].
    pub service_level: Option<f64>,
    /// [`Figures::service_level_offered`].
    pub service_level_offered: Option<f64>,
    /// [`Figures::abandonment`].
    pub abandonment: Option<f64>,
    /// [`Figures::speed_of_answer`].
    pub asa_s: Option<f64>,
    /// [`Figures::handle_time`].
    pub aht_s: Option<f64>,
    /// [`Figures::longest_wait_ms`].
    pub longest_wait_s: f64,
    /// [`Figures::handled`].
    pub handled: u64,
    /// [`Figures::talk_ms`].
    pub talk_s: f64,
    /// [`Figures::hold_ms`].
    pub hold_s: f64,
    /// [`Figures::wrap_up_ms`].
    pub wrap_up_s: f64,
    /// [`Figures::offers`].
    pub offers: u64,
    /// [`Figures::missed`].
    pub missed: u64,
    /// [`Figures::staffed_ms`].
    pub staffed_s: f64,
    /// [`Figures::busy_ms`].
    pub busy_s: f64,
    /// [`Figures::break_ms`].
    pub break_s: f64,
    /// [`Figures::occupancy`].
    pub occupancy: Option<f64>,
    /// [`Figures::own_occupancy`].
    pub own_occupancy: Option<f64>,
}

#[allow(clippy::cast_precision_loss, reason = "counts and milliseconds of years are far below 2⁵³")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}
