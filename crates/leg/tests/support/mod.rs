//! Legs on a virtual clock, phones, and a wire between them that loses, doubles and reorders by a seed.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use audio::{Prompt, Tone, ToneGenerator};
use base::{LegId, Mono, Now, Rng, Wall};
use leg::{Bay, Chunk, Event, FRAME, Law, Leg, MAX_REPORT, Order, PACKET, Stereo, TakeSink, Tones};
use rtp::srtp::{Inbound, MasterKey, Outbound, RTCP_TRAILER, RTP_TRAILER, Suite};
use rtp::{EventPayload, Header, Packet};
use sdp::{Agreed, Codec, Direction};

/// What a wire does to packets. The seed is printed by the tests that use it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Packets lost, in percent.
    pub loss: u32,
    /// Packets doubled, in percent.
    pub double: u32,
    /// Each packet's delay is drawn from 0 to this.
    pub jitter_ms: u32,
}

/// Packets on their way to a leg.
pub struct Wire {
    pub faults: Faults,
    rng: Rng,
    serial: u64,
    due: BTreeMap<(Mono, u64), (SocketAddr, Vec<u8>)>,
}

impl Wire {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { faults, rng: Rng::from_number(seed), serial: 0, due: BTreeMap::new() }
    }

    pub fn send(&mut self, now: Mono, source: SocketAddr, packet: &[u8]) {
        if self.rng.percent(self.faults.loss) {
            return;
        }
        for _ in 0..1 + u32::from(self.rng.percent(self.faults.double)) {
            let delay = Duration::from_millis(u64::from(self.rng.below(self.faults.jitter_ms + 1)));
            self.serial += 1;
            self.due.insert((now + delay, self.serial), (source, packet.to_vec()));
        }
    }

    fn take_due(&mut self, now: Mono) -> Option<(Mono, SocketAddr, Vec<u8>)> {
        let first = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), (source, packet)) = first.remove_entry();
        Some((at, source, packet))
    }
}

#[derive(Default)]
pub struct Takes {
    pub chunks: Vec<Chunk>,
    pub full: bool,
}

impl TakeSink for Takes {
    fn buffer(&mut self) -> Option<Stereo> {
        Some(Stereo::with_room())
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        if self.full {
            return Err(chunk);
        }
        self.chunks.push(chunk);
        Ok(())
    }
}

/// A leg with its phone.
pub struct Side {
    pub leg: Leg,
    pub phone: Phone,
    pub wire: Wire,
    /// Packets that the leg sent: tick and packet.
    pub sent: Vec<(u64, Header, Vec<u8>)>,
    /// The same as they went out.
    pub wired: Vec<Vec<u8>>,
    pub reports: Vec<Vec<u8>>,
}

/// Legs of one thread.
pub struct World {
    pub now: Now,
    pub tick: u64,
    pub sides: Vec<Side>,
    pub events: Vec<Event>,
    pub takes: Takes,
    pub tones: Tones,
    pub rng: Rng,
    pub rtp_timeout: Duration,
}

impl World {
    pub fn new() -> Self {
        let now = Now { monotonic: Mono::from_nanos(1 << 40), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        Self {
            now,
            tick: 1000,
            sides: vec![],
            events: vec![],
            takes: Takes::default(),
            tones: Tones::default(),
            rng: Rng::from_number(99),
            rtp_timeout: Duration::from_secs(10),
        }
    }

    /// Adds a started leg whose phone speaks a tone of `hertz`.
    pub fn add(&mut self, law: Law, hertz: u16, wire: Wire) -> usize {
        let number = self.sides.len();
        let leg = Leg::new(LegId::from_raw(number as u64), &mut self.rng);
        let phone = Phone::new(number as u8, law, hertz);
        let agreed = phone.agreed();
        self.sides.push(Side { leg, phone, wire, sent: vec![], wired: vec![], reports: vec![] });
        self.order(number, Order::Start(agreed));
        number
    }

    /// The same, with SRTP of that suite.
    pub fn add_secure(&mut self, law: Law, hertz: u16, wire: Wire, suite: Suite) -> usize {
        let side = self.add(law, hertz, wire);
        self.rekey(side, suite);
        side
    }

    /// Phone and leg agree on new keys.
    pub fn rekey(&mut self, side: usize, suite: Suite) {
        let [local, remote] = [(); 2].map(|()| MasterKey::random(suite, &mut self.rng));
        let phone = &mut self.sides[side].phone;
        phone.secure(sdp::Srtp { local, remote, mki: None });
        let agreed = phone.agreed();
        self.order(side, Order::Start(agreed));
    }

    pub fn order(&mut self, side: usize, order: Order) {
        let Self { now, sides, events, takes, tones, rng, rtp_timeout, .. } = self;
        let mut bay = Bay { tones, takes, events, rng, rtp_timeout: *rtp_timeout };
        sides[side].leg.handle_order(now.monotonic, order, &mut bay);
    }

    pub fn bridge(&mut self, a: usize, b: usize) {
        let (left, right) = (self.sides[a].leg.id(), self.sides[b].leg.id());
        self.order(a, Order::Join(right));
        self.order(b, Order::Join(left));
    }

    /// Each of three hears the other two.
    pub fn confer(&mut self, sides: [usize; 3]) {
        let [a, b, c] = sides.map(|side| self.sides[side].leg.id());
        for (side, others) in sides.into_iter().zip([[b, c], [a, c], [a, b]]) {
            self.order(side, Order::Confer(others));
        }
    }

    /// A packet from anywhere straight to a leg.
    pub fn inject(&mut self, side: usize, source: SocketAddr, packet: &[u8]) {
        let Self { now, sides, events, takes, tones, rng, rtp_timeout, .. } = self;
        let mut bay = Bay { tones, takes, events, rng, rtp_timeout: *rtp_timeout };
        sides[side].leg.handle_rtp(*now, source, &mut packet.to_vec(), &mut bay);
    }

    /// Phones speak, wires deliver, legs tick; 20 ms.
    pub fn step(&mut self) {
        for side in &mut self.sides {
            side.phone.speak(self.now.monotonic, &mut side.wire);
        }
        self.tick();
    }

    /// The same without new packets of phones.
    pub fn tick(&mut self) {
        let Self { now, sides, events, takes, tones, rng, rtp_timeout, .. } = self;
        let mut bay = Bay { tones, takes, events, rng, rtp_timeout: *rtp_timeout };
        let swept = now.monotonic + Duration::from_millis(17);
        for side in sides.iter_mut() {
            while let Some((at, source, mut packet)) = side.wire.take_due(swept) {
                let at = Now { monotonic: at, wall: now.wall };
                side.leg.handle_rtp(at, source, &mut packet, &mut bay);
            }
        }
        *now = now.after(Duration::from_millis(20));
        sides.iter_mut().for_each(|side| side.leg.hear(*now, self.tick, &mut bay));
        for index in 0..sides.len() {
            let (before, rest) = sides.split_at_mut(index);
            let (side, after) = rest.split_first_mut().unwrap();
            let id = side.leg.id();
            let others = || before.iter().chain(after.iter()).map(|side| &side.leg);
            let mutual = |leg: &&Leg| leg.peers().contains(&Some(id));
            let peers = side.leg.peers().map(|peer| others().find(|leg| Some(leg.id()) == peer).filter(mutual));
            let mut packet = [0; PACKET];
            if let Some(length) = side.leg.speak(peers, &mut packet, &mut bay) {
                side.wired.push(packet[..length].to_vec());
                let packet = side.phone.open(&packet[..length]);
                let packet = Packet::parse(&packet).unwrap();
                side.sent.push((self.tick, packet.header, packet.payload.to_vec()));
            }
            let mut report = [0; MAX_REPORT];
            if let Some(length) = side.leg.report(*now, &mut report, &mut bay) {
                side.reports.push(side.phone.open_rtcp(&report[..length]));
            }
        }
        self.tick += 1;
    }

    pub fn steps(&mut self, count: usize) {
        (0..count).for_each(|_| self.step());
    }

    /// The digits told of a side, as text.
    pub fn digits(&self, side: usize) -> String {
        let leg = self.sides[side].leg.id();
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Digit { leg: of, digit } if *of == leg => Some(digit.symbol()),
                _ => None,
            })
            .collect()
    }

    /// What a leg sent from a tick on, as sound; what was not sent as audio is silence.
    pub fn sound(&self, side: usize, from: u64) -> Vec<i16> {
        let side = &self.sides[side];
        let mut sound = vec![0; (self.tick - from) as usize * FRAME];
        for (tick, header, payload) in side.sent.iter().filter(|(tick, ..)| *tick >= from) {
            let law = if header.payload_type == 0 { Law::Ulaw } else { Law::Alaw };
            if payload.len() == FRAME {
                let at = (tick - from) as usize * FRAME;
                law.decode(payload, &mut sound[at..at + FRAME]);
            }
        }
        sound
    }
}

/// A phone: a tone in packets of some length, and keys.
pub struct Phone {
    pub source: SocketAddr,
    pub law: Law,
    pub payload_type: u8,
    pub dtmf: u8,
    /// Milliseconds a packet.
    pub ptime: u32,
    pub header: Header,
    pub silent: bool,
    srtp: Option<Secured>,
    tone: ToneGenerator,
    /// Samples that are to be sent.
    pending: Vec<i16>,
}

impl Phone {
    pub fn new(number: u8, law: Law, hertz: u16) -> Self {
        let payload_type = if law == Law::Ulaw { 0 } else { 8 };
        Self {
            source: SocketAddr::from(([10, 0, 0, number + 1], 4000)),
            law,
            payload_type,
            dtmf: 96 + number,
            ptime: 20,
            header: Header {
                marker: false,
                payload_type,
                sequence: 65_000,
                timestamp: u32::MAX - 40_000,
                ssrc: 77 + u32::from(number),
            },
            silent: false,
            srtp: None,
            tone: ToneGenerator::new(Tone::Sine(hertz)),
            pending: vec![],
        }
    }

    /// Takes up keys, given as the leg sees them.
    pub fn secure(&mut self, agreed: sdp::Srtp) {
        let (outbound, inbound) = (Outbound::new(&agreed.remote), Inbound::new(&agreed.local, None));
        self.srtp = Some(Secured { agreed, outbound, inbound });
    }

    /// What it sends.
    pub fn seal(&mut self, clear: &[u8]) -> Vec<u8> {
        let Some(secured) = &mut self.srtp else { return clear.to_vec() };
        let mut packet = [clear, &[0; RTP_TRAILER]].concat();
        let length = secured.outbound.protect_rtp(&mut packet, clear.len()).unwrap();
        packet.truncate(length);
        packet
    }

    /// A report that it sends.
    pub fn seal_rtcp(&mut self, clear: &[u8]) -> Vec<u8> {
        let Some(secured) = &mut self.srtp else { return clear.to_vec() };
        let mut packet = [clear, &[0; RTCP_TRAILER]].concat();
        let length = secured.outbound.protect_rtcp(&mut packet, clear.len()).unwrap();
        packet.truncate(length);
        packet
    }

    /// What it hears of a packet. Everything that a leg sends it can open.
    fn open(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        if let Some(secured) = &mut self.srtp {
            let length = secured.inbound.unprotect_rtp(&mut packet).unwrap();
            packet.truncate(length);
        }
        packet
    }

    fn open_rtcp(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        if let Some(secured) = &mut self.srtp {
            let length = secured.inbound.unprotect_rtcp(&mut packet).unwrap();
            packet.truncate(length);
        }
        packet
    }

    pub fn agreed(&self) -> Agreed {
        let codec = if self.law == Law::Ulaw { Codec::Pcmu } else { Codec::Pcma };
        Agreed {
            remote: Some(self.source),
            remote_rtcp: Some(SocketAddr::new(self.source.ip(), self.source.port() + 1)),
            direction: Direction::SendRecv,
            codec,
            send_pt: codec.static_pt(),
            receive_pt: codec.static_pt(),
            receive_other: None,
            dtmf_send_pt: Some(self.dtmf),
            dtmf_receive_pt: Some(self.dtmf),
            send_ptime_ms: 20,
            srtp: self.srtp.as_ref().map(|secured| secured.agreed),
        }
    }

    /// 20 ms more of the tone; the packets that are full by then.
    pub fn speak(&mut self, now: Mono, wire: &mut Wire) {
        let mut samples = [0; FRAME];
        self.tone.fill(&mut samples);
        if self.silent {
            self.header.timestamp = self.header.timestamp.wrapping_add(160);
            return;
        }
        self.pending.extend_from_slice(&samples);
        let length = self.ptime as usize * 8;
        while self.pending.len() >= length {
            let rest = self.pending.split_off(length);
            let mut octets = vec![0; length];
            self.law.encode(&self.pending, &mut octets);
            self.pending = rest;
            let sealed = self.seal(&packet(self.header, &octets));
            wire.send(now, self.source, &sealed);
            self.header.sequence = self.header.sequence.wrapping_add(1);
            self.header.timestamp = self.header.timestamp.wrapping_add(length as u32);
        }
    }

    /// The packets of a key held for `frames` · 20 ms, one every 20 ms, with three end packets; in a stream of their
    /// own if `ssrc` is given.
    pub fn press(&mut self, symbol: char, frames: u16, ssrc: Option<u32>) -> Vec<Vec<u8>> {
        let code = leg::Digit::from_char(symbol).unwrap().code();
        let begin = Header {
            payload_type: self.dtmf,
            ssrc: ssrc.unwrap_or(self.header.ssrc),
            sequence: if ssrc.is_some() { 10_000 } else { self.header.sequence },
            ..self.header
        };
        let packets: Vec<Vec<u8>> = (1..=frames + 2)
            .map(|n| {
                let end = n >= frames;
                let payload = EventPayload { code, end, volume: 10, duration: n.min(frames) * 160 }.to_bytes();
                let header = Header { marker: n == 1, sequence: begin.sequence.wrapping_add(n), ..begin };
                packet(header, &payload)
            })
            .collect();
        if ssrc.is_none() {
            self.header.sequence = self.header.sequence.wrapping_add(packets.len() as u16 + 1);
        }
        packets
    }
}

/// A phone's side of SRTP.
pub struct Secured {
    pub agreed: sdp::Srtp,
    outbound: Outbound,
    inbound: Inbound,
}

pub fn packet(header: Header, payload: &[u8]) -> Vec<u8> {
    [&header.to_bytes()[..], payload].concat()
}

/// A prompt of `frames` of a sine.
pub fn sine(hertz: u16, frames: usize) -> Prompt {
    let mut samples = vec![0; frames * FRAME];
    ToneGenerator::new(Tone::Sine(hertz)).fill(&mut samples);
    Prompt::from_samples(&samples)
}

/// How many frames of 20 ms hold `hertz`, and the longest run that does not.
pub fn tone(sound: &[i16], hertz: f64) -> (usize, usize) {
    let (mut loud, mut gap, mut longest) = (0, 0, 0);
    for samples in sound.chunks_exact(FRAME) {
        if audio::analysis::amplitude_at(samples, 8000, hertz) > 1000.0 {
            loud += 1;
            gap = 0;
        } else {
            gap += 1;
            longest = longest.max(gap);
        }
    }
    (loud, longest)
}
