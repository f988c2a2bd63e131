//! Asking for keys: `menu` and `collect`. Each step gives the target to go to at once, if any.

use std::sync::Arc;
use std::time::Duration;

use base::{Now, Pii};

use crate::extensions::Answer;
use crate::flow::{Collect, Confirm, DirectDial, Menu, Outcome, Prompt, Question, Survey, Target, Times, Verb, Way};
use crate::inspect::Check;
use crate::state::Phase;
use crate::{DialOutcome, DialTarget, Output, Recording, Session, Value};

/// Questions that `back` leads through; of more the first is forgotten.
const MAX_ASKED: usize = 16;

/// The question as such.
impl Session {
    pub(crate) fn begin_question(&mut self, verb: &Verb, question: &Question, now: Now) -> Option<Target> {
        if !question.keep_type_ahead {
            self.state.ahead.clear();
        }
        // Who knows the way need not hear the prompt, unless it must be heard.
        if question.barge_in && !self.state.ahead.is_empty() {
            self.state.phase = Phase::Waiting;
            return self.take_typed_ahead(verb, now);
        }
        self.ask(question, None);
        None
    }

    /// Plays the question, `first` before it.
    fn ask(&mut self, question: &Question, first: Option<&Prompt>) {
        self.deadline = None;
        self.state.typed.clear();
        let first = first.filter(|prompt| !prompt.0.is_empty());
        // Nothing but the same prompt can follow, so it may be looped without a gap.
        let repeat = first.is_none() && question.only_repeats();
        match first {
            Some(first) => self.play(&[first, &question.prompt], repeat),
            None => self.play(&[&question.prompt], repeat),
        }
        self.state.phase = Phase::Asking;
    }

    /// The question, or its confirmation, was heard: waits for a key, if none was typed meanwhile.
    pub(crate) fn listen(&mut self, verb: &Verb, now: Now) -> Option<Target> {
        let question = verb.question()?;
        if self.state.phase == Phase::Asking {
            self.state.phase = Phase::Waiting;
        }
        if !question.keep_type_ahead {
            self.state.ahead.clear();
        }
        if !self.state.ahead.is_empty() {
            return self.take_typed_ahead(verb, now);
        }
        if question.timeout.is_zero() {
            return self.heard_nothing(verb);
        }
        self.wait(now, question.timeout);
        None
    }

    /// Weighs keys that were typed ahead, as far as this question takes them.
    fn take_typed_ahead(&mut self, verb: &Verb, now: Now) -> Option<Target> {
        while self.may_answer(verb)
            && let Some(key) = self.state.ahead.take_first()
        {
            let target = self.press(verb, now, key);
            if target.is_some() {
                return target;
            }
        }
        None
    }

    /// True if a key counts as an answer now.
    pub(crate) fn may_answer(&self, verb: &Verb) -> bool {
        let asks = matches!(self.state.phase, Phase::Asking | Phase::Waiting | Phase::Confirming { .. });
        asks && (!self.state.playing || verb.question().is_some_and(|question| question.barge_in))
    }

    /// Weighs a key that answers the question.
    pub(crate) fn press(&mut self, verb: &Verb, now: Now, key: char) -> Option<Target> {
        if let (Phase::Confirming { again }, Verb::Collect(collect)) = (self.state.phase, verb) {
            // Many press it behind the last digit, too.
            let is_answer = collect.confirm.as_ref().is_some_and(|confirm| key == confirm.yes || key == confirm.no);
            if collect.end_key == Some(key) && !is_answer {
                return None;
            }
            self.stop_play();
            self.deadline = None;
            return self.press_confirming(collect, again, key);
        }
        self.stop_play();
        self.deadline = None;
        self.state.phase = Phase::Waiting;
        match verb {
            Verb::Menu(menu) => self.press_menu(menu, now, key),
            Verb::Collect(collect) if key.is_ascii_digit() => {
                self.state.typed.push(key);
                if self.state.typed.len() >= collect.most || self.is_score(collect) {
                    return self.collected(collect);
                }
                self.wait(now, collect.digit_timeout);
                None
            }
            Verb::Collect(collect) if collect.end_key == Some(key) => self.collected(collect),
            Verb::Collect(collect) => self.failed(&collect.question, &collect.question.wrong_input),
            _ => None,
        }
    }

    /// Goes where an outcome of the question leads.
    fn answered(&mut self, question: &Question, answer: &Outcome<Way>) -> Option<Target> {
        let to = match answer.way {
            Way::To(to) => Some(to),
            Way::Back => self.question_before().map(Target::Node),
            Way::Repeat => None,
        };
        match to {
            Some(way) => self.leave(&Outcome { prompt: answer.prompt.clone(), way }, question.barge_in),
            None => {
                self.ask(question, Some(&answer.prompt));
                None
            }
        }
    }

    /// The time to press a key, or a further one, is over.
    pub(crate) fn heard_nothing(&mut self, verb: &Verb) -> Option<Target> {
        match (self.state.phase, verb) {
            (Phase::Confirming { again }, Verb::Collect(collect)) => self.not_confirmed(collect, again),
            (_, Verb::Menu(menu)) if !self.state.typed.is_empty() => self.typed_all(menu),
            (_, Verb::Collect(collect)) if !self.state.typed.is_empty() => self.collected(collect),
            _ => {
                let question = verb.question()?;
                self.failed(question, &question.no_input)
            }
        }
    }

    /// An attempt failed: no key, or a wrong one. What was typed behind a wrong key was meant for something else.
    fn failed(&mut self, question: &Question, outcome: &Outcome<Way>) -> Option<Target> {
        self.state.ahead.clear();
        let last = matches!(question.attempts, Times::Count(attempts) if self.state.round >= attempts);
        // Whoever cannot go back is asked again, and not without end.
        let asks_again = outcome.way == Way::Repeat || (outcome.way == Way::Back && self.question_before().is_none());
        if asks_again && last && question.exhausted.is_some() {
            self.took("exhausted");
        } else {
            self.took(question.name_of(outcome));
        }
        match &question.exhausted {
            _ if !asks_again => self.answered(question, outcome),
            Some(exhausted) if last => self.leave(exhausted, question.barge_in),
            _ => {
                self.state.round = self.state.round.saturating_add(1);
                self.ask(question, Some(&outcome.prompt));
                None
            }
        }
    }

    fn wait(&mut self, now: Now, time: Duration) {
        self.deadline = Some(now.monotonic + time);
    }

    /// Remembers the way to a question, for `back`. Who comes to one that lies on that way has gone back to it.
    pub(crate) fn remember_question(&mut self, index: usize) {
        let asked = &mut self.state.asked;
        if let Some(at) = asked.iter().position(|known| *known == index) {
            asked.truncate(at + 1);
            return;
        }
        if asked.len() >= MAX_ASKED {
            asked.remove(0);
        }
        asked.push(index);
    }

    fn question_before(&self) -> Option<usize> {
        self.state.asked.iter().rev().nth(1).copied()
    }
}

/// Menus.
impl Session {
    /// Weighs what was typed in a menu so far: it answers at once unless further keys could make it mean something else.
    fn press_menu(&mut self, menu: &Menu, now: Now, key: char) -> Option<Target> {
        let flows = Arc::clone(&self.flows);
        let before = self.state.typed.to_text();
        self.state.typed.push(key);
        let weighed = menu.weigh(flows.extensions(), self.state.typed.to_text().reveal());
        if weighed.goes_on {
            self.wait(now, menu.digit_timeout);
            return None;
        }
        let answer = match weighed.answer {
            // It says that no further digit comes.
            None if key == '#' => menu.weigh(flows.extensions(), before.reveal()).answer,
            answer => answer,
        };
        self.chosen(menu, answer)
    }

    /// No further key came.
    fn typed_all(&mut self, menu: &Menu) -> Option<Target> {
        let flows = Arc::clone(&self.flows);
        let answer = menu.weigh(flows.extensions(), self.state.typed.to_text().reveal()).answer;
        self.chosen(menu, answer)
    }

    fn chosen(&mut self, menu: &Menu, answer: Option<Answer<'_>>) -> Option<Target> {
        self.state.typed.clear();
        match (answer, &menu.direct_dial) {
            (Some(Answer::Key(answer)), _) => {
                if let Some(key) = menu.keys.iter().find(|key| std::ptr::eq(&raw const key.answer, answer)) {
                    self.took(&key.range);
                }
                self.answered(&menu.question, answer)
            }
            (Some(Answer::Extension(user)), Some(dial)) => {
                let (target, ring_time) = (DialTarget::User(Arc::clone(user)), dial.ring_time);
                self.hand_over(Phase::Dialled, Output::Dial { target, ring_time });
                None
            }
            _ => self.failed(&menu.question, &menu.question.wrong_input),
        }
    }

    /// The dialling of an extension, or the talk that followed, is over.
    pub(crate) fn direct_dial_ended(
        &mut self,
        question: &Question,
        dial: &DirectDial,
        outcome: DialOutcome,
    ) -> Option<Target> {
        self.took(format_args!("direct_dial.{}", outcome.way()));
        let outcome = match outcome {
            DialOutcome::Ended => return Some(dial.next),
            DialOutcome::Busy => &dial.busy,
            DialOutcome::NoAnswer => &dial.no_answer,
            DialOutcome::Declined => &dial.declined,
            DialOutcome::Unreachable | DialOutcome::Refused => &dial.failed,
        };
        self.answered(question, outcome)
    }
}

/// Digits that are collected.
impl Session {
    /// The caller typed all he wants to.
    fn collected(&mut self, collect: &Collect) -> Option<Target> {
        if self.state.typed.len() < collect.least {
            return self.failed(&collect.question, &collect.question.wrong_input);
        }
        let digits = self.state.typed.to_text();
        self.state.typed.clear();
        if collect.check.as_ref().is_some_and(|check| !check.passes(digits.reveal())) {
            let (question, off_scale) = (&collect.question, collect.survey.is_some());
            return self.failed(question, if off_scale { &question.wrong_input } else { &collect.invalid });
        }
        let before = self.state.set(&collect.variable, Value::Text(digits.reveal().clone()));
        match &collect.confirm {
            Some(confirm) => {
                self.state.before = before;
                self.ask_to_confirm(&collect.question, confirm, false);
                None
            }
            None => Some(self.keep_digits(collect)),
        }
    }

    /// True if what was typed is a score to which no further digit belongs: any but a 1 that may become a 10.
    fn is_score(&self, collect: &Collect) -> bool {
        let typed = self.state.typed.to_text();
        let goes_on = |check: &Check| check.among.iter().any(|range| range.goes_on_from(typed.reveal()));
        collect.survey.is_some() && !collect.check.as_ref().is_some_and(goes_on)
    }

    /// The variable holds what it shall hold.
    fn keep_digits(&mut self, collect: &Collect) -> Target {
        if let Some(Survey { name, scale }) = &collect.survey {
            let typed = self.state.variables.get(&*collect.variable).and_then(Value::text);
            let score: u8 = typed.and_then(|typed| typed.parse().ok()).unwrap_or_default();
            self.state.set(&collect.variable, Value::Integer(score.into()));
            self.outputs.push_back(Output::Surveyed { survey: Arc::clone(name), scale: *scale, score });
            self.took("next");
            return collect.next;
        }
        let digits = self.state.variables.get(&*collect.variable).and_then(Value::text).filter(|_| !collect.secret);
        let digits = Pii::new(digits.map(str::to_owned));
        self.outputs.push_back(Output::Collected { variable: Arc::clone(&collect.variable), digits });
        self.took("next");
        collect.next
    }

    fn ask_to_confirm(&mut self, question: &Question, confirm: &Confirm, again: bool) {
        // Who has typed the answer, too, need not hear it.
        if !question.barge_in || self.state.ahead.is_empty() {
            self.play(&[&confirm.prompt], false);
        }
        self.state.phase = Phase::Confirming { again };
    }

    fn press_confirming(&mut self, collect: &Collect, again: bool, key: char) -> Option<Target> {
        let confirm = collect.confirm.as_ref()?;
        if key == confirm.yes {
            self.state.before = None;
            return Some(self.keep_digits(collect));
        }
        if key == confirm.no {
            return self.denied(collect);
        }
        // It was no answer, and what was typed behind it none either.
        self.state.ahead.clear();
        self.not_confirmed(collect, again)
    }

    /// Neither yes nor no: the digits are read back once more, then they are as good as denied.
    fn not_confirmed(&mut self, collect: &Collect, again: bool) -> Option<Target> {
        match &collect.confirm {
            Some(confirm) if !again => {
                self.ask_to_confirm(&collect.question, confirm, true);
                None
            }
            _ => self.denied(collect),
        }
    }

    /// The digits are wrong, the caller says: the variable holds what it held before, and an attempt is gone.
    fn denied(&mut self, collect: &Collect) -> Option<Target> {
        match self.state.before.take() {
            Some(value) => drop(self.state.set(&collect.variable, value)),
            None => drop(self.state.variables.remove(&*collect.variable)),
        }
        let again = Outcome { prompt: Prompt::default(), way: Way::Repeat };
        self.failed(&collect.question, &again)
    }
}

/// Secrets.
impl Session {
    /// True if what the caller types now is a secret, or may be: what he types ahead could be meant for a question that asks
    /// for one.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let verb = self.flow.node(self.state.node).map(|node| &node.verb);
        match self.state.phase {
            Phase::Playing | Phase::Leaving { .. } | Phase::Fetching => self.flows.ask_for_secrets(),
            Phase::Asking | Phase::Waiting | Phase::Confirming { .. } => {
                self.state.masked || (self.flows.ask_for_secrets() && !verb.is_some_and(|verb| self.may_answer(verb)))
            }
            Phase::Greeting
            | Phase::Beeping
            | Phase::Taking
            | Phase::Taken
            | Phase::Reviewing
            | Phase::Hearing { .. } => false,
            Phase::Idle
            | Phase::Deciding
            | Phase::Weighing
            | Phase::Opening
            | Phase::Queued
            | Phase::Dialled
            | Phase::Over => false,
        }
    }

    pub(crate) fn mask_if_secret(&mut self, verb: &Verb) {
        if matches!(verb, Verb::Collect(Collect { secret: true, .. })) {
            self.state.masked = true;
            if !self.state.hushed {
                self.outputs.push_back(Output::Mask { on: true });
            }
        }
    }

    pub(crate) fn unmask(&mut self) {
        if std::mem::take(&mut self.state.masked) && !self.state.hushed {
            self.outputs.push_back(Output::Mask { on: false });
        }
    }

    pub(crate) fn record(&mut self, order: Recording) {
        match order {
            Recording::Mask => self.state.hushed = true,
            Recording::Unmask => self.state.hushed = false,
            Recording::Start | Recording::Stop => {}
        }
        self.outputs.push_back(Output::Record { order });
    }
}

impl Question {
    /// The key of a flow's file that an attempt failed by; one for what was denied, too.
    fn name_of(&self, outcome: &Outcome<Way>) -> &'static str {
        match outcome {
            known if std::ptr::eq(known, &raw const self.no_input) => "no_input",
            known if std::ptr::eq(known, &raw const self.wrong_input) => "wrong_input",
            _ => "invalid",
        }
    }

    /// True if silence makes it play its prompt again at once, for ever.
    fn only_repeats(&self) -> bool {
        let silent = self.no_input.way == Way::Repeat && self.no_input.prompt.0.is_empty();
        silent && self.timeout.is_zero() && self.attempts == Times::Forever && self.barge_in
    }
}
