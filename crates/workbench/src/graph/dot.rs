//! DOT: what Graphviz draws (`dot -Tsvg`).

use std::fmt::Write as _;

use super::{Drawing, Edge, Shape, Shown, Sketch};

/// The flows as a DOT graph.
#[must_use]
pub fn dot(sketches: &[Sketch]) -> String {
    let drawing = Drawing::of(sketches);
    let mut text = "digraph flows {\n".to_owned();
    text.push_str("  graph [fontname=\"sans-serif\", rankdir=TB, nodesep=0.3, ranksep=0.5];\n");
    text.push_str("  node [fontname=\"sans-serif\", fontsize=10, margin=\"0.1,0.05\"];\n");
    text.push_str("  edge [fontname=\"sans-serif\", fontsize=9];\n");
    for cluster in &drawing.clusters {
        let _ = writeln!(text, "  subgraph cluster_{} {{\n    label=\"{}\";", cluster.id, escape(&cluster.title));
        for shown in &cluster.boxes {
            let _ = writeln!(text, "    {}", node(shown));
        }
        text.push_str("  }\n");
    }
    for edge in &drawing.edges {
        let _ = writeln!(text, "  {}", arrow(edge));
    }
    text.push_str("}\n");
    text
}

fn node(shown: &Shown) -> String {
    let shape = match shown.shape {
        Shape::Start => "circle",
        Shape::Step => "box",
        Shape::Menu => "hexagon",
        Shape::Collect => "parallelogram",
        Shape::Choice => "diamond",
        Shape::Queue => "cylinder",
        Shape::Phone => "box, style=rounded",
        Shape::Flow => "component",
        Shape::End => "doublecircle",
        Shape::Note => "note",
    };
    let lines: Vec<String> = shown.lines.iter().map(|line| escape(line)).collect();
    let marked = match (shown.faulty, shown.shape) {
        (false, _) => "",
        (true, Shape::Phone) => ", style=\"rounded,filled\", fillcolor=\"#ffdddd\", color=\"#cc0000\", penwidth=2",
        (true, _) => ", style=filled, fillcolor=\"#ffdddd\", color=\"#cc0000\", penwidth=2",
    };
    format!("{} [label=\"{}\", shape={shape}{marked}];", shown.id, lines.join("\\n"))
}

fn arrow(edge: &Edge) -> String {
    if edge.label.is_empty() {
        return format!("{} -> {};", edge.from, edge.to);
    }
    format!("{} -> {} [label=\"{}\"];", edge.from, edge.to, escape(&edge.label))
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => escaped.push(' '),
            '"' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
