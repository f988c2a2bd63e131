//! `announce` of a queue.

use std::time::Duration;

use yaml::{Map, Value};

use super::{Reader, table};
use crate::flow::SpokenReference;
use crate::{Announce, Spoken};

/// How often something is told to those who wait.
const OFTEN: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

impl<'a> Reader<'a> {
    /// How often the caller is told his place, and how long he will wait.
    pub(super) fn announce(&mut self, map: Option<Map<'a>>) -> Option<Announce> {
        let Some(value) = map.and_then(|map| map.optional("announce")) else { return Some(Announce::default()) };
        let map = value.map(&table::ANNOUNCE.shape)?;
        let told =
            [("position", Spoken::Position), ("wait", Spoken::Wait)].map(|(key, said)| (map.optional(key), said));
        if told.iter().all(|(value, _)| value.is_none()) {
            value.fault_at_key("`announce` says nothing", "write `position: 30s`, `wait: 1m` or both");
            return None;
        }
        let [position, wait] = told.map(|(value, said)| match value {
            Some(value) => self.often(value, said).map(Some),
            None => Some(None),
        });
        Some(Announce { position: position?, wait: wait? })
    }

    fn often(&mut self, value: Value<'a>, said: Spoken) -> Option<Duration> {
        self.spoken.push(SpokenReference { spoken: said, place: value.place() });
        value.duration_in(OFTEN.0..=OFTEN.1)
    }
}
