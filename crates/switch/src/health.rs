//! What the machine lacks that the switch runs on: disks that take nothing, memory.

use std::collections::BTreeMap;

use base::Now;
use journal::{Kind, Name};

use crate::fault::Hand;
use crate::switch::Switch;

/// What drivers have said so far.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// What cannot be written, and the system's words.
    pub disk_faults: BTreeMap<Name, String>,
    /// Calls that lived when memory began to run short.
    ceiling: Option<usize>,
}

impl Health {
    pub fn is_memory_short(&self) -> bool {
        self.ceiling.is_some()
    }
}

impl Switch {
    /// Something that concerns the whole switch happened in a driver; it goes to the journal.
    pub fn handle_notice(&mut self, now: Now, kind: Kind) {
        self.hand = Hand::Nothing;
        match &kind {
            Kind::DiskFault { what, error } if error.is_empty() => drop(self.health.disk_faults.remove(what)),
            Kind::DiskFault { what, error } => drop(self.health.disk_faults.insert(what.clone(), error.clone())),
            _ => {}
        }
        self.book.write_system(now, kind);
    }

    /// The driver says whether memory runs short. While it does, no more calls are taken than lived when it began: what
    /// those held can be used again when they end, though the system is not given it back.
    pub fn handle_memory(&mut self, now: Now, short: bool) {
        self.hand = Hand::Nothing;
        match (short, self.health.ceiling) {
            (true, None) => {
                let calls = self.calls.len();
                self.health.ceiling = Some(calls);
                self.book.write_system(now, Kind::MemoryShort { calls: u64::try_from(calls).unwrap_or(u64::MAX) });
            }
            (false, Some(_)) => {
                self.health.ceiling = None;
                self.book.write_system(now, Kind::MemoryWell);
            }
            _ => {}
        }
    }

    /// The most calls at once, now.
    pub(crate) fn max_calls(&self) -> usize {
        let wanted = self.config.limits.max_calls;
        self.health.ceiling.map_or(wanted, |ceiling| ceiling.min(wanted))
    }
}
