//! The domain thread: it owns the switch, and waits for nothing but its inputs.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::speech::Speaker;
use api::{Figures, MediaFigures, Query};
use base::{Mono, Now};
use fetch::{Fetcher, Secrets};
use ivr::web::Reply;
use journal::Kind;
use media::Media;
use net::Received;
use net::dns::Dns;
use sip::Transmit;
use sip::locate::{Answer, Fault};
use sip_message::{Message, Method, Request as SipRequest};
use storage::{JournalPort, Notice, Records, TakeEvent, TakePort, TracePort};
use switch::control::{Inside, Request};
use switch::{Config, HttpOrder, Switch, TakeOrder, TakeReport, Traced};
use tokio::sync::oneshot;
use trace::{Octets, Packet};

use crate::clock::Clock;
use crate::fault::{GaveUp, Guard};
use crate::letters::{letter_refused, letter_report};
use crate::listener::Sender;
use crate::mailbox::{self, Receiver};
use crate::memory::{self, Crowd, Memory};
use crate::plugins::{Bound, Lanes, tell_answer};
use crate::speech;
use crate::tls::Handshakes;

/// Inputs taken before outputs are sent: enough to batch system calls in a burst, few enough to keep the delay of the
/// first below a millisecond.
const BATCH: usize = 64;
/// The longest sleep, when no machine has a timer.
const IDLE: Duration = Duration::from_secs(1);
/// How often losses are looked for.
const TELL_DROPS: Duration = Duration::from_secs(1);
/// How often memory is looked at: so seldom that it costs nothing, so often that a burst of calls does not eat the reserve.
const LOOK_AT_MEMORY: Duration = Duration::from_millis(100);
/// How often it is looked whether all that the switch knows agrees.
const RECONCILE: Duration = Duration::from_secs(60);
/// How long after the last call hung up its BYE may still be answered, before the program ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Everything that reaches the domain thread.
#[derive(Debug)]
pub(crate) enum Input {
    /// From a listener.
    Sip(Received),
    /// From a media thread.
    Media(leg::Event),
    /// From an operator.
    Control(api::Query),
    /// A new configuration, checked.
    Reconfigure {
        /// All of it.
        config: Arc<Config>,
        /// The DNS servers that are asked from now on, if they are others.
        servers: Option<Vec<SocketAddr>>,
        /// What headers of requests to web servers may hold, if that is something else.
        secrets: Option<Secrets>,
        /// What decides for its queues.
        plugins: Vec<Bound>,
        /// What is new in it, for the journal.
        changes: String,
        /// Told once it is taken: where callers are.
        taken: oneshot::Sender<Inside>,
    },
    /// Where callers are in flows is asked.
    Inside(oneshot::Sender<Inside>),
    /// Something for the journal.
    Notice(Kind),
    /// From a writer of storage.
    Storage(Notice),
    /// What came of a question to the DNS.
    Answer {
        /// Its number.
        id: u64,
        /// The answer, or why there is none.
        answer: Result<Answer, Fault>,
    },
    /// What came of a text that a caller waits for.
    Spoken {
        /// Its number.
        id: u64,
        /// The prompt, or why there is none, as a word.
        outcome: Result<audio::Prompt, &'static str>,
    },
    /// What came of a request to a web server.
    Fetched {
        /// Its number.
        id: u64,
        /// The answer, or why there is none.
        reply: Reply,
    },
    /// What a plugin said.
    Plugin(plugins::Answer),
    /// A signal to end: no new calls, and live ones end within the grace time.
    Drain,
}

/// Why the domain thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A signal asked for it, and the calls are over.
    Asked,
    /// A media thread died by a fault of ours, and its calls with it. Whoever supervises the process starts a new one,
    /// which is better than half the calls without sound.
    MediaDied,
    /// The switch met too many faults of its own; the same holds.
    Faulty,
}

impl From<GaveUp> for End {
    fn from(_: GaveUp) -> Self {
        Self::Faulty
    }
}

/// What drivers count of losses, and how much of it was told.
#[derive(Debug)]
pub(crate) struct Drops {
    received: Vec<Arc<AtomicU64>>,
    told: [u64; 5],
    due: Mono,
}

impl Drops {
    /// Nothing told yet; `received` counts what each listener could not hand over.
    pub fn new(received: Vec<Arc<AtomicU64>>) -> Self {
        Self { received, told: [0; 5], due: Mono::ZERO }
    }

    fn is_due(&mut self, now: Mono) -> bool {
        let due = now >= self.due;
        if due {
            self.due = now + TELL_DROPS;
        }
        due
    }
}

/// The switch with its drivers.
pub(crate) struct Domain {
    pub clock: Clock,
    pub switch: Switch,
    pub inputs: Receiver<Input>,
    pub senders: Vec<Sender>,
    pub media: Media,
    pub journal: JournalPort,
    pub takes: TakePort,
    pub traces: TracePort,
    /// What is on its way to strangers, among all that is to be sent.
    pub strangers: VecDeque<Range<usize>>,
    pub records: Arc<Records>,
    pub drops: Drops,
    pub guard: Guard,
    pub memory: Memory,
    pub dns: Dns,
    pub fetcher: Fetcher,
    pub lanes: Lanes,
    pub handshakes: Handshakes,
    pub speaker: Arc<Speaker>,
    /// For those who speak.
    pub inputs_tx: mailbox::Sender<Input>,
}

impl Domain {
    /// Runs until a shutdown has ended all calls, or until there is no sense in going on.
    pub fn run(mut self) -> End {
        let mut outbox = Outbox::new(self.senders.len());
        let end = self.work(&mut outbox).unwrap_or_else(|end| end);
        let cause = match end {
            End::Asked => "signal",
            End::MediaDied => "media_thread_died",
            // Nothing more is asked of the switch; what it has told so far is written down.
            End::Faulty => {
                self.record();
                return end;
            }
        };
        self.switch.handle_stopped(self.clock.now(), cause);
        self.flush(&mut outbox).map_or_else(End::from, |()| end)
    }

    fn work(&mut self, outbox: &mut Outbox) -> Result<End, End> {
        let mut drained_at: Option<Mono> = None;
        let mut inputs = Vec::new();
        let mut memory_due = Mono::ZERO;
        let mut reconcile_due = self.clock.now().monotonic + RECONCILE;
        let mut crowd = Crowd::NONE;
        loop {
            self.flush(outbox)?;
            self.inputs.take_all(&mut inputs, self.sleep());
            let mut taken = 0;
            for input in inputs.drain(..) {
                self.take(input)?;
                taken += 1;
                if taken % BATCH == 0 {
                    self.flush(outbox)?;
                }
            }
            let now = self.clock.now();
            if self.switch.poll_timeout().is_some_and(|due| due <= now.monotonic) {
                self.guard.tell(now, &mut self.switch, |switch| switch.handle_timeout(now))?;
            }
            if now.monotonic >= reconcile_due {
                reconcile_due = now.monotonic + RECONCILE;
                self.guard.tell(now, &mut self.switch, |switch| switch.reconcile(now))?;
            }
            if self.switch.is_draining() && self.switch.live_calls() == 0 {
                let since = *drained_at.get_or_insert(now.monotonic);
                if self.switch.is_quiet() || now.monotonic.since(since) > LAST_WORDS {
                    return Ok(End::Asked);
                }
            }
            if now.monotonic >= memory_due {
                memory_due = now.monotonic + LOOK_AT_MEMORY;
                self.switch.handle_memory(now, self.memory.is_short());
                let living = self.switch.sip_population();
                if crowd.has_gone(now.monotonic, living.sessions + living.transactions) {
                    memory::give_back();
                }
            }
            if self.drops.is_due(now.monotonic) {
                self.tell_drops(now);
            }
            if !self.media.is_running() {
                return Ok(End::MediaDied);
            }
        }
    }

    fn sleep(&self) -> Duration {
        let now = self.clock.now().monotonic;
        self.switch.poll_timeout().map_or(IDLE, |due| due.since(now).min(IDLE))
    }

    fn take(&mut self, input: Input) -> Result<(), GaveUp> {
        let now = self.clock.now();
        let input = match input {
            // Answers an operator. One who has gone meanwhile misses his answer.
            Input::Control(Query::Figures { reply }) => {
                drop(reply.send(Box::new(self.figures(now))));
                return Ok(());
            }
            input => input,
        };
        let (heard, before) = (self.heard(now, &input), self.switch.transmits());
        let (dns, fetcher, lanes) = (&self.dns, &self.fetcher, &mut self.lanes);
        let told = self.guard.tell(now, &mut self.switch, |switch| match input {
            Input::Sip(Received::Message { flow, parsed }) => switch.handle_datagram(now, flow, parsed),
            Input::Sip(Received::Unreachable { transport, remote }) => {
                switch.handle_unreachable(now, transport, remote);
            }
            Input::Sip(Received::Proven { connection, names }) => switch.handle_proven(connection, names),
            Input::Sip(Received::Closed { connection, transport, remote }) => {
                switch.handle_connection_closed(now, connection, transport, remote);
            }
            Input::Media(event) => switch.handle_media(now, &event),
            Input::Storage(notice) => tell_notice(switch, now, notice),
            Input::Control(Query::Control { request, reply }) => {
                drop(reply.send(switch.handle_control(now, request)));
            }
            // Answered above; by the thread that reads the files; by the one that traces.
            Input::Control(Query::Figures { .. } | Query::Reload { .. } | Query::Watch(_)) => {}
            Input::Reconfigure { config, servers, secrets, plugins, changes, taken } => {
                // A queue whose plugin has no thread is decided for by its strategy.
                let _ = lanes.bind(plugins);
                secrets.into_iter().for_each(|secrets| fetcher.set_secrets(secrets));
                let is_elsewhere = servers.map(|servers| dns.ask_at(servers)).is_some();
                switch.reconfigure(now, config, &changes);
                if is_elsewhere {
                    switch.ask_anew(now);
                }
                // Nobody waits for it if the thread that reloads has died.
                let _ = taken.send(switch.inside());
            }
            Input::Inside(reply) => drop(reply.send(switch.inside())),
            Input::Answer { id, answer } => switch.handle_answer(now, id, answer),
            Input::Spoken { id, outcome } => switch.handle_spoken(now, id, outcome),
            Input::Fetched { id, reply } => switch.handle_http(now, id, reply),
            Input::Plugin(answer) => tell_answer(switch, now, answer),
            Input::Notice(kind) => switch.handle_notice(now, kind),
            Input::Drain => drop(switch.handle_control(now, Request::Drain { grace_s: None })),
        });
        self.tell_dialogs(now);
        match heard {
            // Nothing is kept of strangers, nor of what they are told.
            Some((_, true)) if !self.traces.is_watched() && !self.switch.is_somebodys() => {
                self.strangers.push_back(before..self.switch.transmits());
            }
            Some((packet, _)) => self.traces.packet(packet),
            None => {}
        }
        told.map(|_| ())
    }

    /// A message that came, if somebody wants it, and whether it may be a stranger's. None of its octets are copied.
    fn heard(&self, now: Now, input: &Input) -> Option<(Packet, bool)> {
        let Input::Sip(Received::Message { flow, parsed }) = input else { return None };
        let message = parsed.as_ref().ok().filter(|_| self.traces.is_wanted())?;
        // What has a tag of ours belongs to something, though the stack may know nothing of it any more.
        let outside = |request: &SipRequest| request.head.to.tag().is_none() && request.method != Method::Cancel;
        let stranger = matches!(message, Message::Request(request) if outside(request));
        Some((packet(now, false, *flow, Octets::of(message)?), stranger))
    }

    /// Whose dialogs are which, before what they say is told; and which are over.
    fn tell_dialogs(&mut self, now: Now) {
        while let Some(traced) = self.switch.poll_traced() {
            match traced {
                _ if !self.traces.is_wanted() => {}
                Traced::Begun(call, key) => self.traces.call(now.wall, call, key),
                Traced::Ended(key) => self.traces.ended(now.wall, key),
            }
        }
    }

    fn figures(&mut self, now: Now) -> Figures {
        let media = self.media.counters();
        Figures {
            status: self.switch.status(now),
            queues: self.switch.queue_lines(now),
            plugins: self.switch.plugin_states(now),
            ended: self.records.by_disposition(),
            sip: *self.switch.sip_counters(),
            trunks: self.switch.trunk_counts(),
            digest: self.switch.digest_outcomes(),
            media: MediaFigures {
                ticks: media.ticks,
                late_ticks: media.late_ticks,
                skipped_ticks: media.skipped_ticks,
            },
            drops: self.lost().into(),
            handshakes: self.senders.iter().filter_map(Sender::failed_handshakes).collect(),
        }
    }

    /// What got lost between threads since the start.
    fn lost(&self) -> [(&'static str, u64); 5] {
        let media = self.media.counters();
        [
            ("datagrams_in", self.drops.received.iter().map(|count| count.load(Ordering::Relaxed)).sum()),
            ("datagrams_out", self.senders.iter().map(Sender::unsent).sum()),
            ("media_events", media.dropped_events),
            ("media_commands", media.dropped_commands),
            ("trace", self.traces.dropped()),
        ]
    }

    /// Tells the journal what got lost between threads since it was last told.
    fn tell_drops(&mut self, now: Now) {
        for ((what, total), told) in self.lost().into_iter().zip(&mut self.drops.told) {
            let count: u64 = total - *told;
            *told = total;
            if count > 0 {
                self.switch.handle_notice(now, Kind::Dropped { what: what.into(), count });
            }
        }
    }

    /// Carries out all that the switch asks for.
    fn flush(&mut self, outbox: &mut Outbox) -> Result<(), GaveUp> {
        // A command may be answered at once (a port is open), and the answer may ask for more.
        loop {
            let now = self.clock.now();
            while let Some(order) = self.switch.poll_take() {
                match order {
                    TakeOrder::Begin { call, take } => self.takes.begin(now, call, take),
                    TakeOrder::Finish { take } => self.takes.finish(take),
                }
            }
            while let Some(speak) = self.switch.poll_speak() {
                let id = speak.id;
                if let Err(why) = speech::ask(&self.speaker, speak, &self.inputs_tx) {
                    self.guard.tell(now, &mut self.switch, |switch| switch.handle_spoken(now, id, Err(why)))?;
                }
            }
            while let Some(order) = self.switch.poll_plugin() {
                if let Some(refused) = self.lanes.execute(order) {
                    self.guard.tell(now, &mut self.switch, |switch| tell_answer(switch, now, refused))?;
                }
            }
            while let Some(order) = self.switch.poll_letter() {
                let refused = self.takes.letter(order).err().and_then(letter_refused);
                if let Some(report) = refused {
                    self.guard.tell(now, &mut self.switch, |switch| switch.handle_letter(now, report))?;
                }
            }
            let Some(command) = self.switch.poll_media() else { break };
            if let Some(event) = self.media.execute(command) {
                self.guard.tell(now, &mut self.switch, |switch| switch.handle_media(now, &event))?;
            }
        }
        while let Some(ask) = self.switch.poll_ask() {
            self.dns.ask(ask);
        }
        while let Some(order) = self.switch.poll_http() {
            match order {
                HttpOrder::Ask { id, request } => self.fetcher.ask(id, request),
                HttpOrder::GiveUp { id } => self.fetcher.give_up(id),
            }
        }
        if let Some(proofs) = self.switch.poll_proofs() {
            self.handshakes.learn(proofs);
        }
        let now = self.clock.now();
        self.tell_dialogs(now);
        let traced = self.traces.is_wanted();
        let mut at = 0;
        while let Some(transmit) = self.switch.poll_transmit() {
            while self.strangers.pop_front_if(|these| these.end <= at).is_some() {}
            let to_stranger = self.strangers.front().is_some_and(|these| these.contains(&at));
            at += 1;
            if traced && !to_stranger {
                self.traces.packet(packet(now, true, transmit.flow, transmit.payload.clone().into()));
            }
            outbox.put(transmit);
        }
        self.strangers.clear();
        outbox.send(&mut self.senders);
        self.record();
        Ok(())
    }

    fn record(&mut self) {
        while let Some(event) = self.switch.poll_journal() {
            self.journal.record(event);
        }
        while let Some(locations) = self.switch.poll_locations() {
            self.journal.keep(locations);
        }
        while let Some(said) = self.switch.poll_said() {
            self.journal.keep_said(said);
        }
        while let Some(kept) = self.switch.poll_callback() {
            self.journal.keep_callback(kept);
        }
        if let Some(turned) = self.switch.poll_turned() {
            self.journal.keep_switches(turned);
        }
    }
}

fn packet(now: Now, sent: bool, flow: sip::Flow, octets: Octets) -> Packet {
    Packet { at: now.wall, sent, transport: flow.transport.in_via(), local: flow.local, remote: flow.remote, octets }
}

/// Passes on what a writer of storage says.
fn tell_notice(switch: &mut Switch, now: Now, notice: Notice) {
    let kind = match notice {
        Notice::Take { take, event, .. } => {
            let report = match event {
                TakeEvent::Started { file } => TakeReport::Started { take, file },
                TakeEvent::Lost { frames, why } => TakeReport::Lost { take, frames, why },
                TakeEvent::Finished { file, frames, lost } => {
                    TakeReport::Finished { take, file: file.unwrap_or_default(), frames, lost }
                }
            };
            switch.handle_take(now, report);
            return;
        }
        Notice::Letter { .. } | Notice::Mailbox { .. } | Notice::Listed { .. } | Notice::Loaded { .. } => {
            if let Some(report) = letter_report(notice) {
                switch.handle_letter(now, report);
            }
            return;
        }
        Notice::EventsLost { count } => Kind::EventsLost { count },
        Notice::DiskFault { what, error } => Kind::DiskFault { what: what.into(), error },
        Notice::DiskWell { what } => Kind::DiskFault { what: what.into(), error: String::new() },
    };
    switch.handle_notice(now, kind);
}

/// Datagrams by listener, so that each socket sends its own in one call.
struct Outbox {
    by_listener: Vec<Vec<Transmit>>,
}

impl Outbox {
    fn new(listeners: usize) -> Self {
        Self { by_listener: vec![Vec::new(); listeners] }
    }

    fn put(&mut self, transmit: Transmit) {
        if let Some(queue) = self.by_listener.get_mut(usize::from(transmit.flow.listener)) {
            queue.push(transmit);
        }
    }

    fn send(&mut self, senders: &mut [Sender]) {
        for (queue, sender) in self.by_listener.iter_mut().zip(senders) {
            if !queue.is_empty() {
                sender.send(queue);
                queue.clear();
            }
        }
    }
}
