//! What a centre has to bear, as data: who calls, who works when, and what goes wrong.

use std::time::Duration;

use base::{Rng, Wall};
use leg::Digit;

use super::spread::{Spread, unit};
use crate::Node;

/// A centre's load: everything that is not its configuration. The same load and the same configuration give the same events.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// When it begins.
    pub begin: Wall,
    /// What the clock on the wall shows then: time since midnight.
    pub clock: Duration,
    /// For how long calls come.
    pub length: Duration,
    /// Who calls.
    pub streams: Vec<Stream>,
    /// Who works.
    pub teams: Vec<Team>,
    /// What the network does to messages.
    pub network: Vec<Node>,
    /// What goes wrong, in order of time.
    pub faults: Vec<(Duration, Fault)>,
    /// In how many of 1,000 decisions the strategy answers rubbish.
    pub errs: u32,
    /// How often the invariants are checked; they are checked at the end anyway.
    pub check: Duration,
}

impl Load {
    /// A load without anybody, that begins at midnight of a Thursday.
    #[must_use]
    pub const fn new(seed: u64, length: Duration) -> Self {
        Self {
            seed,
            begin: Wall::from_unix_micros(1_795_651_200_000_000),
            clock: Duration::ZERO,
            length,
            streams: Vec::new(),
            teams: Vec::new(),
            network: Vec::new(),
            faults: Vec::new(),
            errs: 0,
            check: Duration::from_secs(60),
        }
    }
}

/// Calls of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Its name in the report.
    pub name: String,
    /// What the callers dial.
    pub number: String,
    /// The number that they show; none: each one of his own.
    pub caller: Option<String>,
    /// When they call.
    pub arrivals: Arrivals,
    /// For how long they wait in queues, from the first one on, before they hang up.
    pub patience: Spread,
    /// For how long they talk, from the moment when both hear each other.
    pub talk: Spread,
    /// Keys that they press, each so long after the switch answered.
    pub keys: Vec<(Duration, Digit)>,
}

/// When calls come.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// By chance (Poisson), at so many an hour from a time of day on until the next one; in order of time.
    Rate(Vec<(Duration, f64)>),
    /// At these times since the begin, in order.
    At(Vec<Duration>),
}

/// The length of a day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

impl Arrivals {
    /// When the next call comes after `since`; times count from the load's begin, when the clock shows `clock`. None: no more.
    pub(crate) fn next(&self, since: Duration, clock: Duration, rng: &mut Rng) -> Option<Duration> {
        match self {
            Self::At(times) => times.get(times.partition_point(|at| *at <= since)).copied(),
            Self::Rate(rates) => {
                let most = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
                if most <= 0.0 {
                    return None;
                }
                // Thinning (Lewis and Shedler): calls at the highest rate, of which some are left out.
                let mut at = since;
                loop {
                    at += Duration::from_secs_f64((-unit(rng).ln() * 3_600.0 / most).min(DAY.as_secs_f64()));
                    if at > since + 400 * DAY {
                        return None;
                    }
                    if unit(rng) * most <= rate_at(rates, time_of_day(clock + at)) {
                        return Some(at);
                    }
                }
            }
        }
    }
}

/// The rate at a time of day; before the first one the last one holds, as that of the evening before.
fn rate_at(rates: &[(Duration, f64)], time: Duration) -> f64 {
    let before = rates.iter().rev().find(|(from, _)| *from <= time);
    before.or(rates.last()).map_or(0.0, |(_, rate)| *rate)
}

/// Time since midnight.
pub(crate) fn time_of_day(clock: Duration) -> Duration {
    Duration::new(clock.as_secs() % DAY.as_secs(), clock.subsec_nanos())
}

/// Agents who work alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// Users, by their names.
    pub users: Vec<String>,
    /// From when to when they are logged in, in times of day; one that ends before it begins ends on the next day. None: always.
    pub shifts: Vec<(Duration, Duration)>,
    /// When they are on a break in between.
    pub breaks: Vec<(Duration, Duration)>,
    /// After how long they answer.
    pub answers_after: Spread,
    /// Of 100 offers they let so many ring.
    pub ignores: u32,
    /// Of 100 offers they decline so many.
    pub declines: u32,
}

impl Team {
    /// Agents who are always there and answer at once.
    #[must_use]
    pub const fn always(users: Vec<String>) -> Self {
        let answers_after = Spread::Constant(Duration::ZERO);
        Self { users, shifts: Vec::new(), breaks: Vec::new(), answers_after, ignores: 0, declines: 0 }
    }

    /// Whether they are there at a time of day, on a break or not.
    pub(crate) fn works_at(&self, time: Duration) -> bool {
        self.shifts.is_empty() || within(&self.shifts, time)
    }

    /// Whether they are on a break at a time of day, if they are there.
    pub(crate) fn rests_at(&self, time: Duration) -> bool {
        within(&self.breaks, time)
    }

    /// The times of day at which they may come or go.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Duration> {
        self.shifts.iter().chain(&self.breaks).flat_map(|(from, to)| [*from, *to])
    }
}

/// Whether a time of day lies in one of these spans, which may go over midnight.
fn within(spans: &[(Duration, Duration)], time: Duration) -> bool {
    spans.iter().any(|&(from, to)| match from < to {
        true => (from..to).contains(&time),
        false => time >= from || time < to,
    })
}

/// What goes wrong at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The phone of an agent (by his number among all of them) is dead for so long, a call that it has included.
    PhoneDies(usize, Duration),
    /// An agent logs out, whatever he does, for so long.
    LogsOut(usize, Duration),
    /// The clock on the wall jumps by so many seconds.
    ClockJumps(i64),
    /// A new configuration, changed as this seed says; 0: the first one again.
    Reload(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn calls_come_as_often_as_the_time_of_day_says() {
        let arrivals =
            Arrivals::Rate(vec![(8 * HOUR, 600.0), (12 * HOUR, 0.0), (13 * HOUR, 1_200.0), (17 * HOUR, 0.0)]);
        let (mut rng, mut at, mut by_hour) = (Rng::from_number(5), Duration::ZERO, [0_u32; 24]);
        // The clock shows 06:00 at the begin.
        while let Some(next) = arrivals.next(at, 6 * HOUR, &mut rng).filter(|next| *next < DAY) {
            at = next;
            by_hour[usize::try_from(time_of_day(at + 6 * HOUR).as_secs() / 3_600).unwrap()] += 1;
        }
        for (hour, came) in by_hour.into_iter().enumerate() {
            let expected = match hour {
                8..=11 => 600,
                13..=16 => 1_200,
                _ => 0,
            };
            assert!(came.abs_diff(expected) <= expected / 8, "{hour}: {came}");
        }
        let listed = Arrivals::At(vec![HOUR, HOUR * 2]);
        assert_eq!(listed.next(Duration::ZERO, HOUR, &mut rng), Some(HOUR));
        assert_eq!(listed.next(HOUR, HOUR, &mut rng), Some(2 * HOUR));
        assert_eq!(listed.next(2 * HOUR, HOUR, &mut rng), None);
        assert_eq!(Arrivals::Rate(vec![(HOUR, 0.0)]).next(HOUR, HOUR, &mut rng), None);
    }

    #[test]
    fn a_shift_may_go_over_midnight_and_has_breaks() {
        let mut team = Team::always(Vec::new());
        assert!(team.works_at(3 * HOUR));
        team.shifts = vec![(22 * HOUR, 6 * HOUR)];
        team.breaks = vec![(2 * HOUR, 3 * HOUR)];
        let works: Vec<u32> = (0..24).filter(|hour| team.works_at(*hour * HOUR)).collect();
        assert_eq!(works, [0, 1, 2, 3, 4, 5, 22, 23]);
        let rests: Vec<u32> = (0..24).filter(|hour| team.rests_at(*hour * HOUR)).collect();
        assert_eq!(rests, [2]);
    }
}
