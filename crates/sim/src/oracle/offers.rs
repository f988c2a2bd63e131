//! Offers and answers: no offer before the answer to the last one, an answer to each that is taken, and none where none was asked.

use std::collections::BTreeMap;

use sip_message::{Method, Request, Response};

use super::dialog::ids;
use super::server::{self, Key};
use super::{Findings, has_sdp, told, told_of};

/// Call-ID, the switch's tag, the peer's.
type Id = [String; 3];

/// An offer that has no answer: whose it is, and the request in or to which it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    is_ours: bool,
    method: Method,
    number: u32,
}

/// What is asked and answered within one dialog.
#[derive(Clone, Debug, Default)]
struct Exchange {
    open: Option<Open>,
    /// The last INVITE: whose it is, its number, whether it makes an offer, and whether any was made in it.
    invite: Option<Invite>,
}

#[derive(Clone, Debug)]
struct Invite {
    is_ours: bool,
    number: u32,
    offers: bool,
    /// An offer was made by it, or in a response to it.
    has_offer: bool,
}

/// All exchanges.
#[derive(Debug, Default)]
pub(super) struct Offers {
    all: BTreeMap<Id, Exchange>,
    /// Offers of the peer that met one without an answer.
    crossing: Vec<Key>,
    /// Requests of the peer other than INVITE, and whether they make an offer.
    asked: BTreeMap<Key, bool>,
}

impl Offers {
    /// The exchange of a dialog; as it began outside of it, if that is all there is.
    fn exchange(&mut self, id: Id) -> &mut Exchange {
        let outside = [id[0].clone(), id[1].clone(), String::new()];
        let begun = self.all.get(&outside).cloned().unwrap_or_default();
        self.all.entry(id).or_insert(begun)
    }

    pub(super) fn sent(&mut self, request: &Request, found: &mut Findings) {
        let (head, method, text) = (&request.head, &request.method, told(request));
        let describes = has_sdp(head, &request.body);
        let exchange = self.exchange(ids(head));
        let number = head.cseq.number;
        match method {
            Method::Invite | Method::Update => {
                if describes {
                    found.add_if(exchange.open.is_some(), "RFC 3264 4", "an offer while one is open", &text);
                    exchange.open = Some(Open { is_ours: true, method: method.clone(), number });
                }
                if *method == Method::Invite {
                    exchange.invite = Some(Invite { is_ours: true, number, offers: describes, has_offer: describes });
                }
            }
            Method::Prack => match (&exchange.open, describes) {
                (Some(open), true) if open.is_ours => found.add("RFC 3262 5", "an offer while one is open", &text),
                (Some(_), true) => exchange.open = None,
                (None, true) => exchange.open = Some(Open { is_ours: true, method: method.clone(), number }),
                (Some(open), false) if !open.is_ours && open.method == Method::Invite => {
                    found.add("RFC 3262 5", "a PRACK without the answer", &text);
                }
                (_, false) => {}
            },
            Method::Ack => {
                let is_asked = exchange.open.as_ref().is_some_and(|open| !open.is_ours && open.number == number);
                found.add_if(describes && !is_asked, "RFC 3261 13.2.2.4", "an answer that nobody asked for", &text);
                found.add_if(is_asked && !describes, "RFC 3261 13.2.2.4", "an ACK without the answer", &text);
                exchange.open.take_if(|_| is_asked);
            }
            _ => found.add_if(describes, "RFC 3264 4", "a description in a request that has none", &text),
        }
    }

    pub(super) fn is_answered(&mut self, response: &Response) {
        let (head, method, status) = (&response.head, &response.head.cseq.method, response.status.code());
        let describes = has_sdp(head, &response.body);
        let exchange = self.exchange(ids(head));
        let number = head.cseq.number;
        let is_it = |open: &Open| open.is_ours && open.method == *method && open.number == number;
        if status >= 300 {
            // An INVITE that fails takes all with it that was asked in its responses.
            exchange.open.take_if(|open| is_it(open) || (*method == Method::Invite && open.number == number));
            let outside = [head.call_id.to_string(), ids(head)[1].clone(), String::new()];
            self.all.entry(outside).and_modify(|exchange| drop(exchange.open.take_if(|open| is_it(open))));
            return;
        }
        if !is_reliable(response) {
            return;
        }
        if exchange.open.as_ref().is_some_and(is_it) && (describes || status >= 200) {
            exchange.open = None;
            return;
        }
        let invite = exchange.invite.as_mut().filter(|invite| invite.is_ours && invite.number == number);
        if let Some(invite) = invite.filter(|invite| *method == Method::Invite && describes && !invite.has_offer) {
            invite.has_offer = true;
            exchange.open = Some(Open { is_ours: false, method: Method::Invite, number });
        }
    }

    pub(super) fn arrived(&mut self, request: &Request) {
        let (head, method) = (&request.head, &request.method);
        let describes = has_sdp(head, &request.body);
        let [call_id, theirs, ours] = ids(head);
        let number = head.cseq.number;
        let key = server::key(head, method);
        // What begins a dialog meets nothing, even if it came before: a stranger is left without an answer, and may be none when he
        // asks again.
        let begins = ours.is_empty();
        let exchange = self.exchange([call_id, ours, theirs]);
        match method {
            Method::Invite | Method::Update => {
                let crosses = describes && exchange.open.is_some() && !begins;
                if describes && !crosses {
                    exchange.open = Some(Open { is_ours: false, method: method.clone(), number });
                }
                if *method == Method::Invite {
                    exchange.invite = Some(Invite { is_ours: false, number, offers: describes, has_offer: describes });
                } else {
                    self.asked.insert(key.clone(), describes);
                }
                if crosses {
                    self.crossing.push(key);
                }
            }
            Method::Prack => {
                let was = exchange.open.clone();
                let asks = describes && was.is_none();
                if asks {
                    exchange.open = Some(Open { is_ours: false, method: method.clone(), number });
                } else {
                    exchange.open.take_if(|open| open.is_ours && open.method == Method::Invite && describes);
                }
                self.asked.insert(key, asks);
            }
            Method::Ack => drop(exchange.open.take_if(|open| open.is_ours && open.number == number)),
            _ => {}
        }
    }

    pub(super) fn answers(&mut self, response: &Response, found: &mut Findings) {
        let (head, method, text) = (&response.head, &response.head.cseq.method, told_of(response));
        let (status, describes) = (response.status.code(), has_sdp(&response.head, &response.body));
        let [call_id, theirs, ours] = ids(head);
        let (number, key) = (head.cseq.number, server::key(head, method));
        let is_crossing = self.crossing.contains(&key) && (200..300).contains(&status);
        found.add_if(is_crossing, "RFC 3261 14.2, RFC 3311 5.2", "an offer that met another is taken", &text);
        let asks = self.asked.get(&key).copied();
        let outside = [call_id.clone(), String::new(), theirs.clone()];
        let begun = self.all.get(&outside).cloned().unwrap_or_default();
        let exchange = self.all.entry([call_id, ours, theirs]).or_insert(begun);
        let is_it = |open: &Open| !open.is_ours && open.method == *method && open.number == number;
        if status >= 300 {
            exchange
                .open
                .take_if(|open| is_it(open) || (*method == Method::Invite && open.is_ours && open.number == number));
            return;
        }
        if *method != Method::Invite {
            let is_open = exchange.open.take_if(|open| is_it(open)).is_some();
            let is_asked = asks == Some(true) && is_open;
            found.add_if(is_asked && !describes && status >= 200, "RFC 3311 5.2", "a 2xx without the answer", &text);
            found.add_if(asks == Some(false) && describes, "RFC 3311 5.2", "an answer that nobody asked for", &text);
            return;
        }
        exchange.is_taken_further(response, describes, &text, found);
    }
}

impl Exchange {
    /// The switch answers an INVITE by a 1xx or 2xx.
    fn is_taken_further(&mut self, response: &Response, describes: bool, text: &str, found: &mut Findings) {
        let (number, status) = (response.head.cseq.number, response.status.code());
        let Some(invite) = self.invite.as_mut().filter(|invite| !invite.is_ours && invite.number == number) else {
            return;
        };
        let is_open = self.open.as_ref().is_some_and(|open| !open.is_ours && open.number == number);
        if invite.offers {
            let lacks = status >= 200 && is_open && !describes;
            found.add_if(lacks, "RFC 3261 13.3.1.4", "a 2xx without the answer", &text);
            if is_reliable(response) && (describes || status >= 200) {
                self.open.take_if(|_| is_open);
            }
            return;
        }
        if !is_reliable(response) {
            found.add_if(describes, "RFC 3261 13.2.1", "an offer that may get lost", &text);
            return;
        }
        let lacks = status >= 200 && !describes && !invite.has_offer;
        found.add_if(lacks, "RFC 3261 13.2.1", "a 2xx without the offer", &text);
        if describes && !invite.has_offer {
            found.add_if(self.open.is_some(), "RFC 3264 4", "an offer while one is open", &text);
            invite.has_offer = true;
            self.open = Some(Open { is_ours: true, method: Method::Invite, number });
        }
    }
}

/// A 2xx, or a provisional response that is acknowledged.
fn is_reliable(response: &Response) -> bool {
    response.status.code() >= 200 || (response.head.rseq().is_some() && response.head.requires("100rel"))
}
