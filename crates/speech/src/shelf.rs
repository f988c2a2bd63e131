//! What was spoken of texts that never change, on disk: a file each, named by what it was made of.

use std::path::PathBuf;
use std::time::SystemTime;
use std::{fs, io};

use audio::Prompt;

use crate::settings::Key;

/// The most that is kept, in octets: about an hour and a half of speech.
const MOST: u64 = 96 * 1024 * 1024;

/// No file is larger than the longest text.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A folder of prompts.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    most: u64,
}

impl Shelf {
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, most: MOST }
    }

    /// What lies there for `key`; none if there is nothing that can be played.
    pub fn get(&self, key: &Key) -> Option<Prompt> {
        let path = self.folder.join(key.file_name());
        let is_small = fs::metadata(&path).ok().is_some_and(|found| found.len() <= LARGEST);
        let prompt = Prompt::from_wav(&is_small.then(|| fs::read(&path).ok())??).ok()?;
        if prompt.levels.is_silent() {
            return None;
        }
        // That it is still in use is told by its time; if it cannot be, it is made again one day.
        if let Ok(file) = fs::File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(prompt)
    }

    /// Keeps samples, whole or not at all.
    ///
    /// # Errors
    /// If the disk takes no more.
    pub fn put(&self, key: &Key, samples: &[i16]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let name = key.file_name();
        let (draft, path) = (self.folder.join(format!("{name}.new")), self.folder.join(&name));
        let done = fs::write(&draft, audio::wav_of(samples)).and_then(|()| fs::rename(&draft, &path));
        if done.is_err() {
            let _ = fs::remove_file(&draft);
        }
        done
    }

    /// Takes away what was not used for the longest time, until the rest has room.
    pub fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let file = |entry: fs::DirEntry| {
            let found = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((found.modified().ok()?, found.len(), entry.path()))
        };
        let mut files: Vec<_> = entries.flatten().filter_map(file).collect();
        // The last used first.
        files.sort_by(|a, b| b.cmp(a));
        let mut kept = 0u64;
        for (_, length, path) in files {
            let is_draft = path.extension().is_some_and(|ending| ending == "new");
            kept = if is_draft { kept } else { kept.saturating_add(length) };
            if kept > self.most || is_draft {
                let _ = fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::{Engine, Settings};

    fn key(text: &str) -> Key {
        let (engine, voices) = (Engine::Nobody, BTreeMap::new());
        Settings { engine, voices, deadline: Duration::ZERO }.key("en", text)
    }

    #[test]
    fn what_is_broken_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("speech"));
        assert!(shelf.get(&key("a")).is_none());
        shelf.put(&key("a"), &[5000; 800]).unwrap();
        assert_eq!(shelf.get(&key("a")).unwrap().duration(), Duration::from_millis(100));
        let path = shelf.folder.join(key("a").file_name());
        let whole = fs::read(&path).unwrap();
        for broken in [b"RIFF".to_vec(), Vec::new(), whole[..whole.len() - 2].to_vec(), audio::wav_of(&[0; 800])] {
            fs::write(&path, broken).unwrap();
            assert!(shelf.get(&key("a")).is_none());
        }
        shelf.put(&key("a"), &[5000; 800]).unwrap();
        assert!(shelf.get(&key("a")).is_some());
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf { folder: folder.path().into(), most: 2 * (44 + 1600) };
        let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
        for (text, seconds) in [("a", 300), ("b", 200), ("c", 100)] {
            shelf.put(&key(text), &[5000; 800]).unwrap();
            let path = shelf.folder.join(key(text).file_name());
            fs::File::options().append(true).open(path).unwrap().set_modified(ago(seconds)).unwrap();
        }
        fs::write(shelf.folder.join("x.wav.new"), "half").unwrap();
        // Used again just now.
        assert!(shelf.get(&key("a")).is_some());
        shelf.tidy();
        let left = ["a", "b", "c"].map(|text| shelf.get(&key(text)).is_some());
        assert_eq!(left, [true, false, true]);
        assert!(!shelf.folder.join("x.wav.new").exists());
    }
}
