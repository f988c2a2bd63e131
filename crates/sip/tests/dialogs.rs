//! Dialogs, and changes that the peer asks for.
//!
//! RFC 3261 12.1: route set and target of both sides · 12.2.1.1: loose and strict routers · 12.2.2: CSeq order, target
//! refresh · 14.2: re-INVITE, overlapping and crossing ones · 16.12: Route · 3581 and private Contacts: symmetric sending
//! RFC 3311: UPDATE · RFC 6086: INFO

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
use harness::{CONTACT, Sent, World, reply, request, stranger, with_sdp, within};
use sip::{EndCause, Event, Refusal, SessionId};

const SDP: Bytes = Bytes::from_static(b"sdp");

/// The stranger calls party 0 by `invite`, which answers: the session and the 200.
fn answered(world: &mut World, source: SocketAddr, invite: &str) -> (SessionId, Sent) {
    world.inject(source, 0, invite);
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.wire.last().unwrap().clone();
    world.inject(source, 0, &within(&ok, "ACK", "ack-1", 1, ""));
    world.events(0);
    (session, ok)
}

fn established(world: &mut World) -> (SessionId, Sent) {
    answered(world, stranger(), &request("INVITE", "dialog", ""))
}

/// The BYE that party 0 sends when it hangs up.
fn bye(world: &mut World, session: SessionId) -> Sent {
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.wire.last().unwrap().clone()
}

fn routes(sent: &Sent) -> Vec<String> {
    sent.text().lines().filter_map(|line| line.strip_prefix("Route: ").map(str::to_owned)).collect()
}

#[test]
fn a_callee_sends_by_the_record_routes_in_their_order() {
    let mut world = World::new(1);
    let routed = request("INVITE", "rr", "Record-Route: <sip:192.0.2.50;lr>\nRecord-Route: <sip:192.0.2.51:5090;lr>\n");
    let (session, _) = answered(&mut world, stranger(), &routed);
    let bye = bye(&mut world, session);
    assert_eq!(bye.to, "192.0.2.50:5060".parse().unwrap());
    assert_eq!(bye.line(), "BYE sip:carol@192.0.2.77:5060");
    assert_eq!(routes(&bye), ["<sip:192.0.2.50;lr>", "<sip:192.0.2.51:5090;lr>"]);
}

#[test]
fn a_caller_sends_by_the_record_routes_in_reverse_order() {
    let mut world = World::new(1);
    let session = world.call(0, stranger());
    let invite = world.last_to(stranger());
    let records = "Record-Route: <sip:192.0.2.51:5090;lr>, <sip:192.0.2.50;lr>\n";
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", &format!("{records}{CONTACT}")));
    let ack = world.wire.last().unwrap().clone();
    assert_eq!(ack.to, "192.0.2.50:5060".parse().unwrap());
    assert_eq!(routes(&ack), ["<sip:192.0.2.50;lr>", "<sip:192.0.2.51:5090;lr>"]);
    assert_eq!(routes(&bye(&mut world, session)), routes(&ack));
}

#[test]
fn a_strict_router_gets_its_own_uri_on_the_request_line() {
    let mut world = World::new(1);
    let routed = request("INVITE", "sr", "Record-Route: <sip:192.0.2.50>, <sip:192.0.2.51;lr>\n");
    let (session, _) = answered(&mut world, stranger(), &routed);
    let bye = bye(&mut world, session);
    assert_eq!(bye.line(), "BYE sip:192.0.2.50");
    assert_eq!(bye.to, "192.0.2.50:5060".parse().unwrap());
    assert_eq!(routes(&bye), ["<sip:192.0.2.51;lr>", "<sip:carol@192.0.2.77:5060>"]);
}

#[test]
fn header_fields_in_a_contact_never_reach_a_request_line() {
    let mut world = World::new(1);
    let invite = request("INVITE", "h", "")
        .replace("<sip:carol@192.0.2.77:5060>", "<sip:car?ol@192.0.2.77?Route=%3Csip:evil%3E>");
    let (session, _) = answered(&mut world, stranger(), &invite);
    let bye = bye(&mut world, session);
    assert_eq!(bye.line(), "BYE sip:car?ol@192.0.2.77");
    assert!(routes(&bye).is_empty());
}

#[test]
fn a_contact_that_can_be_reached_is_where_requests_go() {
    let mut world = World::new(1);
    let invite = request("INVITE", "c", "").replace("<sip:carol@192.0.2.77:5060>", "<sip:carol@192.0.2.79:5099>");
    let (session, _) = answered(&mut world, stranger(), &invite);
    assert_eq!(bye(&mut world, session).to, "192.0.2.79:5099".parse().unwrap());
}

#[test]
fn a_contact_out_of_reach_is_replaced_by_where_the_peer_sends_from() {
    let named = request("INVITE", "n", "").replace("<sip:carol@192.0.2.77:5060>", "<sip:carol@pc.invalid>");
    let private = request("INVITE", "n", "").replace("<sip:carol@192.0.2.77:5060>", "<sip:carol@10.0.0.7:5060>");
    let natted = request("INVITE", "n", "Supported: x\n").replace("branch=", "rport;branch=");
    for (invite, source) in [(named, "192.0.2.77:5060"), (private, "192.0.2.77:5060"), (natted, "192.0.2.77:40123")] {
        let source: SocketAddr = source.parse().unwrap();
        let mut world = World::new(1);
        let (session, _) = answered(&mut world, source, &invite);
        let bye = bye(&mut world, session);
        assert_eq!(bye.to, source, "{invite}");
        assert!(invite.contains(bye.line().strip_prefix("BYE ").unwrap()), "the Request-URI is the Contact still");
    }
}

#[test]
fn symmetric_sending_can_be_forced_and_forbidden() {
    let private = request("INVITE", "n", "").replace("<sip:carol@192.0.2.77:5060>", "<sip:carol@10.0.0.7:5060>");
    for (forced, to) in [(true, "192.0.2.77:5060"), (false, "10.0.0.7:5060")] {
        let mut world = World::with(1, 1, vec![], |mut config| {
            config.symmetric = Some(forced);
            config
        });
        let (session, _) = answered(&mut world, stranger(), &private);
        assert_eq!(bye(&mut world, session).to, to.parse().unwrap());
    }
}

#[test]
fn a_request_out_of_order_gets_500_and_a_repeat_its_answer() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    world.inject(stranger(), 0, &within(&ok, "OPTIONS", "o5", 5, ""));
    assert_eq!(world.last_to(stranger()).status(), 200);
    world.inject(stranger(), 0, &within(&ok, "OPTIONS", "o4", 4, ""));
    assert_eq!(world.last_to(stranger()).status(), 500, "lower");
    world.inject(stranger(), 0, &within(&ok, "OPTIONS", "o5b", 5, ""));
    assert_eq!(world.last_to(stranger()).status(), 500, "the same in another transaction");
    world.inject(stranger(), 0, &within(&ok, "OPTIONS", "o5", 5, ""));
    assert_eq!(world.last_to(stranger()).status(), 200, "a repeat");
    world.inject(stranger(), 0, &within(&ok, "BYE", "o900", 900, ""));
    assert_eq!(world.last_to(stranger()).status(), 200, "gaps are no fault");
}

#[test]
fn a_stranger_with_half_of_the_dialogs_id_gets_481() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    let forged = within(&ok, "BYE", "forged", 9, "");
    for (from, to) in [("tag=carol", "tag=mallory"), ("call-of-carol", "call-of-mallory")] {
        world.inject(stranger(), 0, &forged.replace(from, to).replace("forged", &to[4..]));
        assert_eq!(world.last_to(stranger()).status(), 481, "{to}");
    }
    assert_eq!(world.parties[0].stack.population().sessions, 1);
}

#[test]
fn a_re_invite_is_told_and_answered_and_moves_the_target() {
    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    let moved = within(&ok, "INVITE", "re", 2, "").replace("<sip:carol@192.0.2.77:5060>", "<sip:carol@192.0.2.79>");
    world.inject(stranger(), 0, &with_sdp(&moved));
    assert!(matches!(&world.events(0)[..], [Event::Changed { body: Some(body), .. }] if body == &SDP));
    world.drive_ms(200);
    assert_eq!(world.last_to(stranger()).status(), 100, "the application thinks");
    world.act(0, |stack, now| stack.accept_change(now, session, SDP));
    assert_eq!(world.last_to(stranger()).status(), 200);
    world.drive_ms(600);
    assert_eq!(world.times("200").len(), 3, "repeated until its ACK");
    world.inject(stranger(), 0, &within(&ok, "ACK", "re-ack", 2, ""));
    assert!(matches!(world.events(0)[..], [Event::Acked { body: None, .. }]));
    world.drive_ms(60_000);
    assert_eq!(world.times("200").len(), 3);
    assert_eq!(bye(&mut world, session).to, "192.0.2.79:5060".parse().unwrap());
}

#[test]
fn a_refused_re_invite_changes_nothing() {
    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    let moved = within(&ok, "INVITE", "re", 2, "").replace("<sip:carol@192.0.2.77:5060>", "<sip:carol@192.0.2.79>");
    world.inject(stranger(), 0, &with_sdp(&moved));
    world.act(0, |stack, now| stack.refuse_change(now, session, Refusal::of(488)));
    assert_eq!(world.last_to(stranger()).status(), 488);
    world.inject(stranger(), 0, &within(&ok, "ACK", "re", 2, ""));
    assert_eq!(bye(&mut world, session).to, stranger());
}

#[test]
fn a_re_invite_that_overlaps_another_gets_500_with_retry_after() {
    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re-2", 2, "")));
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re-3", 3, "")));
    let answer = world.last_to(stranger());
    assert_eq!(answer.status(), 500);
    assert!(answer.header("Retry-After").unwrap().parse::<u8>().unwrap() <= 10);
    world.act(0, |stack, now| stack.accept_change(now, session, SDP));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "2 INVITE");
}

/// Nobody sends another INVITE before the last one has its final response: so our 2xx came, and only its ACK is lost.
#[test]
fn a_re_invite_behind_a_2xx_whose_ack_is_lost_stands_in_for_it() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &with_sdp(&request("INVITE", "lost", "")));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    world.events(0);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    assert!(matches!(world.events(0)[..], [Event::Acked { body: None, .. }, Event::Changed { body: Some(_), .. }]));
    world.act(0, |stack, now| stack.accept_change(now, session, SDP));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "2 INVITE");
    world.inject(stranger(), 0, &within(&ok, "ACK", "late", 1, ""));
    assert!(world.events(0).is_empty(), "the ACK of the first, overtaken");
    world.drive_ms(600);
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "2 INVITE", "only the second is repeated");
    world.inject(stranger(), 0, &within(&ok, "ACK", "re-ack", 2, ""));
    world.drive_ms(60_000);
    assert_eq!(world.times("200").len(), 3);
    assert_eq!(world.parties[0].stack.population().sessions, 1);
}

#[test]
fn a_re_invite_that_overtakes_the_answer_to_our_offer_gets_491() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "delayed", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    world.events(0);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    assert_eq!(world.last_to(stranger()).status(), 491);
    assert!(world.events(0).is_empty());
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "ACK", "delayed-ack", 1, "")));
    assert!(matches!(world.events(0)[..], [Event::Acked { body: Some(_), .. }]), "it is waited for still");
}

#[test]
fn a_re_invite_in_place_of_an_ack_lets_a_hang_up_go_that_waited_for_it() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &with_sdp(&request("INVITE", "lost", "")));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    let lines: Vec<String> = world.sent_to(stranger()).iter().rev().take(2).map(Sent::line).collect();
    assert!(lines[0].starts_with("BYE ") && lines[1].starts_with("487 "), "{lines:?}");
}

#[test]
fn a_re_invite_that_crosses_ours_gets_491() {
    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    world.act(0, |stack, now| stack.change(now, session, SDP)).unwrap();
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    assert_eq!(world.last_to(stranger()).status(), 491);
    assert!(world.events(0).is_empty());
}

#[test]
fn an_offer_of_a_phone_that_rings_meets_ours_and_gets_491() {
    let mut world = World::new(1);
    world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "180 Ringing", "bob", CONTACT));
    world.events(0);
    let header = |name| invite.header(name).unwrap();
    let update = request("UPDATE", "early", "")
        .replace("From: <sip:carol@192.0.2.77>;tag=carol", &format!("From: {};tag=bob", header("To")))
        .replace("To: <sip:1000@192.0.2.1>", &format!("To: {}", header("From")))
        .replace("call-of-carol", &header("Call-ID"));
    world.inject(stranger(), 0, &with_sdp(&update));
    assert_eq!(world.last_to(stranger()).status(), 491);
    assert!(world.events(0).is_empty());
}

#[test]
fn a_re_invite_can_be_cancelled_and_the_session_goes_on() {
    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    world.inject(stranger(), 0, &within(&ok, "CANCEL", "re", 2, ""));
    assert_eq!(world.last_to(stranger()).status(), 487);
    assert!(matches!(world.events(0)[..], [Event::Changed { .. }, Event::ChangeCancelled { .. }]));
    world.act(0, |stack, now| stack.accept_change(now, session, SDP));
    assert_eq!(world.last_to(stranger()).status(), 487, "too late");
    assert_eq!(world.parties[0].stack.population().sessions, 1);
}

#[test]
fn a_late_cancel_of_the_first_invite_does_not_touch_a_re_invite() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    world.events(0);
    world.inject(stranger(), 0, &request("CANCEL", "dialog", ""));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "1 CANCEL");
    assert!(world.events(0).is_empty() && world.times("487").is_empty());
}

#[test]
fn a_session_that_ends_leaves_no_timer_of_its_own() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "t", "Expires: 600\n"));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 180, None));
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    assert_eq!(world.parties[0].stack.population().timers, 3, "L; 2xx again, 2xx given up");
    world.inject(stranger(), 0, &within(&ok, "BYE", "t-bye", 2, ""));
    assert_eq!(world.parties[0].stack.population().timers, 2, "L and J");
}

#[test]
fn a_bye_while_a_re_invite_waits_ends_both() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "INVITE", "re", 2, "")));
    world.inject(stranger(), 0, &within(&ok, "BYE", "bye", 3, ""));
    let statuses: Vec<u16> = world.sent_to(stranger()).iter().rev().take(2).map(Sent::status).collect();
    assert_eq!(statuses, [487, 200]);
    let ended = |event: &Event| matches!(event, Event::Ended { cause: EndCause::Bye { reason: None }, .. });
    assert!(ended(&world.events(0)[1]));
}

#[test]
fn an_update_changes_the_session_without_an_ack() {
    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    world.inject(stranger(), 0, &with_sdp(&within(&ok, "UPDATE", "u2", 2, "")));
    assert!(matches!(world.events(0)[..], [Event::Changed { body: Some(_), .. }]));
    world.act(0, |stack, now| stack.accept_change(now, session, SDP));
    let answer = world.last_to(stranger());
    assert_eq!((answer.status(), answer.header("CSeq").as_deref()), (200, Some("2 UPDATE")));
    world.drive_ms(5_000);
    assert_eq!(world.last_to(stranger()).at, answer.at, "not repeated");
    world.inject(stranger(), 0, &within(&ok, "UPDATE", "u3", 3, ""));
    assert_eq!(world.last_to(stranger()).status(), 200, "without a body the stack answers");
    assert!(world.events(0).is_empty());
}

#[test]
fn an_update_without_an_offer_moves_the_target_even_of_an_early_dialog() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "early", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 180, None));
    let ringing = world.last_to(stranger());
    let moved = within(&ringing, "UPDATE", "u", 2, "").replace("carol@192.0.2.77:5060>", "carol@192.0.2.79>");
    world.inject(stranger(), 0, &moved);
    assert_eq!(world.last_to(stranger()).status(), 200);
    world.inject(stranger(), 0, &with_sdp(&within(&ringing, "UPDATE", "u3", 3, "")));
    assert_eq!(world.last_to(stranger()).status(), 500, "an offer while the first has no answer");
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    world.inject(stranger(), 0, &within(&ringing, "ACK", "ack", 1, ""));
    assert_eq!(bye(&mut world, session).to, "192.0.2.79:5060".parse().unwrap());
}

#[test]
fn an_info_is_answered_and_told_and_an_unknown_one_refused() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    let info = |kind: &str, cseq: u32| {
        let typed = format!("Content-Type: {kind}\nContent-Length: 8\n\nSignal=1");
        within(&ok, "INFO", &format!("info{cseq}"), cseq, "").replace("Content-Length: 0\n\n", &typed)
    };
    world.inject(stranger(), 0, &info("Application/DTMF-Relay;x=y", 2));
    assert_eq!(world.last_to(stranger()).status(), 200);
    match &world.events(0)[..] {
        [Event::Info { digit, .. }] => assert_eq!((digit.key, digit.duration_ms), ('1', None)),
        other => panic!("{other:?}"),
    }
    world.inject(stranger(), 0, &info("text/html", 3));
    assert_eq!(world.last_to(stranger()).status(), 415);
    let accept = world.last_to(stranger()).header("Accept").unwrap();
    assert_eq!(accept, "application/dtmf-relay, application/dtmf");
    world.inject(stranger(), 0, &info("application/dtmf-relay", 4).replace("Signal=1", "Signal=x"));
    assert_eq!(world.last_to(stranger()).status(), 400);
    world.inject(stranger(), 0, &within(&ok, "INFO", "life", 5, ""));
    assert_eq!(world.last_to(stranger()).status(), 200, "a sign of life");
    assert!(world.events(0).is_empty(), "none of these is a key");
}

#[test]
fn an_offer_of_ours_in_the_2xx_is_answered_in_the_ack() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "delayed", ""));
    let session = world.invited(0);
    world.events(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    let ack = with_sdp(&within(&ok, "ACK", "delayed-ack", 1, ""));
    world.inject(stranger(), 0, &ack);
    world.inject(stranger(), 0, &ack);
    assert!(matches!(&world.events(0)[..], [Event::Acked { body: Some(answer), .. }] if answer == &SDP), "once");
}

#[test]
fn an_ack_with_another_number_acknowledges_nothing() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "n", ""));
    let session = world.invited(0);
    world.events(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &within(&ok, "ACK", "n-ack", 7, ""));
    assert!(world.events(0).is_empty());
}
