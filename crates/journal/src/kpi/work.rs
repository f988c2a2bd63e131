//! What agents do: a caller whom one has, and his time.

use std::collections::BTreeSet;
use std::time::Duration;

use base::{LegId, Wall};

use crate::Name;
use crate::kpi::fold::Stay;
use crate::kpi::{Credit, Figures};
use crate::visit::millis;

/// Time is told in pieces that do not cross a multiple of this: hours and days of every time zone begin at one.
const PIECE: Duration = Duration::from_secs(900);
/// A longer stretch is told from its end only: events are missing.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// The sum that a kind of time adds to.
type Sum = fn(&mut Figures) -> &mut u64;

/// An agent has a caller.
#[derive(Debug)]
pub(crate) struct Handling {
    pub stay: Stay,
    pub agent: Name,
    pub leg: Option<LegId>,
    /// False if he had the caller before, and his phone was lost: that is one call handled.
    pub first: bool,
    pub talk_ms: u64,
    pub hold_ms: u64,
    state: State,
    /// Since when it is as `state` says.
    since: Wall,
}

/// What keeps the two from talking, or does not.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub bridged: bool,
    /// Legs that hold.
    pub holding: BTreeSet<LegId>,
    /// One of them asks a third one.
    pub asks: bool,
}

/// What an agent does.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    available: bool,
    /// Why he is on a break, if he is.
    break_reason: Option<Name>,
    /// His legs in calls of queues.
    calls: BTreeSet<LegId>,
    /// Since when the time after a call goes on.
    pub wrap_up: Option<Wall>,
    /// The visit of his last call, to which the time after it is put down.
    pub last: Option<Stay>,
    staffed: Option<Wall>,
    busy: Option<Wall>,
    resting: Option<Wall>,
}

impl Handling {
    pub fn new(stay: Stay, agent: Name, leg: Option<LegId>, first: bool) -> Self {
        let since = stay.joined;
        Self { stay, agent, leg, first, talk_ms: 0, hold_ms: 0, state: State::default(), since }
    }

    /// Something is new between the two.
    pub fn turn(&mut self, at: Wall, change: impl FnOnce(&mut State)) {
        let State { bridged, holding, asks } = &self.state;
        if *bridged {
            let sum = if holding.is_empty() && !asks { &mut self.talk_ms } else { &mut self.hold_ms };
            *sum += millis(self.since, at);
        }
        self.since = at;
        change(&mut self.state);
    }
}

impl Agent {
    /// He says what he is.
    pub fn say(
        &mut self,
        name: &Name,
        available: bool,
        break_reason: Option<Name>,
        at: Wall,
        credit: &mut impl FnMut(Credit<'_>),
    ) {
        // What went on was for the reason before.
        self.pass(name, at, credit);
        (self.available, self.break_reason) = (available, break_reason);
        self.turn(name, at, credit);
    }

    pub fn begin_call(&mut self, name: &Name, leg: LegId, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        self.calls.insert(leg);
        self.turn(name, at, credit);
    }

    pub fn end_call(&mut self, name: &Name, leg: LegId, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        if self.calls.remove(&leg) {
            self.turn(name, at, credit);
        }
    }

    pub fn end_wrap_up(&mut self, name: &Name, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        let (Some(since), Some(stay)) = (self.wrap_up.take(), &self.last) else { return };
        credit(stay.credit(Some(name), Figures { wrap_up_ms: millis(since, at), ..Figures::default() }));
    }

    /// Something about him is new.
    pub fn turn(&mut self, name: &Name, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        self.pass(name, at, credit);
        let busy = !self.calls.is_empty() || self.wrap_up.is_some();
        self.busy = busy.then_some(at);
        self.staffed = (busy || self.available).then_some(at);
        self.resting = (!busy && self.break_reason.is_some()).then_some(at);
    }

    /// Tells what the time up to `at` adds.
    pub fn pass(&mut self, name: &Name, at: Wall, credit: &mut impl FnMut(Credit<'_>)) {
        let kinds: [(&mut Option<Wall>, Sum, Option<&Name>); 3] = [
            (&mut self.staffed, |figures| &mut figures.staffed_ms, None),
            (&mut self.busy, |figures| &mut figures.busy_ms, None),
            (&mut self.resting, |figures| &mut figures.break_ms, self.break_reason.as_ref()),
        ];
        for (since, sum, break_reason) in kinds {
            let Some(from) = *since else { continue };
            // If the clock was put back, what comes until then is not known.
            *since = Some(at.max(from));
            for (at, ms) in pieces(from, at) {
                let mut figures = Figures::default();
                *sum(&mut figures) = ms;
                credit(Credit { at, queue: None, agent: Some(name), figures, break_reason });
            }
        }
    }
}

/// A stretch of time, cut at multiples of [`PIECE`]: when each piece begins, and its milliseconds. What is lost by rounding a
/// piece is less than a millisecond.
fn pieces(from: Wall, to: Wall) -> impl Iterator<Item = (Wall, u64)> {
    let piece = i64::try_from(PIECE.as_micros()).unwrap_or(i64::MAX);
    let longest = i64::try_from(LONGEST.as_micros()).unwrap_or(i64::MAX);
    let end = to.as_unix_micros();
    let mut at = from.as_unix_micros().max(end.saturating_sub(longest));
    std::iter::from_fn(move || {
        let begin = at;
        at = (begin.div_euclid(piece) + 1).saturating_mul(piece).min(end);
        (begin < end).then(|| (Wall::from_unix_micros(begin), u64::try_from((at - begin) / 1_000).unwrap_or(0)))
    })
}
