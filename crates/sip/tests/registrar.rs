//! The registrar as a machine: RFC 3261 10.2 and 10.3, RFC 4475 3.1.1.4, 3.3.12 and 3.3.13.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests stop the test when something is not as they say"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::{Mono, Now, Wall};
use sip::Flow;
use sip::registrar::{Registrar, RegistrarConfig, RegistrarEvent, Reply};
use sip_message::{Message, Request, parse_datagram};

struct Bench {
    registrar: Registrar,
    now: Now,
    cseq: u32,
}

fn bench() -> Bench {
    let config = RegistrarConfig { max_contacts: 3, max_records: 2, ..RegistrarConfig::default() };
    let now = Now { monotonic: Mono::ZERO + Duration::from_secs(9), wall: Wall::from_unix_micros(0) };
    Bench { registrar: Registrar::new(config), now, cseq: 0 }
}

fn flow() -> Flow {
    let address = |last| SocketAddr::from(([192, 0, 2, last], 5060));
    Flow { transport: sip::Transport::Udp, connection: None, listener: 0, local: address(1), remote: address(7) }
}

fn request(call_id: &str, cseq: u32, fields: &str) -> Request {
    let text = format!(
        "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:105@h>;tag=1\r\n\
         To: <sip:105@h>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{fields}\r\n"
    );
    match parse_datagram(text) {
        Ok(Message::Request(request)) => *request,
        _ => panic!("{fields}"),
    }
}

impl Bench {
    fn send(&mut self, fields: &str) -> Reply {
        self.cseq += 1;
        self.send_as("105", "call", self.cseq, fields)
    }

    fn send_as(&mut self, record: &str, call_id: &str, cseq: u32, fields: &str) -> Reply {
        let record: Arc<str> = record.into();
        self.registrar.register(self.now, &record, &request(call_id, cseq, fields), flow())
    }

    fn contacts(&self) -> Vec<String> {
        self.registrar.bindings("105").into_iter().map(|binding| binding.contact.to_string()).collect()
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.registrar.handle_timeout(self.now);
    }

    fn events(&mut self) -> Vec<RegistrarEvent> {
        std::iter::from_fn(|| self.registrar.poll_event()).collect()
    }
}

fn values(reply: &Reply) -> Vec<&str> {
    reply.headers.iter().map(|(_, value)| value.as_str()).collect()
}

#[test]
fn several_contacts_are_kept_and_told_with_their_time_the_newest_first() {
    let mut bench = bench();
    let reply = bench.send("Contact: <sip:a@h>;expires=100;q=0.5, <sip:b@h>\r\nExpires: 200\r\n");
    assert_eq!(reply.status, 200);
    assert_eq!(values(&reply), ["<sip:b@h>;q=1.000;expires=200", "<sip:a@h>;q=0.500;expires=100"]);
    bench.pass(30);
    let query = bench.send("");
    assert_eq!(values(&query), ["<sip:b@h>;q=1.000;expires=170", "<sip:a@h>;q=0.500;expires=70"]);
}

#[test]
fn a_contact_ends_at_its_time_and_not_before() {
    let mut bench = bench();
    bench.send("Contact: <sip:a@h>;expires=60\r\n");
    bench.pass(59);
    assert_eq!(bench.contacts(), ["sip:a@h"]);
    bench.pass(1);
    assert!(bench.registrar.is_empty() && bench.registrar.poll_timeout().is_none());
    let last = bench.events().pop();
    assert_eq!(last, Some(RegistrarEvent::Unbound { record: "105".into(), expired: true, last: true }));
}

#[test]
fn a_renewed_contact_has_one_timer_and_the_new_time() {
    let mut bench = bench();
    bench.send("Contact: <sip:a@h>;expires=60\r\n");
    bench.pass(50);
    bench.send("Contact: <sip:a@h>;expires=60\r\n");
    assert_eq!(bench.registrar.len(), 1);
    bench.pass(59);
    assert_eq!((bench.contacts().len(), bench.registrar.len()), (1, 1));
    let record: Arc<str> = "105".into();
    // Of the same boot of the phone, and of another one.
    bench.send_as("105", "another", 1, "Contact: <sip:a@h>;expires=60\r\n");
    let bound = |new, refreshed| RegistrarEvent::Bound { record: record.clone(), new, refreshed, first: new };
    assert_eq!(bench.events(), [bound(true, false), bound(false, true), bound(false, false)]);
}

#[test]
fn too_short_a_time_is_refused_and_too_long_a_one_shortened() {
    let mut bench = bench();
    let reply = bench.send("Contact: <sip:a@h>;expires=59\r\n");
    assert_eq!((reply.status, reply.headers), (423, vec![("Min-Expires".to_owned(), "60".to_owned())]));
    for expires in ["7200", "4294967295", "99999999999", "nonsense"] {
        let reply = bench.send(&format!("Contact: <sip:a@h>;expires={expires}\r\n"));
        assert_eq!(values(&reply), ["<sip:a@h>;q=1.000;expires=3600"], "{expires}");
    }
}

#[test]
fn expires_zero_removes_one_contact_and_a_star_all() {
    let mut bench = bench();
    bench.send("Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>\r\n");
    bench.send("Contact: <sip:b@h>;expires=0\r\n");
    assert_eq!(bench.contacts(), ["sip:c@h", "sip:a@h"]);
    bench.events();
    let reply = bench.send("Contact: *\r\nExpires: 0\r\n");
    assert_eq!((reply.status, reply.headers.len(), bench.registrar.len()), (200, 0, 0));
    let last: Vec<bool> =
        bench.events().iter().map(|event| matches!(event, RegistrarEvent::Unbound { last: true, .. })).collect();
    assert_eq!(last, [false, true]);
}

#[test]
fn a_star_without_expires_zero_is_malformed() {
    let mut bench = bench();
    bench.send("Contact: <sip:a@h>\r\n");
    assert_eq!(bench.send("Contact: *\r\n").status, 400);
    assert_eq!(bench.send("Contact: *\r\nExpires: 60\r\n").status, 400);
    assert_eq!(bench.contacts(), ["sip:a@h"]);
}

#[test]
fn an_old_request_of_the_same_call_changes_nothing_and_one_of_another_call_does() {
    let mut bench = bench();
    bench.send_as("105", "x", 5, "Contact: <sip:a@h>;expires=100\r\n");
    for cseq in [5, 4] {
        assert_eq!(bench.send_as("105", "x", cseq, "Contact: <sip:b@h>, <sip:a@h>;expires=0\r\n").status, 500);
        assert_eq!(bench.send_as("105", "x", cseq, "Contact: *\r\nExpires: 0\r\n").status, 500);
    }
    assert_eq!(bench.contacts(), ["sip:a@h"], "all of a request or nothing");
    assert_eq!(bench.send_as("105", "y", 1, "Contact: <sip:a@h>;expires=0\r\n").status, 200);
}

#[test]
fn one_bad_contact_keeps_the_others_of_its_request_out() {
    let mut bench = bench();
    for bad in ["<tel:+1>", "<mailto:a@h>", "<sip:b@h?Route=%3Csip:x%3E>", "<sip:b@h>;expires=1"] {
        let reply = bench.send(&format!("Contact: <sip:a@h>, {bad}\r\n"));
        assert!([400, 423].contains(&reply.status), "{bad}");
    }
    assert!(bench.registrar.is_empty() && bench.events().is_empty());
}

#[test]
fn contacts_and_addresses_of_record_are_bounded() {
    let mut bench = bench();
    assert_eq!(bench.send("Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>\r\n").status, 200);
    assert_eq!(bench.send("Contact: <sip:d@h>\r\n").status, 403);
    assert_eq!(bench.send("Contact: <sip:c@h>\r\n").status, 200, "a known one has room");
    assert_eq!(bench.send_as("106", "x", 1, "Contact: <sip:a@h>\r\n").status, 200);
    assert_eq!(bench.send_as("107", "x", 1, "Contact: <sip:a@h>\r\n").status, 403);
    assert_eq!(bench.send_as("107", "x", 2, "").status, 200, "a query takes none");
}

#[test]
fn parameters_of_the_field_are_not_those_of_the_uri() {
    let mut bench = bench();
    let reply = bench.send("Contact: sip:a@h;unknown\r\n");
    assert_eq!(values(&reply), ["<sip:a@h>;q=1.000;expires=3600"]);
    let reply = bench.send("Contact: <sip:b@h;unknown>\r\n");
    assert_eq!(values(&reply)[0], "<sip:b@h;unknown>;q=1.000;expires=3600");
}

#[test]
fn escaped_nuls_tell_contacts_apart() {
    let mut bench = bench();
    bench.send("Contact: <sip:%00@h>, <sip:%00%00@h>\r\n");
    assert_eq!(bench.contacts(), ["sip:%00%00@h", "sip:%00@h"]);
}

#[test]
fn a_contact_or_call_id_as_long_as_a_datagram_is_not_kept() {
    let mut bench = bench();
    let long = "x".repeat(512);
    assert_eq!(bench.send(&format!("Contact: <sip:{long}@h>\r\n")).status, 400);
    assert_eq!(bench.send_as("105", &long.repeat(2), 1, "Contact: <sip:a@h>\r\n").status, 400);
    assert!(bench.registrar.is_empty());
    assert_eq!(bench.send(&format!("Contact: <sip:{}@h>\r\n", &long[..400])).status, 200);
}

#[test]
fn what_a_phone_says_it_is_is_kept_short_and_steers_no_terminal() {
    let mut bench = bench();
    bench.send(&format!("Contact: <sip:a@h>\r\nUser-Agent: a\u{1b}[2J\u{e9}{}\r\n", "b".repeat(100)));
    let agent = bench.registrar.preferred("105").unwrap().agent.clone();
    assert_eq!((agent.len(), &agent[..5]), (64, "a[2Jb"));
}

#[test]
fn the_contact_with_the_highest_q_is_preferred_and_of_equals_the_newest() {
    let mut bench = bench();
    let preferred = |bench: &Bench| bench.registrar.preferred("105").unwrap().contact.to_string();
    bench.send("Contact: <sip:a@h>;q=0.9\r\n");
    bench.send("Contact: <sip:b@h>;q=0.1\r\n");
    assert_eq!(preferred(&bench), "sip:a@h");
    bench.send("Contact: <sip:c@h>;q=0.9\r\n");
    assert_eq!(preferred(&bench), "sip:c@h");
    bench.send("Contact: <sip:a@h>;q=0.9\r\n");
    assert_eq!(preferred(&bench), "sip:a@h", "renewed last");
}

#[test]
fn a_connection_is_opened_anew_to_where_the_phone_listens_but_for_one_behind_a_nat() {
    let mut bench = bench();
    let tcp = Flow { transport: sip::Transport::Tcp, connection: Some(sip::ConnectionId(3)), ..flow() };
    let mut reached_at = |contact: &str, flow: Flow| {
        let fields = format!("Contact: <sip:a@{contact}>\r\n");
        bench.cseq += 1;
        bench.registrar.register(bench.now, &"105".into(), &request("call", bench.cseq, &fields), flow);
        bench.registrar.preferred("105").unwrap().way()
    };
    let listens = reached_at("192.0.2.7:5099", tcp);
    assert_eq!((listens.connection, listens.remote), (tcp.connection, "192.0.2.7:5099".parse().unwrap()));
    assert_eq!(reached_at("10.0.0.7:5099", tcp).remote, tcp.remote, "his own idea of his address");
    assert_eq!(reached_at("192.0.2.7:5099", flow()).remote, flow().remote, "datagrams go where they come from");
}

#[test]
fn addresses_of_record_are_listed_in_order_and_those_that_are_nobodys_go() {
    let mut bench = bench();
    bench.send("Contact: <sip:a@h>, <sip:b@h>\r\n");
    bench.send_as("106", "x", 1, "Contact: <sip:a@h>\r\n");
    let listed =
        |bench: &Bench, after| bench.registrar.records(after).map(|record| record.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (listed(&bench, None), listed(&bench, Some("105"))),
        (vec!["105".into(), "106".into()], vec!["106".into()])
    );
    bench.events();
    bench.registrar.keep(|record| record != "105");
    assert_eq!((listed(&bench, None), bench.registrar.len()), (vec!["106".into()], 1));
    let last = bench.events().pop();
    assert_eq!(last, Some(RegistrarEvent::Unbound { record: "105".into(), expired: false, last: true }));
}

#[test]
fn locations_survive_a_restart_for_the_time_they_had_left() {
    let mut before = bench();
    before.send("Contact: <sip:a@h>;expires=100;q=0.3, <sip:b@h>;expires=300;q=0.4\r\nUser-Agent: phone/1\r\n");
    let kept = before.registrar.locations(before.now, "105");
    let restore = |bench: &mut Bench| {
        let (now, record) = (bench.now, "105".into());
        kept.iter().filter(|location| bench.registrar.restore(now, &record, (*location).clone())).count()
    };
    let mut after = bench();
    after.now = Now { monotonic: Mono::ZERO, wall: before.now.wall + Duration::from_secs(150) };
    assert_eq!(restore(&mut after), 1);
    assert_eq!(after.contacts(), ["sip:b@h"]);
    let binding = after.registrar.preferred("105").unwrap();
    assert_eq!((binding.flow, binding.q, &*binding.agent), (flow(), 400, "phone/1"));
    assert_eq!(after.registrar.poll_timeout(), Some(Mono::ZERO + Duration::from_secs(150)));
    let bound = RegistrarEvent::Bound { record: "105".into(), new: false, refreshed: false, first: true };
    assert_eq!(after.events(), [bound], "nothing new, though he can be reached again");
    assert_eq!(after.send_as("105", "call", 1, "Contact: <sip:b@h>\r\n").status, 500, "the order of requests too");
}

#[test]
fn a_clock_that_went_back_keeps_no_contact_for_longer_than_a_new_one() {
    let mut before = bench();
    before.send("Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>\r\n");
    let kept = before.registrar.locations(before.now, "105");
    let mut jumped = bench();
    jumped.now.wall = Wall::from_unix_micros(-86_400_000_000);
    for location in kept {
        assert!(jumped.registrar.restore(jumped.now, &"105".into(), location));
    }
    assert_eq!(jumped.registrar.poll_timeout(), Some(jumped.now.monotonic + Duration::from_secs(3600)));
}
