//! Session timers, both roles.
//!
//! RFC 4028 7.1: what we ask for · 7.3: 422 · 7.2, 7.4, 10: refreshing, and by what · 9: what we answer, table 2 · 10: the end

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
use harness::{CONTACT, Sent, World, address, reply, request, stranger, with_sdp, within};
use sip::{EndCause, Event, SessionId, StackConfig};

const SDP: Bytes = Bytes::from_static(b"sdp");
const ALLOW: &str = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\n";

fn timed(config: StackConfig) -> StackConfig {
    StackConfig { session_timer: Some(1800), ..config }
}

fn world(count: usize) -> World {
    World::with(count, 1, vec![], timed)
}

/// The stranger calls party 0 with these header fields, is answered, and acknowledges: the session and the 200.
fn answered(world: &mut World, extra: &str) -> (SessionId, Sent) {
    world.inject(stranger(), 0, &with_sdp(&request("INVITE", "i", extra)));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &within(&ok, "ACK", "a", 1, ""));
    world.events(0);
    (session, ok)
}

/// Party 0 calls the stranger, who answers with these header fields: the INVITE.
fn answering(world: &mut World, extra: &str) -> Sent {
    world.call(0, stranger());
    let invite = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&invite, "200 OK", "b", &format!("{CONTACT}{extra}")));
    world.events(0);
    invite
}

/// The seconds since the last message, when the next one whose line begins so was sent.
fn next(world: &mut World, line: &str) -> u64 {
    let (from, known) = (world.now.monotonic, world.wire.len());
    for _ in 0..4_000 {
        world.drive(Duration::from_secs(1));
        if let Some(sent) = world.wire[known..].iter().find(|sent| sent.line().starts_with(line)) {
            return (sent.at.since(from).as_millis() as u64).div_ceil(1000);
        }
    }
    panic!("no {line}");
}

#[test]
fn what_a_caller_asks_is_granted_up_to_what_we_want_ourselves() {
    let cases = [
        ("", None, None),
        ("Supported: timer\n", Some("1800;refresher=uas"), Some("timer")),
        ("Supported: timer\nSession-Expires: 600\n", Some("600;refresher=uas"), Some("timer")),
        ("Supported: timer\nx: 7200;refresher=uac\n", Some("1800;refresher=uac"), Some("timer")),
        ("Require: timer\nSession-Expires: 300;refresher=uas\n", Some("300;refresher=uas"), Some("timer")),
        ("Supported: timer\nSession-Expires: 4000\nMin-SE: 3600\n", Some("3600;refresher=uas"), Some("timer")),
        ("Session-Expires: 600;refresher=uac\n", Some("600;refresher=uas"), None),
        ("Session-Expires: soon\n", None, None),
    ];
    for (extra, expires, require) in cases {
        let mut world = world(1);
        let (_, ok) = answered(&mut world, extra);
        assert_eq!(ok.header("Session-Expires").as_deref(), expires, "{extra}");
        assert_eq!(ok.header("Require").as_deref(), require, "{extra}");
        assert!(ok.header("Supported").unwrap().ends_with("100rel, timer"), "{extra}");
    }
}

#[test]
fn who_asks_for_too_little_gets_422_with_what_would_do() {
    let mut world = world(1);
    world.inject(stranger(), 0, &request("INVITE", "i", "Supported: timer\nSession-Expires: 89\n"));
    let refused = world.last_to(stranger());
    assert_eq!((refused.status(), refused.header("Min-SE").as_deref()), (422, Some("90")));
    assert!(world.events(0).is_empty());
    // In a dialog that nobody knows it is the dialog that is missing.
    let stray = request("INVITE", "s", "Supported: timer\nSession-Expires: 89\n");
    world.inject(stranger(), 0, &stray.replace("<sip:1000@192.0.2.1>", "<sip:1000@192.0.2.1>;tag=gone"));
    assert_eq!(world.last_to(stranger()).status(), 481);
}

#[test]
fn where_they_are_off_nothing_is_said_and_who_demands_them_gets_420() {
    let mut world = World::new(1);
    let (_, ok) = answered(&mut world, "Supported: timer\nSession-Expires: 600\n");
    assert!(ok.header("Session-Expires").is_none() && ok.header("Supported").unwrap().ends_with("100rel"));
    world.inject(stranger(), 0, &request("INVITE", "r", "Require: timer\n").replace("call-of-carol", "other"));
    assert_eq!(world.last_to(stranger()).status(), 420);
    assert_eq!(answering(&mut world, "").header("Session-Expires"), None);
}

#[test]
fn a_session_that_its_peer_does_not_refresh_ends_by_bye() {
    for (interval, seconds) in [(90, 60), (600, 568)] {
        let mut world = world(1);
        let (_, ok) = answered(&mut world, &format!("Supported: timer\nSession-Expires: {interval};refresher=uac\n"));
        assert_eq!(next(&mut world, "BYE"), seconds);
        let bye = world.last_to(stranger());
        assert!(bye.header("Reason").unwrap().contains("cause=102"));
        world.inject(stranger(), 0, &reply(&bye, "200 OK", "", ""));
        assert!(matches!(world.events(0)[..], [Event::Ended { cause: EndCause::Expired, .. }]));
        world.drive_to_the_end();
        world.assert_quiet();
        drop(ok);
    }
}

#[test]
fn a_session_that_its_peer_refreshes_lives_on() {
    for method in ["UPDATE", "INVITE"] {
        let mut world = world(1);
        let timer = "Supported: timer\nSession-Expires: 90;refresher=uac\n";
        let (session, ok) = answered(&mut world, timer);
        for cseq in 2..6 {
            world.drive_ms(45_000);
            let text = within(&ok, method, &format!("r{cseq}"), cseq, timer);
            world.inject(stranger(), 0, &text);
            if method == "INVITE" {
                world.act(0, |stack, now| stack.accept_change(now, session, SDP));
                let ok = world.last_to(stranger());
                world.inject(stranger(), 0, &with_sdp(&within(&ok, "ACK", &format!("a{cseq}"), cseq, "")));
            }
            let refreshed =
                world.sent_to(stranger()).into_iter().rev().find(|sent| sent.line().starts_with("200")).unwrap();
            assert_eq!(refreshed.header("Session-Expires").unwrap(), "90;refresher=uac");
        }
        assert!(!world.wire.iter().any(|sent| sent.line().starts_with("BYE")), "{method}");
        assert_eq!(next(&mut world, "BYE"), 60, "{method}: from the last one on");
    }
}

#[test]
fn a_change_of_a_peer_without_session_timers_ends_ours() {
    let mut world = world(1);
    let (_, ok) = answered(&mut world, "Supported: timer\nSession-Expires: 90;refresher=uac\n");
    world.inject(stranger(), 0, &within(&ok, "UPDATE", "u", 2, ""));
    assert_eq!(world.last_to(stranger()).header("Session-Expires"), None);
    let length = world.wire.len();
    world.drive(Duration::from_secs(4_000));
    assert_eq!(world.wire.len(), length);
}

#[test]
fn we_refresh_at_half_the_interval_by_update_where_it_is_allowed() {
    let mut world = world(1);
    let (_, _) = answered(&mut world, &format!("Supported: timer\nSession-Expires: 200\n{ALLOW}"));
    for round in 0..3 {
        assert_eq!(next(&mut world, "UPDATE"), 100, "{round}");
        let update = world.last_to(stranger());
        assert_eq!(update.header("Session-Expires").unwrap(), "200;refresher=uac");
        assert_eq!(update.header("Content-Type"), None);
        let answer = "Require: timer\nSession-Expires: 200;refresher=uac\n";
        world.inject(stranger(), 0, &reply(&update, "200 OK", "", answer));
    }
    assert!(world.events(0).is_empty(), "nobody is told");
}

#[test]
fn else_by_a_re_invite_that_says_the_same_again() {
    let mut world = world(1);
    let (_, ok) = answered(&mut world, "Supported: timer\nSession-Expires: 200\n");
    assert!(ok.text().ends_with("sdp"));
    assert_eq!(next(&mut world, "INVITE"), 100);
    let invite = world.last_to(stranger());
    assert!(invite.text().ends_with("\r\n\r\nsdp"));
    world.inject(
        stranger(),
        0,
        &reply(&invite, "200 OK", "", &format!("{CONTACT}Session-Expires: 200;refresher=uac\n")),
    );
    assert!(world.last_to(stranger()).line().starts_with("ACK"));
    let events = world.events(0);
    assert!(matches!(&events[..], [Event::ChangeAnswered { offer, .. }] if *offer == SDP), "{events:?}");
    assert_eq!(next(&mut world, "INVITE"), 100);
}

#[test]
fn who_allows_updates_and_takes_none_is_asked_by_re_invite() {
    let mut world = world(1);
    answered(&mut world, &format!("Supported: timer\nSession-Expires: 200\n{ALLOW}"));
    next(&mut world, "UPDATE");
    let update = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&update, "405 Not Allowed", "", ""));
    assert!(world.last_to(stranger()).line().starts_with("INVITE"));
}

#[test]
fn a_refresh_that_fails_is_tried_again_until_the_session_ends() {
    let mut world = world(1);
    answered(&mut world, &format!("Supported: timer\nSession-Expires: 200\n{ALLOW}"));
    let mut tries = 0;
    loop {
        world.drive(Duration::from_secs(1));
        let last = world.last_to(stranger());
        if last.line().starts_with("BYE") {
            break;
        }
        if last.line().starts_with("UPDATE") {
            let known = world.wire.len();
            world.inject(stranger(), 0, &reply(&last, "500 Later", "", ""));
            tries += usize::from(world.wire.len() == known);
            world.wire.retain(|sent| !sent.line().starts_with("UPDATE"));
        }
    }
    assert!(tries >= 3, "{tries}");
    assert_eq!(world.now.monotonic.since(base::Mono::ZERO).as_secs(), 168);
}

#[test]
fn a_refresh_into_a_lost_dialog_ends_the_session() {
    for (status, cause) in [("481 Who", EndCause::Gone), ("", EndCause::TransactionTimeout)] {
        let mut world = world(1);
        answered(&mut world, &format!("Supported: timer\nSession-Expires: 600\n{ALLOW}"));
        next(&mut world, "UPDATE");
        let update = world.last_to(stranger());
        if !status.is_empty() {
            world.inject(stranger(), 0, &reply(&update, status, "", ""));
        }
        world.drive_to_the_end();
        let ends: Vec<_> = world.events(0).into_iter().filter(Event::is_end).collect();
        assert!(matches!(&ends[..], [Event::Ended { cause: told, .. }] if *told == cause), "{ends:?}");
    }
}

#[test]
fn a_retry_after_is_waited_for() {
    let mut world = world(1);
    answered(&mut world, &format!("Supported: timer\nSession-Expires: 600\n{ALLOW}"));
    next(&mut world, "UPDATE");
    let update = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&update, "503 Busy", "", "Retry-After: 20 (soon)\n"));
    assert_eq!(next(&mut world, "UPDATE"), 20);
}

#[test]
fn our_call_asks_and_lives_by_what_is_answered() {
    for (answer, then, seconds) in [
        ("Session-Expires: 100;refresher=uac\n", "UPDATE", 50),
        ("Session-Expires: 100\n", "UPDATE", 50),
        ("Session-Expires: 90;refresher=uas\n", "BYE", 60),
    ] {
        let mut world = world(1);
        let invite = answering(&mut world, &format!("{answer}{ALLOW}"));
        assert_eq!(invite.header("Session-Expires").as_deref(), Some("1800"));
        assert!(invite.header("Supported").unwrap().ends_with("100rel, timer"));
        assert_eq!(next(&mut world, then), seconds, "{answer}");
    }
    let mut world = world(1);
    answering(&mut world, ALLOW);
    let length = world.wire.len();
    world.drive(Duration::from_secs(4_000));
    assert_eq!(world.wire.len(), length, "a peer without session timers is left alone");
}

#[test]
fn our_call_asks_for_more_after_a_422_and_no_more_than_that() {
    let mut world = world(1);
    world.call(0, stranger());
    let first = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&first, "422 Too Small", "b", "Min-SE: 3600\n"));
    let second = world.last_to(stranger());
    assert!(second.line().starts_with("INVITE"));
    let header = |name| second.header(name).unwrap();
    assert_eq!(
        (header("Session-Expires"), header("Min-SE"), header("CSeq")),
        ("3600".into(), "3600".into(), "2 INVITE".into())
    );
    assert_eq!((header("Call-ID"), header("From")), (first.header("Call-ID").unwrap(), first.header("From").unwrap()));
    world.inject(stranger(), 0, &reply(&second, "422 Too Small", "b", "Min-SE: 3600\n"));
    let events = world.events(0);
    assert!(matches!(events[..], [Event::Refused { status: 422, .. }]), "{events:?}");
}

#[test]
fn a_refresh_asks_for_more_after_a_422() {
    let mut world = world(1);
    answered(&mut world, &format!("Supported: timer\nSession-Expires: 200\n{ALLOW}"));
    next(&mut world, "UPDATE");
    let update = world.last_to(stranger());
    world.inject(stranger(), 0, &reply(&update, "422 Too Small", "", "Min-SE: 400\n"));
    let again = world.last_to(stranger());
    assert!(again.line().starts_with("UPDATE"), "the method is fine: {}", again.line());
    assert_eq!(again.header("Session-Expires").as_deref(), Some("400;refresher=uac"));
    assert_eq!(again.header("Min-SE").as_deref(), Some("400"));
}

#[test]
fn a_re_invite_that_refreshes_asks_for_more_after_a_422_and_no_more_than_that() {
    let mut world = world(1);
    answered(&mut world, "Supported: timer\nSession-Expires: 200\n");
    next(&mut world, "INVITE");
    let invites = |world: &World| -> Vec<Sent> {
        world.sent_to(stranger()).into_iter().filter(|sent| sent.line().starts_with("INVITE")).collect()
    };
    let first = invites(&world).pop().unwrap();
    world.inject(stranger(), 0, &reply(&first, "422 Too Small", "", "Min-SE: 400\n"));
    let second = invites(&world).pop().unwrap();
    assert_ne!(second.header("CSeq"), first.header("CSeq"));
    let said = ["Session-Expires", "Min-SE"].map(|name| second.header(name).unwrap());
    assert_eq!(said, ["400;refresher=uac", "400"].map(str::to_owned));
    assert!(second.text().ends_with("\r\n\r\nsdp"));
    // One that demands no more than it was given is not asked a third time for that.
    let known = invites(&world).len();
    world.inject(stranger(), 0, &reply(&second, "422 Too Small", "", "Min-SE: 400\n"));
    assert_eq!(invites(&world).len(), known);
}

#[test]
fn a_refresh_of_a_peer_that_asks_for_too_little_gets_422_and_the_session_lives_as_before() {
    for method in ["UPDATE", "INVITE"] {
        let mut world = world(1);
        let (_, ok) = answered(&mut world, "Supported: timer\nSession-Expires: 90;refresher=uac\n");
        world.drive_ms(30_000);
        let text = within(&ok, method, "r", 2, "Supported: timer\nSession-Expires: 89;refresher=uac\n");
        world.inject(stranger(), 0, &text);
        let refused = world.last_to(stranger());
        assert_eq!((refused.status(), refused.header("Min-SE").as_deref()), (422, Some("90")), "{method}");
        assert!(world.events(0).is_empty(), "{method}");
        if method == "INVITE" {
            world.inject(stranger(), 0, &within(&refused, "ACK", "r", 2, ""));
        }
        assert_eq!(next(&mut world, "BYE"), 30, "{method}: it refreshed nothing");
    }
}

#[test]
fn two_of_us_live_for_hours_and_a_gone_one_ends_it() {
    let mut world = world(2);
    let (ours, theirs) = world.connect();
    world.drive(Duration::from_secs(4 * 3600));
    assert!(world.events(0).is_empty() && world.events(1).is_empty());
    assert!(world.wire.iter().filter(|sent| sent.line().starts_with("UPDATE")).count() >= 14);
    world.act(0, |stack, now| stack.change(now, ours, SDP)).unwrap();
    world.drive_ms(5);
    world.act(1, |stack, now| stack.accept_change(now, theirs, SDP));
    world.drive(Duration::from_secs(3600));
    // From now on all is lost.
    world.network.nodes.push(Box::new(harness::network::Lose(100)));
    world.events(0);
    world.events(1);
    world.drive(Duration::from_secs(2 * 1800));
    world.drive_to_the_end();
    let ends = [world.events(0), world.events(1)].map(|events| events.into_iter().filter(Event::is_end).count());
    assert_eq!(ends, [1, 1]);
    world.assert_quiet();
    assert_ne!(address(0), address(1));
}
