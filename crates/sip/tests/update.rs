//! UPDATE of ours, and what the peer's meets.
//!
//! RFC 3311 5.1: when one may be sent, and to whom · 5.2: 491 and 500 · 5.3, RFC 3261 12.2.1.2: what its failure ends ·
//! RFC 3261 14.1: again after a 491

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use bytes::Bytes;
use harness::{CONTACT, Sent, World, reply, request, stranger, with_sdp, within};
use sip::{ChangeError, EndCause, Event, SessionId};

const SDP: Bytes = Bytes::from_static(b"sdp");
const ALLOW: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\n";

fn update(world: &mut World, party: usize, session: SessionId) -> Result<(), ChangeError> {
    world.act(party, |stack, now| stack.update(now, session, SDP))
}

/// Party 0 has called the stranger, who answered.
fn talking(world: &mut World, extra: &str) -> SessionId {
    let session = world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &with_sdp(&reply(&invite, "200 OK", "b", &format!("{CONTACT}{extra}"))));
    world.events(0);
    session
}

#[test]
fn two_of_us_change_a_call_before_and_after_its_answer_either_way() {
    let mut world = World::new(2);
    let (ours, theirs) = world.ring_up();
    for (party, session) in [(0, ours), (1, theirs)] {
        assert_eq!(update(&mut world, party, session), Err(ChangeError::NotEstablished), "nothing is agreed");
    }
    world.act(1, |stack, now| stack.ring(now, theirs, 183, Some(SDP)));
    assert_eq!(update(&mut world, 1, theirs), Err(ChangeError::Pending), "its PRACK is not there");
    world.drive_ms(5);
    for answered in [false, true] {
        if answered {
            world.act(1, |stack, now| stack.accept(now, theirs, SDP));
            world.drive_ms(5);
        }
        for (party, session, other) in [(0, ours, theirs), (1, theirs, ours)] {
            world.events(0);
            world.events(1);
            update(&mut world, party, session).unwrap();
            assert_eq!(update(&mut world, party, session), Err(ChangeError::Pending));
            world.drive_ms(2);
            assert!(matches!(world.events(1 - party)[..], [Event::Changed { body: Some(_), .. }]), "{answered}");
            world.act(1 - party, |stack, now| stack.accept_change(now, other, Bytes::from_static(b"answer")));
            world.drive_ms(2);
            let events = world.events(party);
            assert!(
                matches!(&events[..], [Event::ChangeAnswered { offer, body: Some(body), .. }] if offer == "sdp" && body == "answer"),
                "{events:?}"
            );
        }
    }
    world.act(0, |stack, now| stack.hang_up(now, ours, None));
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn who_does_not_allow_an_update_gets_none() {
    for (extra, expected) in
        [("", Err(ChangeError::NotServed)), ("Allow: INVITE, ACK\n", Err(ChangeError::NotServed)), (ALLOW, Ok(()))]
    {
        let mut world = World::new(1);
        let session = talking(&mut world, extra);
        assert_eq!(update(&mut world, 0, session), expected, "{extra}");
    }
}

#[test]
fn an_update_carries_what_a_target_refresh_needs_and_moves_the_target() {
    let mut world = World::new(1);
    let session = talking(&mut world, ALLOW);
    update(&mut world, 0, session).unwrap();
    let sent = world.last_to(stranger());
    assert_eq!(
        (sent.line(), sent.header("CSeq").unwrap()),
        ("UPDATE sip:bob@192.0.2.77:5060".into(), "2 UPDATE".into())
    );
    for name in ["Contact", "Allow", "Supported"] {
        assert!(sent.header(name).is_some(), "{name}");
    }
    world.inject(stranger(), 0, &with_sdp(&reply(&sent, "200 OK", "b", "Contact: <sip:bob@192.0.2.78>\n")));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(world.wire.last().unwrap().line(), "BYE sip:bob@192.0.2.78");
}

#[test]
fn a_refused_update_changes_nothing_a_491_is_tried_again_and_a_lost_dialog_ends() {
    let cases =
        [("488 No", "refused"), ("491 Later", "again"), ("503 Busy", "refused"), ("481 Who", "gone"), ("", "gone")];
    for (status, then) in cases {
        let mut world = World::new(1);
        let session = talking(&mut world, ALLOW);
        update(&mut world, 0, session).unwrap();
        let sent = world.last_to(stranger());
        if status.is_empty() {
            world.drive_ms(33_000);
        } else {
            world.inject(stranger(), 0, &reply(&sent, status, "b", ""));
            world.drive_ms(5_000);
        }
        let events = world.events(0);
        let last = world.last_to(stranger());
        match then {
            "refused" => assert!(matches!(events[..], [Event::ChangeRefused { .. }]), "{status}: {events:?}"),
            "again" => assert_eq!(last.header("CSeq").as_deref(), Some("3 UPDATE"), "{status}"),
            _ => assert!(last.line().starts_with("BYE"), "{status}: {}", last.line()),
        }
    }
}

#[test]
fn an_update_that_crosses_ours_gets_491() {
    let mut world = World::new(1);
    let session = talking(&mut world, ALLOW);
    let ack = world.last_to(stranger());
    let theirs = |cseq: u32, branch: &str, method: &str| {
        let (from, to) = (ack.header("To").unwrap(), ack.header("From").unwrap());
        let text =
            request(method, branch, "").replace("From: <sip:carol@192.0.2.77>;tag=carol", &format!("From: {from}"));
        let text = text.replace("To: <sip:1000@192.0.2.1>", &format!("To: {to}"));
        let text = text.replace("call-of-carol", &ack.header("Call-ID").unwrap());
        with_sdp(&text.replace("CSeq: 1", &format!("CSeq: {cseq}")))
    };
    update(&mut world, 0, session).unwrap();
    world.inject(stranger(), 0, &theirs(1, "u1", "UPDATE"));
    assert_eq!(world.last_to(stranger()).status(), 491);
    world.inject(stranger(), 0, &theirs(2, "i1", "INVITE"));
    assert_eq!(world.last_to(stranger()).status(), 491);
}

/// The 200 of party 0 to a call with or without an offer, not acknowledged yet.
fn unacknowledged(world: &mut World, offer: bool) -> Sent {
    let invite = request("INVITE", "i", "");
    world.inject(stranger(), 0, &if offer { with_sdp(&invite) } else { invite });
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    world.events(0);
    world.last_to(stranger())
}

#[test]
fn an_update_before_the_ack_meets_our_offer_but_not_our_answer() {
    for offered in [true, false] {
        let mut world = World::new(1);
        let ok = unacknowledged(&mut world, offered);
        world.inject(stranger(), 0, &with_sdp(&within(&ok, "UPDATE", "u", 2, "")));
        let changed = world.events(0).iter().any(|event| matches!(event, Event::Changed { .. }));
        assert_eq!(changed, offered);
        if !offered {
            assert_eq!(world.last_to(stranger()).status(), 491);
        }
    }
}

#[test]
fn what_waits_for_the_application_when_the_call_ends_is_answered() {
    for end in ["CANCEL", "BYE"] {
        let mut world = World::new(1);
        world.inject(stranger(), 0, &with_sdp(&request("INVITE", "i", "Supported: 100rel\n")));
        let session = world.invited(0);
        world.act(0, |stack, now| stack.ring(now, session, 183, Some(SDP)));
        let ringing = world.last_to(stranger());
        let rack = format!("RAck: {} 1 INVITE\n", ringing.header("RSeq").unwrap());
        world.inject(stranger(), 0, &within(&ringing, "PRACK", "p", 2, &rack));
        world.inject(stranger(), 0, &with_sdp(&within(&ringing, "UPDATE", "u", 3, "")));
        let text = if end == "BYE" { within(&ringing, "BYE", "b", 4, "") } else { request("CANCEL", "i", "") };
        world.inject(stranger(), 0, &text);
        let sent = world.sent_to(stranger());
        for cseq in ["1 INVITE", "3 UPDATE"] {
            let of_it = sent.iter().filter(|sent| sent.header("CSeq").as_deref() == Some(cseq));
            assert_eq!(of_it.last().unwrap().status(), 487, "{end}: {cseq}");
        }
        world.drive_to_the_end();
        world.assert_quiet();
    }
}

#[test]
fn a_lost_answer_to_an_early_update_ends_nothing() {
    let mut world = World::new(2);
    let (ours, theirs) = world.ring_up();
    world.act(1, |stack, now| stack.ring(now, theirs, 183, Some(SDP)));
    world.drive_ms(5);
    update(&mut world, 0, ours).unwrap();
    world.drive_ms(2);
    // The other side's application says nothing.
    world.drive_ms(33_000);
    let events = world.events(0);
    assert!(matches!(events.last(), Some(Event::ChangeRefused { status: 408, .. })), "{events:?}");
    world.act(1, |stack, now| stack.accept(now, theirs, SDP));
    world.drive_ms(5);
    assert!(matches!(world.events(0)[..], [Event::Answered { .. }]));
    world.act(0, |stack, now| stack.hang_up(now, ours, None));
    world.drive_to_the_end();
    assert!(matches!(world.events(1).last(), Some(Event::Ended { cause: EndCause::Bye { .. }, .. })));
    world.assert_quiet();
}
