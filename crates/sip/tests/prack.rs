//! Reliable provisional responses, both sides.
//!
//! RFC 3262 3: when a response is reliable, RSeq, repeats, one at a time, PRACK, 481, 5xx, what waits · 4: RAck, order, forks ·
//! 5: offers and answers in them · RFC 3261 13.2.1: one answer to one offer · 13.2.2.4: an answer in the ACK

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use bytes::Bytes;
use harness::{CONTACT, Sent, World, address, describing, invite_to, reply, request, stranger, within};
use sip::{EndCause, Event, SessionId};

const ANSWER: Bytes = Bytes::from_static(b"answer");
const SUPPORTED: &str = "Supported: 100rel\n";
const REQUIRED: &str = "Require: 100rel\n";

/// The stranger calls party 0 with an offer and these header fields.
fn called(world: &mut World, extra: &str) -> SessionId {
    world.inject(stranger(), 0, &describing(&request("INVITE", "i", extra), "offer"));
    world.invited(0)
}

fn ring(world: &mut World, session: SessionId, status: u16, body: Option<Bytes>) -> Sent {
    world.act(0, |stack, now| stack.ring(now, session, status, body));
    world.last_to(stranger())
}

fn accept(world: &mut World, session: SessionId) {
    world.act(0, |stack, now| stack.accept(now, session, ANSWER));
}

/// The PRACK of a response of party 0.
fn prack(response: &Sent, cseq: u32) -> String {
    let rseq = response.header("RSeq").unwrap();
    within(response, "PRACK", &format!("p{cseq}"), cseq, &format!("RAck: {rseq} 1 INVITE\n"))
}

fn statuses(world: &World) -> Vec<u16> {
    world.sent_to(stranger()).iter().map(Sent::status).collect()
}

#[test]
fn a_response_is_reliable_if_the_caller_demands_that_or_supports_it_and_it_describes() {
    let cases =
        [("", 0), (SUPPORTED, 1), (REQUIRED, 2), ("Supported: timer, 100REL\n", 1), ("Supported: replaces\n", 0)];
    for (extra, reliable) in cases {
        let mut world = World::new(1);
        let session = called(&mut world, extra);
        let plain = ring(&mut world, session, 180, None);
        assert_eq!(plain.header("RSeq").is_some(), reliable == 2, "{extra}");
        assert_eq!(plain.header("Require").as_deref(), (reliable == 2).then_some("100rel"), "{extra}");
        if reliable == 2 {
            world.inject(stranger(), 0, &prack(&plain, 2));
        }
        let described = ring(&mut world, session, 183, Some(ANSWER));
        assert_eq!(described.header("RSeq").is_some(), reliable > 0, "{extra}");
        assert!(described.text().ends_with("\r\n\r\nanswer"), "{extra}");
    }
}

#[test]
fn where_it_is_switched_off_nothing_is_reliable_and_who_demands_it_gets_420() {
    let mut world = World::with(1, 1, vec![], |mut config| {
        config.reliable = false;
        config
    });
    let session = called(&mut world, SUPPORTED);
    assert_eq!(ring(&mut world, session, 183, Some(ANSWER)).header("RSeq"), None);
    world.inject(stranger(), 0, &request("INVITE", "other", REQUIRED).replace("call-of-carol", "another"));
    let refused = world.last_to(stranger());
    assert_eq!((refused.status(), refused.header("Unsupported").as_deref()), (420, Some("100rel")));
    world.inject(stranger(), 0, &request("OPTIONS", "o", "").replace("call-of-carol", "third"));
    assert!(!world.last_to(stranger()).header("Supported").unwrap().contains("100rel"));
}

#[test]
fn without_a_prack_it_comes_again_ever_more_seldom_and_then_the_call_is_refused() {
    let mut world = World::new(1);
    let session = called(&mut world, SUPPORTED);
    let from = world.now.monotonic;
    ring(&mut world, session, 183, Some(ANSWER));
    accept(&mut world, session);
    world.drive_to_the_end();
    let wire = world.wire.iter().filter(|sent| sent.line().starts_with("183"));
    let times: Vec<u128> = wire.map(|sent| sent.at.since(from).as_millis()).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    let end = world.wire.iter().find(|sent| sent.line().starts_with("504")).unwrap();
    assert_eq!(end.at.since(from).as_millis(), 32_000);
    assert!(!statuses(&world).contains(&200), "the 200 waited in vain");
    let events = world.events(0);
    assert!(matches!(events.last(), Some(Event::Refused { status: 504, local: true, .. })), "{events:?}");
    world.assert_quiet();
}

#[test]
fn a_prack_ends_the_repeats_and_is_told_and_answered_once() {
    let mut world = World::new(1);
    let session = called(&mut world, SUPPORTED);
    let response = ring(&mut world, session, 183, Some(ANSWER));
    let prack = prack(&response, 2);
    world.inject(stranger(), 0, &prack);
    world.inject(stranger(), 0, &prack);
    world.drive_ms(10_000);
    assert_eq!(statuses(&world), [183, 200, 200], "the repeat got the answer again");
    let events = world.events(0);
    assert!(matches!(events[1..], [Event::Pracked { body: None, .. }]), "{events:?}");
    let again = prack.replace("z9hG4bKp2", "z9hG4bKp3").replace("CSeq: 2", "CSeq: 3");
    world.inject(stranger(), 0, &again);
    assert_eq!(world.last_to(stranger()).status(), 481);
    accept(&mut world, session);
    let ok = world.last_to(stranger());
    assert_eq!((ok.status(), ok.header("Content-Type")), (200, None), "what was said reliably is not said again");
}

#[test]
fn a_prack_that_acknowledges_nothing_of_ours_gets_481_and_one_without_rack_400() {
    let mut world = World::new(1);
    let session = called(&mut world, REQUIRED);
    let response = ring(&mut world, session, 180, None);
    let right = format!("RAck: {} 1 INVITE", response.header("RSeq").unwrap());
    let mut cseq = 1;
    for (wrong, status) in [
        ("RAck: 1 1 INVITE", 481),
        (&*right.replace(" 1 INVITE", " 2 INVITE"), 481),
        (&*right.replace("INVITE", "UPDATE"), 481),
        ("RAck: x", 400),
        ("Subject: none", 400),
    ] {
        cseq += 1;
        let text = within(&response, "PRACK", &format!("w{cseq}"), cseq, &format!("{wrong}\n"));
        world.inject(stranger(), 0, &text);
        assert_eq!(world.last_to(stranger()).status(), status, "{wrong}");
    }
    let outside = request("PRACK", "out", &format!("{right}\n")).replace("call-of-carol", "another");
    world.inject(stranger(), 0, &outside);
    assert_eq!(world.last_to(stranger()).status(), 481);
    let before = world.wire.len();
    world.drive_ms(2_000);
    assert!(world.wire[before..].iter().any(|sent| sent.status() == 180), "it still waits");
}

#[test]
fn the_200_waits_for_the_prack_of_a_description_and_for_no_other() {
    for (extra, body, waits) in [(SUPPORTED, Some(ANSWER), true), (REQUIRED, None, false)] {
        let mut world = World::new(1);
        let session = called(&mut world, extra);
        let response = ring(&mut world, session, 183, body);
        accept(&mut world, session);
        assert_eq!(statuses(&world).contains(&200), !waits, "{extra}");
        world.inject(stranger(), 0, &prack(&response, 2));
        let sent = world.sent_to(stranger());
        let finals: Vec<_> = sent.iter().filter(|sent| sent.status() == 200).collect();
        let methods: Vec<_> = finals.iter().map(|sent| sent.header("CSeq").unwrap()).collect();
        if waits {
            assert_eq!(methods, ["2 PRACK", "1 INVITE"]);
        } else {
            assert_eq!(methods, ["1 INVITE", "2 PRACK"], "a PRACK that the 200 overtook is answered all the same");
            assert!(finals[0].text().ends_with("answer"));
        }
        let ok = finals.iter().find(|sent| sent.header("CSeq").unwrap() == "1 INVITE").unwrap();
        world.inject(stranger(), 0, &within(ok, "ACK", "a", 1, ""));
        let events = world.events(0);
        assert!(events.iter().any(|event| matches!(event, Event::Acked { .. })), "{events:?}");
        let length = world.wire.len();
        world.drive_ms(40_000);
        assert_eq!(world.wire.len(), length, "nothing comes again");
    }
}

#[test]
fn one_waits_for_the_prack_of_the_one_before_and_has_the_next_number() {
    let mut world = World::new(1);
    let session = called(&mut world, REQUIRED);
    let first = ring(&mut world, session, 180, None);
    ring(&mut world, session, 183, Some(ANSWER));
    ring(&mut world, session, 180, None);
    assert_eq!(statuses(&world), [180]);
    world.inject(stranger(), 0, &prack(&first, 2));
    assert_eq!(statuses(&world), [180, 200, 180], "the last word counts");
    let second = world.last_to(stranger());
    assert!(second.text().ends_with("answer"), "and no description gets lost");
    let number = |sent: &Sent| sent.header("RSeq").unwrap().parse::<u64>().unwrap();
    assert_eq!(number(&second), number(&first) + 1);
    assert!((1..=1 << 31).contains(&number(&first)));
}

#[test]
fn who_takes_reliable_responses_only_gets_one_each_minute() {
    let mut world = World::new(1);
    let session = called(&mut world, REQUIRED);
    let first = ring(&mut world, session, 180, None);
    world.inject(stranger(), 0, &prack(&first, 2));
    world.drive_ms(61_000);
    let second = world.sent_to(stranger()).into_iter().find(|sent| sent.status() == 180 && sent.text() != first.text());
    assert!(second.unwrap().header("RSeq").is_some());
}

#[test]
fn what_ends_the_call_ends_the_repeats() {
    let bye = |sent: &Sent| within(sent, "BYE", "b", 2, "");
    let cancel = |_: &Sent| request("CANCEL", "i", "");
    for end in [bye as fn(&Sent) -> String, cancel] {
        let mut world = World::new(1);
        let session = called(&mut world, SUPPORTED);
        let response = ring(&mut world, session, 183, Some(ANSWER));
        accept(&mut world, session);
        let text = end(&response);
        world.inject(stranger(), 0, &text);
        let refused = world.sent_to(stranger()).into_iter().find(|sent| sent.status() == 487).unwrap();
        world.inject(stranger(), 0, &within(&refused, "ACK", "i", 1, ""));
        assert!(world.events(0).iter().any(Event::is_end));
        world.inject(stranger(), 0, &prack(&response, 3));
        assert_eq!(world.last_to(stranger()).status(), 481);
        let length = world.wire.len();
        world.drive_to_the_end();
        assert_eq!(world.wire.len(), length);
        world.assert_quiet();
    }
}

#[test]
fn our_offer_in_a_reliable_response_is_answered_in_its_prack() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("INVITE", "i", SUPPORTED));
    let session = world.invited(0);
    assert!(world.act(0, |stack, _| stack.can_offer_early(session) && !stack.requires_reliable(session)));
    let response = ring(&mut world, session, 183, Some(Bytes::from_static(b"ours")));
    let update = describing(&within(&response, "UPDATE", "u", 2, ""), "theirs");
    world.inject(stranger(), 0, &update);
    assert_eq!(world.last_to(stranger()).status(), 491, "our offer is open");
    world.inject(stranger(), 0, &describing(&prack(&response, 3), "theirs"));
    let events = world.events(0);
    assert!(matches!(&events[1..], [Event::Pracked { body: Some(body), .. }] if body == "theirs"), "{events:?}");
    accept(&mut world, session);
    assert_eq!(world.last_to(stranger()).header("Content-Type"), None);
}

#[test]
fn an_offer_in_a_prack_is_a_change_that_the_200_waits_for() {
    let mut world = World::new(1);
    let session = called(&mut world, SUPPORTED);
    let response = ring(&mut world, session, 183, Some(ANSWER));
    accept(&mut world, session);
    world.inject(stranger(), 0, &describing(&prack(&response, 2), "new"));
    let events = world.events(0);
    assert!(matches!(&events[1..], [Event::Changed { body: Some(body), .. }] if body == "new"), "{events:?}");
    assert_eq!(statuses(&world), [183]);
    world.act(0, |stack, now| stack.accept_change(now, session, Bytes::from_static(b"newer")));
    let sent = world.sent_to(stranger());
    assert_eq!(sent[1].header("CSeq").unwrap(), "2 PRACK");
    assert!(sent[1].text().ends_with("newer"));
    assert_eq!(sent[2].header("CSeq").unwrap(), "1 INVITE");
}

#[test]
fn an_offer_in_a_prack_before_the_first_is_answered_is_refused() {
    let mut world = World::new(1);
    let session = called(&mut world, REQUIRED);
    let response = ring(&mut world, session, 180, None);
    world.inject(stranger(), 0, &describing(&prack(&response, 2), "new"));
    assert_eq!(world.last_to(stranger()).status(), 488);
    world.drive_ms(5_000);
    assert_eq!(statuses(&world), [180, 488], "it is acknowledged all the same");
    assert!(!world.events(0).iter().any(|event| matches!(event, Event::Changed { .. })));
}

/// Party 0 calls the stranger.
fn calling(world: &mut World, offer: &'static str) -> (SessionId, Sent) {
    let invite = sip::Invite { offer: Bytes::from_static(offer.as_bytes()), ..invite_to(0, stranger()) };
    let session = world.act(0, |stack, now| stack.invite(now, invite));
    (session, world.last_to(stranger()))
}

fn reliable(invite: &Sent, status: &str, tag: &str, rseq: u32) -> String {
    reply(invite, status, tag, &format!("Require: 100rel\nRSeq: {rseq}\n{CONTACT}"))
}

fn pracks(world: &World) -> Vec<String> {
    let sent = world.sent_to(stranger());
    sent.iter().filter(|sent| sent.line().starts_with("PRACK")).map(|sent| sent.header("RAck").unwrap()).collect()
}

#[test]
fn a_reliable_response_gets_its_prack_and_counts_once_and_in_order() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world, "offer");
    assert!(invite.header("Supported").unwrap().contains("100rel"));
    for (status, rseq) in
        [("180 Ringing", 7), ("180 Ringing", 7), ("183 Session Progress", 9), ("183 Session Progress", 8)]
    {
        world.inject(stranger(), 0, &reliable(&invite, status, "b", rseq));
    }
    assert_eq!(pracks(&world), ["7 1 INVITE", "8 1 INVITE"]);
    let prack = world.last_to(stranger());
    assert_eq!(prack.line(), "PRACK sip:bob@192.0.2.77:5060", "it goes to the Contact");
    assert_eq!(
        (prack.header("CSeq").unwrap(), prack.header("To").unwrap().ends_with(";tag=b")),
        ("3 PRACK".into(), true)
    );
    let told: Vec<u16> = world
        .events(0)
        .iter()
        .map(|event| match event {
            Event::Progress { status, .. } => *status,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [180, 183]);
    world.inject(stranger(), 0, &reply(&prack, "200 OK", "b", ""));
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    let session = world.events(0).iter().find_map(Event::session).unwrap();
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "4 BYE", "the dialog's numbers go on");
}

#[test]
fn each_fork_counts_for_itself() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world, "offer");
    for (tag, rseq) in [("b", 7), ("c", 100), ("c", 101), ("b", 8), ("c", 101)] {
        world.inject(stranger(), 0, &reliable(&invite, "180 Ringing", tag, rseq));
    }
    assert_eq!(pracks(&world), ["7 1 INVITE", "100 1 INVITE", "101 1 INVITE", "8 1 INVITE"]);
}

#[test]
fn a_prack_is_sent_again_until_it_is_answered_and_its_failure_ends_nothing() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world, "offer");
    world.inject(stranger(), 0, &reliable(&invite, "180 Ringing", "b", 7));
    world.drive_ms(1_600);
    assert_eq!(pracks(&world).len(), 3);
    let prack = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&prack, "481 No", "b", ""));
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    let events = world.events(0);
    assert!(matches!(events.last(), Some(Event::Answered { .. })), "{events:?}");
}

#[test]
fn an_answer_that_came_reliably_is_the_only_one() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world, "offer");
    world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", "b", 7), "answer"));
    world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", "b", 8), "another"));
    world.inject(stranger(), 0, &describing(&reply(&invite, "200 OK", "b", CONTACT), "yet another"));
    let bodies: Vec<Option<Bytes>> = world
        .events(0)
        .into_iter()
        .map(|event| match event {
            Event::Progress { body, .. } | Event::Answered { body, .. } => body,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, [Some(ANSWER), None, None]);
}

#[test]
fn of_several_forks_that_answered_reliably_the_one_that_takes_the_call_has_the_last_word() {
    let mut world = World::new(1);
    let (_, invite) = calling(&mut world, "offer");
    world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", "b", 7), "answer"));
    world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", "c", 7), "another"));
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    let events = world.events(0);
    let Some(Event::Answered { body, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(*body, Some(ANSWER), "not the one that was heard last");
}

#[test]
fn an_offer_of_the_peer_is_answered_in_the_prack_or_in_the_ack() {
    for early in [true, false] {
        let mut world = World::new(1);
        let (session, invite) = calling(&mut world, "");
        assert_eq!(invite.header("Content-Type"), None);
        if early {
            world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", "b", 7), "theirs"));
        } else {
            let ok = describing(&reply(&invite, "200 OK", "b", CONTACT), "theirs");
            world.inject(stranger(), 0, &ok);
            world.inject(stranger(), 0, &ok);
        }
        let events = world.events(0);
        assert!(
            matches!(&events[..],
            [Event::Progress { body: Some(body), .. } | Event::Answered { body: Some(body), .. }] if body == "theirs"),
            "{events:?}"
        );
        assert_eq!(world.sent_to(stranger()).len(), 1, "it waits for the application, whatever comes again");
        world.act(0, |stack, now| stack.answer(now, session, &ANSWER));
        let answered = world.last_to(stranger());
        assert!(
            answered.line().starts_with(if early { "PRACK" } else { "ACK" }) && answered.text().ends_with("answer")
        );
        if early {
            world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
            assert!(world.last_to(stranger()).line().starts_with("ACK"));
        }
    }
}

#[test]
fn a_hang_up_acknowledges_a_200_whose_offer_was_not_answered() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world, "");
    world.inject(stranger(), 0, &describing(&reply(&invite, "200 OK", "b", CONTACT), "theirs"));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    let methods: Vec<_> = world.sent_to(stranger()).iter().map(|sent| sent.header("CSeq").unwrap()).collect();
    assert_eq!(methods, ["1 INVITE", "1 ACK", "2 BYE"]);
}

#[test]
fn two_of_us_agree_early_though_half_of_what_is_sent_gets_lost() {
    for seed in 0..40 {
        let nodes: Vec<Box<dyn harness::network::Node>> = vec![Box::new(harness::network::Lose(40))];
        let mut world = World::with(2, seed, nodes, |config| config);
        let ours = world.call(0, address(1));
        while world.parties[1].events.is_empty() {
            world.drive_ms(100);
        }
        let theirs = world.invited(1);
        world.act(1, |stack, now| stack.ring(now, theirs, 183, Some(ANSWER)));
        world.act(1, |stack, now| stack.accept(now, theirs, ANSWER));
        world.drive_ms(20_000);
        let events = world.events(0);
        let answers = events.iter().filter(|event| matches!(event, Event::Progress { body: Some(_), .. })).count();
        assert_eq!(answers, 1, "seed {seed}: {events:?}");
        world.act(0, |stack, now| stack.hang_up(now, ours, None));
        world.drive_to_the_end();
        let ends: Vec<_> = world.events(1).into_iter().filter(Event::is_end).collect();
        let gone =
            |event: &Event| matches!(event, Event::Ended { cause: EndCause::Bye { .. }, .. } | Event::Cancelled { .. });
        assert!(ends.len() == 1 && ends.iter().all(|end| gone(end) || end.is_end()), "seed {seed}: {ends:?}");
        world.assert_quiet();
    }
}

/// A fork's UPDATE before it answers, with the offer `sdp`.
fn early_update(invite: &Sent, tag: &str, cseq: u32, sdp: &str) -> String {
    let text = request("UPDATE", &format!("{tag}{cseq}"), "")
        .replace("From: <sip:carol@192.0.2.77>;tag=carol", &format!("From: {};tag={tag}", invite.header("To").unwrap()))
        .replace("To: <sip:1000@192.0.2.1>", &format!("To: {}", invite.header("From").unwrap()))
        .replace("Call-ID: call-of-carol", &format!("Call-ID: {}", invite.header("Call-ID").unwrap()))
        .replace("CSeq: 1 UPDATE", &format!("CSeq: {cseq} UPDATE"));
    describing(&text, sdp)
}

#[test]
fn of_several_forks_that_update_at_once_the_second_waits_and_who_takes_the_call_is_asked_again() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world, "offer");
    for (tag, said) in [("b", "answer"), ("c", "another")] {
        world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", tag, 7), said));
    }
    world.inject(stranger(), 0, &early_update(&invite, "b", 1, "new of b"));
    world.inject(stranger(), 0, &early_update(&invite, "c", 1, "new of c"));
    let refusal = world.last_to(stranger());
    assert_eq!(refusal.status(), 500, "one at a time");
    assert!(refusal.header("Retry-After").is_some());
    assert_eq!(world.act(0, |stack, now| stack.update(now, session, ANSWER)), Err(sip::ChangeError::Pending));
    world.act(0, |stack, now| stack.accept_change(now, session, Bytes::from_static(b"to b")));
    assert_eq!(world.last_to(stranger()).status(), 200);
    assert_eq!(
        world.act(0, |stack, now| stack.update(now, session, ANSWER)),
        Err(sip::ChangeError::Pending),
        "a change of one would be none of the other"
    );
    world.inject(stranger(), 0, &early_update(&invite, "c", 2, "new of c"));
    world.act(0, |stack, now| stack.accept_change(now, session, Bytes::from_static(b"to c")));
    world.events(0);
    // The application goes by what c said last, and b has the call: both sides say what they are, once more.
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    assert!(matches!(&world.events(0)[..], [Event::Answered { body: Some(body), .. }] if *body == ANSWER));
    let again = world.last_to(stranger());
    assert!(again.line().starts_with("INVITE") && again.text().ends_with("to b"), "{}", again.text());
    world.inject(stranger(), 0, &describing(&reply(&again, "200 OK", "b", CONTACT), "now of b"));
    assert!(
        matches!(&world.events(0)[..], [Event::ChangeAnswered { offer, body: Some(body), .. }] if offer == "to b" && body == "now of b")
    );
}

#[test]
fn one_fork_that_updated_and_answers_needs_no_more_words() {
    let mut world = World::new(1);
    let (session, invite) = calling(&mut world, "offer");
    world.inject(stranger(), 0, &describing(&reliable(&invite, "183 Session Progress", "b", 7), "answer"));
    world.inject(stranger(), 0, &early_update(&invite, "b", 1, "new of b"));
    world.act(0, |stack, now| stack.accept_change(now, session, Bytes::from_static(b"to b")));
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", CONTACT));
    assert!(world.last_to(stranger()).line().starts_with("ACK"));
}
