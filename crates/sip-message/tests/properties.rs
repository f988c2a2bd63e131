//! What is built is read back. (What holds for any octets that come, `tests/fuzz` says.)
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use bytes::Bytes;
use proptest::prelude::*;
use sip_message::{
    AnyUri, CSeq, HeaderName, Host, Message, Method, NameAddr, RequestBuilder, Transport, Uri, Via, parse_datagram,
};

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
    }
}
