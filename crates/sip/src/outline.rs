//! The text of our requests.

use bytes::Bytes;
use sip_message::{AnyUri, CSeq, HeaderName, Method, NameAddr, RAck, RequestBuilder, Response, Via};

use crate::abilities::ALLOW;
use crate::core::Core;
use crate::identity::Proof;
use crate::oversize::Carriage;
use crate::{Aside, Flow};

/// What all messages of one transaction of ours have in common, so that its CANCEL and its ACK can be made from it
/// (RFC 3261 9.1, 17.1.1.3).
#[derive(Clone)]
pub(crate) struct Outline {
    /// The Request-URI.
    pub(crate) uri: AnyUri,
    pub(crate) branch: Box<str>,
    /// Where it goes; what the peer sees of our side of it stands in Via.
    pub(crate) flow: Flow,
    pub(crate) from: Box<str>,
    pub(crate) to: Box<str>,
    pub(crate) call_id: Box<str>,
    pub(crate) cseq: u32,
    pub(crate) routes: Vec<AnyUri>,
    pub(crate) max_forwards: u8,
    /// What it may change about its transport.
    pub(crate) carriage: Carriage,
}

/// A header field's name and value.
type Field = (String, String);
/// The type of a body, and the body.
type Content = (String, Bytes);

impl Outline {
    /// The request itself: an INVITE or UPDATE with `offer`, which may be empty.
    pub(crate) fn encode_offer(
        &self,
        core: &Core,
        method: Method,
        contact: &str,
        headers: &[(String, String)],
        offer: &Bytes,
    ) -> Bytes {
        let mut builder = self
            .begin(core, method, &self.to)
            .header(HeaderName::Contact, contact)
            .header(HeaderName::UserAgent, &core.config.user_agent)
            .header(HeaderName::Allow, ALLOW);
        if !core.supported.is_empty() {
            builder = builder.header(HeaderName::Supported, &core.supported);
        }
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        with_sdp(builder, offer).build()
    }

    /// A PRACK, with our answer if the provisional response offered something.
    pub(crate) fn encode_prack(&self, core: &Core, rack: &RAck, answer: &Bytes, proof: Option<&Proof>) -> Bytes {
        let builder = self.begin(core, Method::Prack, &self.to).header(HeaderName::RAck, &rack.to_string());
        let builder = builder.header(HeaderName::UserAgent, &core.config.user_agent);
        with_sdp(with_proof(builder, proof), answer).build()
    }

    /// A request beside the session.
    pub(crate) fn encode_aside(&self, core: &Core, contact: &str, aside: &Aside, proof: Option<&Proof>) -> Bytes {
        let mut builder = self
            .begin(core, aside.method.clone(), &self.to)
            .header(HeaderName::Contact, contact)
            .header(HeaderName::UserAgent, &core.config.user_agent);
        for (name, value) in aside.headers.iter().chain(proof) {
            builder = builder.header(name, value);
        }
        match &aside.body {
            Some((kind, body)) => builder.body(kind, body.clone()).build(),
            None => builder.build(),
        }
    }

    /// A BYE, with the value of a Reason header field (RFC 3326).
    pub(crate) fn encode_bye(&self, core: &Core, reason: Option<&str>, proof: Option<&Proof>) -> Bytes {
        let builder = self.begin(core, Method::Bye, &self.to).header(HeaderName::UserAgent, &core.config.user_agent);
        with_proof(with_reason(builder, reason), proof).build()
    }

    /// A request outside dialogs without a body.
    pub(crate) fn encode_inquiry(
        &self,
        core: &Core,
        method: &Method,
        (contact, headers, body): (Option<&str>, &[Field], Option<&Content>),
        proof: Option<&Proof>,
    ) -> Bytes {
        let mut builder =
            self.begin(core, method.clone(), &self.to).header(HeaderName::UserAgent, &core.config.user_agent);
        if let Some(contact) = contact {
            builder = builder.header(HeaderName::Contact, contact);
        }
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let builder = with_proof(builder, proof);
        match body {
            Some((kind, body)) => builder.body(kind, body.clone()).build(),
            None => builder.build(),
        }
    }

    /// The CANCEL of the INVITE: its Request-URI, Via, To, From, Call-ID, number and route set (9.1).
    pub(crate) fn encode_cancel(&self, core: &Core, reason: Option<&str>) -> Bytes {
        with_reason(self.begin(core, Method::Cancel, &self.to), reason).build()
    }

    /// The ACK of a failure: the INVITE's Via and route set, the response's To (17.1.1.3).
    pub(crate) fn encode_ack(&self, core: &Core, response: &Response) -> Bytes {
        let to = response.head.header(HeaderName::To).unwrap_or(&self.to);
        self.begin(core, Method::Ack, to).build()
    }

    /// The ACK of a 2xx, which is a request of its own (13.2.2.4), with the header field that proved its INVITE.
    /// With our answer if the 2xx offered something.
    pub(crate) fn encode_plain_ack(&self, core: &Core, proof: Option<&Proof>, answer: &Bytes) -> Bytes {
        with_sdp(with_proof(self.begin(core, Method::Ack, &self.to), proof), answer).build()
    }

    fn begin(&self, core: &Core, method: Method, to: &str) -> RequestBuilder {
        let via = Via::new(self.flow.transport.in_via(), core.own_address(self.flow), &self.branch);
        let mut builder = RequestBuilder::new(&method, &self.uri).via(&via).max_forwards(self.max_forwards);
        for route in &self.routes {
            builder = builder.route(&NameAddr::new(route.clone()));
        }
        builder
            .header(HeaderName::From, &self.from)
            .header(HeaderName::To, to)
            .call_id(&self.call_id)
            .cseq(&CSeq { number: self.cseq, method })
    }
}

fn with_proof(builder: RequestBuilder, proof: Option<&Proof>) -> RequestBuilder {
    match proof {
        Some((name, value)) => builder.header(name, value),
        None => builder,
    }
}

fn with_sdp(builder: RequestBuilder, body: &Bytes) -> RequestBuilder {
    if body.is_empty() { builder } else { builder.body("application/sdp", body.clone()) }
}

fn with_reason(builder: RequestBuilder, reason: Option<&str>) -> RequestBuilder {
    match reason {
        Some(reason) => builder.header(HeaderName::Reason, reason),
        None => builder,
    }
}
