//! Sound for tests: tones made, WAV files read and written, G.711, and the measures that tell who heard what.

use std::f64::consts::TAU;
use std::path::Path;

/// Samples a second of telephone audio.
pub const RATE: usize = 8000;
/// Samples of 20 ms.
pub const FRAME: usize = 160;
/// Samples of a measuring window: 10 ms, so that a lost packet of 20 ms cannot hide between two.
const WINDOW: usize = 80;
/// Below this mean square a window is silence (about −54 dB of full scale).
const FLOOR: f64 = 4000.0;

/// `seconds` of a sine at `hertz`, at a third of full scale.
pub fn sine(hertz: f64, seconds: f64) -> Vec<i16> {
    (0..samples(seconds)).map(|n| ((TAU * hertz * n as f64 / RATE as f64).sin() * 10_000.0) as i16).collect()
}

/// `seconds` in samples.
pub fn samples(seconds: f64) -> usize {
    (seconds * RATE as f64) as usize
}

/// Writes an 8 kHz mono WAV of PCM16.
///
/// # Panics
/// If the file cannot be written.
pub fn write_wav(path: &Path, sound: &[i16]) {
    let size = u32::try_from(sound.len() * 2).expect("a short sound");
    let mut bytes = Vec::with_capacity(44 + sound.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend([1, 0, 1, 0]);
    bytes.extend(8000u32.to_le_bytes());
    bytes.extend(16_000u32.to_le_bytes());
    bytes.extend([2, 0, 16, 0]);
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(sound.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a WAV file");
}

/// Reads a WAV of PCM16 at 8 kHz; one vector a channel. A data size beyond the file (a writer that was killed) is cut.
///
/// # Panics
/// If it is no such file.
pub fn read_wav(path: &Path) -> Vec<Vec<i16>> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WAVE"[..]), "{}", path.display());
    let (mut at, mut channels) = (12, 0);
    while at + 8 <= bytes.len() {
        let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four")) as usize;
        let body = &bytes[at + 8..(at + 8 + size).min(bytes.len())];
        if &bytes[at..at + 4] == b"fmt " {
            assert_eq!((body[0], body[14]), (1, 16), "PCM16");
            assert_eq!(u32::from_le_bytes(body[4..8].try_into().expect("four")), 8000);
            channels = usize::from(body[2]);
        } else if &bytes[at..at + 4] == b"data" {
            let all: Vec<i16> = body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
            return (0..channels).map(|c| all.iter().skip(c).step_by(channels).copied().collect()).collect();
        }
        at += 8 + size + size % 2;
    }
    panic!("{}: no data", path.display());
}

/// True if over `share` of the window's energy is a tone of `hertz` (Goertzel).
fn holds(window: &[i16], hertz: f64, share: f64) -> bool {
    let energy: f64 = window.iter().map(|s| f64::from(*s).powi(2)).sum();
    if energy / (window.len() as f64) < FLOOR {
        return false;
    }
    let coefficient = 2.0 * (TAU * hertz / RATE as f64).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in window {
        (one, two) = (f64::from(*sample) + coefficient * one - two, one);
    }
    let power = one * one + two * two - coefficient * one * two;
    power * 2.0 / window.len() as f64 > energy * share
}

/// Where a tone is heard in a sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Seconds from the beginning to its first window.
    pub from: f64,
    /// Seconds from the beginning to the end of its last window.
    pub to: f64,
    /// Seconds in all of the windows that hold it.
    pub total: f64,
    /// The longest time between two of its windows, in seconds: the longest gap.
    pub gap: f64,
}

/// Where a tone of `hertz` is heard, and little else; `None` if nowhere.
pub fn heard(sound: &[i16], hertz: f64) -> Option<Heard> {
    heard_as(sound, hertz, 0.5)
}

/// Where a tone of `hertz` is heard, be it among others that are no more than 10 dB louder; `None` if nowhere.
pub fn heard_in_mix(sound: &[i16], hertz: f64) -> Option<Heard> {
    heard_as(sound, hertz, 0.1)
}

fn heard_as(sound: &[i16], hertz: f64, share: f64) -> Option<Heard> {
    let seconds = WINDOW as f64 / RATE as f64;
    let windows = sound.chunks_exact(WINDOW).enumerate().filter(|(_, w)| holds(w, hertz, share)).map(|(at, _)| at);
    let windows: Vec<usize> = windows.collect();
    let (first, last) = (*windows.first()?, *windows.last()?);
    let gap = windows.windows(2).map(|pair| pair[1] - pair[0] - 1).max().unwrap_or(0);
    Some(Heard {
        from: first as f64 * seconds,
        to: (last + 1) as f64 * seconds,
        total: windows.len() as f64 * seconds,
        gap: gap as f64 * seconds,
    })
}

/// Asserts that a tone is heard for at least `seconds`, with no gap over 40 ms within.
///
/// # Panics
/// If it is not; the message says what was heard.
pub fn assert_heard(title: &str, sound: &[i16], hertz: f64, seconds: f64) -> Heard {
    let length = sound.len() as f64 / RATE as f64;
    let Some(heard) = heard(sound, hertz) else { panic!("{title}: no {hertz} Hz in {length:.2} s of sound") };
    assert!(heard.total >= seconds, "{title}: {hertz} Hz for less than {seconds} s of {length:.2}: {heard:?}");
    assert!(heard.gap <= 0.040, "{title}: a gap of {:.0} ms in {hertz} Hz: {heard:?}", heard.gap * 1000.0);
    heard
}

/// G.711 µ-law (ITU-T G.711) of one sample.
pub fn to_ulaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0x80, -i32::from(sample)) } else { (0, i32::from(sample)) };
    let biased = magnitude.min(32_635) + 132;
    let segment = (0..8).rev().find(|s| biased >= 132 << s).unwrap_or(0);
    !(sign | (segment << 4) as u8 | ((biased >> (segment + 3)) & 15) as u8)
}

/// The sample of a µ-law octet.
pub fn from_ulaw(octet: u8) -> i16 {
    let octet = !octet;
    let magnitude = (((i32::from(octet & 15) << 3) + 132) << (octet >> 4 & 7)) - 132;
    (if octet & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// The sample of an A-law octet (ITU-T G.711).
pub fn from_alaw(octet: u8) -> i16 {
    let octet = octet ^ 0x55;
    let (segment, low) = (octet >> 4 & 7, i32::from(octet & 15) << 4);
    let magnitude = if segment == 0 { low + 8 } else { (low + 264) << (segment - 1) };
    (if octet & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_heard_where_it_is_and_a_lost_packet_is_a_gap() {
        let mut sound = vec![0; samples(1.0)];
        sound.extend(sine(440.0, 2.0));
        sound.extend(sine(1000.0, 1.0));
        let whole = heard(&sound, 440.0).expect("440 Hz");
        assert!((whole.from - 1.0).abs() < 0.02 && (whole.to - 3.0).abs() < 0.02 && whole.gap == 0.0, "{whole:?}");
        sound[samples(2.0)..samples(2.06)].fill(0);
        let holed = heard(&sound, 440.0).expect("440 Hz");
        assert!((holed.gap - 0.06).abs() < 0.011, "{holed:?}");
        assert_eq!(heard(&sound, 2000.0), None);
    }

    #[test]
    fn two_tones_are_heard_in_their_mix_and_no_third_one() {
        let mix: Vec<i16> = sine(550.0, 1.0).iter().zip(sine(2100.0, 1.0)).map(|(a, b)| a / 2 + b / 2).collect();
        for tone in [550.0, 2100.0] {
            assert!(heard_in_mix(&mix, tone).is_some_and(|found| found.total > 0.95 && found.gap == 0.0), "{tone}");
        }
        assert_eq!(heard_in_mix(&mix, 2400.0), None);
    }

    #[test]
    fn g711_keeps_a_tone() {
        let tone = sine(800.0, 0.5);
        let back: Vec<i16> = tone.iter().map(|s| from_ulaw(to_ulaw(*s))).collect();
        assert!(tone.iter().zip(&back).all(|(a, b)| (i32::from(*a) - i32::from(*b)).abs() <= 512));
        assert_eq!((to_ulaw(0), from_ulaw(0xff), from_alaw(0xd5), from_alaw(0x55)), (0xff, 0, 8, -8));
    }

    #[test]
    fn a_wav_reads_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x/tone.wav");
        write_wav(&path, &sine(440.0, 0.1));
        assert_eq!(read_wav(&path), [sine(440.0, 0.1)]);
    }
}
