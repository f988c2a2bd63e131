//! What is wrong with a flow as a graph: nodes that no way leads to, ways that never end, variables read before they are set.

use std::collections::{BTreeSet, VecDeque};

use yaml::{Faults, did_you_mean};

use crate::flow::{Dial, Flow, Item, Node, Outcome, Prompt, Question, Queue, Target, Verb, Way};

/// One way from a node to what follows.
#[derive(Clone, Copy)]
struct Step<'a> {
    to: Target,
    /// It may be gone in no time: without a word, a key, or somebody else's doing.
    instant: bool,
    /// The variable that is set on this way.
    sets: Option<&'a str>,
}

/// Adds the faults of the graph. All targets exist.
pub(crate) fn graph(flow: &Flow, faults: &Faults) {
    let graph = Graph::of(flow);
    let reached = graph.reached_from(flow.start);
    for (node, _) in flow.nodes.iter().zip(&reached).filter(|(_, reached)| !**reached) {
        let message = format!("no way leads to the node `{}`", node.name);
        faults.add(node.place.clone(), message, "name it as a target, or remove it");
    }
    let spinning = graph.report_instant_loops(faults);
    graph.report_endless_loops(&reached, &spinning, faults);
    graph.report_unset_variables(&reached, faults);
}

struct Graph<'a> {
    flow: &'a Flow,
    /// By the index of the node.
    steps: Vec<Vec<Step<'a>>>,
}

impl<'a> Graph<'a> {
    fn of(flow: &'a Flow) -> Self {
        Self { flow, steps: flow.nodes.iter().enumerate().map(|(index, node)| steps(index, node)).collect() }
    }

    fn steps(&self, node: usize) -> &[Step<'a>] {
        self.steps.get(node).map_or(&[], Vec::as_slice)
    }

    fn name(&self, node: usize) -> &str {
        self.flow.node(node).map_or("", |node| &node.name)
    }

    fn reached_from(&self, start: usize) -> Vec<bool> {
        let mut reached = vec![false; self.steps.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let Some(seen @ false) = reached.get_mut(node) else { continue };
            *seen = true;
            queue.extend(self.steps(node).iter().filter_map(|step| step.to.node()));
        }
        reached
    }

    /// A way of `keep` steps from `start` back to it, as the nodes passed, `start` first.
    fn way_round(&self, start: usize, keep: impl Fn(&Step<'_>) -> bool) -> Option<Vec<usize>> {
        let mut came_from: Vec<Option<usize>> = vec![None; self.steps.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for next in self.steps(node).iter().filter(|step| keep(step)).filter_map(|step| step.to.node()) {
                if next == start {
                    let back = |at: &usize| came_from.get(*at).copied().flatten();
                    let mut way: Vec<usize> = std::iter::successors(Some(node), back).collect();
                    way.reverse();
                    return Some(way);
                }
                if let Some(from @ None) = came_from.get_mut(next) {
                    *from = Some(node);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// Ways round that take neither a key nor time would stop the whole exchange. Gives the nodes on them.
    fn report_instant_loops(&self, faults: &Faults) -> Vec<bool> {
        let mut reported = vec![false; self.steps.len()];
        for start in 0..self.steps.len() {
            if reported.get(start) == Some(&true) {
                continue;
            }
            let Some(way) = self.way_round(start, |step| step.instant) else { continue };
            let message = format!("a loop without a word, a key or a wait: {}", self.spell(&way));
            let remedy = "let it pass a prompt, or lead it elsewhere";
            if let Some(node) = self.flow.node(start) {
                faults.add(node.place.clone(), message, remedy);
            }
            way.into_iter().filter_map(|node| reported.get_mut(node).map(|seen| *seen = true)).for_each(drop);
        }
        reported
    }

    /// Reports loops from which no way leads to an end: whoever comes there can only hang up.
    fn report_endless_loops(&self, reached: &[bool], spinning: &[bool], faults: &Faults) {
        let ends = self.nodes_that_can_end();
        let mut reported = spinning.to_vec();
        for (start, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
            if ends.get(start) == Some(&true) || reported.get(start) == Some(&true) {
                continue;
            }
            let Some(way) = self.way_round(start, |_| true) else { continue };
            let beyond = self.reached_from(start);
            // Where this loop leads into one that was reported, that one is the fault.
            let known = beyond.iter().zip(&reported).any(|(beyond, reported)| *beyond && *reported);
            if !known && let Some(node) = self.flow.node(start) {
                let message = format!("a caller cannot leave this loop but by hanging up: {}", self.spell(&way));
                let remedy =
                    "let a key or `exhausted` lead out of it; a `play` with `repeat: forever` may go on for ever";
                faults.add(node.place.clone(), message, remedy);
            }
            for (seen, beyond) in reported.iter_mut().zip(beyond) {
                *seen |= beyond;
            }
        }
    }

    /// Which nodes have a way to the end of the call, or to a play that is meant never to end.
    fn nodes_that_can_end(&self) -> Vec<bool> {
        let is_end = |node: &Node| match &node.verb {
            Verb::Hangup(_) => true,
            Verb::Play(play) => play.next.is_none(),
            _ => false,
        };
        let mut ends: Vec<bool> = self.flow.nodes.iter().map(is_end).collect();
        let mut sources: Vec<Vec<usize>> = vec![Vec::new(); ends.len()];
        for (from, steps) in self.steps.iter().enumerate() {
            for step in steps {
                match step.to {
                    Target::Hangup => ends.get_mut(from).map(|end| *end = true),
                    Target::Node(to) => sources.get_mut(to).map(|sources| sources.push(from)),
                };
            }
        }
        let mut queue: VecDeque<usize> = (0..ends.len()).filter(|node| ends.get(*node) == Some(&true)).collect();
        while let Some(node) = queue.pop_front() {
            for from in sources.get(node).into_iter().flatten() {
                if let Some(end @ false) = ends.get_mut(*from) {
                    *end = true;
                    queue.push_back(*from);
                }
            }
        }
        ends
    }

    /// Reports `{digits: x}` where a caller can come without `x` being set.
    fn report_unset_variables(&self, reached: &[bool], faults: &Faults) {
        let set = self.surely_set();
        for (index, node) in self.flow.nodes.iter().enumerate().filter(|(index, _)| reached.get(*index) == Some(&true))
        {
            for item in prompts(node).into_iter().flat_map(|prompt| &prompt.0) {
                let Item::Spoken { variable, place, .. } = item else { continue };
                if !known(&set, index).contains(&**variable) {
                    let (message, remedy) = self.explain_unset(index, variable, &set);
                    faults.add(place.clone(), message, remedy);
                }
            }
        }
    }

    fn explain_unset(&self, node: usize, wanted: &str, set: &[Option<Known<'a>>]) -> (String, String) {
        let setters = || self.steps.iter().flatten().filter_map(|step| step.sets);
        if !setters().any(|set| set == wanted) {
            let remedy = match did_you_mean(wanted, setters()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("a `collect` with `into: {wanted}` would set it"),
            };
            return (format!("no node sets the variable `{wanted}`"), remedy);
        }
        let without = self.steps.iter().enumerate().find(|(from, steps)| {
            let known = known(set, *from).contains(wanted);
            steps.iter().any(|step| step.to == Target::Node(node) && !known && step.sets != Some(wanted))
        });
        let way = match without {
            Some((from, _)) => format!("a caller can come here from `{}` without it", self.name(from)),
            None => "the flow begins here".to_owned(),
        };
        (format!("the variable `{wanted}` may not be set here"), format!("{way}; collect it on every way to this node"))
    }

    /// For each node the variables that are set whatever way a caller came: the intersection over all ways to it. `None` where
    /// none leads.
    fn surely_set(&self) -> Vec<Option<Known<'a>>> {
        let mut set = vec![None; self.steps.len()];
        if let Some(start) = set.get_mut(self.flow.start) {
            *start = Some(Known::new());
        }
        let mut queue = VecDeque::from([self.flow.start]);
        while let Some(node) = queue.pop_front() {
            let known = known(&set, node);
            for step in self.steps(node) {
                let Some(there) = step.to.node().and_then(|to| set.get_mut(to)) else { continue };
                let mut brought = known.clone();
                brought.extend(step.sets);
                let both = there.as_ref().map_or_else(|| brought.clone(), |there| there & &brought);
                if there.as_ref() != Some(&both) {
                    *there = Some(both);
                    queue.extend(step.to.node());
                }
            }
        }
        set
    }

    /// `a` → `b` → `a`.
    fn spell(&self, way: &[usize]) -> String {
        let round = way.iter().chain(way.first());
        let names: Vec<String> = round.map(|node| format!("`{}`", self.name(*node))).collect();
        names.join(" → ")
    }
}

/// Variables that are set.
type Known<'a> = BTreeSet<&'a str>;

fn known<'a>(set: &[Option<Known<'a>>], node: usize) -> Known<'a> {
    set.get(node).cloned().flatten().unwrap_or_default()
}

impl Target {
    const fn node(self) -> Option<usize> {
        match self {
            Self::Node(index) => Some(index),
            Self::Hangup => None,
        }
    }
}

/// All ways that lead from `node` to what follows it; asking again leads to `index`, the node itself.
fn steps(index: usize, node: &Node) -> Vec<Step<'_>> {
    let slow = |to: Target| Step { to, instant: false, sets: None };
    let fast = |to: Target| Step { to, instant: true, sets: None };
    let found_at_once = |outcome: &Outcome| Step { instant: outcome.prompt.0.is_empty(), ..slow(outcome.way) };
    match &node.verb {
        Verb::Play(play) => play.next.map(slow).into_iter().collect(),
        Verb::Menu(menu) => {
            let keys = menu.keys.iter().map(|(_, answer)| slow(answer.way.target(index)));
            keys.chain(menu.question.failures(index).map(slow)).collect()
        }
        Verb::Collect(collect) => {
            let collected = Step { sets: Some(&collect.variable), ..slow(collect.next) };
            collect.question.failures(index).map(slow).chain([collected]).collect()
        }
        // A full queue and one without agents are found at once; so is a user who is known to be busy, or away.
        Verb::Queue(Queue { timed_out, full, no_agents, next, .. }) => {
            vec![slow(timed_out.way), found_at_once(full), found_at_once(no_agents), slow(*next)]
        }
        Verb::Dial(Dial { busy, no_answer, declined, failed, next, .. }) => {
            let told = [slow(no_answer.way), slow(declined.way), slow(*next)];
            [found_at_once(busy), found_at_once(failed)].into_iter().chain(told).collect()
        }
        Verb::Record { next, .. } | Verb::Language { next, .. } | Verb::Goto(next) => vec![fast(*next)],
        Verb::Hangup(_) => Vec::new(),
    }
}

/// All that `node` plays.
fn prompts(node: &Node) -> Vec<&Prompt> {
    match &node.verb {
        Verb::Play(play) => vec![&play.prompt],
        Verb::Menu(menu) => {
            let keys = menu.keys.iter().map(|(_, outcome)| &outcome.prompt);
            keys.chain(menu.question.prompts()).collect()
        }
        Verb::Collect(collect) => collect.question.prompts().collect(),
        Verb::Queue(queue) => [&queue.timed_out, &queue.full, &queue.no_agents].map(|outcome| &outcome.prompt).to_vec(),
        Verb::Dial(dial) => {
            [&dial.busy, &dial.no_answer, &dial.declined, &dial.failed].map(|outcome| &outcome.prompt).to_vec()
        }
        Verb::Record { .. } | Verb::Language { .. } | Verb::Goto(_) | Verb::Hangup(_) => Vec::new(),
    }
}

impl Question {
    /// Where callers go who do not answer; `index` is the node's own.
    fn failures(&self, index: usize) -> impl Iterator<Item = Target> {
        let again = [&self.no_input, &self.wrong_input].map(|outcome| outcome.way.target(index));
        again.into_iter().chain(self.exhausted.iter().map(|outcome| outcome.way))
    }

    fn prompts(&self) -> impl Iterator<Item = &Prompt> {
        let last = self.exhausted.iter().map(|outcome| &outcome.prompt);
        [&self.prompt, &self.no_input.prompt, &self.wrong_input.prompt].into_iter().chain(last)
    }
}

impl Way {
    /// Where it leads from the node with `index`.
    const fn target(self, index: usize) -> Target {
        match self {
            Self::To(to) => to,
            Self::Repeat => Target::Node(index),
        }
    }
}
