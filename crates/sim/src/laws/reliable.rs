//! The laws of reliable provisional responses (RFC 3262): each gets its PRACK or is given up with its INVITE; the switch has
//! one open at a time, and no 2xx overtakes a description.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Mono;
use sip_message::{Head, Message, Method, Reject, Request, Response};

use super::Breach;

/// When an INVITE is given up that nobody answered: 64*T1.
const GIVEN_UP: Duration = Duration::from_secs(32);

const LAW: &str = "a PRACK for each reliable response";

/// An INVITE: Call-ID and the number of CSeq.
type Invite = (String, u32);

/// What went over the wire, as far as the law goes.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// The responses of the switch that wait for their PRACK: number, and whether they describe something.
    open: BTreeMap<Invite, (u32, bool)>,
    /// The last of them that got it.
    closed: BTreeMap<Invite, u32>,
    /// The INVITEs of the switch, since it started last, and when each was sent first.
    asked: BTreeMap<Invite, Mono>,
    /// Of them, those that a broken connection may have ended.
    excused: BTreeSet<Invite>,
    /// By INVITE of the switch and fork: the number of the last response, and whether its PRACK went out.
    heard: BTreeMap<(Invite, String), (u32, bool)>,
    /// INVITEs of the switch that were answered.
    answered: BTreeSet<Invite>,
    breaches: Vec<Breach>,
}

impl Reliable {
    /// A message reached the switch.
    pub(crate) fn arrived(&mut self, now: Mono, parsed: &Result<Message, Reject>) {
        match parsed {
            Ok(Message::Request(request)) => self.acknowledged(request),
            Ok(Message::Response(response)) => self.heard(now, response),
            Ok(Message::KeepAlive) | Err(_) => {}
        }
    }

    /// A connection of the switch is gone.
    pub(crate) fn line_broke(&mut self) {
        self.excused.extend(self.asked.keys().cloned());
    }

    /// The switch sent a message.
    pub(crate) fn sent(&mut self, now: Mono, message: &Message) {
        match message {
            Message::Request(request) if request.method == Method::Prack => self.pracked(request),
            Message::Request(request) if request.method == Method::Invite => {
                self.asked.entry(invite(&request.head)).or_insert(now);
            }
            Message::Response(response) if response.head.cseq.method == Method::Invite => self.said(response),
            Message::Request(_) | Message::Response(_) | Message::KeepAlive => {}
        }
    }

    fn said(&mut self, response: &Response) {
        let invite = invite(&response.head);
        let open = self.open.get(&invite).copied();
        let describes = !response.body.is_empty();
        match (response.head.rseq(), open) {
            // A repeated INVITE is answered by the last response again, also if that had its PRACK.
            (Some(rseq), _) if self.closed.get(&invite) == Some(&rseq) => {}
            (Some(rseq), Some((known, _))) if rseq != known => {
                self.breaches.push(Breach::new("one reliable response at a time", &format!("{rseq} after {known}")));
            }
            (Some(rseq), _) => {
                self.open.insert(invite, (rseq, describes));
            }
            (None, open) if response.status.is_final() => {
                if response.status.is_success() && open.is_some_and(|(_, describes)| describes) {
                    self.breaches.push(Breach::new("no 2xx overtakes a description", &invite.0));
                }
                self.open.remove(&invite);
            }
            (None, _) => {}
        }
    }

    fn acknowledged(&mut self, request: &Request) {
        let Some(rack) = request.head.rack().filter(|_| request.method == Method::Prack) else { return };
        let invite = (request.head.call_id.to_string(), rack.cseq.number);
        if self.open.get(&invite).is_some_and(|(rseq, _)| *rseq == rack.rseq) {
            self.open.remove(&invite);
            self.closed.insert(invite, rack.rseq);
        }
    }

    fn heard(&mut self, now: Mono, response: &Response) {
        let head = &response.head;
        let Some(asked) = self.asked.get(&invite(head)).filter(|_| head.cseq.method == Method::Invite) else { return };
        let late = now.since(*asked) >= GIVEN_UP;
        let (invite, tag) = (invite(head), head.to.tag().unwrap_or_default().to_owned());
        if response.status.is_final() {
            self.answered.insert(invite);
            return;
        }
        let Some(rseq) = head.rseq().filter(|_| !self.answered.contains(&invite) && !tag.is_empty()) else { return };
        let excused = self.excused.contains(&invite);
        // What comes first after so long comes too late.
        let last = self.heard.entry((invite, tag)).or_insert((rseq, late || excused));
        if rseq == last.0 + 1 {
            *last = (rseq, excused);
        }
    }

    fn pracked(&mut self, request: &Request) {
        let head = &request.head;
        let Some(rack) = head.rack() else { return };
        let invite = (head.call_id.to_string(), rack.cseq.number);
        match self.heard.get_mut(&(invite, head.to.tag().unwrap_or_default().to_owned())) {
            Some((rseq, pracked)) if *rseq == rack.rseq => *pracked = true,
            _ => self.breaches.push(Breach::new("no PRACK without its response", &rack.to_string())),
        }
    }

    pub(crate) fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    /// What never got its PRACK; to be asked when all is over.
    pub(crate) fn unacknowledged(&self) -> Vec<Breach> {
        let open = self.open.iter().map(|((call_id, _), (rseq, _))| format!("ours, {rseq} of {call_id}"));
        let heard = self.heard.iter().filter(|(_, (_, pracked))| !pracked);
        let heard = heard.map(|(((call_id, _), _), (rseq, _))| format!("a phone's, {rseq} of {call_id}"));
        open.chain(heard).map(|what| Breach::new(LAW, &what)).collect()
    }
}

fn invite(head: &Head) -> Invite {
    (head.call_id.to_string(), head.cseq.number)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip_message::parse_datagram;

    use super::*;

    fn message(first: &str, cseq: &str, extra: &str) -> Result<Message, Reject> {
        parse_datagram(Bytes::from(format!(
            "{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n\
             Call-ID: 1\r\nCSeq: {cseq}\r\nMax-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n"
        )))
    }

    fn provisional(rseq: u32) -> Result<Message, Reject> {
        message("SIP/2.0 180 Ringing", "1 INVITE", &format!("RSeq: {rseq}\r\n"))
    }

    fn prack(rseq: u32) -> Result<Message, Reject> {
        message("PRACK sip:b@b SIP/2.0", "2 PRACK", &format!("RAck: {rseq} 1 INVITE\r\n"))
    }

    fn sent(law: &mut Reliable, message: Result<Message, Reject>) {
        law.sent(Mono::ZERO, &message.ok().unwrap());
    }

    #[test]
    fn a_response_without_its_prack_is_found_on_either_side() {
        let mut law = Reliable::default();
        sent(&mut law, provisional(5));
        assert_eq!(law.unacknowledged().len(), 1);
        law.arrived(Mono::ZERO, &prack(4));
        assert_eq!(law.unacknowledged().len(), 1);
        law.arrived(Mono::ZERO, &prack(5));
        assert!(law.unacknowledged().is_empty());
        law.arrived(Mono::ZERO, &provisional(7));
        assert!(law.unacknowledged().is_empty(), "the switch asked for nothing");
        sent(&mut law, message("INVITE sip:b@b SIP/2.0", "1 INVITE", ""));
        law.arrived(Mono::ZERO, &provisional(7));
        assert_eq!(law.unacknowledged().len(), 1);
        sent(&mut law, prack(7));
        assert!(law.unacknowledged().is_empty() && law.breaches().is_empty());
        sent(&mut law, prack(8));
        assert_eq!(law.breaches().len(), 1);
    }

    #[test]
    fn two_at_once_are_found() {
        let mut law = Reliable::default();
        sent(&mut law, provisional(5));
        sent(&mut law, provisional(5));
        assert!(law.breaches().is_empty());
        sent(&mut law, provisional(6));
        assert_eq!(law.breaches().len(), 1);
    }
}
