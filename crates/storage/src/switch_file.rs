//! How emergency switches are turned, kept over a restart: a small file that is written anew at each change.

use std::io;
use std::path::{Path, PathBuf};

use hours::Turned;

use crate::replace::replace;

/// The file, below the data folder.
const FILE: &str = "switches.json";

/// The file. A value without a thread.
pub struct SwitchFile {
    path: PathBuf,
    /// What is still to be written.
    waiting: Option<Vec<Turned>>,
}

impl SwitchFile {
    /// Reads what an earlier run left below `folder`.
    ///
    /// # Errors
    /// If there is a file that cannot be read: to begin as if all switches were off might open what people have closed.
    pub fn start(folder: &Path) -> io::Result<(Self, Vec<Turned>)> {
        let path = folder.join(FILE);
        let kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                io::Error::other(format!("{FILE} cannot be read: {error}; mend it, or take it away"))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok((Self { path, waiting: None }, kept))
    }

    /// Takes a change. It is written by the next [`Self::flush`].
    pub fn put(&mut self, turned: Vec<Turned>) {
        self.waiting = Some(turned);
    }

    /// Writes what waits. What the disk does not take is kept for the next time.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(turned) = &self.waiting else { return Ok(()) };
        replace(&self.path, |file| {
            serde_json::to_writer_pretty(&mut *file, turned)?;
            file.write_all(b"\n")
        })?;
        self.waiting = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base::Wall;

    use super::*;

    fn turned(on: bool) -> Vec<Turned> {
        let (by, reason) = ("ada".to_owned(), "burst pipe".to_owned());
        vec![Turned { switch: "flood".into(), on, at: Wall::from_unix_micros(1_795_262_400_000_000), by, reason }]
    }

    #[test]
    fn a_later_start_finds_switches_as_they_were_turned_last() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, left) = SwitchFile::start(folder.path()).unwrap();
        assert_eq!(left, []);
        file.flush().unwrap();
        assert!(!folder.path().join(FILE).exists(), "nothing was turned");
        file.put(turned(true));
        file.flush().unwrap();
        assert_eq!(SwitchFile::start(folder.path()).unwrap().1, turned(true));
        file.put(turned(false));
        file.flush().unwrap();
        assert_eq!(SwitchFile::start(folder.path()).unwrap().1, turned(false));
    }

    #[test]
    fn what_the_disk_does_not_take_is_written_later_and_what_nobody_can_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = SwitchFile::start(folder.path()).unwrap();
        file.put(turned(true));
        let blocked = folder.path().join("switches.new");
        std::fs::create_dir(&blocked).unwrap();
        assert!(file.flush().is_err());
        std::fs::remove_dir(&blocked).unwrap();
        file.flush().unwrap();
        assert_eq!(SwitchFile::start(folder.path()).unwrap().1, turned(true));
        std::fs::write(folder.path().join(FILE), "[{").unwrap();
        let error = SwitchFile::start(folder.path()).err().unwrap().to_string();
        assert!(error.contains("switches.json") && error.contains("mend it"), "{error}");
    }
}
