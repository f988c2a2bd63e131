//! The envelope of everything that is journaled.

use base::{CallId, Wall};
use serde::{Deserialize, Serialize};

use crate::Kind;

/// One thing that happened. One line of the journal: a flat JSON object with `seq`, `at`, `call`, `event` and the fields
/// of the kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Number within the call, from 0 without a gap; within the run of the switch for events without a call.
    pub seq: u32,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub at: Wall,
    /// The call; none for what concerns the whole switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: Kind,
}
