//! Texts that flows speak. Those that never change were spoken before the configuration went live, and are prompts like others;
//! a driver speaks the rest, while the caller hears nothing and his keys count. What is not spoken in time is left out.

use std::collections::{BTreeMap, VecDeque};

use base::{CallId, Now, TimerToken};
use ivr::{Sound, Speech};
use journal::Kind;
use leg::Prompt;

use crate::fault::Hand;
use crate::switch::Switch;
use crate::timer::Timer;

/// A text that a driver is to speak; it answers with [`Switch::handle_spoken`], once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speak {
    /// Names the answer.
    pub id: u64,
    /// The text and its language.
    pub speech: Speech,
}

/// What a call waits for before it plays.
#[derive(Debug)]
pub(crate) struct Speaking {
    items: Vec<Sound>,
    repeat: bool,
    /// What is being spoken, each with the number of its answer.
    asked: Vec<(u64, Speech)>,
    spoken: BTreeMap<Speech, Prompt>,
    /// The end of the time for that.
    limit: TimerToken,
}

/// All that is asked of the driver.
#[derive(Debug, Default)]
pub(crate) struct Speeches {
    last: u64,
    asks: VecDeque<Speak>,
    /// The calls that wait, by the number of the answer.
    calls: BTreeMap<u64, CallId>,
}

impl Switch {
    /// The next text to be spoken.
    pub fn poll_speak(&mut self) -> Option<Speak> {
        self.speeches.asks.pop_front()
    }

    /// A text was spoken, or not: then why, as a word for the journal. What nobody waits for any more changes nothing.
    pub fn handle_spoken(&mut self, now: Now, id: u64, outcome: Result<Prompt, &'static str>) {
        let Some(call) = self.speeches.calls.remove(&id) else { return };
        self.hand = Hand::Call(call);
        if let Err(why) = outcome {
            self.note(now, call, Kind::Unsaid { why: why.into() });
        }
        let speaking = self.calls.get_mut(&call).and_then(|found| found.speaking.as_mut());
        if let Some(speaking) = speaking
            && let Some(at) = speaking.asked.iter().position(|(asked, _)| *asked == id)
        {
            let (_, speech) = speaking.asked.swap_remove(at);
            speaking.spoken.extend(outcome.ok().map(|prompt| (speech, prompt)));
            if speaking.asked.is_empty() {
                self.play_spoken(now, call);
            }
        }
        self.settle(now);
    }

    /// Plays what a flow says, at once if all texts in it are there.
    pub(crate) fn play_when_spoken(&mut self, now: Now, call: CallId, items: Vec<Sound>, repeat: bool) {
        let Some(found) = self.calls.get(&call) else { return };
        let known = found.prompts.clone();
        let mut missing: Vec<&Speech> = items.iter().filter_map(Sound::speech).collect();
        missing.retain(|speech| known.spoken(speech).is_none());
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return self.play(now, call, &known, &BTreeMap::new(), &items, repeat);
        }
        let mut asked = Vec::new();
        for speech in missing {
            self.speeches.last += 1;
            let id = self.speeches.last;
            self.speeches.calls.insert(id, call);
            self.speeches.asks.push_back(Speak { id, speech: speech.clone() });
            asked.push((id, speech.clone()));
        }
        self.stop_play(call);
        let limit = self.timers.set(now.monotonic + self.config.limits.speech, Timer::Speech(call));
        if let Some(found) = self.calls.get_mut(&call) {
            found.speaking = Some(Speaking { items, repeat, asked, spoken: BTreeMap::new(), limit });
        }
    }

    /// The time is over: what was not spoken is left out.
    pub(crate) fn speech_late(&mut self, now: Now, call: CallId) {
        let asked = self.calls.get(&call).and_then(|found| found.speaking.as_ref()).map_or(0, |some| some.asked.len());
        for _ in 0..asked {
            self.note(now, call, Kind::Unsaid { why: "too_late".into() });
        }
        self.play_spoken(now, call);
    }

    fn play_spoken(&mut self, now: Now, call: CallId) {
        let Some(Speaking { items, repeat, spoken, .. }) = self.stop_speaking(call) else { return };
        let Some(known) = self.calls.get(&call).map(|found| found.prompts.clone()) else { return };
        self.play(now, call, &known, &spoken, &items, repeat);
    }

    /// Waits for no text any more.
    pub(crate) fn stop_speaking(&mut self, call: CallId) -> Option<Speaking> {
        let speaking = self.calls.get_mut(&call)?.speaking.take()?;
        self.timers.cancel(speaking.limit);
        for (id, _) in &speaking.asked {
            self.speeches.calls.remove(id);
        }
        // Nobody need speak what was not even handed over.
        self.speeches.asks.retain(|ask| speaking.asked.iter().all(|(id, _)| *id != ask.id));
        Some(speaking)
    }
}
