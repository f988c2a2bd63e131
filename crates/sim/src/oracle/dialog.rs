//! Dialogs: requests of the switch in order and by known tags, one change at a time, and nothing after BYE.

use std::collections::BTreeMap;

use base::Mono;
use sip_message::{Head, Method, Request, Response};

use super::client::Clients;
use super::server::{self, Key, Servers};
use super::{Findings, branch, told, told_of};

/// Call-ID, the switch's tag, the peer's.
type Id = (String, String, String);

/// One dialog as the switch sees it.
#[derive(Clone, Debug, Default)]
struct Dialog {
    /// The highest CSeq of the switch.
    ours: Option<u32>,
    /// The highest CSeq of the peer.
    theirs: Option<u32>,
    /// The BYE of the switch, by branch and method.
    bye: Option<(String, String)>,
    /// The peer hung up, and was told 200.
    is_over: bool,
    /// The last INVITE and the last UPDATE of the switch, by branch and method.
    invite: Option<(String, String)>,
    update: Option<(String, String)>,
    /// The last INVITE of the peer.
    invited: Option<Key>,
}

/// All dialogs.
#[derive(Debug, Default)]
pub(super) struct Dialogs {
    all: BTreeMap<Id, Dialog>,
    /// Requests of the switch outside dialogs, by Call-ID and its tag: the highest CSeq.
    begun: BTreeMap<(String, String), Dialog>,
    /// Requests of the peer that came out of order.
    stale: Vec<Key>,
}

impl Dialogs {
    pub(super) fn sent(
        &mut self,
        now: Mono,
        request: &Request,
        clients: &Clients,
        servers: &Servers,
        found: &mut Findings,
    ) {
        // These are part of an INVITE.
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return;
        }
        let (head, text) = (&request.head, told(request));
        let mine = (branch(head), request.method.as_str().to_owned());
        let Some(tag) = head.to.tag() else {
            let begun = self.begun.entry((head.call_id.to_string(), tag_of(head.from.tag()))).or_default();
            let is_low = begun.ours.is_some_and(|ours| head.cseq.number <= ours);
            found.add_if(is_low, "RFC 3261 8.1.3.5", "CSeq does not rise", &text);
            begun.ours = Some(head.cseq.number);
            if request.method == Method::Invite {
                begun.invite = Some(mine);
            }
            return;
        };
        let id = (head.call_id.to_string(), tag_of(head.from.tag()), tag.to_owned());
        let Some(dialog) = self.all.get_mut(&id) else {
            return found.add("RFC 3261 12.2.1.1", "a request in no dialog", &text);
        };
        let is_low = dialog.ours.is_some_and(|ours| head.cseq.number <= ours);
        found.add_if(is_low, "RFC 3261 12.2.1.1", "CSeq does not rise", &text);
        dialog.ours = dialog.ours.max(Some(head.cseq.number));
        dialog.may_say(&request.method, clients, &text, found);
        dialog.is_alone(now, &request.method, clients, servers, &text, found);
        match request.method {
            Method::Invite => dialog.invite = Some(mine),
            Method::Update => dialog.update = Some(mine),
            Method::Bye => dialog.bye = Some(mine),
            _ => {}
        }
    }

    pub(super) fn arrived(&mut self, request: &Request) {
        let head = &request.head;
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return;
        }
        let Some(tag) = head.to.tag() else { return };
        let id = (head.call_id.to_string(), tag.to_owned(), tag_of(head.from.tag()));
        let Some(dialog) = self.all.get_mut(&id) else { return };
        let key = server::key(head, &request.method);
        if dialog.theirs.is_some_and(|theirs| head.cseq.number <= theirs) {
            self.stale.push(key);
            return;
        }
        dialog.theirs = Some(head.cseq.number);
        if request.method == Method::Invite {
            dialog.invited = Some(key);
        }
    }

    pub(super) fn answers(&mut self, response: &Response, found: &mut Findings) {
        let (head, method, text) = (&response.head, &response.head.cseq.method, told_of(response));
        let (status, key) = (response.status.code(), server::key(head, method));
        let is_stale = self.stale.contains(&key) && (200..300).contains(&status);
        found.add_if(is_stale, "RFC 3261 12.2.2", "a request out of order is served", &text);
        let Some(tag) = head.to.tag().filter(|_| (101..300).contains(&status)) else { return };
        let id = (head.call_id.to_string(), tag.to_owned(), tag_of(head.from.tag()));
        match method {
            Method::Invite => {
                let dialog = self.all.entry(id).or_default();
                let is_dead = dialog.is_over || dialog.bye.is_some();
                found.add_if(is_dead && status >= 200, "RFC 3261 15.1.2", "a change after BYE is taken", &text);
                dialog.theirs = dialog.theirs.max(Some(head.cseq.number));
                dialog.invited.get_or_insert(key);
            }
            Method::Subscribe => drop(self.all.entry(id).or_default()),
            Method::Bye => self.all.entry(id).or_default().is_over = true,
            Method::Update if status >= 200 => {
                let is_over = self.all.get(&id).is_some_and(|dialog| dialog.is_over);
                found.add_if(is_over, "RFC 3261 15.1.2", "a change after BYE is taken", &text);
            }
            _ => {}
        }
    }

    pub(super) fn is_answered(&mut self, response: &Response) {
        let (head, status) = (&response.head, response.status.code());
        let makes_dialog = matches!(head.cseq.method, Method::Invite | Method::Subscribe);
        let Some(tag) = head.to.tag().filter(|_| makes_dialog && (101..300).contains(&status)) else { return };
        let local = (head.call_id.to_string(), tag_of(head.from.tag()));
        let Some(begun) = self.begun.get(&local) else { return };
        let id = (local.0, local.1, tag.to_owned());
        self.all.entry(id).or_insert_with(|| begun.clone());
    }
}

impl Dialog {
    /// After BYE only what lives longer than the call is said: the word about a REFER, and BYE with credentials.
    fn may_say(&self, method: &Method, clients: &Clients, text: &str, found: &mut Findings) {
        let is_hung_up = self.bye.as_ref().is_some_and(|bye| !matches!(clients.status(bye), Some(401 | 407)));
        let outlives = matches!(method, Method::Notify | Method::Subscribe);
        found.add_if(is_hung_up && !outlives, "RFC 3261 15.1.1", "a request after BYE", &text);
        found.add_if(self.is_over && !outlives, "RFC 3261 15.1.2", "a request after the peer's BYE", &text);
    }

    /// No change while another one is under way (RFC 3261 14.1, RFC 3311 5.1).
    fn is_alone(
        &self,
        now: Mono,
        method: &Method,
        clients: &Clients,
        servers: &Servers,
        text: &str,
        found: &mut Findings,
    ) {
        let is_pending = |key: &Option<_>| key.as_ref().is_some_and(|key| clients.is_pending(now, key));
        if *method == Method::Invite {
            found.add_if(is_pending(&self.invite), "RFC 3261 14.1", "a re-INVITE while ours is pending", &text);
            let is_open = self.invited.as_ref().is_some_and(|key| servers.is_open(now, key));
            found.add_if(is_open, "RFC 3261 14.1", "a re-INVITE while the peer's is open", &text);
        }
        if matches!(method, Method::Invite | Method::Update) {
            found.add_if(is_pending(&self.update), "RFC 3311 5.1", "a change while our UPDATE is pending", &text);
        }
    }
}

fn tag_of(tag: Option<&str>) -> String {
    tag.unwrap_or_default().to_owned()
}

/// The dialog of a message that the switch sends as a client, or gets as a server the other way round.
pub(super) fn ids(head: &Head) -> [String; 3] {
    [head.call_id.to_string(), tag_of(head.from.tag()), tag_of(head.to.tag())]
}
