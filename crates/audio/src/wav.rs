//! RIFF/WAVE: prompts read, the header of recordings written.

/// Why a file is no prompt, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The content does not begin with RIFF … WAVE.
    #[error("not a WAV file; convert it: sox INPUT -r 8000 -c 1 -b 16 OUTPUT.wav")]
    NotWav,
}

/// A WAV file's sound: one channel, 8 or 16 kHz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second: 8,000 or 16,000.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Reads a file's content.
    ///
    /// # Errors
    /// [`AudioError`] says what is wrong and what to do about it.
    pub fn parse(file: &[u8]) -> Result<Self, AudioError> {
        let _ = file;
        Err(AudioError::NotWav)
    }

    /// The samples at 8 kHz.
    #[must_use]
    pub fn into_8k(self) -> Vec<i16> {
        if self.rate == 8000 { self.samples } else { crate::decimate_16k_to_8k(&self.samples) }
    }
}

/// The 44 octets before the samples of a 16-bit PCM file. A growing recording writes them again with what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavHeader {
    channels: u16,
    rate: u32,
}

impl WavHeader {
    /// Its length in octets: where the samples begin.
    pub const LEN: usize = 44;

    /// The header of a stereo file, left and right interleaved, `rate` frames a second.
    #[must_use]
    pub const fn stereo(rate: u32) -> Self {
        Self { channels: 2, rate }
    }

    /// The header of a mono file, `rate` samples a second.
    #[must_use]
    pub const fn mono(rate: u32) -> Self {
        Self { channels: 1, rate }
    }

    /// The octets for a file that holds `bytes` octets of samples; as much as the format can say if they are more.
    #[must_use]
    pub fn with_data_bytes(self, bytes: u64) -> [u8; 44] {
        let _ = bytes;
        [0; 44]
    }
}
