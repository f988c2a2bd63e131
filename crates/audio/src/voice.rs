//! Whether somebody speaks.

use crate::Law;

/// The mean magnitude of a frame, of 32,768, from which on it counts as sound: about −48 dB of full scale. The noise of a line is below
/// it, a quiet voice above.
const LEAST: u64 = 128;

/// True if a stretch of audio holds a voice, or another sound, and no more than the noise of a line if false.
#[must_use]
pub fn is_voiced(law: Law, octets: &[u8]) -> bool {
    let sum: u64 = octets.iter().map(|&octet| u64::from(law.decode_sample(octet).unsigned_abs())).sum();
    let count = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    count > 0 && sum >= LEAST.saturating_mul(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_voice_is_told_from_the_noise_of_a_line() {
        for law in [Law::Ulaw, Law::Alaw] {
            let sine = |peak: f64| -> Vec<u8> {
                (0..160).map(|n| law.encode_sample((peak * (f64::from(n) * 0.3).sin()) as i16)).collect()
            };
            assert!(is_voiced(law, &sine(300.0)));
            assert!(!is_voiced(law, &sine(60.0)));
            assert!(!is_voiced(law, &[law.silence(); 160]) && !is_voiced(law, &[]));
        }
    }
}
