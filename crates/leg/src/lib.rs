//! The media of one leg, as a machine: what it receives, what it sends every 20 ms, what is recorded of it.
//!
//! Its one contract: the driver hands in orders and datagrams as they come, and every 20 ms calls [`Leg::hear`] on all
//! legs and then [`Leg::speak`] and [`Leg::report`], sending what they wrote. A leg is a plain value that may move to
//! another thread between any two calls.
//!
//! | module | what |
//! |---|---|
//! | [`control`] | commands, events and recorded chunks: the vocabulary between `switch`, `media` and `storage` |
//! | `leg` | [`Leg`], its [`Order`]s, and the [`Bay`] it stands in |
//! | `receive` | whose packet, which stream, what in it; the frame of a tick |
//! | `protect` | SRTP, if it was agreed on |
//! | `latch` | which source is the peer |
//! | `jitter`, `ring` | audio by timestamp, taken out 20 ms at a time; concealment |
//! | `digits`, `keys` | RFC 4733 events in and out |
//! | `send` | one packet a tick: an event, what plays, the bridged peer or a conference's other two, or silence |
//! | `playout`, `tones` | lists of prompts, tones and pauses, cut into frames |
//! | `tap`, `mask` | the recording of both directions; what is kept out of it |
//! | `message` | what the peer leaves as a message, and when he says no more |
//! | `report` | RTCP |
//!
//! Invariants: a leg sends at most one RTP packet a tick and its timestamp advances by 160 every tick, sent or not;
//! nothing that a stranger sends is heard, recorded, or makes a digit; on a leg with SRTP, nobody counts who has not the key; one event is one digit; what is said while a leg is masked is in no recording; a recording's frames are
//! counted by ticks, so both sides stay aligned; no tick or packet allocates (buffers are made once a leg or a chunk).

pub mod control;
mod digits;
mod jitter;
mod keys;
mod latch;
#[allow(clippy::module_inception, reason = "the crate's one type has a file of its own")]
mod leg;
mod mask;
mod message;
mod playout;
mod protect;
mod receive;
mod report;
mod ring;
mod send;
mod tap;
mod tones;

pub use control::{
    CHUNK_FRAMES, Chunk, Command, Digit, Event, FRAME, Item, Law, Masked, OpenFailure, Prompt, Stats, Stereo, TakeSink,
    Tone,
};
pub use leg::{Bay, Leg, Order};
pub use report::MAX_REPORT;
pub use send::PACKET;
pub use tones::Tones;
