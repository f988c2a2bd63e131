//! The functions of `fuzz` without a fuzzer: fed the seeds, and the corpus where it is at hand, cut, joined and changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::cell::Cell;
use std::fmt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

/// Octets that mean something in one of the formats, or must not stand in any.
const MARKS: &[u8] = b"\r\n \t:;,<>\"\\@?=%&/[]{}*.+-0129azZ#~\0\x01\x7f\x80\xc3\xff";

/// One change of an input. Places are taken modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index, usize),
    Double(Index, usize),
    /// So many octets of another input, from a place in it, are put at a place here.
    Splice {
        at: Index,
        other: Index,
        from: Index,
        count: usize,
    },
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let octet = prop_oneof![3 => select(MARKS), 1 => any::<u8>()];
    prop_oneof![
        3 => (index(), octet.clone()).prop_map(|(at, octet)| Change::Replace(at, octet)),
        3 => (index(), octet).prop_map(|(at, octet)| Change::Insert(at, octet)),
        2 => (index(), 1..40usize).prop_map(|(at, count)| Change::Remove(at, count)),
        2 => (index(), 1..80usize).prop_map(|(at, count)| Change::Double(at, count)),
        3 => (index(), index(), index(), 1..120usize)
            .prop_map(|(at, other, from, count)| Change::Splice { at, other, from, count }),
        1 => index().prop_map(Change::Cut),
    ]
}

fn apply(change: &Change, input: &mut Vec<u8>, others: &[Vec<u8>]) {
    let length = input.len();
    let place = |at: &Index| at.index(length + 1);
    let end = |at: &Index, count: usize| (place(at) + count).min(length);
    match change {
        Change::Replace(at, octet) => input.get_mut(at.index(length.max(1))).into_iter().for_each(|old| *old = *octet),
        Change::Insert(at, octet) => input.insert(place(at), *octet),
        Change::Remove(at, count) => drop(input.drain(place(at)..end(at, *count))),
        Change::Double(at, count) => {
            let piece = input[place(at)..end(at, *count)].to_vec();
            input.splice(place(at)..place(at), piece);
        }
        Change::Splice { at, other, from, count } => {
            let other = &others[other.index(others.len())];
            let from = from.index(other.len().max(1)).min(other.len());
            let piece = other[from..(from + count).min(other.len())].to_vec();
            input.splice(place(at)..place(at), piece);
        }
        Change::Cut(at) => input.truncate(place(at)),
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// The inputs in `seeds/NAME`. All are sound but those whose names begin with `unsound`.
fn seeds(name: &str, function: fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let seeds = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name));
    for (file, seed) in &seeds {
        assert_eq!(function(seed), !file.starts_with("unsound"), "{name}/{file}");
    }
    seeds.into_iter().map(|(_, seed)| seed).collect()
}

/// The inputs in folders of the corpus, if there is one.
fn corpus(folders: &[&str]) -> Vec<Vec<u8>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/sip");
    let root = std::env::var_os("STROWGER_CORPUS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    if !root.is_dir() {
        println!("skipped: no corpus");
        return Vec::new();
    }
    folders.iter().flat_map(|folder| files(&root.join(folder))).map(|(_, input)| input).collect()
}

/// An input that prints as a byte string: what made a test fail can be pasted into a seed.
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Hands `function` its seeds and `more` as they are, then so many that are changed, then so many of any octets.
fn run(name: &str, function: fn(&[u8]) -> bool, more: Vec<Vec<u8>>, cases: u32) {
    more.iter().for_each(|input| _ = function(input));
    let inputs = &[seeds(name, function), more].concat();
    // Mostly few changes: what changes much is refused at once.
    let changes = prop_oneof![3 => prop::collection::vec(change(), 1..3), 1 => prop::collection::vec(change(), 3..12)];
    let changed = (any::<Index>(), changes).prop_map(|(index, changes)| {
        let mut input = inputs[index.index(inputs.len())].clone();
        changes.iter().for_each(|change| apply(change, &mut input, inputs));
        Input(input)
    });
    let sound = run_on(function, &changed, cases);
    println!("{sound} of {cases} changed inputs are sound");
    assert!(sound * 100 > cases, "changing inputs that are all refused at once shows little");
    run_on(function, &prop::collection::vec(any::<u8>(), 0..300).prop_map(Input), cases / 4);
}

/// How many of the inputs were sound.
fn run_on(function: fn(&[u8]) -> bool, inputs: &impl Strategy<Value = Input>, cases: u32) -> u32 {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let sound = Cell::new(0);
    let test = |input: Input| {
        sound.set(sound.get() + u32::from(function(&input.0)));
        Ok(())
    };
    TestRunner::new(config).run(inputs, test).unwrap_or_else(|failure| panic!("{failure}"));
    sound.get()
}

#[test]
fn messages() {
    run("message", fuzz::message, corpus(&["messages", "rfc4475", "rfc5118"]), 30_000);
}

#[test]
fn streams() {
    let streams = corpus(&["messages"]).into_iter().map(|message| [&[0][..], &message].concat()).collect();
    run("framing", fuzz::framing, streams, 6000);
}

#[test]
fn descriptions() {
    run("sdp", fuzz::sdp, corpus(&["sdp"]), 20_000);
}

#[test]
fn media_packets() {
    run("rtp", fuzz::rtp, vec![], 40_000);
}

#[test]
fn media_reports() {
    run("rtcp", fuzz::rtcp, vec![], 40_000);
}

#[test]
fn challenges_and_credentials() {
    run("digest", fuzz::digest, vec![], 4000);
}

#[test]
fn configurations() {
    run("configuration", fuzz::configuration, vec![], 3000);
}

#[test]
fn flows() {
    run("flow", fuzz::flow, vec![], 20_000);
}

#[test]
fn signalling() {
    run("stack", fuzz::stack, vec![], 4000);
}
