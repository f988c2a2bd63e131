//! What the queues cannot do yet. It has its full spelling, so that files need not change when they can. Until then it is held
//! against its shape and refused at its place: nothing that is written is passed over.

use std::time::Duration;

use yaml::{Map, Value};

use super::{BESIDE, Reader, table};

/// How long after one attempt to call back the next one comes.
const RETRY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));

impl<'a> Reader<'a> {
    /// `callback`.
    pub(super) fn refuse_callback(&mut self, node: Map<'a>, value: Value<'a>) {
        let next = self.next(node);
        let Some(map) = value.map_with(&table::CALLBACK.shape, BESIDE) else { return };
        let queue = map.required("queue").and_then(|value| value.name());
        let hours = map.required("hours").and_then(|value| value.name());
        let refused = map.required("refused").and_then(|value| self.last_outcome(value));
        let number = map.optional("number").is_none_or(|value| self.expression(value, None).is_some());
        let attempts = map.optional("attempts").is_none_or(|value| value.integer(1..=10_u8).is_some());
        let retry = map.optional("retry").is_none_or(|value| value.duration_in(RETRY.0..=RETRY.1).is_some());
        let names = next.is_some() && queue.is_some() && hours.is_some() && refused.is_some();
        if names && number && attempts && retry {
            let message = "the queues cannot do this yet: they keep no place for one who is to be called back";
            value.fault_at_key(message, "remove this node, and lead callers elsewhere");
        }
    }
}
