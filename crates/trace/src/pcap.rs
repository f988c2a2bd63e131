//! A capture file (pcap, <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>) of messages, each in a UDP
//! datagram between the addresses that it went between, whatever carried it: Wireshark reads it as SIP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Packet, View, mask};

/// Microseconds, and the order of octets.
const MAGIC: u32 = 0xa1b2_c3d4;
/// Each packet begins with an IP header (LINKTYPE_RAW).
const LINK_RAW: u32 = 101;
/// The longest packet.
const SNAP: u32 = 65_535;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
/// What is left for a message in the longest packet of either version.
const ROOM: usize = 65_535 - IPV4_HEADER - UDP_HEADER;

/// The capture file of messages, as far as `view` shows them.
#[must_use]
pub fn capture(packets: &[Packet], view: View) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [MAGIC, 0x0002_0004, 0, 0, SNAP, LINK_RAW] {
        out.extend(word.to_be_bytes());
    }
    for packet in packets {
        let mut message = mask(&packet.octets.to_vec(), view);
        message.truncate(ROOM);
        let datagram = ip(packet, &message);
        let micros = u64::try_from(packet.at.as_unix_micros()).unwrap_or(0);
        let length = u32::try_from(datagram.len()).unwrap_or(SNAP);
        // Seconds have 32 bits in this format, which hold until 2106.
        let seconds = u32::try_from(micros / 1_000_000).unwrap_or(u32::MAX);
        let rest = u32::try_from(micros % 1_000_000).unwrap_or(0);
        for word in [seconds, rest, length, length] {
            out.extend(word.to_be_bytes());
        }
        out.extend(datagram);
    }
    out
}

/// The message in a UDP datagram in an IP packet.
fn ip(packet: &Packet, message: &[u8]) -> Vec<u8> {
    let (source, destination) = match packet.sent {
        true => (packet.local, packet.remote),
        false => (packet.remote, packet.local),
    };
    match (source.ip().to_canonical(), destination.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(from, to, udp((source.port(), destination.port()), message)),
        (from, to) => ipv6(wide(from), wide(to), udp((source.port(), destination.port()), message)),
    }
}

fn wide(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// RFC 768, its checksum still zero.
fn udp(ports: (u16, u16), message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(UDP_HEADER + message.len());
    for word in [ports.0, ports.1, short(UDP_HEADER + message.len()), 0] {
        out.extend(word.to_be_bytes());
    }
    out.extend(message);
    out
}

/// RFC 791 section 3.1.
fn ipv4(from: Ipv4Addr, to: Ipv4Addr, mut udp: Vec<u8>) -> Vec<u8> {
    let length = short(udp.len());
    let pseudo = [&from.octets()[..], &to.octets(), &[0, UDP], &length.to_be_bytes()].concat();
    seal(&mut udp, &pseudo);
    let mut header = vec![0x45, 0];
    header.extend(short(IPV4_HEADER + udp.len()).to_be_bytes());
    // No identification, not to be cut; time to live; checksum to come.
    header.extend([0, 0, 0x40, 0, 64, UDP, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = checksum(&[&header]);
    if let Some(place) = header.get_mut(10..12) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    header.extend(udp);
    header
}

/// RFC 8200 section 3.
fn ipv6(from: Ipv6Addr, to: Ipv6Addr, mut udp: Vec<u8>) -> Vec<u8> {
    let length = short(udp.len());
    let pseudo = [&from.octets()[..], &to.octets(), &u32::from(length).to_be_bytes(), &[0, 0, 0, UDP]].concat();
    seal(&mut udp, &pseudo);
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(length.to_be_bytes());
    header.extend([UDP, 64]);
    header.extend(from.octets());
    header.extend(to.octets());
    header.extend(udp);
    header
}

/// Writes the checksum of a datagram; one that is zero stands as all ones.
fn seal(udp: &mut [u8], pseudo: &[u8]) {
    let sum = match checksum(&[pseudo, udp]) {
        0 => 0xffff,
        sum => sum,
    };
    if let Some(place) = udp.get_mut(6..8) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
}

/// RFC 1071, over pieces of which all but the last have an even length.
fn checksum(pieces: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for pair in pieces.iter().flat_map(|piece| piece.chunks(2)) {
        let high = pair.first().copied().unwrap_or(0);
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([high, low]));
        // Kept small, whatever the length.
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(sum & 0xffff).unwrap_or(0)
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use base::Wall;
    use bytes::Bytes;
    use sip_message::Transport;

    use super::*;

    fn packet(local: &str, remote: &str, octets: &'static [u8]) -> Packet {
        Packet {
            at: Wall::from_unix_micros(1_795_253_400_000_007),
            sent: true,
            transport: Transport::Tcp,
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            octets: Bytes::from_static(octets).into(),
        }
    }

    #[test]
    fn the_sum_over_header_and_checksum_is_zero_and_times_and_lengths_are_right() {
        let text = b"BYE sip:h SIP/2.0\r\nX: 1\r\n\r\n";
        let out = capture(&[packet("192.0.2.1:5060", "198.51.100.7:5070", text)], View::Masked);
        let (head, body) = out.split_at(24);
        assert_eq!((head[..4].to_vec(), head[23]), (MAGIC.to_be_bytes().to_vec(), 101));
        let word = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(4)), (1_795_253_400, 7));
        let datagram = &body[16..];
        assert_eq!((word(8) as usize, datagram.len()), (datagram.len(), 28 + text.len()));
        assert_eq!(checksum(&[&datagram[..20]]), 0);
        let length = u16::try_from(datagram.len() - 20).unwrap().to_be_bytes();
        assert_eq!(checksum(&[&datagram[12..20], &[0, 17], &length, &datagram[20..]]), 0);
        assert_eq!((&datagram[12..16], &datagram[16..20]), (&[192, 0, 2, 1][..], &[198, 51, 100, 7][..]));
    }

    #[test]
    fn mixed_and_long_ones_are_written_too() {
        let mixed = capture(&[packet("[2001:db8::1]:5060", "192.0.2.1:5070", b"odd")], View::Clear);
        let datagram = &mixed[40..];
        assert_eq!((datagram[0] >> 4, datagram.len()), (6, 48 + 3));
        let long = Packet { octets: Bytes::from(vec![b'x'; 70_000]).into(), ..packet("[::1]:1", "[::1]:2", b"") };
        assert!(capture(&[long], View::Clear).len() <= 40 + 40 + 65_535);
    }
}
