//! A trunk that is busy, silent or down: the call goes to the one in its place, and to none after an answer that means no.

use super::*;

const OTHER: &str = "127.0.0.4:5060";

fn config(change: impl FnOnce(&mut Trunk)) -> Config {
    let mut first = Trunk { failover: Some("other".into()), ..trunk("carrier", CARRIER) };
    change(&mut first);
    let mut config = with(first);
    config.trunks.push(trunk("other", OTHER));
    config.emergency = Some(switch::Emergency { numbers: ["112".into()].into(), trunk: "carrier".into() });
    config
}

fn scene(change: impl FnOnce(&mut Trunk)) -> (Scene, SocketAddr) {
    let mut s = Scene::of(config(change));
    let (carrier, other) = (s.carrier, s.world.phone(OTHER));
    s.world.at(carrier).carrier = None;
    (s, other)
}

fn trunks(s: &Scene) -> Vec<String> {
    s.told(|kind| match kind {
        Kind::LegBegan { role: journal::LegRole::Outside(outside), .. } => Some(outside.trunk.to_string()),
        _ => None,
    })
}

#[test]
fn who_is_busy_or_timed_out_is_passed_over_and_who_says_no_is_not() {
    for (status, goes_on) in
        [(503, true), (408, true), (486, false), (603, false), (404, false), (480, false), (500, false), (403, false)]
    {
        let (mut s, other) = scene(|_| {});
        let carrier = s.carrier;
        s.world.at(carrier).reflex = Some(status);
        s.dial();
        assert_eq!(s.saw(other, &Seen::Rings), goes_on, "{status}");
        if goes_on {
            assert_eq!(s.world.at(other).display.as_ref().unwrap().1, NUMBER);
            s.world.with_phone(other, |phone, now| phone.answer(now));
            s.world.run(SECOND);
            assert!(s.saw(s.ada, &Seen::Answered));
            s.hang_up(s.ada);
            s.end();
            let cdr = s.world.cdrs.last().unwrap();
            assert_eq!(cdr.outside.len(), 2, "{cdr:?}");
            assert!(cdr.outside.iter().all(|leg| leg.call.grant.as_deref() == Some("all")));
        }
    }
}

#[test]
fn silence_is_waited_for_as_long_as_the_trunk_says_and_a_late_answer_is_hung_up() {
    for answers in [true, false] {
        let (mut s, other) = scene(|trunk| trunk.silence = Some(Duration::from_secs(4)));
        let carrier = s.carrier;
        s.world.cut_off(carrier, true);
        s.dial();
        s.world.run(2 * SECOND);
        assert!(!s.saw(other, &Seen::Rings), "not yet");
        s.world.run(2 * SECOND);
        assert!(s.saw(other, &Seen::Rings));
        s.world.with_phone(other, |phone, now| phone.answer(now));
        s.world.run(SECOND);
        assert!(s.saw(s.ada, &Seen::Answered));
        s.world.at(carrier).reflex = answers.then_some(200);
        s.world.cut_off(carrier, false);
        s.world.run(20 * SECOND);
        let late = if answers { Seen::Ended } else { Seen::Cancelled };
        assert!(s.saw(carrier, &late), "{:?}", s.world.at(carrier).seen);
        assert!(!s.saw(s.ada, &Seen::Ended), "the call goes on");
        s.hang_up(s.ada);
        s.end();
    }
}

#[test]
fn who_has_said_that_he_tries_may_take_his_time() {
    let (mut s, other) = scene(|trunk| trunk.silence = Some(Duration::from_secs(4)));
    let carrier = s.carrier;
    s.dial();
    s.world.with_phone(carrier, |phone, now| phone.ring(now));
    s.world.run(20 * SECOND);
    assert!(!s.saw(other, &Seen::Rings));
    s.answer();
    assert!(s.saw(s.ada, &Seen::Answered));
}

#[test]
fn without_another_trunk_silence_ends_the_dial() {
    let (mut s, _) = scene(|trunk| (trunk.silence, trunk.failover) = (Some(Duration::from_secs(4)), None));
    let carrier = s.carrier;
    s.world.cut_off(carrier, true);
    s.dial();
    s.world.run(4 * SECOND);
    assert!(s.saw(s.ada, &Seen::Refused(503)), "{:?}", s.world.at(s.ada).seen);
    s.end();
}

#[test]
fn a_caller_who_gives_up_meanwhile_goes_nowhere() {
    let (mut s, other) = scene(|trunk| trunk.silence = Some(Duration::from_secs(4)));
    let carrier = s.carrier;
    s.world.cut_off(carrier, true);
    s.dial();
    s.hang_up(s.ada);
    s.world.run(10 * SECOND);
    assert!(!s.saw(other, &Seen::Rings));
    s.end();
}

#[test]
fn a_trunk_that_is_down_is_not_tried_but_for_help_that_has_no_other_way() {
    let watch = Watch { every: 5 * SECOND, timeout: SECOND, down_after: 2, up_after: 2 };
    for failover in [true, false] {
        let (mut s, other) = scene(|trunk| {
            trunk.health = Some(watch);
            trunk.failover = trunk.failover.take().filter(|_| failover);
        });
        let carrier = s.carrier;
        s.world.run(SECOND);
        s.world.cut_off(carrier, true);
        s.world.run(30 * SECOND);
        s.world.with_phone(s.ada, |phone, now| phone.call(now, "101", "112"));
        s.world.run(SECOND);
        assert_eq!(trunks(&s), [if failover { "other" } else { "carrier" }]);
        assert_eq!(s.saw(other, &Seen::Rings), failover);
    }
}
