//! One message of our own for each kind of fault, so that the project tests its reading without the corpus.
//!
//! RFC 3261 sections 7 (structure), 8.1.1 (mandatory fields), 18.3 (body framing), 19.1.1 (Request-URI), 20 (values), 25.1
//! (grammar); the tolerances are those of RFC 4475.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::net::SocketAddr;

use common::{parse, reject, request, response};
use sip_message::{HeaderName, MAX_ADDRESSES, MAX_FIELDS, MAX_MESSAGE, MAX_VIAS, Message, Method, ParseError, Reject};

const INVITE: &str = "INVITE sip:1000@example.com SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKa1;rport\r\n\
From: \"Ann\" <sip:ann@example.com>;tag=a\r\n\
To: <sip:1000@example.com>\r\n\
Call-ID: c1@192.0.2.7\r\n\
CSeq: 1 INVITE\r\n\
Max-Forwards: 70\r\n\
Contact: <sip:ann@192.0.2.7:5062>\r\n\
Content-Length: 4\r\n\
\r\n\
body";

const RESPONSE: &str = "SIP/2.0 200 OK\r\n\
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKb1\r\n\
From: <sip:1000@example.com>;tag=b\r\n\
To: <sip:ann@example.com>;tag=c\r\n\
Call-ID: c2\r\n\
CSeq: 7 BYE\r\n\
Content-Length: 0\r\n\
\r\n";

fn source() -> SocketAddr {
    "198.51.100.7:40000".parse().unwrap()
}

/// The INVITE with one piece replaced.
fn with(old: &str, new: &str) -> Vec<u8> {
    assert!(INVITE.contains(old), "{old}");
    INVITE.replacen(old, new, 1).into_bytes()
}

fn answer(rejected: &Reject) -> String {
    String::from_utf8(rejected.answer(source()).unwrap().to_vec()).unwrap()
}

#[test]
fn the_message_that_the_cases_spoil_is_sound() {
    let invite = request(INVITE.into());
    assert_eq!((invite.method, &invite.body[..]), (Method::Invite, &b"body"[..]));
    assert_eq!(response(RESPONSE.into()).status.code(), 200);
}

#[test]
fn every_fault_has_its_cause_and_status() {
    use ParseError as E;
    let bad = E::Malformed;
    let cases = [
        ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia", E::Version, 505),
        ("SIP/2.0\r\nVia", "HTTP/1.1\r\nVia", E::StartLine, 400),
        (" SIP/2.0\r\nVia", "\r\nVia", E::StartLine, 400),
        ("INVITE sip", "INVITE  sip", E::StartLine, 400),
        ("sip:1000@example.com SIP", "sip:1000@example.com; lr SIP", E::StartLine, 400),
        ("sip:1000@example.com SIP", "<sip:1000@example.com> SIP", E::RequestUri, 400),
        ("sip:1000@example.com SIP", "1000@example.com SIP", E::RequestUri, 400),
        ("sip:1000@example.com SIP", "sip:1000@example.com?Route=%3Csip:x%3E SIP", E::RequestUri, 400),
        ("sip:1000@example.com SIP", "tel:alice SIP", E::RequestUri, 400),
        ("Max-Forwards: 70", "Max-Forwards 70", E::HeaderLine, 400),
        ("Max-Forwards: 70", "Max Forwards: 70", E::HeaderLine, 400),
        ("Max-Forwards: 70", "Max-Forwards: 70\rX: y", E::HeaderLine, 400),
        ("SIP/2.0\r\nVia", "SIP/2.0\r\n fold of no field\r\nVia", E::HeaderLine, 400),
        ("\r\n\r\nbody", "\r\n", E::UnfinishedHead, 400),
        ("From: \"Ann\" <sip:ann@example.com>;tag=a\r\n", "", E::Missing(HeaderName::From), 400),
        ("To: <sip:1000@example.com>\r\n", "", E::Missing(HeaderName::To), 400),
        ("Call-ID: c1@192.0.2.7\r\n", "", E::Missing(HeaderName::CallId), 400),
        ("CSeq: 1 INVITE\r\n", "", E::Missing(HeaderName::CSeq), 400),
        ("CSeq: 1", "t: <sip:x@h>\r\nCSeq: 1", E::Repeated(HeaderName::To), 400),
        ("CSeq: 1", "cseq: 1 INVITE\r\nCSeq: 1", E::Repeated(HeaderName::CSeq), 400),
        ("CSeq: 1", "i: c1@192.0.2.7\r\nCSeq: 1", E::Repeated(HeaderName::CallId), 400),
        ("Content-Length: 4", "Content-Length: 4\r\nl: 2", E::Repeated(HeaderName::ContentLength), 400),
        ("Content-Length: 4", "Content-Length: 5", E::ShortBody, 400),
        ("Content-Length: 4", "Content-Length: 99999999999999999999999", bad(HeaderName::ContentLength), 400),
        ("Content-Length: 4", "Content-Length: -4", bad(HeaderName::ContentLength), 400),
        ("Content-Length: 4", "Content-Length: 4, 4", bad(HeaderName::ContentLength), 400),
        ("Content-Length: 4", "Content-Length:", bad(HeaderName::ContentLength), 400),
        ("CSeq: 1 INVITE", "CSeq: 1 BYE", E::MethodMismatch, 400),
        ("INVITE sip", "FROBNICATE sip", E::MethodMismatch, 501),
        ("CSeq: 1 INVITE", "CSeq: 2147483648 INVITE", bad(HeaderName::CSeq), 400),
        ("CSeq: 1 INVITE", "CSeq: INVITE", bad(HeaderName::CSeq), 400),
        ("Max-Forwards: 70", "Max-Forwards: many", bad(HeaderName::MaxForwards), 400),
        ("\"Ann\"", "\"Ann", bad(HeaderName::From), 400),
        ("\"Ann\"", "Ann, Miss", bad(HeaderName::From), 400),
        ("To: <sip:1000@example.com>", "To: < sip:1000@example.com>", bad(HeaderName::To), 400),
        ("To: <sip:1000@example.com>", "To: sip:a@h, sip:b@h", bad(HeaderName::To), 400),
        ("Contact: <sip:ann@192.0.2.7:5062>", "Contact: sip:ann@h?x=y", bad(HeaderName::Contact), 400),
        ("Contact: <sip:ann@192.0.2.7:5062>", "Contact: <sip:ann@h>;;", bad(HeaderName::Contact), 400),
        ("Contact: <sip:ann@192.0.2.7:5062>", "Contact: <sip:ann@h>,", bad(HeaderName::Contact), 400),
        ("Contact: <sip:ann@192.0.2.7:5062>", "Contact: *\r\nm: <sip:a@h>", bad(HeaderName::Contact), 400),
        ("Max-Forwards: 70", "Route: <sip:2001:db8::1>", bad(HeaderName::Route), 400),
        ("Call-ID: c1@192.0.2.7", "Call-ID: c1 c2", bad(HeaderName::CallId), 400),
        ("SIP/2.0/UDP", "SIP/7.0/UDP", bad(HeaderName::Via), 400),
        (";rport", ";;,;", bad(HeaderName::Via), 400),
    ];
    for (old, new, cause, status) in cases {
        let rejected = reject(with(old, new));
        assert_eq!((rejected.cause, rejected.status.map(|s| s.code())), (cause, Some(status)), "{new}");
        assert!(answer(&rejected).starts_with(&format!("SIP/2.0 {status} ")), "{new}");
    }
}

#[test]
fn harmless_oddities_are_read_as_meant() {
    let cases = [
        ("INVITE sip", "\r\n\r\nINVITE sip"),
        ("SIP/2.0\r\nVia", "SIP/2.0 \t\r\nVia"),
        ("SIP/2.0\r\nVia", "sip/2.0\r\nVia"),
        ("Max-Forwards: 70", "Max-Forwards   :\r\n\t70  "),
        ("Max-Forwards: 70", "Subject:"),
        ("Max-Forwards: 70", "Max-Forwards: 300"),
        ("Content-Length: 4", "Content-Length: 0004\r\nl: 4"),
        ("Content-Length: 4\r\n", ""),
        ("body", "body and octets after it"),
        ("Max-Forwards: 70", "Date: yesterday\r\nExpires: soon"),
        ("\"Ann\" <", "Ann B. Smith<"),
        ("\"Ann\" <", "Jos\u{e9} <"),
        (";branch=z9hG4bKa1;rport", ""),
        ("sip:1000@example.com SIP", "mailto:a@b SIP"),
    ];
    for (old, new) in cases {
        let invite = request(with(old, new));
        assert!(invite.body.starts_with(b"body"), "{new}");
        assert_eq!(invite.head.from.tag(), Some("a"), "{new}");
    }
    assert_eq!(request(INVITE.replace("\r\n", "\n").into_bytes()).head.call_id, "c1@192.0.2.7", "LF alone");
    assert_eq!(request(with("Max-Forwards: 70", "Max-Forwards: 300")).head.max_forwards, None);
    assert_eq!(request(with("Max-Forwards: 70", "Expires: 99999999999")).head.expires(), Some(3600));
}

#[test]
fn a_body_ends_where_content_length_says() {
    assert_eq!(request(with("Content-Length: 4", "Content-Length: 2")).body, "bo");
    assert_eq!(request(with("Content-Length: 4\r\n", "")).body, "body");
}

#[test]
fn malformed_responses_and_acks_are_passed_over_in_silence() {
    for (old, new) in [
        ("200 OK", "4294967301 OK"),
        ("200 OK", "99 OK"),
        ("200 OK", "OK"),
        ("SIP/2.0 200", "SIP/3.0 200"),
        ("SIP/2.0 200 OK", "SIP/2.0"),
        ("CSeq: 7 BYE", "CSeq: 9292394834772304023312 BYE"),
        ("Call-ID: c2\r\n", ""),
        ("Content-Length: 0", "Content-Length: 9"),
    ] {
        let rejected = reject(RESPONSE.replacen(old, new, 1).into_bytes());
        assert!(rejected.status.is_none() && rejected.answer(source()).is_none(), "{new}");
    }
    let ack = INVITE.replace("INVITE", "ACK").replace("CSeq: 1", "CSeq: x");
    assert!(reject(ack.into_bytes()).answer(source()).is_none());
}

#[test]
fn what_is_no_sip_is_passed_over_in_silence() {
    for junk in
        ["jaK", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{1}\u{2}", ":\r\n\r\n", "INVITE sip:a@h SIP/2.0\r\n\r\n"]
    {
        assert!(reject(junk.into()).answer(source()).is_none(), "{junk:?}");
    }
    let stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl".to_vec();
    assert!(reject(stun).answer(source()).is_none());
    assert_eq!(reject(vec![b'a'; MAX_MESSAGE + 1]).cause, ParseError::TooLarge);
}

#[test]
fn keep_alives_are_no_messages() {
    for datagram in ["", "\r\n", "\r\n\r\n", "\0\0\0\0", " "] {
        assert!(matches!(parse(datagram.into()), Ok(Message::KeepAlive)), "{datagram:?}");
    }
}

#[test]
fn numbers_of_things_are_limited() {
    let fields = with("Max-Forwards: 70", &"X: y\r\n".repeat(MAX_FIELDS));
    assert_eq!(reject(fields).cause, ParseError::TooManyFields);
    let vias = with("Max-Forwards: 70", &format!("v: SIP/2.0/UDP a{}", ",SIP/2.0/UDP b".repeat(MAX_VIAS - 1)));
    assert_eq!(reject(vias).cause, ParseError::TooManyValues(HeaderName::Via));
    let contacts = with("Max-Forwards: 70", &format!("m: <sip:h>{}", ",<sip:h>".repeat(MAX_ADDRESSES - 1)));
    assert_eq!(reject(contacts).cause, ParseError::TooManyValues(HeaderName::Contact));
}

#[test]
fn the_answer_carries_what_the_request_gave() {
    let invite = with("CSeq: 1 INVITE", "Via: SIP/2.0/TCP second\r\nCSeq: 9999999999 INVITE");
    let rejected = reject(invite.clone());
    let expected = "SIP/2.0 400 Bad Request\r\n\
Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKa1;received=198.51.100.7;rport=40000\r\n\
Via: SIP/2.0/TCP second\r\n\
From: \"Ann\" <sip:ann@example.com>;tag=a\r\n\
To: <sip:1000@example.com>;tag=";
    let text = answer(&rejected);
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.ends_with("\r\nCall-ID: c1@192.0.2.7\r\nCSeq: 9999999999 INVITE\r\nContent-Length: 0\r\n\r\n"),
        "{text}"
    );
    assert_eq!(answer(&reject(invite)), text, "the same again for the same request");
    assert_eq!(rejected.destination(source()), source(), "rport");
    assert_eq!(rejected.method(), Some(&Method::Invite));
}

#[test]
fn an_answer_without_all_parts_is_still_a_whole_response() {
    let bare = b"OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP h\r\n\r\n".to_vec();
    let rejected = reject(bare);
    let answer = response(answer(&rejected).into_bytes());
    assert_eq!((answer.status.code(), answer.head.cseq.method), (400, Method::Options));
    assert_eq!(rejected.destination(source()).to_string(), "198.51.100.7:5060");
}

#[test]
fn an_answer_to_an_unreadable_via_goes_back_to_the_source() {
    let rejected = reject(with(";rport", ";;,;"));
    assert_eq!(rejected.destination(source()), source());
    assert!(answer(&rejected).contains("\r\nVia: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bKa1;;,;\r\n"));
}

#[test]
fn octets_that_are_not_utf_8_are_echoed_as_they_came() {
    let mut invite = with("\"Ann\"", "\"J?rg\"");
    let at = invite.iter().position(|b| *b == b'?').unwrap();
    invite[at] = 0xf6;
    let request = request(invite);
    assert_eq!(request.head.from.display.as_deref(), Some("J?rg"));
    let built = sip_message::ResponseBuilder::to(&request, source(), sip_message::StatusCode::OK).build();
    assert!(built.windows(7).any(|w| w == b"\"J\xf6rg\" "), "{built:?}");
}
