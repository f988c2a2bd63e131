//! Calls that go from one queue to another without an agent: by the queue's own rules, or because a decision says so.

use std::time::Duration;

use base::{CallId, Now};
use routing::{QueueName, Target};

use crate::machine::{Acd, Timer};
use crate::queue::{Queue, Stage};
use crate::{Event, JoinError, LeaveReason, OfferEnd};

/// How often a call may go to another queue, or otherwise change what it is, by whatever rule or decision.
pub(crate) const MAX_CHANGES: u32 = 16;
/// When a call that no other queue takes is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// A rule by which calls go to another queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overflow {
    /// Which calls.
    pub when: Excess,
    /// Where to; not if that queue is full or closed, or nobody is there.
    pub to: QueueName,
}

/// Which calls are too much for a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Each that has waited in it for so long.
    Waited(Duration),
    /// Whoever comes while the first of those who wait has done so for this long.
    LongestWait(Duration),
    /// Whoever comes while so many wait or are rung for.
    Waiting(usize),
}

impl Queue {
    /// Why the call with this serial number, which has just come, is too much by this rule.
    fn exceeds(&self, now: Now, serial: u64, when: Excess) -> Option<String> {
        match when {
            Excess::Waiting(most) => {
                // It is one of them by now.
                let others = self.length.saturating_sub(1);
                (others >= most).then(|| format!("{others} wait"))
            }
            Excess::LongestWait(most) => {
                let longest = self.line.longest_beside(serial).map(|joined| now.monotonic - joined);
                let longest = longest.filter(|longest| *longest >= most)?;
                Some(format!("the first has waited for {} s", longest.as_secs()))
            }
            Excess::Waited(_) => None,
        }
    }
}

impl Acd {
    /// A call has come into a queue: it may be one too many, or become so.
    pub(crate) fn overflow_at_once(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get(&call) else { return };
        let Some(queue) = self.floor.queue(entry.queue) else { return };
        let rules = queue.config.overflow.iter();
        let exceeded = rules.filter_map(|rule| Some((rule.to.clone(), queue.exceeds(now, entry.serial, rule.when)?)));
        let exceeded: Vec<(QueueName, String)> = exceeded.collect();
        if !self.overflow_to_first(now, call, exceeded) {
            self.arm_overflow(now, call);
        }
    }

    /// A call has waited for long. One that is offered is left alone; should nobody take it, it is looked at again.
    pub(crate) fn overflow_after_wait(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        if let Some(token) = entry.overflow.take() {
            self.timers.cancel(token);
        }
        if !matches!(entry.stage, Stage::Waiting(_)) {
            return;
        }
        let waited = now.monotonic - entry.entered;
        let Some(queue) = self.floor.queue(entry.queue) else { return };
        let rules = queue.config.overflow.iter().filter_map(|rule| match rule.when {
            Excess::Waited(most) if most <= waited => {
                Some((rule.to.clone(), format!("waited for {} s", most.as_secs())))
            }
            _ => None,
        });
        let rules: Vec<(QueueName, String)> = rules.collect();
        if !self.overflow_to_first(now, call, rules) {
            self.arm_overflow(now, call);
        }
    }

    /// Sends it to the first of these queues that takes it.
    fn overflow_to_first(&mut self, now: Now, call: CallId, queues: Vec<(QueueName, String)>) -> bool {
        queues.into_iter().any(|(to, reason)| {
            let Some(entry) = self.calls.get_mut(&call).filter(|entry| entry.changes < MAX_CHANGES) else {
                return false;
            };
            // Counted before it goes, as it may go on from there at once.
            entry.changes += 1;
            let gone = self.overflow(now, call, &to, &reason).is_ok();
            if let Some(entry) = self.calls.get_mut(&call).filter(|_| !gone) {
                entry.changes -= 1;
            }
            gone
        })
    }

    /// Sets when a call is looked at next: by the first rule whose time is to come, or if one was due already, soon.
    pub(crate) fn arm_overflow(&mut self, now: Now, call: CallId) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        let Some(queue) = self.floor.queue(entry.queue) else { return };
        let rules = queue.config.overflow.iter().filter_map(|rule| match rule.when {
            Excess::Waited(most) => Some(entry.entered + most),
            _ => None,
        });
        let at = rules.map(|at| if at > now.monotonic { at } else { now.monotonic + AGAIN }).min();
        let token = at.map(|at| self.timers.set(at, Timer::Overflow(call)));
        if let Some(before) = std::mem::replace(&mut entry.overflow, token) {
            self.timers.cancel(before);
        }
    }

    /// A call that waits or is offered goes to another queue. It stands there by when it joined the first one, and waits
    /// there as long as that queue allows.
    ///
    /// # Errors
    /// As for [`Acd::join`]; also if it is in that queue already, or in none, or with an agent. Then nothing changes.
    pub fn overflow(&mut self, now: Now, call: CallId, to: &QueueName, reason: &str) -> Result<(), JoinError> {
        self.check_join(to)?;
        let target = self.floor.find_queue(to).ok_or(JoinError::UnknownQueue)?;
        if self.calls.get(&call).is_none_or(|entry| entry.queue == target) {
            return Err(JoinError::AlreadyIn);
        }
        let why = LeaveReason::Overflowed { to: Target::Queue(to.clone()), reason: reason.to_owned() };
        let (left, freed) = self.take_out(now, call, OfferEnd::CallerLeft, why).ok_or(JoinError::AlreadyIn)?;
        self.events.push_back(Event::Moved { call, queue: to.clone() });
        self.enter_queue(now, call, target);
        self.free_all(now, freed);
        self.pump(now, left);
        self.overflow_at_once(now, call);
        self.pump(now, target);
        Ok(())
    }
}
