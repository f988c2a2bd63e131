//! Phones that were let go and have not said yet that they are: their agents get no call that would find them busy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{AgentState, ReserveError};
use base::CallId;
use common::{Centre, SECOND};

/// Ann's phone rang for a caller who has gone.
fn let_go() -> (Centre, CallId) {
    let mut centre = Centre::sales(&["ann"]);
    let gone = centre.join("sales");
    centre.offer();
    centre.leave(gone);
    centre.acd.keep_back(centre.now, &"ann".into(), gone);
    (centre, gone)
}

#[test]
fn the_next_call_comes_when_the_phone_has_let_go() {
    let (mut centre, gone) = let_go();
    assert_eq!(centre.state("ann"), AgentState::Reserved(gone));
    centre.join("sales");
    centre.pass(SECOND);
    assert!(common::offers(&centre.take()).is_empty(), "her phone is busy still");
    assert_eq!(centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(99)), Err(ReserveError::Busy));
    centre.acd.let_go(centre.now, &"ann".into(), CallId::from_raw(99));
    assert_eq!(centre.state("ann"), AgentState::Reserved(gone), "another call's phone");
    centre.acd.let_go(centre.now, &"ann".into(), gone);
    centre.settle();
    assert_eq!(centre.offer().agent.as_str(), "ann");
}

#[test]
fn a_phone_that_never_says_so_is_taken_to_have_let_go() {
    let (mut centre, gone) = let_go();
    centre.pass(39 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::Reserved(gone));
    centre.pass(SECOND);
    assert_eq!(centre.state("ann"), AgentState::Idle);
    centre.acd.let_go(centre.now, &"ann".into(), gone);
    assert_eq!(centre.state("ann"), AgentState::Idle, "too late to matter");
}

#[test]
fn who_was_rung_for_nothing_stands_where_he_stood() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let gone = centre.join("sales");
    assert_eq!(centre.offer().agent.as_str(), "ann");
    centre.leave(gone);
    centre.acd.keep_back(centre.now, &"ann".into(), gone);
    centre.pass(SECOND);
    centre.acd.let_go(centre.now, &"ann".into(), gone);
    centre.join("sales");
    assert_eq!(centre.offer().agent.as_str(), "ann", "she has been idle for as long as bob, and comes first");
}

#[test]
fn who_speaks_already_is_not_kept_back() {
    let (mut centre, gone) = let_go();
    centre.acd.let_go(centre.now, &"ann".into(), gone);
    let next = centre.join("sales");
    let offer = centre.offer();
    centre.acd.keep_back(centre.now, &"ann".into(), gone);
    assert_eq!(centre.state("ann"), AgentState::Offered(offer.id));
    centre.answer(offer.id);
    assert_eq!(centre.state("ann"), AgentState::InCall(next));
}
