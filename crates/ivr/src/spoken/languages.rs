//! All languages of a company.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Table;

/// The languages that a company's callers can hear, and how each says numbers and the like. A clone shares the tables.
#[derive(Clone, Debug)]
pub struct Languages {
    usual: Arc<str>,
    tables: BTreeMap<Arc<str>, Arc<Table>>,
}

impl Languages {
    /// The languages of these tables. Callers hear `usual` until a flow says otherwise.
    #[must_use]
    pub fn new(usual: Arc<str>, tables: impl IntoIterator<Item = Arc<Table>>) -> Self {
        let tables = tables.into_iter().map(|table| (Arc::clone(table.language()), table)).collect();
        Self { usual, tables }
    }

    /// The language that callers hear first.
    #[must_use]
    pub const fn usual(&self) -> &Arc<str> {
        &self.usual
    }

    /// The table of a language; of the usual one if there is none of that name (any more).
    #[must_use]
    pub fn table(&self, language: &str) -> Option<&Arc<Table>> {
        self.tables.get(language).or_else(|| self.tables.get(&self.usual))
    }

    /// All tables, by the name of their language.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }
}

/// One language without a table.
impl Default for Languages {
    fn default() -> Self {
        Self::new("en".into(), [Arc::new(Table::digits_only("en"))])
    }
}
