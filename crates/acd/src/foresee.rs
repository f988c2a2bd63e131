//! Where callers stand, and how long they will wait: the estimators of all queues, and what each is told.

use std::ops::Bound;

use base::{CallId, Now};

use crate::estimate::{Forecasts, Staff, WaitEstimator, WaitRange};
use crate::floor::QueueIx;
use crate::machine::Acd;
use crate::queue::{Queue, Stage};

/// Positions beyond this one are not counted.
const LAST_POSITION: usize = 200;

/// The estimators, by queue.
#[derive(Debug, Default)]
pub(crate) struct Estimators(Vec<WaitEstimator>);

impl Estimators {
    fn of(&mut self, queue: QueueIx) -> Option<&mut WaitEstimator> {
        if self.0.len() <= queue {
            self.0.resize_with(queue + 1, WaitEstimator::default);
        }
        self.0.get_mut(queue)
    }
}

impl Acd {
    /// The place of a call that waits, from 1 on: how many wait in front of it, and one. None if it does not wait, as while a
    /// phone rings for it, or stands behind more than 199 others.
    #[must_use]
    pub fn position(&self, call: CallId) -> Option<u32> {
        let entry = self.calls.get(&call)?;
        let Stage::Waiting(_) = entry.stage else { return None };
        let waiting = &self.floor.queue(entry.queue)?.line.all;
        let ahead = waiting.range((Bound::Unbounded, Bound::Excluded(entry.place))).take(LAST_POSITION).count();
        u32::try_from(ahead + 1).ok().filter(|_| ahead < LAST_POSITION)
    }

    /// How long a call that waits will go on to, to be told to its caller; none if that is uncertain. See [`WaitEstimator`].
    pub fn estimate(&mut self, now: Now, call: CallId) -> Option<WaitRange> {
        let (position, queue) = (self.position(call)?, self.calls.get(&call)?.queue);
        let staff = staff(self.floor.queue(queue)?);
        self.estimators.of(queue)?.ask(now.monotonic, call, position, staff)
    }

    /// A call has joined; what follows from that has not been done yet.
    pub(crate) fn note_joined(&mut self, now: Now, call: CallId, queue: QueueIx) {
        let (position, staff) = (self.position(call), self.floor.queue(queue).map(staff));
        if let (Some(position), Some(staff), Some(estimator)) = (position, staff, self.estimators.of(queue)) {
            estimator.joined(now.monotonic, call, position, staff);
        }
    }

    /// A call leaves the line.
    pub(crate) fn note_left(&mut self, now: Now, call: CallId, queue: QueueIx, answered: bool) {
        let staff = self.floor.queue(queue).map(staff);
        if let (Some(staff), Some(estimator)) = (staff, self.estimators.of(queue)) {
            estimator.left(now.monotonic, call, answered, staff);
        }
    }

    /// For operators: how long one would wait who joined `queue` now, and what became of earlier forecasts.
    pub(crate) fn outlook(&self, ix: QueueIx, queue: &Queue) -> (Option<WaitRange>, Forecasts) {
        let Some(estimator) = self.estimators.0.get(ix) else { return (None, Forecasts::default()) };
        let position = u32::try_from(queue.line.all.len() + 1).unwrap_or(u32::MAX);
        (estimator.look(position, staff(queue)), estimator.forecasts())
    }
}

fn staff(queue: &Queue) -> Staff {
    let idle = u32::try_from(queue.idle.len()).unwrap_or(u32::MAX);
    let others = &queue.excluded;
    let busy = others.offered + others.in_call + others.wrap_up + others.resting;
    Staff { working: idle + others.undecided + busy, idle }
}
