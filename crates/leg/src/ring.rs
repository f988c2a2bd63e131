//! A ring of octets placed by timestamp, that knows of each octet whether it was put there.

use audio::Law;

/// Octets of the ring: 512 ms, a power of two.
pub(crate) const CAPACITY: usize = 4096;

/// Octets and the bits that say which of them are there.
pub(crate) struct Ring {
    octets: [u8; CAPACITY],
    present: [u64; CAPACITY / 64],
}

impl Ring {
    pub(crate) const fn new() -> Self {
        Self { octets: [0; CAPACITY], present: [0; CAPACITY / 64] }
    }

    /// Forgets everything.
    pub(crate) const fn clear(&mut self) {
        self.present = [0; CAPACITY / 64];
    }

    /// Forgets `length` octets from `at` on.
    pub(crate) fn forget(&mut self, at: u32, length: usize) {
        words(at, length, |word, mask| {
            if let Some(bits) = self.present.get_mut(word) {
                *bits &= !mask;
            }
        });
    }

    /// How many of `length` octets from `at` on are there.
    pub(crate) fn count(&self, at: u32, length: usize) -> usize {
        let mut count = 0;
        words(at, length, |word, mask| {
            count += self.present.get(word).map_or(0, |bits| (bits & mask).count_ones());
        });
        usize::try_from(count).unwrap_or(0)
    }

    /// Puts octets of `from` at their place, as `to`. Octets that are there already are written again.
    pub(crate) fn put(&mut self, at: u32, audio: &[u8], from: Law, to: Law) {
        let start = index(at);
        let (head, tail) = audio.split_at_checked(CAPACITY - start).unwrap_or((audio, &[]));
        for (place, part) in [(start, head), (0, tail)] {
            if let Some(room) = self.octets.get_mut(place..).and_then(|rest| rest.get_mut(..part.len())) {
                if from == to { room.copy_from_slice(part) } else { from.transcode(to, part, room) }
            }
        }
        words(at, audio.len(), |word, mask| {
            if let Some(bits) = self.present.get_mut(word) {
                *bits |= mask;
            }
        });
    }

    /// Copies what lies from `at` on, there or not.
    pub(crate) fn copy(&self, at: u32, out: &mut [u8]) {
        let start = index(at);
        let (head, tail) = out.split_at_mut(out.len().min(CAPACITY - start));
        for (place, part) in [(start, head), (0, tail)] {
            if let Some(octets) = self.octets.get(place..).and_then(|rest| rest.get(..part.len())) {
                part.copy_from_slice(octets);
            }
        }
    }

    /// The octet at `at`, if it is there.
    pub(crate) fn octet(&self, at: u32) -> Option<u8> {
        let index = index(at);
        let bits = self.present.get(index / 64)?;
        if bits >> (index % 64) & 1 == 0 {
            return None;
        }
        self.octets.get(index).copied()
    }
}

fn index(at: u32) -> usize {
    // The capacity divides 2³², so places stay in order when timestamps wrap.
    usize::try_from(at).unwrap_or(0) % CAPACITY
}

/// Calls `each` with the words of `present`, and the bits in them, that stand for `length` octets from `at` on.
fn words(at: u32, length: usize, mut each: impl FnMut(usize, u64)) {
    let mut start = index(at);
    let mut left = length.min(CAPACITY);
    while left > 0 {
        let bit = start % 64;
        let count = left.min(64 - bit);
        let mask = (u64::MAX >> (64 - count)) << bit;
        each(start / 64, mask);
        start = (start + count) % CAPACITY;
        left -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_come_back_over_the_seam_and_over_wrapped_timestamps() {
        for at in [0, 63, 4000, u32::MAX - 50] {
            let mut ring = Ring::new();
            let audio: Vec<u8> = (0..160).collect();
            ring.put(at, &audio, Law::Ulaw, Law::Ulaw);
            let mut out = [0; 160];
            ring.copy(at, &mut out);
            assert_eq!((&out[..], ring.count(at, 160), ring.count(at, 4096)), (&audio[..], 160, 160), "{at}");
            assert_eq!(ring.count(at.wrapping_sub(10), 20), 10);
            assert_eq!((ring.octet(at.wrapping_add(159)), ring.octet(at.wrapping_add(160))), (Some(159), None));
            ring.forget(at, 100);
            assert_eq!(ring.count(at, 160), 60);
        }
    }

    #[test]
    fn the_other_law_is_turned_into_ours() {
        let mut ring = Ring::new();
        ring.put(0, &[Law::Alaw.silence(); 4], Law::Alaw, Law::Ulaw);
        assert!(Law::Ulaw.decode_sample(ring.octet(0).unwrap()).abs() < 16);
    }
}
