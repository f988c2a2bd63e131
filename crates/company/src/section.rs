//! A file of the folder with the one map that it may hold.

use std::collections::BTreeSet;

use yaml::{Document, Faults, Map, Shape, Value};

use crate::{Files, Notes};

/// A file of the folder.
pub(crate) enum Sheet {
    /// Not there: nothing of its kind exists.
    Missing,
    /// There, but no YAML: nobody knows what exists.
    Spoilt,
    /// Read.
    Read(Document),
}

impl Sheet {
    pub fn read(files: &Files, path: &str, faults: &Faults) -> Self {
        if !files.holds(path) {
            return Self::Missing;
        }
        let document = files.source(path).and_then(|source| yaml::read(&source, faults));
        document.map_or(Self::Spoilt, Self::Read)
    }

    /// The file's map.
    pub fn map<'a>(&'a self, shape: &'static Shape, faults: &'a Faults) -> Option<Map<'a>> {
        match self {
            Self::Read(document) => document.root(faults).map(shape),
            Self::Missing | Self::Spoilt => None,
        }
    }

    /// The map under `key`, which is all that the file holds.
    pub fn section<'a>(&'a self, shape: &'static Shape, key: &'static str, faults: &'a Faults) -> Section<'a> {
        let map = || self.map(shape, faults)?.required(key);
        match (self, map()) {
            (Self::Missing, _) => Section::Missing,
            (_, Some(value)) if value.is_map() => Section::Read(value),
            (_, Some(value)) => {
                // Asked for the fault's sake.
                let _ = value.entries("a map of names");
                Section::Spoilt
            }
            (_, None) => Section::Spoilt,
        }
    }
}

/// A map whose keys are names.
#[derive(Clone, Copy)]
pub(crate) enum Section<'a> {
    /// There is none, so no name exists.
    Missing,
    /// There is one, but nobody can read it.
    Spoilt,
    /// A map.
    Read(Value<'a>),
}

impl<'a> Section<'a> {
    /// The map.
    pub fn value(&self) -> Option<Value<'a>> {
        match self {
            Self::Read(value) => Some(*value),
            Self::Missing | Self::Spoilt => None,
        }
    }

    /// The names that exist, as far as one can know.
    pub fn names(&self) -> Option<BTreeSet<String>> {
        match self {
            Self::Missing => Some(BTreeSet::new()),
            Self::Spoilt => None,
            Self::Read(value) => {
                let entries = value.entries("a map").unwrap_or_default();
                Some(entries.iter().filter_map(|(key, _)| key.raw()).map(str::to_owned).collect())
            }
        }
    }

    /// Notes every entry that `is_used` denies, in words.
    pub fn note_unused(&self, is_used: impl Fn(&str) -> bool, words: &str, notes: &mut Notes) {
        let entries = self.value().and_then(|value| value.entries("a map")).unwrap_or_default();
        for (key, _) in entries {
            if key.raw().is_some_and(|name| !is_used(name)) {
                notes.add(key.place(), words);
            }
        }
    }
}
