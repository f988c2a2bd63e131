//! Three who talk: each hears the other two and never himself, in his own law; what is recorded, whose keys go where, and how
//! three become two.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

mod support;

use audio::analysis::{amplitude_at, rms};
use base::TakeId;
use leg::{Event, FRAME, Law, Masked, Order};
use rtp::srtp::Suite;
use support::{Faults, Wire, World, tone};

const HERTZ: [f64; 3] = [400.0, 1000.0, 1700.0];

/// A caller by µ-law, an agent by A-law, and an expert by µ-law over SRTP: 400, 1,000 and 1,700 Hz.
fn three(faults: Faults, seed: u64) -> World {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(seed, faults));
    world.add(Law::Alaw, 1000, Wire::new(seed + 1000, faults));
    world.add_secure(Law::Ulaw, 1700, Wire::new(seed + 2000, faults), Suite::AesCm128HmacSha1_80);
    world.confer([0, 1, 2]);
    world
}

/// How many frames of what each hears hold the tone of each.
fn heard(world: &World, from: u64) -> [[usize; 3]; 3] {
    [0, 1, 2].map(|side| HERTZ.map(|hertz| tone(&world.sound(side, from), hertz).0))
}

#[test]
fn each_of_three_hears_the_other_two_and_never_himself_over_both_laws_and_srtp() {
    let mut world = three(Faults::default(), 1);
    world.steps(5);
    let from = world.tick;
    world.steps(200);
    assert_eq!(heard(&world, from), [[0, 200, 200], [200, 0, 200], [200, 200, 0]]);
    // As loud as it was said, and nothing but the two: together they have the power of both.
    let said = support::sine(400, 1).octets(Law::Ulaw).iter().map(|octet| Law::Ulaw.decode_sample(*octet)).max();
    let (sound, peak) = (world.sound(0, from), f64::from(said.unwrap()));
    for hertz in [HERTZ[1], HERTZ[2]] {
        let loud = amplitude_at(&sound, 8000, hertz) / peak;
        assert!((0.95..1.05).contains(&loud), "{hertz}: {loud}");
    }
    assert!(amplitude_at(&sound, 8000, HERTZ[0]) < peak / 100.0);
    assert!((0.98..1.02).contains(&(rms(&sound) / peak)), "{} of {peak}", rms(&sound));
}

#[test]
fn the_mix_goes_on_over_loss_doubling_and_reordering() {
    for seed in 0..10 {
        let mut world = three(Faults { loss: 3, double: 5, jitter_ms: 30 }, seed);
        world.steps(150);
        let from = world.tick;
        world.steps(500);
        for (hearer, frames) in heard(&world, from).into_iter().enumerate() {
            for (speaker, frames) in frames.into_iter().enumerate() {
                let right = if speaker == hearer { frames < 5 } else { frames >= 490 };
                assert!(right, "seed {seed}: {hearer} hears {speaker} in {frames} of 500 frames");
            }
        }
    }
}

#[test]
fn one_who_says_nothing_leaves_the_others_voice_bit_for_bit() {
    let mut world = three(Faults::default(), 1);
    world.sides[2].phone.silent = true;
    world.steps(50);
    let from = world.tick;
    world.steps(50);
    let mut alone = World::new();
    alone.add(Law::Ulaw, 400, Wire::new(1, Faults::default()));
    alone.add(Law::Alaw, 1000, Wire::new(1001, Faults::default()));
    alone.bridge(0, 1);
    alone.steps(100);
    assert_eq!(world.sound(1, from), alone.sound(1, from));
    assert_eq!(heard(&world, from)[2], [50, 50, 0], "and he hears both");
}

#[test]
fn whoever_leaves_or_holds_is_heard_no_more_and_the_other_two_talk_on() {
    let mut world = three(Faults::default(), 1);
    world.steps(20);
    let agreed = world.sides[1].phone.agreed();
    world.order(1, Order::Start(sdp::Agreed { direction: sdp::Direction::SendOnly, ..agreed }));
    world.steps(5);
    let from = world.tick;
    world.steps(50);
    assert_eq!(heard(&world, from), [[0, 0, 50], [50, 0, 50], [50, 0, 0]], "held: what he says does not come in");
    world.order(1, Order::Start(agreed));
    world.order(2, Order::Part);
    world.bridge(0, 1);
    world.steps(5);
    let from = world.tick;
    world.steps(50);
    assert_eq!(heard(&world, from), [[0, 50, 0], [50, 0, 0], [0, 0, 0]]);
    assert!(world.sides.iter().all(|side| side.sent.len() == 130), "a packet each tick, whatever becomes of it");
}

#[test]
fn one_who_is_not_there_yet_is_not_waited_for() {
    let mut world = three(Faults::default(), 1);
    // As if the third were on his way from another thread still.
    world.order(2, Order::Part);
    world.steps(5);
    let from = world.tick;
    world.steps(50);
    assert_eq!(heard(&world, from), [[0, 50, 0], [50, 0, 0], [0, 0, 0]]);
}

#[test]
fn the_callers_recording_has_him_on_the_left_and_the_mix_on_the_right_and_masks_hold() {
    let mut world = three(Faults::default(), 1);
    world.steps(10);
    world.order(0, Order::Record(TakeId::from_raw(7)));
    world.steps(50);
    world.order(0, Order::Mask(Masked::Peer));
    world.steps(50);
    world.order(0, Order::Mask(Masked::Both));
    world.steps(50);
    world.order(0, Order::StopRecord);
    let (mut left, mut right) = (vec![], vec![]);
    for chunk in &world.takes.chunks {
        for (octets, sound) in [(&chunk.audio.left, &mut left), (&chunk.audio.right, &mut right)] {
            sound.extend(octets.iter().map(|octet| chunk.law.decode_sample(*octet)));
        }
    }
    let frames = |sound: &[i16], part: usize| {
        HERTZ.map(|hertz| tone(&sound[part * 50 * FRAME..(part + 1) * 50 * FRAME], hertz).0)
    };
    assert_eq!((frames(&left, 0), frames(&right, 0)), ([50, 0, 0], [0, 50, 50]));
    assert_eq!((frames(&left, 1), frames(&right, 1)), ([0, 0, 0], [0, 50, 50]), "his secret");
    assert_eq!((frames(&left, 2), frames(&right, 2)), ([0; 3], [0; 3]), "everybody's");
}

/// A key held for five frames by a side.
fn press(world: &mut World, side: usize, symbol: char) {
    for packet in world.sides[side].phone.press(symbol, 5, None) {
        world.inject(side, world.sides[side].phone.source, &packet);
        world.step();
    }
    world.steps(10);
}

/// How many packets of keys a side was sent.
fn keys_sent(world: &World, side: usize) -> usize {
    let side = &world.sides[side];
    side.sent.iter().filter(|(_, header, _)| header.payload_type == side.phone.dtmf).count()
}

#[test]
fn keys_pressed_among_three_are_told_and_go_to_neither_of_the_others() {
    let mut world = three(Faults::default(), 1);
    world.steps(20);
    press(&mut world, 0, '5');
    press(&mut world, 1, '6');
    assert_eq!((world.digits(0), world.digits(1)), ("5".to_owned(), "6".to_owned()));
    assert_eq!([0, 1, 2].map(|side| keys_sent(&world, side)), [0; 3]);
    // When two are left, only what is pressed from then on goes to the other.
    world.order(2, Order::Part);
    world.bridge(0, 1);
    world.steps(20);
    assert_eq!(keys_sent(&world, 0), 0);
    press(&mut world, 1, '7');
    assert!(keys_sent(&world, 0) >= 5);
}

#[test]
fn keys_that_are_kept_are_told_and_do_not_go_to_the_other_side_of_a_bridge() {
    let mut world = three(Faults::default(), 1);
    world.order(2, Order::Part);
    world.bridge(0, 1);
    world.order(1, Order::KeepDigits);
    world.steps(20);
    press(&mut world, 1, '6');
    press(&mut world, 0, '5');
    assert_eq!((world.digits(0), world.digits(1)), ("5".to_owned(), "6".to_owned()));
    assert_eq!(keys_sent(&world, 0), 0, "the agent's");
    assert!(keys_sent(&world, 1) >= 5, "the caller's go to the agent as ever");
    let told = world.events.iter().filter(|event| matches!(event, Event::DigitEnd { .. })).count();
    assert_eq!(told, 2);
}
