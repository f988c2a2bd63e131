//! Hash tables whose keys are numbers that we gave ourselves.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table by ids of ours. Its hash is a multiplication: nobody outside chooses our ids, so that none can be made to
/// collide, and the general hash costs ten times as much.
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// 2⁶⁴ divided by the golden ratio: it spreads ids that follow one another over the upper bits, and over the lower ones
/// once those are folded down.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of [`IdMap`], for keys that are one number.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number) * u128::from(SPREAD);
        let [low, high] = [product & u128::from(u64::MAX), product >> 64].map(|half| u64::try_from(half).unwrap_or(0));
        self.0 = low ^ high;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::hash::BuildHasher;

    use super::*;
    use crate::{IdGen, Wall};

    /// A table uses the lowest bits for the place and the highest seven to tell entries of a place apart.
    #[test]
    fn ids_that_follow_one_another_are_spread_in_both_halves_of_the_hash() {
        let mut ids = IdGen::new(3, Wall::from_unix_micros(1_795_253_400_125_000));
        let hasher = BuildHasherDefault::<IdHasher>::default();
        let (mut low, mut high) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..10_000 {
            let hash = hasher.hash_one(ids.call());
            *low.entry(hash & 0x3ff).or_insert(0) += 1;
            *high.entry(hash >> 57).or_insert(0) += 1;
        }
        assert!(low.len() > 1000 && low.values().max() < Some(&30), "{} places", low.len());
        assert!(high.len() == 128 && high.values().max() < Some(&160), "{high:?}");
    }
}
