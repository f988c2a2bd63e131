//! The session's steps: entering nodes, asking, weighing keys, leaving. Each gives the target to go to at once, if any.

use std::sync::Arc;
use std::time::Duration;

use base::Now;

use crate::check::MAX_DEPTH;
use crate::flow::{Collect, Flow, Item, Menu, Outcome, Play, Prompt, Question, Target, Times, Verb, Way};
use crate::state::{Frame, Phase};
use crate::{HangupCause, Output, Session, Sound, Spoken, Value};

/// Keys that are kept for nodes to come; what is pressed beyond them is dropped.
const MAX_TYPED_AHEAD: usize = 32;

/// How long a prompt lasts that comes to nothing: items that read back an empty text.
const NOTHING_SAID: Duration = Duration::from_millis(200);

/// Moving from node to node.
impl Session {
    /// Enters nodes until one waits for something. The check saw that no way round comes here without a wait.
    pub(crate) fn advance(&mut self, now: Now, target: Option<Target>) {
        let mut next = target;
        while let Some(target) = next {
            self.deadline = None;
            self.state.typed.clear();
            // A call or a return leads into another one.
            let flow = Arc::clone(&self.flow);
            next = match target {
                Target::Node(index) => self.enter(&flow, index, now),
                Target::Hangup => self.hang_up(HangupCause::Normal),
                Target::Return => self.go_back(),
            };
        }
    }

    fn enter(&mut self, flow: &Flow, index: usize, now: Now) -> Option<Target> {
        let Some(node) = flow.node(index) else { return self.hang_up(HangupCause::Unavailable) };
        self.state.node = index;
        self.state.round = 1;
        self.outputs.push_back(Output::Entered { flow: Arc::clone(&flow.name), node: Arc::clone(&node.name) });
        match &node.verb {
            Verb::Play(play) => self.begin_play(flow, play),
            Verb::Menu(Menu { question, .. }) | Verb::Collect(Collect { question, .. }) => {
                return self.begin_question(flow, &node.verb, question, now);
            }
            Verb::Queue(queue) => {
                let (queue, max_wait) = (Arc::clone(&queue.name), queue.max_wait);
                self.hand_over(Phase::Queued, Output::Queue { queue, max_wait });
            }
            Verb::Dial(dial) => {
                let (target, ring_time) = (dial.target.clone(), dial.ring_time);
                self.hand_over(Phase::Dialled, Output::Dial { target, ring_time });
            }
            Verb::Record { on, next } => {
                self.outputs.push_back(Output::Record { on: *on });
                return Some(*next);
            }
            Verb::Language { name, next } => {
                self.set_language(name);
                self.outputs.push_back(Output::Language { language: Arc::clone(name) });
                return Some(*next);
            }
            Verb::Goto(target) => return Some(*target),
            Verb::Call(call) => {
                // The check saw that no flows call each other deeper; only a session that was tampered with could.
                if self.state.callers.len() >= MAX_DEPTH {
                    return self.hang_up(HangupCause::Unavailable);
                }
                self.state.callers.push(Frame { flow: flow.name.to_string(), node: index });
                return self.go_into(&call.flow);
            }
            Verb::Leave { flow, .. } => {
                self.state.callers.clear();
                return self.go_into(flow);
            }
            Verb::Hangup(cause) => return self.hang_up(*cause),
        }
        None
    }

    fn go_into(&mut self, flow: &str) -> Option<Target> {
        let Some(flow) = self.flows.get(flow) else { return self.hang_up(HangupCause::Unavailable) };
        self.flow = Arc::clone(flow);
        Some(Target::Node(flow.start))
    }

    /// Back to the flow that called this one, behind the node that did.
    fn go_back(&mut self) -> Option<Target> {
        let Some(Frame { flow, node }) = self.state.callers.pop() else { return self.hang_up(HangupCause::Normal) };
        let caller = self.flows.get(&flow).map(Arc::clone);
        let verb = caller.as_ref().and_then(|flow| flow.node(node)).map(|node| &node.verb);
        let Some(Verb::Call(call)) = verb else { return self.hang_up(HangupCause::Unavailable) };
        let next = call.next;
        self.flow = caller?;
        Some(next)
    }

    /// Goes where `outcome` leads, at once or after its prompt.
    pub(crate) fn leave(&mut self, flow: &Flow, outcome: &Outcome, barge_in: bool) -> Option<Target> {
        self.deadline = None;
        if outcome.prompt.0.is_empty() {
            return Some(outcome.way);
        }
        self.play(flow, &[&outcome.prompt], false);
        self.state.phase = Phase::Leaving { to: outcome.way, barge_in };
        None
    }

    /// A key that ends what plays, and counts for what follows.
    pub(crate) fn cut_short(&mut self, now: Now, key: char, to: Target) {
        self.stop_play();
        self.type_ahead(key);
        self.advance(now, Some(to));
    }

    pub(crate) fn type_ahead(&mut self, key: char) {
        if self.state.ahead.len() < MAX_TYPED_AHEAD {
            self.state.ahead.push(key);
        }
    }

    /// What was typed before a talk is stale after it.
    fn hand_over(&mut self, phase: Phase, order: Output) {
        self.state.ahead.clear();
        self.state.phase = phase;
        self.outputs.push_back(order);
    }

    fn hang_up(&mut self, cause: HangupCause) -> Option<Target> {
        self.deadline = None;
        self.state.phase = Phase::Over;
        self.outputs.push_back(Output::Hangup { cause });
        None
    }
}

/// Playing.
impl Session {
    fn begin_play(&mut self, flow: &Flow, play: &Play) {
        self.play(flow, &[&play.prompt], play.repeat == Times::Forever);
        self.state.phase = Phase::Playing;
    }

    /// The prompts of a `play` were heard once.
    pub(crate) fn played(&mut self, flow: &Flow, play: &Play) -> Option<Target> {
        let again = match play.repeat {
            Times::Count(times) => self.state.round < times,
            Times::Forever => true,
        };
        if !again {
            return play.next;
        }
        self.state.round = self.state.round.saturating_add(1);
        self.begin_play(flow, play);
        None
    }

    fn play(&mut self, _flow: &Flow, parts: &[&Prompt], repeat: bool) {
        let mut items = Vec::new();
        for item in parts.iter().flat_map(|prompt| &prompt.0) {
            match item {
                Item::Recording(name) => items.push(Sound::Prompt(Arc::clone(name))),
                Item::Silence(time) => items.push(Sound::Silence(*time)),
                Item::Spoken { spoken, variable, .. } => items.extend(self.say(spoken, variable)),
            }
        }
        // What has nothing to say takes its time all the same: no way round a flow may take none.
        if items.is_empty() {
            items.push(Sound::Silence(NOTHING_SAID));
        }
        self.state.playing = true;
        self.outputs.push_back(Output::Play { items, repeat });
    }

    fn say(&self, spoken: &Spoken, variable: &str) -> Vec<Sound> {
        let text = self.variable(variable).map(Value::spoken).unwrap_or_default();
        let table = self.flows.languages().table(self.language());
        table.map_or_else(Vec::new, |table| table.say(spoken, &text).into_iter().map(Sound::Prompt).collect())
    }

    pub(crate) fn stop_play(&mut self) {
        if std::mem::take(&mut self.state.playing) {
            self.outputs.push_back(Output::StopPlay);
        }
    }
}

/// Asking for keys: `menu` and `collect`.
impl Session {
    fn begin_question(&mut self, flow: &Flow, verb: &Verb, question: &Question, now: Now) -> Option<Target> {
        if !question.keep_type_ahead {
            self.state.ahead.clear();
        }
        // Who knows the way need not hear the prompt, unless it must be heard.
        if question.barge_in && !self.state.ahead.is_empty() {
            self.state.phase = Phase::Waiting;
            return self.take_typed_ahead(flow, verb, now);
        }
        self.ask(flow, question, None);
        None
    }

    /// Plays the question, `first` before it.
    fn ask(&mut self, flow: &Flow, question: &Question, first: Option<&Prompt>) {
        self.deadline = None;
        self.state.typed.clear();
        let first = first.filter(|prompt| !prompt.0.is_empty());
        // Nothing but the same prompt can follow, so it may be looped without a gap.
        let repeat = first.is_none() && question.only_repeats();
        match first {
            Some(first) => self.play(flow, &[first, &question.prompt], repeat),
            None => self.play(flow, &[&question.prompt], repeat),
        }
        self.state.phase = Phase::Asking;
    }

    /// The question was heard: waits for a key, if none was typed meanwhile.
    pub(crate) fn listen(&mut self, flow: &Flow, verb: &Verb, now: Now) -> Option<Target> {
        let question = verb.question()?;
        self.state.phase = Phase::Waiting;
        if !question.keep_type_ahead {
            self.state.ahead.clear();
        }
        if !self.state.ahead.is_empty() {
            return self.take_typed_ahead(flow, verb, now);
        }
        if question.timeout.is_zero() {
            return self.heard_nothing(flow, verb);
        }
        self.wait(now, question.timeout);
        None
    }

    /// Weighs keys that were typed ahead, as far as this question takes them.
    fn take_typed_ahead(&mut self, flow: &Flow, verb: &Verb, now: Now) -> Option<Target> {
        while self.state.phase == Phase::Waiting
            && let Some(key) = self.state.ahead.take_first()
        {
            let target = self.press(flow, verb, now, key);
            if target.is_some() {
                return target;
            }
        }
        None
    }

    /// Weighs a key that answers the question.
    pub(crate) fn press(&mut self, flow: &Flow, verb: &Verb, now: Now, key: char) -> Option<Target> {
        self.state.phase = Phase::Waiting;
        self.deadline = None;
        match verb {
            Verb::Menu(menu) => match menu.keys.iter().find(|(known, _)| *known == key) {
                Some((_, answer)) => self.answered(flow, &menu.question, answer),
                None => self.failed(flow, &menu.question, &menu.question.wrong_input),
            },
            Verb::Collect(collect) if key.is_ascii_digit() => {
                self.state.typed.push(key);
                if self.state.typed.len() >= collect.most {
                    return self.collected(flow, collect);
                }
                self.wait(now, collect.digit_timeout);
                None
            }
            Verb::Collect(collect) if collect.end_key == Some(key) => self.collected(flow, collect),
            Verb::Collect(collect) => self.failed(flow, &collect.question, &collect.question.wrong_input),
            _ => None,
        }
    }

    fn answered(&mut self, flow: &Flow, question: &Question, answer: &Outcome<Way>) -> Option<Target> {
        match answer.way {
            Way::To(way) => self.leave(flow, &Outcome { prompt: answer.prompt.clone(), way }, question.barge_in),
            Way::Repeat => {
                self.ask(flow, question, Some(&answer.prompt));
                None
            }
        }
    }

    /// The time to press a key, or a further one, is over.
    pub(crate) fn heard_nothing(&mut self, flow: &Flow, verb: &Verb) -> Option<Target> {
        match verb {
            Verb::Collect(collect) if !self.state.typed.is_empty() => self.collected(flow, collect),
            _ => {
                let question = verb.question()?;
                self.failed(flow, question, &question.no_input)
            }
        }
    }

    /// The caller typed all he wants to.
    fn collected(&mut self, flow: &Flow, collect: &Collect) -> Option<Target> {
        if self.state.typed.len() < collect.least {
            return self.failed(flow, &collect.question, &collect.question.wrong_input);
        }
        let digits = std::mem::take(&mut self.state.typed);
        let digits = digits.to_text();
        self.state.set(&collect.variable, Value::Text(digits.reveal().clone()));
        self.outputs.push_back(Output::Collected { variable: Arc::clone(&collect.variable), digits });
        Some(collect.next)
    }

    /// An attempt failed: no key, or a wrong one. What was typed behind a wrong key was meant for something else.
    fn failed(&mut self, flow: &Flow, question: &Question, outcome: &Outcome<Way>) -> Option<Target> {
        self.state.ahead.clear();
        let last = matches!(question.attempts, Times::Count(attempts) if self.state.round >= attempts);
        match (outcome.way, &question.exhausted) {
            (Way::Repeat, Some(exhausted)) if last => self.leave(flow, exhausted, question.barge_in),
            (Way::Repeat, _) => {
                self.state.round = self.state.round.saturating_add(1);
                self.ask(flow, question, Some(&outcome.prompt));
                None
            }
            (Way::To(_), _) => self.answered(flow, question, outcome),
        }
    }

    fn wait(&mut self, now: Now, time: Duration) {
        self.deadline = Some(now.monotonic + time);
    }
}

impl Question {
    /// True if silence makes it play its prompt again at once, for ever.
    fn only_repeats(&self) -> bool {
        let silent = self.no_input.way == Way::Repeat && self.no_input.prompt.0.is_empty();
        silent && self.timeout.is_zero() && self.attempts == Times::Forever && self.barge_in
    }
}
