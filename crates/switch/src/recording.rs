//! Recordings: begun and ended by flows, written by a driver, which reports here.

use base::{CallId, Now, TakeId};
use journal::{Kind, Name};
use leg::Command;

use crate::switch::Switch;

/// What the writer of recordings is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOrder {
    /// A take is about to begin: its file is to be opened.
    Begin {
        /// The call.
        call: CallId,
        /// The take.
        take: TakeId,
    },
    /// The media of a take has ended; if its last chunk got lost on the way, none follows.
    Finish {
        /// The take.
        take: TakeId,
    },
}

/// What the writer of recordings says of a take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeReport {
    /// Its file is open.
    Started {
        /// The take.
        take: TakeId,
        /// The file, below the data folder.
        file: Name,
    },
    /// Part of it could not be kept.
    Lost {
        /// The take.
        take: TakeId,
        /// Frames of 20 ms.
        frames: u64,
        /// Why, in words.
        why: String,
    },
    /// Its file is complete; nothing of it follows.
    Finished {
        /// The take.
        take: TakeId,
        /// The file, below the data folder; empty if none could be made.
        file: Name,
        /// Its length in frames of 20 ms, lost ones included.
        frames: u64,
        /// Frames lost in all.
        lost: u64,
    },
}

impl TakeReport {
    /// The take that it is about.
    #[must_use]
    pub const fn take(&self) -> TakeId {
        match self {
            Self::Started { take, .. } | Self::Lost { take, .. } | Self::Finished { take, .. } => *take,
        }
    }
}

impl Switch {
    /// Begins or ends the recording of a call. Both are harmless where nothing changes.
    pub(crate) fn record(&mut self, call: CallId, on: bool) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        match (on, found.take) {
            (true, None) => {
                let take = self.ids.take();
                found.take = Some(take);
                found.open_takes.push(take);
                self.takes.insert(take, call);
                self.take_orders.push_back(TakeOrder::Begin { call, take });
                self.commands.push_back(Command::Record { leg: found.caller, take });
            }
            (false, Some(_)) => {
                found.take = None;
                self.commands.push_back(Command::StopRecord { leg: found.caller });
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// The writer reports.
    pub(crate) fn on_take(&mut self, now: Now, report: TakeReport) {
        match report {
            TakeReport::Started { take, file } => self.note_take(now, take, Kind::RecordingStarted { take, file }),
            TakeReport::Lost { take, frames, why } => {
                self.note_take(now, take, Kind::RecordingLost { take, frames, why });
            }
            // Of a message whose beginning was lost.
            TakeReport::Finished { take, .. } if self.is_letter(take) => {
                self.letter_ended(take, ivr::MessageOutcome::Failed);
            }
            TakeReport::Finished { take, file, frames, lost } => {
                self.note_take(now, take, Kind::RecordingStopped { take, file, frames, lost });
                if let Some(call) = self.takes.remove(&take) {
                    if let Some(found) = self.calls.get_mut(&call) {
                        found.open_takes.retain(|&open| open != take);
                    }
                    self.finish_if_closed(now, call);
                }
            }
        }
    }

    fn note_take(&mut self, now: Now, take: TakeId, kind: Kind) {
        if let Some(&call) = self.takes.get(&take) {
            self.note(now, call, kind);
        }
    }
}
