//! What a start does for the books when an earlier run did not stop in order.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use journal::{CdrFold, Event, Kind};

use crate::mend::mend;
use crate::take::ids_of;

/// Octets of the journal that are read back: calls that began before them get no record.
const MAX_READ: u64 = 64 << 20;
/// Files of the journal that are read back: a call may go over midnight.
const MAX_FILES: usize = 2;

/// Calls that were live when the switch died, and the events that end them.
#[derive(Debug, Default)]
pub struct Cut {
    pub fold: CdrFold,
    pub events: Vec<Event>,
}

/// Notes that a switch runs, until [`unmark`].
pub fn mark(folder: &Path) -> io::Result<()> {
    fs::write(marker(folder), b"")
}

/// The switch stopped in order.
pub fn unmark(folder: &Path) {
    // If it stays, the next start reads the journal and finds nothing to do.
    drop(fs::remove_file(marker(folder)));
}

fn marker(folder: &Path) -> PathBuf {
    folder.join("journal").join(".running")
}

/// If a switch died here: mends its recordings, which `left_open` names, and finds the calls that it cut.
pub fn recover(folder: &Path, left_open: &[String]) -> Cut {
    let mended: Vec<(&String, u64)> =
        left_open.iter().filter_map(|name| Some((name, mend(&folder.join(name)).ok()?))).collect();
    if !marker(folder).exists() {
        return Cut::default();
    }
    let fold = read_back(folder);
    let stops = mended.into_iter().filter_map(|(name, frames)| stop_recording(&fold, name, frames));
    let mut events: Vec<Event> = stops.collect();
    for mut end in fold.cut() {
        let before = events.iter().filter(|event| event.call == end.call).count();
        end.seq = end.seq.saturating_add(u32::try_from(before).unwrap_or(0));
        events.push(end);
    }
    Cut { fold, events }
}

/// The event that a mended recording lacks.
fn stop_recording(fold: &CdrFold, name: &str, frames: u64) -> Option<Event> {
    let (call, take) = ids_of(name)?;
    let (seq, at) = fold.next(call)?;
    let kind = Kind::RecordingStopped { take, file: name.into(), frames, lost: 0 };
    Some(Event { seq, at, call: Some(call), kind })
}

fn read_back(folder: &Path) -> CdrFold {
    let mut fold = CdrFold::default();
    let mut room = MAX_READ;
    let mut parts = Vec::new();
    for path in last_files(&folder.join("journal")) {
        let len = fs::metadata(&path).map_or(0, |meta| meta.len());
        parts.push((path, len.saturating_sub(room)));
        room = room.saturating_sub(len);
    }
    // The newest came first; they are read in the order of time.
    for (path, from) in parts.into_iter().rev() {
        let Ok(mut file) = File::open(&path) else { continue };
        if file.seek(SeekFrom::Start(from)).is_ok() {
            feed(&mut fold, BufReader::new(file));
        }
    }
    fold
}

fn feed(fold: &mut CdrFold, mut lines: impl BufRead) {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        // A line that is torn, or of a later version, is passed over.
        if let Ok(event) = serde_json::from_slice::<Event>(&line) {
            drop(fold.feed(&event));
        }
        line.clear();
    }
}

/// The journal's last files, newest first.
fn last_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths.truncate(MAX_FILES);
    paths
}
