//! What we send: one stream and its reports.

use std::fmt;

use super::SrtpError;
use super::cipher::{Cipher, Place};
use super::suite::MasterKey;
use super::window::estimate;
use crate::packet::{header_length, rtp_place};
use crate::rtcp;

/// The last index of a stream (RFC 3711 section 3.3.1) and of its reports (section 3.4).
const LAST: u64 = (1 << 48) - 1;
const LAST_REPORT: u64 = (1 << 31) - 1;

/// Protects one stream of ours, and its reports.
///
/// No two streams may share a master key and an SSRC; that each leg has keys of its own sees to it.
pub struct Outbound {
    master: MasterKey,
    rtp: Cipher,
    rtcp: Cipher,
    /// The index of the last packet.
    last: Option<u64>,
    next_report: u64,
}

impl Outbound {
    /// A stream that begins.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        let (rtp, rtcp) = (Cipher::new(master, false), Cipher::new(master, true));
        Self { master: *master, rtp, rtcp, last: None, next_report: 0 }
    }

    /// What it protects with.
    #[must_use]
    pub const fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Protects the RTP packet in the first `length` octets of `packet`, whose sequence number is above that of the one
    /// before. Returns its new length, at most [`super::RTP_TRAILER`] more.
    ///
    /// # Errors
    /// [`SrtpError`] if it is no RTP packet, there is no room, or its index was used.
    pub fn protect_rtp(&mut self, packet: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let clear = packet.get(..length).ok_or(SrtpError::NoRoom)?;
        let header = header_length(clear)?;
        let (ssrc, sequence) = rtp_place(clear)?;
        let index = self.last.map_or(u64::from(sequence), |last| estimate(last, sequence));
        if self.last.is_some_and(|last| index <= last) || index > LAST {
            return Err(SrtpError::UsedUp);
        }
        let length = self.rtp.seal_rtp(Place { ssrc, index }, packet, header, length)?;
        self.last = Some(index);
        Ok(length)
    }

    /// Protects the RTCP compound in the first `length` octets of `packet`. Returns its new length, at most
    /// [`super::RTCP_TRAILER`] more.
    ///
    /// # Errors
    /// [`SrtpError`] if it is no RTCP packet, there is no room, or the key has protected 2³¹ reports.
    pub fn protect_rtcp(&mut self, packet: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let ssrc = rtcp::ssrc(packet.get(..length).ok_or(SrtpError::NoRoom)?)?;
        let index = self.next_report;
        if index > LAST_REPORT {
            return Err(SrtpError::UsedUp);
        }
        let length = self.rtcp.seal_rtcp(Place { ssrc, index }, packet, length)?;
        self.next_report += 1;
        Ok(length)
    }

    #[cfg(test)]
    pub(super) fn of_session(rtp: Cipher, rtcp: Cipher, master: MasterKey, next_report: u64) -> Self {
        Self { master, rtp, rtcp, last: None, next_report }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (master, last, next_report) = (&self.master, &self.last, &self.next_report);
        f.debug_struct("Outbound")
            .field("master", master)
            .field("last", last)
            .field("next_report", next_report)
            .finish_non_exhaustive()
    }
}
