//! `queue`, `dial` and `transfer`: nodes that connect the caller with someone.

use std::sync::Arc;
use std::time::Duration;

use yaml::{Map, Value};

use super::ask::{duration, one_key};
use super::{BESIDE, Reader, table};
use crate::flow::{Dial, Outcome, Prompt, Queue, Target};
use crate::{DialTarget, Need, ReferenceKind, WayIn};

const DEFAULT_RING: Duration = Duration::from_secs(30);
/// The most skills that a call may need.
pub(super) const MAX_SKILLS: usize = 8;
/// The least level of a skill of which none is said.
const LEAST_LEVEL: u8 = 1;

impl<'a> Reader<'a> {
    pub(super) fn queue(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Queue> {
        let next = self.next(node);
        // If `next` is at fault, that was said; outcomes need not repeat it.
        let otherwise = next.unwrap_or(Target::Hangup);
        let map = if value.is_map() { Some(value.map_with(&table::QUEUE.shape, BESIDE)?) } else { None };
        let name = map.map_or(Some(value), |map| map.required("name")).and_then(|value| {
            let name: Arc<str> = Arc::from(value.name()?);
            self.refer(ReferenceKind::Queue, name.clone(), value);
            let closed = map.and_then(|map| map.optional("closed")).map(|closed| closed.key_place());
            self.ways_in.push(WayIn { queue: name.clone(), place: value.place(), closed });
            Some(name)
        });
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
        let max_wait = match map.and_then(|map| map.optional("max_wait")) {
            Some(value) => value.duration_in(least..=most).map(Some),
            None => Some(None),
        };
        let priority = match map.and_then(|map| map.optional("priority")) {
            Some(value) => value.integer(0..=100_u8).map(Some),
            None => Some(None),
        };
        let skills = match map.and_then(|map| map.optional("skills")) {
            Some(value) => self.skills(name.clone(), value),
            None => Some(Vec::new()),
        };
        let hear = match map.and_then(|map| map.optional("hear")) {
            Some(value) => self.prompt(value),
            None => Some(Prompt::default()),
        };
        let keys = match map.and_then(|map| map.optional("keys")) {
            Some(value) => self.queue_keys(value),
            None => Some(Vec::new()),
        };
        let announce = self.announce(map);
        let mut outcome = |key| self.outcome_of(map, key, otherwise);
        let (timed_out, full) = (outcome("timed_out"), outcome("full"));
        let no_agents = outcome("no_agents");
        let closed = match map.and_then(|map| map.optional("closed")) {
            Some(value) => self.last_outcome(value).map(Some),
            None => Some(None),
        };
        Some(Queue {
            name: name?,
            max_wait: max_wait?,
            priority: priority?,
            skills: skills?,
            hear: hear?,
            keys: keys?,
            announce: announce?,
            timed_out: timed_out?,
            full: full?,
            no_agents: no_agents?,
            closed: closed?,
            next: next?,
        })
    }

    /// Skills that a call needs: names, or names with the least level of each.
    fn skills(&mut self, queue: Option<Arc<str>>, value: Value<'a>) -> Option<Vec<(Arc<str>, u8)>> {
        let read: Vec<Option<(Value<'a>, Arc<str>, u8)>> = if value.is_map() {
            let entries = value.entries("skills by their names")?;
            let read = |(name, least): (Value<'a>, Value<'a>)| {
                let (known, least) = (name.name().map(Arc::from), least.integer(0..=100_u8));
                Some((name, known?, least?))
            };
            entries.into_iter().map(read).collect()
        } else {
            let read = |name: Value<'a>| name.name().map(|known| (name, Arc::from(known), LEAST_LEVEL));
            value.one_or_list().into_iter().map(read).collect()
        };
        if !(1..=MAX_SKILLS).contains(&read.len()) {
            value.fault_at_key(
                format!("a call needs 1 to {MAX_SKILLS} skills, not {}", read.len()),
                "remove `skills` if it needs none",
            );
            return None;
        }
        let read: Vec<(Value<'a>, Arc<str>, u8)> = read.into_iter().collect::<Option<_>>()?;
        for (number, (place, skill, least)) in read.iter().enumerate() {
            if read.iter().take(number).any(|(_, other, _)| other == skill) {
                place.fault(format!("`{skill}` is given twice"), "keep one of them");
                return None;
            }
            if let Some(queue) = &queue {
                let (queue, skill, least, place) = (queue.clone(), skill.clone(), *least, place.place());
                self.needs.push(Need { queue, skill, least, place });
            }
        }
        Some(read.into_iter().map(|(_, skill, least)| (skill, least)).collect())
    }

    /// The keys that lead out of a queue.
    fn queue_keys(&mut self, value: Value<'a>) -> Option<Vec<(char, Outcome)>> {
        let entries = value.entries("the keys of a queue, such as `1: leave-a-message`")?;
        if entries.is_empty() {
            value.fault_at_key("`keys` names none", "add one, such as `1: leave-a-message`, or remove `keys`");
            return None;
        }
        let keys: Vec<_> = entries.into_iter().map(|(key, value)| (one_key(key), self.last_outcome(value))).collect();
        keys.into_iter().map(|(key, outcome)| Some((key?, outcome?))).collect()
    }

    pub(super) fn dial(&mut self, node: Map<'a>, value: Value<'a>) -> Option<Dial> {
        let next = self.next(node);
        // If `next` is at fault, that was said; outcomes need not repeat it.
        let otherwise = next.unwrap_or(Target::Hangup);
        let map = if value.is_map() { Some(value.map_with(&table::DIAL.shape, BESIDE)?) } else { None };
        let target = map.map_or(Some(("user", value)), |map| map.one_of(&["user", "number"]));
        let target = target.and_then(|target| self.whom(target, ReferenceKind::Number));
        let ring_time =
            map.map_or(Some(DEFAULT_RING), |map| duration(map, "ring_time", DEFAULT_RING.as_secs(), 1..=300));
        let mut outcome = |key| self.outcome_of(map, key, otherwise);
        let (busy, no_answer) = (outcome("busy"), outcome("no_answer"));
        let (declined, failed) = (outcome("declined"), outcome("failed"));
        Some(Dial {
            leaves: false,
            target: target?,
            ring_time: ring_time?,
            busy: busy?,
            no_answer: no_answer?,
            declined: declined?,
            failed: failed?,
            next: next?,
        })
    }

    /// A dial from which the caller does not come back. Who is not sent on must go somewhere: to `failed`, if nothing else is
    /// written.
    pub(super) fn transfer(&mut self, value: Value<'a>) -> Option<Dial> {
        let map = value.map_with(&table::TRANSFER.shape, BESIDE)?;
        let target = map.one_of(&["user", "number"]).and_then(|target| self.whom(target, ReferenceKind::Onward));
        let ring_time = duration(map, "ring_time", DEFAULT_RING.as_secs(), 1..=300);
        let failed = map.required("failed").and_then(|value| self.last_outcome(value));
        let mut outcome = |key| match map.optional(key) {
            Some(value) => self.last_outcome(value),
            None => failed.clone(),
        };
        let (busy, no_answer, declined) = (outcome("busy"), outcome("no_answer"), outcome("declined"));
        Some(Dial {
            leaves: true,
            target: target?,
            ring_time: ring_time?,
            busy: busy?,
            no_answer: no_answer?,
            declined: declined?,
            failed: failed?,
            next: Target::Hangup,
        })
    }

    /// Whom a node rings: a user, or a number, which the company looks up as `kind`.
    fn whom(&mut self, (key, value): (&str, Value<'a>), kind: ReferenceKind) -> Option<DialTarget> {
        if key == "user" {
            let name: Arc<str> = Arc::from(value.name()?);
            self.refer(ReferenceKind::User, name.clone(), value);
            return Some(DialTarget::User(name));
        }
        let number = number(value)?;
        self.refer(kind, number.clone(), value);
        Some(DialTarget::Number(number))
    }

    pub(super) fn outcome_of(&mut self, map: Option<Map<'a>>, key: &'static str, otherwise: Target) -> Option<Outcome> {
        match map {
            Some(map) => self.outcome(map, key, otherwise),
            None => Some(Outcome { prompt: Prompt::default(), way: otherwise }),
        }
    }
}

/// A number as a caller would dial it.
fn number(value: Value<'_>) -> Option<Arc<str>> {
    let text = value.string()?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    let dialled = (1..=32).contains(&digits.len()) && digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'*' | b'#'));
    if !dialled {
        let remedy = "write digits alone, maybe with a `+` first, in quotes: `\"+4930123456\"`";
        value.fault("this is not a number that can be dialled", remedy);
        return None;
    }
    Some(Arc::from(text))
}
