//! Peers behind NATs: RFC 3581 4 (responses), RFC 3327 5 (Path), RFC 5626 4.4.2 in spirit (keep-alive by OPTIONS).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod harness;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use harness::{World, invite_to, reply, request, stranger};
use sip::registrar::{KeepAlive, Ping, Registrar, RegistrarConfig, RegistrarEvent, Reply};
use sip::{Flow, Onward, Transport};
use sip_message::{AnyUri, Message, Request, parse_datagram};

const PRIVATE: &str = "Contact: <sip:bob@10.0.0.7:5060>\n";

#[test]
fn who_names_a_private_address_is_answered_where_he_sent_from_without_asking_for_it() {
    let source: SocketAddr = "192.0.2.77:40123".parse().unwrap();
    let mut world = World::new(1);
    let private = request("OPTIONS", "p", "").replace("UDP 192.0.2.77:5060", "UDP 10.0.0.7:5060");
    world.inject(source, 0, &private);
    let answer = world.last_to(source);
    let via = answer.header("Via").unwrap();
    assert!(via.contains(";received=192.0.2.77") && !via.contains("rport"), "{via}");
}

#[test]
fn a_callee_known_to_sit_behind_a_nat_gets_all_requests_where_he_answers_from() {
    for (behind_nat, to) in [(true, "192.168.1.77:40123"), (false, "10.0.0.7:5060")] {
        // Both addresses are private: nothing in the answer tells which leads to him.
        let source: SocketAddr = "192.168.1.77:40123".parse().unwrap();
        let mut world = World::new(1);
        let invite = sip::Invite { onward: Onward { behind_nat, ..Onward::default() }, ..invite_to(0, source) };
        let session = world.act(0, |stack, now| stack.invite(now, invite));
        let sent = world.last_to(source);
        world.inject(source, 0, &reply(&sent, "200 OK", "b", PRIVATE));
        world.act(0, |stack, now| stack.hang_up(now, session, None));
        let lines: Vec<(String, SocketAddr)> =
            world.wire.iter().rev().take(2).map(|sent| (sent.line().to_owned(), sent.to)).collect();
        let wanted: SocketAddr = to.parse().unwrap();
        assert_eq!(
            lines,
            [("BYE sip:bob@10.0.0.7:5060".to_owned(), wanted), ("ACK sip:bob@10.0.0.7:5060".to_owned(), wanted)]
        );
    }
}

#[test]
fn the_proxies_on_the_way_stand_as_routes_in_invite_cancel_and_ack() {
    let mut world = World::new(1);
    let routes: Vec<AnyUri> = ["sip:edge.example;lr", "sip:inner.example;lr"].map(|uri| uri.parse().unwrap()).into();
    let invite = sip::Invite { onward: Onward { routes, ..Onward::default() }, ..invite_to(0, stranger()) };
    let session = world.act(0, |stack, now| stack.invite(now, invite));
    let sent = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&sent, "180 Ringing", "b", ""));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.inject(stranger(), 0, &reply(&sent, "487 Request Terminated", "b", ""));
    for method in ["INVITE", "CANCEL", "ACK"] {
        let sent = world.wire.iter().find(|sent| sent.line().starts_with(method)).expect(method);
        assert_eq!(sent.line(), format!("{method} sip:bob@192.0.2.77:5060"));
        let text = sent.text();
        let routes: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("Route: ")).collect();
        assert_eq!(routes, ["<sip:edge.example;lr>", "<sip:inner.example;lr>"], "{text}");
        assert_eq!(sent.to, stranger());
    }
}

/// A registrar that asks, and its time.
struct Desk {
    registrar: Registrar,
    now: Now,
    cseq: u32,
}

const INTERVAL: Duration = Duration::from_secs(30);

fn desk(per_second: u32) -> Desk {
    let now = Now { monotonic: Mono::ZERO + Duration::from_secs(100), wall: Wall::from_unix_micros(5_000_000) };
    let config = RegistrarConfig { max_contacts: 3, ..RegistrarConfig::default() };
    let mut registrar = Registrar::new(config);
    let settings = KeepAlive { interval: INTERVAL, failures: 3, per_second };
    registrar.keep_alive(now, Some(settings), Rng::from_number(7));
    Desk { registrar, now, cseq: 0 }
}

fn flow() -> Flow {
    Flow::udp(0, "192.0.2.1:5060".parse().unwrap(), "198.51.100.7:40000".parse().unwrap())
}

fn register(via: &str, cseq: u32, fields: &str) -> Request {
    let text = format!(
        "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK1\r\nFrom: <sip:105@h>;tag=1\r\n\
         To: <sip:105@h>\r\nCall-ID: call\r\nCSeq: {cseq} REGISTER\r\n{fields}\r\n"
    );
    match parse_datagram(text) {
        Ok(Message::Request(request)) => *request,
        _ => panic!("{fields}"),
    }
}

impl Desk {
    fn send_as(&mut self, record: &str, via: &str, fields: &str, flow: Flow) -> Reply {
        self.cseq += 1;
        let request = register(via, self.cseq, fields);
        self.registrar.register(self.now, &Arc::from(record), &request, flow)
    }

    fn send(&mut self, fields: &str) -> Reply {
        self.send_as("105", "198.51.100.7:40000", fields, flow())
    }

    /// What is asked until so much time has passed, and when.
    fn asked(&mut self, time: Duration) -> Vec<(Duration, Ping)> {
        let (start, end) = (self.now.monotonic, self.now.monotonic + time);
        let mut found = Vec::new();
        while let Some(due) = self.registrar.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.after(due.since(self.now.monotonic));
            self.registrar.handle_timeout(self.now);
            while let Some(ping) = self.registrar.poll_ping() {
                found.push((self.now.monotonic.since(start), ping));
            }
        }
        self.now = self.now.after(end.since(self.now.monotonic));
        found
    }

    fn events(&mut self) -> Vec<RegistrarEvent> {
        std::iter::from_fn(|| self.registrar.poll_event()).collect()
    }
}

const NATTED: &str = "Contact: <sip:a@10.0.0.7:5060>\r\n";

#[test]
fn only_those_behind_a_nat_are_asked() {
    let plain = "Contact: <sip:a@198.51.100.7:40000>\r\n";
    let tcp = Flow { transport: Transport::Tcp, ..flow() };
    for (via, contact, flow, asked) in [
        ("198.51.100.7:40000", NATTED, flow(), true),
        ("10.0.0.7:5060", plain, flow(), true),
        ("198.51.100.7:5060;rport", plain, flow(), true),
        ("198.51.100.7:40000", plain, flow(), false),
        ("198.51.100.7:40000", "Contact: <sip:a@h>\r\n", flow(), false),
        ("10.0.0.7:5060", NATTED, tcp, false),
        ("10.0.0.7:5060", "Contact: <sip:a@10.0.0.7:5060>\r\nPath: <sip:edge@h;lr>\r\n", flow(), false),
    ] {
        let mut desk = desk(100);
        desk.send_as("105", via, contact, flow);
        let found = desk.asked(Duration::from_secs(60));
        assert_eq!(!found.is_empty(), asked, "{via} {contact}");
        for (_, ping) in found {
            assert_eq!((ping.flow, &*ping.record), (flow, "105"));
        }
    }
}

#[test]
fn questions_come_at_the_interval_a_fifth_more_or_less_and_each_time_another() {
    let mut desk = desk(100);
    desk.send(NATTED);
    let times: Vec<Duration> = desk.asked(INTERVAL * 20).into_iter().map(|(at, _)| at).collect();
    assert!((16..=25).contains(&times.len()), "{times:?}");
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (INTERVAL * 4 / 5..=INTERVAL * 6 / 5).contains(gap)), "{gaps:?}");
    assert!(gaps.windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn so_many_a_second_and_nobody_is_left_out() {
    let mut desk = desk(10);
    for n in 0..200 {
        desk.send_as(&format!("u{n}"), "198.51.100.7:40000", NATTED, flow());
    }
    let found = desk.asked(Duration::from_secs(80));
    for second in 0..80 {
        let within = found.iter().filter(|(at, _)| at.as_secs() == second).count();
        // A second of ours may begin within one of theirs.
        assert!(within <= 20, "{within} in second {second}");
    }
    let who: std::collections::BTreeSet<&str> = found.iter().map(|(_, ping)| &*ping.record).collect();
    assert_eq!(who.len(), 200);
}

#[test]
fn who_does_not_answer_three_times_is_out_of_reach_until_he_is_heard_of() {
    let mut desk = desk(100);
    desk.send(NATTED);
    desk.events();
    let record: Arc<str> = "105".into();
    let ping = desk.asked(INTERVAL * 2).remove(0).1;
    let pong = |desk: &mut Desk, answered| {
        desk.registrar.handle_pong(desk.now, &record, ping.order, answered);
        desk.events()
    };
    assert_eq!((pong(&mut desk, false), pong(&mut desk, false), pong(&mut desk, true)), (vec![], vec![], vec![]));
    assert_eq!(desk.registrar.bindings("105")[0].seen, desk.now.wall);
    assert_eq!((pong(&mut desk, false), pong(&mut desk, false)), (vec![], vec![]));
    assert_eq!(pong(&mut desk, false), [RegistrarEvent::Lost { record: record.clone(), last: true }]);
    assert_eq!(pong(&mut desk, false), []);
    assert!(desk.registrar.preferred("105").is_none() && !desk.registrar.is_in_reach("105"));
    assert!(!desk.asked(INTERVAL * 2).is_empty(), "he is asked all the same");
    assert_eq!(pong(&mut desk, true), [RegistrarEvent::Found { record: record.clone(), first: true }]);
    assert!(desk.registrar.is_in_reach("105"));
}

#[test]
fn a_register_finds_a_lost_phone_again_and_old_questions_are_nobodys() {
    let mut desk = desk(100);
    desk.send(NATTED);
    let record: Arc<str> = "105".into();
    let ping = desk.asked(INTERVAL * 2).remove(0).1;
    (0..3).for_each(|_| desk.registrar.handle_pong(desk.now, &record, ping.order, false));
    desk.events();
    desk.send(NATTED);
    let bound = RegistrarEvent::Bound { record: record.clone(), new: false, refreshed: true, first: true };
    assert_eq!(desk.events(), [bound]);
    (0..9).for_each(|_| desk.registrar.handle_pong(desk.now, &record, ping.order, false));
    assert_eq!(desk.events(), []);
    assert_eq!(desk.asked(INTERVAL * 6 / 5).len(), 1, "one timer, not two");
}

#[test]
fn of_two_phones_one_lost_leaves_the_user_in_reach() {
    let mut desk = desk(100);
    desk.send(NATTED);
    desk.send("Contact: <sip:b@198.51.100.7:40000>;q=0.2\r\n");
    desk.events();
    let record: Arc<str> = "105".into();
    let ping = desk.asked(INTERVAL * 2).remove(0).1;
    (0..3).for_each(|_| desk.registrar.handle_pong(desk.now, &record, ping.order, false));
    assert_eq!(desk.events(), [RegistrarEvent::Lost { record: record.clone(), last: false }]);
    assert!(desk.registrar.preferred("105").unwrap().contact.to_string().starts_with("sip:b@"));
    desk.send("Contact: <sip:b@198.51.100.7:40000>;expires=0\r\n");
    assert_eq!(desk.events(), [RegistrarEvent::Unbound { record: record.clone(), expired: false, last: true }]);
    desk.send("Contact: *\r\nExpires: 0\r\n");
    assert_eq!(desk.events(), [RegistrarEvent::Unbound { record, expired: false, last: false }], "he was lost before");
    assert!(desk.registrar.is_empty() && desk.registrar.poll_timeout().is_none());
}

#[test]
fn after_a_restart_all_are_asked_within_a_round_in_no_order_and_none_if_it_is_off() {
    let mut before = desk(100);
    before.send(NATTED);
    let kept = before.registrar.locations(before.now, "105").remove(0);
    assert!(kept.nat && kept.seen == before.now.wall);
    let mut after = desk(10_000);
    for n in 0..100 {
        assert!(after.registrar.restore(after.now, &Arc::from(format!("u{n}")), kept.clone()));
    }
    let found = after.asked(INTERVAL);
    let early = found.iter().filter(|(at, _)| *at < INTERVAL / 2).count();
    assert!(found.len() >= 100 && (30..=70).contains(&early), "{early} of {}", found.len());
    after.registrar.keep_alive(after.now, None, Rng::from_number(1));
    assert!(after.asked(INTERVAL * 2).is_empty());
    after.registrar.keep_alive(after.now, Some(KeepAlive::default()), Rng::from_number(1));
    assert_eq!(
        after.asked(INTERVAL).iter().map(|(_, ping)| &ping.record).collect::<std::collections::BTreeSet<_>>().len(),
        100
    );
}

#[test]
fn the_path_is_kept_told_and_survives_a_restart() {
    let mut desk = desk(100);
    let path = "Path: <sip:edge.example;lr>, <sip:10.0.0.1;lr>\r\nPath: <sip:inner.example;lr>\r\n";
    let reply = desk.send(&format!("{NATTED}{path}"));
    let told: Vec<&str> = reply.headers.iter().filter(|(name, _)| name == "Path").map(|(_, value)| &**value).collect();
    assert_eq!(told, ["<sip:edge.example;lr>, <sip:10.0.0.1;lr>", "<sip:inner.example;lr>"]);
    let path = |registrar: &Registrar| -> Vec<String> {
        registrar.bindings("105")[0].path.iter().map(ToString::to_string).collect()
    };
    let wanted = ["sip:edge.example;lr", "sip:10.0.0.1;lr", "sip:inner.example;lr"];
    assert_eq!(path(&desk.registrar), wanted);
    assert!(!desk.registrar.bindings("105")[0].nat, "the proxy knows the way");
    let kept = desk.registrar.locations(desk.now, "105").remove(0);
    let mut after = self::desk(100);
    assert!(after.registrar.restore(after.now, &"105".into(), kept));
    assert_eq!(path(&after.registrar), wanted);
    assert_eq!(desk.send(NATTED).headers.iter().filter(|(name, _)| name == "Path").count(), 0);
    assert!(path(&desk.registrar).is_empty(), "the last REGISTER counts");
}

#[test]
fn a_path_that_leads_nowhere_or_has_no_end_is_refused_and_changes_nothing() {
    let mut desk = desk(100);
    let long = format!("Path: {}\r\n", ["<sip:a@h;lr>"; 9].join(", "));
    for path in ["Path: nonsense<\r\n", "Path: <tel:+49>\r\n", "Path: <mailto:a@h>\r\n", &long] {
        assert_eq!(desk.send(&format!("{NATTED}{path}")).status, 400, "{path}");
    }
    assert!(desk.registrar.is_empty());
}

#[test]
fn who_requires_path_of_a_registrar_gets_it_and_nothing_else_is_promised() {
    let mut world = World::new(1);
    let register = request("REGISTER", "path", "Require: path\nPath: <sip:edge.example;lr>\n");
    world.inject(stranger(), 0, &register);
    let Some(sip::Event::Registered { pending, .. }) = world.events(0).pop() else { panic!("no REGISTER") };
    world.act(0, |stack, now| stack.respond(now, pending, 200, &[]));
    assert_eq!(world.last_to(stranger()).header("Supported").as_deref(), Some("replaces, norefersub, 100rel, path"));
    let more = request("REGISTER", "more", "Require: path, gruu\n").replace("call-of-carol", "another");
    world.inject(stranger(), 0, &more);
    let refusal = world.last_to(stranger());
    assert_eq!((refusal.status(), refusal.header("Unsupported").as_deref()), (420, Some("gruu")));
    world.inject(stranger(), 0, &request("OPTIONS", "options", "").replace("call-of-carol", "fourth"));
    let told = world.last_to(stranger()).header("Supported").unwrap();
    assert!(!told.contains("path"), "of a REGISTER alone: {told}");
    let invite = request("INVITE", "invite", "Require: path\n").replace("call-of-carol", "third");
    world.inject(stranger(), 0, &invite);
    assert_eq!(world.last_to(stranger()).header("Unsupported").as_deref(), Some("path"));
}
