//! The media of one leg, as a machine: what it receives, what it sends every 20 ms, what is recorded of it.
//!
//! | module | what |
//! |---|---|
//! | [`control`] | commands, events and recorded chunks: the vocabulary between `switch`, `media` and `storage` |

pub mod control;

pub use control::{
    CHUNK_FRAMES, Chunk, Command, Digit, Event, FRAME, Item, Law, OpenFailure, PromptId, Stats, Stereo, TakeSink, Tone,
};

/// The prompts and tones that legs play, encoded once and shared by all threads.
#[derive(Debug, Default)]
pub struct Library {}
