//! What storage tells the switch, so that it stands in the journal.

use std::sync::Arc;

use base::{CallId, PlayId, TakeId};

use crate::Message;

/// Something that the switch should journal. Given to the callback of [`crate::Storage::start`] on a writer's thread.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// What happened to a recording.
    Take {
        /// The recording.
        take: TakeId,
        /// What happened.
        event: TakeEvent,
    },
    /// What happened to a voice message that is being taken.
    Letter {
        /// The message.
        take: TakeId,
        /// What happened.
        event: LetterEvent,
    },
    /// How many messages there are in a mailbox, after something changed there.
    Mailbox {
        /// The mailbox.
        mailbox: Arc<str>,
        /// Messages that nobody has heard.
        new: u32,
        /// And that somebody has.
        old: u32,
    },
    /// What is in a mailbox, as [`journal::LetterOrder::List`] asked.
    Listed {
        /// Who asked.
        call: CallId,
        /// The oldest first.
        messages: Vec<Message>,
    },
    /// A sound that was asked for.
    Loaded {
        /// Who asked.
        call: CallId,
        /// For which playout.
        play: PlayId,
        /// None if there is none, or it cannot be read.
        sound: Option<leg::Prompt>,
    },
    /// Events, records and changes of registrations that were never written, as the queue was full or the disk failed. Told once the disk is well,
    /// at most once a second.
    EventsLost {
        /// How many since the last such notice.
        count: u64,
    },
    /// A disk could not be written. Told once until it is well again.
    DiskFault {
        /// What for: `journal`, `cdr`, `locations`, `trace` or `recordings`.
        what: &'static str,
        /// The system's words.
        error: String,
    },
    /// The disk can be written again.
    DiskWell {
        /// What for.
        what: &'static str,
    },
}

/// Where notices go; called on the writers' threads.
pub(crate) type Notify = Arc<dyn Fn(Notice) + Send + Sync>;

/// What happened to a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeEvent {
    /// Its file is open.
    Started {
        /// The file, below the data folder, with `/` between its parts.
        file: Arc<str>,
    },
    /// Frames were lost since the last such event; in the file they are silence. Told at most once a second and take.
    Lost {
        /// Frames of 20 ms.
        frames: u64,
        /// Why, in words.
        why: String,
    },
    /// Its file is complete. The last event of a recording; each that was begun has one.
    Finished {
        /// The file, below the data folder; none if none could be made.
        file: Option<Arc<str>>,
        /// Length in frames of 20 ms, lost ones included.
        frames: u64,
        /// Frames lost in all.
        lost: u64,
    },
}

/// What happened to a voice message that is being taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterEvent {
    /// All that was said is in its file, which waits to be kept or discarded.
    Taken,
    /// The same, but nobody said anything.
    NothingSaid,
    /// The same, but the disk took nothing of it.
    Failed,
    /// It is in its mailbox.
    Kept(Message),
    /// It was thrown away.
    Discarded,
    /// It could not be put into its mailbox.
    Lost,
}

/// Why storage cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or one in it cannot be made or written.
    #[error("cannot write below {folder}: {error}")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// Another switch writes there.
    #[error("another switch writes below {folder}: end it, or give this one a folder of its own (`data:`)")]
    Taken {
        /// Where.
        folder: String,
    },
    /// The system gives no thread.
    #[error("no thread for the {name}: {error}")]
    Thread {
        /// Which.
        name: &'static str,
        /// Why.
        error: std::io::Error,
    },
}
