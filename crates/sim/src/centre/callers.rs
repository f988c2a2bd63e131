//! Callers: they come when their stream says so, press keys, wait as long as their patience lasts, talk, and hang up.
//!
//! All callers are behind one trunk and share one SIP stack, which is theirs alone.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base::{CallId, IdMap, LegId, Mono, Now, Rng, TimerToken};
use sip::{Event, Flow, Invite, MAX_FORWARDS, SessionId, Stack, StackConfig, Transmit};
use sip_message::{AnyUri, NameAddr, Uri};

use super::agents::description;
use super::load::{Load, Stream};
use crate::carrier::Entrance;
use crate::switch_address;

/// Where all callers come from.
pub(super) const CALLERS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// The callers' numbers: this and the number of the call.
const NUMBERS: u64 = 493_000_000_000;

/// Somebody who calls, by a number of his own.
pub(super) type CallerId = u64;

/// A caller who is there.
pub(super) struct Caller {
    pub stream: usize,
    session: SessionId,
    /// The switch's call, once that is known.
    pub call: Option<CallId>,
    pub leg: Option<LegId>,
    /// His own chances.
    rng: Rng,
    /// When his patience ends, from his first queue on; none: not drawn yet. The inner one: never.
    patience: Option<Option<Mono>>,
    /// The timer of that, while he waits.
    pub waiting: Option<TimerToken>,
    /// He has talked, so that he will hang up.
    pub talks: bool,
}

/// What came of a talk's begin.
pub(super) struct Talk {
    /// How long it lasts; none: without end.
    pub lasts: Option<Duration>,
    /// Whether the agent ends it.
    pub agent_ends: bool,
}

/// All callers.
pub(super) struct Callers {
    stack: Stack,
    live: BTreeMap<CallerId, Caller>,
    sessions: IdMap<SessionId, CallerId>,
    calls: IdMap<CallId, CallerId>,
    /// Those with a number that others may have, too, in the order in which they called.
    expected: BTreeMap<String, VecDeque<CallerId>>,
    /// Calls so far.
    pub came: u64,
    seed: u64,
    /// Who was answered by the switch just now.
    pub answered: Vec<CallerId>,
    /// Timers of who is gone.
    pub dropped: Vec<TimerToken>,
}

impl Callers {
    pub(super) fn new(seed: u64, rng: Rng) -> Self {
        let local = SocketAddr::new(CALLERS, 5060);
        let listener = sip::Listener { transport: sip::Transport::Udp, local, advertised: None };
        Self {
            stack: Stack::new(StackConfig::new("virtual callers", vec![listener]), rng),
            live: BTreeMap::new(),
            sessions: IdMap::default(),
            calls: IdMap::default(),
            expected: BTreeMap::new(),
            came: 0,
            seed,
            answered: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Somebody calls. What he will do hangs on when he calls alone, so that it stays the same where others do not call.
    pub(super) fn call(&mut self, now: Now, since: Duration, ix: usize, stream: &Stream) {
        self.came += 1;
        let number = self.came;
        let me = stream.caller.clone().unwrap_or_else(|| format!("+{}", NUMBERS + number));
        if stream.caller.is_some() {
            self.expected.entry(me.clone()).or_default().push_back(number);
        }
        let flow = Flow::udp(0, SocketAddr::new(CALLERS, 5060), switch_address());
        let target = Uri::from_address(switch_address()).with_user(&stream.number);
        let invite = Invite {
            flow,
            target: AnyUri::from(target.clone()),
            from: NameAddr::new(Uri::from_address(flow.local).with_user(&me)),
            to: NameAddr::new(target),
            contact_user: me,
            max_forwards: MAX_FORWARDS,
            headers: Vec::new(),
            offer: description(CALLERS).into(),
            login: None,
            onward: sip::Onward::default(),
        };
        let session = self.stack.invite(now, invite);
        let at = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        let stream = u64::try_from(ix).unwrap_or(u64::MAX);
        let rng = Rng::from_number(self.seed ^ at.rotate_left(8) ^ stream.rotate_left(56));
        let (call, leg, patience, waiting, talks) = (None, None, None, None, false);
        let caller = Caller { stream: ix, session, call, leg, rng, patience, waiting, talks };
        self.sessions.insert(session, number);
        self.live.insert(number, caller);
    }

    /// The switch knows a call of this number: whose it is.
    pub(super) fn began(&mut self, call: CallId, from: &str) {
        let number = match self.expected.get_mut(from) {
            Some(expected) => expected.pop_front(),
            None => from.trim_start_matches('+').parse::<u64>().ok().and_then(|number| number.checked_sub(NUMBERS)),
        };
        if let Some(number) = number
            && let Some(caller) = self.live.get_mut(&number)
        {
            caller.call = Some(call);
            self.calls.insert(call, number);
        }
    }

    /// The call is over for the switch.
    pub(super) fn ended(&mut self, call: CallId) {
        self.calls.remove(&call);
    }

    pub(super) fn of_call(&mut self, call: CallId) -> Option<(CallerId, &mut Caller)> {
        let number = *self.calls.get(&call)?;
        Some((number, self.live.get_mut(&number)?))
    }

    pub(super) fn get_mut(&mut self, caller: CallerId) -> Option<&mut Caller> {
        self.live.get_mut(&caller)
    }

    /// Callers who are there.
    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    pub(super) fn hang_up(&mut self, now: Now, caller: CallerId) {
        if let Some(caller) = self.live.get(&caller) {
            self.stack.hang_up(now, caller.session, None);
        }
        self.watch(now);
    }

    pub(super) fn handle(&mut self, now: Now, flow: Flow, parsed: Result<sip_message::Message, sip_message::Reject>) {
        self.stack.handle_datagram(now, flow, parsed, &mut Entrance(None));
        self.watch(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.stack.handle_timeout(now);
        self.watch(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.stack.poll_timeout()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.stack.poll_transmit()
    }

    fn watch(&mut self, now: Now) {
        while let Some(event) = self.stack.poll_event() {
            match event {
                Event::Answered { session, .. } => self.answered.extend(self.sessions.get(&session)),
                Event::Changed { session, body } => {
                    let answer = body.map_or_else(String::new, |_| description(CALLERS));
                    self.stack.accept_change(now, session, answer.into());
                }
                Event::Refused { session, .. } | Event::Cancelled { session, .. } | Event::Ended { session, .. } => {
                    self.over(session);
                }
                _ => {}
            }
        }
    }

    fn over(&mut self, session: SessionId) {
        let gone = self.sessions.remove(&session).and_then(|caller| self.live.remove(&caller));
        self.dropped.extend(gone.and_then(|caller| caller.waiting));
    }
}

impl Caller {
    /// When he gives up, now that he waits; none: never.
    pub(super) fn gives_up_at(&mut self, now: Mono, load: &Load) -> Option<Mono> {
        let spread = load.streams.get(self.stream)?.patience;
        let rng = &mut self.rng;
        *self.patience.get_or_insert_with(|| spread.draw(rng).map(|time| now + time))
    }

    /// He talks with somebody.
    pub(super) fn talk(&mut self, load: &Load) -> Option<Talk> {
        if std::mem::replace(&mut self.talks, true) {
            return None;
        }
        let spread = load.streams.get(self.stream)?.talk;
        Some(Talk { lasts: spread.draw(&mut self.rng), agent_ends: self.rng.percent(50) })
    }
}
