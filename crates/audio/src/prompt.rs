//! A prompt: a file decoded once and encoded once for each law, shared by every call that plays it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{AudioError, Law, Wav};

/// Below this peak nobody hears it: −50 dB of full scale.
const SILENT_PEAK: u16 = 104;

/// So many samples in a row at full scale are a clipped peak; one alone may be a loud sound well recorded.
const CLIPPED_RUN: usize = 3;

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
        let squares: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        Self {
            peak: samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0),
            rms: (squares / samples.len().max(1) as f64).sqrt() as f32,
            clipped: clipped(samples),
        }
    }

    /// The RMS level relative to a full-scale square wave, in decibels (0 is the loudest, silence is −∞).
    #[must_use]
    pub fn rms_dbfs(&self) -> f32 {
        20.0 * (self.rms / 32_768.0).log10()
    }

    /// True if nobody would hear it: the peak is below −50 dB of full scale.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.peak < SILENT_PEAK
    }

    /// True if it was cut off at full scale.
    #[must_use]
    pub const fn is_clipped(&self) -> bool {
        self.clipped > 0
    }
}

/// Samples in runs of [`CLIPPED_RUN`] or more at the same full scale.
fn clipped(samples: &[i16]) -> u32 {
    let runs = samples.chunk_by(|a, b| a == b).filter(|run| {
        run.len() >= CLIPPED_RUN && run.first().is_some_and(|&sample| sample == i16::MAX || sample <= -i16::MAX)
    });
    runs.map(|run| u32::try_from(run.len()).unwrap_or(u32::MAX)).fold(0, u32::saturating_add)
}

/// Sound ready to play: 8 kHz, one octet a sample, in both laws. A clone shares the octets.
#[derive(Clone, PartialEq)]
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
        Ok(Self::from_samples(&Wav::parse(file)?.into_8k()))
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

/// Without the octets, which nobody wants to read.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt").field("duration", &self.duration()).field("levels", &self.levels).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_from_quiet_speech() {
        let quiet = Levels::of(&[0, 104, 0]);
        assert!(!quiet.is_silent());
        assert!(Levels::of(&[0, 103, -103]).is_silent());
        assert!(Levels::of(&[]).is_silent());
        assert_eq!(Levels::of(&[0; 10]).rms_dbfs(), f32::NEG_INFINITY);
    }

    #[test]
    fn levels_are_those_of_a_sine() {
        let sine: Vec<i16> = (0..800).map(|n| (16_384.0 * (f64::from(n) * 0.1).sin()) as i16).collect();
        let levels = Levels::of(&sine);
        assert!((16_370..=16_384).contains(&levels.peak));
        assert!((levels.rms_dbfs() - -9.03).abs() < 0.1, "{}", levels.rms_dbfs());
        assert!(!levels.is_clipped());
    }

    #[test]
    fn a_run_at_full_scale_is_clipping_and_one_peak_is_not() {
        assert!(!Levels::of(&[0, i16::MAX, i16::MAX, 0, i16::MIN]).is_clipped());
        assert_eq!(Levels::of(&[0, i16::MAX, i16::MAX, i16::MAX, 0, -32_767, -32_767, -32_767, -32_767]).clipped, 7);
    }
}
