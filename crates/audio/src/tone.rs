//! Call-progress tones: sums of sines with a cadence (ITU-T E.180 and its Supplement 2; ANSI T1.401 for North
//! America).

use std::f64::consts::TAU;

use crate::RATE;

/// The level of a sine of full scale, in dBm0 (G.711 section 4, A-law).
#[allow(clippy::approx_constant, reason = "a level that only looks like π")]
const FULL_SCALE_DBM0: f64 = 3.14;

/// A tone that a caller can hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Ringback in most of Europe: 425 Hz, 1 s on, 4 s off.
    RingbackEu,
    /// Ringback in North America: 440 + 480 Hz, 2 s on, 4 s off.
    RingbackUs,
    /// Busy in most of Europe: 425 Hz, 0.5 s on, 0.5 s off.
    BusyEu,
    /// Busy in North America: 480 + 620 Hz, 0.5 s on, 0.5 s off.
    BusyUs,
    /// Congestion in most of Europe: 425 Hz, 0.25 s on, 0.25 s off.
    CongestionEu,
    /// Congestion (reorder) in North America: 480 + 620 Hz, 0.25 s on, 0.25 s off.
    CongestionUs,
    /// A steady sine of so many hertz (below 4,000); for tests and for "after the tone".
    Sine(u16),
}

impl Tone {
    /// The sines: hertz and level in dBm0.
    fn sines(self) -> [Option<(f64, f64)>; 2] {
        match self {
            Self::RingbackEu | Self::BusyEu | Self::CongestionEu => [Some((425.0, -10.0)), None],
            Self::RingbackUs => [Some((440.0, -19.0)), Some((480.0, -19.0))],
            Self::BusyUs | Self::CongestionUs => [Some((480.0, -24.0)), Some((620.0, -24.0))],
            Self::Sine(hertz) => [Some((f64::from(hertz), -10.0)), None],
        }
    }

    /// Milliseconds of sound and of silence that repeat; `None` if it is steady.
    const fn cadence(self) -> Option<(u32, u32)> {
        match self {
            Self::RingbackEu => Some((1000, 4000)),
            Self::RingbackUs => Some((2000, 4000)),
            Self::BusyEu | Self::BusyUs => Some((500, 500)),
            Self::CongestionEu | Self::CongestionUs => Some((250, 250)),
            Self::Sine(_) => None,
        }
    }
}

/// Makes a [`Tone`]'s samples at 8 kHz, frame after frame, without a click between them.
#[derive(Clone, Debug)]
pub struct ToneGenerator {
    tone: Tone,
    sines: [Oscillator; 2],
    /// Samples since the cadence began.
    at: u32,
    on: u32,
    period: u32,
}

impl ToneGenerator {
    /// A generator at the beginning of `tone`'s cadence.
    #[must_use]
    pub fn new(tone: Tone) -> Self {
        let samples = |ms: u32| ms * (RATE / 1000);
        // A steady tone has a cadence too, of whole seconds without silence: its sines have whole hertz and so end
        // where they begin, and starting them afresh keeps them exact for ever.
        let (on, off) = tone.cadence().unwrap_or((1000, 0));
        let sines =
            tone.sines().map(|sine| sine.map_or(Oscillator::SILENT, |(hertz, dbm0)| Oscillator::new(hertz, dbm0)));
        Self { tone, sines, at: 0, on: samples(on), period: samples(on + off) }
    }

    /// The tone that it makes.
    #[must_use]
    pub const fn tone(&self) -> Tone {
        self.tone
    }

    /// Fills `frame` with the next samples, as many as it holds. A tone never ends.
    pub fn fill(&mut self, frame: &mut [i16]) {
        for sample in frame {
            if self.at == 0 {
                self.sines.iter_mut().for_each(Oscillator::restart);
            }
            *sample =
                if self.at < self.on { self.sines.iter_mut().map(Oscillator::step).sum::<f64>() as i16 } else { 0 };
            self.at += 1;
            if self.at >= self.period {
                self.at = 0;
            }
        }
    }
}

/// A sine as the imaginary part of a number that turns by the same angle for each sample: four products, no table.
#[derive(Clone, Debug)]
struct Oscillator {
    amplitude: f64,
    now: (f64, f64),
    turn: (f64, f64),
}

impl Oscillator {
    const SILENT: Self = Self { amplitude: 0.0, now: (0.0, 0.0), turn: (1.0, 0.0) };

    fn new(hertz: f64, dbm0: f64) -> Self {
        let (sin, cos) = (TAU * hertz / f64::from(RATE)).sin_cos();
        let amplitude = f64::from(i16::MAX) * 10f64.powf((dbm0 - FULL_SCALE_DBM0) / 20.0);
        Self { amplitude, now: (amplitude, 0.0), turn: (cos, sin) }
    }

    fn restart(&mut self) {
        self.now = (self.amplitude, 0.0);
    }

    fn step(&mut self) -> f64 {
        let ((re, im), (cos, sin)) = (self.now, self.turn);
        self.now = (re * cos - im * sin, re * sin + im * cos);
        im
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;
    use crate::analysis::{amplitude_at, dominant_frequency, longest_gap, window_levels};

    fn seconds(tone: Tone, seconds: usize) -> Vec<i16> {
        let mut generator = ToneGenerator::new(tone);
        let mut samples = vec![0; seconds * 8000];
        samples.chunks_mut(FRAME).for_each(|frame| generator.fill(frame));
        samples
    }

    /// The lengths, in windows of 20 ms, of sound and silence in turn.
    fn cadence(samples: &[i16]) -> Vec<usize> {
        let levels = window_levels(samples, RATE);
        levels.chunk_by(|a, b| (*a > 100.0) == (*b > 100.0)).map(<[f64]>::len).collect()
    }

    #[test]
    fn each_tone_has_its_cadence() {
        let cases = [
            (Tone::RingbackEu, vec![50, 200, 50, 200]),
            (Tone::RingbackUs, vec![100, 200, 100, 100]),
            (Tone::BusyEu, vec![25; 20]),
            (Tone::Sine(1000), vec![500]),
        ];
        for (tone, windows) in cases {
            assert_eq!(cadence(&seconds(tone, 10)), windows, "{tone:?}");
        }
        // A quarter of a second is twelve windows and a half, so sound and silence share one window of each second.
        let congestion = seconds(Tone::CongestionUs, 1);
        assert!(congestion[..2000].iter().any(|&sample| sample != 0));
        assert!(congestion[2000..4000].iter().all(|&sample| sample == 0));
        assert!(congestion[4000..6000].iter().any(|&sample| sample != 0));
    }

    #[test]
    fn each_tone_has_its_frequencies_at_their_levels() {
        let full = f64::from(i16::MAX);
        let dbm0 = |amplitude: f64| 20.0 * (amplitude / full).log10() + FULL_SCALE_DBM0;
        for (tone, sines) in [
            (Tone::RingbackEu, vec![(425.0, -10.0)]),
            (Tone::RingbackUs, vec![(440.0, -19.0), (480.0, -19.0)]),
            (Tone::BusyUs, vec![(480.0, -24.0), (620.0, -24.0)]),
        ] {
            let samples = &seconds(tone, 1)[..4000];
            for (hertz, level) in sines {
                let measured = dbm0(amplitude_at(samples, RATE, hertz));
                assert!((measured - level).abs() < 0.1, "{tone:?} {hertz} Hz: {measured} dBm0");
            }
        }
        assert!((dominant_frequency(&seconds(Tone::Sine(1004), 1), RATE).unwrap() - 1004.0).abs() < 1.0);
    }

    #[test]
    fn every_burst_begins_at_a_zero_crossing() {
        // 425 Hz turns 106.25 times in a quarter of a second, so a sine that ran on would begin at its peak.
        let samples = seconds(Tone::CongestionEu, 2);
        assert!((0..4).all(|burst| samples[burst * 4000] == 0 && samples[burst * 4000 + 1] > 0));
    }

    #[test]
    fn frames_join_without_a_click_and_the_level_holds_for_minutes() {
        let samples = seconds(Tone::Sine(440), 120);
        let step = samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap();
        // A sine's steepest step is 2π f / rate of its amplitude.
        assert!(f64::from(step) <= 7220.0 * TAU * 440.0 / 8000.0 + 2.0, "{step}");
        assert!(longest_gap(&samples, RATE, 1000).as_secs_f64() < 0.001);
    }
}
