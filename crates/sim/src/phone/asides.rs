//! What a phone says beside its call: keys by INFO, transfers by REFER and what it is told of them, messages.

use base::Now;
use bytes::Bytes;
use sip::{Aside, Flow, Inquiry, SessionId, Transmit, Transport};
use sip_message::{AnyUri, HeaderName, Method, NameAddr, Request, ResponseBuilder, StatusCode, Uri};

use super::{Phone, Seen};
use crate::{SWITCH, switch_address};

impl Phone {
    /// Sends a message to `number`, as `me`.
    pub fn write(&mut self, now: Now, me: &str, number: &str, kind: &str, text: &str) {
        let target = AnyUri::from(Uri::from_address(switch_address()).with_user(number));
        let inquiry = Inquiry {
            flow: self.flow(),
            method: Method::Message,
            to: NameAddr::new(target.clone()),
            target,
            from: NameAddr::new(Uri::from_address(self.address).with_user(me)),
            call_id: None,
            cseq: 1,
            contact: None,
            headers: Vec::new(),
            body: Some((kind.to_owned(), Bytes::copy_from_slice(text.as_bytes()))),
            login: None,
            onward: sip::Onward::default(),
        };
        self.stack.inquire(now, inquiry);
    }

    /// Puts its call aside, to have another.
    pub fn put_aside(&mut self) {
        if self.aside.is_none() {
            self.aside = self.session.take();
        }
    }

    /// Sends the other side of its call on to `number`.
    pub fn refer(&mut self, now: Now, number: &str) {
        self.refer_with(now, &format!("<sip:{number}@{}>", crate::SWITCH), &[]);
    }

    /// As [`Phone::refer`], with a Refer-To and header fields of one's own.
    pub fn refer_with(&mut self, now: Now, refer_to: &str, headers: &[(&str, &str)]) {
        if let Some(session) = self.session {
            self.ask_refer(now, session, refer_to, headers);
        }
    }

    /// Brings the other sides of its two calls together: a REFER in the one that it put aside.
    pub fn join(&mut self, now: Now, number: &str) {
        let (Some(aside), Some(replaces)) = (self.aside, self.replaces()) else { return };
        let value = replaces.replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
        self.ask_refer(now, aside, &format!("<sip:{number}@{}?Replaces={value}>", crate::SWITCH), &[]);
    }

    /// The Replaces for its call, as its peer sees it.
    #[must_use]
    pub fn replaces(&self) -> Option<String> {
        let name = self.stack.dialog_name(self.session?)?;
        Some(format!("{};to-tag={};from-tag={}", name.call_id, name.remote_tag, name.local_tag))
    }

    fn ask_refer(&mut self, now: Now, session: SessionId, refer_to: &str, headers: &[(&str, &str)]) {
        let refer_to = ("Refer-To", refer_to);
        let headers = std::iter::once(&refer_to).chain(headers);
        let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.stack.ask(now, session, &Aside { method: Method::Refer, headers, body: None });
    }

    /// Takes what it is told of a REFER.
    pub(super) fn take_notice(&mut self, flow: Flow, request: &Request) {
        let notice = (request.head.call_id.to_string(), request.head.cseq.number);
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
            let text = String::from_utf8_lossy(&request.body).into_owned();
            let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            let state = request.head.header(HeaderName::SubscriptionState).unwrap_or_default();
            self.notified.push((status, state.starts_with("terminated")));
            self.seen.push(Seen::Told(status));
        }
        let payload = ResponseBuilder::to(request, flow.remote, StatusCode::OK).build();
        self.replying.push_back(Transmit { flow: flow.reply(&request.head.via), payload });
    }

    /// Hangs up by BYE while it rings, which no phone may and some do (RFC 3261 15). The call is put aside: what becomes
    /// of its INVITE is for the switch to say.
    pub fn bye_early(&mut self, now: Now) {
        let session = self.session.filter(|_| self.aside.is_none());
        let names = session.and_then(|session| self.stack.dialog_names(session)).filter(|names| names.rings);
        let (Some(names), Some(invited)) = (names, &self.invited) else { return };
        let transport = if self.transport == Transport::Tcp { "TCP" } else { "UDP" };
        let (me, peer) = (&invited.head.to.uri, &invited.head.from.uri);
        let payload = Bytes::from(format!(
            "BYE sip:{SWITCH} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bKearly{}\r\nFrom: <{me}>;tag={}\r\n\
             To: <{peer}>;tag={}\r\nCall-ID: {}\r\nCSeq: 900 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            transport,
            self.address,
            now.monotonic.as_nanos(),
            names.local_tag,
            names.remote_tags.concat(),
            names.call_id
        ));
        self.replying.push_back(Transmit { flow: self.flow(), payload });
        self.put_aside();
    }

    /// Presses a key, told by INFO: with a body of this type.
    pub fn tell(&mut self, now: Now, kind: &str, body: &str) {
        let aside = Aside {
            method: Method::Info,
            headers: Vec::new(),
            body: Some((kind.to_owned(), Bytes::copy_from_slice(body.as_bytes()))),
        };
        if let Some(session) = self.session {
            self.stack.ask(now, session, &aside);
        }
    }
}
