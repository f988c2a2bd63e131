//! Callers who wait, by their numbers: one who is gone and calls again stands where he stood, and one who calls twice is seen.
//!
//! Whether somebody hung up or was cut off cannot be told apart: a phone that loses its network says nothing, and a phone that is
//! switched off may say BYE. So whoever was gone while he waited has his place back, if his queue keeps it for so long.

use std::collections::{BTreeMap, BTreeSet};

use acd::QueueName;
use base::{CallId, Mono, Now};
use journal::Kind;

use crate::is_number;
use crate::switch::Switch;

/// So many places are kept; beyond them that one goes which was left first.
const MAX_PLACES: usize = 10_000;

/// A queue, and the number of who came to it.
type Key = (QueueName, String);

/// A place in line that somebody left.
#[derive(Clone, Copy, Debug)]
struct Left {
    call: CallId,
    joined: Mono,
    at: Mono,
}

/// Who waits, and who did.
#[derive(Debug, Default)]
pub(crate) struct Returning {
    left: BTreeMap<Key, Left>,
    oldest: BTreeSet<(Mono, Key)>,
    /// Of each number that waits, the call that came first.
    waits: BTreeMap<Key, CallId>,
}

impl Returning {
    fn keep(&mut self, key: Key, left: Left) {
        self.forget(&key);
        self.oldest.insert((left.at, key.clone()));
        self.left.insert(key, left);
        if self.left.len() > MAX_PLACES
            && let Some((_, key)) = self.oldest.pop_first()
        {
            self.left.remove(&key);
        }
    }

    fn forget(&mut self, key: &Key) -> Option<Left> {
        let left = self.left.remove(key)?;
        self.oldest.remove(&(left.at, key.clone()));
        Some(left)
    }
}

/// What is known of one who comes to a queue.
pub(crate) enum Known {
    /// Nothing.
    Stranger,
    /// His number waits there already, in this call.
    Twice(CallId),
    /// He waited there until this call ended, since this time.
    Again(CallId, Mono),
}

impl Switch {
    /// Somebody comes to a queue.
    pub(crate) fn known_in(&mut self, now: Now, call: CallId, queue: &QueueName) -> Known {
        let Some(key) = self.key_of(call, queue) else { return Known::Stranger };
        if let Some(first) = self.returning.waits.get(&key) {
            return Known::Twice(*first);
        }
        let keeps = self.config.waiting.get(queue).and_then(|waiting| waiting.resume).unwrap_or_default();
        match self.returning.forget(&key) {
            Some(left) if now.monotonic - left.at <= keeps => Known::Again(left.call, left.joined),
            _ => Known::Stranger,
        }
    }

    /// He waits there now.
    pub(crate) fn waits_in(&mut self, now: Now, call: CallId, queue: &QueueName, known: &Known) {
        if let Some(key) = self.key_of(call, queue) {
            self.returning.waits.entry(key).or_insert(call);
        }
        let queue = queue.shared().clone();
        match known {
            Known::Stranger => {}
            Known::Twice(of) => self.note(now, call, Kind::CalledTwice { queue, waits: *of }),
            Known::Again(before, joined) => {
                let waited_ms = u64::try_from((now.monotonic - *joined).as_millis()).unwrap_or(u64::MAX);
                self.note(now, call, Kind::PlaceResumed { queue, before: *before, waited_ms });
            }
        }
    }

    /// He waits no longer, having done so since he joined that queue or one before it. If he is gone, his place is kept.
    pub(crate) fn waited(&mut self, now: Now, call: CallId, gone: bool) {
        let Some(queue) = self.calls.get_mut(&call).and_then(|found| found.came_to.take()) else { return };
        let Some(key) = self.key_of(call, &queue) else { return };
        // A second call of the same number has no place of its own to come back to.
        if self.returning.waits.get(&key) != Some(&call) {
            return;
        }
        self.returning.waits.remove(&key);
        if gone && self.config.waiting.get(&queue).is_some_and(|waiting| waiting.resume.is_some()) {
            let stood = self.calls.get(&call).and_then(|found| found.stood.as_ref());
            let joined = stood.map_or(now.monotonic, |stood| stood.joined);
            self.returning.keep(key, Left { call, joined, at: now.monotonic });
        }
    }

    /// None for who is known by no number: what withholds it may say anything, and many say the same.
    fn key_of(&self, call: CallId, queue: &QueueName) -> Option<Key> {
        let number = self.calls.get(&call)?.number.reveal();
        let known = is_number(number) || self.config.users.contains_key(number.as_str());
        known.then(|| (queue.clone(), number.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_goes_that_was_left_first() {
        let mut returning = Returning::default();
        let key = |number: usize| (QueueName::from("sales"), number.to_string());
        for number in 0..=MAX_PLACES {
            let at = Mono::from_nanos(u64::try_from(number).unwrap());
            returning.keep(key(number), Left { call: CallId::from_raw(1), joined: Mono::ZERO, at });
        }
        assert_eq!((returning.left.len(), returning.oldest.len()), (MAX_PLACES, MAX_PLACES));
        assert!(returning.forget(&key(0)).is_none() && returning.forget(&key(1)).is_some());
        assert_eq!(returning.left.len(), returning.oldest.len());
    }
}
