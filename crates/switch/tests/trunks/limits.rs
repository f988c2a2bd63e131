//! A trunk with `channels` and `calls_per_second`: what is above is passed over, or refused before anything is kept of it.

use super::*;
use journal::NoWayOut;

const OTHER: &str = "127.0.0.4:5060";

/// User 101 calls out by `carrier`, and by `other` in its place if `other` is true. Both answer at once.
fn scene(other: bool, change: impl FnOnce(&mut Trunk)) -> Scene {
    let mut first = Trunk { failover: other.then(|| "other".into()), ..trunk("carrier", CARRIER) };
    change(&mut first);
    let mut config = with(first);
    config.trunks.push(trunk("other", OTHER));
    config.emergency = Some(switch::Emergency { numbers: ["112".into()].into(), trunk: "carrier".into() });
    let mut s = Scene::of(config);
    let (carrier, other) = (s.carrier, s.world.phone(OTHER));
    s.world.at(carrier).carrier = None;
    s.world.at(other).carrier = None;
    s
}

/// Another phone of user 101, who may have several calls.
fn caller(s: &mut Scene, n: u16, number: &str) -> SocketAddr {
    let phone = s.world.phone(&format!("127.0.0.1:{}", 6000 + n));
    s.world.with_phone(phone, |phone, now| phone.call(now, "101", number));
    phone
}

/// A caller who comes by `carrier`.
fn comes(s: &mut Scene, n: u16) -> SocketAddr {
    let phone = s.world.phone(&format!("127.0.0.3:{}", 6000 + n));
    s.world.with_phone(phone, |phone, now| phone.call(now, "+49301", "1000"));
    phone
}

fn state(s: &Scene) -> switch::control::TrunkState {
    let states = s.world.switch.status(s.world.now).trunks;
    states.into_iter().find(|state| state.trunk == "carrier").unwrap()
}

fn ways(s: &Scene) -> Vec<String> {
    s.told(|kind| match kind {
        Kind::LegBegan { role: journal::LegRole::Outside(outside), .. } => Some(outside.trunk.to_string()),
        _ => None,
    })
}

#[test]
fn a_full_trunk_is_passed_over_for_the_one_in_its_place() {
    let mut s = scene(true, |trunk| trunk.channels = Some(1));
    for n in 0..2 {
        caller(&mut s, n, NUMBER);
        s.world.run(SECOND);
    }
    assert_eq!(ways(&s), ["carrier", "other"]);
    let passed = s.told(|kind| match kind {
        Kind::TrunkPassed { trunk, why } => Some((trunk.to_string(), *why)),
        _ => None,
    });
    assert_eq!(passed, [("carrier".to_owned(), NoWayOut::TrunkFull)]);
    let state = state(&s);
    assert_eq!((state.calls_out, state.channels, state.met.channels_out), (1, Some(1), 1));
}

#[test]
fn without_another_the_caller_learns_that_no_channel_is_free_until_one_is() {
    let mut s = scene(false, |trunk| trunk.channels = Some(1));
    let first = caller(&mut s, 0, NUMBER);
    s.world.run(SECOND);
    let second = caller(&mut s, 1, NUMBER);
    s.world.run(SECOND);
    assert!(s.saw(second, &Seen::Refused(503)), "{:?}", s.world.at(second).seen);
    assert_eq!((s.world.at(second).reason.q850, s.world.at(second).told_to_wait), (Some(34), Some(5)));
    let why = s.told(|kind| if let Kind::OutsideRefused { why, .. } = kind { Some(*why) } else { None });
    assert_eq!(why, [NoWayOut::TrunkFull]);
    s.hang_up(first);
    let third = caller(&mut s, 2, NUMBER);
    s.world.run(SECOND);
    assert_eq!(ways(&s).len(), 2, "the channel is free again");
    s.hang_up(third);
    s.end();
    assert_eq!(state(&s).calls_out, 0);
}

#[test]
fn where_all_trunks_are_full_the_caller_learns_when_the_first_of_them_may_have_room() {
    let (channels, rate) = ((Some(1), None), (None, Some(1)));
    for (first, second, wait, cause) in [(channels, rate, 1, 42), (rate, channels, 1, 34), (channels, channels, 5, 34)]
    {
        let mut config = with(Trunk { failover: Some("other".into()), ..trunk("carrier", CARRIER) });
        config.trunks.push(trunk("other", OTHER));
        for (trunk, limits) in config.trunks.iter_mut().rev().zip([second, first]) {
            (trunk.channels, trunk.calls_per_second) = limits;
        }
        let mut s = Scene::of(config);
        let (carrier, other) = (s.carrier, s.world.phone(OTHER));
        s.world.at(carrier).carrier = None;
        s.world.at(other).carrier = None;
        let last = [0, 1, 2].map(|n| caller(&mut s, n, NUMBER))[2];
        s.world.run(Duration::from_millis(200));
        assert_eq!(ways(&s), ["carrier", "other"]);
        let (seen, told) = (s.saw(last, &Seen::Refused(503)), s.world.at(last).told_to_wait);
        assert_eq!((seen, told, s.world.at(last).reason.q850), (true, Some(wait), Some(cause)));
    }
}

#[test]
fn where_the_first_trunk_fails_and_the_next_is_full_the_caller_learns_when_that_may_have_room() {
    let (channels, rate) = ((Some(1), None), (None, Some(1)));
    for (fails, limits, status, wait) in [
        (Some(503), channels, 503, Some(5)),
        (Some(503), rate, 503, Some(1)),
        (Some(408), channels, 480, Some(5)),
        (None, channels, 503, Some(5)),
        // An answer that means no is the last word, and no trunk's room matters.
        (Some(500), channels, 503, None),
    ] {
        let silence = Some(2 * SECOND);
        let mut config = with(Trunk { failover: Some("other".into()), silence, ..trunk("carrier", CARRIER) });
        let (channels, calls_per_second) = limits;
        config.trunks.push(Trunk { channels, calls_per_second, ..trunk("other", OTHER) });
        let mut s = Scene::of(config);
        let (carrier, other) = (s.carrier, s.world.phone(OTHER));
        s.world.at(carrier).carrier = None;
        s.world.at(other).carrier = None;
        match fails {
            Some(status) => s.world.at(carrier).reflex = Some(status),
            None => s.world.cut_off(carrier, true),
        }
        let last = [0, 1].map(|n| caller(&mut s, n, NUMBER))[1];
        s.world.run(3 * SECOND);
        let others = ways(&s).iter().filter(|way| *way == "other").count();
        assert_eq!(others, usize::from(wait.is_some()), "{fails:?}");
        let (seen, told) = (s.saw(last, &Seen::Refused(status)), s.world.at(last).told_to_wait);
        assert_eq!((seen, told), (true, wait), "{fails:?} {:?}", s.world.at(last).seen);
        let passed = s.told(|kind| match kind {
            Kind::TrunkPassed { trunk, why } => Some((trunk.to_string(), *why)),
            _ => None,
        });
        let full = wait.map(|wait| if wait == 5 { NoWayOut::TrunkFull } else { NoWayOut::TrunkRate });
        assert_eq!(passed, Vec::from_iter(full.map(|why| ("other".to_owned(), why))), "{fails:?}");
    }
}

#[test]
fn channels_count_both_ways_together_and_a_call_in_is_refused_before_anything_is_kept_of_it() {
    let mut s = scene(false, |trunk| trunk.channels = Some(2));
    caller(&mut s, 0, NUMBER);
    let first = comes(&mut s, 0);
    s.world.run(SECOND);
    assert!(s.saw(first, &Seen::Answered));
    let (sessions, calls) = (s.world.switch.sip_population().sessions, s.world.switch.live_calls());
    let events = s.world.journal.len();
    let second = comes(&mut s, 1);
    s.world.run(Duration::from_millis(200));
    assert!(s.saw(second, &Seen::Refused(503)), "{:?}", s.world.at(second).seen);
    assert_eq!((s.world.at(second).reason.q850, s.world.at(second).told_to_wait), (Some(34), Some(5)));
    assert_eq!((s.world.switch.sip_population().sessions, s.world.switch.live_calls()), (sessions, calls));
    assert_eq!(s.world.journal.len(), events);
    assert_eq!((state(&s).calls_out, state(&s).calls_in, state(&s).met.channels_in), (1, 1, 1));
    s.hang_up(first);
    let third = comes(&mut s, 2);
    s.world.run(SECOND);
    assert!(s.saw(third, &Seen::Answered), "{:?}", s.world.at(third).seen);
}

#[test]
fn as_many_calls_as_a_second_brings_come_in_and_go_out_each_way_for_itself() {
    let mut s = scene(false, |trunk| trunk.calls_per_second = Some(3));
    s.world.run(SECOND);
    let came: Vec<SocketAddr> = (0..5).map(|n| comes(&mut s, n)).collect();
    let went: Vec<SocketAddr> = (0..5).map(|n| caller(&mut s, n, NUMBER)).collect();
    s.world.run(Duration::from_millis(100));
    let refused = |s: &mut Scene, of: &[SocketAddr]| of.iter().filter(|&&who| s.saw(who, &Seen::Refused(503))).count();
    assert_eq!((refused(&mut s, &came), refused(&mut s, &went)), (2, 2));
    for last in [*came.last().unwrap(), *went.last().unwrap()] {
        assert_eq!((s.world.at(last).reason.q850, s.world.at(last).told_to_wait), (Some(42), Some(1)));
    }
    let why = s.told(|kind| if let Kind::OutsideRefused { why, .. } = kind { Some(*why) } else { None });
    assert_eq!(why, [NoWayOut::TrunkRate; 2]);
    let met = state(&s).met;
    assert_eq!((met.rate_in, met.rate_out, met.channels_in, met.channels_out), (2, 2, 0, 0));
    s.world.run(Duration::from_millis(400));
    let next = comes(&mut s, 7);
    s.world.run(Duration::from_millis(100));
    assert!(!s.saw(next, &Seen::Refused(503)), "a third of a second brings one more");
}

#[test]
fn help_is_called_for_by_a_full_trunk_if_there_is_no_other() {
    for other in [false, true] {
        let mut s = scene(other, |trunk| (trunk.channels, trunk.calls_per_second) = (Some(1), Some(1)));
        caller(&mut s, 0, NUMBER);
        caller(&mut s, 1, "112");
        s.world.run(SECOND);
        assert_eq!(ways(&s), ["carrier", if other { "other" } else { "carrier" }]);
    }
}

#[test]
fn other_limits_hold_for_the_next_call_and_end_none() {
    let limited = |channels| {
        let mut config = with(Trunk { channels, ..trunk("carrier", CARRIER) });
        config.grants.values_mut().next().unwrap().at_once = 9;
        config
    };
    let mut s = Scene::of(limited(Some(2)));
    let carrier = s.carrier;
    s.world.at(carrier).carrier = None;
    let callers: Vec<SocketAddr> = (0..2).map(|n| comes(&mut s, n)).collect();
    s.world.run(SECOND);
    s.world.reconfigure(limited(Some(1)));
    s.world.run(SECOND);
    assert!(callers.iter().all(|&caller| s.world.at(caller).session.is_some()), "both live on");
    let third = comes(&mut s, 2);
    s.world.run(SECOND);
    assert!(s.saw(third, &Seen::Refused(503)));
    s.world.reconfigure(limited(None));
    let fourth = comes(&mut s, 3);
    s.world.run(SECOND);
    assert!(s.saw(fourth, &Seen::Answered), "{:?}", s.world.at(fourth).seen);
    let state = state(&s);
    assert_eq!((state.calls_in, state.channels, state.met.channels_in), (3, None, 1));
}

#[test]
fn who_must_prove_himself_takes_nothing_away_before_he_has() {
    let mut s = scene(false, |trunk| {
        trunk.calls_per_second = Some(1);
        trunk.authenticate = Some(Account { user: "far".into(), secret: Secret::of("far", "strowger", "pw") });
    });
    for n in 0..4 {
        let stranger = comes(&mut s, n);
        s.world.run(Duration::from_millis(10));
        assert!(s.saw(stranger, &Seen::Refused(401)), "{:?}", s.world.at(stranger).seen);
    }
    assert_eq!(state(&s).met, switch::control::LimitsMet::default());
}
