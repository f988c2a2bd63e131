//! Encode, decode and transcode one frame of 20 ms, which a media thread does 50 times a second and call.

use std::hint::black_box;

use audio::{FRAME, Law, Tone, ToneGenerator};
use criterion::{Criterion, criterion_group, criterion_main};

fn frame(c: &mut Criterion) {
    let mut samples = [0; FRAME];
    ToneGenerator::new(Tone::Sine(440)).fill(&mut samples);
    for (name, law, other) in [("ulaw", Law::Ulaw, Law::Alaw), ("alaw", Law::Alaw, Law::Ulaw)] {
        let (mut octets, mut out) = ([0; FRAME], [0; FRAME]);
        law.encode(&samples, &mut octets);
        let mut decoded = [0; FRAME];
        c.bench_function(&format!("{name} encode"), |b| b.iter(|| law.encode(black_box(&samples), &mut out)));
        c.bench_function(&format!("{name} decode"), |b| b.iter(|| law.decode(black_box(&octets), &mut decoded)));
        c.bench_function(&format!("{name} transcode"), |b| {
            b.iter(|| law.transcode(other, black_box(&octets), &mut out));
        });
    }
    let other = samples;
    c.bench_function("mix of two voices", |b| b.iter(|| audio::mix(black_box(&mut samples), black_box(&other))));
    let mut tone = ToneGenerator::new(Tone::RingbackUs);
    c.bench_function("tone of two sines", |b| b.iter(|| tone.fill(black_box(&mut samples))));
}

criterion_group!(benches, frame);
criterion_main!(benches);
