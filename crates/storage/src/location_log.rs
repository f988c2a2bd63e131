//! Where registered users are, kept over a restart: a file of lines that is appended to, and written anew when most of it
//! is of the past.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use journal::{Locations, Name};

use crate::disk::Disk;
use crate::lines::Lines;
use crate::replace::replace;

/// The file, below the data folder.
const FILE: &str = "locations.jsonl";
/// The file may grow to twice its size after it was written anew, and by this many octets.
const SLACK: u64 = 1 << 20;

/// What an earlier run left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Users that were registered, in order.
    pub locations: Vec<Locations>,
    /// Lines that could not be read: a crash tore one, or somebody wrote into the file.
    pub unreadable: u64,
    /// How emergency switches were turned.
    pub switches: Vec<hours::Turned>,
    /// Messages in each mailbox: those that nobody has heard, and those that somebody has.
    pub mailboxes: Vec<(Name, (u32, u32))>,
}

/// The file. A value without a thread.
pub struct LocationLog {
    path: PathBuf,
    lines: Lines,
    slack: u64,
    /// Octets that the file has.
    size: u64,
    /// With so many it is written anew.
    compact_at: u64,
}

impl LocationLog {
    /// Reads what an earlier run left below `folder`, and writes it anew.
    pub fn start(folder: &Path) -> io::Result<(Self, Left)> {
        let path = folder.join(FILE);
        let lines = Lines::new(path.clone());
        let mut log = Self { path, lines, slack: SLACK, size: 0, compact_at: 0 };
        let left = log.compact()?;
        Ok((log, left))
    }

    /// Takes a change. It is written by the next [`Self::flush`].
    pub fn push(&mut self, locations: &Locations) {
        self.lines.push(locations);
    }

    /// Octets that wait.
    pub fn waiting(&self) -> usize {
        self.lines.waiting()
    }

    /// Changes dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        self.lines.take_dropped()
    }

    /// Writes what waits. What the disk does not take is kept for the next time.
    pub fn flush(&mut self, disk: &mut dyn Disk) -> io::Result<()> {
        let waiting = self.lines.waiting();
        let outcome = self.lines.flush(disk);
        self.size += u64::try_from(waiting - self.lines.waiting()).unwrap_or(0);
        outcome?;
        // No line is half-way out here.
        if self.size >= self.compact_at {
            // If it fails the old file stands and is appended to; it is tried again when as much has come once more.
            self.compact_at = self.size + self.slack;
            self.compact()?;
        }
        Ok(())
    }

    /// Writes the file anew with the last line of each user who is registered.
    fn compact(&mut self) -> io::Result<Left> {
        let left = read(&self.path);
        replace(&self.path, |file| {
            left.locations.iter().try_for_each(|locations| {
                serde_json::to_writer(&mut *file, locations)?;
                file.write_all(b"\n")
            })
        })?;
        self.lines.reopen();
        self.size = fs::metadata(&self.path)?.len();
        self.compact_at = self.size * 2 + self.slack;
        Ok(left)
    }
}

/// Reads the file. One that is not there, or cannot be read, holds nothing: the phones will register again.
fn read(path: &Path) -> Left {
    let mut unreadable = 0;
    let mut last: BTreeMap<Name, Locations> = BTreeMap::new();
    if let Ok(file) = File::open(path) {
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            match serde_json::from_slice::<Locations>(&line) {
                Ok(found) if found.contacts.is_empty() => drop(last.remove(&found.user)),
                Ok(found) => drop(last.insert(found.user.clone(), found)),
                Err(_) => unreadable += 1,
            }
            line.clear();
        }
    }
    Left { locations: last.into_values().collect(), unreadable, switches: Vec::new(), mailboxes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base::{Pii, Wall};
    use journal::{Carrier, Location};

    use super::*;
    use crate::disk::System;
    use crate::disk::fake::Fake;

    fn at(user: &str, port: u16) -> Locations {
        let contact = Location {
            contact: Pii::new(format!("sip:{user}@192.0.2.7:{port}")),
            q: 1000,
            transport: Carrier::Udp,
            local: ([192, 0, 2, 1], 5060).into(),
            remote: ([192, 0, 2, 7], port).into(),
            ends: Wall::from_unix_micros(1_795_262_400_000_000),
            agent: "phone".into(),
            path: Vec::new(),
            nat: true,
            seen: Wall::default(),
            call_id: "c".into(),
            cseq: u32::from(port),
        };
        Locations { user: user.into(), contacts: vec![contact] }
    }

    fn gone(user: &str) -> Locations {
        Locations { user: user.into(), contacts: Vec::new() }
    }

    #[test]
    fn a_later_start_finds_the_last_word_on_each_user() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, left) = LocationLog::start(folder.path()).unwrap();
        assert_eq!(left, Left::default());
        [at("a", 1), at("b", 2), at("a", 3), at("c", 4), gone("b")].iter().for_each(|locations| log.push(locations));
        log.flush(&mut System).unwrap();
        let (_, left) = LocationLog::start(folder.path()).unwrap();
        assert_eq!(
            left,
            Left {
                locations: vec![at("a", 3), at("c", 4)],
                unreadable: 0,
                switches: Vec::new(),
                mailboxes: Vec::new()
            }
        );
        let path = folder.path().join(FILE);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2, "written anew");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn torn_and_foreign_lines_are_counted_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let line = |locations: &Locations| serde_json::to_string(locations).unwrap();
        let text = format!(
            "{}\nhello\n\u{0}\u{1}\n{{}}\n{}\n{}",
            line(&at("a", 1)),
            line(&at("b", 2)),
            &line(&at("a", 9))[..40]
        );
        fs::write(folder.path().join(FILE), [text.as_bytes(), b"\xff"].concat()).unwrap();
        let (mut log, left) = LocationLog::start(folder.path()).unwrap();
        assert_eq!(
            left,
            Left {
                locations: vec![at("a", 1), at("b", 2)],
                unreadable: 4,
                switches: Vec::new(),
                mailboxes: Vec::new()
            }
        );
        log.push(&at("c", 3));
        log.flush(&mut System).unwrap();
        let (_, left) = LocationLog::start(folder.path()).unwrap();
        assert_eq!((left.locations.len(), left.unreadable), (3, 0));
    }

    #[test]
    fn the_file_does_not_grow_for_ever_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = LocationLog::start(folder.path()).unwrap();
        (log.slack, log.compact_at) = (2_000, 2_000);
        log.push(&at("b", 7));
        let mut largest = 0;
        for port in 0..500 {
            log.push(&at("a", port));
            log.flush(&mut System).unwrap();
            largest = largest.max(fs::metadata(folder.path().join(FILE)).unwrap().len());
        }
        assert!((1_500..4_000).contains(&largest), "{largest}");
        let (_, left) = LocationLog::start(folder.path()).unwrap();
        assert_eq!(left.locations, [at("a", 499), at("b", 7)]);
    }

    #[test]
    fn a_disk_that_fails_for_a_while_gets_the_changes_later() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = LocationLog::start(folder.path()).unwrap();
        let mut disk = Fake::default();
        disk.set_room(Some(10));
        log.push(&at("a", 1));
        assert!(log.flush(&mut disk).is_err() && log.waiting() > 0);
        disk.set_room(None);
        log.flush(&mut disk).unwrap();
        assert_eq!(serde_json::from_slice::<Locations>(&disk.file(FILE)).unwrap(), at("a", 1));
    }
}
