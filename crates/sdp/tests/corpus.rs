//! Descriptions that others wrote: browsers, phones, gateways, RFC 4475 and RFC 5118. Skipped where the corpus is
//! not present.

#![allow(clippy::unwrap_used, clippy::disallowed_types, reason = "a test reads files and may panic")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use sdp::{Codec, Direction, Local, Preferences, answer, parse};

const LOCAL: Local =
    Local { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), port: 16_384, session_id: 1, version: 1 };

fn corpus() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/sip");
    let folder = PathBuf::from(std::env::var("STROWGER_CORPUS").unwrap_or_else(|_| default.to_owned()));
    if !folder.is_dir() {
        println!("skipped: no corpus");
        return None;
    }
    Some(folder)
}

/// The body of a SIP message, if it is a description.
fn body(message: &[u8]) -> Option<&[u8]> {
    let at = message.windows(4).position(|octets| octets == b"\r\n\r\n")? + 4;
    message.get(at..).filter(|body| body.starts_with(b"v="))
}

/// What an offer comes to, in a word or two.
fn outcome(text: &[u8]) -> String {
    match parse(text).map_err(sdp::Refusal::from).and_then(|offer| answer(&offer, &LOCAL, &Preferences::default())) {
        Ok((_, agreed)) => format!("{} {}", agreed.codec, agreed.remote.map_or("held".to_owned(), |to| to.to_string())),
        Err(refusal) => format!("{} {}", refusal.status, refusal.warn_code),
    }
}

#[test]
fn offers_of_browsers_and_phones_are_answered_or_refused() {
    let Some(corpus) = corpus() else { return };
    let cases = [
        ("aiortc-1.16-audio-offer.sdp", "488 302"),
        ("chromium-156-audio-offer.sdp", "488 302"),
        ("chromium-156-audio-video-offer.sdp", "488 302"),
        ("cisco-7965-c-after-m.sdp", "PCMU 10.10.10.10:20096"),
    ];
    for (name, expected) in cases {
        assert_eq!(outcome(&fs::read(corpus.join("sdp").join(name)).unwrap()), expected, "{name}");
    }
}

#[test]
fn descriptions_in_captured_messages_are_answered_or_refused() {
    let Some(corpus) = corpus() else { return };
    let cases = [
        ("messages/003-FAX-Call-t38-CA-TDM-SIP-FB-1-SIP-2-0-200.sip", "PCMA 192.168.100.219:5002"),
        ("messages/051-DTMFsipinfo-INVITE.sip", "PCMA 213.192.59.78:28510"),
        ("messages/059-SIP-CALL-RTP-G711-SIP-2-0-200.sip", "PCMA 200.57.7.204:8000"),
        ("messages/079-b2bua-asterisk-INVITE.sip", "PCMU 172.16.98.1:8000"),
        ("messages/107-invite-opus-bye-SIP-2-0-200.sip", "488 305"),
        ("messages/133-sip-488-codec-reject-INVITE.sip", "488 304"),
        ("messages/171-sip-rtp-g722-INVITE.sip", "488 305"),
        ("messages/185-sip-sdp-example-INVITE.sip", "PCMA 10.33.6.101:6020"),
        ("messages/207-ipv6frag-INVITE.sip", "488 300"),
        ("messages/243-sip-sdp-sdp-SIP-2-0-200.sip", "PCMU 192.168.1.2:30000"),
        ("rfc4475/baddate.dat", "PCMU 192.0.2.5:49217"),
        ("rfc4475/mismatch02.dat", "PCMU 192.0.2.1:49217"),
        ("rfc4475/multi01.dat", "PCMU 192.0.2.25:49217"),
        ("rfc4475/test.dat", "400 399"),
        ("rfc5118/ipv4-mapped-ipv6.dat", "488 305"),
        ("rfc5118/mult-ip-in-sdp.dat", "PCMU 192.0.2.1:22334"),
    ];
    for (name, expected) in cases {
        let message = fs::read(corpus.join(name)).unwrap();
        assert_eq!(outcome(body(&message).unwrap()), expected, "{name}");
    }
}

#[test]
fn a_clarent_gateways_send_recv_and_a_recvonly_caller_are_understood() {
    let Some(corpus) = corpus() else { return };
    let agreed = |name: &str| {
        let message = fs::read(corpus.join("messages").join(name)).unwrap();
        answer(&parse(body(&message).unwrap()).unwrap(), &LOCAL, &Preferences::default()).unwrap().1
    };
    let gateway = agreed("215-sip-body-frames-public-cloudshark-sip-s0-INVITE.sip");
    assert_eq!((gateway.direction, gateway.codec), (Direction::SendRecv, Codec::Pcma));
    assert_eq!(agreed("165-sip-rtp-g711-INVITE.sip").direction, Direction::SendOnly);
}

#[test]
fn every_captured_description_reads_and_prints_the_same_session() {
    let Some(corpus) = corpus() else { return };
    let mut read = 0;
    for entry in fs::read_dir(corpus.join("messages")).unwrap() {
        let path = entry.unwrap().path();
        let message = fs::read(&path).unwrap();
        let Some(body) = body(&message) else { continue };
        let description = parse(body).unwrap();
        assert_eq!(parse(&description.to_bytes()), Ok(description), "{}", path.display());
        read += 1;
    }
    println!("{read} descriptions");
    assert!(read > 20);
}
