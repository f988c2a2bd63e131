//! What callers who wait are told: their place, and how long they will wait. Told over the music, which goes on where it was; a phone
//! that answers cuts it short.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{CallId, Mono, Now, TimerToken};
use ivr::Announce;
use journal::{Announced, Kind};
use leg::{Command, Item};

use crate::call::Stage;
use crate::flow::item;
use crate::switch::Switch;
use crate::timer::Timer;

/// What is due so soon is said with what is due now.
const TOGETHER: Duration = Duration::from_secs(5);
/// The most minutes that are spoken of.
const MOST_MINUTES: u64 = 120;

/// When a caller who waits is told something next.
#[derive(Debug)]
pub(crate) struct Announcing {
    often: Announce,
    position: Option<Mono>,
    wait: Option<Mono>,
    timer: TimerToken,
}

impl Switch {
    /// A caller began to wait: he is told what he is to be told, the first time at once, unless a phone rings for him at once.
    pub(crate) fn begin_announcing(&mut self, now: Now, call: CallId, often: Announce) {
        self.end_announcing(call);
        if often.is_nothing() {
            return;
        }
        let first = |often: Option<Duration>| often.map(|_| now.monotonic);
        let (position, wait) = (first(often.position), first(often.wait));
        let timer = self.timers.set(now.monotonic, Timer::Announce(call));
        if let Some(found) = self.calls.get_mut(&call) {
            found.announcing = Some(Announcing { often, position, wait, timer });
        }
    }

    /// He waits no longer, or is told nothing any more.
    pub(crate) fn end_announcing(&mut self, call: CallId) {
        if let Some(announcing) = self.calls.get_mut(&call).and_then(|found| found.announcing.take()) {
            self.timers.cancel(announcing.timer);
        }
    }

    /// Something is due to be told.
    pub(crate) fn announce(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let Some(mut announcing) = found.announcing.take() else { return };
        let due = |at: Option<Mono>| at.is_some_and(|at| at <= now.monotonic + TOGETHER);
        let (tell_position, tell_wait) = (due(announcing.position), due(announcing.wait));
        let next = |at: Option<Mono>, told: bool, often: Option<Duration>| match often {
            Some(often) if told => Some(now.monotonic + often),
            _ => at,
        };
        announcing.position = next(announcing.position, tell_position, announcing.often.position);
        announcing.wait = next(announcing.wait, tell_wait, announcing.often.wait);
        let Some(at) = [announcing.position, announcing.wait].into_iter().flatten().min() else { return };
        announcing.timer = self.timers.set(at, Timer::Announce(call));
        // While texts that he is to hear are being spoken, he is told nothing.
        let silent = found.speaking.is_some() || !matches!(found.stage, Stage::Queued(_));
        found.announcing = Some(announcing);
        if !silent {
            self.tell(now, call, tell_position, tell_wait);
        }
    }

    /// Tells him; nothing while a phone rings for him, and nothing of his wait while that is uncertain.
    fn tell(&mut self, now: Now, call: CallId, tell_position: bool, tell_wait: bool) {
        let Some(place) = self.acd.position(call) else { return };
        let range = if tell_wait { self.acd.estimate(now, call) } else { None };
        let minutes = range.map(|range| minutes(range.low, range.high));
        let Some(flow) = self.calls.get(&call).and_then(|found| found.flow.as_ref()) else { return };
        let position = tell_position.then_some(place);
        let mut sounds = position.map_or_else(Vec::new, |place| flow.say_position(place));
        sounds.extend(minutes.into_iter().flat_map(|[low, high]| flow.say_wait(low, high)));
        let Some(found) = self.calls.get(&call) else { return };
        let (known, language) = (&found.prompts, found.language.as_deref());
        let items: Arc<[Item]> =
            sounds.iter().filter_map(|sound| item(known, &BTreeMap::new(), language, sound)).collect();
        if items.is_empty() {
            return;
        }
        let leg = found.caller;
        self.note(now, call, Kind::Announced(Announced { position, wait_minutes: minutes }));
        self.commands.push_back(Command::Interject { leg, items });
    }
}

/// From how many minutes, rounded down, to how many, rounded up.
fn minutes(low: Duration, high: Duration) -> [u32; 2] {
    let (low, high) = (low.as_secs() / 60, high.as_secs().div_ceil(60).clamp(1, MOST_MINUTES));
    // `low` is below `high`, and both below two hours.
    [low.min(high - 1), high].map(|minutes| u32::try_from(minutes).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_in_whole_minutes_around_it() {
        let told = |low, high| minutes(Duration::from_secs(low), Duration::from_secs(high));
        assert_eq!([told(5, 40), told(30, 61), told(120, 121), told(119, 245)], [[0, 1], [0, 2], [2, 3], [1, 5]]);
        assert_eq!([told(120, 120), told(0, 0), told(7_100, 7_200)], [[1, 2], [0, 1], [118, 120]]);
    }
}
