//! Our INVITE is challenged: RFC 3261 22.1 (the ACK), 22.2 (the same call again, with the next number), 22.3 (a proxy); RFC 7616
//! 3.3 (stale); RFC 8760 2.4 (the strongest hash). By a login: in one realm, at one machine, for every kind of request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use harness::{CONTACT, Sent, World, invite_to, reply, stranger};
use sip::digest::{Credentials, Login, Secret};
use sip::{Aside, EndCause, Event, Inquiry, Invite, SessionId};

const ASKS: &str = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\n";

/// Party 0 calls the stranger, with a password.
fn calling(world: &mut World) -> (SessionId, Sent) {
    let credentials = Credentials::new("105", "secret");
    let session = world.act(0, |stack, now| stack.invite_as(now, invite_to(0, stranger()), credentials));
    (session, world.last_to(stranger()))
}

/// The stranger answers the last INVITE.
fn respond(world: &mut World, status: &str, extra: &str) {
    let invites = world.sent_to(stranger());
    let last = invites.iter().rfind(|sent| sent.line().starts_with("INVITE")).unwrap();
    world.inject(stranger(), 0, &reply(last, status, "b", extra));
}

#[test]
fn the_same_call_is_placed_again_with_the_answer_and_the_next_number() {
    let mut world = World::new(1);
    let (session, first) = calling(&mut world);
    assert_eq!(first.header("Authorization"), None);
    respond(&mut world, "100 Trying", "");
    respond(&mut world, "401 Unauthorized", ASKS);
    assert_eq!(world.story(), ["a: INVITE", "a: ACK", "a: INVITE"]);
    let again = world.last_to(stranger());
    for same in ["Call-ID", "From", "To", "Contact"] {
        assert_eq!(again.header(same), first.header(same), "{same}");
    }
    assert_eq!(again.header("CSeq").unwrap(), "2 INVITE");
    assert_ne!(again.header("Via"), first.header("Via"), "a transaction of its own");
    let proof = again.header("Authorization").unwrap();
    for part in ["username=\"105\"", "realm=\"r\"", "nonce=\"n1\"", "uri=\"sip:bob@192.0.2.77:5060\"", "nc=00000001"] {
        assert!(proof.contains(part), "{proof}");
    }
    assert!(world.events(0).is_empty(), "the application hears of the call, not of this");
    respond(&mut world, "180 Ringing", CONTACT);
    respond(&mut world, "200 OK", CONTACT);
    let events = world.events(0);
    assert!(
        matches!(events[..], [Event::Progress { status: 180, .. }, Event::Answered { session: of, .. }] if of == session)
    );
    let ack = world.last_to(stranger());
    assert_eq!((ack.header("CSeq").unwrap().as_str(), ack.header("Authorization")), ("2 ACK", Some(proof)));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "3 BYE");
}

#[test]
fn a_proxy_is_answered_in_its_own_field_and_by_the_strongest_hash() {
    let mut world = World::new(1);
    calling(&mut world);
    let asks = "Proxy-Authenticate: Digest realm=\"p\", nonce=\"m\", algorithm=MD5, qop=\"auth\"\n\
                Proxy-Authenticate: Digest realm=\"p\", nonce=\"s\", algorithm=SHA-256, qop=\"auth\"\n";
    respond(&mut world, "407 Proxy Authentication Required", asks);
    let again = world.last_to(stranger());
    let proof = again.header("Proxy-Authorization").unwrap();
    assert!(proof.contains("algorithm=SHA-256") && proof.contains("nonce=\"s\""), "{proof}");
    assert_eq!(again.header("Authorization"), None);
}

#[test]
fn a_wrong_password_is_sent_once() {
    let mut world = World::new(1);
    calling(&mut world);
    respond(&mut world, "401 Unauthorized", ASKS);
    respond(&mut world, "401 Unauthorized", &ASKS.replace("n1", "n2"));
    assert_eq!(world.times("INVITE").len(), 2);
    assert!(matches!(world.events(0)[..], [Event::Refused { status: 401, local: false, .. }]));
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn an_old_nonce_is_replaced_once_more() {
    let mut world = World::new(1);
    calling(&mut world);
    let stale = |nonce| ASKS.replace("n1", nonce).replace("\n", ", stale=true\n");
    respond(&mut world, "401 Unauthorized", ASKS);
    respond(&mut world, "401 Unauthorized", &stale("n2"));
    let again = world.last_to(stranger());
    assert_eq!(again.header("CSeq").unwrap(), "3 INVITE");
    assert!(again.header("Authorization").unwrap().contains("nonce=\"n2\""));
    respond(&mut world, "401 Unauthorized", &stale("n3"));
    assert_eq!(world.times("INVITE").len(), 3);
    assert!(matches!(world.events(0)[..], [Event::Refused { status: 401, .. }]));
}

#[test]
fn what_cannot_be_answered_is_the_last_word() {
    for (status, asks) in [
        ("401 Unauthorized", ""),
        ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"r\"\n"),
        ("407 Proxy Authentication Required", ASKS),
        ("403 Forbidden", ASKS),
    ] {
        let mut world = World::new(1);
        calling(&mut world);
        respond(&mut world, status, asks);
        assert!(matches!(world.events(0)[..], [Event::Refused { local: false, .. }]), "{status} {asks}");
        assert_eq!(world.times("INVITE").len(), 1);
    }
}

#[test]
fn who_hung_up_does_not_call_again() {
    let mut world = World::new(1);
    let (session, _) = calling(&mut world);
    respond(&mut world, "100 Trying", "");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    respond(&mut world, "401 Unauthorized", ASKS);
    assert_eq!(world.times("INVITE").len(), 1);
    assert!(matches!(world.events(0)[..], [Event::Ended { cause: EndCause::HungUp, .. }]));
}

#[test]
fn the_second_invite_is_the_one_that_a_hang_up_cancels() {
    let mut world = World::new(1);
    let (session, _) = calling(&mut world);
    respond(&mut world, "401 Unauthorized", ASKS);
    respond(&mut world, "180 Ringing", CONTACT);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(world.last_to(stranger()).header("CSeq").unwrap(), "2 CANCEL");
    respond(&mut world, "487 Request Terminated", "");
    world.drive_to_the_end();
    world.assert_quiet();
}

fn login(realm: &str) -> Login {
    Login { realm: realm.into(), user: "acct".into(), secret: Secret::of("acct", realm, "secret") }
}

/// Party 0 calls the stranger by a login in realm `r`.
fn calling_by_login(world: &mut World) -> SessionId {
    world.act(0, |stack, _| stack.set_logins([("carrier".into(), login("r"))]));
    placed(world)
}

fn placed(world: &mut World) -> SessionId {
    let invite = Invite { login: Some("carrier".into()), ..invite_to(0, stranger()) };
    world.act(0, |stack, now| stack.invite(now, invite))
}

/// The last request of that method, of which the stranger then answers.
fn last(world: &World, method: &str) -> Sent {
    world.sent_to(stranger()).into_iter().rfind(|sent| sent.line().starts_with(method)).unwrap()
}

fn answer(world: &mut World, method: &str, status: &str, extra: &str) {
    let text = reply(&last(world, method), status, "b", extra);
    world.inject(stranger(), 0, &text);
}

#[test]
fn a_login_answers_in_its_own_realm_alone() {
    let mut world = World::new(1);
    calling_by_login(&mut world);
    respond(&mut world, "401 Unauthorized", &ASKS.replace("\"r\"", "\"evil\""));
    assert_eq!(world.times("INVITE").len(), 1, "the secret is of another realm");
    assert!(matches!(world.events(0)[..], [Event::Refused { status: 401, .. }]));
    placed(&mut world);
    let both = format!("{}{ASKS}", ASKS.replace("\"r\"", "\"evil\"").replace("MD5", "SHA-256"));
    respond(&mut world, "401 Unauthorized", &both);
    let proof = last(&world, "INVITE").header("Authorization").unwrap();
    assert!(proof.contains("realm=\"r\"") && proof.contains("username=\"acct\""), "{proof}");
}

#[test]
fn what_a_peer_asked_once_is_answered_by_itself_with_the_next_count() {
    let mut world = World::new(1);
    calling_by_login(&mut world);
    respond(&mut world, "407 Proxy Authentication Required", &ASKS.replace("WWW", "Proxy"));
    respond(&mut world, "486 Busy Here", "");
    placed(&mut world);
    let proof = last(&world, "INVITE").header("Proxy-Authorization").unwrap();
    assert!(proof.contains("nonce=\"n1\"") && proof.contains("nc=00000002"), "{proof}");
    // A peer that has forgotten its nonce is answered once more, whether it says `stale` or not.
    respond(&mut world, "407 Proxy Authentication Required", &ASKS.replace("WWW", "Proxy").replace("n1", "n2"));
    let proof = last(&world, "INVITE").header("Proxy-Authorization").unwrap();
    assert!(proof.contains("nonce=\"n2\"") && proof.contains("nc=00000001"), "{proof}");
    respond(&mut world, "407 Proxy Authentication Required", &ASKS.replace("WWW", "Proxy").replace("n1", "n3"));
    assert!(matches!(world.events(0)[..], [Event::Refused { .. }, Event::Refused { status: 407, .. }]));
    // What was refused is not sent by itself another time, and another login begins anew.
    placed(&mut world);
    assert_eq!(last(&world, "INVITE").header("Proxy-Authorization"), None);
}

#[test]
fn a_bye_that_is_challenged_is_sent_again_and_then_goes_with_proof_by_itself() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "200 OK", CONTACT);
    world.act(0, |stack, now| stack.hang_up(now, session, Some("Q.850;cause=16".into())));
    answer(&mut world, "BYE", "401 Unauthorized", ASKS);
    let again = last(&world, "BYE");
    assert_eq!(again.header("CSeq").unwrap(), "3 BYE");
    assert!(again.header("Authorization").unwrap().contains("nc=00000001"));
    assert_eq!(again.header("Reason").unwrap(), "Q.850;cause=16");
    assert!(world.events(0).iter().all(|event| !event.is_end()), "not before the answer to that");
    answer(&mut world, "BYE", "200 OK", "");
    assert!(matches!(world.events(0)[..], [Event::Ended { cause: EndCause::HungUp, .. }]));
    let session = placed(&mut world);
    respond(&mut world, "200 OK", CONTACT);
    assert!(last(&world, "ACK").header("Authorization").is_some(), "as the INVITE had it");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert!(last(&world, "BYE").header("Authorization").unwrap().contains("nc=00000003"));
    answer(&mut world, "BYE", "200 OK", "");
    world.drive_to_the_end();
    world.assert_quiet();
}

#[test]
fn a_wrong_password_ends_a_bye_all_the_same() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "200 OK", CONTACT);
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    answer(&mut world, "BYE", "401 Unauthorized", ASKS);
    answer(&mut world, "BYE", "401 Unauthorized", &ASKS.replace("n1", "n2"));
    assert_eq!(world.times("BYE").len(), 2);
    world.drive_to_the_end();
    world.assert_quiet();
    assert_eq!(world.events(0).iter().filter(|event| event.is_end()).count(), 1);
}

#[test]
fn a_change_that_is_challenged_is_offered_again_with_proof_in_its_ack_too() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "200 OK", CONTACT);
    world.act(0, |stack, now| stack.change(now, session, bytes::Bytes::from_static(b"other"))).unwrap();
    answer(&mut world, "INVITE", "401 Unauthorized", ASKS);
    let again = last(&world, "INVITE");
    assert_eq!(again.header("CSeq").unwrap(), "3 INVITE");
    assert!(again.text().ends_with("other"));
    answer(&mut world, "INVITE", "200 OK", CONTACT);
    let events = world.events(0);
    assert!(matches!(events.last(), Some(Event::ChangeAnswered { .. })), "{events:?}");
    assert_eq!(last(&world, "ACK").header("Authorization"), again.header("Authorization"));
}

#[test]
fn credentials_stay_with_the_machine_that_the_call_was_placed_to() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "200 OK", "Contact: <sip:bob@192.0.2.99:5060>\n");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    let elsewhere = "192.0.2.99:5060".parse().unwrap();
    let bye = world.last_to(elsewhere);
    assert!(bye.line().starts_with("BYE"));
    world.inject(elsewhere, 0, &reply(&bye, "401 Unauthorized", "b", ASKS));
    assert_eq!(world.times("BYE").len(), 1, "another machine learns nothing");
    assert!(matches!(world.events(0).last(), Some(Event::Ended { .. })));
}

#[test]
fn the_bye_of_a_call_that_came_in_is_answered_for_by_the_login_of_its_trunk() {
    let mut world = World::new(1);
    world.act(0, |stack, _| stack.set_logins([("carrier".into(), login("r"))]));
    world.inject(stranger(), 0, &harness::request("INVITE", "1", ""));
    let session = world.invited(0);
    world.act(0, |stack, now| {
        stack.identify(now, session, "carrier".into(), stranger().ip());
        stack.accept(now, session, bytes::Bytes::from_static(b"answer"));
    });
    let ok = world.last_to(stranger());
    world.inject(stranger(), 0, &harness::within(&ok, "ACK", "2", 1, ""));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    answer(&mut world, "BYE", "401 Unauthorized", ASKS);
    assert!(last(&world, "BYE").header("Authorization").is_some());
}

#[test]
fn an_inquiry_is_answered_once_be_it_by_silence_and_proves_itself() {
    let mut world = World::new(1);
    world.act(0, |stack, _| stack.set_logins([("carrier".into(), login("r"))]));
    let invite = invite_to(0, stranger());
    let inquiry = || Inquiry {
        flow: invite.flow,
        method: sip_message::Method::Register,
        target: invite.target.clone(),
        from: invite.from.clone(),
        to: invite.from.clone(),
        call_id: Some("series".into()),
        cseq: 7,
        contact: Some(sip::Own { user: "acct".into(), line: Some("x1".into()) }),
        headers: vec![sip::expires(300)],
        body: None,
        login: Some("carrier".into()),
        onward: sip::Onward::default(),
    };
    let id = world.act(0, |stack, now| stack.inquire(now, inquiry()));
    answer(&mut world, "REGISTER", "401 Unauthorized", ASKS);
    let again = last(&world, "REGISTER");
    assert_eq!(
        (again.header("CSeq").unwrap(), again.header("Call-ID").unwrap()),
        ("8 REGISTER".into(), "series".into())
    );
    assert_eq!(again.header("Contact").unwrap(), "<sip:acct@192.0.2.1:5060;line=x1>");
    assert_eq!(again.header("Expires").unwrap(), "300");
    answer(&mut world, "REGISTER", "200 OK", "");
    answer(&mut world, "REGISTER", "200 OK", "");
    let events = world.events(0);
    assert!(
        matches!(&events[..], [Event::Replied { inquiry, cseq: 8, status: 200, answer: Some(_) }] if *inquiry == id)
    );
    world.act(0, |stack, now| stack.inquire(now, inquiry()));
    world.drive_to_the_end();
    assert!(matches!(world.events(0)[..], [Event::Replied { status: 408, answer: None, .. }]));
    world.assert_quiet();
}

/// Says something beside a session.
fn says(world: &mut World, session: SessionId) {
    let body = Some(("application/dtmf".to_owned(), bytes::Bytes::from_static(b"5")));
    let aside = Aside { method: sip_message::Method::Info, headers: Vec::new(), body };
    assert!(world.act(0, |stack, now| stack.ask(now, session, &aside)));
}

#[test]
fn an_info_that_is_challenged_is_sent_again_and_the_next_proves_itself() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "200 OK", CONTACT);
    world.events(0);
    says(&mut world, session);
    answer(&mut world, "INFO", "407 Proxy Authentication Required", &ASKS.replace("WWW", "Proxy"));
    let again = last(&world, "INFO");
    assert_eq!(again.header("CSeq").unwrap(), "3 INFO");
    assert!(again.header("Proxy-Authorization").unwrap().contains("nc=00000001"));
    assert!(again.text().ends_with("\r\n\r\n5"), "{}", again.text());
    assert!(world.events(0).is_empty());
    answer(&mut world, "INFO", "200 OK", "");
    assert!(matches!(world.events(0)[..], [Event::AsideReplied { status: 200, .. }]));
    says(&mut world, session);
    assert!(last(&world, "INFO").header("Proxy-Authorization").unwrap().contains("nc=00000002"));
    // A password that proves nothing is the last word.
    for nonce in ["n2", "n3"] {
        answer(&mut world, "INFO", "401 Unauthorized", &ASKS.replace("n1", nonce));
    }
    assert_eq!(world.times("INFO").len(), 4);
    assert!(matches!(world.events(0)[..], [Event::AsideReplied { status: 401, .. }]));
}

#[test]
fn a_phone_is_told_nothing_whatever_it_asks() {
    let mut world = World::new(1);
    world.act(0, |stack, _| stack.set_logins([("carrier".into(), login("r"))]));
    let session = world.call(0, stranger());
    respond(&mut world, "200 OK", CONTACT);
    world.events(0);
    says(&mut world, session);
    answer(&mut world, "INFO", "401 Unauthorized", ASKS);
    assert_eq!(world.times("INFO").len(), 1);
    assert!(matches!(world.events(0)[..], [Event::AsideReplied { status: 401, .. }]));
}

#[test]
fn a_prack_that_is_challenged_is_sent_again_and_its_silence_ends_nothing() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "180 Ringing", &format!("{CONTACT}Require: 100rel\nRSeq: 7\n"));
    answer(&mut world, "PRACK", "401 Unauthorized", ASKS);
    let again = last(&world, "PRACK");
    assert_eq!((again.header("CSeq").unwrap(), again.header("RAck").unwrap()), ("3 PRACK".into(), "7 1 INVITE".into()));
    assert!(again.header("Authorization").unwrap().contains("nc=00000001"));
    respond(&mut world, "200 OK", CONTACT);
    world.drive_ms(60_000);
    assert!(world.events(0).iter().all(|event| !event.is_end()));
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    assert_eq!(last(&world, "BYE").header("CSeq").unwrap(), "4 BYE");
}

#[test]
fn an_early_update_that_is_challenged_is_offered_again() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    let early = format!("{CONTACT}Require: 100rel\nRSeq: 7\nAllow: UPDATE\nContent-Type: application/sdp\n");
    let text = reply(&last(&world, "INVITE"), "183 Session Progress", "b", &early);
    world.inject(stranger(), 0, &text.replace("Content-Length: 0\n\n", "Content-Length: 6\n\nanswer"));
    answer(&mut world, "PRACK", "200 OK", "");
    world.events(0);
    world.act(0, |stack, now| stack.update(now, session, bytes::Bytes::from_static(b"offer"))).unwrap();
    answer(&mut world, "UPDATE", "401 Unauthorized", ASKS);
    let again = last(&world, "UPDATE");
    assert_eq!(again.header("CSeq").unwrap(), "4 UPDATE");
    assert!(again.header("Authorization").is_some() && again.text().ends_with("offer"));
    assert!(world.events(0).is_empty());
}

#[test]
fn a_notify_that_is_challenged_is_sent_again_also_after_the_call() {
    let mut world = World::new(1);
    let session = calling_by_login(&mut world);
    respond(&mut world, "200 OK", CONTACT);
    let ok = last(&world, "INVITE");
    let (to, from) = (ok.header("From").unwrap(), ok.header("To").unwrap());
    let refer = harness::request("REFER", "refer", "Refer-To: <sip:102@192.0.2.1>\n")
        .replace("From: <sip:carol@192.0.2.77>;tag=carol", &format!("From: {from};tag=b"))
        .replace("To: <sip:1000@192.0.2.1>", &format!("To: {to}"))
        .replace("Call-ID: call-of-carol", &format!("Call-ID: {}", ok.header("Call-ID").unwrap()));
    world.inject(stranger(), 0, &refer);
    let Some(Event::Referred { pending, .. }) = world.events(0).pop() else { panic!("no REFER") };
    let lasts = std::time::Duration::from_secs(30);
    let referral = world.act(0, |stack, now| stack.accept_refer(now, session, pending, lasts)).unwrap();
    answer(&mut world, "NOTIFY", "401 Unauthorized", ASKS);
    let again = last(&world, "NOTIFY");
    assert!(again.header("Authorization").unwrap().contains("nc=00000001"));
    assert!(again.text().ends_with("SIP/2.0 100 Trying\r\n"), "{}", again.text());
    answer(&mut world, "NOTIFY", "200 OK", "");
    world.act(0, |stack, now| stack.hang_up(now, session, None));
    answer(&mut world, "BYE", "200 OK", "");
    world.act(0, |stack, now| stack.notify_referral(now, referral, 200, true));
    answer(&mut world, "NOTIFY", "401 Unauthorized", &ASKS.replace("n1", "n2"));
    let again = last(&world, "NOTIFY");
    assert!(again.header("Authorization").unwrap().contains("nonce=\"n2\""));
    assert!(again.text().ends_with("SIP/2.0 200 OK\r\n"), "{}", again.text());
    answer(&mut world, "NOTIFY", "200 OK", "");
    world.drive_to_the_end();
    world.assert_quiet();
}
