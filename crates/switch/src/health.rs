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
    /// What was found last that contradicts itself, and how often something was.
    inconsistent: Option<String>,
    pub inconsistencies: u64,
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

    /// Looks whether all that is known agrees ([`Self::check_invariants`]), and tells the journal if not; and whether a day has begun. To be called
    /// once a minute, right after [`Self::handle_timeout`] for `now`; takes time in proportion to everything there is: about a microsecond for a call or an agent.
    pub fn reconcile(&mut self, now: Now) {
        self.hand = Hand::Nothing;
        self.begin_day_if_new(now);
        let found = self.check_invariants(now).err();
        if found == self.health.inconsistent {
            return;
        }
        if let Some(what) = found.clone() {
            self.health.inconsistencies += 1;
            self.book.write_system(now, Kind::Inconsistent { what });
        }
        self.health.inconsistent = found;
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

#[cfg(test)]
mod tests {
    use base::{Mono, OfferId, Rng, Wall};
    use sip::{StackConfig, Transport};

    use super::*;
    use crate::{Config, Setup};

    #[test]
    fn what_contradicts_itself_is_told_once() {
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1) };
        let local = ([127, 0, 0, 1], 5060).into();
        let listener = sip::Listener { transport: Transport::Udp, local, advertised: None };
        let setup = Setup {
            sip: StackConfig::new("test", vec![listener]),
            node: 0,
            version: "test".into(),
            strategy: None,
            rng: Rng::from_number(1),
            charges: journal::Charges::default(),
        };
        let mut switch = Switch::new(now, Config::default(), setup);
        switch.handle_timeout(now);
        let told = |switch: &mut Switch| {
            switch.reconcile(now);
            let events = std::iter::from_fn(|| switch.poll_journal());
            events.filter(|event| matches!(event.kind, Kind::Inconsistent { .. })).count()
        };
        assert_eq!((told(&mut switch), switch.status(now).inconsistencies), (0, 0));
        // An offer of nobody's, with a leg that is not there.
        switch.offers.insert(OfferId::from_raw(7), base::LegId::from_raw(7));
        assert_eq!((told(&mut switch), switch.status(now).inconsistencies), (1, 1));
        assert_eq!(told(&mut switch), 0, "the same");
        switch.offers.clear();
        assert_eq!((told(&mut switch), switch.status(now).inconsistencies), (0, 1), "well again");
        switch.offers.insert(OfferId::from_raw(8), base::LegId::from_raw(8));
        assert_eq!((told(&mut switch), switch.status(now).inconsistencies), (1, 2));
    }
}
