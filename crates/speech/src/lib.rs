//! Speaks texts: by a program that is handed the text and writes a WAV file, or a web server that answers with one, on threads
//! of its own.
//!
//! The one contract: [`Speaker::ask`] takes a text without waiting, and answers it once by what was given with it, with a
//! prompt or the reason why there is none, at the latest when the time that a text may take is over. Texts that are asked for
//! at the same time are spoken once. [`Speaker::prepare`] speaks texts that are known before anybody calls, and waits for
//! them; they are kept on disk under the hash of what they are made of, and spoken once, not once a start.
//!
//! Where to find what: `settings` who speaks, and how · `program` runs the program, `web` asks the server, `words` what is told to both · `shelf` what is kept on disk ·
//! `recent` what was spoken a moment ago · `speaker` the threads and what they are asked.
//!
//! Invariants: no shell reads a text, and none is taken for an option; a program that hangs is ended with all that it
//! started; texts with what callers told are never on disk.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a driver reads the clock, files and programs")]

mod program;
mod recent;
mod settings;
mod shelf;
mod speaker;
mod web;
mod words;

pub use settings::{Engine, Settings};
pub use speaker::{Busy, Speaker, Utterance};
pub use web::{Send, Web};

/// Why a text was not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing is set that speaks.
    #[error("nothing is set that speaks")]
    NoEngine,
    /// The program cannot be started, or the server not be reached.
    #[error("who speaks cannot be started, or reached")]
    NotStarted,
    /// It took too long.
    #[error("it took too long")]
    TooLate,
    /// The program said that it failed, or the server.
    #[error("who speaks failed")]
    Failed,
    /// What came is no WAV file that can be played, or nothing can be heard in it.
    #[error("what came is no sound that can be played")]
    Rubbish,
    /// More came than a text can take.
    #[error("more came than a text can take")]
    TooLong,
}

impl Fault {
    /// As a word of the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoEngine => "no_engine",
            Self::NotStarted => "not_started",
            Self::TooLate => "too_late",
            Self::Failed => "failed",
            Self::Rubbish => "rubbish",
            Self::TooLong => "too_long",
        }
    }
}
