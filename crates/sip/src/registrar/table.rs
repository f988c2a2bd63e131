//! Bindings by address of record, and their ends (RFC 3261 10.3 steps 6 to 8).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use base::{Mono, Now, TimerToken, Timers};
use sip_message::{AnyUri, HeaderName, NameAddr, Request};

use super::request::{Sent, Wish, Wishes, q_text};
use super::{Binding, Location, RegistrarConfig, RegistrarEvent, Reply};
use crate::Flow;

/// The registrar. See the module's documentation.
pub struct Registrar {
    config: RegistrarConfig,
    /// Ordered, so that it can be listed page by page. None is empty.
    records: BTreeMap<Arc<str>, Vec<Kept>>,
    timers: Timers<(Arc<str>, u64)>,
    events: VecDeque<RegistrarEvent>,
    order: u64,
}

struct Kept {
    binding: Binding,
    end: TimerToken,
}

impl Registrar {
    /// A registrar without bindings.
    #[must_use]
    pub fn new(config: RegistrarConfig) -> Self {
        Self { config, records: BTreeMap::new(), timers: Timers::default(), events: VecDeque::new(), order: 0 }
    }

    /// Does what a REGISTER for the address of record `record` asks for, which its sender has been proven to own, and
    /// says how to answer. A failure changes nothing.
    pub fn register(&mut self, now: Now, record: &Arc<str>, request: &Request, flow: Flow) -> Reply {
        // A binding whose time is over must not stand in the answer, though its timer may be late.
        self.handle_timeout(now);
        let wishes = match Wishes::read(request, &self.config) {
            Ok(wishes) => wishes,
            Err(reply) => return reply,
        };
        let sent = Sent::read(request, flow);
        if let Err(status) = self.check(record, &wishes, &sent) {
            return Reply::of(status);
        }
        match wishes {
            Wishes::RemoveAll => self.remove_all(record),
            Wishes::Each(wishes) => {
                for wish in wishes {
                    self.remove_or_bind(now.monotonic, record, wish, &sent);
                }
            }
        }
        Reply { status: 200, headers: self.contacts(now.monotonic, record) }
    }

    /// The bindings of an address of record, the newest first.
    #[must_use]
    pub fn bindings(&self, record: &str) -> Vec<&Binding> {
        let kept = self.records.get(record).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<&Binding> = kept.iter().map(|kept| &kept.binding).collect();
        found.sort_by_key(|binding| std::cmp::Reverse(binding.order));
        found
    }

    /// The binding that its user prefers; of several, the one that was set or renewed last.
    #[must_use]
    pub fn preferred(&self, record: &str) -> Option<&Binding> {
        self.records.get(record)?.iter().map(|kept| &kept.binding).max_by_key(|binding| (binding.q, binding.order))
    }

    /// The addresses of record that have bindings, in order, from the one behind `after`.
    pub fn records(&self, after: Option<&str>) -> impl Iterator<Item = &Arc<str>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.records.range::<str, _>((from, Bound::Unbounded)).map(|(record, _)| record)
    }

    /// Removes every binding of the addresses of record that `stays` denies.
    pub fn keep(&mut self, stays: impl Fn(&str) -> bool) {
        let gone: Vec<Arc<str>> = self.records.keys().filter(|record| !stays(record)).cloned().collect();
        for record in gone {
            self.remove_all(&record);
        }
    }

    /// Removes what has ended.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((record, order)) = self.timers.pop_due(now.monotonic) {
            self.remove(&record, true, |binding| binding.order == order);
        }
    }

    /// When to call [`Registrar::handle_timeout`]; `None`: nothing is bound.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.poll_timeout()
    }

    /// The next change.
    pub fn poll_event(&mut self) -> Option<RegistrarEvent> {
        self.events.pop_front()
    }

    /// How many bindings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    /// The bindings of an address of record as they are kept over a restart, the oldest first.
    #[must_use]
    pub fn locations(&self, now: Now, record: &str) -> Vec<Location> {
        let location = |binding: &Binding| Location {
            contact: binding.contact.clone(),
            q: binding.q,
            flow: binding.flow,
            ends: now.wall + binding.ends.since(now.monotonic),
            agent: binding.agent.clone(),
            call_id: binding.call_id.clone(),
            cseq: binding.cseq,
        };
        self.bindings(record).into_iter().rev().map(location).collect()
    }

    /// Takes back what [`Registrar::locations`] gave before a restart. False if it has ended meanwhile or is beyond our
    /// limits. It stays no longer than it could if it were new, whatever the wall clock did.
    pub fn restore(&mut self, now: Now, record: &Arc<str>, location: Location) -> bool {
        let Location { contact, q, flow, ends, agent, call_id, cseq } = location;
        let wish = Wish { contact, q, time: ends.since(now.wall).min(self.config.max_expires) };
        if wish.time.is_zero() || !self.has_room(record, std::slice::from_ref(&wish)) {
            return false;
        }
        self.bind(now.monotonic, record, wish, &Sent { flow, agent, call_id, cseq }, true);
        true
    }

    /// 10.3 steps 6 and 7: a request of the same call must be newer than what it changes. And our limits.
    fn check(&self, record: &str, wishes: &Wishes, sent: &Sent) -> Result<(), u16> {
        let kept = self.records.get(record).map(Vec::as_slice).unwrap_or_default();
        let touched = |binding: &Binding| match wishes {
            Wishes::RemoveAll => true,
            Wishes::Each(wishes) => wishes.iter().any(|wish| wish.contact.matches(&binding.contact)),
        };
        let old = |binding: &Binding| binding.call_id == sent.call_id && sent.cseq <= binding.cseq;
        if kept.iter().any(|kept| touched(&kept.binding) && old(&kept.binding)) {
            return Err(500);
        }
        match wishes {
            Wishes::Each(wishes) if !self.has_room(record, wishes) => Err(403),
            _ => Ok(()),
        }
    }

    /// True if the contacts can be bound within our limits. Each is counted as new unless it is known.
    fn has_room(&self, record: &str, wishes: &[Wish]) -> bool {
        let kept = self.records.get(record).map(Vec::as_slice).unwrap_or_default();
        let known = |contact: &AnyUri| kept.iter().any(|kept| kept.binding.contact.matches(contact));
        let added = wishes.iter().filter(|wish| !wish.time.is_zero() && !known(&wish.contact)).count();
        let contacts = kept.len().saturating_add(added) <= self.config.max_contacts;
        contacts && (added == 0 || !kept.is_empty() || self.records.len() < self.config.max_records)
    }

    fn remove_or_bind(&mut self, now: Mono, record: &Arc<str>, wish: Wish, sent: &Sent) {
        if wish.time.is_zero() {
            self.remove(record, false, |binding| binding.contact.matches(&wish.contact));
        } else {
            self.bind(now, record, wish, sent, false);
        }
    }

    fn bind(&mut self, now: Mono, record: &Arc<str>, wish: Wish, sent: &Sent, restored: bool) {
        self.order += 1;
        let (order, ends) = (self.order, now + wish.time);
        let Wish { contact, q, .. } = wish;
        let Sent { flow, agent, call_id, cseq } = sent.clone();
        let binding = Binding { contact, q, flow, ends, agent, call_id, cseq, order };
        let end = self.timers.set(ends, (record.clone(), order));
        let list = self.records.entry(record.clone()).or_default();
        let first = list.is_empty();
        let known = list.iter_mut().find(|kept| kept.binding.contact.matches(&binding.contact));
        let new = known.is_none() && !restored;
        match known {
            Some(kept) => {
                let before = std::mem::replace(kept, Kept { binding, end });
                self.timers.cancel(before.end);
            }
            None => list.push(Kept { binding, end }),
        }
        self.events.push_back(RegistrarEvent::Bound { record: record.clone(), new, first });
    }

    fn remove_all(&mut self, record: &Arc<str>) {
        while self.remove(record, false, |_| true) {}
    }

    /// Removes the first binding that `is_it`. False if there is none.
    fn remove(&mut self, record: &Arc<str>, expired: bool, is_it: impl Fn(&Binding) -> bool) -> bool {
        let Some(list) = self.records.get_mut(record) else { return false };
        let Some(place) = list.iter().position(|kept| is_it(&kept.binding)) else { return false };
        let gone = list.remove(place);
        let last = list.is_empty();
        self.timers.cancel(gone.end);
        if last {
            self.records.remove(record);
        }
        self.events.push_back(RegistrarEvent::Unbound { record: record.clone(), expired, last });
        true
    }

    /// The Contact header fields of a 200, the newest binding first (10.3 step 8).
    fn contacts(&self, now: Mono, record: &str) -> Vec<(String, String)> {
        let value = |binding: &Binding| {
            let left = binding.ends.since(now).as_secs().to_string();
            let contact = NameAddr::new(binding.contact.clone()).with_param("q", Some(&q_text(binding.q)));
            contact.with_param("expires", Some(&left)).to_string()
        };
        let name = HeaderName::Contact.as_str();
        self.bindings(record).into_iter().map(|binding| (name.to_owned(), value(binding))).collect()
    }
}
