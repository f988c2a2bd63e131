//! The journal's thread: events become lines, records of calls are folded from them, and where users are is kept.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use journal::{AgentSaid, CallbackKept, Cdr, CdrFold, Event, Locations};

use crate::Notice;
use crate::disk::Disk;
use crate::intake::Intake;
use crate::last_words::LastWords;
use crate::lines::DailyLines;
use crate::notice::Notify;
use crate::records::Records;
use crate::switch_file::SwitchFile;

/// Octets that are written at once, though their time has not come.
const BATCH: usize = 64 << 10;
/// Calls that may be live for the fold; beyond it the oldest is closed, as its end must have got lost.
const MAX_LIVE: usize = 200_000;
/// How often a disk that fails is tried again, and losses are told.
const RETRY: Duration = Duration::from_secs(1);

/// What comes to the journal's thread.
#[derive(Debug)]
pub enum Message {
    Event(Event),
    Locations(Box<Locations>),
    Switches(Vec<hours::Turned>),
    Said(Box<AgentSaid>),
    Callback(Box<CallbackKept>),
}

/// Lines and records, and what the disk makes of them. A value without a thread.
pub struct Journal {
    disk: Box<dyn Disk>,
    events: DailyLines,
    records: DailyLines,
    locations: LastWords<Locations>,
    agents: LastWords<AgentSaid>,
    callbacks: LastWords<CallbackKept>,
    switches: SwitchFile,
    fold: CdrFold,
    /// Which of these fails: the journal, the records, the locations, the switches, the agents, the callbacks.
    faulty: [bool; 6],
    /// Records made so far.
    made: Arc<Records>,
    /// Events that found the queue full.
    dropped: Arc<AtomicU64>,
    lost: u64,
    notify: Notify,
}

/// What outlives a restart.
pub struct Kept {
    pub locations: LastWords<Locations>,
    pub agents: LastWords<AgentSaid>,
    pub callbacks: LastWords<CallbackKept>,
    pub switches: SwitchFile,
}

impl Journal {
    /// A journal below `folder` that goes on with the calls in `fold`.
    pub fn new(
        folder: &Path,
        disk: Box<dyn Disk>,
        fold: CdrFold,
        Kept { locations, agents, callbacks, switches }: Kept,
        dropped: Arc<AtomicU64>,
        notify: Notify,
    ) -> Self {
        Self {
            disk,
            events: DailyLines::new(folder.join("journal")),
            records: DailyLines::new(folder.join("cdr")),
            locations,
            agents,
            callbacks,
            switches,
            fold,
            faulty: [false; 6],
            made: Arc::default(),
            dropped,
            lost: 0,
            notify,
        }
    }

    pub fn take(&mut self, event: &Event) {
        self.events.push(&mut *self.disk, event.at, event);
        if let Some(cdr) = self.fold.feed(event) {
            self.take_record(&cdr);
        }
        if self.fold.live() > MAX_LIVE
            && let Some(cdr) = self.fold.evict()
        {
            self.take_record(&cdr);
        }
    }

    fn take_record(&mut self, cdr: &Cdr) {
        self.made.count(cdr.disposition);
        self.records.push(&mut *self.disk, cdr.ended, cdr);
    }

    pub fn keep(&mut self, locations: &Locations) {
        self.locations.push(locations);
    }

    /// What counts the records, for other threads.
    pub fn made(&self) -> Arc<Records> {
        Arc::clone(&self.made)
    }

    /// Octets that wait.
    pub fn waiting(&self) -> usize {
        let kept = self.locations.waiting() + self.agents.waiting() + self.callbacks.waiting();
        self.events.waiting() + self.records.waiting() + kept
    }

    pub fn is_faulty(&self) -> bool {
        self.faulty != [false; 6]
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        let events = self.events.flush(&mut *self.disk);
        let records = self.records.flush(&mut *self.disk);
        let locations = self.locations.flush(&mut *self.disk);
        let switches = self.switches.flush();
        let agents = self.agents.flush(&mut *self.disk);
        let callbacks = self.callbacks.flush(&mut *self.disk);
        let [journal, cdr, kept, turned, said, promised] = &mut self.faulty;
        judge(&self.notify, "journal", &events, journal);
        judge(&self.notify, "cdr", &records, cdr);
        judge(&self.notify, "locations", &locations, kept);
        judge(&self.notify, "switches", &switches, turned);
        judge(&self.notify, "agents", &agents, said);
        judge(&self.notify, "callbacks", &callbacks, promised);
    }

    /// Tells what got lost. Not while the disk fails: what is told becomes an event, which would be lost, too.
    pub fn tell_loss(&mut self) {
        self.lost += self.events.take_dropped() + self.records.take_dropped();
        self.lost += self.locations.take_dropped() + self.agents.take_dropped() + self.callbacks.take_dropped();
        if !self.is_faulty() {
            let count = self.lost + self.dropped.swap(0, Ordering::Relaxed);
            self.lost = 0;
            if count > 0 {
                (self.notify)(Notice::EventsLost { count });
            }
        }
    }
}

/// Tells when a file begins to fail, and when it is well again.
fn judge(notify: &Notify, what: &'static str, outcome: &io::Result<()>, faulty: &mut bool) {
    match outcome {
        Err(error) if !*faulty => {
            *faulty = true;
            notify(Notice::DiskFault { what, error: error.to_string() });
        }
        Ok(()) if *faulty => {
            *faulty = false;
            notify(Notice::DiskWell { what });
        }
        _ => {}
    }
}

/// The thread: when something has come it sleeps for `patience` and then writes all that came meanwhile at once. So a
/// busy switch wakes it some times a second, not once an event. True in the end if all is written.
pub fn run(mut journal: Journal, inbox: &Intake<Message>, patience: Duration) -> bool {
    let mut told = Instant::now();
    let mut messages = Vec::new();
    let mut stopped = false;
    while !stopped {
        if inbox.wait(RETRY) {
            inbox.gather(if journal.is_faulty() { RETRY } else { patience });
        }
        stopped = inbox.take_all(&mut messages);
        for message in messages.drain(..) {
            take(&mut journal, message);
            if journal.waiting() >= BATCH && !journal.is_faulty() {
                journal.flush();
            }
        }
        journal.flush();
        if told.elapsed() >= RETRY {
            told = Instant::now();
            journal.tell_loss();
        }
    }
    !journal.is_faulty()
}

fn take(journal: &mut Journal, message: Message) {
    match message {
        Message::Event(event) => journal.take(&event),
        Message::Locations(locations) => journal.keep(&locations),
        Message::Switches(turned) => journal.switches.put(turned),
        Message::Said(said) => journal.agents.push(&said),
        Message::Callback(kept) => journal.callbacks.push(&kept),
    }
}
