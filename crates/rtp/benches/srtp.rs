//! What protection costs: a packet of 20 ms (172 octets) sealed and opened, by suite.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a bench that panics tells so")]

use std::hint::black_box;

use base::Rng;
use criterion::{Criterion, criterion_group, criterion_main};
use rtp::srtp::{Inbound, MasterKey, Outbound, RTP_TRAILER, Suite};
use rtp::{HEADER, Header};

const PACKET: usize = HEADER + 160;

fn packet(sequence: u16) -> [u8; PACKET + RTP_TRAILER] {
    let mut octets = [0x55; PACKET + RTP_TRAILER];
    let header = Header { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc: 7 };
    octets[..HEADER].copy_from_slice(&header.to_bytes());
    octets
}

fn bench(c: &mut Criterion) {
    for suite in Suite::ALL {
        let key = MasterKey::random(suite, &mut Rng::from_number(1));
        c.bench_function(&format!("protect {suite}"), |b| {
            let (mut outbound, mut sequence) = (Outbound::new(&key), 0u16);
            let mut octets = packet(0);
            b.iter(|| {
                octets[2..4].copy_from_slice(&sequence.to_be_bytes());
                sequence = sequence.wrapping_add(1);
                outbound.protect_rtp(black_box(&mut octets), PACKET).unwrap()
            });
        });
        c.bench_function(&format!("unprotect {suite}"), |b| {
            let mut outbound = Outbound::new(&key);
            let mut sealed = Vec::new();
            for sequence in 0..1000 {
                let mut octets = packet(sequence);
                let length = outbound.protect_rtp(&mut octets, PACKET).unwrap();
                sealed.push(octets[..length].to_vec());
            }
            let mut inbound = Inbound::new(&key, None);
            let (mut at, mut copy) = (0, [0; PACKET + RTP_TRAILER]);
            b.iter(|| {
                if at == sealed.len() {
                    // A new stream, lest they be replays; its cost is spread over a thousand packets.
                    inbound = Inbound::new(&key, None);
                    at = 0;
                }
                let packet = &sealed[at];
                at += 1;
                let copy = &mut copy[..packet.len()];
                copy.copy_from_slice(packet);
                inbound.unprotect_rtp(black_box(copy)).unwrap()
            });
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
