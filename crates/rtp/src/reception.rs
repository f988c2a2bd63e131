//! What arrived of one stream: sequence numbers, loss and jitter as RFC 3550 appendices A.1, A.3 and A.8 count them.

use crate::rtcp::ReportBlock;

/// A jump forward by this many is no loss but a new beginning (RFC 3550 appendix A.1, MAX_DROPOUT).
const MAX_DROPOUT: u16 = 3000;

/// A packet this far back is no late one but a new beginning (RFC 3550 appendix A.1, MAX_MISORDER).
const MAX_MISORDER: u16 = 100;

/// What a sequence number says of its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next one, or one after some that were lost.
    InOrder,
    /// One from before the highest: late or doubled.
    Earlier,
    /// The second of a sequence that began anew: counting began with it.
    Restarted,
    /// So far from the others that it must be confirmed by a successor; not counted.
    Suspect,
}

/// Counts of one stream (one SSRC).
#[derive(Clone, Copy, Debug)]
pub struct Reception {
    ssrc: u32,
    base: u16,
    highest: u16,
    cycles: u32,
    received: u32,
    expected_before: u32,
    received_before: u32,
    /// The sequence number that confirms a jump.
    restart_at: Option<u16>,
    transit: Option<u32>,
    /// Jitter in 1/16 timestamp units (RFC 3550 appendix A.8).
    jitter: u32,
}

impl Reception {
    /// A stream whose first packet has this sequence number; it is yet to be handed to [`Self::handle_packet`].
    #[must_use]
    pub const fn new(ssrc: u32, sequence: u16) -> Self {
        Self {
            ssrc,
            base: sequence,
            highest: sequence.wrapping_sub(1),
            cycles: 0,
            received: 0,
            expected_before: 0,
            received_before: 0,
            restart_at: None,
            transit: None,
            jitter: 0,
        }
    }

    /// Counts a packet.
    pub fn handle_packet(&mut self, sequence: u16) -> Arrival {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead == 0 || ahead > u16::MAX - MAX_MISORDER {
            self.received = self.received.wrapping_add(1);
            return Arrival::Earlier;
        }
        if ahead < MAX_DROPOUT {
            if sequence < self.highest && self.received > 0 {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
            self.received = self.received.wrapping_add(1);
            self.restart_at = None;
            return Arrival::InOrder;
        }
        if self.restart_at == Some(sequence) {
            let (transit, jitter) = (self.transit, self.jitter);
            *self = Self { transit, jitter, ..Self::new(self.ssrc, sequence) };
            self.highest = sequence;
            self.received = 1;
            return Arrival::Restarted;
        }
        self.restart_at = Some(sequence.wrapping_add(1));
        Arrival::Suspect
    }

    /// Counts the time between a packet and the one before; both in timestamp units. For audio packets only: those of
    /// an event share one timestamp.
    pub fn handle_timing(&mut self, timestamp: u32, arrival: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            // A jump of more than 8 s is a new beginning of the timestamps, not jitter.
            if difference < 64_000 {
                self.jitter = (self.jitter + difference).saturating_sub((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }

    /// The stream's SSRC.
    #[must_use]
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Interarrival jitter in timestamp units.
    #[must_use]
    pub const fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// Packets that the sequence numbers announce.
    #[must_use]
    pub fn expected(&self) -> u32 {
        self.extended_highest().wrapping_sub(u32::from(self.base)).wrapping_add(1)
    }

    /// Expected minus received packets; negative if many were doubled.
    #[must_use]
    pub fn lost(&self) -> i32 {
        self.expected().wrapping_sub(self.received).cast_signed()
    }

    /// The block for a report (RFC 3550 section 6.4.1), which also begins a new interval for the fraction lost.
    /// `last_sr` and `delay` are of the sender's last report, zero if there was none.
    pub fn report(&mut self, last_sr: u32, delay: u32) -> ReportBlock {
        let expected = self.expected();
        let expected_now = expected.wrapping_sub(self.expected_before);
        let received_now = self.received.wrapping_sub(self.received_before);
        self.expected_before = expected;
        self.received_before = self.received;
        let lost_now = expected_now.wrapping_sub(received_now).cast_signed();
        let fraction = match u64::try_from(lost_now) {
            Ok(lost @ 1..) if expected_now != 0 => (lost << 8) / u64::from(expected_now),
            _ => 0,
        };
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: self.lost(),
            highest: self.extended_highest(),
            jitter: self.jitter(),
            last_sr,
            delay,
        }
    }

    fn extended_highest(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.highest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(first: u16, rest: &[u16]) -> (Reception, Vec<Arrival>) {
        let mut reception = Reception::new(1, first);
        let mut arrivals = vec![reception.handle_packet(first)];
        arrivals.extend(rest.iter().map(|&sequence| reception.handle_packet(sequence)));
        (reception, arrivals)
    }

    #[test]
    fn the_sequence_wraps_without_loss() {
        let (mut reception, arrivals) = feed(65_534, &[65_535, 0, 1]);
        assert!(arrivals.iter().all(|arrival| *arrival == Arrival::InOrder));
        assert_eq!((reception.lost(), reception.report(0, 0).highest), (0, 65_537));
    }

    #[test]
    fn a_stream_that_begins_at_zero_has_no_cycle() {
        let (mut reception, _) = feed(0, &[1]);
        assert_eq!((reception.lost(), reception.report(0, 0).highest), (0, 1));
    }

    #[test]
    fn loss_is_counted_and_its_fraction_is_of_the_interval() {
        let (mut reception, _) = feed(10, &[11, 13]);
        let block = reception.report(0, 0);
        assert_eq!((block.lost, block.fraction_lost), (1, 64));
        reception.handle_packet(14);
        assert_eq!((reception.report(0, 0).fraction_lost, reception.lost()), (0, 1));
    }

    #[test]
    fn late_and_doubled_packets_are_earlier_ones() {
        let (reception, arrivals) = feed(10, &[12, 11, 12]);
        assert_eq!(arrivals, [Arrival::InOrder, Arrival::InOrder, Arrival::Earlier, Arrival::Earlier]);
        assert_eq!(reception.lost(), -1);
    }

    #[test]
    fn a_jump_counts_only_when_a_successor_confirms_it() {
        let (reception, arrivals) = feed(10, &[11, 30_000, 12, 40_000, 40_001]);
        use Arrival::{InOrder, Restarted, Suspect};
        assert_eq!(arrivals, [InOrder, InOrder, Suspect, InOrder, Suspect, Restarted]);
        assert_eq!((reception.expected(), reception.lost()), (1, 0));
    }

    #[test]
    fn even_spacing_has_no_jitter_and_uneven_has() {
        let mut reception = Reception::new(1, 0);
        for n in 0..50u32 {
            reception.handle_timing(n.wrapping_mul(160), 5000 + n * 160);
        }
        assert_eq!(reception.jitter(), 0);
        for n in 50..250u32 {
            reception.handle_timing(n * 160, 5000 + n * 160 + (n % 2) * 80);
        }
        assert!((70..=80).contains(&reception.jitter()), "{}", reception.jitter());
    }
}
