//! Files of lines that keep what they could not write and try again.

use std::io::{self, Write};
use std::path::PathBuf;

use base::Wall;

use crate::disk::Disk;

/// Octets that wait for a disk that fails; beyond it lines are dropped.
const MAX_PENDING: usize = 8 << 20;

/// Lines on their way to a file, each a JSON object.
pub struct Lines {
    path: PathBuf,
    file: Option<Box<dyn Write + Send>>,
    pending: Vec<u8>,
    /// Octets of `pending` that are written: a disk may take half a line.
    written: usize,
    /// Lines dropped since they were last asked for.
    dropped: u64,
    max_pending: usize,
}

impl Lines {
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, pending: Vec::new(), written: 0, dropped: 0, max_pending: MAX_PENDING }
    }

    /// Takes a line. It is written by the next [`Self::flush`].
    pub fn push(&mut self, line: &impl serde::Serialize) {
        if self.pending.len() - self.written >= self.max_pending {
            self.dropped += 1;
            return;
        }
        let start = self.pending.len();
        if serde_json::to_writer(&mut self.pending, line).is_ok() {
            self.pending.push(b'\n');
        } else {
            self.pending.truncate(start);
            self.dropped += 1;
        }
    }

    /// Octets that wait.
    pub fn waiting(&self) -> usize {
        self.pending.len() - self.written
    }

    /// Lines dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Writes what waits. What the disk does not take is kept for the next time.
    pub fn flush(&mut self, disk: &mut dyn Disk) -> io::Result<()> {
        while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(disk.append(&self.path)?),
            };
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.pending.clear();
        self.written = 0;
        Ok(())
    }

    /// Another file has taken the place of the one that is open. Nothing may wait.
    pub fn reopen(&mut self) {
        self.file = None;
    }
}

/// Lines on their way to `FOLDER/YYYY-MM-DD.jsonl`, a file each day.
pub struct DailyLines {
    folder: PathBuf,
    /// The day of the file, in days since 1970 (UTC).
    day: i64,
    lines: Lines,
}

impl DailyLines {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, day: i64::MIN, lines: Lines::new(PathBuf::new()) }
    }

    /// Takes a line for the day of `at`; see [`Lines::push`].
    pub fn push(&mut self, disk: &mut dyn Disk, at: Wall, line: &impl serde::Serialize) {
        self.turn_to(disk, at);
        self.lines.push(line);
    }

    /// As [`Lines::waiting`].
    pub fn waiting(&self) -> usize {
        self.lines.waiting()
    }

    /// As [`Lines::take_dropped`].
    pub fn take_dropped(&mut self) -> u64 {
        self.lines.take_dropped()
    }

    /// As [`Lines::flush`].
    pub fn flush(&mut self, disk: &mut dyn Disk) -> io::Result<()> {
        self.lines.flush(disk)
    }

    /// Goes on in the file of another day, once all that belongs into this one is written.
    fn turn_to(&mut self, disk: &mut dyn Disk, at: Wall) {
        let day = at.as_unix_days();
        if self.day != day && (self.waiting() == 0 || self.flush(disk).is_ok()) {
            let date: String = at.to_string().chars().take_while(|&c| c != 'T').collect();
            self.lines.path = self.folder.join(format!("{date}.jsonl"));
            self.day = day;
            self.lines.reopen();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::disk::fake::Fake;

    const NOON: Wall = Wall::from_unix_micros(1_795_262_400_000_000);

    fn lines() -> (DailyLines, Fake) {
        (DailyLines::new("j".into()), Fake::default())
    }

    #[test]
    fn each_day_has_its_file() {
        let (mut lines, mut disk) = lines();
        lines.push(&mut disk, NOON, &1);
        lines.push(&mut disk, NOON + Duration::from_secs(86_400), &2);
        lines.flush(&mut disk).unwrap();
        assert_eq!(disk.file("2026-11-21.jsonl"), b"1\n");
        assert_eq!(disk.file("2026-11-22.jsonl"), b"2\n");
    }

    #[test]
    fn a_full_disk_loses_and_doubles_nothing_once_it_has_room() {
        let (mut lines, mut disk) = lines();
        disk.set_room(Some(7));
        for number in 100..104 {
            lines.push(&mut disk, NOON, &number);
            let _ = lines.flush(&mut disk);
        }
        assert_eq!(disk.file(".jsonl"), b"100\n101", "half a line was taken");
        disk.set_room(None);
        lines.flush(&mut disk).unwrap();
        assert_eq!(disk.file(".jsonl"), b"100\n101\n102\n103\n");
        assert_eq!(lines.take_dropped(), 0);
    }

    #[test]
    fn a_disk_that_stays_full_drops_whole_lines_and_counts_them() {
        let (mut lines, mut disk) = lines();
        lines.lines.max_pending = 8;
        disk.set_room(Some(0));
        for number in 100..110 {
            lines.push(&mut disk, NOON, &number);
            assert!(lines.flush(&mut disk).is_err());
        }
        assert_eq!((lines.take_dropped(), lines.take_dropped()), (8, 0));
        disk.set_room(None);
        lines.flush(&mut disk).unwrap();
        assert_eq!(disk.file(".jsonl"), b"100\n101\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_tried_again() {
        let (mut lines, mut disk) = lines();
        disk.set_read_only(true);
        lines.push(&mut disk, NOON, &1);
        assert!(lines.flush(&mut disk).is_err());
        disk.set_read_only(false);
        lines.flush(&mut disk).unwrap();
        assert_eq!(disk.file(".jsonl"), b"1\n");
    }
}
