//! The list of recordings that are open, so that a start after a crash need not look at all files.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::take::ids_of;

/// Octets after which the list is written anew with what is still open.
const COMPACT_AT: usize = 1 << 20;
/// The longest list that a start reads.
const MAX_READ: u64 = 64 << 20;

/// A file with `+NAME` for each recording that was begun and `-NAME` for each that ended. It only saves time and the last
/// half second of a header: nothing is wrong without it, so a failing disk is of no account here.
pub struct OpenLog {
    path: PathBuf,
    file: Option<Box<dyn Write + Send>>,
    open: BTreeSet<String>,
    octets: usize,
}

impl OpenLog {
    /// The names that an earlier run left open. The list is empty then.
    pub fn start(folder: &Path) -> (Self, Vec<String>) {
        let path = folder.join("recordings").join(".open");
        let left = read(&path);
        // If it cannot be removed, the next start looks at these files once more.
        drop(fs::remove_file(&path));
        (Self { path, file: None, open: BTreeSet::new(), octets: 0 }, left)
    }

    pub fn begin(&mut self, disk: &mut dyn Disk, name: &str) {
        self.open.insert(name.to_owned());
        self.note(disk, '+', name);
    }

    pub fn end(&mut self, disk: &mut dyn Disk, name: &str) {
        self.open.remove(name);
        self.note(disk, '-', name);
        if self.octets > COMPACT_AT {
            self.compact(disk);
        }
    }

    fn note(&mut self, disk: &mut dyn Disk, sign: char, name: &str) {
        if self.file.is_none() {
            self.file = disk.append(&self.path).ok();
        }
        let line = format!("{sign}{name}\n");
        self.octets += line.len();
        if let Some(file) = &mut self.file {
            drop(file.write_all(line.as_bytes()));
        }
    }

    fn compact(&mut self, disk: &mut dyn Disk) {
        drop(fs::remove_file(&self.path));
        self.file = None;
        self.octets = 0;
        for name in self.open.clone() {
            self.note(disk, '+', &name);
        }
    }

    /// Nothing is open any more: the list goes.
    pub fn stop(self) {
        if self.open.is_empty() {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn read(path: &Path) -> Vec<String> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() > MAX_READ) {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut open = BTreeSet::new();
    for line in text.lines() {
        match (line.strip_prefix('+'), line.strip_prefix('-')) {
            (Some(name), _) if is_ours(name) => drop(open.insert(name.to_owned())),
            (_, Some(name)) => drop(open.remove(name)),
            _ => {}
        }
    }
    open.into_iter().collect()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("recordings/") && !name.contains("..") && ids_of(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::System;

    const A: &str = "recordings/2026/11/21/c0000000000001-t0000000000002.wav";
    const B: &str = "recordings/2026/11/21/c0000000000003-t0000000000004.wav";

    #[test]
    fn a_later_start_finds_what_was_left_open() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("recordings")).unwrap();
        let (mut log, left) = OpenLog::start(folder.path());
        assert!(left.is_empty());
        log.begin(&mut System, A);
        log.begin(&mut System, B);
        log.end(&mut System, A);
        let (log, left) = OpenLog::start(folder.path());
        assert_eq!(left, [B]);
        log.stop();
        assert!(OpenLog::start(folder.path()).1.is_empty());
    }

    #[test]
    fn the_list_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("recordings")).unwrap();
        let (mut log, _) = OpenLog::start(folder.path());
        log.begin(&mut System, B);
        for _ in 0..COMPACT_AT / A.len() {
            log.begin(&mut System, A);
            log.end(&mut System, A);
        }
        let size = fs::metadata(folder.path().join("recordings/.open")).unwrap().len();
        assert!(size < COMPACT_AT as u64 + 200, "{size}");
        assert_eq!(OpenLog::start(folder.path()).1, [B]);
    }

    #[test]
    fn names_that_are_not_ours_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("recordings")).unwrap();
        let text = format!("+/etc/passwd\n+/tmp/{A}\n+recordings/../../{A}\n+{B}\n+recordings/to");
        fs::write(folder.path().join("recordings/.open"), text).unwrap();
        assert_eq!(OpenLog::start(folder.path()).1, [B]);
    }
}
