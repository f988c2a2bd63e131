//! Sees when a file of the configuration changes, and has it read again.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use company::{Visit, visit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::error::Error;
use crate::reload::{Reloads, Why};

/// So long nothing may have changed, as who saves one file may be about to save another.
const QUIET: Duration = Duration::from_millis(500);

/// But no longer than this after the first change.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is looked for: files that were written and closed, came, went; folders as well, and be it the one that is watched.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO);

/// Starts a thread that watches the company's folder as long as the process lives, and asks for a reload after changes while
/// `wanted` is true.
///
/// # Errors
/// If the system has no thread.
pub(crate) fn watch_folder(folder: &Path, wanted: Arc<AtomicBool>, reloads: Reloads) -> Result<(), Error> {
    let folder = folder.to_owned();
    let watch = move || {
        // Whoever wants no reloads needs no watch: it is begun when one is wanted first. A folder that is away, as it is being
        // replaced, comes back, and may be another then.
        let mut was_away = false;
        loop {
            if wanted.load(Ordering::Relaxed)
                && let Err(error) = serve(&folder, &wanted, &reloads, was_away)
                && !std::mem::replace(&mut was_away, true)
            {
                // Nobody reads a standard error that is closed.
                let _ = writeln!(
                    io::stderr(),
                    "strowger: the folder of the configuration cannot be watched: {error}; it is tried again, and `strowger reload` reads it"
                );
            }
            std::thread::sleep(PATIENCE);
        }
    };
    let started = std::thread::Builder::new().name("watch".to_owned()).spawn(watch);
    started.map(drop).map_err(|source| Error::System { what: "thread", source })
}

fn serve(folder: &Path, wanted: &AtomicBool, reloads: &Reloads, was_away: bool) -> io::Result<()> {
    let mut watched = Watched::new(folder)?;
    if was_away {
        let _ = reloads.ask(Why::Change);
    }
    while wanted.load(Ordering::Relaxed) {
        if !watched.changed(PATIENCE)? {
            continue;
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE && watched.changed(QUIET)? {}
        // Folders that are new are watched, too, before anything is read.
        watched = Watched::new(folder)?;
        // Where there is no room, those that wait are still to read the files.
        let _ = reloads.ask(Why::Change);
    }
    Ok(())
}

/// All folders of the configuration.
struct Watched(OwnedFd);

impl Watched {
    fn new(folder: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&fd, folder, CHANGES)?;
        let mut left: Vec<(PathBuf, String)> = vec![(folder.to_owned(), String::new())];
        while let Some((folder, prefix)) = left.pop() {
            // One that has just gone told so to the watch of its parent.
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
                let is_folder = std::fs::metadata(entry.path()).is_ok_and(|found| found.is_dir());
                if is_folder && matches!(visit(&path, true), Visit::Enter) {
                    match inotify::add_watch(&fd, entry.path(), CHANGES) {
                        Ok(_) | Err(Errno::NOENT) => left.push((entry.path(), path + "/")),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        Ok(Self(fd))
    }

    /// Waits for a change; false if there was none for `time`.
    fn changed(&self, time: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(time).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&self.0, &mut room);
        loop {
            match events.next() {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
