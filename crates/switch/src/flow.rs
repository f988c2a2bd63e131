//! The caller in his flow: what the flow is told, and what it asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{Caller, JoinError, LeaveReason, QueueName};
use base::{CallId, LegId, Mono, Now, Pii, PlayId};
use ivr::{Announce, DialOutcome, DialTarget, Output, QueueFigures, QueueOutcome, Recording, Sound, Speech};
use journal::{Asker, Kind, Name, QueueExit, Scale};
use leg::{Command, Item, Masked, Prompt};
use routing::{Levels, SkillName, Target, USUAL_PRIORITY, Variables};

use crate::call::Stage;
use crate::callbacks::Stood;
use crate::returning::Known;
use crate::switch::Switch;
use crate::timer::Timer;
use crate::{Destination, Prompts};

/// How long it is silent where nothing of what was to be played could be spoken.
const NOTHING_SPOKEN: Duration = Duration::from_millis(200);

/// How soon a wait that is over is looked at again, if an agent is being told of the call.
const RECHECK: Duration = Duration::from_secs(1);

/// What a call wants of a queue.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// How long it waits at most; `None`: as long as the queue itself allows.
    pub max_wait: Option<Duration>,
    pub priority: u8,
    pub needs: Levels,
    /// What the caller is told while he waits.
    pub announce: Announce,
    /// Since when somebody else has waited in its place, if so.
    pub since: Option<Mono>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            max_wait: None,
            priority: USUAL_PRIORITY,
            needs: Levels::default(),
            announce: Announce::default(),
            since: None,
        }
    }
}

/// What a flow is told.
#[derive(Clone, Debug)]
pub(crate) enum FlowInput {
    Start,
    Digit(char),
    PlayDone,
    Hours(hours::State),
    Figures(ivr::Figures),
    Http(ivr::web::Reply),
    Queue(QueueOutcome),
    Callback(bool),
    Dial(DialOutcome),
    Mailbox(ivr::MailboxState),
    Message(ivr::MessageOutcome),
    Quiet,
    Timeout,
}

impl Switch {
    /// Tells a flow something and does what it asks for then.
    pub(crate) fn feed_flow(&mut self, now: Now, call: CallId, input: FlowInput) {
        if let FlowInput::Digit(key) = input {
            self.note_digit(now, call, key);
        }
        let Some(flow) = self.calls.get_mut(&call).and_then(|found| found.flow.as_mut()) else {
            return self.feed_code(now, call, input);
        };
        match input {
            FlowInput::Start => flow.handle_start(now),
            FlowInput::Digit(key) => flow.handle_digit(now, key),
            FlowInput::PlayDone => flow.handle_play_done(now),
            FlowInput::Hours(state) => flow.handle_hours(now, state),
            FlowInput::Figures(figures) => flow.handle_figures(now, &figures),
            FlowInput::Http(reply) => flow.handle_http(now, &reply),
            FlowInput::Queue(outcome) => flow.handle_queue_ended(now, outcome),
            FlowInput::Callback(promised) => flow.handle_callback(now, promised),
            FlowInput::Dial(outcome) => flow.handle_dial_ended(now, outcome),
            FlowInput::Mailbox(state) => flow.handle_mailbox(now, state),
            FlowInput::Message(outcome) => flow.handle_message(now, outcome),
            FlowInput::Quiet => flow.handle_quiet(now),
            FlowInput::Timeout => flow.handle_timeout(now),
        }
        while let Some(output) = self.flow_output(call) {
            self.perform(now, call, output);
        }
        self.set_flow_timer(call);
    }

    fn flow_output(&mut self, call: CallId) -> Option<Output> {
        self.calls.get_mut(&call)?.flow.as_mut()?.poll_output()
    }

    fn set_flow_timer(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let due = found.flow.as_ref().and_then(ivr::Session::poll_timeout);
        if found.flow_timer.map(base::TimerToken::at) == due {
            return;
        }
        if let Some(token) = found.flow_timer.take() {
            self.timers.cancel(token);
        }
        found.flow_timer = due.map(|at| self.timers.set(at, Timer::Flow(call)));
    }

    fn perform(&mut self, now: Now, call: CallId, output: Output) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        match output {
            Output::Entered { flow, node } => {
                found.went_to(&flow, &node);
                self.note(now, call, Kind::NodeEntered { flow, node });
            }
            Output::Play { items, repeat } => {
                found.peer_gone = None;
                self.play_when_spoken(now, call, items, repeat);
            }
            Output::Unsaid { why } => self.note(now, call, Kind::Unsaid { why: why.into() }),
            Output::StopPlay => self.stop_play(call),
            Output::Hours { calendar } => self.ask_hours(now, call, &calendar),
            Output::Figures { queues } => self.tell_figures(now, call, &queues),
            Output::Http { request } => self.fetch(now, call, request),
            Output::HttpCancel => self.give_fetch_up(call),
            done @ Output::HttpDone { .. } => self.fetched(now, call, done),
            Output::Queue { queue, max_wait, priority, skills, hear, announce } => {
                found.peer_gone = None;
                let needs = Levels::new(skills.into_iter().map(|(skill, least)| (SkillName::from(skill), least)));
                let wanted =
                    Wanted { max_wait, priority: priority.unwrap_or(USUAL_PRIORITY), needs, announce, since: None };
                self.join_queue(now, call, &QueueName::from(queue), wanted, hear);
            }
            Output::Callback(promise) => self.promise_callback(now, call, *promise),
            Output::LeaveQueue { key } => self.leave_queue(now, call, key),
            Output::Dial { target, ring_time } => {
                found.peer_gone = None;
                self.dial(now, call, &target, ring_time);
            }
            Output::Transfer { target, ring_time } => {
                found.peer_gone = None;
                self.transfer_from_flow(now, call, &target, ring_time);
            }
            Output::Surveyed { survey, scale, score } => {
                let scale = match scale {
                    ivr::Scale::Csat => Scale::Csat,
                    ivr::Scale::Nps => Scale::Nps,
                };
                self.note(now, call, Kind::Surveyed { survey, scale, score });
            }
            Output::LeaveMessage { mailbox } => {
                found.peer_gone = None;
                self.open_for_message(now, call, &mailbox);
            }
            Output::TakeMessage { quiet } => self.take_letter(now, call, quiet),
            Output::EndMessage => self.end_letter(call),
            Output::KeepMessage => self.judge_letter(call, true),
            Output::DropMessage => self.judge_letter(call, false),
            Output::OpenMailbox { mailbox } => {
                found.peer_gone = None;
                self.open_mailbox(call, &mailbox);
            }
            Output::Heard { index, heard } => self.message_heard(now, call, index, heard),
            Output::DeleteMessage { index } => self.delete_message(now, call, index),
            Output::Language { language } => found.language = Some(language),
            Output::Record { order: Recording::Start } => self.record(call, true),
            Output::Record { order: Recording::Stop } => self.record(call, false),
            Output::Record { order: Recording::Mask } => self.mask(now, call, Masked::Both),
            Output::Mask { on: true } => self.mask(now, call, Masked::Peer),
            Output::Record { order: Recording::Unmask } | Output::Mask { on: false } => self.unmask(call),
            Output::Collected { variable, digits } => self.note(now, call, Kind::Collected { variable, digits }),
            Output::Chosen { case, failed } => {
                let (failed_case, failure) = (failed.map(|(case, _)| case), failed.map(|(_, why)| why.into()));
                self.note(now, call, Kind::Chosen { case, failed_case, failure });
            }
            Output::Set { variable, failed } => {
                self.note(now, call, Kind::VariableSet { variable, failure: failed.map(Into::into) });
            }
            Output::Hangup { cause } => {
                let (by, word, reason) = found.end("flow_end", cause.q850());
                self.end_call(now, call, by, word, reason);
            }
        }
    }

    /// A flow asks how queues stand. One that a reload has taken away is not among them.
    fn tell_figures(&mut self, now: Now, call: CallId, queues: &[Arc<str>]) {
        let wanted = |name: &QueueName| queues.iter().find(|queue| ***queue == *name.as_str()).cloned();
        let figures = self.acd.queues(now).filter_map(|found| {
            let figures = QueueFigures {
                waiting: u32::try_from(found.waiting + found.offered).unwrap_or(u32::MAX),
                longest_wait: Duration::from_millis(found.longest_wait_ms),
                free: found.idle,
            };
            Some((wanted(&found.name)?, figures))
        });
        let figures = figures.collect();
        self.flow_inputs.push_back((call, FlowInput::Figures(figures)));
    }

    /// Plays sounds, of which texts are either known or `spoken`; others are passed over.
    pub(crate) fn play(
        &mut self,
        now: Now,
        call: CallId,
        known: &Prompts,
        spoken: &BTreeMap<Speech, Prompt>,
        sounds: &[Sound],
        repeat: bool,
    ) {
        let language = self.calls.get(&call).and_then(|found| found.language.as_deref());
        let items: Vec<Item> = sounds.iter().filter_map(|sound| item(known, spoken, language, sound)).collect();
        if !self.load_sounds(call, sounds, spoken) {
            // A way round a flow takes time, though nothing of it could be spoken.
            let nothing = items.is_empty() && sounds.iter().any(|sound| sound.speech().is_some());
            let items = if nothing { vec![Item::Silence(NOTHING_SPOKEN)] } else { items };
            self.play_items(call, items.into(), repeat);
        }
        let name = |sound: &Sound| match sound {
            Sound::Prompt(name) => name.clone(),
            Sound::Silence(_) => Name::from("silence"),
            Sound::Text(_) => Name::from("text"),
            Sound::Beep => Name::from("beep"),
            Sound::Taken | Sound::Message(_) => Name::from("message"),
        };
        if let Some(play) = self.calls.get(&call).and_then(|found| found.play) {
            self.note(now, call, Kind::Play { play, items: sounds.iter().map(name).collect() });
        }
    }

    pub(crate) fn play_items(&mut self, call: CallId, items: Arc<[Item]>, repeat: bool) {
        self.stop_speaking(call);
        let play = self.ids.play();
        if let Some(found) = self.calls.get_mut(&call) {
            found.play = Some(play);
            self.commands.push_back(Command::Play { leg: found.caller, play, items, repeat });
        }
    }

    /// The caller hears that a phone rings.
    pub(crate) fn play_ringback(&mut self, call: CallId) {
        self.play_items(call, Arc::new([Item::Tone(leg::Tone::Ringback)]), true);
    }

    pub(crate) fn stop_play(&mut self, call: CallId) {
        self.stop_speaking(call);
        let Some(found) = self.calls.get_mut(&call) else { return };
        if found.play.take().is_some() {
            self.commands.push_back(Command::StopPlay { leg: found.caller });
        }
    }

    /// A playout ended; an older one's end, which a newer one overtook, counts for nothing.
    pub(crate) fn play_done(&mut self, now: Now, leg: LegId, play: PlayId) {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return };
        if self.whisper_over(now, call, play) {
            return;
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        if found.play == Some(play) {
            found.play = None;
            self.flow_inputs.push_back((call, FlowInput::PlayDone));
        }
    }

    /// A key was pressed. Only the caller's own keys mean anything to his flow.
    pub(crate) fn digit(&mut self, leg: LegId, key: char) {
        let Some(call) = self.legs.get(&leg).map(|found| found.call) else { return };
        if self.calls.get(&call).is_none_or(|found| found.caller != leg || found.over) {
            return;
        }
        // Whether it is a secret is the flow's to say, once it has taken all that came before.
        self.flow_inputs.push_back((call, FlowInput::Digit(key)));
    }

    /// Puts the caller into a queue. He hears its music, unless there is something else to `hear`.
    pub(crate) fn join_queue(&mut self, now: Now, call: CallId, queue: &QueueName, wanted: Wanted, hear: Vec<Sound>) {
        self.begin_day_if_new(now);
        let known = self.known_in(now, call, queue);
        let mut joined = wanted.since.unwrap_or(now.monotonic);
        if let Known::Again(_, before) = known {
            joined = joined.min(before);
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        let diverted_from = Pii::new(found.identity.diverted.first().map(|one| one.number.clone()));
        let Wanted { max_wait, priority, needs, announce, since: _ } = wanted.clone();
        let stood = Stood { queue: queue.clone(), joined, wanted };
        let caller = Caller {
            number: found.number.clone(),
            dialled: found.dialled.to_string(),
            diverted_from,
            priority,
            needs,
            language: found.language.clone(),
            way: found.way.iter().map(|(flow, node)| format!("{flow}/{node}")).collect(),
            variables: found.flow.as_ref().map(|flow| Variables::copied(flow.open_variables())).unwrap_or_default(),
            repeats: found.earlier.today,
            last_agent: self.acquaintances.of(found.number.reveal()).cloned(),
            patient: false,
        };
        let entered = match found.hops {
            Some(_) => {
                self.renew_door(now, queue);
                self.acd.join_since(now, call, queue, caller, joined)
            }
            // Nobody may be rung for him.
            None => Err(JoinError::NoAgents),
        };
        match entered {
            Ok(()) => {
                let limit = max_wait.map(|wait| self.timers.set(now.monotonic + wait, Timer::QueueWait(call)));
                if let Some(found) = self.calls.get_mut(&call) {
                    found.stage = Stage::Queued(limit);
                    found.hears_own = !hear.is_empty();
                    found.came_to = Some(queue.clone());
                    found.stood = Some(stood);
                }
                self.note(now, call, Kind::QueueJoined { queue: queue.shared().clone() });
                self.waits_in(now, call, queue, &known);
                if hear.is_empty() {
                    self.play_queue_music(now, call, queue);
                } else {
                    self.play_when_spoken(now, call, hear, true);
                }
                self.begin_announcing(now, call, announce);
            }
            Err(error) => {
                let (exit, outcome) = match error {
                    JoinError::Full => (QueueExit::Full, QueueOutcome::Full),
                    JoinError::NoAgents => (QueueExit::NoAgents, QueueOutcome::NoAgents),
                    JoinError::Closed => (QueueExit::Closed, QueueOutcome::Closed),
                    JoinError::UnknownQueue | JoinError::AlreadyIn => (QueueExit::Refused, QueueOutcome::Unknown),
                };
                if exit == QueueExit::Closed {
                    self.note_closed(now, call, queue);
                }
                self.note(
                    now,
                    call,
                    Kind::QueueLeft { queue: queue.shared().clone(), why: exit, waited_ms: 0, reason: None },
                );
                self.queue_over(now, call, outcome);
            }
        }
    }

    /// The caller pressed a key that leads out of his queue. One who talks with an agent by now stays.
    fn leave_queue(&mut self, now: Now, call: CallId, key: char) {
        if self.calls.get(&call).is_some_and(|found| matches!(found.stage, Stage::Queued(_))) {
            self.acd.leave(now, call);
            self.queue_over(now, call, QueueOutcome::Pressed(key));
        }
    }

    /// The flow's own limit of the wait is over.
    pub(crate) fn queue_wait_over(&mut self, now: Now, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        if let Stage::Queued(_) = found.stage {
            if found.whisper.is_some() {
                // An agent has taken the call; should he hang up before they talk, the time is over.
                found.stage = Stage::Queued(Some(self.timers.set(now.monotonic + RECHECK, Timer::QueueWait(call))));
                return;
            }
            found.stage = Stage::Queued(None);
            self.acd.leave(now, call);
            self.queue_over(now, call, QueueOutcome::TimedOut);
        }
    }

    /// The call is out of its queue, by whatever way.
    pub(crate) fn left_queue(
        &mut self,
        now: Now,
        call: CallId,
        queue: &QueueName,
        why: &LeaveReason,
        waited: Duration,
    ) {
        let moves = matches!(why, LeaveReason::Overflowed { to: Target::Queue(_), .. });
        let Some(found) = self.calls.get(&call) else {
            // A callback that stands in line, of which nobody need hear.
            if !moves {
                self.callback_out_of_line(now, call);
            }
            return;
        };
        let gave_up = found.over && matches!(found.stage, Stage::Queued(_));
        let is_callback = found.callback.is_some_and(|attempt| !attempt.talked);
        let exit = match why {
            LeaveReason::Answered { .. } => QueueExit::Answered,
            LeaveReason::Left if is_callback => QueueExit::NotReached,
            LeaveReason::Left if gave_up && found.cut => QueueExit::Cut,
            LeaveReason::Left if gave_up => QueueExit::Abandoned,
            LeaveReason::Left => QueueExit::MovedOn,
            LeaveReason::WaitedTooLong => QueueExit::WaitedTooLong,
            LeaveReason::NoAgents => QueueExit::NoAgents,
            LeaveReason::Closed => QueueExit::Closed,
            LeaveReason::Refused { .. } => QueueExit::Refused,
            LeaveReason::Overflowed { .. } => QueueExit::Overflowed,
        };
        // Who goes on to another queue waits on.
        if !moves {
            self.waited(now, call, exit == QueueExit::Abandoned);
        }
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        if exit == QueueExit::Closed {
            self.note_closed(now, call, queue);
        }
        let reason = match why {
            LeaveReason::Refused { reason } | LeaveReason::Overflowed { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        self.note(now, call, Kind::QueueLeft { queue: queue.shared().clone(), why: exit, waited_ms, reason });
        match why {
            LeaveReason::WaitedTooLong => self.queue_over(now, call, QueueOutcome::TimedOut),
            LeaveReason::NoAgents => self.queue_over(now, call, QueueOutcome::NoAgents),
            LeaveReason::Closed => self.queue_over(now, call, QueueOutcome::Closed),
            LeaveReason::Refused { .. } => self.queue_over(now, call, QueueOutcome::Full),
            // The queue that it goes to comes next (`moved_to_queue`).
            LeaveReason::Overflowed { to: Target::Queue(_), .. } => {}
            LeaveReason::Overflowed { to, .. } => self.overflowed(now, call, to),
            LeaveReason::Answered { agent } => self.note_acquaintance(call, agent),
            LeaveReason::Left => {}
        }
    }

    /// What is counted of today counts anew, if the day is another one. Looked at once a minute, and by whoever comes to a queue or asks
    /// for figures, as clocks are put.
    pub(crate) fn begin_day_if_new(&mut self, now: Now) {
        let day = self.config.flows.zone().day_of(now.wall);
        if std::mem::replace(&mut self.day, day) != day {
            self.book.figures.turn_to(day);
            self.acd.begin_day(now);
            self.tell_duties(now);
        }
    }

    /// The call came from one queue into another, whose music it hears now unless its flow had something else played.
    pub(crate) fn moved_to_queue(&mut self, now: Now, call: CallId, queue: &QueueName) {
        self.note(now, call, Kind::QueueJoined { queue: queue.shared().clone() });
        if self.calls.get(&call).is_some_and(|found| !found.hears_own) {
            self.play_queue_music(now, call, queue);
        }
    }

    pub(crate) fn play_queue_music(&mut self, now: Now, call: CallId, queue: &QueueName) {
        match self.config.waiting.get(queue).and_then(|waiting| waiting.music.clone()) {
            Some(music) => {
                let known = self.config.prompts.clone();
                self.play(now, call, &known, &BTreeMap::new(), &[Sound::Prompt(music)], true);
            }
            None => self.stop_play(call),
        }
    }

    /// Tells the flow how its queue ended; a call that came to the queue by its number has no flow, and ends.
    pub(crate) fn queue_over(&mut self, now: Now, call: CallId, outcome: QueueOutcome) {
        self.end_announcing(call);
        let Some(found) = self.calls.get_mut(&call) else { return };
        if let Stage::Queued(Some(limit)) = found.stage {
            self.timers.cancel(limit);
        }
        found.stage = Stage::Flow;
        if found.flow.is_some() {
            self.flow_inputs.push_back((call, FlowInput::Queue(outcome)));
            return;
        }
        let (cause, q850) = match outcome {
            QueueOutcome::AgentEnded | QueueOutcome::Pressed(_) => ("bye", 16),
            QueueOutcome::TimedOut => ("waited_too_long", 19),
            QueueOutcome::Full => ("queue_full", 17),
            QueueOutcome::NoAgents | QueueOutcome::Unknown => ("no_agents", 41),
            QueueOutcome::Closed => ("queue_closed", 41),
        };
        let (by, cause, reason) = found.end(cause, q850);
        self.end_call(now, call, by, cause, reason);
    }

    fn dial(&mut self, now: Now, call: CallId, target: &DialTarget, ring_time: Duration) {
        if self.calls.get(&call).is_some_and(|found| found.hops.is_none()) {
            return self.dial_over(now, call, DialOutcome::Unreachable);
        }
        let deadline = now.monotonic + ring_time;
        let number = match target {
            DialTarget::User(user) => return self.dial_user(now, call, user, deadline),
            DialTarget::Number(number) => number,
        };
        match self.config.numbers.get(number).cloned() {
            Some(Destination::User(user)) => self.dial_user(now, call, &user, deadline),
            // Flows and queues are reached by `goto` and `queue`.
            Some(Destination::Flow(_) | Destination::Queue(_)) => self.dial_over(now, call, DialOutcome::Unreachable),
            None => {
                let flow = self.calls.get(&call).and_then(|found| found.flow.as_ref());
                let Some(asker) = flow.map(|flow| Asker::Flow(flow.flow().name().clone())) else { return };
                if self.dial_outside(now, call, asker, number, deadline).is_err() {
                    self.dial_over(now, call, DialOutcome::Refused);
                }
            }
        }
    }
}

/// What is to be played for a sound; nothing for a message, which is read first.
pub(crate) fn item(
    known: &Prompts,
    spoken: &BTreeMap<Speech, Prompt>,
    language: Option<&str>,
    sound: &Sound,
) -> Option<Item> {
    match sound {
        // Names were checked when the configuration was read; one that is not there is passed over.
        Sound::Prompt(name) => known.get(language, name).cloned().map(Item::Prompt),
        Sound::Silence(time) => Some(Item::Silence(*time)),
        Sound::Text(speech) => known.spoken(speech).or_else(|| spoken.get(speech)).cloned().map(Item::Prompt),
        Sound::Beep => Some(Item::Tone(leg::Tone::Beep)),
        Sound::Taken | Sound::Message(_) => None,
    }
}
