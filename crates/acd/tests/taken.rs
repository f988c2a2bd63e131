//! Agents who are told something before they talk: the call is theirs, and not yet connected.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{AgentState, Event, LeaveReason, Offer, OfferEnd, OfferFailure};
use common::{Centre, SECOND, offers, queue};
use routing::{Builtin, Method};

/// ann's phone has answered a call of `sales`, where one waits for 30 s at most.
fn taken() -> (Centre, Offer) {
    let mut config = queue("sales", &["ann"]);
    config.max_wait = Some(30 * SECOND);
    let mut centre = Centre::new(vec![config], &["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.pass(8 * SECOND);
    centre.acd.offer_taken(centre.now, offer.id, 25 * SECOND).unwrap();
    centre.settle();
    assert_eq!(centre.take().len(), 0);
    (centre, offer)
}

fn left(centre: &mut Centre) -> Vec<LeaveReason> {
    let left = centre.take().into_iter().filter_map(|event| match event {
        Event::LeftQueue { why, .. } => Some(why),
        _ => None,
    });
    left.collect()
}

#[test]
fn the_ring_time_and_the_longest_wait_end_it_no_more() {
    let (mut centre, offer) = taken();
    centre.pass(24 * SECOND);
    assert_eq!(centre.take().len(), 0, "it has rung for 20 s, and waited for 30");
    let connected = centre.answer(offer.id);
    assert_eq!((connected.rang, connected.waited), (8 * SECOND, 32 * SECOND));
    assert_eq!(centre.state("ann"), AgentState::InCall(offer.call));
}

#[test]
fn a_caller_who_gives_up_meanwhile_frees_the_agent_at_once() {
    let (mut centre, offer) = taken();
    centre.leave(offer.call);
    assert_eq!(centre.state("ann"), AgentState::Idle, "there was no talk, and no wrap-up");
    assert!(centre.acd.is_quiet());
}

#[test]
fn an_agent_who_hangs_up_meanwhile_leaves_the_call_at_its_place() {
    let (mut centre, offer) = taken();
    centre.fail(offer.id, OfferFailure::Declined);
    assert_eq!(left(&mut centre), []);
    assert_eq!(centre.state("ann"), AgentState::Resting);
    centre.pass(21 * SECOND);
    assert_eq!(left(&mut centre), [], "29 s");
    centre.pass(SECOND);
    assert_eq!(left(&mut centre), [LeaveReason::WaitedTooLong], "its longest wait counts again");
}

#[test]
fn who_is_not_told_in_time_loses_the_call() {
    let (mut centre, offer) = taken();
    centre.pass(25 * SECOND);
    let said = centre.take();
    let ended = |event: &Event| matches!(event, Event::OfferEnded { offer: id, end: OfferEnd::Failed(OfferFailure::NoAnswer), .. } if *id == offer.id);
    assert!(said.iter().any(ended), "{said:?}");
    assert!(centre.acd.offer_taken(centre.now, offer.id, SECOND).is_err());
}

#[test]
fn of_several_who_ring_the_others_are_let_go() {
    let mut config = queue("sales", &["ann", "bob"]);
    config.method = Method { strategy: Builtin::RingAll, patience_ms: None };
    let mut centre = Centre::new(vec![config], &["ann", "bob"]);
    centre.join("sales");
    let rung = offers(&centre.take());
    assert_eq!(rung.len(), 2);
    centre.acd.offer_taken(centre.now, rung[1].id, 5 * SECOND).unwrap();
    centre.settle();
    let said = centre.take();
    let elsewhere = |event: &Event| matches!(event, Event::OfferEnded { offer, end: OfferEnd::AnsweredElsewhere, .. } if *offer == rung[0].id);
    assert!(said.iter().any(elsewhere), "{said:?}");
    assert_eq!(centre.state(rung[0].agent.as_str()), AgentState::Idle);
    assert!(centre.acd.offer_answered(centre.now, rung[0].id).is_err());
    centre.answer(rung[1].id);
}
