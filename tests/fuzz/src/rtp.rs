//! RTP packets, telephone events, and what is counted of a stream.

use rtp::{Arrival, Digit, EventPayload, HEADER, Header, Packet, Reception, is_rtcp};

use crate::octets::Octets;

/// Reads a packet; builds one of any shape and reads it back; counts a stream of any sequence numbers and times.
///
/// # Panics
/// If a promise of `rtp` is broken.
pub fn rtp(data: &[u8]) -> bool {
    let packet = Packet::parse(data);
    packet.iter().for_each(|packet| check(data, packet));
    let _ = is_rtcp(data);
    events_read_back(data);
    what_is_written_reads_back(&mut Octets::of(data));
    counts_stay_in_range(&mut Octets::of(data));
    packet.is_ok()
}

fn check(data: &[u8], packet: &Packet<'_>) {
    let Packet { header, payload } = packet;
    assert!(payload.len() + HEADER <= data.len());
    if data[0] == 0x80 {
        assert_eq!(*payload, &data[HEADER..]);
        assert_eq!(header.to_bytes()[..], data[..HEADER]);
    }
    let printed = [&header.to_bytes()[..], payload].concat();
    assert_eq!(Packet::parse(&printed), Ok(*packet));
}

fn events_read_back(data: &[u8]) {
    let Some(event) = EventPayload::parse(data) else { return assert!(data.len() < 4) };
    assert_eq!(EventPayload::parse(&event.to_bytes()), Some(event));
    if let Some(digit) = Digit::from_code(event.code) {
        assert_eq!((Digit::from_char(digit.symbol()), digit.code()), (Some(digit), event.code));
    }
}

/// A packet with contributing sources, an extension and padding is the same as without. Cut short it is refused.
fn what_is_written_reads_back(octets: &mut Octets<'_>) {
    let header = Header {
        marker: octets.flag(),
        payload_type: octets.byte() & 0x7f,
        sequence: octets.u16(),
        timestamp: octets.u32(),
        ssrc: octets.u32(),
    };
    let (sources, words, padding) = (octets.byte() & 15, octets.byte() & 7, octets.byte());
    let extended = octets.flag();
    let payload = octets.piece();
    let mut packet = header.to_bytes().to_vec();
    packet[0] |= sources | u8::from(extended) << 4 | u8::from(padding > 0) << 5;
    packet.extend(vec![0xc5; usize::from(sources) * 4]);
    if extended {
        packet.extend([0xbe, 0xde, 0, words]);
        packet.extend(vec![0xe7; usize::from(words) * 4]);
    }
    let head = packet.len();
    packet.extend_from_slice(payload);
    if padding > 0 {
        packet.extend(vec![0; usize::from(padding) - 1]);
        packet.push(padding);
    }
    assert_eq!(Packet::parse(&packet), Ok(Packet { header, payload }));
    assert!(Packet::parse(&packet[..head - 1]).is_err());
}

/// Whatever arrives, the highest sequence number never goes back but at a restart, and what is lost, expected and received
/// add up.
fn counts_stay_in_range(octets: &mut Octets<'_>) {
    let mut sequence = octets.u16();
    let mut reception = Reception::new(7, sequence);
    let (mut received, mut highest, mut timestamp, mut arrival) = (0u32, 0u32, octets.u32(), octets.u32());
    while !octets.is_empty() {
        match reception.handle_packet(sequence) {
            Arrival::InOrder | Arrival::Earlier => received += 1,
            Arrival::Restarted => (received, highest) = (1, 0),
            Arrival::Suspect => {}
        }
        assert!(received != 1 || reception.expected() == 1, "one packet that began it");
        let lost = i64::from(reception.expected()) - i64::from(received);
        assert_eq!(i64::from(reception.lost()), lost);
        if octets.flag() {
            reception.handle_timing(timestamp, arrival);
            assert!(reception.jitter() <= 64_000, "more than the greatest difference that counts");
        }
        if octets.flag() {
            let block = reception.report(octets.u32(), 0);
            assert!(block.highest >= highest, "{} after {highest}", block.highest);
            assert_eq!((block.ssrc, block.lost), (7, reception.lost()));
            highest = block.highest;
        }
        sequence = match octets.byte() {
            0xff => octets.u16(),
            step => sequence.wrapping_add(u16::from(step)).wrapping_sub(16),
        };
        timestamp = timestamp.wrapping_add(u32::from(octets.u16()));
        arrival = arrival.wrapping_add(u32::from(octets.u16()));
    }
}
