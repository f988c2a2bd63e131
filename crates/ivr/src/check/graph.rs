//! All nodes of all flows as one graph, and what each flow comes to for those that call it.

use std::collections::{BTreeMap, VecDeque};

use yaml::Faults;

use super::variables::{Variables, Vars};
use super::{MAX_DEPTH, answers, leads_to, steps};
use crate::flow::{Flow, Node, Target, Verb, Way};

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// To the node of that number in the whole graph.
    Node(usize),
    /// To the end of the call.
    End,
    /// Back to the flow that called.
    Return,
}

/// How a step leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Within the flow; over a flow that is called and returns, too.
    Within,
    /// To a question of the same flow that was asked before, so that nothing is set there that was not.
    Back,
    /// Into a flow that is called.
    Enter,
    /// Into another flow, for good.
    Leave,
}

#[derive(Clone, Copy)]
pub(super) struct Step {
    pub to: To,
    pub how: How,
    pub instant: bool,
    pub sets: Vars,
}

/// What a flow comes to for those that call it.
#[derive(Clone, Copy)]
pub(super) struct Summary {
    /// A way through it leads to `return`.
    pub returns: bool,
    /// One that takes neither a key nor time.
    pub returns_at_once: bool,
    /// What is set whenever it returns, whatever was set before.
    pub sets: Vars,
    /// How deep it calls.
    depth: usize,
}

pub(super) struct Graph<'a> {
    pub flows: Vec<&'a Flow>,
    /// The number of each flow's first node.
    first: Vec<usize>,
    /// By number: the node and its flow's index.
    pub nodes: Vec<(&'a Node, usize)>,
    /// By the node's number.
    pub steps: Vec<Vec<Step>>,
    pub summaries: Vec<Option<Summary>>,
    pub variables: Variables<'a>,
    by_name: BTreeMap<&'a str, usize>,
}

impl<'a> Graph<'a> {
    /// `None` if there are too many variables, which is told.
    pub fn of(flows: &[&'a Flow], faults: &Faults) -> Option<Self> {
        let variables = Variables::of(flows, faults)?;
        let (mut first, mut nodes) = (Vec::new(), Vec::new());
        for (index, flow) in flows.iter().enumerate() {
            first.push(nodes.len());
            nodes.extend(flow.nodes.iter().map(|node| (node, index)));
        }
        let by_name = flows.iter().enumerate().map(|(index, flow)| (&**flow.name(), index)).collect();
        let (steps, summaries) = (vec![Vec::new(); nodes.len()], vec![None; flows.len()]);
        let mut graph = Self { flows: flows.to_vec(), first, nodes, steps, summaries, variables, by_name };
        graph.summarise(faults);
        (0..flows.len()).for_each(|flow| graph.lead_back(flow));
        Some(graph)
    }

    pub fn steps(&self, node: usize) -> &[Step] {
        self.steps.get(node).map_or(&[], Vec::as_slice)
    }

    /// The number of the node that a flow begins at.
    pub fn start(&self, flow: usize) -> usize {
        let first = self.first.get(flow).copied().unwrap_or_default();
        first + self.flows.get(flow).map_or(0, |flow| flow.start)
    }

    pub fn flow_of(&self, node: usize) -> usize {
        self.nodes.get(node).map_or(0, |(_, flow)| *flow)
    }

    /// The flow that a node leads to, if it does and there is one without faults of its own.
    pub fn led_to(&self, node: &Node) -> Option<usize> {
        self.by_name.get(&**leads_to(node)?.0).copied()
    }

    /// The node's name as seen from a flow: `main`, or `sub/main`.
    pub fn name(&self, node: usize, from: usize) -> String {
        match self.nodes.get(node) {
            Some((node, flow)) if *flow == from => node.name.to_string(),
            Some((node, flow)) => format!("{}/{}", self.flows.get(*flow).map_or("", |flow| flow.name()), node.name),
            None => String::new(),
        }
    }

    /// The numbers of the nodes of a flow.
    fn nodes_of(&self, flow: usize) -> std::ops::Range<usize> {
        let first = self.first.get(flow).copied().unwrap_or_default();
        first..first + self.flows.get(flow).map_or(0, |flow| flow.nodes.len())
    }

    /// Flows that are called come before those that call them. What is left calls itself, by whatever way: that is a fault,
    /// and the flows are taken in any order then.
    fn summarise(&mut self, faults: &Faults) {
        let calls = |node: &Node| matches!(node.verb, Verb::Call(_)).then(|| self.led_to(node)).flatten();
        let called: Vec<Vec<usize>> =
            self.flows.iter().map(|flow| flow.nodes.iter().filter_map(calls).collect()).collect();
        let mut left: Vec<usize> = (0..self.flows.len()).collect();
        loop {
            let (ready, others): (Vec<usize>, Vec<usize>) = left.iter().partition(|flow| {
                called
                    .get(**flow)
                    .into_iter()
                    .flatten()
                    .all(|callee| self.summaries.get(*callee).is_some_and(Option::is_some))
            });
            if ready.is_empty() {
                break;
            }
            ready.into_iter().for_each(|flow| self.take_in(flow, faults));
            left = others;
        }
        self.report_circles(&left, &called, faults);
        left.into_iter().for_each(|flow| self.take_in(flow, faults));
    }

    /// Builds the steps of one flow, and sums it up.
    fn take_in(&mut self, flow: usize, faults: &Faults) {
        let mut depth = 0;
        for number in self.nodes_of(flow) {
            let Some((node, _)) = self.nodes.get(number).copied() else { continue };
            let callee = self.led_to(node).and_then(|callee| self.summaries.get(callee).copied().flatten());
            if let (Verb::Call(call), Some(callee)) = (&node.verb, callee) {
                depth = depth.max(callee.depth + 1);
                if callee.depth + 1 == MAX_DEPTH + 1 {
                    let message = format!("from here flows call each other more than {MAX_DEPTH} deep");
                    faults.add(call.place.clone(), message, "go there by `goto: { flow: … }`");
                }
            }
            let built = self.build(number, node, callee);
            if let Some(steps) = self.steps.get_mut(number) {
                *steps = built;
            }
        }
        let start = self.start(flow);
        let local = |step: &Step| step.how == How::Within;
        let reached = self.reached(start, local);
        let at_once = self.reached(start, |step| local(step) && step.instant);
        let returning = |reached: &[bool], instant: bool| {
            let all = reached.iter().enumerate().filter(|(_, reached)| **reached);
            all.flat_map(|(node, _)| self.steps(node)).any(|step| step.to == To::Return && (step.instant || !instant))
        };
        let (returns, returns_at_once) = (returning(&reached, false), returning(&at_once, true));
        let sets = self.surely_set_on_return(flow);
        if let Some(slot) = self.summaries.get_mut(flow) {
            *slot = Some(Summary { returns, returns_at_once, sets, depth });
        }
    }

    fn build(&self, number: usize, node: &Node, callee: Option<Summary>) -> Vec<Step> {
        let first = self.nodes_of(self.flow_of(number)).start;
        let to = |target| match target {
            Target::Node(index) => To::Node(first + index),
            Target::Hangup => To::End,
            Target::Return => To::Return,
        };
        let into = self.led_to(node).map(|flow| To::Node(self.start(flow)));
        let within = |step: super::Step<'_>| {
            let sets = self.variables.set(step.sets);
            Step { to: to(step.to), how: How::Within, instant: step.instant, sets }
        };
        let mut built: Vec<Step> = steps(number - first, node).into_iter().map(within).collect();
        match (&node.verb, callee) {
            // Nothing is known of a flow with faults of its own, so nothing more is said of what it spoils.
            (Verb::Call(_), None) => built.iter_mut().for_each(|step| {
                step.instant = false;
                step.sets = Vars::ALL;
            }),
            (Verb::Call(_), Some(callee)) => {
                built.retain(|_| callee.returns);
                for step in &mut built {
                    step.instant = callee.returns_at_once;
                    step.sets = callee.sets;
                }
                built.extend(into.map(|to| Step { to, how: How::Enter, instant: true, sets: Vars::NONE }));
            }
            (Verb::Leave { .. }, _) => {
                let to = into.unwrap_or(To::End);
                built.push(Step { to, how: How::Leave, instant: true, sets: Vars::NONE });
            }
            _ => {}
        }
        built
    }

    /// Adds the ways of `back` within a flow: to whatever question a caller may have been asked on his way to the node.
    fn lead_back(&mut self, flow: usize) {
        let leads_back = |node: &Node| answers(node).any(|answer| answer.way == Way::Back);
        let of = |wanted: &dyn Fn(&Node) -> bool| -> Vec<usize> {
            let wanted = |number: &usize| self.nodes.get(*number).is_some_and(|(node, _)| wanted(node));
            self.nodes_of(flow).filter(wanted).collect()
        };
        let backs = of(&leads_back);
        if backs.is_empty() {
            return;
        }
        let within = |step: &Step| step.how == How::Within;
        let reached = self.reached(self.start(flow), within);
        let mut ways = Vec::new();
        for question in of(&|node| node.verb.question().is_some()) {
            if reached.get(question) != Some(&true) {
                continue;
            }
            let beyond = self.reached(question, within);
            let here = backs.iter().filter(|back| **back != question && beyond.get(**back) == Some(&true));
            ways.extend(here.map(|back| (*back, question)));
        }
        for (from, to) in ways {
            if let Some(steps) = self.steps.get_mut(from) {
                steps.push(Step { to: To::Node(to), how: How::Back, instant: false, sets: Vars::NONE });
            }
        }
    }

    /// By number: which nodes the steps that `keep` wants lead to from `start`, and `start` itself.
    pub fn reached(&self, start: usize, keep: impl Fn(&Step) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let Some(seen @ false) = reached.get_mut(node) else { continue };
            *seen = true;
            queue.extend(self.steps(node).iter().filter(|step| keep(step)).filter_map(|step| step.to.node()));
        }
        reached
    }

    /// The nodes of each flow that its start leads to, flows that it calls being gone through.
    pub fn reached_within(&self) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        for flow in 0..self.flows.len() {
            let mut queue = VecDeque::from([self.start(flow)]);
            while let Some(node) = queue.pop_front() {
                let Some(seen @ false) = reached.get_mut(node) else { continue };
                *seen = true;
                let within = self.steps(node).iter().filter(|step| step.how == How::Within);
                queue.extend(within.filter_map(|step| step.to.node()));
            }
        }
        reached
    }

    pub fn report_unreachable(&self, faults: &Faults) {
        for flow in 0..self.flows.len() {
            let nodes = self.nodes_of(flow);
            let mut reached = vec![false; nodes.len()];
            let mut queue: VecDeque<usize> = self.flows.get(flow).map(|flow| flow.start).into_iter().collect();
            while let Some(index) = queue.pop_front() {
                let Some(seen @ false) = reached.get_mut(index) else { continue };
                *seen = true;
                // Be it that a flow that is called never returns: that is a fault of its own.
                let node = self.nodes.get(nodes.start + index).map(|(node, _)| *node);
                let next = node.into_iter().flat_map(|node| steps(index, node));
                queue.extend(next.filter_map(|step| match step.to {
                    Target::Node(to) => Some(to),
                    Target::Hangup | Target::Return => None,
                }));
            }
            for (number, _) in nodes.zip(&reached).filter(|(_, reached)| !**reached) {
                let Some((node, _)) = self.nodes.get(number) else { continue };
                let message = format!("no way leads to the node `{}`", node.name);
                faults.add(node.place.clone(), message, "name it as a target, or remove it");
            }
        }
    }

    pub fn report_calls_that_never_return(&self, faults: &Faults) {
        for (node, _) in &self.nodes {
            let Verb::Call(call) = &node.verb else { continue };
            let callee = self.led_to(node).and_then(|callee| self.summaries.get(callee).copied().flatten());
            if callee.is_some_and(|callee| !callee.returns) {
                let flow = &call.flow;
                let message = format!("the flow `{flow}` never returns, so `next` is never reached");
                let remedy = format!("write `goto: {{ flow: {flow} }}`, or let a way of `{flow}` lead to `return`");
                faults.add(call.place.clone(), message, remedy);
            }
        }
    }

    /// Reports circles of calls among the flows that are `left`.
    fn report_circles(&self, left: &[usize], called: &[Vec<usize>], faults: &Faults) {
        let mut reported = vec![false; self.flows.len()];
        for &start in left {
            if reported.get(start) == Some(&true) {
                continue;
            }
            let next = |flow: usize| called.get(flow).into_iter().flatten().copied();
            let Some(circle) = way_round(start, self.flows.len(), next) else { continue };
            let name = |flow: &usize| self.flows.get(*flow).map_or("", |flow| flow.name());
            let names: Vec<String> = circle.iter().chain([&start]).map(|flow| format!("`{}`", name(flow))).collect();
            let second = circle.get(1).copied().unwrap_or(start);
            let calls = self.nodes_of(start).filter_map(|number| self.nodes.get(number)).map(|(node, _)| *node);
            let mut places = calls.filter_map(|node| match &node.verb {
                Verb::Call(call) if *call.flow == *name(&second) => Some(&call.place),
                _ => None,
            });
            if let Some(place) = places.next() {
                let message = format!("flows call each other without end: {}", names.join(" → "));
                let remedy = "let one of them `return`, or go back by `goto: { flow: … }`, which ends the calls";
                faults.add(place.clone(), message, remedy);
            }
            for flow in circle {
                if let Some(seen) = reported.get_mut(flow) {
                    *seen = true;
                }
            }
        }
    }
}

impl To {
    pub const fn node(self) -> Option<usize> {
        match self {
            Self::Node(node) => Some(node),
            Self::End | Self::Return => None,
        }
    }
}

/// The shortest way from `start` back to it, as what it passes, `start` first.
pub(super) fn way_round<I: Iterator<Item = usize>>(
    start: usize,
    count: usize,
    next: impl Fn(usize) -> I,
) -> Option<Vec<usize>> {
    let mut came_from: Vec<Option<usize>> = vec![None; count];
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for to in next(at) {
            if to == start {
                let back = |at: &usize| if *at == start { None } else { came_from.get(*at).copied().flatten() };
                let mut way: Vec<usize> = std::iter::successors(Some(at), back).collect();
                way.reverse();
                return Some(way);
            }
            if let Some(from @ None) = came_from.get_mut(to) {
                *from = Some(at);
                queue.push_back(to);
            }
        }
    }
    None
}
