//! The port to the file system, which tests replace by disks that are full, slow or broken.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// A file system, as far as the writers need it.
pub trait Disk: Send {
    /// Opens a file of lines to append to; a line that a crash tore is ended first.
    fn append(&mut self, path: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Makes the file of a recording, and the folders above it.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn TakeFile>>;

    /// Makes a file that only its owner may read, in a folder that is there.
    fn create_private(&mut self, path: &Path) -> io::Result<Box<dyn TakeFile>>;
}

/// The open file of a recording.
pub trait TakeFile: Send {
    /// Writes at a place; may write less than asked.
    fn write_at(&mut self, octets: &[u8], at: u64) -> io::Result<usize>;

    /// Makes the file this long; what is added reads as zeros.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

/// The system's own.
#[derive(Debug, Default)]
pub struct System;

impl Disk for System {
    fn append(&mut self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        if tears(path)? {
            file.write_all(b"\n")?;
        }
        Ok(Box::new(file))
    }

    fn create(&mut self, path: &Path) -> io::Result<Box<dyn TakeFile>> {
        let open = || OpenOptions::new().write(true).create_new(true).open(path);
        let file = match (open(), path.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                open()?
            }
            (other, _) => other?,
        };
        Ok(Box::new(file))
    }

    fn create_private(&mut self, path: &Path) -> io::Result<Box<dyn TakeFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?))
    }
}

/// True if the file ends within a line.
fn tears(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() || file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl TakeFile for File {
    fn write_at(&mut self, octets: &[u8], at: u64) -> io::Result<usize> {
        FileExt::write_at(self, octets, at)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }
}

/// A disk for tests: files in memory, with room for so many octets, that counts its calls.
#[cfg(test)]
pub mod fake {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, Default)]
    pub struct State {
        pub files: BTreeMap<PathBuf, Vec<u8>>,
        /// Octets that still fit; none: no bound.
        pub room: Option<usize>,
        /// Whether files can be made.
        pub read_only: bool,
        /// Writes so far.
        pub writes: usize,
    }

    #[derive(Clone, Debug, Default)]
    pub struct Fake(pub Arc<Mutex<State>>);

    impl Fake {
        pub fn set_room(&self, room: Option<usize>) {
            self.0.lock().unwrap().room = room;
        }

        pub fn set_read_only(&self, read_only: bool) {
            self.0.lock().unwrap().read_only = read_only;
        }

        pub fn writes(&self) -> usize {
            self.0.lock().unwrap().writes
        }

        /// The only file whose name ends so.
        pub fn file(&self, end: &str) -> Vec<u8> {
            let state = self.0.lock().unwrap();
            let mut found = state.files.iter().filter(|(path, _)| path.to_str().unwrap().ends_with(end));
            let (_, octets) = found.next().unwrap_or_else(|| panic!("no file {end}"));
            assert!(found.next().is_none(), "one file {end}");
            octets.clone()
        }

        fn open(&self, path: &Path) -> io::Result<Open> {
            let mut state = self.0.lock().unwrap();
            if state.read_only {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            state.files.entry(path.to_owned()).or_default();
            Ok(Open { disk: self.clone(), path: path.to_owned() })
        }
    }

    struct Open {
        disk: Fake,
        path: PathBuf,
    }

    impl Open {
        fn put(&self, octets: &[u8], at: Option<u64>) -> io::Result<usize> {
            let mut state = self.disk.0.lock().unwrap();
            state.writes += 1;
            let len = state.files[&self.path].len();
            let at = at.map_or(len, |at| usize::try_from(at).unwrap());
            let beyond = (at + octets.len()).saturating_sub(len.max(at));
            let fit = state.room.map_or(octets.len(), |room| octets.len() - beyond.saturating_sub(room));
            if fit == 0 && !octets.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let file = state.files.get_mut(&self.path).unwrap();
            file.resize(file.len().max(at + fit), 0);
            file[at..at + fit].copy_from_slice(&octets[..fit]);
            if let Some(room) = &mut state.room {
                *room = room.saturating_sub(beyond.min(fit));
            }
            Ok(fit)
        }
    }

    impl Write for Open {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.put(octets, None)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl TakeFile for Open {
        fn write_at(&mut self, octets: &[u8], at: u64) -> io::Result<usize> {
            self.put(octets, Some(at))
        }

        fn set_len(&mut self, len: u64) -> io::Result<()> {
            let mut state = self.disk.0.lock().unwrap();
            state.files.get_mut(&self.path).unwrap().resize(usize::try_from(len).unwrap(), 0);
            Ok(())
        }
    }

    impl Disk for Fake {
        fn append(&mut self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
            Ok(Box::new(self.open(path)?))
        }

        fn create(&mut self, path: &Path) -> io::Result<Box<dyn TakeFile>> {
            Ok(Box::new(self.open(path)?))
        }

        fn create_private(&mut self, path: &Path) -> io::Result<Box<dyn TakeFile>> {
            self.create(path)
        }
    }
}
