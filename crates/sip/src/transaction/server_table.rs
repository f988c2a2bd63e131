//! All transactions of requests that we received.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use base::{IdMap, Mono, give_back};
use bytes::Bytes;

use super::server::{Server, Trying};
use super::server_invite::{Proceeding, ServerInvite};
use super::{Timer, TransactionId, compact, over};
use crate::core::{Core, Due, Tokens};
use crate::{Flow, SessionId};

enum Machine {
    Invite(ServerInvite),
    Other(Server),
    /// Only while a state is being replaced.
    Between,
}

struct Entry {
    key: Arc<str>,
    /// Its key in `ongoing`, if the request stood outside any dialog.
    merge_key: Option<Arc<str>>,
    /// Where responses go.
    flow: Flow,
    /// The session that answers it, or did; none when the stack answered by itself.
    owner: Option<SessionId>,
    machine: Machine,
    tokens: Tokens,
}

/// What an ACK with the key of an INVITE means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// It acknowledges a failure; the transaction took it.
    Absorbed,
    /// It acknowledges a 2xx in the manner of RFC 2543, where it has the INVITE's key; it is the session's.
    Session,
}

/// A time-out that the session must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerTimeout {
    /// Say 100 now.
    Trying(TransactionId, SessionId),
}

/// Finds transactions by key and runs them.
#[derive(Default)]
pub(crate) struct ServerTable {
    by_key: HashMap<Arc<str>, TransactionId>,
    /// Requests outside dialogs, to find those that came twice over different ways (RFC 3261 8.2.2.2).
    ongoing: HashMap<Arc<str>, TransactionId>,
    entries: IdMap<TransactionId, Entry>,
}

impl ServerTable {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn find(&self, key: &str) -> Option<TransactionId> {
        self.by_key.get(key).copied()
    }

    /// True if a request with this identity came before, by another way.
    pub(crate) fn is_merged(&self, merge_key: &str) -> bool {
        self.ongoing.contains_key(merge_key)
    }

    pub(crate) fn owner(&self, id: TransactionId) -> Option<SessionId> {
        self.entries.get(&id)?.owner
    }

    /// True while the transaction waits for its final response.
    pub(crate) fn is_open(&self, id: TransactionId) -> bool {
        self.entries.get(&id).is_some_and(|entry| {
            matches!(entry.machine, Machine::Invite(ServerInvite::Proceeding(_)) | Machine::Other(Server::Trying(_)))
        })
    }

    /// Begins the transaction of a request that was not seen before.
    pub(crate) fn open(
        &mut self,
        core: &mut Core,
        now: Mono,
        key: &str,
        merge_key: Option<&str>,
        flow: Flow,
        invite: bool,
    ) -> TransactionId {
        let id = TransactionId(core.next_serial());
        let key: Arc<str> = Arc::from(key);
        let merge_key: Option<Arc<str>> = merge_key.map(Arc::from);
        self.by_key.insert(key.clone(), id);
        if let Some(merge_key) = &merge_key {
            self.ongoing.insert(merge_key.clone(), id);
        }
        let machine = if invite {
            Machine::Invite(ServerInvite::Proceeding(Proceeding::default()))
        } else {
            Machine::Other(Server::Trying(Trying))
        };
        let mut entry = Entry { key, merge_key, flow, owner: None, machine, tokens: Tokens::default() };
        entry.rearm(core, now, id);
        self.entries.insert(id, entry);
        id
    }

    /// Makes `session` the one that answers the request.
    pub(crate) fn own(&mut self, id: TransactionId, session: SessionId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.owner = Some(session);
        }
    }

    /// A request came again: sends the last response again. `false`: there is none yet.
    pub(crate) fn handle_repeated(&mut self, core: &mut Core, id: TransactionId) -> bool {
        let Some(entry) = self.entries.get(&id) else { return false };
        let response = match &entry.machine {
            Machine::Invite(machine) => machine.handle_repeated(),
            Machine::Other(machine) => machine.handle_repeated(),
            Machine::Between => None,
        };
        let flow = entry.flow;
        response.map(|response| core.send(flow, response)).is_some()
    }

    /// Sends a provisional response; nothing if the final one was sent.
    pub(crate) fn provisional(&mut self, core: &mut Core, id: TransactionId, response: Bytes) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if let Machine::Invite(ServerInvite::Proceeding(state)) = &mut entry.machine {
            core.send(entry.flow, response.clone());
            state.provisional(response);
            // What was said stands in for the 100 that timer Trying would say.
            core.cancel(entry.tokens.first_mut().and_then(Option::take));
        }
    }

    /// Sends a provisional response again, as long as the final one was not sent.
    pub(crate) fn resend_provisional(&mut self, core: &mut Core, id: TransactionId, response: Bytes) {
        let Some(entry) = self.entries.get(&id) else { return };
        if matches!(entry.machine, Machine::Invite(ServerInvite::Proceeding(_))) {
            core.resend(entry.flow, response);
        }
    }

    /// Sends the final response, once; a second one is dropped. Gives back where it went.
    pub(crate) fn answer(
        &mut self,
        core: &mut Core,
        now: Mono,
        id: TransactionId,
        success: bool,
        response: Bytes,
    ) -> Option<Flow> {
        let entry = self.entries.get_mut(&id)?;
        let times = core.config.times;
        let kept = || compact(&response);
        entry.machine = match mem::replace(&mut entry.machine, Machine::Between) {
            Machine::Invite(ServerInvite::Proceeding(state)) if success => {
                Machine::Invite(ServerInvite::Accepted(state.accept()))
            }
            Machine::Invite(ServerInvite::Proceeding(state)) => {
                Machine::Invite(ServerInvite::Completed(state.reject(kept(), &times)))
            }
            Machine::Other(Server::Trying(state)) => Machine::Other(Server::Completed(state.answer(kept()))),
            answered => {
                entry.machine = answered;
                return None;
            }
        };
        core.send(entry.flow, response);
        entry.rearm(core, now, id);
        Some(entry.flow)
    }

    /// An ACK with the key of this INVITE came.
    pub(crate) fn acknowledge(&mut self, core: &mut Core, now: Mono, id: TransactionId) -> Acknowledged {
        let Some(entry) = self.entries.get_mut(&id) else { return Acknowledged::Session };
        let (machine, taken) = match mem::replace(&mut entry.machine, Machine::Between) {
            Machine::Invite(ServerInvite::Completed(state)) => {
                (ServerInvite::Confirmed(state.acknowledge()), Acknowledged::Absorbed)
            }
            Machine::Invite(ServerInvite::Accepted(state)) => {
                entry.machine = Machine::Invite(ServerInvite::Accepted(state));
                return Acknowledged::Session;
            }
            other => {
                entry.machine = other;
                return Acknowledged::Absorbed;
            }
        };
        entry.machine = Machine::Invite(machine);
        entry.rearm(core, now, id);
        taken
    }

    /// A timer of the transaction fired.
    pub(crate) fn handle_timer(
        &mut self,
        core: &mut Core,
        now: Mono,
        id: TransactionId,
        timer: Timer,
    ) -> Option<ServerTimeout> {
        let entry = self.entries.get_mut(&id)?;
        match (timer, &mut entry.machine) {
            (Timer::Trying, _) => entry.owner.map(|session| ServerTimeout::Trying(id, session)),
            (Timer::G, Machine::Invite(ServerInvite::Completed(state))) => {
                let (response, after) = state.handle_g(&core.config.times);
                core.resend(entry.flow, response);
                let token = core.set(now, after, Due::Server(id, Timer::G));
                entry.tokens = [Some(token), entry.tokens.get(1).copied().flatten()];
                None
            }
            (Timer::H, _) => {
                core.counters.unacknowledged += 1;
                self.remove(core, id);
                None
            }
            _ => {
                self.remove(core, id);
                None
            }
        }
    }

    fn remove(&mut self, core: &mut Core, id: TransactionId) {
        let Some(entry) = self.entries.remove(&id) else { return };
        entry.tokens.into_iter().for_each(|token| core.cancel(token));
        self.by_key.remove(&entry.key);
        if let Some(merge_key) = entry.merge_key {
            self.ongoing.remove(&merge_key);
        }
        give_back(&mut self.entries);
        give_back(&mut self.by_key);
        give_back(&mut self.ongoing);
    }
}

impl Entry {
    fn rearm(&mut self, core: &mut Core, now: Mono, id: TransactionId) {
        let armed = match &self.machine {
            Machine::Invite(machine) => machine.timers(&core.config.times, core.config.trying_after),
            Machine::Other(machine) => machine.timers(&core.config.times),
            Machine::Between => [None, None],
        };
        let armed = over(self.flow.transport, armed);
        core.rearm(now, &mut self.tokens, armed, |timer| Due::Server(id, timer));
    }
}
