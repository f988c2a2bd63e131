//! Every timer seen firing on a virtual clock, with its times.
//!
//! RFC 3261 17.1.1.2: A, B, D · 17.1.2.2: E, F, K · 17.2.1: G, H, I and the 100 within 200 ms · 17.2.2: J
//! RFC 6026 7.1, 7.2: L, M · RFC 3261 9.1: an INVITE that stays unanswered after CANCEL
//! RFC 3261 13.3.1.4: 2xx until ACK, BYE without · 13.3.1.1: 18x once a minute · 13.3.1: Expires · 14.1: after 491
//! RFC 3261 18.4, 17.1.4: an address that cannot be reached

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::time::Duration;

use bytes::Bytes;
use harness::network::LoseIf;
use harness::{CONTACT, Sent, World, address, reply, request, stranger, within};
use sip::{EndCause, Event, Refusal};

const ANSWER: Bytes = Bytes::from_static(b"answer");

fn refused(world: &mut World, party: usize) -> (u16, bool) {
    match world.events(party).pop() {
        Some(Event::Refused { status, local, .. }) => (status, local),
        other => panic!("{other:?}"),
    }
}

fn ended(world: &mut World, party: usize) -> EndCause {
    match world.events(party).pop() {
        Some(Event::Ended { cause, .. }) => cause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repeats_an_unanswered_invite_ever_slower_and_b_gives_it_up() {
    let mut world = World::new(1);
    world.call(0, stranger());
    world.drive_ms(31_999);
    assert!(world.events(0).is_empty());
    world.drive_ms(1);
    assert_eq!(world.times("INVITE"), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!(refused(&mut world, 0), (408, true));
    world.assert_quiet();
}

#[test]
fn a_stops_at_the_first_provisional_response() {
    let mut world = World::new(1);
    world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "100 Trying", "", ""));
    world.drive_ms(100_000);
    assert_eq!(world.times("INVITE"), [0]);
    assert!(world.events(0).is_empty(), "a ringing call has no limit of its own");
}

#[test]
fn d_lets_a_failed_invite_acknowledge_repeats_for_32_s() {
    let mut world = World::new(1);
    world.call(0, stranger());
    let invite = world.last_to(stranger());
    let busy = reply(&invite, "486 Busy Here", "b", "");
    world.inject(stranger(), 0, &busy);
    assert_eq!(refused(&mut world, 0), (486, false));
    world.drive_ms(31_900);
    world.inject(stranger(), 0, &busy);
    assert_eq!(world.times("ACK"), [1, 31_903]);
    world.drive_ms(200);
    world.assert_quiet();
    world.inject(stranger(), 0, &busy);
    assert_eq!(world.times("ACK").len(), 2);
    assert!(world.events(0).is_empty());
}

#[test]
fn e_repeats_a_bye_at_most_every_t2_and_f_gives_it_up() {
    let mut world = World::new(2);
    let (ours, _) = world.connect();
    world.network.nodes.push(Box::new(LoseIf(Box::new(|_| true))));
    world.act(0, |stack, now| stack.hang_up(now, ours, None));
    let start = world.times("BYE")[0];
    world.drive_ms(31_999);
    assert!(world.events(0).is_empty());
    world.drive_ms(1);
    let times: Vec<u128> = world.times("BYE").iter().map(|at| at - start).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(ended(&mut world, 0), EndCause::TransactionTimeout);
}

#[test]
fn e_runs_at_t2_after_a_provisional_response() {
    let mut world = World::new(1);
    let session = world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    let bye = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&bye, "100 Trying", "", ""));
    world.drive_ms(9_000);
    let start = world.times("BYE")[0];
    let times: Vec<u128> = world.times("BYE").iter().map(|at| at - start).collect();
    assert_eq!(times, [0, 500, 4500, 8500]);
}

#[test]
fn k_lets_an_answered_bye_absorb_repeats_for_t4() {
    let mut world = World::new(1);
    let session = world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    world.drive_ms(33_000);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    let ok = reply(&world.last_to(stranger()), "200 OK", "", "");
    world.inject(stranger(), 0, &ok);
    assert_eq!(ended(&mut world, 0), EndCause::HungUp);
    world.drive_ms(4_990);
    assert_eq!(world.parties[0].stack.population().transactions, 1);
    world.inject(stranger(), 0, &ok);
    assert_eq!(world.parties[0].stack.counters().strays, 0);
    world.drive_ms(10);
    world.assert_quiet();
}

#[test]
fn g_repeats_a_failure_at_most_every_t2_and_h_gives_it_up() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "g", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.refuse(now, session, Refusal::of(486)));
    let start = world.times("486")[0];
    world.drive_ms(31_999);
    assert_eq!(world.parties[0].stack.population().transactions, 1);
    world.drive_ms(1);
    let times: Vec<u128> = world.times("486").iter().map(|at| at - start).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(world.parties[0].stack.counters().unacknowledged, 1);
    world.events(0);
    world.assert_quiet();
}

#[test]
fn g_stops_at_the_ack_and_i_forgets_the_invite_after_t4() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "i", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.refuse(now, session, Refusal::of(486)));
    let ack = within(&world.last_to(stranger()), "ACK", "i", 1, "");
    world.inject(stranger(), 0, &ack);
    world.drive_ms(4_990);
    assert_eq!(world.parties[0].stack.population().transactions, 1);
    world.inject(stranger(), 0, &request("INVITE", "i", ""));
    world.inject(stranger(), 0, &ack);
    assert_eq!(world.times("486").len(), 1, "confirmed: repeats are absorbed");
    world.drive_ms(10);
    assert_eq!(world.parties[0].stack.population().transactions, 0);
}

#[test]
fn j_answers_a_repeated_register_alike_for_32_s() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("REGISTER", "j", ""));
    let Event::Registered { pending, .. } = world.events(0).remove(0) else { panic!() };
    world.act(0, |stack, now| stack.respond(now, pending, 200, &[]));
    world.drive_ms(31_900);
    world.inject(stranger(), 0, &request("REGISTER", "j", ""));
    let answers = world.sent_to(stranger());
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0].payload, answers[1].payload);
    assert_eq!(world.parties[0].stack.counters().requests, 1);
    world.drive_ms(200);
    world.assert_quiet();
}

#[test]
fn l_lets_an_accepted_invite_absorb_repeats_for_32_s() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "l", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &within(&ok, "ACK", "l-ack", 1, ""));
    world.inject(stranger(), 0, &within(&ok, "BYE", "l-bye", 2, ""));
    world.events(0);
    world.drive_ms(31_900);
    world.inject(stranger(), 0, &request("INVITE", "l", ""));
    assert!(world.events(0).is_empty(), "no second call");
    assert_eq!(world.times("200").len(), 2, "one for INVITE, one for BYE");
    world.drive_ms(200);
    world.assert_quiet();
}

#[test]
fn m_lets_an_accepted_invite_acknowledge_repeats_for_32_s_even_after_its_session() {
    let mut world = World::new(1);
    world.call(0, stranger());
    let invite = world.last_to(stranger());
    let ok = reply(&invite, "200 OK", "b", CONTACT);
    world.inject(stranger(), 0, &ok);
    let ack = world.last_to(stranger());
    world.inject(stranger(), 0, &bye_of(&ack, 7));
    assert_eq!(ended(&mut world, 0), EndCause::Bye { reason: None });
    world.drive_ms(31_900);
    world.inject(stranger(), 0, &ok);
    let last = world.last_to(stranger());
    assert_eq!(last.payload, ack.payload, "the same ACK");
    world.drive_ms(500);
    world.inject(stranger(), 0, &ok);
    assert_eq!(world.times("ACK").len(), 2);
    assert_eq!(world.parties[0].stack.counters().strays, 1);
}

/// The callee's BYE in the dialog that `ack` acknowledges.
fn bye_of(ack: &Sent, cseq: u32) -> String {
    let (from, to) = (ack.header("From").unwrap(), ack.header("To").unwrap());
    format!(
        "BYE sip:alice@192.0.2.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKbye{cseq}\n\
         From: {to}\nTo: {from}\nCall-ID: {}\nCSeq: {cseq} BYE\nMax-Forwards: 70\nContent-Length: 0\n\n",
        ack.header("Call-ID").unwrap()
    )
}

#[test]
fn a_silent_application_gets_100_said_after_100_ms() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "t", ""));
    world.drive_ms(5_000);
    assert_eq!(world.times("100"), [101]);
    assert_eq!(world.sent_to(stranger())[0].header("To").unwrap(), "<sip:1000@192.0.2.1>", "no tag");
}

#[test]
fn a_fast_application_saves_the_100() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "t", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 180, None));
    world.drive_ms(5_000);
    assert!(world.times("100").is_empty());
    world.inject(stranger(), 0, &request("INVITE", "t", ""));
    assert_eq!(world.times("180").len(), 2, "a repeated INVITE gets the last provisional response");
}

#[test]
fn a_cancelled_invite_without_a_final_response_ends_after_64_t1() {
    let mut world = World::new(1);
    let session = world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "180 Ringing", "b", CONTACT));
    world.events(0);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    world.drive_ms(31_999);
    assert!(world.events(0).is_empty());
    world.drive_ms(1);
    assert_eq!(ended(&mut world, 0), EndCause::TransactionTimeout);
}

#[test]
fn a_2xx_is_repeated_until_its_ack() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "acc", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    let start = world.times("200")[0];
    world.drive_ms(4_000);
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &within(&ok, "ACK", "acc-ack", 1, ""));
    world.drive_ms(40_000);
    let times: Vec<u128> = world.times("200").iter().map(|at| at - start).collect();
    assert_eq!(times, [0, 500, 1500, 3500]);
    let acked = world.events(0).into_iter().filter(|event| matches!(event, Event::Acked { .. })).count();
    assert_eq!(acked, 1);
}

#[test]
fn a_2xx_that_is_never_acknowledged_ends_in_a_bye_after_64_t1() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "never", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
    world.drive_ms(31_999);
    assert!(world.times("BYE").is_empty());
    world.drive_ms(1);
    assert_eq!(world.times("BYE").len(), 1);
    let bye = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&bye, "200 OK", "", ""));
    assert_eq!(ended(&mut world, 0), EndCause::AckTimeout);
    world.drive_ms(6_000);
    world.assert_quiet();
}

#[test]
fn a_ringing_call_repeats_its_180_each_minute() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "ring", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.ring(now, session, 180, None));
    world.drive_ms(150_000);
    assert_eq!(world.times("180"), [2, 60_002, 120_002]);
}

#[test]
fn an_invite_expires_with_487() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "exp", "Expires: 20\n"));
    world.drive_ms(20_000);
    assert_eq!(world.last_to(stranger()).line(), "487 Request Terminated");
    assert!(matches!(world.events(0).last(), Some(Event::Cancelled { .. })));
}

#[test]
fn a_re_invite_that_met_491_is_tried_again_after_2_to_4_s_by_the_caller_and_sooner_by_the_callee() {
    let mut world = World::new(2);
    let (ours, theirs) = world.connect();
    world.act(0, |stack, now| stack.change(now, ours, ANSWER)).unwrap();
    world.act(1, |stack, now| stack.change(now, theirs, ANSWER)).unwrap();
    let start = world.now.monotonic.since(base::Mono::ZERO).as_millis();
    world.drive_ms(3);
    assert_eq!(world.times("491").len(), 2, "glare");
    world.drive_ms(2_002);
    world.act(0, |stack, now| stack.accept_change(now, ours, ANSWER));
    world.drive_ms(3_000);
    let sent = |from| {
        let again = |sent: &&Sent| sent.from == address(from) && sent.line().starts_with("INVITE");
        world.wire.iter().rfind(again).unwrap().at.since(base::Mono::ZERO).as_millis() - start
    };
    assert!(sent(1) > 0 && sent(1) <= 2_003, "the callee's: {}", sent(1));
    assert!((2_100..=4_003).contains(&sent(0)), "the caller's: {}", sent(0));
}

#[test]
fn an_unreachable_address_fails_a_call_at_once_but_nothing_that_was_heard_from() {
    let mut world = World::new(1);
    let heard = world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "180 Ringing", "b", CONTACT));
    let unheard = world.call(0, stranger());
    world.events(0);
    world.act(0, |stack, now| stack.handle_unreachable(now, sip::Transport::Udp, stranger()));
    let events = world.events(0);
    assert_eq!(events.len(), 1);
    assert!(matches!(&events[0], Event::Refused { session, status: 503, local: true, .. } if *session == unheard));
    assert_ne!(heard, unheard);
    assert_eq!(world.parties[0].stack.population().sessions, 1);
}

#[test]
fn a_whole_call_leaves_nothing_after_its_last_timer() {
    let mut world = World::new(2);
    let (ours, _) = world.connect();
    world.act(0, |stack, now| stack.hang_up(now, ours, None));
    world.drive_ms(5);
    world.events(0);
    world.events(1);
    assert_eq!(world.parties[0].stack.population().sessions, 0);
    world.drive(Duration::from_secs(33));
    world.assert_quiet();
    let acked = world.story();
    assert_eq!(acked, ["a: INVITE", "b: 200 OK", "a: ACK", "a: BYE", "b: 200 OK"]);
}
