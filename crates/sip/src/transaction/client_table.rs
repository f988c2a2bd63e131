//! All transactions of requests that we sent.

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base::{IdMap, Mono, give_back};
use bytes::Bytes;
use sip_message::{Method, Response};

use super::client::{Client, Trying};
use super::client_invite::{Acknowledged, Calling, ClientInvite, Stream};
use super::{Timer, TransactionId, compact, over};
use crate::core::{Core, Due, Tokens};
use crate::outline::Outline;
use crate::oversize::{self, TCP_PATIENCE};
use crate::{ConnectionId, Flow, SessionId, Transmit, Transport};

enum Machine {
    Invite(ClientInvite),
    Other(Client),
    /// Only while a state is being replaced.
    Between,
}

struct Entry {
    key: Arc<str>,
    flow: Flow,
    /// The flow of datagrams that it left for TCP, and takes if TCP leads nowhere.
    datagrams: Option<Flow>,
    /// The session that waits for the response.
    owner: Option<SessionId>,
    /// The request stood inside a dialog: a 2xx to it begins no other.
    within: bool,
    machine: Machine,
    tokens: Tokens,
    /// What a CANCEL and the ACK of a failure are made from; gone when the final response came.
    outline: Option<Box<Outline>>,
    /// The Reason of a CANCEL that is held back.
    reason: Option<String>,
}

/// The way that a request went: its connection, or else its transport and the peer's address.
pub(crate) type Way = (Option<ConnectionId>, Transport, SocketAddr);

/// The ways that a request may have gone: on its connection, or, if that was gone already, to the address that stands in
/// for it. The same twice without a connection.
fn ways(flow: Flow) -> [Way; 2] {
    [flow.connection, None].map(|connection| canonical((connection, flow.transport, flow.remote)))
}

/// A connection is one way, whichever address was to stand in for it.
fn canonical((connection, transport, remote): Way) -> Way {
    match connection {
        Some(_) => (connection, transport, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0)),
        None => (None, transport, remote),
    }
}

/// What a response meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It belongs to no transaction of ours.
    Stray,
    /// It came before, or only moves the transaction.
    Absorbed,
    /// The first time this 1xx or an equal one came; INVITE only.
    Provisional(TransactionId, Option<SessionId>),
    /// A 2xx to INVITE from a fork that was not acknowledged yet: the caller must acknowledge it.
    Accepted {
        /// The INVITE's transaction.
        id: TransactionId,
        /// Who waits for it.
        owner: Option<SessionId>,
        /// True for a re-INVITE.
        within: bool,
    },
    /// The final response to anything else.
    Final(TransactionId, Option<SessionId>),
}

impl Heard {
    /// The session that waits for the response.
    pub(crate) fn owner(self) -> Option<SessionId> {
        match self {
            Self::Stray | Self::Absorbed => None,
            Self::Provisional(_, owner) | Self::Accepted { owner, .. } | Self::Final(_, owner) => owner,
        }
    }
}

/// A transaction that ended without a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) id: TransactionId,
    pub(crate) owner: Option<SessionId>,
}

/// Finds transactions by key and runs them.
#[derive(Default)]
pub(crate) struct ClientTable {
    by_key: HashMap<Arc<str>, TransactionId>,
    /// Transactions that heard nothing yet, by the way that they went, for reports that it leads nowhere.
    unheard: BTreeSet<(Way, TransactionId)>,
    /// Those whose ACK of a 2xx went over TCP for its size, by the way that it went.
    acks: BTreeSet<(Way, TransactionId)>,
    entries: IdMap<TransactionId, Entry>,
}

impl ClientTable {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Sends a request and begins its transaction.
    pub(crate) fn open(
        &mut self,
        core: &mut Core,
        now: Mono,
        (mut outline, method): (Outline, &Method),
        flow: Flow,
        (owner, within): (Option<SessionId>, bool),
        payload: Bytes,
    ) -> TransactionId {
        let id = TransactionId(core.next_serial());
        let (flow, payload, datagrams) = oversize::choose(core, now, &mut outline, flow, payload);
        let key: Arc<str> = Arc::from(super::key::client(&outline.branch, method.as_str()));
        let times = core.config.times;
        let (machine, outline) = if *method == Method::Invite {
            let state = Calling::new(payload.clone(), &times);
            (Machine::Invite(ClientInvite::Calling(state)), Some(Box::new(outline)))
        } else {
            (Machine::Other(Client::Trying(Trying::new(payload.clone(), &times))), None)
        };
        self.by_key.insert(key.clone(), id);
        self.unheard.extend(ways(flow).map(|way| (way, id)));
        let mut entry =
            Entry { key, flow, datagrams, owner, within, machine, tokens: Tokens::default(), outline, reason: None };
        entry.rearm(core, now, id);
        self.entries.insert(id, entry);
        core.send(flow, payload);
        id
    }

    /// What the messages of an INVITE's transaction have in common, as long as it has no final response.
    pub(crate) fn outline(&self, id: TransactionId) -> Option<Outline> {
        self.entries.get(&id)?.outline.as_deref().cloned()
    }

    /// The flow of datagrams that a request would have gone by, had it not been too large.
    pub(crate) fn datagrams(&self, id: TransactionId) -> Option<Flow> {
        self.entries.get(&id)?.datagrams
    }

    /// Takes a response whose topmost Via has `branch`.
    pub(crate) fn handle_response(&mut self, core: &mut Core, now: Mono, key: &str, response: &Response) -> Heard {
        let Some(&id) = self.by_key.get(key) else { return Heard::Stray };
        let Some(entry) = self.entries.get_mut(&id) else { return Heard::Stray };
        core.counters.responses += 1;
        for way in ways(entry.flow) {
            self.unheard.remove(&(way, id));
        }
        let status = response.status.code();
        match entry.machine {
            Machine::Invite(_) if status < 200 => self.invite_proceeds(core, now, id),
            Machine::Invite(_) if status < 300 => entry.accept(core, now, id, response),
            Machine::Invite(_) => entry.fail(core, now, id, response),
            Machine::Other(_) | Machine::Between => entry.other(core, now, id, status),
        }
    }

    /// Keeps the ACK of a 2xx and sends it: over TCP if it is too large for a datagram.
    pub(crate) fn acknowledge(
        &mut self,
        core: &mut Core,
        now: Mono,
        id: TransactionId,
        tag: &str,
        (mut outline, ack): (Outline, Transmit),
    ) {
        let (flow, payload, datagrams) = oversize::choose(core, now, &mut outline, ack.flow, ack.payload);
        core.send(flow, payload.clone());
        if let Some(entry) = self.entries.get_mut(&id)
            && let Machine::Invite(ClientInvite::Accepted(state)) = &mut entry.machine
        {
            let stream = datagrams.map(|_| Stream { flow, since: now, datagrams });
            if stream.is_some() {
                self.acks.extend(ways(flow).map(|way| (way, id)));
            }
            let ack = Transmit { flow, payload: compact(&payload) };
            state.keep(Acknowledged { tag: Box::from(tag), ack, stream });
        }
    }

    /// A way leads nowhere: ACKs that took it for their size go as datagrams. Nothing says that an ACK arrived; after as long as
    /// requests wait for a word over TCP, it is assumed.
    pub(crate) fn lose_acks(&mut self, core: &mut Core, now: Mono, gone: Way, refused: bool) {
        let gone = canonical(gone);
        while let Some(&(way, id)) = self.acks.range((gone, TransactionId(0))..).next().filter(|(way, _)| *way == gone)
        {
            self.acks.remove(&(way, id));
            let Some(Machine::Invite(ClientInvite::Accepted(state))) =
                self.entries.get_mut(&id).map(|e| &mut e.machine)
            else {
                continue;
            };
            for known in state.acks() {
                let lost =
                    |stream: &Stream| ways(stream.flow).contains(&gone) && now.since(stream.since) < TCP_PATIENCE;
                let Some(datagrams) = known.stream.filter(lost).and_then(|stream| stream.datagrams) else { continue };
                if refused {
                    core.without_tcp.remember(now, datagrams.remote);
                }
                known.send_again(core);
            }
        }
    }

    /// Cancels an INVITE: at once if a provisional response came, else when one comes (RFC 3261 9.1). `reason` is the
    /// value of the CANCEL's Reason.
    pub(crate) fn cancel(&mut self, core: &mut Core, now: Mono, id: TransactionId, reason: Option<String>) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.reason = entry.reason.take().or(reason);
        let at_once = match &mut entry.machine {
            Machine::Invite(ClientInvite::Calling(state)) => {
                state.cancel();
                false
            }
            Machine::Invite(ClientInvite::Proceeding(state)) => state.cancel(),
            _ => false,
        };
        if at_once {
            entry.rearm(core, now, id);
            self.send_cancel(core, now, id);
        }
    }

    /// True once any response to an INVITE came.
    pub(crate) fn is_heard(&self, id: TransactionId) -> bool {
        let machine = self.entries.get(&id).map(|entry| &entry.machine);
        !matches!(machine, Some(Machine::Invite(ClientInvite::Calling(_))))
    }

    /// The session no longer waits for this transaction, which goes on by itself until it ends.
    pub(crate) fn disown(&mut self, id: TransactionId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.owner = None;
        }
    }

    /// A timer of the transaction fired. Gives back a transaction that thereby failed.
    pub(crate) fn handle_timer(&mut self, core: &mut Core, now: Mono, id: TransactionId, timer: Timer) -> Option<Lost> {
        if timer == Timer::Datagram {
            self.fall_back(core, now, id);
            return None;
        }
        let entry = self.entries.get_mut(&id)?;
        let again = match (timer, &mut entry.machine) {
            (Timer::A, Machine::Invite(ClientInvite::Calling(state))) => Some(state.handle_a()),
            (Timer::E, Machine::Other(Client::Trying(state))) => Some(state.handle_e(&core.config.times)),
            _ => None,
        };
        if let Some((request, after)) = again {
            core.resend(entry.flow, request);
            let token = core.set(now, after, Due::Client(id, timer));
            entry.tokens = [Some(token), entry.tokens.get(1).copied().flatten()];
            return None;
        }
        let lost = self.remove(core, id)?;
        matches!(timer, Timer::B | Timer::F | Timer::Abandon).then(|| {
            core.counters.timed_out += 1;
            lost
        })
    }

    /// One transaction that went this way and heard nothing yet; it is gone thereby (RFC 3261 17.1.4).
    /// Those that have datagrams to fall back on do.
    pub(crate) fn take_unheard(&mut self, core: &mut Core, now: Mono, gone: Way) -> Option<Lost> {
        let gone = canonical(gone);
        loop {
            let &(way, id) = self.unheard.range((gone, TransactionId(0))..).next()?;
            if way != gone {
                return None;
            }
            if !self.fall_back(core, now, id) {
                return self.remove(core, id);
            }
        }
    }

    /// Sends as a datagram what went over TCP for its size and heard nothing there. The branch stays, so that a peer who got
    /// both takes them for one. False: it stays as it is.
    fn fall_back(&mut self, core: &mut Core, now: Mono, id: TransactionId) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let Some(flow) = entry.datagrams else { return false };
        if !ways(entry.flow).iter().any(|way| self.unheard.contains(&(*way, id))) {
            return false;
        }
        core.without_tcp.remember(now, flow.remote);
        let request = match &entry.machine {
            Machine::Invite(ClientInvite::Calling(state)) => state.wanted(),
            Machine::Other(Client::Trying(state)) => state.unheard(),
            _ => None,
        };
        let Some(payload) = request.map(|request| oversize::readdressed(request, core, flow)) else { return false };
        let times = core.config.times;
        entry.machine = match entry.machine {
            Machine::Invite(_) => Machine::Invite(ClientInvite::Calling(Calling::new(payload.clone(), &times))),
            _ => Machine::Other(Client::Trying(Trying::new(payload.clone(), &times))),
        };
        for way in ways(mem::replace(&mut entry.flow, flow)) {
            self.unheard.remove(&(way, id));
        }
        self.unheard.extend(ways(flow).map(|way| (way, id)));
        entry.datagrams = None;
        if let Some(outline) = &mut entry.outline {
            outline.flow = flow;
        }
        entry.rearm(core, now, id);
        core.counters.fell_back += 1;
        core.send(flow, payload);
        true
    }

    fn invite_proceeds(&mut self, core: &mut Core, now: Mono, id: TransactionId) -> Heard {
        let Some(entry) = self.entries.get_mut(&id) else { return Heard::Stray };
        let (machine, cancel) = match mem::replace(&mut entry.machine, Machine::Between) {
            Machine::Invite(ClientInvite::Calling(state)) => {
                let (state, cancel) = state.proceed();
                (Machine::Invite(ClientInvite::Proceeding(state)), cancel)
            }
            Machine::Invite(ClientInvite::Proceeding(state)) => {
                entry.machine = Machine::Invite(ClientInvite::Proceeding(state));
                return Heard::Provisional(id, entry.owner);
            }
            answered => {
                entry.machine = answered;
                return Heard::Absorbed;
            }
        };
        entry.machine = machine;
        entry.rearm(core, now, id);
        let owner = entry.owner;
        if cancel {
            self.send_cancel(core, now, id);
        }
        Heard::Provisional(id, owner)
    }

    fn send_cancel(&mut self, core: &mut Core, now: Mono, id: TransactionId) {
        let Some(entry) = self.entries.get(&id) else { return };
        let (Some(outline), flow) = (entry.outline.as_deref().cloned(), entry.flow) else { return };
        let payload = outline.encode_cancel(core, entry.reason.as_deref());
        self.open(core, now, (outline, &Method::Cancel), flow, (None, true), payload);
    }

    fn remove(&mut self, core: &mut Core, id: TransactionId) -> Option<Lost> {
        let entry = self.entries.remove(&id)?;
        entry.tokens.into_iter().for_each(|token| core.cancel(token));
        self.by_key.remove(&entry.key);
        for way in ways(entry.flow) {
            self.unheard.remove(&(way, id));
        }
        if let Machine::Invite(ClientInvite::Accepted(mut state)) = entry.machine {
            for stream in state.acks().iter().filter_map(|known| known.stream) {
                for way in ways(stream.flow) {
                    self.acks.remove(&(way, id));
                }
            }
        }
        give_back(&mut self.entries);
        give_back(&mut self.by_key);
        Some(Lost { id, owner: entry.owner })
    }
}

impl Acknowledged {
    /// Sends the ACK once more, for it did not arrive: as a datagram if it went over TCP for its size. A connection that is
    /// only slow brings it all the same.
    fn send_again(&mut self, core: &mut Core) {
        if let Some(flow) = self.stream.as_mut().and_then(|stream| stream.datagrams.take()) {
            let payload = oversize::readdressed(&self.ack.payload, core, flow);
            self.ack = Transmit { flow, payload };
            core.counters.fell_back += 1;
        }
        core.resend(self.ack.flow, self.ack.payload.clone());
    }
}

impl Entry {
    fn rearm(&mut self, core: &mut Core, now: Mono, id: TransactionId) {
        let armed = match &self.machine {
            Machine::Invite(machine) => machine.timers(&core.config.times),
            Machine::Other(machine) => machine.timers(&core.config.times),
            Machine::Between => [None, None],
        };
        let mut armed = over(self.flow.transport, armed);
        let unheard =
            matches!(self.machine, Machine::Invite(ClientInvite::Calling(_)) | Machine::Other(Client::Trying(_)));
        if let [again, _] = &mut armed
            && unheard
            && self.datagrams.is_some()
        {
            *again = Some((Timer::Datagram, TCP_PATIENCE));
        }
        core.rearm(now, &mut self.tokens, armed, |timer| Due::Client(id, timer));
    }

    /// A 2xx to INVITE.
    fn accept(&mut self, core: &mut Core, now: Mono, id: TransactionId, response: &Response) -> Heard {
        let tag = response.head.to.tag().unwrap_or_default();
        let state = match mem::replace(&mut self.machine, Machine::Between) {
            Machine::Invite(ClientInvite::Calling(state)) => state.accept(),
            Machine::Invite(ClientInvite::Proceeding(state)) => state.accept(),
            Machine::Invite(ClientInvite::Accepted(mut state)) => {
                let is_known = state.ack_of(tag).map(|known| known.send_again(core)).is_some();
                let full = state.is_full();
                self.machine = Machine::Invite(ClientInvite::Accepted(state));
                return if is_known || full { Heard::Absorbed } else { self.accepted(id) };
            }
            failed => {
                self.machine = failed;
                return Heard::Absorbed;
            }
        };
        self.machine = Machine::Invite(ClientInvite::Accepted(state));
        self.outline = None;
        self.rearm(core, now, id);
        self.accepted(id)
    }

    fn accepted(&self, id: TransactionId) -> Heard {
        Heard::Accepted { id, owner: self.owner, within: self.within }
    }

    /// A failure of an INVITE: acknowledged here, hop by hop.
    fn fail(&mut self, core: &mut Core, now: Mono, id: TransactionId, response: &Response) -> Heard {
        let ack = self.outline.as_deref().map(|outline| outline.encode_ack(core, response)).unwrap_or_default();
        let state = match mem::replace(&mut self.machine, Machine::Between) {
            Machine::Invite(ClientInvite::Calling(state)) => state.complete(compact(&ack)),
            Machine::Invite(ClientInvite::Proceeding(state)) => state.complete(compact(&ack)),
            Machine::Invite(ClientInvite::Completed(state)) => {
                core.resend(self.flow, state.handle_repeated());
                self.machine = Machine::Invite(ClientInvite::Completed(state));
                return Heard::Absorbed;
            }
            accepted => {
                self.machine = accepted;
                return Heard::Absorbed;
            }
        };
        core.send(self.flow, ack);
        self.machine = Machine::Invite(ClientInvite::Completed(state));
        self.outline = None;
        self.rearm(core, now, id);
        Heard::Final(id, self.owner.take())
    }

    /// A response to anything but INVITE.
    fn other(&mut self, core: &mut Core, now: Mono, id: TransactionId, status: u16) -> Heard {
        match mem::replace(&mut self.machine, Machine::Between) {
            Machine::Other(Client::Trying(mut state)) if status < 200 => {
                state.handle_provisional();
                self.machine = Machine::Other(Client::Trying(state));
                Heard::Absorbed
            }
            Machine::Other(Client::Trying(state)) => {
                self.machine = Machine::Other(Client::Completed(state.complete()));
                self.rearm(core, now, id);
                Heard::Final(id, self.owner.take())
            }
            answered => {
                self.machine = answered;
                Heard::Absorbed
            }
        }
    }
}
