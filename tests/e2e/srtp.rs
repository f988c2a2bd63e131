//! SRTP with keys in SDP (RFC 3711, 4568, 7714) among strangers: libsrtp packet by packet.

use base::Rng;
use rtp::srtp::{Inbound, MasterKey, Outbound, RTCP_TRAILER, RTP_TRAILER, Suite};
use rtp::{HEADER, Header};
use tests::libsrtp::Libsrtp;

fn sealed(packet: &[u8], room: usize, seal: impl FnOnce(&mut [u8]) -> usize) -> Vec<u8> {
    let mut packet = [packet, &vec![0; room]].concat();
    let length = seal(&mut packet);
    packet.truncate(length);
    packet
}

/// Both ways, over the wrap of the sequence number, with some packets lost on the way.
#[test]
fn libsrtp_opens_what_we_seal_and_we_what_it_seals() {
    let suites = [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32, Suite::AeadAes128Gcm, Suite::AeadAes256Gcm];
    for suite in suites {
        let mut rng = Rng::from_number(5);
        let master = MasterKey::random(suite, &mut rng);
        let mut stranger = Libsrtp::start(suite.name(), master.reveal());
        let (mut outbound, mut inbound) = (Outbound::new(&master), Inbound::new(&master, None));
        for n in 0..2000u32 {
            let sequence = 0xfff0u16.wrapping_add(((n * 70) & 0xffff) as u16);
            let header = Header { marker: n == 0, payload_type: 0, sequence, timestamp: n * 160, ssrc: 0xdead_beef };
            let payload: Vec<u8> = (0..rng.below(200)).map(|_| rng.u32().to_be_bytes()[0]).collect();
            let clear = [&header.to_bytes()[..], &payload].concat();

            let ours = sealed(&clear, RTP_TRAILER, |packet| outbound.protect_rtp(packet, clear.len()).unwrap());
            let mut theirs = stranger.ask("seal", &clear).expect("it seals");
            assert_eq!(ours, theirs, "{suite} {n}");
            // Not the first: libsrtp takes a stream that it first sees after the wrap for one that begins there.
            if n > 0 && rng.percent(20) {
                continue;
            }
            assert_eq!(stranger.ask("open", &ours).as_ref(), Some(&clear), "{suite} {n}");
            assert_eq!(stranger.ask("open", &ours), None, "a replay");
            let length = inbound.unprotect_rtp(&mut theirs).unwrap();
            assert_eq!(theirs[..length], clear);
        }
        let mut changed = stranger.ask("seal", &[&[0x80; HEADER][..], b"abc"].concat()).expect("it seals");
        changed[HEADER] ^= 1;
        assert!(inbound.unprotect_rtp(&mut changed).is_err());
        for n in 0..5u32 {
            let clear = [&[0x80, 201, 0, 1][..], &n.to_be_bytes(), &[0x81, 202, 0, 2], &n.to_be_bytes(), &[1, 2, 3, 4]]
                .concat();
            let ours = sealed(&clear, RTCP_TRAILER, |packet| outbound.protect_rtcp(packet, clear.len()).unwrap());
            assert_eq!(stranger.ask("open_rtcp", &ours).as_ref(), Some(&clear), "{suite} {n}");
            let mut theirs = stranger.ask("seal_rtcp", &clear).expect("it seals");
            let length = inbound.unprotect_rtcp(&mut theirs).unwrap();
            assert_eq!(theirs[..length], clear);
        }
    }
}
