//! The project keeps to its architecture: the layer table, no clock, I/O, runtime or unseeded randomness in machines,
//! `unsafe` in few places alone, files of a readable length, a reason for each suppressed lint.
//!
//! The rules are in `tests/src/architecture/`, each with a test that feeds it a violation.

use std::path::Path;

use tests::architecture::{Tree, check};

#[test]
fn the_tree_keeps_to_the_architecture() {
    let faults = check(&Tree::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))));
    let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), list.join("\n"));
}
