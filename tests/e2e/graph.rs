//! What `strowger graph` draws, judged by those who draw it: Graphviz and Mermaid's parser (under Node, with jsdom in the
//! browser's place).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::switch::binary;

/// Prints what kind of diagram the file is, or why it is none.
const PARSE: &str = r"
import { JSDOM } from 'jsdom';
import { readFileSync } from 'node:fs';
const { window } = new JSDOM('');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import('mermaid');
console.log((await mermaid.parse(readFileSync(process.argv[2], 'utf8'))).diagramType);
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn graph(config: &Path, arguments: &[&str]) -> Output {
    Command::new(binary()).arg("graph").args(arguments).arg("--config").arg(config).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A company whose flow has faults of all kinds that a drawing shows, and another one that cannot be drawn.
fn faulty_company(folder: &Path) {
    std::fs::create_dir(folder.join("flows")).unwrap();
    let flow = "version: 1\nnodes:\n  a: {play: p, next: b}\n  b: {goto: c}\n  c: {goto: b}\n  d: {hangup: }\n";
    std::fs::write(folder.join("flows/faulty.yaml"), flow).unwrap();
    let flow = "version: 1\nnodes:\n  a: {queue: nowhere, next: hangup}\n";
    std::fs::write(folder.join("flows/names.yaml"), flow).unwrap();
    std::fs::write(folder.join("flows/unreadable.yaml"), "version: 1\nnodes:\n  a: {plya: '<b>\"'}\n").unwrap();
    std::fs::write(folder.join("strowger.yaml"), "version: 1\nlisteners: [{udp: \"127.0.0.1:0\"}]\n").unwrap();
}

fn svg(folder: &Path, dot: &[u8]) -> String {
    let path = folder.join("graph.dot");
    std::fs::write(&path, dot).unwrap();
    let output = Command::new("dot").arg("-Tsvg").arg(&path).output().expect("Graphviz is installed by scripts/test");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn mermaid_parses(folder: &Path, mermaid: &[u8]) -> Output {
    let installed = root().join("target/mermaid");
    assert!(installed.join("node_modules/mermaid").exists(), "scripts/test installs it");
    // A module finds its packages by its own place.
    let script = installed.join(format!("parse-{}.mjs", std::process::id()));
    std::fs::write(&script, PARSE).unwrap();
    let path = folder.join("graph.mmd");
    std::fs::write(&path, mermaid).unwrap();
    let output = Command::new("node").arg(&script).arg(&path).output().expect("Node is installed by scripts/test");
    std::fs::remove_file(&script).unwrap();
    output
}

#[test]
fn graphviz_draws_every_node_and_marks_the_faulty_ones() {
    let folder = tempfile::tempdir().unwrap();
    let output = graph(&root().join("config"), &["--format", "dot"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let drawn = svg(folder.path(), &output.stdout);
    for words in [">main&#45;menu<", ">queue support<", ">dial 104<", ">1000<", ">exhausted<"] {
        assert!(drawn.contains(words), "{words} is not in\n{drawn}");
    }
    faulty_company(folder.path());
    let output = graph(folder.path(), &["--format", "dot"]);
    assert_eq!(output.status.code(), Some(1), "one cannot be drawn");
    let told = text(&output.stderr);
    assert!(told.contains("unreadable.yaml:3:7: error: unknown key `plya`") && !told.contains("faulty.yaml"), "{told}");
    let drawn = svg(folder.path(), &output.stdout);
    for words in ["no queue nowhere", "no way leads to the node d", "a loop without a word", "cannot be drawn"] {
        let words = words.replace('-', "&#45;");
        assert!(drawn.contains(&words), "{words} is not in\n{drawn}");
    }
    assert!(graph(folder.path(), &["faulty"]).status.success(), "faults of the graph are drawn");
}

#[test]
fn mermaids_own_parser_takes_what_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    faulty_company(folder.path());
    for config in [root().join("config"), folder.path().to_owned()] {
        let output = mermaid_parses(folder.path(), &graph(&config, &[]).stdout);
        assert_eq!(text(&output.stdout).trim(), "flowchart-v2", "{}", text(&output.stderr));
    }
    let output = mermaid_parses(folder.path(), b"flowchart TD\n  a -->\n");
    assert!(!output.status.success(), "what is no drawing is refused");
}

#[test]
fn a_flow_that_is_not_there_is_told() {
    let output = graph(&root().join("config"), &["mian"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no flow mian; did you mean main?"), "{}", text(&output.stderr));
}
