//! What a leg's media carried.

use base::LegId;
use serde::{Deserialize, Serialize};

use crate::Name;
use crate::words::is_zero;

/// What a leg's media carried, told when it closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaStats {
    /// The leg.
    pub leg: LegId,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets received.
    pub received: u64,
    /// Packets of the peer that were lost on the way (RFC 3550 A.3; doubles can make it negative).
    pub lost: i64,
    /// Packets that came too late to be heard, or doubled.
    pub discarded: u64,
    /// Interarrival jitter at the end, in microseconds (RFC 3550 section 6.4.1).
    pub jitter_us: u32,
    /// What the audio was encrypted by, as SDP names it (RFC 4568); none if it went in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srtp: Option<Name>,
    /// Packets on an encrypted leg that did not prove themselves: of strangers, changed, or in clear.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unauthentic: u64,
    /// Packets on an encrypted leg that came twice, or too late to tell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replayed: u64,
}
