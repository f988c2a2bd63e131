//! The last word on each user, kept over a restart: where he is registered, what he said of himself. A file of lines each that is
//! appended to, and written anew when most of it is of the past.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use journal::{AgentSaid, CallbackKept, Locations, Name};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::Disk;
use crate::lines::Lines;
use crate::replace::replace;

/// A line of such a file: what holds of its user from then on.
pub trait Word: Serialize + DeserializeOwned {
    /// The file, below the data folder.
    const FILE: &'static str;
    /// Whom it is about.
    fn user(&self) -> &Name;
    /// Nothing holds of him any more.
    fn is_nothing(&self) -> bool;
}

impl Word for Locations {
    const FILE: &'static str = "locations.jsonl";

    fn user(&self) -> &Name {
        &self.user
    }

    fn is_nothing(&self) -> bool {
        self.contacts.is_empty()
    }
}

impl Word for AgentSaid {
    const FILE: &'static str = "agents.jsonl";

    fn user(&self) -> &Name {
        &self.agent
    }

    fn is_nothing(&self) -> bool {
        self.status.is_none()
    }
}

impl Word for CallbackKept {
    const FILE: &'static str = "callbacks.jsonl";

    fn user(&self) -> &Name {
        &self.callback
    }

    fn is_nothing(&self) -> bool {
        self.promise.is_none()
    }
}

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
    /// What was said of agents.
    pub agents: Vec<AgentSaid>,
    /// Who is to be called back.
    pub callbacks: Vec<CallbackKept>,
}

/// The file. A value without a thread.
pub struct LastWords<W> {
    path: PathBuf,
    lines: Lines,
    slack: u64,
    /// Octets that the file has.
    size: u64,
    /// With so many it is written anew.
    compact_at: u64,
    word: PhantomData<W>,
}

impl<W: Word> LastWords<W> {
    /// Reads what an earlier run left below `folder`, and writes it anew. With it the number of lines that could not be read: a
    /// crash tore one, or somebody wrote into the file.
    pub fn start(folder: &Path) -> io::Result<(Self, Vec<W>, u64)> {
        let path = folder.join(W::FILE);
        let lines = Lines::new(path.clone());
        let mut log = Self { path, lines, slack: SLACK, size: 0, compact_at: 0, word: PhantomData };
        let (left, unreadable) = log.compact()?;
        Ok((log, left, unreadable))
    }

    /// Takes a change. It is written by the next [`Self::flush`].
    pub fn push(&mut self, word: &W) {
        self.lines.push(word);
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

    /// Writes the file anew with the last line of each user of whom something holds.
    fn compact(&mut self) -> io::Result<(Vec<W>, u64)> {
        let (left, unreadable) = read(&self.path);
        replace(&self.path, |file| {
            left.iter().try_for_each(|word| {
                serde_json::to_writer(&mut *file, word)?;
                file.write_all(b"\n")
            })
        })?;
        self.lines.reopen();
        self.size = fs::metadata(&self.path)?.len();
        self.compact_at = self.size * 2 + self.slack;
        Ok((left, unreadable))
    }
}

/// Reads the file. One that is not there, or cannot be read, holds nothing: phones will register again, and agents log in.
fn read<W: Word>(path: &Path) -> (Vec<W>, u64) {
    let mut unreadable = 0;
    let mut last: BTreeMap<Name, W> = BTreeMap::new();
    if let Ok(file) = File::open(path) {
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            match serde_json::from_slice::<W>(&line) {
                Ok(found) if found.is_nothing() => drop(last.remove(found.user())),
                Ok(found) => drop(last.insert(found.user().clone(), found)),
                Err(_) => unreadable += 1,
            }
            line.clear();
        }
    }
    (last.into_values().collect(), unreadable)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base::{Pii, Wall};
    use journal::{AgentStatus, Carrier, Location};

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

    fn start(folder: &tempfile::TempDir) -> (LastWords<Locations>, Vec<Locations>, u64) {
        LastWords::start(folder.path()).unwrap()
    }

    #[test]
    fn what_agents_said_is_kept_until_nothing_is_said_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let said = |agent: &str, status: Option<AgentStatus>| AgentSaid {
            agent: agent.into(),
            reason: (status == Some(AgentStatus::Break)).then(|| "lunch".into()),
            status,
            at: Wall::from_unix_micros(1_795_262_400_000_000),
        };
        let (mut log, left, _) = LastWords::<AgentSaid>::start(folder.path()).unwrap();
        assert_eq!(left, []);
        log.push(&said("101", Some(AgentStatus::Break)));
        log.push(&said("102", Some(AgentStatus::LoggedOut)));
        log.push(&said("102", None));
        log.flush(&mut System).unwrap();
        let (_, left, unreadable) = LastWords::<AgentSaid>::start(folder.path()).unwrap();
        assert_eq!((left, unreadable), (vec![said("101", Some(AgentStatus::Break))], 0));
    }

    #[test]
    fn a_later_start_finds_the_last_word_on_each_user() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, left, unreadable) = start(&folder);
        assert_eq!((left, unreadable), (Vec::new(), 0));
        [at("a", 1), at("b", 2), at("a", 3), at("c", 4), gone("b")].iter().for_each(|locations| log.push(locations));
        log.flush(&mut System).unwrap();
        let (_, left, unreadable) = start(&folder);
        assert_eq!((left, unreadable), (vec![at("a", 3), at("c", 4)], 0));
        let path = folder.path().join(Locations::FILE);
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
        fs::write(folder.path().join(Locations::FILE), [text.as_bytes(), b"\xff"].concat()).unwrap();
        let (mut log, left, unreadable) = start(&folder);
        assert_eq!((left, unreadable), (vec![at("a", 1), at("b", 2)], 4));
        log.push(&at("c", 3));
        log.flush(&mut System).unwrap();
        let (_, left, unreadable) = start(&folder);
        assert_eq!((left.len(), unreadable), (3, 0));
    }

    #[test]
    fn the_file_does_not_grow_for_ever_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, ..) = start(&folder);
        (log.slack, log.compact_at) = (2_000, 2_000);
        log.push(&at("b", 7));
        let mut largest = 0;
        for port in 0..500 {
            log.push(&at("a", port));
            log.flush(&mut System).unwrap();
            largest = largest.max(fs::metadata(folder.path().join(Locations::FILE)).unwrap().len());
        }
        assert!((1_500..4_000).contains(&largest), "{largest}");
        let (_, left, _) = start(&folder);
        assert_eq!(left, [at("a", 499), at("b", 7)]);
    }

    #[test]
    fn a_disk_that_fails_for_a_while_gets_the_changes_later() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, ..) = start(&folder);
        let mut disk = Fake::default();
        disk.set_room(Some(10));
        log.push(&at("a", 1));
        assert!(log.flush(&mut disk).is_err() && log.waiting() > 0);
        disk.set_room(None);
        log.flush(&mut disk).unwrap();
        assert_eq!(serde_json::from_slice::<Locations>(&disk.file(Locations::FILE)).unwrap(), at("a", 1));
    }
}
