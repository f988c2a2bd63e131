//! One recording: where its audio stands, what of it is written, what is lost.

use std::io;
use std::path::Path;
use std::sync::Arc;

use audio::{FRAME, Law, RATE, WavHeader};
use base::{CallId, Mono, TakeId, Wall};
use leg::Stereo;

use crate::disk::TakeFile;

/// Octets of a frame of 20 ms in the file: two sides, 16 bits.
const FRAME_OCTETS: u64 = FRAME as u64 * 4;
const HEADER_OCTETS: u64 = WavHeader::LEN as u64;

/// A recording that was begun.
pub struct Take {
    /// Its file, below the data folder.
    pub name: Arc<str>,
    pub file: Option<Box<dyn TakeFile>>,
    /// True once its file was made.
    pub made: bool,
    /// Length so far in frames, lost ones included: where the next chunk is expected.
    pub frames: u64,
    /// Frames lost in all, and of these those not told yet.
    pub lost: u64,
    pub untold: u64,
    pub why: String,
    /// When losses were last told, and when the last chunk came.
    pub told: Option<Mono>,
    pub heard: Mono,
    /// Frames at the end of the file's audio, as its header says.
    written: u64,
}

/// The file's name from our own ids, below the data folder.
pub fn file_name(at: Wall, call: CallId, take: TakeId) -> String {
    let text = at.to_string();
    let day = text.get(..10).unwrap_or_default().replace('-', "/");
    format!("recordings/{day}/{call}-{take}.wav")
}

/// The ids in a file's name.
pub fn ids_of(file: &str) -> Option<(CallId, TakeId)> {
    let stem = Path::new(file).file_stem()?.to_str()?;
    let (call, take) = stem.split_once('-')?;
    Some((call.parse().ok()?, take.parse().ok()?))
}

/// The header of a file with so many frames.
pub fn header(frames: u64) -> [u8; WavHeader::LEN] {
    WavHeader::stereo(RATE).with_data_bytes(frames.saturating_mul(FRAME_OCTETS))
}

impl Take {
    pub fn new(name: Arc<str>, now: Mono) -> Self {
        Self {
            name,
            file: None,
            made: false,
            frames: 0,
            lost: 0,
            untold: 0,
            why: String::new(),
            told: None,
            heard: now,
            written: 0,
        }
    }

    /// Takes up a file just made: from now on it can be read, and has no audio yet.
    pub fn open(&mut self, mut file: Box<dyn TakeFile>) -> io::Result<()> {
        let made = write_all(&mut *file, &header(0), 0);
        self.file = Some(file);
        self.made = true;
        made
    }

    /// Writes audio at its place: the samples, then the header, which makes them part of the file. Where frames before
    /// it are missing, the file has a hole, which reads as silence.
    pub fn write(&mut self, samples: &[u8], first: u64, frames: u64) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        write_all(&mut **file, samples, HEADER_OCTETS + first.saturating_mul(FRAME_OCTETS))?;
        let end = first.saturating_add(frames);
        write_all(&mut **file, &header(end), 0)?;
        self.written = end;
        Ok(())
    }

    pub fn lose(&mut self, frames: u64, why: &str) {
        if frames > 0 {
            self.lost = self.lost.saturating_add(frames);
            self.untold = self.untold.saturating_add(frames);
            why.clone_into(&mut self.why);
        }
    }

    /// Ends the file. Silence stands for audio that was lost at the end, so that its length is the recording's.
    pub fn close(&mut self) {
        let Some(mut file) = self.file.take() else { return };
        if self.written < self.frames {
            let len = HEADER_OCTETS + self.frames.saturating_mul(FRAME_OCTETS);
            let longer = file.set_len(len).and_then(|()| write_all(&mut *file, &header(self.frames), 0));
            // It cannot be helped: the file is shorter than the recording, and what is lost was told.
            drop(longer);
        }
    }
}

/// Both sides of a chunk as the file has them: left and right in turn, 16 bits, little-endian.
pub fn interleave(law: Law, audio: &Stereo, samples: &mut Vec<u8>) {
    samples.clear();
    let pairs = audio.left.iter().zip(&audio.right);
    samples.extend(pairs.flat_map(|(&left, &right)| {
        let ([a, b], [c, d]) = (law.decode_sample(left).to_le_bytes(), law.decode_sample(right).to_le_bytes());
        [a, b, c, d]
    }));
}

pub fn write_all(file: &mut dyn TakeFile, mut octets: &[u8], mut at: u64) -> io::Result<()> {
    while !octets.is_empty() {
        match file.write_at(octets, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                octets = octets.get(count..).unwrap_or_default();
                at += u64::try_from(count).unwrap_or(u64::MAX);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_day_call_and_take() {
        let (call, take) = (CallId::from_raw(1), TakeId::from_raw(2));
        let name = file_name(Wall::from_unix_micros(1_795_253_400_000_000), call, take);
        assert_eq!(name, "recordings/2026/11/21/c0000000000001-t0000000000002.wav");
        assert_eq!(ids_of(&name), Some((call, take)));
        assert_eq!(ids_of("recordings/x.wav"), None);
    }

    #[test]
    fn both_sides_are_interleaved_as_16_bits() {
        let audio = Stereo { left: vec![0x80; 2], right: vec![0xff; 2] };
        let mut samples = Vec::new();
        interleave(Law::Ulaw, &audio, &mut samples);
        // µ-law 0x80 is the greatest positive sample, 32124; 0xff is zero.
        assert_eq!(samples, [0x7c, 0x7d, 0, 0, 0x7c, 0x7d, 0, 0]);
    }
}
