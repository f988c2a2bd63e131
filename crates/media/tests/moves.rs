//! Legs that move between threads at random: no packet lost, no order lost or overtaken, recordings unbroken.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests of a driver: real sockets and time")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use base::{LegId, Rng, TakeId};
use leg::{Command, Event, FRAME, Law, Stats};
use support::{Phone, System, assert_tone, config, talk};

const PHONES: u64 = 8;

#[test]
fn legs_that_move_at_random_lose_no_packet_and_obey_the_last_order() {
    let mut rng = Rng::from_number(4);
    let mut system = System::start(config(4));
    let mut phones: Vec<Phone> = (0..PHONES)
        .map(|n| {
            let law = if n % 2 == 0 { Law::Ulaw } else { Law::Alaw };
            system.phone(n, law, 300 + 100 * n as u16)
        })
        .collect();
    // Bridges and conferences at random, sometimes many at once so that legs are ordered about while they are on their way.
    let until = Instant::now() + Duration::from_secs(3);
    let mut takes: BTreeMap<LegId, Vec<TakeId>> = BTreeMap::new();
    let mut order_take = |system: &mut System, leg: LegId| {
        let orders = takes.entry(leg).or_default();
        orders.push(TakeId::from_raw(orders.len() as u64));
        system.media.execute(Command::Record { leg, take: orders[orders.len() - 1] });
    };
    let mut bridges = 0;
    while Instant::now() < until {
        for _ in 0..1 + rng.below(12) {
            let (a, b) = (u64::from(rng.below(PHONES as u32)), u64::from(rng.below(PHONES as u32)));
            let (a, b) = (phones[a as usize].leg, phones[b as usize].leg);
            if rng.percent(30) {
                let c = phones[rng.below(PHONES as u32) as usize].leg;
                system.media.execute(Command::Confer { legs: [a, b, c] });
            } else {
                system.media.execute(Command::Bridge { a, b });
            }
            // A recording that begins ends the one before: the ends tell whether each order came, and in order.
            order_take(&mut system, a);
            order_take(&mut system, b);
            if rng.percent(20) {
                system.media.execute(Command::Unbridge { leg: b });
            }
            bridges += 1;
        }
        talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(40));
    }
    assert!(bridges > 100);
    // At last each even phone with the odd one after it.
    for pair in phones.chunks(2) {
        system.media.execute(Command::Bridge { a: pair[0].leg, b: pair[1].leg });
    }
    talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(400));
    let heard: Vec<usize> = phones.iter().map(|phone| phone.sound().len()).collect();
    talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(1000));
    for (n, phone) in phones.iter().enumerate() {
        let hertz = 300.0 + 100.0 * (n ^ 1) as f64;
        assert_tone(&phone.sound()[heard[n]..], hertz, 3);
        assert_eq!(phone.lost(), 0, "phone {n}");
        // A leg that gets lost on its way is silent for good; a shorter pause is the machine's.
        let spacing = phone.longest_spacing();
        assert!(spacing < Duration::from_secs(1), "{spacing:?} without a packet");
    }
    let sent: HashMap<_, _> = phones.iter().map(|phone| (phone.leg, phone.sequence.wrapping_sub(65_530))).collect();
    for phone in &phones {
        let Stats { received, lost, discarded, strangers, .. } = system.close(phone.leg);
        assert_eq!((lost, strangers), (0, 0), "discarded {discarded}");
        assert!(received >= u64::from(sent[&phone.leg]) - 1, "{received} of {}", sent[&phone.leg]);
    }
    assert_eq!(system.media.counters().dropped_commands, 0);
    for (leg, ordered) in takes {
        let ended = system.seen.iter().filter_map(|event| match event {
            Event::TakeEnded { leg: of, take, .. } if *of == leg => Some(*take),
            _ => None,
        });
        assert!(ended.eq(ordered), "each order of {leg} was obeyed, in order");
    }
}

#[test]
fn a_recording_goes_on_while_its_leg_moves() {
    let mut system = System::start(config(3));
    let mut caller = system.phone(1, Law::Ulaw, 400);
    let mut agents = [system.phone(2, Law::Alaw, 700), system.phone(3, Law::Ulaw, 1100)];
    system.media.execute(Command::Record { leg: caller.leg, take: TakeId::from_raw(9) });
    for _ in 0..3 {
        for agent in 0..2 {
            system.media.execute(Command::Bridge { a: agents[agent].leg, b: caller.leg });
            let [first, second] = &mut agents;
            talk(&mut [&mut caller, first, second], Duration::from_millis(300));
        }
    }
    let stats = system.close(caller.leg);
    let ended = system.seen.iter().find_map(|event| match event {
        Event::TakeEnded { frames, lost, .. } => Some((*frames, *lost)),
        _ => None,
    });
    assert_eq!(ended, Some((stats.sent, 0)), "a frame for each that was sent");
    let (mut next, mut left, mut last) = (0, vec![], false);
    for chunk in system.chunks.try_iter() {
        assert_eq!((chunk.first_frame, chunk.lost, last), (next, 0, false), "in order, without a gap");
        next += (chunk.audio.left.len() / FRAME) as u64;
        last = chunk.last;
        let mut samples = vec![0; chunk.audio.left.len()];
        chunk.law.decode(&chunk.audio.left, &mut samples);
        left.extend(samples);
    }
    assert!(last);
    assert_tone(&left[10 * FRAME..], 400.0, 3);
}

#[test]
fn legs_are_spread_over_the_threads_and_a_closed_one_is_gone() {
    let mut system = System::start(config(3));
    for round in 0..3u64 {
        let phones: Vec<Phone> = (0..9).map(|n| system.phone(round * 10 + n, Law::Ulaw, 400)).collect();
        assert_eq!(system.media.legs(), 9);
        for phone in &phones {
            system.media.execute(Command::Bridge { a: phones[0].leg, b: phone.leg });
        }
        for phone in &phones {
            system.close(phone.leg);
        }
        assert_eq!(system.media.legs(), 0);
    }
    // Orders to legs that are not there are ignored.
    let gone = LegId::from_raw(1);
    system.media.execute(Command::StopPlay { leg: gone });
    system.media.execute(Command::Bridge { a: gone, b: LegId::from_raw(2) });
    system.media.execute(Command::Close { leg: gone });
}

#[test]
fn the_end_of_media_closes_all_legs_and_their_recordings() {
    let mut system = System::start(config(3));
    let mut phones: Vec<Phone> = (0..4).map(|n| system.phone(n, Law::Ulaw, 400)).collect();
    system.media.execute(Command::Record { leg: phones[0].leg, take: TakeId::from_raw(9) });
    talk(&mut phones.iter_mut().collect::<Vec<_>>(), Duration::from_millis(200));
    let System { media, events, chunks, .. } = system;
    drop(media);
    let closed = events.try_iter().filter(|event| matches!(event, Event::Closed { .. })).count();
    assert_eq!(closed, 4);
    assert!(chunks.try_iter().last().is_some_and(|chunk| chunk.last));
}
