//! STUN on the port of SIP: phones ask where they are seen from, to keep their way through a NAT open and to find out that
//! it has changed (RFC 5626 4.4.2, 5.4, 8; RFC 5389). A pure function: a Binding request in, its answer out.

use std::net::{IpAddr, SocketAddr};

/// What stands in every message (RFC 5389 6), and tells it from SIP, which is text.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
/// No request need be larger; one that is gets no answer (7.1: 548 octets fit where the path's MTU is not known).
const LARGEST: usize = 548;

const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const BINDING_ERROR: [u8; 2] = [0x01, 0x11];

const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;
/// Those that must be understood and are, in that we look at none of them: credentials are not asked for here (RFC 5626 8).
const UNDERSTOOD: [u16; 8] =
    [0x0001, 0x0006, 0x0008, ERROR_CODE, UNKNOWN_ATTRIBUTES, 0x0014, 0x0015, XOR_MAPPED_ADDRESS];
/// Types from here on may be passed over (RFC 5389 15).
const OPTIONAL: u16 = 0x8000;

/// True for what is meant as STUN (RFC 5389 6): two zero bits and the cookie at its place.
#[must_use]
pub fn is_stun(octets: &[u8]) -> bool {
    octets.len() >= HEADER && octets.first().is_some_and(|first| first & 0xc0 == 0) && octets.get(4..8) == Some(&COOKIE)
}

/// The answer to a Binding request from `source`. None if it is broken or no such request: nobody is told then.
#[must_use]
pub fn answer(request: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    if !is_stun(request) || request.len() > LARGEST || request.get(..2) != Some(&BINDING_REQUEST) {
        return None;
    }
    let transaction = request.get(8..HEADER)?;
    let asked = Attributes::read(request)?;
    let mut body = Vec::with_capacity(32);
    let kind = if asked.unknown.is_empty() {
        attribute(&mut body, XOR_MAPPED_ADDRESS, &xor_address(source, transaction));
        BINDING_SUCCESS
    } else {
        // 420, without a phrase: the answer shall not be much larger than the question.
        attribute(&mut body, ERROR_CODE, &[0, 0, 4, 20]);
        let types: Vec<u8> = asked.unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        attribute(&mut body, UNKNOWN_ATTRIBUTES, &types);
        BINDING_ERROR
    };
    let fingerprint = if asked.fingerprint { 8 } else { 0 };
    let mut out = Vec::with_capacity(HEADER + body.len() + fingerprint);
    out.extend_from_slice(&kind);
    out.extend_from_slice(&u16::try_from(body.len() + fingerprint).ok()?.to_be_bytes());
    out.extend_from_slice(&COOKIE);
    out.extend_from_slice(transaction);
    out.extend_from_slice(&body);
    if asked.fingerprint {
        let sum = fingerprint_of(&out);
        attribute(&mut out, FINGERPRINT, &sum);
    }
    Some(out)
}

/// What a request carries.
struct Attributes {
    /// Types that must be understood and are not, each once.
    unknown: Vec<u16>,
    fingerprint: bool,
}

impl Attributes {
    /// None if the lengths do not fit, or a fingerprint is wrong or not the last.
    fn read(request: &[u8]) -> Option<Self> {
        let length = request.get(2..4).and_then(|octets| octets.try_into().ok()).map(u16::from_be_bytes)?;
        let mut rest = request.get(HEADER..)?;
        if rest.len() != usize::from(length) || !rest.len().is_multiple_of(4) {
            return None;
        }
        let mut found = Self { unknown: Vec::new(), fingerprint: false };
        while !rest.is_empty() {
            if found.fingerprint {
                return None;
            }
            let (head, behind) = rest.split_first_chunk::<4>()?;
            let [a, b, c, d] = *head;
            let (kind, size) = (u16::from_be_bytes([a, b]), usize::from(u16::from_be_bytes([c, d])));
            let value = behind.get(..size)?;
            if kind == FINGERPRINT {
                let before = request.get(..request.len() - rest.len())?;
                if value != fingerprint_of(before) {
                    return None;
                }
                found.fingerprint = true;
            } else if kind < OPTIONAL && !UNDERSTOOD.contains(&kind) && !found.unknown.contains(&kind) {
                found.unknown.push(kind);
            }
            rest = behind.get(size.next_multiple_of(4)..)?;
        }
        Some(found)
    }
}

fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The value of XOR-MAPPED-ADDRESS (15.2): hidden from middleboxes that would rewrite addresses they know.
fn xor_address(source: SocketAddr, transaction: &[u8]) -> Vec<u8> {
    let mask: Vec<u8> = COOKIE.iter().chain(transaction).copied().collect();
    let xored = |octets: &[u8]| octets.iter().zip(&mask).map(|(octet, mask)| octet ^ mask).collect::<Vec<u8>>();
    let (family, ip) = match source.ip() {
        IpAddr::V4(ip) => (1, xored(&ip.octets())),
        IpAddr::V6(ip) => (2, xored(&ip.octets())),
    };
    let mut value = vec![0, family];
    value.extend(xored(&source.port().to_be_bytes()));
    value.extend(ip);
    value
}

/// The value of FINGERPRINT (15.5) behind `message`, whose length counts it already: the CRC-32 of ITU V.42 and a mask.
fn fingerprint_of(message: &[u8]) -> [u8; 4] {
    const REVERSED: u32 = 0xedb8_8320;
    const MASK: u32 = 0x5354_554e;
    let crc = message.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { REVERSED } else { 0 })
    });
    (!crc ^ MASK).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Binding request with these attributes.
    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = [&BINDING_REQUEST[..], &[0, 0], &COOKIE, b"transaction!"].concat();
        for (kind, value) in attributes {
            attribute(&mut out, *kind, value);
        }
        set_length(&mut out, 0);
        out
    }

    fn set_length(message: &mut [u8], more: usize) {
        let length = u16::try_from(message.len() - HEADER + more).unwrap();
        message[2..4].copy_from_slice(&length.to_be_bytes());
    }

    fn source() -> SocketAddr {
        "192.0.2.1:32853".parse().unwrap()
    }

    #[test]
    fn the_addresses_of_rfc_5769_are_written_as_there() {
        // RFC 5769 2.2 and 2.3.
        let transaction = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
        assert_eq!(xor_address(source(), &transaction), [0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let six = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        let expected = [
            0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2,
            0xb9, 0xd9,
        ];
        assert_eq!(xor_address(six, &transaction), expected);
    }

    #[test]
    fn the_sample_request_of_rfc_5769_is_answered_as_it_asks() {
        // 2.1: SOFTWARE, PRIORITY and ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY and FINGERPRINT.
        let sample: [u8; 108] = [
            0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
            0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
            0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
            0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
            0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
            0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
        ];
        let out = answer(&sample, source()).unwrap();
        // PRIORITY (0x0024) must be understood, and is ICE's alone: 420, with a fingerprint as it came with one.
        assert_eq!(out[..2], BINDING_ERROR);
        assert_eq!(out[HEADER..HEADER + 16], [0, 9, 0, 4, 0, 0, 4, 20, 0, 10, 0, 2, 0, 0x24, 0, 0]);
        assert_eq!(out[36..], [&[0x80, 0x28, 0, 4][..], &fingerprint_of(&out[..36])].concat());
        let mut broken = sample;
        broken[30] ^= 1;
        assert_eq!(answer(&broken, source()), None, "the fingerprint is wrong");
    }

    #[test]
    fn a_binding_request_is_answered_by_the_address_that_it_came_from() {
        let asked = request(&[]);
        let out = answer(&asked, source()).unwrap();
        assert_eq!((out.len(), &out[..4]), (32, &[1, 1, 0, 12][..]));
        assert_eq!(out[8..HEADER], asked[8..HEADER]);
        assert_eq!(out[HEADER..24], [0, 0x20, 0, 8]);
        assert!(out.len() <= asked.len() + 12);
        let software = request(&[(0x8022, b"a phone")]);
        assert_eq!(answer(&software, source()).unwrap(), out, "what may be passed over is");
    }

    #[test]
    fn what_is_broken_or_no_request_is_not_answered() {
        let good = request(&[(0x8022, b"phone")]);
        assert!(answer(&good, source()).is_some());
        for cut in 0..good.len() {
            assert_eq!(answer(&good[..cut], source()), None, "{cut}");
        }
        let changed = |place: usize, to: u8| {
            let mut message = good.clone();
            message[place] = to;
            answer(&message, source())
        };
        assert_eq!(changed(0, 0x80), None, "not the first bits of STUN");
        assert_eq!(changed(1, 0x11), None, "an indication");
        assert_eq!(changed(1, 0x02), None, "another method");
        assert_eq!(changed(0, 0x01), None, "an answer");
        assert_eq!(changed(4, 0x20), None, "not the cookie");
        assert_eq!(changed(23, 200), None, "an attribute longer than the message");
        let huge = request(&[(0x8022, &[b'x'; 600])]);
        assert_eq!(answer(&huge, source()), None);
        let mut early = request(&[]);
        set_length(&mut early, 16);
        let sum = fingerprint_of(&early);
        attribute(&mut early, FINGERPRINT, &sum);
        attribute(&mut early, 0x8022, b"more");
        assert_eq!(answer(&early, source()), None, "something behind the fingerprint");
    }

    #[test]
    fn no_octets_make_it_fail_and_no_answer_is_much_larger_than_its_question() {
        let mut rng = base::Rng::from_number(7);
        for _ in 0..20_000 {
            let mut message = request(&[(0x8022, b"a phone"), (0x0003, &[0; 4]), (0x0024, &[])]);
            for _ in 0..rng.below(4) {
                let place = rng.below(u32::try_from(message.len()).unwrap()) as usize;
                message[place] = u8::try_from(rng.below(256)).unwrap();
            }
            let kept = rng.below(u32::try_from(message.len() + 1).unwrap()) as usize;
            for message in [&message[..], &message[..kept]] {
                let size = answer(message, source()).map_or(0, |out| out.len());
                assert!(size <= message.len() + 16);
            }
        }
    }
}
