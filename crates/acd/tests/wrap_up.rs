//! The time after a call.
//!
//! Covered: ended early · extended by as much as the queue gives, up to its longest, and not beyond · by who is in none, in a rest,
//! unknown · in a direct call meanwhile · of which call it is, in it and after it · how many are in that of each call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{AgentState, Event, OfferFailure, WrapUpFault};
use base::CallId;
use common::{Centre, SECOND, offers, queue};

/// Wrap-ups of 10 s, 25 s in all if extended; Ann has just ended a call.
fn wrapping() -> (Centre, CallId) {
    let mut config = queue("sales", &["ann"]);
    (config.wrap_up, config.wrap_up_max) = (10 * SECOND, 25 * SECOND);
    let mut centre = Centre::new(vec![config], &["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    assert_eq!(centre.acd.call_of(&"ann".into()), Some(call), "she may say something of it while she talks");
    centre.leave(call);
    assert!(
        matches!(&centre.take()[..], [.., Event::WrapUpBegan { call: of, lasts, .. }] if (*of, *lasts) == (call, 10 * SECOND))
    );
    (centre, call)
}

#[test]
fn an_agent_who_is_done_gets_the_next_call_at_once() {
    let (mut centre, call) = wrapping();
    let next = centre.join("sales");
    assert_eq!(centre.acd.call_of(&"ann".into()), Some(call), "and after it");
    centre.acd.end_wrap_up(centre.now, &"ann".into()).unwrap();
    centre.settle();
    assert!(matches!(&centre.said[0], Event::WrapUpEnded { call: of, .. } if *of == call));
    assert_eq!(centre.offer().call, next);
    assert_eq!(centre.acd.call_of(&"ann".into()), None);
    centre.leave(next);
    centre.pass(60 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::Idle, "the old end does nothing");
}

#[test]
fn a_wrap_up_is_extended_up_to_the_longest_that_its_queue_allows() {
    let (mut centre, _) = wrapping();
    centre.pass(5 * SECOND);
    let mut extend = || centre.acd.extend_wrap_up(centre.now, &"ann".into());
    assert_eq!(extend(), Ok(15 * SECOND), "ten more");
    assert_eq!(extend(), Ok(20 * SECOND), "what is left of 25 in all");
    assert_eq!(extend(), Err(WrapUpFault::Longest));
    centre.settle();
    centre.pass(20 * SECOND - SECOND / 100);
    assert_eq!(centre.state("ann"), AgentState::WrapUp);
    centre.pass(SECOND / 100);
    assert_eq!(centre.state("ann"), AgentState::Idle);
}

#[test]
fn who_is_in_no_wrap_up_neither_ends_nor_extends_one() {
    let mut centre = Centre::sales(&["ann"]);
    let both = |centre: &mut Centre, agent: &str| {
        let ended = centre.acd.end_wrap_up(centre.now, &agent.into());
        let extended = centre.acd.extend_wrap_up(centre.now, &agent.into());
        centre.settle();
        assert_eq!((ended, extended), (Err(WrapUpFault::None), Err(WrapUpFault::None)));
    };
    both(&mut centre, "ann");
    both(&mut centre, "nobody");
    centre.join("sales");
    let offer = centre.offer();
    both(&mut centre, "ann");
    centre.fail(offer.id, OfferFailure::Declined);
    both(&mut centre, "ann");
    assert_eq!(centre.state("ann"), AgentState::Resting);
}

#[test]
fn a_wrap_up_is_ended_during_a_direct_call() {
    let (mut centre, _) = wrapping();
    let direct = CallId::from_raw(1000);
    centre.acd.reserve(centre.now, &"ann".into(), direct).unwrap();
    centre.acd.end_wrap_up(centre.now, &"ann".into()).unwrap();
    centre.settle();
    assert_eq!(centre.state("ann"), AgentState::Reserved(direct));
    centre.acd.release(centre.now, &"ann".into(), direct);
    centre.settle();
    assert_eq!(centre.state("ann"), AgentState::Idle);
}

#[test]
fn each_call_has_the_agents_who_are_in_the_wrap_up_of_it() {
    let mut config = queue("sales", &["ann", "bob", "cid"]);
    config.wrap_up = 10 * SECOND;
    let mut centre = Centre::new(vec![config], &["ann", "bob", "cid"]);
    let calls = [centre.join("sales"), centre.join("sales")];
    for offer in offers(&centre.take()) {
        centre.answer(offer.id);
    }
    assert!(centre.acd.wrap_ups().is_empty());
    for call in calls {
        centre.leave(call);
    }
    assert_eq!(centre.acd.wrap_ups(), calls.map(|call| (call, 1)).into());
    centre.pass(10 * SECOND);
    assert!(centre.acd.wrap_ups().is_empty());
}
