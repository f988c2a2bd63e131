//! The octets of a file: [`HEAD`], then records, each with its length before it.
//!
//! ```text
//! length u32 · kind u8 · time i64 (µs) ·
//!   1 message: flags u8 (1: sent) · transport u8 · local · remote · length of Call-ID u16 · Call-ID · message
//!   2 call:    id u64 · Call-ID            from here on, this Call-ID belongs to that call
//!   3 full:    Call-ID                     no more messages of it are kept
//! address: 4 or 6 · octets · port u16      all numbers big-endian
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base::{CallId, Wall};
use bytes::Bytes;
use sip_message::{Str, Transport};

use crate::{Octets, Packet, mask};

/// What a file begins with.
pub const HEAD: &[u8] = b"strowger trace 1\n";

/// Longer ones are no records: a message has 64 KiB at most.
const MAX_RECORD: usize = 80 * 1024;

/// What a file holds, in the order in which it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A message.
    Message {
        /// Its Call-ID.
        call_id: &'a [u8],
        /// All of it.
        packet: Packet,
    },
    /// A Call-ID belongs to a call.
    Call {
        /// The call.
        call: CallId,
        /// The Call-ID.
        call_id: &'a [u8],
    },
    /// No more of a Call-ID's messages are kept.
    Full {
        /// The Call-ID.
        call_id: &'a [u8],
    },
}

/// Reads a file. What a crash tore off its end is left out, as is all behind octets that are no record.
pub fn records(file: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = file.strip_prefix(HEAD).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, behind) = number::<4>(rest)?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= MAX_RECORD)?;
        let (record, behind) = behind.split_at_checked(length)?;
        rest = behind;
        read(record)
    })
}

pub(crate) fn write_message(out: &mut Vec<u8>, call_id: &[u8], packet: &Packet) {
    let start = begin(out, 1, packet.at);
    out.extend([u8::from(packet.sent), code(&packet.transport)]);
    write_address(out, packet.local);
    write_address(out, packet.remote);
    let length = u16::try_from(call_id.len()).unwrap_or(u16::MAX);
    out.extend(length.to_be_bytes());
    out.extend(call_id.iter().take(usize::from(length)));
    let message = out.len();
    packet.octets.write(out);
    let message = out.get_mut(message..).unwrap_or_default();
    mask::keys(message);
    mask::digits(message);
    end(out, start);
}

pub(crate) fn write_call(out: &mut Vec<u8>, at: Wall, call: CallId, call_id: &[u8]) {
    let start = begin(out, 2, at);
    out.extend(call.as_raw().to_be_bytes());
    out.extend(call_id);
    end(out, start);
}

pub(crate) fn write_full(out: &mut Vec<u8>, at: Wall, call_id: &[u8]) {
    let start = begin(out, 3, at);
    out.extend(call_id);
    end(out, start);
}

fn begin(out: &mut Vec<u8>, kind: u8, at: Wall) -> usize {
    let start = out.len();
    out.extend([0; 4]);
    out.push(kind);
    out.extend(at.as_unix_micros().to_be_bytes());
    start
}

/// Writes the length of the record that began at `start`; one that no reader would take is left out.
fn end(out: &mut Vec<u8>, start: usize) {
    let length = out.len().saturating_sub(start + 4);
    match (u32::try_from(length), out.get_mut(start..start + 4)) {
        (Ok(number), Some(place)) if length <= MAX_RECORD => place.copy_from_slice(&number.to_be_bytes()),
        _ => out.truncate(start),
    }
}

fn read(record: &[u8]) -> Option<Record<'_>> {
    let (&kind, rest) = record.split_first()?;
    let (at, rest) = number::<8>(rest)?;
    let at = Wall::from_unix_micros(i64::from_be_bytes(at));
    match kind {
        1 => read_message(at, rest),
        2 => {
            let (call, call_id) = number::<8>(rest)?;
            Some(Record::Call { call: CallId::from_raw(u64::from_be_bytes(call)), call_id })
        }
        3 => Some(Record::Full { call_id: rest }),
        _ => None,
    }
}

fn read_message(at: Wall, rest: &[u8]) -> Option<Record<'_>> {
    let ([flags, transport], rest) = number::<2>(rest)?;
    let (local, rest) = read_address(rest)?;
    let (remote, rest) = read_address(rest)?;
    let (length, rest) = number::<2>(rest)?;
    let (call_id, octets) = rest.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
    let octets = Octets::from(Bytes::copy_from_slice(octets));
    let packet = Packet { at, sent: flags & 1 == 1, transport: transport_of(transport), local, remote, octets };
    Some(Record::Message { call_id, packet })
}

fn write_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend(ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend(ip.octets());
        }
    }
    out.extend(address.port().to_be_bytes());
}

fn read_address(rest: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (&kind, rest) = rest.split_first()?;
    let (ip, rest): (IpAddr, &[u8]) = match kind {
        4 => number::<4>(rest).map(|(octets, rest)| (Ipv4Addr::from(octets).into(), rest))?,
        6 => number::<16>(rest).map(|(octets, rest)| (Ipv6Addr::from(octets).into(), rest))?,
        _ => return None,
    };
    let (port, rest) = number::<2>(rest)?;
    Some((SocketAddr::new(ip, u16::from_be_bytes(port)), rest))
}

/// The first `N` octets, and what stands behind them.
fn number<const N: usize>(octets: &[u8]) -> Option<([u8; N], &[u8])> {
    let (first, rest) = octets.split_first_chunk::<N>()?;
    Some((*first, rest))
}

const TRANSPORTS: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

fn code(transport: &Transport) -> u8 {
    let place = TRANSPORTS.iter().position(|known| known == transport);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn transport_of(code: u8) -> Transport {
    TRANSPORTS.get(usize::from(code)).cloned().unwrap_or_else(|| Transport::Other(Str::from("?")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(sent: bool, address: &str) -> Packet {
        Packet {
            at: Wall::from_unix_micros(1_795_253_400_000_001),
            sent,
            transport: Transport::Tls,
            local: "[::1]:5060".parse().unwrap(),
            remote: address.parse().unwrap(),
            octets: Bytes::from_static(b"OPTIONS sip:x SIP/2.0\r\nCall-ID: a\r\n\r\n").into(),
        }
    }

    fn file() -> Vec<u8> {
        let mut file = HEAD.to_vec();
        write_call(&mut file, Wall::default(), CallId::from_raw(7), b"a");
        write_message(&mut file, b"a", &packet(true, "192.0.2.1:9"));
        write_message(&mut file, b"a", &packet(false, "[2001:db8::1]:65535"));
        write_full(&mut file, Wall::default(), b"a");
        file
    }

    #[test]
    fn records_read_back_as_they_were_written() {
        let file = file();
        let wanted = [
            Record::Call { call: CallId::from_raw(7), call_id: b"a" },
            Record::Message { call_id: b"a", packet: packet(true, "192.0.2.1:9") },
            Record::Message { call_id: b"a", packet: packet(false, "[2001:db8::1]:65535") },
            Record::Full { call_id: b"a" },
        ];
        assert_eq!(records(&file).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn keys_of_media_are_not_kept() {
        let text = "INVITE sip:x SIP/2.0\r\nCall-ID: a\r\n\r\nv=0\r\na=crypto:1 AEAD_AES_128_GCM inline:c2VjcmV0|2^20\r\na=sendrecv\r\n";
        let mut out = HEAD.to_vec();
        let octets = Bytes::from_static(text.as_bytes()).into();
        write_message(&mut out, b"a", &Packet { octets, ..packet(true, "[::1]:5061") });
        let kept = text.replace("c2VjcmV0|2^20", "xxxxxxxxxxxxx");
        let Some(Record::Message { packet, .. }) = records(&out).next() else { panic!("no message") };
        assert_eq!(String::from_utf8(packet.octets.to_vec()).unwrap(), kept);
    }

    #[test]
    fn keys_that_a_caller_pressed_are_not_kept() {
        let text = "INFO sip:x SIP/2.0\r\nCall-ID: a1\r\nCSeq: 47 INFO\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal= 5\r\nDuration=160\r\n";
        let mut out = HEAD.to_vec();
        write_message(
            &mut out,
            b"a1",
            &Packet { octets: Bytes::from_static(text.as_bytes()).into(), ..packet(false, "[::1]:9") },
        );
        let Some(Record::Message { packet, .. }) = records(&out).next() else { panic!("no message") };
        assert_eq!(String::from_utf8(packet.octets.to_vec()).unwrap(), text.replace("Signal= 5", "Signal= x"));
    }

    #[test]
    fn a_torn_end_costs_the_record_that_it_tore() {
        let file = file();
        let whole: Vec<_> = records(&file).collect();
        for cut in 0..file.len() {
            let found: Vec<_> = records(&file[..cut]).collect();
            assert_eq!(found[..], whole[..found.len()]);
            assert!(cut < HEAD.len() || found.len() < whole.len());
        }
    }

    #[test]
    fn a_message_longer_than_any_is_not_written() {
        let mut out = Vec::new();
        let octets = Octets::from(Bytes::from(vec![b'x'; MAX_RECORD]));
        write_message(&mut out, b"a", &Packet { octets, ..packet(true, "192.0.2.1:9") });
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn no_octets_keep_the_reader_from_an_end(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let file = [HEAD, &octets].concat();
            prop_assert!(records(&file).count() <= file.len());
        }
    }
}
