//! One call to several places at once or in turns (RFC 3261 16.6, 16.7): of its branches the first to answer has it, the
//! others are cancelled; if none does, the best of their failures is the call's.

use std::collections::VecDeque;
use std::time::Duration;

use base::{Mono, TimerToken};
use bytes::Bytes;
use sip_message::{Method, Reason, Response, StatusCode};

use super::write::is_sips;
use super::{Attempt, Stack};
use crate::core::Due;
use crate::dialog::Tie;
use crate::outline::Outline;
use crate::session::{Outgoing, SessionTimer, State};
use crate::transaction::{TransactionId, key};
use crate::{EndCause, Event, Fork, SessionId};

/// What phones are told when another phone of the user declined for all of them (RFC 3326).
const DECLINED: Reason = Reason { sip: Some(603), q850: None };

/// The branches of a call that has several.
pub(crate) struct Forks {
    limbs: Vec<Limb>,
    /// Those whose turn has not come, in order, each with its number.
    waiting: VecDeque<(usize, Fork)>,
    /// What all branches have in common; each has its own Request-URI, branch, flow and route set.
    outline: Outline,
    contact_user: String,
    headers: Vec<(String, String)>,
    /// How long a turn may ring before the next one begins.
    patience: Duration,
    /// The end of the turn, if another one waits.
    turn: Option<TimerToken>,
    best: Option<Failure>,
}

/// A branch that was begun.
struct Limb {
    id: TransactionId,
    /// The number of its place: 0 for the first, then as the application listed them.
    number: usize,
    contact: Box<str>,
    tie: Tie,
    /// What it takes to send its INVITE again; none without session timers.
    attempt: Option<Box<Attempt>>,
    /// What it was offered; none of the first, whose offer is the call's.
    offer: Option<Bytes>,
    /// Its turn is over: it is being cancelled.
    left: bool,
    /// Its final response has come, or it was given up.
    over: bool,
}

/// How a branch failed.
struct Failure {
    status: StatusCode,
    /// Nobody said so.
    local: bool,
    response: Option<Box<Response>>,
}

impl Outgoing {
    /// What stands in our Contact of a branch, and what is known of its peer's place. None: it is not, or no
    /// more, one of this call's.
    pub(super) fn branch(&self, id: TransactionId) -> Option<(&str, Tie)> {
        match &self.forks {
            None => (self.invite == id).then_some((&*self.contact, self.tie)),
            Some(forks) => {
                let limb = forks.limbs.iter().find(|limb| limb.id == id && !limb.over)?;
                Some((&*limb.contact, limb.tie))
            }
        }
    }

    /// What a branch was offered.
    pub(super) fn offer_of(&self, id: TransactionId) -> Bytes {
        let limb = self.forks.as_ref().and_then(|forks| forks.limbs.iter().find(|limb| limb.id == id));
        limb.and_then(|limb| limb.offer.clone()).unwrap_or_else(|| self.offer.clone())
    }

    /// The number of the place that a branch leads to.
    pub(super) fn place_of(&self, id: TransactionId) -> usize {
        let limb = self.forks.as_ref().and_then(|forks| forks.limbs.iter().find(|limb| limb.id == id));
        limb.map_or(0, |limb| limb.number)
    }

    /// What it takes to send the INVITE of this transaction again, and what stands in its Contact. None if it cannot be, or
    /// nobody waits for it any more.
    pub(super) fn attempt_of(&mut self, id: TransactionId) -> Option<(&mut Attempt, &str)> {
        match &mut self.forks {
            None if self.invite == id => Some((self.attempt.as_deref_mut()?, &*self.contact)),
            None => None,
            Some(forks) => {
                let limb = forks.limbs.iter_mut().find(|limb| limb.id == id && !limb.over && !limb.left)?;
                Some((limb.attempt.as_deref_mut()?, &*limb.contact))
            }
        }
    }

    /// An INVITE was sent again, by another transaction.
    pub(super) fn goes_on(&mut self, before: TransactionId, after: TransactionId) {
        if self.invite == before {
            self.invite = after;
        }
        let limbs = self.forks.as_deref_mut().map(|forks| &mut forks.limbs);
        for limb in limbs.into_iter().flatten().filter(|limb| limb.id == before) {
            limb.id = after;
        }
    }

    /// The INVITEs that wait for their final response.
    pub(super) fn open_invites(&self) -> Vec<TransactionId> {
        match &self.forks {
            None => vec![self.invite],
            Some(forks) => forks.limbs.iter().filter(|limb| !limb.over).map(|limb| limb.id).collect(),
        }
    }

    /// Nothing more is begun; the timer to stop.
    pub(super) fn stop_turns(&mut self) -> Option<TimerToken> {
        let forks = self.forks.as_deref_mut()?;
        forks.waiting.clear();
        forks.turn.take()
    }
}

impl Forks {
    /// Those that go on from a call's first INVITE, which is under way.
    pub(super) fn new(
        first: TransactionId,
        (contact, tie): (&str, Tie),
        (outline, attempt): (Outline, Option<Box<Attempt>>),
        (contact_user, headers): (String, Vec<(String, String)>),
        (forks, patience): (Vec<Fork>, Duration),
    ) -> Box<Self> {
        let (contact, offer) = (contact.into(), None);
        let limb = Limb { id: first, number: 0, contact, tie, attempt, offer, left: false, over: false };
        let mut waiting: Vec<(usize, Fork)> = (1..).zip(forks).collect();
        // A stable sort: within a turn in the given order.
        waiting.sort_by_key(|(_, fork)| fork.turn);
        Box::new(Self {
            limbs: vec![limb],
            waiting: waiting.into(),
            outline,
            contact_user,
            headers,
            patience,
            turn: None,
            best: None,
        })
    }

    fn is_idle(&self) -> bool {
        self.limbs.iter().all(|limb| limb.over)
    }
}

impl Stack {
    /// Begins the branches whose turn is `turn`, and sets the end of it if others wait.
    pub(super) fn begin_turn(&mut self, now: Mono, id: SessionId, turn: u8) {
        loop {
            let Some(State::Outgoing(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else {
                return;
            };
            let Some(forks) = state.forks.as_deref_mut() else { return };
            let Some((number, fork)) = forks.waiting.pop_front_if(|(_, fork)| fork.turn <= turn) else { break };
            let mut outline = forks.outline.clone();
            let (user, mut headers) = (forks.contact_user.clone(), forks.headers.clone());
            let contact = self.contact(&user, fork.flow, is_sips(&fork.target));
            outline.branch = key::branch(&self.core.token()).into();
            outline.flow = fork.flow;
            outline.uri = fork.target;
            let tie = fork.onward.tie();
            outline.carriage = tie.carriage();
            outline.routes = fork.onward.routes;
            let timer = self.first_timer();
            let attempt = self
                .core
                .config
                .session_timer
                .is_some()
                .then(|| Attempt::new(outline.clone(), headers.clone(), timer.clone(), fork.offer.clone()));
            headers.extend(timer);
            let payload = outline.encode_offer(&self.core, Method::Invite, &contact, &headers, &fork.offer);
            let parts = (outline, &Method::Invite);
            let transaction = self.clients.open(&mut self.core, now, parts, fork.flow, (Some(id), false), payload);
            let limb = Limb {
                id: transaction,
                number,
                contact: contact.into(),
                tie,
                attempt,
                offer: Some(fork.offer),
                left: false,
                over: false,
            };
            if let Some(State::Outgoing(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state)
                && let Some(forks) = state.forks.as_deref_mut()
            {
                forks.limbs.push(limb);
            }
        }
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        let Some(forks) = state.forks.as_deref_mut() else { return };
        let before = forks.turn.take();
        if !forks.waiting.is_empty() {
            forks.turn = Some(self.core.set(now, forks.patience, Due::Session(id, SessionTimer::Turn)));
        }
        self.core.cancel(before);
    }

    /// A turn has rung for long enough: its branches are cancelled, the next ones begin.
    pub(super) fn turn_over(&mut self, now: Mono, id: SessionId) {
        let Some(State::Outgoing(state)) = self.sessions.get_mut(&id).map(|session| &mut session.state) else { return };
        let Some(forks) = state.forks.as_deref_mut() else { return };
        forks.turn = None;
        let Some(next) = forks.waiting.front().map(|(_, fork)| fork.turn) else { return };
        for limb in forks.limbs.iter_mut().filter(|limb| !limb.over && !limb.left) {
            limb.left = true;
            self.clients.cancel(&mut self.core, now, limb.id, None);
        }
        self.begin_turn(now, id, next);
    }

    /// Cancels all branches but the winner, whose answer ended the search; all, if one declined for all.
    pub(super) fn complete_elsewhere(&mut self, now: Mono, state: &mut Outgoing, winner: Option<TransactionId>) {
        let timer = state.stop_turns();
        self.core.cancel(timer);
        let Some(forks) = state.forks.as_deref_mut() else { return };
        let reason = if winner.is_some() { Reason::ANSWERED_ELSEWHERE } else { DECLINED };
        for limb in forks.limbs.iter_mut().filter(|limb| !limb.over && Some(limb.id) != winner) {
            limb.over = true;
            // A 2xx that crosses the CANCEL is let go politely, as that of any other fork.
            self.clients.disown(limb.id);
            self.clients.cancel(&mut self.core, now, limb.id, reason.value());
        }
    }

    /// A branch of a call with several failed; with the last of them the call does.
    pub(super) fn branch_failed(
        &mut self,
        now: Mono,
        owner: SessionId,
        id: TransactionId,
        status: StatusCode,
        response: Option<Box<Response>>,
    ) {
        let Some(is_left) = self.end_limb(owner, id) else { return };
        let refused = (response.is_some() && !is_left).then(|| status.code());
        self.drop_branch(now, owner, id, refused);
        let answered = response.is_some();
        let failure = match is_left {
            // We cancelled it: whatever it says, it did not answer in its turn.
            true => Failure { status: StatusCode::new(408).unwrap_or(status), local: false, response: None },
            false => Failure { status, local: response.is_none(), response },
        };
        self.count_failure(now, owner, failure, answered);
    }

    /// A phone hung up before it answered, which it may not (15). If no other rings by the same branch, that is over; its
    /// INVITE ends by itself, and a 2xx that the BYE overtook is let go politely.
    pub(super) fn branch_hung_up(&mut self, now: Mono, owner: SessionId, id: TransactionId) {
        let Some(State::Outgoing(state)) = self.sessions.get(&owner).map(|session| &session.state) else { return };
        if state.early.iter().any(|early| early.invite == id) {
            return;
        }
        let (Some(_), Some(status)) = (self.end_limb(owner, id), StatusCode::new(480)) else { return };
        self.clients.disown(id);
        self.clients.cancel(&mut self.core, now, id, None);
        self.count_failure(now, owner, Failure { status, local: false, response: None }, true);
    }

    /// A branch is over. Whether its turn was before that; `None` if there is no such branch any more.
    fn end_limb(&mut self, owner: SessionId, id: TransactionId) -> Option<bool> {
        let State::Outgoing(state) = &mut self.sessions.get_mut(&owner)?.state else { return None };
        let limb = state.forks.as_deref_mut()?.limbs.iter_mut().find(|limb| limb.id == id && !limb.over)?;
        limb.over = true;
        Some(limb.left)
    }

    /// Goes on after a branch that failed so, by an answer or without: to the next turn, or to the end of the call.
    fn count_failure(&mut self, now: Mono, owner: SessionId, failure: Failure, answered: bool) {
        let Some(State::Outgoing(state)) = self.sessions.get(&owner).map(|session| &session.state) else { return };
        let left = state.left.clone();
        let Some(failure) = self.all_failed(now, owner, failure) else { return };
        let event = match left {
            Some(cause) => left_with(owner, cause, answered),
            None => refused(owner, failure),
        };
        self.close(now, owner, event);
    }

    /// `None`: the call goes on; else its failure.
    fn all_failed(
        &mut self,
        now: Mono,
        owner: SessionId,
        failure: Failure,
    ) -> Option<(StatusCode, bool, Option<Box<Response>>)> {
        let State::Outgoing(state) = &mut self.sessions.get_mut(&owner)?.state else { return None };
        let is_left = state.left.is_some();
        let forks = state.forks.as_deref_mut()?;
        let stops = failure.status.code() >= 600;
        if forks.best.as_ref().is_none_or(|best| failure.rank() < best.rank()) {
            forks.best = Some(failure);
        }
        if stops && !is_left {
            let mut session = self.sessions.remove(&owner)?;
            if let State::Outgoing(state) = &mut session.state {
                self.complete_elsewhere(now, state, None);
            }
            self.sessions.insert(owner, session);
        } else if !forks.is_idle() {
            return None;
        } else if let Some(next) = forks.waiting.front().map(|(_, fork)| fork.turn).filter(|_| !is_left) {
            self.begin_turn(now, owner, next);
            return None;
        }
        let State::Outgoing(state) = &mut self.sessions.get_mut(&owner)?.state else { return None };
        let Failure { status, local, response } = state.forks.as_deref_mut()?.best.take()?;
        Some((status, local, response))
    }
}

impl Failure {
    /// The lower, the better (RFC 3261 16.7 step 6): who declines for all of a user's phones, else the lowest class, in it what
    /// says most, and what a phone said before what we concluded from silence.
    fn rank(&self) -> (u16, u8) {
        let class = match self.status.code() / 100 {
            6 => 0,
            class => class,
        };
        let within = match self.status.code() {
            401 | 407 | 415 | 420 | 484 => 0,
            486 | 480 | 603 => 1,
            408 | 487 | 503 => 3,
            _ => 2,
        };
        (class, within + if self.local { 4 } else { 0 })
    }
}

/// The event that ends a session whose last branch failed.
fn refused(session: SessionId, failure: (StatusCode, bool, Option<Box<Response>>)) -> Event {
    let (status, local, response) = failure;
    let reason = match &response {
        Some(response) => response.reason.to_string(),
        None => status.reason().to_owned(),
    };
    Event::Refused { session, status: status.code(), reason, local, response }
}

/// The event that ends a session that the application has left.
fn left_with(session: SessionId, cause: EndCause, answered: bool) -> Event {
    let cause = if answered { cause } else { EndCause::TransactionTimeout };
    Event::Ended { session, cause }
}
