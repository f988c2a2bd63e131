//! From 16 kHz to 8 kHz, with a low-pass that leaves no alias to hear.

use std::f64::consts::PI;

use crate::resample::{bessel_i0, rounded};

/// Half the taps on each side of the middle one. 127 taps pass 3.4 kHz and stop 4.0 kHz by 70 dB or more: a window of
/// Kaiser's needs (A − 8) / 14.36 · 16 kHz / 0.6 kHz taps for A dB.
const HALF: usize = 63;

/// Kaiser's β for a stop band of 70 dB: 0.1102 (A − 8.7).
const BETA: f64 = 6.76;

/// The cut-off (−6 dB), in the middle of the transition from 3.4 to 4.0 kHz, as a share of 16 kHz.
const CUTOFF: f64 = 3700.0 / 16_000.0;

/// Halves the rate of `samples` from 16 kHz to 8 kHz. The band to 3.4 kHz passes within 0.1 dB; all that would
/// alias, from 4 kHz up, falls by 60 dB or more. The result is not delayed: sample n stands where sample 2n stood.
#[must_use]
pub fn decimate_16k_to_8k(samples: &[i16]) -> Vec<i16> {
    let taps = low_pass();
    let mut padded = vec![0.0; HALF];
    padded.extend(samples.iter().map(|&sample| f64::from(sample)));
    padded.resize(samples.len() + 2 * HALF, 0.0);
    let filtered = padded.windows(taps.len()).step_by(2);
    filtered.map(|window| rounded(window.iter().zip(&taps).map(|(sample, tap)| sample * tap).sum())).collect()
}

/// A windowed sinc whose gain at 0 Hz is 1.
fn low_pass() -> Vec<f64> {
    let mut taps: Vec<f64> = (0..=2 * HALF)
        .map(|n| {
            let offset = n as f64 - HALF as f64;
            let sinc = if n == HALF { 2.0 * CUTOFF } else { (2.0 * PI * CUTOFF * offset).sin() / (PI * offset) };
            let inside = 1.0 - (offset / HALF as f64).powi(2);
            sinc * bessel_i0(BETA * inside.sqrt())
        })
        .collect();
    let gain: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= gain);
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::amplitude_at;

    fn sine_16k(hertz: f64) -> Vec<i16> {
        (0..16_000).map(|n| rounded(20_000.0 * (2.0 * PI * hertz * f64::from(n) / 16_000.0).sin())).collect()
    }

    /// The gain in decibels for a sine of `hertz`, measured where it comes out: at its alias if above 4 kHz.
    fn gain(hertz: f64) -> f64 {
        let out = decimate_16k_to_8k(&sine_16k(hertz));
        let at = if hertz > 4000.0 { 8000.0 - hertz } else { hertz };
        20.0 * (amplitude_at(&out, 8000, at) / 20_000.0).max(1e-6).log10()
    }

    #[test]
    fn the_telephone_band_passes_unchanged() {
        for hertz in [100.0, 300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
            assert!(gain(hertz).abs() < 0.1, "{hertz} Hz: {} dB", gain(hertz));
        }
    }

    #[test]
    fn what_would_alias_falls_by_sixty_decibels() {
        let worst = (0..40).map(|step| gain(4050.0 + 98.0 * f64::from(step))).fold(f64::MIN, f64::max);
        println!("worst gain in the stop band: {worst:.1} dB");
        assert!(worst < -60.0, "{worst} dB");
    }

    #[test]
    fn sound_stays_where_it_was() {
        let mut samples = vec![0; 400];
        samples[200] = 20_000;
        let out = decimate_16k_to_8k(&samples);
        assert_eq!(out.len(), 200);
        assert_eq!(out.iter().enumerate().max_by_key(|(_, sample)| **sample).unwrap().0, 100);
    }

    #[test]
    fn full_scale_is_clamped_and_short_input_works() {
        assert!(decimate_16k_to_8k(&[]).is_empty());
        assert_eq!(decimate_16k_to_8k(&[1, 2, 3]).len(), 2);
        let square: Vec<i16> = (0..1600).map(|n| if n / 16 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        assert_eq!(decimate_16k_to_8k(&square).iter().max(), Some(&i16::MAX));
    }
}
