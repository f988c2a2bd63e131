//! What came of a day: a fold over the journal, by queue and by hour.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{CallId, IdMap, LegId};
use journal::{AgentStatus, Event, Kind, LegRole, Name, OfferEnded, OfferMade, OfferOutcome, QueueExit, StatusChanged};
use serde::Serialize;

/// Waits are counted up to these, in seconds, and beyond.
pub const WAITS: [u64; 9] = [0, 5, 10, 20, 30, 60, 120, 300, 600];
/// Within what an answer counts for the service level.
const WITHIN: Duration = Duration::from_secs(20);
/// Rows by the hour are for at most so many.
const HOURS: usize = 24 * 32;

/// Figures of calls in a queue, or of all.
///
/// A call counts in the hour in which it joined the queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Calls that joined the queue, or would have if it had not been full or without agents.
    pub offered: u64,
    /// Calls that an agent answered.
    pub answered: u64,
    /// Of these, those that waited 20 s at most.
    pub within: u64,
    /// Calls whose callers hung up as they waited.
    pub abandoned: u64,
    /// Calls that left the queue otherwise: full, waited too long, nobody there, a key.
    pub others: u64,
    /// Calls that waited at all.
    pub waited: u64,
    /// How long all calls waited together.
    pub wait_ms: u64,
    /// How long those waited together that were answered.
    pub answered_wait_ms: u64,
    /// The longest wait.
    pub longest_ms: u64,
    /// For how long callers and agents talked.
    pub talk_ms: u64,
    /// Talks that ended.
    pub talks: u64,
    /// Waits of answered calls, counted up to each of [`WAITS`], and beyond.
    pub waits: [u64; WAITS.len() + 1],
}

impl Figures {
    /// Answered within 20 s, of all that were offered; none without calls.
    #[must_use]
    pub fn service_level(&self) -> Option<f64> {
        share(self.within, self.offered)
    }

    /// The share of calls that were abandoned.
    #[must_use]
    pub fn abandons(&self) -> Option<f64> {
        share(self.abandoned, self.offered)
    }

    /// ASA, the mean speed of answer: the wait of those who were answered, in seconds.
    #[must_use]
    pub fn speed_of_answer(&self) -> Option<f64> {
        share(self.answered_wait_ms, self.answered).map(|ms| ms / 1_000.0)
    }

    /// The mean talk time, in seconds.
    #[must_use]
    pub fn talk_time(&self) -> Option<f64> {
        share(self.talk_ms, self.talks).map(|ms| ms / 1_000.0)
    }

    fn left(&mut self, why: QueueExit, waited_ms: u64) {
        self.wait_ms += waited_ms;
        self.waited += u64::from(waited_ms > 0);
        self.longest_ms = self.longest_ms.max(waited_ms);
        match why {
            QueueExit::Answered => {
                self.answered += 1;
                self.within += u64::from(u128::from(waited_ms) <= WITHIN.as_millis());
                self.answered_wait_ms += waited_ms;
                let place = WAITS.iter().position(|most| waited_ms <= most * 1_000).unwrap_or(WAITS.len());
                if let Some(count) = self.waits.get_mut(place) {
                    *count += 1;
                }
            }
            QueueExit::Abandoned => self.abandoned += 1,
            _ => self.others += 1,
        }
    }
}

/// A part of a whole; none of nothing.
#[allow(clippy::cast_precision_loss, reason = "counts of a day are far below 2⁵³")]
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Agents in an hour, or in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Staff {
    /// For how long agents were available, together: logged in and on no break.
    pub here_ms: u64,
    /// For how long they talked, together.
    pub talk_ms: u64,
    /// The most that were available at once; told of the whole day alone.
    pub most: u64,
}

impl Staff {
    /// Occupancy: the share of the time for which they are available in which agents talk.
    #[must_use]
    pub fn occupancy(&self) -> Option<f64> {
        share(self.talk_ms, self.here_ms)
    }
}

/// What came of a day.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Calls that came to the switch.
    pub calls: u64,
    /// All queues together.
    pub all: Figures,
    /// By queue.
    pub queues: BTreeMap<String, Figures>,
    /// By hour since the begin.
    pub hours: Vec<Figures>,
    /// All agents.
    pub staff: Staff,
    /// Agents by hour since the begin.
    pub staff_by_hour: Vec<Staff>,
    /// Offers that longest idle decided, as the queue's strategy did not.
    pub fallbacks: u64,
    /// Offers by what came of them.
    pub offers: BTreeMap<String, u64>,
    #[serde(skip)]
    live: IdMap<CallId, Live>,
    #[serde(skip)]
    agents: BTreeMap<Name, Duration>,
    #[serde(skip)]
    agents_legs: IdMap<LegId, CallId>,
}

/// A call that is not over.
#[derive(Clone, Debug, Default)]
struct Live {
    queue: Option<Name>,
    joined: Duration,
    talking: Option<(LegId, Duration)>,
}

const HOUR: Duration = Duration::from_secs(3_600);

fn hour(at: Duration) -> usize {
    usize::try_from(at.as_secs() / HOUR.as_secs()).unwrap_or(HOURS).min(HOURS)
}

fn row<T: Clone + Default>(rows: &mut Vec<T>, at: usize) -> Option<&mut T> {
    if rows.len() <= at {
        rows.resize(at + 1, T::default());
    }
    rows.get_mut(at)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Tally {
    /// Takes what happened so long after the begin.
    pub(crate) fn feed(&mut self, at: Duration, event: &Event) {
        match (&event.kind, event.call) {
            (Kind::AgentStatus(StatusChanged { agent, status: AgentStatus::Available, .. }), _) => self.came(at, agent),
            (Kind::AgentStatus(StatusChanged { agent, .. }), _) => self.went(at, agent),
            (kind, Some(call)) => self.feed_call(at, call, kind),
            _ => {}
        }
    }

    /// Those who are still there have worked until now.
    pub(crate) fn close(&mut self, at: Duration) {
        for agent in self.agents.keys().cloned().collect::<Vec<_>>() {
            self.went(at, &agent);
        }
    }

    fn feed_call(&mut self, at: Duration, call: CallId, kind: &Kind) {
        match kind {
            Kind::CallBegan { .. } => {
                self.calls += 1;
                self.live.insert(call, Live::default());
            }
            Kind::QueueJoined { queue } => {
                let live = self.live.entry(call).or_default();
                (live.queue, live.joined) = (Some(queue.clone()), at);
                self.count(queue, at, |figures| figures.offered += 1);
            }
            Kind::QueueLeft { queue, why, waited_ms, .. } => {
                let joined = self.live.get(&call).filter(|live| live.queue.is_some()).map(|live| live.joined);
                let turned_away =
                    matches!(why, QueueExit::Full | QueueExit::NoAgents | QueueExit::Closed) && joined.is_none();
                self.count(queue, joined.unwrap_or(at), |figures| {
                    figures.offered += u64::from(turned_away);
                    figures.left(*why, *waited_ms);
                });
            }
            Kind::LegBegan { leg, role: LegRole::Agent(_) } => drop(self.agents_legs.insert(*leg, call)),
            Kind::LegEnded { leg, .. } => drop(self.agents_legs.remove(leg)),
            Kind::Bridged { b, .. } if self.agents_legs.contains_key(b) => {
                self.live.entry(call).or_default().talking = Some((*b, at));
            }
            Kind::Unbridged { .. } => self.talked(at, call),
            Kind::OfferMade(OfferMade { why, .. }) => self.fallbacks += u64::from(why.fallback),
            Kind::OfferEnded(OfferEnded { outcome, .. }) => *self.offers.entry(word(*outcome)).or_default() += 1,
            Kind::CallEnded { .. } => {
                self.talked(at, call);
                self.live.remove(&call);
            }
            _ => {}
        }
    }

    fn count(&mut self, queue: &Name, joined: Duration, change: impl Fn(&mut Figures)) {
        change(&mut self.all);
        change(self.queues.entry(queue.to_string()).or_default());
        if let Some(hour) = row(&mut self.hours, hour(joined)) {
            change(hour);
        }
    }

    fn talked(&mut self, at: Duration, call: CallId) {
        let Some(live) = self.live.get_mut(&call) else { return };
        let Some((_, since)) = live.talking.take() else { return };
        let (queue, joined) = (live.queue.clone(), live.joined);
        let talk = millis(at.saturating_sub(since));
        if let Some(queue) = queue {
            self.count(&queue, joined, |figures| {
                figures.talk_ms += talk;
                figures.talks += 1;
            });
        }
        self.staff.talk_ms += talk;
        self.by_hour(since, at, |staff, part| staff.talk_ms += millis(part));
    }

    fn came(&mut self, at: Duration, agent: &Name) {
        self.agents.entry(agent.clone()).or_insert(at);
        let here = u64::try_from(self.agents.len()).unwrap_or(u64::MAX);
        self.staff.most = self.staff.most.max(here);
    }

    fn went(&mut self, at: Duration, agent: &str) {
        let Some(since) = self.agents.remove(agent) else { return };
        self.staff.here_ms += millis(at.saturating_sub(since));
        self.by_hour(since, at, |staff, part| staff.here_ms += millis(part));
    }

    /// Splits a time at full hours.
    fn by_hour(&mut self, from: Duration, to: Duration, change: impl Fn(&mut Staff, Duration)) {
        let mut at = from;
        while at < to {
            let ix = hour(at);
            let end = match ix < HOURS {
                true => to.min(HOUR * u32::try_from(ix + 1).unwrap_or(u32::MAX)),
                false => to,
            };
            if let Some(staff) = row(&mut self.staff_by_hour, ix) {
                change(staff, end - at);
            }
            at = end;
        }
    }
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
