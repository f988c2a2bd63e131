//! SIP messages.

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{
    Asserted, Diverted, Head, HeaderName, Message, NameAddr, ParseError, Reject, Request, RequestBuilder, Response,
    ResponseBuilder, StatusCode, Uri, Via, parse_datagram,
};

/// Reads a datagram. What is read prints and reads the same, and its answer is a whole response; what is refused is answered
/// soundly or not at all.
///
/// # Panics
/// If a promise of `sip-message` is broken.
pub fn message(data: &[u8]) -> bool {
    let parsed = parse_datagram(Bytes::copy_from_slice(data));
    let is_read = parsed.is_ok();
    match parsed {
        Ok(Message::Request(request)) => {
            check_values(&request.head);
            check_completeness(data, &request.head, &request.body);
            check_response(&request);
            let Some(printed) = print_request(&request) else { return true };
            let Ok(Message::Request(again)) = parse_datagram(printed.clone()) else { panic!("{printed:?}") };
            assert_eq!((&again.method, &again.uri, &again.body), (&request.method, &request.uri, &request.body));
            assert_same(&again.head, &request.head);
        }
        Ok(Message::Response(response)) => {
            check_values(&response.head);
            check_completeness(data, &response.head, &response.body);
            let Some(printed) = print_response(&response) else { return true };
            let Ok(Message::Response(again)) = parse_datagram(printed.clone()) else { panic!("{printed:?}") };
            assert_eq!((again.status, &again.reason, &again.body), (response.status, &response.reason, &response.body));
            assert_same(&again.head, &response.head);
        }
        Ok(Message::KeepAlive) => assert!(data.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' ' | b'\t' | 0))),
        Err(reject) => check_answer(&reject, data.len()),
    }
    is_read
}

pub(crate) fn source() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 9))
}

/// Nothing of the message is lost: every line is a field or goes on with one, every value of a list is there, and what is typed
/// is what stands in its field.
fn check_completeness(data: &[u8], head: &Head, body: &Bytes) {
    let start = data.iter().position(|octet| !b"\r\n \t\0".contains(octet)).unwrap_or(0);
    let lines = data[start..].split(|octet| *octet == b'\n').skip(1).take_while(|line| !matches!(line, [] | [b'\r']));
    assert_eq!(head.all().count(), lines.filter(|line| !line.starts_with(b" ") && !line.starts_with(b"\t")).count());
    let lists = [
        (HeaderName::Contact, head.contacts.as_slice()),
        (HeaderName::Route, &head.routes),
        (HeaderName::RecordRoute, &head.record_routes),
    ];
    for (name, addresses) in lists {
        let values = head.list(name).filter(|value| *value != "*").map(|value| value.parse::<NameAddr>().ok());
        assert!(values.eq(addresses.iter().map(|address| Some(address.clone()))), "{name}");
    }
    assert!(head.list(HeaderName::Require).eq(head.require.iter().map(|tag| tag.as_str())));
    let first = |name| head.header(name).unwrap_or_default();
    assert_eq!(first(HeaderName::From).parse::<NameAddr>().as_ref(), Ok(&head.from));
    assert_eq!(first(HeaderName::To).parse::<NameAddr>().as_ref(), Ok(&head.to));
    assert_eq!(head.raw_vias().next().unwrap().parse::<Via>().as_ref(), Ok(&head.via));
    assert_eq!(first(HeaderName::CallId), head.call_id.as_str());
    assert_eq!(first(HeaderName::MaxForwards).parse().ok(), head.max_forwards);
    let (number, method) = first(HeaderName::CSeq).split_once([' ', '\t']).unwrap();
    assert_eq!((number.parse(), method.trim()), (Ok(head.cseq.number), head.cseq.method.as_str()));
    assert!(head.headers(HeaderName::ContentLength).all(|length| length.parse() == Ok(body.len())));
}

/// Who calls, and whom the call was for, is bounded, and what is written of it can be read.
fn check_identity(head: &Head) {
    let number = Asserted::of(head).ok().flatten().and_then(|asserted| asserted.number());
    assert!(number.is_none_or(|number| (1..=64).contains(&number.len())));
    let host = Uri::new(source().ip());
    for found in [Diverted::by_diversion(head), Diverted::by_history(head)].into_iter().flatten() {
        assert!(found.len() <= 20);
        for one in &found {
            let written = one.diversion(&host);
            assert!(written.parse::<NameAddr>().is_ok(), "{written}");
        }
        let history = Diverted::history(&found, &host, &host);
        assert!(!history.contains(['\r', '\n']), "{history}");
    }
}

/// Each typed value prints and reads back, and lists agree with their counts.
fn check_values(head: &Head) {
    check_identity(head);
    for address in addresses(head) {
        let printed = address.to_string();
        assert_eq!(printed.parse::<NameAddr>().unwrap().to_string(), printed);
        assert!(address.uri.matches(&address.uri), "{printed} is itself");
        assert_eq!(head.to.uri.matches(&address.uri), address.uri.matches(&head.to.uri), "{printed}");
        let _ = (address.uri.user(), address.tag(), format!("{address:?}"));
    }
    let via = head.via.to_string();
    assert_eq!(via.parse::<Via>().unwrap().to_string(), via);
    assert_eq!(head.raw_vias().count(), head.via_count);
    let _ = (head.via.received(), head.via.rport(), head.via.unique_branch(), head.media_type(), head.expires());
    let _ = (head.list(HeaderName::Supported).count(), head.named("subject"), format!("{head:?}"));
}

fn addresses(head: &Head) -> impl Iterator<Item = &NameAddr> {
    [&head.from, &head.to].into_iter().chain(head.contacts.as_slice()).chain(&head.routes).chain(&head.record_routes)
}

/// The response to `request` says what it must, and nothing that the request smuggled in.
fn check_response(request: &Request) {
    let built = ResponseBuilder::to(request, source(), StatusCode::OK).to_tag("ours").build();
    let Ok(Message::Response(response)) = parse_datagram(built.clone()) else { panic!("{built:?}") };
    let (asked, got) = (&request.head, &response.head);
    assert_eq!((&got.from, &got.call_id, &got.cseq), (&asked.from, &asked.call_id, &asked.cseq));
    assert_eq!(got.to.tag(), asked.to.tag().or(Some("ours")), "{built:?}");
    assert_eq!(got.to.uri, asked.to.uri);
    assert!(got.raw_vias().skip(1).eq(asked.raw_vias().skip(1)), "{built:?}");
    assert_eq!((got.via_count, got.via.branch()), (asked.via_count, asked.via.branch()));
    let expected = ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq", "Content-Length"];
    assert!(got.all().all(|(name, _)| expected.contains(&name)), "{built:?}");
    assert!(response.body.is_empty() && response.status == StatusCode::OK);
}

/// The answer is a whole response, but for fields that were malformed in the request and are echoed so. It comes back to
/// where the request came from, the same at each time, and is not much longer.
fn check_answer(reject: &Reject, length: usize) {
    assert_eq!(reject.answer(source()), reject.answer(source()));
    assert_eq!(reject.answer(source()).is_some(), reject.status.is_some());
    assert_eq!(reject.destination(source()).ip(), source().ip());
    let Some(answer) = reject.answer(source()) else { return };
    assert!(answer.len() < length + 600, "{length} octets are answered by {}", answer.len());
    check_echo(&answer, reject.status);
}

/// A response that reads, or whose only faults are those that it echoes.
pub(crate) fn check_echo(answer: &Bytes, status: Option<StatusCode>) {
    match parse_datagram(answer.clone()) {
        Ok(Message::Response(response)) => assert!(status.is_none_or(|status| status == response.status)),
        Ok(_) => panic!("no response: {answer:?}"),
        Err(again) => {
            let echoed = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
            let by_echo = echoed.iter().any(|name| again.cause == ParseError::Malformed(*name))
                || again.cause == ParseError::TooManyValues(HeaderName::Via);
            assert!(by_echo, "{:?}: {answer:?}", again.cause);
        }
    }
}

/// The request as our builder writes it. `None`: it holds control characters, which the builder takes out.
fn print_request(request: &Request) -> Option<Bytes> {
    let mut builder = RequestBuilder::new(&request.method, &request.uri);
    for (name, value) in plain_fields(&request.head)? {
        builder = builder.header(name, value);
    }
    Some(match &request.head.content_type {
        Some(content_type) => builder.body(content_type, request.body.clone()).build(),
        None => {
            let mut built = builder.build().to_vec();
            let empty = b"Content-Length: 0\r\n\r\n";
            built.truncate(built.len() - empty.len());
            built.extend(format!("Content-Length: {}\r\n\r\n", request.body.len()).bytes());
            built.extend_from_slice(&request.body);
            built.into()
        }
    })
}

fn print_response(response: &Response) -> Option<Bytes> {
    let mut printed = format!("SIP/2.0 {} {}\r\n", response.status.code(), response.reason);
    for (name, value) in plain_fields(&response.head)? {
        printed += &format!("{name}: {value}\r\n");
    }
    if let Some(content_type) = &response.head.content_type {
        printed += &format!("Content-Type: {content_type}\r\n");
    }
    printed += &format!("Content-Length: {}\r\n\r\n", response.body.len());
    let mut printed = printed.into_bytes();
    printed.extend_from_slice(&response.body);
    Some(printed.into())
}

/// All fields but those that belong to the body.
fn plain_fields(head: &Head) -> Option<Vec<(&str, &str)>> {
    let clean = head.all().all(|(_, value)| !value.bytes().any(|octet| octet.is_ascii_control()));
    let is_plain =
        |name: &str| !name.eq_ignore_ascii_case("Content-Type") && !name.eq_ignore_ascii_case("Content-Length");
    clean.then(|| head.all().filter(|(name, _)| is_plain(name)).collect())
}

fn assert_same(again: &Head, head: &Head) {
    assert!(plain_fields(again) == plain_fields(head), "header fields differ: {:?}", again.all().collect::<Vec<_>>());
    assert_eq!((&again.via, again.via_count), (&head.via, head.via_count));
    assert_eq!((&again.from, &again.to, &again.call_id), (&head.from, &head.to, &head.call_id));
    assert_eq!((&again.cseq, again.max_forwards, &again.contacts), (&head.cseq, head.max_forwards, &head.contacts));
    assert_eq!((&again.routes, &again.record_routes), (&head.routes, &head.record_routes));
    assert_eq!((&again.require, &again.content_type), (&head.require, &head.content_type));
}
