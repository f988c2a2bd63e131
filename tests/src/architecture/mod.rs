//! The architecture's rules as functions over a [`Tree`] of texts, so that each can be seen to fail on a tree made up for it.
//!
//! - [`layers`]: the layer table as data, and what a crate's manifest may name.
//! - [`rules`]: what a source file may name, say and weigh.
//! - [`scan`]: Rust source with its comments, literals and test-only items blanked out.

pub mod layers;
pub mod rules;
pub mod scan;

use std::fmt;
use std::path::Path;

/// A broken rule, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path within the project.
    pub file: String,
    /// Line from 1; 0 where the fault is the file as a whole.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub message: String,
}

impl Fault {
    /// A fault of `file` at `line`.
    pub fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The texts that the rules judge: manifests and Rust sources, by path within the project, sorted.
#[derive(Clone, Debug, Default)]
pub struct Tree(Vec<(String, String)>);

impl Tree {
    /// A tree made up for a test.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut files: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        files.sort();
        Self(files)
    }

    /// The manifests and sources under `crates/` and `tests/` of the project at `root`.
    ///
    /// # Panics
    /// If the tree cannot be read.
    pub fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        for top in ["crates", "tests"] {
            collect(root, &root.join(top), &mut files);
        }
        files.sort();
        assert!(files.len() > 20, "found only {} files under {}", files.len(), root.display());
        Self(files)
    }

    /// The crates' manifests: crate name by its folder, path, text. Example plugins are packages for another machine, and none of these.
    pub fn manifests(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().filter_map(|(path, text)| {
            let folder = path.strip_suffix("/Cargo.toml").filter(|folder| !folder.contains("/examples/"))?;
            let name = folder.strip_prefix("crates/").or(folder.strip_prefix("tests/")).unwrap_or(folder);
            Some((name, path.as_str(), text.as_str()))
        })
    }

    /// The Rust files: path and text.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("folder of the project") {
        let path = entry.expect("entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" {
                collect(root, &path, files);
            }
        } else if name == "Cargo.toml" || name.ends_with(".rs") {
            let within = path.strip_prefix(root).expect("inside the project").to_string_lossy().into_owned();
            files.push((within, std::fs::read_to_string(&path).expect("a text file")));
        }
    }
}

/// Every rule, over the whole tree.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = layers::check(tree);
    faults.extend(rules::check(tree));
    faults
}
