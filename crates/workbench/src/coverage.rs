//! Which nodes and ways of the flows calls came to.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ivr::{Flows, OutlineWay, Taken};

use crate::test::Ran;

/// The nodes and ways that some calls took.
#[derive(Debug, Default)]
pub struct Coverage {
    nodes: BTreeSet<(String, String)>,
    ways: BTreeSet<(String, String, String)>,
}

impl Coverage {
    /// Adds what a test came to.
    pub fn add(&mut self, ran: &Ran) {
        self.nodes.extend(ran.nodes.iter().cloned());
        ran.ways.iter().for_each(|way| self.take(way));
    }

    pub(crate) fn enter(&mut self, flow: &str, node: &str) {
        self.nodes.insert((flow.to_owned(), node.to_owned()));
    }

    pub(crate) fn take(&mut self, way: &Taken) {
        self.ways.insert((way.flow.to_string(), way.node.to_string(), way.way.clone()));
    }

    /// How many ways were taken, of how many that are written. What the language does where nothing is written is none.
    #[must_use]
    pub fn ways(&self, flows: &Flows) -> (usize, usize) {
        let all: Vec<Covered> = self.by_flow(flows);
        (all.iter().map(|flow| flow.taken).sum(), all.iter().map(|flow| flow.taken + flow.missing.len()).sum())
    }

    /// A line a flow; with `missing`, a line for each way that was not taken, too.
    #[must_use]
    pub fn report(&self, flows: &Flows, missing: bool) -> String {
        let mut text = String::new();
        for flow in self.by_flow(flows) {
            let all = flow.taken + flow.missing.len();
            let _ = writeln!(
                text,
                "flow {}: {} of {} nodes, {} of {all} ways ({} %)",
                flow.name,
                flow.entered,
                flow.nodes,
                flow.taken,
                percent(flow.taken, all)
            );
            for way in flow.missing.iter().filter(|_| missing) {
                let _ = writeln!(text, "   not taken: {way}");
            }
        }
        text
    }

    fn by_flow(&self, flows: &Flows) -> Vec<Covered> {
        flows.iter().map(|flow| self.of(&flow.outline())).collect()
    }

    fn of(&self, flow: &ivr::Outline) -> Covered {
        let name = flow.name.to_string();
        let entered = flow.nodes.iter().filter(|node| self.nodes.contains(&(name.clone(), node.name.to_string())));
        let mut covered =
            Covered { entered: entered.count(), nodes: flow.nodes.len(), taken: 0, missing: Vec::new(), name };
        for node in &flow.nodes {
            let written = |way: &&OutlineWay| !way.implied;
            for way in node.ways.iter().filter(written) {
                let key = (covered.name.clone(), node.name.to_string(), way.name.clone());
                if self.ways.contains(&key) {
                    covered.taken += 1;
                } else {
                    covered.missing.push(format!("{} › {}", node.name, way.name));
                }
            }
        }
        covered
    }
}

/// What was come to in one flow.
struct Covered {
    name: String,
    entered: usize,
    nodes: usize,
    taken: usize,
    missing: Vec<String>,
}

/// Rounded down, so that 100 is all.
fn percent(part: usize, of: usize) -> usize {
    (part * 100).checked_div(of).unwrap_or(100)
}
