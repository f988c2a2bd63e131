//! Ways that never end.

use std::collections::VecDeque;

use yaml::Faults;

use super::graph::{Graph, How, Step, To, way_round};
use crate::flow::Verb;

impl Graph<'_> {
    fn round(&self, start: usize, keep: impl Fn(&Step) -> bool) -> Option<Vec<usize>> {
        let next = |node| self.steps(node).iter().filter(|step| keep(step)).filter_map(|step| step.to.node());
        way_round(start, self.nodes.len(), next)
    }

    /// Ways round that take neither a key nor time would stop the whole exchange. Gives the nodes on them.
    pub fn report_instant_loops(&self, faults: &Faults) -> Vec<bool> {
        let mut reported = vec![false; self.nodes.len()];
        let suspects = self.nodes_that_may_spin();
        for (start, _) in suspects.iter().enumerate().filter(|(_, suspect)| **suspect) {
            if reported.get(start) == Some(&true) {
                continue;
            }
            let Some(way) = self.round(start, |step| step.instant) else { continue };
            let message = format!("a loop without a word, a key or a wait: {}", self.spell(&way));
            let remedy = "let it pass a prompt, or lead it elsewhere";
            if let Some((node, _)) = self.nodes.get(start) {
                faults.add(node.place.clone(), message, remedy);
            }
            way.into_iter().filter_map(|node| reported.get_mut(node).map(|seen| *seen = true)).for_each(drop);
        }
        reported
    }

    /// What is left when nodes are taken away, one after the other, whose instant steps all lead to none that is left.
    fn nodes_that_may_spin(&self) -> Vec<bool> {
        let instant =
            |node: usize| self.steps(node).iter().filter(|step| step.instant).filter_map(|step| step.to.node());
        let mut sources: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        let mut ahead: Vec<usize> = (0..self.nodes.len()).map(|node| instant(node).count()).collect();
        for from in 0..self.nodes.len() {
            instant(from).filter_map(|to| sources.get_mut(to).map(|sources| sources.push(from))).for_each(drop);
        }
        let mut queue: VecDeque<usize> = (0..ahead.len()).filter(|node| ahead.get(*node) == Some(&0)).collect();
        let mut left = vec![true; self.nodes.len()];
        while let Some(node) = queue.pop_front() {
            if let Some(left) = left.get_mut(node) {
                *left = false;
            }
            for from in sources.get(node).into_iter().flatten() {
                let Some(count) = ahead.get_mut(*from) else { continue };
                *count = count.saturating_sub(1);
                if *count == 0 {
                    queue.push_back(*from);
                }
            }
        }
        left
    }

    /// Reports loops from which no way leads to an end: whoever comes there can only hang up.
    pub fn report_endless_loops(&self, spinning: &[bool], faults: &Faults) {
        let ends = self.nodes_that_can_end();
        let reached = self.reached_within();
        let mut reported = spinning.to_vec();
        for (start, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
            if ends.get(start) == Some(&true) || reported.get(start) == Some(&true) {
                continue;
            }
            let Some(way) = self.round(start, |_| true) else { continue };
            let beyond = self.reached(start, |_| true);
            // Where this loop leads into one that was reported, that one is the fault.
            let known = beyond.iter().zip(&reported).any(|(beyond, reported)| *beyond && *reported);
            if !known && let Some((node, _)) = self.nodes.get(start) {
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

    /// Which nodes have a way to the end of the call, to a play that is meant never to end, or back to the flow that called.
    ///
    /// Two kinds of end are told apart, each with its half of the list: that of the call, and that of the flow. A flow that
    /// only returns does not end the call of whoever called it.
    fn nodes_that_can_end(&self) -> Vec<bool> {
        let count = self.nodes.len();
        let (of_call, of_flow) = (|node: usize| node, |node: usize| count + node);
        let mut ends = vec![false; 2 * count];
        let mut sources: Vec<Vec<usize>> = vec![Vec::new(); 2 * count];
        let mut queue = VecDeque::new();
        for (number, (node, _)) in self.nodes.iter().enumerate() {
            let mut link = |to: usize, from: usize| sources.get_mut(to).map(|sources| sources.push(from));
            link(of_call(number), of_flow(number));
            let stays = matches!(&node.verb, Verb::Play(play) if play.next.is_none());
            if stays || matches!(node.verb, Verb::Hangup(_)) {
                queue.push_back(of_call(number));
            }
            for step in self.steps(number) {
                match (step.to, step.how) {
                    (To::End, _) => queue.push_back(of_call(number)),
                    (To::Return, _) => queue.push_back(of_flow(number)),
                    (To::Node(to), How::Within | How::Back) => {
                        link(of_call(to), of_call(number));
                        link(of_flow(to), of_flow(number));
                    }
                    (To::Node(to), How::Enter) => drop(link(of_call(to), of_call(number))),
                    // Nobody called there, so that its `return` ends the call.
                    (To::Node(to), How::Leave) => drop(link(of_flow(to), of_call(number))),
                }
            }
        }
        while let Some(at) = queue.pop_front() {
            let Some(end @ false) = ends.get_mut(at) else { continue };
            *end = true;
            queue.extend(sources.get(at).into_iter().flatten());
        }
        ends.split_off(count)
    }

    /// `a` → `b` → `a`.
    fn spell(&self, way: &[usize]) -> String {
        let from = way.first().map_or(0, |first| self.flow_of(*first));
        let round = way.iter().chain(way.first());
        let names: Vec<String> = round.map(|node| format!("`{}`", self.name(*node, from))).collect();
        names.join(" → ")
    }
}
