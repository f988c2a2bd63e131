//! Start, ports and stop of the writers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base::{CallId, Mono, Now, TakeId, Wall};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use journal::{AgentSaid, CallbackKept, Event, LetterOrder, Locations};
use leg::{CHUNK_FRAMES, Chunk, FRAME, Stereo, TakeSink};

use crate::disk::System;
use crate::intake::{Port, intake};
use crate::journal_writer::{self, Journal, Kept, Message};
use crate::last_words::{LastWords, Left};
use crate::letters::Letters;
use crate::mailboxes::Mailboxes;
use crate::notice::Notify;
use crate::open_log::OpenLog;
use crate::recorder::Recorder;
use crate::records::Records;
use crate::recover::{self, recover};
use crate::switch_file::SwitchFile;
use crate::traces::{self, Ring, TracePort};
use crate::{Config, Notice, StartError};

/// Orders about recordings that may wait beside chunks.
const ORDERS: usize = 16_384;
/// How often the recordings' thread looks for recordings that nobody ended.
const LOOK: Duration = Duration::from_secs(1);

/// The running writers. Merely dropped, they write what waits, too, but the next start then looks for calls that were cut
/// off: that is for ends that nobody asked for.
#[derive(Debug)]
pub struct Storage {
    journal: JournalPort,
    takes: TakePort,
    chunks: ChunkPort,
    traces: TracePort,
    /// Each says in its end whether the disk took all.
    threads: Vec<JoinHandle<bool>>,
    folder: std::path::PathBuf,
    records: Arc<Records>,
    left: Left,
    /// Held as long as the writers run, so that no second switch takes this one's live calls for dead ones.
    _lock: fs::File,
}

/// Where the switch puts its events, and where its users are. Never waits.
#[derive(Clone, Debug)]
pub struct JournalPort {
    queue: Port<Message>,
    dropped: Arc<AtomicU64>,
    /// Events that may wait before those that records do not need are dropped.
    for_all: usize,
}

/// Where the switch announces recordings. Never waits.
#[derive(Clone, Debug)]
pub struct TakePort {
    queue: Sender<Order>,
}

/// Where media threads put recorded chunks; one clone a thread. Never waits.
#[derive(Clone, Debug)]
pub struct ChunkPort {
    queue: Sender<Order>,
    free: Receiver<Stereo>,
    most: usize,
}

/// What comes to the recordings' thread. One queue for all, so that a recording's end does not overtake its audio.
#[derive(Debug)]
enum Order {
    Begin(Wall, CallId, TakeId),
    Letter(LetterOrder),
    Chunk(Chunk),
    Finish(TakeId),
    Stop,
}

impl Storage {
    /// Makes the folders, mends what an earlier run left open, and starts the writers. `notify` is called on the
    /// writers' threads; it should not wait for whoever feeds the ports.
    ///
    /// # Errors
    /// If a folder cannot be made or written, or a thread not started.
    pub fn start(config: &Config, notify: impl Fn(Notice) + Send + Sync + 'static) -> Result<Self, StartError> {
        let folder = config.folder.clone();
        for name in ["journal", "cdr", "recordings"] {
            make_folder(&folder.join(name))?;
        }
        let lock = lock(&folder)?;
        let notify: Notify = Arc::new(notify);
        let (log, left_open) = OpenLog::start(&folder);
        let cut = recover(&folder, &left_open);
        recover::mark(&folder).map_err(|error| folder_error(&folder, error))?;

        let failed = |error| folder_error(&folder, error);
        let (locations, kept, unreadable) = LastWords::start(&folder).map_err(failed)?;
        let mut left = Left { locations: kept, unreadable, ..Left::default() };
        let (agents, said, unreadable) = LastWords::start(&folder).map_err(failed)?;
        left.agents = said;
        left.unreadable += unreadable;
        let (callbacks, promised, unreadable) = LastWords::start(&folder).map_err(failed)?;
        left.callbacks = promised;
        left.unreadable += unreadable;
        let (switches, kept) = SwitchFile::start(&folder).map_err(failed)?;
        left.switches = kept;
        left.mailboxes = Mailboxes::of(&folder).recover();

        let dropped = Arc::new(AtomicU64::new(0));
        let (told, disk) = (Arc::clone(&notify), Box::new(System));
        let kept = Kept { locations, agents, callbacks, switches };
        let mut journal = Journal::new(&folder, disk, cut.fold, kept, Arc::clone(&dropped), told);
        let records = journal.made();
        cut.events.iter().for_each(|event| journal.take(event));
        // At once, as the switch wants to know what these calls charge to grants.
        journal.flush();
        let (queue, inbox) = intake(config.journal_queue.max(4));
        let patience = config.journal_flush;
        let writer = spawn("journal", move || journal_writer::run(journal, &inbox, patience))?;
        let journal = JournalPort { queue, dropped, for_all: config.journal_queue / 4 * 3 };

        let (traces, inbox, shared) = traces::port(config.traces.on);
        let ring = Ring::start(&folder, config.traces, Arc::clone(&notify));
        let ring = ring.map_err(|error| folder_error(&folder, error))?;
        let tracer = spawn("trace", move || traces::run(ring, &inbox, &shared))?;

        let letters = Letters::new(&folder, Box::new(System), Arc::clone(&notify));
        let recorder = Recorder::new(folder.clone(), Box::new(System), log, config.open_takes, notify);
        let (queue, inbox) = bounded(config.chunks + ORDERS);
        let (give_back, free) = bounded(config.chunks);
        let recordings = spawn("recordings", move || {
            record(recorder, letters, &inbox, &give_back);
            // What is lost of recordings was told of each.
            true
        })?;
        let chunks = ChunkPort { queue: queue.clone(), free, most: config.chunks };
        Ok(Self {
            journal,
            takes: TakePort { queue },
            chunks,
            traces,
            threads: vec![writer, recordings, tracer],
            folder,
            records,
            left,
            _lock: lock,
        })
    }

    /// False once a writer has ended by a fault of ours: nothing more is written.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.threads.iter().all(|thread| !thread.is_finished())
    }

    /// Where the switch puts its events.
    #[must_use]
    pub fn journal(&self) -> JournalPort {
        self.journal.clone()
    }

    /// Where users were when an earlier run ended, and how switches were turned. The second time, nowhere.
    pub fn take_left(&mut self) -> Left {
        std::mem::take(&mut self.left)
    }

    /// How many records of calls were made.
    #[must_use]
    pub fn records(&self) -> Arc<Records> {
        Arc::clone(&self.records)
    }

    /// Where the switch announces recordings.
    #[must_use]
    pub fn take_port(&self) -> TakePort {
        self.takes.clone()
    }

    /// Where the domain thread puts what comes and goes on the wire.
    #[must_use]
    pub fn trace_port(&self) -> TracePort {
        self.traces.clone()
    }

    /// Where media threads put recorded chunks.
    #[must_use]
    pub fn chunk_port(&self) -> ChunkPort {
        self.chunks.clone()
    }

    /// Writes all that waits, closes every file and ends the threads. What comes to the ports later is dropped. True if
    /// the disk took all events and records; else the next start looks for calls whose end is missing.
    #[must_use]
    pub fn stop(mut self) -> bool {
        let whole = self.end();
        if whole {
            recover::unmark(&self.folder);
        }
        whole
    }

    fn end(&mut self) -> bool {
        // A writer that has ended takes no order, and needs none.
        drop(self.takes.queue.send(Order::Stop));
        self.journal.queue.close();
        self.traces.queue.close();
        // Each is waited for, also when another has failed.
        let whole: Vec<bool> = self.threads.drain(..).map(|thread| thread.join().unwrap_or(false)).collect();
        !whole.contains(&false)
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.end();
    }
}

/// Takes the data folder for this process. The system lets go of it when the process ends, however it ends.
fn lock(folder: &Path) -> Result<fs::File, StartError> {
    let shown = || folder.display().to_string();
    let path = folder.join(".lock");
    let file = fs::File::create(&path).map_err(|error| StartError::Folder { folder: shown(), error })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StartError::Taken { folder: shown() }),
        Err(fs::TryLockError::Error(error)) => Err(StartError::Folder { folder: shown(), error }),
    }
}

impl JournalPort {
    /// Takes an event. When the queue is full it is dropped, counted, and told by [`Notice::EventsLost`] later; the last
    /// quarter of the queue is kept for events without which a call's record would be wrong.
    pub fn record(&self, event: Event) {
        let most = if event.kind.is_vital() { usize::MAX } else { self.for_all };
        self.put(most, Message::Event(event));
    }

    /// Keeps a user's contacts over a restart. Dropped and counted as events are; his phones' next renewal mends that.
    pub fn keep(&self, locations: Locations) {
        self.put(self.for_all, Message::Locations(Box::new(locations)));
    }

    /// Keeps how emergency switches are turned over a restart. No room for it would mean that the disk has stood still for
    /// long; it is counted then, as events are.
    pub fn keep_switches(&self, turned: Vec<hours::Turned>) {
        self.put(usize::MAX, Message::Switches(turned));
    }

    fn put(&self, most: usize, message: Message) {
        if !self.queue.put(most, message) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl JournalPort {
    /// Keeps what was said of an agent over a restart. Dropped and counted as events are.
    pub fn keep_said(&self, said: AgentSaid) {
        self.put(usize::MAX, Message::Said(Box::new(said)));
    }
}

impl JournalPort {
    /// Keeps a callback over a restart. Dropped and counted as events are.
    pub fn keep_callback(&self, kept: CallbackKept) {
        self.put(usize::MAX, Message::Callback(Box::new(kept)));
    }
}

impl TakePort {
    /// Announces a recording before its [`leg::Command::Record`] is given. Its file gets the ids' names, below the day
    /// of `now`.
    pub fn begin(&self, now: Now, call: CallId, take: TakeId) {
        // No room means that the disk has stood still for thousands of calls; the recording is then lost whole, and told
        // so when it is ended.
        drop(self.queue.try_send(Order::Begin(now.wall, call, take)));
    }

    /// Hands over an order about voice messages.
    ///
    /// # Errors
    /// The order, if there is no room: the disk has stood still for thousands of calls.
    pub fn letter(&self, order: LetterOrder) -> Result<(), LetterOrder> {
        match self.queue.try_send(Order::Letter(order)).map_err(TrySendError::into_inner) {
            Err(Order::Letter(order)) => Err(order),
            _ => Ok(()),
        }
    }

    /// Ends a recording or a message, if its last chunk has not done so.
    pub fn finish(&self, take: TakeId) {
        drop(self.queue.try_send(Order::Finish(take)));
    }
}

impl TakeSink for ChunkPort {
    fn buffer(&mut self) -> Option<Stereo> {
        if self.queue.len() >= self.most {
            return None;
        }
        // Buffers are made until as many go round as are in use at once.
        Some(self.free.try_recv().unwrap_or_else(|_| Stereo::with_room()))
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        if self.queue.len() >= self.most {
            return Err(chunk);
        }
        match self.queue.try_send(Order::Chunk(chunk)).map_err(TrySendError::into_inner) {
            Err(Order::Chunk(chunk)) => Err(chunk),
            _ => Ok(()),
        }
    }
}

/// The recordings' thread.
fn record(mut recorder: Recorder, mut letters: Letters, inbox: &Receiver<Order>, give_back: &Sender<Stereo>) {
    let start = Instant::now();
    let now = || Mono::ZERO + start.elapsed();
    loop {
        match inbox.recv_timeout(LOOK) {
            Ok(Order::Begin(at, call, take)) => recorder.begin(now(), at, call, take),
            Ok(Order::Chunk(chunk)) => {
                let mut audio = letters.chunk(chunk).unwrap_or_else(|chunk| recorder.chunk(now(), chunk));
                audio.left.clear();
                audio.right.clear();
                if audio.left.capacity() >= CHUNK_FRAMES * FRAME {
                    drop(give_back.try_send(audio));
                }
            }
            Ok(Order::Finish(take)) if letters.finish(take) => {}
            Ok(Order::Finish(take)) => recorder.finish(take),
            Ok(Order::Letter(order)) => letters.handle(order),
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // What waits is taken first: after a disk stood still, recordings must not look forgotten.
        if inbox.is_empty() {
            recorder.handle_timeout(now());
        }
    }
    letters.stop();
    recorder.stop();
}

fn make_folder(folder: &Path) -> Result<(), StartError> {
    let probe = folder.join(".probe");
    let made = fs::create_dir_all(folder).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(&probe));
    made.map_err(|error| folder_error(folder, error))
}

fn folder_error(folder: &Path, error: std::io::Error) -> StartError {
    StartError::Folder { folder: folder.display().to_string(), error }
}

fn spawn(name: &'static str, body: impl FnOnce() -> bool + Send + 'static) -> Result<JoinHandle<bool>, StartError> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|error| StartError::Thread { name, error })
}
