//! Measuring sound: for tests, and for whoever must say whether a recording holds what it should.

use std::f64::consts::PI;
use std::time::Duration;

/// Samples that [`dominant_frequency`] looks at: half a second at 8 kHz, two hertz a bin.
const WINDOW: usize = 4096;

/// The amplitude (peak, in sample units) of the sine of `hertz` in `samples` at `rate`, by Goertzel's algorithm.
/// Over N samples it tells frequencies apart that differ by `rate` / N hertz.
#[must_use]
pub fn amplitude_at(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let power = goertzel(samples.iter().map(|&sample| f64::from(sample)), rate, hertz);
    2.0 * power.sqrt() / samples.len() as f64
}

/// The loudest frequency between 100 Hz and half of `rate`, to about 1 Hz, in the loudest half second;
/// `None` if all is silence.
#[must_use]
pub fn dominant_frequency(samples: &[i16], rate: u32) -> Option<f64> {
    let chunk = samples.chunks(WINDOW / 2).enumerate().max_by(|a, b| energy(a.1).total_cmp(&energy(b.1)))?;
    let begin = (chunk.0 * WINDOW / 2).min(samples.len().saturating_sub(WINDOW));
    let window: Vec<f64> = hann(samples.get(begin..)?.iter().take(WINDOW));
    let power = |hertz: f64| goertzel(window.iter().copied(), rate, hertz);
    if energy(samples) == 0.0 {
        return None;
    }
    let nyquist = f64::from(rate) / 2.0;
    // Hann's main lobe is four bins wide, so a step of one bin cannot miss a peak.
    let coarse = (f64::from(rate) / window.len() as f64).max(0.5);
    let peak = |from: f64, to: f64, step: f64| {
        let steps = ((to - from) / step).max(0.0) as u32;
        let candidates = (0..=steps).map(|n| from + f64::from(n) * step);
        candidates.map(|hertz| (power(hertz), hertz)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, hertz)| hertz)
    };
    let near = peak(100.0, nyquist - coarse, coarse)?;
    peak(near - coarse, near + coarse, coarse / 10.0)
}

/// The root mean square of all samples, in sample units.
#[must_use]
pub fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() { 0.0 } else { (energy(samples) / samples.len() as f64).sqrt() }
}

/// The RMS of each window of 20 ms; a last shorter one counts as one.
#[must_use]
pub fn window_levels(samples: &[i16], rate: u32) -> Vec<f64> {
    let window = usize::try_from(rate / 50).unwrap_or(usize::MAX).max(1);
    samples.chunks(window).map(rms).collect()
}

/// The longest stretch, between the first and the last loud sample, in which no sample's magnitude reaches
/// `threshold`: the longest gap in a sound that should not have one. A sine crosses zero, so with a low threshold the
/// answer is a fraction of its period, not zero.
#[must_use]
pub fn longest_gap(samples: &[i16], rate: u32, threshold: u16) -> Duration {
    let loud = samples.iter().enumerate().filter(|(_, sample)| sample.unsigned_abs() >= threshold);
    let mut last = None;
    let mut longest = 0;
    for (index, _) in loud {
        longest = longest.max(last.map_or(0, |last| index - last - 1));
        last = Some(index);
    }
    Duration::from_secs_f64(longest as f64 / f64::from(rate.max(1)))
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum()
}

/// The power |X|² at `hertz`.
fn goertzel(samples: impl Iterator<Item = f64>, rate: u32, hertz: f64) -> f64 {
    let coefficient = 2.0 * (2.0 * PI * hertz / f64::from(rate.max(1))).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (sample + coefficient * last - before, last);
    }
    (last * last + before * before - coefficient * last * before).max(0.0)
}

/// Samples under Hann's window, so that a strong tone does not leak over a weak one.
fn hann<'a>(samples: impl ExactSizeIterator<Item = &'a i16>) -> Vec<f64> {
    let length = samples.len().max(1) as f64;
    let window = |n: usize| 0.5 - 0.5 * (2.0 * PI * n as f64 / length).cos();
    samples.enumerate().map(|(n, &sample)| f64::from(sample) * window(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f64, amplitude: f64, count: u32) -> Vec<i16> {
        (0..count).map(|n| (amplitude * (2.0 * PI * hertz * f64::from(n) / 8000.0).sin()).round() as i16).collect()
    }

    #[test]
    fn a_sine_has_its_amplitude_at_its_frequency_and_none_elsewhere() {
        let samples = sine(440.0, 10_000.0, 8000);
        assert!((amplitude_at(&samples, 8000, 440.0) - 10_000.0).abs() < 5.0);
        assert!(amplitude_at(&samples, 8000, 880.0) < 5.0);
        assert!((rms(&samples) - 10_000.0 / 2f64.sqrt()).abs() < 5.0);
    }

    #[test]
    fn the_dominant_frequency_is_found_within_a_hertz_even_late_in_silence() {
        for hertz in [105.0, 440.0, 1004.3, 3999.0 - 300.0] {
            let mut samples = vec![0; 20_000];
            samples.extend(sine(hertz, 3000.0, 6000));
            let found = dominant_frequency(&samples, 8000).unwrap();
            assert!((found - hertz).abs() < 1.0, "{hertz}: {found}");
        }
        assert_eq!(dominant_frequency(&[0; 8000], 8000), None);
        assert_eq!(dominant_frequency(&[], 8000), None);
    }

    #[test]
    fn the_longest_gap_lies_between_loud_samples() {
        let mut samples = vec![0; 4000];
        samples.extend(sine(440.0, 8000.0, 800));
        samples.extend([0; 400]);
        samples.extend(sine(440.0, 8000.0, 800));
        samples.extend([0; 4000]);
        let gap = longest_gap(&samples, 8000, 1000).as_secs_f64() * 1000.0;
        assert!((50.0..51.0).contains(&gap), "{gap} ms");
        assert_eq!(longest_gap(&[], 8000, 1), Duration::ZERO);
    }

    #[test]
    fn window_levels_follow_the_sound() {
        let mut samples = vec![0; 160];
        samples.extend([1000; 200]);
        assert_eq!(window_levels(&samples, 8000), vec![0.0, 1000.0, 1000.0]);
    }
}
