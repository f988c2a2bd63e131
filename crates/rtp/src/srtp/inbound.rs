//! What a peer sends: any stream under its master key, and their reports.

use std::fmt;

use super::SrtpError;
use super::cipher::{Cipher, Place};
use super::suite::MasterKey;
use super::window::{Window, estimate};
use crate::RtpError;
use crate::packet::{header_length, rtp_place};
use crate::rtcp;

/// Streams that a peer may begin under one key. Phones that begin a new one after each hold get far with it; what came
/// of each must be remembered, lest it be played again.
pub const MAX_STREAMS: usize = 64;

/// A master key identifier: what each of the peer's packets bears behind the encrypted part, if its SDP says so (RFC 3711
/// section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mki {
    value: u64,
    length: u8,
}

impl Mki {
    /// The identifier of that value with that many octets, 1–128 (RFC 4568 section 6.1); `None` if it does not fit in them.
    #[must_use]
    pub const fn new(value: u64, length: u8) -> Option<Self> {
        let fits = length >= 8 || value >> (length as u32 * 8) == 0;
        if length == 0 || length > 128 || !fits {
            return None;
        }
        Some(Self { value, length })
    }

    pub(crate) const fn length(self) -> usize {
        self.length as usize
    }

    /// Cuts the identifier off the end of `octets`.
    pub(crate) fn cut(mki: Option<Self>, octets: &mut [u8]) -> Result<&mut [u8], SrtpError> {
        let Some(mki) = mki else { return Ok(octets) };
        let length = octets.len().checked_sub(mki.length()).ok_or(RtpError::TooShort)?;
        let (rest, found) = octets.split_at_mut_checked(length).ok_or(RtpError::TooShort)?;
        let expected = mki.value.to_be_bytes().into_iter().rev().chain(std::iter::repeat(0));
        if found.iter().rev().zip(expected).any(|(found, expected)| *found != expected) {
            return Err(SrtpError::Mki);
        }
        Ok(rest)
    }
}

/// Opens what a peer sends under one master key.
pub struct Inbound {
    master: MasterKey,
    mki: Option<Mki>,
    rtp: Cipher,
    rtcp: Cipher,
    streams: Streams,
    reports: Streams,
}

impl Inbound {
    /// Nothing was received yet.
    #[must_use]
    pub fn new(master: &MasterKey, mki: Option<Mki>) -> Self {
        let (rtp, rtcp) = (Cipher::new(master, false), Cipher::new(master, true));
        Self { master: *master, mki, rtp, rtcp, streams: Streams::default(), reports: Streams::default() }
    }

    /// What it opens with.
    #[must_use]
    pub const fn master(&self) -> (&MasterKey, Option<Mki>) {
        (&self.master, self.mki)
    }

    /// Opens an RTP packet in place and returns its length then.
    ///
    /// # Errors
    /// [`SrtpError`] if it does not prove itself or came before; it is unchanged then.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let header = header_length(packet)?;
        let (ssrc, sequence) = rtp_place(packet)?;
        if let Some(window) = self.streams.find(ssrc) {
            let index = estimate(window.highest(), sequence);
            if !window.is_new(index) {
                return Err(SrtpError::Replayed);
            }
            let length = self.rtp.open_rtp(Place { ssrc, index }, packet, header, self.mki)?;
            window.note(index);
            return Ok(length);
        }
        self.streams.check_room()?;
        let first = u64::from(sequence);
        let mut opened =
            self.rtp.open_rtp(Place { ssrc, index: first }, packet, header, self.mki).map(|length| (first, length));
        // Its sequence number may have wrapped before its first packet came through, if it began with a high one.
        if opened == Err(SrtpError::Unauthentic) && sequence < 0x8000 {
            let index = first + 0x1_0000;
            opened = self.rtp.open_rtp(Place { ssrc, index }, packet, header, self.mki).map(|length| (index, length));
        }
        let (index, length) = opened?;
        self.streams.insert(ssrc, index);
        Ok(length)
    }

    /// Opens an RTCP packet in place and returns its length then.
    ///
    /// # Errors
    /// [`SrtpError`] if it does not prove itself or came before; it is unchanged then.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = rtcp::ssrc(packet)?;
        let index = u64::from(self.rtcp.rtcp_index(packet, self.mki)?);
        let place = Place { ssrc, index };
        if let Some(window) = self.reports.find(ssrc) {
            if !window.is_new(index) {
                return Err(SrtpError::Replayed);
            }
            let length = self.rtcp.open_rtcp(place, packet, self.mki)?;
            window.note(index);
            return Ok(length);
        }
        self.reports.check_room()?;
        let length = self.rtcp.open_rtcp(place, packet, self.mki)?;
        self.reports.insert(ssrc, index);
        Ok(length)
    }

    #[cfg(test)]
    pub(super) fn of_session(rtp: Cipher, rtcp: Cipher, master: MasterKey) -> Self {
        Self { master, mki: None, rtp, rtcp, streams: Streams::default(), reports: Streams::default() }
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("master", &self.master).field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// What was seen of each stream that has proven itself.
#[derive(Debug, Default)]
struct Streams {
    windows: Vec<(u32, Window)>,
    /// Where the last one stood: nearly always the one that is looked for.
    last: usize,
}

impl Streams {
    fn find(&mut self, ssrc: u32) -> Option<&mut Window> {
        if self.windows.get(self.last).is_none_or(|(found, _)| *found != ssrc) {
            self.last = self.windows.iter().position(|(found, _)| *found == ssrc)?;
        }
        self.windows.get_mut(self.last).map(|(_, window)| window)
    }

    const fn check_room(&self) -> Result<(), SrtpError> {
        if self.windows.len() >= MAX_STREAMS { Err(SrtpError::TooManyStreams) } else { Ok(()) }
    }

    fn insert(&mut self, ssrc: u32, index: u64) {
        self.last = self.windows.len();
        self.windows.push((ssrc, Window::new(index)));
    }
}
