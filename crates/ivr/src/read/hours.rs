//! `hours`: a node that asks a calendar.

use std::sync::Arc;

use yaml::Value;

use super::{BESIDE, Reader, table};
use crate::ReferenceKind;
use crate::flow::Hours;

impl<'a> Reader<'a> {
    pub(super) fn hours(&mut self, value: Value<'a>) -> Option<Hours> {
        let map = value.map_with(&table::HOURS.shape, BESIDE)?;
        let calendar = map.required("calendar").and_then(|value| {
            let name: Arc<str> = Arc::from(value.name()?);
            self.refer(ReferenceKind::Calendar, name.clone(), value);
            if let Some(emergency) = map.optional("emergency") {
                self.refer(ReferenceKind::EmergencyOf, name.clone(), emergency);
            }
            Some(name)
        });
        for (key, when) in [("open", "it is open"), ("closed", "it is closed")] {
            let remedy = format!("add `{key}:` with a node's name, or `{key}: hangup`");
            map.fault_if_missing(key, format!("nothing says what follows when {when}"), remedy);
        }
        let mut outcome = |key| map.optional(key).map(|value| self.last_outcome(value));
        let (open, closed) = (outcome("open"), outcome("closed"));
        let [rest, holiday, emergency] = ["break", "holiday", "emergency"].map(outcome);
        let closed = closed??;
        let or_closed = |outcome: Option<_>| outcome.unwrap_or_else(|| Some(closed.clone()));
        Some(Hours {
            calendar: calendar?,
            open: open??,
            rest: or_closed(rest)?,
            holiday: or_closed(holiday)?,
            emergency: or_closed(emergency)?,
            closed,
        })
    }
}
