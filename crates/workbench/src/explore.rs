//! All that callers could do, tried from each state that a call can come to: which calls come to no end, and what no call
//! ever comes to.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use base::Pii;
use ivr::web::{Failure, Reply};
use ivr::{DialOutcome, Facts, Outline, OutlineNode, QueueFigures, QueueOutcome};

use crate::call::{
    CALLBACK_ANSWERS, Call, DIAL_ENDS, Event, Given, HEARD_IN, LEFT_IN, MailboxEnd, QUEUE_ENDS, STATES, Stands,
};
use crate::{Coverage, World};

/// So many states of calls are looked at for each flow.
const MAX_STATES: usize = 5_000;

/// How queues are tried: nobody waits and somebody is free, nobody is there at all, and very many wait for very long.
const STANDINGS: &[(QueueFigures, &str)] = &[
    (QueueFigures { waiting: 0, longest_wait: Duration::ZERO, free: 1 }, "{ free: 1 }"),
    (QueueFigures { waiting: 0, longest_wait: Duration::ZERO, free: 0 }, "{}"),
    (
        QueueFigures { waiting: 999, longest_wait: Duration::from_secs(86_400), free: 0 },
        "{ waiting: 999, longest_wait: 24h }",
    ),
];

/// What was found.
#[derive(Debug)]
pub struct Explored {
    /// For people.
    pub report: String,
    /// Every call can come to an end.
    pub good: bool,
}

/// Tries all that callers could do in the flows that numbers lead to, in at most `depth` steps; in all flows if no number
/// leads to one.
#[must_use]
pub fn explore(world: &World, depth: usize) -> Explored {
    let mut explored = Explored { report: String::new(), good: true };
    let mut coverage = Coverage::default();
    let mut entries: Vec<&str> = world.numbers.iter().map(|(_, flow)| flow.as_str()).collect();
    if entries.is_empty() {
        entries = world.flows.iter().map(|flow| &**flow.name()).collect();
    }
    entries.sort_unstable();
    entries.dedup();
    let mut whole = true;
    for flow in entries {
        let number = world.numbers.iter().find(|(_, leads_to)| leads_to == flow).map(|(number, _)| number.clone());
        let facts = Facts { dialled: number.unwrap_or_default(), ..Facts::default() };
        let given = Given { facts, ..Given::default() };
        let mut search = Search {
            world,
            flow,
            depth,
            given,
            states: Vec::new(),
            coverage: &mut coverage,
            errors: BTreeMap::new(),
            whole: true,
        };
        search.run();
        search.tell(&mut explored);
        whole &= search.whole;
    }
    // What was not tried may still lead there.
    explored.report += &coverage.report(&world.flows, whole);
    explored
}

/// What a caller, or those whom he waits for, can do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Press(String),
    Silence,
    Calendar(String, hours::State),
    /// Whoever is asked for stands so.
    Figures(Vec<String>, usize),
    Queue(String, QueueOutcome),
    /// A key that leads out of a queue.
    LeaveQueue(String, String),
    Callback(String, bool),
    Dial(String, DialOutcome),
    /// The server that a node asks answers so.
    Http(String, Answered),
    Mailbox(String, MailboxEnd),
}

/// What a web server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answered {
    /// What the node can take.
    Json(String),
    /// Nothing but that.
    Status(u16),
    Failed(Failure),
}

impl Answered {
    fn reply(&self) -> Reply {
        match self {
            Self::Json(text) => Reply::Answer { status: 200, body: Pii::new(text.clone().into_bytes()) },
            Self::Status(status) => Reply::Answer { status: *status, body: Pii::new(Vec::new()) },
            Self::Failed(failure) => Reply::Failed { status: None, failure: *failure },
        }
    }

    /// As a test has it.
    fn told(&self) -> String {
        match self {
            Self::Json(text) => format!("{{ json: {text} }}"),
            Self::Status(status) => format!("{{ status: {status} }}"),
            Self::Failed(failure) => format!("{{ failed: {} }}", failure.word()),
        }
    }
}

/// How a call can stand.
#[derive(Debug)]
struct State {
    /// The state before, and what was done there; `None` for the first.
    came_by: Option<(usize, Step)>,
    steps: usize,
    /// Where calls go from here.
    next: Vec<usize>,
    /// A call may stay here: it is over, or plays what is meant to last.
    is_end: bool,
    /// For people.
    stands: String,
}

impl State {
    fn of(call: &Call, outlines: &BTreeMap<String, Outline>, came_by: Option<(usize, Step)>, steps: usize) -> Self {
        Self { came_by, steps, next: Vec::new(), is_end: is_end(call, outlines), stands: stands(call) }
    }
}

struct Search<'a> {
    world: &'a World,
    flow: &'a str,
    depth: usize,
    given: Given,
    states: Vec<State>,
    coverage: &'a mut Coverage,
    /// What could not be worked out, each with the shortest way there.
    errors: BTreeMap<String, Vec<Step>>,
    /// All states were looked at.
    whole: bool,
}

impl Search<'_> {
    /// Finds the states, the nearest first.
    fn run(&mut self) {
        let outlines: BTreeMap<String, Outline> =
            self.world.flows.iter().map(|flow| (flow.name().to_string(), flow.outline())).collect();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut queue = VecDeque::new();
        let Some(call) = self.replay(&[]) else { return };
        known.insert(call.memory(), 0);
        self.states.push(State::of(&call, &outlines, None, 0));
        queue.push_back(0);
        while let Some(at) = queue.pop_front() {
            let path = self.path(at);
            let Some(call) = self.replay(&path) else { continue };
            let choices = choices(&call, &outlines);
            if path.len() >= self.depth && !choices.is_empty() {
                self.whole = false;
                self.end_here(at);
                continue;
            }
            for step in choices {
                let Some(call) = self.replay(&[path.as_slice(), std::slice::from_ref(&step)].concat()) else {
                    continue;
                };
                let memory = call.memory();
                let to = match known.get(&memory) {
                    Some(to) => *to,
                    None if self.states.len() >= MAX_STATES => {
                        self.whole = false;
                        self.end_here(at);
                        continue;
                    }
                    None => {
                        let state = State::of(&call, &outlines, Some((at, step)), path.len() + 1);
                        self.states.push(state);
                        known.insert(memory, self.states.len() - 1);
                        queue.push_back(self.states.len() - 1);
                        self.states.len() - 1
                    }
                };
                if let Some(state) = self.states.get_mut(at) {
                    state.next.push(to);
                }
            }
        }
    }

    /// What lies behind this state is not known, so nothing is said of it.
    fn end_here(&mut self, at: usize) {
        if let Some(state) = self.states.get_mut(at) {
            state.is_end = true;
        }
    }

    fn path(&self, at: usize) -> Vec<Step> {
        let mut path = Vec::new();
        let mut state = self.states.get(at);
        while let Some((before, step)) = state.and_then(|state| state.came_by.clone()) {
            path.push(step);
            state = self.states.get(before);
        }
        path.reverse();
        path
    }

    /// A call that did all of this.
    fn replay(&mut self, path: &[Step]) -> Option<Call> {
        let mut call = Call::begin(&self.world.flows, self.flow, &self.given)?;
        call.listen();
        for step in path {
            match step {
                Step::Press(keys) | Step::LeaveQueue(_, keys) => keys.chars().for_each(|key| call.press(key)),
                Step::Silence => drop(call.be_silent()),
                Step::Calendar(_, state) => call.tell_hours(*state),
                Step::Figures(queues, standing) => {
                    let figures = STANDINGS.get(*standing).map(|(figures, _)| *figures).unwrap_or_default();
                    call.tell_figures(&queues.iter().map(|queue| (queue.as_str().into(), figures)).collect());
                }
                Step::Queue(_, outcome) => call.end_queue(*outcome),
                Step::Callback(_, promised) => call.tell_callback(*promised),
                Step::Dial(_, outcome) => call.end_dial(*outcome),
                Step::Http(_, answer) => call.tell_http(&answer.reply()),
                Step::Mailbox(_, end) => call.open_mailbox(*end),
            }
            call.listen();
        }
        let mut at = std::sync::Arc::from("");
        for event in call.take_events() {
            match event {
                Event::Node(flow, node) => {
                    self.coverage.enter(&flow, &node);
                    at = node;
                }
                Event::Chooses(_, Some((case, why))) => {
                    let what = format!("case {case} of `{at}` cannot be worked out ({why})");
                    self.errors.entry(what).or_insert_with(|| path.to_vec());
                }
                Event::Sets(variable, Some(why)) => {
                    let what = format!("what `{at}` sets `{variable}` to cannot be worked out ({why})");
                    self.errors.entry(what).or_insert_with(|| path.to_vec());
                }
                Event::Unsaid(why) => {
                    let what = format!("a text of `{at}` cannot be worked out ({why})");
                    self.errors.entry(what).or_insert_with(|| path.to_vec());
                }
                _ => {}
            }
        }
        call.take_ways().iter().for_each(|way| self.coverage.take(way));
        Some(call)
    }

    fn tell(&self, explored: &mut Explored) {
        let report = &mut explored.report;
        let most = self.states.iter().map(|state| state.steps).max().unwrap_or_default();
        let _ = writeln!(report, "flow {}: {} states, {most} steps at most", self.flow, self.states.len());
        if !self.whole {
            let _ = writeln!(
                report,
                "   not all was tried: there is more behind {most} steps (`--depth`) or {MAX_STATES} states"
            );
        }
        for (what, path) in &self.errors {
            explored.good = false;
            let _ = writeln!(report, "   {what}");
            report.push_str(&self.as_test(path));
        }
        let next: Vec<&[usize]> = self.states.iter().map(|state| state.next.as_slice()).collect();
        let ends: Vec<bool> = self.states.iter().map(|state| state.is_end).collect();
        let endless = without_end(&next, &ends);
        let Some(first) = endless.first() else { return };
        explored.good = false;
        let stands = self.states.get(*first).map_or("", |state| &state.stands);
        let _ = writeln!(report, "   a call comes to no end: whatever he does, a caller who {stands} can only hang up");
        report.push_str(&self.as_test(&self.path(*first)));
    }

    /// The way there as a test, which fails until the flow is mended.
    fn as_test(&self, path: &[Step]) -> String {
        let mut text = format!("   tests:\n     comes to an end:\n       flow: {}\n", self.flow);
        let mut hours: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut figures: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut queues: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut dials: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut callbacks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut http: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut mailboxes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut does = Vec::new();
        for step in path {
            match step {
                Step::Press(keys) => does.push(format!("{{ press: \"{keys}\" }}")),
                Step::Silence => does.push("{ silence: }".to_owned()),
                Step::Calendar(calendar, state) => hours.entry(calendar).or_default().push(state.word()),
                Step::Figures(names, standing) => {
                    let told = STANDINGS.get(*standing).map_or("{}", |(_, told)| told);
                    names.iter().for_each(|queue| figures.entry(queue).or_default().push(told));
                }
                Step::Queue(queue, outcome) => queues.entry(queue).or_default().push(word(QUEUE_ENDS, outcome)),
                Step::Http(node, answer) => http.entry(node).or_default().push(answer.told()),
                Step::LeaveQueue(queue, key) => {
                    queues.entry(queue).or_default().push("waits");
                    does.push(format!("{{ press: \"{key}\" }}"));
                }
                Step::Mailbox(name, end) => {
                    let word = if LEFT_IN.iter().any(|(_, left)| left == end) {
                        word(LEFT_IN, end)
                    } else {
                        word(HEARD_IN, end)
                    };
                    mailboxes.entry(name).or_default().push(word);
                }
                Step::Callback(queue, promised) => {
                    callbacks.entry(queue).or_default().push(word(CALLBACK_ANSWERS, promised));
                }
                Step::Dial(whom, outcome) => dials.entry(whom).or_default().push(word(DIAL_ENDS, outcome)),
            }
        }
        let map = |map: BTreeMap<&str, Vec<&str>>| {
            let entries = map.iter().map(|(name, words)| format!("\"{name}\": [{}]", words.join(", ")));
            entries.collect::<Vec<_>>().join(", ")
        };
        let http: BTreeMap<&str, Vec<&str>> =
            http.iter().map(|(node, told)| (*node, told.iter().map(String::as_str).collect())).collect();
        let given = [&hours, &figures, &http, &queues, &callbacks, &dials, &mailboxes];
        if given.iter().any(|given| !given.is_empty()) {
            text.push_str("       given:\n");
        }
        if !hours.is_empty() {
            let _ = writeln!(text, "         hours: {{ {} }}", map(hours));
        }
        if !figures.is_empty() {
            let _ = writeln!(text, "         figures: {{ {} }}", map(figures));
        }
        if !http.is_empty() {
            let _ = writeln!(text, "         http: {{ {} }}", map(http));
        }
        if !callbacks.is_empty() {
            let _ = writeln!(text, "         callbacks: {{ {} }}", map(callbacks));
        }
        if !queues.is_empty() {
            let _ = writeln!(text, "         queues: {{ {} }}", map(queues));
        }
        if !dials.is_empty() {
            let _ = writeln!(text, "         dials: {{ {} }}", map(dials));
        }
        if !mailboxes.is_empty() {
            let _ = writeln!(text, "         mailboxes: {{ {} }}", map(mailboxes));
        }
        let _ = writeln!(text, "       does: [{}]\n       expect: {{ ends: hangup }}", does.join(", "));
        text
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], outcome: &T) -> &'static str {
    words.iter().find(|(_, known)| known == outcome).map_or("", |(word, _)| word)
}

/// What can be done in a call that stands like this.
fn choices(call: &Call, outlines: &BTreeMap<String, Outline>) -> Vec<Step> {
    match call.stands() {
        Stands::HungUp(_) => Vec::new(),
        Stands::Calendar(name) => STATES.iter().map(|(_, state)| Step::Calendar(name.to_string(), *state)).collect(),
        Stands::Figures(queues) => {
            let names: Vec<String> = queues.iter().map(ToString::to_string).collect();
            (0..STANDINGS.len()).map(|standing| Step::Figures(names.clone(), standing)).collect()
        }
        Stands::Fetches(flow, name, _) => {
            let outline = outlines.get(&**flow);
            let node = outline.and_then(|outline| outline.nodes.iter().find(|node| node.name == *name));
            let good = node.and_then(|node| node.sample.clone()).map(Answered::Json);
            let bad = [Answered::Status(404), Answered::Failed(Failure::Timeout)];
            good.into_iter().chain(bad).map(|answer| Step::Http(format!("{flow}/{name}"), answer)).collect()
        }
        Stands::Queued(queue) => {
            let ends = QUEUE_ENDS.iter().map(|(_, end)| Step::Queue(queue.to_string(), *end));
            let keys = node_of(call, outlines).into_iter().flat_map(|node| &node.keys);
            ends.chain(keys.map(|key| Step::LeaveQueue(queue.to_string(), key.clone()))).collect()
        }
        Stands::Leaves(name) => LEFT_IN.iter().map(|(_, end)| Step::Mailbox(name.to_string(), *end)).collect(),
        Stands::Opens(name) => HEARD_IN.iter().map(|(_, end)| Step::Mailbox(name.to_string(), *end)).collect(),
        Stands::CallsBack(queue) => {
            CALLBACK_ANSWERS.iter().map(|(_, promised)| Step::Callback(queue.to_string(), *promised)).collect()
        }
        Stands::Rings(whom) => DIAL_ENDS.iter().map(|(_, end)| Step::Dial(whom.to_string(), *end)).collect(),
        Stands::Asks | Stands::Plays => {
            let Some(node) = node_of(call, outlines) else { return Vec::new() };
            let mut steps: Vec<Step> = node.keys.iter().chain(&node.wrong).cloned().map(Step::Press).collect();
            if matches!(node.verb, "play" | "say") && !node.ways.is_empty() {
                steps.push(Step::Press("1".to_owned()));
            }
            if *call.stands() == Stands::Asks {
                steps.push(Step::Silence);
            }
            steps
        }
    }
}

/// The node that a call is at.
fn node_of<'a>(call: &Call, outlines: &'a BTreeMap<String, Outline>) -> Option<&'a OutlineNode> {
    let outline = outlines.get(&**call.session().flow().name());
    let (outline, name) = outline.zip(call.session().node())?;
    outline.nodes.iter().find(|node| node.name == *name)
}

fn is_end(call: &Call, outlines: &BTreeMap<String, Outline>) -> bool {
    let plays = *call.stands() == Stands::Plays && choices(call, outlines).is_empty();
    plays || matches!(call.stands(), Stands::HungUp(_))
}

fn stands(call: &Call) -> String {
    let node = call.session().node().map_or("", |node| node);
    match call.stands() {
        Stands::Asks => format!("is asked at `{node}`"),
        Stands::Plays => format!("listens at `{node}`"),
        Stands::Calendar(calendar) => format!("comes to the calendar `{calendar}`"),
        Stands::Figures(queues) => format!("comes to where the queues {} are looked at", queues.join(", ")),
        Stands::Fetches(_, node, _) => format!("waits for the answer to `{node}`"),
        Stands::Queued(queue) => format!("waits in the queue `{queue}`"),
        Stands::CallsBack(queue) => format!("wants to be called back by the queue `{queue}`"),
        Stands::Rings(whom) => format!("waits for `{whom}`"),
        Stands::Leaves(name) | Stands::Opens(name) => format!("comes to the mailbox `{name}`"),
        Stands::HungUp(_) => "is gone".to_owned(),
    }
}

/// The states from which no way leads to an end, in their order.
fn without_end(next: &[&[usize]], ends: &[bool]) -> Vec<usize> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); next.len()];
    for (from, to) in next.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |to| (from, *to))) {
        if let Some(sources) = before.get_mut(to) {
            sources.push(from);
        }
    }
    let mut can = ends.to_vec();
    let mut queue: VecDeque<usize> = (0..can.len()).filter(|state| can.get(*state) == Some(&true)).collect();
    while let Some(state) = queue.pop_front() {
        for from in before.get(state).into_iter().flatten() {
            if let Some(known @ false) = can.get_mut(*from) {
                *known = true;
                queue.push_back(*from);
            }
        }
    }
    (0..can.len()).filter(|state| can.get(*state) == Some(&false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_only_lead_round_have_no_end() {
        // 0 → 1 → 2 (the end), and 0 → 3 ⇄ 4.
        let next: [&[usize]; 5] = [&[1, 3], &[2], &[], &[4], &[3]];
        assert_eq!(without_end(&next, &[false, false, true, false, false]), [3, 4]);
        assert!(without_end(&next, &[false, false, true, false, true]).is_empty());
    }
}
