//! What `strowger schema` prints, judged by a validator that is not ours (check-jsonschema).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::switch::binary;

/// Faulty flows whose keys and values look right: names that lead nowhere, ways round, keys that exclude each other by
/// their values. A schema cannot say what is wrong with them.
const NOT_OF_SHAPE: &[&str] = &[
    "collect-secret",
    "collect-secret-read-back",
    "confirm-unset",
    "loop-of-back",
    "loop-of-busy-dial",
    "loop-of-full-mailbox",
    "loop-of-full-queue",
    "loop-of-goto",
    "loop-of-hours",
    "loop-of-languages",
    "loop-of-menus",
    "loop-of-plays",
    "menu-digit-timeout-unused",
    "menu-key-range-uneven",
    "menu-key-twice",
    "menu-keys-ambiguous",
    "menu-nobody-can-press",
    "node-unreachable",
    "play-forever-that-a-key-ends",
    "play-forever-with-next",
    "loop-of-when",
    "set-before-it-is-set",
    "set-of-a-secret",
    "loop-of-tables",
    "loop-of-http",
    "http-secret",
    "http-secret-written",
    "loop-of-transfers",
    "table-row-not-set",
    "start-unknown",
    "target-unknown",
    "text-of-a-secret",
    "text-variables",
    "variable-never-set",
    "variable-not-set-on-every-way",
    "when-kinds",
    "when-kinds-of-variables",
    "when-names",
    "when-not-cel",
    "when-times",
    "when-variable-never-set",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn installed(name: &str) -> PathBuf {
    let path = root().join("target/check-jsonschema/bin").join(name);
    assert!(path.exists(), "{} is not there; scripts/test installs it", path.display());
    path
}

fn schema_in(folder: &Path, kind: &str) -> PathBuf {
    let output = Command::new(binary()).args(["schema", kind]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = folder.join("schema.json");
    std::fs::write(&path, output.stdout).unwrap();
    path
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml")).collect();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

#[test]
fn every_test_that_is_shipped_passes() {
    let folder = tempfile::tempdir().unwrap();
    let schema = schema_in(folder.path(), "test");
    let (refused_files, said) = refused(&schema, &yaml_files("config/tests"));
    assert!(refused_files.is_empty(), "{said}");
    let faulty = folder.path().join("faulty.yaml");
    std::fs::write(&faulty, "version: 1\nflow: main\ntests: {a: {does: {pres: 1}, expect: {ends: hangup}}}\n").unwrap();
    assert_eq!(refused(&schema, &[faulty]).0.len(), 1);
    let schema = schema_in(folder.path(), "plugin-test");
    let (refused_files, said) = refused(&schema, &[root().join("crates/plugins/examples/fewest-calls/tests.yaml")]);
    assert!(refused_files.is_empty(), "{said}");
    let faulty = folder.path().join("faulty.yaml");
    std::fs::write(&faulty, "version: 1\ntests: {a: {agents: [eva], expect: {agnt: eva}}}\n").unwrap();
    assert_eq!(refused(&schema, &[faulty]).0.len(), 1);
}

/// The stems of the files that the validator refuses, and all that it says.
fn refused(schema: &Path, files: &[PathBuf]) -> (BTreeSet<String>, String) {
    let mut command = Command::new(installed("check-jsonschema"));
    let output = command.args(["-o", "json", "--schemafile"]).arg(schema).args(files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let of = |key: &str| told[key].as_array().cloned().unwrap_or_default();
    let stem = |entry: &Value| {
        let path = entry["filename"].as_str().or_else(|| entry["path"].as_str()).unwrap();
        Path::new(path).file_stem().unwrap().to_string_lossy().into_owned()
    };
    (of("errors").iter().chain(&of("parse_errors")).map(stem).collect(), said)
}

/// Every kind of file.
const KINDS: [&str; 6] = ["flow", "test", "plugin-test", "hours", "queues", "users"];

#[test]
fn every_other_file_that_is_shipped_passes_and_a_faulty_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = [
        ("hours", "calendars: { office: { zone: Europe/Berlin, week: { monday-friday: 9-17 } } }\n"),
        ("queues", "queues: { sales: { agents: [101], ring_tone: 15s } }\n"),
        ("users", "users: { 101: { register: true, contact: \"sip:101@127.0.0.1\" } }\n"),
    ];
    for (kind, text) in faulty {
        let schema = schema_in(folder.path(), kind);
        let wrong = folder.path().join(format!("{kind}.yaml"));
        std::fs::write(&wrong, text).unwrap();
        let shipped = root().join("config").join(format!("{kind}.yaml"));
        assert!(shipped.is_file());
        let (refused_files, said) = refused(&schema, &[shipped]);
        assert!(refused_files.is_empty(), "{said}");
        assert_eq!(refused(&schema, &[wrong]).0.len(), 1, "{text}");
    }
}

#[test]
fn every_flow_that_is_shipped_passes() {
    let folder = tempfile::tempdir().unwrap();
    let schema = schema_in(folder.path(), "flow");
    let folders = ["config/flows", "config/bench/flows", "crates/ivr/tests/flows"];
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| yaml_files(folder)).collect();
    let (refused, said) = refused(&schema, &files);
    assert!(refused.is_empty(), "{said}");
}

#[test]
fn every_fault_of_shape_is_refused_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let schema = schema_in(folder.path(), "flow");
    let files = yaml_files("crates/ivr/tests/faults");
    let stems: BTreeSet<String> = files.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into()).collect();
    let (refused, _) = refused(&schema, &files);
    let passed: Vec<&String> = stems.difference(&refused).collect();
    let unsaid: Vec<_> = passed.iter().filter(|stem| !NOT_OF_SHAPE.contains(&stem.as_str())).collect();
    assert!(unsaid.is_empty(), "let `read/table.rs` say it, or name them in NOT_OF_SHAPE: {unsaid:?}");
    let stale: Vec<_> =
        NOT_OF_SHAPE.iter().filter(|stem| refused.contains(**stem) || !stems.contains(**stem)).collect();
    assert!(stale.is_empty(), "named in NOT_OF_SHAPE, and refused all the same, or gone: {stale:?}");
}

/// Holds each example and default against the key that it stands at.
const EXAMPLES: &str = r"
import json, sys
from jsonschema import Draft202012Validator
with open(sys.argv[1]) as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
bad, seen = [], 0
def look(node, where):
    global seen
    if isinstance(node, dict):
        for name, key in (node.get('properties') or {}).items():
            if not isinstance(key, dict) or 'description' not in key:
                continue
            values = key.get('examples', []) + ([key['default']] if 'default' in key else [])
            if not values:
                bad.append(f'{where}/{name}: no example')
            for value in values:
                seen += 1
                errors = list(Draft202012Validator({**key, '$defs': schema['$defs']}).iter_errors(value))
                bad.extend(f'{where}/{name}: {value!r}: {error.message}' for error in errors)
        for name, value in node.items():
            look(value, f'{where}/{name}')
look(schema, '')
assert seen > 8, seen
sys.exit('\n'.join(bad) or 0)
";

#[test]
fn every_example_and_default_is_what_its_key_takes() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let schema = schema_in(folder.path(), kind);
        let mut command = Command::new(installed("python"));
        let output = command.args(["-W", "error", "-c", EXAMPLES]).arg(schema).output().unwrap();
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
