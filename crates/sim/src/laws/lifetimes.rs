//! The law of session timers (RFC 4028 section 10): no session outlives its expiry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Mono;
use sip_message::{Head, Message, Method, Reject, Response};

use super::Breach;

/// Until when each session lives that both sides agreed to end, by its Call-ID.
#[derive(Debug, Default)]
pub(crate) struct Lifetimes {
    ends: BTreeMap<String, Mono>,
    /// What a 2xx to an INVITE of the switch said, until its ACK: then the switch has taken it.
    said: BTreeMap<(String, u32), Option<Mono>>,
    /// Sessions that were hung up: what is said again of them counts no more.
    over: BTreeSet<String>,
}

impl Lifetimes {
    /// A message reached the switch.
    pub(crate) fn arrived(&mut self, now: Mono, parsed: &Result<Message, Reject>) {
        match parsed {
            Ok(Message::Request(request)) if request.method == Method::Bye => self.over(&request.head),
            Ok(Message::Response(response)) if response.status.is_success() => {
                let head = &response.head;
                match head.cseq.method {
                    Method::Invite => {
                        self.said.insert((head.call_id.to_string(), head.cseq.number), end(now, response));
                    }
                    Method::Update if self.ends.contains_key(head.call_id.as_str()) => {
                        self.agreed(head, end(now, response))
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// The switch sent a message.
    pub(crate) fn sent(&mut self, now: Mono, message: &Message) {
        match message {
            Message::Request(request) if request.method == Method::Bye => self.over(&request.head),
            Message::Request(request) if request.method == Method::Ack => {
                let head = &request.head;
                if let Some(end) = self.said.remove(&(head.call_id.to_string(), head.cseq.number)) {
                    self.agreed(head, end);
                }
            }
            Message::Response(response) if response.status.is_success() => match response.head.cseq.method {
                // A 200 that comes again says nothing new.
                Method::Invite if self.said.insert(key(&response.head), None).is_none() => {
                    self.agreed(&response.head, end(now, response));
                }
                Method::Update if self.ends.contains_key(response.head.call_id.as_str()) => {
                    self.agreed(&response.head, end(now, response));
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn agreed(&mut self, head: &Head, end: Option<Mono>) {
        match end.filter(|_| !self.over.contains(head.call_id.as_str())) {
            Some(end) => self.ends.insert(head.call_id.to_string(), end),
            None => self.ends.remove(head.call_id.as_str()),
        };
    }

    fn over(&mut self, head: &Head) {
        self.ends.remove(head.call_id.as_str());
        self.over.insert(head.call_id.to_string());
    }

    pub(crate) fn breaches(&self, now: Mono) -> impl Iterator<Item = Breach> {
        let outlived = self.ends.iter().filter(move |(_, end)| **end < now);
        outlived.map(|(call_id, _)| Breach::new("no session outlives its expiry", call_id))
    }
}

fn key(head: &Head) -> (String, u32) {
    (head.call_id.to_string(), head.cseq.number)
}

fn end(now: Mono, response: &Response) -> Option<Mono> {
    response.head.session_expires().map(|agreed| now + Duration::from_secs(u64::from(agreed.seconds)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::parse_datagram;

    use super::*;

    fn message(first: &str, method: &str) -> Result<Message, Reject> {
        parse_datagram(Bytes::from(format!(
            "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n\
             Call-ID: 1\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nSession-Expires: 90\r\nContent-Length: 0\r\n\r\n"
        )))
    }

    #[test]
    fn a_session_that_outlives_its_expiry_is_found() {
        let mut law = Lifetimes::default();
        let after = |seconds| Mono::ZERO + Duration::from_secs(seconds);
        law.sent(after(0), &message("SIP/2.0 200 OK", "INVITE").ok().unwrap());
        assert_eq!((law.breaches(after(90)).count(), law.breaches(after(91)).count()), (0, 1));
        law.arrived(after(60), &message("SIP/2.0 200 OK", "UPDATE"));
        assert_eq!((law.breaches(after(91)).count(), law.breaches(after(151)).count()), (0, 1));
        law.arrived(after(60), &message("BYE sip:b@b SIP/2.0", "BYE"));
        assert_eq!(law.breaches(after(151)).count(), 0);
    }
}
