//! One caller in a flow: the interpreter.

use std::collections::VecDeque;
use std::sync::Arc;

use base::{Mono, Now};

use crate::flow::{Menu, Play, Target, Verb};
use crate::state::{Phase, State};
use crate::trail::ANSWERED;
use crate::{DialOutcome, Facts, Figures, Flow, Flows, Output, QueueOutcome, Taken, Value};

/// One caller in a flow: a machine, whose driver plays, queues and dials.
///
/// - `handle_*` puts in what happened: the start, a key, the end of what was asked for, a time.
/// - [`Self::poll_output`] takes out what to do; ask until `None` after each `handle_*`.
/// - [`Self::poll_timeout`] says when to come back with [`Self::handle_timeout`].
///
/// A caller who hangs up needs no input: drop the session. What is told to it out of place (the end of a prompt that does
/// not play, a queue's end while it dials) changes nothing. Keys pressed while it dials, and those in a queue that do not lead
/// out of it, are ignored.
#[derive(Debug)]
pub struct Session {
    pub(crate) flows: Arc<Flows>,
    /// The one of them that he is in.
    pub(crate) flow: Arc<Flow>,
    pub(crate) state: State,
    /// When the wait for a key ends.
    pub(crate) deadline: Option<Mono>,
    pub(crate) outputs: VecDeque<Output>,
    /// The ways that were taken, if somebody wants to know.
    pub(crate) trail: Option<VecDeque<Taken>>,
}

impl Session {
    /// A caller who has not been answered yet, and who will begin in the flow of that name; `None` if there is none.
    #[must_use]
    pub fn new(flows: Arc<Flows>, flow: &str) -> Option<Self> {
        let flow = Arc::clone(flows.get(flow)?);
        Some(Self { flows, flow, state: State::new(), deadline: None, outputs: VecDeque::new(), trail: None })
    }

    /// A caller who is to leave a message in that mailbox, as `voicemail: MAILBOX` takes it, and then is done. `None` if
    /// that is no name.
    #[must_use]
    pub fn for_message(flows: Arc<Flows>, mailbox: &str) -> Option<Self> {
        let flow = Arc::new(Flow::for_message(mailbox)?);
        Some(Self { flows, flow, state: State::new(), deadline: None, outputs: VecDeque::new(), trail: None })
    }

    /// The same caller, of whom this is known. To be told before the start.
    #[must_use]
    pub fn with_facts(mut self, facts: Facts) -> Self {
        self.state.facts = facts;
        self
    }

    /// All flows that he may come to.
    #[must_use]
    pub const fn flows(&self) -> &Arc<Flows> {
        &self.flows
    }

    /// The flow that the caller is in.
    #[must_use]
    pub const fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// The node that the caller is in; `None` before the start.
    #[must_use]
    pub fn node(&self) -> Option<&Arc<str>> {
        if self.state.phase == Phase::Idle {
            return None;
        }
        self.flow.node(self.state.node).map(|node| &node.name)
    }

    /// What a variable holds; `None` if it was not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.state.variables.get(name)
    }

    /// The variables that were set, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.state.variables.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Those of them that hold no secret, nor anything made of one.
    pub fn open_variables(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.variables().filter(|(name, _)| !self.flows.is_secret(name))
    }

    /// The language that the caller hears.
    #[must_use]
    pub fn language(&self) -> &str {
        self.state.language.as_deref().unwrap_or_else(|| self.flows.languages().usual())
    }

    /// From now on the caller hears `language`, as by a `language` node.
    pub fn set_language(&mut self, language: &str) {
        self.state.language = Some(language.to_owned());
    }

    /// True if the caller is in a queue, and this key leads out of it while he waits.
    #[must_use]
    pub fn may_leave_queue_by(&self, key: char) -> bool {
        let verb = self.flow.node(self.state.node).map(|node| &node.verb);
        matches!((self.state.phase, verb), (Phase::Queued, Some(Verb::Queue(queue))) if queue.way_out(key).is_some())
    }

    /// True once [`Output::Hangup`] was put out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.phase == Phase::Over
    }

    /// The call was answered: the flow begins.
    pub fn handle_start(&mut self, now: Now) {
        if self.state.phase == Phase::Idle {
            self.advance(now, Some(Target::Node(self.flow.start)));
        }
    }

    /// The caller pressed a key (`0`–`9`, `*`, `#`, `A`–`D`; others are ignored), told at the first packet of the digit.
    pub fn handle_digit(&mut self, now: Now, digit: char) {
        if !matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D') {
            return;
        }
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        if verb.and_then(|verb| self.press_at_message(verb, now, digit)).is_some() {
            return;
        }
        match (self.state.phase, verb) {
            (Phase::Playing, Some(Verb::Play(Play { barge_in: true, next: Some(next), .. }))) => {
                self.took("next");
                self.cut_short(now, digit, *next);
            }
            (Phase::Leaving { to, barge_in: true }, _) => self.cut_short(now, digit, to),
            (Phase::Playing | Phase::Leaving { .. }, _) => self.type_ahead(digit),
            (_, Some(verb)) if self.may_answer(verb) => {
                let target = self.press(verb, now, digit);
                self.advance(now, target);
            }
            (Phase::Asking | Phase::Waiting | Phase::Confirming { .. } | Phase::Fetching, _) => self.type_ahead(digit),
            (Phase::Queued, Some(Verb::Queue(queue))) if queue.way_out(digit).is_some() => {
                self.outputs.push_back(Output::LeaveQueue { key: digit });
            }
            _ => {}
        }
    }

    /// The prompts of the last [`Output::Play`] were played to their end.
    pub fn handle_play_done(&mut self, now: Now) {
        if !std::mem::take(&mut self.state.playing) {
            return;
        }
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let target = match (self.state.phase, verb) {
            (Phase::Playing, Some(Verb::Play(play))) => self.played(play),
            (Phase::Leaving { to, .. }, _) => Some(to),
            (_, Some(verb @ (Verb::Voicemail(_) | Verb::Mailbox(_)))) => self.played_at_message(verb, now).flatten(),
            (Phase::Asking | Phase::Confirming { .. }, Some(verb)) => self.listen(verb, now),
            _ => None,
        };
        self.advance(now, target);
    }

    /// How the calendar stands that was asked.
    pub fn handle_hours(&mut self, now: Now, state: hours::State) {
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let (Phase::Deciding, Some(Verb::Hours(hours))) = (self.state.phase, verb) else { return };
        self.took(state.word());
        let target = self.leave(hours.outcome(state), true);
        self.advance(now, target);
    }

    /// How the queues stand that were asked for; one that is not among them is gone.
    pub fn handle_figures(&mut self, now: Now, figures: &Figures) {
        if self.state.phase != Phase::Weighing {
            return;
        }
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let target = verb.and_then(|verb| self.work_out(verb, now, figures));
        self.advance(now, target);
    }

    /// The wait in the queue, or the talk that followed, is over.
    pub fn handle_queue_ended(&mut self, now: Now, outcome: QueueOutcome) {
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let (Phase::Queued, Some(Verb::Queue(queue))) = (self.state.phase, verb) else { return };
        // A key that the node does not have comes from no session.
        let pressed = match outcome {
            QueueOutcome::Pressed(key) => queue.way_out(key),
            _ => None,
        };
        if matches!(outcome, QueueOutcome::Pressed(_)) && pressed.is_none() {
            return;
        }
        self.took(outcome.way());
        let target = match outcome {
            QueueOutcome::AgentEnded => Some(queue.next),
            QueueOutcome::Pressed(_) => pressed.and_then(|way| self.leave(way, true)),
            QueueOutcome::TimedOut => self.leave(&queue.timed_out, true),
            QueueOutcome::Full => self.leave(&queue.full, true),
            QueueOutcome::Closed => self.leave(queue.closed.as_ref().unwrap_or(&queue.no_agents), true),
            // A queue that is gone has no agents; the check of the company leaves only a reload to do this.
            QueueOutcome::NoAgents | QueueOutcome::Unknown => self.leave(&queue.no_agents, true),
        };
        self.advance(now, target);
    }

    /// The dialling, or the talk that followed, is over.
    pub fn handle_dial_ended(&mut self, now: Now, outcome: DialOutcome) {
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let dial = match (self.state.phase, verb) {
            (Phase::Dialled, Some(Verb::Dial(dial))) => dial,
            (Phase::Dialled, Some(Verb::Menu(Menu { question, direct_dial: Some(dial), .. }))) => {
                let target = self.direct_dial_ended(question, dial, outcome);
                return self.advance(now, target);
            }
            _ => return,
        };
        self.took(if dial.leaves && outcome == DialOutcome::Ended { ANSWERED } else { outcome.way() });
        let target = match outcome {
            DialOutcome::Ended => Some(dial.next),
            DialOutcome::Busy => self.leave(&dial.busy, true),
            DialOutcome::NoAnswer => self.leave(&dial.no_answer, true),
            DialOutcome::Declined => self.leave(&dial.declined, true),
            DialOutcome::Unreachable | DialOutcome::Refused => self.leave(&dial.failed, true),
        };
        self.advance(now, target);
    }

    /// The time of [`Self::poll_timeout`] has come. Harmless if it has not.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.deadline.is_none_or(|deadline| now.monotonic < deadline) {
            return;
        }
        self.deadline = None;
        let flow = Arc::clone(&self.flow);
        let Some(verb) = flow.node(self.state.node).map(|node| &node.verb) else { return };
        let target = match (self.late_at_message(verb), verb) {
            (Some(target), _) => target,
            (None, Verb::Http(http)) if self.state.phase == Phase::Fetching => self.fetch_timed_out(http),
            (None, _) => self.heard_nothing(verb),
        };
        self.advance(now, target);
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Mono> {
        self.deadline
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
