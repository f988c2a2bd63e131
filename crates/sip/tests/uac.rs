//! The UAC core.
//!
//! RFC 3261 8.1.3: responses, strays · 9.1: CANCEL held back, sent once, crossed by a 2xx · 13.2.2: 1xx, 2xx, failures
//! RFC 3261 13.2.2.4: several 2xx from forks · 17.1.1.3: ACK of a failure · 15: BYE, crossed BYEs
//! RFC 3261 14.1: our re-INVITE: accepted, refused, 481, 408 · 12.2.1.2: the dialog that is gone

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use bytes::Bytes;
use harness::{CONTACT, Sent, World, address, invite_to, reply, stranger};
use sip::{ChangeError, EndCause, Event, Invite, SessionId};

const OFFER: Bytes = Bytes::from_static(b"new offer");

/// Party 0 calls the stranger: the session and its INVITE.
fn calling(world: &mut World) -> (SessionId, Sent) {
    let session = world.call(0, stranger());
    (session, world.last_to(stranger()))
}

/// Party 0 talks with the stranger: the session and its INVITE.
fn talking(world: &mut World) -> (SessionId, Sent) {
    let (session, invite) = calling(world);
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    world.events(0);
    (session, invite)
}

fn respond(world: &mut World, status: &str) {
    let last = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&last, status, "b", ""));
}

fn cause(world: &mut World) -> EndCause {
    match world.events(0).pop() {
        Some(Event::Ended { cause, .. }) => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_invite_carries_what_section_8_1_1_asks_for() {
    let mut world = World::new(1);
    let mut invite = invite_to(0, stranger());
    invite.headers = vec![("Alert-Info".to_owned(), "<urn:alert:source:internal>".to_owned())];
    world.act(0, |stack, now| stack.invite(now, invite));
    let sent = world.last_to(stranger());
    assert_eq!(sent.line(), "INVITE sip:bob@192.0.2.77:5060");
    assert!(sent.header("Via").unwrap().starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
    assert!(sent.header("Via").unwrap().contains(";rport"));
    assert_eq!(sent.header("Max-Forwards").unwrap(), "70");
    assert!(sent.header("From").unwrap().starts_with("\"Alice\" <sip:alice@example.net>;tag="));
    assert_eq!(sent.header("To").unwrap(), "<sip:bob@192.0.2.77:5060>");
    assert_eq!(sent.header("CSeq").unwrap(), "1 INVITE");
    assert_eq!(sent.header("Contact").unwrap(), "<sip:alice@192.0.2.1:5060>");
    assert_eq!(sent.header("Call-ID").unwrap().len(), 32, "128 random bits");
    assert_eq!(sent.header("Alert-Info").unwrap(), "<urn:alert:source:internal>");
    assert!(sent.header("Allow").is_some() && sent.header("User-Agent").is_some());
    assert!(sent.text().ends_with("\r\n\r\noffer"));
}

#[test]
fn a_call_that_is_passed_on_takes_the_hops_that_it_is_given_and_its_bye_its_own() {
    let mut world = World::new(1);
    let session = world.act(0, |stack, now| stack.invite(now, Invite { max_forwards: 3, ..invite_to(0, stranger()) }));
    assert_eq!(world.last_to(stranger()).header("Max-Forwards").as_deref(), Some("3"));
    respond(&mut world, "200 OK");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(world.last_to(stranger()).header("Max-Forwards").as_deref(), Some("70"));
}

#[test]
fn provisional_responses_are_told_but_100_is_not() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world);
    world.inject(stranger(), 0, &reply(&invite, "100 Trying", "", ""));
    assert!(world.events(0).is_empty());
    let early = reply(&invite, "183 Session Progress", "b", "Content-Type: application/sdp\n");
    world.inject(stranger(), 0, &early.replace("Content-Length: 0\n\n", "Content-Length: 5\n\nearly"));
    match &world.events(0)[..] {
        [Event::Progress { status: 183, body: Some(body), .. }] => assert_eq!(&body[..], b"early"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure_is_acknowledged_with_the_branch_of_the_invite_and_the_tag_of_the_response() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world);
    world.inject(stranger(), 0, &reply(&invite, "486 Busy Here", "b", "Retry-After: 9\n"));
    let ack = world.last_to(stranger());
    assert_eq!(ack.line(), "ACK sip:bob@192.0.2.77:5060");
    assert_eq!(ack.header("Via"), invite.header("Via"));
    assert_eq!(ack.header("To").unwrap(), "<sip:bob@192.0.2.77:5060>;tag=b");
    assert_eq!(ack.header("CSeq").unwrap(), "1 ACK");
    match world.events(0).pop() {
        Some(Event::Refused { session: over, status: 486, reason, local: false, response: Some(response) }) => {
            assert_eq!((over, reason.as_str()), (session, "Busy Here"));
            assert_eq!(response.head.named("Retry-After"), Some("9"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_2xx_is_acknowledged_to_its_contact_with_a_branch_of_its_own() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world);
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    let ack = world.last_to(stranger());
    assert_eq!(ack.line(), "ACK sip:bob@192.0.2.77:5060");
    assert_ne!(ack.header("Via"), invite.header("Via"));
    assert_eq!(ack.header("CSeq").unwrap(), "1 ACK");
    assert!(matches!(world.events(0)[..], [Event::Answered { session: ours, .. }] if ours == session));
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world);
    world.act(0, |stack, now| stack.hang_up(now, session, Some("SIP;cause=200".to_owned())));
    world.drive_ms(400);
    assert!(world.times("CANCEL").is_empty());
    world.inject(stranger(), 0, &reply(&invite, "180 Ringing", "b", CONTACT));
    let cancel = world.last_to(stranger());
    assert_eq!(cancel.line(), "CANCEL sip:bob@192.0.2.77:5060");
    assert_eq!(cancel.header("Via"), invite.header("Via"));
    assert_eq!(cancel.header("To"), invite.header("To"), "without the tag");
    assert_eq!(cancel.header("CSeq").unwrap(), "1 CANCEL");
    assert_eq!(cancel.header("Reason").unwrap(), "SIP;cause=200");
    world.inject(stranger(), 0, &reply(&invite, "180 Ringing", "b", CONTACT));
    world.inject(stranger(), 0, &reply(&cancel, "200 OK", "b", ""));
    world.inject(stranger(), 0, &reply(&invite, "487 Request Terminated", "b", ""));
    assert_eq!(world.times("CANCEL").len(), 1);
    assert_eq!(world.events(0).len(), 1, "no progress is told after the hang-up");
}

#[test]
fn a_2xx_that_crosses_the_cancel_gets_ack_and_bye() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world);
    world.inject(stranger(), 0, &reply(&invite, "180 Ringing", "b", CONTACT));
    world.events(0);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    assert_eq!(world.story(), ["a: INVITE", "a: CANCEL", "a: ACK", "a: BYE"]);
    assert!(world.events(0).is_empty(), "never told as answered");
    respond(&mut world, "200 OK");
    assert_eq!(cause(&mut world), EndCause::HungUp);
}

#[test]
fn a_call_hung_up_before_any_response_and_answered_at_once_gets_ack_and_bye() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    assert_eq!(world.story(), ["a: INVITE", "a: ACK", "a: BYE"]);
}

#[test]
fn a_second_fork_that_answers_gets_ack_and_bye_and_the_first_goes_on() {
    let mut world = World::new(1);
    let (_, invite) = talking(&mut world);
    let second = reply(&invite, "200 OK", "c", "Contact: <sip:bob@192.0.2.78>\n");
    world.inject(stranger(), 0, &second);
    let there = world.sent_to("192.0.2.78:5060".parse().unwrap());
    let lines: Vec<String> = there.iter().map(Sent::line).collect();
    assert_eq!(lines, ["ACK sip:bob@192.0.2.78", "BYE sip:bob@192.0.2.78"]);
    assert!(there.iter().all(|sent| sent.header("To").unwrap().ends_with(";tag=c")));
    assert_eq!(there[1].header("CSeq").unwrap(), "2 BYE");
    assert!(world.events(0).is_empty());
    assert_eq!(world.parties[0].stack.population().sessions, 1);
    world.inject(stranger(), 0, &second);
    assert_eq!(world.times("BYE").len(), 1, "a repeat gets its ACK only");
    assert_eq!(world.times("ACK").len(), 3);
}

#[test]
fn forks_ring_side_by_side_and_the_one_that_answers_is_the_dialog() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world);
    for tag in ["b", "c", "b"] {
        world.inject(stranger(), 0, &reply(&invite, "180 Ringing", tag, CONTACT));
    }
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "c", CONTACT));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert!(world.last_to(stranger()).header("To").unwrap().ends_with(";tag=c"));
}

#[test]
fn byes_that_cross_end_the_session_once() {
    let mut world = World::new(2);
    let (ours, theirs) = world.connect();
    world.act(0, |stack, now| stack.hang_up(now, ours, None));
    world.act(1, |stack, now| stack.hang_up(now, theirs, None));
    world.drive_ms(5);
    assert_eq!(world.times("200 OK").len(), 3, "one for INVITE, one for each BYE");
    assert_eq!(cause(&mut world), EndCause::ByeGlare);
    assert!(matches!(world.events(1)[..], [Event::Ended { cause: EndCause::ByeGlare, .. }]));
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn a_bye_to_a_peer_that_forgot_the_dialog_ends_the_session() {
    let mut world = World::new(1);
    let (session, _) = talking(&mut world);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    respond(&mut world, "481 Call/Transaction Does Not Exist");
    assert_eq!(cause(&mut world), EndCause::HungUp);
}

#[test]
fn our_change_is_acknowledged_and_told() {
    let mut world = World::new(1);
    let (session, _) = talking(&mut world);
    world.act(0, |stack, now| stack.change(now, session, OFFER)).unwrap();
    assert_eq!(world.act(0, |stack, now| stack.change(now, session, OFFER)), Err(ChangeError::Pending));
    let change = world.last_to(stranger());
    assert_eq!(change.header("CSeq").unwrap(), "2 INVITE");
    assert!(change.text().ends_with("new offer"));
    world.inject(stranger(), 0, &reply(&change, "200 OK", "", "Contact: <sip:bob@192.0.2.88>\n"));
    assert!(matches!(world.events(0)[..], [Event::ChangeAnswered { .. }]));
    let moved = world.sent_to("192.0.2.88:5060".parse().unwrap());
    assert_eq!(moved[0].line(), "ACK sip:bob@192.0.2.88", "the 2xx moved the target");
    assert_eq!(moved[0].header("CSeq").unwrap(), "2 ACK");
}

#[test]
fn a_refused_change_leaves_the_session_as_it_was() {
    let mut world = World::new(1);
    let (session, _) = talking(&mut world);
    world.act(0, |stack, now| stack.change(now, session, OFFER)).unwrap();
    respond(&mut world, "488 Not Acceptable Here");
    assert!(matches!(world.events(0)[..], [Event::ChangeRefused { status: 488, .. }]));
    assert_eq!(world.times("ACK").len(), 2);
    assert_eq!(world.parties[0].stack.population().sessions, 1);
    assert!(world.act(0, |stack, now| stack.change(now, session, OFFER)).is_ok());
}

#[test]
fn a_change_that_finds_the_dialog_gone_or_the_peer_silent_ends_the_session_by_bye() {
    let mut world = World::new(1);
    let (session, _) = talking(&mut world);
    world.act(0, |stack, now| stack.change(now, session, OFFER)).unwrap();
    respond(&mut world, "481 Call/Transaction Does Not Exist");
    respond(&mut world, "200 OK");
    assert_eq!(cause(&mut world), EndCause::Gone);

    let (session, _) = talking(&mut world);
    world.act(0, |stack, now| stack.change(now, session, OFFER)).unwrap();
    world.drive_ms(32_000);
    assert!(world.last_to(stranger()).line().starts_with("BYE"));
    respond(&mut world, "200 OK");
    assert_eq!(cause(&mut world), EndCause::TransactionTimeout);
}

#[test]
fn a_hang_up_while_our_change_is_under_way_cancels_it() {
    let mut world = World::new(1);
    let (session, _) = talking(&mut world);
    world.act(0, |stack, now| stack.change(now, session, OFFER)).unwrap();
    let change = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&change, "100 Trying", "", ""));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(world.story()[2..], ["a: INVITE", "a: CANCEL", "a: BYE"]);
    world.inject(stranger(), 0, &reply(&change, "200 OK", "", CONTACT));
    assert_eq!(world.story().last().unwrap(), "a: ACK", "even a void 2xx is acknowledged");
    assert_eq!(world.times("BYE").len(), 1);
}

#[test]
fn there_is_no_change_before_the_answer() {
    let mut world = World::new(2);
    let (ours, theirs) = world.ring_up();
    for (party, session) in [(0, ours), (1, theirs)] {
        let refused = world.act(party, |stack, now| stack.change(now, session, OFFER));
        assert_eq!(refused, Err(ChangeError::NotEstablished));
    }
}

#[test]
fn responses_that_are_not_for_us_change_nothing() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world);
    let strange = reply(&invite, "200 OK", "b", CONTACT).replace("branch=z9hG4bK", "branch=z9hG4bKx");
    world.inject(stranger(), 0, &strange);
    let two_vias = reply(&invite, "200 OK", "b", "Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKy\n");
    world.inject(stranger(), 0, &two_vias);
    let other_method = reply(&invite, "200 OK", "b", CONTACT).replace("1 INVITE", "1 BYE");
    world.inject(stranger(), 0, &other_method);
    assert_eq!(world.parties[0].stack.counters().strays, 3);
    assert!(world.events(0).is_empty() && world.times("ACK").is_empty());
}

#[test]
fn a_bye_that_overtakes_the_answer_ends_the_call() {
    let mut world = World::new(2);
    let (ours, theirs) = world.ring_up();
    world.act(1, |stack, now| stack.ring(now, theirs, 180, None));
    world.drive_ms(5);
    world.events(0);
    let ringing = world.last_to(address(0));
    let bye = harness::within(&ringing, "BYE", "early", 1, "");
    let bye = bye
        .replace("Call-ID: call-of-carol", &format!("Call-ID: {}", ringing.header("Call-ID").unwrap()))
        .replace("From: <sip:carol@192.0.2.77>;tag=carol", &format!("From: {}", ringing.header("To").unwrap()))
        .replace(
            &format!("\nTo: {}", ringing.header("To").unwrap()),
            &format!("\nTo: {}", ringing.header("From").unwrap()),
        );
    world.inject(address(1), 0, &bye);
    world.drive_ms(10);
    assert_eq!(cause(&mut world), EndCause::Bye { reason: None });
    assert!(matches!(world.events(1).last(), Some(Event::Cancelled { session, .. }) if *session == theirs));
    let _ = ours;
}
