//! Who must be there for callers to come into a queue and to go on waiting in it, and whether it takes any.

use base::Now;
use routing::QueueName;

use crate::LeaveReason;
use crate::machine::Acd;
use crate::queue::Queue;

/// Who must be there; each asks for more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// Nobody.
    Nobody,
    /// An agent who is logged in, be it on a break.
    #[default]
    LoggedIn,
    /// An agent who is not on a break, either, whatever he does: he talks, is rung, or is in wrap-up.
    Working,
    /// An agent who could be offered a call now.
    Free,
}

/// Who must be there for a queue's callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// For a call to join.
    pub join: Presence,
    /// For calls to go on waiting: no more than for joining counts, and not that somebody is free, or nobody would wait.
    pub stay: Presence,
}

/// Whether a queue takes calls, whoever is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// It does.
    #[default]
    Open,
    /// It does not; those who wait stay.
    Closed,
    /// It does not, and those who wait leave.
    Cleared,
}

impl Queue {
    /// True if somebody is there.
    pub fn has(&self, presence: Presence) -> bool {
        match presence {
            Presence::Nobody => true,
            Presence::LoggedIn => self.logged_in > 0,
            Presence::Working => self.working > 0,
            Presence::Free => !self.idle.is_empty() || self.excluded.undecided > 0,
        }
    }

    /// Why nobody may wait here now, if so.
    pub fn turns_out(&self) -> Option<LeaveReason> {
        if self.door == Door::Cleared {
            return Some(LeaveReason::Closed);
        }
        let Attendance { join, stay } = self.config.attendance;
        let stay = stay.min(join).min(Presence::Working);
        (!self.has(stay)).then_some(LeaveReason::NoAgents)
    }
}

impl Acd {
    /// A queue opens or closes. An unknown one changes nothing.
    pub fn set_door(&mut self, now: Now, queue: &QueueName, door: Door) {
        let Some(ix) = self.floor.find_queue(queue) else { return };
        if let Some(queue) = self.floor.queue_mut(ix) {
            queue.door = door;
        }
        self.abandon_queue(now, ix);
    }
}
