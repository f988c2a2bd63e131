//! Machine code of components that were compiled before, on disk.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The most files that are kept; the oldest go first.
const MAX_FILES: usize = 64;

/// A folder of machine code. It is ours alone: what stands in it is run as it is.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// If it cannot be made, or if others than this user own it or may write to it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Not through a link: whoever can move it could have code run.
        let about = fs::symlink_metadata(folder)?;
        if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() || about.mode() & 0o077 != 0 {
            let what = format!("{}: must be a folder of this user alone (chmod 700)", folder.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The component of this file, if it was compiled by an engine like this before.
    pub fn find(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let kept = fs::read(self.path(engine, digest)).ok()?;
        let (sum, code) = kept.split_first_chunk::<32>()?;
        if sum != &checksum(code) {
            return None;
        }
        // SAFETY: `deserialize` asks that the octets come from `serialize` and were not changed. They stand in a folder that only
        // this user can write to (checked when it was opened) and have the checksum that we wrote with them, so neither
        // others nor a damaged disk made them. wasmtime itself refuses those of another version or of other settings.
        #[allow(unsafe_code, reason = "the one way to run code that was compiled before")]
        unsafe { Component::deserialize(engine, code) }.ok()
    }

    /// Keeps a component. Should that fail, it is compiled again the next time.
    pub fn keep(&self, engine: &Engine, digest: &[u8; 32], component: &Component) {
        let Ok(code) = component.serialize() else { return };
        let path = self.path(engine, digest);
        let part = path.with_extension("part");
        let written = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            file.write_all(&checksum(&code))?;
            file.write_all(&code)?;
            drop(file);
            fs::rename(&part, &path)
        };
        if written().is_err() {
            let _ = fs::remove_file(&part);
        }
        self.tidy();
    }

    /// Takes the oldest files away.
    fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let mut files: Vec<_> =
            files.filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path))).collect();
        files.sort();
        let surplus = files.len().saturating_sub(MAX_FILES);
        files.into_iter().take(surplus).for_each(|(_, path)| drop(fs::remove_file(path)));
    }

    /// Named by the content and by what the machine code depends on: version and settings of wasmtime, and the processor.
    fn path(&self, engine: &Engine, digest: &[u8; 32]) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        self.folder.join(format!("{}-{:016x}.code", super::hex(digest), hasher.finish()))
    }
}

fn checksum(code: &[u8]) -> [u8; 32] {
    Sha256::digest(code).into()
}
