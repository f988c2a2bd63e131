//! Audio through legs: what one phone says the other hears, whatever the wire and the phones do.
//!
//! RFC 3550: sequence and timestamp wrap, jump, change of SSRC (section 8); RFC 3551: packets of 10 to 40 ms, change
//! of payload type; RFC 3264: hold. Loss, doubling, reordering and jitter by a seeded wire.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use base::PlayId;
use leg::{Event, FRAME, Item, Law, Order};
use sdp::Direction;
use support::{Faults, Wire, World, sine, tone};

/// A bridged pair: 400 Hz by µ-law on one side, 1,000 Hz by A-law on the other.
fn pair(faults: Faults, seed: u64) -> World {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(seed, faults));
    world.add(Law::Alaw, 1000, Wire::new(seed + 1000, faults));
    world.bridge(0, 1);
    world
}

#[test]
fn each_side_of_a_bridge_hears_the_others_tone_in_its_own_law() {
    let mut world = pair(Faults::default(), 1);
    world.steps(5);
    let from = world.tick;
    world.steps(200);
    assert_eq!(tone(&world.sound(1, from), 400.0), (200, 0));
    assert_eq!(tone(&world.sound(0, from), 1000.0), (200, 0));
    assert!(world.sides[1].sent.iter().all(|(_, header, _)| header.payload_type == 8));
    // As loud as it was said, and nothing but the tone: a sine's root mean square is 0.707 of its amplitude.
    let said = support::sine(400, 1).octets(Law::Ulaw).iter().map(|octet| Law::Ulaw.decode_sample(*octet)).max();
    let (heard, peak) = (world.sound(1, from), f64::from(said.unwrap()));
    let (amplitude, level) = (audio::analysis::amplitude_at(&heard, 8000, 400.0), audio::analysis::rms(&heard));
    assert!((0.95..1.05).contains(&(amplitude / peak)), "{amplitude} of {peak}");
    assert!((0.70..0.72).contains(&(level / amplitude)), "{level} of {amplitude}");
}

#[test]
fn what_is_sent_has_one_packet_a_tick_in_sequence_and_one_marker() {
    let mut world = pair(Faults::default(), 1);
    world.steps(70_000);
    for side in &world.sides {
        assert_eq!(side.sent.len(), 70_000);
        assert!(side.sent.windows(2).all(|pair| {
            pair[1].1.sequence == pair[0].1.sequence.wrapping_add(1)
                && pair[1].1.timestamp == pair[0].1.timestamp.wrapping_add(160)
                && pair[1].1.ssrc == pair[0].1.ssrc
        }));
        assert_eq!(side.sent.iter().filter(|(_, header, _)| header.marker).count(), 1);
        assert!(side.sent[0].1.marker);
    }
}

#[test]
fn a_tone_goes_on_over_loss_doubling_and_reordering() {
    for seed in 0..20 {
        let mut world = pair(Faults { loss: 3, double: 5, jitter_ms: 30 }, seed);
        world.steps(150);
        let from = world.tick;
        world.steps(1000);
        for (side, hertz) in [(1, 400.0), (0, 1000.0)] {
            let (loud, gap) = tone(&world.sound(side, from), hertz);
            assert!(loud >= 990 && gap <= 2, "seed {seed}: {loud} of 1000 frames, gap of {gap}");
        }
    }
}

#[test]
fn strong_jitter_makes_the_delay_longer_and_then_nothing_is_missing() {
    for seed in 0..10 {
        let mut world = pair(Faults { jitter_ms: 80, ..Faults::default() }, seed);
        world.steps(300);
        let before = world.sides[0].leg.stats();
        world.steps(1000);
        let after = world.sides[0].leg.stats();
        let missing = after.concealed - before.concealed + after.discarded - before.discarded;
        assert!(missing <= 10, "seed {seed}: {missing} of 1000 frames");
    }
}

#[test]
fn packets_of_10_30_and_40_ms_are_sent_on_as_20_ms() {
    for ptime in [10, 30, 40, 60] {
        let mut world = pair(Faults::default(), 1);
        world.sides[0].phone.ptime = ptime;
        world.steps(10);
        let from = world.tick;
        world.steps(300);
        assert_eq!(tone(&world.sound(1, from), 400.0), (300, 0), "{ptime} ms");
        assert!(world.sides[1].sent.iter().all(|(_, _, payload)| payload.len() == 160));
    }
}

#[test]
fn another_law_without_a_word_is_heard() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    world.sides[0].phone.law = Law::Alaw;
    world.sides[0].phone.header.payload_type = 8;
    let from = world.tick;
    world.steps(100);
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0));
}

#[test]
fn a_jump_of_the_timestamp_is_followed() {
    for jump in [1_000_000u32, 0x8000_0000, 0u32.wrapping_sub(500_000)] {
        let mut world = pair(Faults::default(), 1);
        world.steps(50);
        world.sides[0].phone.header.timestamp = world.sides[0].phone.header.timestamp.wrapping_add(jump);
        let from = world.tick;
        world.steps(100);
        let (loud, gap) = tone(&world.sound(1, from), 400.0);
        assert!(loud >= 97 && gap <= 2, "{jump:#x}: {loud} of 100 frames, gap of {gap}");
    }
}

#[test]
fn a_jump_of_the_sequence_and_a_new_ssrc_are_followed() {
    let mut world = pair(Faults::default(), 1);
    for (skip, ssrc) in [(20_000, 0), (0, 1234), (40_000, 99)] {
        world.steps(50);
        let header = &mut world.sides[0].phone.header;
        header.sequence = header.sequence.wrapping_add(skip);
        header.ssrc ^= ssrc;
        header.timestamp = header.timestamp.wrapping_mul(7);
        let from = world.tick;
        world.steps(100);
        let (loud, gap) = tone(&world.sound(1, from), 400.0);
        assert!(loud >= 95 && gap <= 3, "{skip}, {ssrc}: {loud} of 100 frames, gap of {gap}");
    }
}

#[test]
fn two_streams_of_one_source_do_not_mix() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    let from = world.tick;
    for n in 0..100u16 {
        let phone = &world.sides[0].phone;
        let header = rtp::Header { ssrc: 5, sequence: n, timestamp: u32::from(n) * 160, ..phone.header };
        let (source, octets) = (phone.source, [0; 160]);
        world.inject(0, source, &support::packet(header, &octets));
        world.step();
    }
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0), "the first one counts while it goes on");
}

#[test]
fn a_phone_that_pauses_is_heard_again_at_once() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    world.sides[0].phone.silent = true;
    world.steps(100);
    let quiet = world.tick - 80;
    assert_eq!(tone(&world.sound(1, quiet), 400.0).0, 0, "silence is silence");
    world.sides[0].phone.silent = false;
    let from = world.tick;
    world.steps(100);
    assert!(tone(&world.sound(1, from), 400.0).0 >= 98);
    assert_eq!(world.sides[1].sent.len(), 250, "a NAT's binding is kept open");
}

#[test]
fn hold_stops_what_is_sent_and_resuming_marks_the_new_spurt() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    let agreed = world.sides[1].phone.agreed();
    for direction in [Direction::RecvOnly, Direction::Inactive] {
        world.order(1, Order::Start(sdp::Agreed { direction, ..agreed }));
        let count = world.sides[1].sent.len();
        world.steps(50);
        assert_eq!(world.sides[1].sent.len(), count, "{direction:?}");
    }
    let last = world.sides[1].sent.last().unwrap().1;
    world.order(1, Order::Start(sdp::Agreed { remote: None, ..agreed }));
    world.steps(50);
    assert_eq!(world.sides[1].sent.last().unwrap().1, last, "held at 0.0.0.0");
    world.order(1, Order::Start(agreed));
    let from = world.tick;
    world.steps(50);
    let next = world.sides[1].sent.iter().find(|(tick, ..)| *tick == from).unwrap().1;
    assert!(next.marker);
    assert_eq!(next.sequence, last.sequence.wrapping_add(1));
    assert_eq!(next.timestamp, last.timestamp.wrapping_add(151 * 160), "the timestamp went on");
    assert_eq!(tone(&world.sound(1, from), 400.0), (50, 0));
}

#[test]
fn sending_again_after_a_pause_begins_with_a_marker() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    let agreed = world.sides[1].phone.agreed();
    for paused in [sdp::Agreed { direction: Direction::RecvOnly, ..agreed }, sdp::Agreed { remote: None, ..agreed }] {
        world.order(1, Order::Start(paused));
        world.steps(50);
        world.order(1, Order::Start(agreed));
        world.steps(50);
    }
    let marked: Vec<usize> = (0..150).filter(|n| world.sides[1].sent[*n].1.marker).collect();
    assert_eq!(marked, [0, 50, 100]);
}

/// Frames that were received before the codec changed wait in the law of before.
#[test]
fn a_change_of_the_codec_plays_nothing_in_the_wrong_law() {
    let mut world = pair(Faults::default(), 1);
    world.sides[0].phone.silent = true;
    world.steps(50);
    let (phone, silence) = (&world.sides[0].phone, [Law::Ulaw.silence(); FRAME]);
    let (source, agreed, mut header) = (phone.source, phone.agreed(), phone.header);
    for _ in 0..10 {
        header.sequence = header.sequence.wrapping_add(1);
        header.timestamp = header.timestamp.wrapping_add(160);
        world.inject(0, source, &support::packet(header, &silence));
    }
    let from = world.tick;
    world.steps(2);
    world.order(0, Order::Start(sdp::Agreed { codec: sdp::Codec::Pcma, send_pt: 8, receive_pt: 8, ..agreed }));
    world.steps(20);
    let heard = world.sound(1, from);
    assert!(heard.iter().all(|sample| sample.abs() < 50), "{:?}", heard.iter().max());
}

#[test]
fn a_leg_that_sends_only_plays_and_hears_nothing() {
    let mut world = pair(Faults::default(), 1);
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(sdp::Agreed { direction: Direction::SendOnly, ..agreed }));
    world.steps(100);
    assert_eq!(tone(&world.sound(1, 1000), 400.0).0, 0);
    assert!(tone(&world.sound(0, 1000), 1000.0).0 >= 95);
}

/// 40 frames of 500 Hz, to play.
fn long() -> Arc<[Item]> {
    [Item::Prompt(sine(500, 40))].into()
}

/// Three frames of 700 Hz, to play.
fn short() -> Arc<[Item]> {
    [Item::Prompt(sine(700, 3))].into()
}

#[test]
fn a_prompt_plays_over_the_bridge_and_then_the_peer_is_heard_again() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    let play = PlayId::from_raw(5);
    world.order(0, Order::Play(play, long(), false));
    let from = world.tick;
    world.steps(40);
    assert_eq!(tone(&world.sound(0, from), 500.0), (40, 0));
    assert_eq!(world.events, [Event::PlayDone { leg: world.sides[0].leg.id(), play }]);
    let from = world.tick;
    world.steps(40);
    assert_eq!(tone(&world.sound(0, from), 1000.0), (40, 0));
}

#[test]
fn what_plays_goes_on_where_it_was_behind_what_is_told_over_it() {
    let mut world = World::new();
    world.add(Law::Alaw, 400, Wire::new(1, Faults::default()));
    let play = PlayId::from_raw(1);
    world.order(0, Order::Play(play, long(), false));
    world.steps(10);
    world.order(0, Order::Interject(short()));
    let from = world.tick;
    world.steps(3);
    assert_eq!(tone(&world.sound(0, from), 700.0), (3, 0));
    let from = world.tick;
    world.steps(29);
    assert_eq!(tone(&world.sound(0, from), 500.0), (29, 0));
    assert!(world.events.is_empty(), "one of its 40 frames is left");
    world.steps(1);
    assert_eq!(world.events, [Event::PlayDone { leg: world.sides[0].leg.id(), play }]);
    // What stops or plays next ends both.
    world.order(0, Order::Play(play, long(), true));
    for end in [Order::StopPlay, Order::Play(play, [].into(), false)] {
        world.order(0, Order::Interject(long()));
        world.steps(2);
        world.order(0, end);
        let from = world.tick;
        world.steps(5);
        assert_eq!(tone(&world.sound(0, from), 500.0), (0, 5));
    }
}

#[test]
fn what_is_ordered_plays_from_the_next_tick_on_and_replaces_what_played() {
    let mut world = World::new();
    world.add(Law::Alaw, 400, Wire::new(1, Faults::default()));
    world.order(0, Order::Play(PlayId::from_raw(1), long(), true));
    let from = world.tick;
    world.steps(100);
    assert_eq!(tone(&world.sound(0, from), 500.0), (100, 0), "repeated");
    world.order(0, Order::Play(PlayId::from_raw(2), short(), false));
    let from = world.tick;
    world.steps(10);
    assert_eq!(tone(&world.sound(0, from), 700.0), (3, 7));
    world.order(0, Order::Play(PlayId::from_raw(3), long(), false));
    world.steps(2);
    world.order(0, Order::StopPlay);
    world.steps(50);
    assert_eq!(world.events, [Event::PlayDone { leg: world.sides[0].leg.id(), play: PlayId::from_raw(2) }]);
}

#[test]
fn what_is_ordered_before_media_is_agreed_waits() {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(1, Faults::default()));
    let mut rng = base::Rng::from_number(1);
    world.sides[0].leg = leg::Leg::new(base::LegId::from_raw(9), &mut rng);
    world.order(0, Order::Play(PlayId::from_raw(1), short(), false));
    world.steps(20);
    assert!(world.events.is_empty() && world.sides[0].sent.is_empty());
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(agreed));
    let from = world.tick;
    world.steps(10);
    assert_eq!(tone(&world.sound(0, from), 700.0).0, 3);
}

#[test]
fn silence_is_told_once_and_again_after_packets_came() {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(1, Faults::default()));
    world.sides[0].phone.silent = true;
    world.steps(499);
    assert!(world.events.is_empty());
    world.steps(501);
    assert_eq!(world.events.len(), 1);
    world.sides[0].phone.silent = false;
    world.steps(10);
    world.sides[0].phone.silent = true;
    world.steps(600);
    assert_eq!(world.events, vec![Event::Silent { leg: world.sides[0].leg.id() }; 2]);
}

#[test]
fn a_held_leg_is_not_silent() {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(1, Faults::default()));
    world.sides[0].phone.silent = true;
    let agreed = world.sides[0].phone.agreed();
    for held in [
        sdp::Agreed { direction: Direction::SendOnly, ..agreed },
        sdp::Agreed { direction: Direction::Inactive, ..agreed },
        sdp::Agreed { direction: Direction::RecvOnly, ..agreed },
        sdp::Agreed { remote: None, ..agreed },
    ] {
        world.order(0, Order::Start(held));
        world.steps(1000);
        assert!(world.events.is_empty(), "{held:?}");
    }
    world.order(0, Order::Start(agreed));
    world.steps(499);
    assert!(world.events.is_empty(), "the time counts from the resuming");
}

#[test]
fn ticks_that_were_not_run_leave_a_gap_in_the_timestamps_only() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    let before = world.sides[1].sent.last().unwrap().1;
    world.tick += 10;
    world.now = world.now.after(Duration::from_millis(200));
    let from = world.tick;
    world.steps(100);
    let after = world.sides[1].sent[50].1;
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    assert_eq!(after.timestamp, before.timestamp.wrapping_add(11 * 160));
    assert!(tone(&world.sound(1, from), 400.0).0 >= 85);
}

#[test]
fn a_tick_that_a_leg_had_on_another_thread_is_not_run_again() {
    let mut world = pair(Faults::default(), 1);
    world.steps(50);
    world.tick -= 1;
    world.step();
    assert_eq!(world.sides[0].sent.len(), 50);
    world.step();
    assert_eq!(world.sides[0].sent.len(), 51);
}
