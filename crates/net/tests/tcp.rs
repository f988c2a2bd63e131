//! A TCP listener on loopback: connections found, opened, limited and cut off (RFC 3261 §18, RFC 5626 §4.4.1).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the peer of these tests is a plain socket")]

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use common::{LIMIT, World};
use net::Received;
use net::tcp::{Layer, Limits};
use sip::{ConnectionId, Flow, Transport};
use sip_message::Message;

const OPTIONS: &str = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5099;branch=z9hG4bK1\r\n\
    From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1@x\r\nCSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

fn start(limits: Limits) -> World {
    common::start(2, Transport::Tcp, Layer::Plain, limits)
}

impl World {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.listener.local()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Waits for a well-formed request.
    fn request(&self) -> Flow {
        match self.received.recv_timeout(LIMIT) {
            Ok(Received::Message { flow, parsed: Ok(Message::Request(_)) }) => flow,
            other => panic!("expected a request, got {other:?}"),
        }
    }

    fn closed(&self) -> ConnectionId {
        match self.received.recv_timeout(LIMIT) {
            Ok(Received::Closed { connection, .. }) => connection,
            other => panic!("expected a closed connection, got {other:?}"),
        }
    }
}

fn read(stream: &mut TcpStream, size: usize) -> Vec<u8> {
    let mut octets = vec![0; size];
    stream.read_exact(&mut octets).unwrap();
    octets
}

/// True if the other side has closed the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 8]).map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |size| size == 0)
}

#[test]
fn messages_come_from_a_connection_and_answers_go_back_by_it() {
    let mut world = start(Limits::default());
    let mut peer = world.connect();
    peer.write_all(&OPTIONS.as_bytes()[..30]).unwrap();
    peer.write_all(&[&OPTIONS.as_bytes()[30..], OPTIONS.as_bytes()].concat()).unwrap();
    let (one, two) = (world.request(), world.request());
    assert_eq!(one, two);
    assert_eq!((one.transport, one.listener, one.remote), (Transport::Tcp, 2, peer.local_addr().unwrap()));
    // The address to fall back to is not looked at while the connection lives.
    world.send(Flow { remote: "127.0.0.1:9".parse().unwrap(), ..one }, b"answer");
    assert_eq!(read(&mut peer, 6), b"answer");
}

#[test]
fn a_ping_gets_a_pong() {
    let world = start(Limits::default());
    let mut peer = world.connect();
    peer.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(read(&mut peer, 2), b"\r\n");
}

#[test]
fn a_connection_is_opened_once_and_used_for_all_that_goes_there() {
    let mut world = start(Limits::default());
    let phone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let flow = world.to(phone.local_addr().unwrap());
    world.send(flow, b"one");
    world.send(flow, b"two");
    let (mut stream, _) = phone.accept().unwrap();
    assert_eq!(read(&mut stream, 6), b"onetwo");
    world.send(flow, b"three");
    assert_eq!(read(&mut stream, 5), b"three");
    assert_eq!(world.listener.connections(), 1);
    // What comes by it has the port that we listen on, not that of the connection.
    stream.write_all(OPTIONS.as_bytes()).unwrap();
    let came = world.request();
    assert_eq!((came.local, came.remote), (world.listener.local(), phone.local_addr().unwrap()));
    assert!(came.connection.is_some());
}

#[test]
fn when_a_connection_is_gone_another_is_opened_to_the_address() {
    let mut world = start(Limits::default());
    let phone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut peer = world.connect();
    peer.write_all(OPTIONS.as_bytes()).unwrap();
    let flow = world.request();
    drop(peer);
    assert_eq!(Some(world.closed()), flow.connection);
    world.send(Flow { remote: phone.local_addr().unwrap(), ..flow }, b"late");
    let (mut stream, _) = phone.accept().unwrap();
    assert_eq!(read(&mut stream, 4), b"late");
}

#[test]
fn nobody_at_an_address_is_told() {
    let mut world = start(Limits::default());
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    world.send(world.to(gone), b"x");
    match world.received.recv_timeout(LIMIT) {
        Ok(Received::Unreachable { transport: Transport::Tcp, remote }) => assert_eq!(remote, gone),
        other => panic!("expected an unreachable peer, got {other:?}"),
    }
    assert_eq!(world.listener.connections(), 0);
}

#[test]
fn who_is_slow_with_a_message_is_cut_off_however_steadily_he_drips() {
    let world = start(Limits { message: Duration::from_millis(400), ..Limits::default() });
    let start = Instant::now();
    let (mut silent, mut dripping) = (world.connect(), world.connect());
    for octet in OPTIONS.as_bytes().chunks(1) {
        if dripping.write_all(octet).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_closed(&mut silent));
    assert!(start.elapsed() >= Duration::from_millis(400));
    world.closed();
    world.closed();
    assert!(world.received.try_recv().is_err(), "no message came of it");
}

#[test]
fn who_sent_a_message_may_be_silent_until_the_idle_limit() {
    let limits = Limits { message: Duration::from_millis(200), idle: Duration::from_millis(900), ..Limits::default() };
    let world = start(limits);
    let mut peer = world.connect();
    peer.write_all(OPTIONS.as_bytes()).unwrap();
    world.request();
    let start = Instant::now();
    assert!(is_closed(&mut peer));
    assert!(start.elapsed() >= Duration::from_millis(800), "{:?}", start.elapsed());
}

#[test]
fn who_does_not_read_is_cut_off_and_nothing_waits_for_him() {
    let mut world = start(Limits { queue: 64 * 1024, ..Limits::default() });
    let mut peer = world.connect();
    peer.write_all(OPTIONS.as_bytes()).unwrap();
    let flow = world.request();
    let start = Instant::now();
    let mut sent = 0;
    while world.sender.unsent() == 0 {
        world.send(flow, &[b'x'; 4096]);
        sent += 1;
        assert!(sent < 100_000, "the queue has no limit");
    }
    assert!(start.elapsed() < LIMIT);
    assert_eq!(Some(world.closed()), flow.connection);
}

#[test]
fn who_takes_nothing_for_too_long_is_cut_off_though_little_waits_for_him() {
    let mut world = start(Limits { write: Duration::from_millis(300), ..Limits::default() });
    let mut peer = world.connect();
    peer.write_all(OPTIONS.as_bytes()).unwrap();
    let flow = world.request();
    // One message is never too long for the queue; this one is for the system's buffers.
    world.send(flow, &vec![b'x'; 32 << 20]);
    assert_eq!(world.sender.unsent(), 0);
    assert_eq!(Some(world.closed()), flow.connection);
}

#[test]
fn what_there_is_no_room_for_waits_and_nothing_is_lost_or_overtakes() {
    let world = start(Limits::default());
    let mut peer = world.connect();
    // The sink of these tests has room for 64.
    let count = 300;
    for number in 0..count {
        peer.write_all(OPTIONS.replace("Call-ID: 1@x", &format!("Call-ID: {number}@x")).as_bytes()).unwrap();
    }
    peer.write_all(b"\r\n\r\n").unwrap();
    peer.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(peer.read(&mut [0; 2]).is_err(), "the ping behind them is not read before there is room");
    for number in 0..count {
        let Ok(Received::Message { parsed, .. }) = world.received.recv_timeout(LIMIT) else { panic!("lost {number}") };
        let Ok(Message::Request(request)) = parsed else { panic!("no request") };
        assert_eq!(request.head.call_id, format!("{number}@x").as_str());
    }
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(read(&mut peer, 2), b"\r\n");
}

#[test]
fn what_is_queued_when_the_listener_ends_is_still_written() {
    let mut world = start(Limits::default());
    let mut peer = world.connect();
    peer.write_all(OPTIONS.as_bytes()).unwrap();
    let flow = world.request();
    for _ in 0..100 {
        world.send(flow, &[b'x'; 1000]);
    }
    drop(world);
    assert!(read(&mut peer, 100_000).iter().all(|octet| *octet == b'x'));
    assert!(is_closed(&mut peer));
}

#[test]
fn connections_are_limited_from_each_source_and_in_all() {
    // A deadline closes nothing within this test: only a limit can.
    let patient = Limits { message: LIMIT * 10, ..Limits::default() };
    let world = start(Limits { per_source: 2, ..patient });
    let mut kept = [world.connect(), world.connect()];
    for peer in &mut kept {
        peer.write_all(b"\r\n\r\n").unwrap();
        assert_eq!(read(peer, 2), b"\r\n");
    }
    assert!(is_closed(&mut world.connect()), "a third one from this source");
    drop(kept);
    world.closed();
    world.closed();
    let mut again = world.connect();
    again.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(read(&mut again, 2), b"\r\n", "there is room again");
    let world = start(Limits { connections: 1, ..patient });
    let mut only = world.connect();
    only.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(read(&mut only, 2), b"\r\n");
    assert!(is_closed(&mut world.connect()), "a second one in all");
}

#[test]
fn what_breaks_the_framing_is_handed_over_and_its_connection_closed_behind_the_answer() {
    let mut world = start(Limits::default());
    let mut peer = world.connect();
    peer.write_all(OPTIONS.replace("Content-Length: 0\r\n", "").as_bytes()).unwrap();
    let Ok(Received::Message { flow, parsed }) = world.received.recv_timeout(LIMIT) else { panic!("nothing came") };
    assert!(parsed.is_err());
    world.send(flow, b"400");
    assert_eq!(read(&mut peer, 3), b"400");
    assert!(is_closed(&mut peer));
}
