//! What a packet and a tick of a leg cost, without system calls.
#![allow(missing_docs, reason = "criterion's macros make functions without docs")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench")]

use std::net::SocketAddr;
use std::time::Duration;

use base::{LegId, Mono, Now, PlayId, Rng, TakeId, Wall};
use criterion::{Criterion, criterion_group, criterion_main};
use leg::{Bay, Chunk, Item, Leg, Order, PACKET, Stereo, TakeSink, Tones};
use sdp::{Agreed, Codec, Direction};

struct Drain(Vec<Stereo>);

impl TakeSink for Drain {
    fn buffer(&mut self) -> Option<Stereo> {
        Some(self.0.pop().unwrap_or_else(Stereo::with_room))
    }

    fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
        self.0.push(chunk.audio);
        Ok(())
    }
}

struct Bench {
    now: Now,
    tick: u64,
    tones: Tones,
    takes: Drain,
    events: Vec<leg::Event>,
    rng: Rng,
    legs: [Leg; 3],
}

fn source() -> SocketAddr {
    ([127, 0, 0, 1], 4000).into()
}

impl Bench {
    /// Three legs, µ-law, `codec` and µ-law.
    fn new(codec: Codec) -> Self {
        let mut rng = Rng::from_number(1);
        let legs = [1, 2, 3].map(|id| Leg::new(LegId::from_raw(id), &mut rng));
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1) };
        let mut bench = Self { now, tick: 1, tones: Tones::default(), takes: Drain(vec![]), events: vec![], rng, legs };
        for (leg, codec) in [(0, Codec::Pcmu), (1, codec), (2, Codec::Pcmu)] {
            bench.order(leg, Order::Start(agreed(codec)));
        }
        bench
    }

    fn order(&mut self, leg: usize, order: Order) {
        let Self { tones, takes, events, rng, .. } = self;
        let mut bay = Bay { tones, takes, events, rng, rtp_timeout: Duration::from_secs(9999) };
        self.legs[leg].handle_order(self.now.monotonic, order, &mut bay);
    }

    /// A packet in and a packet out, for so many legs.
    fn step(&mut self, count: usize) {
        self.tick += 1;
        self.now = self.now.after(Duration::from_millis(20));
        let Self { tones, takes, events, rng, .. } = self;
        let mut bay = Bay { tones, takes, events, rng, rtp_timeout: Duration::from_secs(9999) };
        let header = rtp::Header {
            marker: false,
            payload_type: 0,
            sequence: (self.tick & 0xffff) as u16,
            timestamp: (self.tick as u32).wrapping_mul(160),
            ssrc: 5,
        };
        let mut packet = [0; PACKET];
        packet[..12].copy_from_slice(&header.to_bytes());
        let [a, b, c] = &mut self.legs;
        for leg in [&mut *a, &mut *b, &mut *c].into_iter().take(count) {
            leg.handle_rtp(self.now, source(), &mut packet[..172], &mut bay);
            leg.hear(self.now, self.tick, &mut bay);
        }
        let mut out = [0; PACKET];
        match count {
            1 => drop(a.speak([None; 2], &mut out, &mut bay)),
            2 => {
                a.speak([Some(b), None], &mut out, &mut bay);
                b.speak([Some(a), None], &mut out, &mut bay);
            }
            _ => {
                a.speak([Some(b), Some(c)], &mut out, &mut bay);
                b.speak([Some(a), Some(c)], &mut out, &mut bay);
                c.speak([Some(a), Some(b)], &mut out, &mut bay);
            }
        }
        std::hint::black_box(&out);
    }
}

fn agreed(codec: Codec) -> Agreed {
    Agreed {
        remote: Some(source()),
        remote_rtcp: None,
        direction: Direction::SendRecv,
        codec,
        send_pt: codec.static_pt(),
        receive_pt: codec.static_pt(),
        receive_other: None,
        dtmf_send_pt: Some(101),
        dtmf_receive_pt: Some(101),
        send_ptime_ms: 20,
        srtp: None,
    }
}

fn ticks(c: &mut Criterion) {
    let mut prompt = Bench::new(Codec::Pcmu);
    let sound = Item::Prompt(audio::Prompt::from_samples(&[1000; 80_000]));
    prompt.order(0, Order::Play(PlayId::from_raw(1), [sound].into(), true));
    c.bench_function("a leg that plays a prompt, packet in and packet out", |b| b.iter(|| prompt.step(1)));
    prompt.order(0, Order::Record(TakeId::from_raw(1)));
    c.bench_function("the same, recorded", |b| b.iter(|| prompt.step(1)));
    for (name, codec) in [("a bridge", Codec::Pcmu), ("a bridge of two laws", Codec::Pcma)] {
        let mut bridge = Bench::new(codec);
        bridge.order(0, Order::Join(LegId::from_raw(2)));
        bridge.order(1, Order::Join(LegId::from_raw(1)));
        c.bench_function(&format!("{name}, a packet in and out on both legs"), |b| b.iter(|| bridge.step(2)));
    }
    let mut conference = Bench::new(Codec::Pcma);
    for (leg, others) in [(0, [2, 3]), (1, [1, 3]), (2, [1, 2])] {
        conference.order(leg, Order::Confer(others.map(LegId::from_raw)));
    }
    c.bench_function("a conference of three, a packet in and out on all legs", |b| b.iter(|| conference.step(3)));
}

criterion_group!(benches, ticks);
criterion_main!(benches);
