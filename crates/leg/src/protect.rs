//! The protection of a leg: what it sends is sealed, what it receives opened (SRTP, RFC 3711), if that was agreed on.

use std::time::Duration;

use base::Mono;
use rtp::srtp::{Inbound, Outbound, SrtpError};
use sdp::Srtp;

use crate::control::Stats;

/// How long packets under the peer's former key count after it told a new one: they were on their way.
const FORMER: Duration = Duration::from_secs(2);

/// Keys whose counts are kept: those of as many places as an INVITE may speak to before it is answered, one after the other and
/// back again.
const KEPT: usize = 16;

/// Both directions of one leg. A key that was told again goes on where it was, also if another one was in use meanwhile, as
/// happens when a call rings at several places: no index of a key is used twice, no packet is taken twice, and a counter that
/// has turned over is still known.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    /// Whether it is agreed on now.
    on: bool,
    outbound: Option<Box<Outbound>>,
    inbound: Option<Box<Inbound>>,
    /// Those that are out of use, the last one first.
    outbounds: Vec<Outbound>,
    inbounds: Vec<Inbound>,
    /// Until when the last one still counts.
    former: Option<Mono>,
}

impl Protection {
    /// Takes up what offer and answer agreed.
    pub(crate) fn start(&mut self, now: Mono, agreed: Option<&Srtp>) {
        self.on = agreed.is_some();
        let Some(Srtp { local, remote, mki }) = agreed else { return };
        // What is in use stays when audio goes in clear for a while, so that no packet is ever counted twice.
        if self.outbound.as_ref().is_none_or(|present| present.master() != local) {
            let next = take(&mut self.outbounds, |kept| kept.master() == local);
            let next = next.unwrap_or_else(|| Outbound::new(local));
            keep(&mut self.outbounds, self.outbound.replace(Box::new(next)));
        }
        if self.inbound.as_ref().is_none_or(|present| present.master() != (remote, *mki)) {
            let next = take(&mut self.inbounds, |kept| kept.master() == (remote, *mki));
            let next = next.unwrap_or_else(|| Inbound::new(remote, *mki));
            self.former = self.inbound.is_some().then(|| now + FORMER);
            keep(&mut self.inbounds, self.inbound.replace(Box::new(next)));
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
        if let Some((former, until)) = self.inbounds.first_mut().zip(self.former) {
            if now > until {
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

/// The first that fits, no longer out of use.
fn take<T>(kept: &mut Vec<T>, fits: impl Fn(&T) -> bool) -> Option<T> {
    kept.iter().position(fits).map(|place| kept.remove(place))
}

/// Keeps what goes out of use before all others.
fn keep<T>(kept: &mut Vec<T>, out_of_use: Option<Box<T>>) {
    if let Some(one) = out_of_use {
        kept.truncate(KEPT - 1);
        kept.insert(0, *one);
    }
}

#[cfg(test)]
mod tests {
    use base::Rng;
    use rtp::srtp::{MasterKey, Suite};

    use super::*;

    const LENGTH: usize = 12 + 4;

    /// A packet with this number.
    fn packet(sequence: u16) -> Vec<u8> {
        let [high, low] = sequence.to_be_bytes();
        let mut packet = vec![0x80, 0, high, low, 0, 0, 0, 0, 1, 2, 3, 4, b'w', b'o', b'r', b'd'];
        packet.resize(LENGTH + 32, 0);
        packet
    }

    fn sealed(by: &mut Outbound, sequence: u16) -> Vec<u8> {
        let mut packet = packet(sequence);
        let length = by.protect_rtp(&mut packet, LENGTH).unwrap();
        packet.truncate(length);
        packet
    }

    /// A place that the call rings at: what it and we seal with, and its own two sides.
    struct Place {
        agreed: Srtp,
        outbound: Outbound,
        inbound: Inbound,
    }

    fn place(suite: Suite, number: u64) -> Place {
        // Our key is that of the offer, the same for all places that choose its suite.
        let local = MasterKey::random(suite, &mut Rng::from_number(1));
        let remote = MasterKey::random(suite, &mut Rng::from_number(number));
        let agreed = Srtp { local, remote, mki: None };
        Place { agreed, outbound: Outbound::new(&remote), inbound: Inbound::new(&local, None) }
    }

    #[test]
    fn a_place_that_comes_back_after_another_one_goes_on_where_it_was() {
        for second in [Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm] {
            let mut one = place(Suite::AesCm128HmacSha1_80, 2);
            let mut other = place(second, 3);
            let (mut protection, mut stats, now) = (Protection::default(), Stats::default(), Mono::ZERO);
            protection.start(now, Some(&one.agreed));
            // Both counters turn over.
            let mut replay = Vec::new();
            for sequence in (65_000..=65_535).chain(0..10) {
                replay = sealed(&mut one.outbound, sequence);
                assert!(protection.open_rtp(now, &mut replay.clone(), &mut stats).is_some());
                let mut ours = packet(sequence);
                let length = protection.seal_rtp(&mut ours, LENGTH).unwrap();
                assert!(one.inbound.unprotect_rtp(&mut ours[..length]).is_ok());
            }
            protection.start(now, Some(&other.agreed));
            assert!(protection.open_rtp(now, &mut sealed(&mut other.outbound, 5), &mut stats).is_some());
            let mut ours = packet(10);
            let length = protection.seal_rtp(&mut ours, LENGTH).unwrap();
            if second != Suite::AesCm128HmacSha1_80 {
                assert!(other.inbound.unprotect_rtp(&mut ours[..length]).is_ok());
            } else {
                // The same key: what is said to the second place goes on under the counter that the first one knows.
                assert!(one.inbound.unprotect_rtp(&mut ours[..length]).is_ok());
            }
            let later = now + FORMER + FORMER;
            assert!(protection.open_rtp(later, &mut sealed(&mut one.outbound, 10), &mut stats).is_none());
            protection.start(later, Some(&one.agreed));
            assert!(protection.open_rtp(later, &mut replay, &mut stats).is_none(), "no packet is taken twice");
            assert_eq!(stats.replayed, 1);
            assert!(protection.open_rtp(later, &mut sealed(&mut one.outbound, 11), &mut stats).is_some());
            let mut ours = packet(11);
            let length = protection.seal_rtp(&mut ours, LENGTH).unwrap();
            assert!(one.inbound.unprotect_rtp(&mut ours[..length]).is_ok(), "no index is used twice");
        }
    }

    #[test]
    fn the_counts_of_a_bounded_number_of_keys_are_kept() {
        let (mut protection, now) = (Protection::default(), Mono::ZERO);
        for number in 2..100 {
            protection.start(now, Some(&place(Suite::AesCm128HmacSha1_80, number).agreed));
        }
        assert_eq!((protection.inbounds.len(), protection.outbounds.len()), (KEPT, 0));
    }
}
