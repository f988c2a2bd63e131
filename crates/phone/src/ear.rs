//! What a phone heard, measured on the left side of its leg's recording.

use std::time::Duration;

use leg::{Chunk, FRAME};

/// A frame without a sample of this magnitude is silence: −50 dB of full scale, as for prompts.
const SILENT_PEAK: u16 = 104;

/// A frame's time.
const TICK: Duration = Duration::from_millis(20);

/// Measures what was heard.
#[derive(Clone, Debug, Default)]
pub struct Ear {
    frames: u64,
    loud: u64,
    squares: f64,
    peak: u16,
}

/// What was heard in all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hearing {
    /// How long it was listened.
    pub length: Duration,
    /// How much of that was not silence, by frames of 20 ms.
    pub sound: Duration,
    /// The RMS of what was not silence, in dB of a full-scale square wave; −∞ if all was silence.
    pub level_dbfs: f64,
    /// The largest magnitude, in the same unit.
    pub peak_dbfs: f64,
}

impl Ear {
    /// Listens to a chunk. If it holds the first sound of the call: how long after the recording's begin.
    pub fn hear(&mut self, chunk: &Chunk) -> Option<Duration> {
        let mut first = None;
        let mut place = chunk.first_frame;
        let mut samples = [0i16; FRAME];
        for octets in chunk.audio.left.as_chunks::<FRAME>().0 {
            chunk.law.decode(octets, &mut samples);
            let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
            if peak >= SILENT_PEAK {
                if self.loud == 0 {
                    first = Some(TICK.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX)));
                }
                self.loud += 1;
                self.squares += samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>();
                self.peak = self.peak.max(peak);
            }
            place += 1;
        }
        self.frames = self.frames.max(place);
        first
    }

    /// What was heard so far.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        let time = |frames: u64| TICK.saturating_mul(u32::try_from(frames).unwrap_or(u32::MAX));
        let rms = (self.squares / (self.loud.max(1) as f64 * FRAME as f64)).sqrt();
        let decibels = |amplitude: f64| 20.0 * (amplitude / 32_768.0).log10();
        Hearing {
            length: time(self.frames),
            sound: time(self.loud),
            level_dbfs: decibels(rms),
            peak_dbfs: decibels(f64::from(self.peak)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::TakeId;
    use leg::{Law, Stereo};

    fn chunk(first_frame: u64, frames: &[i16]) -> Chunk {
        let octets = |sample: &i16| [Law::Ulaw.encode_sample(*sample); FRAME];
        let left: Vec<u8> = frames.iter().flat_map(octets).collect();
        let audio = Stereo { right: vec![0xff; left.len()], left };
        Chunk { take: TakeId::from_raw(1), law: Law::Ulaw, first_frame, lost: 0, last: false, audio }
    }

    #[test]
    fn the_first_sound_is_told_once_with_its_place() {
        let mut ear = Ear::default();
        assert_eq!(ear.hear(&chunk(0, &[0, 0, 0])), None);
        assert_eq!(ear.hear(&chunk(10, &[0, 16_000])), Some(Duration::from_millis(220)));
        assert_eq!(ear.hear(&chunk(12, &[16_000])), None);
    }

    #[test]
    fn the_level_is_that_of_the_sound_alone() {
        let mut ear = Ear::default();
        ear.hear(&chunk(0, &[0, 0, 0, 16_384]));
        let hearing = ear.hearing();
        assert!((hearing.level_dbfs - -6.0).abs() < 0.3 && (hearing.peak_dbfs - -6.0).abs() < 0.3, "{hearing:?}");
        assert_eq!((hearing.sound, hearing.length), (TICK, TICK * 4));
    }

    #[test]
    fn silence_has_no_level() {
        let mut ear = Ear::default();
        ear.hear(&chunk(0, &[0, 0]));
        assert_eq!((ear.hearing().level_dbfs, ear.hearing().sound), (f64::NEG_INFINITY, Duration::ZERO));
    }
}
