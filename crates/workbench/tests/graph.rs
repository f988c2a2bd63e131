//! How flows are drawn: for each flow in `drawings/`, the Mermaid and DOT beside it. `UPDATE_SNAPSHOTS=1` writes them anew;
//! look at the difference then, and at the pictures.

#![allow(clippy::disallowed_methods, reason = "a test reads its files")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use ivr::{Flows, Outline};
use workbench::Sketch;
use yaml::{Faults, Source};

fn sketch(name: &str, text: &str) -> Sketch {
    let source = Source::new(format!("{name}.yaml"), text);
    let faults = Faults::default();
    let flow = Flows::read([(name, &source)], &faults);
    assert_eq!(flow.is_some(), faults.is_empty());
    let outline = Outline::of_draft(name, &source);
    Sketch { name: name.to_owned(), numbers: vec!["1000".to_owned()], outline, faults: faults.into_sorted() }
}

#[test]
fn flows_are_drawn_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drawings");
    let mut sketches = Vec::new();
    for name in ["all-verbs", "faults-of-the-graph", "faults-of-shape"] {
        sketches.push(sketch(name, &fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap()));
    }
    for (ending, drawn) in [("mmd", workbench::mermaid(&sketches)), ("dot", workbench::dot(&sketches))] {
        let path = folder.join(format!("all.{ending}"));
        if env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::write(&path, &drawn).unwrap();
        }
        assert_eq!(drawn, fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
    }
}

#[test]
fn a_flow_of_fifty_nodes_stays_readable() {
    let mut text = "version: 1\nnodes:\n".to_owned();
    for node in 0..50 {
        let keys = (0..10).map(|key| format!("{key}: n{}", (node + 1 + key % 3) % 50)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  n{node}: {{menu: {{prompt: p, keys: {{{keys}}}, exhausted: hangup}}}}");
    }
    let drawn = workbench::dot(&[sketch("large", &text)]);
    let longest = drawn.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest < 160, "labels are short: {longest}");
    let arrows = drawn.lines().filter(|line| line.contains(" -> ")).count();
    assert_eq!(arrows, 1 + 50 * 4, "ways to the same node are one arrow");
    assert_eq!(drawn.matches("doublecircle").count(), 1, "ends are one");
}

#[test]
fn texts_cannot_leave_their_quotes() {
    let mut sketch = sketch("main", "version: 1\nnodes:\n  a: {hangup: }\n");
    sketch.numbers = vec!["\"]; x[\"<b>\\#`\n".to_owned()];
    let mermaid = workbench::mermaid(std::slice::from_ref(&sketch));
    assert!(mermaid.contains(r##"f0s(("#34;#93;#59; x#91;#34;#60;b#62;#92;#35;#96; "))"##), "{mermaid}");
    let dot = workbench::dot(&[sketch]);
    assert!(dot.contains(r#"f0s [label="\"]; x[\"<b>\\#` ", shape=circle];"#), "{dot}");
}

#[test]
fn other_flows_and_ways_back_are_boxes_of_their_own() {
    let text = "version: 1\nnodes:\n  a: {call: account-of, next: b}\n  b: {menu: {prompt: p, keys: {1: return, 2: back, 3: c}, exhausted: hangup}}\n  c: {goto: {flow: main}}\n";
    let outline = Outline::of_draft("sub", &Source::new("sub.yaml", text));
    assert!(outline.is_some());
    let sketch = Sketch { name: "sub".to_owned(), numbers: Vec::new(), outline, faults: Vec::new() };
    let drawn = workbench::mermaid(&[sketch]);
    let lines = [
        "f0n0[[\"a<br/>call account-of\"]]",
        "f0n1 -->|\"1\"| f0return",
        "f0n1 -->|\"2\"| f0back",
        "f0n2 --> f0flow_main",
        "f0flow_main[[\"flow main\"]]",
        "f0return(((\"return\")))",
    ];
    for line in lines {
        assert!(drawn.contains(line), "{line} is not in\n{drawn}");
    }
}
