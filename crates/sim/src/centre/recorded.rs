//! A recorded day as a load, to be played again: who came to which queue when, how long he would have waited, how long he talked,
//! and who worked.
//!
//! What cannot be known is reckoned: a caller who was answered would have waited on for as long as those did who gave up, as if that were
//! exponential (waits that an answer ended are censored: the mean is all that was waited by the number of those who gave up); one
//! who was not answered would have talked for as long as the others of his queue on the average. Callers come straight to their
//! queue, with their numbers, and without what their flows found out.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Rng, Wall};
use journal::{AgentStatus, Cdr, CdrFold, Event, Kind, Name, OfferOutcome, OfferedTo, QueueExit, StatusChanged, Visit};
use switch::{Config, Destination};

use super::load::{Arrivals, DAY, Load, Stream, Team, time_of_day};
use super::spread::Spread;

/// What agents themselves do with offers.
const OWN: [OfferOutcome; 4] =
    [OfferOutcome::Answered, OfferOutcome::NoAnswer, OfferOutcome::Declined, OfferOutcome::Busy];

/// Made of the events of a journal, in their order.
#[derive(Debug, Default)]
pub struct Recorded {
    fold: CdrFold,
    calls: Vec<Cdr>,
    /// What agents said of themselves, in order.
    statuses: BTreeMap<Name, Vec<(Wall, AgentStatus)>>,
    /// The first event and the last.
    span: Option<(Wall, Wall)>,
}

/// What a queue's calls had in common.
#[derive(Default)]
struct Manners {
    waited: Duration,
    gave_up: u32,
    talked: Duration,
    answered: u32,
}

/// A call's visit to the queue that it came to first.
struct Came<'a> {
    call: &'a Cdr,
    visit: &'a Visit,
    /// Together with the queues that it overflowed to.
    waited: Duration,
    left: Option<QueueExit>,
}

impl Recorded {
    /// What happened next.
    pub fn feed(&mut self, event: &Event) {
        let (first, _) = self.span.unwrap_or((event.at, event.at));
        self.span = Some((first, event.at));
        if let Kind::AgentStatus(StatusChanged { agent, status, .. }) = &event.kind {
            self.statuses.entry(agent.clone()).or_default().push((event.at, *status));
        }
        self.calls.extend(self.fold.feed(event).filter(|call| !call.visits.is_empty()));
    }

    /// The first 24 hours of it, for a company; each queue of that gets a number of its own, which callers dial. None if nobody
    /// came to any of its queues.
    #[must_use]
    pub fn load(&self, config: &mut Config, seed: u64) -> Option<Load> {
        let (first, end) = self.span?;
        // What the clock shows has whole seconds.
        let begin = Wall::from_unix_micros(first.as_unix_micros().div_euclid(1_000_000) * 1_000_000);
        let came: Vec<Came<'_>> = self.calls.iter().flat_map(visits).collect();
        let mut manners: BTreeMap<&str, Manners> = BTreeMap::new();
        for came in &came {
            manners.entry(&came.visit.queue).or_default().add(came);
        }
        let mut load = Load::new(seed, end.since(begin).min(DAY));
        let clock = config.flows.zone().clock(begin);
        let seconds = (clock.hour() * 60 + clock.minute()) * 60 + clock.second();
        (load.begin, load.clock) = (begin, Duration::from_secs(seconds.unsigned_abs()));
        let numbers = numbers(config);
        let mut rng = Rng::from_number(seed);
        for came in came.iter().filter(|came| came.visit.joined.since(begin) < load.length) {
            let (Some(number), Some(manners)) = (numbers.get(&came.visit.queue), manners.get(&*came.visit.queue))
            else {
                continue;
            };
            load.streams.push(manners.stream(came, begin, number, &mut rng));
        }
        load.streams.sort_by_key(|stream| stream.arrivals.next(Duration::ZERO, Duration::ZERO, &mut rng));
        load.teams = self.teams(config, begin, &load);
        (!load.streams.is_empty()).then_some(load)
    }

    /// Each agent as a team of his own: when he was there, and how he took offers.
    fn teams(&self, config: &Config, begin: Wall, load: &Load) -> Vec<Team> {
        let mut offers: BTreeMap<&str, Vec<&OfferedTo>> = BTreeMap::new();
        for offer in self.calls.iter().flat_map(|call| &call.offered_to) {
            offers.entry(&offer.agent).or_default().push(offer);
        }
        let agents = config.agents.iter().map(|agent| agent.name.as_str());
        let team = |agent: &str| {
            let (statuses, offers) = (self.statuses.get(agent), offers.get(agent));
            if statuses.is_none() && offers.is_none() {
                return None;
            }
            let mut team = Team::always(vec![agent.to_owned()]);
            if let Some(statuses) = statuses {
                team.shifts = spans(statuses, &[AgentStatus::Available, AgentStatus::Break], begin, load);
                team.breaks = spans(statuses, &[AgentStatus::Break], begin, load);
            }
            // Offers that ended by no doing of his say nothing of him.
            let own = |offer: &&&OfferedTo| offer.outcome.is_some_and(|outcome| OWN.contains(&outcome));
            let offers: Vec<&OfferedTo> = offers.into_iter().flatten().filter(own).copied().collect();
            let of = |wanted: &'static [OfferOutcome]| {
                offers.iter().filter(|offer| offer.outcome.is_some_and(|outcome| wanted.contains(&outcome)))
            };
            let share = |count: usize| u32::try_from(count * 100 / offers.len().max(1)).unwrap_or(100);
            team.ignores = share(of(&[OfferOutcome::NoAnswer]).count());
            team.declines = share(of(&[OfferOutcome::Declined, OfferOutcome::Busy]).count());
            let answered: Vec<u64> = of(&[OfferOutcome::Answered]).map(|offer| offer.rang_ms).collect();
            let mean = answered.iter().sum::<u64>() / u64::try_from(answered.len().max(1)).unwrap_or(1);
            team.answers_after = Spread::Constant(Duration::from_millis(mean));
            Some(team)
        };
        agents.filter_map(team).collect()
    }
}

/// The visits of a call that are no continuation of another one.
fn visits(call: &Cdr) -> Vec<Came<'_>> {
    let mut came: Vec<Came<'_>> = Vec::new();
    let mut overflowed = false;
    for visit in &call.visits {
        let waited = Duration::from_millis(visit.waited_ms);
        match came.last_mut().filter(|_| overflowed) {
            Some(before) => {
                before.waited += waited;
                before.left = visit.left;
            }
            None => came.push(Came { call, visit, waited, left: visit.left }),
        }
        overflowed = visit.left == Some(QueueExit::Overflowed);
    }
    came
}

impl Manners {
    fn add(&mut self, came: &Came<'_>) {
        self.waited += came.waited;
        match came.left {
            Some(QueueExit::Abandoned) => self.gave_up += 1,
            Some(QueueExit::Answered) => {
                self.answered += 1;
                self.talked += talked(came.call);
            }
            _ => {}
        }
    }

    fn stream(&self, came: &Came<'_>, begin: Wall, number: &str, rng: &mut Rng) -> Stream {
        let patience = match came.left {
            Some(QueueExit::Abandoned) => Spread::Constant(came.waited),
            _ if self.gave_up == 0 => Spread::Endless,
            _ => {
                let on = Spread::Exponential(self.waited / self.gave_up).draw(rng).unwrap_or_default();
                Spread::Constant(came.waited + on)
            }
        };
        let talk = match came.left {
            Some(QueueExit::Answered) => talked(came.call),
            _ => self.talked / self.answered.max(1),
        };
        let caller = came.call.from.reveal();
        Stream {
            name: came.visit.queue.to_string(),
            number: number.to_owned(),
            caller: (!caller.is_empty()).then(|| caller.clone()),
            arrivals: Arrivals::At(vec![came.visit.joined.since(begin).max(Duration::from_millis(1))]),
            patience,
            talk: Spread::Constant(talk),
            keys: Vec::new(),
        }
    }
}

fn talked(call: &Cdr) -> Duration {
    Duration::from_millis(call.talk_ms + call.hold_ms)
}

/// The times of day at which somebody was one of these.
fn spans(
    statuses: &[(Wall, AgentStatus)],
    wanted: &[AgentStatus],
    begin: Wall,
    load: &Load,
) -> Vec<(Duration, Duration)> {
    let mut spans = Vec::new();
    let ends = statuses.iter().skip(1).map(|(at, _)| at.since(begin)).chain([load.length]);
    for ((at, status), end) in statuses.iter().zip(ends) {
        let (from, to) = (at.since(begin), end.min(load.length));
        if wanted.contains(status) && from < to {
            spans.push((from, to));
        }
    }
    let clock = |since: Duration| time_of_day(load.clock + since);
    // What somebody was at the end he stays, for those who are served later: until the time of day at which all began.
    let end = |to: Duration| if to == load.length { clock(Duration::ZERO) } else { clock(to) };
    spans.into_iter().map(|(from, to)| (clock(from), end(to))).collect()
}

/// A number for each queue that nothing else has.
fn numbers(config: &mut Config) -> BTreeMap<Name, String> {
    let mut free = (0_u32..).map(|number| format!("000{number}"));
    let queues: Vec<_> = config.queues.iter().map(|queue| queue.name.clone()).collect();
    let mut numbers = BTreeMap::new();
    for queue in queues {
        let Some(number) = free.find(|number| !config.numbers.contains_key(number.as_str())) else { break };
        config.numbers.insert(number.as_str().into(), Destination::Queue(queue.clone()));
        numbers.insert(queue.shared().clone(), number);
    }
    numbers
}
