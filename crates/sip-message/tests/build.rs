//! What the builders write: RFC 3261 sections 8.1.1, 8.2.6.2, 12.1.1, 18.2.1; RFC 3581 section 4.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use bytes::Bytes;
use common::{request, response};
use sip_message::{
    AnyUri, CSeq, HeaderName, Method, NameAddr, Request, RequestBuilder, ResponseBuilder, StatusCode, Transport, Via,
};

fn invite() -> Request {
    request(
        b"INVITE sip:1000@example.com SIP/2.0\r\n\
v: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKp;x=\"a;b\" , SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bKq\r\n\
Via: SIP / 2.0 / UDP  third\r\n\
Record-Route: <sip:p1.example.com;lr>\r\n\
Record-Route: <sip:p2.example.com;lr>\r\n\
Timestamp: 54\r\n\
f: Ann\r\n  <sip:ann@example.com> ; tag=a\r\n\
t: <sip:1000@example.com>\r\n\
i: c1\r\nCSeq: 0001  INVITE\r\n\r\n"
            .to_vec(),
    )
}

fn text(built: &Bytes) -> String {
    String::from_utf8(built.to_vec()).unwrap()
}

#[test]
fn a_response_echoes_what_it_must_as_it_stood() {
    let request = invite();
    let source = "192.0.2.9:5060".parse().unwrap();
    let builder = ResponseBuilder::to(&request, source, StatusCode::RINGING).to_tag("b");
    let contact = NameAddr::new("sip:1000@192.0.2.1".parse::<AnyUri>().unwrap());
    let built = builder.contact(&contact).header("X-Note", "one\r\nTwo: three").build();
    assert_eq!(
        text(&built),
        "SIP/2.0 180 Ringing\r\n\
Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKp;x=\"a;b\";received=192.0.2.9\r\n\
Via: SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bKq\r\n\
Via: SIP / 2.0 / UDP  third\r\n\
Record-Route: <sip:p1.example.com;lr>\r\n\
Record-Route: <sip:p2.example.com;lr>\r\n\
From: Ann    <sip:ann@example.com> ; tag=a\r\n\
To: <sip:1000@example.com>;tag=b\r\n\
Call-ID: c1\r\n\
CSeq: 0001  INVITE\r\n\
Contact: <sip:1000@192.0.2.1>\r\n\
X-Note: one  Two: three\r\n\
Content-Length: 0\r\n\r\n"
    );
    assert_eq!(response(built.to_vec()).head.via_count, 3);
}

#[test]
fn trying_has_the_timestamp_and_no_record_route() {
    let request = invite();
    let built = text(&ResponseBuilder::to(&request, "192.0.2.9:5060".parse().unwrap(), StatusCode::TRYING).build());
    assert!(built.contains("\r\nTimestamp: 54\r\n") && !built.contains("Record-Route"), "{built}");
    assert!(!built.contains(">;tag="), "no tag of ours unless one is given");
}

#[test]
fn a_failure_has_no_record_route_and_its_own_reason() {
    let request = invite();
    let busy = ResponseBuilder::to(&request, "192.0.2.9:5060".parse().unwrap(), StatusCode::BUSY_HERE);
    let built = text(&busy.to_tag("x").reason("In a meeting").build());
    assert!(built.starts_with("SIP/2.0 486 In a meeting\r\n") && !built.contains("Record-Route"), "{built}");
}

#[test]
fn a_tag_that_is_there_stays() {
    let mut text_of = invite().head.to.to_string();
    text_of.push_str(";tag=theirs");
    let bye = request(
        format!("BYE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: {text_of}\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n")
            .into_bytes(),
    );
    assert!(bye.is_in_dialog());
    let built = ResponseBuilder::to(&bye, "192.0.2.9:5060".parse().unwrap(), StatusCode::OK).to_tag("ours").build();
    assert!(text(&built).contains("\r\nTo: <sip:1000@example.com>;tag=theirs\r\n"));
}

#[test]
fn a_request_is_written_whole_and_read_back() {
    let target: AnyUri = "sip:agent@[2001:db8::7]:5070;transport=udp".parse().unwrap();
    let via = Via::new(Transport::Udp, "192.0.2.1:5060".parse().unwrap(), "z9hG4bKours");
    let from =
        NameAddr::new("sip:strowger@192.0.2.1".parse::<AnyUri>().unwrap()).with_display("Sales \"A\"").with_tag("f");
    let to = NameAddr::new(target.clone());
    let built = RequestBuilder::new(&Method::Invite, &target)
        .via(&via)
        .route(&NameAddr::new("sip:edge.example.com;lr".parse::<AnyUri>().unwrap()))
        .from(&from)
        .to(&to)
        .call_id("c9")
        .cseq(&CSeq { number: 1, method: Method::Invite })
        .max_forwards(70)
        .contact(&NameAddr::new("sip:192.0.2.1".parse::<AnyUri>().unwrap()))
        .header(HeaderName::Subject, "queue\r\nEvil: yes")
        .header("no token", "left out")
        .body("application/sdp", Bytes::from_static(b"v=0\r\n"))
        .build();
    let read = request(built.to_vec());
    assert_eq!((&read.method, &read.uri, &read.head.via), (&Method::Invite, &target, &via));
    assert_eq!((&read.head.from, &read.head.to), (&from, &to));
    assert_eq!((read.head.max_forwards, read.head.routes.len(), &read.body[..]), (Some(70), 1, &b"v=0\r\n"[..]));
    assert_eq!(read.header(HeaderName::Subject), Some("queue  Evil: yes"));
    assert!(read.head.named("Evil").is_none() && read.head.named("no token").is_none());
    assert_eq!(read.header(HeaderName::ContentLength), Some("5"));
}
