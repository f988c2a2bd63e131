//! The SIP stack: messages, wishes of its application and time, in any order.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use bytes::Bytes;
use sip::{
    ConnectionId, Event, Flow, Fork, Invite, Listener, Onward, OpenGate, Pending, Population, Refusal, Search,
    SessionId, Stack, StackConfig, SubscriptionEnd, Transport,
};
use sip_message::{Message, NameAddr, parse_datagram};

use crate::message::check_echo;
use crate::octets::Octets;

const METHODS: &[&str] = &[
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "INFO",
    "UPDATE",
    "REGISTER",
    "PRACK",
    "MESSAGE",
    "REFER",
    "SUBSCRIBE",
];

/// Header fields that a request may have beside the usual ones.
const EXTRA: &[&str] = &[
    "",
    "Require: 100rel\r\n",
    "Supported: 100rel, timer\r\nAllow: UPDATE\r\nSession-Expires: 100;refresher=uas\r\n",
    "Require: 100rel\r\nRSeq: 1\r\n",
    "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n",
    "Min-SE: 2000\r\n",
    "RAck: 1 1 INVITE\r\n",
    "Expires: 1\r\n",
    "Event: dialog\r\n",
    "Event: message-summary;id=7\r\nExpires: 90\r\n",
    "Event: dialog\r\nExpires: 0\r\n",
    "Event: dialog;call-id=\"1\";to-tag=2;from-tag=3\r\nExpires: 100\r\n",
    "Retry-After: 9\r\n",
    "Expires: 0\r\n",
    "Record-Route: <sip:192.0.2.9;lr>\r\n",
    "Route: <sip:192.0.2.1:5060;lr>\r\n",
    "Contact: <tel:+49301>\r\n",
    "Contact: *\r\n",
    "Content-Type: application/sdp\r\n",
    "Content-Encoding: gzip\r\n",
    "Max-Forwards: 0\r\n",
    "Replaces: 1;to-tag=2;from-tag=3\r\n",
    "Via: SIP/2.0/TCP 192.0.2.8\r\n",
];

/// How often the input may act: longer inputs find nothing that shorter ones do not.
const MAX_ACTS: usize = 200;

/// Plays the input to a stack as acts of its peers, its application and the clock; then everybody hangs up and time goes on.
///
/// # Panics
/// If a session ends twice or never, if anything is left behind, or if a message of ours does not read.
pub fn stack(data: &[u8]) -> bool {
    let mut world = World::new();
    let mut octets = Octets::of(data);
    for _ in 0..MAX_ACTS {
        if octets.is_empty() {
            break;
        }
        world.act(&mut octets);
        world.flush();
    }
    let sessions = world.sessions;
    world.end();
    sessions > 0
}

struct World {
    stack: Stack,
    now: Now,
    live: BTreeSet<SessionId>,
    /// How many there were.
    sessions: usize,
    pending: Vec<Pending>,
    /// The last requests and To tags of the stack, for peers to answer to.
    requests: Vec<(Flow, Bytes)>,
    tags: Vec<String>,
}

fn local() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

impl World {
    fn new() -> Self {
        let listener = |transport| Listener { transport, local: local(), advertised: None };
        let listeners = vec![listener(Transport::Udp), listener(Transport::Tcp)];
        let config = StackConfig {
            max_sessions: 6,
            max_transactions: 24,
            session_timer: Some(1800),
            ..StackConfig::new("Fuzz", listeners)
        };
        Self {
            stack: Stack::new(config, Rng::from_number(1)),
            now: Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) },
            live: BTreeSet::new(),
            sessions: 0,
            pending: Vec::new(),
            requests: Vec::new(),
            tags: Vec::new(),
        }
    }

    fn act(&mut self, octets: &mut Octets<'_>) {
        match octets.byte() % 12 {
            0 => {
                let flow = flow(octets);
                self.receive(flow, Bytes::copy_from_slice(octets.piece()));
            }
            1..=3 => self.peer_asks(octets),
            4 | 5 => self.peer_answers(octets),
            6 | 7 => self.wish(octets),
            8 => {
                let flow = flow(octets);
                let offer = octets.choose(&["sdp", "sdp", ""]);
                let id = self.stack.invite(self.now, invite(flow, offer));
                self.live.insert(id);
                self.sessions += 1;
            }
            9 => self.wait(Duration::from_millis(u64::from(octets.u16()))),
            10 => {
                let due = self.stack.poll_timeout().map_or(Duration::ZERO, |due| due.since(self.now.monotonic));
                self.wait(due);
            }
            _ => match octets.byte() % 5 {
                4 => self.search(octets),
                0 => self.stack.drain(octets.flag()),
                1 => self.stack.handle_unreachable(self.now, octets.choose(&[Transport::Udp, Transport::Tcp]), peer(1)),
                2 => self.stack.handle_connection_closed(self.now, ConnectionId(1), Transport::Tcp, peer(1)),
                _ => self.respond(octets.choose(&[200, 401, 100, 999])),
            },
        }
    }

    fn receive(&mut self, flow: Flow, message: Bytes) {
        self.stack.handle_datagram(self.now, flow, parse_datagram(message), &mut OpenGate);
    }

    /// A request of a peer, in one of a few dialogs and transactions so that they meet.
    fn peer_asks(&mut self, octets: &mut Octets<'_>) {
        let flow = flow(octets);
        let (method, branch, call) = (octets.choose(METHODS), octets.byte() % 8, octets.byte() % 4);
        let (cseq, from_tag, extra) = (octets.byte() % 8, octets.byte() % 3, octets.choose(EXTRA));
        let to_tag = match octets.byte() % 4 {
            0 | 1 => String::new(),
            2 => format!(";tag={}", octets.byte() % 3),
            _ => self
                .tags
                .get(usize::from(octets.byte()))
                .or(self.tags.last())
                .map_or(String::new(), |t| format!(";tag={t}")),
        };
        let body = octets.choose(&["", "sdp"]);
        let contact = if extra.starts_with("Contact") { "" } else { "Contact: <sip:peer@192.0.2.77>\r\n" };
        let text = format!(
            "{method} sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{branch}\r\n{extra}{contact}\
             From: <sip:peer@192.0.2.77>;tag={from_tag}\r\nTo: <sip:1000@192.0.2.1>{to_tag}\r\nCall-ID: {call}\r\n\
             CSeq: {cseq} {method}\r\nContent-Length: {}\r\n\r\n{body}",
            flow.transport.in_via().as_str(),
            flow.remote,
            body.len(),
        );
        self.receive(flow, Bytes::from(text));
    }

    /// A peer's response to a request of the stack.
    fn peer_answers(&mut self, octets: &mut Octets<'_>) {
        let index = usize::from(octets.byte()).min(self.requests.len().saturating_sub(1));
        let Some((flow, request)) = self.requests.get(index).cloned() else { return };
        let status = octets.choose(&[200, 180, 183, 100, 486, 491, 481, 302, 500, 202, 408, 422, 699]);
        let (tag, extra) = (octets.byte() % 3, octets.choose(EXTRA));
        let Ok(Message::Request(request)) = parse_datagram(request) else { return };
        let head = &request.head;
        let to = if head.to.tag().is_some() { head.to.clone() } else { head.to.clone().with_tag(&tag.to_string()) };
        let text = format!(
            "SIP/2.0 {status} x\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{extra}\
             Contact: <sip:peer@192.0.2.77>\r\nContent-Length: 3\r\n\r\nsdp",
            head.via, head.from, head.call_id, head.cseq,
        );
        let text = if extra.starts_with("Contact") { text.replace(extra, "") } else { text };
        self.receive(flow, Bytes::from(text));
    }

    /// A call to three places, the last of which rings in the second turn.
    fn search(&mut self, octets: &mut Octets<'_>) {
        let first = invite(flow(octets), "sdp");
        let fork = |turn| {
            let (target, offer) = (first.target.clone(), Bytes::from_static(b"sdp"));
            Fork { turn, target, flow: flow(octets), onward: Onward::default(), offer }
        };
        let search = Search { forks: [0, 1].map(fork).into(), patience: Duration::from_secs(10) };
        let id = self.stack.search(self.now, first, search);
        self.live.insert(id);
        self.sessions += 1;
    }

    /// Something that the application wants of a session, whether it is in a state for it or not.
    fn wish(&mut self, octets: &mut Octets<'_>) {
        let place = usize::from(octets.byte()) % self.live.len().max(1);
        let Some(session) = self.live.iter().nth(place).copied() else { return };
        let (stack, now, sdp) = (&mut self.stack, self.now, Bytes::from_static(b"sdp"));
        match octets.byte() % 11 {
            0 => stack.ring(now, session, octets.choose(&[180, 183, 100, 999]), octets.flag().then_some(sdp)),
            1 | 2 => stack.accept(now, session, sdp),
            3 => stack.refuse(now, session, Refusal::of(octets.choose(&[486, 302, 600, 0]))),
            4 => stack.hang_up(now, session, octets.flag().then(|| "Q.850;cause=16".to_owned())),
            5 | 6 => drop(stack.change(now, session, sdp)),
            7 => stack.accept_change(now, session, sdp),
            8 => drop(stack.update(now, session, sdp)),
            9 => stack.answer(now, session, &sdp),
            _ => stack.refuse_change(now, session, Refusal::of(488)),
        }
    }

    fn respond(&mut self, status: u16) {
        for pending in std::mem::take(&mut self.pending) {
            self.stack.respond(self.now, pending, status, &[("X-A".to_owned(), "b\r\nX-B: c".to_owned())]);
        }
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.stack.handle_timeout(self.now);
        assert!(self.stack.poll_timeout().is_none_or(|due| due > self.now.monotonic), "a timeout that is due already");
    }

    /// Takes out what the stack wants to send and tell.
    fn flush(&mut self) {
        while let Some(transmit) = self.stack.poll_transmit() {
            let payload = transmit.payload;
            if payload.starts_with(b"SIP/2.0 ") {
                check_echo(&payload, None);
                let Ok(Message::Response(response)) = parse_datagram(payload) else { continue };
                assert_eq!(response.head.named("X-B"), None, "no value adds a header field");
                self.tags.extend(response.head.to.tag().map(str::to_owned));
            } else {
                let parsed = parse_datagram(payload.clone());
                assert!(matches!(parsed, Ok(Message::Request(_))), "{payload:?}: {parsed:?}");
                self.requests.push((transmit.flow, payload));
            }
        }
        let mut acted = false;
        while let Some(event) = self.stack.poll_event() {
            match &event {
                Event::Subscribed { pending, package, .. } => {
                    acted = true;
                    // One that would last for an hour waits for an answer, or gets none.
                    if pending.request().head.expires().is_some() {
                        self.stack.accept_subscription(self.now, pending.clone(), *package);
                    } else {
                        self.pending.push(pending.clone());
                    }
                }
                Event::NotifyWanted { subscription, .. } => {
                    acted = true;
                    self.stack.notify(self.now, *subscription, Bytes::from_static(b"sdp"));
                }
                Event::ForkEnded { session, tag, .. } => {
                    let names = self.stack.dialog_names(*session);
                    let is_over = names.is_none_or(|names| !names.remote_tags.contains(tag));
                    assert!(is_over, "a fork that is over still rings");
                }
                Event::Invited { session, .. } => assert!(self.live.insert(*session), "{event:?}: an id given twice"),
                Event::Registered { pending, .. }
                | Event::Messaged { pending, .. }
                | Event::Referred { pending, .. } => {
                    self.pending.push(pending.clone());
                }
                _ => {}
            }
            let Some(session) = event.session() else { continue };
            assert!(self.live.contains(&session), "{event:?} of a session that is over");
            self.sessions += usize::from(matches!(event, Event::Invited { .. }));
            if event.is_end() {
                self.live.remove(&session);
            }
        }
        if acted {
            self.flush();
        }
    }

    /// The application ends what lives, no peer says a word, and after ten minutes nothing is left.
    fn end(mut self) {
        self.respond(200);
        self.stack.end_subscriptions(SubscriptionEnd::Deactivated);
        for _ in 0..2 {
            for session in self.live.clone() {
                self.stack.hang_up(self.now, session, None);
            }
            self.flush();
            let end = self.now.after(Duration::from_secs(600)).monotonic;
            while let Some(due) = self.stack.poll_timeout().filter(|due| *due <= end) {
                self.wait(due.since(self.now.monotonic));
                self.flush();
            }
        }
        assert!(self.live.is_empty(), "{:?} never ended", self.live);
        assert_eq!(self.stack.population(), Population::default());
        assert!(self.stack.is_quiet());
    }
}

fn peer(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 76 + number], 5060))
}

/// One of two peers, by datagrams or by one of two connections.
fn flow(octets: &mut Octets<'_>) -> Flow {
    let choice = octets.byte();
    let remote = peer(1 + choice % 2);
    let by_udp = Flow::udp(0, local(), remote);
    match choice / 2 % 3 {
        0 | 1 => by_udp,
        _ => {
            let connection = Some(ConnectionId(u64::from(choice % 2)));
            Flow { transport: Transport::Tcp, connection, listener: 1, ..by_udp }
        }
    }
}

fn invite(flow: Flow, offer: &'static str) -> Invite {
    Invite {
        flow,
        target: "sip:peer@192.0.2.77".parse().unwrap(),
        from: "<sip:1000@192.0.2.1>".parse::<NameAddr>().unwrap(),
        to: "<sip:peer@192.0.2.77>".parse::<NameAddr>().unwrap(),
        contact_user: "1000".to_owned(),
        headers: vec![],
        offer: Bytes::from_static(offer.as_bytes()),
        max_forwards: sip::MAX_FORWARDS,
        login: None,
        onward: sip::Onward::default(),
    }
}
