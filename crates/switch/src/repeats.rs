//! Which numbers called before, today and when last: for flows that ask.

use std::collections::{BTreeMap, BTreeSet};

use base::{Pii, Wall};
use hours::Zone;

use crate::switch::Switch;

/// So many numbers are known; beyond them the one is forgotten that called longest ago.
const MAX_NUMBERS: usize = 50_000;

/// What is known of a number's earlier calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// Those of the same day.
    pub today: u32,
    /// When the last one began.
    pub last: Option<Wall>,
}

/// Numbers that called.
#[derive(Default)]
pub(crate) struct Repeats {
    /// When each called last, and how often on that day.
    by_number: BTreeMap<String, (Wall, u32)>,
    oldest: BTreeSet<(Wall, String)>,
}

impl Repeats {
    /// A number calls; gives what was known of it before. Nothing is known of those who withhold theirs.
    pub fn calls(&mut self, at: Wall, number: &str, zone: &Zone) -> Earlier {
        if number.is_empty() {
            return Earlier::default();
        }
        let earlier = self.by_number.get(number).map_or(Earlier::default(), |&(last, count)| {
            let same_day = zone.clock(last).is_same_day(zone.clock(at));
            Earlier { today: if same_day { count } else { 0 }, last: Some(last) }
        });
        if let Some(last) = earlier.last {
            self.oldest.remove(&(last, number.to_owned()));
        }
        self.by_number.insert(number.to_owned(), (at, earlier.today.saturating_add(1)));
        self.oldest.insert((at, number.to_owned()));
        if self.by_number.len() > MAX_NUMBERS
            && let Some((_, number)) = self.oldest.pop_first()
        {
            self.by_number.remove(&number);
        }
        earlier
    }
}

impl Switch {
    /// A number calls; gives what is known of it. Numbers are remembered only where a flow reads that.
    pub(crate) fn repeat(&mut self, at: Wall, number: &str) -> Earlier {
        if !self.config.flows.ask_for_repeats() {
            self.repeats = Repeats::default();
            return Earlier::default();
        }
        self.repeats.calls(at, number, self.config.flows.zone())
    }

    /// Calls of an earlier run, in the order in which they began, each with its number. To be called at the start.
    pub fn restore_callers(&mut self, calls: Vec<(Wall, Pii<String>)>) {
        for (at, number) in calls {
            self.repeat(at, number.reveal());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Wall {
        Wall::from_unix_micros(hour * 3_600_000_000)
    }

    #[test]
    fn earlier_calls_count_on_their_day_and_the_last_one_is_known_after_it() {
        let (mut repeats, utc) = (Repeats::default(), Zone::default());
        let mut call = |hour, number| repeats.calls(at(hour), number, &utc);
        assert_eq!(call(1, "49301"), Earlier::default());
        assert_eq!(call(2, "49302"), Earlier::default());
        assert_eq!(call(5, "49301"), Earlier { today: 1, last: Some(at(1)) });
        assert_eq!(call(9, "49301"), Earlier { today: 2, last: Some(at(5)) });
        assert_eq!(call(25, "49301"), Earlier { today: 0, last: Some(at(9)) });
        assert_eq!(call(26, "49301"), Earlier { today: 1, last: Some(at(25)) });
        assert_eq!(call(26, ""), Earlier::default());
        assert_eq!(call(27, ""), Earlier::default());
    }

    #[test]
    fn the_number_that_called_longest_ago_is_forgotten_first() {
        let (mut repeats, utc) = (Repeats::default(), Zone::default());
        let most = i64::try_from(MAX_NUMBERS).unwrap();
        for hour in 0..most {
            repeats.calls(at(hour), &hour.to_string(), &utc);
        }
        repeats.calls(at(most), "0", &utc);
        repeats.calls(at(most), "new", &utc);
        assert_eq!((repeats.by_number.len(), repeats.oldest.len()), (MAX_NUMBERS, MAX_NUMBERS));
        assert_eq!(repeats.calls(at(most), "1", &utc), Earlier::default());
        assert_eq!(repeats.calls(at(most), "0", &utc).last, Some(at(most)));
    }
}
