//! What is said of faulty flows: one file a kind of fault in `faults/`, with the expected text beside it.

#[path = "../../yaml/tests/snapshot/mod.rs"]
mod snapshot;

use ivr::Flows;

#[test]
fn every_kind_of_fault_reads_as_expected() {
    let files = snapshot::compare(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults"), |source, faults| {
        assert_eq!(Flows::read([("test", source)], faults).is_some(), faults.is_empty());
    });
    assert!(files > 30, "the folder of faulty flows is read");
}
