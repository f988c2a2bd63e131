//! Time to read a usual INVITE of some 800 octets into typed values, and to write a response to it.
#![allow(missing_docs, reason = "criterion's macros make items without docs")]
#![allow(clippy::unwrap_used, reason = "a bench's input is its own")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use sip_message::{Message, Request, ResponseBuilder, StatusCode, parse_datagram};

const INVITE: &[u8] = b"INVITE sip:1000@192.0.2.10:5060;transport=udp SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK-524287-1---4dade06d0bdb11ee;rport\r\n\
Max-Forwards: 70\r\n\
Contact: <sip:alice@192.0.2.77:5060;ob>\r\n\
To: <sip:1000@192.0.2.10>\r\n\
From: \"Alice\" <sip:alice@192.0.2.10>;tag=2fb0dcc9\r\n\
Call-ID: 3d9485ad0c49859bZmx1ZmZ5LW1hYy0xNi5sb2NhbA\r\n\
CSeq: 1 INVITE\r\n\
Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE\r\n\
Supported: replaces, norefersub, extended-refer, timer, outbound, path\r\n\
Content-Type: application/sdp\r\n\
User-Agent: Bench phone 1.0\r\n\
Allow-Events: presence, kpml, talk\r\n\
Content-Length: 179\r\n\
\r\n\
v=0\r\n\
o=alice 3724394400 3724394405 IN IP4 192.0.2.77\r\n\
s=-\r\n\
c=IN IP4 192.0.2.77\r\n\
t=0 0\r\n\
m=audio 49170 RTP/AVP 0 8 101\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=sendrecv\r\n";

fn request() -> Request {
    let parsed = parse_datagram(Bytes::from_static(INVITE)).unwrap();
    if let Message::Request(request) = parsed { Some(*request) } else { None }.unwrap()
}

fn benches(c: &mut Criterion) {
    c.bench_function("read an INVITE", |b| b.iter(|| parse_datagram(black_box(Bytes::from_static(INVITE)))));
    let (request, source) = (request(), "192.0.2.77:5060".parse().unwrap());
    c.bench_function("write a 180", |b| {
        b.iter(|| ResponseBuilder::to(black_box(&request), source, StatusCode::RINGING).to_tag("a6c85cf").build());
    });
}

criterion_group!(parse, benches);
criterion_main!(parse);
