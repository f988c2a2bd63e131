//! Keys by which a user does something with his talk: codes such as `*2`, typed on the phone while he talks.
//!
//! They are his who was called, never the caller's. While codes are configured, the media keeps the keys of such a leg from the other
//! side, and what is part of no code is passed on from here. A key that may begin a code waits for the next ones; if they do not make
//! it one, or do not come in time, all of them are passed on.
//!
//! Two codes want a number: digits, a `*` before them for `+`, and a `#` or a pause at the end. Of a number nothing is passed on.

use std::sync::Arc;
use std::time::Duration;

use base::{LegId, Now, TimerToken};
use leg::{Command, Digit, Item, Tone};

use crate::switch::Switch;
use crate::timer::Timer;

/// How long the next key of a code or a number may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// The most keys of a number.
const MAX_NUMBER: usize = 32;
/// How long a key is held that is passed on.
const HELD_MS: u16 = 160;

/// What a code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TalkKey {
    /// Puts the caller on hold and calls the number that follows.
    Consult,
    /// Has the caller, the user and whom he consults hear each other.
    Confer,
    /// Lets whom he consults go, and returns to the caller.
    Return,
    /// Sends the caller on to the number that follows.
    Transfer,
}

impl TalkKey {
    const fn wants_number(self) -> bool {
        matches!(self, Self::Consult | Self::Transfer)
    }
}

/// The codes, of which none begins with another one; nothing is a code if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TalkKeys(pub Vec<(Arc<str>, TalkKey)>);

/// What a phone has typed of a code.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    keys: String,
    /// The code is whole, and its number follows.
    wants: Option<TalkKey>,
    timer: Option<TimerToken>,
}

impl Typed {
    /// True while more keys are waited for.
    pub const fn waits(&self) -> bool {
        self.timer.is_some()
    }

    /// Forgets what was typed; the timer is to be cancelled.
    pub fn take_timer(&mut self) -> Option<TimerToken> {
        std::mem::take(self).timer
    }
}

impl Switch {
    /// From now on the keys of a user who is in a talk come here alone, if there are codes.
    pub(crate) fn keep_digits(&mut self, leg: LegId) {
        let is_user = matches!(self.owner(leg), Some(journal::Asker::User(_)));
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if is_user && !found.keeps_digits && !self.config.talk_keys.0.is_empty() {
            found.keeps_digits = true;
            self.commands.push_back(Command::KeepDigits { leg });
        }
    }

    /// A phone whose keys come here alone pressed one.
    pub(crate) fn typed(&mut self, now: Now, leg: LegId, key: char) {
        let talks = self.talker(leg).is_some();
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let Some(timer) = found.typed.timer.take() {
            self.timers.cancel(timer);
        }
        found.typed.keys.push(key);
        let whole = match found.typed.wants {
            Some(_) => key == '#' || found.typed.keys.len() > MAX_NUMBER,
            None if !talks => return self.pass_typed_on(leg),
            None => {
                let codes = &self.config.talk_keys.0;
                let code = codes.iter().find(|(code, _)| **code == *found.typed.keys).map(|(_, does)| *does);
                if let Some(does) = code {
                    (found.typed.keys, found.typed.wants) = (String::new(), Some(does));
                } else if !codes.iter().any(|(code, _)| code.starts_with(&*found.typed.keys)) {
                    return self.pass_typed_on(leg);
                }
                code.is_some_and(|does| !does.wants_number())
            }
        };
        if whole {
            self.typed_whole(now, leg);
        } else {
            found.typed.timer = Some(self.timers.set(now.monotonic + PATIENCE, Timer::Typed(leg)));
        }
    }

    /// No further key came in time.
    pub(crate) fn typed_no_more(&mut self, now: Now, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.typed.timer = None;
        match found.typed.wants {
            Some(_) => self.typed_whole(now, leg),
            None => self.pass_typed_on(leg),
        }
    }

    /// A code is whole, and its number if it wants one.
    fn typed_whole(&mut self, now: Now, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Typed { keys, wants, .. } = std::mem::take(&mut found.typed);
        let number = keys.trim_end_matches('#');
        let number = number.strip_prefix('*').map_or(number.to_owned(), |digits| format!("+{digits}"));
        let done = match wants {
            Some(TalkKey::Consult) => self.consult(now, leg, number),
            Some(TalkKey::Transfer) => self.transfer_by_key(now, leg, number),
            Some(TalkKey::Confer) => self.confer(now, leg),
            Some(TalkKey::Return) => self.return_from_consult(now, leg),
            None => true,
        };
        if !done {
            self.sound_refusal(leg);
        }
    }

    /// Whoever typed hears that it does not work.
    pub(crate) fn sound_refusal(&mut self, leg: LegId) {
        if self.legs.get(&leg).is_some_and(|found| !found.closed) {
            self.commands.push_back(Command::Interject { leg, items: [Item::Tone(Tone::Busy)].into() });
        }
    }

    /// What was typed is no code: it goes where it would have gone.
    fn pass_typed_on(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let keys = std::mem::take(&mut found.typed.keys);
        for key in keys.chars() {
            self.send_key(leg, key, HELD_MS);
        }
    }

    /// Sends a key that a leg's peer pressed to the other side of his talk. Of three, nobody's keys are for the two others.
    pub(crate) fn send_key(&mut self, leg: LegId, key: char, duration_ms: u16) {
        let call = self.legs.get(&leg).and_then(|found| self.calls.get(&found.call)).filter(|call| !call.over);
        let Some([Some(other), None]) = call.map(|call| call.partners(leg)) else { return };
        let digit = Digit::from_char(key);
        self.commands.extend(digit.map(|digit| Command::SendDigit { leg: other, digit, duration_ms }));
    }
}
