//! Feature codes: what agents dial on their own phones to come, go, pause and be ready, and to say what came of a call.
//!
//! A code is dialled like a number, and is one for users alone: whose call comes by a trunk has reached nothing. The answer is
//! a prompt, `agent/WORD`, in the user's language; where that is not there, two beeps say that it is done, and the tone of
//! congestion that it is not. Then the switch hangs up. While it lasts the agent is reserved, so that no call finds him at it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentName, Status};
use base::{CallId, Now};
use ivr::Sound;
use journal::{Kind, Name, Party, StatusBy};
use leg::{Item, Tone};

use crate::duty::{NotSaid, Saying};
use crate::flow::FlowInput;
use crate::switch::Switch;
use crate::talk::NORMAL_CLEARING;
use crate::timer::Timer;
use crate::{PromptName, UserName};

/// The most digits of a number behind a code.
const MAX_DIGITS: usize = 2;
/// How long one who is asked for a number may think, after the question and after each key.
const PATIENCE: Duration = Duration::from_secs(4);
/// Periods of the tone of congestion that one hears who is refused: two seconds.
const REFUSED_PERIODS: usize = 4;

/// What a code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// He comes.
    Login,
    /// He goes.
    Logout,
    /// He takes no calls for a while; the number of the reason stands behind the code.
    Pause,
    /// He takes calls again.
    Ready,
    /// He is done with what follows his call.
    EndWrapUp,
    /// He needs more time for it.
    ExtendWrapUp,
    /// What came of his call, whose number stands behind the code.
    Disposition,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Login, Self::Logout, Self::Pause, Self::Ready, Self::EndWrapUp, Self::ExtendWrapUp, Self::Disposition];

    /// Its key in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Pause => "pause",
            Self::Ready => "ready",
            Self::EndWrapUp => "end_wrap_up",
            Self::ExtendWrapUp => "extend_wrap_up",
            Self::Disposition => "disposition",
        }
    }

    /// Its code if nobody says otherwise.
    #[must_use]
    pub const fn usual(self) -> &'static str {
        match self {
            Self::Login => "*50",
            Self::Logout => "*51",
            Self::Pause => "*52",
            Self::Ready => "*53",
            Self::EndWrapUp => "*54",
            Self::ExtendWrapUp => "*55",
            Self::Disposition => "*56",
        }
    }

    /// A number may stand behind its code.
    #[must_use]
    pub const fn takes_number(self) -> bool {
        matches!(self, Self::Pause | Self::Disposition)
    }
}

/// All codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes(BTreeMap<Arc<str>, Feature>);

impl Codes {
    /// These codes, of which none may be the beginning of another one that the first one's numbers would reach, too: see
    /// [`Self::find`].
    #[must_use]
    pub fn new(codes: impl IntoIterator<Item = (Arc<str>, Feature)>) -> Self {
        Self(codes.into_iter().collect())
    }

    /// What somebody means who dials this, and the number behind it.
    #[must_use]
    pub fn find(&self, dialled: &str) -> Option<(Feature, Option<u32>)> {
        if let Some(feature) = self.0.get(dialled) {
            return Some((*feature, None));
        }
        (1..=MAX_DIGITS).find_map(|digits| {
            let (code, number) = dialled.split_at_checked(dialled.len().checked_sub(digits)?)?;
            let feature = self.0.get(code).filter(|feature| feature.takes_number())?;
            let number = number.bytes().all(|c| c.is_ascii_digit()).then(|| number.parse().ok())??;
            Some((*feature, Some(number)))
        })
    }
}

/// A code that was dialled.
#[derive(Clone, Debug)]
pub(crate) struct Dialled {
    pub user: UserName,
    pub feature: Feature,
    pub number: Option<u32>,
}

/// A call that a code made.
#[derive(Debug)]
pub(crate) struct CodeCall {
    agent: AgentName,
    feature: Feature,
    /// The keys so far of one who is asked for a number.
    asked: Option<String>,
}

/// What is to be said.
enum Answer {
    Done(&'static str),
    Refused(&'static str),
    /// The number is to be asked for.
    Ask(&'static str),
}

impl Switch {
    /// The phone of whoever dialled a code hears us.
    pub(crate) fn begin_code(&mut self, now: Now, call: CallId, dialled: Dialled) {
        let Dialled { user, feature, number } = dialled;
        let language = self.config.duties.languages.get(&user).cloned();
        let agent = AgentName::from(user);
        // Who is no agent, or has a call, is not kept from any.
        let _ = self.acd.reserve(now, &agent, call);
        if let Some(found) = self.calls.get_mut(&call) {
            found.language = language;
            found.code = Some(CodeCall { agent: agent.clone(), feature, asked: None });
        }
        let answer = self.obey_code(now, &agent, feature, number);
        self.answer_code(now, call, answer);
    }

    fn obey_code(&mut self, now: Now, agent: &AgentName, feature: Feature, number: Option<u32>) -> Answer {
        let saying = match feature {
            Feature::Login => Saying::Login,
            Feature::Logout => Saying::Logout,
            Feature::Ready => Saying::Ready,
            Feature::EndWrapUp => Saying::EndWrapUp,
            Feature::ExtendWrapUp => Saying::ExtendWrapUp,
            Feature::Pause => match one_of(&self.config.duties.breaks, number) {
                Some(reason) => Saying::Pause { reason },
                None => return self.ask_or_refuse(agent, feature, number),
            },
            Feature::Disposition => match one_of(&self.config.duties.dispositions, number) {
                Some(code) => Saying::Disposition { code },
                None => return self.ask_or_refuse(agent, feature, number),
            },
        };
        match self.say_duty(now, agent, &saying, StatusBy::Phone, "") {
            Ok(()) => Answer::Done(self.done(agent, feature)),
            Err(not) => Answer::Refused(refusal(not)),
        }
    }

    /// He did not say which, or named one that there is not.
    fn ask_or_refuse(&self, agent: &AgentName, feature: Feature, number: Option<u32>) -> Answer {
        let duties = &self.config.duties;
        let (known, question) = match feature {
            Feature::Disposition => (&duties.dispositions, "which-disposition"),
            _ => (&duties.breaks, "which-reason"),
        };
        if number.is_some() || known.is_empty() {
            return Answer::Refused(no_such(feature));
        }
        // Nobody is asked what would not be taken of him.
        match self.acd.agent_status(agent) {
            None => Answer::Refused("no-agent"),
            Some(_) if feature == Feature::Disposition && self.acd.call_of(agent).is_none() => {
                Answer::Refused("no-call")
            }
            Some(Status::LoggedOut) if feature == Feature::Pause => Answer::Refused("not-logged-in"),
            Some(_) => Answer::Ask(question),
        }
    }

    /// What he hears whose wish is done.
    fn done(&self, agent: &AgentName, feature: Feature) -> &'static str {
        match (feature, self.acd.agent_status(agent)) {
            (Feature::EndWrapUp, _) => "wrap-up-ended",
            (Feature::ExtendWrapUp, _) => "wrap-up-extended",
            (Feature::Disposition, _) => "noted",
            // Who logs in and was there stays on his break, and hears so.
            (_, Some(Status::Break { .. })) => "paused",
            (Feature::Login, Some(Status::Available)) => "logged-in",
            (_, Some(Status::Available)) => "ready",
            (_, Some(Status::LoggedOut) | None) => "logged-out",
        }
    }

    fn answer_code(&mut self, now: Now, call: CallId, answer: Answer) {
        let asks = matches!(answer, Answer::Ask(_));
        let (word, tones, tone) = match answer {
            Answer::Done(word) | Answer::Ask(word) => (
                word,
                vec![Item::Tone(Tone::Beep), Item::Silence(Duration::from_millis(100)), Item::Tone(Tone::Beep)],
                "beep",
            ),
            Answer::Refused(word) => (word, vec![Item::Tone(Tone::Congestion); REFUSED_PERIODS], "congestion"),
        };
        let Some(found) = self.calls.get_mut(&call) else { return };
        if let Some(code) = &mut found.code {
            code.asked = asks.then(String::new);
        }
        let known = found.prompts.clone();
        let name = PromptName::from(format!("agent/{word}"));
        if known.get(found.language.as_deref(), &name).is_some() {
            return self.play(now, call, &known, &BTreeMap::new(), &[Sound::Prompt(name)], false);
        }
        self.play_items(call, tones.into(), false);
        if let Some(play) = self.calls.get(&call).and_then(|found| found.play) {
            self.note(now, call, Kind::Play { play, items: vec![Name::from(tone)] });
        }
    }

    /// What comes in a call that has no flow.
    pub(crate) fn feed_code(&mut self, now: Now, call: CallId, input: FlowInput) {
        let Some(code) = self.calls.get_mut(&call).and_then(|found| found.code.as_mut()) else { return };
        match (&mut code.asked, input) {
            (None, FlowInput::PlayDone) => self.end_call(now, call, Party::System, "code", NORMAL_CLEARING),
            (Some(_), FlowInput::PlayDone) => self.await_key(now, call),
            (Some(keys), FlowInput::Digit(key)) => {
                keys.extend(Some(key).filter(char::is_ascii_digit));
                let complete = key == '#' || keys.len() == MAX_DIGITS;
                self.stop_play(call);
                if complete { self.number_keyed(now, call) } else { self.await_key(now, call) }
            }
            (Some(_), FlowInput::Timeout) => self.number_keyed(now, call),
            _ => {}
        }
    }

    fn await_key(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let timer = self.timers.set(now.monotonic + PATIENCE, Timer::Flow(call));
        if let Some(former) = found.flow_timer.replace(timer) {
            self.timers.cancel(former);
        }
    }

    /// He has said which number he means, or nothing.
    fn number_keyed(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        if let Some(timer) = found.flow_timer.take() {
            self.timers.cancel(timer);
        }
        let Some(CodeCall { agent, feature, asked }) = &mut found.code else { return };
        let (agent, feature, keys) = (agent.clone(), *feature, asked.take().unwrap_or_default());
        let answer = match keys.parse() {
            Ok(number) => self.obey_code(now, &agent, feature, Some(number)),
            Err(_) => Answer::Refused(no_such(feature)),
        };
        self.answer_code(now, call, answer);
    }

    /// The call is over: others may ring the agent again.
    pub(crate) fn end_code(&mut self, now: Now, call: CallId) {
        if let Some(code) = self.calls.get_mut(&call).and_then(|found| found.code.take()) {
            self.acd.release(now, &code.agent, call);
        }
    }
}

/// What has this number; without one, the only thing there is.
fn one_of(known: &BTreeMap<Arc<str>, u32>, number: Option<u32>) -> Option<Arc<str>> {
    let mut fitting = known.iter().filter(|(_, has)| number.is_none_or(|number| **has == number));
    fitting.next().filter(|_| number.is_some() || known.len() == 1).map(|(name, _)| name.clone())
}

const fn no_such(feature: Feature) -> &'static str {
    match feature {
        Feature::Disposition => "no-such-disposition",
        _ => "no-such-reason",
    }
}

const fn refusal(not: NotSaid) -> &'static str {
    match not {
        NotSaid::NoSuchAgent => "no-agent",
        NotSaid::NoSuchReason => no_such(Feature::Pause),
        NotSaid::NoSuchDisposition => no_such(Feature::Disposition),
        NotSaid::NoCall => "no-call",
        NotSaid::NoWrapUp => "no-wrap-up",
        NotSaid::Longest => "wrap-up-longest",
        NotSaid::LoggedOut => "not-logged-in",
        NotSaid::OutOfReach => "out-of-reach",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_with_the_number_behind_it() {
        let codes = Codes::new([("*50".into(), Feature::Login), ("*52".into(), Feature::Pause)]);
        assert_eq!(codes.find("*50"), Some((Feature::Login, None)));
        assert_eq!(codes.find("*52"), Some((Feature::Pause, None)));
        assert_eq!(codes.find("*521"), Some((Feature::Pause, Some(1))));
        assert_eq!(codes.find("*5207"), Some((Feature::Pause, Some(7))));
        for none in ["*501", "*52123", "*52*1", "*52+1", "*5", "52", "", "ü1", "*52ü"] {
            assert_eq!(codes.find(none), None, "{none}");
        }
    }
}
