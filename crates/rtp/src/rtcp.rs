//! RTCP, RFC 3550 section 6: reports read from compound packets, and the one compound that we send.

use base::Wall;

use crate::RtpError;

/// Room that [`Report::write`] needs at most.
pub const MAX_REPORT: usize = 28 + 24 + 8 + 2 + 255 + 4 + 8;

/// Packets read of one compound; a valid one of two parties has three or four.
const MAX_PACKETS: usize = 32;

/// Seconds from 1900-01-01 (NTP's era) to 1970-01-01.
const NTP_OFFSET: u64 = 2_208_988_800;

/// A sender's account of its stream, RFC 3550 section 6.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent, NTP time.
    pub ntp: u64,
    /// The same moment as an RTP timestamp.
    pub timestamp: u32,
    /// Packets sent since the stream began.
    pub packets: u32,
    /// Octets of payload sent.
    pub octets: u32,
}

/// A receiver's account of one stream, RFC 3550 section 6.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Loss since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the stream began; 24 bits on the wire.
    pub lost: i32,
    /// Highest sequence number with its cycles.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle 32 bits of the sender's last report's NTP time; 0 for none.
    pub last_sr: u32,
    /// Time since that report came, in 1/65536 s.
    pub delay: u32,
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rtcp<'a> {
    /// SR (with its sender's part) or RR.
    Report {
        /// Who reports.
        ssrc: u32,
        /// The sender's part: an SR.
        sender: Option<SenderInfo>,
        /// Blocks of 24 octets; read by [`Rtcp::blocks`].
        blocks: &'a [u8],
    },
    /// The sources leave.
    Bye,
    /// SDES, APP, feedback and the rest: valid, of no use to a leg.
    Other,
}

impl<'a> Rtcp<'a> {
    /// The report's blocks; none for other packets.
    pub fn blocks(self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        let blocks: &[u8] = if let Rtcp::Report { blocks, .. } = self { blocks } else { &[] };
        blocks.chunks_exact(24).filter_map(read_block)
    }
}

/// Reads a compound packet, checked as RFC 3550 appendix A.2 asks (a lone RR or SR of RFC 5506 passes too).
///
/// # Errors
/// [`RtpError`] if it begins with no report or lengths do not add up.
pub fn parse(datagram: &[u8]) -> Result<impl Iterator<Item = Rtcp<'_>>, RtpError> {
    if !matches!(datagram, [first, 200 | 201, ..] if first & 0xe0 == 0x80) {
        return Err(RtpError::Compound);
    }
    let mut rest = datagram;
    while !rest.is_empty() {
        rest = split_packet(rest).ok_or(RtpError::Compound)?.1;
    }
    let mut rest = datagram;
    let packets = std::iter::from_fn(move || {
        let (packet, after) = split_packet(rest)?;
        rest = after;
        Some(read_packet(packet).unwrap_or(Rtcp::Other))
    });
    Ok(packets.take(MAX_PACKETS))
}

/// Who sends a compound: the SSRC of its first packet, which stays in clear when it is encrypted.
pub(crate) fn ssrc(datagram: &[u8]) -> Result<u32, RtpError> {
    let [first, _, _, _, c0, c1, c2, c3] = *datagram.first_chunk().ok_or(RtpError::TooShort)?;
    if first >> 6 != 2 {
        return Err(RtpError::Version);
    }
    Ok(u32::from_be_bytes([c0, c1, c2, c3]))
}

/// What we send: a report, who we are, and perhaps good-bye.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Our stream.
    pub ssrc: u32,
    /// Our sender's part: an SR. `None` if nothing was sent since two reports: an RR.
    pub sender: Option<SenderInfo>,
    /// What we receive of the peer's stream.
    pub block: Option<ReportBlock>,
    /// Our canonical name, at most 255 octets (RFC 3550 section 6.5.1, RFC 7022).
    pub cname: &'a str,
    /// Whether our stream ends (section 6.6).
    pub bye: bool,
}

impl Report<'_> {
    /// Writes the compound and returns its length; `None` if `out` is too small ([`MAX_REPORT`] never is).
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let mut writer = Writer { out, at: 0 };
        let count = u8::from(self.block.is_some());
        let words = 1 + if self.sender.is_some() { 5 } else { 0 } + u16::from(count) * 6;
        writer.header(count, if self.sender.is_some() { 200 } else { 201 }, words)?;
        writer.u32(self.ssrc)?;
        if let Some(sender) = self.sender {
            writer.put(&sender.ntp.to_be_bytes())?;
            writer.u32(sender.timestamp)?;
            writer.u32(sender.packets)?;
            writer.u32(sender.octets)?;
        }
        if let Some(block) = self.block {
            writer.block(&block)?;
        }
        writer.cname(self.ssrc, self.cname)?;
        if self.bye {
            writer.header(1, 203, 1)?;
            writer.u32(self.ssrc)?;
        }
        Some(writer.at)
    }
}

/// Wall time as NTP time: seconds since 1900 and their 2⁻³² parts (RFC 3550 section 4).
#[must_use]
pub fn ntp(wall: Wall) -> u64 {
    let micros = u64::try_from(wall.as_unix_micros()).unwrap_or(0);
    let seconds = (micros / 1_000_000).wrapping_add(NTP_OFFSET);
    (seconds << 32) | (((micros % 1_000_000) << 32) / 1_000_000)
}

/// The middle 32 bits of NTP time, in 1/65536 s: what report blocks hold.
#[must_use]
pub const fn ntp_middle(ntp: u64) -> u32 {
    let [_, _, a, b, c, d, _, _] = ntp.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn split_packet(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, _, high, low] = *rest.first_chunk()?;
    if first >> 6 != 2 {
        return None;
    }
    let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
    rest.split_at_checked(length)
}

fn read_packet(packet: &[u8]) -> Option<Rtcp<'_>> {
    let ([first, kind, _, _], body) = packet.split_first_chunk::<4>()?;
    let count = usize::from(first & 0x1f);
    match kind {
        200 | 201 => {
            let (ssrc, body) = take_u32(body)?;
            let (sender, body) = if *kind == 200 { take_sender(body)? } else { (None, body) };
            Some(Rtcp::Report { ssrc, sender, blocks: body.get(..count * 24)? })
        }
        203 => Some(Rtcp::Bye),
        _ => Some(Rtcp::Other),
    }
}

fn take_sender(body: &[u8]) -> Option<(Option<SenderInfo>, &[u8])> {
    let (ntp, body) = body.split_first_chunk::<8>()?;
    let (timestamp, body) = take_u32(body)?;
    let (packets, body) = take_u32(body)?;
    let (octets, body) = take_u32(body)?;
    Some((Some(SenderInfo { ntp: u64::from_be_bytes(*ntp), timestamp, packets, octets }), body))
}

fn read_block(octets: &[u8]) -> Option<ReportBlock> {
    let (ssrc, rest) = take_u32(octets)?;
    let (losses, rest) = take_u32(rest)?;
    let [fraction_lost, ..] = losses.to_be_bytes();
    let (highest, rest) = take_u32(rest)?;
    let (jitter, rest) = take_u32(rest)?;
    let (last_sr, rest) = take_u32(rest)?;
    let (delay, _) = take_u32(rest)?;
    // 24 bits, signed: shifted up to the sign and back.
    let lost = (losses << 8).cast_signed() >> 8;
    Some(ReportBlock { ssrc, fraction_lost, lost, highest, jitter, last_sr, delay })
}

fn take_u32(octets: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = octets.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*word), rest))
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, octets: &[u8]) -> Option<()> {
        let end = self.at.checked_add(octets.len())?;
        self.out.get_mut(self.at..end)?.copy_from_slice(octets);
        self.at = end;
        Some(())
    }

    fn u32(&mut self, word: u32) -> Option<()> {
        self.put(&word.to_be_bytes())
    }

    fn header(&mut self, count: u8, kind: u8, words: u16) -> Option<()> {
        let [high, low] = words.to_be_bytes();
        self.put(&[0x80 | (count & 0x1f), kind, high, low])
    }

    fn block(&mut self, block: &ReportBlock) -> Option<()> {
        // Section 6.4.1: a count that does not fit 24 bits stays at the limit.
        let [_, l0, l1, l2] = block.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
        self.u32(block.ssrc)?;
        self.put(&[block.fraction_lost, l0, l1, l2])?;
        self.u32(block.highest)?;
        self.u32(block.jitter)?;
        self.u32(block.last_sr)?;
        self.u32(block.delay)
    }

    /// An SDES packet with one CNAME item, ended by zeros up to a multiple of four octets (section 6.5).
    fn cname(&mut self, ssrc: u32, cname: &str) -> Option<()> {
        let length = u8::try_from(cname.len()).ok()?;
        let items = 2 + u16::from(length);
        let words = 1 + items / 4 + 1;
        self.header(1, 202, words)?;
        self.u32(ssrc)?;
        self.put(&[1, length])?;
        self.put(cname.as_bytes())?;
        let zeros = 4 - usize::from(items % 4);
        self.put([0; 4].get(..zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 7,
        fraction_lost: 12,
        lost: -3,
        highest: 65_540,
        jitter: 9,
        last_sr: 0x1122_3344,
        delay: 5,
    };
    const SENDER: SenderInfo = SenderInfo { ntp: 0x0123_4567_89ab_cdef, timestamp: 1, packets: 2, octets: 320 };

    fn written(report: &Report<'_>) -> Vec<u8> {
        let mut out = [0; MAX_REPORT];
        let length = report.write(&mut out).unwrap();
        out[..length].to_vec()
    }

    #[test]
    fn a_sender_report_prints_and_parses_back() {
        let octets = written(&Report { ssrc: 5, sender: Some(SENDER), block: Some(BLOCK), cname: "abcd", bye: true });
        let packets: Vec<_> = parse(&octets).unwrap().collect();
        assert_eq!(packets.len(), 3);
        assert!(matches!(packets[0], Rtcp::Report { ssrc: 5, sender: Some(SENDER), .. }));
        assert_eq!(packets[0].blocks().collect::<Vec<_>>(), [BLOCK]);
        assert_eq!(packets[1..], [Rtcp::Other, Rtcp::Bye]);
    }

    #[test]
    fn names_of_every_length_are_padded_to_whole_words() {
        for length in 0..=255 {
            let cname = "x".repeat(length);
            let octets = written(&Report { ssrc: 5, sender: None, block: None, cname: &cname, bye: false });
            assert_eq!(octets.len() % 4, 0);
            assert_eq!(octets.last(), Some(&0), "the item list ends by a zero");
            assert_eq!(parse(&octets).unwrap().count(), 2);
        }
    }

    #[test]
    fn what_is_no_compound_is_refused() {
        let good = written(&Report { ssrc: 5, sender: None, block: Some(BLOCK), cname: "ab", bye: false });
        assert!(parse(&good).is_ok());
        assert!(parse(&good[..good.len() - 1]).is_err());
        assert!(parse(&good[32..]).is_err(), "begins with SDES");
        assert!(parse(&[]).is_err());
        let mut wrong = good.clone();
        wrong[0] = 0x41;
        assert!(parse(&wrong).is_err());
    }

    #[test]
    fn a_report_that_announces_more_blocks_than_it_holds_is_passed_over() {
        let mut octets = written(&Report { ssrc: 5, sender: None, block: Some(BLOCK), cname: "ab", bye: false });
        octets[0] = 0x9f;
        let packets: Vec<_> = parse(&octets).unwrap().collect();
        assert_eq!(packets[0], Rtcp::Other);
    }

    #[test]
    fn ntp_time_counts_from_1900() {
        let time = ntp(Wall::from_unix_micros(500_000));
        assert_eq!(time, (NTP_OFFSET << 32) | (1 << 31));
        assert_eq!(ntp_middle(time), u32::try_from(NTP_OFFSET & 0xffff).unwrap() << 16 | 0x8000);
    }
}
