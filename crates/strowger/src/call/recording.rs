//! The recorded audio of a call: from the media thread to the phone, and into a file.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use audio::WavHeader;
use leg::{CHUNK_FRAMES, Chunk, FRAME, Stereo, TakeSink};

use super::Input;
use crate::error::Error;
use crate::mailbox::Sender;

/// Octets of a frame in the file: two sides of 16 bits.
const FRAME_OCTETS: u64 = 4 * FRAME as u64;

/// Hands recorded audio over to the phone.
pub(super) struct ChunkSink(Sender<Input>);

impl ChunkSink {
    /// A sink into the phone's inputs.
    pub fn new(inputs: Sender<Input>) -> Self {
        Self(inputs)
    }
}

impl TakeSink for ChunkSink {
    /// New ones each half second: one call needs no pool.
    fn buffer(&mut self) -> Option<Stereo> {
        Some(Stereo::with_room())
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        match self.0.try_send(Input::Audio(chunk)) {
            Err(Input::Audio(chunk)) => Err(chunk),
            _ => Ok(()),
        }
    }
}

/// A stereo WAV file that can be read at any moment: audio is written before the header that counts it.
#[derive(Debug)]
pub(super) struct Recording {
    file: File,
    path: PathBuf,
    /// Octets of samples that the header counts.
    length: u64,
}

impl Recording {
    /// An empty file; one that is there is replaced.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let mut file = File::create(path).map_err(failed)?;
        file.write_all(&WavHeader::stereo(audio::RATE).with_data_bytes(0)).map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), length: 0 })
    }

    /// Writes a chunk at its place. What was lost before it reads as silence.
    pub fn write(&mut self, chunk: &Chunk) -> Result<(), Error> {
        self.put(chunk).map_err(|source| Error::File { path: self.path.clone(), source })
    }

    fn put(&mut self, chunk: &Chunk) -> io::Result<()> {
        let sides = chunk.audio.left.iter().zip(&chunk.audio.right);
        let mut octets = Vec::with_capacity(CHUNK_FRAMES * FRAME * 4);
        for (&left, &right) in sides {
            octets.extend(chunk.law.decode_sample(left).to_le_bytes());
            octets.extend(chunk.law.decode_sample(right).to_le_bytes());
        }
        let place = chunk.first_frame.saturating_mul(FRAME_OCTETS);
        let end = place.saturating_add(u64::try_from(octets.len()).unwrap_or(0));
        self.file.seek(SeekFrom::Start(place.saturating_add(WavHeader::LEN as u64)))?;
        self.file.write_all(&octets)?;
        if !octets.is_empty() {
            self.length = self.length.max(end);
        }
        self.file.rewind()?;
        self.file.write_all(&WavHeader::stereo(audio::RATE).with_data_bytes(self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::TakeId;
    use leg::Law;

    fn chunk(first_frame: u64, left: i16, right: i16) -> Chunk {
        let side = |sample| vec![Law::Alaw.encode_sample(sample); FRAME];
        let audio = Stereo { left: side(left), right: side(right) };
        Chunk { take: TakeId::from_raw(1), law: Law::Alaw, first_frame, lost: 0, last: false, audio }
    }

    #[test]
    fn a_recording_reads_at_any_moment_and_a_gap_is_silence() {
        let path = std::env::temp_dir().join(format!("strowger-recording-{}.wav", std::process::id()));
        let mut recording = Recording::create(&path).unwrap();
        recording.write(&chunk(0, 8000, -8000)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap().len(), 44 + 640);
        recording.write(&chunk(2, 8000, -8000)).unwrap();
        let file = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let samples: Vec<i16> = file[44..].as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
        assert_eq!(file[40..44], (3 * 640u32).to_le_bytes());
        assert_eq!(samples.len(), 3 * 320);
        assert!((samples[0] - 8000).abs() < 200 && (samples[1] + 8000).abs() < 200, "left, then right");
        assert!(samples[320..640].iter().all(|&sample| sample == 0));
        assert!((samples[640] - 8000).abs() < 200);
    }
}
