//! Mermaid: text that GitLab, GitHub, wikis and editors draw.

use std::fmt::Write as _;

use super::{Drawing, Edge, Shape, Shown, Sketch};

/// The flows as a Mermaid flowchart.
#[must_use]
pub fn mermaid(sketches: &[Sketch]) -> String {
    let drawing = Drawing::of(sketches);
    let mut text = "flowchart TD\n".to_owned();
    for cluster in &drawing.clusters {
        let _ = writeln!(text, "  subgraph {}[\"{}\"]", cluster.id, escape(&cluster.title));
        for shown in &cluster.boxes {
            let _ = writeln!(text, "    {}", node(shown));
        }
        text.push_str("  end\n");
    }
    for edge in &drawing.edges {
        let _ = writeln!(text, "  {}", arrow(edge));
    }
    let faulty = drawing.clusters.iter().flat_map(|cluster| &cluster.boxes).filter(|shown| shown.faulty);
    let faulty: Vec<&str> = faulty.map(|shown| shown.id.as_str()).collect();
    if !faulty.is_empty() {
        text.push_str("  classDef fault fill:#fdd,stroke:#c00,stroke-width:2px,color:#000\n");
        let _ = writeln!(text, "  class {} fault", faulty.join(","));
    }
    text
}

fn node(shown: &Shown) -> String {
    let (open, close) = match shown.shape {
        Shape::Start => ("((", "))"),
        Shape::Step => ("[", "]"),
        Shape::Menu => ("{{", "}}"),
        Shape::Collect => ("[/", "/]"),
        Shape::Choice => ("{", "}"),
        Shape::Queue => ("[(", ")]"),
        Shape::Phone => ("([", "])"),
        Shape::Flow => ("[[", "]]"),
        Shape::End => ("(((", ")))"),
        Shape::Note => (">", "]"),
    };
    let lines: Vec<String> = shown.lines.iter().map(|line| escape(line)).collect();
    format!("{}{open}\"{}\"{close}", shown.id, lines.join("<br/>"))
}

fn arrow(edge: &Edge) -> String {
    if edge.label.is_empty() {
        return format!("{} --> {}", edge.from, edge.to);
    }
    format!("{} -->|\"{}\"| {}", edge.from, escape(&edge.label), edge.to)
}

/// A text as it may stand in quotes: what has a meaning there, or for Markdown, by its number.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => escaped.push(' '),
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '|' | '[' | ']' | '{' | '}' | ';' => {
                let _ = write!(escaped, "#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}
