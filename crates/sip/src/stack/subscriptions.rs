//! SUBSCRIBE of peers, and the NOTIFYs that tell them (RFC 6665 4.2), whatever the package: what is told, the application says.
//!
//! A subscription is a dialog of its own. Its subscriber is told at once, at each refresh, at each change, and at the end; one
//! NOTIFY after the other, each with what is so when it is sent. Who does not answer, or knows nothing of it, is told no more.

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{DialogFilter, HeaderName, Method, Response};

use super::Stack;
use crate::core::Due;
use crate::dialog::Dialog;
use crate::inspect::Fault;
use crate::session::Asked;
use crate::subscription::{self, Subscription, Telling};
use crate::transaction::key;
use crate::{Aside, Event, Package, Pending, SessionId, SubscriptionEnd, SubscriptionId};

/// A timer of one subscription. The comment says when it fires and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptionTimer {
    /// When it ends, as nobody refreshed it.
    Expiry,
    /// When to send a NOTIFY again whose subscriber asked for some time (Retry-After, RFC 6665 4.2.2).
    Retry,
}

impl Stack {
    /// Takes a SUBSCRIBE: answers 200, and asks by [`Event::NotifyWanted`] what the subscriber is to be told. One that asks for no
    /// time is told once. None: it is answered otherwise.
    pub fn accept_subscription(&mut self, now: Now, pending: Pending, package: Package) -> Option<SubscriptionId> {
        let asked = *pending.0;
        let now = now.monotonic;
        let request = &asked.request;
        let read = subscription::event(request, package)
            .and_then(|event| Ok((event, subscription::filter(request, package)?, subscription::lasts(request)?)));
        let (event, filter, lasts) = match read {
            Ok(read) => read,
            Err(fault) => {
                self.answer_fault(now, &asked, fault);
                return None;
            }
        };
        let id = SessionId(self.core.next_serial());
        let local_tag = self.core.token();
        let contact = self.contact_of(request, asked.flow);
        let dialog = Dialog::of_request(request, asked.flow, &local_tag, &contact, self.core.config.symmetric);
        key::dialog(&mut self.key, &dialog.call_id, &local_tag);
        let dialog_key: Arc<str> = Arc::from(self.key.as_str());
        self.dialogs.insert(dialog_key.clone(), id);
        let subscription = Subscription {
            dialog,
            dialog_key,
            package,
            event,
            filter,
            ends: now,
            expiry: None,
            retry: None,
            telling: Telling::Idle,
            stale: false,
            told: 0,
            closing: None,
        };
        self.subscriptions.insert(id, subscription);
        self.grant_subscription(now, id, &asked, lasts);
        Some(SubscriptionId(id))
    }

    /// The dialogs that a subscription is about; none: all of them, or another package.
    #[must_use]
    pub fn dialog_filter(&self, subscription: SubscriptionId) -> Option<&DialogFilter> {
        self.subscriptions.get(&subscription.0)?.filter.as_deref()
    }

    /// Things are not as the subscriber was told. Asks by [`Event::NotifyWanted`] how they are, as soon as he can be told.
    pub fn touch_subscription(&mut self, subscription: SubscriptionId) {
        self.tell_subscriber(subscription.0);
    }

    /// Tells a subscriber how things are: the answer to [`Event::NotifyWanted`].
    pub fn notify(&mut self, now: Now, subscription: SubscriptionId, body: Bytes) {
        let (id, now) = (subscription.0, now.monotonic);
        let branch = key::branch(&self.core.token());
        let Some(found) = self.subscriptions.get_mut(&id).filter(|found| found.telling == Telling::Asked) else {
            return;
        };
        let aside = Aside {
            method: Method::Notify,
            headers: vec![
                (HeaderName::Event.as_str().to_owned(), found.event.to_string()),
                (HeaderName::SubscriptionState.as_str().to_owned(), found.state(now)),
            ],
            body: Some((found.package.content_type().to_owned(), body)),
        };
        (found.telling, found.stale, found.told) = (Telling::Sent, false, found.told.saturating_add(1));
        let outline = found.dialog.next_request(branch);
        let payload = outline.encode_aside(&self.core, &found.dialog.contact, &aside, None);
        let flow = found.dialog.flow();
        // Nobody waits for the answer to the last word.
        let owner = found.closing.is_none().then_some(id);
        self.clients.open(&mut self.core, now, (outline, &Method::Notify), flow, (owner, true), payload);
        if owner.is_none() {
            self.forget_subscription(id);
        }
    }

    /// Ends a subscription, as soon as its subscriber can be told.
    pub fn end_subscription(&mut self, subscription: SubscriptionId, end: SubscriptionEnd) {
        self.close_subscription(subscription.0, end);
    }

    /// Ends all subscriptions.
    pub fn end_subscriptions(&mut self, end: SubscriptionEnd) {
        let all: Vec<SessionId> = self.subscriptions.keys().copied().collect();
        all.into_iter().for_each(|id| self.close_subscription(id, end));
    }

    /// A SUBSCRIBE outside dialogs.
    pub(super) fn begin_subscription(&mut self, now: Mono, asked: Asked, user: Option<Arc<str>>) {
        let Some(package) = Package::of(&asked.request.head) else {
            return self.answer_fault(now, &asked, Fault::of(489));
        };
        let room = if self.subscriptions.len() < self.core.config.max_subscriptions {
            Ok(())
        } else {
            let after = self.core.config.retry_after.to_string();
            Err(Fault { status: 503, header: Some((HeaderName::RetryAfter, after)) })
        };
        let fault = subscription::size(&asked.request)
            .and_then(|()| subscription::lasts(&asked.request))
            .and_then(|_| subscription::event(&asked.request, package))
            .and_then(|_| subscription::filter(&asked.request, package))
            .and(room);
        match fault {
            Err(fault) => self.answer_fault(now, &asked, fault),
            Ok(()) => self.core.tell(Event::Subscribed { pending: Pending(Box::new(asked)), package, user }),
        }
    }

    /// A request inside the dialog of a subscription: there is nothing else in it.
    pub(super) fn handle_subscribed(&mut self, now: Mono, id: SessionId, asked: Asked) {
        let head = &asked.request.head;
        let Some(found) = self.subscriptions.get_mut(&id) else { return };
        if *found.dialog.remote_tag != *head.from.tag().unwrap_or_default() {
            return self.answer_fault(now, &asked, Fault::of(481));
        }
        if !found.dialog.advance(head.cseq.number) {
            return self.answer_fault(now, &asked, Fault::of(500));
        }
        match asked.request.method {
            Method::Subscribe => self.refresh_subscription(now, id, &asked),
            Method::Options => self.answer_options(now, &asked),
            Method::Invite | Method::Refer | Method::Message => self.answer_fault(now, &asked, Fault::of(403)),
            _ => self.answer_fault(now, &asked, Fault::of(481)),
        }
    }

    /// A SUBSCRIBE inside its dialog goes on with the subscription, or ends it.
    fn refresh_subscription(&mut self, now: Mono, id: SessionId, asked: &Asked) {
        let Some(found) = self.subscriptions.get_mut(&id) else { return };
        let request = &asked.request;
        let read = subscription::size(request)
            .and_then(|()| subscription::event(request, Package::of(&request.head).unwrap_or(found.package)))
            // Another subscription would have a dialog of its own (RFC 6665 4.5.2).
            .and_then(|event| if event == found.event { Ok(()) } else { Err(Fault::of(403)) })
            .and_then(|()| subscription::filter(request, found.package))
            // Who leaves out which dialogs he means goes on with those.
            .and_then(|filter| match filter.is_none() || filter == found.filter {
                true => Ok(()),
                false => Err(Fault::of(403)),
            })
            .and_then(|()| subscription::lasts(request));
        match read {
            Err(fault) => self.answer_fault(now, asked, fault),
            Ok(lasts) => {
                found.dialog.refresh(&request.head, asked.flow);
                self.grant_subscription(now, id, asked, lasts);
            }
        }
    }

    /// Answers a SUBSCRIBE 200, and has its subscriber told.
    fn grant_subscription(&mut self, now: Mono, id: SessionId, asked: &Asked, lasts: Duration) {
        let Some(found) = self.subscriptions.get_mut(&id) else { return };
        let builder = self.core.response_in(asked, &found.dialog, 200, None);
        let response = builder.header(HeaderName::Expires, &lasts.as_secs().to_string()).build();
        self.servers.answer(&mut self.core, now, asked.id, true, response);
        let old = found.expiry.take();
        self.core.cancel(old);
        found.ends = now + lasts;
        if lasts.is_zero() {
            return self.close_subscription(id, SubscriptionEnd::Timeout);
        }
        found.expiry = Some(self.core.set(now, lasts, Due::Subscription(id, SubscriptionTimer::Expiry)));
        self.tell_subscriber(id);
    }

    pub(super) fn handle_subscription_timer(&mut self, _now: Mono, id: SessionId, timer: SubscriptionTimer) {
        let Some(found) = self.subscriptions.get_mut(&id) else { return };
        match timer {
            SubscriptionTimer::Expiry => {
                found.expiry = None;
                self.close_subscription(id, SubscriptionEnd::Timeout);
            }
            SubscriptionTimer::Retry => {
                found.retry = None;
                self.tell_subscriber(id);
            }
        }
    }

    /// The next NOTIFY is the last one; from now on the dialog is not there any more for its subscriber.
    fn close_subscription(&mut self, id: SessionId, end: SubscriptionEnd) {
        let Some(found) = self.subscriptions.get_mut(&id) else { return };
        if found.closing.is_none() {
            found.closing = Some(end);
            self.dialogs.remove(&found.dialog_key);
        }
        for token in [found.expiry.take(), found.retry.take()] {
            self.core.cancel(token);
        }
        self.tell_subscriber(id);
    }

    /// The subscriber is to be told: at once, or when he has answered what he was told last.
    fn tell_subscriber(&mut self, id: SessionId) {
        let Some(found) = self.subscriptions.get_mut(&id) else { return };
        if found.telling == Telling::Idle && found.retry.is_none() {
            found.telling = Telling::Asked;
            self.core.tell(Event::NotifyWanted { subscription: SubscriptionId(id), told: found.told });
        } else {
            found.stale = true;
        }
    }

    /// A NOTIFY was answered, or was not. False if it was none.
    pub(super) fn notified(&mut self, now: Mono, id: SessionId, response: Option<&Response>) -> bool {
        let Some(found) = self.subscriptions.get_mut(&id) else { return false };
        found.telling = Telling::Idle;
        let status = response.map_or(0, |response| response.status.code());
        // 4.2.2: who asks for some time gets it, as far as his subscription lasts. All others who do not take a NOTIFY are told no
        // more, among them those who want a password of us: subscribers are users, who have none for us, and there is nothing
        // with which their NOTIFY could be tried again.
        let wait = response.and_then(|response| response.head.header(HeaderName::RetryAfter)).and_then(seconds);
        match (status, wait) {
            (200..300, _) if found.stale => self.tell_subscriber(id),
            (200..300, _) => {}
            (480 | 486 | 500 | 503 | 600, Some(wait)) if found.closing.is_none() => {
                found.retry = Some(self.core.set(now, wait, Due::Subscription(id, SubscriptionTimer::Retry)));
            }
            _ => self.forget_subscription(id),
        }
        true
    }

    fn forget_subscription(&mut self, id: SessionId) {
        let Some(found) = self.subscriptions.remove(&id) else { return };
        if found.closing.is_none() {
            self.dialogs.remove(&found.dialog_key);
        }
        base::give_back(&mut self.dialogs);
        for token in [found.expiry, found.retry] {
            self.core.cancel(token);
        }
        self.core.tell(Event::Unsubscribed { subscription: SubscriptionId(id) });
    }
}

/// The seconds of a Retry-After, whatever comment stands behind them.
fn seconds(value: &str) -> Option<Duration> {
    let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok().map(|seconds| Duration::from_secs(u64::from(seconds.max(1))))
}
