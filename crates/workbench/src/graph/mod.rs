//! Flows as drawings: for each flow a box with its nodes, and arrows that bear the key or the outcome that leads there.

mod dot;
mod mermaid;

use std::collections::BTreeMap;

use ivr::{HangupCause, Outline, OutlineNode, OutlineTarget, OutlineWay};
use yaml::Fault;

pub use dot::dot;
pub use mermaid::mermaid;

/// How many characters of what a node says, or of a fault, are drawn.
const MAX_SHOWN: usize = 44;

/// A flow that is to be drawn.
#[derive(Debug)]
pub struct Sketch {
    /// Its name.
    pub name: String,
    /// The numbers that lead to it.
    pub numbers: Vec<String>,
    /// What to draw; `None` if it cannot be read.
    pub outline: Option<Outline>,
    /// The faults in its file.
    pub faults: Vec<Fault>,
}

/// What is drawn, without a word of how it is written.
struct Drawing {
    clusters: Vec<Cluster>,
    edges: Vec<Edge>,
}

struct Cluster {
    id: String,
    title: String,
    boxes: Vec<Shown>,
}

struct Shown {
    id: String,
    shape: Shape,
    lines: Vec<String>,
    faulty: bool,
}

struct Edge {
    from: String,
    to: String,
    /// Empty where there is but one way on.
    label: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Start,
    /// Something is said or done.
    Step,
    /// A key is asked for.
    Menu,
    /// Something is decided.
    Choice,
    /// Digits are asked for.
    Collect,
    /// A queue.
    Queue,
    /// Someone who is rung.
    Phone,
    /// Another flow.
    Flow,
    End,
    /// Faults of a flow that cannot be drawn.
    Note,
}

impl Drawing {
    fn of(sketches: &[Sketch]) -> Self {
        let mut drawing = Self { clusters: Vec::new(), edges: Vec::new() };
        for (index, sketch) in sketches.iter().enumerate() {
            drawing.add(index, sketch);
        }
        drawing
    }

    fn add(&mut self, index: usize, sketch: &Sketch) {
        let mut cluster = Cluster { id: format!("f{index}"), title: sketch.name.clone(), boxes: Vec::new() };
        let Some(outline) = &sketch.outline else {
            let lines = std::iter::once("cannot be drawn".to_owned()).chain(messages(sketch.faults.iter())).collect();
            cluster.boxes.push(Shown { id: format!("f{index}x"), shape: Shape::Note, lines, faulty: true });
            self.clusters.push(cluster);
            return;
        };
        let flow = Flow { index, outline, faults: by_node(outline, &sketch.faults) };
        cluster.boxes.push(flow.entry(sketch));
        let start = flow.target(&OutlineTarget::Node(outline.start));
        self.edges.push(Edge { from: flow.entry_id(), to: start, label: String::new() });
        for (at, node) in outline.nodes.iter().enumerate().filter(|(at, _)| !flow.is_merged(*at)) {
            cluster.boxes.push(flow.shown(at, node));
            self.edges.extend(flow.edges(at, node));
        }
        let ways = outline.nodes.iter().flat_map(|node| node.ways.iter().filter(|way| !way.implied));
        let beyond: BTreeMap<String, Shown> =
            ways.filter_map(|way| flow.beyond(&way.to)).map(|shown| (shown.id.clone(), shown)).collect();
        cluster.boxes.extend(beyond.into_values());
        self.clusters.push(cluster);
    }
}

/// One flow on its way into a drawing.
struct Flow<'a> {
    index: usize,
    outline: &'a Outline,
    /// Messages by the index of the node that they are about.
    faults: BTreeMap<usize, Vec<String>>,
}

impl Flow<'_> {
    fn id(&self, node: usize) -> String {
        format!("f{}n{node}", self.index)
    }

    fn entry_id(&self) -> String {
        format!("f{}s", self.index)
    }

    fn end_id(&self, cause: HangupCause) -> String {
        format!("f{}end_{}", self.index, cause.word())
    }

    /// A node that only hangs up is drawn as the end that all of its cause share.
    fn is_merged(&self, node: usize) -> bool {
        !self.faults.contains_key(&node) && self.outline.nodes.get(node).is_some_and(|node| node.verb == "hangup")
    }

    fn target(&self, to: &OutlineTarget) -> String {
        match to {
            OutlineTarget::End(cause) => self.end_id(*cause),
            OutlineTarget::Node(node) if self.is_merged(*node) => {
                let first = self.outline.nodes.get(*node).and_then(|node| node.ways.first());
                first.map_or_else(|| self.id(*node), |way| self.target(&way.to))
            }
            OutlineTarget::Node(node) => self.id(*node),
            OutlineTarget::Flow(flow) => format!("f{}flow_{}", self.index, flow.replace('-', "_")),
            OutlineTarget::Return => format!("f{}return", self.index),
            OutlineTarget::Back => format!("f{}back", self.index),
        }
    }

    fn entry(&self, sketch: &Sketch) -> Shown {
        let line = if sketch.numbers.is_empty() { "start".to_owned() } else { shorten(&sketch.numbers.join(", ")) };
        Shown { id: self.entry_id(), shape: Shape::Start, lines: vec![line], faulty: false }
    }

    /// What is drawn where a way leads out of the flow; nothing if it stays in it.
    fn beyond(&self, to: &OutlineTarget) -> Option<Shown> {
        let (shape, line) = match to {
            OutlineTarget::Node(_) => return None,
            OutlineTarget::End(HangupCause::Normal) => (Shape::End, "hang up".to_owned()),
            OutlineTarget::End(cause) => (Shape::End, format!("hang up: {}", cause.word())),
            OutlineTarget::Flow(flow) => (Shape::Flow, format!("flow {flow}")),
            OutlineTarget::Return => (Shape::End, "return".to_owned()),
            OutlineTarget::Back => (Shape::End, "back".to_owned()),
        };
        Some(Shown { id: self.target(to), shape, lines: vec![line], faulty: false })
    }

    fn shown(&self, at: usize, node: &OutlineNode) -> Shown {
        let shape = match node.verb {
            "menu" => Shape::Menu,
            "collect" => Shape::Collect,
            "queue" => Shape::Queue,
            "dial" => Shape::Phone,
            "hours" | "when" => Shape::Choice,
            "call" => Shape::Flow,
            _ => Shape::Step,
        };
        let object = if node.object.is_empty() { String::new() } else { format!(" {}", node.object) };
        let mut does = format!("{}{object}", node.verb);
        if !node.says.is_empty() {
            does = format!("{does}: {}", node.says.join(", "));
        }
        let mut lines = vec![node.name.to_string(), shorten(&does)];
        let faults = self.faults.get(&at);
        lines.extend(faults.into_iter().flatten().cloned());
        Shown { id: self.id(at), shape, lines, faulty: faults.is_some() }
    }

    /// The arrows from a node; ways to the same place share one. What is not written, is not drawn.
    fn edges(&self, at: usize, node: &OutlineNode) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        let drawn: Vec<&OutlineWay> = node.ways.iter().filter(|way| !way.implied).collect();
        for way in &drawn {
            let to = self.target(&way.to);
            match edges.iter_mut().find(|edge| edge.to == to) {
                Some(edge) => edge.label = shorten(&format!("{}, {}", edge.label, way.label)),
                None => edges.push(Edge { from: self.id(at), to, label: shorten(&way.label) }),
            }
        }
        if let [only] = edges.as_mut_slice()
            && only.label == "next"
        {
            only.label.clear();
        }
        edges
    }
}

/// Faults go to the last node that begins before them.
fn by_node(outline: &Outline, faults: &[Fault]) -> BTreeMap<usize, Vec<String>> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for fault in faults {
        let before = |node: &&(usize, &OutlineNode)| node.1.place.span.line <= fault.place.span.line;
        let nodes: Vec<_> = outline.nodes.iter().enumerate().collect();
        let node = nodes.iter().filter(before).max_by_key(|(_, node)| node.place.span.line);
        let node = node.map_or(outline.start, |(index, _)| *index);
        found.entry(node).or_default().extend(messages(std::iter::once(fault)));
    }
    found
}

fn messages<'a>(faults: impl Iterator<Item = &'a Fault>) -> Vec<String> {
    // A loop is spelled at length; a drawing shows it.
    let short = |fault: &Fault| format!("⚠ {}", fault.message.split(": ").next().unwrap_or_default().replace('`', ""));
    faults.map(short).collect()
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_SHOWN {
        return text.to_owned();
    }
    text.chars().take(MAX_SHOWN - 1).chain(['…']).collect()
}
