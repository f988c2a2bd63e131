//! The stack: one machine that joins transactions, dialogs and sessions.

mod answers;
mod calls;
mod challenges;
mod changes;
mod forks;
mod inquiries;
mod progress;
mod proposals;
mod referrals;
mod refreshes;
mod requests;
mod responses;
mod ringing;
mod subscriptions;
mod timeouts;
mod within;
mod write;

pub(crate) use challenges::Attempt;
pub(crate) use forks::Forks;
use inquiries::Outstanding;
pub use inquiries::expires;
use referrals::Referral;
pub use referrals::{DialogName, DialogNames, ReferralId, Replaced};
pub(crate) use subscriptions::SubscriptionTimer;
pub use within::Aside;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use base::{IdMap, Mono, Now, Rng, give_back};
use sip_message::{Message, Reject};

use crate::core::{Core, Due};
use crate::dialog::Dialog;
use crate::session::{Change, Established, Session, State};
use crate::subscription::Subscription;
use crate::transaction::{ClientTable, ServerTable, Way};
use crate::{ConnectionId, Counters, Event, Flow, Gate, Population, SessionId, StackConfig, Transmit, Transport};

/// The SIP stack of one node. Its methods are of four kinds: `handle_*` put in what happened outside; `poll_*` take out
/// what the driver must do or know; the verbs (`invite`, `accept`, `hang_up`, …) are the application's wishes; the
/// rest only looks. A verb for a session that is over, or in a state that it does not fit, does nothing: the event that
/// says why is on its way.
pub struct Stack {
    core: Core,
    servers: ServerTable,
    clients: ClientTable,
    sessions: IdMap<SessionId, Session>,
    /// Sessions by our side of their dialogs' id; early forks of one INVITE share it.
    dialogs: HashMap<Arc<str>, SessionId>,
    /// Our requests outside dialogs that wait for their answer.
    inquiries: IdMap<SessionId, Outstanding>,
    /// What peers asked for by REFER, whose progress they are told.
    referrals: IdMap<SessionId, Referral>,
    /// What peers have subscribed to. In an order, as the end of all goes through them. Their dialogs are in `dialogs`.
    subscriptions: BTreeMap<SessionId, Subscription>,
    draining: bool,
    /// Where keys are written to be looked up, so that a look-up allocates nothing.
    key: String,
    /// The session that the input being handled belongs to, as soon as that is known.
    in_hand: Option<SessionId>,
    /// Keys of sessions that are over, for whoever asked to be told.
    ended: Option<VecDeque<Arc<str>>>,
}

impl Stack {
    /// A stack with nothing in it.
    #[must_use]
    pub fn new(config: StackConfig, rng: Rng) -> Self {
        Self {
            core: Core::new(config, rng),
            servers: ServerTable::default(),
            clients: ClientTable::default(),
            sessions: IdMap::default(),
            dialogs: HashMap::new(),
            inquiries: IdMap::default(),
            referrals: IdMap::default(),
            subscriptions: BTreeMap::new(),
            draining: false,
            key: String::new(),
            in_hand: None,
            ended: None,
        }
    }

    /// Sets [`StackConfig::max_sessions`] anew.
    pub fn set_max_sessions(&mut self, most: usize) {
        self.core.config.max_sessions = most;
    }

    /// Takes a message that came on `flow`, a datagram or a piece of a stream, parsed. `gate` decides who is let in.
    pub fn handle_datagram(&mut self, now: Now, flow: Flow, parsed: Result<Message, Reject>, gate: &mut dyn Gate) {
        self.in_hand = None;
        if let Ok(message) = &parsed {
            self.core.counters.traffic.received(flow.transport, message);
        }
        match parsed {
            Ok(Message::Request(request)) => self.handle_request(now, flow, request, gate),
            Ok(Message::Response(response)) => self.handle_response(now.monotonic, flow, response),
            Ok(Message::KeepAlive) => {}
            Err(reject) => self.handle_malformed(flow, &reject),
        }
    }

    /// Takes the network's report that `remote` cannot be reached (ICMP, a connection refused). Transactions of ours that
    /// heard nothing from there yet fail at once, as RFC 3261 17.1.4 asks; what has been heard from goes on.
    pub fn handle_unreachable(&mut self, now: Now, transport: Transport, remote: SocketAddr) {
        self.core.counters.unreachable += 1;
        self.clients.lose_acks(&mut self.core, now.monotonic, (None, transport, remote), true);
        self.lose_unheard(now.monotonic, (None, transport, remote));
    }

    /// Takes the driver's report that a connection with `remote` is gone. Requests of ours that went over it and heard
    /// nothing yet fail at once (17.1.4). Dialogs live on: their next message takes another connection.
    pub fn handle_connection_closed(
        &mut self,
        now: Now,
        connection: ConnectionId,
        transport: Transport,
        remote: SocketAddr,
    ) {
        for way in [(Some(connection), transport, remote), (None, transport, remote)] {
            self.clients.lose_acks(&mut self.core, now.monotonic, way, false);
            self.lose_unheard(now.monotonic, way);
        }
    }

    fn lose_unheard(&mut self, now: Mono, way: Way) {
        self.in_hand = None;
        while let Some(lost) = self.clients.take_unheard(&mut self.core, now, way) {
            self.handle_lost(now, lost, 503);
        }
    }

    /// Runs all timers that are due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.monotonic;
        while let Some(due) = self.core.timers.pop_due(now) {
            self.in_hand = None;
            match due {
                Due::Server(id, timer) => {
                    self.in_hand = self.servers.owner(id);
                    if let Some(timeout) = self.servers.handle_timer(&mut self.core, now, id, timer) {
                        self.handle_server_timeout(timeout);
                    }
                }
                Due::Client(id, timer) => {
                    if let Some(lost) = self.clients.handle_timer(&mut self.core, now, id, timer) {
                        self.handle_lost(now, lost, 408);
                    }
                }
                Due::Session(id, timer) => {
                    self.in_hand = Some(id);
                    self.handle_session_timer(now, id, timer);
                }
                Due::Subscription(id, timer) => {
                    self.in_hand = Some(id);
                    self.handle_subscription_timer(now, id, timer);
                }
            }
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.core.transmits.pop_front()
    }

    /// Datagrams that wait for [`Stack::poll_transmit`].
    #[must_use]
    pub fn transmits(&self) -> usize {
        self.core.transmits.len()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// When to call [`Stack::handle_timeout`]; `None`: no timer runs.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.core.timers.poll_timeout()
    }

    /// While `on`, INVITE, SUBSCRIBE and OPTIONS outside dialogs are answered 503 with Retry-After, and nothing is kept of them.
    pub fn drain(&mut self, on: bool) {
        self.draining = on;
    }

    /// The session that the last input belonged to, if that was found out: whose it was, should the stack have panicked.
    #[must_use]
    pub fn session_in_hand(&self) -> Option<SessionId> {
        self.in_hand
    }

    /// Our side of a session's dialogs: a tag, `|` and the Call-ID. None once the session is over.
    #[must_use]
    pub fn dialog_key(&self, session: SessionId) -> Option<&Arc<str>> {
        self.sessions.get(&session).map(|session| &session.dialog_key)
    }

    /// Has [`Stack::poll_ended`] tell from now on which sessions are over.
    pub fn tell_ended(&mut self) {
        self.ended = Some(VecDeque::new());
    }

    /// The next session that is over, by its [`Stack::dialog_key`].
    pub fn poll_ended(&mut self) -> Option<Arc<str>> {
        self.ended.as_mut()?.pop_front()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// What lives in the stack now.
    #[must_use]
    pub fn population(&self) -> Population {
        Population {
            sessions: self.sessions.len(),
            transactions: self.servers.len() + self.clients.len(),
            dialogs: self.dialogs.len(),
            inquiries: self.inquiries.len(),
            timers: self.core.timers.len(),
            subscriptions: self.referrals.len() + self.subscriptions.len(),
        }
    }

    /// True if nothing is left: no session, no transaction, no timer, nothing to send or tell.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.population() == Population::default() && self.core.transmits.is_empty() && self.core.events.is_empty()
    }

    fn handle_malformed(&mut self, flow: Flow, reject: &Reject) {
        self.core.counters.malformed += 1;
        if let Some(answer) = reject.answer(flow.remote) {
            let remote = match flow.transport {
                Transport::Udp => reject.destination(flow.remote),
                // On its connection, and nowhere else if that is gone.
                _ => flow.remote,
            };
            self.core.send(Flow { remote, ..flow }, answer);
        }
        self.core.tell(Event::Malformed { flow, cause: reject.cause });
    }

    /// Adds a session, which can be found by its side of the dialog's id from now on.
    fn insert(&mut self, id: SessionId, call_id: &str, local_tag: &str, state: State) {
        crate::transaction::key::dialog(&mut self.key, call_id, local_tag);
        let dialog_key: Arc<str> = Arc::from(self.key.as_str());
        self.dialogs.insert(dialog_key.clone(), id);
        let session = Session { dialog_key, identity: None, state };
        self.sessions.insert(id, session);
    }

    /// Ends a session, telling `event`. Its transactions linger by themselves.
    fn close(&mut self, now: Mono, id: SessionId, event: Event) {
        self.answer_changes(now, id);
        let Some(mut session) = self.sessions.remove(&id) else { return };
        self.dialogs.remove(&session.dialog_key);
        let identity = session.identity.take();
        self.keep_referral(session.dialog(), identity);
        if let Some(ended) = &mut self.ended {
            ended.push_back(session.dialog_key);
        }
        give_back(&mut self.sessions);
        give_back(&mut self.dialogs);
        self.release(session.state);
        self.core.tell(event);
    }

    /// Our change goes on by itself, if one is under way.
    fn disown_change(&mut self, change: &Change) {
        if let Change::Ours { id, .. } = change {
            self.clients.disown(*id);
        }
    }

    /// Stops what a session that is over had running.
    fn release(&mut self, state: State) {
        match state {
            State::Incoming(state) => {
                self.core.cancel(state.refresh);
                self.core.cancel(state.expiry);
                if let Some(unpracked) = state.reliable.unpracked {
                    self.core.cancel(Some(unpracked.repeat));
                    self.core.cancel(Some(unpracked.give_up));
                }
                self.disown_change(&state.change);
            }
            State::Established(state) => drop(self.release_established(*state)),
            State::Outgoing(mut state) => {
                state.open_invites().into_iter().for_each(|invite| self.clients.disown(invite));
                let turn = state.stop_turns();
                self.core.cancel(turn);
                for early in &state.early {
                    self.disown_change(&early.change);
                    early.pracks.iter().for_each(|(prack, ..)| self.clients.disown(*prack));
                }
            }
            State::Leaving(state) => self.clients.disown(state.bye),
        }
    }

    /// The same for an established one, whose dialog may have a last word.
    fn release_established(&mut self, state: Established) -> Dialog {
        if let Some(unacked) = state.unacked {
            self.stop_repeating(&unacked);
        }
        self.core.cancel(state.retry.map(|(_, token)| token));
        if let Some(lifetime) = state.lifetime {
            self.core.cancel(lifetime.renew);
            self.core.cancel(Some(lifetime.lapse));
            lifetime.pending.into_iter().for_each(|pending| self.clients.disown(pending));
        }
        state.dialog
    }
}
