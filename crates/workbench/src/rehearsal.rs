//! Being the caller of a flow, line by line: what is typed goes in, what one would hear comes out.

use std::sync::Arc;
use std::time::Duration;

use base::Pii;
use ivr::web::Reply;
use ivr::{Figures, QueueFigures, Recording, Sound, Value};

use crate::World;
use crate::call::{
    CALLBACK_ANSWERS, Call, DIAL_ENDS, Event, FAILURES, Given, HEARD_IN, LEFT_IN, QUEUE_ENDS, Stands, show,
};

/// What can be typed.
const HELP: &str = "\
0-9 * # A-D   press these keys, one after the other: 1, or 4711#
.             silence, until the time that is given for a key is over
hangup        hang up
time 2026-12-24T10:00   another time on the clocks of the calendars
set x=4711    give a variable a text
language zh   hear another language from here on
queue sales waiting=3 longest_wait=120 free=0   how a queue stands when a condition asks (seconds)
vars          what the variables hold
help          this
at a server   200 {\"name\": \"Ada\"} (a status and what it says), timeout, refused, not_json, too_large
in a queue    agent (and the talk ends), timed_out, full, no_agents, closed, or a key that leads out of it
a callback    promised, refused
at a mailbox  left, silent (nothing is said), full; to hear one: one, two (messages), empty, denied
at a dial     answered (and the talk ends), busy, no_answer, declined, failed
";

/// A call in which a person is the caller.
#[derive(Debug)]
pub struct Rehearsal {
    call: Call,
    world: World,
    at: Option<String>,
    /// How queues stand; one that is not among them is empty.
    figures: Figures,
    over: bool,
}

impl Rehearsal {
    /// A call that begins in the flow of that name, and what is heard first; `None` if there is no such flow.
    #[must_use]
    pub fn begin(world: &World, flow: &str, given: &Given) -> Option<(Self, String)> {
        let call = Call::begin(&world.flows, flow, given)?;
        let mut rehearsal =
            Self { call, world: world.clone(), at: given.at.clone(), figures: Figures::new(), over: false };
        let heard = rehearsal.listen();
        Some((rehearsal, heard))
    }

    /// True when the call is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Does what a line says, and tells what comes of it.
    #[must_use]
    pub fn line(&mut self, line: &str) -> String {
        let line = line.trim();
        match line {
            "" => return String::new(),
            "help" | "?" => return HELP.to_owned(),
            "hangup" => {
                self.over = true;
                return "you hung up\n".to_owned();
            }
            "vars" => {
                let variables = self.call.session().variables();
                return variables.map(|(name, value)| format!("  {name} = {}\n", show(value))).collect();
            }
            _ => {}
        }
        if let Some(setting) = line.strip_prefix("set ") {
            return self.set(setting);
        }
        if let Some(time) = line.strip_prefix("time ") {
            return self.set_time(time.trim());
        }
        if let Some(queue) = line.strip_prefix("queue ") {
            return self.set_figures(queue);
        }
        if let Some(language) = line.strip_prefix("language ") {
            return self.speak(language.trim());
        }
        match self.act(line) {
            Ok(()) => self.listen(),
            Err(why) => format!("{why}\n"),
        }
    }

    fn set(&mut self, setting: &str) -> String {
        let Some((name, value)) = setting.split_once('=') else {
            return "write `set NAME=VALUE`\n".to_owned();
        };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_') {
            return "a variable has lower-case letters, digits and `_`, like `account_number`\n".to_owned();
        }
        self.call.set_variable(name, Value::from(value.trim()));
        String::new()
    }

    fn set_time(&mut self, time: &str) -> String {
        if self.world.flows.zone().at(time).is_none() {
            return "no clock takes this as a time; write one such as 2026-12-24T10:00\n".to_owned();
        }
        self.at = Some(time.to_owned());
        if let Some(wall) = self.world.flows.zone().at(time) {
            self.call.set_wall(wall);
        }
        String::new()
    }

    fn set_figures(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        if !self.world.queues.contains(name) {
            let known: Vec<&str> = self.world.queues.iter().map(String::as_str).collect();
            return format!("there is no such queue; there are {}\n", known.join(", "));
        }
        let mut figures = self.figures.get(name).copied().unwrap_or_default();
        for word in words {
            let pair = word.split_once('=').and_then(|(key, number)| Some((key, number.parse::<u32>().ok()?)));
            match pair {
                Some(("waiting", number)) => figures.waiting = number,
                Some(("longest_wait", seconds)) => figures.longest_wait = Duration::from_secs(seconds.into()),
                Some(("free", number)) => figures.free = number,
                _ => return "write `queue NAME waiting=3 longest_wait=120 free=0`\n".to_owned(),
            }
        }
        self.figures.insert(name.into(), figures);
        String::new()
    }

    fn speak(&mut self, language: &str) -> String {
        if !self.world.languages.contains(language) {
            let known: Vec<&str> = self.world.languages.iter().map(String::as_str).collect();
            return format!("there is no such language; there are {}\n", known.join(", "));
        }
        self.call.set_language(language);
        String::new()
    }

    fn act(&mut self, line: &str) -> Result<(), String> {
        match self.call.stands().clone() {
            Stands::Queued(queue) => match end(QUEUE_ENDS, line) {
                Some(outcome) => self.call.end_queue(outcome),
                None if self.call.may_leave_queue_by(line) => line.chars().for_each(|key| self.call.press(key)),
                None => {
                    let words = words(QUEUE_ENDS);
                    return Err(format!("you are in the queue {queue}: type {words}, a key that leads out, or hangup"));
                }
            },
            Stands::Fetches(_, node, _) => match reply(line) {
                Some(reply) => self.call.tell_http(&reply),
                None => {
                    let words = words(FAILURES);
                    return Err(format!("{node} asks a server: type a status and what it says, or {words}, or hangup"));
                }
            },
            Stands::CallsBack(queue) => match end(CALLBACK_ANSWERS, line) {
                Some(promised) => self.call.tell_callback(promised),
                None => {
                    let words = words(CALLBACK_ANSWERS);
                    return Err(format!("a callback of the queue {queue} is asked for: type {words}, or hangup"));
                }
            },
            Stands::Rings(whom) => match end(DIAL_ENDS, line) {
                Some(outcome) => self.call.end_dial(outcome),
                None => return Err(format!("{whom} is rung: type {}, or hangup", words(DIAL_ENDS))),
            },
            Stands::Leaves(mailbox) => match end(LEFT_IN, line) {
                Some(outcome) => self.call.open_mailbox(outcome),
                None => return Err(format!("the mailbox {mailbox}: type {}, or hangup", words(LEFT_IN))),
            },
            Stands::Opens(mailbox) => match end(HEARD_IN, line) {
                Some(state) => self.call.open_mailbox(state),
                None => return Err(format!("the mailbox {mailbox} is opened: type {}, or hangup", words(HEARD_IN))),
            },
            _ if line == "." => {
                if !self.call.be_silent() {
                    return Err("nothing happens: it waits for no key".to_owned());
                }
            }
            _ if line.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')) => {
                line.chars().for_each(|key| self.call.press(key));
            }
            _ => {
                return Err(format!(
                    "`{}` is no key and no word that is known; `help` lists them",
                    line.escape_debug()
                ));
            }
        }
        Ok(())
    }

    /// Hears all that plays, has calendars answer, and tells it.
    fn listen(&mut self) -> String {
        let mut told: Vec<String> = Vec::new();
        self.call.listen();
        // Calendars and queues answer at once; the check saw that none is asked without end.
        loop {
            match self.call.stands().clone() {
                Stands::Calendar(calendar) => {
                    let state = self.world.state_of(&calendar, self.at.as_deref(), self.call.wall());
                    self.tell(&mut told);
                    told.push(format!("  the calendar {calendar} says {}", state.word()));
                    self.call.tell_hours(state);
                }
                Stands::Figures(queues) => {
                    self.tell(&mut told);
                    let figures: Figures = queues.into_iter().map(|queue| self.standing(queue)).collect();
                    for (queue, QueueFigures { waiting, longest_wait, free }) in &figures {
                        let wait = longest_wait.as_secs();
                        told.push(format!("  the queue {queue}: waiting={waiting} longest_wait={wait} free={free}"));
                    }
                    self.call.tell_figures(&figures);
                }
                _ => break,
            }
            self.call.listen();
        }
        self.tell(&mut told);
        told.push(match self.call.stands() {
            Stands::Asks => "  waits for a key".to_owned(),
            Stands::Plays => "  plays on".to_owned(),
            Stands::Calendar(calendar) => format!("  asks the calendar {calendar}"),
            Stands::Figures(queues) => format!("  asks how {} stand", queues.join(", ")),
            Stands::Fetches(_, _, asked) => format!("  asks {asked}"),
            Stands::Queued(queue) => format!("  you are in the queue {queue}"),
            Stands::CallsBack(queue) => format!("  asks that {queue} call back"),
            Stands::Rings(whom) => format!("  {whom} is rung"),
            Stands::Leaves(mailbox) => format!("  you may leave a message in the mailbox {mailbox}"),
            Stands::Opens(mailbox) => format!("  opens the mailbox {mailbox}"),
            Stands::HungUp(cause) => {
                self.over = true;
                format!("  hangs up ({})", cause.word())
            }
        });
        told.join("\n") + "\n"
    }

    fn standing(&self, queue: Arc<str>) -> (Arc<str>, QueueFigures) {
        let figures = self.figures.get(&queue).copied().unwrap_or_default();
        (queue, figures)
    }

    /// Tells what the call did since it was asked last.
    fn tell(&mut self, told: &mut Vec<String>) {
        for event in self.call.take_events() {
            match event {
                Event::Node(_, node) => told.push(format!("@ {node}")),
                Event::Says(items, false) => told.push(format!("  says: {}", said(&items))),
                Event::Speaks(language) => told.push(format!("  speaks {language} from here on")),
                Event::Says(items, true) => told.push(format!("  says, over and over: {}", said(&items))),
                Event::Chooses(case, failed) => {
                    let chosen = case.map_or_else(|| "otherwise".to_owned(), |case| format!("case {case}"));
                    let why = failed.map(|(case, why)| format!("; case {case} could not be worked out ({why})"));
                    told.push(format!("  chooses {chosen}{}", why.unwrap_or_default()));
                }
                Event::Sets(variable, failed) => {
                    let value = self.call.session().variable(&variable).map(show).unwrap_or_default();
                    let why = failed.map(|why| format!(", as it could not be worked out ({why})"));
                    told.push(format!("  sets {variable} = {value}{}", why.unwrap_or_default()));
                }
                Event::Records(order) => told.push(match order {
                    Recording::Start => "  records from here on".to_owned(),
                    Recording::Stop => "  records no longer".to_owned(),
                    Recording::Mask => "  keeps what is said out of the recording".to_owned(),
                    Recording::Unmask => "  lets what is said into the recording again".to_owned(),
                }),
                Event::Keeps(variable, Some(digits)) => told.push(format!("  keeps {variable} = {digits}")),
                Event::Keeps(variable, None) => told.push(format!("  keeps {variable}, a secret")),
                Event::Scores(survey, score) => told.push(format!("  scores {score} in the survey {survey}")),
                Event::Message(what) => told.push(format!("  {what}")),
                Event::Masks(true) => told.push("  keeps what is typed secret".to_owned()),
                Event::Unsaid(why) => told.push(format!("  leaves out a text that could not be worked out ({why})")),
                Event::Fetched(Some(failure)) => told.push(format!("  the request failed ({})", failure.word())),
                Event::Fetched(None) => told.push("  the request succeeded".to_owned()),
                Event::Stops | Event::Masks(false) | Event::Stands(_) => {}
            }
        }
    }
}

fn said(items: &[Sound]) -> String {
    let item = |item: &Sound| match item {
        Sound::Prompt(name) => name.to_string(),
        Sound::Silence(time) => format!("({} of silence)", yaml::show_duration(*time)),
        Sound::Text(speech) => format!("“{}”", speech.text.reveal()),
        Sound::Beep => "(beep)".to_owned(),
        Sound::Taken => "(your message)".to_owned(),
        Sound::Message(index) => format!("(message {})", index.saturating_add(1)),
    };
    items.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn end<T: Copy>(words: &[(&str, T)], line: &str) -> Option<T> {
    words.iter().find(|(word, _)| *word == line).map(|(_, end)| *end)
}

/// A status, maybe with what the server says, or the word for a failure.
fn reply(line: &str) -> Option<Reply> {
    if let Some(failure) = end(FAILURES, line) {
        return Some(Reply::Failed { status: None, failure });
    }
    let (status, says) = line.split_once(' ').unwrap_or((line, ""));
    let status = status.parse().ok().filter(|status| (200..600).contains(status))?;
    Some(Reply::Answer { status, body: Pii::new(says.trim().as_bytes().to_vec()) })
}

fn words<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}
