//! From whatever rate a speaker has to 8 kHz, with a low-pass that leaves no alias to hear.

use std::f64::consts::PI;

/// Half the taps on each side of the middle one at 16 kHz, as in [`crate::decimate_16k_to_8k`]; as long in time at others.
const HALF_AT_16K: u32 = 63;

/// Kaiser's β for a stop band of 70 dB.
const BETA: f64 = 6.76;

/// The cut-off (−6 dB) in hertz, in the middle of the transition from 3.4 to 4.0 kHz.
const CUTOFF: f64 = 3700.0;

/// Brings samples at `rate` (8,000 to 48,000 a second) to 8 kHz. What lies above 4 kHz is taken out; sound stays where it was.
#[must_use]
pub fn resample_to_8k(samples: &[i16], rate: u32) -> Vec<i16> {
    if rate == crate::RATE || rate == 0 {
        return samples.to_vec();
    }
    let common = gcd(rate, crate::RATE);
    // A sample of ours stands at as many places between two of theirs as this.
    let phases = crate::RATE / common;
    let step = u64::from(rate / common);
    let half = (HALF_AT_16K * rate).div_ceil(16_000);
    let tables: Vec<Vec<f64>> =
        (0..phases).map(|phase| taps(f64::from(phase) / f64::from(phases), half, rate)).collect();
    let half = usize::try_from(half).unwrap_or(usize::MAX);
    let mut padded = vec![0.0; half];
    padded.extend(samples.iter().map(|&sample| f64::from(sample)));
    padded.resize(samples.len() + 2 * half + 1, 0.0);
    let count = u64::try_from(samples.len()).unwrap_or(u64::MAX).saturating_mul(phases.into()).div_ceil(step);
    let sample = |at: u64| {
        let place = at * step;
        let phase = usize::try_from(place % u64::from(phases)).ok()?;
        let first = usize::try_from(place / u64::from(phases)).ok()?;
        let (taps, window) = (tables.get(phase)?, padded.get(first..)?);
        Some(rounded(window.iter().zip(taps).map(|(sample, tap)| sample * tap).sum()))
    };
    (0..count).map_while(sample).collect()
}

/// A windowed sinc around the place `offset` (0 to 1) behind the middle sample, whose gain at 0 Hz is 1.
fn taps(offset: f64, half: u32, rate: u32) -> Vec<f64> {
    let (width, cutoff) = (f64::from(half) + 1.0, CUTOFF / f64::from(rate));
    let tap = |n: u32| {
        let x = f64::from(n) - f64::from(half) - offset;
        let sinc = if x.abs() < 1e-9 { 2.0 * cutoff } else { (2.0 * PI * cutoff * x).sin() / (PI * x) };
        sinc * bessel_i0(BETA * (1.0 - (x / width).powi(2)).max(0.0).sqrt())
    };
    let mut taps: Vec<f64> = (0..=2 * half + 1).map(tap).collect();
    let gain: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= gain);
    taps
}

/// The modified Bessel function of the first kind and order zero, by its power series.
pub(crate) fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[allow(clippy::cast_possible_truncation, reason = "clamped to the range just before")]
pub(crate) fn rounded(value: f64) -> i16 {
    value.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::amplitude_at;

    /// The gain in decibels for a sine of `hertz` at `rate`, measured where it comes out: at its alias if above 4 kHz.
    fn gain(hertz: f64, rate: u32) -> f64 {
        let sine = (0..rate).map(|n| rounded(20_000.0 * (2.0 * PI * hertz * f64::from(n) / f64::from(rate)).sin()));
        let out = resample_to_8k(&sine.collect::<Vec<_>>(), rate);
        assert_eq!(out.len(), 8000, "a second stays a second");
        let folded = (hertz / 8000.0).fract() * 8000.0;
        let at = if folded > 4000.0 { 8000.0 - folded } else { folded };
        20.0 * (amplitude_at(&out, 8000, at) / 20_000.0).max(1e-6).log10()
    }

    #[test]
    fn the_telephone_band_passes_and_the_rest_does_not_at_any_rate() {
        for rate in [11_025, 16_000, 22_050, 24_000, 44_100, 48_000] {
            for hertz in [300.0, 1000.0, 2000.0, 3400.0] {
                assert!(gain(hertz, rate).abs() < 0.1, "{hertz} Hz at {rate}: {} dB", gain(hertz, rate));
            }
            for hertz in [4100.0, 4700.0, 5300.0].into_iter().filter(|hertz| *hertz < f64::from(rate) / 2.0) {
                assert!(gain(hertz, rate) < -55.0, "{hertz} Hz at {rate}: {} dB", gain(hertz, rate));
            }
        }
    }

    #[test]
    fn sound_stays_where_it_was_and_short_input_works() {
        let mut samples = vec![0; 2205];
        samples[1102] = 30_000;
        let out = resample_to_8k(&samples, 22_050);
        let loudest = out.iter().enumerate().max_by_key(|(_, sample)| **sample).map(|(at, _)| at);
        assert_eq!(loudest, Some(400));
        assert!(resample_to_8k(&[], 22_050).is_empty());
        assert_eq!(resample_to_8k(&[1, 2, 3], 8000), [1, 2, 3]);
        assert_eq!(resample_to_8k(&[1, 2], 22_050).len(), 1);
    }
}
