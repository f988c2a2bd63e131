//! Hash tables give their room back.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Tables with less room than this are left as they are.
const SMALL: usize = 256;
/// With less room than this even when they are empty.
const TINY: usize = 28;

/// Gives back most of a table's room once it holds less than an eighth of that: to be called after removals, so that what a
/// flood made grow does not stay for ever. Moving the rest is paid for by the removals before it, so that the cost is O(1)
/// a removal.
pub fn give_back<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    let room = table.capacity();
    if room > SMALL && table.len() < room / 8 {
        table.shrink_to(room / 4);
    } else if table.is_empty() && room > TINY {
        // Removed entries may take up most of its room, which it does not count then.
        table.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_flood_is_given_back_in_few_steps() {
        let mut table: HashMap<u32, u32> = (0..100_000).map(|n| (n, n)).collect();
        let most = table.capacity();
        let (mut room, mut steps) = (most, 0);
        for n in 10..100_000 {
            table.remove(&n);
            // A removal alone may cost a little room, too.
            let before = table.capacity();
            give_back(&mut table);
            room = table.capacity();
            steps += u32::from(room < before);
        }
        assert!(room <= SMALL && room < most / 8, "{room} of {most}");
        assert!(steps <= 6, "{steps}");
        assert!((0..10).all(|n| table.get(&n) == Some(&n)));
        for n in 0..10 {
            table.remove(&n);
        }
        give_back(&mut table);
        assert_eq!(table.capacity(), 0);
    }
}
