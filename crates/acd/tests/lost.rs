//! Agents whose phones die in mid-call.
//!
//! Covered: the call stands first, in front of who joined earlier or has more priority · its wait goes on, and what it talked is none of it
//! · needs stay as wide as they had become · the agent rests, is found, and is paused who was lost too often · a caller who is gone, too ·
//! nobody else is there · who has no call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{AgentState, Caller, Event, Excess, LeaveReason, Overflow, Status};
use common::{Centre, SECOND, offers, queue};
use routing::{Levels, Widening};

fn lose(centre: &mut Centre, agent: &str, waits: bool) {
    centre.acd.agent_lost(centre.now, &agent.into(), waits);
    centre.settle();
}

#[test]
fn a_call_whose_agent_is_lost_stands_in_front_of_all_others() {
    for aging in [None, Some(SECOND)] {
        let mut config = queue("sales", &["ann", "bob"]);
        config.aging = aging;
        let mut centre = Centre::new(vec![config], &["ann", "bob"]);
        centre.join("sales");
        let bobs = offers(&centre.take()).remove(0);
        let other = centre.answer(bobs.id).call;
        centre.pass(SECOND);
        let lost = centre.join("sales");
        let offer = centre.offer();
        let agent = offer.agent.as_str().to_owned();
        centre.answer(offer.id);
        centre.pass(10 * SECOND);
        let urgent = centre.join_as("sales", Caller { priority: 100, ..Caller::default() });
        centre.take();
        lose(&mut centre, &agent, true);
        assert!(matches!(&centre.take()[..], [Event::Returned { call, .. }] if *call == lost));
        assert_eq!((centre.acd.position(lost), centre.acd.position(urgent)), (Some(1), Some(2)), "{aging:?}");
        centre.leave(other);
        centre.pass(5 * SECOND);
        assert_eq!(centre.offer().call, lost, "{aging:?}");
    }
}

#[test]
fn what_it_waited_is_told_apart_from_what_it_talked() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    centre.acd.set_status(centre.now, &"bob".into(), Status::LoggedOut);
    centre.acd.set_status(centre.now, &"ann".into(), Status::Break { reason: "lunch".into() });
    centre.settle();
    let call = centre.join("sales");
    centre.pass(7 * SECOND);
    centre.acd.set_status(centre.now, &"ann".into(), Status::Available);
    centre.settle();
    let offer = centre.offer();
    assert_eq!(centre.answer(offer.id).waited, 7 * SECOND);
    centre.pass(100 * SECOND);
    lose(&mut centre, "ann", true);
    centre.take();
    centre.pass(4 * SECOND);
    centre.acd.set_status(centre.now, &"bob".into(), Status::Available);
    centre.settle();
    let offer = centre.offer();
    assert_eq!((offer.call, offer.agent.as_str()), (call, "bob"));
    assert_eq!(offer.chosen.snapshot.calls()[0].waited_ms, 11_000, "for strategies it has waited both times");
    assert_eq!(centre.answer(offer.id).waited, 4 * SECOND);
}

#[test]
fn a_call_needs_no_more_than_it_did_when_it_was_taken() {
    let mut config = queue("sales", &["ann", "bob"]);
    config.widening = vec![Widening { after_ms: 10_000, lower: None }];
    let mut centre = Centre::new(vec![config], &["ann", "bob"]);
    let spanish = Levels::new([("spanish".into(), 50)]);
    let call = centre.join_as("sales", Caller { needs: spanish, ..Caller::default() });
    centre.pass(10 * SECOND);
    let offer = centre.offer();
    let (first, second) = if offer.agent.as_str() == "ann" { ("ann", "bob") } else { ("bob", "ann") };
    centre.answer(offer.id);
    lose(&mut centre, first, true);
    let offer = centre.offer();
    assert_eq!((offer.call, offer.agent.as_str()), (call, second));
}

#[test]
fn a_lost_agent_rests_until_his_phone_is_found_or_the_rest_is_over() {
    for found in [true, false] {
        let mut centre = Centre::sales(&["ann"]);
        let call = centre.join("sales");
        let offer = centre.offer();
        centre.answer(offer.id);
        lose(&mut centre, "ann", true);
        assert_eq!(centre.state("ann"), AgentState::Resting);
        centre.take();
        centre.pass(29 * SECOND);
        assert!(offers(&centre.take()).is_empty());
        if found {
            centre.acd.agent_found(centre.now, &"ann".into());
            centre.settle();
        } else {
            centre.pass(SECOND);
        }
        assert_eq!(centre.offer().call, call);
    }
}

#[test]
fn no_other_rest_ends_as_a_phone_registers() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.fail(offer.id, acd::OfferFailure::Declined);
    centre.acd.agent_found(centre.now, &"ann".into());
    assert_eq!(centre.state("ann"), AgentState::Resting);
}

#[test]
fn who_is_lost_too_often_is_on_a_break() {
    let mut config = queue("sales", &["ann"]);
    config.penalties.unreachable.pause_after = Some(1);
    let mut centre = Centre::new(vec![config], &["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    lose(&mut centre, "ann", true);
    assert_eq!(centre.state("ann"), AgentState::OnBreak);
}

#[test]
fn the_call_of_a_caller_who_is_gone_too_is_out() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.take();
    lose(&mut centre, offer.agent.as_str(), false);
    assert!(centre.take().is_empty());
    assert!(centre.acd.is_quiet());
    assert_eq!(centre.state(offer.agent.as_str()), AgentState::Resting);
}

#[test]
fn a_call_that_nobody_else_could_take_leaves() {
    let mut centre = Centre::sales(&["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.acd.set_status(centre.now, &"ann".into(), Status::LoggedOut);
    centre.settle();
    centre.take();
    lose(&mut centre, "ann", true);
    let said = centre.take();
    let left =
        |event: &Event| matches!(event, Event::LeftQueue { call: who, why: LeaveReason::NoAgents, .. } if *who == call);
    assert!(matches!(&said[..], [Event::Returned { .. }, last] if left(last)), "{said:?}");
}

#[test]
fn a_lost_agent_is_not_busy_any_more() {
    let mut centre = Centre::sales(&["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.pass(100 * SECOND);
    lose(&mut centre, "ann", false);
    centre.take();
    centre.pass(900 * SECOND);
    let next = centre.join("sales");
    let offer = centre.offer();
    assert!(offer.call == next && next != call);
    assert_eq!(offer.chosen.snapshot.candidates()[0].occupancy, 100);
}

#[test]
fn who_has_no_call_is_not_lost() {
    let mut centre = Centre::sales(&["ann"]);
    lose(&mut centre, "ann", true);
    lose(&mut centre, "nobody", true);
    centre.join("sales");
    let offer = centre.offer();
    lose(&mut centre, "ann", true);
    assert_eq!(centre.state("ann"), AgentState::Offered(offer.id));
}

#[test]
fn a_call_that_came_back_goes_on_to_another_queue_when_it_waits_for_too_long() {
    let mut sales = queue("sales", &["ann"]);
    sales.overflow = vec![
        Overflow { when: Excess::Waited(10 * SECOND), to: "support".into() },
        Overflow { when: Excess::Waiting(1), to: "support".into() },
    ];
    let mut centre = Centre::new(vec![sales, queue("support", &["bob"])], &["ann", "bob"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.pass(60 * SECOND);
    centre.join("sales");
    centre.take();
    lose(&mut centre, "ann", true);
    centre.pass(9 * SECOND);
    let moved =
        |said: &[Event]| said.iter().any(|event| matches!(event, Event::Moved { call: who, .. } if *who == call));
    assert!(!moved(&centre.take()), "it did not come just now, and what it talked is no wait");
    centre.pass(SECOND);
    assert!(moved(&centre.take()));
}
