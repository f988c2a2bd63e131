//! REFER inside a session, on the wire: what is followed, and what its sender is told.
//!
//! RFC 3515: 2.4.2 (Refer-To), 2.4.4 (202 and NOTIFY at once), 2.4.6 (ids); RFC 6665: 4.2.2 (a subscription whose subscriber is gone);
//! RFC 4488 (Refer-Sub).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod harness;

use std::time::Duration;

use bytes::Bytes;
use harness::{Sent, World, reply, request, stranger};
use sip::{Event, ReferralId, SessionId};

const SDP: Bytes = Bytes::from_static(b"v=0\r\n");

/// The stranger's call is answered; the session, and the 200.
fn established(world: &mut World) -> (SessionId, Sent) {
    world.inject(stranger(), 0, &request("INVITE", "k", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| stack.accept(now, session, SDP));
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &within(&ok, "ACK", 1, ""));
    world.events(0);
    (session, ok)
}

fn within(ok: &Sent, method: &str, cseq: u32, extra: &str) -> String {
    let to = ok.header("To").unwrap();
    let text =
        request(method, &format!("{method}{cseq}"), extra).replace("To: <sip:1000@192.0.2.1>", &format!("To: {to}"));
    text.replace(&format!("CSeq: 1 {method}"), &format!("CSeq: {cseq} {method}"))
}

/// A REFER is followed.
fn follow(world: &mut World, ok: &Sent, cseq: u32, extra: &str) -> Option<ReferralId> {
    world.inject(stranger(), 0, &within(ok, "REFER", cseq, &format!("Refer-To: <sip:102@192.0.2.1>\n{extra}")));
    let Some(Event::Referred { session, pending, refer }) = world.events(0).pop() else { panic!("no REFER") };
    assert_eq!(refer.target.user().as_deref(), Some("102"));
    let mut referral = None;
    world.act(0, |stack, now| referral = stack.accept_refer(now, session, pending, Duration::from_secs(30)));
    referral
}

fn notices(world: &World) -> Vec<Sent> {
    world.sent_to(stranger()).into_iter().filter(|sent| sent.line().starts_with("NOTIFY ")).collect()
}

#[test]
fn who_refers_is_told_at_once_and_at_the_end_one_after_the_other() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    let referral = follow(&mut world, &ok, 2, "").unwrap();
    let first = notices(&world).pop().unwrap();
    assert_eq!(
        (first.header("Event").unwrap(), first.header("Subscription-State").unwrap()),
        ("refer".into(), "active;expires=30".into())
    );
    assert_eq!(first.header("Content-Type").unwrap(), "message/sipfrag;version=2.0");
    assert!(first.text().ends_with("SIP/2.0 100 Trying\r\n"), "{}", first.text());
    // Two more while that is on its way: the newer counts, and waits.
    world.act(0, |stack, now| stack.notify_referral(now, referral, 180, false));
    world.act(0, |stack, now| stack.notify_referral(now, referral, 200, true));
    assert_eq!(notices(&world).len(), 1);
    world.inject(stranger(), 0, &reply(&first, "200 OK", "", ""));
    let last = notices(&world).pop().unwrap();
    assert_eq!(last.header("Subscription-State").unwrap(), "terminated;reason=noresource");
    assert!(last.text().ends_with("SIP/2.0 200 OK\r\n"), "{}", last.text());
    assert_eq!(last.header("CSeq").unwrap(), "2 NOTIFY");
    world.inject(stranger(), 0, &reply(&last, "200 OK", "", ""));
    assert_eq!(world.parties[0].stack.population().subscriptions, 0);
    // The next one in the dialog says which it is about.
    let again = follow(&mut world, &ok, 3, "").unwrap();
    assert_eq!(notices(&world).pop().unwrap().header("Event").unwrap(), "refer;id=3");
    world.act(0, |stack, now| stack.notify_referral(now, again, 486, true));
}

#[test]
fn the_subscription_outlives_the_call_and_ends_when_nobody_listens() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    let referral = follow(&mut world, &ok, 2, "").unwrap();
    world.inject(stranger(), 0, &within(&ok, "BYE", 3, ""));
    let first = notices(&world).pop().unwrap();
    world.inject(stranger(), 0, &reply(&first, "200 OK", "", ""));
    world.act(0, |stack, now| stack.notify_referral(now, referral, 200, true));
    let last = notices(&world).pop().unwrap();
    assert!(last.text().ends_with("SIP/2.0 200 OK\r\n"));
    world.inject(stranger(), 0, &reply(&last, "481 Gone", "", ""));
    world.drive_to_the_end();
    assert!(world.parties[0].stack.is_quiet());

    let mut world = World::new(1);
    let (session, ok) = established(&mut world);
    let referral = follow(&mut world, &ok, 2, "").unwrap();
    world.drive(Duration::from_secs(33));
    assert_eq!(world.parties[0].stack.population().subscriptions, 0, "nobody answered the NOTIFY");
    world.act(0, |stack, now| stack.notify_referral(now, referral, 200, true));
    assert!(notices(&world).iter().all(|sent| sent.text().contains("100 Trying")));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
}

#[test]
fn who_wants_to_be_told_nothing_is_told_nothing() {
    let mut world = World::new(1);
    let (_, ok) = established(&mut world);
    assert!(follow(&mut world, &ok, 2, "Require: norefersub\nRefer-Sub: false\n").is_none());
    let accepted = world.last_to(stranger());
    assert_eq!((accepted.status(), accepted.header("Refer-Sub").unwrap()), (202, "false".to_owned()));
    assert!(notices(&world).is_empty());
}

#[test]
fn what_is_no_transfer_is_refused() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("REFER", "r", "Refer-To: <sip:102@192.0.2.1>\n"));
    assert_eq!(world.last_to(stranger()).status(), 403, "outside of dialogs");
    let (_, ok) = established(&mut world);
    for (cseq, extra, status) in
        [(2, "", 400), (3, "Refer-To: <sip:a@h;method=BYE>\n", 403), (4, "Refer-To: <sip:a@h>\nRequire: foo\n", 420)]
    {
        world.inject(stranger(), 0, &within(&ok, "REFER", cseq, extra));
        assert_eq!(world.last_to(stranger()).status(), status, "{extra}");
    }
    follow(&mut world, &ok, 5, "").unwrap();
    world.inject(stranger(), 0, &within(&ok, "REFER", 6, "Refer-To: <sip:a@h>\n"));
    assert_eq!(world.last_to(stranger()).status(), 491, "one at a time");
    assert!(world.events(0).is_empty());
}
