//! Events become records.

use std::collections::BTreeMap;

use base::CallId;

use crate::{Cdr, Event};

/// Folds the events of all calls into one [`Cdr`] a call.
#[derive(Debug, Default)]
pub struct CdrFold {
    live: BTreeMap<CallId, Cdr>,
}

impl CdrFold {
    /// Takes the next event of any call; gives the call's record at its last.
    pub fn feed(&mut self, _event: &Event) -> Option<Cdr> {
        None
    }

    /// Calls that began and did not end.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len()
    }
}
