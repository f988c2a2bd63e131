//! Ports: given out in order, given back, rested, given out again.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use base::Mono;

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
    /// The even ports of `range` of which the next is in it too.
    pub(crate) fn new(range: &RangeInclusive<u16>, rest: Duration) -> Self {
        let free = range.clone().filter(|port| port % 2 == 0 && *port != 0 && range.contains(&(port + 1))).collect();
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

    #[test]
    fn ports_are_even_and_have_their_rtcp_port_in_the_range() {
        let mut ports = Ports::new(&(10_001..=10_006), Duration::ZERO);
        let taken: Vec<u16> = std::iter::from_fn(|| ports.take(at(0))).collect();
        assert_eq!(taken, [10_002, 10_004]);
        assert_eq!(Ports::new(&(65_534..=65_535), Duration::ZERO).len(), 1);
    }

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let mut ports = Ports::new(&(10_000..=10_003), Duration::from_secs(50));
        let taken = (ports.take(at(0)), ports.take(at(0)));
        assert_eq!(taken, (Some(10_000), Some(10_002)));
        ports.give_back(at(1), 10_002);
        ports.give_back(at(2), 10_000);
        assert_eq!(ports.take(at(51)), Some(10_002));
        assert_eq!(ports.take(at(52)), Some(10_000));
    }

    #[test]
    fn when_there_is_no_other_a_tenth_of_the_rest_is_enough() {
        let mut ports = Ports::new(&(10_000..=10_001), Duration::from_secs(50));
        assert_eq!(ports.take(at(0)), Some(10_000));
        ports.give_back(at(1), 10_000);
        assert_eq!(ports.take(at(5)), None);
        assert_eq!(ports.take(at(6)), Some(10_000));
    }

    #[test]
    fn the_port_that_was_unused_for_longest_comes_first() {
        let mut ports = Ports::new(&(10_000..=10_007), Duration::from_secs(1));
        let first = ports.take(at(0)).unwrap();
        ports.give_back(at(0), first);
        let next: Vec<u16> = (0..4).filter_map(|_| ports.take(at(9))).collect();
        assert_eq!(next, [10_002, 10_004, 10_006, 10_000]);
    }
}
