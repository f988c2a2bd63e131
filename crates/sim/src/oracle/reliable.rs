//! Reliable provisional responses: who gets them, in which order, when again, and a PRACK for each.

use std::collections::{BTreeMap, BTreeSet};

use base::Mono;
use sip_message::{Head, Method, Request, Response};

use super::dialog::ids;
use super::server::{self, Key};
use super::{Findings, Look, PATIENCE, Sight, pause_after, told, told_of};

const SECTION: &str = "RFC 3262 3";

/// An INVITE that came: Call-ID, the tag of From, the number of CSeq.
type Asked = (String, String, u32);

/// An INVITE of the switch as one of those it rings has it: Call-ID, both tags, the number of CSeq.
type Fork = ([String; 3], u32);

/// What the switch said to an INVITE.
#[derive(Debug, Default)]
struct Invited {
    supports: bool,
    requires: bool,
    said: Option<Said>,
    /// How often the last response may go again, as the INVITE came again.
    credit: u32,
    is_answered: bool,
    has_failed: bool,
}

/// The last reliable response to it.
#[derive(Debug)]
struct Said {
    number: u32,
    first: Mono,
    last: Mono,
    sends: u32,
    is_acknowledged: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Reliables {
    invited: BTreeMap<Asked, Invited>,
    /// PRACKs that came, and whether they acknowledge something.
    pracks: BTreeMap<Key, bool>,
    /// The numbers that came from each fork.
    heard: BTreeMap<Fork, BTreeSet<u32>>,
    /// The last one of each that the switch acknowledged.
    pracked: BTreeMap<Fork, u32>,
    /// The Call-IDs of those that were hung up.
    over: BTreeSet<String>,
}

impl Reliables {
    /// A request reached the switch. One that was challenged, of which the switch knows nothing any more, is a new one when it
    /// comes again: a user may have been made known meanwhile.
    pub(super) fn arrived(&mut self, request: &Request, sight: Sight) {
        let head = &request.head;
        match request.method {
            Method::Bye => drop(self.over.insert(head.call_id.to_string())),
            Method::Invite => {
                let asked = asked(head, head.cseq.number);
                if sight == Sight::First {
                    self.invited.remove(&asked);
                }
                let invited = self.invited.entry(asked).or_default();
                (invited.supports, invited.requires) = (head.supports("100rel"), head.requires("100rel"));
                invited.credit += u32::from(invited.said.is_some());
            }
            Method::Prack => {
                let key = server::key(head, &Method::Prack);
                let Some(rack) = head.rack().filter(|_| !self.pracks.contains_key(&key)) else { return };
                let invited = self.invited.get_mut(&asked(head, rack.cseq.number));
                // The dialog of an INVITE that failed is gone, as is one that was hung up.
                let is_over = self.over.contains(head.call_id.as_str());
                let invited = invited.filter(|invited| !invited.has_failed && !is_over);
                let said = invited.and_then(|invited| invited.said.as_mut());
                let said = said.filter(|said| said.number == rack.rseq && !said.is_acknowledged);
                self.pracks.insert(key, said.is_some());
                if let Some(said) = said {
                    said.is_acknowledged = true;
                }
            }
            _ => {}
        }
    }

    /// The switch answers.
    pub(super) fn answers(&mut self, look: Look<'_>, response: &Response, found: &mut Findings) {
        let (head, status, text) = (&response.head, response.status.code(), told_of(response));
        if head.cseq.method == Method::Prack {
            let fits = self.pracks.get(&server::key(head, &Method::Prack)).copied();
            // One that fits may be refused for what it brings; one that does not is nothing (RFC 3262 3).
            let is_wrong = fits == Some(false) && (200..300).contains(&status) || fits == Some(true) && status == 481;
            found.add_if(is_wrong, SECTION, "a PRACK is answered as if it were another one", &text);
        }
        if head.cseq.method != Method::Invite {
            return;
        }
        let Some(invited) = self.invited.get_mut(&asked(head, head.cseq.number)) else { return };
        let number = head.rseq();
        found.add_if(number.is_some() != head.requires("100rel"), SECTION, "RSeq without Require, or so", &text);
        if status >= 200 {
            (invited.is_answered, invited.has_failed) = (true, status >= 300);
            return found.add_if(number.is_some(), SECTION, "RSeq in a final response", &text);
        }
        match number {
            Some(number) => invited.says(look, number, &text, found),
            None => {
                let is_wrong = invited.requires && status > 100;
                found.add_if(is_wrong, SECTION, "what requires 100rel is answered without", &text);
            }
        }
    }

    /// The switch sends a request for the first time.
    pub(super) fn sent(&mut self, request: &Request, found: &mut Findings) {
        let (head, text) = (&request.head, told(request));
        if request.method == Method::Bye {
            self.over.insert(head.call_id.to_string());
        }
        if request.method != Method::Prack {
            return;
        }
        let Some(rack) = head.rack() else { return found.add("RFC 3262 7.2", "a PRACK without RAck", &text) };
        let fork = (ids(head), rack.cseq.number);
        let came = self.heard.get(&fork).is_some_and(|heard| heard.contains(&rack.rseq));
        found.add_if(!came, "RFC 3262 4", "a PRACK for what never came", &text);
        let last = self.pracked.insert(fork, rack.rseq);
        let is_in_order = last.is_none_or(|last| rack.rseq == last + 1);
        found.add_if(!is_in_order, "RFC 3262 4", "a PRACK out of order, or a second one", &text);
    }

    /// A response reached the switch.
    pub(super) fn is_answered(&mut self, response: &Response) {
        let head = &response.head;
        if let Some(number) = head.rseq().filter(|_| head.cseq.method == Method::Invite) {
            self.heard.entry((ids(head), head.cseq.number)).or_default().insert(number);
        }
    }
}

impl Invited {
    fn says(&mut self, look: Look<'_>, number: u32, text: &str, found: &mut Findings) {
        found.add_if(!self.supports, SECTION, "a reliable response to one who knows none", &text);
        found.add_if(self.is_answered, SECTION, "a reliable response after the final one", &text);
        let (first, last) = (look.now, look.now);
        let fresh = Said { number, first, last, sends: 1, is_acknowledged: false };
        let Some(said) = &mut self.said else {
            found.add_if(!(1..1 << 31).contains(&number), SECTION, "the first RSeq is out of range", &text);
            self.said = Some(fresh);
            return;
        };
        if number != said.number {
            found.add_if(number != said.number + 1, "RFC 3262 7.1", "RSeq does not rise by one", &text);
            found.add_if(!said.is_acknowledged, SECTION, "two reliable responses at once", &text);
            self.said = Some(fresh);
            self.credit = 0;
            return;
        }
        if self.credit > 0 {
            self.credit -= 1;
            return;
        }
        let is_early = look.now.since(said.last) < pause_after(said.sends, PATIENCE);
        found.add_if(said.is_acknowledged, SECTION, "a response again after its PRACK", &text);
        found.add_if(is_early, SECTION, "a response again too soon", &text);
        found.add_if(look.now.since(said.first) >= PATIENCE, SECTION, "a response again after 64*T1", &text);
        (said.last, said.sends) = (look.now, said.sends + 1);
    }
}

fn asked(head: &Head, number: u32) -> Asked {
    (head.call_id.to_string(), head.from.tag().unwrap_or_default().to_owned(), number)
}
