//! Two voices at once, for somebody who hears both.

/// Adds a voice to another, as many samples as both slices hold.
///
/// Each stays as loud as it is alone: nothing is turned down because somebody else speaks, so that no level jumps when he does, and
/// a voice beside silence comes out bit for bit. Where both together are louder than 16 bits can say, the sample is the loudest
/// there is; it never wraps round to the other sign. Two voices at the level of telephony (−20 dBm0, peaks 15 dB above) do not come
/// there.
pub fn mix(into: &mut [i16], other: &[i16]) {
    for (sample, &other) in into.iter_mut().zip(other) {
        *sample = sample.saturating_add(other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analysis::amplitude_at;
    use crate::{FRAME, Tone, ToneGenerator};

    fn mixed(one: &[i16], other: &[i16]) -> Vec<i16> {
        let mut sum = one.to_vec();
        mix(&mut sum, other);
        sum
    }

    proptest! {
        #[test]
        fn a_sample_is_the_sum_of_both_or_the_loudest_there_is(pairs in prop::collection::vec(any::<(i16, i16)>(), 0..FRAME)) {
            let (one, other): (Vec<i16>, Vec<i16>) = pairs.into_iter().unzip();
            let sum = mixed(&one, &other);
            for ((sum, one), other) in sum.iter().zip(&one).zip(&other) {
                let exact = i32::from(*one) + i32::from(*other);
                prop_assert_eq!(i32::from(*sum), exact.clamp(i32::from(i16::MIN), i32::from(i16::MAX)));
            }
            prop_assert_eq!(mixed(&other, &one), sum, "whoever comes first");
        }

        #[test]
        fn a_voice_beside_silence_is_as_it_was(one in prop::collection::vec(any::<i16>(), 0..FRAME)) {
            prop_assert_eq!(mixed(&one, &vec![0; one.len()]), one);
        }
    }

    #[test]
    fn two_tones_are_both_there_as_loud_as_each_is_alone_and_nothing_else_is() {
        let tone = |hertz| {
            let mut samples = vec![0; 8000];
            ToneGenerator::new(Tone::Sine(hertz)).fill(&mut samples);
            samples
        };
        let (one, other) = (tone(440), tone(1000));
        let alone = [amplitude_at(&one, 8000, 440.0), amplitude_at(&other, 8000, 1000.0)];
        let sum = mixed(&one, &other);
        for (hertz, alone) in [440.0, 1000.0].into_iter().zip(alone) {
            assert!((amplitude_at(&sum, 8000, hertz) / alone - 1.0).abs() < 0.001, "{hertz}");
        }
        for hertz in [560.0, 880.0, 1440.0, 2000.0] {
            assert!(amplitude_at(&sum, 8000, hertz) < 10.0, "{hertz}");
        }
    }

    #[test]
    fn what_one_slice_lacks_is_left_as_it_was() {
        assert_eq!(mixed(&[1, 2, 3], &[10]), [11, 2, 3]);
        assert_eq!(mixed(&[1], &[10, 20]), [11]);
    }
}
