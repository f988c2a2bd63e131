//! `voicemail` and `mailbox`: messages that callers leave, and that others hear.

use std::sync::Arc;
use std::time::Duration;

use yaml::{Map, Value};

use super::ask::{duration, end_key, one_key};
use super::{BESIDE, Reader, table};
use crate::ReferenceKind;
use crate::flow::{Mailbox, MessageKeys, Prompt, Review, Target, Voicemail};
use crate::voicemail::USUAL_TIMEOUT;

/// The word for the mailbox of whoever calls.
pub(crate) const OWN: &str = "own";

impl<'a> Reader<'a> {
    pub(super) fn voicemail(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Voicemail> {
        let next = self.next(node);
        // If `next` is at fault, that was said; outcomes need not repeat it.
        let otherwise = next.unwrap_or(Target::Hangup);
        let map = if value.is_map() { Some(value.map_with(&table::VOICEMAIL.shape, BESIDE)?) } else { None };
        let mailbox = map.map_or(Some(value), |map| map.required("mailbox")).and_then(|value| self.mailbox_name(value));
        let prompt = map.and_then(|map| map.optional("greeting"));
        let greeting = prompt.map_or(Some(Prompt::default()), |value| self.prompt(value));
        let time = |key, usual: u64, range| {
            map.map_or(Some(Duration::from_secs(usual)), |map| duration(map, key, usual, range))
        };
        let (max_time, silence) = (time("max_time", 180, 10..=600), time("silence", 5, 1..=30));
        let end = map.and_then(|map| map.optional("end_key")).map_or(Some(Some('#')), end_key);
        let review = match map.and_then(|map| map.optional("review")) {
            Some(value) => self.review(value, otherwise).map(Some),
            None => Some(None),
        };
        let mut outcome = |key| self.outcome_of(map, key, otherwise);
        let (full, empty) = (outcome("full"), outcome("empty"));
        Some(Voicemail {
            mailbox: mailbox?,
            greeting: greeting?,
            max_time: max_time?,
            silence: silence?,
            end_key: end?,
            review: review?,
            full: full?,
            empty: empty?,
            next: next?,
        })
    }

    fn review(&mut self, value: Value<'a>, otherwise: Target) -> Option<Review> {
        let map = value.map(&table::REVIEW.shape)?;
        let prompt = map.required("prompt").and_then(|value| self.prompt(value));
        let deleted = self.outcome(map, "deleted", otherwise);
        let keys = keys(map, value, [("listen", '1'), ("again", '2'), ("keep", '3'), ("delete", '4')]);
        let timeout = duration(map, "timeout", USUAL_TIMEOUT.as_secs(), 1..=60);
        let [listen, again, keep, delete] = keys?;
        Some(Review { prompt: prompt?, listen, again, keep, delete, timeout: timeout?, deleted: deleted? })
    }

    pub(super) fn mailbox(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Mailbox> {
        let next = self.next(node);
        let otherwise = next.unwrap_or(Target::Hangup);
        let map = value.map_with(&table::MAILBOX.shape, BESIDE)?;
        let name = map.required("name").and_then(|value| match value.raw() {
            Some(OWN) => Some(Arc::from(OWN)),
            _ => self.mailbox_name(value),
        });
        let into = match map.optional("into") {
            Some(value) => self.names.variable(value).map(Some),
            None => Some(None),
        };
        let greeting = map.optional("greeting").map_or(Some(Prompt::default()), |value| self.prompt(value));
        let menu = map.required("menu").and_then(|value| self.prompt(value));
        let usual = [("again", '1'), ("skip", '2'), ("delete", '3'), ("keep", '4'), ("leave", '*')];
        let keys = keys(map, value, usual);
        let timeout = duration(map, "timeout", USUAL_TIMEOUT.as_secs(), 1..=60);
        let (empty, denied) = (self.outcome(map, "empty", otherwise), self.outcome(map, "denied", otherwise));
        let [again, skip, delete, keep, leave] = keys?;
        Some(Mailbox {
            name: name?,
            into: into?,
            greeting: greeting?,
            menu: menu?,
            keys: MessageKeys { again, skip, delete, keep, leave },
            timeout: timeout?,
            empty: empty?,
            denied: denied?,
            next: next?,
        })
    }

    fn mailbox_name(&mut self, value: Value<'a>) -> Option<Arc<str>> {
        let name: Arc<str> = Arc::from(value.name()?);
        self.refer(ReferenceKind::Mailbox, name.clone(), value);
        Some(name)
    }
}

/// The keys under these names, each with the one that it is if nothing is written. One key cannot mean two things.
fn keys<const N: usize>(map: Map<'_>, value: Value<'_>, usual: [(&'static str, char); N]) -> Option<[char; N]> {
    let read = usual.map(|(name, usual)| map.optional(name).map_or(Some(usual), one_key));
    let mut keys = [' '; N];
    for (slot, key) in keys.iter_mut().zip(read) {
        *slot = key?;
    }
    let named: Vec<(&str, char)> = usual.iter().zip(keys).map(|((name, _), key)| (*name, key)).collect();
    for (at, (second, key)) in named.iter().enumerate() {
        if let Some((first, _)) = named.iter().take(at).find(|(_, known)| known == key) {
            let message = format!("the key `{key}` cannot mean both `{first}` and `{second}`");
            let all: Vec<String> = usual.iter().map(|(name, usual)| format!("`{name}` is `{usual}`")).collect();
            value.fault_at_key(message, format!("give each a key of its own; if left out {}", all.join(", ")));
            return None;
        }
    }
    Some(keys)
}
