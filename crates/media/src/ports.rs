//! Ports: given out in a shuffled order, given back, rested, given out again.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use base::{Mono, Rng};

/// When there is no other, a port that has rested for this part of its time is used: better a short rest than no call.
const LEAST_REST: u32 = 10;

/// The even ports of a range. A port that was given back rests behind all that have not been used for longer.
#[derive(Debug)]
pub(crate) struct Ports {
    free: VecDeque<u16>,
    /// Ports and the end of their rest, soonest first.
    resting: VecDeque<(Mono, u16)>,
    rest: Duration,
}

impl Ports {
    /// The even ports of `range` of which the next is in it too, in an order that nobody can guess (RFC 6056): a
    /// stranger does not know where the next call will be, and two systems of one range seldom meet.
    pub(crate) fn new(range: &RangeInclusive<u16>, rest: Duration, rng: &mut Rng) -> Self {
        let pairs = range.clone().filter(|port| port % 2 == 0 && *port != 0 && range.contains(&(port + 1)));
        let mut free: VecDeque<u16> = pairs.collect();
        for last in (1..free.len()).rev() {
            let other = rng.below(u32::try_from(last + 1).unwrap_or(0));
            free.swap(last, usize::try_from(other).unwrap_or(0));
        }
        Self { free, resting: VecDeque::new(), rest }
    }

    /// How many there are that are not in use.
    pub(crate) fn len(&self) -> usize {
        self.free.len() + self.resting.len()
    }

    /// The port that has been unused for longest, if any has rested enough.
    pub(crate) fn take(&mut self, now: Mono) -> Option<u16> {
        while let Some((_, port)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            self.free.push_back(port);
        }
        let may_be_cut = self.rest - self.rest / LEAST_REST;
        let resting =
            |resting: &mut VecDeque<(Mono, u16)>| resting.pop_front_if(|(until, _)| *until <= now + may_be_cut);
        self.free.pop_front().or_else(|| resting(&mut self.resting).map(|(_, port)| port))
    }

    /// Takes a port back, to rest from `now`.
    pub(crate) fn give_back(&mut self, now: Mono, port: u16) {
        self.resting.push_back((now + self.rest, port));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    fn ports(range: RangeInclusive<u16>, rest: Duration) -> Ports {
        Ports::new(&range, rest, &mut Rng::from_number(1))
    }

    fn taken(ports: &mut Ports, now: Mono) -> Vec<u16> {
        std::iter::from_fn(|| ports.take(now)).collect()
    }

    #[test]
    fn ports_are_even_and_have_their_rtcp_port_in_the_range() {
        let mut taken = taken(&mut ports(10_001..=10_006, Duration::ZERO), at(0));
        taken.sort_unstable();
        assert_eq!(taken, [10_002, 10_004]);
        assert_eq!(ports(65_534..=65_535, Duration::ZERO).len(), 1);
    }

    #[test]
    fn the_order_is_shuffled_and_each_port_is_there_once() {
        let mut all = taken(&mut ports(16_384..=32_767, Duration::ZERO), at(0));
        let in_order = all.windows(2).filter(|pair| pair[1] == pair[0] + 2).count();
        assert!(in_order < 10, "{in_order}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8192);
    }

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let mut ports = ports(10_000..=10_003, Duration::from_secs(50));
        let taken = taken(&mut ports, at(0));
        ports.give_back(at(1), taken[1]);
        ports.give_back(at(2), taken[0]);
        assert_eq!(ports.take(at(51)), Some(taken[1]));
        assert_eq!(ports.take(at(52)), Some(taken[0]));
    }

    #[test]
    fn when_there_is_no_other_a_tenth_of_the_rest_is_enough() {
        let mut ports = ports(10_000..=10_001, Duration::from_secs(50));
        assert_eq!(ports.take(at(0)), Some(10_000));
        ports.give_back(at(1), 10_000);
        assert_eq!(ports.take(at(5)), None);
        assert_eq!(ports.take(at(6)), Some(10_000));
    }

    #[test]
    fn the_port_that_was_unused_for_longest_comes_first() {
        let mut ports = ports(10_000..=10_007, Duration::from_secs(1));
        let first = ports.take(at(0)).unwrap();
        ports.give_back(at(0), first);
        assert_eq!(taken(&mut ports, at(9)).last(), Some(&first));
    }
}
