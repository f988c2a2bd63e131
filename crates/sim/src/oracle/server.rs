//! The switch as a server: what its responses copy, one final response, what it sends again and when, the 487 after a CANCEL.

use std::collections::BTreeMap;

use base::Mono;
use bytes::Bytes;
use sip_message::{Head, HeaderName, Method, Request, Response};

use super::{Findings, Look, PATIENCE, Sight, T2, branch, pause_after, told, told_of};

/// A request that came to the switch.
#[derive(Debug)]
struct Server {
    told: String,
    from: String,
    vias: usize,
    call_id: String,
    number: u32,
    /// The tag of To, once there is one.
    tag: Option<String>,
    is_reliable: bool,
    arrivals: u32,
    /// Responses that may be sent as the request came again.
    credit: u32,
    is_cancelled: bool,
    is_acknowledged: bool,
    answer: Option<Answer>,
}

/// The final response.
#[derive(Debug)]
struct Answer {
    status: u16,
    octets: Bytes,
    first: Mono,
    last: Mono,
    sends: u32,
}

/// The requests that came, by branch, who sent them and method.
#[derive(Debug, Default)]
pub(super) struct Servers {
    all: BTreeMap<Key, Server>,
    /// INVITEs that were cancelled and must be answered 487 at once.
    owed: Vec<Key>,
}

pub(super) type Key = (String, String, String);

impl Servers {
    /// True if an INVITE with this key is not over: no final response, or a 2xx without its ACK (RFC 3261 14.1).
    pub(super) fn is_open(&self, now: Mono, key: &Key) -> bool {
        self.all.get(key).is_some_and(|server| match &server.answer {
            None => true,
            Some(Answer { status: 200..300, first, .. }) => !server.is_acknowledged && now.since(*first) < PATIENCE,
            Some(_) => false,
        })
    }

    pub(super) fn settle(&mut self, found: &mut Findings) {
        for key in self.owed.drain(..) {
            let Some(server) = self.all.get(&key).filter(|server| server.answer.is_none()) else { continue };
            found.add("RFC 3261 9.2", "no 487 after a CANCEL", &server.told);
        }
    }

    pub(super) fn arrived(&mut self, now: Mono, is_reliable: bool, request: &Request) -> Sight {
        if request.method == Method::Ack {
            return self.is_acknowledged(request);
        }
        let key = key(&request.head, &request.method);
        if let Some(server) = self.all.get_mut(&key).filter(|server| !server.is_forgotten(now)) {
            server.arrivals += 1;
            server.credit += 1;
            return Sight::Again;
        }
        if request.method == Method::Cancel {
            let invite = invite_of(&key);
            if let Some(server) = self.all.get_mut(&invite).filter(|server| server.answer.is_none()) {
                server.is_cancelled = true;
                self.owed.push(invite);
            }
        }
        let head = &request.head;
        let server = Server {
            told: told(request),
            from: head.from.to_string(),
            vias: head.via_count,
            call_id: head.call_id.to_string(),
            number: head.cseq.number,
            tag: head.to.tag().map(str::to_owned),
            is_reliable,
            arrivals: 1,
            credit: 0,
            is_cancelled: false,
            is_acknowledged: false,
            answer: None,
        };
        self.all.insert(key, server);
        Sight::First
    }

    pub(super) fn sent(&mut self, look: Look<'_>, response: &Response, found: &mut Findings) -> Sight {
        let (head, text) = (&response.head, told_of(response));
        found.add_if(head.cseq.method == Method::Ack, "RFC 3261 17.2.1", "a response to an ACK", &text);
        let Some(server) = self.all.get_mut(&key(head, &head.cseq.method)) else {
            found.add("RFC 3261 8.2.6", "a response to what never came", &text);
            return Sight::Again;
        };
        server.copies(response, &text, found);
        let status = response.status.code();
        if status < 200 {
            found.add_if(
                server.answer.is_some(),
                "RFC 3261 17.2.1",
                "a provisional response after the final one",
                &text,
            );
            return Sight::First;
        }
        if server.answer.is_some() {
            server.repeats(look, response, &text, found);
            return Sight::Again;
        }
        let is_wrong = server.is_cancelled && status != 487;
        found.add_if(is_wrong, "RFC 3261 9.2", "a cancelled INVITE is not answered 487", &text);
        if status < 300 && head.cseq.method == Method::Invite {
            let contacts = head.headers(HeaderName::Contact).count();
            found.add_if(contacts != 1, "RFC 3261 12.1.1", "not one Contact in a 2xx", &text);
        }
        let (first, last) = (look.now, look.now);
        server.answer = Some(Answer { status, octets: look.octets.clone(), first, last, sends: 1 });
        Sight::First
    }

    /// An ACK came: for a failure by its branch, for a 2xx by its dialog.
    fn is_acknowledged(&mut self, request: &Request) -> Sight {
        let head = &request.head;
        let failed = self.all.get_mut(&key(head, &Method::Invite));
        if let Some(server) = failed.filter(|server| server.answer.as_ref().is_some_and(|answer| answer.status >= 300))
        {
            server.is_acknowledged = true;
            return Sight::Again;
        }
        let (call_id, number, tag) = (head.call_id.as_str(), head.cseq.number, head.to.tag());
        let is_it = |server: &Server| {
            let is_2xx = server.answer.as_ref().is_some_and(|answer| answer.status < 300);
            is_2xx && server.call_id == call_id && server.number == number && server.tag.as_deref() == tag
        };
        let invites = self.all.iter_mut().filter(|((.., method), server)| method == "INVITE" && is_it(server));
        let mut sight = Sight::Again;
        for (_, server) in invites.filter(|(_, server)| !server.is_acknowledged) {
            server.is_acknowledged = true;
            sight = Sight::First;
        }
        sight
    }
}

impl Server {
    /// A transaction that ended knows its request no more (Timers H, J and L).
    fn is_forgotten(&self, now: Mono) -> bool {
        // Nothing is kept of a request that was challenged or turned away for want of room: another one is as good as new.
        let is_stateless = |answer: &Answer| answer.status == 401;
        self.answer.as_ref().is_some_and(|answer| is_stateless(answer) || now.since(answer.first) >= PATIENCE)
    }

    /// What a response copies from its request (RFC 3261 8.2.6.2), and the tag of To.
    fn copies(&mut self, response: &Response, text: &str, found: &mut Findings) {
        let (head, section) = (&response.head, "RFC 3261 8.2.6.2");
        found.add_if(head.from.to_string() != self.from, section, "From differs from the request's", &text);
        found.add_if(head.call_id.as_str() != self.call_id, section, "Call-ID differs from the request's", &text);
        found.add_if(head.cseq.number != self.number, section, "CSeq differs from the request's", &text);
        found.add_if(head.via_count != self.vias, section, "Via differs from the request's", &text);
        match (head.to.tag(), &self.tag) {
            (None, None) if response.status.code() == 100 => {}
            (None, _) => found.add(section, "no tag in To", text),
            (Some(tag), Some(known)) => found.add_if(tag != known, "RFC 3261 12.1.1", "another tag in To", &text),
            (Some(tag), None) => self.tag = Some(tag.to_owned()),
        }
    }

    fn repeats(&mut self, look: Look<'_>, response: &Response, text: &str, found: &mut Findings) {
        let Some(answer) = &mut self.answer else { return };
        let status = response.status.code();
        let section = if self.told.starts_with("INVITE ") { "RFC 3261 17.2.1" } else { "RFC 3261 17.2.2" };
        found.add_if(status != answer.status, section, "a second final response", &text);
        // RFC 3261 8.2.7: nothing is kept of whom the switch had no room for, or of no dialog; he is told the same again.
        if matches!(status, 481 | 503) && self.credit > 0 {
            self.credit -= 1;
            return;
        }
        found.add_if(*look.octets != answer.octets, section, "a final response that changes", &text);
        let is_invite = self.told.starts_with("INVITE ");
        // RFC 6026 7.1: after the ACK nothing is said again, whatever comes.
        found.add_if(is_invite && self.is_acknowledged, "RFC 6026 7.1", "a response again after its ACK", &text);
        if self.credit > 0 {
            self.credit -= 1;
            return;
        }
        let is_2xx = (200..300).contains(&status);
        let repeats_itself = is_invite && (is_2xx || !self.is_reliable);
        let is_early = look.now.since(answer.last) < pause_after(answer.sends, T2);
        let is_late = look.now.since(answer.first) >= PATIENCE;
        found.add_if(!repeats_itself, section, "a response again that nobody asked for", &text);
        let section = if is_2xx { "RFC 3261 13.3.1.4" } else { "RFC 3261 17.2.1" };
        found.add_if(repeats_itself && is_early, section, "a response again too soon", &text);
        found.add_if(repeats_itself && is_late, section, "a response again after 64*T1", &text);
        (answer.last, answer.sends) = (look.now, answer.sends + 1);
    }
}

/// RFC 3261 17.2.3: branch, sent-by, method.
pub(super) fn key(head: &Head, method: &Method) -> Key {
    let sent_by = format!("{}:{}", head.via.host, head.via.port.unwrap_or(5060));
    (branch(head), sent_by, method.as_str().to_owned())
}

/// The INVITE that a CANCEL with this key is for.
fn invite_of(cancel: &Key) -> Key {
    (cancel.0.clone(), cancel.1.clone(), Method::Invite.as_str().to_owned())
}
