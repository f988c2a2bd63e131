//! Encode, decode and transcode one frame of 20 ms.

use criterion::{Criterion, criterion_group, criterion_main};

fn frame(c: &mut Criterion) {
    let _ = c;
}

criterion_group!(benches, frame);
criterion_main!(benches);
