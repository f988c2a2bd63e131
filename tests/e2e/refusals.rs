//! Bad input on the wire, over UDP and TCP: each request that cannot be served gets the answer that RFC 3261 8.2 has for it, from
//! one who may call and from a stranger, and the switch serves the next one. (All cases, and what is kept of them, are in
//! `crates/switch/tests/refusals.rs`.)

use std::net::Ipv4Addr;
use std::time::Duration;

use tests::company::Company;
use tests::line::Line;
use tests::phone::Message;
use tests::ports::Ports;
use tests::switch::Switch;
use tests::wait::SOON;

const TYPE: &str = "Content-Type: application/sdp\r\n";
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";

/// A request: its method, what is replaced in an otherwise fine one, more header fields, a body.
type Case = (&'static str, (&'static str, &'static str), &'static str, &'static str);
/// A status, a header field that goes with it, and what begins its value.
type Answer = (u16, &'static str, &'static str);

const GHOST: (&str, &str) = (">\r\nCall-ID", ">;tag=ghost\r\nCall-ID");
const NOTHING: (&str, &str) = ("", "");

/// What anybody is answered.
const FOR_ALL: [(Case, Answer); 20] = [
    (("FROBNICATE", NOTHING, "", ""), (501, "Allow", "INVITE, ACK")),
    (("PUBLISH", NOTHING, "Event: presence\r\n", ""), (405, "Allow", "INVITE, ACK")),
    (("SUBSCRIBE", GHOST, "Event: dialog\r\n", ""), (481, "To", "")),
    (("INVITE", ("sip:1002@", "gopher:1002@"), TYPE, SDP), (416, "To", "")),
    (("OPTIONS", ("sip:1002@", "mailto:1002@"), "", ""), (416, "To", "")),
    (("INVITE", ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), TYPE, SDP), (505, "To", "")),
    (("OPTIONS", NOTHING, "Require: foo, bar\r\n", ""), (420, "Unsupported", "foo, bar")),
    (("OPTIONS", NOTHING, "Content-Type: text/html\r\n", "<br>"), (415, "Accept", "application/sdp")),
    (("INVITE", GHOST, TYPE, SDP), (481, "To", "")),
    (("BYE", GHOST, "", ""), (481, "To", "")),
    (("UPDATE", GHOST, TYPE, SDP), (481, "To", "")),
    (("INFO", GHOST, "", ""), (481, "To", "")),
    (("OPTIONS", GHOST, "", ""), (481, "To", "")),
    (("BYE", NOTHING, "", ""), (481, "To", "")),
    (("CANCEL", NOTHING, "", ""), (481, "To", "")),
    (("OPTIONS", ("Call-ID: ", "Call-ID: twice\r\nCall-ID: "), "", ""), (400, "To", "")),
    (("OPTIONS", ("CSeq: 1 OPTIONS", "CSeq: 1 INFO"), "", ""), (400, "To", "")),
    (("OPTIONS", ("From: <", "From: \"<"), "", ""), (400, "To", "")),
    (("OPTIONS", ("Max-Forwards: 70", "Max-Forwards: many"), "", ""), (400, "To", "")),
    (("OPTIONS", ("Max-Forwards: 70", "Max-Forwards: 0"), "", ""), (200, "Accept", "application/sdp")),
];

/// What one who may call is answered to his INVITE. A stranger is told to prove himself, each time alike.
const INVITES: [(Case, Answer); 9] = [
    (("INVITE", NOTHING, "Require: foo\r\n", ""), (420, "Unsupported", "foo")),
    (("INVITE", NOTHING, "Content-Type: text/html\r\n", "<br>"), (415, "Accept", "application/sdp")),
    (
        ("INVITE", NOTHING, "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", SDP),
        (415, "Accept-Encoding", ""),
    ),
    (
        ("INVITE", NOTHING, "Content-Type: application/sdp\r\nContent-Disposition: render\r\n", SDP),
        (415, "Accept", "application/sdp"),
    ),
    (("INVITE", NOTHING, "Content-Type: application/sdp\r\nAccept: text/plain\r\n", SDP), (406, "To", "")),
    (("INVITE", NOTHING, TYPE, "nonsense"), (400, "Warning", "399 ")),
    (("INVITE", ("m=audio 9 RTP/AVP 0", "m=audio 9 RTP/AVP 9"), TYPE, SDP), (488, "Warning", "305 ")),
    (("INVITE", ("sip:1002@", "sip:9999@"), TYPE, SDP), (404, "To", "")),
    (("INVITE", ("Max-Forwards: 70\r\n", "Max-Forwards: 0\r\n"), TYPE, SDP), (200, "Contact", "")),
];

/// Somebody who sends what he likes.
struct Peer {
    line: Line,
    /// Requests so far.
    said: u32,
}

impl Peer {
    fn request(&mut self, (method, (from, to), fields, body): Case) -> String {
        self.said += 1;
        let (me, transport, number) = (self.line.local(), self.line.transport(), self.said);
        let text = format!(
            "{method} sip:1002@switch.invalid SIP/2.0\r\nVia: SIP/2.0/{transport} {me};branch=z9hG4bK{number}x{me};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:me@{me}>;tag=mine\r\nTo: <sip:1002@switch.invalid>\r\nCall-ID: {number}x{me}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:me@{me}>\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if from.is_empty() { text } else { text.replacen(from, to, 1) }
    }

    /// A request of the dialog that `ok` began.
    fn within(&mut self, ok: &Message, cseq: u32, case: Case) -> String {
        let request = self.request(case);
        let call_id = format!("Call-ID: {}x{}", self.said, self.line.local());
        request
            .replacen("To: <sip:1002@switch.invalid>", &format!("To: {}", ok.must("To")), 1)
            .replacen(&call_id, &format!("Call-ID: {}", ok.must("Call-ID")), 1)
            .replacen("CSeq: 1 ", &format!("CSeq: {cseq} "), 1)
    }

    /// The final response to a request.
    fn answer_to(&mut self, request: &str) -> Message {
        self.line.send(request.as_bytes());
        let branch = request.split("branch=").nth(1).and_then(|rest| rest.split(';').next()).expect("a branch");
        loop {
            let answer = self.line.next(SOON).unwrap_or_else(|| panic!("silence to\n{request}"));
            if answer.must("Via").contains(branch) && answer.status().is_some_and(|status| status >= 200) {
                return answer;
            }
        }
    }

    fn assert_alive(&mut self, behind: &str) {
        let probe = self.request(("OPTIONS", NOTHING, "", ""));
        assert_eq!(self.answer_to(&probe).status(), Some(200), "behind\n{behind}");
    }

    fn assert_answered(&mut self, case: Case, (status, name, value): Answer) -> Message {
        let request = self.request(case);
        let answer = self.answer_to(&request);
        assert_eq!(answer.status(), Some(status), "{answer}\nto\n{request}");
        assert!(answer.must(name).starts_with(value), "{answer}\nto\n{request}");
        assert!(answer.must("To").contains(";tag="), "{answer}");
        self.assert_alive(&request);
        answer
    }
}

/// A switch that takes calls from `trunk` and knows a user who registers, so that strangers are asked for a proof.
fn switch(trunk: &str) -> Switch {
    let mut company = Company::new(&Ports::slice()).agent("register");
    company.tcp = true;
    company.trunk = trunk.to_owned();
    Switch::start(&company)
}

fn lines(switch: &Switch) -> [Peer; 2] {
    let lines = [Line::udp(Ipv4Addr::LOCALHOST.into(), switch.address()), Line::tcp(switch.tcp())];
    lines.map(|line| Peer { line, said: 0 })
}

#[test]
fn one_who_may_call_is_told_what_was_wrong() {
    let switch = switch("127.0.0.1");
    for mut peer in lines(&switch) {
        for (case, answer) in FOR_ALL.into_iter().chain(INVITES) {
            peer.assert_answered(case, answer);
        }
    }
}

#[test]
fn a_stranger_learns_that_he_has_to_prove_himself_and_no_more() {
    let switch = switch("127.0.0.9");
    for mut peer in lines(&switch) {
        for (case, answer) in FOR_ALL {
            peer.assert_answered(case, answer);
        }
        for (case, _) in INVITES {
            let answer = peer.assert_answered(case, (401, "WWW-Authenticate", "Digest realm="));
            let told = |name: &str| !answer.headers(name).is_empty();
            assert!(
                !["Unsupported", "Accept", "Accept-Encoding", "Warning", "Contact"].into_iter().any(told),
                "{answer}"
            );
        }
    }
    assert!(switch.events("call_began").is_empty());
}

#[test]
fn what_needs_no_answer_gets_none() {
    let switch = switch("127.0.0.1");
    for mut peer in lines(&switch) {
        let ack = peer.request(("ACK", GHOST, "", ""));
        let stray = ack.replacen("ACK sip:1002@switch.invalid SIP/2.0", "SIP/2.0 200 OK", 1);
        for text in [ack, stray] {
            peer.line.send(text.as_bytes());
            peer.assert_alive(&text);
        }
        assert!(peer.line.next(Duration::from_millis(200)).is_none());
    }
}

#[test]
fn faults_inside_a_dialog_leave_the_call_as_it_is() {
    let switch = switch("127.0.0.1");
    let cases: [(Case, u16); 8] = [
        (("FROBNICATE", NOTHING, "", ""), 501),
        (("BYE", NOTHING, "Require: foo\r\n", ""), 420),
        (("BYE", ("sip:1002@", "gopher:1002@"), "", ""), 416),
        (("BYE", ("tag=mine", "tag=anothers"), "", ""), 481),
        (("BYE", ("CSeq: 1 ", "CSeq: 0 "), "", ""), 500),
        (("INFO", NOTHING, "Content-Type: text/html\r\n", "<br>"), 415),
        (("UPDATE", NOTHING, TYPE, "nonsense"), 400),
        (("OPTIONS", NOTHING, "", ""), 200),
    ];
    for mut peer in lines(&switch) {
        let invite = peer.request(("INVITE", NOTHING, TYPE, SDP));
        let ok = peer.answer_to(&invite);
        assert_eq!(ok.status(), Some(200), "{ok}");
        let ack = peer.within(&ok, 1, ("ACK", NOTHING, "", ""));
        peer.line.send(ack.as_bytes());
        // The same call by another way, as through a second proxy (RFC 3261 8.2.2.2).
        let again = invite.replacen("branch=z9hG4bK", "branch=z9hG4bKother", 1);
        assert_eq!(peer.answer_to(&again).status(), Some(482));
        for (cseq, (case, status)) in (2..).zip(cases) {
            let request = peer.within(&ok, cseq, case);
            assert_eq!(peer.answer_to(&request).status(), Some(status), "{request}");
        }
        let bye = peer.within(&ok, 99, ("BYE", NOTHING, "", ""));
        assert_eq!(peer.answer_to(&bye).status(), Some(200), "the call was there all the time");
    }
    switch.wait_for_cdrs(2);
    switch.assert_quiet();
}
