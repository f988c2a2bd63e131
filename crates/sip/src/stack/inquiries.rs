//! Requests of ours outside dialogs: REGISTER, OPTIONS and MESSAGE (RFC 3261 10.2, 11.1; RFC 3428).

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{HeaderName, Method, NameAddr, Response, Uri};

use super::Stack;
use crate::core::printed;
use crate::identity::{Identity, Proof};
use crate::outline::Outline;
use crate::transaction::key;
use crate::{Event, Flow, Inquiry, InquiryId, MAX_FORWARDS, Own, SessionId};

/// A request that waits for its answer.
pub(super) struct Outstanding {
    outline: Outline,
    method: Method,
    contact: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<(String, Bytes)>,
    identity: Option<Box<Identity>>,
}

impl Stack {
    /// Asks something of a peer. His answer, or that there is none, is told by [`Event::Replied`], once.
    pub fn inquire(&mut self, now: Now, inquiry: Inquiry) -> InquiryId {
        let id = SessionId(self.core.next_serial());
        let Inquiry { flow, method, target, from, to, call_id, cseq, contact, headers, body, login, onward } = inquiry;
        let tag = self.core.token();
        let call_id = call_id.map_or_else(|| self.core.token() + &self.core.token(), |id| id.to_string());
        let outline = Outline {
            uri: target,
            branch: key::branch(&self.core.token()).into(),
            flow,
            from: printed(from.with_tag(&tag)).into(),
            to: printed(&to).into(),
            call_id: call_id.into(),
            cseq,
            carriage: onward.tie().carriage(),
            routes: onward.routes,
            max_forwards: MAX_FORWARDS,
        };
        let contact = contact.map(|own| self.own_contact(&own, flow));
        let identity = login.map(|name| Box::new(Identity::login(name, flow.remote.ip())));
        let mut asked = Outstanding { outline, method, contact, headers, body, identity };
        let uri = printed(&asked.outline.uri);
        let proof = self.core.known_proof(asked.identity.as_deref_mut(), &asked.method, &uri, flow.remote.ip());
        self.send_inquiry(now.monotonic, id, &asked, proof.as_ref());
        self.inquiries.insert(id, asked);
        InquiryId(id)
    }

    fn send_inquiry(&mut self, now: Mono, id: SessionId, asked: &Outstanding, proof: Option<&Proof>) {
        let Outstanding { outline, method, contact, headers, body, .. } = asked;
        let parts = (contact.as_deref(), &headers[..], body.as_ref());
        let payload = outline.encode_inquiry(&self.core, method, parts, proof);
        let parts = (outline.clone(), method);
        self.clients.open(&mut self.core, now, parts, outline.flow, (Some(id), false), payload);
    }

    /// The challenge of a request outside dialogs.
    pub(super) fn prove_inquiry(&mut self, now: Mono, id: SessionId, response: &Response) -> bool {
        let Some(mut asked) = self.inquiries.remove(&id) else { return false };
        let uri = printed(&asked.outline.uri);
        let parts = (&asked.method, &*uri, asked.outline.flow.remote.ip());
        let proof = self.core.answer_challenge(asked.identity.as_deref_mut(), response, parts);
        if let Some(proof) = &proof {
            asked.outline.cseq = asked.outline.cseq.saturating_add(1);
            asked.outline.branch = key::branch(&self.core.token()).into();
            self.send_inquiry(now, id, &asked, Some(proof));
        }
        self.inquiries.insert(id, asked);
        proof.is_some()
    }

    /// The last word on a request outside dialogs.
    pub(super) fn replied(&mut self, id: SessionId, status: u16, answer: Option<(Flow, Box<Response>)>) {
        let Some(asked) = self.inquiries.remove(&id) else { return };
        base::give_back(&mut self.inquiries);
        self.core.tell(Event::Replied { inquiry: InquiryId(id), cseq: asked.outline.cseq, status, answer });
    }

    /// Where we can be reached on a flow, by a name of ours.
    fn own_contact(&self, own: &Own, flow: Flow) -> String {
        let mut uri = Uri::from_address(self.core.own_address(flow)).with_user(&own.user);
        if let Some(name) = flow.transport.in_uri() {
            uri = uri.with_param("transport", Some(name));
        }
        if let Some(line) = &own.line {
            uri = uri.with_param("line", Some(line));
        }
        printed(NameAddr::new(uri))
    }
}

/// The value of Expires, as a header field for [`Inquiry::headers`].
#[must_use]
pub fn expires(seconds: u32) -> (String, String) {
    (HeaderName::Expires.as_str().to_owned(), seconds.to_string())
}
