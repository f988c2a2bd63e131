//! Whatever comes: no octets make the reader panic, what is built is read back, what is refused is answered soundly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod common;

use bytes::Bytes;
use proptest::prelude::*;
use sip_message::{
    AnyUri, CSeq, HeaderName, Host, Message, Method, NameAddr, ParseError, Reject, RequestBuilder, ResponseBuilder,
    StatusCode, Transport, Uri, Via, parse_datagram,
};

const SEEDS: [&str; 3] = [
    "INVITE sip:a;b=c%40d:pw@[2001:db8::1]:5070;lr?x=y SIP/2.0\r\nv: SIP/2.0/UDP h:5060;branch=z9hG4bKx;rport , SIP/2.0/TCP i\r\n\
f: \"A \\\"q\\\" b\" <sip:a@h;x=y>;tag=1\r\nt: B <tel:+4930-1;ext=2>\r\ni: c@h\r\nCSeq: 1 INVITE\r\n\
m: <sip:a@h?X=y>;q=0.5,\r\n sip:b@h;expires=3\r\nRequire: x, y\r\nk: timer\r\nl: 2\r\n\r\nv=",
    "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: sip:a@h;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\n\
Contact: *\r\nExpires: 0\r\nMax-Forwards: 70\r\nRecord-Route: <sip:p;lr>\r\n\r\n",
    "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx;received=[::1]\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n\
Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:b@h>\r\nContent-Length: 0\r\n\r\n",
];

/// Characters that mean something in SIP, and some that must not stand in it.
const MARKS: &[u8] = b"\r\n \t:;,<>\"\\@?=%&/[]*.+-0129azZ\0\x7f\xc3\xff";

/// Calls everything that a message offers, for a panic to show.
fn read_all(parsed: &Result<Message, Reject>) {
    let source = "192.0.2.1:9".parse().unwrap();
    let head = match parsed {
        Ok(Message::Request(request)) => {
            let built = ResponseBuilder::to(request, source, StatusCode::OK).to_tag("t").build();
            let Ok(Message::Response(response)) = parse_datagram(built.clone()) else { panic!("{built:?}") };
            assert_eq!(response.head.via_count, request.head.via_count);
            assert_eq!(response.head.call_id, request.head.call_id);
            &request.head
        }
        Ok(Message::Response(response)) => &response.head,
        Ok(Message::KeepAlive) => return,
        Err(rejected) => return check_answer(rejected),
    };
    let addresses = head.contacts.as_slice().iter().chain([&head.from, &head.to]);
    for address in addresses.chain(&head.routes).chain(&head.record_routes) {
        let printed = address.to_string();
        assert_eq!(printed.parse::<NameAddr>().unwrap().to_string(), printed);
        assert!(address.uri.matches(&address.uri), "{printed}");
        let _ = (address.uri.user(), address.tag(), format!("{address:?}"));
    }
    assert_eq!(head.via.to_string().parse::<Via>().unwrap(), head.via.to_string().parse().unwrap());
    let _ = (head.via.received(), head.via.unique_branch(), head.media_type(), head.expires());
    let _ = (head.all().count(), head.list(HeaderName::Supported).count());
    assert_eq!(head.raw_vias().count(), head.via_count);
}

/// The answer is a whole response, but for fields that were malformed in the request and are echoed so.
fn check_answer(rejected: &Reject) {
    let source = "192.0.2.1:9".parse().unwrap();
    let answer = rejected.answer(source);
    assert_eq!(answer.is_some(), rejected.status.is_some());
    let Some(answer) = answer else { return };
    match parse_datagram(answer.clone()) {
        Ok(Message::Response(response)) => assert_eq!(Some(response.status), rejected.status),
        Ok(_) => panic!("no response: {answer:?}"),
        Err(again) => {
            let echoed = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
            let by_echo = echoed.iter().any(|name| again.cause == ParseError::Malformed(*name))
                || again.cause == ParseError::TooManyValues(HeaderName::Via);
            assert!(by_echo, "{:?}: {answer:?}", again.cause);
        }
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize, usize),
    Double(usize, usize),
    Cut(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let octet = prop_oneof![4 => prop::sample::select(MARKS), 1 => any::<u8>()];
    prop_oneof![
        (any::<usize>(), octet.clone()).prop_map(|(at, b)| Mutation::Replace(at, b)),
        (any::<usize>(), octet).prop_map(|(at, b)| Mutation::Insert(at, b)),
        (any::<usize>(), 1..40usize).prop_map(|(at, n)| Mutation::Remove(at, n)),
        (any::<usize>(), 1..80usize).prop_map(|(at, n)| Mutation::Double(at, n)),
        any::<usize>().prop_map(Mutation::Cut),
    ]
}

fn mutate(message: &mut Vec<u8>, mutation: &Mutation) {
    let length = message.len();
    let place = |at: usize| at % (length + 1);
    match *mutation {
        Mutation::Replace(at, octet) if length > 0 => message[at % length] = octet,
        Mutation::Insert(at, octet) => message.insert(place(at), octet),
        Mutation::Remove(at, n) => drop(message.drain(place(at)..(place(at) + n).min(length))),
        Mutation::Double(at, n) => {
            let piece = message[place(at)..(place(at) + n).min(length)].to_vec();
            message.splice(place(at)..place(at), piece);
        }
        Mutation::Cut(at) => message.truncate(place(at)),
        Mutation::Replace(..) => {}
    }
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,10}(\\.[a-z]{2,5}){0,2}".prop_map(|name| name.parse().unwrap()),
        any::<std::net::Ipv4Addr>().prop_map(Host::V4),
        any::<std::net::Ipv6Addr>().prop_map(Host::V6),
    ]
}

fn uri() -> impl Strategy<Value = Uri> {
    let params = prop::collection::vec(("[a-z]{1,8}", prop::option::of(".{1,8}")), 0..4);
    (host(), ".{0,12}", prop::option::of(1..=u16::MAX), params).prop_map(|(host, user, port, params)| {
        let uri = Uri::new(host).with_user(&user).with_port(port);
        params.iter().fold(uri, |uri, (name, value)| uri.with_param(name, value.as_deref()))
    })
}

fn address() -> impl Strategy<Value = NameAddr> {
    (uri(), "\\PC{0,16}", "[a-zA-Z0-9.-]{1,12}", prop::option::of(".{1,10}")).prop_map(|(uri, display, tag, note)| {
        NameAddr::new(uri).with_display(&display).with_tag(&tag).with_param("note", note.as_deref())
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Invite),
        Just(Method::Bye),
        Just(Method::Info),
        "[A-Za-z.!%*_+`'~-]{1,12}".prop_map(|m| m.parse().unwrap())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_octets_make_the_reader_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&parse_datagram(Bytes::from(octets)));
    }

    #[test]
    fn no_marks_after_a_start_line_make_the_reader_panic(marks in prop::collection::vec(prop::sample::select(MARKS), 0..200)) {
        let mut message = b"INVITE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nTo: ".to_vec();
        message.extend(marks);
        read_all(&parse_datagram(Bytes::from(message)));
    }

    #[test]
    fn mutated_messages_are_read_or_refused_soundly(
        seed in prop::sample::select(&SEEDS[..]),
        mutations in prop::collection::vec(mutation(), 0..8),
    ) {
        let mut message = seed.as_bytes().to_vec();
        mutations.iter().for_each(|m| mutate(&mut message, m));
        read_all(&parse_datagram(Bytes::from(message)));
    }

    #[test]
    fn what_is_built_is_read_back(
        (method, target, from, to, contact) in (method(), uri(), address(), address(), address()),
        (number, hops, branch) in (0..1u32 << 31, any::<u8>(), "[a-zA-Z0-9]{1,20}"),
        subject in "\\PC{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let via = Via::new(Transport::Udp, "[2001:db8::5]:5062".parse().unwrap(), &format!("z9hG4bK{branch}"));
        let (target, cseq) = (AnyUri::from(target), CSeq { number, method: method.clone() });
        let built = RequestBuilder::new(&method, &target).via(&via).from(&from).to(&to).call_id("c@h").cseq(&cseq)
            .max_forwards(hops).contact(&contact).header(HeaderName::Subject, &subject)
            .body("application/octet-stream", Bytes::from(body.clone())).build();
        let Ok(Message::Request(read)) = parse_datagram(built.clone()) else { panic!("{built:?}") };
        prop_assert_eq!((&read.method, &read.uri, &read.head.cseq), (&method, &target, &cseq));
        prop_assert_eq!((read.head.from.to_string(), read.head.to.to_string()), (from.to_string(), to.to_string()));
        prop_assert_eq!(&read.head.via, &via);
        prop_assert_eq!(read.head.contacts.first().map(ToString::to_string), Some(contact.to_string()));
        prop_assert_eq!(read.head.max_forwards, Some(hops));
        prop_assert_eq!(read.head.header(HeaderName::Subject), Some(subject.trim_matches([' ', '\t'])));
        prop_assert_eq!(&read.body[..], &body[..]);
        read_all(&Ok(Message::Request(read)));
    }
}
