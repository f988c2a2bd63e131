//! How long a caller will wait: a range, learnt from what happened to those before him, and only as long as it proves right.
//!
//! Definition. The line *moves* by one when an agent answers a call of it, and by a half when a caller leaves it by another way
//! (who leaves was ahead of half of the others, on average). A move costs *work*: the time since the move before, as long as callers
//! waited without an idle agent, times the agents who work on the queue. From the mean work of the last [`MOVES`] moves follows the mean
//! gap between moves with the agents of the moment, and `position × gap` is the expected wait. How far waits stray from it is
//! learnt, not assumed: of the last [`SCORES`] waits each has a score, the standard normal value that the wait would be if gaps were exponential
//! (by the cube root of Wilson and Hilferty, so that scores of all positions compare). A forecast is what the
//! 10 % and the 90 % quantiles of those scores mean for the position now. They are quantiles of Kaplan and Meier: that a caller
//! gave up tells that he would have waited longer, not how long.
//!
//! So, as long as things go on as they did, a wait lies within its forecast in 80 of 100 cases ([`NOMINAL`]). Each forecast is held
//! against what happened. It is silent ([`WaitEstimator::ask`] gives none) if
//! - fewer than [`FEWEST_MOVES`] moves or [`FEWEST_SCORES`] waits are known, or none in the last hour;
//! - of the last [`CHECKS`] forecasts that came to an end, fewer than 60 of 100 were right, or fewer than [`FEWEST_CHECKS`] are known;
//! - the line stands: no move for five times the mean work of one;
//! - nobody works on the queue, or somebody is idle: then the caller is about to be offered, and not to wait;
//! - the forecast goes beyond two hours.
//!
//! Memory a queue: fixed, and up to [`FORECASTS`] ranges a call that waits. Time an event: fixed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base::{CallId, Mono};

/// The share of waits that a forecast aims at.
pub const NOMINAL: f64 = 0.8;
/// Moves of the line that the gap is the mean of.
const MOVES: usize = 32;
const FEWEST_MOVES: usize = 8;
/// Waits that scores are kept of.
const SCORES: usize = 100;
const FEWEST_SCORES: usize = 20;
/// Forecasts whose ends decide whether anything is said.
const CHECKS: usize = 50;
const FEWEST_CHECKS: usize = 10;
const RIGHT_ENOUGH: f64 = 0.6;
/// Forecasts kept of one call.
const FORECASTS: usize = 32;
/// The line stands after so many times the mean work of a move: of a hundred exponential gaps less than one.
const STANDS: f64 = 5.0;
/// What was learnt of gaps is forgotten when so long nobody moved.
const STALE: Duration = Duration::from_secs(3600);
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// From when to when, counted from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitRange {
    /// Of ten callers one waits less.
    pub low: Duration,
    /// Of ten callers one waits longer.
    pub high: Duration,
}

/// What became of forecasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecasts {
    /// Forecasts that were given out, to be told to callers.
    pub told: u64,
    /// Forecasts, told or not, that came to an end that tells whether they were right.
    pub checked: u64,
    /// Those of them that were right.
    pub right: u64,
    /// Of the last 50 of them, so many of a hundred were right; none before 10 are known.
    pub recent: Option<u8>,
}

/// How many agents stand how to a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    /// Those who take calls of it, be they busy.
    pub working: u32,
    /// Those of them who are idle.
    pub idle: u32,
}

/// The estimator of one queue: a machine that is told who joins and leaves.
#[derive(Debug, Default)]
pub struct WaitEstimator {
    open: BTreeMap<CallId, Open>,
    /// Those of them who joined while nobody was idle.
    waiting: usize,
    /// When the work was counted up to.
    counted: Mono,
    /// Agents since then.
    working: u32,
    /// Agent-seconds since the last move.
    work: f64,
    last_move: Mono,
    moves: VecDeque<Move>,
    scores: VecDeque<Score>,
    checks: VecDeque<bool>,
    totals: Forecasts,
}

#[derive(Clone, Copy, Debug)]
struct Move {
    work: f64,
    /// 2: an answer; 1: someone left.
    halves: u32,
}

#[derive(Clone, Copy, Debug)]
struct Score {
    value: f64,
    /// False: the wait would have been longer.
    seen: bool,
}

/// A call that waits.
#[derive(Debug)]
struct Open {
    since: Mono,
    position: u32,
    /// The mean gap when it joined, if it was known and nobody was idle.
    gap: Option<f64>,
    waits: bool,
    forecasts: Vec<(Mono, WaitRange)>,
}

impl WaitEstimator {
    /// A call joined at `position`, from 1 on.
    pub fn joined(&mut self, now: Mono, call: CallId, position: u32, staff: Staff) {
        self.count(now, staff);
        if self.open.is_empty() && now - self.last_move > STALE {
            self.moves.clear();
            self.work = 0.0;
        }
        let waits = staff.idle == 0 && staff.working > 0;
        let gap = if waits { self.gap(staff) } else { None };
        let forecasts = self.forecast(position, staff).map(|range| (now, range)).into_iter().collect();
        self.waiting += usize::from(waits);
        self.open.insert(call, Open { since: now, position, gap, waits, forecasts });
    }

    /// A call left: an agent `answered`, or it went another way.
    pub fn left(&mut self, now: Mono, call: CallId, answered: bool, staff: Staff) {
        self.count(now, staff);
        let Some(open) = self.open.remove(&call) else { return };
        if self.waiting > 0 {
            let halves = if answered { 2 } else { 1 };
            keep(&mut self.moves, Move { work: std::mem::take(&mut self.work), halves }, MOVES);
        }
        self.last_move = now;
        self.waiting -= usize::from(open.waits);
        if let Some(gap) = open.gap {
            let value = score((now - open.since).as_secs_f64(), open.position, gap);
            keep(&mut self.scores, Score { value, seen: answered }, SCORES);
        }
        for (at, WaitRange { low, high }) in open.forecasts {
            let waited = now - at;
            if answered || waited > high {
                let right = (low..=high).contains(&waited);
                self.totals.checked += 1;
                self.totals.right += u64::from(right);
                keep(&mut self.checks, right, CHECKS);
            }
        }
    }

    /// The range for a call that waits at `position` now, to be told to its caller; none if it is uncertain. It will be
    /// held against what happens, told or not.
    pub fn ask(&mut self, now: Mono, call: CallId, position: u32, staff: Staff) -> Option<WaitRange> {
        self.count(now, staff);
        let range = self.forecast(position, staff)?;
        let open = self.open.get_mut(&call)?;
        if open.forecasts.len() < FORECASTS {
            open.forecasts.push((now, range));
        }
        let told = self.is_trusted().then_some(range);
        self.totals.told += u64::from(told.is_some());
        told
    }

    /// The range for whoever stands at `position`, for operators; none where callers are told none.
    #[must_use]
    pub fn look(&self, position: u32, staff: Staff) -> Option<WaitRange> {
        self.forecast(position, staff).filter(|_| self.is_trusted())
    }

    /// What became of forecasts so far.
    #[must_use]
    pub fn forecasts(&self) -> Forecasts {
        let known = u32::try_from(self.checks.len()).ok().filter(|_| self.checks.len() >= FEWEST_CHECKS);
        let right = u32::try_from(self.checks.iter().filter(|right| **right).count()).unwrap_or_default();
        Forecasts { recent: known.and_then(|known| u8::try_from(right * 100 / known).ok()), ..self.totals }
    }

    fn is_trusted(&self) -> bool {
        self.forecasts().recent.is_some_and(|recent| f64::from(recent) >= RIGHT_ENOUGH * 100.0)
    }

    /// Counts the work up to now. Agents who came or went since the last event count from this one on.
    fn count(&mut self, now: Mono, staff: Staff) {
        if self.waiting > 0 {
            self.work += (now - self.counted).as_secs_f64() * f64::from(self.working);
        }
        self.counted = now;
        self.working = staff.working;
    }

    /// Mean seconds from one move to the next; none if too few are known or the line stands.
    fn gap(&self, staff: Staff) -> Option<f64> {
        if self.moves.len() < FEWEST_MOVES || staff.working == 0 {
            return None;
        }
        let halves: u32 = self.moves.iter().map(|one| one.halves).sum();
        let work: f64 = self.moves.iter().map(|one| one.work).sum();
        let each = work * 2.0 / f64::from(halves);
        // What is not over yet counts once it is longer than usual: things slow down.
        let each = if self.work > each { (work + self.work) * 2.0 / f64::from(halves) } else { each };
        let stands = self.work > STANDS * each;
        (each > 0.0 && !stands).then(|| each / f64::from(staff.working))
    }

    fn forecast(&self, position: u32, staff: Staff) -> Option<WaitRange> {
        if staff.idle > 0 || position == 0 || self.scores.len() < FEWEST_SCORES {
            return None;
        }
        let gap = self.gap(staff)?;
        let [low, high] = self.quantiles()?.map(|score| wait(score, position, gap));
        let [low, high] = [Duration::try_from_secs_f64(low).ok()?, Duration::try_from_secs_f64(high).ok()?];
        (high <= LONGEST).then_some(WaitRange { low, high })
    }

    /// Those that leave a tenth on either side; none if so many gave up that nobody knows.
    fn quantiles(&self) -> Option<[f64; 2]> {
        let mut scores: Vec<Score> = self.scores.iter().copied().collect();
        scores.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
        let tail = (1.0 - NOMINAL) / 2.0;
        let (mut left, mut waiting, mut low) = (1.0, f64::from(u32::try_from(scores.len()).ok()?), None);
        for score in scores {
            if score.seen {
                left *= 1.0 - 1.0 / waiting;
                if left <= 1.0 - tail && low.is_none() {
                    low = Some(score.value);
                }
                if left <= tail {
                    return Some([low?, score.value]);
                }
            }
            waiting -= 1.0;
        }
        None
    }
}

/// The shape of a gamma distribution for the sum of `position` exponential gaps whose mean is known from [`MOVES`] others.
fn shape(position: u32) -> f64 {
    let (position, known) = (f64::from(position), 32.0);
    position * known / (position + known)
}

/// The standard normal value of a wait: cube roots of gamma variables are nearly normal (Wilson and Hilferty).
fn score(waited: f64, position: u32, gap: f64) -> f64 {
    let shape = shape(position);
    let relative = waited / (f64::from(position) * gap);
    (relative.cbrt() - (1.0 - 1.0 / (9.0 * shape))) * 3.0 * shape.sqrt()
}

/// The wait of a score: the way back.
fn wait(score: f64, position: u32, gap: f64) -> f64 {
    let shape = shape(position);
    let root = (1.0 - 1.0 / (9.0 * shape) + score / (3.0 * shape.sqrt())).max(0.0);
    root.powi(3) * f64::from(position) * gap
}

/// Keeps the last `most`.
fn keep<T>(kept: &mut VecDeque<T>, one: T, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    kept.push_back(one);
}
