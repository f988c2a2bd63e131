//! Our INVITE is challenged: RFC 3261 22.1 (the ACK), 22.2 (the same call again, with the next number), 22.3 (a proxy); RFC 7616
//! 3.3 (stale); RFC 8760 2.4 (the strongest hash).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use harness::{CONTACT, Sent, World, invite_to, reply, stranger};
use sip::digest::Credentials;
use sip::{EndCause, Event, SessionId};

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
