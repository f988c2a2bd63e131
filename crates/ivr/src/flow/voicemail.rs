//! Nodes that take voice messages, and that play them.

use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Prompt, Target};

/// Takes a message.
#[derive(Debug)]
pub(crate) struct Voicemail {
    pub mailbox: Arc<str>,
    pub greeting: Prompt,
    pub max_time: Duration,
    /// For so long nothing is said, and the message is over.
    pub silence: Duration,
    pub end_key: Option<char>,
    pub review: Option<Review>,
    pub full: Outcome,
    pub empty: Outcome,
    pub next: Target,
}

/// Asks what is to be done with a message.
#[derive(Debug)]
pub(crate) struct Review {
    pub prompt: Prompt,
    pub listen: char,
    pub again: char,
    pub keep: char,
    pub delete: char,
    /// From the prompt's end to the key; then it is kept.
    pub timeout: Duration,
    pub deleted: Outcome,
}

/// Plays messages.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// `own`: the caller's.
    pub name: Arc<str>,
    /// Gets the number of new messages, before the greeting.
    pub into: Option<Arc<str>>,
    pub greeting: Prompt,
    /// What is asked behind each message.
    pub menu: Prompt,
    pub keys: MessageKeys,
    pub timeout: Duration,
    pub empty: Outcome,
    pub denied: Outcome,
    pub next: Target,
}

/// What is done with a message by which key.
#[derive(Debug)]
pub(crate) struct MessageKeys {
    pub again: char,
    pub skip: char,
    pub delete: char,
    pub keep: char,
    pub leave: char,
}
