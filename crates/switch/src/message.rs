//! Short messages to users (RFC 3428): each is passed on to the phone that its receiver prefers, and answered as that answers. Nothing of
//! what they say is kept, and none leaves the company.

use base::Now;
use journal::{Kind, Origin};
use sip::{Inquiry, InquiryId, Pending};
use sip_message::{AnyUri, HeaderName, Method, NameAddr, Uri};

use crate::switch::Switch;
use crate::{Destination, UserName};

/// The longest message, in octets: with its header fields it fits into a datagram (RFC 3428 section 8).
const MAX_OCTETS: usize = 1_024;
/// As many messages wait for their receivers' phones at most.
const MAX_WAITING: usize = 256;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Message {
    pending: Pending,
    from: Origin,
    to: UserName,
}

impl Switch {
    /// A MESSAGE outside dialogs, whose sender may have been proven.
    pub(crate) fn messaged(&mut self, now: Now, pending: Pending, user: Option<UserName>) {
        let request = pending.request();
        let claimed = request.head.from.uri.user().unwrap_or_default().into_owned();
        let from = self.origin_of(user, pending.flow(), &claimed);
        let number = request.uri.user().unwrap_or_default();
        let to = match self.config.numbers.get(&*number) {
            Some(Destination::User(user)) => Some(user.clone()),
            _ => None,
        };
        let octets = request.body.len();
        let refused = match &from {
            Some(Origin::Trunk(name)) if !self.config.trunk(name).is_some_and(|trunk| trunk.messages) => Some(403),
            None | Some(Origin::Callback(_) | Origin::Unknown) => Some(403),
            _ if octets > MAX_OCTETS => Some(413),
            _ if to.is_none() => Some(404),
            _ if self.messages.len() >= MAX_WAITING => Some(503),
            _ => None,
        };
        let (Some(from), Some(to), None) = (from, to, refused) else {
            return self.sip.respond(now, pending, refused.unwrap_or(404), &[]);
        };
        let Some(route) = self.route_to(&to) else {
            return self.message_over(now, Message { pending, from, to }, 480);
        };
        let (shown, display) = match &from {
            Origin::User(name) => (&**name, self.config.users.get(name).and_then(|user| user.display.as_deref())),
            Origin::Trunk(_) | Origin::Callback(_) | Origin::Unknown => (claimed.as_str(), None),
        };
        let sender = NameAddr::new(Uri::new(route.flow.local.ip()).with_user(shown));
        let sender = sender.with_display(display.unwrap_or_default());
        let kind = request.head.header(HeaderName::ContentType).unwrap_or("text/plain").to_owned();
        let target = AnyUri::Sip(route.target);
        let inquiry = Inquiry {
            flow: route.flow,
            method: Method::Message,
            to: NameAddr::new(target.clone()),
            target,
            from: sender,
            call_id: None,
            cseq: 1,
            contact: None,
            headers: Vec::new(),
            body: Some((kind, request.body.clone())),
            login: None,
            onward: route.onward,
        };
        let id = self.sip.inquire(now, inquiry);
        self.messages.insert(id, Message { pending, from, to });
    }

    /// What a receiver's phone answered. False if it was no message.
    pub(crate) fn message_answered(&mut self, now: Now, inquiry: InquiryId, status: u16, heard: bool) -> bool {
        let Some(message) = self.messages.remove(&inquiry) else { return false };
        // What his phone says of itself, such as that it has moved or wants a password, is none of the sender's business.
        let status = match status {
            401 | 407 | 300..=399 => 480,
            _ if !heard => 480,
            status => status,
        };
        self.message_over(now, message, status);
        true
    }

    fn message_over(&mut self, now: Now, message: Message, status: u16) {
        let Message { pending, from, to } = message;
        let octets = u32::try_from(pending.request().body.len()).unwrap_or(u32::MAX);
        self.book.write_system(now, Kind::Message { from, to, octets, status });
        self.sip.respond(now, pending, status, &[]);
    }
}
