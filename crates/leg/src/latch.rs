//! Which source is the peer: symmetric RTP (RFC 4961) with the least trust that NATs allow.
//!
//! The signalled address counts at once. Another counts only after a short window in which the signalled one was
//! silent, and only if it sends what looks like one stream of the call. Once latched, the source moves by a new
//! offer/answer, or after it fell silent for a while. All else is a stranger, who hears and changes nothing.
//!
//! A new address, and the end of a hold, open the window again; meanwhile the source of before still counts, so that no
//! word is lost while the peer moves. A peer that holds sends nothing or its own music: nobody takes its place then.

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

/// How long after an offer/answer the signalled address takes over with its first packet, whoever is latched.
const PRECEDENCE: Duration = Duration::from_secs(5);

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
    /// When the last offer/answer named the signalled address.
    named: Mono,
    source: Option<SocketAddr>,
    standing: Standing,
    /// The peer should send all the time: it does not hold.
    expected: bool,
    /// When the window began, or the last packet of the latched source came.
    since: Mono,
    candidates: Option<Box<[Option<Candidate>; CANDIDATES]>>,
}

/// What the latched source is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// It is the peer's.
    #[default]
    Sure,
    /// It is of before a hold, in which a NAT may have forgotten it.
    Resumed,
    /// It is of before the present address was signalled; nothing is sent there any more.
    Former,
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
    /// Takes up what an offer/answer says: the peer's address, and whether it should send all the time. The latched
    /// source stays if neither is new (a refreshed session, a change of codec); else it is in doubt.
    pub(crate) fn start(&mut self, now: Mono, signalled: Option<SocketAddr>, expected: bool) {
        if signalled.is_some() && signalled != self.signalled {
            self.signalled = signalled;
            self.standing = Standing::Former;
        } else if expected && !self.expected && self.standing == Standing::Sure {
            self.standing = Standing::Resumed;
        }
        self.expected = expected;
        self.named = now;
        self.since = now;
        self.candidates = None;
    }

    /// True for packets that are the peer's whatever is in them: of its source, or of the signalled address while that
    /// takes precedence.
    pub(crate) fn knows(&self, now: Mono, source: SocketAddr) -> bool {
        let precedes = self.source.is_none() || now.since(self.named) < PRECEDENCE;
        self.source == Some(source) || (self.signalled == Some(source) && precedes)
    }

    /// Judges a packet whose payload type is one of the call's.
    pub(crate) fn admit(&mut self, now: Mono, source: SocketAddr, header: &Header) -> Verdict {
        if self.source == Some(source) {
            self.since = now;
            self.candidates = None;
            if now.since(self.named) >= WINDOW {
                self.standing = Standing::Sure;
            }
            return Verdict::Peer;
        }
        if self.knows(now, source) {
            return self.latch(now, source);
        }
        let Some(known) = self.source.or(self.signalled) else { return Verdict::Stranger };
        let open = self.source.is_none() || self.standing != Standing::Sure;
        let quiet = match known.ip() == source.ip() {
            _ if open => WINDOW,
            true => SILENCE,
            false => SILENCE_OTHER,
        };
        let held = !self.expected && (!open || now.since(self.named) >= PRECEDENCE);
        if held || (!open && now.since(self.since) < quiet) {
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
        self.source.filter(|_| self.standing != Standing::Former).or(self.signalled)
    }

    /// The only source to receive from; `None` while others may be heard out.
    pub(crate) fn only_source(&self, now: Mono) -> Option<SocketAddr> {
        let alone = self.is_as_signalled() || now.since(self.named) >= PRECEDENCE;
        let sure = alone && self.standing == Standing::Sure;
        self.source.filter(|_| sure && now.since(self.since) < SILENCE)
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
        self.standing = Standing::Sure;
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
        latch.start(at(0), Some(PHONE.parse().unwrap()), true);
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

    /// A phone behind a NAT that has held for a minute.
    fn held() -> Latch {
        let mut latch = latch();
        stream(&mut latch, NAT, 0, 1000);
        latch.start(at(10_000), Some(PHONE.parse().unwrap()), false);
        latch
    }

    #[test]
    fn the_signalled_address_takes_over_from_whoever_was_first_for_5_s_only() {
        let mut latch = latch();
        assert_eq!(stream(&mut latch, NAT, 0, 1000), Some(300));
        assert_eq!(latch.only_source(at(1000)), None, "the phone may yet speak");
        assert_eq!(latch.admit(at(1000), PHONE.parse().unwrap(), &header(9, 1)), Verdict::Latched(true));
        assert_eq!(stream(&mut latch, NAT, 1000, 2000), None);
        let mut late = self::latch();
        for ms in (0..5000).step_by(20) {
            late.admit(at(ms), NAT.parse().unwrap(), &header(1, (ms / 20) as u16));
        }
        assert_eq!(late.only_source(at(5000)), Some(NAT.parse().unwrap()));
        assert_eq!(late.admit(at(5000), PHONE.parse().unwrap(), &header(9, 1)), Verdict::Stranger);
    }

    #[test]
    fn nobody_takes_the_place_of_a_peer_that_holds() {
        let mut latch = held();
        assert_eq!(stream(&mut latch, "10.6.6.6:1000", 10_000, 70_000), None);
        assert_eq!(latch.destination(), Some(NAT.parse().unwrap()));
        assert_eq!(latch.admit(at(70_000), NAT.parse().unwrap(), &header(1, 1)), Verdict::Peer, "its own music");
    }

    #[test]
    fn who_moves_as_he_holds_may_be_behind_a_nat_for_as_long_as_his_address_is_new() {
        let moved = || {
            let mut latch = latch();
            stream(&mut latch, PHONE, 0, 20);
            latch.start(at(1000), Some("10.0.0.2:4000".parse().unwrap()), false);
            latch
        };
        assert_eq!(stream(&mut moved(), NAT, 1000, 2000), Some(1300), "his own music");
        assert_eq!(stream(&mut moved(), NAT, 6000, 70_000), None);
    }

    #[test]
    fn after_a_hold_the_source_of_before_counts_at_once_and_a_nats_new_one_after_the_window() {
        let mut same = held();
        same.start(at(70_000), Some(PHONE.parse().unwrap()), true);
        assert_eq!(same.destination(), Some(NAT.parse().unwrap()), "sent to without a gap");
        assert_eq!(stream(&mut same, NAT, 70_000, 70_020), Some(70_000));
        for ms in (70_020..72_000).step_by(20) {
            assert_eq!(same.admit(at(ms), NAT.parse().unwrap(), &header(1, 1)), Verdict::Peer);
            let other = same.admit(at(ms), "10.9.9.9:6002".parse().unwrap(), &header(2, (ms / 20) as u16));
            assert_eq!(other, Verdict::Stranger, "it goes on as before");
        }
        let mut other = held();
        other.start(at(70_000), Some(PHONE.parse().unwrap()), true);
        assert_eq!(stream(&mut other, "10.9.9.9:6002", 70_000, 71_000), Some(70_300));
    }

    #[test]
    fn while_the_peer_moves_its_source_of_before_is_heard_and_the_new_address_sent_to() {
        let mut latch = latch();
        stream(&mut latch, PHONE, 0, 20);
        latch.start(at(1000), Some("10.0.0.2:4000".parse().unwrap()), true);
        assert_eq!(latch.destination(), Some("10.0.0.2:4000".parse().unwrap()));
        assert_eq!(latch.only_source(at(1000)), None);
        assert_eq!(latch.admit(at(1001), PHONE.parse().unwrap(), &header(1, 50)), Verdict::Peer);
        assert_eq!(latch.admit(at(1020), "10.0.0.2:4000".parse().unwrap(), &header(1, 51)), Verdict::Latched(true));
        assert_eq!(latch.admit(at(1021), PHONE.parse().unwrap(), &header(1, 50)), Verdict::Stranger);
    }

    #[test]
    fn a_peer_that_says_it_moved_and_sends_from_where_it_was_is_sent_to_there_after_the_window() {
        let mut latch = latch();
        stream(&mut latch, NAT, 0, 1000);
        latch.start(at(1000), Some("10.0.0.2:4000".parse().unwrap()), true);
        for ms in (1000..1320).step_by(20) {
            assert_eq!(latch.admit(at(ms), NAT.parse().unwrap(), &header(1, 50)), Verdict::Peer);
        }
        assert_eq!(latch.destination(), Some(NAT.parse().unwrap()));
    }

    #[test]
    fn a_session_that_is_only_refreshed_keeps_its_source() {
        let mut latch = latch();
        stream(&mut latch, NAT, 0, 1000);
        latch.start(at(1000), Some(PHONE.parse().unwrap()), true);
        assert_eq!(latch.destination(), Some(NAT.parse().unwrap()));
        assert_eq!(stream(&mut latch, "10.6.6.6:1000", 1000, 2800), None, "no window for others");
    }
}
