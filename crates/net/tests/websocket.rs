//! SIP over WebSocket: handshakes, frames and what breaks them, with a peer of plain octets (RFC 6455, RFC 7118).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the peer of these tests is a plain socket")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::{LIMIT, World};
use net::Received;
use net::tcp::{Layer, Limits, Origins};
use sip::{Flow, Transport};
use sip_message::{Message, Reject};

const OPTIONS: &str = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1\r\n\
    From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1@x\r\nCSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

fn start(origins: Origins, limits: Limits) -> World {
    common::start(4, Transport::Ws, Layer::Ws(Arc::new(origins)), limits)
}

/// The head of the usual handshake, with more lines.
fn upgrade(more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

impl World {
    /// Sends `octets` on a new connection.
    fn connect(&self, octets: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.listener.local()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(octets).unwrap();
        stream
    }

    /// A connection whose handshake is over.
    fn open(&self) -> TcpStream {
        let mut stream = self.connect(upgrade("Sec-WebSocket-Protocol: sip\r\n").as_bytes());
        let answer = head(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.to_lowercase().contains("sec-websocket-protocol: sip"));
        // The answer to the key of RFC 6455 section 1.3.
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        stream
    }

    fn message(&self) -> (Flow, Result<Message, Reject>) {
        match self.next() {
            Received::Message { flow, parsed } => (flow, parsed),
            other => panic!("{other:?}"),
        }
    }

    fn request(&self) -> Flow {
        let (flow, parsed) = self.message();
        assert!(matches!(parsed, Ok(Message::Request(_))), "{parsed:?}");
        flow
    }
}

/// The head of an answer over HTTP.
fn head(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let mut octet = [0];
        if stream.read(&mut octet).unwrap_or(0) == 0 {
            break;
        }
        text.push(char::from(octet[0]));
    }
    text
}

/// A frame as a client sends it, masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(size @ 0..=125) => frame.push(0x80 | size as u8),
        Ok(size) => {
            frame.push(0x80 | 126);
            frame.extend(size.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(octet, mask)| octet ^ mask));
    frame
}

/// The first octet and the payload of the next frame from the listener; none once the connection is over.
fn read_frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut start = [0; 2];
    stream.read_exact(&mut start).ok()?;
    let size = match start[1] {
        126 => {
            let mut size = [0; 2];
            stream.read_exact(&mut size).ok()?;
            usize::from(u16::from_be_bytes(size))
        }
        size => usize::from(size),
    };
    let mut payload = vec![0; size];
    stream.read_exact(&mut payload).ok()?;
    Some((start[0], payload))
}

#[test]
fn a_message_comes_in_text_binary_or_pieces_and_the_answer_goes_back() {
    let mut world = start(Origins::Any, Limits::default());
    let mut stream = world.open();
    let (first, rest) = OPTIONS.as_bytes().split_at(100);
    let in_pieces = [frame(TEXT, first), frame(FIN | PING, b"x"), frame(FIN | CONTINUATION, rest)].concat();
    for octets in [frame(FIN | TEXT, OPTIONS.as_bytes()), frame(FIN | BINARY, OPTIONS.as_bytes()), in_pieces] {
        stream.write_all(&octets).unwrap();
        let flow = world.request();
        assert_eq!((flow.transport, flow.listener), (Transport::Ws, 4));
        for payload in [&b"SIP/2.0 200 OK\r\n\r\n"[..], b"SIP/2.0 200 \xff\r\n\r\n"] {
            world.send(flow, payload);
        }
        let mut told = [read_frame(&mut stream).unwrap(), read_frame(&mut stream).unwrap()];
        if told[0].0 == FIN | PONG {
            told = [told[1].clone(), read_frame(&mut stream).unwrap()];
        }
        assert_eq!(told[0], (FIN | TEXT, b"SIP/2.0 200 OK\r\n\r\n".to_vec()));
        assert_eq!(told[1], (FIN | BINARY, b"SIP/2.0 200 \xff\r\n\r\n".to_vec()), "what is no UTF-8 is no text");
    }
    stream.write_all(&frame(FIN | CLOSE, &1000u16.to_be_bytes())).unwrap();
    assert!(matches!(world.next(), Received::Closed { transport: Transport::Ws, .. }));
}

#[test]
fn what_is_no_sip_is_handed_over_and_the_connection_goes_on() {
    let world = start(Origins::Any, Limits::default());
    let mut stream = world.open();
    stream.write_all(&frame(FIN | TEXT, b"no SIP at all")).unwrap();
    assert!(world.message().1.is_err());
    stream.write_all(&frame(FIN | TEXT, b"\r\n\r\n")).unwrap();
    stream.write_all(&frame(FIN | TEXT, OPTIONS.as_bytes())).unwrap();
    world.request();
}

#[test]
fn handshakes_that_are_none_are_refused() {
    let page = "https://phone.example";
    let world = start(Origins::These(vec![page.to_owned()]), Limits::default());
    let refused = |octets: &[u8], status: &str| {
        let mut stream = world.connect(octets);
        let answer = head(&mut stream);
        assert!(answer.starts_with(status), "{status}: {answer}");
        assert!(matches!(world.next(), Received::Closed { .. }));
    };
    let origin = format!("Origin: {page}\r\n");
    refused(upgrade("Sec-WebSocket-Protocol: sip\r\n").as_bytes(), "HTTP/1.1 403 ");
    let other = upgrade("Sec-WebSocket-Protocol: sip\r\nOrigin: https://phone.example.evil\r\n");
    refused(other.as_bytes(), "HTTP/1.1 403 ");
    refused(upgrade(&origin).as_bytes(), "HTTP/1.1 400 ");
    refused(upgrade(&format!("{origin}Sec-WebSocket-Protocol: chat, mqtt\r\n")).as_bytes(), "HTTP/1.1 400 ");
    refused(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "");
    refused(OPTIONS.as_bytes(), "");
    refused(&[0; 64], "");
    refused(&[b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 100_000]].concat(), "");
    assert_eq!(world.sender.failed_handshakes(), [("not_websocket", 6), ("origin", 2)]);
    let fine = upgrade("Origin: https://Phone.example\r\nSec-WebSocket-Protocol: chat, SIP\r\n");
    assert!(head(&mut world.connect(fine.as_bytes())).starts_with("HTTP/1.1 101 "));
}

#[test]
fn frames_that_are_too_large_or_malformed_end_their_connection_alone() {
    let world = start(Origins::Any, Limits::default());
    let mut steady = world.open();
    let large = vec![b'x'; sip_message::MAX_MESSAGE + 1];
    let pieces = [frame(TEXT, &large[..40_000]), frame(FIN | CONTINUATION, &large[..40_000])].concat();
    let unmasked = [&[FIN | TEXT, 2][..], b"hi"].concat();
    for octets in [frame(FIN | TEXT, &large), pieces, unmasked, frame(FIN | 3, b"x"), frame(FIN | TEXT, &[0xff; 4])] {
        let mut stream = world.open();
        // It may be closed before all is written.
        let _ = stream.write_all(&octets);
        // Maybe a word on why, and then the end.
        while let Some((first, _)) = read_frame(&mut stream) {
            assert_eq!(first, FIN | CLOSE);
        }
        assert!(matches!(world.next(), Received::Closed { .. }));
    }
    steady.write_all(&frame(FIN | TEXT, OPTIONS.as_bytes())).unwrap();
    world.request();
}

#[test]
fn who_says_nothing_is_asked_and_given_up_and_who_answers_is_not() {
    let limits = Limits { ping: Duration::from_millis(200), ..Limits::default() };
    let world = start(Origins::Any, limits);
    let mut there = world.open();
    let _gone = world.open();
    for _ in 0..3 {
        let (first, payload) = read_frame(&mut there).unwrap();
        assert_eq!(first, FIN | PING);
        there.write_all(&frame(FIN | PONG, &payload)).unwrap();
    }
    assert!(matches!(world.next(), Received::Closed { .. }));
    there.write_all(&frame(FIN | TEXT, OPTIONS.as_bytes())).unwrap();
    world.request();
}

#[test]
fn who_is_slow_with_the_handshake_or_the_first_message_is_cut_off() {
    let limits =
        Limits { handshake: Duration::from_millis(200), message: Duration::from_millis(400), ..Limits::default() };
    let world = start(Origins::Any, limits);
    let mut slow = world.connect(b"GET / HTTP/1.1\r\nHost: h\r\n");
    assert!(!matches!(slow.read(&mut [0; 8]), Ok(1..)));
    assert!(matches!(world.next(), Received::Closed { .. }));
    let _silent = world.open();
    assert!(matches!(world.next(), Received::Closed { .. }));
}

#[test]
fn nobody_is_connected_to() {
    let mut world = start(Origins::Any, Limits::default());
    let remote = "127.0.0.1:9".parse().unwrap();
    let flow = world.to(remote);
    world.send(flow, b"x");
    assert!(matches!(world.next(), Received::Unreachable { transport: Transport::Ws, .. }));
    assert_eq!(world.sender.unsent(), 1);
}
