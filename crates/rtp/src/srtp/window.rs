//! The index of a packet, and which packets of a stream were seen.

/// Packets back from the newest that are told apart; older ones are refused (RFC 3711 section 3.3.2 asks for 64).
const SIZE: u64 = u128::BITS as u64;

/// The index of the packet with that sequence number that is nearest to `highest` (RFC 3711 section 3.3.1, appendix A).
pub(crate) fn estimate(highest: u64, sequence: u16) -> u64 {
    let (roc, last) = (highest >> 16, u16::try_from(highest & 0xffff).unwrap_or(0));
    let ahead = i32::from(sequence) - i32::from(last);
    let roc = match ahead {
        ..-0x8000 => roc + 1,
        // Before the stream began there is nothing: then it is a long way ahead.
        0x8001.. => roc.saturating_sub(1),
        _ => roc,
    };
    (roc << 16) | u64::from(sequence)
}

/// What was seen of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    highest: u64,
    /// Bit n is set if the packet n before the highest was seen.
    seen: u128,
}

impl Window {
    /// A stream of which one packet was seen.
    pub const fn new(index: u64) -> Self {
        Self { highest: index, seen: 1 }
    }

    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// True for a packet that was not seen, and is not older than what is remembered.
    pub fn is_new(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(back) => back < SIZE && self.seen >> back & 1 == 0,
        }
    }

    /// Takes note of a packet that has proven itself.
    pub fn note(&mut self, index: u64) {
        match self.highest.checked_sub(index) {
            Some(back) => self.seen |= 1u128.checked_shl(u32::try_from(back).unwrap_or(u32::MAX)).unwrap_or(0),
            None => {
                let ahead = u32::try_from(index - self.highest).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.highest = index;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_nearest_index_is_taken() {
        let cases = [
            (0, 1, 1),
            (0x7fff, 0xffff, 0xffff),
            (0, 0x8000, 0x8000),
            // A jump ahead at the stream's begin.
            (0, 0x8001, 0x8001),
            (0xffff, 0, 0x1_0000),
            (0xfff0, 0x7ff0, 0x7ff0),
            (0xfff0, 0x7fef, 0x1_7fef),
            (0x1_0005, 0xfffe, 0xfffe),
            (0x5_0000, 0xffff, 0x4_ffff),
            (0x5_8000, 0, 0x5_0000),
        ];
        for (highest, sequence, index) in cases {
            assert_eq!(estimate(highest, sequence), index, "{highest:x} {sequence:x}");
        }
    }

    proptest! {
        /// Any packet less than 2¹⁵ away is found again by its sequence number.
        #[test]
        fn what_is_near_is_found(highest in 0x8000u64..(1 << 40), away in -0x7fffi64..0x7fff) {
            let index = highest.checked_add_signed(away).unwrap();
            prop_assert_eq!(estimate(highest, u16::try_from(index & 0xffff).unwrap()), index);
        }

        /// Against a model that remembers all.
        #[test]
        fn no_packet_counts_twice(steps in proptest::collection::vec(0u64..400, 1..300)) {
            let first = 500;
            let (mut window, mut model) = (Window::new(first), std::collections::BTreeSet::from([first]));
            for step in steps {
                let newest = *model.last().unwrap();
                let index = newest + 100 - step.min(newest + 100);
                let expected = !model.contains(&index) && index + SIZE > newest;
                prop_assert_eq!(window.is_new(index), expected);
                if expected {
                    window.note(index);
                    model.insert(index);
                }
            }
        }
    }
}
