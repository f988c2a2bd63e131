//! What is said of faulty files: one a kind of fault in `faults/`, with the expected text beside it.

#[path = "../../yaml/tests/snapshot/mod.rs"]
mod snapshot;

use hours::Hours;

#[test]
fn every_kind_of_fault_reads_as_expected() {
    let files = snapshot::compare(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults"), |source, faults| {
        let _ = Hours::read(source, faults);
    });
    assert!(files > 10, "the folder of faulty files is read");
}
