//! The running writers and the ports to them.

use base::{CallId, Now, TakeId, Wall};
use journal::Event;
use leg::{Chunk, Stereo, TakeSink};

use crate::{Config, Notice, StartError};

/// The running writers. Dropping it without [`Storage::stop`] writes what waits, too.
#[derive(Debug)]
pub struct Storage {}

/// Where the switch puts its events. Never waits.
#[derive(Clone, Debug)]
pub struct JournalPort {}

/// Where the switch announces recordings. Never waits.
#[derive(Clone, Debug)]
pub struct TakePort {}

/// Where media threads put recorded chunks; one clone a thread. Never waits.
#[derive(Clone, Debug)]
pub struct ChunkPort {}

impl Storage {
    /// Makes the folders, mends what an earlier run left open, and starts the writers. `notify` is called on the
    /// writers' threads.
    ///
    /// # Errors
    /// If a folder cannot be made or a thread not started.
    pub fn start(
        _config: &Config,
        _now: Wall,
        _notify: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        Ok(Self {})
    }

    /// Where the switch puts its events.
    #[must_use]
    pub fn journal(&self) -> JournalPort {
        JournalPort {}
    }

    /// Where the switch announces recordings.
    #[must_use]
    pub fn take_port(&self) -> TakePort {
        TakePort {}
    }

    /// Where media threads put recorded chunks.
    #[must_use]
    pub fn chunk_port(&self) -> ChunkPort {
        ChunkPort {}
    }

    /// Writes all that waits, closes every file and ends the threads.
    pub fn stop(self) {}
}

impl JournalPort {
    /// Takes an event. When the queue is full it is dropped, counted, and told by [`Notice::EventsLost`] later.
    pub fn record(&self, _event: Event) {}
}

impl TakePort {
    /// Announces a recording before its [`leg::Command::Record`] is given. Its file gets the ids' names, below the day
    /// of `now`.
    pub fn begin(&self, _now: Now, _call: CallId, _take: TakeId) {}

    /// Ends a recording whose last chunk may never come (its media thread had no room for it). After the last chunk
    /// this changes nothing.
    pub fn finish(&self, _take: TakeId) {}
}

impl TakeSink for ChunkPort {
    fn buffer(&mut self) -> Option<Stereo> {
        None
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        Err(chunk)
    }
}
