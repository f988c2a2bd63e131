//! Bindings by address of record, and their ends (RFC 3261 10.3 steps 6 to 8).

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use base::{Mono, Now, TimerToken, Timers};
use sip_message::{AnyUri, HeaderName, NameAddr, Request};

use super::alive::Asker;
use super::request::{Sent, Wish, Wishes, q_text};
use super::{Binding, Location, RegistrarConfig, RegistrarEvent, Reply};
use crate::{ConnectionId, Flow};

/// The registrar. See the module's documentation.
pub struct Registrar {
    config: RegistrarConfig,
    /// Ordered, so that it can be listed page by page. None is empty.
    pub(super) records: BTreeMap<Arc<str>, Vec<Kept>>,
    timers: Timers<(Arc<str>, u64)>,
    pub(super) asker: Option<Asker>,
    pub(super) events: VecDeque<RegistrarEvent>,
    order: u64,
}

pub(super) struct Kept {
    pub(super) binding: Binding,
    end: TimerToken,
    /// The next question to the phone, if it is asked any.
    pub(super) ping: Option<TimerToken>,
}

impl Registrar {
    /// A registrar without bindings.
    #[must_use]
    pub fn new(config: RegistrarConfig) -> Self {
        let (records, timers, events) = (BTreeMap::new(), Timers::default(), VecDeque::new());
        Self { config, records, timers, asker: None, events, order: 0 }
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
        let sent = Sent::read(now, request, flow);
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
        let mut headers = self.contacts(now.monotonic, record);
        // RFC 3327 5.3: the phone is told which way calls will take.
        let path = request.head.headers(HeaderName::Path).map(|value| (HeaderName::Path.as_str(), value));
        headers.extend(path.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Reply { status: 200, headers }
    }

    /// The bindings of an address of record, the newest first.
    #[must_use]
    pub fn bindings(&self, record: &str) -> Vec<&Binding> {
        let kept = self.records.get(record).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<&Binding> = kept.iter().map(|kept| &kept.binding).collect();
        found.sort_by_key(|binding| std::cmp::Reverse(binding.order));
        found
    }

    /// The bindings in reach, in the order of their user's preference; of equals, the one that was set or renewed last comes
    /// first.
    #[must_use]
    pub fn in_reach(&self, record: &str) -> Vec<&Binding> {
        let mut found = self.bindings(record);
        found.retain(|binding| !binding.is_lost());
        // A stable sort: of equals the newest stays first.
        found.sort_by_key(|binding| std::cmp::Reverse(binding.q));
        found
    }

    /// The first of [`Registrar::in_reach`].
    #[must_use]
    pub fn preferred(&self, record: &str) -> Option<&Binding> {
        self.in_reach(record).into_iter().next()
    }

    /// Takes other times and limits; what is bound keeps its own.
    pub fn configure(&mut self, config: RegistrarConfig) {
        self.config = config;
    }

    /// True if the user can be reached somewhere.
    #[must_use]
    pub fn is_in_reach(&self, record: &str) -> bool {
        self.records.get(record).is_some_and(|list| list.iter().any(|kept| !kept.binding.is_lost()))
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

    /// Removes the bindings of an address of record that were made on `connection`, which is gone and cannot be opened
    /// anew: nobody is there any more (RFC 5626 4.2.2).
    pub fn lose(&mut self, record: &Arc<str>, connection: ConnectionId) {
        let gone = |binding: &Binding| binding.flow.connection == Some(connection);
        while self.remove(record, true, gone) {}
    }

    /// Removes what has ended.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((record, order)) = self.timers.pop_due(now.monotonic) {
            self.remove(&record, true, |binding| binding.order == order);
        }
        self.ask_due(now.monotonic);
    }

    /// When to call [`Registrar::handle_timeout`]; `None`: nothing is bound.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let asks = self.asker.as_ref().and_then(|asker| asker.timers.poll_timeout());
        [self.timers.poll_timeout(), asks].into_iter().flatten().min()
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
            path: binding.path.clone(),
            nat: binding.nat,
            seen: binding.seen,
            call_id: binding.call_id.clone(),
            cseq: binding.cseq,
        };
        self.bindings(record).into_iter().rev().map(location).collect()
    }

    /// Takes back what [`Registrar::locations`] gave before a restart. False if it has ended meanwhile or is beyond our
    /// limits. It stays no longer than it could if it were new, whatever the wall clock did.
    pub fn restore(&mut self, now: Now, record: &Arc<str>, location: Location) -> bool {
        let Location { contact, q, flow, ends, agent, path, nat, seen, call_id, cseq } = location;
        let wish = Wish { contact, q, time: ends.since(now.wall).min(self.config.max_expires) };
        if wish.time.is_zero() || !self.has_room(record, std::slice::from_ref(&wish)) {
            return false;
        }
        self.bind(now.monotonic, record, wish, &Sent { flow, agent, call_id, cseq, path, nat, seen }, true);
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
        let nat = sent.is_behind_nat(&contact);
        let Sent { flow, agent, call_id, cseq, path, seen, nat: _ } = sent.clone();
        let (failures, lost) = (0, false);
        let binding = Binding { contact, q, flow, ends, agent, path, nat, seen, failures, lost, call_id, cseq, order };
        let end = self.timers.set(ends, (record.clone(), order));
        let ping = self.asker.as_mut().and_then(|asker| asker.arm(now, record, &binding, restored));
        let list = self.records.entry(record.clone()).or_default();
        let first = list.iter().all(|kept| kept.binding.is_lost());
        let known = list.iter_mut().find(|kept| kept.binding.contact.matches(&binding.contact));
        let new = known.is_none() && !restored;
        let refreshed = known
            .as_ref()
            .is_some_and(|kept| kept.binding.call_id == binding.call_id && kept.binding.flow == binding.flow);
        match known {
            Some(kept) => {
                let before = std::mem::replace(kept, Kept { binding, end, ping });
                self.timers.cancel(before.end);
                if let (Some(asker), Some(ping)) = (&mut self.asker, before.ping) {
                    asker.timers.cancel(ping);
                }
            }
            None => list.push(Kept { binding, end, ping }),
        }
        self.events.push_back(RegistrarEvent::Bound { record: record.clone(), new, refreshed, first });
    }

    fn remove_all(&mut self, record: &Arc<str>) {
        while self.remove(record, false, |_| true) {}
    }

    /// Removes the first binding that `is_it`. False if there is none.
    fn remove(&mut self, record: &Arc<str>, expired: bool, is_it: impl Fn(&Binding) -> bool) -> bool {
        let Some(list) = self.records.get_mut(record) else { return false };
        let Some(place) = list.iter().position(|kept| is_it(&kept.binding)) else { return false };
        let gone = list.remove(place);
        let last = !gone.binding.is_lost() && list.iter().all(|kept| kept.binding.is_lost());
        let is_empty = list.is_empty();
        self.timers.cancel(gone.end);
        if let (Some(asker), Some(ping)) = (&mut self.asker, gone.ping) {
            asker.timers.cancel(ping);
        }
        if is_empty {
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
