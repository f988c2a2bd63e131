//! Runs one test.

use std::collections::BTreeMap;
use std::sync::Arc;

use ivr::{QueueFigures, Sound};

use super::{Act, Case, End, Failure, Ran};
use crate::World;
use crate::call::{Call, Event, MailboxEnd, Stands, show};

/// So often a call comes into queues and rings phones; one that does it more often goes round.
const MAX_HANDOVERS: usize = 1000;

pub(super) fn run(case: &Case, world: &World) -> Ran {
    let Some(call) = Call::begin(&world.flows, &case.flow, &case.given) else {
        return Ran { failures: Vec::new(), nodes: Vec::new(), ways: Vec::new(), path: Vec::new() };
    };
    let mut runner =
        Runner { case, world, call, times: BTreeMap::new(), failures: Vec::new(), said: Vec::new(), nodes: Vec::new() };
    let end = runner.play();
    runner.judge(&end);
    let mut ways = runner.call.take_ways();
    ways.dedup();
    let path = runner.path();
    let nodes = runner.nodes.into_iter().map(|(flow, node)| (flow.to_string(), node.to_string())).collect();
    Ran { failures: runner.failures, nodes, ways, path }
}

/// A prompt's name, or the text that is spoken; a silence says nothing.
fn prompt(sound: &Sound) -> Option<String> {
    match sound {
        Sound::Prompt(name) => Some(name.to_string()),
        Sound::Text(speech) => Some(speech.text.reveal().to_string()),
        Sound::Silence(_) | Sound::Beep | Sound::Taken | Sound::Message(_) => None,
    }
}

struct Runner<'a> {
    case: &'a Case,
    world: &'a World,
    call: Call,
    /// How often the call came to each queue and phone.
    times: BTreeMap<String, usize>,
    failures: Vec<Failure>,
    said: Vec<String>,
    nodes: Vec<(std::sync::Arc<str>, std::sync::Arc<str>)>,
}

impl Runner<'_> {
    /// Plays the whole call, and says where it ends.
    fn play(&mut self) -> End {
        self.gather();
        for (place, act) in &self.case.does {
            let interrupts = matches!(act, Act::Interrupt(_)) && !self.is_over();
            if !interrupts {
                self.listen();
            }
            let leaves_queue =
                matches!(act, Act::Press(keys) | Act::Interrupt(keys) if self.call.may_leave_queue_by(keys));
            if self.is_over() && !leaves_queue {
                let what = format!("the call was over before he could do this: it ended {}", self.end());
                let (expected, came) = Default::default();
                self.failures.push(Failure { place: place.clone(), what, expected, came });
                return self.end();
            }
            match act {
                Act::Press(keys) | Act::Interrupt(keys) => keys.chars().for_each(|key| self.call.press(key)),
                Act::Silence(Some(time)) => self.call.wait(*time),
                Act::Silence(None) => drop(self.call.be_silent()),
                Act::HangUp => return End::Caller,
            }
            self.gather();
        }
        self.listen();
        self.end()
    }

    /// Hears all that plays, and answers for queues and phones as far as that is given.
    fn listen(&mut self) {
        for _ in 0..MAX_HANDOVERS {
            self.call.listen();
            self.gather();
            let answered = match self.call.stands().clone() {
                Stands::Calendar(calendar) => {
                    let time = self.count(&format!("calendar {calendar}"));
                    let answer = self.case.hours.get(&*calendar).and_then(|answers| answers.at(time));
                    let given = &self.case.given;
                    let by_clock = || self.world.state_of(&calendar, given.at.as_deref(), self.call.wall());
                    let state = answer.unwrap_or_else(by_clock);
                    self.call.tell_hours(state);
                    Some(())
                }
                Stands::Figures(queues) => {
                    let figures = queues.iter().map(|queue| (Arc::clone(queue), self.figures(queue))).collect();
                    self.call.tell_figures(&figures);
                    Some(())
                }
                Stands::Queued(queue) => {
                    let time = self.count(&format!("queue {queue}"));
                    let answer = self.case.queues.get(&*queue).and_then(|answers| answers.at(time).flatten());
                    answer.map(|answer| self.call.end_queue(answer))
                }
                Stands::CallsBack(queue) => {
                    let time = self.count(&format!("callback {queue}"));
                    let answer = self.case.callbacks.get(&*queue).and_then(|answers| answers.at(time));
                    self.call.tell_callback(answer.unwrap_or(true));
                    Some(())
                }
                Stands::Fetches(flow, node, _) => {
                    let node = format!("{flow}/{node}");
                    let time = self.count(&format!("http {node}"));
                    let answer = self.case.http.get(&node).and_then(|answers| answers.at(time));
                    answer.map(|answer| self.call.tell_http(&answer))
                }
                Stands::Leaves(mailbox) => {
                    let answer = self.answer_of(&mailbox).unwrap_or(MailboxEnd::Left);
                    self.call.open_mailbox(answer);
                    Some(())
                }
                Stands::Opens(mailbox) => {
                    let answer = self.answer_of(&mailbox).unwrap_or(MailboxEnd::Empty);
                    self.call.open_mailbox(answer);
                    Some(())
                }
                Stands::Rings(whom) => {
                    let time = self.count(&format!("dial {whom}"));
                    let answer = self.case.dials.get(&*whom).and_then(|answers| answers.at(time));
                    answer.map(|answer| self.call.end_dial(answer))
                }
                _ => return,
            };
            self.gather();
            if answered.is_none() {
                return;
            }
        }
    }

    /// How a queue stands: as it is given, else empty and without agents.
    fn figures(&mut self, queue: &str) -> QueueFigures {
        let time = self.count(&format!("figures {queue}"));
        self.case.figures.get(queue).and_then(|answers| answers.at(time)).unwrap_or_default()
    }

    fn answer_of(&mut self, mailbox: &str) -> Option<MailboxEnd> {
        let time = self.count(&format!("mailbox {mailbox}"));
        self.case.mailboxes.get(mailbox)?.at(time)
    }

    fn count(&mut self, what: &str) -> usize {
        let times = self.times.entry(what.to_owned()).or_default();
        *times += 1;
        *times - 1
    }

    fn gather(&mut self) {
        for event in self.call.take_events() {
            match event {
                Event::Node(flow, node) => self.nodes.push((flow, node)),
                Event::Says(items, _) => self.said.extend(items.iter().filter_map(prompt)),
                _ => {}
            }
        }
    }

    fn is_over(&self) -> bool {
        !matches!(self.call.stands(), Stands::Asks | Stands::Plays)
    }

    fn end(&self) -> End {
        match self.call.stands() {
            Stands::HungUp(cause) => End::HangUp(*cause),
            Stands::Queued(queue) => End::Queue(queue.to_string()),
            Stands::Rings(whom) => End::Dial(whom.to_string()),
            Stands::Asks
            | Stands::Plays
            | Stands::Calendar(_)
            | Stands::CallsBack(_)
            | Stands::Figures(_)
            | Stands::Fetches(..)
            | Stands::Leaves(_)
            | Stands::Opens(_) => End::Waits(self.path().pop().unwrap_or_default()),
        }
    }

    /// Nodes as a test names them.
    fn path(&self) -> Vec<String> {
        let own = |flow: &str| flow == self.case.flow;
        let name = |(flow, node): &(std::sync::Arc<str>, std::sync::Arc<str>)| match own(flow) {
            true => node.to_string(),
            false => format!("{flow}/{node}"),
        };
        self.nodes.iter().map(name).collect()
    }

    fn judge(&mut self, end: &End) {
        let expect = &self.case.expect;
        let mut failures = Vec::new();
        let mut fail = |place: &yaml::Place, what: &str, expected: String, came: String| {
            failures.push(Failure { place: place.clone(), what: what.to_owned(), expected, came });
        };
        if let Some((place, said)) = &expect.said
            && *said != self.said
        {
            fail(place, "other prompts were played", said.join(", "), self.said.join(", "));
        }
        if let Some((place, wanted)) = &expect.includes {
            let mut said = self.said.iter();
            if let Some(missing) = wanted.iter().find(|wanted| !said.any(|said| said == *wanted)) {
                let what = format!("`{missing}` was not played, or not in this order");
                fail(place, &what, wanted.join(", "), self.said.join(", "));
            }
        }
        let path = self.path();
        if let Some((place, nodes)) = &expect.nodes
            && *nodes != path
        {
            fail(place, "the call went another way", nodes.join(" → "), path.join(" → "));
        }
        for (place, name, wanted) in &expect.variables {
            let came = self.call.session().variable(name).map(show);
            if came != *wanted {
                let unset = || "not set".to_owned();
                let what = format!("the variable `{name}` differs");
                fail(place, &what, wanted.clone().unwrap_or_else(unset), came.unwrap_or_else(unset));
            }
        }
        if let Some((place, wanted)) = &expect.ends
            && wanted != end
        {
            fail(place, "the call ended elsewhere", wanted.to_string(), end.to_string());
        }
        self.failures.extend(failures);
    }
}
