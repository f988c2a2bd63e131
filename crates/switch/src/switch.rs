//! The machine: takes inputs from all drivers, hands each to the machine that it concerns, and joins what they say.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use acd::{Acd, AgentName};
use base::{CallId, IdGen, IdMap, LegId, Mono, Now, OfferId, Rng, TakeId, Timers, Wall};
use journal::{Charges, Kind, Name};
use routing::Strategy;
use sip::{ConnectionId, Flow, InquiryId, SessionId, Stack, StackConfig, Transmit, Transport};
use sip_message::Reject;

use crate::acquaintances::Acquaintances;
use crate::book::Book;
use crate::call::{Call, Leg};
use crate::callbacks::Callbacks;
use crate::control::DecisionsRejected;
use crate::doors::Doors;
use crate::duty::Duty;
use crate::fault::Hand;
use crate::fetch::Fetches;
use crate::flow::FlowInput;
use crate::grant::Meter;
use crate::health::Health;
use crate::lamps::Lamps;
use crate::message::Message;
use crate::plugins::Plugins;
use crate::registration::{Desk, Door};
use crate::repeats::Repeats;
use crate::returning::Returning;
use crate::speech::Speeches;
use crate::timer::Timer;
use crate::trunk_counts::TrunkCounts;
use crate::trunks::Trunks;
use crate::voicemail::Letters;
use crate::wrap_up::OpenBook;
use crate::{Config, LetterReport, TakeOrder, TakeReport};

/// What the switch is told once, when it starts.
pub struct Setup {
    /// The settings of its SIP stack, listeners included.
    pub sip: StackConfig,
    /// The number of this node among those of the exchange; part of every id.
    pub node: u16,
    /// Its version, for the journal.
    pub version: Name,
    /// Who decides in place of the strategies that queues name; for tests of what a faulty one may do.
    pub strategy: Option<Box<dyn Strategy>>,
    /// The seed of all its randomness.
    pub rng: Rng,
    /// What earlier runs charged to grants, of today at least.
    pub charges: Charges,
}

/// What is told of a dialog to whoever traces calls. Its key ends in `|` and the SIP Call-ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// It belongs to this call.
    Begun(CallId, Arc<str>),
    /// It is over; its last messages may still come and go.
    Ended(Arc<str>),
}

/// The whole exchange, as one machine. See the crate's documentation for its contract.
pub struct Switch {
    pub(crate) config: Arc<Config>,
    pub(crate) sip: Stack,
    pub(crate) acd: Acd,
    pub(crate) strategy: Option<Box<dyn Strategy>>,
    pub(crate) listeners: Vec<sip::Listener>,
    pub(crate) ids: IdGen,
    pub(crate) rng: Rng,
    /// Ordered, because a shutdown goes through all of them.
    pub(crate) calls: BTreeMap<CallId, Call>,
    pub(crate) legs: IdMap<LegId, Leg>,
    pub(crate) sessions: IdMap<SessionId, LegId>,
    /// Sessions whose offer was withdrawn, till their phone has let go: whose it is, and the call.
    pub(crate) letting_go: IdMap<SessionId, (AgentName, CallId)>,
    pub(crate) offers: IdMap<OfferId, LegId>,
    pub(crate) takes: IdMap<TakeId, CallId>,
    /// Agents who are lost and awaited, each with his call.
    pub(crate) awaited: BTreeMap<AgentName, CallId>,
    /// Calls that are over and of which agents may still say what came of them.
    pub(crate) open_books: BTreeMap<CallId, OpenBook>,
    /// Messages that wait for their receivers' phones.
    pub(crate) messages: HashMap<InquiryId, Message>,
    pub(crate) lamps: Lamps,
    /// What flows are to be told, in order; so that a flow is never told anything while it speaks.
    pub(crate) flow_inputs: VecDeque<(CallId, FlowInput)>,
    pub(crate) speeches: Speeches,
    pub(crate) fetches: Fetches,
    pub(crate) plugins: Plugins,
    /// What agents said last that came of their calls, for plugins.
    pub(crate) disposed: BTreeMap<AgentName, (CallId, Arc<str>)>,
    pub(crate) commands: VecDeque<leg::Command>,
    pub(crate) take_orders: VecDeque<TakeOrder>,
    pub(crate) letters: Letters,
    pub(crate) timers: Timers<Timer>,
    pub(crate) book: Book,
    pub(crate) version: Name,
    /// When it started.
    pub(crate) started: Wall,
    pub(crate) desk: Desk,
    pub(crate) duty: Duty,
    /// What is being handled.
    pub(crate) hand: Hand,
    pub(crate) meter: Meter,
    pub(crate) health: Health,
    pub(crate) rejected: DecisionsRejected,
    pub(crate) trunk_counts: TrunkCounts,
    pub(crate) trunks: Trunks,
    /// How emergency switches are turned.
    pub(crate) board: hours::Board,
    /// That changed, and is still to be kept.
    pub(crate) turned: bool,
    /// Who called before.
    pub(crate) repeats: Repeats,
    pub(crate) doors: Doors,
    pub(crate) returning: Returning,
    pub(crate) callbacks: Callbacks,
    pub(crate) acquaintances: Acquaintances,
    /// When the day began that is counted.
    pub(crate) day: Wall,
    /// Dialogs that became a call's, for whoever traces them.
    traced: VecDeque<(CallId, Arc<str>)>,
    traces: bool,
    draining: bool,
}

impl Switch {
    /// A switch without calls.
    #[must_use]
    pub fn new(now: Now, config: impl Into<Arc<Config>>, setup: Setup) -> Self {
        let config: Arc<Config> = config.into();
        let Setup { mut sip, node, version, strategy, mut rng, charges } = setup;
        let ids = IdGen::new(node, now.wall);
        let mut book = Book::new(now, &config);
        book.write_system(now, Kind::Started { version: version.clone() });
        let day = config.flows.zone().day_of(now.wall);
        let acd = Acd::new(now, ids.clone(), config.queues.clone(), config.agents.clone());
        sip.max_sessions = config.limits.max_sessions();
        let listeners = sip.listeners.clone();
        let mut sip = Stack::new(sip, rng.fork());
        sip.set_session_timer(config.limits.session_timer);
        sip.set_logins(crate::login::logins(&config));
        let mut switch = Self {
            acd,
            duty: Duty::default(),
            desk: Desk::new(now, &config, &mut rng),
            meter: Meter::new(charges),
            trunks: Trunks::new(now, &config, &listeners, rng.fork()),
            config,
            listeners,
            sip,
            strategy,
            ids,
            rng,
            calls: BTreeMap::new(),
            legs: IdMap::default(),
            sessions: IdMap::default(),
            letting_go: IdMap::default(),
            offers: IdMap::default(),
            takes: IdMap::default(),
            awaited: BTreeMap::new(),
            open_books: BTreeMap::new(),
            messages: HashMap::new(),
            lamps: Lamps::default(),
            flow_inputs: VecDeque::new(),
            speeches: Speeches::default(),
            fetches: Fetches::default(),
            plugins: Plugins::default(),
            disposed: BTreeMap::new(),
            commands: VecDeque::new(),
            take_orders: VecDeque::new(),
            letters: Letters::default(),
            timers: Timers::default(),
            book,
            version,
            started: now.wall,
            hand: Hand::default(),
            health: Health::default(),
            rejected: DecisionsRejected::default(),
            trunk_counts: TrunkCounts::default(),
            board: hours::Board::default(),
            turned: false,
            repeats: Repeats::default(),
            doors: Doors::default(),
            returning: Returning::default(),
            callbacks: Callbacks::default(),
            acquaintances: Acquaintances::default(),
            day,
            traced: VecDeque::new(),
            traces: false,
            draining: false,
        };
        switch.begin_duties(now);
        switch.renew_doors(now);
        switch
    }

    /// A datagram came in and was read or refused.
    pub fn handle_datagram(&mut self, now: Now, flow: Flow, parsed: Result<sip_message::Message, Reject>) {
        self.hand = Hand::Sip;
        let is_full = self.calls.len() >= self.max_calls();
        let mut door = Door {
            config: &self.config,
            desk: &mut self.desk,
            book: &mut self.book,
            trunks: &mut self.trunks,
            is_full,
        };
        self.sip.handle_datagram(now, flow, parsed, &mut door);
        self.settle(now);
    }

    /// The network says that nobody listens at `remote` (ICMP, a connection refused).
    pub fn handle_unreachable(&mut self, now: Now, transport: Transport, remote: SocketAddr) {
        self.hand = Hand::Sip;
        self.sip.handle_unreachable(now, transport, remote);
        self.settle(now);
    }

    /// Who is at the other end of a connection has shown a certificate with these names, which was verified; until the
    /// connection is closed.
    pub fn handle_proven(&mut self, connection: ConnectionId, names: Vec<String>) {
        self.desk.certificates.insert(connection, names);
    }

    /// A connection with `remote` is gone. Calls whose signalling went over it live on.
    pub fn handle_connection_closed(
        &mut self,
        now: Now,
        connection: ConnectionId,
        transport: Transport,
        remote: SocketAddr,
    ) {
        self.hand = Hand::Sip;
        self.desk.handle_connection_closed(connection);
        self.sip.handle_connection_closed(now, connection, transport, remote);
        self.trunk_connection_closed(now, connection);
        self.settle(now);
    }

    /// The media threads report.
    pub fn handle_media(&mut self, now: Now, event: &leg::Event) {
        self.hand = self.legs.get(&event.leg()).map_or(Hand::Nothing, |leg| Hand::Call(leg.call));
        self.on_media(now, event);
        self.settle(now);
    }

    /// The writer of recordings reports.
    pub fn handle_take(&mut self, now: Now, report: TakeReport) {
        self.hand = self.takes.get(&report.take()).map_or(Hand::Nothing, |call| Hand::Call(*call));
        self.on_take(now, report);
        self.settle(now);
    }

    /// The driver of voice messages reports.
    pub fn handle_letter(&mut self, now: Now, report: LetterReport) {
        self.hand = Hand::Nothing;
        self.on_letter(now, report);
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.hand = Hand::Sip;
        self.sip.handle_timeout(now);
        self.hand = Hand::Nothing;
        self.acd.handle_timeout(now);
        self.desk.handle_timeout(now);
        self.book.handle_timeout(now);
        self.meter.handle_timeout(now);
        self.trunks_due(now);
        while let Some(leg) = self.meter.poll_used_up() {
            self.hand = self.legs.get(&leg).map_or(Hand::Nothing, |leg| Hand::Call(leg.call));
            self.minutes_used_up(now, leg);
        }
        while let Some(timer) = self.timers.pop_due(now.monotonic) {
            self.hand = self.hand_of_timer(timer);
            self.on_timer(now, timer);
        }
        self.settle(now);
    }

    /// Takes no new calls (503); those that live are hung up when `grace` is over.
    pub fn drain(&mut self, now: Now, grace: Duration) {
        if self.draining {
            return;
        }
        self.hand = Hand::Nothing;
        self.draining = true;
        self.sip.drain(true);
        self.sip.end_subscriptions(sip::SubscriptionEnd::Deactivated);
        self.leave_trunks(now);
        self.timers.set(now.monotonic + grace, Timer::Grace);
        self.settle(now);
    }

    /// True once no new calls are taken.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.draining
    }

    /// The driver is about to end: the last event goes to the journal.
    pub fn handle_stopped(&mut self, now: Now, cause: &str) {
        self.close_books(now);
        self.book.tell(now);
        self.book.write_system(now, Kind::Stopped { cause: cause.into() });
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.sip.poll_transmit()
    }

    /// Messages that wait for [`Switch::poll_transmit`].
    #[must_use]
    pub fn transmits(&self) -> usize {
        self.sip.transmits()
    }

    /// The next order to the writer of recordings. To be taken out before [`Switch::poll_media`]: a take's file is
    /// announced before its audio.
    pub fn poll_take(&mut self) -> Option<TakeOrder> {
        self.take_orders.pop_front()
    }

    /// The next command for the media threads.
    pub fn poll_media(&mut self) -> Option<leg::Command> {
        self.commands.pop_front()
    }

    /// The next event for the journal.
    pub fn poll_journal(&mut self) -> Option<journal::Event> {
        self.book.poll_event()
    }

    /// The next user whose contacts changed, to be kept for [`Switch::restore`].
    pub fn poll_locations(&mut self) -> Option<journal::Locations> {
        self.desk.changes.poll()
    }

    /// Has [`Switch::poll_traced`] tell from now on which dialogs are which call's.
    pub fn trace(&mut self) {
        self.traces = true;
        self.sip.tell_ended();
    }

    /// The next dialog that belongs to a call, or is over. To be taken out before [`Switch::poll_transmit`]: what a dialog
    /// says is told after whose it is.
    pub fn poll_traced(&mut self) -> Option<Traced> {
        let begun = self.traced.pop_front().map(|(call, key)| Traced::Begun(call, key));
        begun.or_else(|| self.sip.poll_ended().map(Traced::Ended))
    }

    /// True if the last message that came belongs to a session: it is no stranger's.
    #[must_use]
    pub fn is_somebodys(&self) -> bool {
        self.sip.session_in_hand().is_some()
    }

    /// A dialog belongs to a call.
    pub(crate) fn note_dialog(&mut self, call: CallId, session: SessionId) {
        if self.traces
            && let Some(key) = self.sip.dialog_key(session)
        {
            self.traced.push_back((call, key.clone()));
        }
    }

    /// When to call [`Switch::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let (sip, acd, desk) = (self.sip.poll_timeout(), self.acd.poll_timeout(), self.desk.poll_timeout());
        let own = [self.book.poll_timeout(), self.meter.poll_timeout(), self.timers.poll_timeout()];
        [sip, acd, desk, self.trunks.poll_timeout()].into_iter().chain(own).flatten().min()
    }

    /// Calls that are not ended for the books.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.calls.len()
    }

    /// True if nothing is left of any call: no leg, session, offer, take, timer. For tests, and to end a shutdown early.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.calls.is_empty()
            && self.legs.is_empty()
            && self.sessions.is_empty()
            && self.letting_go.is_empty()
            && self.offers.is_empty()
            && self.takes.is_empty()
            && self.open_books.is_empty()
            && self.letters.taken().next().is_none()
            && self.messages.is_empty()
            && self.fetches.is_empty()
            && self.meter.is_idle()
            && self.sip.population().sessions == 0
            && !self.trunks.is_leaving()
    }

    /// What lives in the SIP stack.
    #[must_use]
    pub fn sip_population(&self) -> sip::Population {
        self.sip.population()
    }

    /// What the SIP stack counted since the start.
    #[must_use]
    pub fn sip_counters(&self) -> &sip::Counters {
        self.sip.counters()
    }

    /// What became of the requests whose senders were to prove themselves, since the start.
    #[must_use]
    pub fn digest_outcomes(&self) -> sip::digest::Outcomes {
        self.desk.outcomes()
    }

    /// Lets the parts react to each other until all are silent.
    pub(crate) fn settle(&mut self, now: Now) {
        loop {
            if let Some(event) = self.sip.poll_event() {
                self.hand = event.session().map_or(Hand::Nothing, |session| self.hand_of_session(session));
                self.on_sip(now, event);
            } else if let Some(event) = self.desk.registrar.poll_event() {
                self.hand = Hand::Nothing;
                self.on_registrar(now, event);
            } else if let Some(ping) = self.desk.registrar.poll_ping() {
                self.hand = Hand::Nothing;
                self.ping(now, ping);
            } else if let Some(event) = self.acd.poll_event() {
                self.hand = Hand::of_acd(&event);
                self.on_acd(now, event);
            } else if let Some((call, input)) = self.flow_inputs.pop_front() {
                self.hand = Hand::Call(call);
                self.feed_flow(now, call, input);
            } else if self.light_lamps() {
                self.hand = Hand::Nothing;
            } else {
                self.desk.changes.collect(now, &self.desk.registrar);
                return;
            }
        }
    }

    fn on_sip(&mut self, now: Now, event: sip::Event) {
        use sip::Event;
        match event {
            Event::Invited { session, request, flow, user } => self.admit(now, session, &request, flow, user),
            Event::Registered { pending, user } => self.register(now, pending, user),
            Event::Malformed { flow, cause } => self.book.malformed(now, flow.remote.ip(), || cause.to_string()),
            Event::Acked { session, body } => {
                self.with_leg(session, |s, leg| s.acknowledged(now, leg, body.as_deref()))
            }
            Event::Pracked { session, body } => self.with_leg(session, |s, leg| s.pracked(now, leg, body.as_deref())),
            Event::Progress { session, status, body, place } => self.with_leg(session, |s, leg| {
                if body.is_some() {
                    s.spoken_at(leg, place);
                }
                s.progressed(now, leg, status, body.as_deref());
            }),
            Event::ForkEnded { session, tag, status } => {
                self.with_leg(session, |s, leg| s.fork_ended(leg, tag, status))
            }
            Event::Answered { session, body, flow, place } => self.with_leg(session, |s, leg| {
                s.spoken_at(leg, place);
                s.reached_by(leg, flow);
                s.answered(now, leg, body.as_deref());
            }),
            Event::Changed { session, body } => self.with_leg(session, |s, leg| s.changed(now, leg, body.as_deref())),
            Event::Refused { session, status, local, response, .. } => {
                self.phone_let_go(now, session);
                if let Some(leg) = self.sessions.remove(&session) {
                    self.refused(now, leg, status, local, response.as_deref());
                }
            }
            Event::Cancelled { session, reason } => {
                if let Some(leg) = self.sessions.remove(&session) {
                    self.peer_gone(now, leg, "cancel", Some(487), reason);
                }
            }
            Event::Ended { session, cause } => {
                self.phone_let_go(now, session);
                if let Some(leg) = self.sessions.remove(&session) {
                    self.peer_gone(now, leg, crate::talk::word(&cause), None, crate::talk::reason_of(&cause));
                }
            }
            Event::ChangeAnswered { session, offer, body: Some(answer) } => {
                self.with_leg(session, |s, leg| s.refreshed(now, leg, &offer, &answer));
            }
            // The stack refused or took back the change; our side stays as it is. We change nothing of ourselves.
            Event::ChangeCancelled { .. } | Event::ChangeAnswered { .. } | Event::ChangeRefused { .. } => {}
            Event::Referred { session, pending, refer } => match self.sessions.get(&session) {
                Some(&leg) => self.referred(now, leg, session, pending, &refer),
                None => self.sip.respond(now, pending, 481, &[]),
            },
            Event::Messaged { pending, user } => self.messaged(now, pending, user),
            Event::Subscribed { pending, package, user } => self.subscribed(now, pending, package, user),
            Event::NotifyWanted { subscription, told } => self.notify_wanted(now, subscription, told),
            Event::Unsubscribed { subscription } => self.unsubscribed(subscription),
            // Nothing is asked beside a call.
            Event::AsideReplied { .. } => {}
            Event::Info { session, digit } => self.with_leg(session, |s, leg| s.told_digit(now, leg, digit)),
            Event::Replied { inquiry, cseq, status, answer } => {
                let answered = answer.is_some();
                if !self.message_answered(now, inquiry, status, answered) && !self.pong(now, inquiry, answered) {
                    self.replied(now, inquiry, cseq, (status, answer));
                }
            }
        }
    }

    fn with_leg(&mut self, session: SessionId, act: impl FnOnce(&mut Self, LegId)) {
        if let Some(&leg) = self.sessions.get(&session) {
            act(self, leg);
        }
    }

    fn on_media(&mut self, now: Now, event: &leg::Event) {
        use leg::Event;
        match *event {
            Event::Opened { leg, port } => self.media_opened(now, leg, port),
            Event::OpenFailed { leg, reason } => self.media_failed(now, leg, reason),
            Event::Digit { leg, digit } => self.heard_digit(now, leg, digit.symbol()),
            Event::TakeEnded { take, .. } => self.take_orders.push_back(TakeOrder::Finish { take }),
            Event::DigitEnd { .. } => {}
            Event::Quiet { leg } => self.caller_quiet(leg),
            Event::MaskEnded { leg } => self.mask_ended(now, leg),
            Event::PlayDone { leg, play } => self.play_done(now, leg, play),
            Event::Silent { leg } => self.media_silent(now, leg),
            Event::Closed { leg, ref stats } => self.media_closed(now, leg, stats),
        }
    }

    /// Writes an event of a call.
    pub(crate) fn note(&mut self, now: Now, call: CallId, kind: Kind) {
        self.note_leg(&kind);
        let seq = self.calls.get_mut(&call).map(|found| &mut found.seq);
        if let Some(seq) = seq.or_else(|| self.open_books.get_mut(&call).map(|book| &mut book.seq)) {
            self.book.write(now, call, seq, kind);
        }
    }
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Switch")
            .field("calls", &self.calls.len())
            .field("legs", &self.legs.len())
            .finish_non_exhaustive()
    }
}
