//! Random acts, crossing each other.

use super::*;

/// Random acts of callers, phones and the carrier, crossing each other under loss. At every moment no more legs by a
/// grant are open than it has room for, no record charges more than the day has, and in the end nothing is left.
#[test]
fn whatever_the_order_no_grant_is_exceeded_and_nothing_is_left() {
    for seed in 0..150 {
        let played = std::panic::catch_unwind(|| play(seed));
        assert!(played.is_ok(), "seed {seed}");
    }
}

fn play(seed: u64) {
    let mut dice = base::Rng::from_number(seed ^ 0x0075);
    let mut s = Scene::of(with_carrier());
    let jitter = Duration::from_millis(40);
    s.world.network.nodes = match dice.below(3) {
        0 => vec![],
        1 => vec![Node::Delay { least: Duration::from_millis(5), jitter }, Node::Double(10)],
        _ => vec![Node::Delay { least: Duration::from_millis(5), jitter }, Node::Lose(10)],
    };
    let other = s.world.phone("127.0.0.1:5079");
    let help = s.world.phone("127.0.0.4:5060");
    let callers = [(s.ada, "101"), (s.alan, "102"), (s.caller, "4930123"), (other, "101")];
    let phones = [s.ada, s.alan, s.carrier, s.carrier, s.carrier, help];
    for _ in 0..80 {
        let of = phones[dice.below(6) as usize];
        match dice.below(11) {
            0..=3 => {
                let (who, me) = callers[dice.below(4) as usize];
                let number = [NUMBER, NUMBER, "+491711", "1001", "101", "102", "112", "+1"][dice.below(8) as usize];
                if s.world.at(who).session.is_none() {
                    s.world.with_phone(who, |phone, now| phone.call(now, me, number));
                }
            }
            4 => s.world.with_phone(of, |phone, now| phone.ring(now)),
            5 => s.world.with_phone(of, |phone, now| phone.speak_early(now)),
            6 | 7 => s.world.with_phone(of, |phone, now| phone.answer(now)),
            8 => s.world.with_phone(of, |phone, now| phone.refuse(now, 486)),
            9 => {
                let target = ["sip:102@x", "sip:101@x", "sip:+4930777@x", "sip:+491712@x"][dice.below(4) as usize];
                s.world.with_phone(of, |phone, now| phone.redirect(now, target));
            }
            _ => {
                let who = callers[dice.below(4) as usize].0;
                s.world.with_phone(if dice.percent(50) { who } else { of }, |phone, now| phone.hang_up(now));
            }
        }
        let pause = [0, 5, 300, 2_500, 120_000][dice.below(5) as usize];
        s.world.run(Duration::from_millis(pause));
        s.world.switch.check_invariants(s.world.now).unwrap();
        check_room(&s);
    }
    for who in phones.into_iter().chain([s.caller, other]) {
        s.world.at(who).reflex = Some(486);
        s.world.with_phone(who, |phone, now| phone.hang_up(now));
    }
    s.world.run(4 * QUIET);
    assert!(s.world.switch.is_quiet(), "{:?}", s.world.switch);
    assert!(s.world.breaches().is_empty(), "{:?}", s.world.breaches());
    let legs = s.world.cdrs.iter().flat_map(|cdr| &cdr.outside);
    let charged: u64 = legs
        .clone()
        .filter(|leg| leg.call.grant.as_deref() == Some("germany"))
        .flat_map(|leg| leg.charged_ms.values())
        .sum();
    assert!(charged <= 600_000, "{charged} ms in a day that has ten minutes");
    assert_eq!(legs.count(), s.left());
}

fn check_room(s: &Scene) {
    let mut open = std::collections::BTreeMap::new();
    for event in &s.world.journal {
        match &event.kind {
            Kind::LegBegan { leg, role: LegRole::Outside(call) } => drop(open.insert(*leg, call.grant.clone())),
            Kind::LegEnded { leg, .. } => drop(open.remove(leg)),
            _ => {}
        }
        for (grant, room) in [("germany", 2), ("mobile", 1)] {
            let used = open.values().filter(|of| of.as_deref() == Some(grant)).count();
            assert!(used <= room, "{used} at once by {grant}");
        }
    }
}
