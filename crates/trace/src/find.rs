//! A call's messages found again.

use std::collections::BTreeSet;

use base::CallId;

use crate::{Packet, records};

/// Whose messages are looked for. Every file is shown twice: first to [`Wanted::learn`], then to [`Wanted::pick`], as a
/// call's second Call-ID may become known in a later file than its first message stands in.
#[derive(Clone, Debug)]
pub struct Wanted {
    call: Option<CallId>,
    call_ids: BTreeSet<Vec<u8>>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The messages; [`Found::sort`] brings them into the order of their times.
    pub packets: Vec<Packet>,
    /// True if there were more of them than are kept of a Call-ID.
    pub cut: bool,
}

impl Wanted {
    /// All legs of a call.
    #[must_use]
    pub fn call(call: CallId) -> Self {
        Self { call: Some(call), call_ids: BTreeSet::new() }
    }

    /// One SIP Call-ID.
    #[must_use]
    pub fn call_id(call_id: &str) -> Self {
        Self { call: None, call_ids: [call_id.as_bytes().to_vec()].into() }
    }

    /// Looks which Call-IDs of a file belong to the call.
    pub fn learn(&mut self, file: &[u8]) {
        for record in records(file) {
            if let crate::Record::Call { call, call_id } = record
                && self.call == Some(call)
            {
                self.call_ids.insert(call_id.to_vec());
            }
        }
    }

    /// Takes the messages of a file.
    pub fn pick(&self, file: &[u8], found: &mut Found) {
        for record in records(file) {
            match record {
                crate::Record::Message { call_id, packet } if self.call_ids.contains(call_id) => {
                    found.packets.push(packet);
                }
                crate::Record::Full { call_id } => found.cut |= self.call_ids.contains(call_id),
                _ => {}
            }
        }
    }
}

impl Found {
    /// Sorts the messages by time; of those with one time the first that was written comes first.
    pub fn sort(&mut self) {
        self.packets.sort_by_key(|packet| packet.at);
    }
}
