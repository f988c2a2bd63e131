//! The laws of the wire: each request gets one final response, and no second one (RFC 3261 8.2, 17.2); each 2xx to an
//! INVITE gets its ACK (13.2.2.4).

use std::collections::BTreeMap;
use std::time::Duration;

use base::Mono;
use sip_message::{Head, Message, Method, Reject, Response};

use super::Breach;

/// How long a transaction knows its request again: 64*T1.
const KNOWN: Duration = Duration::from_secs(32);

/// A transaction: the topmost Via's branch, and the method.
type Key = (String, String);

/// A 2xx to an INVITE: Call-ID, the tag of To, and the number of CSeq.
type Dialog = (String, String, u32);

/// What went over the wire, as far as the law goes.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    requests: BTreeMap<Key, Answered>,
    /// When the switch sent each INVITE first, by its branch; none if a broken connection may have ended it.
    invites: BTreeMap<String, Option<Mono>>,
    /// The 2xx to them, and whether each got its ACK.
    taken: BTreeMap<Dialog, bool>,
    breaches: Vec<Breach>,
}

/// What a request was answered.
#[derive(Debug)]
enum Answered {
    NotYet,
    With { status: u16, tag: String, at: Mono },
}

impl Wire {
    /// A message reached the switch.
    pub(crate) fn arrived(&mut self, now: Mono, parsed: &Result<Message, Reject>) {
        let request = match parsed {
            Ok(Message::Request(request)) => request,
            Ok(Message::Response(response)) => return self.taken(now, response),
            Ok(Message::KeepAlive) | Err(_) => return,
        };
        if request.method == Method::Ack {
            return;
        }
        let branch = request.head.via.branch().unwrap_or_default().to_owned();
        let key = (branch, request.method.as_str().to_owned());
        // A repeat that comes after its transaction was forgotten is a new request.
        let known = self.requests.entry(key).or_insert(Answered::NotYet);
        if is_forgotten(now, known) {
            *known = Answered::NotYet;
        }
    }

    /// A connection broke. An INVITE that went over it may have been given up thereby (RFC 3261 17.1.4): a 2xx that comes by
    /// another one is a stray.
    pub(crate) fn lines_broke(&mut self) {
        // Not forgotten: one that is sent again is no new one.
        self.invites.values_mut().for_each(|sent| *sent = None);
    }

    /// A response reached the switch. A 2xx that comes when the INVITE was given up may get no ACK.
    fn taken(&mut self, now: Mono, response: &Response) {
        let head = &response.head;
        let is_2xx = (200..300).contains(&response.status.code()) && head.cseq.method == Method::Invite;
        let sent = head.via.branch().and_then(|branch| *self.invites.get(branch)?);
        if is_2xx && sent.is_some_and(|sent| now.since(sent) < KNOWN) {
            self.taken.entry(dialog(head)).or_insert(false);
        }
    }

    /// The switch sent a message.
    pub(crate) fn sent(&mut self, now: Mono, message: &Message) {
        let response = match message {
            Message::Request(request) if request.method == Method::Ack => {
                self.taken.entry(dialog(&request.head)).and_modify(|acked| *acked = true);
                return;
            }
            Message::Request(request) if request.method == Method::Invite => {
                self.invites.entry(request.head.via.branch().unwrap_or_default().to_owned()).or_insert(Some(now));
                return;
            }
            Message::Response(response) if response.status.is_final() => response,
            Message::Request(_) | Message::Response(_) | Message::KeepAlive => return,
        };
        let branch = response.head.via.branch().unwrap_or_default().to_owned();
        let key = (branch, response.head.cseq.method.as_str().to_owned());
        let status = response.status.code();
        let tag = response.head.to.tag().unwrap_or_default().to_owned();
        match self.requests.get(&key) {
            // Nothing is kept of a request that was challenged: its repeat is as good as new.
            Some(Answered::With { status: 401, .. } | Answered::NotYet) => {
                self.requests.insert(key, Answered::With { status, tag, at: now });
            }
            Some(Answered::With { status: first, tag: known, .. }) if (*first, known) != (status, &tag) => {
                let what = format!("{} was answered {first} and then {status}", key.1);
                self.breaches.push(Breach::new("one final response", &what));
            }
            Some(Answered::With { .. }) => {}
            None => {
                let what = format!("{status} to a {} that never came", key.1);
                self.breaches.push(Breach::new("one final response", &what));
            }
        }
    }

    pub(crate) fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// Requests that were never answered, and answers that were never acknowledged; to be asked when all is over.
    pub(crate) fn unanswered(&self) -> Vec<Breach> {
        let unacked = self.taken.iter().filter(|(_, acked)| !**acked);
        let unacked = unacked.map(|((call_id, ..), _)| Breach::new("an ACK for each 2xx", call_id));
        let open = self.requests.iter().filter(|(_, answered)| matches!(answered, Answered::NotYet));
        open.map(|((_, method), _)| Breach::new("one final response", &format!("a {method} was never answered")))
            .chain(unacked)
            .collect()
    }
}

fn dialog(head: &Head) -> Dialog {
    (head.call_id.to_string(), head.to.tag().unwrap_or_default().to_owned(), head.cseq.number)
}

fn is_forgotten(now: Mono, answered: &Answered) -> bool {
    matches!(answered, Answered::With { at, .. } if now.since(*at) >= KNOWN)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::parse_datagram;

    use super::*;

    fn message(first: &str, method: &str, tag: &str) -> Bytes {
        Bytes::from(format!(
            "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>{tag}\r\n\
             Call-ID: 1\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        ))
    }

    fn sent(wire: &mut Wire, payload: Bytes) {
        wire.sent(Mono::ZERO, &parse_datagram(payload).ok().unwrap());
    }

    fn wire(answers: &[(&str, &str)]) -> Wire {
        let mut wire = Wire::default();
        wire.arrived(Mono::ZERO, &parse_datagram(message("INVITE sip:b@b SIP/2.0", "INVITE", "")));
        answers.iter().for_each(|(first, tag)| sent(&mut wire, message(first, "INVITE", tag)));
        wire
    }

    #[test]
    fn a_2xx_without_an_ack_is_found() {
        let mut wire = Wire::default();
        sent(&mut wire, message("INVITE sip:b@b SIP/2.0", "INVITE", ""));
        wire.arrived(Mono::ZERO, &parse_datagram(message("SIP/2.0 200 OK", "INVITE", ";tag=2")));
        assert_eq!(wire.unanswered().len(), 1);
        sent(&mut wire, message("ACK sip:b@b SIP/2.0", "ACK", ";tag=2"));
        assert!(wire.unanswered().is_empty());
    }

    #[test]
    fn an_invite_that_a_broken_connection_may_have_ended_needs_no_ack_though_it_is_sent_again() {
        let mut wire = Wire::default();
        sent(&mut wire, message("INVITE sip:b@b SIP/2.0", "INVITE", ""));
        wire.lines_broke();
        sent(&mut wire, message("INVITE sip:b@b SIP/2.0", "INVITE", ""));
        wire.arrived(Mono::ZERO, &parse_datagram(message("SIP/2.0 200 OK", "INVITE", ";tag=2")));
        assert!(wire.unanswered().is_empty());
    }

    #[test]
    fn a_request_without_a_final_response_or_with_two_is_found() {
        assert_eq!(wire(&[("SIP/2.0 180 Ringing", ";tag=2")]).unanswered().len(), 1);
        let right =
            wire(&[("SIP/2.0 180 Ringing", ";tag=2"), ("SIP/2.0 200 OK", ";tag=2"), ("SIP/2.0 200 OK", ";tag=2")]);
        assert!(right.unanswered().is_empty() && right.breaches().is_empty(), "{:?}", right.breaches());
        assert_eq!(wire(&[("SIP/2.0 200 OK", ";tag=2"), ("SIP/2.0 487 Gone", ";tag=2")]).breaches().len(), 1);
        assert_eq!(wire(&[("SIP/2.0 200 OK", ";tag=2"), ("SIP/2.0 200 OK", ";tag=3")]).breaches().len(), 1);
    }
}
