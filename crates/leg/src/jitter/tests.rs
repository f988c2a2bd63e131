//! Packets in, frames out: order, length, lateness, jumps. Each octet tells its own timestamp, so that a test sees
//! which moment is played.

use super::*;

/// Octets that count up with the timestamp.
fn audio(timestamp: u32, length: u32) -> Vec<u8> {
    (0..length).map(|n| (timestamp.wrapping_add(n) / 160 % 100) as u8).collect()
}

struct Bench {
    buffer: JitterBuffer,
    frame: [u8; FRAME],
}

impl Bench {
    fn new() -> Self {
        Self { buffer: JitterBuffer::new(), frame: [0; FRAME] }
    }

    fn insert(&mut self, timestamp: u32, length: u32) -> Inserted {
        self.buffer.insert(timestamp, &audio(timestamp, length), Law::Ulaw, Law::Ulaw)
    }

    fn pop(&mut self) -> (Popped, u8) {
        let popped = self.buffer.pop(Law::Ulaw, &mut self.frame);
        (popped, self.frame[0])
    }

    /// Inserts packet n and pops a frame, for each n; the frame numbers that were played.
    fn run(&mut self, numbers: impl Iterator<Item = u32>) -> Vec<u8> {
        numbers
            .filter_map(|n| {
                self.insert(n * 160, 160);
                let (popped, first) = self.pop();
                (popped == Popped::Audio).then_some(first)
            })
            .collect()
    }
}

#[test]
fn a_stream_plays_40_ms_after_it_began() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(0..6), [0, 1, 2, 3]);
}

#[test]
fn packets_of_any_length_come_out_in_frames_of_20_ms() {
    for length in [80, 240, 320, 480] {
        let mut bench = Bench::new();
        let (mut timestamp, mut played) = (0, Vec::new());
        for tick in 0..30u32 {
            while timestamp <= tick * 160 {
                bench.insert(timestamp, length);
                timestamp += length;
            }
            let (popped, _) = bench.pop();
            if popped == Popped::Audio {
                assert!(bench.frame.iter().all(|octet| *octet == bench.frame[0]), "one frame, whole");
                played.push(bench.frame[0]);
            }
        }
        assert_eq!(played, (0..28).collect::<Vec<u8>>(), "{length} octets a packet");
    }
}

#[test]
fn doubled_and_swapped_packets_play_once_and_in_order() {
    let mut bench = Bench::new();
    let mut played = Vec::new();
    for n in 0..20u32 {
        let swapped = n ^ 1;
        assert_eq!(bench.insert(swapped * 160, 160), Inserted::Taken);
        assert_eq!(bench.insert(swapped * 160, 160), Inserted::Discarded);
        let (popped, first) = bench.pop();
        if popped == Popped::Audio {
            played.push(first);
        }
    }
    assert!(played.is_sorted(), "{played:?}");
    assert!(played.len() >= 17);
}

#[test]
fn a_lost_packet_is_concealed_at_less_amplitude() {
    let mut bench = Bench::new();
    let tone = [Law::Ulaw.encode_sample(8000); 160];
    for n in (0..6u32).filter(|n| *n != 3) {
        bench.buffer.insert(n * 160, &tone, Law::Ulaw, Law::Ulaw);
    }
    let popped: Vec<_> = (0..8).map(|_| (bench.pop().0, Law::Ulaw.decode_sample(bench.frame[0]))).collect();
    assert_eq!(popped[5].0, Popped::Concealed);
    assert!((4500..5500).contains(&popped[5].1), "{popped:?}");
    assert_eq!(popped[6].0, Popped::Audio);
}

#[test]
fn a_stream_that_ends_fades_to_silence_and_the_next_one_begins_anew() {
    let mut bench = Bench::new();
    bench.run(0..10);
    let after: Vec<_> = (0..20).map(|_| (bench.pop().0, bench.frame[0])).collect();
    assert_eq!(after[..2].iter().map(|(popped, _)| *popped).collect::<Vec<_>>(), [Popped::Audio; 2]);
    assert!(after[6..].iter().all(|(_, octet)| *octet == Law::Ulaw.silence()));
    assert_eq!(after[19].0, Popped::Idle);
    // A pause of a minute, by the timestamps.
    assert_eq!(bench.run(3000..3010).len(), 8);
}

#[test]
fn late_packets_make_the_delay_longer_and_are_played() {
    let mut bench = Bench::new();
    assert_eq!(bench.run(0..10).last(), Some(&7));
    // Packets 10 to 13 come 80 ms late, at once.
    let gap: Vec<_> = (0..4).map(|_| bench.pop().0).collect();
    assert_eq!(gap, [Popped::Audio, Popped::Audio, Popped::Concealed, Popped::Concealed]);
    (10..14).for_each(|n| assert_eq!(bench.insert(n * 160, 160), Inserted::Taken));
    assert_eq!(bench.run(14..20), [10, 11, 12, 13, 14, 15], "nothing is lost");
}

#[test]
fn a_delay_that_is_not_needed_is_given_up() {
    let mut bench = Bench::new();
    bench.run(0..10);
    (0..4).for_each(|_| assert_ne!(bench.pop().0, Popped::Idle));
    (10..14).for_each(|n| assert_eq!(bench.insert(n * 160, 160), Inserted::Taken));
    assert_eq!(bench.buffer.delay, FIRST_DELAY + 2 * STEP, "one burst came 40 ms late");
    let played = bench.run(14..2000);
    assert_eq!(bench.buffer.delay, FIRST_DELAY);
    assert_eq!(played.len(), 1986);
}

#[test]
fn a_packet_far_too_late_changes_nothing() {
    let mut bench = Bench::new();
    bench.run((0..50).filter(|n| *n != 30));
    assert_eq!(bench.insert(30 * 160, 160), Inserted::Discarded);
    assert_eq!(bench.buffer.delay, FIRST_DELAY);
}

#[test]
fn timestamps_that_jump_are_followed_when_the_next_packet_confirms() {
    for jump in [1_000_000u32, 0u32.wrapping_sub(1_000_000), 3 << 30] {
        let mut bench = Bench::new();
        bench.run(0..10);
        assert_eq!(bench.insert(jump, 160), Inserted::Discarded, "one stray packet costs nothing");
        assert_eq!(bench.pop().1, 8);
        assert_eq!(bench.insert(jump.wrapping_add(160), 160), Inserted::Taken);
        assert_eq!((0..3).map(|_| bench.pop().0).filter(|popped| *popped == Popped::Audio).count(), 1);
    }
}

#[test]
fn timestamps_may_wrap() {
    let mut bench = Bench::new();
    let start = 0u32.wrapping_sub(5 * 160);
    let audio_frames = (0..20u32)
        .filter(|n| {
            bench.insert(start.wrapping_add(n * 160), 160);
            bench.pop().0 == Popped::Audio
        })
        .count();
    assert_eq!(audio_frames, 18);
}

#[test]
fn a_sender_with_a_fast_clock_does_not_fill_the_buffer() {
    let mut bench = Bench::new();
    let mut n = 0;
    for tick in 0..10_000u32 {
        // Half a percent fast: far more than clocks drift.
        for _ in 0..if tick % 200 == 0 { 2 } else { 1 } {
            bench.insert(n * 160, 160);
            n += 1;
        }
        bench.pop();
    }
    assert!(distance(bench.buffer.play, bench.buffer.end) <= 1600);
}

#[test]
fn packets_of_no_length_or_too_long_are_discarded() {
    let mut bench = Bench::new();
    assert_eq!(bench.insert(0, 0), Inserted::Discarded);
    assert_eq!(bench.insert(0, 961), Inserted::Discarded);
    assert_eq!(bench.pop().0, Popped::Idle);
}
