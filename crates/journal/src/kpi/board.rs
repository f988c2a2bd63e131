//! The figures of a running switch: by queue, of today and of late; by agent, of today.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::Wall;

use crate::kpi::{Credit, Figures, KpiFold, Targets};
use crate::{Event, Name};

/// The interval of which a queue's day is made.
const QUARTER: Duration = Duration::from_secs(900);
/// As many as the longest day has, of 25 hours.
const QUARTERS: usize = 100;
/// The interval of which a queue's last quarter of an hour is made.
const MINUTE: Duration = Duration::from_secs(60);
const MINUTES: usize = 15;

/// What is counted while a switch runs. What it holds is bounded by the numbers of queues and agents.
#[derive(Debug, Default)]
pub struct Board {
    fold: KpiFold,
    sums: Sums,
}

/// The part that credits are added to.
#[derive(Debug, Default)]
struct Sums {
    queues: BTreeMap<Name, QueueBook>,
    agents: BTreeMap<Name, Figures>,
    /// When the present day began.
    day: Wall,
}

#[derive(Debug)]
struct QueueBook {
    quarters: Slots,
    minutes: Slots,
}

impl Default for QueueBook {
    fn default() -> Self {
        Self { quarters: Slots::new(QUARTER, QUARTERS), minutes: Slots::new(MINUTE, MINUTES) }
    }
}

/// What there is to say of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueBoard {
    /// Calls that joined since the day began.
    pub today: Figures,
    /// Calls that joined in the last 60 to 75 minutes: the present quarter of an hour and the four before.
    pub hour: Figures,
    /// Calls that joined in the last 14 to 15 minutes.
    pub recent: Figures,
}

impl Board {
    /// Queues answer in time by this from now on.
    pub fn set_targets(&mut self, targets: Targets) {
        self.fold.set_targets(targets);
    }

    /// The present day began then; what was counted of agents before is not of today.
    pub fn turn_to(&mut self, day: Wall) {
        if self.sums.day != day {
            let sums = &mut self.sums;
            // What agents do now began yesterday in part.
            self.fold.advance(day, &mut |_| {});
            sums.day = day;
            sums.agents.clear();
        }
    }

    /// Takes the next event.
    pub fn feed(&mut self, event: &Event) {
        let sums = &mut self.sums;
        self.fold.feed(event, &mut |credit| sums.add(&credit));
    }

    /// A queue at `now`.
    #[must_use]
    pub fn queue(&self, name: &str, now: Wall) -> QueueBoard {
        let Some(book) = self.sums.queues.get(name) else { return QueueBoard::default() };
        QueueBoard {
            today: book.quarters.since(self.sums.day),
            hour: book.quarters.last(now, 5),
            recent: book.minutes.last(now, MINUTES),
        }
    }

    /// An agent since the day began, up to `now`.
    pub fn agent(&mut self, name: &Name, now: Wall) -> Figures {
        let sums = &mut self.sums;
        self.fold.advance_agent(name, now, &mut |credit| sums.add(&credit));
        self.sums.agents.get(name).copied().unwrap_or_default()
    }
}

impl Sums {
    fn add(&mut self, credit: &Credit<'_>) {
        let Credit { at, queue, agent, figures, .. } = credit;
        if let Some(queue) = queue {
            let book = match self.queues.get_mut(*queue) {
                Some(book) => book,
                None => self.queues.entry((*queue).clone()).or_default(),
            };
            book.quarters.add(*at, figures);
            book.minutes.add(*at, figures);
        }
        if let Some(agent) = agent.filter(|_| *at >= self.day) {
            match self.agents.get_mut(agent) {
                Some(sum) => sum.add(figures),
                None => drop(self.agents.insert(agent.clone(), *figures)),
            }
        }
    }
}

/// The last intervals of one length that have figures.
#[derive(Debug)]
struct Slots {
    micros: i64,
    most: usize,
    /// By the number of the interval since 1970, ascending.
    slots: VecDeque<(i64, Figures)>,
}

impl Slots {
    fn new(length: Duration, most: usize) -> Self {
        Self { micros: i64::try_from(length.as_micros()).unwrap_or(i64::MAX), most, slots: VecDeque::new() }
    }

    fn number(&self, at: Wall) -> i64 {
        at.as_unix_micros().div_euclid(self.micros)
    }

    fn add(&mut self, at: Wall, figures: &Figures) {
        let number = self.number(at);
        match self.slots.binary_search_by_key(&number, |(slot, _)| *slot) {
            Ok(found) => self.slots.get_mut(found).into_iter().for_each(|(_, sum)| sum.add(figures)),
            // An interval that is forgotten stays so.
            Err(0) if self.slots.len() == self.most => {}
            Err(place) => {
                self.slots.insert(place, (number, *figures));
                if self.slots.len() > self.most {
                    self.slots.pop_front();
                }
            }
        }
    }

    fn since(&self, begin: Wall) -> Figures {
        self.sum(|slot| slot >= self.number(begin))
    }

    /// The interval of `now` and those before it, `count` in all.
    fn last(&self, now: Wall, count: usize) -> Figures {
        let (now, count) = (self.number(now), i64::try_from(count).unwrap_or(i64::MAX));
        self.sum(|slot| slot <= now && slot > now - count)
    }

    fn sum(&self, which: impl Fn(i64) -> bool) -> Figures {
        let mut sum = Figures::default();
        self.slots.iter().filter(|(slot, _)| which(*slot)).for_each(|(_, figures)| sum.add(figures));
        sum
    }
}
