//! Keys that a phone presses: RFC 4733 in its audio, INFO in its signalling, or both at once, which is one key.

use std::collections::VecDeque;
use std::time::Duration;

use base::{LegId, Mono, Now, TimerToken};
use sip_message::InfoDigit;

use crate::switch::Switch;
use crate::timer::Timer;

/// How far apart the two tellings of one key may lie. An INFO that is lost is sent again after 500 ms, 1 s and 2 s.
const TWINS: Duration = Duration::from_secs(3);
/// How long a key that came by INFO waits for its twin before it is passed on to the other side, which would hear both.
const TWIN_WAIT: Duration = Duration::from_millis(200);
/// How many keys are remembered; nobody presses more in the time.
const MAX_RECENT: usize = 16;
/// How long a key is held that is passed on without a word of how long it was.
const HELD_MS: u16 = 160;

/// By what a key was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Media,
    Info,
}

/// What a leg's peer pressed just now.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Keys that were taken and whose twin has not come: when, which, by what.
    recent: VecDeque<(Mono, char, By)>,
    /// Keys by INFO that are to be passed on, and for how long each is held.
    waiting: VecDeque<(char, u16)>,
    timer: Option<TimerToken>,
}

impl Keys {
    /// Takes a key. False if it was told by other means before.
    fn take(&mut self, now: Mono, key: char, by: By) -> bool {
        while self.recent.front().is_some_and(|(at, ..)| now.since(*at) > TWINS) || self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
        let twin = self.recent.iter().position(|(_, known, way)| *known == key && *way != by);
        match twin {
            Some(at) => drop(self.recent.remove(at)),
            None => self.recent.push_back((now, key, by)),
        }
        twin.is_none()
    }

    /// True while keys wait to be passed on.
    pub const fn waits(&self) -> bool {
        self.timer.is_some()
    }

    /// Passes nothing on any more; the timer is to be cancelled.
    pub fn take_timer(&mut self) -> Option<TimerToken> {
        self.waiting.clear();
        self.timer.take()
    }
}

impl Switch {
    /// A key in a leg's audio. The media passes it on by itself to whom the leg talks with.
    pub(crate) fn heard_digit(&mut self, now: Now, leg: LegId, key: char) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.keys.take(now.monotonic, key, By::Media) {
            self.pressed(now, leg, key);
            return;
        }
        // It came by INFO before, and is passed on by the media now.
        if let Some(at) = found.keys.waiting.iter().position(|(waiting, _)| *waiting == key) {
            found.keys.waiting.remove(at);
        }
    }

    /// A key by INFO.
    pub(crate) fn told_digit(&mut self, now: Now, leg: LegId, digit: InfoDigit) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.closed || !found.keys.take(now.monotonic, digit.key, By::Info) {
            return;
        }
        if found.keeps_digits {
            return self.pressed(now, leg, digit.key);
        }
        if found.keys.waiting.len() < MAX_RECENT {
            found.keys.waiting.push_back((digit.key, digit.duration_ms.unwrap_or(HELD_MS)));
        }
        let both = found.agreed.is_some_and(|agreed| agreed.dtmf_receive_pt.is_some());
        if !both {
            self.pass_keys_on(leg);
        } else if found.keys.timer.is_none() {
            found.keys.timer = Some(self.timers.set(now.monotonic + TWIN_WAIT, Timer::Keys(leg)));
        }
        self.digit(leg, digit.key);
    }

    /// Sends what a leg's peer told by INFO to whom it talks with.
    pub(crate) fn pass_keys_on(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let waiting = std::mem::take(&mut found.keys.waiting);
        found.keys.timer = None;
        for (key, duration_ms) in waiting {
            self.send_key(leg, key, duration_ms);
        }
    }

    /// A key was pressed, and not told before.
    fn pressed(&mut self, now: Now, leg: LegId, key: char) {
        if self.legs.get(&leg).is_some_and(|found| found.keeps_digits) {
            self.typed(now, leg, key);
        }
        self.digit(leg, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_key_that_comes_twice_by_two_ways_counts_once_in_any_order() {
        let mut keys = Keys::default();
        let mut took = |millis, key, by| keys.take(at(millis), key, by);
        assert!(took(0, '5', By::Media));
        assert!(!took(20, '5', By::Info));
        assert!(took(40, '5', By::Info), "pressed again");
        assert!(!took(60, '5', By::Media));
        assert!(took(80, '5', By::Media) && took(100, '5', By::Media), "twice quickly");
        assert!(!took(700, '5', By::Info) && !took(700, '5', By::Info), "one of them was lost and sent again");
        assert!(took(800, '5', By::Info), "a third time");
    }

    #[test]
    fn a_phone_that_tells_by_one_way_only_is_heard_each_time() {
        for by in [By::Media, By::Info] {
            let mut keys = Keys::default();
            assert!((0..100).all(|press| keys.take(at(press * 10), '1', by)));
            assert!(keys.recent.len() <= MAX_RECENT + 1);
        }
        let mut keys = Keys::default();
        assert!(keys.take(at(0), '1', By::Media));
        assert!(keys.take(at(3_001), '1', By::Info), "long after, it is another key");
    }
}
