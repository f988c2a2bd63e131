//! Small records of what happens to callers who wait.

use serde::{Deserialize, Serialize};

/// What a caller who waits was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// His place, from 1 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// From how many to how many minutes he will wait; the first is 0 if he heard “less than”.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_minutes: Option<[u32; 2]>,
}
