//! RIFF/WAVE: prompts read, the header of recordings written.
//!
//! The format is Microsoft's and IBM's "Multimedia Programming Interface and Data Specifications 1.0" (1991) with
//! `WAVEFORMATEXTENSIBLE` of 2001: chunks of a four-letter name, a length of 32 bits (little endian) and content that
//! is padded to an even length.

/// The longest prompt, in seconds.
const MAX_SECONDS: usize = 3600;

/// Who writes to a pipe announces about this much or more, if not nothing.
const OPEN_END: u32 = 0x7fff_0000;

/// The format tags that a prompt may have: linear PCM, and EXTENSIBLE whose sub-format is linear PCM.
const TAG_PCM: u16 = 1;
const TAG_EXTENSIBLE: u16 = 0xfffe;

/// `KSDATAFORMAT_SUBTYPE_PCM` after its first two octets, which are the tag.
const SUBTYPE_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// What is wrong with a file that shall be a prompt. [`AudioError::remedy`] says what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The content does not begin with RIFF … WAVE.
    #[error("not a WAV file")]
    NotWav,
    /// There is no complete `fmt ` chunk.
    #[error("a WAV file without a format (`fmt ` chunk)")]
    NoFormat,
    /// There is no `data` chunk, or an empty one.
    #[error("a WAV file without sound (`data` chunk)")]
    NoSound,
    /// The file ends before its sound does.
    #[error("a WAV file cut short: it announces {announced} octets of sound and holds {held}")]
    Cut {
        /// Octets that the `data` chunk says it has.
        announced: u32,
        /// Octets that follow.
        held: usize,
    },
    /// Not linear PCM.
    #[error("a WAV file in {} (format {tag:#06x}); a prompt is linear PCM", tag_name(*tag))]
    Encoding {
        /// The format tag.
        tag: u16,
    },
    /// Not one channel.
    #[error("a WAV file of {channels} channels; a prompt has 1")]
    Channels {
        /// How many.
        channels: u16,
    },
    /// Not 16 bits a sample.
    #[error("a WAV file of {bits} bits a sample; a prompt has 16")]
    Bits {
        /// How many.
        bits: u16,
    },
    /// Neither 8 nor 16 kHz.
    #[error("a WAV file of {rate} Hz; a prompt has 8000 or 16000")]
    Rate {
        /// Samples a second.
        rate: u32,
    },
    /// Longer than an hour.
    #[error("a WAV file of {seconds} s; a prompt has at most {MAX_SECONDS}")]
    TooLong {
        /// How long it plays.
        seconds: usize,
    },
}

impl AudioError {
    /// The command that makes a prompt of the file `path`, or what else to do.
    #[must_use]
    pub fn remedy(&self, path: &str) -> String {
        match self {
            Self::NoSound => "record it again; it holds no sound".to_owned(),
            Self::TooLong { .. } => format!("cut it: `sox {path} -r 8000 -c 1 -b 16 OUT.wav trim 0 {MAX_SECONDS}`"),
            Self::Cut { .. } => {
                format!("copy it again, or keep what is there: `sox --ignore-length {path} -r 8000 -c 1 -b 16 OUT.wav`")
            }
            _ => format!("convert it: `sox {path} -r 8000 -c 1 -b 16 -e signed-integer OUT.wav`"),
        }
    }
}

/// The names of the tags that one meets.
fn tag_name(tag: u16) -> &'static str {
    match tag {
        0x0002 | 0x0011 => "ADPCM",
        0x0003 => "floating point",
        0x0006 => "A-law",
        0x0007 => "µ-law",
        0x0031 => "GSM 06.10",
        0x0055 => "MP3",
        _ => "another encoding",
    }
}

/// A WAV file's sound: one channel of 16 bits at 8 or 16 kHz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second: 8,000 or 16,000.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Reads a file's content. Its chunks may stand in any order; those that it does not know are passed over.
    ///
    /// # Errors
    /// [`AudioError`] says what is wrong.
    pub fn parse(file: &[u8]) -> Result<Self, AudioError> {
        Self::parse_as(file, false)
    }

    /// Reads what a speaker wrote: of any rate, and maybe to a pipe, so that it could not know the length.
    pub(crate) fn parse_spoken(file: &[u8]) -> Result<Self, AudioError> {
        Self::parse_as(file, true)
    }

    fn parse_as(file: &[u8], spoken: bool) -> Result<Self, AudioError> {
        let Some((b"RIFF", [_, _, _, _, b'W', b'A', b'V', b'E', chunks @ ..])) = file.split_first_chunk::<4>() else {
            return Err(AudioError::NotWav);
        };
        let (mut format, mut sound) = (None, None);
        for chunk in Chunks(chunks) {
            match &chunk.name {
                b"fmt " if format.is_none() => format = Some(Format::parse(chunk.content)?),
                b"data" if sound.is_none() => sound = Some(chunk),
                _ => {}
            }
        }
        let rate = format.ok_or(AudioError::NoFormat)?.rate(spoken)?;
        let is_open = |sound: &Chunk<'_>| spoken && (sound.announced == 0 || sound.announced >= OPEN_END);
        let mut sound = sound.filter(|sound| sound.announced > 0 || is_open(sound)).ok_or(AudioError::NoSound)?;
        if spoken && sound.announced == 0 {
            sound.content = file.get(file.len() - sound.rest..).unwrap_or_default();
        }
        let held = sound.content.len();
        if !is_open(&sound) && usize::try_from(sound.announced).is_ok_and(|announced| announced > held) {
            return Err(AudioError::Cut { announced: sound.announced, held });
        }
        let seconds = held / 2 / usize::try_from(rate).unwrap_or(usize::MAX);
        if seconds > MAX_SECONDS {
            return Err(AudioError::TooLong { seconds });
        }
        let samples: Vec<i16> =
            sound.content.as_chunks::<2>().0.iter().map(|&octets| i16::from_le_bytes(octets)).collect();
        if samples.is_empty() { Err(AudioError::NoSound) } else { Ok(Self { rate, samples }) }
    }

    /// The samples at 8 kHz.
    #[must_use]
    pub fn into_8k(self) -> Vec<i16> {
        if self.rate == crate::RATE { self.samples } else { crate::decimate_16k_to_8k(&self.samples) }
    }
}

/// One chunk of a RIFF file; its content ends with the file if the file ends too early.
struct Chunk<'a> {
    name: [u8; 4],
    announced: u32,
    content: &'a [u8],
    /// Octets of the file from the beginning of its content on.
    rest: usize,
}

/// Walks over the chunks.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (&name, rest) = self.0.split_first_chunk::<4>()?;
        let (&length, rest) = rest.split_first_chunk::<4>()?;
        let announced = u32::from_le_bytes(length);
        let behind = rest.len();
        let length = usize::try_from(announced).unwrap_or(usize::MAX).min(rest.len());
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest.get(length % 2..).unwrap_or_default();
        Some(Chunk { name, announced, content, rest: behind })
    }
}

/// The `fmt ` chunk.
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

impl Format {
    fn parse(content: &[u8]) -> Result<Self, AudioError> {
        let u16_at = |at: usize| {
            let octets = content.get(at..)?.first_chunk::<2>()?;
            Some(u16::from_le_bytes(*octets))
        };
        let rate = content.get(4..).and_then(|rest| rest.first_chunk::<4>()).map(|&octets| u32::from_le_bytes(octets));
        let (Some(tag), Some(channels), Some(rate), Some(bits)) = (u16_at(0), u16_at(2), rate, u16_at(14)) else {
            return Err(AudioError::NoFormat);
        };
        // EXTENSIBLE says its true tag at the beginning of its sub-format.
        let subtype = || u16_at(24).filter(|_| content.get(26..40) == Some(&SUBTYPE_TAIL[..]));
        let tag = if tag == TAG_EXTENSIBLE { subtype().unwrap_or(tag) } else { tag };
        Ok(Self { tag, channels, rate, bits })
    }

    /// The rate, if all else is a prompt's.
    fn rate(&self, any: bool) -> Result<u32, AudioError> {
        match *self {
            Self { tag, .. } if tag != TAG_PCM => Err(AudioError::Encoding { tag }),
            Self { channels, .. } if channels != 1 => Err(AudioError::Channels { channels }),
            Self { bits, .. } if bits != 16 => Err(AudioError::Bits { bits }),
            Self { rate: rate @ (8000 | 16_000), .. } => Ok(rate),
            Self { rate: rate @ 8000..=48_000, .. } if any => Ok(rate),
            Self { rate, .. } => Err(AudioError::Rate { rate }),
        }
    }
}

/// The 44 octets before the samples of a 16-bit PCM file. A growing recording writes them again, now and then, with
/// what it holds by then, so that a reader finds all but the last moments after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavHeader {
    channels: u16,
    rate: u32,
}

impl WavHeader {
    /// Its length in octets: where the samples begin.
    pub const LEN: usize = 44;

    /// The header of a stereo file, left and right interleaved, `rate` pairs a second.
    #[must_use]
    pub const fn stereo(rate: u32) -> Self {
        Self { channels: 2, rate }
    }

    /// The header of a mono file, `rate` samples a second.
    #[must_use]
    pub const fn mono(rate: u32) -> Self {
        Self { channels: 1, rate }
    }

    /// The octets for a file that holds `bytes` octets of samples. If they are more than the format can say (4 GiB,
    /// 37 hours of stereo at 8 kHz), they say as much as they can.
    #[must_use]
    pub fn with_data_bytes(self, bytes: u64) -> [u8; 44] {
        let frame = self.channels * 2;
        let most = (u32::MAX - 36) / u32::from(frame) * u32::from(frame);
        let bytes = u32::try_from(bytes).map_or(most, |bytes| bytes.min(most));
        let mut header = [0; 44];
        let fields = [
            &b"RIFF"[..],
            &(bytes + 36).to_le_bytes(),
            b"WAVE",
            b"fmt ",
            &16u32.to_le_bytes(),
            &TAG_PCM.to_le_bytes(),
            &self.channels.to_le_bytes(),
            &self.rate.to_le_bytes(),
            &self.rate.saturating_mul(u32::from(frame)).to_le_bytes(),
            &frame.to_le_bytes(),
            &16u16.to_le_bytes(),
            b"data",
            &bytes.to_le_bytes(),
        ];
        for (to, &from) in header.iter_mut().zip(fields.into_iter().flatten()) {
            *to = from;
        }
        header
    }
}
