//! A call in a flow on a virtual clock: no phone, no sound, no wait. A prompt takes a second; a time-out passes when it is
//! let pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Wall};
use hours::{Calendar, State};
use ivr::web::{Failure, Reply};
use ivr::{
    DialOutcome, DialTarget, Facts, Figures, Flows, HangupCause, MailboxState, MessageOutcome, Output, QueueOutcome,
    Recording, Session, Sound, Taken, Value,
};

/// How long a prompt is taken to be.
const PROMPT: Duration = Duration::from_secs(1);

/// So many prompts one after the other without a key: it plays for ever.
const MAX_PROMPTS: usize = 1000;

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It waits for a key.
    Asks,
    /// It plays for ever; at most a key ends that.
    Plays,
    /// It asks this calendar.
    Calendar(Arc<str>),
    /// It asks how these queues stand.
    Figures(Vec<Arc<str>>),
    /// A web server is asked by this node of a flow: what, and of whom, for people.
    Fetches(Arc<str>, Arc<str>, String),
    /// The caller waits in a queue of this name.
    Queued(Arc<str>),
    /// It asks that agents of this queue call the caller back.
    CallsBack(Arc<str>),
    /// This user or number rings.
    Rings(Arc<str>),
    /// A message is to be left in this mailbox.
    Leaves(Arc<str>),
    /// The caller wants to hear the messages of this mailbox; `own`: of his.
    Opens(Arc<str>),
    /// The flow ended it.
    HungUp(HangupCause),
}

/// Something that a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It came to a node of a flow.
    Node(Arc<str>, Arc<str>),
    /// It plays this; for ever, if true.
    Says(Vec<Sound>, bool),
    /// A text could not be worked out, for a reason, and is left out of what it plays.
    Unsaid(&'static str),
    /// It speaks this language from here on.
    Speaks(Arc<str>),
    /// What played stops before its end.
    Stops,
    /// This is done with the recording.
    Records(Recording),
    /// Digits were put into a variable; `None`: they are secret.
    Keeps(Arc<str>, Option<String>),
    /// A survey got this score.
    Scores(Arc<str>, u8),
    /// A `when` chose this case, else `otherwise`; a case of this number could not be worked out, for a reason.
    Chooses(Option<u32>, Option<(u32, &'static str)>),
    /// A variable was set; it is null, for a reason.
    Sets(Arc<str>, Option<&'static str>),
    /// A request to a web server ended; it failed for a reason.
    Fetched(Option<Failure>),
    /// A message is being taken; it is over; it is kept; it is thrown away.
    Message(&'static str),
    /// What is typed is secret from here on, or no longer.
    Masks(bool),
    /// It stands now, and somebody must do something.
    Stands(Stands),
}

/// What is so when a call begins.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Who calls, and what he dialled.
    pub facts: Facts,
    /// The time on the wall.
    pub wall: Wall,
    /// The time on the clocks of the calendars, as [`hours::Calendar::at`] takes it; `None`: that on the wall.
    pub at: Option<String>,
    /// What the caller hears; `None`: as the company says.
    pub language: Option<String>,
    /// Variables that are set already.
    pub variables: Vec<(String, Value)>,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    session: Session,
    now: Now,
    playing: Playing,
    stands: Stands,
    events: Vec<Event>,
    /// What comes of the message that is being taken.
    message: MessageOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playing {
    Nothing,
    Once,
    ForEver,
}

impl Call {
    /// A call that is answered and begins in the flow of that name; `None` if there is none.
    #[must_use]
    pub fn begin(flows: &Arc<Flows>, flow: &str, given: &Given) -> Option<Self> {
        let mut session = Session::new(Arc::clone(flows), flow)?.with_facts(given.facts.clone()).traced();
        given.variables.iter().for_each(|(name, value)| session.set_variable(name, value.clone()));
        given.language.iter().for_each(|language| session.set_language(language));
        let now = Now { monotonic: Mono::ZERO, wall: given.wall };
        session.handle_start(now);
        let (playing, stands, events, message) = (Playing::Nothing, Stands::Plays, Vec::new(), MessageOutcome::Taken);
        let mut call = Self { session, now, playing, stands, events, message };
        call.drain();
        Some(call)
    }

    /// The session, to be looked at.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// How it stands.
    #[must_use]
    pub const fn stands(&self) -> &Stands {
        &self.stands
    }

    /// All that it did since it was asked last.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The ways that it took since it was asked last.
    pub fn take_ways(&mut self) -> Vec<Taken> {
        std::iter::from_fn(|| self.session.poll_way()).collect()
    }

    /// All that the session remembers, as a text that is the same for the same.
    #[must_use]
    pub fn memory(&self) -> String {
        let saved = serde_json::to_string(&self.session.save(self.now)).unwrap_or_default();
        format!("{saved}{:?}", self.playing)
    }

    /// Hears all that plays, until somebody must do something.
    pub fn listen(&mut self) {
        let mut heard = 0;
        while self.playing == Playing::Once {
            heard += 1;
            if heard > MAX_PROMPTS {
                self.stand(Stands::Plays);
                return;
            }
            self.playing = Playing::Nothing;
            self.now = self.now.after(PROMPT);
            self.session.handle_play_done(self.now);
            self.drain();
        }
        self.settle();
    }

    /// Presses a key, whatever plays.
    pub fn press(&mut self, key: char) {
        self.session.handle_digit(self.now, key);
        self.drain();
        self.settle();
    }

    /// Says nothing until the time-out of what the call waits for has passed; false if it waits for nothing.
    pub fn be_silent(&mut self) -> bool {
        let Some(due) = self.session.poll_timeout() else { return false };
        self.pass(due.since(self.now.monotonic));
        true
    }

    /// Lets time pass, with all that falls due in it.
    pub fn wait(&mut self, time: Duration) {
        self.listen();
        let end = self.now.monotonic + time;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.pass(due.since(self.now.monotonic));
            self.listen();
        }
        let rest = end.since(self.now.monotonic);
        self.now = self.now.after(rest);
    }

    /// Says how the calendar stands that is asked.
    pub fn tell_hours(&mut self, state: hours::State) {
        self.session.handle_hours(self.now, state);
        self.drain();
        self.settle();
    }

    /// Says how the queues stand that are asked for.
    pub fn tell_figures(&mut self, figures: &Figures) {
        self.session.handle_figures(self.now, figures);
        self.drain();
        self.settle();
    }

    /// Says what came of the request to a web server.
    pub fn tell_http(&mut self, reply: &Reply) {
        self.session.handle_http(self.now, reply);
        self.drain();
        self.settle();
    }

    /// True if one of these keys leads out of the queue that the call is in.
    #[must_use]
    pub fn may_leave_queue_by(&self, keys: &str) -> bool {
        keys.chars().any(|key| self.session.may_leave_queue_by(key))
    }

    /// Ends the wait in a queue.
    pub fn end_queue(&mut self, outcome: QueueOutcome) {
        self.session.handle_queue_ended(self.now, outcome);
        self.drain();
        self.settle();
    }

    /// Says whether he will be called back.
    pub fn tell_callback(&mut self, promised: bool) {
        self.session.handle_callback(self.now, promised);
        self.drain();
        self.settle();
    }

    /// Ends a dialling.
    pub fn end_dial(&mut self, outcome: DialOutcome) {
        self.session.handle_dial_ended(self.now, outcome);
        self.drain();
        self.settle();
    }

    /// Says how the mailbox stands, and what comes of a message there.
    pub fn open_mailbox(&mut self, end: MailboxEnd) {
        self.message = if end == MailboxEnd::Silent { MessageOutcome::NothingSaid } else { MessageOutcome::Taken };
        self.session.handle_mailbox(self.now, end.state());
        self.drain();
        self.settle();
    }

    /// The time on the wall.
    #[must_use]
    pub const fn wall(&self) -> Wall {
        self.now.wall
    }

    /// Sets the clock on the wall.
    pub const fn set_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
    }

    /// Has the caller hear another language from now on.
    pub fn set_language(&mut self, language: &str) {
        self.session.set_language(language);
    }

    /// Sets a variable.
    pub fn set_variable(&mut self, name: &str, value: Value) {
        self.session.set_variable(name, value);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.session.handle_timeout(self.now);
        self.drain();
        self.settle();
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Entered { flow, node } => self.events.push(Event::Node(flow, node)),
                Output::Play { items, repeat } => {
                    self.playing = if repeat { Playing::ForEver } else { Playing::Once };
                    self.events.push(Event::Says(items, repeat));
                }
                Output::Language { language } => self.events.push(Event::Speaks(language)),
                Output::Unsaid { why } => self.events.push(Event::Unsaid(why)),
                Output::StopPlay => {
                    self.playing = Playing::Nothing;
                    self.events.push(Event::Stops);
                }
                Output::Hours { calendar } => self.stand(Stands::Calendar(calendar)),
                Output::Figures { queues } => self.stand(Stands::Figures(queues)),
                Output::Chosen { case, failed } => self.events.push(Event::Chooses(case, failed)),
                Output::Set { variable, failed } => self.events.push(Event::Sets(variable, failed)),
                Output::Http { request } => {
                    let (flow, node) = (self.session.flow().name().clone(), self.session.node().cloned());
                    let asked = format!("{} {}{}", request.method.word(), request.origin, request.path.reveal());
                    self.hand_over(Stands::Fetches(flow, node.unwrap_or_default(), asked));
                }
                Output::HttpCancel => {}
                Output::HttpDone { failure, .. } => self.events.push(Event::Fetched(failure)),
                Output::Queue { queue, hear, .. } => {
                    if !hear.is_empty() {
                        self.events.push(Event::Says(hear, true));
                    }
                    self.hand_over(Stands::Queued(queue));
                }
                Output::Callback(promise) => self.stand(Stands::CallsBack(promise.queue)),
                // No agent talks with him.
                Output::LeaveQueue { key } => self.session.handle_queue_ended(self.now, QueueOutcome::Pressed(key)),
                Output::Dial { target: DialTarget::User(whom) | DialTarget::Number(whom), .. } => {
                    self.hand_over(Stands::Rings(whom));
                }
                Output::LeaveMessage { mailbox } => self.hand_over(Stands::Leaves(mailbox)),
                Output::OpenMailbox { mailbox } => self.hand_over(Stands::Opens(mailbox)),
                Output::TakeMessage { .. } => self.events.push(Event::Message("takes a message")),
                Output::EndMessage => self.session.handle_message(self.now, self.message),
                Output::KeepMessage => self.events.push(Event::Message("keeps the message")),
                Output::DropMessage => self.events.push(Event::Message("throws the message away")),
                Output::Heard { heard: true, .. } => self.events.push(Event::Message("the message counts as heard")),
                Output::Heard { .. } => self.events.push(Event::Message("the message counts as new")),
                Output::DeleteMessage { .. } => self.events.push(Event::Message("deletes the message")),
                Output::Transfer { target: DialTarget::User(whom) | DialTarget::Number(whom), .. } => {
                    self.hand_over(Stands::Rings(whom));
                }
                Output::Surveyed { survey, score, .. } => self.events.push(Event::Scores(survey, score)),
                Output::Record { order } => self.events.push(Event::Records(order)),
                Output::Collected { variable, digits } => {
                    self.events.push(Event::Keeps(variable, digits.reveal().clone()));
                }
                Output::Mask { on } => self.events.push(Event::Masks(on)),
                Output::Hangup { cause } => self.hand_over(Stands::HungUp(cause)),
            }
        }
    }

    fn hand_over(&mut self, stands: Stands) {
        self.playing = Playing::Nothing;
        self.stand(stands);
    }

    fn stand(&mut self, stands: Stands) {
        self.stands = stands.clone();
        self.events.push(Event::Stands(stands));
    }

    /// Says how the call stands if it is in no queue, rings nobody and is not over.
    fn settle(&mut self) {
        // What is heard while a server is asked tells nothing of how the call stands.
        if self.session.is_fetching() {
            return;
        }
        let stands = match self.playing {
            Playing::Once => return,
            Playing::ForEver => Stands::Plays,
            Playing::Nothing if self.session.poll_timeout().is_some() => Stands::Asks,
            Playing::Nothing => return,
        };
        self.stand(stands);
    }
}

/// What there is in a company that a call can meet, by name.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The flows.
    pub flows: Arc<Flows>,
    /// The numbers that lead to a flow, each with the flow.
    pub numbers: Vec<(String, String)>,
    /// The prompts of any language.
    pub prompts: BTreeSet<String>,
    /// The languages.
    pub languages: BTreeSet<String>,
    /// The calendars.
    pub calendars: BTreeMap<Arc<str>, Arc<Calendar>>,
    /// The queues.
    pub queues: BTreeSet<String>,
    /// The mailboxes.
    pub mailboxes: BTreeSet<String>,
    /// Users, and numbers that flows dial.
    pub phones: BTreeSet<String>,
}

impl World {
    /// How a calendar stands, switches left alone; closed if there is none of that name.
    pub(crate) fn state_of(&self, calendar: &str, at: Option<&str>, wall: Wall) -> State {
        let found = self.calendars.get(calendar);
        let state = found.map(|calendar| {
            let at = at.and_then(|text| calendar.at(text)).unwrap_or(wall);
            calendar.decide(at, None).state
        });
        state.unwrap_or(State::Closed)
    }
}

/// The words for how a calendar may stand.
pub(crate) const STATES: &[(&str, State)] = &[
    ("open", State::Open),
    ("break", State::Break),
    ("holiday", State::Holiday),
    ("closed", State::Closed),
    ("emergency", State::Emergency),
];

/// The words for how a wait in a queue may end.
pub(crate) const QUEUE_ENDS: &[(&str, QueueOutcome)] = &[
    ("agent", QueueOutcome::AgentEnded),
    ("timed_out", QueueOutcome::TimedOut),
    ("full", QueueOutcome::Full),
    ("no_agents", QueueOutcome::NoAgents),
    ("closed", QueueOutcome::Closed),
];

/// The words for what a test says of a queue: how the wait ends, or that it goes on until the caller ends it by a key.
pub(crate) const QUEUE_ANSWERS: &[(&str, Option<QueueOutcome>)] = &[
    ("waits", None),
    ("agent", Some(QueueOutcome::AgentEnded)),
    ("timed_out", Some(QueueOutcome::TimedOut)),
    ("full", Some(QueueOutcome::Full)),
    ("no_agents", Some(QueueOutcome::NoAgents)),
    ("closed", Some(QueueOutcome::Closed)),
];

/// The words for what becomes of the wish to be called back.
pub(crate) const CALLBACK_ANSWERS: &[(&str, bool)] = &[("promised", true), ("refused", false)];

/// The words for how a dialling may end.
pub(crate) const DIAL_ENDS: &[(&str, DialOutcome)] = &[
    ("answered", DialOutcome::Ended),
    ("busy", DialOutcome::Busy),
    ("no_answer", DialOutcome::NoAnswer),
    ("declined", DialOutcome::Declined),
    ("failed", DialOutcome::Unreachable),
];

/// The words for why a request to a web server fails.
pub(crate) const FAILURES: &[(&str, Failure)] = &[
    ("timeout", Failure::Timeout),
    ("refused", Failure::Refused),
    ("not_json", Failure::NotJson),
    ("too_large", Failure::TooLarge),
];

/// How a mailbox stands, and what comes of a message there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxEnd {
    /// The caller leaves a message.
    Left,
    /// He says nothing.
    Silent,
    /// It has no room.
    Full,
    /// He hears the one message in it, a new one.
    One,
    /// He hears a new message, and one that was heard.
    Two,
    /// There is none.
    Empty,
    /// It is not his.
    Denied,
}

impl MailboxEnd {
    const fn state(self) -> MailboxState {
        match self {
            Self::Full => MailboxState::Full,
            Self::Denied => MailboxState::Denied,
            Self::One => MailboxState::Open { new: 1, old: 0 },
            Self::Two => MailboxState::Open { new: 1, old: 1 },
            Self::Left | Self::Silent | Self::Empty => MailboxState::Open { new: 0, old: 0 },
        }
    }
}

/// The words for that where messages are left.
pub(crate) const LEFT_IN: &[(&str, MailboxEnd)] =
    &[("left", MailboxEnd::Left), ("silent", MailboxEnd::Silent), ("full", MailboxEnd::Full)];

/// The words for that where they are heard.
pub(crate) const HEARD_IN: &[(&str, MailboxEnd)] =
    &[("one", MailboxEnd::One), ("two", MailboxEnd::Two), ("empty", MailboxEnd::Empty), ("denied", MailboxEnd::Denied)];

/// A value as one reads it.
pub(crate) fn show(value: &Value) -> String {
    value.text().map_or_else(|| serde_json::to_string(value).unwrap_or_default(), str::to_owned)
}
