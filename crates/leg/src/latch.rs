//! Which source is the peer: symmetric RTP (RFC 4961) with the least trust that NATs allow.
//!
//! The signalled address counts at once. Another counts only after a short window in which the signalled one was
//! silent, and only if it sends what looks like one stream of the call. Once latched, the source moves by a new
//! offer/answer, or after it fell silent for a while. All else is a stranger, who hears and changes nothing.

use std::net::SocketAddr;
use std::time::Duration;

use base::Mono;
use rtp::Header;

/// How long the signalled address alone counts.
const WINDOW: Duration = Duration::from_millis(300);

/// How long a latched source must be silent before another port of its address may follow (a NAT's new binding).
const SILENCE: Duration = Duration::from_secs(2);

/// How long it must be silent before another address may follow.
const SILENCE_OTHER: Duration = Duration::from_secs(5);

/// Packets in sequence that make a plausible stream, and the least time that they take.
const PLAUSIBLE: (u16, Duration) = (5, Duration::from_millis(60));

/// How far the sequence numbers of a plausible stream may skip.
const MAX_SKIP: u16 = 10;

/// For so long after its packet a source that is watched is not displaced by another: time for its next two.
const KEEP: Duration = Duration::from_millis(50);

/// Sources watched at once.
const CANDIDATES: usize = 4;

/// The state of one leg's latch.
#[derive(Debug, Default)]
pub(crate) struct Latch {
    signalled: Option<SocketAddr>,
    source: Option<SocketAddr>,
    /// When the window began, or the last packet of the latched source came.
    since: Mono,
    candidates: Option<Box<[Option<Candidate>; CANDIDATES]>>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    packets: u16,
    first: Mono,
    last: Mono,
}

/// Whose packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The peer's.
    Peer,
    /// The peer's, whose address this packet made known; `true` if another was known before.
    Latched(bool),
    /// Nobody's: to be ignored.
    Stranger,
}

impl Latch {
    /// Takes up a signalled address. The latched source stays if the address is the one that was signalled before
    /// (hold, resume, change of codec).
    pub(crate) fn start(&mut self, now: Mono, signalled: Option<SocketAddr>) {
        self.since = now;
        self.candidates = None;
        if signalled.is_some() && signalled != self.signalled {
            self.signalled = signalled;
            self.source = None;
        }
    }

    /// Judges a packet whose payload type is one of the call's.
    pub(crate) fn admit(&mut self, now: Mono, source: SocketAddr, header: &Header) -> Verdict {
        if self.source == Some(source) {
            self.since = now;
            self.candidates = None;
            return Verdict::Peer;
        }
        if self.source.is_none() && self.signalled == Some(source) {
            return self.latch(now, source);
        }
        let Some(known) = self.source.or(self.signalled) else { return Verdict::Stranger };
        let quiet = match self.source {
            None => WINDOW,
            Some(_) if known.ip() == source.ip() => SILENCE,
            Some(_) => SILENCE_OTHER,
        };
        if now.since(self.since) < quiet && self.source.is_some() {
            return Verdict::Stranger;
        }
        // Within the window a stream may already prove itself, but does not count yet.
        if self.is_plausible(now, source, header) && now.since(self.since) >= quiet {
            return self.latch(now, source);
        }
        Verdict::Stranger
    }

    /// Where to send: to the peer's source, or until it is known to the signalled address.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        self.source.or(self.signalled)
    }

    /// The only source to receive from; `None` while others may be heard out.
    pub(crate) fn only_source(&self, now: Mono) -> Option<SocketAddr> {
        self.source.filter(|_| now.since(self.since) < SILENCE)
    }

    /// The source that was latched.
    pub(crate) const fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    /// True if RTP goes where it was signalled to.
    pub(crate) fn is_as_signalled(&self) -> bool {
        self.source.is_none() || self.source == self.signalled
    }

    fn latch(&mut self, now: Mono, source: SocketAddr) -> Verdict {
        let moved = self.source.is_some();
        self.source = Some(source);
        self.since = now;
        self.candidates = None;
        Verdict::Latched(moved)
    }

    /// Counts a packet of an unknown source; true if its stream is plausible by now.
    fn is_plausible(&mut self, now: Mono, source: SocketAddr, header: &Header) -> bool {
        let fresh =
            Candidate { source, ssrc: header.ssrc, sequence: header.sequence, packets: 1, first: now, last: now };
        let candidates = self.candidates.get_or_insert_default();
        let known = candidates.iter_mut().flatten().find(|candidate| candidate.source == source);
        let Some(candidate) = known else {
            // An empty place, else that of the one of which the least was seen. Who sprays from many addresses holds
            // each place for a short time only, and cannot displace a stream that goes on.
            let places = candidates.iter_mut().filter(|slot| slot.is_none_or(|held| now.since(held.last) >= KEEP));
            if let Some(slot) = places.min_by_key(|slot| slot.map_or(0, |held| held.packets)) {
                *slot = Some(fresh);
            }
            return false;
        };
        let step = header.sequence.wrapping_sub(candidate.sequence);
        if candidate.ssrc != header.ssrc || !(1..=MAX_SKIP).contains(&step) {
            *candidate = fresh;
            return false;
        }
        candidate.sequence = header.sequence;
        candidate.packets = candidate.packets.saturating_add(1);
        candidate.last = now;
        candidate.packets >= PLAUSIBLE.0 && now.since(candidate.first) >= PLAUSIBLE.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "10.0.0.1:4000";
    const NAT: &str = "10.9.9.9:6000";

    fn at(ms: u64) -> Mono {
        Mono::from_nanos(ms * 1_000_000)
    }

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc }
    }

    fn latch() -> Latch {
        let mut latch = Latch::default();
        latch.start(at(0), Some(PHONE.parse().unwrap()));
        latch
    }

    /// Sends a packet each 20 ms; the time of the first that was the peer's.
    fn stream(latch: &mut Latch, source: &str, from: u64, to: u64) -> Option<u64> {
        (from..to).step_by(20).find(|&ms| {
            let sequence = (ms / 20) as u16;
            latch.admit(at(ms), source.parse().unwrap(), &header(1, sequence)) != Verdict::Stranger
        })
    }

    #[test]
    fn the_signalled_address_counts_from_its_first_packet() {
        let mut latch = latch();
        assert_eq!(latch.admit(at(5), PHONE.parse().unwrap(), &header(1, 1)), Verdict::Latched(false));
        assert_eq!(latch.admit(at(25), PHONE.parse().unwrap(), &header(1, 2)), Verdict::Peer);
        assert_eq!(latch.only_source(at(30)), Some(PHONE.parse().unwrap()));
    }

    #[test]
    fn another_address_counts_after_the_window_if_its_stream_is_plausible() {
        let mut latch = latch();
        assert_eq!(latch.destination(), Some(PHONE.parse().unwrap()));
        assert_eq!(stream(&mut latch, NAT, 0, 1000), Some(300));
        assert_eq!(latch.destination(), Some(NAT.parse().unwrap()));
        assert!(!latch.is_as_signalled());
    }

    #[test]
    fn a_stream_that_begins_after_the_window_needs_five_packets() {
        assert_eq!(stream(&mut latch(), NAT, 1000, 2000), Some(1080));
    }

    #[test]
    fn the_signalled_address_wins_over_another_within_the_window() {
        let mut latch = latch();
        assert_eq!(stream(&mut latch, NAT, 0, 280), None);
        assert_eq!(latch.admit(at(281), PHONE.parse().unwrap(), &header(9, 1)), Verdict::Latched(false));
        assert_eq!(stream(&mut latch, NAT, 290, 1500), None);
    }

    #[test]
    fn packets_without_order_or_with_changing_ssrc_are_no_stream() {
        let mut latch = latch();
        for n in 0..200u16 {
            let now = at(u64::from(n) * 20);
            assert_eq!(latch.admit(now, NAT.parse().unwrap(), &header(1, n.wrapping_mul(977))), Verdict::Stranger);
            let other = "10.8.8.8:1".parse().unwrap();
            assert_eq!(latch.admit(now, other, &header(u32::from(n), n)), Verdict::Stranger);
        }
    }

    #[test]
    fn a_burst_at_once_is_no_stream() {
        let mut latch = latch();
        for n in 0..50 {
            assert_eq!(latch.admit(at(1000), NAT.parse().unwrap(), &header(1, n)), Verdict::Stranger);
        }
    }

    #[test]
    fn many_sprayers_do_not_keep_the_peer_behind_a_nat_out() {
        let mut latch = latch();
        let mut rng = base::Rng::from_number(1);
        let latched = (0..250u16).find(|&n| {
            let now = at(u64::from(n) * 20);
            // 20 packets each 20 ms, all from new addresses but the peer's, which comes at a random place.
            let turn = rng.below(20);
            (0..20u16).any(|place| {
                let peer = u32::from(place) == turn;
                let sprayer = SocketAddr::from(([10, 7, 7, 7], place + n * 20));
                let source = if peer { NAT.parse().unwrap() } else { sprayer };
                let latched = latch.admit(now, source, &header(1, n)) != Verdict::Stranger;
                assert!(peer || !latched);
                latched
            })
        });
        assert!(latched.is_some_and(|n| n < 150), "{latched:?}");
    }

    #[test]
    fn a_latched_source_is_not_displaced_while_it_sends() {
        let mut latch = latch();
        for n in 0..500u16 {
            let now = at(u64::from(n) * 20);
            assert_ne!(latch.admit(now, PHONE.parse().unwrap(), &header(1, n)), Verdict::Stranger);
            assert_eq!(latch.admit(now, NAT.parse().unwrap(), &header(2, n)), Verdict::Stranger);
        }
    }

    #[test]
    fn another_port_follows_2_s_after_the_source_fell_silent_another_address_5_s() {
        let mut near = latch();
        near.admit(at(0), PHONE.parse().unwrap(), &header(1, 1));
        assert_eq!(stream(&mut near, "10.0.0.1:4002", 20, 9000), Some(2080));
        let mut far = latch();
        far.admit(at(0), PHONE.parse().unwrap(), &header(1, 1));
        assert_eq!(far.only_source(at(2000)), None);
        assert_eq!(stream(&mut far, NAT, 20, 9000), Some(5080));
    }

    #[test]
    fn a_source_that_comes_back_is_the_peer_still() {
        let mut latch = latch();
        latch.admit(at(0), PHONE.parse().unwrap(), &header(1, 1));
        assert_eq!(stream(&mut latch, NAT, 4000, 4900), None);
        assert_eq!(latch.admit(at(4900), PHONE.parse().unwrap(), &header(1, 2)), Verdict::Peer);
        assert_eq!(stream(&mut latch, NAT, 4920, 6000), None);
    }

    #[test]
    fn a_new_signalled_address_latches_anew_and_the_same_one_keeps_the_source() {
        let mut latch = latch();
        stream(&mut latch, NAT, 0, 1000);
        latch.start(at(1000), Some(PHONE.parse().unwrap()));
        assert_eq!(latch.source(), Some(NAT.parse().unwrap()), "hold and resume behind a NAT");
        latch.start(at(2000), Some("10.0.0.2:4000".parse().unwrap()));
        assert_eq!(latch.destination(), Some("10.0.0.2:4000".parse().unwrap()));
        assert_eq!(latch.only_source(at(2000)), None);
    }
}
