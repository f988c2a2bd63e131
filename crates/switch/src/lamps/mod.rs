//! What phones are told of others by SUBSCRIBE: the calls of a user whom one may watch (busy lamps, RFC 4235), and one's own
//! messages (RFC 3842).
//!
//! | what | where |
//! |---|---|
//! | who watches whom, and when he is told | here |
//! | a user's dialogs, as they are and as they ended | `dialogs.rs` |
//! | what is told of them, as XML | `document.rs` |
//! | what is told of messages | `mailbox.rs` |
//!
//! A user's dialogs are looked at when something that concerns one of them was written to the journal, or when a phone rings; once
//! all is settled, those who watch him are told if they look otherwise than before. Users whom nobody watches cost nothing but their
//! place in an index.

mod dialogs;
mod document;
mod mailbox;

use std::collections::{BTreeMap, BTreeSet};

use base::{LegId, Now};
use journal::{Asker, Kind, Name, Origin};
use sip::{Package, Pending, SubscriptionEnd, SubscriptionId};

use crate::registration::retry_after;
use crate::switch::Switch;
use crate::{Config, Destination, UserName};
use dialogs::Dialog;

/// The most that one user may subscribe to: a console with a lamp for everybody, on each of a few phones.
const MAX_OF_USER: usize = 500;
/// The most ended dialogs that wait to be told to one subscriber.
const MAX_OVER: usize = 16;

/// Who watches whom, and what he sees.
#[derive(Debug, Default)]
pub(crate) struct Lamps {
    /// The legs of users that are not closed.
    legs: BTreeMap<UserName, BTreeSet<LegId>>,
    watched: BTreeMap<UserName, Watched>,
    /// Who is told of the messages of each user.
    of_messages: BTreeMap<UserName, BTreeSet<SubscriptionId>>,
    watches: BTreeMap<SubscriptionId, Watch>,
    /// How many of these each user has.
    of_watcher: BTreeMap<UserName, usize>,
    /// Watched users whose dialogs are to be looked at.
    touched: BTreeSet<UserName>,
    /// How legs of watched users ended since they were looked at, and how those of their dialogs did that ended by themselves.
    ends: BTreeMap<LegId, Ends>,
    /// Dialogs so far, for their ids.
    dialogs: u64,
}

/// A user whose dialogs are watched.
#[derive(Debug, Default)]
struct Watched {
    by: BTreeSet<SubscriptionId>,
    /// As they were when they were looked at last.
    dialogs: Vec<Dialog>,
}

/// How a leg ended, or some of its dialogs while others ring.
#[derive(Debug, Default)]
struct Ends {
    leg: Option<(Name, Option<u16>)>,
    /// By the phone's tag: the status by which it refused, if it did.
    forks: BTreeMap<Box<str>, Option<u16>>,
}

/// One subscription.
#[derive(Debug)]
struct Watch {
    watcher: UserName,
    user: UserName,
    package: Package,
    /// The address that was subscribed to.
    entity: String,
    /// Its host, for addresses of others.
    host: String,
    /// Dialogs that ended since the subscriber was told last.
    over: Vec<Dialog>,
}

impl Lamps {
    /// A user has another leg, or one less.
    fn count(&mut self, user: &UserName, leg: LegId, lives: bool) {
        if lives {
            self.legs.entry(user.clone()).or_default().insert(leg);
        } else if let Some(legs) = self.legs.get_mut(user) {
            legs.remove(&leg);
            if legs.is_empty() {
                self.legs.remove(user);
            }
        }
    }

    fn forget(&mut self, subscription: SubscriptionId) {
        let Some(Watch { watcher, user, .. }) = self.watches.remove(&subscription) else { return };
        if let Some(count) = self.of_watcher.get_mut(&watcher) {
            *count -= 1;
            if *count == 0 {
                self.of_watcher.remove(&watcher);
            }
        }
        if let Some(told) = self.of_messages.get_mut(&user) {
            told.remove(&subscription);
            if told.is_empty() {
                self.of_messages.remove(&user);
            }
        }
        if let Some(watched) = self.watched.get_mut(&user) {
            watched.by.remove(&subscription);
            if watched.by.is_empty() {
                self.watched.remove(&user);
                self.touched.remove(&user);
            }
        }
    }

    /// Something changed in a mailbox of these users.
    pub fn touch_messages(&self, users: &BTreeSet<UserName>, sip: &mut sip::Stack) {
        for subscription in users.iter().filter_map(|user| self.of_messages.get(user)).flatten() {
            sip.touch_subscription(*subscription);
        }
    }

    /// Subscriptions that live.
    pub fn subscriptions(&self) -> usize {
        self.watches.len()
    }

    /// Whether each subscription is in the index of its package, and nothing else is, for [`Switch::check_invariants`].
    pub fn are_indexed(&self) -> bool {
        let indexed = self.of_messages.values().chain(self.watched.values().map(|watched| &watched.by));
        indexed.map(BTreeSet::len).sum::<usize>() == self.watches.len()
            && !self.of_messages.values().any(BTreeSet::is_empty)
    }

    /// Legs of users that are not closed, for [`Switch::check_invariants`].
    pub fn legs(&self) -> usize {
        self.legs.values().map(BTreeSet::len).sum()
    }
}

impl Switch {
    /// A SUBSCRIBE outside dialogs, whose sender may have been proven.
    pub(crate) fn subscribed(&mut self, now: Now, pending: Pending, package: Package, user: Option<UserName>) {
        let request = pending.request();
        let claimed = request.head.from.uri.user().unwrap_or_default().into_owned();
        let watcher = match self.origin_of(user, pending.flow(), &claimed) {
            Some(Origin::User(user)) => user,
            Some(Origin::Trunk(_) | Origin::Callback(_) | Origin::Unknown) | None => {
                return self.sip.respond(now, pending, 403, &[]);
            }
        };
        let Some(uri) = request.uri.as_sip() else { return self.sip.respond(now, pending, 404, &[]) };
        let (named, host) = (uri.user().unwrap_or_default(), uri.host().clone());
        let Some(user) = self.config.user_named(&named) else { return self.sip.respond(now, pending, 404, &[]) };
        if !may_subscribe(&self.config, package, &watcher, &user) {
            return self.sip.respond(now, pending, 403, &[]);
        }
        if self.lamps.of_watcher.get(&watcher).is_some_and(|count| *count >= MAX_OF_USER) {
            return self.sip.respond(now, pending, 503, &[retry_after()]);
        }
        let entity = document::address(&named, &host);
        let Some(subscription) = self.sip.accept_subscription(now, pending, package) else { return };
        *self.lamps.of_watcher.entry(watcher.clone()).or_default() += 1;
        let watch = Watch { watcher, user: user.clone(), package, entity, host: host.to_string(), over: Vec::new() };
        self.lamps.watches.insert(subscription, watch);
        match package {
            Package::Dialog => {
                let known = self.lamps.watched.contains_key(&user);
                self.lamps.watched.entry(user.clone()).or_default().by.insert(subscription);
                if !known {
                    // He is told all there is in any case.
                    self.look_at(&user);
                }
            }
            Package::MessageSummary => drop(self.lamps.of_messages.entry(user).or_default().insert(subscription)),
        }
    }

    /// A subscriber is to be told how things are.
    pub(crate) fn notify_wanted(&mut self, now: Now, subscription: SubscriptionId, told: u32) {
        let lamps = &mut self.lamps;
        let Some(watch) = lamps.watches.get_mut(&subscription) else {
            return self.sip.notify(now, subscription, bytes::Bytes::new());
        };
        let body = match watch.package {
            Package::Dialog => {
                let over = std::mem::take(&mut watch.over);
                let live = lamps.watched.get(&watch.user).map_or(&[][..], |watched| &watched.dialogs);
                let filter = self.sip.dialog_filter(subscription);
                let shown = live.iter().filter(|dialog| dialog.is_shown(filter)).chain(&over);
                document::write(&watch.entity, &watch.host, told, shown)
            }
            Package::MessageSummary => {
                let (user, entity) = (watch.user.clone(), watch.entity.clone());
                mailbox::summary(self.messages_of(&user), &entity)
            }
        };
        self.sip.notify(now, subscription, body.into());
    }

    /// A subscription is over.
    pub(crate) fn unsubscribed(&mut self, subscription: SubscriptionId) {
        self.lamps.forget(subscription);
    }

    /// Takes note of what is written to the journal, as far as it concerns a user's dialogs.
    pub(crate) fn note_leg(&mut self, kind: &Kind) {
        match kind {
            Kind::LegBegan { leg, .. } => {
                if let Some(Asker::User(user)) = self.owner(*leg) {
                    self.lamps.count(&user, *leg, true);
                }
                self.touch(*leg);
            }
            Kind::LegEnded { leg, cause, status, .. } if self.legs.get(leg).is_some_and(|found| found.closed) => {
                if let Some(Asker::User(user)) = self.owner(*leg) {
                    self.lamps.count(&user, *leg, false);
                    if self.lamps.watched.contains_key(&user) {
                        self.lamps.ends.entry(*leg).or_default().leg = Some((cause.clone(), *status));
                    }
                }
                self.touch(*leg);
            }
            Kind::LegAnswered { leg } => self.touch(*leg),
            Kind::Bridged { a, b } => {
                self.touch(*a);
                self.touch(*b);
            }
            _ => {}
        }
    }

    /// A phone that rang for a leg does so no more, while others may.
    pub(crate) fn fork_ended(&mut self, leg: LegId, tag: Box<str>, status: Option<u16>) {
        if let Some(Asker::User(user)) = self.owner(leg)
            && self.lamps.watched.contains_key(&user)
        {
            self.lamps.ends.entry(leg).or_default().forks.insert(tag, status);
            self.lamps.touched.insert(user);
        }
    }

    /// A leg may look otherwise than before to those who watch its user.
    pub(crate) fn touch(&mut self, leg: LegId) {
        if self.lamps.watched.is_empty() {
            return;
        }
        if let Some(Asker::User(user)) = self.owner(leg)
            && self.lamps.watched.contains_key(&user)
        {
            self.lamps.touched.insert(user);
        }
    }

    /// Looks at the users whose dialogs may have changed, and has those told who watch them. True if there was one.
    pub(crate) fn light_lamps(&mut self) -> bool {
        let Some(user) = self.lamps.touched.pop_first() else {
            self.lamps.ends.clear();
            return false;
        };
        let (before, over) = self.look_at(&user);
        let Lamps { watched, watches, .. } = &mut self.lamps;
        let Some(Watched { by, dialogs }) = watched.get(&user).filter(|watched| watched.dialogs != before) else {
            return true;
        };
        for subscription in by {
            let filter = self.sip.dialog_filter(*subscription);
            let shown = |dialog: &&Dialog| dialog.is_shown(filter);
            if before.iter().filter(shown).eq(dialogs.iter().filter(shown)) {
                continue;
            }
            if let Some(watch) = watches.get_mut(subscription) {
                watch.over.extend(over.iter().filter(shown).cloned());
                let surplus = watch.over.len().saturating_sub(MAX_OVER);
                watch.over.drain(..surplus);
            }
            self.sip.touch_subscription(*subscription);
        }
        true
    }

    /// By another configuration somebody may see no more, or there is nobody to be seen.
    pub(crate) fn reconfigure_lamps(&mut self, config: &Config) {
        for (subscription, watch) in &self.lamps.watches {
            if !config.users.contains_key(&watch.user) {
                self.sip.end_subscription(*subscription, SubscriptionEnd::NoResource);
            } else if !config.users.contains_key(&watch.watcher)
                || !may_subscribe(config, watch.package, &watch.watcher, &watch.user)
            {
                self.sip.end_subscription(*subscription, SubscriptionEnd::Rejected);
            }
        }
    }
}

fn may_subscribe(config: &Config, package: Package, watcher: &UserName, user: &UserName) -> bool {
    match package {
        Package::Dialog => config.may_watch(watcher, user),
        Package::MessageSummary => watcher == user,
    }
}

impl Config {
    /// The user of that name, or whom that number reaches.
    fn user_named(&self, named: &str) -> Option<UserName> {
        match self.numbers.get(named) {
            Some(Destination::User(user)) => Some(user.clone()),
            Some(_) => None,
            None => self.users.get_key_value(named).map(|(name, _)| name.clone()),
        }
    }
}
