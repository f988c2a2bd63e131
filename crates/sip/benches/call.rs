//! What one call costs in the machine: INVITE, 200, ACK, BYE, 200, from the callee's view (one stack, a scripted peer)
//! and for two stacks that call each other. Parsing is measured apart. Aim: under 25 µs a call for one stack.
//!
//! The clock moves 1 ms a call, so that 32,000 calls' transactions linger, as they would at 1,000 calls a second.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use sip::{Event, Flow, Listener, Stack, StackConfig};
use sip_message::{Message, Reject, parse_datagram};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n\
                   m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";

fn start() -> Now {
    Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(1_795_253_400_000_000) }
}

fn stack() -> Stack {
    let local = SocketAddr::from(([192, 0, 2, 1], 5060));
    let config =
        StackConfig::new("Strowger", vec![Listener { transport: sip::Transport::Udp, local, advertised: None }]);
    Stack::new(config, Rng::from_number(1))
}

fn request(method: &str, call: u64, cseq: u32, to: &str, body: &str) -> Bytes {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    Bytes::from(format!(
        "{method} sip:1000@192.0.2.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK-{call}-{method}\r\n\
         From: sipp <sip:sipp@192.0.2.77:5060>;tag=caller{call}\r\n\
         To: {to}\r\n\
         Call-ID: {call}-4711@192.0.2.77\r\n\
         CSeq: {cseq} {method}\r\n\
         Contact: sip:sipp@192.0.2.77:5060\r\n\
         Max-Forwards: 70\r\n\
         Subject: Performance Test\r\n\
         {kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// One call answered by `stack`, whose peer hangs up. `handle` is given each datagram.
fn answer(stack: &mut Stack, now: Now, call: u64, handle: impl Fn(&mut Stack, Now, Bytes)) {
    handle(stack, now, request("INVITE", call, 1, "<sip:1000@192.0.2.1:5060>", SDP));
    let Some(Event::Invited { session, .. }) = stack.poll_event() else { panic!("no call") };
    stack.accept(now, session, Bytes::from_static(SDP.as_bytes()));
    let ok = stack.poll_transmit().unwrap();
    let text = std::str::from_utf8(&ok.payload).unwrap();
    let to = text.lines().find_map(|line| line.strip_prefix("To: ")).unwrap();
    handle(stack, now, request("ACK", call, 1, to, ""));
    handle(stack, now, request("BYE", call, 2, to, ""));
    black_box(stack.poll_transmit().unwrap());
    while let Some(event) = stack.poll_event() {
        black_box(event);
    }
    stack.handle_timeout(now);
}

fn parsed(stack: &mut Stack, now: Now, datagram: Bytes) {
    let remote = SocketAddr::from(([192, 0, 2, 77], 5060));
    let flow = Flow::udp(0, SocketAddr::from(([192, 0, 2, 1], 5060)), remote);
    let message: Result<Message, Reject> = parse_datagram(datagram);
    stack.handle_datagram(now, flow, message, &mut sip::OpenGate);
}

fn calls(criterion: &mut Criterion) {
    let (mut machine, mut now, mut call) = (stack(), start(), 0);
    criterion.bench_function("call answered, with parsing and the peer's text", |bencher| {
        bencher.iter(|| {
            now = now.after(Duration::from_millis(1));
            call += 1;
            answer(&mut machine, now, call, parsed);
        });
    });
    criterion.bench_function("of that: the peer's text and parsing", |bencher| {
        bencher.iter(|| {
            call += 1;
            for (method, cseq, body) in [("INVITE", 1, SDP), ("ACK", 1, ""), ("BYE", 2, "")] {
                let to = "<sip:1000@192.0.2.1:5060>;tag=0123456789abcdef";
                black_box(parse_datagram(request(method, call, cseq, to, body)).is_ok());
            }
        });
    });
    println!("{:?}", machine.population());
}

criterion_group!(benches, calls);
criterion_main!(benches);
