//! Legs with SRTP: what they send is sealed, what they receive must prove itself before it is heard, makes a digit, names a
//! source or counts as a report; and both sides of a bridge keep their own keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not know for such"
)]

mod support;

use std::net::SocketAddr;

use base::TakeId;
use leg::{Event, FRAME, Law, Order};
use rtp::srtp::Suite;
use support::{Faults, Wire, World, packet, tone};

fn wire(seed: u64) -> Wire {
    Wire::new(seed, Faults::default())
}

/// A leg with SRTP, bridged to one without (1).
fn mixed(suite: Suite) -> World {
    let mut world = World::new();
    world.add_secure(Law::Ulaw, 400, wire(1), suite);
    world.add(Law::Alaw, 1000, wire(2));
    world.bridge(0, 1);
    world.steps(20);
    world
}

#[test]
fn a_bridge_opens_and_seals_for_every_suite() {
    for suite in Suite::ALL {
        let mut world = mixed(suite);
        let from = world.tick;
        world.steps(100);
        assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0), "{suite}");
        assert_eq!(tone(&world.sound(0, from), 1000.0), (100, 0), "{suite}");
        // On the wire it is longer by its tag, and something else.
        for (wired, (_, _, clear)) in world.sides[0].wired.iter().zip(&world.sides[0].sent) {
            assert!(wired.len() > 12 + FRAME, "{suite}");
            assert!(wired[12..].iter().zip(clear).filter(|(wired, clear)| wired == clear).count() < 20, "{suite}");
        }
        assert_eq!(world.sides[1].wired[0].len(), 12 + FRAME);
        let stats = world.sides[0].leg.stats();
        assert_eq!((stats.unauthentic, stats.replayed, stats.strangers), (0, 0, 0), "{suite}");
    }
}

#[test]
fn two_secure_legs_have_keys_of_their_own() {
    let mut world = World::new();
    world.add_secure(Law::Ulaw, 400, wire(1), Suite::AesCm128HmacSha1_80);
    world.add_secure(Law::Ulaw, 1000, wire(2), Suite::AeadAes128Gcm);
    world.bridge(0, 1);
    world.steps(20);
    let from = world.tick;
    world.steps(100);
    assert_eq!(tone(&world.sound(1, from), 400.0), (100, 0));
    assert_eq!(tone(&world.sound(0, from), 1000.0), (100, 0));
    assert_ne!(world.sides[0].wired[50][12..], world.sides[1].wired[50][12..]);
}

#[test]
fn the_recording_is_in_clear() {
    let mut world = mixed(Suite::AesCm128HmacSha1_32);
    world.order(0, Order::Record(TakeId::from_raw(7)));
    world.steps(100);
    world.order(0, Order::StopRecord);
    let side = |left: bool| -> Vec<i16> {
        let chunks = world.takes.chunks.iter();
        let octets = chunks.flat_map(|chunk| if left { chunk.audio.left.clone() } else { chunk.audio.right.clone() });
        let octets: Vec<u8> = octets.collect();
        let mut samples = vec![0; octets.len()];
        Law::Ulaw.decode(&octets, &mut samples);
        samples
    };
    assert_eq!((tone(&side(true), 400.0), tone(&side(false), 1000.0)), ((100, 0), (100, 0)));
}

#[test]
fn digits_go_through_sealed_and_those_in_clear_are_none() {
    let mut world = mixed(Suite::AeadAes256Gcm);
    let source = world.sides[0].phone.source;
    for packet in world.sides[0].phone.press('5', 5, None) {
        world.inject(0, source, &packet);
        world.tick();
    }
    world.steps(10);
    assert_eq!(world.digits(0), "", "in clear, though from the phone's own address");
    let stats = world.sides[0].leg.stats();
    assert_eq!(stats.unauthentic + stats.strangers, 7);
    for packet in world.sides[0].phone.press('6', 5, None) {
        let sealed = world.sides[0].phone.seal(&packet);
        world.inject(0, source, &sealed);
        world.tick();
    }
    world.steps(20);
    assert_eq!(world.digits(0), "6");
    // The other phone presses, and this one is sent sealed events, which it opens.
    for packet in world.sides[1].phone.press('7', 5, None) {
        let source = world.sides[1].phone.source;
        world.inject(1, source, &packet);
        world.tick();
    }
    world.steps(20);
    let dtmf = world.sides[0].phone.dtmf;
    assert!(world.sides[0].sent.iter().filter(|(_, header, _)| header.payload_type == dtmf).count() >= 5);
}

#[test]
fn clear_replayed_and_foreign_packets_are_dropped_and_counted_one_by_one() {
    let mut world = mixed(Suite::AesCm128HmacSha1_80);
    let source = world.sides[0].phone.source;
    let before = world.sides[0].leg.stats();
    let sealed: Vec<_> = (0..10u16)
        .map(|n| {
            let header = rtp::Header { sequence: 100 + n, ssrc: 0xabcd, ..world.sides[0].phone.header };
            (packet(header, &[0x55; FRAME]), world.sides[0].phone.seal(&packet(header, &[0x55; FRAME])))
        })
        .collect();
    for (clear, sealed) in &sealed {
        world.inject(0, source, clear);
        world.inject(0, source, sealed);
        world.inject(0, source, sealed);
        let mut changed = sealed.clone();
        changed[20] ^= 4;
        world.inject(0, source, &changed);
        world.inject(0, source, &sealed[..8]);
    }
    let stats = world.sides[0].leg.stats();
    // A changed copy of what came already is told by its number alone.
    assert_eq!((stats.unauthentic, stats.replayed, stats.strangers - before.strangers), (10, 20, 10));
    assert_eq!(stats.received - before.received, 10);
}

/// Of a stranger behind another address nothing counts, however well his stream fits; the phone's own does.
#[test]
fn a_source_is_known_by_the_key_alone() {
    let mut world = World::new();
    world.add_secure(Law::Ulaw, 400, wire(1), Suite::AesCm128HmacSha1_80);
    let mut sprayer = support::Phone::new(9, Law::Ulaw, 2000);
    sprayer.source = "10.66.0.1:6000".parse().unwrap();
    world.sides[0].phone.silent = true;
    for _ in 0..100 {
        let clear = packet(sprayer.header, &[0x55; FRAME]);
        sprayer.header.sequence = sprayer.header.sequence.wrapping_add(1);
        sprayer.header.timestamp = sprayer.header.timestamp.wrapping_add(160);
        world.inject(0, sprayer.source, &clear);
        world.step();
    }
    let stats = world.sides[0].leg.stats();
    assert_eq!((stats.received, stats.unauthentic), (0, 100));
    assert_eq!(world.sides[0].leg.destination(), Some(world.sides[0].phone.source));
    // Behind a NAT the phone itself comes from elsewhere.
    let behind: SocketAddr = "10.77.0.1:7000".parse().unwrap();
    world.sides[0].phone.source = behind;
    world.sides[0].phone.silent = false;
    world.steps(50);
    assert_eq!(world.sides[0].leg.destination(), Some(behind));
}

#[test]
fn reports_are_sealed_both_ways() {
    let mut world = mixed(Suite::AeadAes128Gcm);
    world.steps(1000);
    let reports = world.sides[0].reports.clone();
    assert!(reports.len() >= 2, "and opened by the phone");
    let ssrc = u32::from_be_bytes(reports[0][4..8].try_into().unwrap());
    let block =
        rtp::rtcp::ReportBlock { ssrc, fraction_lost: 64, lost: 5, highest: 0, jitter: 0, last_sr: 0, delay: 0 };
    let report = rtp::rtcp::Report { ssrc: 1, sender: None, block: Some(block), cname: "peer", bye: false };
    let mut out = [0; rtp::rtcp::MAX_REPORT];
    let length = report.write(&mut out).unwrap();
    let source = SocketAddr::new(world.sides[0].phone.source.ip(), 4001);
    let now = world.now;
    world.sides[0].leg.handle_rtcp(now, source, &mut out[..length].to_vec());
    assert_eq!((world.sides[0].leg.stats().remote_loss, world.sides[0].leg.stats().unauthentic), (0, 1));
    let mut sealed = world.sides[0].phone.seal_rtcp(&out[..length]);
    world.sides[0].leg.handle_rtcp(now, source, &mut sealed);
    assert_eq!(world.sides[0].leg.stats().remote_loss, 64);
}

#[test]
fn the_same_key_goes_on_over_hold_and_another_one_begins_anew_without_a_gap() {
    let mut world = World::new();
    world.add_secure(
        Law::Ulaw,
        400,
        Wire::new(1, Faults { jitter_ms: 40, ..Faults::default() }),
        Suite::AesCm128HmacSha1_80,
    );
    world.add(Law::Alaw, 1000, wire(2));
    world.bridge(0, 1);
    world.steps(30);
    let agreed = world.sides[0].phone.agreed();
    world.order(0, Order::Start(sdp::Agreed { direction: sdp::Direction::Inactive, ..agreed }));
    world.steps(20);
    world.order(0, Order::Start(agreed));
    world.steps(20);
    let from = world.tick;
    world.steps(50);
    assert_eq!(tone(&world.sound(1, from), 400.0), (50, 0), "the phone's packets go on under their counter");
    assert_eq!(world.sides[0].leg.stats().unauthentic + world.sides[0].leg.stats().replayed, 0);
    // Two packets sealed with the former key are on the wire.
    let from = world.tick;
    world.rekey(0, Suite::AeadAes128Gcm);
    world.steps(50);
    assert_eq!(tone(&world.sound(1, from), 400.0), (50, 0), "no word is lost");
    assert_eq!(tone(&world.sound(0, from), 1000.0), (50, 0));
    assert_eq!(world.sides[0].leg.stats().unauthentic, 0);
}

#[test]
fn a_leg_that_loses_and_doubles_packets_hears_the_rest() {
    let mut world = mixed(Suite::AesCm128HmacSha1_80);
    world.sides[0].wire.faults = Faults { loss: 5, double: 30, ..Faults::default() };
    let from = world.tick;
    world.steps(500);
    assert!(tone(&world.sound(1, from), 400.0).0 > 450);
    let stats = world.sides[0].leg.stats();
    assert_eq!(stats.unauthentic, 0);
    assert!(stats.replayed > 50, "{stats:?}");
}

#[test]
fn a_peer_whose_packets_none_can_open_is_silent() {
    let mut world = mixed(Suite::AesCm128HmacSha1_80);
    let agreed = world.sides[0].phone.agreed();
    let suite = Suite::AesCm128HmacSha1_80;
    let wrong = rtp::srtp::MasterKey::random(suite, &mut base::Rng::from_number(77));
    let srtp = agreed.srtp.map(|srtp| sdp::Srtp { remote: wrong, ..srtp });
    world.order(0, Order::Start(sdp::Agreed { srtp, ..agreed }));
    world.steps(700);
    let leg = world.sides[0].leg.id();
    assert!(world.events.contains(&Event::Silent { leg }));
    assert!(world.sides[0].leg.stats().unauthentic > 500);
}
