//! The line of a queue: who waits, in the order in which they are served.

use std::collections::{BTreeMap, BTreeSet};

use base::{CallId, Mono};
use routing::Levels;

/// A call's place in its queue: by its class (the higher its priority the lower), then by when it joined (earlier than it
/// did, if its priority is made up for by time), then by a serial number. It keeps the place through offers that fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub class: u8,
    /// Nanoseconds of monotonic time.
    pub at: i64,
    pub serial: u64,
}

/// Calls in their order, all of them and by what they need.
#[derive(Debug, Default)]
pub struct Line {
    pub all: BTreeMap<Place, CallId>,
    /// Of each set of needs that there is: whoever does not meet it need not look at its calls.
    by_needs: BTreeMap<Levels, BTreeMap<Place, CallId>>,
    /// Calls that are offered, and for which whoever becomes free may be rung, too.
    pub open: BTreeMap<Place, CallId>,
    /// When those who wait joined.
    ages: BTreeSet<(Mono, u64)>,
}

impl Line {
    pub fn put(&mut self, place: Place, call: CallId, joined: Mono, needs: &Levels) {
        self.all.insert(place, call);
        self.ages.insert((joined, place.serial));
        self.by_needs.entry(needs.clone()).or_default().insert(place, call);
    }

    pub fn take(&mut self, place: Place, joined: Mono, needs: &Levels) {
        self.all.remove(&place);
        self.ages.remove(&(joined, place.serial));
        if let Some(calls) = self.by_needs.get_mut(needs) {
            calls.remove(&place);
            if calls.is_empty() {
                self.by_needs.remove(needs);
            }
        }
    }

    /// The calls that an agent with these skills could take, as lines of which each is in order.
    pub fn for_skills<'a>(&'a self, skills: &'a Levels) -> impl Iterator<Item = &'a BTreeMap<Place, CallId>> {
        let met = self.by_needs.iter().filter(|(needs, _)| skills.meet(needs)).map(|(_, calls)| calls);
        met.chain((!self.open.is_empty()).then_some(&self.open))
    }

    /// When the call joined that waits longest.
    pub fn longest(&self) -> Option<Mono> {
        self.ages.first().map(|(joined, _)| *joined)
    }

    /// The same, a call with this serial number aside.
    pub fn longest_beside(&self, serial: u64) -> Option<Mono> {
        self.ages.iter().find(|(_, other)| *other != serial).map(|(joined, _)| *joined)
    }

    /// True if the indexes hold the same calls; for checks.
    pub fn is_sound(&self) -> bool {
        let by_needs: BTreeMap<_, _> = self.by_needs.values().flatten().collect();
        by_needs == self.all.iter().collect() && self.ages.len() == self.all.len()
    }
}
