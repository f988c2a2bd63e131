//! Where to write, and how much may wait to be written.

use std::path::PathBuf;
use std::time::Duration;

use trace::Traces;

/// Where to write, and how much may wait to be written.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder; `journal/`, `cdr/` and `recordings/` are made in it.
    pub folder: PathBuf,
    /// Events that may wait for the journal's thread. The last quarter is kept for those that records need.
    pub journal_queue: usize,
    /// The longest that an event waits before it is written.
    pub journal_flush: Duration,
    /// Recorded chunks of about half a second (8 kB) that may exist at once: those that legs fill and those that wait for
    /// the recordings' thread.
    pub chunks: usize,
    /// Recordings that may be open at once.
    pub open_takes: usize,
    /// What is kept of what calls say on the wire.
    pub traces: Traces,
}

impl Config {
    /// The usual bounds, below `folder`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            journal_queue: 65_536,
            journal_flush: Duration::from_millis(100),
            chunks: 8_192,
            open_takes: 4_096,
            traces: Traces::default(),
        }
    }
}
