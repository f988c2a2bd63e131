//! What is said of faulty files: one file a kind of fault in `faults/`, with the expected text beside it.

mod snapshot;

use std::time::Duration;

use yaml::{Faults, Shape, Source};

const ALL: Shape = Shape {
    what: "a test",
    keys: &[
        "name", "path", "text", "count", "times", "flag", "wait", "ring", "ip", "listen", "net", "mode", "items",
        "part", "prompt", "left", "right",
    ],
};
const PART: Shape = Shape { what: "a part", keys: &["prompt", "next"] };

/// Asks for each kind of value once, if the file is about values; else it is about syntax alone.
fn check(source: &Source, faults: &Faults) {
    let Some(document) = yaml::read(source, faults) else { return };
    if !source.path().starts_with("values") {
        return;
    }
    let Some(map) = document.root(faults).map(&ALL) else { return };
    let _ = map.required("name").map(|v| v.name());
    let _ = map.optional("path").map(|v| v.path());
    let _ = map.optional("text").map(|v| v.string());
    let _ = map.required("count").map(|v| v.integer(1..=99u8));
    let _ = map.optional("times").map(|v| v.integer_or(1..=9u8, "forever"));
    let _ = map.optional("flag").map(|v| v.bool());
    let _ = map.optional("wait").map(|v| v.duration());
    let _ = map.optional("ring").map(|v| v.duration_in(Duration::from_secs(1)..=Duration::from_secs(300)));
    let _ = map.optional("ip").map(|v| v.ip());
    let _ = map.optional("listen").map(|v| v.socket_addr());
    let _ = map.optional("net").map(|v| v.prefix());
    let _ = map.optional("mode").map(|v| v.choose(&[("sequential", 1), ("parallel", 2), ("none", 3)]));
    let _ = map.optional("items").map(|v| v.list());
    let part = map.optional("part").and_then(|v| v.map_with(&PART, &[("other", "write it elsewhere")]));
    let _ = part.map(|part| (part.required("prompt"), part.required("next")));
    let _ = map.required("prompt");
    let _ = map.one_of(&["left", "right"]);
}

#[test]
fn every_kind_of_fault_reads_as_expected() {
    let files = snapshot::compare(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults"), check);
    assert!(files > 30, "the folder of faulty files is read");
}
