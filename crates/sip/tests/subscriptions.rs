//! Subscriptions of peers, on the wire: what is granted, and what a subscriber is told when.
//!
//! RFC 6665: 4.2.1.1 (489, 423, 406, 200), 4.2.1.2 (a NOTIFY at once), 4.2.1.4 (refresh, end), 4.2.2 (481, time-outs, Retry-After), 4.1.3
//! (Subscription-State), 4.4.1 (the dialog); RFC 3261 12.2 (target refresh, route set).
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
use harness::{Sent, World, reply, request, stranger, within};
use sip::{Event, Package, Population, SubscriptionEnd, SubscriptionId};

const STATE: Bytes = Bytes::from_static(b"<state/>");
const SECOND: Duration = Duration::from_secs(1);

/// What the application is asked to tell, told; the subscriptions that are over.
fn tell(world: &mut World) -> Vec<SubscriptionId> {
    let mut over = Vec::new();
    loop {
        let events = world.events(0);
        if events.is_empty() {
            return over;
        }
        for event in events {
            match event {
                Event::NotifyWanted { subscription, .. } => {
                    world.act(0, |stack, now| stack.notify(now, subscription, STATE));
                }
                Event::Unsubscribed { subscription } => over.push(subscription),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The stranger subscribes; the subscription and the 200.
fn subscribe(world: &mut World, extra: &str) -> (SubscriptionId, Sent) {
    world.inject(stranger(), 0, &request("SUBSCRIBE", "s", extra));
    let Some(Event::Subscribed { pending, package, user: None }) = world.events(0).pop() else { panic!("none") };
    let subscription = world.act(0, |stack, now| stack.accept_subscription(now, pending, package)).unwrap();
    let ok = world.last_to(stranger());
    tell(world);
    (subscription, ok)
}

/// He goes on with it; the status, and what else is over thereby.
fn again(world: &mut World, ok: &Sent, cseq: u32, extra: &str) -> (u16, Vec<SubscriptionId>) {
    world.inject(stranger(), 0, &within(ok, "SUBSCRIBE", &format!("s{cseq}"), cseq, extra));
    let status = world.last_to(stranger()).status();
    (status, tell(world))
}

fn notices(world: &World) -> Vec<Sent> {
    let mut notices: Vec<Sent> = Vec::new();
    for sent in world.sent_to(stranger()).into_iter().filter(|sent| sent.line().starts_with("NOTIFY ")) {
        if notices.iter().all(|known| known.header("CSeq") != sent.header("CSeq")) {
            notices.push(sent);
        }
    }
    notices
}

/// He answers what he was told last.
fn answer(world: &mut World, status: &str, extra: &str) -> Vec<SubscriptionId> {
    let last = notices(world).pop().unwrap();
    world.inject(stranger(), 0, &reply(&last, status, "", extra));
    tell(world)
}

fn state(sent: &Sent) -> String {
    sent.header("Subscription-State").unwrap()
}

fn subscriptions(world: &World) -> usize {
    world.parties[0].stack.population().subscriptions
}

#[test]
fn a_subscriber_is_answered_and_told_at_once_in_a_dialog_of_his_own() {
    let mut world = World::new(1);
    let routes = "Record-Route: <sip:192.0.2.77;lr>\nEvent: dialog;id=7;x=y\nExpires: 3600\n";
    let (_, ok) = subscribe(&mut world, routes);
    assert_eq!((ok.status(), ok.header("Expires").unwrap()), (200, "3600".to_owned()));
    assert_eq!(ok.header("Record-Route").unwrap(), "<sip:192.0.2.77;lr>");
    assert!(ok.header("Contact").unwrap().contains("192.0.2.1"));
    let told = notices(&world).pop().unwrap();
    assert_eq!(told.line(), "NOTIFY sip:carol@192.0.2.77:5060");
    assert_eq!(
        ["Event", "Subscription-State", "Content-Type", "Route"].map(|name| told.header(name).unwrap()),
        ["dialog;id=7", "active;expires=3600", "application/dialog-info+xml", "<sip:192.0.2.77;lr>"].map(str::to_owned)
    );
    assert_eq!((told.header("From"), told.header("To")), (ok.header("To"), ok.header("From")));
    assert!(told.text().ends_with("\r\n\r\n<state/>"));
}

#[test]
fn without_an_expires_it_lasts_for_an_hour_and_never_longer() {
    for (extra, granted) in
        [("", "3600"), ("Expires: 90000\n", "3600"), ("Expires: x\n", "3600"), ("Expires: 60\n", "60")]
    {
        let mut world = World::new(1);
        let (_, ok) = subscribe(&mut world, &format!("Event: message-summary\n{extra}"));
        assert_eq!(ok.header("Expires").unwrap(), granted, "{extra}");
    }
}

#[test]
fn what_cannot_be_served_is_refused_and_nothing_is_kept() {
    let cases = [
        ("", 489, Some(("Allow-Events", "dialog, message-summary"))),
        ("Event: presence\n", 489, Some(("Allow-Events", "dialog, message-summary"))),
        ("Event: Dialog\n", 489, None),
        ("Event: dialog.winfo\n", 489, None),
        ("Event: dialog\nAccept: application/pidf+xml\n", 406, None),
        ("Event: message-summary\nAccept: application/dialog-info+xml\n", 406, None),
        ("Event: dialog\nExpires: 59\n", 423, Some(("Min-Expires", "60"))),
        ("Event: dialog;call-id=c\n", 400, None),
        ("Event: dialog;to-tag=1;from-tag=2\n", 400, None),
        ("Event: dialog\nRequire: eventlist\n", 420, Some(("Unsupported", "eventlist"))),
    ];
    for (extra, status, field) in cases {
        let mut world = World::new(1);
        world.inject(stranger(), 0, &request("SUBSCRIBE", "s", extra));
        let answer = world.last_to(stranger());
        assert_eq!(answer.status(), status, "{extra}");
        if let Some((name, value)) = field {
            assert_eq!(answer.header(name).as_deref(), Some(value), "{extra}");
        }
        assert!(world.events(0).is_empty());
        world.drive_to_the_end();
        world.assert_quiet();
    }
    let long_id = format!("Event: dialog;id={}\n", "x".repeat(65));
    let long_names = format!("Event: dialog;call-id={};to-tag=1\n", "x".repeat(1024));
    let long_way = format!("Event: dialog\nRecord-Route: <sip:{}@h;lr>\n", "x".repeat(4096));
    let text = |extra| request("SUBSCRIBE", "s", extra);
    let no_contact = text("Event: dialog\n").replace("Contact: <sip:carol@192.0.2.77:5060>\n", "");
    for (text, status) in [(text(&long_id), 400), (text(&long_names), 400), (text(&long_way), 513), (no_contact, 400)] {
        let mut world = World::new(1);
        world.inject(stranger(), 0, &text);
        assert_eq!(world.last_to(stranger()).status(), status);
        assert_eq!(subscriptions(&world), 0);
    }
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("OPTIONS", "o", ""));
    assert_eq!(world.last_to(stranger()).header("Allow-Events").unwrap(), "dialog, message-summary");
}

#[test]
fn an_accept_that_has_room_for_the_package_is_met() {
    for accept in ["application/dialog-info+xml", "text/plain, application/*;q=0.5", "*/*"] {
        let mut world = World::new(1);
        assert_eq!(subscribe(&mut world, &format!("Event: dialog\nAccept: {accept}\n")).1.status(), 200);
    }
}

#[test]
fn a_refresh_prolongs_it_and_moves_it_and_one_without_time_ends_it() {
    let mut world = World::new(1);
    let (subscription, ok) = subscribe(&mut world, "Event: dialog\nExpires: 60\n");
    answer(&mut world, "200 OK", "");
    world.drive(50 * SECOND);
    let moved = within(&ok, "SUBSCRIBE", "s2", 2, "Event: dialog\nExpires: 100\n");
    world.inject(stranger(), 0, &moved.replace("Contact: <sip:carol@", "Contact: <sip:elsewhere@"));
    assert!(tell(&mut world).is_empty());
    let told = notices(&world).pop().unwrap();
    assert_eq!(
        (told.line(), state(&told)),
        ("NOTIFY sip:elsewhere@192.0.2.77:5060".into(), "active;expires=100".into())
    );
    answer(&mut world, "200 OK", "");
    world.drive(50 * SECOND);
    assert!(tell(&mut world).is_empty(), "the first time is over, the second is not");
    // A number that came before, another package, another id, another's tag.
    for (cseq, extra, status) in [
        (2, "Event: dialog\n", 500),
        (3, "Event: message-summary\n", 403),
        (4, "Event: dialog;id=1\n", 403),
        (5, "Event: dialog\nExpires: 1\n", 423),
    ] {
        assert_eq!(again(&mut world, &ok, cseq, extra), (status, vec![]), "{extra}");
    }
    let other = within(&ok, "SUBSCRIBE", "o", 6, "Event: dialog\n").replace(";tag=carol", ";tag=mallory");
    world.inject(stranger(), 0, &other);
    assert_eq!(world.last_to(stranger()).status(), 481);
    assert_eq!(again(&mut world, &ok, 7, "Event: dialog\nExpires: 0\n").1, [subscription]);
    assert_eq!(state(&notices(&world).pop().unwrap()), "terminated;reason=timeout");
    assert_eq!(again(&mut world, &ok, 8, "Event: dialog\n").0, 481);
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn one_that_is_about_one_dialog_stays_about_that() {
    let mut world = World::new(1);
    let names = "call-id=\"c;id=9@h\";to-tag=1";
    let (subscription, ok) =
        subscribe(&mut world, &format!("Event: dialog;{names};id=7;include-session-description\n"));
    let filter = world.parties[0].stack.dialog_filter(subscription).cloned().unwrap();
    assert_eq!((&*filter.call_id, &*filter.local_tag, filter.remote_tag), ("c;id=9@h", "1", None));
    assert_eq!(notices(&world)[0].header("Event").unwrap(), "dialog;id=7");
    answer(&mut world, "200 OK", "");
    for (cseq, params, status) in [
        (2, format!(";{names}"), 200),
        (3, String::new(), 200),
        (4, format!(";{names};from-tag=2"), 403),
        (5, ";call-id=other;to-tag=1".to_owned(), 403),
        (6, ";call-id=other".to_owned(), 400),
    ] {
        assert_eq!(again(&mut world, &ok, cseq, &format!("Event: dialog;id=7{params}\n")).0, status, "{params}");
    }
    assert!(world.parties[0].stack.dialog_filter(subscription).is_some());
    let mut world = World::new(1);
    let (subscription, _) = subscribe(&mut world, "Event: message-summary;call-id=c\n");
    assert_eq!(world.parties[0].stack.dialog_filter(subscription), None, "the package has no such parameter");
}

#[test]
fn what_else_is_said_in_its_dialog_changes_nothing() {
    let mut world = World::new(1);
    let (_, ok) = subscribe(&mut world, "Event: dialog\n");
    for (cseq, method, status) in
        [(2, "OPTIONS", 200), (3, "BYE", 481), (4, "INVITE", 403), (5, "MESSAGE", 403), (6, "INFO", 481)]
    {
        world.inject(stranger(), 0, &within(&ok, method, method, cseq, ""));
        assert_eq!(world.last_to(stranger()).status(), status, "{method}");
    }
    assert!(world.events(0).is_empty());
    assert_eq!(subscriptions(&world), 1);
}

#[test]
fn one_that_nobody_refreshes_ends_by_itself() {
    let mut world = World::new(1);
    let (subscription, ok) = subscribe(&mut world, "Event: dialog\nExpires: 60\n");
    answer(&mut world, "200 OK", "");
    world.drive(61 * SECOND);
    assert_eq!(tell(&mut world), [subscription]);
    assert_eq!(
        notices(&world).iter().map(state).collect::<Vec<_>>(),
        ["active;expires=60", "terminated;reason=timeout"]
    );
    assert_eq!(again(&mut world, &ok, 2, "Event: dialog\n").0, 481);
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn one_without_time_is_told_once() {
    let mut world = World::new(1);
    world.inject(stranger(), 0, &request("SUBSCRIBE", "s", "Event: message-summary\nExpires: 0\n"));
    let Some(Event::Subscribed { pending, package: Package::MessageSummary, .. }) = world.events(0).pop() else {
        panic!()
    };
    let subscription =
        world.act(0, |stack, now| stack.accept_subscription(now, pending, Package::MessageSummary)).unwrap();
    assert_eq!(tell(&mut world), [subscription]);
    let told = notices(&world).pop().unwrap();
    assert_eq!(state(&told), "terminated;reason=timeout");
    assert!(told.text().ends_with("<state/>"));
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn one_notify_at_a_time_and_the_newest_state_after_it() {
    let mut world = World::new(1);
    let (subscription, _) = subscribe(&mut world, "Event: dialog\n");
    for _ in 0..3 {
        world.act(0, |stack, _| stack.touch_subscription(subscription));
        tell(&mut world);
    }
    assert_eq!(notices(&world).len(), 1);
    answer(&mut world, "200 OK", "");
    assert_eq!(notices(&world).len(), 2, "of three changes one is told");
    answer(&mut world, "200 OK", "");
    assert_eq!(notices(&world).len(), 2);
    // The end, too, waits for an answer.
    world.act(0, |stack, _| stack.touch_subscription(subscription));
    tell(&mut world);
    world.act(0, |stack, _| stack.end_subscription(subscription, SubscriptionEnd::NoResource));
    assert!(tell(&mut world).is_empty());
    assert_eq!(answer(&mut world, "200 OK", ""), [subscription]);
    assert_eq!(state(&notices(&world).pop().unwrap()), "terminated;reason=noresource");
    let numbers: Vec<String> = notices(&world).iter().map(|sent| sent.header("CSeq").unwrap()).collect();
    assert_eq!(numbers, ["1 NOTIFY", "2 NOTIFY", "3 NOTIFY", "4 NOTIFY"]);
}

#[test]
fn who_takes_no_notify_is_told_no_more() {
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n";
    for (status, extra) in [
        ("481 Gone", ""),
        ("481 Gone", "Retry-After: 5\n"),
        ("401 Who", challenge),
        ("407 Who", challenge),
        ("405 No", ""),
        ("500 Oh", ""),
        ("302 There", ""),
    ] {
        let mut world = World::new(1);
        let (subscription, ok) = subscribe(&mut world, "Event: dialog\n");
        assert_eq!(answer(&mut world, status, extra), [subscription], "{status}");
        assert_eq!(again(&mut world, &ok, 2, "Event: dialog\n").0, 481);
        world.drive_to_the_end();
        assert_eq!(notices(&world).len(), 1);
        world.assert_quiet();
    }
    // Nor who says nothing at all.
    let mut world = World::new(1);
    let (subscription, _) = subscribe(&mut world, "Event: dialog\n");
    world.act(0, |stack, _| stack.touch_subscription(subscription));
    world.drive(33 * SECOND);
    assert_eq!(tell(&mut world), [subscription]);
    assert_eq!(subscriptions(&world), 0);
}

#[test]
fn who_asks_for_time_is_told_again_when_it_is_over() {
    let mut world = World::new(1);
    let (subscription, _) = subscribe(&mut world, "Event: dialog\nExpires: 60\n");
    assert!(answer(&mut world, "503 Busy", "Retry-After: 20 (restart)\n").is_empty());
    world.act(0, |stack, _| stack.touch_subscription(subscription));
    world.drive(19 * SECOND);
    tell(&mut world);
    assert_eq!(notices(&world).len(), 1);
    world.drive(2 * SECOND);
    tell(&mut world);
    assert_eq!(state(&notices(&world)[1]), "active;expires=39");
    // His own time runs out before.
    assert!(answer(&mut world, "503 Busy", "Retry-After: 4000000\n").is_empty());
    world.drive(40 * SECOND);
    assert_eq!(tell(&mut world), [subscription]);
    assert_eq!(state(&notices(&world)[2]), "terminated;reason=timeout");
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn there_are_no_more_than_may_be_and_none_while_draining() {
    let mut world = World::with(1, 1, vec![], |config| sip::StackConfig { max_subscriptions: 1, ..config });
    let (subscription, _) = subscribe(&mut world, "Event: dialog\n");
    let second = request("SUBSCRIBE", "t", "Event: dialog\n").replace("call-of-carol", "second");
    world.inject(stranger(), 0, &second);
    let answer = world.last_to(stranger());
    assert_eq!((answer.status(), answer.header("Retry-After").unwrap()), (503, "10".to_owned()));
    world.act(0, |stack, _| {
        stack.drain(true);
        stack.end_subscriptions(SubscriptionEnd::Deactivated);
    });
    tell(&mut world);
    let first = notices(&world).pop().unwrap();
    world.inject(stranger(), 0, &reply(&first, "200 OK", "", ""));
    assert_eq!(tell(&mut world), [subscription]);
    assert_eq!(state(&notices(&world).pop().unwrap()), "terminated;reason=deactivated");
    world.inject(stranger(), 0, &second.replace("z9hG4bKt", "z9hG4bKu"));
    assert_eq!(world.last_to(stranger()).status(), 503);
    world.drive_to_the_end();
    assert_eq!(world.parties[0].stack.population(), Population::default());
}

#[test]
fn a_subscribe_that_is_sent_again_begins_nothing_else() {
    let mut world = World::new(1);
    let (_, ok) = subscribe(&mut world, "Event: dialog\n");
    world.inject(stranger(), 0, &request("SUBSCRIBE", "s", "Event: dialog\n"));
    assert_eq!(world.last_to(stranger()).payload, ok.payload);
    assert!(world.events(0).is_empty());
    assert_eq!(subscriptions(&world), 1);
}
