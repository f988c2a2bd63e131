//! The RTP packet, RFC 3550 section 5.1.

use crate::RtpError;

/// Octets of a header without CSRCs and extension: what we send.
pub const HEADER: usize = 12;

/// A received packet; the payload is a span of the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Sequence, timestamp and the like.
    pub header: Header,
    /// The payload, without padding.
    pub payload: &'a [u8],
}

/// The fields of a header that mean something to a leg. CSRCs and extensions are skipped when read, never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first packet of a talk-spurt or of an event.
    pub marker: bool,
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in samples at 8 kHz for all that we carry.
    pub timestamp: u32,
    /// Synchronization source.
    pub ssrc: u32,
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`RtpError`] if it is no RTP packet of version 2, or lengths in it do not fit.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let (fixed, rest) = datagram.split_first_chunk::<HEADER>().ok_or(RtpError::TooShort)?;
        let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *fixed;
        if first >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let header = Header {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        };
        let mut payload = rest;
        if first & 0x1f != 0 {
            payload = skip_csrcs_and_extension(first, payload)?;
        }
        if first & 0x20 != 0 {
            payload = strip_padding(payload)?;
        }
        Ok(Self { header, payload })
    }
}

impl Header {
    /// The octets to send.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let second = ((self.marker as u8) << 7) | (self.payload_type & 0x7f);
        [0x80, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

/// True if a datagram on an RTP port is RTCP: its second octet is a packet type of 192–223 (RFC 5761 section 4).
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

/// Octets before the payload: the header with its CSRCs and its extension.
///
/// # Errors
/// [`RtpError`] if it is no RTP packet of version 2, or is shorter than that.
pub fn header_length(datagram: &[u8]) -> Result<usize, RtpError> {
    let (fixed, rest) = datagram.split_first_chunk::<HEADER>().ok_or(RtpError::TooShort)?;
    let [first, ..] = *fixed;
    if first >> 6 != 2 {
        return Err(RtpError::Version);
    }
    Ok(datagram.len() - skip_csrcs_and_extension(first, rest)?.len())
}

/// SSRC and sequence number of an RTP packet.
pub(crate) fn rtp_place(datagram: &[u8]) -> Result<(u32, u16), RtpError> {
    let [_, _, s0, s1, _, _, _, _, c0, c1, c2, c3] = *datagram.first_chunk::<HEADER>().ok_or(RtpError::TooShort)?;
    Ok((u32::from_be_bytes([c0, c1, c2, c3]), u16::from_be_bytes([s0, s1])))
}

fn skip_csrcs_and_extension(first: u8, rest: &[u8]) -> Result<&[u8], RtpError> {
    let csrcs = usize::from(first & 0x0f) * 4;
    let rest = rest.get(csrcs..).ok_or(RtpError::TooShort)?;
    if first & 0x10 == 0 {
        return Ok(rest);
    }
    let ([_, _, high, low], rest) = rest.split_first_chunk::<4>().ok_or(RtpError::TooShort)?;
    let words = usize::from(u16::from_be_bytes([*high, *low]));
    rest.get(words * 4..).ok_or(RtpError::TooShort)
}

fn strip_padding(payload: &[u8]) -> Result<&[u8], RtpError> {
    let count = usize::from(*payload.last().ok_or(RtpError::Padding)?);
    if count == 0 {
        return Err(RtpError::Padding);
    }
    let length = payload.len().checked_sub(count).ok_or(RtpError::Padding)?;
    payload.get(..length).ok_or(RtpError::Padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Header =
        Header { marker: true, payload_type: 101, sequence: 0xfffe, timestamp: 0x1234_5678, ssrc: 0xdead_beef };

    fn datagram(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut octets = SAMPLE.to_bytes().to_vec();
        octets[0] = first;
        octets.extend_from_slice(rest);
        octets
    }

    #[test]
    fn a_header_prints_and_parses_back() {
        let octets = datagram(0x80, b"abc");
        assert_eq!(Packet::parse(&octets), Ok(Packet { header: SAMPLE, payload: b"abc" }));
    }

    #[test]
    fn csrcs_extension_and_padding_are_skipped() {
        // Two CSRCs, an extension of one word, one octet of payload, three of padding.
        let octets = datagram(0xb2, &[1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 7, 0, 0, 3]);
        assert_eq!(Packet::parse(&octets).unwrap().payload, [7]);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let cases: [(u8, &[u8], RtpError); 7] = [
            (0x40, b"x", RtpError::Version),
            (0x82, &[1, 1, 1, 1, 2], RtpError::TooShort),
            (0x90, &[1, 1], RtpError::TooShort),
            (0x90, &[1, 1, 0, 2, 0, 0, 0, 0], RtpError::TooShort),
            (0xa0, &[], RtpError::Padding),
            (0xa0, &[1, 2, 0], RtpError::Padding),
            (0xa0, &[1, 2, 4], RtpError::Padding),
        ];
        for (first, rest, error) in cases {
            assert_eq!(Packet::parse(&datagram(first, rest)), Err(error), "{first:#x} {rest:?}");
        }
        assert_eq!(Packet::parse(&[0x80; 11]), Err(RtpError::TooShort));
    }

    #[test]
    fn rtcp_on_the_rtp_port_is_told_apart() {
        assert!(is_rtcp(&[0x80, 200, 0, 6]));
        assert!(!is_rtcp(&[0x80, 0, 0, 6]));
        assert!(!is_rtcp(&[0x80, 0x80 | 101, 0, 6]));
        assert!(!is_rtcp(&[0x80]));
    }
}
