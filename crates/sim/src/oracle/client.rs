//! The switch as a client: what it sends again and when, its ACKs, its CANCELs.

use std::collections::BTreeMap;

use base::Mono;
use bytes::Bytes;
use sip_message::{Head, HeaderName, Method, Request, Response};

use super::{Findings, Look, PATIENCE, Sight, T2, branch, pause_after, told};

/// A request of the switch.
#[derive(Debug)]
struct Client {
    told: String,
    uri: String,
    number: u32,
    octets: Bytes,
    is_reliable: bool,
    first: Mono,
    last: Mono,
    sends: u32,
    /// A provisional response came.
    proceeds: bool,
    /// The final response: its status, its To, and when it came first.
    answer: Option<(u16, String, Mono)>,
    /// When it was cancelled.
    cancelled: Option<Mono>,
    /// A broken connection may have ended it.
    is_excused: bool,
}

/// A 2xx to an INVITE of the switch: Call-ID, the tags of From and To, the number of CSeq.
type Taken = (String, String, String, u32);

/// The requests of the switch by branch and method.
#[derive(Debug, Default)]
pub(super) struct Clients {
    all: BTreeMap<(String, String), Client>,
    /// The 2xx that came; the branch of the ACK once it went out.
    taken: BTreeMap<Taken, Option<String>>,
    /// ACKs that have to be sent at once: the branch of those to failures, or what they answer.
    owed: Vec<Owed>,
}

#[derive(Debug, PartialEq, Eq)]
enum Owed {
    Failure(String),
    Taken(Taken),
}

impl Clients {
    pub(super) fn line_broke(&mut self) {
        self.all.values_mut().filter(|client| client.is_reliable).for_each(|client| client.is_excused = true);
    }

    /// True if the request with this branch and method waits for its final response.
    pub(super) fn is_pending(&self, now: Mono, key: &(String, String)) -> bool {
        self.all.get(key).is_some_and(|client| client.is_alive(now) && client.answer.is_none())
    }

    /// The status of the final response to a request.
    pub(super) fn status(&self, key: &(String, String)) -> Option<u16> {
        self.all.get(key)?.answer.as_ref().map(|(status, ..)| *status)
    }

    pub(super) fn settle(&mut self, found: &mut Findings) {
        for owed in self.owed.drain(..) {
            match owed {
                Owed::Failure(branch) => found.add("RFC 3261 17.1.1.3", "no ACK for a final response", &branch),
                Owed::Taken(taken) => found.add("RFC 3261 13.2.2.4", "no ACK for a 2xx that came again", &taken.0),
            }
        }
    }

    pub(super) fn sent(&mut self, look: Look<'_>, request: &Request, found: &mut Findings) -> Sight {
        if request.method == Method::Ack {
            return self.acknowledges(request, found);
        }
        let key = (branch(&request.head), request.method.as_str().to_owned());
        if let Some(client) = self.all.get_mut(&key) {
            client.repeats(look, request, found);
            return Sight::Again;
        }
        is_well_formed(request, found);
        if request.method == Method::Cancel {
            self.cancels(look.now, request, found);
        }
        let client = Client {
            told: told(request),
            uri: request.uri.to_string(),
            number: request.head.cseq.number,
            octets: look.octets.clone(),
            is_reliable: look.is_reliable,
            first: look.now,
            last: look.now,
            sends: 1,
            proceeds: false,
            answer: None,
            cancelled: None,
            is_excused: false,
        };
        self.all.insert(key, client);
        Sight::First
    }

    pub(super) fn arrived(&mut self, now: Mono, response: &Response) -> Sight {
        let head = &response.head;
        let (method, status) = (&head.cseq.method, response.status.code());
        let key = (branch(head), method.as_str().to_owned());
        let Some(client) = self.all.get_mut(&key).filter(|client| client.number == head.cseq.number) else {
            return Sight::Again;
        };
        let is_alive = client.may_live(now);
        if status < 200 {
            let is_news = is_alive && client.answer.is_none();
            client.proceeds |= is_news;
            return if is_news { Sight::First } else { Sight::Again };
        }
        let known = client.answer.as_ref().map(|(status, _, since)| (*status, *since));
        if known.is_none() && is_alive {
            client.answer = Some((status, head.to.to_string(), now));
        }
        if *method == Method::Invite {
            match known {
                _ if client.is_excused && status >= 300 => {}
                None if is_alive && status >= 300 => self.owed.push(Owed::Failure(key.0)),
                // Timer D: 32 s for datagrams (RFC 3261 17.1.1.2).
                Some((300.., since)) if status >= 300 && !client.is_reliable && now.since(since) < PATIENCE => {
                    self.owed.push(Owed::Failure(key.0));
                }
                _ if status < 300 => {
                    let is_owed = !client.is_excused;
                    self.is_taken(head, is_owed);
                }
                _ => {}
            }
        }
        if known.is_none() && is_alive { Sight::First } else { Sight::Again }
    }

    /// A 2xx came to an INVITE. The ACK may take its time, for the answer to be made; that to a repeat is there already.
    fn is_taken(&mut self, head: &Head, is_owed: bool) {
        let taken = taken(head);
        if self.taken.entry(taken.clone()).or_insert(None).is_some() && is_owed {
            self.owed.push(Owed::Taken(taken));
        }
    }

    fn acknowledges(&mut self, request: &Request, found: &mut Findings) -> Sight {
        let (head, key) = (&request.head, (branch(&request.head), Method::Invite.as_str().to_owned()));
        if let Some(client) = self.all.get(&key) {
            let text = told(request);
            let section = "RFC 3261 17.1.1.3";
            match &client.answer {
                Some((300.., to, _)) => found.add_if(head.to.to_string() != *to, section, "To differs", &text),
                _ => found.add(section, "an ACK within the transaction of no failure", &text),
            }
            let is_other = client.number != head.cseq.number || client.uri != request.uri.to_string();
            found.add_if(is_other, section, "the ACK differs from its INVITE", &text);
            self.owed.retain(|owed| *owed != Owed::Failure(key.0.clone()));
            return Sight::Again;
        }
        let taken = taken(head);
        self.owed.retain(|owed| *owed != Owed::Taken(taken.clone()));
        match self.taken.get_mut(&taken) {
            None => {
                found.add("RFC 3261 13.2.2.4", "an ACK for nothing", &told(request));
                Sight::First
            }
            Some(None) => {
                self.taken.insert(taken, Some(key.0));
                Sight::First
            }
            Some(Some(known)) => {
                // It is the same ACK again, and not another one.
                found.add_if(*known != key.0, "RFC 3261 13.2.2.4", "another ACK for the same 2xx", &told(request));
                Sight::Again
            }
        }
    }

    fn cancels(&mut self, now: Mono, request: &Request, found: &mut Findings) {
        let text = told(request);
        let key = (branch(&request.head), Method::Invite.as_str().to_owned());
        let Some(invite) = self.all.get_mut(&key) else {
            return found.add("RFC 3261 9.1", "a CANCEL for nothing", &text);
        };
        let is_other = invite.uri != request.uri.to_string() || invite.number != request.head.cseq.number;
        found.add_if(is_other, "RFC 3261 9.1", "the CANCEL differs from its INVITE", &text);
        found.add_if(!invite.proceeds, "RFC 3261 9.1", "a CANCEL before any response", &text);
        found.add_if(invite.answer.is_some(), "RFC 3261 9.1", "a CANCEL after the final response", &text);
        invite.cancelled = Some(now);
    }
}

impl Client {
    /// True if it waits for its answer, as far as can be told.
    fn is_alive(&self, now: Mono) -> bool {
        self.may_live(now) && !self.is_excused
    }

    /// True while it may be answered: Timers B and F, and 64*T1 after a CANCEL (RFC 3261 17.1.1.2, 17.1.2.2, 9.1).
    fn may_live(&self, now: Mono) -> bool {
        let in_time = now.since(self.first) < PATIENCE;
        let is_invite = self.told.starts_with("INVITE ");
        let is_given_up = self.cancelled.is_some_and(|at| now.since(at) >= PATIENCE);
        in_time || (is_invite && self.proceeds && !is_given_up)
    }

    fn repeats(&mut self, look: Look<'_>, request: &Request, found: &mut Findings) {
        // 18.1.1: what was too large for a datagram and found no connection is sent as one after all, anew.
        if self.is_reliable && !look.is_reliable {
            let (now, octets) = (look.now, look.octets.clone());
            (self.is_reliable, self.octets, self.first, self.last, self.sends) = (false, octets, now, now, 1);
            return;
        }
        let is_invite = request.method == Method::Invite;
        let section = if is_invite { "RFC 3261 17.1.1.2" } else { "RFC 3261 17.1.2.2" };
        let longest = if is_invite { PATIENCE } else { T2 };
        let is_early = look.now.since(self.last) < pause_after(self.sends, longest);
        let is_stopped = self.answer.is_some() || (is_invite && self.proceeds);
        let text = &self.told;
        found.add_if(look.is_reliable && self.is_reliable, section, "sent again over a connection", text);
        found.add_if(look.octets != &self.octets, section, "sent again, but changed", text);
        found.add_if(is_stopped, section, "sent again after a response", text);
        found.add_if(look.now.since(self.first) >= PATIENCE, section, "sent again after 64*T1", text);
        found.add_if(is_early, section, "sent again too soon", text);
        (self.last, self.sends) = (look.now, self.sends + 1);
    }
}

/// What every request must have (RFC 3261 8.1.1).
fn is_well_formed(request: &Request, found: &mut Findings) {
    let (head, text) = (&request.head, told(request));
    let has_cookie = head.via.branch().is_some_and(|branch| branch.starts_with("z9hG4bK"));
    found.add_if(!has_cookie, "RFC 3261 8.1.1.7", "a branch without the cookie", &text);
    found.add_if(head.from.tag().is_none(), "RFC 3261 8.1.1.3", "no tag in From", &text);
    found.add_if(head.max_forwards.is_none(), "RFC 3261 8.1.1.6", "no Max-Forwards", &text);
    found.add_if(head.cseq.method != request.method, "RFC 3261 8.1.1.5", "another method in CSeq", &text);
    if matches!(request.method, Method::Invite | Method::Update | Method::Refer | Method::Notify | Method::Subscribe) {
        found.add_if(head.headers(HeaderName::Contact).count() != 1, "RFC 3261 8.1.1.8", "not one Contact", &text);
    }
}

fn taken(head: &Head) -> Taken {
    let [from, to] = [&head.from, &head.to].map(|side| side.tag().unwrap_or_default().to_owned());
    (head.call_id.to_string(), from, to, head.cseq.number)
}
