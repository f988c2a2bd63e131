//! Journal, CDRs and recordings on disk.
//!
//! One contract: [`Storage::start`] gives ports that never wait ([`JournalPort`], [`TakePort`], [`ChunkPort`]); what cannot
//! be written is counted and told by a [`Notice`], and the call goes on.
//!
//! Three threads: one writes the journal and folds CDRs from it, one writes recordings, one traces. Below the data folder:
//!
//! | file | what |
//! |---|---|
//! | `journal/2026-11-21.jsonl` | an event a line, appended; a file a day (UTC) |
//! | `cdr/2026-11-21.jsonl` | a record a call, by the day on which it ended |
//! | `recordings/2026/11/21/CALL-TAKE.wav` | stereo, 16 bits, 8 kHz; left the caller, right what he heard |
//! | `journal/.running` | there while a switch runs; found at the start, it says that one died |
//! | `locations.jsonl` | where registered users are, a line a change; the last of a user counts; mode 0600 |
//! | `callbacks.jsonl` | who is to be called back; mode 0600 |
//! | `switches.json` | how emergency switches are turned; mode 0600 |
//! | `.lock` | held by the switch that writes here |
//! | `mailboxes/NAME/CALL-TAKE.wav` | a voice message, mono, 16 bits, 8 kHz, with a `.json` of who left it; mode 0600. While it is taken its name begins with `.` |
//! | `trace/0000000001.trace` | what calls said on the wire, in segments of which the oldest goes; mode 0600 |
//! | `recordings/.open` | which recordings were begun and not ended |
//!
//! Where to find what: `store.rs` start, ports and stop; `intake.rs` the queues into the journal's and the trace's threads; `journal_writer.rs` the journal's thread, `lines.rs` a file of
//! lines that survives a failing disk; `last_words.rs` where users are; `switch_file.rs` how switches are turned; `replace.rs` a file written whole; `recorder.rs` all recordings, `take.rs` one of them; `recover.rs` what a start does
//! after a crash, with `open_log.rs` and `mend.rs`; `letters.rs` voice messages that are being taken, `mailboxes.rs` those that were; `charges.rs` what grants were charged today; `history.rs` the journal, read back; `traces.rs` what calls said on the wire; `disk.rs` the port to the file system, which tests replace.
//!
//! Invariants:
//! - Everything that waits to be written is bounded; what does not fit is dropped, counted and told.
//! - A recording's file can be read at any moment, also after kill -9: its header is written after each half second of
//!   audio, by the second of two system calls. Audio stands at the place that its frame number gives; what is lost is
//!   silence, so both sides stay aligned.
//! - Names of files come from our own ids and the date.
//! - Nothing is forced to the platter but a file that takes another's place: a crash of the switch loses the last
//!   [`Config::journal_flush`] of events and registrations and half a second of audio, a crash of the machine what the system had not written yet.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a driver: owns files, threads and a clock")]

mod callers;
mod charges;
mod config;
mod disk;
mod history;
mod intake;
mod journal_writer;
mod last_words;
mod letters;
mod lines;
mod mailboxes;
mod mend;
mod notice;
mod open_log;
mod recorder;
mod records;
mod recover;
mod replace;
mod store;
mod switch_file;
mod take;
mod traces;

pub use callers::{callers_of, talks_of};
pub use charges::charges_of;
pub use config::Config;
pub use history::{Head, events_of, journal_days, read_journal};
pub use last_words::Left;
pub use mailboxes::{Mailboxes, Message};
pub use notice::{LetterEvent, Notice, StartError, TakeEvent};
pub use records::Records;
pub use replace::replace;
pub use store::{ChunkPort, JournalPort, Storage, TakePort};
pub use traces::{TracePort, find};
