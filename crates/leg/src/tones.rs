//! The tones that legs play, encoded once and shared by all threads.

use audio::{Law, Prompt, ToneGenerator};

use crate::Tone;

/// One period of each tone.
#[derive(Debug)]
pub struct Tones([Prompt; 4]);

impl Tones {
    /// The octets of one period of a tone.
    #[must_use]
    pub fn octets(&self, tone: Tone, law: Law) -> &[u8] {
        let [ringback, busy, congestion, beep] = &self.0;
        let prompt = match tone {
            Tone::Ringback => ringback,
            Tone::Busy => busy,
            Tone::Congestion => congestion,
            Tone::Beep => beep,
        };
        prompt.octets(law)
    }
}

impl Default for Tones {
    fn default() -> Self {
        Self([Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Beep].map(render))
    }
}

fn render(tone: Tone) -> Prompt {
    let (sound, samples) = match tone {
        Tone::Ringback => (audio::Tone::RingbackEu, 40_000),
        Tone::Busy => (audio::Tone::BusyEu, 8_000),
        Tone::Congestion => (audio::Tone::CongestionEu, 4_000),
        Tone::Beep => (audio::Tone::Sine(1000), 1_600),
    };
    let mut period = vec![0; samples];
    ToneGenerator::new(sound).fill(&mut period);
    Prompt::from_samples(&period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_of_each_tone_has_its_cadence() {
        let tones = Tones::default();
        for (tone, on, period) in [
            (Tone::Ringback, 8_000, 40_000),
            (Tone::Busy, 4_000, 8_000),
            (Tone::Congestion, 2_000, 4_000),
            (Tone::Beep, 1_600, 1_600),
        ] {
            let octets = tones.octets(tone, Law::Ulaw);
            assert_eq!(octets.len(), period, "{tone:?}");
            let mut samples = vec![0; period];
            Law::Ulaw.decode(octets, &mut samples);
            assert!(audio::analysis::rms(&samples[..on]) > 1000.0, "{tone:?} sounds");
            assert!(audio::analysis::rms(&samples[on..]) < 10.0, "{tone:?} pauses");
        }
    }
}
