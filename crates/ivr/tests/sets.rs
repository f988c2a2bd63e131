//! What is said of flows that don't go together: a folder a kind of fault in `sets/`, with the expected text in it.
//! `UPDATE_SNAPSHOTS=1` writes the expected texts anew; read the difference then.

#![allow(clippy::unwrap_used, reason = "a test's helpers")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use ivr::Flows;
use yaml::{Faults, Source};

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn say(folder: &Path) -> String {
    let yaml = sorted(folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let files: Vec<(String, Source)> = yaml
        .map(|path| (stem(&path), Source::from_bytes(format!("{}.yaml", stem(&path)), &fs::read(&path).unwrap())))
        .collect();
    let faults = Faults::default();
    let flows = Flows::read(files.iter().map(|(name, source)| (name.as_str(), source)), &faults);
    assert_eq!(flows.is_some(), faults.is_empty());
    faults.into_sorted().iter().map(ToString::to_string).collect()
}

#[test]
fn every_kind_of_fault_among_flows_reads_as_expected() {
    let folders = sorted(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sets")));
    let mut wrong = Vec::new();
    for folder in &folders {
        let (said, expected) = (say(folder), folder.join("faults.txt"));
        if env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if said.is_empty() || said != wanted {
            wrong.push(format!("--- {}\nexpected:\n{wanted}\nsaid:\n{said}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} sets:\n{}", wrong.len(), folders.len(), wrong.join("\n"));
    assert!(folders.len() > 10, "the folder of faulty sets is read");
}
