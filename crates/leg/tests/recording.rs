//! Recordings: both sides aligned by ticks, unbroken over bridges, hold and changes of codec.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

mod support;

use base::TakeId;
use leg::{Event, FRAME, Law, Masked, Order};
use sdp::{Codec, Direction};
use support::{Faults, Wire, World, tone};

fn take() -> TakeId {
    TakeId::from_raw(7)
}

/// Both sides of what was recorded, from the take's first frame on.
fn recorded(world: &World) -> (Vec<i16>, Vec<i16>) {
    let frames = world.takes.chunks.iter().map(|c| c.first_frame as usize + c.audio.left.len() / FRAME).max().unwrap();
    let (mut left, mut right) = (vec![0; frames * FRAME], vec![0; frames * FRAME]);
    for chunk in &world.takes.chunks {
        let at = chunk.first_frame as usize * FRAME;
        let end = at + chunk.audio.left.len();
        chunk.law.decode(&chunk.audio.left, &mut left[at..end]);
        chunk.law.decode(&chunk.audio.right, &mut right[at..end]);
    }
    (left, right)
}

fn pair() -> World {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(1, Faults::default()));
    world.add(Law::Alaw, 1000, Wire::new(2, Faults::default()));
    world.bridge(0, 1);
    world.steps(20);
    world
}

#[test]
fn left_is_the_leg_and_right_its_peer() {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    world.steps(110);
    world.order(0, Order::StopRecord);
    let (left, right) = recorded(&world);
    assert_eq!((tone(&left, 400.0), tone(&right, 1000.0)), ((110, 0), (110, 0)));
    assert_eq!((tone(&left, 1000.0).0, tone(&right, 400.0).0), (0, 0));
    let leg = world.sides[0].leg.id();
    assert_eq!(world.events, [Event::TakeEnded { leg, take: take(), frames: 110, lost: 0 }]);
    assert_eq!(
        world.takes.chunks.iter().map(|chunk| chunk.last).collect::<Vec<_>>(),
        [false, false, false, false, true]
    );
}

#[test]
fn a_recording_goes_on_over_parting_hold_and_another_codec() {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    world.steps(30);
    world.order(0, Order::Part);
    world.order(1, Order::Part);
    world.steps(30);
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(sdp::Agreed { direction: Direction::Inactive, ..agreed }));
    world.steps(30);
    let phone = &mut world.sides[0].phone;
    (phone.law, phone.payload_type, phone.header.payload_type) = (Law::Alaw, 8, 8);
    let agreed = sdp::Agreed { codec: Codec::Pcma, send_pt: 8, receive_pt: 8, ..agreed };
    world.order(0, Order::Start(agreed));
    world.bridge(0, 1);
    world.steps(30);
    world.order(0, Order::StopRecord);
    let (left, right) = recorded(&world);
    assert_eq!(left.len(), 120 * FRAME, "each tick has its frame");
    let part = |sound: &[i16], first: usize, hertz| tone(&sound[first * FRAME..(first + 30) * FRAME], hertz).0;
    assert_eq!((part(&left, 0, 400.0), part(&right, 0, 1000.0)), (30, 30));
    assert_eq!((part(&left, 30, 400.0), part(&right, 30, 1000.0)), (30, 0), "alone");
    assert!(part(&left, 60, 400.0) <= 5 && part(&right, 60, 1000.0) == 0, "held");
    assert!(part(&left, 90, 400.0) >= 26 && part(&right, 90, 1000.0) >= 29, "together again");
}

#[test]
fn what_a_held_leg_is_not_sent_is_not_recorded() {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(sdp::Agreed { direction: Direction::Inactive, ..agreed }));
    world.steps(50);
    world.order(0, Order::StopRecord);
    assert_eq!(recorded(&world).1, vec![0; 50 * FRAME], "the peer speaks on, and nobody hears him");
}

#[test]
fn a_closed_leg_waits_until_its_recording_is_passed_on() {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    world.steps(10);
    world.takes.full = true;
    world.order(0, Order::Close);
    world.step();
    assert!(!world.sides[0].leg.is_finished());
    world.takes.full = false;
    world.step();
    assert!(world.sides[0].leg.is_finished());
    assert_eq!(tone(&recorded(&world).0, 400.0).0, 10, "the rest was kept");
}

#[test]
fn a_second_recording_ends_the_first() {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    world.steps(10);
    world.order(0, Order::Record(TakeId::from_raw(8)));
    world.steps(5);
    world.order(0, Order::Close);
    let ends: Vec<_> = world.takes.chunks.iter().filter(|c| c.last).map(|c| (c.take.as_raw(), c.first_frame)).collect();
    assert_eq!(ends, [(7, 0), (8, 0)]);
    let frames: Vec<_> = world.takes.chunks.iter().map(|chunk| chunk.audio.left.len() / FRAME).collect();
    assert_eq!(frames, [10, 5]);
}

/// The leg is told of a mask, its phone speaks on and presses a key meanwhile; how many frames of the phone's tone are in
/// each second of the recording, and how many of what it hears.
fn masked(what: Masked, ticks: [usize; 3], press: impl FnOnce(&mut World)) -> (Vec<usize>, Vec<usize>) {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    world.steps(ticks[0]);
    world.order(0, Order::Mask(what));
    world.steps(ticks[1]);
    press(&mut world);
    world.order(0, Order::Mask(Masked::Nothing));
    world.steps(ticks[2]);
    world.order(0, Order::StopRecord);
    let leg = world.sides[0].leg.id();
    let ends = world.events.iter().filter(|event| **event == Event::MaskEnded { leg }).count();
    assert_eq!(ends, 1);
    let (left, right) = recorded(&world);
    let seconds = |sound: &[i16], hertz| sound.chunks(50 * FRAME).map(|part| tone(part, hertz).0).collect();
    (seconds(&left, 400.0), seconds(&right, 1000.0))
}

#[test]
fn a_masked_leg_is_silent_in_its_recording_until_a_second_after_the_masks_end() {
    let (left, right) = masked(Masked::Peer, [50, 100, 100], |_| {});
    assert_eq!(left, [50, 0, 0, 0, 50], "the mask, the second behind it, and what follows");
    assert_eq!(right, [50; 5], "what he hears is no secret");
}

#[test]
fn a_mask_of_both_sides_hides_what_the_phone_hears_too() {
    let (left, right) = masked(Masked::Both, [50, 100, 100], |_| {});
    assert_eq!((left, right), (vec![50, 0, 0, 0, 50], vec![50, 0, 0, 0, 50]));
}

#[test]
fn a_mask_goes_on_while_a_key_is_held() {
    let (left, _) = masked(Masked::Peer, [50, 50, 250], |world| {
        // A key of which no end comes for two seconds: the mask ends a second after that.
        for packet in world.sides[0].phone.press('5', 102, None).into_iter().take(100) {
            world.order(0, Order::Mask(Masked::Nothing));
            world.inject(0, world.sides[0].phone.source, &packet);
            world.step();
        }
    });
    assert_eq!(left[..5], [50, 0, 0, 0, 0], "{left:?}");
    assert!(left[5] <= 50 && left[6..].iter().all(|frames| *frames == 50), "{left:?}");
}

#[test]
fn a_message_is_what_the_peer_says_beside_the_recording_and_his_silence_is_told_once() {
    let mut world = pair();
    world.order(0, Order::Record(take()));
    world.order(0, Order::TakeMessage(TakeId::from_raw(8), std::time::Duration::from_secs(1)));
    // What a flow keeps out of the recording is in the message all the same.
    world.order(0, Order::Mask(Masked::Both));
    world.steps(60);
    world.sides[0].phone.silent = true;
    world.steps(120);
    let leg = world.sides[0].leg.id();
    assert_eq!(world.events, [Event::Quiet { leg }]);
    world.sides[0].phone.silent = false;
    world.steps(10);
    world.order(0, Order::EndMessage);
    let frames = |of: u64| {
        let chunks = world.takes.chunks.iter().filter(|chunk| chunk.take == TakeId::from_raw(of));
        chunks.map(|chunk| chunk.audio.left.len() / FRAME).sum::<usize>()
    };
    assert_eq!(frames(8), 190);
    assert!(frames(7) >= 175, "the recording goes on");
    let ended = |event: &Event| matches!(event, Event::TakeEnded { take, frames: 190, lost: 0, .. } if *take == TakeId::from_raw(8));
    assert_eq!(world.events.iter().filter(|event| ended(event)).count(), 1);
    world.takes.chunks.retain(|chunk| chunk.take == TakeId::from_raw(8));
    let (left, right) = recorded(&world);
    assert!(tone(&left, 400.0).0 >= 65 && tone(&right, 1000.0).0 == 0, "{:?}", tone(&left, 400.0));
}
