//! SRTP and SRTCP by their two directions: what goes in comes out, whatever the packet, and nothing else does.
//!
//! Packets of the RFCs stand with the code; a stranger's implementation is asked in the end-to-end tests.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

use base::Rng;
use proptest::prelude::*;
use rtp::srtp::{Inbound, MAX_STREAMS, MasterKey, Mki, Outbound, RTCP_TRAILER, RTP_TRAILER, SrtpError, Suite};
use rtp::{HEADER, Header, Packet, RtpError};

fn key(suite: Suite) -> MasterKey {
    MasterKey::random(suite, &mut Rng::from_number(9))
}

fn pair(suite: Suite) -> (Outbound, Inbound) {
    (Outbound::new(&key(suite)), Inbound::new(&key(suite), None))
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header { marker: false, payload_type: 8, sequence, timestamp: 160, ssrc };
    [&header.to_bytes()[..], payload].concat()
}

fn sealed(outbound: &mut Outbound, clear: &[u8]) -> Vec<u8> {
    let mut packet = [clear, &[0; RTP_TRAILER]].concat();
    let length = outbound.protect_rtp(&mut packet, clear.len()).unwrap();
    packet.truncate(length);
    packet
}

fn opened(inbound: &mut Inbound, sealed: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = sealed.to_vec();
    match inbound.unprotect_rtp(&mut packet) {
        Ok(length) => Ok(packet[..length].to_vec()),
        Err(error) => {
            assert_eq!(packet, sealed, "what is refused stays as it was");
            Err(error)
        }
    }
}

/// A receiver report.
fn rtcp(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes(), &[0x81, 202, 0, 2], &ssrc.to_be_bytes(), &[1, 2, b'a', b'b']].concat()
}

fn sealed_rtcp(outbound: &mut Outbound, clear: &[u8]) -> Vec<u8> {
    let mut packet = [clear, &[0; RTCP_TRAILER]].concat();
    let length = outbound.protect_rtcp(&mut packet, clear.len()).unwrap();
    packet.truncate(length);
    packet
}

fn opened_rtcp(inbound: &mut Inbound, sealed: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = sealed.to_vec();
    inbound.unprotect_rtcp(&mut packet).map(|length| packet[..length].to_vec())
}

fn suites() -> impl Strategy<Value = Suite> {
    proptest::sample::select(Suite::ALL.to_vec())
}

/// A header with CSRCs, an extension and padding, as the first octet says, and what follows.
fn packets() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..300);
    (0u8..16, any::<bool>(), 0u8..4, any::<u16>(), any::<u32>(), payload).prop_map(
        |(csrcs, extension, words, sequence, ssrc, payload)| {
            let mut packet = rtp(ssrc, sequence, &[]);
            packet[0] |= csrcs | if extension { 0x10 } else { 0 };
            packet.extend(std::iter::repeat_n(5, usize::from(csrcs) * 4));
            if extension {
                packet.extend([0xbe, 0xde, 0, words]);
                packet.extend(std::iter::repeat_n(6, usize::from(words) * 4));
            }
            packet.extend(payload);
            packet
        },
    )
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(suite in suites(), clear in packets()) {
        let (mut outbound, mut inbound) = pair(suite);
        let packet = sealed(&mut outbound, &clear);
        let header = rtp::header_length(&clear).unwrap();
        prop_assert_eq!(&packet[..header], &clear[..header]);
        // 16 octets of payload that stay the same are no chance.
        prop_assert!(clear.len() < header + 16 || packet[header..clear.len()] != clear[header..]);
        prop_assert_eq!(opened(&mut inbound, &packet), Ok(clear));
    }

    #[test]
    fn what_was_changed_anywhere_is_refused(suite in suites(), clear in packets(), place in any::<usize>(), bit in 0..8) {
        let (mut outbound, mut inbound) = pair(suite);
        let packet = sealed(&mut outbound, &clear);
        let mut changed = packet.clone();
        let place = place % changed.len();
        changed[place] ^= 1u8 << bit;
        prop_assert!(opened(&mut inbound, &changed).is_err());
        prop_assert_eq!(opened(&mut inbound, &packet), Ok(clear), "and spoils nothing");
    }

    #[test]
    fn what_was_cut_is_refused(suite in suites(), clear in packets(), length in any::<usize>()) {
        let (mut outbound, mut inbound) = pair(suite);
        let packet = sealed(&mut outbound, &clear);
        prop_assert!(opened(&mut inbound, &packet[..length % packet.len()]).is_err());
    }

    #[test]
    fn octets_of_all_kinds_harm_nothing(suite in suites(), octets in proptest::collection::vec(any::<u8>(), 0..100)) {
        let (mut outbound, mut inbound) = pair(suite);
        prop_assert!(opened(&mut inbound, &octets).is_err());
        prop_assert!(opened_rtcp(&mut inbound, &octets).is_err());
        let mut room = octets.clone();
        let _ = outbound.protect_rtp(&mut room, octets.len());
        let _ = outbound.protect_rtcp(&mut room, octets.len() + 7);
    }

    #[test]
    fn packets_out_of_order_are_opened_once_each(suite in suites(), first in any::<u16>(), seed in any::<u64>()) {
        let (mut outbound, mut inbound) = pair(suite);
        let mut rng = Rng::from_number(seed);
        let packets: Vec<_> = (0..60).map(|n| sealed(&mut outbound, &rtp(1, first.wrapping_add(n), b"x"))).collect();
        prop_assert!(opened(&mut inbound, &packets[0]).is_ok());
        let mut taken = [false; 60];
        taken[0] = true;
        for _ in 0..200 {
            let n = rng.below(60) as usize;
            let outcome = opened(&mut inbound, &packets[n]);
            prop_assert_eq!(outcome.is_ok(), !taken[n], "{}", n);
            taken[n] = true;
        }
    }

    #[test]
    fn reports_go_in_and_come_out_once(suite in suites(), ssrc in any::<u32>(), place in any::<usize>()) {
        let (mut outbound, mut inbound) = pair(suite);
        for _ in 0..3 {
            let clear = rtcp(ssrc);
            let packet = sealed_rtcp(&mut outbound, &clear);
            prop_assert_eq!(&packet[..8], &clear[..8]);
            prop_assert_ne!(&packet[8..20], &clear[8..20]);
            let mut changed = packet.clone();
            changed[place % packet.len()] ^= 1;
            prop_assert!(opened_rtcp(&mut inbound, &changed).is_err());
            prop_assert_eq!(opened_rtcp(&mut inbound, &packet), Ok(clear));
            prop_assert_eq!(opened_rtcp(&mut inbound, &packet), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn the_roll_over_counter_goes_on_with_both() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        // Three rounds of sequence numbers, one in 50 packets sent.
        for n in (0u32..200_000).step_by(50) {
            let clear = rtp(1, (n & 0xffff) as u16, &n.to_be_bytes());
            assert_eq!(opened(&mut inbound, &sealed(&mut outbound, &clear)), Ok(clear), "{n}");
        }
    }
}

#[test]
fn a_packet_from_before_the_wrap_is_opened_after_it_and_not_twice() {
    let (mut outbound, mut inbound) = pair(Suite::AesCm128HmacSha1_80);
    let packets: Vec<_> = [0xfffd, 0xfffe, 0xffff, 0, 1].map(|n| sealed(&mut outbound, &rtp(1, n, b"x"))).into();
    for n in [0, 3, 2, 4, 1] {
        assert!(opened(&mut inbound, &packets[n]).is_ok(), "{n}");
    }
    for packet in packets {
        assert_eq!(opened(&mut inbound, &packet), Err(SrtpError::Replayed));
    }
}

#[test]
fn a_stream_whose_first_packets_were_lost_over_the_wrap_is_found() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        sealed(&mut outbound, &rtp(1, 0xfffe, b"lost"));
        let clear = rtp(1, 3, b"first that comes");
        assert_eq!(opened(&mut inbound, &sealed(&mut outbound, &clear)), Ok(clear));
        let clear = rtp(1, 4, b"and on");
        assert_eq!(opened(&mut inbound, &sealed(&mut outbound, &clear)), Ok(clear));
    }
}

#[test]
fn packets_older_than_the_window_are_refused() {
    let (mut outbound, mut inbound) = pair(Suite::AeadAes128Gcm);
    let packets: Vec<_> = (0..=200).map(|n| sealed(&mut outbound, &rtp(1, n, b"x"))).collect();
    assert!(opened(&mut inbound, &packets[200]).is_ok());
    assert_eq!(opened(&mut inbound, &packets[72]), Err(SrtpError::Replayed));
    assert!(opened(&mut inbound, &packets[73]).is_ok());
}

#[test]
fn another_key_another_suite_and_clear_packets_are_refused() {
    for suite in Suite::ALL {
        let (mut outbound, _) = pair(suite);
        let packet = sealed(&mut outbound, &rtp(1, 1, &[7; 40]));
        let other = MasterKey::random(suite, &mut Rng::from_number(10));
        assert_eq!(opened(&mut Inbound::new(&other, None), &packet), Err(SrtpError::Unauthentic));
        for wrong in Suite::ALL.into_iter().filter(|wrong| *wrong != suite) {
            assert_eq!(opened(&mut Inbound::new(&key(wrong), None), &packet), Err(SrtpError::Unauthentic));
        }
        let (_, mut inbound) = pair(suite);
        assert_eq!(opened(&mut inbound, &rtp(1, 1, &[7; 160])), Err(SrtpError::Unauthentic));
        assert!(opened_rtcp(&mut inbound, &rtcp(1)).is_err());
    }
}

#[test]
fn streams_under_one_key_are_kept_apart_up_to_a_bound() {
    let suite = Suite::AesCm128HmacSha1_32;
    let mut inbound = Inbound::new(&key(suite), None);
    let mut first = Vec::new();
    for ssrc in 0..MAX_STREAMS as u32 {
        let packet = sealed(&mut Outbound::new(&key(suite)), &rtp(ssrc, 7, b"x"));
        assert!(opened(&mut inbound, &packet).is_ok());
        first.push(packet);
    }
    let more = sealed(&mut Outbound::new(&key(suite)), &rtp(1000, 7, b"x"));
    assert_eq!(opened(&mut inbound, &more), Err(SrtpError::TooManyStreams));
    for packet in first {
        assert_eq!(opened(&mut inbound, &packet), Err(SrtpError::Replayed));
    }
}

#[test]
fn an_index_is_never_used_twice() {
    let (mut outbound, _) = pair(Suite::AeadAes256Gcm);
    let mut packet = [rtp(1, 5, b"x"), vec![0; RTP_TRAILER]].concat();
    assert!(outbound.protect_rtp(&mut packet, HEADER + 1).is_ok());
    assert_eq!(outbound.protect_rtp(&mut packet, HEADER + 1), Err(SrtpError::UsedUp));
    packet[3] = 4;
    assert_eq!(outbound.protect_rtp(&mut packet, HEADER + 1), Err(SrtpError::UsedUp));
}

#[test]
fn a_buffer_without_room_is_told_and_spends_no_index() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let clear = rtp(1, 5, b"xyz");
        let mut tight = [&clear[..], &[0; 3]].concat();
        assert_eq!(outbound.protect_rtp(&mut tight, clear.len()), Err(SrtpError::NoRoom));
        assert_eq!(outbound.protect_rtp(&mut tight, clear.len() + 4), Err(SrtpError::NoRoom));
        assert_eq!(outbound.protect_rtp(&mut tight, 4), Err(SrtpError::Malformed(RtpError::TooShort)));
        assert_eq!(opened(&mut inbound, &sealed(&mut outbound, &clear)), Ok(clear));
    }
}

/// A peer's packets with an identifier, made of ours: it stands before the HMAC's tag, and behind that of GCM.
fn with_mki(packet: &[u8], tag: usize, mki: &[u8]) -> Vec<u8> {
    let (rest, tag) = packet.split_at(packet.len() - tag);
    [rest, mki, tag].concat()
}

#[test]
fn a_master_key_identifier_is_looked_for_where_it_was_agreed() {
    let clear = rtp(1, 5, b"xyz");
    for (suite, rtp_tag, rtcp_tag) in [(Suite::AesCm128HmacSha1_32, 4, 10), (Suite::AeadAes128Gcm, 0, 0)] {
        let mki = Mki::new(0x0102, 4).unwrap();
        let mut inbound = Inbound::new(&key(suite), Some(mki));
        let (mut outbound, _) = pair(suite);
        let packet = sealed(&mut outbound, &clear);
        assert!(opened(&mut inbound, &packet).is_err());
        assert_eq!(opened(&mut inbound, &with_mki(&packet, rtp_tag, &[0, 0, 2, 2])), Err(SrtpError::Mki));
        assert_eq!(opened(&mut inbound, &with_mki(&packet, rtp_tag, &[0, 0, 1, 2])), Ok(clear.clone()));
        let report = sealed_rtcp(&mut outbound, &rtcp(1));
        assert_eq!(opened_rtcp(&mut inbound, &with_mki(&report, rtcp_tag, &[0, 0, 1, 2])), Ok(rtcp(1)));
    }
    for (value, length, is_sound) in
        [(255, 1, true), (256, 1, false), (1, 0, false), (u64::MAX, 128, true), (1, 129, false)]
    {
        assert_eq!(Mki::new(value, length).is_some(), is_sound, "{value} {length}");
    }
}

#[test]
fn no_key_reaches_a_debug_text() {
    for suite in Suite::ALL {
        let (outbound, inbound) = pair(suite);
        let text = format!("{outbound:?} {inbound:?} {:?}", key(suite));
        let octets = key(suite).reveal().to_vec();
        let first = octets.iter().take(4).map(|octet| format!("{octet}")).collect::<Vec<_>>().join(", ");
        assert!(!text.contains(&first), "{text}");
        assert!(text.len() < 400, "{text}");
    }
}

#[test]
fn padding_is_encrypted_with_the_payload() {
    let (mut outbound, mut inbound) = pair(Suite::AesCm128HmacSha1_80);
    let mut clear = rtp(1, 5, &[1, 2, 0, 2]);
    clear[0] |= 0x20;
    let packet = sealed(&mut outbound, &clear);
    let clear = opened(&mut inbound, &packet).unwrap();
    assert_eq!(Packet::parse(&clear).unwrap().payload, [1, 2]);
}
