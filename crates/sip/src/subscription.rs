//! What a peer has subscribed to (RFC 6665), as its notifier keeps it.

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, TimerToken};
use sip_message::{DialogFilter, EventValue, Head, HeaderName, Request};

use crate::SessionId;
use crate::core::printed;
use crate::dialog::Dialog;
use crate::inspect::Fault;

/// The least that a subscription may last, in seconds; less is refused, and told so.
const LEAST: u32 = 60;
/// The most, and what is granted to who asks for nothing (RFC 4235 3.4, RFC 3842 3.4: an hour), in seconds.
const MOST: u32 = 3600;
/// The longest id of an Event that is kept, in octets.
const MAX_ID: usize = 64;
/// The longest names of the dialogs that a subscriber asks about, all together, in octets.
const MAX_FILTER: usize = 1024;
/// The longest names of a dialog that are kept, all together, in octets.
const MAX_NAMES: usize = 4096;

/// A subscription of a peer. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(crate) SessionId);

/// What can be subscribed to: an event package (RFC 6665 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Package {
    /// The calls of somebody (RFC 4235).
    Dialog,
    /// Whether messages wait for somebody (RFC 3842).
    MessageSummary,
}

/// Why we end a subscription (RFC 6665 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionEnd {
    /// It was not refreshed, or taken back.
    Timeout,
    /// Who wants to know more subscribes again.
    Deactivated,
    /// The subscriber may know no more.
    Rejected,
    /// There is nothing to tell any more.
    NoResource,
}

impl Package {
    /// All of them, in the order of our Allow-Events.
    pub const ALL: [Self; 2] = [Self::Dialog, Self::MessageSummary];

    /// As it stands in Event.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::MessageSummary => "message-summary",
        }
    }

    /// The type of what is told.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Dialog => "application/dialog-info+xml",
            Self::MessageSummary => "application/simple-message-summary",
        }
    }

    /// The one that an Event names. (Event types are compared as they are written: RFC 6665 8.2.1.)
    pub(crate) fn of(head: &Head) -> Option<Self> {
        let name = EventValue::of(head)?.package();
        Self::ALL.into_iter().find(|package| package.name() == name)
    }
}

impl SubscriptionEnd {
    /// As it stands in Subscription-State.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Deactivated => "deactivated",
            Self::Rejected => "rejected",
            Self::NoResource => "noresource",
        }
    }
}

/// A subscription, from the 200 that begins it to its last NOTIFY.
pub(crate) struct Subscription {
    pub(crate) dialog: Dialog,
    /// Its place in the index of dialogs.
    pub(crate) dialog_key: Arc<str>,
    pub(crate) package: Package,
    /// The value of Event in our NOTIFYs.
    pub(crate) event: Box<str>,
    /// The dialogs that it is about; none: all of them.
    pub(crate) filter: Option<Box<DialogFilter>>,
    /// When it ends, if it is not refreshed.
    pub(crate) ends: Mono,
    pub(crate) expiry: Option<TimerToken>,
    /// When to tell the subscriber again who asked us to wait.
    pub(crate) retry: Option<TimerToken>,
    /// Where its next NOTIFY stands: one at a time, so that a slow subscriber is told the newest only.
    pub(crate) telling: Telling,
    /// What the subscriber was told is not so any more.
    pub(crate) stale: bool,
    /// How often he was told.
    pub(crate) told: u32,
    /// His next NOTIFY is the last one.
    pub(crate) closing: Option<SubscriptionEnd>,
}

/// Where the next NOTIFY of a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// There is none.
    Idle,
    /// The application is to say how things are.
    Asked,
    /// It is sent, and not answered.
    Sent,
}

impl Subscription {
    /// The value of Subscription-State.
    pub(crate) fn state(&self, now: Mono) -> String {
        match self.closing {
            Some(end) => format!("terminated;reason={}", end.reason()),
            None => {
                // To the nearest second: what was granted just now is told as it was granted.
                let left = self.ends.since(now).saturating_add(Duration::from_millis(500)).as_secs();
                format!("active;expires={left}")
            }
        }
    }
}

/// The value of Event in our NOTIFYs: the package, and the id if there is one (RFC 6665 8.2.1).
///
/// # Errors
/// 400 if the id is too long to be kept.
pub(crate) fn event(request: &Request, package: Package) -> Result<Box<str>, Fault> {
    match EventValue::of(&request.head).and_then(EventValue::id) {
        None => Ok(package.name().into()),
        Some(id) if id.len() <= MAX_ID => Ok(format!("{};id={id}", package.name()).into()),
        Some(_) => Err(Fault::of(400)),
    }
}

/// The dialogs that a SUBSCRIBE asks about (RFC 4235 3.2). That it wants session descriptions, too, is not heeded: nobody is
/// authorized to see them (3.3).
///
/// # Errors
/// 400 if they are named by half, or by names that are too long to be kept.
pub(crate) fn filter(request: &Request, package: Package) -> Result<Option<Box<DialogFilter>>, Fault> {
    let Some(event) = EventValue::of(&request.head).filter(|_| package == Package::Dialog) else { return Ok(None) };
    match event.dialogs() {
        Ok(filter) if filter.as_ref().is_none_or(|filter| filter.len() <= MAX_FILTER) => Ok(filter.map(Box::new)),
        _ => Err(Fault::of(400)),
    }
}

/// How long a SUBSCRIBE is granted; zero: it asks for the state once, or ends what there is.
///
/// # Errors
/// 423 with the least (RFC 6665 4.2.1.1).
pub(crate) fn lasts(request: &Request) -> Result<Duration, Fault> {
    let seconds = request.head.expires().unwrap_or(MOST).min(MOST);
    if (1..LEAST).contains(&seconds) {
        return Err(Fault { status: 423, header: Some((HeaderName::MinExpires, LEAST.to_string())) });
    }
    Ok(Duration::from_secs(u64::from(seconds)))
}

/// 513 if more would have to be kept of a request's dialog than of any honest one.
pub(crate) fn size(request: &Request) -> Result<(), Fault> {
    let head = &request.head;
    let names = [&head.from, &head.to].into_iter().chain(head.contacts.first()).chain(&head.record_routes);
    let octets: usize = names.map(|name| printed(name).len()).sum();
    let octets = octets + head.call_id.as_str().len() + request.uri.user().map_or(0, |user| user.len());
    if octets <= MAX_NAMES { Ok(()) } else { Err(Fault::of(513)) }
}
