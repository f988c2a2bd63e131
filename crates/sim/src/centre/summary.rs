//! The outcome of a centre's day in words, for a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use journal::kpi::Figures;

use super::tally::{Tally, agents};
use crate::laws::Breach;

/// What came of a load.
#[derive(Debug)]
pub struct Outcome {
    /// Its figures.
    pub tally: Tally,
    /// What was found to be against the laws: when, and what. Nothing of a right switch.
    pub breaches: Vec<(Duration, Breach)>,
    /// For how long it was played.
    pub lasted: Duration,
    /// Messages that went over the network.
    pub messages: u64,
    /// What the clock on the wall showed at the begin: since midnight.
    pub clock: Duration,
}

impl Outcome {
    /// Figures of all calls, by queue and by hour, in lines.
    #[must_use]
    pub fn summary(&self) -> String {
        let tally = &self.tally;
        let mut text = format!("{} calls in {}, {} messages\n\n", tally.calls, span(self.lasted), self.messages);
        let _ = writeln!(text, "{:<16}{HEAD}", "queue");
        for (name, figures) in &tally.queues {
            let _ = writeln!(text, "{name:<16}{}", row(figures));
        }
        let staff = |figures: &Figures| format!("{}{:>9}", row(figures), percent(figures.occupancy()));
        let _ = writeln!(text, "\n{:<16}{HEAD}{:>9}{:>8}", "hour", "occup.", "agents");
        for (hour, figures) in tally.hours.iter().enumerate() {
            let _ = writeln!(text, "{:<16}{}{:>8.1}", self.hour(hour), staff(figures), agents(figures));
        }
        let _ = writeln!(text, "{:<16}{}", "all", staff(&tally.all));
        if !tally.offers.is_empty() {
            let offers: Vec<String> = tally.offers.iter().map(|(how, count)| format!("{count} {how}")).collect();
            let _ = writeln!(text, "\noffers: {}", offers.join(", "));
        }
        if tally.fallbacks > 0 {
            let _ = writeln!(text, "{} offers by the fallback, as the strategy did not decide", tally.fallbacks);
        }
        text
    }

    /// What the clock shows at the begin of an hour.
    #[must_use]
    pub fn hour(&self, hour: usize) -> String {
        let minutes = self.clock.as_secs() / 60 + u64::try_from(hour).unwrap_or_default() * 60;
        let day = minutes / (24 * 60);
        let time = format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
        if day == 0 { time } else { format!("{time} +{day}d") }
    }
}

const HEAD: &str = " offered answered aband. others     SL    ASA    AHT  longest";

fn row(figures: &Figures) -> String {
    let seconds = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}s"));
    format!(
        "{:>8}{:>9}{:>7}{:>7}{:>7}{:>7}{:>7}{:>9}",
        figures.offered,
        figures.answered,
        figures.abandoned,
        figures.others(),
        percent(figures.service_level()),
        seconds(figures.speed_of_answer()),
        seconds(figures.handle_time()),
        format!("{}s", figures.longest_wait_ms / 1_000),
    )
}

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", share * 100.0))
}

/// A time in hours, minutes and seconds.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
