//! What those see who look at the wire: whose dialogs are which, and what became of calls from and to trunks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]

mod common;

use common::Scene;
use journal::Kind;
use switch::Traced;

/// Class, direction and number of what trunk `local` counts.
fn counts(scene: &Scene) -> Vec<(u8, bool, u64)> {
    let counts = scene.world.switch.trunk_counts();
    assert!(counts.iter().all(|count| &*count.trunk == "local"), "{counts:?}");
    counts.into_iter().map(|count| (count.class, count.out, count.count)).collect()
}

#[test]
fn each_dialog_of_a_call_is_told_once_with_its_call_id() {
    let mut s = Scene::new();
    s.world.switch.trace();
    s.call("101");
    s.answer(s.ada);
    let mut told = Vec::new();
    while let Some(Traced::Begun(call, key)) = s.world.switch.poll_traced() {
        told.push((call, key));
    }
    assert_eq!(told.len(), 2, "{told:?}");
    let call = told[0].0;
    assert!(told.iter().all(|(of, _)| *of == call));
    let ids: Vec<&str> = told.iter().map(|(_, key)| key.split_once('|').unwrap().1).collect();
    let began = s.world.story(call).into_iter().find_map(|kind| match kind {
        Kind::CallBegan { sip_call_id, .. } => Some(sip_call_id.clone()),
        _ => None,
    });
    assert_eq!(Some(ids[0]), began.as_deref());
    assert_ne!(ids[0], ids[1]);
    s.hang_up(s.caller);
    let ended: Vec<Traced> = std::iter::from_fn(|| s.world.switch.poll_traced()).collect();
    assert!(ended.iter().all(|end| told.iter().any(|(_, key)| *end == Traced::Ended(key.clone()))), "{ended:?}");
    assert_eq!(ended.len(), 2);
    s.end();
}

#[test]
fn without_the_wish_nothing_is_told() {
    let mut s = Scene::new();
    s.call("101");
    assert!(s.world.switch.poll_traced().is_none());
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn calls_from_a_trunk_count_by_their_final_response() {
    let mut s = Scene::new();
    s.call("101");
    s.answer(s.ada);
    assert_eq!(counts(&s), [(2, false, 1)]);
    s.hang_up(s.caller);
    s.call("no-such-number");
    assert_eq!(counts(&s), [(2, false, 1), (4, false, 1)]);
    s.call("101");
    s.hang_up(s.caller);
    s.world.run(common::SECOND);
    assert_eq!(counts(&s), [(2, false, 1), (4, false, 2)], "a call that its caller took back");
    s.end_all(3);
}
