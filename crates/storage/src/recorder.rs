//! All recordings: audio comes in chunks and goes into files, whatever the disk does.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use audio::FRAME;
use base::{CallId, Mono, TakeId, Timers, Wall};
use leg::{Chunk, Stereo};

use crate::disk::Disk;
use crate::notice::Notify;
use crate::open_log::OpenLog;
use crate::take::{Take, file_name, interleave};
use crate::{Notice, TakeEvent};

/// A recording of which nothing came for so long has ended, and its last chunk got lost.
const IDLE: Duration = Duration::from_secs(60);
/// How often losses of one recording are told.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// The longest gap in a recording, in frames: a day. More is a fault in the chunk.
const MAX_GAP: u64 = 24 * 3600 * 50;

const BEHIND: &str = "the disk is too slow";
const TOO_MANY: &str = "too many recordings are open";

/// All recordings that were begun. A value without a thread: the driver hands in what came and the time.
pub struct Recorder {
    folder: PathBuf,
    disk: Box<dyn Disk>,
    log: OpenLog,
    takes: BTreeMap<TakeId, Take>,
    /// Recordings whose last chunk came, until somebody has asked for their end, too.
    ended: BTreeSet<TakeId>,
    /// Looks after recordings of which nothing comes any more.
    timers: Timers<TakeId>,
    open: usize,
    max_open: usize,
    faulty: bool,
    samples: Vec<u8>,
    notify: Notify,
}

impl Recorder {
    pub fn new(folder: PathBuf, disk: Box<dyn Disk>, log: OpenLog, max_open: usize, notify: Notify) -> Self {
        Self {
            folder,
            disk,
            log,
            takes: BTreeMap::new(),
            ended: BTreeSet::new(),
            timers: Timers::default(),
            open: 0,
            max_open,
            faulty: false,
            samples: Vec::new(),
            notify,
        }
    }

    /// A recording is about to begin.
    pub fn begin(&mut self, now: Mono, at: Wall, call: CallId, id: TakeId) {
        if self.takes.contains_key(&id) {
            return;
        }
        let mut take = Take::new(file_name(at, call, id).into(), now);
        let opened = self.open(id, &mut take);
        self.judge(&opened);
        self.takes.insert(id, take);
        self.timers.set(now + IDLE, id);
    }

    /// Writes a chunk; gives its buffers back.
    pub fn chunk(&mut self, now: Mono, chunk: Chunk) -> Stereo {
        let Some(mut take) = self.takes.remove(&chunk.take) else { return chunk.audio };
        take.heard = now;
        let frames = u64::try_from(chunk.audio.left.len() / FRAME).unwrap_or(0);
        match chunk.first_frame.checked_sub(take.frames) {
            Some(gap) if gap <= MAX_GAP => {
                take.lose(gap, BEHIND);
                take.frames += gap + frames;
                if frames > 0 {
                    self.write(&mut take, &chunk, frames);
                }
            }
            // A chunk that was there before, or that cannot be.
            _ => {}
        }
        if chunk.last {
            self.end(chunk.take, take);
            self.ended.insert(chunk.take);
        } else {
            self.tell_loss(now, chunk.take, &mut take);
            self.takes.insert(chunk.take, take);
        }
        chunk.audio
    }

    /// Ends a recording, if its last chunk has not done so.
    pub fn finish(&mut self, id: TakeId) {
        match self.takes.remove(&id) {
            Some(take) => self.end(id, take),
            None if self.ended.remove(&id) => {}
            // Its beginning got lost. Whoever waits for its end is told.
            None => self.tell(id, TakeEvent::Finished { file: None, frames: 0, lost: 0 }),
        }
    }

    /// Ends recordings of which nothing came for long.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some(id) = self.timers.pop_due(now) {
            match self.takes.get(&id).map(|take| take.heard + IDLE) {
                Some(until) if until > now => drop(self.timers.set(until, id)),
                Some(_) => self.finish(id),
                None => drop(self.ended.remove(&id)),
            }
        }
    }

    /// Ends all recordings.
    pub fn stop(mut self) {
        while let Some((id, take)) = self.takes.pop_first() {
            self.end(id, take);
        }
        self.log.stop();
    }

    fn write(&mut self, take: &mut Take, chunk: &Chunk, frames: u64) {
        interleave(chunk.law, &chunk.audio, &mut self.samples);
        let written = self.open(chunk.take, take).and_then(|()| take.write(&self.samples, chunk.first_frame, frames));
        self.judge(&written);
        if let Err(error) = written {
            take.lose(frames, &error.to_string());
        }
    }

    /// Makes the file, unless it is there.
    fn open(&mut self, id: TakeId, take: &mut Take) -> io::Result<()> {
        if take.file.is_some() {
            return Ok(());
        }
        if self.open >= self.max_open {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, TOO_MANY));
        }
        let file = self.disk.create(&self.folder.join(&*take.name))?;
        self.open += 1;
        self.log.begin(&mut *self.disk, &take.name);
        self.tell(id, TakeEvent::Started { file: take.name.clone() });
        take.open(file)
    }

    fn end(&mut self, id: TakeId, mut take: Take) {
        if take.file.is_some() {
            take.close();
            self.open -= 1;
            self.log.end(&mut *self.disk, &take.name);
        }
        if take.untold > 0 {
            self.tell(id, TakeEvent::Lost { frames: take.untold, why: take.why });
        }
        let file = take.made.then_some(take.name);
        self.tell(id, TakeEvent::Finished { file, frames: take.frames, lost: take.lost });
    }

    fn tell_loss(&self, now: Mono, id: TakeId, take: &mut Take) {
        if take.untold > 0 && take.told.is_none_or(|told| now - told >= TELL_EVERY) {
            take.told = Some(now);
            let (frames, why) = (std::mem::take(&mut take.untold), take.why.clone());
            self.tell(id, TakeEvent::Lost { frames, why });
        }
    }

    /// Tells when the disk begins to fail, and when it is well again.
    fn judge(&mut self, outcome: &io::Result<()>) {
        let what = "recordings";
        match outcome {
            Err(error) if error.kind() != io::ErrorKind::QuotaExceeded && !self.faulty => {
                self.faulty = true;
                (self.notify)(Notice::DiskFault { what, error: error.to_string() });
            }
            Ok(()) if self.faulty => {
                self.faulty = false;
                (self.notify)(Notice::DiskWell { what });
            }
            _ => {}
        }
    }

    fn tell(&self, take: TakeId, event: TakeEvent) {
        (self.notify)(Notice::Take { take, event });
    }
}

#[cfg(test)]
mod tests;
