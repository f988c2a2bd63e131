//! Variables that are read before they are set.

use std::collections::{BTreeMap, VecDeque};

use yaml::{Faults, Place, did_you_mean};

use super::graph::{Graph, How, Step, To};
use super::{MAX_VARIABLES, confirmation, prompts, steps};
use crate::flow::{Flow, Node, Verb};

/// A set of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vars([u64; MAX_VARIABLES / 64]);

impl Vars {
    pub const NONE: Self = Self([0; MAX_VARIABLES / 64]);
    pub const ALL: Self = Self([u64::MAX; MAX_VARIABLES / 64]);

    fn one(index: usize) -> Self {
        let mut set = Self::NONE;
        if let Some(word) = set.0.get_mut(index / 64) {
            *word = 1 << (index % 64);
        }
        set
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.word(word) | other.word(word)))
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.word(word) & other.word(word)))
    }

    fn has(self, other: Self) -> bool {
        self.and(other) == other
    }

    fn word(self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }
}

/// The variables that any flow sets, each with its number.
pub(super) struct Variables<'a>(BTreeMap<&'a str, usize>);

impl<'a> Variables<'a> {
    /// `None` if there are too many, which is told.
    pub fn of(flows: &[&'a Flow], faults: &Faults) -> Option<Self> {
        let mut numbers = BTreeMap::new();
        for node in flows.iter().flat_map(|flow| &flow.nodes) {
            for name in steps(0, node).into_iter().flat_map(|step| step.sets) {
                let number = numbers.len();
                numbers.entry(&**name).or_insert(number);
            }
            if numbers.len() > MAX_VARIABLES {
                let message = format!("there are more than {MAX_VARIABLES} variables in all flows");
                faults.add(node.place.clone(), message, "use some of them for more than one thing");
                return None;
            }
        }
        Some(Self(numbers))
    }

    pub fn set<T: AsRef<str>>(&self, names: &[T]) -> Vars {
        let numbers = names.iter().filter_map(|name| self.0.get(name.as_ref()));
        numbers.fold(Vars::NONE, |set, number| set.or(Vars::one(*number)))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }
}

/// What a node reads, and where it says so.
fn reads(node: &Node) -> Vec<(&str, &Place)> {
    let confirmed = confirmation(node);
    let played = prompts(node).into_iter().map(|prompt| (prompt, None));
    let all = played.chain(confirmed.map(|(prompt, sets)| (prompt, Some(sets))));
    let items = all.flat_map(|(prompt, sets)| prompt.0.iter().map(move |item| (item, sets)));
    // What is to be confirmed is set by then.
    let said = items.flat_map(|(item, sets)| item.reads().filter(move |(name, _)| sets != Some(*name)));
    let mut reads: Vec<(&str, &Place)> = said.collect();
    match &node.verb {
        Verb::When(when) => {
            for (written, _) in &when.cases {
                reads.extend(written.reads.iter().map(|(name, place)| (&**name, place)));
            }
        }
        Verb::Callback(callback) => {
            reads.extend(callback.number.reads.iter().map(|(name, place)| (&**name, place)));
        }
        Verb::Look(look) => reads.extend(look.value.reads.iter().map(|(name, place)| (&**name, place))),
        Verb::Http(http) => {
            for written in http.sends().chain(&http.take) {
                reads.extend(written.reads.iter().map(|(name, place)| (&**name, place)));
            }
        }
        Verb::Set(set) => {
            for (index, written) in set.values.iter().enumerate() {
                // What stands before it in the same node is set by then.
                let set_before = |name: &str| set.names.iter().take(index).any(|known| **known == *name);
                let unset = written.reads.iter().filter(|(name, _)| !set_before(name));
                reads.extend(unset.map(|(name, place)| (&**name, place)));
            }
        }
        _ => {}
    }
    reads
}

impl Graph<'_> {
    /// By number: what is set at the nodes of `flow` whatever way a caller came, if nothing was set before it. Everything where no way leads.
    fn surely_set(&self, flow: usize, set: &mut [Vars]) {
        let start = self.start(flow);
        if let Some(set) = set.get_mut(start) {
            *set = Vars::NONE;
        }
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let known = at(set, node);
            for step in self.steps(node).iter().filter(|step| step.how == How::Within) {
                let Some(there) = step.to.node().and_then(|to| set.get_mut(to)) else { continue };
                let both = there.and(known.or(step.sets));
                if both != *there {
                    *there = both;
                    queue.extend(step.to.node());
                }
            }
        }
    }

    pub fn surely_set_on_return(&self, flow: usize) -> Vars {
        let mut set = vec![Vars::ALL; self.nodes.len()];
        self.surely_set(flow, &mut set);
        let returns = self.steps.iter().enumerate().filter(|(node, _)| self.flow_of(*node) == flow);
        let ways = returns.flat_map(|(node, steps)| steps.iter().map(move |step| (node, step)));
        let ways = ways.filter(|(_, step)| step.to == To::Return);
        ways.fold(Vars::ALL, |all, (node, step)| all.and(at(&set, node).or(step.sets)))
    }

    /// Reports where a node reads what a caller can come without.
    pub fn report_unset_variables(&self, begins: &dyn Fn(&str) -> bool, faults: &Faults) {
        let mut set = vec![Vars::ALL; self.nodes.len()];
        (0..self.flows.len()).for_each(|flow| self.surely_set(flow, &mut set));
        let entries = self.set_at_start(&set, begins);
        for (known, (_, flow)) in set.iter_mut().zip(&self.nodes) {
            *known = known.or(at(&entries, *flow));
        }
        let reached = self.reached_within();
        for (number, (node, _)) in self.nodes.iter().enumerate().filter(|(n, _)| reached.get(*n) == Some(&true)) {
            for (name, place) in reads(node) {
                let wanted = self.variables.number(name).map(Vars::one);
                if wanted.is_none_or(|wanted| !at(&set, number).has(wanted)) {
                    let (message, remedy) = self.explain_unset(number, name, wanted, &set, begins);
                    faults.add(place.clone(), message, remedy);
                }
            }
        }
    }

    /// By flow: what is set when a caller comes into it, whoever called it.
    fn set_at_start(&self, set: &[Vars], begins: &dyn Fn(&str) -> bool) -> Vec<Vars> {
        let mut led_to = vec![false; self.flows.len()];
        let ways: Vec<(usize, usize)> = self.ways_between().collect();
        for (_, flow) in &ways {
            if let Some(led_to) = led_to.get_mut(*flow) {
                *led_to = true;
            }
        }
        let is_root = |(flow, led_to): (&&crate::Flow, &bool)| !led_to || begins(flow.name());
        let roots = self.flows.iter().zip(&led_to).map(is_root);
        let mut entries: Vec<Vars> = roots.map(|root| if root { Vars::NONE } else { Vars::ALL }).collect();
        // Each round takes something away, or is the last.
        loop {
            let before = entries.clone();
            for (from, flow) in &ways {
                let brought = at(set, *from).or(at(&entries, self.flow_of(*from)));
                if let Some(entry) = entries.get_mut(*flow) {
                    *entry = entry.and(brought);
                }
            }
            if entries == before {
                return entries;
            }
        }
    }

    /// From which nodes callers come into which other flows.
    fn ways_between(&self) -> impl Iterator<Item = (usize, usize)> {
        let reached = self.reached_within();
        let steps = self.steps.iter().enumerate().filter(move |(node, _)| reached.get(*node) == Some(&true));
        let steps = steps.flat_map(|(node, steps)| steps.iter().map(move |step| (node, step)));
        let between = steps.filter(|(_, step)| matches!(step.how, How::Enter | How::Leave));
        between.filter_map(|(node, step)| Some((node, self.flow_of(step.to.node()?))))
    }

    fn explain_unset(
        &self,
        node: usize,
        name: &str,
        wanted: Option<Vars>,
        set: &[Vars],
        begins: &dyn Fn(&str) -> bool,
    ) -> (String, String) {
        let Some(wanted) = wanted else {
            let remedy = match did_you_mean(name, self.variables.0.keys().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "a `collect` with `into: {name}`, or a `set`, would set it; a text stands in quotes: `'{name}'`"
                ),
            };
            return (format!("no node sets the variable `{name}`"), remedy);
        };
        let flow = self.flow_of(node);
        let lacks = |from: usize, to: &To, sets: Vars| *to == To::Node(node) && !at(set, from).or(sets).has(wanted);
        let mut ways = self.steps.iter().enumerate();
        let lacks = |from: usize, step: &Step| step.how != How::Back && lacks(from, &step.to, step.sets);
        let without = ways.find(|(from, steps)| steps.iter().any(|step| lacks(*from, step)));
        let begins_here = self.flows.get(flow).is_some_and(|flow| begins(flow.name()));
        let way = match without {
            Some((from, _)) if self.flow_of(from) == flow || !begins_here => {
                format!("a caller can come here from `{}` without it", self.name(from, flow))
            }
            _ => "the flow begins here".to_owned(),
        };
        (format!("the variable `{name}` may not be set here"), format!("{way}; set it on every way to this node"))
    }
}

fn at(set: &[Vars], index: usize) -> Vars {
    set.get(index).copied().unwrap_or(Vars::ALL)
}
