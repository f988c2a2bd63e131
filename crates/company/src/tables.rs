//! `tables/*.csv`: read by crate `ivr`, whose conditions look into them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ivr::Rows;
use yaml::Faults;

use crate::{Catalogue, Files, Notes};

const FOLDER: &str = "tables/";

/// The names of all tables, be the files good or not.
pub(crate) fn names(files: &Files) -> BTreeSet<String> {
    files.between(FOLDER, ".csv").map(|(_, name)| name.to_owned()).collect()
}

/// Reads every table.
pub(crate) fn read(files: &Files, faults: &Faults) -> BTreeMap<Arc<str>, Arc<Rows>> {
    let mut tables = BTreeMap::new();
    for (path, name) in files.between(FOLDER, ".csv") {
        if !crate::prompts::is_name(name) {
            let remedy = "rename it: lower-case letters, digits and `-`, like `vip-callers.csv`";
            faults.add(files.place(path), "this file name is not a name", remedy);
        }
        let rows = files.bytes(path).and_then(|bytes| Rows::read(&files.shown(path), bytes, faults));
        tables.extend(rows.map(|rows| (Arc::from(name), Arc::new(rows))));
    }
    tables
}

/// Notes tables that no flow looks into.
pub(crate) fn note_unused(files: &Files, catalogue: &Catalogue, notes: &mut Notes) {
    for (path, name) in files.between(FOLDER, ".csv") {
        if !catalogue.tables.is_used(name) {
            notes.add(files.place(path), "no flow looks into this table");
        }
    }
}
