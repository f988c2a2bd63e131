//! Every kind of fault and note, with the words it is reported in.
//!
//! Each file of `tests/cases/` is one case: what differs from the good company of `inline`, then the report. A line
//! `--- PATH` begins a file; `--- PATH (missing)` takes it away; `(unreadable)`, `(unwanted)`, `(sound)`, `(silent)` and `(clipped)` say what a driver
//! found there. `=== report` begins the report. `STROWGER_BLESS=1` writes what is reported now into the cases: read the
//! difference before you commit it.

use std::path::{Path, PathBuf};

use company::{Company, Files, Report};

use crate::inline;

const REPORT: &str = "=== report\n";

#[test]
fn every_fault_is_reported_in_the_words_of_its_case() {
    let mut wrong = Vec::new();
    let paths = case_files();
    assert!(paths.len() > 30, "cases are missing");
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (input, expected) = text.split_once(REPORT).unwrap_or((&text, ""));
        let reported = show(company::read(&files(input)));
        if reported == expected {
            continue;
        }
        if std::env::var_os("STROWGER_BLESS").is_some() {
            std::fs::write(&path, format!("{input}{REPORT}{reported}")).unwrap();
        } else {
            wrong.push(format!("{}:\n{reported}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} cases report otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn show(read: Result<Company, Report>) -> String {
    match read {
        Ok(company) => {
            let notes: String = company.notes.iter().map(ToString::to_string).collect();
            format!("{notes}no fault\n")
        }
        Err(report) => report.to_string(),
    }
}

/// The good company with the changes of a case.
fn files(input: &str) -> Files {
    let good = inline::good_but(|path| input.lines().any(|line| heading(line).is_some_and(|(p, _)| p == path)));
    let mut files = good.with_plugins(Box::new(inline::Runner));
    let mut rest = input;
    while let Some(start) = rest.find("--- ") {
        let (line, below) = rest[start..].split_once('\n').unwrap();
        let (path, word) = heading(line).unwrap();
        let end = below.find("--- ").unwrap_or(below.len());
        let (content, next) = below.split_at(end);
        match word {
            "" => files.insert(path, content),
            "missing" => {}
            "unreadable" => files.insert_unreadable(path, "permission denied"),
            "unwanted" => files.insert_name(path),
            "secret" => files.insert_secret(path, Ok(content.as_bytes().to_vec())),
            "open secret" => files.insert_secret(path, Err("others may read it (mode 0644)".to_owned())),
            "sound" => files.insert(path, inline::wav(&[6000; 800])),
            "clipped" => files.insert(path, inline::wav(&[i16::MAX; 800])),
            "silent" => files.insert(path, inline::wav(&[0; 800])),
            word => panic!("unknown word `{word}`"),
        }
        rest = next;
    }
    files
}

/// Path and word of a line that begins a file.
fn heading(line: &str) -> Option<(&str, &str)> {
    let heading = line.strip_prefix("--- ")?;
    Some(heading.strip_suffix(')').and_then(|heading| heading.split_once(" (")).unwrap_or((heading, "")))
}
