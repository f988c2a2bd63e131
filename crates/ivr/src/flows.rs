//! All flows of a company, as one set.

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Faults, Source};

use crate::{Flow, Languages};

/// All flows of a company. Immutable once calls are in it: a call keeps the set that it began with, whatever is read later.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    by_name: BTreeMap<Arc<str>, Arc<Flow>>,
    languages: Languages,
}

impl Flows {
    /// Reads flows from their files, each with its name, and checks them together. `None` if one has a fault; all of them are
    /// in `faults` then.
    #[must_use]
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a Source)>, faults: &Faults) -> Option<Self> {
        let before = faults.len();
        let flows: Self =
            files.into_iter().filter_map(|(name, source)| Flow::read(name, source, faults)).map(Arc::new).collect();
        (faults.len() == before).then_some(flows)
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

    /// Takes from `older` the flows that did not change, so that the sets hold each but once.
    pub fn share(&mut self, older: &Self) {
        for (name, flow) in &mut self.by_name {
            if let Some(same) = older.get(name).filter(|older| older.hash() == flow.hash()) {
                *flow = Arc::clone(same);
            }
        }
    }
}

impl FromIterator<Arc<Flow>> for Flows {
    fn from_iter<I: IntoIterator<Item = Arc<Flow>>>(flows: I) -> Self {
        let by_name = flows.into_iter().map(|flow| (Arc::clone(flow.name()), flow)).collect();
        Self { by_name, languages: Languages::default() }
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
