//! What came of a day, by queue and by hour: the figures that the journal defines ([`journal::kpi`]), by the time since the begin.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Wall;
use journal::kpi::{Credit, Figures, KpiFold, Targets};
use journal::{AgentStatus, Event, Kind, Name, OfferEnded, OfferMade, OfferOutcome, StatusChanged};

/// Rows by the hour are for at most so many.
const HOURS: usize = 24 * 32;
const HOUR: Duration = Duration::from_secs(3_600);

/// What came of a day.
#[derive(Debug, Default)]
pub struct Tally {
    /// Calls that came to the switch.
    pub calls: u64,
    /// All queues together, and all agents.
    pub all: Figures,
    /// By queue; the time of agents is in none of them.
    pub queues: BTreeMap<String, Figures>,
    /// By hour since the begin.
    pub hours: Vec<Figures>,
    /// The most agents that were available at once.
    pub most_agents: usize,
    /// Offers that longest idle decided, as the queue's strategy did not.
    pub fallbacks: u64,
    /// Offers by what came of them.
    pub offers: BTreeMap<String, u64>,
    fold: KpiFold,
    available: BTreeSet<Name>,
}

impl Tally {
    /// Calls are in time by these.
    pub(crate) fn new(targets: Targets) -> Self {
        Self { fold: KpiFold::new(targets), ..Self::default() }
    }

    /// Takes what happened so long after the begin. (The clock on the wall, by which events are told, may jump.)
    pub(crate) fn feed(&mut self, since: Duration, event: &Event) {
        match &event.kind {
            Kind::CallBegan { .. } => self.calls += 1,
            Kind::OfferMade(OfferMade { why, .. }) => self.fallbacks += u64::from(why.fallback),
            Kind::OfferEnded(OfferEnded { outcome, .. }) => *self.offers.entry(word(*outcome)).or_default() += 1,
            Kind::AgentStatus(StatusChanged { agent, status, .. }) => {
                if *status == AgentStatus::Available {
                    self.available.insert(agent.clone());
                } else {
                    self.available.remove(agent);
                }
                self.most_agents = self.most_agents.max(self.available.len());
            }
            _ => {}
        }
        let event = Event { at: wall(since), ..event.clone() };
        self.fold(|fold, mut credit| fold.feed(&event, &mut credit));
    }

    /// Those who are still there have worked until now.
    pub(crate) fn close(&mut self, since: Duration) {
        self.fold(|fold, mut credit| fold.advance(wall(since), &mut credit));
    }

    fn fold(&mut self, step: impl FnOnce(&mut KpiFold, &mut dyn FnMut(Credit<'_>))) {
        let Self { fold, all, queues, hours, .. } = self;
        step(fold, &mut |credit| {
            all.add(&credit.figures);
            if let Some(queue) = credit.queue {
                queues.entry(queue.to_string()).or_default().add(&credit.figures);
            }
            let hour = credit.at.as_unix_micros() / 3_600_000_000;
            let hour = usize::try_from(hour).unwrap_or_default().min(HOURS);
            if hours.len() <= hour {
                hours.resize(hour + 1, Figures::default());
            }
            if let Some(hour) = hours.get_mut(hour) {
                hour.add(&credit.figures);
            }
        });
    }
}

/// A clock on the wall that showed 0 at the begin.
fn wall(since: Duration) -> Wall {
    Wall::from_unix_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// How many agents were available, or busy nonetheless, in an hour on average.
pub(super) fn agents(hour: &Figures) -> f64 {
    share(hour.staffed_ms, HOUR)
}

/// How many of them were busy.
pub(super) fn busy(hour: &Figures) -> f64 {
    share(hour.busy_ms, HOUR)
}

#[allow(clippy::cast_precision_loss, reason = "the time of all agents in an hour is far below 2⁵³ ms")]
fn share(ms: u64, whole: Duration) -> f64 {
    ms as f64 / 1_000.0 / whole.as_secs_f64()
}

/// A word of the journal as it is written there.
fn word(outcome: OfferOutcome) -> String {
    let mut word = String::new();
    for (at, letter) in format!("{outcome:?}").chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}
