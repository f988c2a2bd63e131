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
    /// Visits: calls that joined, or that the queue turned away.
    pub offered: u64,
    /// Visits that an agent answered.
    pub answered: u64,
    /// Of these, those whose wait was at most the time of the queue's service level.
    pub answered_in_time: u64,
    /// Visits whose callers hung up as they waited.
    pub abandoned: u64,
    /// Of these, those that had waited for less than [`SHORT_ABANDON`].
    pub abandoned_short: u64,
    /// Visits that ended otherwise: full, nobody there, waited too long, a key, overflowed, refused, cut by a crash.
    pub others: u64,
    /// How long the visits waited together that ended.
    pub wait_ms: u64,
    /// How long the answered ones waited together.
    pub answer_wait_ms: u64,
    /// The longest wait of a visit that ended.
    pub longest_wait_ms: u64,
    /// Waits of answered visits, by [`WAIT_STEPS`].
    pub waits: [u64; WAIT_STEPS.len() + 1],
    /// Answered visits whose agent is done with the caller.
    pub handled: u64,
    /// How long their callers and agents were connected, without hold.
    pub talk_ms: u64,
    /// How long either held the other.
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
    /// How long they were busy: from the answer of an offer until they were done with the caller, and the time after that.
    pub busy_ms: u64,
}

impl Figures {
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

    /// All of them, as they are shown.
    #[must_use]
    pub fn kpis(&self) -> Kpis {
        Kpis {
            offered: self.offered,
            answered: self.answered,
            abandoned: self.abandoned,
            abandoned_short: self.abandoned_short,
            others: self.others,
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
            occupancy: self.occupancy(),
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
    fn counts(&mut self) -> [&mut u64; 17] {
        [
            &mut self.offered,
            &mut self.answered,
            &mut self.answered_in_time,
            &mut self.abandoned,
            &mut self.abandoned_short,
            &mut self.others,
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
        ]
    }

    /// A visit that ended after `waited_ms`; `why` is none if the switch died meanwhile.
    pub(crate) fn of_exit(why: Option<QueueExit>, waited_ms: u64, within: Duration) -> Self {
        let waited = Duration::from_millis(waited_ms);
        let mut figures = Self { wait_ms: waited_ms, longest_wait_ms: waited_ms, ..Self::default() };
        match why {
            Some(QueueExit::Answered) => {
                figures.answered = 1;
                figures.answered_in_time = u64::from(waited <= within);
                figures.answer_wait_ms = waited_ms;
                let step = WAIT_STEPS.iter().position(|most| waited <= Duration::from_secs(*most));
                if let Some(count) = figures.waits.get_mut(step.unwrap_or(WAIT_STEPS.len())) {
                    *count = 1;
                }
            }
            Some(QueueExit::Abandoned) => {
                figures.abandoned = 1;
                figures.abandoned_short = u64::from(waited < SHORT_ABANDON);
            }
            _ => figures.others = 1,
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
    /// [`Figures::others`].
    pub others: u64,
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
    /// [`Figures::occupancy`].
    pub occupancy: Option<f64>,
}

#[allow(clippy::cast_precision_loss, reason = "counts and milliseconds of years are far below 2⁵³")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}
