//! What calls to the outside are charged to their grants: one definition for the limit of a running switch, for the
//! records of calls, and for what a start reads back from them.

use std::collections::BTreeMap;

use base::{Day, Wall};

use crate::{Name, OutsideLeg};

/// Days that are further than this from the one asked for are forgotten. More than one, so that a wall clock that jumps
/// there and back finds the accounts as they were.
const KEPT: u64 = 31;

/// No call lasts longer, in milliseconds: a line that says so is broken.
const LONGEST: u64 = KEPT * 86_400_000;

/// A stretch of time that ended at `end`, by the days (UTC) into which it falls, in milliseconds.
#[must_use]
pub fn by_day(end: Wall, lasted_ms: u64) -> BTreeMap<Day, u64> {
    let mut days = BTreeMap::new();
    let (mut day, mut end, mut rest) = (Day::of(end), end, lasted_ms.min(LONGEST));
    while rest > 0 {
        let today = u64::try_from(end.since(day.start()).as_millis()).unwrap_or(u64::MAX).min(rest);
        if today > 0 {
            days.insert(day, today);
        }
        rest -= today;
        end = day.start();
        day = day.before();
    }
    days
}

/// What each grant has been charged, by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charges(BTreeMap<Name, BTreeMap<Day, u64>>);

impl Charges {
    /// Takes a leg of a call's record. One without a grant is charged to nobody.
    pub fn feed(&mut self, leg: &OutsideLeg) {
        if let Some(grant) = &leg.call.grant {
            self.add(grant, &leg.charged_ms);
        }
    }

    /// Charges a grant.
    pub fn add(&mut self, grant: &Name, charged_ms: &BTreeMap<Day, u64>) {
        let Some((&last, _)) = charged_ms.last_key_value() else { return };
        let account = self.0.entry(grant.clone()).or_default();
        for (day, ms) in charged_ms {
            let sum = account.entry(*day).or_default();
            *sum = sum.saturating_add(*ms);
        }
        account.retain(|day, _| day.distance(last) <= KEPT);
    }

    /// What a grant has been charged on a day, in milliseconds.
    #[must_use]
    pub fn of(&self, grant: &str, day: Day) -> u64 {
        self.0.get(grant).and_then(|account| account.get(&day)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: Wall = Wall::from_unix_micros(1_795_262_400_000_000);
    const HOUR: u64 = 3_600_000;

    #[test]
    fn a_call_over_midnight_is_charged_to_both_days() {
        let day = Day::of(NOON);
        assert_eq!(by_day(NOON, HOUR), [(day, HOUR)].into());
        assert_eq!(by_day(NOON, 13 * HOUR), [(day.before(), HOUR), (day, 12 * HOUR)].into());
        assert_eq!(by_day(day.start(), 1), [(day.before(), 1)].into());
        assert_eq!(by_day(NOON, 48 * HOUR).values().sum::<u64>(), 48 * HOUR);
        assert!(by_day(NOON, 0).is_empty());
        // Not even a part of a millisecond is lost, or keeps the loop going.
        assert_eq!(by_day(day.start() + Duration::from_micros(300), 2), [(day.before(), 2)].into());
    }

    #[test]
    fn accounts_are_kept_by_grant_and_day() {
        let (mut charges, day) = (Charges::default(), Day::of(NOON));
        charges.add(&"a".into(), &by_day(NOON, HOUR));
        charges.add(&"a".into(), &by_day(NOON, 13 * HOUR));
        charges.add(&"b".into(), &by_day(NOON, 1));
        assert_eq!((charges.of("a", day), charges.of("a", day.before()), charges.of("b", day)), (13 * HOUR, HOUR, 1));
        charges.add(&"a".into(), &by_day(NOON + Duration::from_secs(40 * 86_400), 1));
        assert_eq!((charges.of("a", day), charges.of("b", day)), (0, 1), "what is long past is forgotten");
    }
}
