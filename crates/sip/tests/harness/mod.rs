//! Stacks on a virtual clock and network. One verb moves everything: [`World::drive`].
//!
//! An address with a stack is a party; any other address is a stranger that the test plays itself: it sends by
//! [`World::inject`] and reads what was sent to it by [`World::sent_to`].

#![allow(dead_code, reason = "each test file uses another part of the harness")]

pub mod network;

use std::net::SocketAddr;
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};
use bytes::Bytes;
use sip::{Event, Flow, Invite, Listener, Population, SessionId, Stack, StackConfig};
use sip_message::{AnyUri, NameAddr, parse_datagram};

use network::{Datagram, Network, Node};

/// Where party `index` listens.
pub fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(index).unwrap() + 1], 5060))
}

/// An address without a stack.
pub fn stranger() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 77], 5060))
}

/// One stack and what it told.
pub struct Party {
    pub stack: Stack,
    pub events: Vec<Event>,
}

/// A datagram that was sent, whether it arrived or not.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Mono,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: Bytes,
}

impl Sent {
    /// The start line without the version: `INVITE sip:…` or `200 OK`.
    pub fn line(&self) -> String {
        let text = self.text();
        let line = text.lines().next().unwrap_or_default();
        line.strip_prefix("SIP/2.0 ").unwrap_or(line.strip_suffix(" SIP/2.0").unwrap_or(line)).to_owned()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// The status by the status line alone: the answer to a broken request echoes what was broken.
    pub fn status(&self) -> u16 {
        let line = self.line();
        line.split(' ').next().and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    }

    /// The first value of header field `name`.
    pub fn header(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}: ");
        self.text().lines().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    }
}

pub struct World {
    pub now: Now,
    pub parties: Vec<Party>,
    pub network: Network,
    pub wire: Vec<Sent>,
}

impl World {
    /// `count` parties on a perfect network.
    pub fn new(count: usize) -> Self {
        Self::with(count, 1, vec![], |config| config)
    }

    /// `count` parties on a network of `nodes`, with changed settings.
    pub fn with(
        count: usize,
        seed: u64,
        nodes: Vec<Box<dyn Node>>,
        change: impl Fn(StackConfig) -> StackConfig,
    ) -> Self {
        let party = |index| {
            let listener = Listener { transport: sip::Transport::Udp, local: address(index), advertised: None };
            let config = change(StackConfig::new("Strowger test", vec![listener]));
            let rng = Rng::from_number(seed.wrapping_mul(1000) + u64::try_from(index).unwrap());
            Party { stack: Stack::new(config, rng), events: Vec::new() }
        };
        let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let parties = (0..count).map(party).collect();
        Self { now, parties, network: Network::new(seed, nodes), wire: Vec::new() }
    }

    /// Runs everything that happens within `span`, in order of time.
    pub fn drive(&mut self, span: Duration) {
        let end = self.now.monotonic + span;
        self.flush();
        while let Some(at) = self.next().filter(|&at| at <= end) {
            self.now = self.now.after(at - self.now.monotonic);
            while let Some(datagram) = self.network.pop_due(at) {
                self.deliver(&datagram);
            }
            for party in &mut self.parties {
                party.stack.handle_timeout(self.now);
            }
            self.flush();
        }
        self.now = self.now.after(end - self.now.monotonic);
    }

    /// [`World::drive`] in milliseconds.
    pub fn drive_ms(&mut self, millis: u64) {
        self.drive(Duration::from_millis(millis));
    }

    /// Runs until nothing is left to happen, at most 10 virtual minutes.
    pub fn drive_to_the_end(&mut self) {
        for _ in 0..600 {
            self.drive(Duration::from_secs(1));
            if self.next().is_none() {
                return;
            }
        }
    }

    fn next(&self) -> Option<Mono> {
        let parties = self.parties.iter().filter_map(|party| party.stack.poll_timeout());
        parties.chain(self.network.poll_timeout()).min()
    }

    fn deliver(&mut self, datagram: &Datagram) {
        let Some(index) = (0..self.parties.len()).find(|&index| address(index) == datagram.to) else { return };
        let flow = Flow::udp(0, datagram.to, datagram.from);
        let parsed = parse_datagram(datagram.payload.clone());
        self.parties[index].stack.handle_datagram(self.now, flow, parsed, &mut sip::OpenGate);
    }

    /// Takes out what the stacks want to send and tell.
    pub fn flush(&mut self) {
        for party in &mut self.parties {
            while let Some(transmit) = party.stack.poll_transmit() {
                let (from, to, payload) = (transmit.flow.local, transmit.flow.remote, transmit.payload);
                self.wire.push(Sent { at: self.now.monotonic, from, to, payload: payload.clone() });
                self.network.send(self.now.monotonic, &Datagram { from, to, payload });
            }
            while let Some(event) = party.stack.poll_event() {
                party.events.push(event);
            }
        }
    }

    /// A stranger sends `message` (its line ends may be LF) to party `to`.
    pub fn inject(&mut self, from: SocketAddr, to: usize, message: &str) {
        let payload = Bytes::from(message.replace("\r\n", "\n").replace('\n', "\r\n"));
        self.network.send(self.now.monotonic, &Datagram { from, to: address(to), payload });
        self.drive_ms(2);
    }

    /// What was sent to `to` so far.
    pub fn sent_to(&self, to: SocketAddr) -> Vec<Sent> {
        self.wire.iter().filter(|sent| sent.to == to).cloned().collect()
    }

    /// The last datagram that was sent to `to`.
    pub fn last_to(&self, to: SocketAddr) -> Sent {
        self.sent_to(to).pop().expect("nothing was sent")
    }

    /// The start lines of all that was sent, oldest first, each with a letter for its sender: `a: INVITE sip:…`.
    pub fn story(&self) -> Vec<String> {
        let name = |from: SocketAddr| (0..self.parties.len()).find(|&i| address(i) == from).map_or('x', letter);
        self.wire.iter().map(|sent| format!("{}: {}", name(sent.from), first_words(&sent.line()))).collect()
    }

    /// The times, in ms, at which datagrams whose start line begins with `line` were sent.
    pub fn times(&self, line: &str) -> Vec<u128> {
        let matching = self.wire.iter().filter(|sent| sent.line().starts_with(line));
        matching.map(|sent| sent.at.since(Mono::ZERO).as_millis()).collect()
    }

    /// Takes the events of a party.
    pub fn events(&mut self, party: usize) -> Vec<Event> {
        std::mem::take(&mut self.parties[party].events)
    }

    /// Party `from` calls party or stranger `to` with an offer.
    pub fn call(&mut self, from: usize, to: SocketAddr) -> SessionId {
        self.act(from, |stack, now| stack.invite(now, invite_to(from, to)))
    }

    /// Party 0 calls party 1: both sessions, after the INVITE arrived.
    pub fn ring_up(&mut self) -> (SessionId, SessionId) {
        let ours = self.call(0, address(1));
        self.drive_ms(2);
        (ours, self.invited(1))
    }

    /// Party 0 calls party 1, which answers: both sessions, after the ACK arrived.
    pub fn connect(&mut self) -> (SessionId, SessionId) {
        let (ours, theirs) = self.ring_up();
        self.act(1, |stack, now| stack.accept(now, theirs, Bytes::from_static(b"answer")));
        self.drive_ms(5);
        self.events(0);
        self.events(1);
        (ours, theirs)
    }

    /// The session of a party's last `Invited`.
    pub fn invited(&mut self, party: usize) -> SessionId {
        let sessions = self.parties[party].events.iter().rev();
        let mut invited = sessions.filter_map(|event| match event {
            Event::Invited { session, .. } => Some(*session),
            _ => None,
        });
        invited.next().expect("nobody called")
    }

    /// Lets a party's application do something now.
    pub fn act<T>(&mut self, party: usize, verb: impl FnOnce(&mut Stack, Now) -> T) -> T {
        let result = verb(&mut self.parties[party].stack, self.now);
        self.flush();
        result
    }

    /// Nothing is left anywhere.
    pub fn assert_quiet(&self) {
        for party in &self.parties {
            assert_eq!(party.stack.population(), Population::default());
            assert!(party.stack.is_quiet());
        }
    }
}

/// An INVITE of party `from` for `sip:bob@to`.
pub fn invite_to(from: usize, to: SocketAddr) -> Invite {
    let uri: AnyUri = format!("sip:bob@{to}").parse().unwrap();
    Invite {
        flow: Flow::udp(0, address(from), to),
        target: uri.clone(),
        from: "\"Alice\" <sip:alice@example.net>".parse::<NameAddr>().unwrap(),
        to: NameAddr::new(uri),
        contact_user: "alice".to_owned(),
        max_forwards: sip::MAX_FORWARDS,
        headers: vec![],
        offer: Bytes::from_static(b"offer"),
        login: None,
        onward: sip::Onward::default(),
    }
}

fn letter(index: usize) -> char {
    char::from(b'a' + u8::try_from(index).unwrap())
}

/// `INVITE` of `INVITE sip:…`, and `200 OK` whole.
fn first_words(line: &str) -> String {
    if line.starts_with(|c: char| c.is_ascii_digit()) {
        return line.to_owned();
    }
    line.split(' ').next().unwrap_or_default().to_owned()
}

/// A request of a stranger, to party 0, with what usually stands in it. `change` edits the text.
pub fn request(method: &str, branch: &str, extra: &str) -> String {
    format!(
        "{method} sip:1000@192.0.2.1:5060 SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK{branch}\n\
         From: <sip:carol@192.0.2.77>;tag=carol\n\
         To: <sip:1000@192.0.2.1>\n\
         Call-ID: call-of-carol\n\
         CSeq: 1 {method}\n\
         Contact: <sip:carol@192.0.2.77:5060>\n\
         {extra}Max-Forwards: 70\n\
         Content-Length: 0\n\n"
    )
}

/// A stranger's response to `sent`: `status` is `486 Busy Here`, `extra` whole header lines.
pub fn reply(sent: &Sent, status: &str, tag: &str, extra: &str) -> String {
    let header = |name| sent.header(name).unwrap();
    let to = header("To");
    let to = if to.contains(";tag=") || tag.is_empty() { to } else { format!("{to};tag={tag}") };
    let (via, from, call_id, cseq) = (header("Via"), header("From"), header("Call-ID"), header("CSeq"));
    format!(
        "SIP/2.0 {status}\nVia: {via}\nFrom: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {cseq}\n{extra}\
         Content-Length: 0\n\n"
    )
}

/// The Contact line of [`stranger`].
pub const CONTACT: &str = "Contact: <sip:bob@192.0.2.77:5060>\n";

/// A request of [`request`]'s stranger in the dialog that party 0's response `answer` began.
pub fn within(answer: &Sent, method: &str, branch: &str, cseq: u32, extra: &str) -> String {
    let to = answer.header("To").unwrap();
    let text = request(method, branch, extra).replace("To: <sip:1000@192.0.2.1>", &format!("To: {to}"));
    text.replace(&format!("CSeq: 1 {method}"), &format!("CSeq: {cseq} {method}"))
}

/// `text` with `body` as its description.
pub fn describing(text: &str, body: &str) -> String {
    let length = format!("Content-Type: application/sdp\nContent-Length: {}\n\n{body}", body.len());
    text.replace("Content-Length: 0\n\n", &length)
}

/// `text` with a description.
pub fn with_sdp(text: &str) -> String {
    describing(text, "sdp")
}
