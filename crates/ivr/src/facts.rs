//! What a driver knows of a call when it begins.

use std::fmt;

use base::Pii;
use serde::{Deserialize, Serialize};

/// What is known of the call, for conditions to read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The caller's number; empty if he withholds it.
    #[serde(with = "base::revealed")]
    pub caller_number: Pii<String>,
    /// The caller's name; empty if nobody says it.
    #[serde(with = "base::revealed")]
    pub caller_name: Pii<String>,
    /// The number that he dialled.
    pub dialled: String,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("dialled", &self.dialled).finish_non_exhaustive()
    }
}
