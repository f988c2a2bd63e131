//! An oracle: what a peer of the switch may see on the wire, by RFC 3261 and its kin.
//!
//! It watches each message that the switch sends or gets, knows the rules by itself, and says which message broke which section. It
//! shares nothing with the stack but the parser, so that no misreading of the standard is on both sides. What phones send is not
//! judged, only remembered: they may do anything.
//!
//! | what | standards | where |
//! |---|---|---|
//! | requests of the switch: repeats, ACK, CANCEL | RFC 3261 8.1, 9.1, 13.2.2.4, 17.1; RFC 6026 | `client.rs` |
//! | its responses: copied fields, one final, repeats, 487 | RFC 3261 8.2.6, 9.2, 13.3.1.4, 17.2; RFC 6026 | `server.rs` |
//! | dialogs: order, tags, what comes after BYE, what is pending | RFC 3261 12, 14, 15; RFC 3311; RFC 6665 | `dialog.rs` |
//! | offers and answers | RFC 3264, RFC 3311, RFC 6337 | `offers.rs` |
//! | reliable provisional responses | RFC 3262 | `reliable.rs` |
//! | session timers | RFC 4028 | `session.rs` |

mod client;
mod dialog;
mod offers;
mod reliable;
mod server;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base::Mono;
use bytes::Bytes;
use sip_message::{Head, Message, Reject, Request, Response};

use crate::laws::Breach;

/// RFC 3261 17.1.1.1: the estimate of a round trip.
const T1: Duration = Duration::from_millis(500);
/// RFC 3261 17.1.2.2: the longest time between two repeats.
const T2: Duration = Duration::from_secs(4);
/// 64*T1: a transaction's patience.
const PATIENCE: Duration = Duration::from_secs(32);

/// A message as the oracle sees it.
#[derive(Clone, Copy, Debug)]
struct Look<'a> {
    now: Mono,
    /// Its way loses nothing.
    is_reliable: bool,
    octets: &'a Bytes,
}

/// The first sight of a request or response, or another one of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    First,
    Again,
}

/// What was found to be wrong.
#[derive(Debug, Default)]
struct Findings(Vec<Breach>);

impl Findings {
    /// `message` breaks `section`.
    fn add(&mut self, section: &'static str, what: &str, message: &str) {
        // The first ones tell it all.
        if self.0.len() < 20 {
            self.0.push(Breach::new(section, &format!("{what}: {message}")));
        }
    }

    fn add_if(&mut self, is_wrong: bool, section: &'static str, what: &str, message: &dyn std::fmt::Display) {
        if is_wrong {
            self.add(section, what, &message.to_string());
        }
    }
}

/// What the switch did on the wire since it started, as far as the rules go.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    client: client::Clients,
    server: server::Servers,
    dialogs: dialog::Dialogs,
    offers: offers::Offers,
    reliable: reliable::Reliables,
    session: session::Sessions,
    findings: Findings,
}

impl Oracle {
    /// The switch sends a message.
    pub(crate) fn sent(&mut self, now: Mono, is_reliable: bool, octets: &Bytes, message: &Message) {
        let look = Look { now, is_reliable, octets };
        match message {
            Message::Request(request) => self.asks(look, request),
            Message::Response(response) => self.answers(look, response),
            Message::KeepAlive => {}
        }
    }

    /// A message reaches the switch.
    pub(crate) fn arrived(&mut self, now: Mono, is_reliable: bool, parsed: &Result<Message, Reject>) {
        self.settle();
        match parsed {
            Ok(Message::Request(request)) => self.is_asked(now, is_reliable, request),
            Ok(Message::Response(response)) => self.is_answered(now, response),
            Ok(Message::KeepAlive) | Err(_) => {}
        }
    }

    /// A connection broke, or none came about: what went over it may have ended thereby (RFC 3261 17.1.4).
    pub(crate) fn line_broke(&mut self) {
        self.client.line_broke();
    }

    /// What was found so far.
    pub(crate) fn breaches(&mut self) -> &[Breach] {
        self.settle();
        &self.findings.0
    }

    /// What had to be sent at once must be there by now.
    fn settle(&mut self) {
        self.client.settle(&mut self.findings);
        self.server.settle(&mut self.findings);
    }

    fn asks(&mut self, look: Look<'_>, request: &Request) {
        let found = &mut self.findings;
        if self.client.sent(look, request, found) == Sight::Again {
            return;
        }
        self.dialogs.sent(look.now, request, &self.client, &self.server, found);
        self.offers.sent(request, found);
        self.reliable.sent(request, found);
        self.session.sent(request, found);
    }

    fn answers(&mut self, look: Look<'_>, response: &Response) {
        let found = &mut self.findings;
        self.reliable.answers(look, response, found);
        if self.server.sent(look, response, found) == Sight::Again {
            return;
        }
        self.dialogs.answers(response, found);
        self.offers.answers(response, found);
        self.session.answers(response, found);
    }

    fn is_asked(&mut self, now: Mono, is_reliable: bool, request: &Request) {
        let sight = self.server.arrived(now, is_reliable, request);
        self.reliable.arrived(request, sight);
        if sight == Sight::Again {
            return;
        }
        self.dialogs.arrived(request);
        self.offers.arrived(request);
        self.session.arrived(request);
    }

    fn is_answered(&mut self, now: Mono, response: &Response) {
        if self.client.arrived(now, response) == Sight::Again {
            return;
        }
        self.dialogs.is_answered(response);
        self.offers.is_answered(response);
        self.reliable.is_answered(response);
        self.session.is_answered(response);
    }
}

/// A request as findings quote it.
fn told(request: &Request) -> String {
    format!("{} {} [{}]", request.method.as_str(), request.uri, named(&request.head))
}

/// A response as findings quote it.
fn told_of(response: &Response) -> String {
    format!("{} to {} [{}]", response.status.code(), response.head.cseq.method.as_str(), named(&response.head))
}

fn named(head: &Head) -> String {
    let tags = [&head.from, &head.to].map(|side| side.tag().unwrap_or("-").to_owned());
    format!("Call-ID {}, {} {}, tags {}", head.call_id, head.cseq.number, head.cseq.method.as_str(), tags.join(" "))
}

/// The topmost Via's branch.
fn branch(head: &Head) -> String {
    head.via.branch().unwrap_or_default().to_owned()
}

fn has_sdp(head: &Head, body: &Bytes) -> bool {
    !body.is_empty() && head.media_type().is_some_and(|name| name.eq_ignore_ascii_case("application/sdp"))
}

/// When the `sends`th message may be followed by another one, at the earliest (RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1).
fn pause_after(sends: u32, longest: Duration) -> Duration {
    (T1 * 2u32.saturating_pow(sends.saturating_sub(1).min(8))).min(longest)
}
