//! The protection of a leg: what it sends is sealed, what it receives opened (SRTP, RFC 3711), if that was agreed on.

use std::time::Duration;

use base::Mono;
use rtp::srtp::{Inbound, Outbound, SrtpError};
use sdp::Srtp;

use crate::control::Stats;

/// How long packets under the peer's former key count after it told a new one: they were on their way.
const FORMER: Duration = Duration::from_secs(2);

/// Both directions of one leg. A key that was told again goes on where it was; another one begins anew.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    /// Whether it is agreed on now.
    on: bool,
    outbound: Option<Box<Outbound>>,
    inbound: Option<Box<Inbound>>,
    former: Option<(Box<Inbound>, Mono)>,
}

impl Protection {
    /// Takes up what offer and answer agreed.
    pub(crate) fn start(&mut self, now: Mono, agreed: Option<&Srtp>) {
        self.on = agreed.is_some();
        let Some(Srtp { local, remote, mki }) = agreed else { return };
        // What is in use stays when audio goes in clear for a while, so that no packet is ever counted twice.
        if self.outbound.as_ref().is_none_or(|present| present.master() != local) {
            self.outbound = Some(Box::new(Outbound::new(local)));
        }
        if self.inbound.as_ref().is_none_or(|present| present.master() != (remote, *mki)) {
            let fresh = Box::new(Inbound::new(remote, *mki));
            self.former = self.inbound.replace(fresh).map(|former| (former, now + FORMER));
        }
    }

    /// Seals an RTP packet of `length` octets; its length then. `None` if it must not be sent.
    pub(crate) fn seal_rtp(&mut self, packet: &mut [u8], length: usize) -> Option<usize> {
        match &mut self.outbound {
            Some(outbound) if self.on => outbound.protect_rtp(packet, length).ok(),
            _ => Some(length),
        }
    }

    /// Seals a report of `length` octets; its length then. `None` if it must not be sent.
    pub(crate) fn seal_rtcp(&mut self, packet: &mut [u8], length: usize) -> Option<usize> {
        match &mut self.outbound {
            Some(outbound) if self.on => outbound.protect_rtcp(packet, length).ok(),
            _ => Some(length),
        }
    }

    /// Opens an RTP packet. What does not prove itself is counted, and nothing else follows from it.
    pub(crate) fn open_rtp<'a>(&mut self, now: Mono, packet: &'a mut [u8], stats: &mut Stats) -> Option<&'a [u8]> {
        self.open(now, packet, stats, Inbound::unprotect_rtp)
    }

    /// Opens a report.
    pub(crate) fn open_rtcp<'a>(&mut self, now: Mono, packet: &'a mut [u8], stats: &mut Stats) -> Option<&'a [u8]> {
        self.open(now, packet, stats, Inbound::unprotect_rtcp)
    }

    fn open<'a>(
        &mut self,
        now: Mono,
        packet: &'a mut [u8],
        stats: &mut Stats,
        unprotect: impl Fn(&mut Inbound, &mut [u8]) -> Result<usize, SrtpError>,
    ) -> Option<&'a [u8]> {
        let Some(inbound) = self.inbound.as_mut().filter(|_| self.on) else { return Some(packet) };
        let mut opened = unprotect(inbound, packet);
        if let Some((former, until)) = &mut self.former {
            if now > *until {
                self.former = None;
            } else if opened.is_err() {
                // Of no interest why it does not open either.
                opened = unprotect(former, packet).or(opened);
            }
        }
        match opened {
            Ok(length) => packet.get(..length),
            Err(error) => {
                match error {
                    SrtpError::Malformed(_) => stats.strangers += 1,
                    SrtpError::Replayed => stats.replayed += 1,
                    _ => stats.unauthentic += 1,
                }
                None
            }
        }
    }
}
