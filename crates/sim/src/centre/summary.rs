//! The outcome of a centre's day in words, for a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use super::run::Outcome;
use super::tally::{Figures, Staff};

impl Outcome {
    /// Figures of all calls, by queue and by hour, in lines.
    #[must_use]
    pub fn summary(&self) -> String {
        let tally = &self.tally;
        let mut text = format!("{} calls in {}, {} messages\n\n", tally.calls, span(self.lasted), self.messages);
        let _ = writeln!(text, "{:<16}{HEAD}{:>9}", "queue", "occup.");
        for (name, figures) in &tally.queues {
            let _ = writeln!(text, "{name:<16}{}", row(figures));
        }
        let _ = writeln!(text, "{:<16}{}{:>9}", "all", row(&tally.all), percent(tally.staff.occupancy()));
        let _ = writeln!(text, "\n{:<16}{HEAD}{:>9}{:>8}", "hour", "occup.", "agents");
        for (hour, figures) in tally.hours.iter().enumerate() {
            let nobody = Staff::default();
            let staff = tally.staff_by_hour.get(hour).unwrap_or(&nobody);
            let (occupancy, agents) = (percent(staff.occupancy()), staff.agents());
            let _ = writeln!(text, "{:<16}{}{occupancy:>9}{agents:>8.1}", self.hour(hour), row(figures));
        }
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
        figures.others,
        percent(figures.service_level()),
        seconds(figures.speed_of_answer()),
        seconds(figures.talk_time()),
        format!("{}s", figures.longest_ms / 1_000),
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

impl Staff {
    /// How many agents were available in an hour, on average.
    #[must_use]
    pub fn agents(&self) -> f64 {
        super::tally::share(self.here_ms, 3_600_000).unwrap_or_default()
    }
}
