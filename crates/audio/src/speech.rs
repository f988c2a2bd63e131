//! What a speech synthesiser wrote, made fit for the telephone: 8 kHz, as loud as other prompts.

use crate::prompt::Levels;
use crate::resample::{resample_to_8k, rounded};
use crate::{AudioError, FRAME, Wav, WavHeader};

/// How loud speech shall be: its RMS, pauses left out, in decibels of full scale; as that of the shipped prompts.
const LOUDNESS: f32 = -20.0;

/// No peak is louder than this, in decibels of full scale.
const PEAK: f32 = -1.0;

/// What is quieter is made no louder than by this, in decibels: it would be noise.
const MOST_GAIN: f32 = 24.0;

/// A frame quieter than this is a pause: −50 dB of full scale.
const PAUSE: f32 = 104.0;

/// The samples of a WAV file that a speaker wrote, at 8 kHz and of a sane level. It is one of 16-bit PCM, mono, at 8 to 48 kHz;
/// one that was written to a pipe, and so could not know its length, may announce more than any file has.
///
/// # Errors
/// [`AudioError`] says what is wrong; [`AudioError::NoSound`] if nobody would hear it.
pub fn speech_samples(file: &[u8]) -> Result<Vec<i16>, AudioError> {
    let Wav { rate, samples } = Wav::parse_spoken(file)?;
    let mut samples = resample_to_8k(&samples, rate);
    if Levels::of(&samples).is_silent() {
        return Err(AudioError::NoSound);
    }
    level(&mut samples);
    Ok(samples)
}

/// A WAV file of samples at 8 kHz.
#[must_use]
pub fn wav_of(samples: &[i16]) -> Vec<u8> {
    let octets = u64::try_from(samples.len()).unwrap_or(u64::MAX).saturating_mul(2);
    let mut file = WavHeader::mono(crate::RATE).with_data_bytes(octets).to_vec();
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// Brings speech to [`LOUDNESS`], unless a peak would then be above [`PEAK`].
fn level(samples: &mut [i16]) {
    let (mut squares, mut count) = (0.0, 0usize);
    for frame in samples.chunks(FRAME) {
        let rms = Levels::of(frame).rms;
        if rms >= PAUSE {
            squares += f64::from(rms).powi(2) * frame.len() as f64;
            count += frame.len();
        }
    }
    let full = 32_768.0;
    let loudness = 20.0 * ((squares / count.max(1) as f64).sqrt() / full).max(1e-6).log10();
    let peak = 20.0 * (f64::from(Levels::of(samples).peak) / full).max(1e-6).log10();
    let gain = (f64::from(LOUDNESS) - loudness).min(f64::from(PEAK) - peak).min(f64::from(MOST_GAIN));
    let factor = 10f64.powf(gain / 20.0);
    samples.iter_mut().for_each(|sample| *sample = rounded(f64::from(*sample) * factor));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(rate: u32, announced: u32, samples: &[i16]) -> Vec<u8> {
        let mut file = WavHeader::mono(rate).with_data_bytes(0).to_vec();
        file[40..44].copy_from_slice(&announced.to_le_bytes());
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    fn tone(amplitude: f64, rate: u32) -> Vec<i16> {
        (0..rate).map(|n| rounded(amplitude * (f64::from(n) / f64::from(rate) * 6283.0).sin())).collect()
    }

    #[test]
    fn speech_comes_out_as_loud_as_other_prompts() {
        for amplitude in [600.0, 3000.0, 32_000.0] {
            let mut samples = tone(amplitude, 22_050);
            // A pause does not count.
            samples.extend([0; 22_050]);
            let spoken = speech_samples(&file(22_050, 88_200, &samples)).unwrap();
            assert_eq!(spoken.len(), 16_000);
            let rms = Levels::of(&spoken[..8000]).rms_dbfs();
            assert!((rms - LOUDNESS).abs() < 0.3, "{amplitude}: {rms} dB");
        }
        // Peaks are not cut: what has high ones stays quieter.
        let mut samples = tone(1000.0, 8000);
        samples[4000] = 32_000;
        let levels = Levels::of(&speech_samples(&file(8000, 16_000, &samples)).unwrap());
        assert!(levels.peak < 29_300 && levels.clipped == 0, "{levels:?}");
    }

    #[test]
    fn a_length_that_a_pipe_could_not_know_is_that_of_what_came() {
        let samples = tone(3000.0, 8000);
        for announced in [0x7fff_f000, u32::MAX, 0] {
            assert_eq!(speech_samples(&file(8000, announced, &samples)).map(|samples| samples.len()), Ok(8000));
        }
    }

    #[test]
    fn what_is_no_speech_is_refused() {
        let samples = tone(3000.0, 8000);
        let refused = |file: &[u8]| speech_samples(file).unwrap_err();
        assert_eq!(refused(b"rubbish"), AudioError::NotWav);
        assert!(matches!(refused(&file(8000, 16_002, &samples)), AudioError::Cut { .. }));
        assert_eq!(refused(&file(8000, 16_000, &[0; 8000])), AudioError::NoSound);
        assert_eq!(refused(&file(8000, u32::MAX, &[])), AudioError::NoSound);
        assert_eq!(refused(&file(96_000, 16_000, &samples)), AudioError::Rate { rate: 96_000 });
        assert!(matches!(refused(&file(4000, 16_000, &samples)), AudioError::Rate { .. }));
    }

    #[test]
    fn what_was_written_is_read_again() {
        let samples = tone(3000.0, 8000);
        assert_eq!(Wav::parse(&wav_of(&samples)).unwrap().samples, samples);
    }
}
