//! `hours.yaml`: read by crate `hours`; what flows name of it is looked up in `flows`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::hours::{Calendar, Hours};
use yaml::Faults;

use crate::report::Notes;
use crate::{Catalogue, Files};

const FILE: &str = "hours.yaml";

/// When the company is open.
pub(crate) enum Opening {
    /// The file is there, but nobody can read it.
    Spoilt,
    /// What it holds; nothing if there is none.
    Read(Hours),
}

impl Opening {
    pub fn read(files: &Files, faults: &Faults) -> Self {
        if !files.holds(FILE) {
            return Self::Read(Hours::default());
        }
        let hours = files.source(FILE).and_then(|source| Hours::read(&source, faults));
        hours.map_or(Self::Spoilt, Self::Read)
    }

    const fn hours(&self) -> Option<&Hours> {
        match self {
            Self::Read(hours) => Some(hours),
            Self::Spoilt => None,
        }
    }

    /// The calendars that exist, as far as one can know.
    pub fn names(&self) -> Option<BTreeSet<String>> {
        self.hours().map(|hours| hours.names().clone())
    }

    /// Those of them that a switch closes.
    pub fn emergencies(&self) -> BTreeSet<String> {
        let names = self.names().unwrap_or_default();
        names.into_iter().filter(|name| self.hours().is_some_and(|hours| hours.has_switch(name))).collect()
    }

    pub fn calendars(&self) -> BTreeMap<Arc<str>, Arc<Calendar>> {
        self.hours().map(|hours| hours.calendars.clone()).unwrap_or_default()
    }

    pub fn switches(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        self.hours().map(|hours| hours.switches.clone()).unwrap_or_default()
    }

    /// Notes what nothing uses, and exceptions that are over.
    pub fn note(&self, files: &Files, catalogue: &Catalogue, notes: &mut Notes) {
        let now = files.certificates().map(crate::Certificates::now);
        let found = self.hours().map(|hours| hours.notes(|name| catalogue.calendars.is_used(name), now));
        for (place, text) in found.unwrap_or_default() {
            notes.add(place, text);
        }
    }
}
