//! What calls said on the wire, in files below `trace/`: a ring of segments that is bounded in size and age; and those who
//! watch while it is said.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base::{CallId, Wall};
use bytes::BytesMut;
use trace::{Found, HEAD, Keeper, Packet, Traces, Wanted, Watch, Watcher};

use crate::Notice;
use crate::intake::{Intake, Port, intake};
use crate::notice::Notify;

/// The folder, below the data folder.
const FOLDER: &str = "trace";
const EXTENSION: &str = "trace";
/// So many segments make up the whole, so that a sixteenth goes at a time.
const SEGMENTS: u64 = 16;
/// Messages that may wait for the thread: some megabytes, a second of the heaviest load.
const WAITING: usize = 16_384;
/// Messages are copied into pieces of so many octets. Below what the allocator takes for large.
const PIECE: usize = 32 * 1024;
/// Octets that are written at once.
const BATCH: usize = 64 * 1024;
/// How long what comes is gathered before it is written.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same, while somebody watches.
const PATIENCE_WATCHED: Duration = Duration::from_millis(20);
/// How often old segments are looked for, and a disk that fails is tried again.
const LOOK: Duration = Duration::from_secs(1);

/// What comes to the thread.
#[derive(Debug)]
pub enum Order {
    /// A message came or went.
    Packet(Packet),
    /// A dialog belongs to a call.
    Call(Wall, CallId, Arc<str>),
    /// A dialog is over.
    Ended(Wall, Arc<str>),
    /// Somebody watches from now on.
    Watch(Watch),
}

/// What the thread and its ports share.
#[derive(Debug, Default)]
pub struct Shared {
    /// Messages are kept.
    on: bool,
    /// Somebody watches.
    watched: AtomicBool,
    dropped: AtomicU64,
}

/// Where the domain thread puts what comes and goes. Never waits.
#[derive(Debug)]
pub struct TracePort {
    pub(crate) queue: Port<Order>,
    shared: Arc<Shared>,
    /// Room for copies of messages. Were the messages themselves kept until they are written, the next ones could not use
    /// their memory, which the processor still has at hand.
    piece: BytesMut,
}

/// A port, and what the thread needs.
pub(crate) fn port(on: bool) -> (TracePort, Intake<Order>, Arc<Shared>) {
    let shared = Arc::new(Shared { on, ..Shared::default() });
    let (queue, inbox) = intake(WAITING);
    (TracePort { queue, shared: Arc::clone(&shared), piece: BytesMut::new() }, inbox, shared)
}

impl Clone for TracePort {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), shared: Arc::clone(&self.shared), piece: BytesMut::new() }
    }
}

impl TracePort {
    /// True if messages are kept or watched: else nobody need copy any.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.shared.on || self.is_watched()
    }

    /// True if somebody watches, who wants to see strangers, too.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.shared.watched.load(Ordering::Relaxed)
    }

    /// A message came or went. It is copied.
    pub fn packet(&mut self, mut packet: Packet) {
        let length = packet.octets.len();
        if self.piece.capacity() < length {
            self.piece = BytesMut::with_capacity(length.max(PIECE));
        }
        packet.octets.write(&mut self.piece);
        packet.octets = self.piece.split().freeze().into();
        self.put(Order::Packet(packet));
    }

    /// From here on a dialog belongs to `call`; `key` ends in `|` and its Call-ID. To be told before the first message of
    /// it that shall be kept.
    pub fn call(&mut self, at: Wall, call: CallId, key: Arc<str>) {
        self.put(Order::Call(at, call, key));
    }

    /// A dialog is over; what it says in the next half minute still belongs to its call.
    pub fn ended(&mut self, at: Wall, key: Arc<str>) {
        self.put(Order::Ended(at, key));
    }

    /// What finds too many waiting is dropped and counted.
    fn put(&self, order: Order) {
        if !self.queue.put(WAITING, order) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody watches from now on; false if there is no room.
    #[must_use]
    pub fn watch(&self, watch: Watch) -> bool {
        self.queue.put(WAITING, Order::Watch(watch))
    }

    /// What was dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

/// Looks for messages in the files below the data folder `data`. A switch may write there meanwhile, or none run.
///
/// # Errors
/// What the system says of a file; that a folder or file is not there (any more) is none.
pub fn find(data: &Path, mut wanted: Wanted) -> io::Result<Found> {
    let folder = data.join(FOLDER);
    let files: Vec<PathBuf> = segments(&folder)?.into_iter().map(|(_, path)| path).collect();
    let mut found = Found::default();
    for path in &files {
        wanted.learn(&read(path)?);
    }
    for path in &files {
        wanted.pick(&read(path)?, &mut found);
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        // It was the oldest.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Number and path of each file, the oldest first.
fn segments(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|extension| extension == EXTENSION)) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The ring of files.
pub struct Ring {
    folder: PathBuf,
    traces: Traces,
    number: u64,
    /// The open file and its size.
    open: Option<(File, u64)>,
    pending: Vec<u8>,
    faulty: bool,
    notify: Notify,
}

impl Ring {
    /// The ring below the data folder `data`, which goes on behind what an earlier run wrote.
    pub fn start(data: &Path, traces: Traces, notify: Notify) -> io::Result<Self> {
        let folder = data.join(FOLDER);
        if traces.on {
            // Nobody else's business from the first moment on.
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        }
        let number = segments(&folder)?.last().map_or(0, |(number, _)| *number);
        let mut ring = Self { folder, traces, number, open: None, pending: Vec::new(), faulty: false, notify };
        ring.prune();
        Ok(ring)
    }

    /// Writes what waits. What a disk that fails does not take is lost.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let outcome = self.write();
        self.pending.clear();
        match outcome {
            Err(error) => {
                // Half a record may be out: what follows stands in another file.
                self.open = None;
                if !self.faulty {
                    self.faulty = true;
                    (self.notify)(Notice::DiskFault { what: FOLDER, error: error.to_string() });
                }
            }
            Ok(()) if self.faulty => {
                self.faulty = false;
                (self.notify)(Notice::DiskWell { what: FOLDER });
            }
            Ok(()) => {}
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let segment = (self.traces.size / SEGMENTS).max(1);
        if self.open.as_ref().is_some_and(|(_, size)| *size >= segment) {
            self.open = None;
        }
        let (file, size) = match &mut self.open {
            Some(open) => open,
            None => {
                self.number += 1;
                let path = self.folder.join(format!("{:010}.{EXTENSION}", self.number));
                let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(HEAD)?;
                self.open.insert((file, 0))
            }
        };
        file.write_all(&self.pending)?;
        *size += u64::try_from(self.pending.len()).unwrap_or(0);
        if *size >= segment {
            self.prune();
        }
        Ok(())
    }

    /// Removes the oldest files until those left have room and are young enough. The open one stays.
    fn prune(&mut self) {
        let Ok(files) = segments(&self.folder) else { return };
        let now = SystemTime::now();
        // Room for the one that is written next.
        let most = self.traces.size.saturating_sub(self.traces.size / SEGMENTS);
        let mut total = 0;
        for (number, path) in files.into_iter().rev() {
            let Ok(about) = fs::metadata(&path) else { continue };
            total += about.len();
            let age = about.modified().ok().and_then(|changed| now.duration_since(changed).ok()).unwrap_or_default();
            let is_open = self.open.is_some() && number == self.number;
            if !is_open && (total > most || age > self.traces.keep) {
                drop(fs::remove_file(path));
            }
        }
    }
}

/// The thread.
pub fn run(mut ring: Ring, inbox: &Intake<Order>, shared: &Shared) -> bool {
    let mut keeper = Keeper::new(ring.traces.per_call);
    let mut watchers: Vec<Watcher> = Vec::new();
    let mut orders = Vec::new();
    let mut looked = Instant::now();
    let mut stopped = false;
    while !stopped {
        if inbox.wait(LOOK) {
            // So a busy switch wakes this thread some times a second, not once a message.
            inbox.gather(if watchers.is_empty() { PATIENCE } else { PATIENCE_WATCHED });
        }
        stopped = inbox.take_all(&mut orders);
        for order in orders.drain(..) {
            take(&mut ring, &mut keeper, &mut watchers, order);
            if ring.pending.len() >= BATCH {
                ring.flush();
            }
        }
        ring.flush();
        keeper.forget(wall());
        shared.watched.store(!watchers.is_empty(), Ordering::Relaxed);
        if looked.elapsed() >= LOOK * 60 {
            looked = Instant::now();
            ring.prune();
        }
    }
    true
}

fn take(ring: &mut Ring, keeper: &mut Keeper, watchers: &mut Vec<Watcher>, order: Order) {
    match order {
        Order::Packet(packet) => {
            watchers.retain_mut(|watcher| watcher.see(&packet));
            if ring.traces.on {
                keeper.packet(&packet, &mut ring.pending);
            }
        }
        Order::Call(at, call, key) if ring.traces.on => {
            keeper.call(at, call, call_id(&key).as_bytes(), &mut ring.pending);
        }
        Order::Ended(at, key) => keeper.ended(at, call_id(&key).as_bytes()),
        Order::Call(..) => {}
        Order::Watch(watch) => watchers.push(Watcher::new(watch)),
    }
}

/// The time of day, as the domain thread's clock has it.
fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall::from_unix_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The Call-ID in a dialog's key.
fn call_id(key: &str) -> &str {
    key.split_once('|').map_or(key, |(_, call_id)| call_id)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sip_message::Transport;

    use super::*;

    fn packet(call_id: &str, octets: usize) -> Packet {
        let text = format!("BYE sip:h SIP/2.0\r\nCall-ID: {call_id}\r\n\r\n{}", "x".repeat(octets));
        Packet {
            at: Wall::from_unix_micros(1),
            sent: true,
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.1:5070".parse().unwrap(),
            octets: bytes::Bytes::from(text).into(),
        }
    }

    fn traces(size: u64) -> Traces {
        Traces { on: true, size, keep: Duration::from_secs(3600), per_call: 10_000 }
    }

    /// Runs the thread on these orders, and then lets it end.
    fn write(folder: &Path, traces: Traces, orders: Vec<Order>) {
        let (port, inbox, shared) = port(traces.on);
        assert!(orders.into_iter().all(|order| port.queue.put(WAITING, order)));
        drop(port);
        let ring = Ring::start(folder, traces, Arc::new(|_| {})).unwrap();
        assert!(run(ring, &inbox, &shared));
    }

    fn call(number: u64, key: &str) -> Order {
        Order::Call(Wall::default(), CallId::from_raw(number), key.into())
    }

    fn said(packet: Packet) -> Order {
        Order::Packet(packet)
    }

    fn found(folder: &Path, number: u64) -> usize {
        find(folder, Wanted::call(CallId::from_raw(number))).unwrap().packets.len()
    }

    #[test]
    fn both_legs_of_a_call_are_found_over_restarts_and_nobody_else_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let orders = vec![call(7, "tag|a@h"), said(packet("a@h", 0)), said(packet("other", 0))];
        write(folder.path(), traces(1 << 20), orders);
        write(folder.path(), traces(1 << 20), vec![call(7, "tag|b"), said(packet("b", 0))]);
        assert_eq!((found(folder.path(), 7), found(folder.path(), 8)), (2, 0));
        assert_eq!(find(folder.path(), Wanted::call_id("b")).unwrap().packets, [packet("b", 0)]);
        let files = segments(&folder.path().join(FOLDER)).unwrap();
        assert_eq!(files.len(), 2);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert!(files.iter().all(|(_, path)| mode(path) == 0o600));
        assert_eq!(mode(&folder.path().join(FOLDER)), 0o700);
    }

    #[test]
    fn the_oldest_go_when_there_is_no_more_room() {
        let folder = tempfile::tempdir().unwrap();
        let size = 4 << 20;
        for round in 0..8 {
            let id = format!("c{round}");
            let mut orders = vec![call(round, &format!("t|{id}"))];
            orders.extend((0..20).map(|_| said(packet(&id, 60_000))));
            write(folder.path(), traces(size), orders);
        }
        let files = segments(&folder.path().join(FOLDER)).unwrap();
        let total: u64 = files.iter().map(|(_, path)| fs::metadata(path).unwrap().len()).sum();
        assert!(total <= size, "{total}");
        assert_eq!(found(folder.path(), 0), 0);
        assert_eq!(found(folder.path(), 7), 20);
    }

    #[test]
    fn what_is_too_old_goes() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), traces(1 << 20), vec![call(1, "t|a"), said(packet("a", 0))]);
        let (_, path) = segments(&folder.path().join(FOLDER)).unwrap().remove(0);
        let then = SystemTime::now() - Duration::from_secs(3601);
        File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
        write(folder.path(), traces(1 << 20), Vec::new());
        assert_eq!(found(folder.path(), 1), 0);
    }

    #[test]
    fn if_it_is_off_nothing_is_written_and_those_who_watch_see_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (seen, all) = std::sync::mpsc::channel();
        let tell = Box::new(move |packet: &Packet, _| {
            seen.send(packet.clone()).map_or(trace::Told::Gone, |()| trace::Told::Taken)
        });
        let orders = vec![
            Order::Watch(Watch { from: None, tell }),
            call(1, "t|a"),
            said(packet("a", 0)),
            said(packet("stranger", 0)),
        ];
        write(folder.path(), Traces { on: false, ..traces(1 << 20) }, orders);
        assert_eq!(all.iter().count(), 2);
        assert!(!folder.path().join(FOLDER).exists());
        assert!(find(folder.path(), Wanted::call_id("a")).unwrap().packets.is_empty());
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_and_room_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let (mut port, inbox, shared) = port(true);
        port.call(Wall::default(), CallId::from_raw(1), "t|a".into());
        for _ in 0..WAITING + 99 {
            port.packet(packet("a", 0));
        }
        assert_eq!(port.dropped(), 100);
        assert!(!port.watch(Watch { from: None, tell: Box::new(|_, _| trace::Told::Gone) }));
        port.queue.close();
        let ring =
            Ring::start(folder.path(), Traces { per_call: 20_000, ..traces(16 << 20) }, Arc::new(|_| {})).unwrap();
        assert!(run(ring, &inbox, &shared));
        assert_eq!(found(folder.path(), 1), WAITING - 1);
    }

    #[test]
    fn messages_are_kept_as_they_were_however_long() {
        let (mut port, inbox, _) = port(true);
        let said: Vec<_> = [0, 10, PIECE - 40, 3, 60_000, 0].iter().map(|octets| packet("a", *octets)).collect();
        said.iter().for_each(|packet| port.packet(packet.clone()));
        let mut orders = Vec::new();
        inbox.take_all(&mut orders);
        let kept = orders.iter().map(|order| match order {
            Order::Packet(packet) => packet,
            other => panic!("{other:?}"),
        });
        assert!(kept.eq(&said));
    }

    #[test]
    fn a_disk_that_fails_is_told_once_and_its_end_too() {
        let folder = tempfile::tempdir().unwrap();
        let (told, notices) = std::sync::mpsc::channel();
        let mut ring = Ring::start(folder.path(), traces(1 << 20), Arc::new(move |n| told.send(n).unwrap())).unwrap();
        let place = folder.path().join(FOLDER);
        fs::remove_dir(&place).unwrap();
        for _ in 0..3 {
            ring.pending.extend(b"x");
            ring.flush();
        }
        fs::create_dir(&place).unwrap();
        ring.pending.extend(b"x");
        ring.flush();
        let notices: Vec<Notice> = notices.try_iter().collect();
        assert!(matches!(notices[..], [Notice::DiskFault { what: "trace", .. }, Notice::DiskWell { what: "trace" }]));
    }
}
