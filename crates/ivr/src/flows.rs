//! All flows of a company, as one set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hours::Zone;
use yaml::{Faults, Source};

use crate::extensions::Extensions;
use crate::{Flow, Languages, Rows, check};

/// All flows of a company. Immutable once calls are in it: a call keeps the set that it began with, whatever is read later.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    by_name: BTreeMap<Arc<str>, Arc<Flow>>,
    languages: Languages,
    extensions: Extensions,
    /// The variables that hold a secret, or something made of one.
    secrets: BTreeSet<Arc<str>>,
    ask_for_repeats: bool,
    zone: Zone,
    rows: BTreeMap<Arc<str>, Arc<Rows>>,
}

impl Flows {
    /// Reads flows from their files, each with its name, and checks them together. `None` if there is a fault; all of them are
    /// in `faults` then.
    #[must_use]
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a Source)>, faults: &Faults) -> Option<Self> {
        let read = |(name, source)| (Arc::from(name), Flow::read(name, source, faults));
        Self::new(files.into_iter().map(read).collect(), |_| false, faults)
    }

    /// Checks flows together that were read one by one; `None` stands for one with faults of its own, of which nothing more
    /// is said. Calls begin in those that `begins` names, and in those that no other leads to.
    ///
    /// `None` if there is a fault; all of them are in `faults` then.
    #[must_use]
    pub fn new(
        flows: BTreeMap<Arc<str>, Option<Flow>>,
        begins: impl Fn(&str) -> bool,
        faults: &Faults,
    ) -> Option<Self> {
        let before = faults.len();
        let known: Vec<&str> = flows.keys().map(|name| &**name).collect();
        check::flows(flows.values().flatten(), &known, &begins, faults);
        if faults.len() > before {
            return None;
        }
        let whole = flows.into_iter().map(|(name, flow)| Some((name, Arc::new(flow?))));
        let by_name: BTreeMap<_, Arc<Flow>> = whole.collect::<Option<_>>()?;
        let all: Vec<&Flow> = by_name.values().map(|flow| &**flow).collect();
        let secrets = check::secrets(&all);
        let read = by_name.values().flat_map(|flow| &flow.nodes).flat_map(|node| node.verb.expressions());
        let ask_for_repeats = read.into_iter().any(|expression| expression.repeats);
        Some(Self { by_name, secrets, ask_for_repeats, ..Self::default() })
    }

    /// The same flows, in a company whose clocks show the time of `zone`.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// The same flows, in a company with these tables, by name.
    #[must_use]
    pub fn with_rows(self, rows: BTreeMap<Arc<str>, Arc<Rows>>) -> Self {
        Self { rows, ..self }
    }

    /// The tables that conditions look into.
    #[must_use]
    pub const fn rows(&self) -> &BTreeMap<Arc<str>, Arc<Rows>> {
        &self.rows
    }

    /// Where the company is.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The same flows, in a company of these languages.
    #[must_use]
    pub fn with_languages(self, languages: Languages) -> Self {
        Self { languages, ..self }
    }

    /// What callers can be spoken to in.
    #[must_use]
    pub const fn languages(&self) -> &Languages {
        &self.languages
    }

    /// The same flows in a company with these numbers that lead to users, each with its user: a menu with `direct_dial` takes
    /// them as extensions. What such menus and the numbers do not agree on is in `faults` then.
    #[must_use]
    pub fn with_extensions(self, numbers: impl IntoIterator<Item = (Arc<str>, Arc<str>)>, faults: &Faults) -> Self {
        let extensions = Extensions::new(numbers);
        self.iter().for_each(|flow| extensions.check(flow, faults));
        Self { extensions, ..self }
    }

    pub(crate) const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// True if one of them reads earlier calls of a caller's number ([`crate::Facts::calls_today`]); else nobody need know them.
    #[must_use]
    pub const fn ask_for_repeats(&self) -> bool {
        self.ask_for_repeats
    }

    /// True if one of them asks for a secret.
    pub(crate) fn ask_for_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// True if a variable holds a secret, or something made of one.
    pub(crate) fn is_secret(&self, variable: &str) -> bool {
        self.secrets.contains(variable)
    }

    /// The flow of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Flow>> {
        self.by_name.get(name)
    }

    /// All flows, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.by_name.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Takes from `older` the flows and tables that did not change, so that the sets hold each but once.
    pub fn share(&mut self, older: &Self) {
        for (name, flow) in &mut self.by_name {
            if let Some(same) = older.get(name).filter(|older| older.hash() == flow.hash()) {
                *flow = Arc::clone(same);
            }
        }
        for (name, rows) in &mut self.rows {
            if let Some(same) = older.rows.get(name).filter(|older| *older == rows) {
                *rows = Arc::clone(same);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_that_did_not_change_are_shared_by_both_sets() {
        let read = |second: &str| {
            let text = |prompt: &str| format!("version: 1\nnodes:\n  a: {{play: {prompt}, next: hangup}}\n");
            let (one, two) = (Source::new("one.yaml", text("p")), Source::new("two.yaml", text(second)));
            Flows::read([("one", &one), ("two", &two)], &Faults::default()).unwrap()
        };
        let (old, mut new) = (read("p"), read("q"));
        new.share(&old);
        let shared = |name| Arc::ptr_eq(old.get(name).unwrap(), new.get(name).unwrap());
        assert_eq!((shared("one"), shared("two")), (true, false));
    }
}
