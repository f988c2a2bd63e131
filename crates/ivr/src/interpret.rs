//! The session's steps: entering nodes, asking, weighing keys, leaving. Each gives the target to go to at once, if any.

use std::sync::Arc;
use std::time::Duration;

use base::{Now, Pii};

use crate::check::MAX_DEPTH;
use crate::flow::{Collect, Flow, Item, Menu, Outcome, Play, Prompt, Target, Times, Verb};
use crate::state::{Frame, Phase};
use crate::template::Known;
use crate::text::Text;
use crate::{HangupCause, Output, Session, Sound, Speech, Spoken, Value};

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
            self.unmask();
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
            Verb::Play(play) => self.begin_play(play),
            Verb::Menu(Menu { question, .. }) | Verb::Collect(Collect { question, .. }) => {
                self.remember_question(index);
                self.mask_if_secret(&node.verb);
                return self.begin_question(&node.verb, question, now);
            }
            Verb::Hours(hours) => {
                self.state.phase = Phase::Deciding;
                self.outputs.push_back(Output::Hours { calendar: Arc::clone(&hours.calendar) });
            }
            Verb::Queue(queue) => {
                let hear = if queue.hear.0.is_empty() { Vec::new() } else { self.sounds(&[&queue.hear]) };
                let (max_wait, priority, skills) = (queue.max_wait, queue.priority, queue.skills.clone());
                let (queue, announce) = (Arc::clone(&queue.name), queue.announce);
                self.hand_over(Phase::Queued, Output::Queue { queue, max_wait, priority, skills, hear, announce });
            }
            Verb::Dial(dial) => {
                let (target, ring_time) = (dial.target.clone(), dial.ring_time);
                let order = match dial.leaves {
                    true => Output::Transfer { target, ring_time },
                    false => Output::Dial { target, ring_time },
                };
                self.hand_over(Phase::Dialled, order);
            }
            Verb::Voicemail(voicemail) => {
                let mailbox = Arc::clone(&voicemail.mailbox);
                self.hand_over(Phase::Opening, Output::LeaveMessage { mailbox });
            }
            Verb::Mailbox(mailbox) => {
                let mailbox = Arc::clone(&mailbox.name);
                self.hand_over(Phase::Opening, Output::OpenMailbox { mailbox });
            }
            Verb::Record { order, next } => {
                self.record(*order);
                self.took("next");
                return Some(*next);
            }
            Verb::Language { name, next } => {
                self.set_language(name);
                self.outputs.push_back(Output::Language { language: Arc::clone(name) });
                self.took("next");
                return Some(*next);
            }
            Verb::Goto(target) => {
                self.took("next");
                return Some(*target);
            }
            verb @ (Verb::When(_) | Verb::Look(_) | Verb::Set(_) | Verb::Http(_) | Verb::Callback(_)) => {
                return self.decide(verb, now);
            }
            Verb::Call(call) => {
                // The check saw that no flows call each other deeper; only a session that was tampered with could.
                if self.state.callers.len() >= MAX_DEPTH {
                    return self.hang_up(HangupCause::Unavailable);
                }
                let asked = std::mem::take(&mut self.state.asked);
                self.state.callers.push(Frame { flow: flow.name.to_string(), node: index, asked });
                return self.go_into(&call.flow);
            }
            Verb::Leave { flow, .. } => {
                self.took("next");
                self.state.callers.clear();
                self.state.asked.clear();
                return self.go_into(flow);
            }
            Verb::Hangup(cause) => {
                self.took("next");
                return self.hang_up(*cause);
            }
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
        let Some(Frame { flow, node, asked }) = self.state.callers.pop() else {
            return self.hang_up(HangupCause::Normal);
        };
        let caller = self.flows.get(&flow).map(Arc::clone);
        let verb = caller.as_ref().and_then(|flow| flow.node(node)).map(|node| &node.verb);
        let Some(Verb::Call(call)) = verb else { return self.hang_up(HangupCause::Unavailable) };
        let next = call.next;
        self.state.asked = asked;
        self.flow = caller?;
        self.state.node = node;
        self.took("next");
        Some(next)
    }

    /// Goes where `outcome` leads, at once or after its prompt.
    pub(crate) fn leave(&mut self, outcome: &Outcome, barge_in: bool) -> Option<Target> {
        self.deadline = None;
        self.unmask();
        if outcome.prompt.0.is_empty() {
            return Some(outcome.way);
        }
        self.play(&[&outcome.prompt], false);
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
    pub(crate) fn hand_over(&mut self, phase: Phase, order: Output) {
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
    fn begin_play(&mut self, play: &Play) {
        self.play(&[&play.prompt], play.repeat == Times::Forever);
        self.state.phase = Phase::Playing;
    }

    /// The prompts of a `play` were heard once.
    pub(crate) fn played(&mut self, play: &Play) -> Option<Target> {
        let again = match play.repeat {
            Times::Count(times) => self.state.round < times,
            Times::Forever => true,
        };
        if !again {
            self.took("next");
            return play.next;
        }
        self.state.round = self.state.round.saturating_add(1);
        self.begin_play(play);
        None
    }

    pub(crate) fn play(&mut self, parts: &[&Prompt], repeat: bool) {
        let items = self.sounds(parts);
        self.state.playing = true;
        self.outputs.push_back(Output::Play { items, repeat });
    }

    /// Plays these once.
    pub(crate) fn play_sounds(&mut self, items: Vec<Sound>) {
        self.state.playing = true;
        self.outputs.push_back(Output::Play { items, repeat: false });
    }

    /// What is to be heard of prompts; never nothing.
    pub(crate) fn sounds(&mut self, parts: &[&Prompt]) -> Vec<Sound> {
        let mut items = Vec::new();
        for item in parts.iter().flat_map(|prompt| &prompt.0) {
            match item {
                Item::Recording(name) => items.push(Sound::Prompt(Arc::clone(name))),
                Item::Silence(time) => items.push(Sound::Silence(*time)),
                Item::Spoken { spoken, variable, .. } => items.extend(self.say(spoken, variable)),
                Item::Text(text) => items.extend(self.speak(text)),
            }
        }
        // What has nothing to say takes its time all the same: no way round a flow may take none.
        if items.is_empty() {
            items.push(Sound::Silence(NOTHING_SAID));
        }
        items
    }

    fn say(&self, spoken: &Spoken, variable: &str) -> Vec<Sound> {
        let text = self.variable(variable).map(Value::spoken).unwrap_or_default();
        let table = self.flows.languages().table(self.language());
        table.map_or_else(Vec::new, |table| table.say(spoken, &text).into_iter().map(Sound::Prompt).collect())
    }

    /// What is spoken of a text; nothing if it cannot be worked out.
    fn speak(&mut self, text: &Text) -> Option<Sound> {
        let language: Arc<str> = self.language().into();
        let known = Known { variables: &self.state.variables, facts: &self.state.facts, language: &language };
        match text.template(&language)?.render(&known) {
            Ok(said) if said.is_empty() => None,
            Ok(said) => Some(Sound::Text(Speech { language, text: Pii::new(said.into()) })),
            Err(error) => {
                self.outputs.push_back(Output::Unsaid { why: error.word() });
                None
            }
        }
    }

    pub(crate) fn stop_play(&mut self) {
        if std::mem::take(&mut self.state.playing) {
            self.outputs.push_back(Output::StopPlay);
        }
    }
}
