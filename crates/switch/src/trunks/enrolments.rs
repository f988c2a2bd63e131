//! Where we register: REGISTER at the far end of a trunk (RFC 3261 10.2), over the flow that calls are to come by.

use std::net::SocketAddr;
use std::sync::Arc;

use base::{Mono, Now};
use journal::{Kind, TrunkRegistered, TrunkUnregistered};
use sip::enrolment::{Enrolment, Outcome, Reply};
use sip::{ConnectionId, Inquiry, Own, Transport};
use sip_message::{HeaderName, Method, NameAddr, Response};

use super::{About, Answer, Trunks};
use crate::login::login_fault;
use crate::switch::Switch;
use crate::{Peer, Register, TrunkName};

/// The parameter of our contact that tells which trunk a call comes by. Its value is known to the far end alone.
pub(super) const LINE: &str = "line";
/// How often a far end may send us on.
const MAX_MOVES: u8 = 3;

/// A registration at a far end.
pub(super) struct Enrolled {
    pub enrolment: Enrolment,
    contact: Arc<str>,
    line: Arc<str>,
    call_id: Option<Arc<str>>,
    cseq: u32,
    /// The connection that the last answer came on.
    pub connection: Option<ConnectionId>,
    /// Where a 3xx sent us, until we are bound or refused there.
    moved: Option<SocketAddr>,
    moves: u8,
    /// The address of the far end where we register, as chosen last.
    at: Option<SocketAddr>,
    /// Others that failed since we were bound, or since all had been tried.
    tried: Vec<SocketAddr>,
    /// The last failure was told.
    told: bool,
}

impl Enrolled {
    pub fn new(now: Mono, register: &Register, line: Arc<str>) -> Self {
        let seconds = u32::try_from(register.expires.as_secs()).unwrap_or(u32::MAX);
        Self {
            enrolment: Enrolment::new(now, seconds),
            contact: register.contact.clone(),
            line,
            call_id: None,
            cseq: 0,
            connection: None,
            moved: None,
            moves: 0,
            at: None,
            tried: Vec::new(),
            told: false,
        }
    }

    /// The user part of our contact.
    pub fn contact(&self) -> &str {
        &self.contact
    }

    /// The address where we asked has failed: the next attempt is at another one. False if all have been tried.
    fn passes_on(&mut self, live: &[SocketAddr]) -> bool {
        let Some(at) = self.at.take() else { return false };
        self.tried.push(at);
        let goes_on = live.iter().any(|other| !self.tried.contains(other));
        self.connection.take_if(|_| goes_on);
        goes_on
    }
}

impl Trunks {
    /// The address of a trunk where we register: the one where we are, else one that was not tried, by a new roll.
    fn registrar_of(&mut self, name: &TrunkName) -> Option<Peer> {
        let order = self.roll(name, true);
        let enrolled = self.by_name.get_mut(name)?.enrolled.as_mut()?;
        let new = || order.iter().find(|at| !enrolled.tried.contains(at)).or(order.first()).copied();
        let at = enrolled.at.filter(|at| order.contains(at)).or_else(new)?;
        enrolled.at = Some(at);
        self.peer_at(name, at)
    }

    /// The name of a trunk may lead elsewhere now: if not to where we are registered, we register anew.
    pub(super) fn stay_enrolled(&mut self, now: Now, name: &TrunkName) {
        let Self { by_name, rng, .. } = self;
        let Some(state) = by_name.get_mut(name) else { return };
        let is_there = |at| state.targets.iter().any(|target| !target.gone && target.peer.address == at);
        if let Some(enrolled) = &mut state.enrolled
            && enrolled.at.is_some_and(|at| !is_there(at))
        {
            (enrolled.at, enrolled.connection) = (None, None);
            enrolled.enrolment.handle_closed(now.monotonic, rng);
        }
    }
}

impl Switch {
    /// Sends the REGISTER that is due, if one is.
    pub(super) fn enrol(&mut self, now: Now, name: &TrunkName) {
        let Some(to) = self.trunks.registrar_of(name) else { return };
        let Some(state) = self.trunks.by_name.get_mut(name) else { return };
        let (Some(enrolled), Some(login)) = (&mut state.enrolled, &state.trunk.login) else { return };
        let Some(seconds) = enrolled.enrolment.poll_ask(now.monotonic) else { return };
        let registrar = to.contact.clone();
        let own = Own { user: enrolled.contact.to_string(), line: Some(enrolled.line.clone()) };
        let address = NameAddr::new(registrar.clone().with_user(&login.user));
        let call_id: Arc<str> = match &enrolled.call_id {
            Some(call_id) => call_id.clone(),
            None => {
                let rng = &mut self.trunks.rng;
                let made: Arc<str> = format!("{:016x}{:016x}", rng.u64(), rng.u64()).into();
                enrolled.call_id.insert(made).clone()
            }
        };
        enrolled.cseq = enrolled.cseq.saturating_add(1);
        let (cseq, connection, moved, home) = (enrolled.cseq, enrolled.connection, enrolled.moved, to);
        let mut flow = self.flow_to(&home);
        flow.connection = connection.filter(|_| moved.is_none());
        flow.remote = moved.unwrap_or(flow.remote);
        let inquiry = Inquiry {
            flow,
            method: Method::Register,
            target: registrar.into(),
            from: address.clone(),
            to: address,
            call_id: Some(call_id),
            cseq,
            contact: Some(own),
            headers: vec![sip::expires(seconds)],
            body: None,
            // Only its own machines are told who we are.
            login: self.trunks.is_at(name, flow.remote.ip()).then(|| name.clone()),
            onward: sip::Onward::default(),
        };
        let id = self.sip.inquire(now, inquiry);
        self.trunks.inquiries.insert(id, (name.clone(), About::Enrolment));
    }

    pub(super) fn enrolment_answered(&mut self, now: Now, name: &TrunkName, cseq: u32, (status, answer): Answer) {
        let Trunks { by_name, by_connection, rng, .. } = &mut self.trunks;
        let Some(state) = by_name.get_mut(name) else { return };
        let Some(enrolled) = &mut state.enrolled else { return };
        enrolled.cseq = cseq;
        let response = answer.as_ref().map(|(_, response)| &**response);
        if let Some(elsewhere) = response.and_then(moved_to)
            && enrolled.moves < MAX_MOVES
            && !enrolled.enrolment.is_leaving()
        {
            enrolled.moves += 1;
            enrolled.moved = Some(elsewhere);
            enrolled.enrolment.ask_again(now.monotonic);
            return;
        }
        enrolled.moves = 0;
        // Whoever is silent or busy has others in his place (RFC 3263 4.3); who says no speaks for all of them.
        let next = matches!(status, 408 | 503) && enrolled.moved.is_none() && !enrolled.enrolment.is_leaving();
        let live: Vec<SocketAddr> = state.targets.iter().filter(|t| !t.gone).map(|t| t.peer.address).collect();
        let failure = super::TrunkFailure { at: now.wall, what: "REGISTER".to_owned(), target: enrolled.at, status };
        if next && enrolled.passes_on(&live) {
            super::states::keep(&mut state.failures, failure);
            enrolled.enrolment.ask_again(now.monotonic);
            return;
        }
        let read = response.map(|response| reply(response, &enrolled.line));
        let outcome = enrolled.enrolment.handle_reply(now.monotonic, read.unwrap_or_default().with(status), rng);
        if let Some((flow, _)) = &answer
            && flow.transport != Transport::Udp
            && let Some(connection) = flow.connection
        {
            let before = enrolled.connection.replace(connection);
            before.filter(|before| *before != connection).map(|before| by_connection.remove(&before));
            by_connection.insert(connection, name.clone());
        }
        let trunk = name.clone();
        match outcome {
            Outcome::Bound { seconds } => {
                enrolled.told = false;
                enrolled.tried.clear();
                self.book.write_system(now, Kind::TrunkRegistered(TrunkRegistered { trunk, seconds }));
            }
            Outcome::Renewed => {}
            Outcome::Left => {
                self.book.write_system(now, Kind::TrunkUnregistered(TrunkUnregistered { trunk, status: None }));
            }
            // Where there is a peer that wants more time, the next REGISTER is on its way.
            Outcome::Failed { status: 423 } if enrolled.enrolment.poll_timeout() == Some(now.monotonic) => {}
            Outcome::Failed { status } => {
                enrolled.moved = None;
                enrolled.tried.clear();
                super::states::keep(&mut state.failures, failure);
                if !std::mem::replace(&mut enrolled.told, true) {
                    let fault = response.filter(|_| matches!(status, 401 | 407));
                    if let Some((why, realm)) = fault.map(|response| login_fault(state.trunk.login.as_ref(), response))
                    {
                        self.book.write_system(now, Kind::LoginFailed { trunk: trunk.clone(), why, realm });
                    }
                    self.book
                        .write_system(now, Kind::TrunkUnregistered(TrunkUnregistered { trunk, status: Some(status) }));
                }
            }
        }
    }

    /// The number that a call reaches which came by a registration: a far end that knows us by one contact alone says whom the
    /// caller dialled in To.
    pub(crate) fn dialled_by(&self, trunk: &TrunkName, dialled: String, to: &sip_message::AnyUri) -> String {
        let enrolled = self.trunks.by_name.get(trunk).and_then(|state| state.enrolled.as_ref());
        let to = to.user().filter(|to| crate::is_number(to));
        match (enrolled, to) {
            (Some(enrolled), Some(to)) if enrolled.contact() == dialled => to.into_owned(),
            _ => dialled,
        }
    }
}

trait With {
    fn with(self, status: u16) -> Self;
}

impl With for Reply {
    fn with(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// What a response says about our contact.
fn reply(response: &Response, line: &str) -> Reply {
    let head = &response.head;
    let is_ours =
        |contact: &&NameAddr| contact.uri.as_sip().and_then(|uri| uri.param(LINE)).is_some_and(|found| found == line);
    let ours = head.contacts.as_slice().iter().find(is_ours);
    let granted = ours.and_then(|contact| contact.params.value("expires")?.parse().ok()).or_else(|| head.expires());
    let seconds = |name| head.header(name).and_then(leading_number);
    Reply {
        status: response.status.code(),
        granted,
        min_expires: seconds(HeaderName::MinExpires),
        retry_after: seconds(HeaderName::RetryAfter),
    }
}

/// `120 (in a while);duration=3600`: the number that it begins with (RFC 3261 20.33).
pub(super) fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// The address that a 3xx names, if it is one.
fn moved_to(response: &Response) -> Option<SocketAddr> {
    if !(300..400).contains(&response.status.code()) {
        return None;
    }
    response.head.contacts.first()?.uri.as_sip()?.socket_addr()
}
