//! A call to several places: RFC 3261 16.6 (branches), 16.7 (best response, 6xx, CANCEL of losers), 16.8 in turns,
//! 13.2.2.4 (a second 2xx), RFC 3326 (why).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod harness;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use harness::{Sent, World, address, invite_to, reply};
use sip::{EndCause, Event, Flow, Fork, Onward, Search, SessionId};

const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

fn phone(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 70 + last], 5060))
}

fn contact(last: u8) -> String {
    format!("Contact: <sip:bob@{}>\n", phone(last))
}

/// Party 0 calls phone 1, and others with their turns, each of which rings for 10 s.
fn search(world: &mut World, others: &[(u8, u8)]) -> SessionId {
    let fork = |&(turn, last): &(u8, u8)| Fork {
        turn,
        target: format!("sip:bob@{}", phone(last)).parse().unwrap(),
        flow: Flow::udp(0, address(0), phone(last)),
        onward: Onward::default(),
        offer: Bytes::from_static(b"another"),
    };
    let search = Search { forks: others.iter().map(fork).collect(), patience: Duration::from_secs(10) };
    world.act(0, |stack, now| stack.search(now, invite_to(0, phone(1)), search))
}

fn invite(world: &World, last: u8) -> Sent {
    sent(world, last, "INVITE").unwrap_or_else(|| panic!("phone {last} got no INVITE"))
}

fn sent(world: &World, last: u8, method: &str) -> Option<Sent> {
    world.wire.iter().find(|sent| sent.to == phone(last) && sent.line().starts_with(method)).cloned()
}

fn says(world: &mut World, last: u8, status: &str) {
    let invite = invite(world, last);
    let text = reply(&invite, status, &format!("phone{last}"), &contact(last));
    world.inject(phone(last), 0, &text);
}

fn statuses(events: &[Event]) -> Vec<u16> {
    let status = |event: &Event| match event {
        Event::Progress { status, .. } | Event::Refused { status, .. } => Some(*status),
        Event::Answered { .. } => Some(200),
        _ => None,
    };
    events.iter().filter_map(status).collect()
}

#[test]
fn equals_ring_at_once_each_with_its_own_branch_and_offer_in_one_call() {
    let mut world = World::new(1);
    search(&mut world, &[(0, 2), (0, 3)]);
    let invites = [1, 2, 3].map(|last| invite(&world, last));
    for header in ["From", "Call-ID", "CSeq"] {
        assert!(invites.iter().all(|sent| sent.header(header) == invites[0].header(header)), "{header}");
    }
    let vias: std::collections::BTreeSet<_> = invites.iter().map(|sent| sent.header("Via").unwrap()).collect();
    assert_eq!(vias.len(), 3);
    assert_eq!(invites[2].line(), "INVITE sip:bob@192.0.2.73:5060");
    assert!(invites[0].text().ends_with("offer") && invites[1].text().ends_with("another"));
    assert_eq!(world.parties[0].stack.population().sessions, 1);
}

#[test]
fn the_first_to_answer_has_the_call_and_the_others_are_told_why_they_rang_in_vain() {
    let mut world = World::new(1);
    let session = search(&mut world, &[(0, 2), (0, 3)]);
    says(&mut world, 1, "180 Ringing");
    says(&mut world, 2, "180 Ringing");
    says(&mut world, 2, "200 OK");
    assert_eq!(statuses(&world.events(0)), [180, 180, 200]);
    assert!(sent(&world, 2, "ACK").is_some() && sent(&world, 2, "CANCEL").is_none());
    assert_eq!(sent(&world, 1, "CANCEL").unwrap().header("Reason").as_deref(), Some(ELSEWHERE));
    assert!(sent(&world, 3, "CANCEL").is_none(), "nothing came from there yet (9.1)");
    says(&mut world, 3, "180 Ringing");
    assert_eq!(sent(&world, 3, "CANCEL").unwrap().header("Reason").as_deref(), Some(ELSEWHERE));
    says(&mut world, 1, "487 Request Terminated");
    says(&mut world, 3, "487 Request Terminated");
    assert!(sent(&world, 1, "ACK").is_some() && sent(&world, 3, "ACK").is_some());
    assert_eq!(statuses(&world.events(0)), [], "it is answered");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    let bye = sent(&world, 2, "BYE").unwrap();
    world.inject(phone(2), 0, &reply(&bye, "200 OK", "", ""));
    assert!(matches!(world.events(0)[..], [Event::Ended { cause: EndCause::HungUp, .. }]));
    world.drive_ms(60_000);
    world.assert_quiet();
}

#[test]
fn an_answer_that_crosses_its_cancel_is_acknowledged_and_hung_up() {
    let mut world = World::new(1);
    search(&mut world, &[(0, 2)]);
    says(&mut world, 1, "180 Ringing");
    says(&mut world, 2, "200 OK");
    world.events(0);
    says(&mut world, 1, "200 OK");
    assert!(sent(&world, 1, "ACK").is_some() && sent(&world, 1, "BYE").is_some());
    assert!(world.events(0).is_empty());
    assert!(sent(&world, 2, "BYE").is_none());
}

#[test]
fn when_all_fail_the_best_failure_counts() {
    for (first, second, best) in [
        ("486 Busy Here", "404 Not Found", 486),
        ("500 Server Internal Error", "486 Busy Here", 486),
        ("302 Moved Temporarily", "486 Busy Here", 302),
        ("404 Not Found", "401 Unauthorized", 401),
        ("503 Service Unavailable", "500 Server Internal Error", 500),
        ("480 Temporarily Unavailable", "408 Request Timeout", 480),
    ] {
        for turned in [false, true] {
            let (first, second) = if turned { (second, first) } else { (first, second) };
            let mut world = World::new(1);
            search(&mut world, &[(0, 2)]);
            says(&mut world, 1, first);
            assert_eq!(statuses(&world.events(0)), [], "the other may still answer");
            says(&mut world, 2, second);
            assert_eq!(statuses(&world.events(0)), [best], "{first}, {second}");
            world.drive_ms(60_000);
            world.assert_quiet();
        }
    }
}

#[test]
fn what_a_phone_said_counts_before_what_silence_says() {
    let mut world = World::new(1);
    search(&mut world, &[(0, 2)]);
    says(&mut world, 1, "404 Not Found");
    world.drive_ms(33_000);
    match &world.events(0)[..] {
        [Event::Refused { status: 404, local: false, response: Some(_), .. }] => {}
        other => panic!("{other:?}"),
    }
    let mut world = World::new(1);
    search(&mut world, &[(0, 2)]);
    world.drive_ms(33_000);
    assert!(matches!(world.events(0)[..], [Event::Refused { status: 408, local: true, response: None, .. }]));
    world.drive_ms(60_000);
    world.assert_quiet();
}

#[test]
fn who_declines_for_all_stops_all() {
    let mut world = World::new(1);
    search(&mut world, &[(0, 2), (1, 3)]);
    says(&mut world, 2, "180 Ringing");
    says(&mut world, 1, "603 Decline");
    assert_eq!(statuses(&world.events(0)), [180, 603]);
    let reason = sent(&world, 2, "CANCEL").unwrap().header("Reason").unwrap();
    assert!(reason.contains("cause=603"), "{reason}");
    says(&mut world, 2, "487 Request Terminated");
    world.drive_ms(60_000);
    assert!(sent(&world, 3, "INVITE").is_none() && world.events(0).is_empty());
    world.assert_quiet();
}

#[test]
fn those_of_the_next_turn_ring_when_nobody_of_the_one_before_answers_in_time() {
    let mut world = World::new(1);
    search(&mut world, &[(1, 2), (2, 3)]);
    says(&mut world, 1, "180 Ringing");
    world.drive_ms(9_900);
    assert!(sent(&world, 2, "INVITE").is_none());
    world.drive_ms(200);
    assert!(sent(&world, 1, "CANCEL").is_some());
    says(&mut world, 1, "487 Request Terminated");
    says(&mut world, 2, "180 Ringing");
    // Its turn is cut short: it declines for itself alone.
    says(&mut world, 2, "486 Busy Here");
    says(&mut world, 3, "180 Ringing");
    assert_eq!(statuses(&world.events(0)), [180, 180, 180]);
    // The last one rings as long as the call does.
    world.drive_ms(60_000);
    assert!(sent(&world, 3, "CANCEL").is_none());
    says(&mut world, 3, "200 OK");
    assert_eq!(statuses(&world.events(0)), [200]);
}

#[test]
fn a_phone_that_answers_as_its_turn_ends_has_the_call() {
    let mut world = World::new(1);
    search(&mut world, &[(1, 2)]);
    says(&mut world, 1, "180 Ringing");
    world.drive_ms(10_100);
    says(&mut world, 2, "180 Ringing");
    says(&mut world, 1, "200 OK");
    assert_eq!(statuses(&world.events(0)), [180, 180, 200]);
    assert_eq!(sent(&world, 2, "CANCEL").unwrap().header("Reason").as_deref(), Some(ELSEWHERE));
    assert!(sent(&world, 1, "BYE").is_none());
}

/// The forks that are over, with what they refused by.
fn ended(events: &[Event]) -> Vec<(&str, Option<u16>)> {
    let fork =
        |event| if let &Event::ForkEnded { ref tag, status, .. } = event { Some((&**tag, status)) } else { None };
    events.iter().filter_map(fork).collect()
}

#[test]
fn who_declines_for_himself_rings_no_more_and_the_others_do() {
    let mut world = World::new(1);
    let session = search(&mut world, &[(0, 2), (1, 3)]);
    let tags = |world: &World| world.parties[0].stack.dialog_names(session).unwrap().remote_tags;
    says(&mut world, 1, "180 Ringing");
    says(&mut world, 2, "180 Ringing");
    assert_eq!(tags(&world), ["phone1".into(), "phone2".into()]);
    world.events(0);
    says(&mut world, 1, "486 Busy Here");
    assert_eq!(ended(&world.events(0)), [("phone1", Some(486))]);
    assert_eq!(tags(&world), ["phone2".into()]);
    // What is late of it begins nothing.
    says(&mut world, 1, "180 Ringing");
    assert!(world.events(0).is_empty() && tags(&world).len() == 1);
    // The turn of the other one passes: it did not decline, be its last word the 487 or another.
    world.drive_ms(10_100);
    assert_eq!(ended(&world.events(0)), []);
    says(&mut world, 2, "486 Busy Here");
    assert_eq!(ended(&world.events(0)), [("phone2", None)]);
    says(&mut world, 3, "180 Ringing");
    assert_eq!(tags(&world), ["phone3".into()]);
    says(&mut world, 3, "404 Not Found");
    let events = world.events(0);
    assert_eq!((ended(&events), events.last().is_some_and(Event::is_end)), (vec![("phone3", Some(404))], true));
    world.drive_ms(60_000);
    world.assert_quiet();
}

#[test]
fn of_those_who_ring_as_the_call_ends_nothing_more_is_told() {
    let mut world = World::new(1);
    let session = search(&mut world, &[(0, 2)]);
    says(&mut world, 1, "180 Ringing");
    says(&mut world, 2, "180 Ringing");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.events(0);
    says(&mut world, 1, "487 Request Terminated");
    assert!(world.events(0).is_empty());
    let names = world.parties[0].stack.dialog_names(session).unwrap();
    assert_eq!(names.remote_tags, ["phone2".into()]);
}

#[test]
fn who_spoke_and_declined_is_not_whom_the_call_goes_by() {
    let mut world = World::new(1);
    search(&mut world, &[(0, 2)]);
    for (last, said) in [(1, "answer of 1"), (2, "answer of 2")] {
        let fields = format!("{}Require: 100rel\nRSeq: 7\nContent-Type: application/sdp\n", contact(last));
        let text = reply(&invite(&world, last), "183 Session Progress", &format!("phone{last}"), &fields);
        let length = format!("Content-Length: {}\n\n{said}", said.len());
        world.inject(phone(last), 0, &text.replace("Content-Length: 0\n\n", &length));
    }
    says(&mut world, 2, "486 Busy Here");
    says(&mut world, 1, "200 OK");
    let events = world.events(0);
    let Some(Event::Answered { body: Some(body), .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(body, "answer of 1", "the last one that was heard is gone");
}

#[test]
fn turns_that_all_pass_are_no_answer() {
    let mut world = World::new(1);
    search(&mut world, &[(1, 2)]);
    says(&mut world, 1, "180 Ringing");
    world.drive_ms(10_100);
    says(&mut world, 1, "487 Request Terminated");
    says(&mut world, 2, "503 Service Unavailable");
    match &world.events(0)[..] {
        [Event::Progress { .. }, Event::ForkEnded { .. }, Event::Refused { status: 408, local: false, .. }] => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_hangs_up_takes_all_branches_back_and_none_begins() {
    let mut world = World::new(1);
    let session = search(&mut world, &[(0, 2), (1, 3)]);
    says(&mut world, 1, "180 Ringing");
    says(&mut world, 2, "180 Ringing");
    world.act(0, |stack, now| stack.hang_up(now, session, Some("Q.850;cause=16".to_owned())));
    for last in [1, 2] {
        assert_eq!(sent(&world, last, "CANCEL").unwrap().header("Reason").as_deref(), Some("Q.850;cause=16"));
    }
    says(&mut world, 1, "487 Request Terminated");
    assert!(!world.events(0).iter().any(Event::is_end));
    says(&mut world, 2, "487 Request Terminated");
    assert!(matches!(world.events(0)[..], [Event::Ended { cause: EndCause::HungUp, .. }]));
    world.drive_ms(60_000);
    assert!(sent(&world, 3, "INVITE").is_none());
    world.assert_quiet();
}

#[test]
fn each_branch_has_its_own_early_dialog_and_the_one_that_answers_goes_on_from_its_own() {
    let mut world = World::new(1);
    let session = search(&mut world, &[(0, 2)]);
    says(&mut world, 1, "183 Session Progress");
    says(&mut world, 2, "183 Session Progress");
    says(&mut world, 1, "200 OK");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    let bye = sent(&world, 1, "BYE").unwrap();
    assert!(bye.header("To").unwrap().contains("tag=phone1"), "{}", bye.text());
    assert_eq!(bye.line(), "BYE sip:bob@192.0.2.71:5060");
}

/// The last INVITE that went to a phone.
fn last_invite(world: &World, last: u8) -> Sent {
    world.wire.iter().rfind(|sent| sent.to == phone(last) && sent.line().starts_with("INVITE")).cloned().unwrap()
}

#[test]
fn a_branch_that_demands_a_longer_interval_is_called_again_and_the_others_ring_on() {
    for demanding in [1, 2] {
        let other = 3 - demanding;
        let mut world = World::with(1, 1, vec![], |config| sip::StackConfig { session_timer: Some(600), ..config });
        let session = search(&mut world, &[(0, 2)]);
        says(&mut world, other, "180 Ringing");
        let first = invite(&world, demanding);
        world.inject(phone(demanding), 0, &reply(&first, "180 Ringing", "x", &contact(demanding)));
        world.inject(phone(demanding), 0, &reply(&first, "422 Too Small", "x", "Min-SE: 900\n"));
        let again = last_invite(&world, demanding);
        assert_eq!(again.header("Min-SE").as_deref(), Some("900"));
        assert_eq!(
            (again.header("CSeq").unwrap(), again.header("Call-ID")),
            ("2 INVITE".into(), first.header("Call-ID"))
        );
        let body = |sent: &Sent| sent.text().split("\r\n\r\n").nth(1).unwrap().to_owned();
        assert_eq!(body(&again), body(&first), "its own offer");
        let events = world.events(0);
        assert_eq!((statuses(&events), ended(&events)), (vec![180, 180], vec![("x", Some(422))]));
        // Not for ever.
        let text = reply(&again, "422 Too Small", "x", "Min-SE: 900\n");
        if demanding == 1 {
            world.inject(phone(demanding), 0, &text);
            assert_eq!(last_invite(&world, demanding).header("CSeq"), again.header("CSeq"));
            says(&mut world, other, "486 Busy Here");
            assert_eq!(statuses(&world.events(0)), [486]);
        } else {
            world.inject(phone(demanding), 0, &reply(&again, "200 OK", "x", &contact(demanding)));
            assert_eq!(statuses(&world.events(0)), [200]);
            assert!(sent(&world, other, "CANCEL").is_some());
            world.act(0, |stack, now| stack.hang_up(now, session, None));
            assert_eq!(sent(&world, demanding, "BYE").unwrap().header("CSeq").unwrap(), "3 BYE");
        }
    }
}

#[test]
fn who_hangs_up_cancels_the_branch_that_was_called_again() {
    let mut world = World::with(1, 1, vec![], |config| sip::StackConfig { session_timer: Some(600), ..config });
    let session = search(&mut world, &[(0, 2)]);
    let first = invite(&world, 1);
    world.inject(phone(1), 0, &reply(&first, "422 Too Small", "x", "Min-SE: 900\n"));
    let again = last_invite(&world, 1);
    world.inject(phone(1), 0, &reply(&again, "180 Ringing", "x", &contact(1)));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(sent(&world, 1, "CANCEL").unwrap().header("CSeq").unwrap(), "2 CANCEL");
}

#[test]
fn a_branch_that_asks_who_calls_is_told_nothing_and_the_others_ring_on() {
    let mut world = World::new(1);
    search(&mut world, &[(0, 2)]);
    let asks = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\n";
    world.inject(phone(1), 0, &reply(&invite(&world, 1), "401 Unauthorized", "x", asks));
    assert_eq!(world.sent_to(phone(1)).iter().filter(|sent| sent.line().starts_with("INVITE")).count(), 1);
    says(&mut world, 2, "200 OK");
    assert_eq!(statuses(&world.events(0)), [200]);
}

/// A BYE of a phone that only rings.
fn bye_early(last: u8, world: &World) -> String {
    let invite = invite(world, last);
    let [call_id, from, to] = ["Call-ID", "From", "To"].map(|name| invite.header(name).unwrap());
    format!(
        "BYE sip:0@{} SIP/2.0\nVia: SIP/2.0/UDP {};branch=z9hG4bKearly{last}\nFrom: {to};tag=phone{last}\nTo: {from}\n\
         Call-ID: {call_id}\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: 0\n\n",
        address(0),
        phone(last)
    )
}

#[test]
fn a_phone_that_hangs_up_while_it_rings_ends_its_own_branch_and_the_others_go_on() {
    let mut world = World::new(1);
    // 2 rings at once with 1, but says nothing yet; 3 waits for its turn.
    search(&mut world, &[(0, 2), (1, 3)]);
    says(&mut world, 1, "180 Ringing");
    let bye = bye_early(1, &world);
    world.inject(phone(1), 0, &bye);
    assert!(sent(&world, 1, "200 ").is_some() && sent(&world, 1, "CANCEL").is_some());
    assert!(sent(&world, 2, "CANCEL").is_none() && sent(&world, 3, "INVITE").is_none());
    says(&mut world, 1, "487 Request Terminated");
    assert_eq!(statuses(&world.events(0)), [180]);
    says(&mut world, 2, "180 Ringing");
    // The last of its turn: the next one begins, although no INVITE has had its final response.
    let bye = bye_early(2, &world);
    world.inject(phone(2), 0, &bye);
    assert!(sent(&world, 2, "CANCEL").is_some() && sent(&world, 3, "INVITE").is_some());
    // Its 200 was on the way already.
    says(&mut world, 2, "200 OK");
    assert!(sent(&world, 2, "ACK").is_some() && sent(&world, 2, "BYE").is_some());
    says(&mut world, 3, "200 OK");
    assert_eq!(statuses(&world.events(0)), [180, 200]);
    assert!(sent(&world, 3, "ACK").is_some() && sent(&world, 3, "BYE").is_none());
}

#[test]
fn when_all_hang_up_while_they_ring_the_call_is_declined() {
    for hung_up in [false, true] {
        let mut world = World::new(1);
        let session = search(&mut world, &[(0, 2)]);
        for last in [1, 2] {
            says(&mut world, last, "180 Ringing");
        }
        if hung_up {
            world.act(0, |stack, now| stack.hang_up(now, session, None));
        }
        world.events(0);
        let bye = bye_early(1, &world);
        world.inject(phone(1), 0, &bye);
        assert_eq!(statuses(&world.events(0)), []);
        let bye = bye_early(2, &world);
        world.inject(phone(2), 0, &bye);
        let events = world.events(0);
        if hung_up {
            assert!(matches!(events.last(), Some(Event::Ended { cause: EndCause::HungUp, .. })), "{events:?}");
        } else {
            assert_eq!(statuses(&events), [480]);
        }
        says(&mut world, 1, "487 Request Terminated");
        says(&mut world, 2, "487 Request Terminated");
        world.drive_ms(60_000);
        world.assert_quiet();
    }
}
