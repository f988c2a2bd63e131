//! What is known of a voice message beside its sound, and what the switch orders of those who keep them.

use base::{CallId, Pii, PlayId, TakeId, Wall};
use serde::{Deserialize, Serialize};

use crate::Name;

/// Names a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageName {
    /// The mailbox.
    pub mailbox: Name,
    /// The message.
    pub message: Name,
}

/// A message that a caller left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageLeft {
    /// The mailbox.
    pub mailbox: Name,
    /// The message, by which the mailbox knows it: its files are `mailboxes/MAILBOX/MESSAGE.wav` and `.json`.
    pub message: Name,
    /// Its length in milliseconds.
    pub length_ms: u64,
    /// Of that, what could not be kept and is silence.
    pub lost_ms: u64,
}

/// A message that was not left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageNotLeft {
    /// The mailbox.
    pub mailbox: Name,
    /// Why: `full`, `disk`, `nothing_said`, `deleted`.
    pub why: Name,
}

/// A message that its owner heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHeard {
    /// The mailbox.
    pub mailbox: Name,
    /// The message.
    pub message: Name,
    /// False: it counts as if he had not.
    pub heard: bool,
}

/// A message in a mailbox: what its file's companion holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voicemail {
    /// The mailbox.
    pub mailbox: Name,
    /// The call in which it was left.
    pub call: CallId,
    /// The caller's number as signalled; empty if withheld.
    #[serde(with = "base::revealed")]
    pub from: Pii<String>,
    /// His name, if he gave one.
    #[serde(with = "base::revealed")]
    pub from_name: Pii<String>,
    /// The number that he dialled.
    #[serde(with = "base::revealed")]
    pub to: Pii<String>,
    /// When he began to speak, in microseconds since 1970.
    pub at: Wall,
    /// Its length in milliseconds.
    pub length_ms: u64,
    /// Of that, what could not be kept and is silence.
    pub lost_ms: u64,
    /// Its owner has heard it.
    pub heard: bool,
}

/// What is to be done about voice messages.
#[derive(Clone, Debug, PartialEq)]
pub enum LetterOrder {
    /// One is about to be taken; its audio comes as that of a recording. To be told before the media's command.
    Take(TakeId, Box<Voicemail>),
    /// One that was taken is to be put into its mailbox. What came of it is told.
    Keep(TakeId),
    /// One that was taken is to be thrown away. What came of it is told.
    Discard(TakeId),
    /// Somebody wants to hear what was taken: its sound is told.
    LoadTaken(CallId, PlayId, TakeId),
    /// Somebody wants to hear a message of a mailbox: its sound is told.
    Load(CallId, PlayId, Name, Name),
    /// Somebody wants to know what is in a mailbox.
    List(CallId, Name),
    /// A message of a mailbox was heard, or is to count as if it were not: how many there are is told.
    SetHeard(Name, Name, bool),
    /// A message of a mailbox is to be deleted: how many are left is told.
    Delete(Name, Name),
    /// Somebody may have changed the files of a mailbox: how many there are is told.
    Count(Name),
}
