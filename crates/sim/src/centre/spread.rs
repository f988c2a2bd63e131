//! Distributions of times, drawn from a seeded generator.

use std::time::Duration;

use base::Rng;

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// Always so long.
    Constant(Duration),
    /// Exponential, with this mean: it ends at any moment as likely as at any other.
    Exponential(Duration),
    /// Lognormal: most are a little shorter than the mean, few much longer.
    Lognormal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        deviation: Duration,
    },
    /// It does not end by itself.
    Endless,
}

/// Nothing that is drawn is longer.
const LONGEST: f64 = 7.0 * 86_400.0;

impl Spread {
    /// One of them; none: it does not end.
    #[must_use]
    pub fn draw(self, rng: &mut Rng) -> Option<Duration> {
        let seconds = match self {
            Self::Constant(time) => return Some(time),
            Self::Endless => return None,
            Self::Exponential(mean) => -unit(rng).ln() * mean.as_secs_f64(),
            Self::Lognormal { mean, .. } if mean.is_zero() => 0.0,
            Self::Lognormal { mean, deviation } => {
                let (mean, deviation) = (mean.as_secs_f64(), deviation.as_secs_f64());
                let variance = (deviation / mean).powi(2).ln_1p();
                variance.sqrt().mul_add(normal(rng), mean.ln() - variance / 2.0).exp()
            }
        };
        Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST)))
    }
}

/// A number above 0 and up to 1, each as likely.
pub(crate) fn unit(rng: &mut Rng) -> f64 {
    const STEPS: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
    let drawn = (rng.u64() >> 11) as f64;
    (drawn + 1.0) / STEPS
}

/// A number of the standard normal distribution (Box and Muller).
fn normal(rng: &mut Rng) -> f64 {
    let (radius, angle) = ((-2.0 * unit(rng).ln()).sqrt(), std::f64::consts::TAU * unit(rng));
    radius * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_has_the_mean_and_the_deviation_that_were_asked_for() {
        let minute = Duration::from_secs(60);
        for (spread, mean, deviation) in [
            (Spread::Exponential(minute), 60.0, 60.0),
            (Spread::Lognormal { mean: minute, deviation: minute / 2 }, 60.0, 30.0),
            (Spread::Constant(minute), 60.0, 0.0),
            (Spread::Lognormal { mean: Duration::ZERO, deviation: minute }, 0.0, 0.0),
        ] {
            let mut rng = Rng::from_number(3);
            let drawn: Vec<f64> =
                (0..40_000).map(|_| spread.draw(&mut rng).unwrap_or_default().as_secs_f64()).collect();
            let found = drawn.iter().sum::<f64>() / 40_000.0;
            let around = drawn.iter().map(|one| (one - found).powi(2)).sum::<f64>() / 40_000.0;
            assert!((found - mean).abs() <= mean / 50.0, "{spread:?}: {found}");
            assert!((around.sqrt() - deviation).abs() <= deviation / 25.0, "{spread:?}: {}", around.sqrt());
        }
        assert_eq!(Spread::Endless.draw(&mut Rng::from_number(1)), None);
    }
}
