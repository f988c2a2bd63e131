//! Compares what is said of faulty files with what is expected: for each `NAME.yaml` of a folder, `NAME.txt` beside it
//! holds the faults as they print. `UPDATE_SNAPSHOTS=1` writes the expected texts anew; read the difference then.

#![allow(clippy::unwrap_used, reason = "a test's helper")]

use std::path::Path;
use std::{env, fs};

use yaml::{Faults, Source};

/// Hands every `.yaml` file of `folder` to `check` and compares the faults. Gives how many files there were.
///
/// # Panics
/// If a file has no fault, or others than expected; all such files are named.
pub fn compare(folder: &str, check: impl Fn(&Source, &Faults)) -> usize {
    let update = env::var_os("UPDATE_SNAPSHOTS").is_some();
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    paths.sort();
    let mut wrong = Vec::new();
    for path in &paths {
        let said = say(path, &check);
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &said).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if said.is_empty() || said != wanted {
            wrong.push(format!("--- {}\nexpected:\n{wanted}\nsaid:\n{said}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), paths.len(), wrong.join("\n"));
    paths.len()
}

fn say(path: &Path, check: impl Fn(&Source, &Faults)) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let source = Source::from_bytes(name, &fs::read(path).unwrap());
    let faults = Faults::default();
    check(&source, &faults);
    faults.into_sorted().iter().map(ToString::to_string).collect()
}
