//! Audio as functions on frames: G.711, WAV, prompts, tones, and the measuring that tests need.
//!
//! The one contract: samples are 16-bit linear PCM, mono, at 8 kHz unless a name or an argument says otherwise, and a
//! frame is [`FRAME`] of them. Nothing here allocates but what loads a prompt or measures.
//!
//! Where to find what: `g711` the two laws by table, `wav` files read and the header written, `decimate` 16 → 8 kHz, `resample` other rates, `speech` what a
//! synthesiser wrote,
//! `mix` two voices at once, `prompt` a file ready to play, `tone` ringback and the like, `analysis` Goertzel, levels and gaps for tests.

pub mod analysis;
mod decimate;
mod g711;
mod mix;
mod prompt;
mod resample;
mod speech;
mod tone;
mod voice;
mod wav;

pub use decimate::decimate_16k_to_8k;
pub use g711::{Law, alaw_to_ulaw, ulaw_to_alaw};
pub use mix::mix;
pub use prompt::{Levels, Prompt};
pub use resample::resample_to_8k;
pub use speech::{speech_samples, wav_of};
pub use tone::{Tone, ToneGenerator};
pub use voice::is_voiced;
pub use wav::{AudioError, Wav, WavHeader};

/// Samples a second of G.711 (ITU-T G.711 section 2) and of all frames here.
pub const RATE: u32 = 8000;

/// Samples in a frame of 20 ms at [`RATE`].
pub const FRAME: usize = 160;
