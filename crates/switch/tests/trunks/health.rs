//! RFC 3261 11: OPTIONS tells whether a far end lives, and calls do without one that does not.

use journal::{TrunkDown, TrunkUp};

use super::*;

fn watch() -> Watch {
    let secs = Duration::from_secs;
    Watch { every: secs(30), timeout: secs(4), down_after: 3, up_after: 2 }
}

fn scene() -> Scene {
    let mut s = Scene::of(with(Trunk { health: Some(watch()), ..trunk("carrier", CARRIER) }));
    let carrier = s.carrier;
    s.world.at(carrier).carrier = None;
    s
}

fn changes(s: &Scene) -> Vec<String> {
    s.told(|kind| match kind {
        Kind::TrunkDown(TrunkDown { trunk, status, .. }) => Some(format!("{trunk} down {status}")),
        Kind::TrunkUp(TrunkUp { trunk, .. }) => Some(format!("{trunk} up")),
        _ => None,
    })
}

#[test]
fn a_trunk_that_answers_is_up_and_nothing_is_told() {
    let mut s = scene();
    s.world.run(Duration::from_secs(600));
    assert_eq!(changes(&s), Vec::<String>::new());
    let state = &s.world.switch.status(s.world.now).trunks;
    let state = state.iter().find(|state| state.trunk == "carrier").unwrap();
    assert!(state.up && state.since.is_some() && state.failures.is_empty(), "{state:?}");
    s.dial();
    assert!(s.saw(s.carrier, &Seen::Rings));
}

#[test]
fn a_silent_trunk_is_down_after_some_failures_and_up_after_some_answers() {
    let mut s = scene();
    let carrier = s.carrier;
    s.world.run(SECOND);
    s.world.cut_off(carrier, true);
    s.world.run(Duration::from_secs(70));
    assert_eq!(changes(&s), Vec::<String>::new(), "not yet");
    s.world.run(Duration::from_secs(50));
    assert_eq!(changes(&s), ["carrier down 408"]);
    s.dial();
    assert!(s.saw(s.ada, &Seen::Refused(503)), "at once: {:?}", s.world.at(s.ada).seen);
    let why = s.told(|kind| if let Kind::OutsideRefused { why, .. } = kind { Some(*why) } else { None });
    assert_eq!(why, [journal::NoWayOut::TrunkDown]);
    let state = s.world.switch.status(s.world.now).trunks;
    let state = state.iter().find(|state| state.trunk == "carrier").unwrap();
    assert!(!state.up && state.failures.len() >= 3, "{state:?}");
    assert!(state.failures.iter().all(|failure| (&*failure.what, failure.status) == ("OPTIONS", 408)));
    s.world.cut_off(carrier, false);
    s.world.run(Duration::from_secs(90));
    assert_eq!(changes(&s), ["carrier down 408", "carrier up"]);
    s.dial();
    assert!(s.saw(s.carrier, &Seen::Rings));
}

#[test]
fn calls_are_counted_each_way() {
    let mut s = scene();
    s.dial();
    s.answer();
    let other = s.world.phone("127.0.0.3:5099");
    s.world.with_phone(other, |phone, now| phone.call(now, "+49301", "1000"));
    s.world.run(SECOND);
    let counts = |s: &Scene| {
        let states = s.world.switch.status(s.world.now).trunks;
        let state = states.iter().find(|state| state.trunk == "carrier").unwrap();
        (state.calls_out, state.calls_in)
    };
    assert_eq!(counts(&s), (1, 1));
    s.hang_up(s.ada);
    s.hang_up(other);
    s.end();
    assert_eq!(counts(&s), (0, 0));
}
