//! `callback`: a node that promises to call back.

use std::sync::Arc;
use std::time::Duration;

use yaml::{Map, Value};

use super::{BESIDE, Reader, table};
use crate::ReferenceKind;
use crate::flow::Callback;

const ATTEMPTS: u8 = 3;
/// How long after one attempt to call back the next one comes: usually, at least and at most.
const RETRY: Duration = Duration::from_secs(600);
const RETRIES: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);
/// What is called if nothing is written.
const NUMBER: &str = "caller.number";

impl<'a> Reader<'a> {
    pub(super) fn callback(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Callback> {
        let next = self.next(node);
        let map = value.map_with(&table::CALLBACK.shape, BESIDE)?;
        let mut named = |key, kind| {
            map.optional(key).and_then(|value| {
                let name: Arc<str> = Arc::from(value.name()?);
                self.refer(kind, Arc::clone(&name), value);
                Some(name)
            })
        };
        let (queue, hours) = (named("queue", ReferenceKind::Queue), named("hours", ReferenceKind::Calendar));
        let except = named("except", ReferenceKind::Table);
        for key in ["queue", "hours"] {
            let _ = map.required(key);
        }
        let number = match map.optional("number") {
            Some(value) => self.expression(value, None),
            None => self.expression_of(value, NUMBER, None, &[]),
        };
        let attempts = map.optional("attempts").map_or(Some(ATTEMPTS), |value| value.integer(1..=10));
        let retry = map.optional("retry").map_or(Some(RETRY), |value| value.duration_in(RETRIES));
        let refused = map.required("refused").and_then(|value| self.last_outcome(value));
        self.callbacks.push(value.key_place());
        Some(Callback {
            queue: queue?,
            hours: hours?,
            number: number?,
            attempts: attempts?,
            retry: retry?,
            except,
            refused: refused?,
            next: next?,
        })
    }
}
