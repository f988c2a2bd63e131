//! A prompt: a file decoded once and encoded once for each law, shared by every call that plays it.

use std::sync::Arc;
use std::time::Duration;

use crate::{AudioError, Law};

/// How loud a prompt is, so that a checker can say that it is silent or clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// The largest magnitude of a sample, 0 to 32,768.
    pub peak: u16,
    /// The root mean square of all samples, in the same unit.
    pub rms: f32,
    /// Samples at full scale in runs of three or more: what a clipped recording has.
    pub clipped: u32,
}

impl Levels {
    /// Measures `samples`.
    #[must_use]
    pub fn of(samples: &[i16]) -> Self {
        let _ = samples;
        Self::default()
    }

    /// The RMS level relative to a full-scale square wave, in decibels (0 is the loudest, silence is −∞).
    #[must_use]
    pub fn rms_dbfs(&self) -> f32 {
        20.0 * (self.rms / 32_768.0).log10()
    }

    /// True if nobody would hear it: the peak is below −50 dB of full scale.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.peak < 104
    }

    /// True if it was cut off at full scale.
    #[must_use]
    pub const fn is_clipped(&self) -> bool {
        self.clipped > 0
    }
}

/// Sound ready to play: 8 kHz, one octet a sample, in both laws. A clone shares the octets.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// µ-law octets.
    pub ulaw: Arc<[u8]>,
    /// A-law octets, as many.
    pub alaw: Arc<[u8]>,
    /// How loud it is.
    pub levels: Levels,
}

impl Prompt {
    /// Reads a WAV file's content: 16-bit PCM, mono, 8 or 16 kHz.
    ///
    /// # Errors
    /// [`AudioError`] says what is wrong and what to do about it.
    pub fn from_wav(file: &[u8]) -> Result<Self, AudioError> {
        let _ = file;
        Err(AudioError::NotWav)
    }

    /// A prompt of samples at 8 kHz.
    #[must_use]
    pub fn from_samples(samples: &[i16]) -> Self {
        let encode = |law: Law| samples.iter().map(|&sample| law.encode_sample(sample)).collect();
        Self { ulaw: encode(Law::Ulaw), alaw: encode(Law::Alaw), levels: Levels::of(samples) }
    }

    /// The octets in `law`.
    #[must_use]
    pub const fn octets(&self, law: Law) -> &Arc<[u8]> {
        match law {
            Law::Ulaw => &self.ulaw,
            Law::Alaw => &self.alaw,
        }
    }

    /// How long it plays.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.ulaw.len()).unwrap_or(u64::MAX).saturating_mul(125))
    }
}
