//! A listener on loopback: what it receives, sends, and hears of peers that are gone (RFC 3261 §18, UDP).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]
#![allow(clippy::disallowed_types, reason = "the peer of these tests is a plain socket")]

use std::net::SocketAddr;
use std::net::UdpSocket;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use net::Received;
use net::udp::Listener;
use sip::{Flow, Transmit};
use sip_message::Message;

const OPTIONS: &str = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK1\r\n\
    From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1@x\r\nCSeq: 1 OPTIONS\r\n\
    Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
/// Generous: the machines that run this are shared.
const LIMIT: Duration = Duration::from_secs(20);

fn start(address: &str) -> (Listener, mpsc::Receiver<Received>) {
    let mut listener = Listener::bind(0, address.parse().unwrap(), false).unwrap();
    let (tx, rx) = mpsc::sync_channel(64);
    listener.start(move |batch| batch.filter_map(|received| tx.try_send(received).err()).count()).unwrap();
    (listener, rx)
}

#[test]
fn a_wildcard_listener_knows_the_address_it_was_called_at() {
    let (listener, received) = start("0.0.0.0:0");
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.send_to(OPTIONS.as_bytes(), ("127.0.0.5", listener.local().port())).unwrap();
    let Ok(Received::Message { flow, parsed }) = received.recv_timeout(LIMIT) else { panic!("nothing arrived") };
    assert!(matches!(parsed, Ok(Message::Request(_))));
    assert_eq!(flow.local.to_string(), format!("127.0.0.5:{}", listener.local().port()));
    assert_eq!(flow.remote, peer.local_addr().unwrap());
}

#[test]
fn a_listener_whose_thread_has_died_says_so() {
    let mut listener = Listener::bind(0, "127.0.0.1:0".parse().unwrap(), false).unwrap();
    assert!(listener.is_running(), "it has not begun");
    listener.start(|_| panic!("a fault on purpose")).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.send_to(OPTIONS.as_bytes(), listener.local()).unwrap();
    let (_keep, never) = mpsc::channel::<()>();
    for _ in 0..2_000 {
        if !listener.is_running() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
    panic!("it is said to run");
}

#[test]
fn a_batch_larger_than_one_call_arrives_whole() {
    let (listener, _received) = start("127.0.0.1:0");
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    let flow = Flow::udp(0, listener.local(), peer.local_addr().unwrap());
    let transmits: Vec<_> = (0..70u8).map(|n| Transmit { flow, payload: Bytes::copy_from_slice(&[n]) }).collect();
    listener.sender().send(&transmits);
    let mut buffer = [0; 8];
    for n in 0..70u8 {
        assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
        assert_eq!(buffer[0], n);
    }
}

#[test]
fn a_peer_that_is_gone_is_reported_and_harms_nobody() {
    let (listener, received) = start("127.0.0.1:0");
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flow = Flow::udp(0, listener.local(), gone);
    let mut sender = listener.sender();
    sender.send(&[Transmit { flow, payload: Bytes::from_static(b"x") }]);
    match received.recv_timeout(LIMIT) {
        Ok(Received::Unreachable { remote, .. }) => assert_eq!(remote, gone),
        other => panic!("expected an unreachable peer, got {other:?}"),
    }
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    sender.send(&[Transmit {
        flow: Flow { remote: peer.local_addr().unwrap(), ..flow },
        payload: Bytes::from_static(b"y"),
    }]);
    assert_eq!(peer.recv(&mut [0; 8]).unwrap(), 1);
    assert_eq!(sender.unsent(), 0);
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let (listener, _received) = start("127.0.0.1:0");
    let error = Listener::bind(1, listener.local(), false).unwrap_err().to_string();
    assert!(error.contains(&listener.local().to_string()), "{error}");
}

#[test]
fn a_socket_for_all_addresses_serves_ipv4_too_or_leaves_it_to_another() {
    let both = Listener::bind(0, "[::]:0".parse().unwrap(), false).unwrap();
    let same = SocketAddr::from(([0, 0, 0, 0], both.local().port()));
    assert!(Listener::bind(1, same, false).is_err(), "it has IPv4 already");
    drop(both);
    let alone = Listener::bind(0, "[::]:0".parse().unwrap(), true).unwrap();
    let beside = Listener::bind(1, SocketAddr::from(([0, 0, 0, 0], alone.local().port())), false);
    assert!(beside.is_ok(), "there is room beside it");
}
