//! What the queues cannot do yet. It has its full spelling, so that files need not change when they can. Until then it is held
//! against its shape and refused at its place: nothing that is written is passed over.

use std::time::Duration;

use yaml::{Map, Value};

use super::{BESIDE, Reader, table};

/// The most skills that a call may need.
pub(super) const MAX_SKILLS: usize = 20;

/// How long after one attempt to call back the next one comes.
const RETRY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));

impl<'a> Reader<'a> {
    /// `priority` and `skills` of a queue.
    pub(super) fn refuse_of_queue(map: Map<'a>) {
        if let Some(value) = map.optional("priority")
            && value.integer(0..=100_u8).is_some()
        {
            value.fault_at_key("the queues cannot do this yet: who came first is served first", "remove `priority`");
        }
        if let Some(value) = map.optional("skills")
            && skills(value).is_some()
        {
            let remedy = "remove `skills`; a queue for those agents alone does the same until then";
            value.fault_at_key("the queues cannot do this yet: agents have no skills", remedy);
        }
    }

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

/// Names, or names with the least level of each.
fn skills(value: Value<'_>) -> Option<()> {
    if !value.is_map() {
        let names = value.one_or_list();
        let read: Vec<_> = names.iter().map(|name| name.name()).collect();
        check_number(value, names.len())?;
        return read.into_iter().collect::<Option<Vec<_>>>().map(drop);
    }
    let entries = value.entries("skills by their names")?;
    check_number(value, entries.len())?;
    let read: Vec<_> = entries.iter().map(|(name, least)| (name.name(), least.integer(0..=100_u8))).collect();
    read.into_iter().all(|(name, least)| name.is_some() && least.is_some()).then_some(())
}

fn check_number(value: Value<'_>, number: usize) -> Option<()> {
    if (1..=MAX_SKILLS).contains(&number) {
        return Some(());
    }
    value.fault_at_key(
        format!("a call needs 1 to {MAX_SKILLS} skills, not {number}"),
        "remove `skills` if it needs none",
    );
    None
}
