//! How much is kept.

use std::time::Duration;

/// What is kept of what calls say on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traces {
    /// Whether anything is.
    pub on: bool,
    /// Octets of all files together.
    pub size: u64,
    /// How long a file is kept after its last message.
    pub keep: Duration,
    /// Messages of one SIP Call-ID.
    pub per_call: u32,
}

impl Default for Traces {
    fn default() -> Self {
        Self { on: true, size: 256 << 20, keep: Duration::from_secs(7 * 24 * 3600), per_call: 500 }
    }
}
