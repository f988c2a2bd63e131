//! Requests of peers: to which transaction, dialog or session each belongs (RFC 3261 8.2, 9.2, 12.2.2, 15.1.2).

use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now};
use sip_message::{HeaderName, InfoDigit, Method, Reason, Request};

use super::Stack;
use crate::core::Due;
use crate::dialog::Dialog;
use crate::inspect::{self, Fault};
use crate::session::{Asked, Change, Incoming, Reliable, SessionTimer, State};
use crate::transaction::{Acknowledged, TransactionId, key};
use crate::{EndCause, Event, Flow, Gate, Pending, SessionId, Verdict, lifetime};

/// Room for the key that [`key::merge`] writes.
const USUAL_KEY: usize = 96;

impl Stack {
    pub(super) fn handle_request(&mut self, now: Now, flow: Flow, mut request: Box<Request>, gate: &mut dyn Gate) {
        match request.method {
            Method::Ack => return self.handle_ack(now.monotonic, &request),
            Method::Cancel => return self.handle_cancel(now.monotonic, flow, request),
            _ => {}
        }
        // A REGISTER belongs to no dialog, whatever its To says (10).
        let within = request.head.to.tag().is_some() && request.method != Method::Register;
        let stray = within && self.dialog_of(&request).is_none();
        key::server(&mut self.key, &request, &request.method);
        if let Some(id) = self.servers.find(&self.key) {
            return self.handle_repeated(id);
        }
        self.core.counters.requests += 1;
        if self.is_overloaded(&request, within) {
            return self.answer_overloaded(&request, flow);
        }
        let address = inspect::address(&request);
        let guarded = !within && address.is_ok() && is_guarded(&request.method);
        if stray || !(within || guarded) {
            return self.answer_anyone(&request, flow, address, within);
        }
        let user = match guarded.then(|| gate.check(now, &request, flow)) {
            Some(Verdict::Answer { status, headers }) => {
                return self.answer_stateless(&request, flow, status, &headers);
            }
            Some(Verdict::Pass { user }) => user,
            None => None,
        };
        let now = now.monotonic;
        let (id, merged) = self.open_server(now, flow, &request, within);
        let fault = address
            .and_then(|()| if merged { Err(Fault::of(482)) } else { Ok(()) })
            .and_then(|()| inspect::content(&request, &self.core.config))
            .and_then(|()| lifetime::check(&request, &self.core.config));
        if inspect::is_unread(&request) {
            request.body.clear();
        }
        let asked = Asked { id, request, flow };
        match fault {
            Err(fault) => self.answer_fault(now, &asked, fault),
            Ok(()) if within => self.handle_within(now, asked),
            Ok(()) => self.handle_outside(now, asked, user),
        }
    }

    /// What anyone may send is answered without a transaction (8.2.7), so that no number of strangers fills the memory:
    /// OPTIONS outside a dialog, and what belongs to no dialog of ours.
    fn answer_anyone(&mut self, request: &Request, flow: Flow, address: Result<(), Fault>, within: bool) {
        match address.and_then(|()| inspect::content(request, &self.core.config)) {
            Err(fault) => self.refuse_stateless(request, flow, &fault),
            Ok(()) if request.method == Method::Options && !within => {
                let response = self.core.abilities(request, flow);
                self.core.send(flow.reply(&request.head.via), response);
            }
            // Whom else than the two of a dialog could one transfer?
            Ok(()) if request.method == Method::Refer && !within => {
                self.refuse_stateless(request, flow, &Fault::of(403));
            }
            Ok(()) => self.refuse_stateless(request, flow, &Fault::of(481)),
        }
    }

    /// The session whose dialog a request names, its side of it at least.
    pub(super) fn dialog_of(&mut self, request: &Request) -> Option<SessionId> {
        let head = &request.head;
        key::dialog(&mut self.key, &head.call_id, head.to.tag().unwrap_or_default());
        self.dialogs.get(self.key.as_str()).copied()
    }

    fn handle_repeated(&mut self, id: TransactionId) {
        self.core.counters.repeated_requests += 1;
        self.in_hand = self.servers.owner(id);
        if !self.servers.handle_repeated(&mut self.core, id)
            && let Some(session) = self.servers.owner(id)
        {
            // Who repeats an INVITE has waited for T1: he is told that it came, however young it is.
            self.send_trying(id, session);
        }
    }

    /// Begins the transaction of a new request; its key is in `self.key`. Also whether the same request came before by
    /// another way (8.2.2.2).
    fn open_server(&mut self, now: Mono, flow: Flow, request: &Request, within: bool) -> (TransactionId, bool) {
        let reply = flow.reply(&request.head.via);
        let invite = request.method == Method::Invite;
        if within {
            return (self.servers.open(&mut self.core, now, &self.key, None, reply, invite), false);
        }
        let mut merge_key = String::with_capacity(USUAL_KEY);
        key::merge(&mut merge_key, request);
        let merged = self.servers.is_merged(&merge_key);
        let merge_key = (!merged).then_some(merge_key.as_str());
        (self.servers.open(&mut self.core, now, &self.key, merge_key, reply, invite), merged)
    }

    fn is_overloaded(&self, request: &Request, within: bool) -> bool {
        let transactions = self.servers.len() + self.clients.len();
        let limit = self.core.config.max_transactions;
        if within {
            return transactions >= limit.saturating_mul(2);
        }
        let invite = request.method == Method::Invite;
        let probing = invite || matches!(request.method, Method::Options | Method::Subscribe);
        transactions >= limit
            || (probing && self.draining)
            || (invite && self.sessions.len() >= self.core.config.max_sessions)
    }

    fn handle_outside(&mut self, now: Mono, asked: Asked, user: Option<Arc<str>>) {
        match asked.request.method {
            Method::Invite => self.begin_incoming(now, asked, user),
            Method::Message => self.core.tell(Event::Messaged { pending: Pending(Box::new(asked)), user }),
            Method::Subscribe => self.begin_subscription(now, asked, user),
            _ => self.core.tell(Event::Registered { pending: Pending(Box::new(asked)), user }),
        }
    }

    fn begin_incoming(&mut self, now: Mono, asked: Asked, user: Option<Arc<str>>) {
        let id = SessionId(self.core.next_serial());
        self.in_hand = Some(id);
        let local_tag = self.core.token();
        let contact = self.contact_of(&asked.request, asked.flow);
        let symmetric = self.core.config.symmetric;
        let dialog = Dialog::of_request(&asked.request, asked.flow, &local_tag, &contact, symmetric);
        let expiry = asked.request.head.expires().map(|seconds| {
            let after = Duration::from_secs(u64::from(seconds));
            self.core.set(now, after, Due::Session(id, SessionTimer::Expiry))
        });
        self.servers.own(asked.id, id);
        let event = Event::Invited { session: id, request: asked.request.clone(), flow: asked.flow, user };
        let call_id = asked.request.head.call_id.clone();
        let reliable = Reliable::of_request(&mut self.core, &asked.request);
        let state = Incoming { invite: asked, dialog, refresh: None, expiry, reliable, change: Change::Idle };
        self.insert(id, &call_id, &local_tag, State::Incoming(Box::new(state)));
        self.core.tell(event);
    }

    /// A request with a To tag.
    fn handle_within(&mut self, now: Mono, asked: Asked) {
        let found = self.dialog_of(&asked.request);
        self.in_hand = found;
        if let Some(id) = found.filter(|id| self.subscriptions.contains_key(id)) {
            return self.handle_subscribed(now, id, asked);
        }
        let head = &asked.request.head;
        let Some((id, session)) = found.and_then(|id| Some((id, self.sessions.get_mut(&id)?))) else {
            return self.answer_fault(now, &asked, Fault::of(481));
        };
        let Some(dialog) = session.dialog_mut(head.from.tag().unwrap_or_default()) else {
            return self.answer_fault(now, &asked, Fault::of(481));
        };
        if !dialog.advance(head.cseq.number) {
            return self.answer_fault(now, &asked, Fault::of(500));
        }
        match asked.request.method {
            Method::Bye => self.handle_bye(now, id, &asked),
            Method::Invite | Method::Update => self.handle_change(now, id, asked),
            Method::Prack => self.handle_prack(now, id, asked),
            Method::Info => self.handle_info(now, id, &asked),
            Method::Refer => self.handle_refer(now, id, asked),
            // Messages are for users, not for what they talk about; a subscription has a dialog of its own (RFC 6665 4.5.2).
            Method::Message | Method::Subscribe => self.answer_fault(now, &asked, Fault::of(403)),
            _ => self.answer_options(now, &asked),
        }
    }

    /// Digits (RFC 6086 and what phones did before it); one without a body, or with one that was passed over, is a sign of life.
    fn handle_info(&mut self, now: Mono, session: SessionId, asked: &Asked) {
        match InfoDigit::read(&asked.request) {
            Ok(digit) => {
                self.answer_plain(now, asked, 200);
                if let Some(digit) = digit {
                    self.core.tell(Event::Info { session, digit });
                }
            }
            Err(_) => self.answer_fault(now, asked, Fault::of(400)),
        }
    }

    fn handle_bye(&mut self, now: Mono, id: SessionId, asked: &Asked) {
        self.answer_plain(now, asked, 200);
        let reason = reason_of(&asked.request);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match &mut session.state {
            State::Outgoing(state) => {
                // The callee may not end an early dialog (15); if he does, the call is over all the same, as soon as
                // our INVITE is. Other forks and branches go on.
                let tag = asked.request.head.from.tag().unwrap_or_default();
                let gone: Vec<_> = state.early.extract_if(.., |early| &*early.dialog.remote_tag == tag).collect();
                if state.forks.is_some() {
                    let invites: Vec<_> = gone.iter().map(|early| early.invite).collect();
                    self.end_forks(now, id, gone, None);
                    return invites.into_iter().for_each(|invite| self.branch_hung_up(now, id, invite));
                }
                if state.early.is_empty() {
                    state.left.get_or_insert(EndCause::Bye { reason });
                    let (turn, invites) = (state.stop_turns(), state.open_invites());
                    self.core.cancel(turn);
                    for invite in invites {
                        self.clients.cancel(&mut self.core, now, invite, None);
                    }
                }
                return self.end_forks(now, id, gone, None);
            }
            State::Leaving(state) => {
                let cause = match &state.cause {
                    EndCause::HungUp => EndCause::ByeGlare,
                    other => other.clone(),
                };
                return self.close(now, id, Event::Ended { session: id, cause });
            }
            State::Incoming(_) | State::Established(_) => {}
        }
        self.answer_pending(now, id);
        self.abandon_change(now, id);
        self.close(now, id, Event::Ended { session: id, cause: EndCause::Bye { reason } });
    }

    /// 9.2: a CANCEL ends an INVITE that has no final response, and changes nothing otherwise.
    fn handle_cancel(&mut self, now: Mono, flow: Flow, request: Box<Request>) {
        key::server(&mut self.key, &request, &Method::Cancel);
        if let Some(id) = self.servers.find(&self.key) {
            return self.handle_repeated(id);
        }
        self.core.counters.requests += 1;
        key::server(&mut self.key, &request, &Method::Invite);
        let Some(invite) = self.servers.find(&self.key) else {
            return self.refuse_stateless(&request, flow, &Fault::of(481));
        };
        key::server(&mut self.key, &request, &Method::Cancel);
        let (id, _) = self.open_server(now, flow, &request, true);
        let asked = Asked { id, request, flow };
        let session = self.servers.owner(invite);
        self.in_hand = session;
        self.answer_cancel(now, &asked, session);
        if let Some(session) = session.filter(|_| self.servers.is_open(invite)) {
            self.cancelled(now, session, Reason::of(&asked.request.head));
        }
    }

    /// The INVITE or re-INVITE of the peer that waits for an answer is taken back.
    pub(super) fn cancelled(&mut self, now: Mono, id: SessionId, reason: Reason) {
        self.answer_pending(now, id);
        match self.sessions.get(&id).map(|session| &session.state) {
            Some(State::Incoming(_)) => self.close(now, id, Event::Cancelled { session: id, reason }),
            Some(State::Established(_)) => self.core.tell(Event::ChangeCancelled { session: id }),
            _ => {}
        }
    }

    fn handle_ack(&mut self, now: Mono, request: &Request) {
        key::server(&mut self.key, request, &Method::Invite);
        if let Some(id) = self.servers.find(&self.key)
            && self.servers.acknowledge(&mut self.core, now, id) == Acknowledged::Absorbed
        {
            return;
        }
        self.acknowledged(now, request);
    }
}

/// What is kept of a request is kept of those alone whom the gate lets in.
fn is_guarded(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Register | Method::Message | Method::Subscribe)
}

/// What stands in all Reason header fields, as one value (RFC 3326 section 2).
fn reason_of(request: &Request) -> Option<String> {
    let mut values = request.head.headers(HeaderName::Reason);
    let first = values.next()?.to_owned();
    Some(values.fold(first, |all, value| all + ", " + value))
}
