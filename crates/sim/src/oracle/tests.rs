//! Short exchanges with one fault each: the oracle names its section; and without it, it says nothing.

use super::*;

/// What happens at a time, in milliseconds: the switch sends (`>`) or gets (`<`) this.
type Step<'a> = (u64, char, &'a str, &'a str, &'a str);

const INVITE: &str = "INVITE sip:b@127.0.0.1:5071 SIP/2.0";
const ACK: &str = "ACK sip:b@127.0.0.1:5071 SIP/2.0";
const BYE: &str = "BYE sip:b@127.0.0.1:5071 SIP/2.0";
const UPDATE: &str = "UPDATE sip:b@127.0.0.1:5071 SIP/2.0";
const CONTACT: &str = "Contact: <sip:s@127.0.0.1:5060>\r\n";
const OFFER: &str = "Contact: <sip:s@127.0.0.1:5060>\r\nContent-Type: application/sdp\r\n";

/// `what` is the first line, `how` the branch, the number and method of CSeq and the tags of From and To, `more` other header
/// fields. One of type `application/sdp` gets a body.
fn message(what: &str, how: &str, more: &str) -> Bytes {
    let words: Vec<&str> = how.split(' ').collect();
    let [branch, number, method, from, to] = words[..] else { panic!("{how}") };
    let tag = |tag: &str| if tag == "-" { String::new() } else { format!(";tag={tag}") };
    let body = if more.contains("application/sdp") { "v=0\r\n" } else { "" };
    Bytes::from(format!(
        "{what}\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{branch}\r\nFrom: <sip:a@a>{}\r\nTo: <sip:b@b>{}\r\n\
         Call-ID: c\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: {}\r\n\r\n{body}",
        tag(from),
        tag(to),
        body.len()
    ))
}

/// The sections that were broken.
fn sections(steps: &[Step<'_>]) -> Vec<&'static str> {
    let mut oracle = Oracle::default();
    for (at, way, what, how, more) in steps {
        let now = Mono::ZERO + Duration::from_millis(*at);
        let octets = message(what, how, more);
        let parsed = sip_message::parse_datagram(octets.clone());
        match (way, parsed) {
            ('>', Ok(parsed)) => oracle.sent(now, false, &octets, &parsed),
            (_, parsed) => oracle.arrived(now, false, &parsed),
        }
    }
    oracle.breaches().iter().map(|breach| breach.law).collect()
}

/// An answered call of the switch, and then `more`.
fn called<'a>(more: &[Step<'a>]) -> Vec<&'static str> {
    let begin: [Step<'a>; 4] = [
        (0, '>', INVITE, "1 1 INVITE s -", OFFER),
        (100, '<', "SIP/2.0 180 Ringing", "1 1 INVITE s p", ""),
        (200, '<', "SIP/2.0 200 OK", "1 1 INVITE s p", OFFER),
        (200, '>', ACK, "2 1 ACK s p", ""),
    ];
    sections(&[&begin, more].concat())
}

/// A call to the switch that it has answered, and then `more`.
fn answered<'a>(invite: &'a str, more: &[Step<'a>]) -> Vec<&'static str> {
    let begin: [Step<'a>; 3] = [
        (0, '<', INVITE, "1 1 INVITE p -", invite),
        (0, '>', "SIP/2.0 180 Ringing", "1 1 INVITE p s", CONTACT),
        (100, '>', "SIP/2.0 200 OK", "1 1 INVITE p s", OFFER),
    ];
    sections(&[&begin, more].concat())
}

#[test]
fn a_call_as_it_should_be_is_not_found_fault_with() {
    let none: [&str; 0] = [];
    assert_eq!(
        called(&[(300, '<', "SIP/2.0 200 OK", "1 1 INVITE s p", OFFER), (300, '>', ACK, "2 1 ACK s p", "")]),
        none
    );
    assert_eq!(called(&[(300, '>', UPDATE, "3 2 UPDATE s p", OFFER), (400, '>', BYE, "4 3 BYE s p", "")]), none);
    let repeats = [(600, '>', "SIP/2.0 200 OK", "1 1 INVITE p s", OFFER), (700, '<', ACK, "2 1 ACK p s", "")];
    assert_eq!(answered(OFFER, &repeats), none);
}

#[test]
fn requests_are_repeated_in_time_and_until_answered() {
    let invite = |at| (at, '>', INVITE, "1 1 INVITE s -", OFFER);
    assert_eq!(sections(&[invite(0), invite(500), invite(1500)]), [""; 0]);
    assert_eq!(sections(&[invite(0), invite(400)]), ["RFC 3261 17.1.1.2"]);
    let ringing = (100, '<', "SIP/2.0 180 Ringing", "1 1 INVITE s p", "");
    assert_eq!(sections(&[invite(0), ringing, invite(500)]), ["RFC 3261 17.1.1.2"]);
    let bye = |at| (at, '>', BYE, "4 2 BYE s p", "");
    assert_eq!(called(&[bye(300), (310, '<', "SIP/2.0 200 OK", "4 2 BYE s p", ""), bye(800)]), ["RFC 3261 17.1.2.2"]);
}

#[test]
fn each_final_response_to_an_invite_is_acknowledged() {
    let invite = (0, '>', INVITE, "1 1 INVITE s -", OFFER);
    let busy = |at| (at, '<', "SIP/2.0 486 Busy Here", "1 1 INVITE s p", "");
    let ack = |at| (at, '>', ACK, "1 1 ACK s p", "");
    assert_eq!(sections(&[invite, busy(100), ack(100), busy(600), ack(600)]), [""; 0]);
    assert_eq!(sections(&[invite, busy(100)]), ["RFC 3261 17.1.1.3"]);
    assert_eq!(sections(&[invite, busy(100), ack(100), busy(600)]), ["RFC 3261 17.1.1.3"]);
    assert_eq!(sections(&[invite, busy(100), (100, '>', ACK, "1 2 ACK s p", "")]), ["RFC 3261 17.1.1.3"]);
    assert_eq!(called(&[(300, '<', "SIP/2.0 200 OK", "1 1 INVITE s p", OFFER)]), ["RFC 3261 13.2.2.4"]);
    assert_eq!(called(&[(300, '>', ACK, "9 1 ACK s other", "")]), ["RFC 3261 13.2.2.4"]);
}

#[test]
fn a_cancel_waits_for_a_response_and_gets_its_487() {
    let cancel = "CANCEL sip:b@127.0.0.1:5071 SIP/2.0";
    let invite = (0, '>', INVITE, "1 1 INVITE s -", OFFER);
    assert_eq!(sections(&[invite, (10, '>', cancel, "1 1 CANCEL s -", "")]), ["RFC 3261 9.1"]);
    let begin = [(0, '<', INVITE, "1 1 INVITE p -", OFFER), (9, '<', cancel, "1 1 CANCEL p -", "")];
    let gone = (9, '>', "SIP/2.0 487 Request Terminated", "1 1 INVITE p s", "");
    let fine = (9, '>', "SIP/2.0 200 OK", "1 1 CANCEL p s", "");
    assert_eq!(sections(&[&begin[..], &[fine, gone]].concat()), [""; 0]);
    assert_eq!(sections(&[&begin[..], &[fine]].concat()), ["RFC 3261 9.2"]);
    let busy = (9, '>', "SIP/2.0 486 Busy Here", "1 1 INVITE p s", "");
    assert_eq!(sections(&[&begin[..], &[fine, busy]].concat()), ["RFC 3261 9.2"]);
}

#[test]
fn responses_copy_their_request_and_end_with_one_final_one() {
    let begin = (0, '<', BYE, "1 1 BYE p s", "");
    assert_eq!(sections(&[begin, (0, '>', "SIP/2.0 200 OK", "1 2 BYE p s", "")]), ["RFC 3261 8.2.6.2"]);
    assert_eq!(sections(&[begin, (0, '>', "SIP/2.0 200 OK", "1 1 BYE p t", "")]), ["RFC 3261 12.1.1"]);
    assert_eq!(sections(&[(0, '>', "SIP/2.0 200 OK", "1 1 BYE p s", "")]), ["RFC 3261 8.2.6"]);
    let gone = (9, '>', "SIP/2.0 487 Gone", "1 1 INVITE p s", "");
    assert_eq!(answered(OFFER, &[gone])[0], "RFC 3261 17.2.1");
    let ringing = (200, '>', "SIP/2.0 180 Ringing", "1 1 INVITE p s", CONTACT);
    assert_eq!(answered(OFFER, &[ringing]), ["RFC 3261 17.2.1"]);
    let again = |at| (at, '>', "SIP/2.0 200 OK", "1 1 INVITE p s", OFFER);
    assert_eq!(answered(OFFER, &[again(300)]), ["RFC 3261 13.3.1.4"]);
    assert_eq!(answered(OFFER, &[(200, '<', ACK, "2 1 ACK p s", ""), again(600)]), ["RFC 6026 7.1"]);
}

#[test]
fn dialogs_keep_order_and_end_with_bye() {
    let bye = (300, '>', BYE, "4 2 BYE s p", "");
    assert_eq!(called(&[bye, (400, '>', UPDATE, "5 3 UPDATE s p", CONTACT)]), ["RFC 3261 15.1.1"]);
    assert_eq!(called(&[(300, '>', UPDATE, "4 1 UPDATE s p", CONTACT)]), ["RFC 3261 12.2.1.1"]);
    assert_eq!(called(&[(300, '>', UPDATE, "4 2 UPDATE s other", CONTACT)]), ["RFC 3261 12.2.1.1"]);
    let updates = [(300, '>', UPDATE, "4 2 UPDATE s p", CONTACT), (310, '>', UPDATE, "5 3 UPDATE s p", CONTACT)];
    assert_eq!(called(&updates), ["RFC 3311 5.1"]);
    let invites = [(300, '>', INVITE, "4 2 INVITE s p", CONTACT), (310, '>', INVITE, "5 3 INVITE s p", CONTACT)];
    assert_eq!(called(&invites), ["RFC 3261 14.1"]);
    let stale = [(300, '<', BYE, "6 1 BYE p s", ""), (300, '>', "SIP/2.0 200 OK", "6 1 BYE p s", "")];
    assert_eq!(answered(OFFER, &[&[(200, '<', ACK, "2 1 ACK p s", "")], &stale[..]].concat()), ["RFC 3261 12.2.2"]);
}

#[test]
fn an_offer_waits_for_the_answer_to_the_last() {
    let update = (300, '>', UPDATE, "4 2 UPDATE s p", OFFER);
    assert_eq!(called(&[update, (310, '>', INVITE, "5 3 INVITE s p", OFFER)])[1..], ["RFC 3264 4"]);
    let theirs = (310, '<', UPDATE, "6 7 UPDATE p s", OFFER);
    let glare = (310, '>', "SIP/2.0 491 Request Pending", "6 7 UPDATE p s", "");
    assert_eq!(called(&[update, theirs, glare]), [""; 0]);
    let taken = (310, '>', "SIP/2.0 200 OK", "6 7 UPDATE p s", OFFER);
    assert!(called(&[update, theirs, taken]).contains(&"RFC 3261 14.2, RFC 3311 5.2"));
    // An INVITE without an offer is answered by one, which the ACK answers.
    assert_eq!(
        sections(&[(0, '<', INVITE, "1 1 INVITE p -", ""), (0, '>', "SIP/2.0 200 OK", "1 1 INVITE p s", CONTACT)]),
        ["RFC 3261 13.2.1"]
    );
    let begin = [(0, '>', INVITE, "1 1 INVITE s -", CONTACT), (9, '<', "SIP/2.0 200 OK", "1 1 INVITE s p", OFFER)];
    assert_eq!(sections(&[&begin[..], &[(9, '>', ACK, "2 1 ACK s p", "")]].concat()), ["RFC 3261 13.2.2.4"]);
    assert_eq!(sections(&[&begin[..], &[(9, '>', ACK, "2 1 ACK s p", OFFER)]].concat()), [""; 0]);
    assert_eq!(
        sections(&[(0, '<', INVITE, "1 1 INVITE p -", OFFER), (0, '>', "SIP/2.0 200 OK", "1 1 INVITE p s", CONTACT)]),
        ["RFC 3261 13.3.1.4"]
    );
}

#[test]
fn reliable_responses_are_numbered_and_acknowledged_in_order() {
    const CAN: &str = "Supported: 100rel\r\nContact: <sip:s@127.0.0.1:5060>\r\nContent-Type: application/sdp\r\n";
    let said = |at, number: &'static str| (at, '>', "SIP/2.0 180 Ringing", "1 1 INVITE p s", number);
    let invite = |more| (0, '<', INVITE, "1 1 INVITE p -", more);
    const FIVE: &str = "Require: 100rel\r\nRSeq: 5\r\n";
    const SEVEN: &str = "Require: 100rel\r\nRSeq: 7\r\n";
    let prack = (100, '<', "PRACK sip:b@b SIP/2.0", "2 2 PRACK p s", "RAck: 5 1 INVITE\r\n");
    let fine = (100, '>', "SIP/2.0 200 OK", "2 2 PRACK p s", "");
    assert_eq!(sections(&[invite(CAN), said(0, FIVE), said(500, FIVE)]), [""; 0]);
    assert_eq!(sections(&[invite(OFFER), said(0, FIVE)]), ["RFC 3262 3"]);
    assert_eq!(sections(&[invite(CAN), said(0, FIVE), said(300, FIVE)]), ["RFC 3262 3"]);
    assert_eq!(sections(&[invite(CAN), said(0, FIVE), prack, fine, said(500, FIVE)]), ["RFC 3262 3"]);
    assert_eq!(sections(&[invite(CAN), said(0, FIVE), prack, fine, said(500, SEVEN)]), ["RFC 3262 7.1"]);
    let refused = (100, '>', "SIP/2.0 481 Gone", "2 2 PRACK p s", "");
    assert_eq!(sections(&[invite(CAN), said(0, FIVE), prack, refused]), ["RFC 3262 3"]);
    let ours = (9, '>', "PRACK sip:b@b SIP/2.0", "2 2 PRACK s p", "RAck: 6 1 INVITE\r\n");
    let came = (9, '<', "SIP/2.0 180 Ringing", "1 1 INVITE s p", FIVE);
    assert_eq!(sections(&[(0, '>', INVITE, "1 1 INVITE s -", OFFER), came, ours]), ["RFC 3262 4"]);
}

#[test]
fn session_timers_are_as_agreed() {
    const ASKED: &str = "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\nContact: <sip:a@a>\r\n\
                         Content-Type: application/sdp\r\n";
    let answer = |more: &'static str| {
        sections(&[(0, '<', INVITE, "1 1 INVITE p -", ASKED), (0, '>', "SIP/2.0 200 OK", "1 1 INVITE p s", more)])
    };
    const FINE: &str = "Require: timer\r\nSession-Expires: 100;refresher=uac\r\nContact: <sip:s@s>\r\n\
                        Content-Type: application/sdp\r\n";
    assert_eq!(answer(FINE), [""; 0]);
    const LONGER: &str = "Require: timer\r\nSession-Expires: 200;refresher=uac\r\nContact: <sip:s@s>\r\n\
                          Content-Type: application/sdp\r\n";
    assert_eq!(answer(LONGER), ["RFC 4028 9"]);
    const OTHER: &str = "Session-Expires: 100;refresher=uas\r\nContact: <sip:s@s>\r\nContent-Type: application/sdp\r\n";
    assert_eq!(answer(OTHER), ["RFC 4028 9"]);
    const SILENT: &str =
        "Session-Expires: 100;refresher=uac\r\nContact: <sip:s@s>\r\nContent-Type: application/sdp\r\n";
    assert_eq!(answer(SILENT), ["RFC 4028 9"]);
    const SHORT: &str =
        "Supported: timer\r\nSession-Expires: 60\r\nContact: <sip:s@s>\r\nContent-Type: application/sdp\r\n";
    assert_eq!(sections(&[(0, '>', INVITE, "1 1 INVITE s -", SHORT)]), ["RFC 4028 7.4"]);
}
