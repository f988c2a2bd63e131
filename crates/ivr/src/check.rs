//! What is wrong with flows as a graph, all of them together: nodes that no way leads to, ways that never end, flows that call
//! each other without end, variables read before they are set, or where a value of another kind should stand.

mod graph;
mod kinds;
mod loops;
mod secrets;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;

use yaml::{Faults, Place, did_you_mean};

use self::graph::Graph;
use crate::flow::{
    Call, Collect, Dial, Flow, Look, Mailbox, Menu, Node, Outcome, Prompt, Question, Queue, Set, Target, Verb, Way,
    When,
};

/// How deep flows may call each other.
pub(crate) const MAX_DEPTH: usize = 16;

/// All variables of a company: a call may hold as many.
const MAX_VARIABLES: usize = 256;

/// The variables that hold a secret, or something made of one.
pub(crate) fn secrets(flows: &[&Flow]) -> BTreeSet<Arc<str>> {
    secrets::of(flows).into_keys().cloned().collect()
}

/// One way from a node to what follows within its flow.
#[derive(Clone, Copy)]
struct Step<'a> {
    to: Target,
    /// It may be gone in no time: without a word, a key, or somebody else's doing.
    instant: bool,
    /// Variables that are set on this way.
    sets: &'a [Arc<str>],
}

/// Adds the faults of `flows` as a whole. `known` are the names of all flows, those included that could not be read;
/// `begins` tells whether calls begin in a flow. All targets within a flow exist.
pub(crate) fn flows<'a>(
    flows: impl Iterator<Item = &'a Flow>,
    known: &[&str],
    begins: &dyn Fn(&str) -> bool,
    faults: &Faults,
) {
    let flows: Vec<&Flow> = flows.collect();
    for (name, place) in flows.iter().flat_map(|flow| &flow.nodes).filter_map(leads_to) {
        if !known.contains(&&**name) {
            let remedy = match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write it as `flows/{name}.yaml`, or name one that there is"),
            };
            faults.add(place.clone(), format!("there is no flow `{name}`"), remedy);
        }
    }
    secrets::report(&flows, faults);
    // One that could not be read may set variables, too.
    if flows.len() == known.len() {
        kinds::report(&flows, faults);
    }
    let Some(graph) = Graph::of(&flows, faults) else { return };
    graph.report_unreachable(faults);
    graph.report_calls_that_never_return(faults);
    let spinning = graph.report_instant_loops(faults);
    graph.report_endless_loops(&spinning, faults);
    graph.report_unset_variables(begins, faults);
}

/// The flow that a node leads to, and where it names it.
fn leads_to(node: &Node) -> Option<(&Arc<str>, &Place)> {
    match &node.verb {
        Verb::Call(Call { flow, place, .. }) | Verb::Leave { flow, place } => Some((flow, place)),
        _ => None,
    }
}

/// All ways that lead from `node` to what follows it; asking again leads to `index`, the node itself.
fn steps(index: usize, node: &Node) -> Vec<Step<'_>> {
    let slow = |to: Target| Step { to, instant: false, sets: &[] };
    let fast = |to: Target| Step { to, instant: true, sets: &[] };
    let found_at_once = |outcome: &Outcome| Step { instant: outcome.prompt.0.is_empty(), ..slow(outcome.way) };
    match &node.verb {
        Verb::Play(play) => play.next.map(slow).into_iter().collect(),
        Verb::Menu(menu) => {
            let answered = answers(node).map(|answer| answer.way.target(index));
            let talked = menu.direct_dial.iter().map(|dial| dial.next);
            answered.chain(menu.question.exhausts()).chain(talked).map(slow).collect()
        }
        Verb::Collect(collect) => {
            let collected = Step { sets: std::slice::from_ref(&collect.variable), ..slow(collect.next) };
            let failed = answers(node).map(|answer| answer.way.target(index)).chain(collect.question.exhausts());
            failed.map(slow).chain([collected]).collect()
        }
        // A calendar answers at once.
        Verb::Hours(hours) => hours.outcomes().map(found_at_once).into(),
        // A full queue, a closed one and one without agents are found at once; so is a user who is known to be busy, or away.
        Verb::Queue(Queue { keys, timed_out, full, no_agents, closed, next, .. }) => {
            let at_once = [full, no_agents].into_iter().chain(closed).map(found_at_once);
            let ends = at_once.chain([slow(timed_out.way), slow(*next)]);
            keys.iter().map(|(_, outcome)| slow(outcome.way)).chain(ends).collect()
        }
        Verb::Callback(callback) => vec![found_at_once(&callback.refused), fast(callback.next)],
        Verb::Dial(Dial { busy, no_answer, declined, failed, next, .. }) => {
            let told = [slow(no_answer.way), slow(declined.way), slow(*next)];
            [found_at_once(busy), found_at_once(failed)].into_iter().chain(told).collect()
        }
        // That a mailbox is full is known at once.
        Verb::Voicemail(voicemail) => {
            let deleted = voicemail.review.iter().map(|review| slow(review.deleted.way));
            let told = [found_at_once(&voicemail.full), slow(voicemail.empty.way), slow(voicemail.next)];
            told.into_iter().chain(deleted).collect()
        }
        Verb::Mailbox(Mailbox { into, empty, denied, next, .. }) => {
            let counted = |step| Step { sets: into.as_slice(), ..step };
            vec![found_at_once(denied), counted(found_at_once(empty)), counted(slow(*next))]
        }
        Verb::Record { next, .. } | Verb::Language { next, .. } | Verb::Goto(next) => vec![fast(*next)],
        // What the flow that is called does on the way is the graph's to know.
        Verb::Call(call) => vec![fast(call.next)],
        Verb::When(When { cases, otherwise }) => {
            cases.iter().map(|(_, to)| fast(*to)).chain([fast(*otherwise)]).collect()
        }
        Verb::Look(Look { into, found, otherwise, .. }) => {
            vec![Step { sets: into.as_slice(), ..found_at_once(found) }, found_at_once(otherwise)]
        }
        // A server that is down is found at once, and one that is quick answers as fast: no loop may hammer it.
        Verb::Http(http) => {
            let sets = http.names.as_slice();
            vec![Step { sets, ..fast(http.next) }, Step { sets, ..fast(http.failed.way) }]
        }
        Verb::Set(Set { names, next, .. }) => vec![Step { sets: names, ..fast(*next) }],
        Verb::Leave { .. } | Verb::Hangup(_) => Vec::new(),
    }
}

/// All that `node` plays.
fn prompts(node: &Node) -> Vec<&Prompt> {
    match &node.verb {
        Verb::Play(play) => vec![&play.prompt],
        Verb::Menu(Menu { question, .. }) | Verb::Collect(Collect { question, .. }) => {
            let last = question.exhausted.iter().map(|outcome| &outcome.prompt);
            [&question.prompt].into_iter().chain(last).chain(answers(node).map(|answer| &answer.prompt)).collect()
        }
        Verb::Hours(hours) => hours.outcomes().map(|outcome| &outcome.prompt).to_vec(),
        Verb::Queue(queue) => {
            let keys = queue.keys.iter().map(|(_, outcome)| outcome);
            let outcomes = keys.chain([&queue.timed_out, &queue.full, &queue.no_agents]).chain(&queue.closed);
            std::iter::once(&queue.hear).chain(outcomes.map(|outcome| &outcome.prompt)).collect()
        }
        Verb::Callback(callback) => vec![&callback.refused.prompt],
        Verb::When(_) | Verb::Set(_) => Vec::new(),
        Verb::Look(look) => vec![&look.found.prompt, &look.otherwise.prompt],
        Verb::Http(http) => vec![&http.hear, &http.failed.prompt],
        Verb::Dial(dial) => {
            [&dial.busy, &dial.no_answer, &dial.declined, &dial.failed].map(|outcome| &outcome.prompt).to_vec()
        }
        Verb::Voicemail(voicemail) => {
            let review = voicemail.review.iter().flat_map(|review| [&review.prompt, &review.deleted.prompt]);
            let told = [&voicemail.greeting, &voicemail.full.prompt, &voicemail.empty.prompt];
            told.into_iter().chain(review).collect()
        }
        Verb::Mailbox(mailbox) => {
            let greeting = mailbox.into.is_none().then_some(&mailbox.greeting);
            let told = [&mailbox.menu, &mailbox.empty.prompt, &mailbox.denied.prompt];
            greeting.into_iter().chain(told).collect()
        }
        Verb::Record { .. }
        | Verb::Language { .. }
        | Verb::Goto(_)
        | Verb::Call(_)
        | Verb::Leave { .. }
        | Verb::Hangup(_) => Vec::new(),
    }
}

/// What a question says follows, be it that it is asked again.
fn answers(node: &Node) -> Box<dyn Iterator<Item = &Outcome<Way>> + '_> {
    match &node.verb {
        Verb::Menu(menu) => {
            let keys = menu.keys.iter().map(|key| &key.answer);
            let dialled =
                menu.direct_dial.iter().flat_map(|dial| [&dial.busy, &dial.no_answer, &dial.declined, &dial.failed]);
            Box::new(keys.chain(dialled).chain(menu.question.failures()))
        }
        Verb::Collect(collect) => Box::new(collect.question.failures().chain([&collect.invalid])),
        _ => Box::new(std::iter::empty()),
    }
}

/// The prompt that reads back what the node itself puts into a variable, with that.
fn confirmation(node: &Node) -> Option<(&Prompt, &str)> {
    match &node.verb {
        Verb::Collect(Collect { confirm: Some(confirm), variable, .. }) => Some((&confirm.prompt, variable)),
        Verb::Mailbox(Mailbox { into: Some(variable), greeting, .. }) => Some((greeting, variable)),
        _ => None,
    }
}

impl Question {
    /// What follows if callers do not answer.
    fn failures(&self) -> impl Iterator<Item = &Outcome<Way>> {
        [&self.no_input, &self.wrong_input].into_iter()
    }

    /// Where those go who have used up all attempts.
    fn exhausts(&self) -> impl Iterator<Item = Target> {
        self.exhausted.iter().map(|outcome| outcome.way)
    }
}

impl Way {
    /// Where it leads from the node with `index`.
    const fn target(self, index: usize) -> Target {
        match self {
            Self::To(to) => to,
            // Where `back` leads besides, the graph knows.
            Self::Repeat | Self::Back => Target::Node(index),
        }
    }
}
