//! Requests too large for a datagram (RFC 3261 18.1.1): TCP works, is refused, is silent, answers late, breaks; CANCEL and
//! ACK go the way of the INVITE, but an ACK that is too large itself; phones that registered over UDP stay on their flow;
//! responses go the way of the request.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::net::SocketAddr;
use std::slice::from_ref;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use bytes::Bytes;
use sip::{
    ConnectionId, EndCause, Event, Flow, Invite, Listener, Onward, SessionId, Stack, StackConfig, Transmit, Transport,
};
use sip_message::parse_datagram;

const CONNECTION: ConnectionId = ConnectionId(9);

struct World {
    stack: Stack,
    now: Now,
}

fn peer() -> SocketAddr {
    "192.0.2.9:5060".parse().unwrap()
}

fn udp() -> Flow {
    Flow::udp(0, "192.0.2.1:5060".parse().unwrap(), peer())
}

/// The connection that the driver opened.
fn tcp() -> Flow {
    let connection = Some(CONNECTION);
    Flow { transport: Transport::Tcp, connection, listener: 1, local: "192.0.2.1:5070".parse().unwrap(), ..udp() }
}

impl World {
    fn new() -> Self {
        let listener = |transport, local: &str| Listener { transport, local: local.parse().unwrap(), advertised: None };
        let listeners = vec![listener(Transport::Udp, "192.0.2.1:5060"), listener(Transport::Tcp, "192.0.2.1:5070")];
        let stack = Stack::new(StackConfig::new("test", listeners), Rng::from_seed([1; 32]));
        let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        Self { stack, now }
    }

    /// A call with an offer of so many octets.
    fn call(&mut self, size: usize, onward: Onward) -> SessionId {
        let invite = Invite {
            flow: udp(),
            target: "sip:101@192.0.2.9".parse().unwrap(),
            from: "<sip:me@h>".parse().unwrap(),
            to: "<sip:101@h>".parse().unwrap(),
            contact_user: "me".to_owned(),
            max_forwards: sip::MAX_FORWARDS,
            headers: Vec::new(),
            offer: vec![b'v'; size].into(),
            login: None,
            onward,
        };
        self.stack.invite(self.now, invite)
    }

    fn put(&mut self, flow: Flow, text: String) -> Vec<Transmit> {
        self.stack.handle_datagram(self.now, flow, parse_datagram(Bytes::from(text)), &mut sip::OpenGate);
        self.sent()
    }

    fn sent(&mut self) -> Vec<Transmit> {
        std::iter::from_fn(|| self.stack.poll_transmit()).collect()
    }

    fn one(&mut self) -> Transmit {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.stack.poll_event()).collect()
    }

    /// Runs the timers of so many ms.
    fn run(&mut self, ms: u64) -> Vec<Transmit> {
        let end = self.now.after(Duration::from_millis(ms));
        let mut sent = self.sent();
        while let Some(due) = self.stack.poll_timeout().filter(|due| *due <= end.monotonic) {
            self.now = self.now.after(due.since(self.now.monotonic));
            self.stack.handle_timeout(self.now);
            sent.extend(self.sent());
        }
        self.now = end;
        sent
    }

    fn refuse_tcp(&mut self) {
        self.stack.handle_unreachable(self.now, Transport::Tcp, peer());
    }
}

fn text(transmit: &Transmit) -> String {
    String::from_utf8(transmit.payload.to_vec()).unwrap()
}

fn via(transmit: &Transmit) -> String {
    header(transmit, "Via: ")
}

fn branch(transmit: &Transmit) -> String {
    via(transmit).split(";branch=").nth(1).unwrap().to_owned()
}

fn header(transmit: &Transmit, name: &str) -> String {
    text(transmit).lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).unwrap()
}

fn answer(to: &Transmit, status: &str, contact: &str) -> String {
    let kept =
        ["Via: ", "From: ", "Call-ID: ", "CSeq: "].map(|name| format!("{name}{}\r\n", header(to, name))).concat();
    format!("SIP/2.0 {status}\r\n{kept}To: <sip:101@h>;tag=b\r\n{contact}Content-Length: 0\r\n\r\n")
}

const CONTACT: &str = "Contact: <sip:101@192.0.2.9>\r\n";

fn ways(sent: &[Transmit]) -> Vec<(Transport, String)> {
    let method = |transmit: &Transmit| text(transmit).split(' ').next().unwrap().to_owned();
    sent.iter().map(|transmit| (transmit.flow.transport, method(transmit))).collect()
}

#[test]
fn a_large_invite_goes_over_tcp_and_says_so_and_a_small_one_does_not() {
    let mut world = World::new();
    world.call(600, Onward::default());
    assert_eq!(world.one().flow, udp());
    world.call(1300, Onward::default());
    let invite = world.one();
    assert_eq!(invite.flow, Flow { connection: None, ..tcp() });
    assert!(via(&invite).starts_with("SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK"), "{}", via(&invite));
    assert_eq!(world.stack.counters().oversized, 1);
}

#[test]
fn a_call_over_tcp_goes_on_by_its_connection() {
    let mut world = World::new();
    let session = world.call(1300, Onward::default());
    let invite = world.one();
    let ack = world.put(tcp(), answer(&invite, "200 OK", CONTACT));
    assert_eq!((ways(&ack), ack[0].flow.connection), (vec![(Transport::Tcp, "ACK".into())], Some(CONNECTION)));
    world.stack.hang_up(world.now, session, None);
    let bye = world.one();
    assert_eq!((ways(from_ref(&bye)), bye.flow.connection), (vec![(Transport::Tcp, "BYE".into())], Some(CONNECTION)));
    // The peer does not listen there any more: as a datagram, and the ACK, which may have been on its way.
    world.refuse_tcp();
    world.stack.handle_connection_closed(world.now, CONNECTION, Transport::Tcp, peer());
    let again = world.sent();
    assert_eq!(ways(&again), [(Transport::Udp, "ACK".into()), (Transport::Udp, "BYE".into())]);
    let again = again.into_iter().next_back().unwrap();
    assert_eq!((ways(from_ref(&again)), again.flow), (vec![(Transport::Udp, "BYE".into())], udp()));
    assert!(via(&again).starts_with("SIP/2.0/UDP 192.0.2.1:5060;"));
    world.put(udp(), answer(&again, "200 OK", ""));
    let events = world.events();
    let [Event::Answered { flow, .. }, Event::Ended { cause: EndCause::HungUp, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*flow, udp(), "its listener says where audio goes");
}

#[test]
fn cancel_and_ack_of_a_failure_go_over_tcp_as_the_invite_did() {
    let mut world = World::new();
    let session = world.call(1300, Onward::default());
    let invite = world.one();
    world.put(tcp(), answer(&invite, "180 Ringing", CONTACT));
    world.stack.hang_up(world.now, session, None);
    let cancel = world.one();
    assert_eq!((ways(from_ref(&cancel)), via(&cancel)), (vec![(Transport::Tcp, "CANCEL".into())], via(&invite)));
    world.put(tcp(), answer(&cancel, "200 OK", ""));
    let ack = world.put(tcp(), answer(&invite, "487 Request Terminated", ""));
    assert_eq!((ways(&ack), via(&ack[0])), (vec![(Transport::Tcp, "ACK".into())], via(&invite)));
}

#[test]
fn who_refuses_tcp_gets_the_same_invite_as_a_datagram_and_is_remembered_for_a_while() {
    let mut world = World::new();
    let session = world.call(1300, Onward::default());
    let first = world.one();
    world.refuse_tcp();
    let second = world.one();
    assert_eq!((second.flow, branch(&second)), (udp(), branch(&first)));
    assert!(via(&second).starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch="), "{}", via(&second));
    let without_via = |transmit: &Transmit| text(transmit).replace(&via(transmit), "");
    assert_eq!(without_via(&first), without_via(&second));
    // A datagram is sent again until it is answered, and its CANCEL and ACK go its way.
    assert_eq!(ways(&world.run(500)), [(Transport::Udp, "INVITE".into())]);
    world.put(udp(), answer(&second, "180 Ringing", CONTACT));
    world.stack.hang_up(world.now, session, None);
    let cancel = world.one();
    assert_eq!((ways(from_ref(&cancel)), via(&cancel)), (vec![(Transport::Udp, "CANCEL".into())], via(&second)));
    let ack = world.put(udp(), answer(&second, "487 Request Terminated", ""));
    assert_eq!((ways(&ack), via(&ack[0])), (vec![(Transport::Udp, "ACK".into())], via(&second)));
    // The next large one does not try; one after the memory is over does.
    world.call(1300, Onward::default());
    assert_eq!(ways(&world.sent()), [(Transport::Udp, "INVITE".into())]);
    world.run(600_000);
    world.call(1300, Onward::default());
    assert_eq!(ways(&world.sent()), [(Transport::Tcp, "INVITE".into())]);
    assert_eq!((world.stack.counters().oversized, world.stack.counters().fell_back), (2, 1));
}

#[test]
fn a_connection_that_breaks_before_any_answer_is_as_good_as_none() {
    let mut world = World::new();
    world.call(1300, Onward::default());
    world.one();
    world.stack.handle_connection_closed(world.now, CONNECTION, Transport::Tcp, peer());
    assert_eq!(ways(&world.sent()), [(Transport::Udp, "INVITE".into())]);
    assert!(world.events().is_empty());
}

#[test]
fn over_a_silent_connection_nobody_waits_for_long_and_a_late_answer_counts_all_the_same() {
    let mut world = World::new();
    world.call(1300, Onward::default());
    let first = world.one();
    assert_eq!(ways(&world.run(3_999)), []);
    assert_eq!(ways(&world.run(1)), [(Transport::Udp, "INVITE".into())]);
    let ack = world.put(tcp(), answer(&first, "200 OK", CONTACT));
    assert_eq!(ways(&ack), [(Transport::Tcp, "ACK".into())]);
    assert!(matches!(world.events()[..], [Event::Answered { .. }]));
    assert_eq!(ways(&world.run(40_000)), [], "the datagram is not sent again");
}

#[test]
fn nobody_at_all_is_found_out_as_without_tcp() {
    let mut world = World::new();
    world.call(1300, Onward::default());
    world.one();
    let sent = world.run(36_001);
    assert_eq!(sent.len(), 7, "the datagram, and timer A");
    assert!(matches!(world.events()[..], [Event::Refused { status: 408, local: true, .. }]));
    assert_eq!(world.stack.population().transactions, 0);
}

#[test]
fn an_answer_in_time_stops_the_wait() {
    let mut world = World::new();
    world.call(1300, Onward::default());
    let invite = world.one();
    world.put(tcp(), answer(&invite, "100 Trying", ""));
    assert_eq!(ways(&world.run(60_000)), []);
    world.call(1300, Onward::default());
    assert_eq!(ways(&world.sent()), [(Transport::Tcp, "INVITE".into())], "it is not held against the peer");
}

#[test]
fn a_call_that_is_given_up_while_tcp_is_tried_is_not_sent_at_all() {
    let mut world = World::new();
    let session = world.call(1300, Onward::default());
    world.one();
    world.stack.hang_up(world.now, session, None);
    world.refuse_tcp();
    assert_eq!(ways(&world.sent()), []);
    assert!(matches!(world.events()[..], [Event::Ended { .. }]));
    assert!(world.stack.is_quiet());
}

#[test]
fn a_phone_that_registered_over_udp_stays_on_its_flow() {
    for onward in [Onward { by_flow: true, ..Onward::default() }, Onward { behind_nat: true, ..Onward::default() }] {
        let mut world = World::new();
        let session = world.call(1300, onward);
        let invite = world.one();
        assert_eq!(invite.flow, udp());
        world.put(udp(), answer(&invite, "200 OK", CONTACT));
        world.stack.change(world.now, session, vec![b'v'; 2000].into()).unwrap();
        assert_eq!(world.one().flow, udp(), "in its dialog, too");
    }
    // One that calls.
    for keeps in [true, false] {
        let mut world = World::new();
        let session = called(&mut world);
        if keeps {
            world.stack.keep_flow(session);
        }
        world.stack.accept(world.now, session, Bytes::from_static(b"v=0"));
        let tag = header(&world.one(), "To: ");
        world.put(udp(), request("ACK", &tag, ""));
        world.stack.change(world.now, session, vec![b'v'; 2000].into()).unwrap();
        assert_eq!(world.one().flow.transport == Transport::Udp, keeps);
    }
}

/// A request of the peer.
fn request(method: &str, to: &str, extra: &str) -> String {
    format!(
        "{method} sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{method}\r\nFrom: <sip:a@h>;tag=a\r\n\
         To: {to}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{CONTACT}{extra}Content-Length: 0\r\n\r\n"
    )
}

fn called(world: &mut World) -> SessionId {
    world.put(udp(), request("INVITE", "<sip:1000@h>", ""));
    world.events()[0].session().unwrap()
}

#[test]
fn a_large_response_goes_the_way_that_its_request_came() {
    let mut world = World::new();
    let session = called(&mut world);
    world.stack.accept(world.now, session, vec![b'v'; 5000].into());
    assert_eq!(world.one().flow, udp());
}

#[test]
fn a_large_change_of_a_call_goes_over_tcp_and_as_a_datagram_if_that_is_refused() {
    let mut world = World::new();
    let session = world.call(10, Onward::default());
    let invite = world.one();
    world.put(udp(), answer(&invite, "200 OK", CONTACT));
    world.stack.change(world.now, session, vec![b'v'; 2000].into()).unwrap();
    assert_eq!(ways(&world.sent()), [(Transport::Tcp, "INVITE".into())]);
    world.refuse_tcp();
    let second = world.one();
    assert_eq!(second.flow, udp());
    let ack = world.put(udp(), answer(&second, "200 OK", CONTACT));
    assert_eq!(ways(&ack), [(Transport::Udp, "ACK".into())]);
    assert!(matches!(world.events()[..], [Event::Answered { .. }, Event::ChangeAnswered { .. }]));
}

#[test]
fn of_another_machine_than_the_one_that_has_tcp_nothing_is_assumed() {
    let mut world = World::new();
    let session = world.call(1300, Onward::default());
    let invite = world.one();
    let ack = world.put(tcp(), answer(&invite, "200 OK", "Contact: <sip:101@192.0.2.40>\r\n"));
    let there: SocketAddr = "192.0.2.40:5060".parse().unwrap();
    assert_eq!(ack[0].flow, Flow { remote: there, ..udp() });
    assert!(via(&ack[0]).starts_with("SIP/2.0/UDP 192.0.2.1:5060;"), "{}", via(&ack[0]));
    world.stack.hang_up(world.now, session, None);
    assert_eq!(world.one().flow, Flow { remote: there, ..udp() });
}

#[test]
fn without_a_listener_for_tcp_all_goes_as_datagrams() {
    let listeners = vec![Listener { transport: Transport::Udp, local: udp().local, advertised: None }];
    let mut world = World::new();
    world.stack = Stack::new(StackConfig::new("test", listeners), Rng::from_seed([1; 32]));
    world.call(1300, Onward::default());
    assert_eq!(world.one().flow, udp());
}

/// A call that left the offer to the peer, whose answer is so large that the ACK with it is too large for a datagram; the 2xx
/// that it acknowledges, and the ACK.
fn acknowledged(world: &mut World, onward: Onward) -> (String, Transmit) {
    let session = world.call(0, onward);
    let invite = world.one();
    let accepted = answer(&invite, "200 OK", CONTACT);
    let accepted = accepted.replace("Content-Length: 0\r\n\r\n", "Content-Length: 3\r\n\r\nv=0");
    assert_eq!(ways(&world.put(udp(), accepted.clone())), [], "our answer is waited for");
    world.stack.answer(world.now, session, &vec![b'v'; 1300].into());
    (accepted, world.one())
}

#[test]
fn a_large_ack_goes_over_tcp_and_says_so() {
    let mut world = World::new();
    let (_, ack) = acknowledged(&mut world, Onward::default());
    assert_eq!(
        (ways(from_ref(&ack)), ack.flow),
        (vec![(Transport::Tcp, "ACK".into())], Flow { connection: None, ..tcp() })
    );
    assert!(via(&ack).starts_with("SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK"), "{}", via(&ack));
    assert_eq!(world.stack.counters().oversized, 1);
    // Requests that follow it are small.
    let session = world.events()[0].session().unwrap();
    world.stack.hang_up(world.now, session, None);
    let bye = world.one();
    assert_eq!(bye.flow, udp());
    world.put(udp(), answer(&bye, "200 OK", ""));
    assert_eq!(ways(&world.run(40_000)), []);
    world.events();
    assert!(world.stack.is_quiet());
}

#[test]
fn who_refuses_tcp_gets_the_same_ack_as_a_datagram_and_the_next_one_at_once() {
    let mut world = World::new();
    let (accepted, first) = acknowledged(&mut world, Onward::default());
    world.refuse_tcp();
    let second = world.one();
    assert_eq!((second.flow, branch(&second)), (udp(), branch(&first)));
    assert_eq!(text(&second).replace(&via(&second), ""), text(&first).replace(&via(&first), ""));
    world.refuse_tcp();
    assert_eq!(ways(&world.sent()), [], "once");
    assert_eq!(world.put(udp(), accepted)[0].flow, udp(), "so does what answers a repeated 2xx");
    assert_eq!(acknowledged(&mut world, Onward::default()).1.flow, udp());
    assert_eq!((world.stack.counters().oversized, world.stack.counters().fell_back), (1, 1));
}

#[test]
fn a_2xx_that_comes_again_says_that_tcp_did_not_bring_the_ack() {
    let mut world = World::new();
    let (accepted, first) = acknowledged(&mut world, Onward::default());
    let again = world.put(udp(), accepted);
    assert_eq!((again.len(), again[0].flow, branch(&again[0])), (1, udp(), branch(&first)));
    // It may just have been slow: the next one tries it, too.
    assert_eq!(acknowledged(&mut world, Onward::default()).1.flow.transport, Transport::Tcp);
}

#[test]
fn a_connection_that_breaks_at_once_did_not_bring_the_ack_and_one_that_ends_later_did() {
    for (after, sent) in [(3_999, vec![(Transport::Udp, "ACK".into())]), (4_000, vec![])] {
        let mut world = World::new();
        acknowledged(&mut world, Onward::default());
        world.run(after);
        world.stack.handle_connection_closed(world.now, CONNECTION, Transport::Tcp, peer());
        assert_eq!(ways(&world.sent()), sent);
        // Whose connection closes has TCP.
        assert_eq!(acknowledged(&mut world, Onward::default()).1.flow.transport, Transport::Tcp);
    }
}

#[test]
fn an_ack_by_the_connection_of_its_invite_is_a_datagram_if_that_is_gone() {
    let mut world = World::new();
    world.call(1300, Onward::default());
    let invite = world.one();
    let ack = world.put(tcp(), answer(&invite, "200 OK", CONTACT));
    assert_eq!(ack[0].flow.transport, Transport::Tcp);
    world.stack.handle_connection_closed(world.now, CONNECTION, Transport::Tcp, peer());
    let again = world.one();
    assert_eq!((ways(from_ref(&again)), branch(&again)), (vec![(Transport::Udp, "ACK".into())], branch(&ack[0])));
}

#[test]
fn a_large_ack_stays_on_the_flow_of_a_phone_that_registered_over_udp() {
    for onward in [Onward { by_flow: true, ..Onward::default() }, Onward { behind_nat: true, ..Onward::default() }] {
        assert_eq!(acknowledged(&mut World::new(), onward).1.flow, udp());
    }
}
