//! Bad input: what a request that cannot be served is answered, over UDP and TCP, be it of one who may call, of a stranger,
//! or of a call that lives. No honest peer meets silence, and no stranger learns more than that he has to prove himself.
//!
//! RFC 3261: 7.1 (505) · 8.2.1 (405, 501) · 8.2.2.1 (416) · 8.2.2.2 (482) · 8.2.2.3 (420) · 8.2.3 (415) · 12.2.2 (481, 500)
//! · 14.2 (491, 500) · 21.4.1 (400) · 21.4.7 (406) · 21.4.21 (483) · 21.4.26 (488); RFC 7332 (Max-Forwards of calls that are passed on)
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::net::SocketAddr;

use common::{QUIET, SECOND, Scene};
use journal::Kind;
use sim::{SWITCH, Seen};
use sip::Transport;

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n";
const G729: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 30000 RTP/AVP 18\r\n";
/// What is answered to a stranger who calls, whatever and however.
const PROVE: Answer = (401, "WWW-Authenticate: Digest ");

/// A status, and what stands in the answer.
type Answer = (u16, &'static str);

/// A request that is wrong in one way.
struct Case {
    method: &'static str,
    /// What is changed in an otherwise fine request, text by text.
    change: &'static [(&'static str, &'static str)],
    /// More header fields.
    fields: &'static str,
    body: &'static str,
    /// What one gets who may call.
    known: Answer,
    /// What a stranger gets.
    stranger: Answer,
}

const fn case(method: &'static str, known: Answer, stranger: Answer) -> Case {
    Case { method, change: &[], fields: "", body: "", known, stranger }
}

/// The same for everybody.
const fn all(method: &'static str, answer: Answer) -> Case {
    case(method, answer, answer)
}

/// An INVITE with an offer; strangers are told to prove themselves, as if nothing was wrong.
const fn invite(known: Answer) -> Case {
    Case { body: SDP, fields: TYPE, ..case("INVITE", known, PROVE) }
}

const TYPE: &str = "Content-Type: application/sdp\r\n";
const GHOST: &[(&str, &str)] = &[("To: <sip:101@switch>", "To: <sip:101@switch>;tag=ghost")];
const MENU: &[(&str, &str)] = &[("sip:101@switch SIP", "sip:1000@switch SIP")];
const NO_CSEQ: &[(&str, &str)] = &[("CSeq: 1 ", "X-CSeq: 1 ")];
const OTHER_CSEQ: &[(&str, &str)] = &[("CSeq: 1 OPTIONS", "CSeq: 1 INFO")];
const ALLOW: &str = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, ";

/// Outside any dialog. All but the first are wrong.
const CASES: &[Case] = &[
    all("OPTIONS", (200, ALLOW)),
    all("FROBNICATE", (501, ALLOW)),
    all("invite", (501, ALLOW)),
    case("SUBSCRIBE", (489, "Allow-Events: dialog, message-summary\r\n"), PROVE),
    Case { fields: "Event: presence\r\n", ..case("SUBSCRIBE", (489, "Allow-Events: "), PROVE) },
    Case { fields: "Event: dialog\r\n", ..case("SUBSCRIBE", (403, ""), PROVE) },
    Case { fields: "Event: dialog\r\nAccept: text/plain\r\n", ..case("SUBSCRIBE", (406, ""), PROVE) },
    Case { fields: "Event: dialog\r\nExpires: 59\r\n", ..case("SUBSCRIBE", (423, "Min-Expires: 60\r\n"), PROVE) },
    case("MESSAGE", (403, ""), PROVE),
    all("REFER", (403, "")),
    all("PUBLISH", (405, ALLOW)),
    Case { change: &[("sip:101@switch SIP", "gopher:101 SIP")], ..all("INVITE", (416, "")) },
    Case { change: &[("sip:101@switch SIP", "mailto:a@b SIP")], ..all("OPTIONS", (416, "")) },
    Case { change: &[(" SIP/2.0\r\nVia", " SIP/3.0\r\nVia")], ..all("INVITE", (505, "")) },
    Case { change: &[(" SIP/2.0\r\nVia", " SIP/1.0\r\nVia")], ..all("OPTIONS", (505, "")) },
    Case { fields: "Require: foo, bar\r\nRequire: baz\r\n", ..all("OPTIONS", (420, "Unsupported: foo, bar, baz\r\n")) },
    Case { fields: "Require: foo, bar\r\n", ..case("INVITE", (420, "Unsupported: foo, bar\r\n"), PROVE) },
    Case { fields: "Content-Type: text/html\r\n", ..invite((415, "Accept: application/sdp\r\n")) },
    Case {
        fields: "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n",
        ..invite((415, "Accept-Encoding: identity\r\n"))
    },
    Case {
        fields: "Content-Type: application/sdp\r\nContent-Disposition: early-session\r\n",
        ..invite((415, "Accept: application/sdp\r\n"))
    },
    Case { fields: "Content-Type: application/sdp\r\nAccept: text/plain\r\n", ..invite((406, "")) },
    Case { body: "nonsense", ..invite((400, "Warning: 399 strowger \"")) },
    Case { change: MENU, body: G729, ..invite((488, "Warning: 305 strowger \"")) },
    Case { change: &[("sip:101@switch SIP", "sip:999@switch SIP")], ..invite((404, "")) },
    Case { change: &[("Max-Forwards: 70", "Max-Forwards: 0")], ..invite((483, "")) },
    Case { change: GHOST, fields: TYPE, body: SDP, ..all("INVITE", (481, "")) },
    Case { change: GHOST, ..all("BYE", (481, "")) },
    Case { change: GHOST, ..all("INFO", (481, "")) },
    Case { change: GHOST, ..all("UPDATE", (481, "")) },
    Case { change: GHOST, ..all("OPTIONS", (481, "")) },
    all("BYE", (481, "")),
    all("INFO", (481, "")),
    all("UPDATE", (481, "")),
    all("CANCEL", (481, "")),
    Case { change: NO_CSEQ, ..all("OPTIONS", (400, "")) },
    Case { change: OTHER_CSEQ, ..all("OPTIONS", (400, "")) },
    Case { change: &[("Call-ID: ", "Call-ID: two\r\nCall-ID: ")], ..all("INVITE", (400, "")) },
    Case { change: &[("Max-Forwards: 70", "Max-Forwards: many")], ..all("INVITE", (400, "")) },
    Case { change: &[("From: <", "From: \"<")], ..all("INVITE", (400, "")) },
    Case { change: &[("sip:101@switch SIP", "sip:101@[::1 SIP")], ..all("INVITE", (400, "")) },
];

/// Inside a dialog. Each leaves the call as it was.
const WITHIN: &[Case] = &[
    all("OPTIONS", (200, ALLOW)),
    all("FROBNICATE", (501, ALLOW)),
    all("SUBSCRIBE", (489, "Allow-Events: dialog, message-summary\r\n")),
    Case { fields: "Event: dialog\r\n", ..all("SUBSCRIBE", (403, "")) },
    all("PUBLISH", (405, ALLOW)),
    Case { change: &[("sip:101@switch SIP", "gopher:101 SIP")], ..all("BYE", (416, "")) },
    Case { change: &[(" SIP/2.0\r\nVia", " SIP/3.0\r\nVia")], ..all("BYE", (505, "")) },
    Case { fields: "Require: foo\r\n", ..all("BYE", (420, "Unsupported: foo\r\n")) },
    Case {
        fields: "Content-Type: text/html\r\n",
        body: "<br>",
        ..all("INFO", (415, "Accept: application/dtmf-relay, application/dtmf\r\n"))
    },
    Case { fields: "Content-Type: text/html\r\n", body: "<br>", ..all("INVITE", (415, "Accept: application/sdp\r\n")) },
    Case { fields: TYPE, body: G729, ..all("INVITE", (488, "Warning: 305 ")) },
    Case { fields: TYPE, body: "nonsense", ..all("UPDATE", (400, "Warning: 399 ")) },
    Case { change: &[("tag=mine", "tag=anothers")], ..all("BYE", (481, "")) },
    Case { change: &[("CSeq: 1", "CSeq: 0")], ..all("BYE", (500, "")) },
];

/// Somebody without a phone.
struct Peer {
    transport: Transport,
    address: SocketAddr,
    /// Requests so far.
    said: u32,
}

impl Peer {
    fn new(transport: Transport, address: &str) -> Self {
        Self { transport, address: address.parse().unwrap(), said: 0 }
    }

    /// A request of the case, of nobody's dialog.
    fn request(&mut self, case: &Case) -> String {
        self.said += 1;
        let Case { method, fields, body, .. } = case;
        let (from, number, length) = (self.address, self.said, body.len());
        let transport = self.transport.name().to_uppercase();
        let text = format!(
            "{method} sip:101@switch SIP/2.0\r\nVia: SIP/2.0/{transport} {from};branch=z9hG4bKb{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:4930123@{from}>;tag=mine\r\nTo: <sip:101@switch>\r\nCall-ID: c{number}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:x@{from}>\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        );
        let change = |text: String, (from, to): &(&str, &str)| text.replacen(from, to, 1);
        case.change.iter().fold(text, change).replacen("@switch SIP", &format!("@{SWITCH} SIP"), 1)
    }

    fn say(&self, scene: &mut Scene, text: &str) -> Vec<String> {
        scene.world.say(self.transport, self.address, text)
    }

    /// An INVITE for the menu: its 2xx.
    fn call(&mut self, scene: &mut Scene) -> String {
        let invite = self.request(&Case { change: MENU, ..invite((200, "")) });
        let ok = only(self.say(scene, &invite));
        assert!(ok.starts_with("SIP/2.0 200"), "{ok}");
        let ack = self.within(&ok, "ACK", 1);
        assert_eq!(self.say(scene, &ack), [""; 0]);
        ok
    }

    /// A request of the dialog that `ok` began.
    fn within(&mut self, ok: &str, method: &'static str, cseq: u32) -> String {
        into_dialog(&self.request(&all(method, (0, ""))), ok, cseq)
    }
}

fn only(answers: Vec<String>) -> String {
    let [answer] = &answers[..] else { panic!("{answers:#?}") };
    answer.clone()
}

fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let value = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// A request as of the dialog that `ok` began.
fn into_dialog(request: &str, ok: &str, cseq: u32) -> String {
    let call_id = field(request, "Call-ID").to_owned();
    request
        .replacen("To: <sip:101@switch>", &format!("To: {}", field(ok, "To")), 1)
        .replacen(&format!("Call-ID: {call_id}"), &format!("Call-ID: {}", field(ok, "Call-ID")), 1)
        .replacen("CSeq: 1 ", &format!("CSeq: {cseq} "), 1)
}

fn assert_answered(answers: Vec<String>, (status, words): Answer, request: &str) {
    let [answer] = &answers[..] else { panic!("{answers:#?} to\n{request}") };
    assert!(answer.starts_with(&format!("SIP/2.0 {status} ")) && answer.contains(words), "{answer}\nto\n{request}");
    assert!(field(answer, "To").contains(";tag="), "{answer}");
}

const PATHS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

#[test]
fn each_fault_outside_a_dialog_has_its_answer() {
    for transport in PATHS {
        for is_known in [true, false] {
            let mut s = Scene::new();
            let mut peer = Peer::new(transport, if is_known { "127.0.0.2:6000" } else { "127.0.0.66:6000" });
            for case in CASES {
                let request = peer.request(case);
                let expected = if is_known { case.known } else { case.stranger };
                assert_answered(peer.say(&mut s, &request), expected, &request);
                let alive = peer.request(&CASES[0]);
                assert_answered(peer.say(&mut s, &alive), CASES[0].known, &alive);
            }
            // What needs no answer gets none.
            for silent in
                [peer.request(&Case { change: GHOST, ..all("ACK", (0, "")) }), "SIP/2.0 200 OK\r\n\r\n".into()]
            {
                assert_eq!(peer.say(&mut s, &silent), [""; 0], "{silent}");
            }
            if !is_known {
                assert_eq!(
                    s.world.switch.sip_population(),
                    sip::Population::default(),
                    "nothing is kept of a stranger"
                );
            }
            s.world.run(QUIET);
            assert!(s.world.switch.is_quiet(), "{:?}", s.world.switch);
            s.world.switch.check_invariants(s.world.now).unwrap();
            assert_eq!(s.world.count(|kind| matches!(kind, Kind::LegBegan { .. })), usize::from(is_known));
        }
    }
}

#[test]
fn each_fault_inside_a_dialog_has_its_answer_and_the_call_goes_on() {
    for transport in PATHS {
        let mut s = Scene::new();
        let mut peer = Peer::new(transport, "127.0.0.2:6000");
        let ok = peer.call(&mut s);
        for (number, case) in (2..).zip(WITHIN) {
            let request = into_dialog(&peer.request(case), &ok, number);
            assert_answered(peer.say(&mut s, &request), case.known, &request);
        }
        assert_eq!(s.world.switch.live_calls(), 1);
        let leg = s.world.caller_leg();
        s.world.press(leg, '1');
        s.world.run(SECOND);
        assert!(s.saw(s.ada, &Seen::Rings), "the menu goes on");
        s.world.overhear(peer.address);
        let bye = peer.within(&ok, "BYE", 100);
        assert_answered(peer.say(&mut s, &bye), (200, ""), &bye);
        s.end();
    }
}

#[test]
fn the_same_call_by_two_ways_is_one_call() {
    for transport in PATHS {
        let mut s = Scene::new();
        let mut peer = Peer::new(transport, "127.0.0.2:6000");
        let first = peer.request(&invite((0, "")));
        let second = first.replace("branch=z9hG4bK", "branch=z9hG4bKother");
        assert_eq!(peer.say(&mut s, &first), [""; 0]);
        assert_answered(peer.say(&mut s, &second), (482, ""), &second);
        assert_eq!(s.world.switch.live_calls(), 1);
        s.answer(s.ada);
        let answers = s.world.overhear(peer.address);
        assert!(answers.iter().any(|answer| answer.starts_with("SIP/2.0 200")), "{answers:#?}");
    }
}

/// RFC 3261 14.2, RFC 3311 5.2: the caller's first offer is not answered while the user's phone rings.
#[test]
fn a_caller_who_offers_again_before_he_is_answered_is_to_wait() {
    for transport in PATHS {
        let mut s = Scene::new();
        let mut peer = Peer::new(transport, "127.0.0.2:6000");
        let first = peer.request(&invite((0, "")));
        peer.say(&mut s, &first);
        s.world.with_phone(s.ada, |phone, now| phone.ring(now));
        let ringing = s.world.overhear(peer.address).pop().unwrap();
        assert!(ringing.starts_with("SIP/2.0 180"), "{ringing}");
        for (cseq, method) in [(2, "UPDATE"), (3, "INVITE")] {
            let again = peer.request(&Case { fields: TYPE, body: SDP, ..all(method, (0, "")) });
            let again = into_dialog(&again, &ringing, cseq);
            assert_answered(peer.say(&mut s, &again), (500, "Retry-After: "), &again);
        }
        s.answer(s.ada);
        let answers = s.world.overhear(peer.address);
        assert!(answers.iter().any(|answer| answer.starts_with("SIP/2.0 200") && answer.contains("CSeq: 1 INVITE")));
    }
}

/// His answer comes in the ACK; an offer before it meets ours.
#[test]
fn an_offer_that_overtakes_the_answer_to_ours_gets_491() {
    for transport in PATHS {
        let mut s = Scene::new();
        let mut peer = Peer::new(transport, "127.0.0.2:6000");
        let first = peer.request(&Case { change: MENU, ..all("INVITE", (0, "")) });
        let ok = only(peer.say(&mut s, &first));
        assert!(ok.contains("m=audio"), "{ok}");
        let offer = peer.request(&Case { fields: TYPE, body: SDP, ..all("INVITE", (0, "")) });
        let offer = into_dialog(&offer, &ok, 2);
        assert_answered(peer.say(&mut s, &offer), (491, ""), &offer);
        let ack = peer.request(&Case { fields: TYPE, body: SDP, ..all("ACK", (0, "")) });
        peer.say(&mut s, &into_dialog(&ack, &ok, 1));
        s.press('1');
        assert!(s.saw(s.ada, &Seen::Rings), "the menu goes on");
    }
}

/// A caller that has gone a long way may not be sent further, so that no call goes round for ever.
#[test]
fn a_call_takes_one_hop_less_on_and_none_if_it_has_none_left() {
    for (field, hops) in [("Max-Forwards: 7", Some(6)), ("Max-Forwards: 1", Some(0)), ("X: y", Some(69))] {
        let mut s = Scene::new();
        let text = Peer::new(Transport::Udp, "127.0.0.2:6000").request(&invite((0, "")));
        let text = text.replace("Max-Forwards: 70", field);
        s.world.say(Transport::Udp, "127.0.0.2:6000".parse().unwrap(), &text);
        assert!(s.saw(s.ada, &Seen::Rings));
        let invite = s.world.at(s.ada).invited.take().unwrap();
        assert_eq!(invite.head.max_forwards, hops, "{field}");
    }
}

#[test]
fn a_caller_without_hops_hears_his_menu_and_reaches_nobody_through_it() {
    for (key, node) in [('1', "sales"), ('2', "direct")] {
        let mut s = Scene::new();
        let mut peer = Peer::new(Transport::Udp, "127.0.0.2:6000");
        let change = &[("sip:101@switch SIP", "sip:1000@switch SIP"), ("Max-Forwards: 70", "Max-Forwards: 0")];
        let invite = peer.request(&Case { change, ..invite((200, "")) });
        let ok = only(peer.say(&mut s, &invite));
        let ack = peer.within(&ok, "ACK", 1);
        peer.say(&mut s, &ack);
        s.press(key);
        let entered = |name: &str| s.world.count(|k| matches!(k, Kind::NodeEntered { node, .. } if &**node == name));
        assert_eq!((entered(node), entered("bye")), (1, 1), "{node}");
        assert!(!s.saw(s.ada, &Seen::Rings) && !s.saw(s.alan, &Seen::Rings));
        let leg = s.world.caller_leg();
        s.world.finish_play(leg);
        s.end();
        assert_eq!(s.agent("101"), Some(acd::AgentState::Idle), "no agent is put down as unreachable for that");
    }
}
