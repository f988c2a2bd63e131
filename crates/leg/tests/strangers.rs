//! Who is the peer: attacks on the latch, NATs, moves; and what reports tell (RTCP).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

mod support;

use std::net::SocketAddr;

use leg::{Law, Order};
use rtp::rtcp::{self, Rtcp};
use support::{Faults, Phone, Wire, World, packet, tone};

fn pair() -> World {
    let mut world = World::new();
    world.add(Law::Ulaw, 400, Wire::new(1, Faults::default()));
    world.add(Law::Ulaw, 1000, Wire::new(2, Faults::default()));
    world.bridge(0, 1);
    world
}

/// A phone at another address that speaks 2,000 Hz towards side 0.
fn sprayer(address: &str) -> Phone {
    let mut phone = Phone::new(9, Law::Ulaw, 2000);
    phone.source = address.parse().unwrap();
    phone
}

/// Steps of the world, in each of which the sprayer sends as well.
fn steps_with(world: &mut World, sprayer: &mut Phone, count: usize) {
    for _ in 0..count {
        let now = world.now.monotonic;
        sprayer.speak(now, &mut world.sides[0].wire);
        world.step();
    }
}

#[test]
fn a_sprayer_is_not_heard_and_gets_nothing() {
    let mut world = pair();
    world.steps(20);
    let (before, from) = (world.sides[0].leg.destination(), world.tick);
    for address in ["10.0.0.1:5000", "10.66.0.1:4000"] {
        steps_with(&mut world, &mut sprayer(address), 300);
    }
    let heard = world.sound(1, from);
    assert_eq!((tone(&heard, 400.0), tone(&heard, 2000.0).0), ((600, 0), 0));
    assert_eq!(world.sides[0].leg.destination(), before);
    assert_eq!((world.sides[0].leg.stats().strangers, world.sides[0].leg.stats().moves), (600, 0));
}

#[test]
fn a_sprayer_that_was_there_first_loses_to_the_phone_within_the_window() {
    let mut world = pair();
    world.sides[0].phone.silent = true;
    let mut attacker = sprayer("10.66.0.1:4000");
    steps_with(&mut world, &mut attacker, 13);
    assert_eq!(world.sides[0].leg.destination(), Some(world.sides[0].phone.source));
    world.sides[0].phone.silent = false;
    let from = world.tick;
    steps_with(&mut world, &mut attacker, 200);
    let heard = world.sound(1, from);
    assert_eq!(tone(&heard, 2000.0).0, 0);
    assert!(tone(&heard, 400.0).0 >= 197);
}

#[test]
fn a_phone_behind_a_nat_is_heard_and_sent_to() {
    let mut world = pair();
    let nat: SocketAddr = "192.0.2.7:61000".parse().unwrap();
    world.sides[0].phone.source = nat;
    world.steps(250);
    let from = world.tick;
    world.steps(100);
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0));
    let leg = &world.sides[0].leg;
    assert_eq!((leg.destination(), leg.only_source(world.now.monotonic)), (Some(nat), Some(nat)));
    assert_eq!(leg.rtcp_destination(), Some("192.0.2.7:61001".parse().unwrap()));
}

#[test]
fn a_nat_that_changes_the_port_is_followed_after_a_silence() {
    let mut world = pair();
    world.steps(100);
    world.sides[0].phone.source.set_port(7000);
    world.steps(50);
    assert_ne!(world.sides[0].leg.destination(), Some(world.sides[0].phone.source));
    world.steps(100);
    let from = world.tick;
    assert_eq!(world.sides[0].leg.destination(), Some(world.sides[0].phone.source));
    world.steps(50);
    assert_eq!(tone(&world.sound(1, from), 400.0).0, 50);
    assert_eq!(world.sides[0].leg.stats().moves, 1);
}

#[test]
fn a_new_offer_moves_the_peer_at_once() {
    let mut world = pair();
    world.steps(50);
    let moved: SocketAddr = "10.0.0.77:9000".parse().unwrap();
    let mut attacker = sprayer(&world.sides[0].phone.source.to_string());
    world.sides[0].phone.source = moved;
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(agreed));
    assert_eq!(world.sides[0].leg.only_source(world.now.monotonic), None);
    let from = world.tick;
    steps_with(&mut world, &mut attacker, 100);
    let heard = world.sound(1, from);
    assert!(tone(&heard, 400.0).0 >= 97);
    assert_eq!(tone(&heard, 2000.0).0, 0, "the old address is a stranger now");
}

/// A phone that moves its port and keeps its stream: what it sent from the old one meanwhile is heard, too.
#[test]
fn a_move_by_re_invite_is_not_heard_on_the_other_side() {
    let mut world = pair();
    world.steps(50);
    let old = world.sides[0].phone.source;
    world.sides[0].phone.source.set_port(9000);
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(agreed));
    let from = world.tick;
    // Our answer is on its way to him.
    world.sides[0].phone.source = old;
    world.steps(10);
    world.sides[0].phone.source.set_port(9000);
    world.steps(90);
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0));
    assert_eq!((world.sides[0].leg.destination(), world.sides[0].leg.stats().moves), (agreed.remote, 1));
}

#[test]
fn who_sprays_during_a_hold_is_not_heard_then_nor_after_it() {
    let mut world = pair();
    world.steps(300);
    let mut attacker = sprayer("10.66.0.1:4000");
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(sdp::Agreed { direction: sdp::Direction::RecvOnly, ..agreed }));
    world.sides[0].phone.silent = true;
    let from = world.tick;
    steps_with(&mut world, &mut attacker, 1000);
    world.sides[0].phone.silent = false;
    world.order(0, Order::Start(agreed));
    let resumed = world.tick;
    steps_with(&mut world, &mut attacker, 500);
    assert_eq!(tone(&world.sound(1, from), 2000.0).0, 0);
    assert!(tone(&world.sound(1, resumed), 400.0).0 >= 497);
    assert_eq!(world.sides[0].leg.destination(), agreed.remote);
}

#[test]
fn garbage_from_the_peer_changes_nothing_but_a_count() {
    let mut world = pair();
    world.steps(20);
    let (source, from) = (world.sides[0].phone.source, world.tick);
    let header = world.sides[0].phone.header;
    let long = vec![0; 1200];
    let garbage: [Vec<u8>; 9] = [
        vec![],
        vec![0x80],
        b"INVITE sip:x SIP/2.0\r\n\r\n".to_vec(),
        packet(rtp::Header { payload_type: 77, ..header }, &[0; 160]),
        packet(rtp::Header { payload_type: 18, ..header }, &[0; 160]),
        vec![0x80, 200, 0xff, 0xff],
        vec![0x9f; 40],
        packet(rtp::Header { timestamp: header.timestamp.wrapping_add(1 << 30), ..header }, &long),
        packet(rtp::Header { payload_type: 96, ..header }, &[1, 2]),
    ];
    for n in 0..100 {
        world.inject(0, source, &garbage[n % 9]);
        world.step();
    }
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0));
    assert!(world.events.iter().all(|event| !matches!(event, leg::Event::Closed { .. })));
    assert!(world.sides[0].leg.stats().strangers > 60);
}

#[test]
fn no_octets_of_anybody_break_a_leg() {
    let mut world = pair();
    world.order(0, Order::Record(base::TakeId::from_raw(1)));
    world.steps(200);
    let report = world.sides[0].reports.first().cloned().unwrap_or_default();
    let mut rng = base::Rng::from_number(3);
    let source = world.sides[0].phone.source;
    for n in 0..100_000u32 {
        let header = rtp::Header {
            marker: rng.percent(10),
            payload_type: [0, 8, 96, 13, 5][rng.below(5) as usize],
            sequence: rng.u32() as u16,
            timestamp: rng.u32(),
            ssrc: rng.below(3),
        };
        let mut octets = match rng.below(3) {
            0 => report.clone(),
            _ => packet(header, &vec![7; rng.below(1000) as usize]),
        };
        for _ in 0..rng.below(4) {
            if let Some(at) = (!octets.is_empty()).then(|| rng.below(octets.len() as u32) as usize) {
                octets[at] = rng.u32() as u8;
            }
        }
        octets.truncate(if rng.percent(20) { rng.below(40) as usize } else { octets.len() });
        world.inject(0, source, &octets);
        let now = world.now;
        world.sides[0].leg.handle_rtcp(now, source, &mut octets.clone());
        if n % 10 == 0 {
            world.tick();
        }
    }
    // The digits that were among them take their time on the other side.
    world.steps(700);
    let from = world.tick;
    world.steps(100);
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0), "the phone is heard as before");
}

#[test]
fn reports_tell_what_was_sent_and_received() {
    let mut world = pair();
    world.sides[0].wire.faults.loss = 10;
    world.steps(1000);
    let reports = &world.sides[0].reports;
    assert!((2..=8).contains(&reports.len()), "{} reports in 20 s", reports.len());
    let packets: Vec<_> = rtcp::parse(reports.last().unwrap()).unwrap().collect();
    let Rtcp::Report { sender: Some(sender), .. } = packets[0] else { panic!("{packets:?}") };
    assert!(sender.packets > 100 && sender.octets == sender.packets * 160);
    let block = packets[0].blocks().next().unwrap();
    assert_eq!(block.ssrc, world.sides[0].phone.header.ssrc);
    assert!((10..=45).contains(&block.fraction_lost), "{block:?}");
    assert_eq!(packets.len(), 2, "an SDES with the name follows");
}

#[test]
fn a_call_of_two_seconds_has_no_report() {
    let mut world = pair();
    world.steps(100);
    assert!(world.sides[0].reports.is_empty());
}

#[test]
fn the_peers_reports_tell_loss_and_round_trip() {
    let mut world = pair();
    world.steps(500);
    let ours = world.sides[0].reports.last().unwrap().clone();
    let Some(Rtcp::Report { ssrc, sender: Some(sender), .. }) = rtcp::parse(&ours).unwrap().next() else { panic!() };
    let sent_at = world.now;
    // The peer's report names ours, which it got 40 ms ago; the answer came 100 ms after it was sent.
    let block = rtcp::ReportBlock {
        ssrc,
        fraction_lost: 64,
        lost: 5,
        highest: 0,
        jitter: 0,
        last_sr: rtcp::ntp_middle(rtcp::ntp(sent_at.wall)),
        delay: 65_536 * 40 / 1000,
    };
    let mut out = [0; rtcp::MAX_REPORT];
    let report = rtcp::Report { ssrc: 1, sender: Some(sender), block: Some(block), cname: "peer", bye: false };
    let length = report.write(&mut out).unwrap();
    let at = sent_at.after(std::time::Duration::from_millis(100));
    let stranger: SocketAddr = "10.66.0.1:4001".parse().unwrap();
    world.sides[0].leg.handle_rtcp(at, stranger, &mut out[..length]);
    assert_eq!(world.sides[0].leg.stats().remote_loss, 0);
    let source = SocketAddr::new(world.sides[0].phone.source.ip(), 4001);
    world.sides[0].leg.handle_rtcp(at, source, &mut out[..length]);
    let stats = world.sides[0].leg.stats();
    assert_eq!(stats.remote_loss, 64);
    assert!((59_900..60_100).contains(&stats.round_trip_us.unwrap()), "{stats:?}");
}
