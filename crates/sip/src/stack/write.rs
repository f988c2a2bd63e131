//! The text of our responses.

use std::hash::{DefaultHasher, Hash, Hasher};

use base::{Mono, Now};
use bytes::Bytes;
use sip_message::{AnyUri, HeaderName, Method, NameAddr, Request, ResponseBuilder, Scheme, StatusCode, Uri};

use super::Stack;
use crate::abilities::{self, ACCEPT, ALLOW, ALLOW_EVENTS};
use crate::core::{Core, printed};
use crate::dialog::Dialog;
use crate::digest::hex;
use crate::inspect::Fault;
use crate::session::{Asked, Session};
use crate::{Flow, Pending, Refusal, SessionId, Transport};

impl Stack {
    /// Refuses a request for what [`crate::inspect`] or the search for its dialog found.
    pub(super) fn answer_fault(&mut self, now: Mono, asked: &Asked, fault: Fault) {
        self.core.counters.refused += 1;
        let response = self.core.fault(&asked.request, asked.flow, &fault);
        self.servers.answer(&mut self.core, now, asked.id, false, response);
    }

    /// As [`Stack::answer_fault`], of a request of which nothing is kept.
    pub(super) fn refuse_stateless(&mut self, request: &Request, flow: Flow, fault: &Fault) {
        self.core.counters.refused += 1;
        let response = self.core.fault(request, flow, fault);
        self.core.send(flow.reply(&request.head.via), response);
    }

    /// Answers with nothing but a status.
    pub(super) fn answer_plain(&mut self, now: Mono, asked: &Asked, code: u16) {
        let tag = self.core.stateless_tag(&asked.request);
        let response = self.core.response(&asked.request, asked.flow, status(code)).to_tag(&tag).build();
        self.servers.answer(&mut self.core, now, asked.id, (200..300).contains(&code), response);
    }

    /// 200 to a CANCEL, with the To tag of the INVITE's responses (9.2).
    pub(super) fn answer_cancel(&mut self, now: Mono, asked: &Asked, session: Option<SessionId>) {
        let session = session.and_then(|id| self.sessions.get(&id));
        let tag = match session.and_then(Session::dialog) {
            Some(dialog) => dialog.local_tag.to_string(),
            None => self.core.stateless_tag(&asked.request),
        };
        let response = self.core.response(&asked.request, asked.flow, StatusCode::OK).to_tag(&tag).build();
        self.servers.answer(&mut self.core, now, asked.id, true, response);
    }

    /// Answers an OPTIONS inside a dialog.
    pub(super) fn answer_options(&mut self, now: Mono, asked: &Asked) {
        let response = self.core.abilities(&asked.request, asked.flow);
        self.servers.answer(&mut self.core, now, asked.id, true, response);
    }

    /// 503 with Retry-After, of which nothing is kept.
    pub(super) fn answer_overloaded(&mut self, request: &Request, flow: Flow) {
        self.core.counters.overloaded += 1;
        let tag = self.core.stateless_tag(request);
        let after = self.core.config.retry_after.to_string();
        let builder = self.core.response(request, flow, status(503)).to_tag(&tag);
        let response = builder.header(HeaderName::RetryAfter, &after).build();
        self.core.send(flow.reply(&request.head.via), response);
    }

    /// Answers a request of which nothing is kept, as its gate wants.
    pub(super) fn answer_stateless(&mut self, request: &Request, flow: Flow, code: u16, headers: &[(String, String)]) {
        self.core.counters.refused += 1;
        let tag = self.core.stateless_tag(request);
        let code = if (300..700).contains(&code) { code } else { 500 };
        let mut builder = self.core.response(request, flow, status(code)).to_tag(&tag);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let response = builder.build();
        self.core.send(flow.reply(&request.head.via), response);
    }

    /// Answers a request that was given to the application, with a final response (200 to 699, else 500).
    pub fn respond(&mut self, now: Now, pending: Pending, code: u16, headers: &[(String, String)]) {
        let asked = *pending.0;
        let tag = self.core.stateless_tag(&asked.request);
        let code = if (200..700).contains(&code) { code } else { 500 };
        let mut builder = self.core.response(&asked.request, asked.flow, status(code)).to_tag(&tag);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        if asked.request.method == Method::Register && (200..300).contains(&code) {
            builder = builder.header(HeaderName::Supported, &abilities::supported_by_registrar(&self.core.config));
        }
        let response = builder.build();
        self.servers.answer(&mut self.core, now.monotonic, asked.id, (200..300).contains(&code), response);
    }

    /// Our Contact with the user part that a request was addressed to.
    pub(super) fn contact_of(&self, request: &Request, flow: Flow) -> String {
        self.contact(&request.uri.user().unwrap_or_default(), flow, wants_sips(request))
    }

    /// Our Contact. It is a SIPS URI if the peer's is (`sips`), and the flow can be (RFC 3261 8.1.1.8, 12.1.1).
    pub(super) fn contact(&self, user: &str, flow: Flow, sips: bool) -> String {
        let uri = Uri::from_address(self.core.own_address(flow)).with_user(user);
        let uri = match flow.transport.in_uri() {
            Some(_) if sips && flow.transport == Transport::Tls => uri.with_scheme(Scheme::Sips),
            Some(name) if sips && flow.transport.is_secure() => {
                uri.with_scheme(Scheme::Sips).with_param("transport", Some(name))
            }
            Some(name) => uri.with_param("transport", Some(name)),
            None => uri,
        };
        printed(NameAddr::new(uri))
    }
}

impl Core {
    /// A response with what stands in all of ours.
    fn response<'a>(&self, request: &'a Request, flow: Flow, status: StatusCode) -> ResponseBuilder<'a> {
        ResponseBuilder::to(request, flow.remote, status).header(HeaderName::Server, &self.config.user_agent)
    }

    /// What we can do (11.2).
    pub(super) fn abilities(&self, request: &Request, flow: Flow) -> Bytes {
        let tag = self.stateless_tag(request);
        let builder = self.response(request, flow, StatusCode::OK).to_tag(&tag);
        let builder = builder.header(HeaderName::Allow, ALLOW).header(HeaderName::Accept, ACCEPT);
        let builder = builder.header(HeaderName::AllowEvents, ALLOW_EVENTS);
        builder.header(HeaderName::AcceptEncoding, "identity").header(HeaderName::Supported, &self.supported).build()
    }

    /// A failure with the header field that says what would have been fine.
    fn fault(&self, request: &Request, flow: Flow, fault: &Fault) -> Bytes {
        let tag = self.stateless_tag(request);
        let mut builder = self.response(request, flow, status(fault.status)).to_tag(&tag);
        if let Some((name, value)) = &fault.header {
            builder = builder.header(name, value);
        }
        builder.build()
    }

    /// 100 (Trying), which has no tag (8.2.6.2).
    pub(super) fn trying(&self, asked: &Asked) -> Bytes {
        self.response(&asked.request, asked.flow, StatusCode::TRYING).build()
    }

    /// A response that belongs to a dialog: 101–299 to INVITE and UPDATE.
    pub(super) fn response_in<'a>(
        &self,
        asked: &'a Asked,
        dialog: &'a Dialog,
        code: u16,
        body: Option<Bytes>,
    ) -> ResponseBuilder<'a> {
        let mut builder = self.response(&asked.request, asked.flow, status(code)).to_tag(&dialog.local_tag);
        builder = builder.header(HeaderName::Contact, &dialog.contact).header(HeaderName::Allow, ALLOW);
        if !self.supported.is_empty() {
            builder = builder.header(HeaderName::Supported, &self.supported);
        }
        match body.filter(|body| !body.is_empty()) {
            Some(body) => builder.body("application/sdp", body),
            None => builder,
        }
    }

    /// The failure that an application or an event wishes for, and its status.
    pub(super) fn refusal<'a>(
        &self,
        asked: &'a Asked,
        tag: &'a str,
        refusal: &'a Refusal,
    ) -> (ResponseBuilder<'a>, StatusCode) {
        let status = status(if (300..700).contains(&refusal.status) { refusal.status } else { 500 });
        let mut builder = self.response(&asked.request, asked.flow, status).to_tag(tag);
        if let Some(reason) = &refusal.reason {
            builder = builder.reason(reason);
        }
        for (name, value) in &refusal.headers {
            builder = builder.header(name, value);
        }
        (builder, status)
    }

    /// The To tag of a response that begins no dialog: the same for each copy of a request (8.2.7), and not to be
    /// guessed.
    fn stateless_tag(&self, request: &Request) -> String {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        match request.head.via.unique_branch() {
            Some(branch) => branch.hash(&mut hasher),
            None => {
                (request.head.call_id.as_str(), request.head.from.tag(), request.head.cseq.number).hash(&mut hasher)
            }
        }
        hex(&hasher.finish().to_be_bytes())
    }
}

/// True of a request that asks for a SIPS URI as our Contact: by its Request-URI, its topmost Record-Route, or, if it has
/// none, its Contact (RFC 3261 12.1.1).
fn wants_sips(request: &Request) -> bool {
    let head = &request.head;
    let hop = head.record_routes.first().or(head.contacts.first()).map(|hop| &hop.uri);
    is_sips(&request.uri) || hop.is_some_and(is_sips)
}

/// True of a SIPS URI.
pub(super) fn is_sips(uri: &AnyUri) -> bool {
    uri.as_sip().is_some_and(|uri| uri.scheme() == Scheme::Sips)
}

fn status(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR)
}
