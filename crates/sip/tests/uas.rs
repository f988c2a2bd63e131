//! The UAS core.
//!
//! RFC 3261 8.2.1: 405, 501 · 8.2.2.1: 416 · 8.2.2.2: 482 · 8.2.2.3: 420 · 8.2.3: 415 · 20.1: 406 · 7.1: 505
//! RFC 3261 9.2: CANCEL early, late, lost, unknown · 11.2: OPTIONS · 13.3.1: 1xx, 2xx, failures · 15: BYE before ACK
//! RFC 3261 17.2.3: branches without the magic cookie (RFC 2543) · 18.2.2, RFC 3581: where responses go
//! Limits: sessions, transactions, draining (503)

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::net::SocketAddr;

use bytes::Bytes;
use harness::{Sent, World, request, stranger, within};
use sip::{EndCause, Event, Refusal};

const ANSWER: Bytes = Bytes::from_static(b"answer");

/// What a fresh stack answers to one message.
fn answer_to(message: &str) -> Sent {
    let mut world = World::new(1);
    world.inject(stranger(), 0, message);
    world.last_to(stranger())
}

fn with_body(text: &str, kind: &str, body: &str) -> String {
    let length = format!("Content-Type: {kind}\nContent-Length: {}\n\n{body}", body.len());
    text.replace("Content-Length: 0\n\n", &length)
}

#[test]
fn a_known_method_that_we_do_not_serve_gets_405_and_an_unknown_one_501() {
    let answer = answer_to(&request("PUBLISH", "m", ""));
    assert_eq!(answer.status(), 405);
    assert_eq!(
        answer.header("Allow").unwrap(),
        "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, UPDATE, REFER, MESSAGE, SUBSCRIBE, REGISTER"
    );
    assert_eq!(answer_to(&request("FROBNICATE", "m", "")).status(), 501);
}

#[test]
fn a_scheme_that_we_do_not_know_gets_416() {
    let invite = request("INVITE", "s", "").replace("INVITE sip:1000@192.0.2.1:5060", "INVITE nobody:any");
    assert_eq!(answer_to(&invite).status(), 416);
    let tel = request("OPTIONS", "s", "").replace("OPTIONS sip:1000@192.0.2.1:5060", "OPTIONS tel:+4930123");
    assert_eq!(answer_to(&tel).status(), 200);
}

#[test]
fn extensions_that_we_lack_get_420_and_are_named() {
    let answer = answer_to(&request("INVITE", "r", "Require: 100rel\nRequire: join, foo\n"));
    assert_eq!(answer.status(), 420);
    assert_eq!(answer.header("Unsupported").unwrap(), "join, foo");
    assert_eq!(answer_to(&request("OPTIONS", "r", "Proxy-Require: foo\n")).status(), 200, "that is for proxies");
}

#[test]
fn a_body_that_we_cannot_read_gets_415_unless_it_may_stay_unread() {
    let invite = with_body(&request("INVITE", "b", ""), "application/unknown", "x");
    let answer = answer_to(&invite);
    assert_eq!((answer.status(), answer.header("Accept").as_deref()), (415, Some("application/sdp")));
    let optional = invite.replace("Content-Type", "Content-Disposition: session ; handling=Optional\nContent-Type");
    assert_eq!(body_taken(&optional), Some(Bytes::new()), "passed over: it brings no offer");
    let zipped = with_body(&request("INVITE", "b", "Content-Encoding: gzip\n"), "application/sdp", "x");
    let answer = answer_to(&zipped);
    assert_eq!((answer.status(), answer.header("Accept-Encoding").as_deref()), (415, Some("identity")));
}

/// The body that the application is told of, if it is told of a call.
fn body_taken(invite: &str) -> Option<Bytes> {
    let mut world = World::new(1);
    world.inject(stranger(), 0, invite);
    match world.events(0).into_iter().next() {
        Some(Event::Invited { request, .. }) => Some(request.body),
        _ => None,
    }
}

#[test]
fn a_description_for_another_purpose_is_no_offer() {
    let purposed = |purpose: &str| {
        let field = format!("Content-Disposition: {purpose}\n");
        with_body(&request("INVITE", "p", &field), "application/sdp", "x")
    };
    for session in ["session", "Session;handling=required", "session;handling=optional"] {
        assert_eq!(body_taken(&purposed(session)), Some(Bytes::from_static(b"x")), "{session}");
    }
    for other in ["early-session", "render;handling=required"] {
        let answer = answer_to(&purposed(other));
        assert_eq!((answer.status(), answer.header("Accept").as_deref()), (415, Some("application/sdp")), "{other}");
    }
    assert_eq!(body_taken(&purposed("early-session;handling=optional")), Some(Bytes::new()));
}

#[test]
fn an_invite_that_takes_no_sdp_gets_406() {
    assert_eq!(answer_to(&request("INVITE", "a", "Accept: text/plain\n")).status(), 406);
    for fits in ["application/sdp;level=1", "text/plain, */*", "application/*"] {
        let mut world = World::new(1);
        world.inject(stranger(), 0, &request("INVITE", "a", &format!("Accept: {fits}\n")));
        assert!(matches!(world.events(0)[0], Event::Invited { .. }), "{fits}");
    }
}

#[test]
fn the_checks_come_in_the_order_of_section_8_2() {
    let all_wrong = "Require: foo\nContent-Encoding: gzip\n";
    let text = with_body(&request("FROBNICATE", "o", all_wrong), "application/unknown", "x");
    let bad_scheme = |text: &str| text.replace("sip:1000@192.0.2.1:5060 SIP", "nobody:any SIP");
    assert_eq!(answer_to(&bad_scheme(&text)).status(), 501, "method first");
    let text = text.replace("FROBNICATE", "INVITE");
    assert_eq!(answer_to(&bad_scheme(&text)).status(), 416, "then scheme");
    assert_eq!(answer_to(&text).status(), 420, "then extensions");
    let text = text.replace("Require: foo\n", "");
    assert_eq!(answer_to(&text).status(), 415, "then content");
    let stale = text.replace("To: <sip:1000@192.0.2.1>", "To: <sip:1000@192.0.2.1>;tag=old");
    assert_eq!(answer_to(&stale).status(), 415, "then the dialog");
    let stale = request("BYE", "o", "").replace("To: <sip:1000@192.0.2.1>", "To: <sip:1000@192.0.2.1>;tag=old");
    assert_eq!(answer_to(&stale).status(), 481);
}

#[test]
fn the_same_request_by_two_ways_is_served_once_and_answered_482() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "way-1", ""));
    world.inject(stranger(), 0, &request("INVITE", "way-2", ""));
    assert_eq!(world.last_to(stranger()).line(), "482 Loop Detected");
    assert_eq!(world.events(0).len(), 1);
    world.inject(stranger(), 0, &request("REGISTER", "way-3", ""));
    assert_eq!(world.events(0).len(), 1, "another method is another request");
    world.inject(stranger(), 0, &request("REGISTER", "way-4", ""));
    assert_eq!(world.last_to(stranger()).status(), 482);
}

#[test]
fn of_what_anyone_may_send_nothing_is_kept_and_repeats_are_answered_alike() {
    let ghost = |method| request(method, "n", "").replace("192.0.2.1>\n", "192.0.2.1>;tag=ghost\n");
    let strange = request("INVITE", "n", "").replace("INVITE sip:", "INVITE im:");
    let plain =
        ["OPTIONS", "BYE", "INFO", "UPDATE", "CANCEL", "PUBLISH", "DANCE"].map(|method| request(method, "n", ""));
    let ghosts = ["INVITE", "BYE", "INFO", "UPDATE", "OPTIONS", "SUBSCRIBE"].map(ghost);
    for text in plain.into_iter().chain(ghosts).chain([strange]) {
        let mut world = World::new(1);
        world.inject(stranger(), 0, &text);
        world.inject(stranger(), 0, &text);
        let answers = world.sent_to(stranger());
        assert_eq!(answers.len(), 2, "{text}");
        assert_eq!(answers[0].payload, answers[1].payload, "{text}");
        world.assert_quiet();
    }
}

#[test]
fn a_request_of_no_dialog_that_needs_one_gets_481_and_an_ack_silence() {
    assert_eq!(answer_to(&request("BYE", "n", "")).status(), 481);
    assert_eq!(answer_to(&request("CANCEL", "n", "")).status(), 481);
    assert_eq!(answer_to(&request("INFO", "n", "")).status(), 481);
    let ghost = |method| request(method, "n", "").replace("192.0.2.1>\n", "192.0.2.1>;tag=ghost\n");
    for method in ["BYE", "INVITE", "OPTIONS", "UPDATE"] {
        assert_eq!(answer_to(&ghost(method)).status(), 481, "{method}");
    }
    let mut world = World::new(1);
    world.inject(stranger(), 0, &ghost("ACK"));
    world.inject(stranger(), 0, &request("ACK", "n2", "Require: foo\n"));
    assert!(world.wire.is_empty());
    assert_eq!(world.parties[0].stack.counters().strays, 2);
}

#[test]
fn what_is_malformed_is_answered_400_or_505_and_told_once() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("OPTIONS", "x", "").replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"));
    assert_eq!(world.last_to(stranger()).status(), 400);
    world.inject(stranger(), 0, &request("OPTIONS", "y", "").replace(" SIP/2.0\n", " SIP/7.0\n"));
    assert_eq!(world.last_to(stranger()).status(), 505);
    assert!(matches!(world.events(0)[..], [Event::Malformed { .. }, Event::Malformed { .. }]));
    world.drive_ms(1);
    world.assert_quiet();
}

#[test]
fn options_tells_what_we_can_do() {
    let answer = answer_to(&request("OPTIONS", "o", ""));
    assert_eq!(answer.line(), "200 OK");
    assert_eq!(answer.header("Accept").unwrap(), "application/sdp");
    assert!(answer.header("Allow").unwrap().contains("UPDATE"));
    assert!(answer.header("Supported").is_some());
    assert_eq!(answer.header("Server").unwrap(), "Strowger test");
}

#[test]
fn an_accepted_invite_carries_our_tag_contact_and_body() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "c", "Record-Route: <sip:p1;lr>, <sip:p2;lr>\n"));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 183, Some(ANSWER)));
    let progress = world.last_to(stranger());
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    let ok = world.last_to(stranger());
    for answer in [&progress, &ok] {
        assert_eq!(answer.header("Contact").unwrap(), "<sip:1000@192.0.2.1:5060>");
        assert_eq!(answer.header("Record-Route").unwrap(), "<sip:p1;lr>, <sip:p2;lr>");
        assert_eq!(answer.header("Content-Type").unwrap(), "application/sdp");
        assert!(answer.text().ends_with("\r\n\r\nanswer"));
    }
    assert_eq!(progress.line(), "183 Session Progress");
    assert_eq!(progress.header("To"), ok.header("To"), "one tag a session");
}

#[test]
fn a_refusal_carries_its_phrase_and_header_fields_and_ends_the_session() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "f", ""));
    let session = world.invited(0);
    let headers = vec![("Warning".to_owned(), "304 strowger \"no\"\r\nEvil: yes".to_owned())];
    let refusal = Refusal { status: 488, reason: Some("No Codec".to_owned()), headers };
    world.act(0, |stack, now| stack.refuse(now, session, refusal));
    let answer = world.last_to(stranger());
    assert_eq!(answer.line(), "488 No Codec");
    assert!(answer.header("Warning").unwrap().starts_with("304 strowger \"no\""));
    assert_eq!(answer.header("Evil"), None, "no header field can be smuggled in");
    assert!(matches!(world.events(0).pop(), Some(Event::Refused { status: 488, local: true, .. })));
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    assert_eq!(world.last_to(stranger()).line(), "488 No Codec", "the session is over");
}

#[test]
fn cancel_of_a_ringing_call_gets_200_and_487_with_one_tag() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "k", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 180, None));
    let ringing = world.last_to(stranger());
    let reason = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\nReason: Q.850;cause=26\n";
    world.inject(stranger(), 0, &request("CANCEL", "k", reason));
    assert_eq!(world.story()[1..], ["a: 200 OK", "a: 487 Request Terminated"]);
    assert!(world.sent_to(stranger()).iter().all(|sent| sent.header("To") == ringing.header("To")));
    let why = sip_message::Reason { sip: Some(200), q850: Some(26) };
    let told = world.events(0).pop();
    assert!(matches!(told, Some(Event::Cancelled { session: over, reason }) if over == session && reason == why));
    world.inject(stranger(), 0, &request("CANCEL", "k", ""));
    assert_eq!(world.times("200").len(), 2, "a repeated CANCEL gets the same answer");
    assert_eq!(world.times("487").len(), 1);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    assert!(world.last_to(stranger()).status() == 200 && world.times("200").len() == 2, "too late to accept");
}

#[test]
fn cancel_that_crosses_our_2xx_changes_nothing() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "k", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    world.inject(stranger(), 0, &request("CANCEL", "k", ""));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "1 CANCEL");
    assert_eq!(world.last_to(stranger()).status(), 200);
    assert_eq!(world.last_to(stranger()).header("To"), world.sent_to(stranger())[0].header("To"));
    assert!(world.times("487").is_empty());
    assert_eq!(world.parties[0].stack.population().sessions, 1);
}

#[test]
fn a_bye_waits_for_the_ack_of_our_2xx() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "w", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    let ok = world.last_to(stranger());
    world.act(0, |stack, now| stack.hang_up(now, session, Some("Q.850;cause=16".to_owned())));
    assert!(world.times("BYE").is_empty());
    world.inject(stranger(), 0, &within(&ok, "ACK", "w-ack", 1, ""));
    let bye = world.last_to(stranger());
    assert_eq!(bye.line(), "BYE sip:carol@192.0.2.77:5060");
    assert_eq!(bye.header("Reason").unwrap(), "Q.850;cause=16");
    assert_eq!(bye.header("To").unwrap(), "<sip:carol@192.0.2.77>;tag=carol");
    assert_eq!(bye.header("From"), ok.header("To"));
}

#[test]
fn a_call_that_is_hung_up_unanswered_is_refused_with_480() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "h", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.hang_up(now, session, Some("Q.850;cause=19".to_owned())));
    let answer = world.last_to(stranger());
    assert_eq!(answer.status(), 480);
    assert_eq!(answer.header("Reason").unwrap(), "Q.850;cause=19");
    assert!(matches!(world.events(0).pop(), Some(Event::Refused { status: 480, local: true, .. })));
}

#[test]
fn a_bye_in_the_early_dialog_ends_the_invite_with_487() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "e", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 180, None));
    let ringing = world.last_to(stranger());
    world.inject(stranger(), 0, &within(&ringing, "BYE", "e-bye", 2, "Reason: Q.850;cause=16\n"));
    assert_eq!(world.story()[1..], ["a: 200 OK", "a: 487 Request Terminated"]);
    let cause = EndCause::Bye { reason: Some("Q.850;cause=16".to_owned()) };
    assert!(matches!(world.events(0).pop(), Some(Event::Ended { cause: told, .. }) if told == cause));
}

#[test]
fn a_branch_without_the_cookie_is_matched_as_rfc_2543_did() {
    let mut world = World::new(1);
    let old = |text: String| text.replace(";branch=z9hG4bKold", "");
    world.inject(stranger(), 0, &old(request("INVITE", "old", "")));
    let session = world.invited(0);
    world.inject(stranger(), 0, &old(request("INVITE", "old", "")));
    world.act(0, |stack, now| stack.refuse(now, session, Refusal::of(486)));
    let busy = world.last_to(stranger());
    world.inject(stranger(), 0, &old(within(&busy, "ACK", "old", 1, "")));
    world.drive_ms(10_000);
    assert_eq!(world.times("486").len(), 1, "the ACK was found");
    assert_eq!(world.events(0).len(), 2, "one call, one end");
}

#[test]
fn an_old_ack_of_a_2xx_reaches_the_session() {
    let mut world = World::new(1);
    let old = |text: String| text.replace(";branch=z9hG4bKold", "");
    world.inject(stranger(), 0, &old(request("INVITE", "old", "")));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &old(within(&ok, "ACK", "old", 1, "")));
    assert!(matches!(world.events(0).pop(), Some(Event::Acked { .. })));
}

#[test]
fn responses_go_to_the_port_of_via_or_with_rport_to_where_the_request_came_from() {
    let source: SocketAddr = "192.0.2.99:40000".parse().unwrap();
    let mut world = World::new(1);
    world.inject(source, 0, &request("OPTIONS", "p", ""));
    assert_eq!(world.wire[0].to, "192.0.2.99:5060".parse().unwrap());
    assert!(world.wire[0].header("Via").unwrap().contains(";received=192.0.2.99"));
    let rport = request("OPTIONS", "q", "").replace("branch=", "rport;branch=").replace("call-of", "other-of");
    world.inject(source, 0, &rport);
    assert_eq!(world.wire[1].to, source);
    assert!(world.wire[1].header("Via").unwrap().contains(";rport=40000"));
}

#[test]
fn while_draining_new_calls_get_503_and_leave_nothing() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "live", ""));
    let session = world.invited(0);
    world.act(0, |stack, _| stack.drain(true));
    for method in ["INVITE", "OPTIONS"] {
        let text = request(method, "drain", "").replace("call-of", "other-of");
        let before = world.parties[0].stack.population();
        world.inject(stranger(), 0, &text);
        world.inject(stranger(), 0, &text);
        let answers = world.sent_to(stranger());
        let [.., first, second] = &answers[..] else { panic!() };
        assert_eq!((first.status(), first.header("Retry-After").as_deref()), (503, Some("10")));
        assert_eq!(first.payload, second.payload, "the same To tag without memory");
        assert_eq!(world.parties[0].stack.population(), before);
    }
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    assert_eq!(world.last_to(stranger()).status(), 200, "a call that was here goes on");
}

#[test]
fn calls_and_requests_beyond_the_limits_get_503() {
    let mut world = World::with(1, 1, vec![], |mut config| {
        config.max_sessions = 1;
        config.max_transactions = 3;
        config
    });
    let call = |n: u32, method| request(method, &n.to_string(), "").replace("call-of", &format!("{n}-of"));
    world.inject(stranger(), 0, &call(1, "INVITE"));
    world.inject(stranger(), 0, &call(2, "INVITE"));
    assert_eq!(world.last_to(stranger()).status(), 503, "sessions");
    world.inject(stranger(), 0, &call(3, "REGISTER"));
    world.inject(stranger(), 0, &call(4, "REGISTER"));
    assert_eq!(world.events(0).len(), 3);
    world.inject(stranger(), 0, &call(5, "OPTIONS"));
    assert_eq!(world.last_to(stranger()).status(), 503, "transactions");
    assert_eq!(world.parties[0].stack.counters().overloaded, 2);
    world.events(0);
    let session = world.call(0, stranger());
    assert!(matches!(world.events(0)[..], [Event::Refused { session: over, status: 503, .. }] if over == session));
}
