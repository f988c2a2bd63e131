//! What legs can play: prompts and tones, encoded once and shared by all threads.

use audio::{Law, Prompt, ToneGenerator};

use crate::{PromptId, Tone};

/// The prompts and tones that legs play.
#[derive(Debug)]
pub struct Library {
    prompts: Vec<Prompt>,
    tones: [Prompt; 4],
}

impl Library {
    /// A library of `prompts`, named by their index ([`PromptId`]), and all tones.
    #[must_use]
    pub fn new(prompts: Vec<Prompt>) -> Self {
        Self { prompts, tones: [Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Beep].map(render) }
    }

    /// The octets of a prompt; none for an id that no prompt has.
    #[must_use]
    pub fn prompt(&self, id: PromptId, law: Law) -> &[u8] {
        usize::try_from(id.0).ok().and_then(|index| self.prompts.get(index)).map_or(&[], |prompt| prompt.octets(law))
    }

    /// The octets of one period of a tone.
    #[must_use]
    pub fn tone(&self, tone: Tone, law: Law) -> &[u8] {
        let [ringback, busy, congestion, beep] = &self.tones;
        let prompt = match tone {
            Tone::Ringback => ringback,
            Tone::Busy => busy,
            Tone::Congestion => congestion,
            Tone::Beep => beep,
        };
        prompt.octets(law)
    }
}

impl Default for Library {
    fn default() -> Self {
        Self::new(Vec::new())
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
        let library = Library::default();
        for (tone, on, period) in [
            (Tone::Ringback, 8_000, 40_000),
            (Tone::Busy, 4_000, 8_000),
            (Tone::Congestion, 2_000, 4_000),
            (Tone::Beep, 1_600, 1_600),
        ] {
            let octets = library.tone(tone, Law::Ulaw);
            assert_eq!(octets.len(), period, "{tone:?}");
            let mut samples = vec![0; period];
            Law::Ulaw.decode(octets, &mut samples);
            assert!(audio::analysis::rms(&samples[..on]) > 1000.0, "{tone:?} sounds");
            assert!(audio::analysis::rms(&samples[on..]) < 10.0, "{tone:?} pauses");
        }
    }

    #[test]
    fn an_unknown_prompt_is_empty() {
        assert!(Library::default().prompt(PromptId(3), Law::Alaw).is_empty());
    }
}
