//! Offers: who is rung, what follows when he does not take the call, who is free again when.
//!
//! Covered: longest idle order · busy, declined, no answer, unreachable with their rests · retry delay · ring time-out ·
//! late answer · caller gone while waiting, ringing, speaking · wrap-up · logging out · direct calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{AgentState, Event, LeaveReason, OfferEnd, OfferFailure, OfferOver, QueueConfig, ReserveError, Status};
use base::CallId;
use common::{Centre, SECOND, offers, queue};

#[test]
fn a_call_is_offered_to_the_agent_who_was_idle_longest() {
    let mut centre = Centre::sales(&["ann", "bob", "cid"]);
    // Ann speaks and wraps up, so that Bob and Cid have been idle longer; of these, Bob stands first.
    centre.join("sales");
    let first = centre.offer();
    assert_eq!(first.agent.as_str(), "ann");
    centre.answer(first.id);
    centre.release("ann");
    centre.pass(10 * SECOND);
    centre.take();
    for expected in ["bob", "cid", "ann"] {
        centre.join("sales");
        assert_eq!(centre.offer().agent.as_str(), expected);
    }
}

#[test]
fn calls_that_wait_are_served_in_the_order_in_which_they_joined() {
    let mut centre = Centre::sales(&["ann"]);
    let calls: Vec<CallId> = (0..3).map(|_| centre.join("sales")).collect();
    for call in calls {
        let offer = centre.offer();
        assert_eq!(offer.call, call);
        centre.answer(offer.id);
        centre.release("ann");
        centre.pass(5 * SECOND);
    }
    assert!(centre.acd.is_quiet());
}

#[test]
fn an_offer_that_rings_too_long_ends_and_the_next_agent_is_rung() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    let first = centre.offer();
    centre.pass(20 * SECOND);
    let said = centre.take();
    assert!(matches!(
        &said[0],
        Event::OfferEnded { offer, end: OfferEnd::Failed(OfferFailure::NoAnswer), rang, .. }
            if *offer == first.id && *rang == 20 * SECOND
    ));
    let second = &offers(&said)[0];
    assert_eq!((second.call, second.agent.as_str()), (call, "bob"));
    assert_eq!(centre.state("ann"), AgentState::Resting);
}

#[test]
fn an_answer_after_the_ring_time_is_refused() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.pass(20 * SECOND);
    assert_eq!(centre.acd.offer_answered(centre.now, offer.id), Err(OfferOver));
    centre.settle();
    assert_eq!(centre.state("ann"), AgentState::Resting);
}

#[test]
fn each_failure_has_its_own_rest() {
    let cases = [
        (OfferFailure::Busy, 10),
        (OfferFailure::Declined, 5),
        (OfferFailure::NoAnswer, 15),
        (OfferFailure::Unreachable, 30),
    ];
    for (failure, rest) in cases {
        let mut centre = Centre::sales(&["ann"]);
        centre.join("sales");
        let offer = centre.offer();
        centre.fail(offer.id, failure);
        centre.pass(rest * SECOND - SECOND / 100);
        assert_eq!(centre.state("ann"), AgentState::Resting, "{failure:?}");
        centre.pass(SECOND / 50);
        assert_ne!(centre.state("ann"), AgentState::Resting, "{failure:?}");
    }
}

#[test]
fn a_call_is_not_offered_again_at_once_to_the_agent_who_declined_it() {
    let mut centre = Centre::sales(&["ann"]);
    let declined = centre.join("sales");
    let offer = centre.offer();
    centre.fail(offer.id, OfferFailure::Declined);
    // His rest is over after 5 s; the call that he declined stays away from him for 30 s, another one does not.
    centre.pass(6 * SECOND);
    assert!(offers(&centre.take()).is_empty());
    let other = centre.join("sales");
    let second = centre.offer();
    assert_eq!(second.call, other);
    centre.answer(second.id);
    centre.release("ann");
    centre.pass(25 * SECOND);
    assert_eq!(centre.offer().call, declined, "offered again when the retry delay is over");
}

#[test]
fn who_let_it_ring_stands_at_the_end_afterwards() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    centre.pass(20 * SECOND);
    let said = centre.take();
    let bobs = offers(&said).pop().unwrap();
    assert_eq!(bobs.agent.as_str(), "bob");
    centre.leave(call);
    // Ann's rest is over after 15 s; Bob was idle all the time.
    centre.pass(60 * SECOND);
    centre.take();
    centre.join("sales");
    assert_eq!(centre.offer().agent.as_str(), "bob");
}

#[test]
fn a_caller_who_hangs_up_frees_the_agent_who_is_being_rung() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.pass(3 * SECOND);
    centre.leave(call);
    let said = centre.take();
    assert!(matches!(&said[0], Event::OfferEnded { offer: id, end: OfferEnd::CallerLeft, .. } if *id == offer.id));
    assert!(matches!(&said[1], Event::LeftQueue { why: LeaveReason::Left, waited, .. } if *waited == 3 * SECOND));
    assert_eq!(centre.state("ann"), AgentState::Idle);
    assert!(centre.acd.is_quiet());
    centre.join("sales");
    assert_eq!(centre.offer().agent.as_str(), "ann", "it was no doing of hers, so she keeps her place");
}

#[test]
fn an_agent_freed_by_one_caller_gets_the_next_who_waits() {
    let mut centre = Centre::sales(&["ann"]);
    let first = centre.join("sales");
    let second = centre.join("sales");
    centre.take();
    centre.leave(first);
    assert_eq!(centre.offer().call, second);
}

#[test]
fn a_caller_who_hangs_up_in_the_call_leaves_the_agent_in_wrap_up() {
    let mut centre = Centre::sales(&["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    let connected = centre.answer(offer.id);
    assert_eq!((connected.call, connected.agent.as_str()), (call, "ann"));
    assert_eq!(centre.state("ann"), AgentState::InCall(call));
    centre.leave(call);
    // Both sides tell of the end; the second one changes nothing.
    centre.release("ann");
    assert_eq!(centre.state("ann"), AgentState::WrapUp);
    centre.pass(5 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::Idle);
    let ends = centre.take().into_iter().filter(|e| matches!(e, Event::WrapUpEnded { .. })).count();
    assert_eq!(ends, 1);
    assert!(centre.acd.is_quiet());
}

#[test]
fn no_call_is_offered_in_wrap_up() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.release("ann");
    centre.take();
    let next = centre.join("sales");
    assert!(offers(&centre.take()).is_empty());
    centre.pass(5 * SECOND);
    assert_eq!(centre.offer().call, next);
}

#[test]
fn a_direct_call_keeps_queue_calls_away() {
    let mut centre = Centre::sales(&["ann"]);
    let direct = CallId::from_raw(1000);
    centre.acd.reserve(centre.now, &"ann".into(), direct).unwrap();
    centre.join("sales");
    assert!(offers(&centre.take()).is_empty());
    assert_eq!(centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(1001)), Err(ReserveError::Busy));
    centre.acd.release(centre.now, &"ann".into(), CallId::from_raw(1001));
    centre.settle();
    assert_eq!(centre.state("ann"), AgentState::Reserved(direct), "another call's release is nothing to her");
    centre.acd.release(centre.now, &"ann".into(), direct);
    centre.settle();
    assert_eq!(centre.offer().agent.as_str(), "ann");
}

#[test]
fn an_agent_who_is_being_rung_cannot_be_reserved() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    assert_eq!(centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(9)), Err(ReserveError::Busy));
    assert_eq!(centre.acd.reserve(centre.now, &"eve".into(), CallId::from_raw(9)), Err(ReserveError::UnknownAgent));
}

#[test]
fn wrap_up_ends_though_a_direct_call_came_in_it() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.release("ann");
    let direct = CallId::from_raw(1000);
    centre.acd.reserve(centre.now, &"ann".into(), direct).unwrap();
    centre.pass(5 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::Reserved(direct));
    centre.acd.release(centre.now, &"ann".into(), direct);
    centre.settle();
    assert_eq!(centre.state("ann"), AgentState::Idle);
}

#[test]
fn who_logs_out_while_his_phone_rings_may_still_answer() {
    let mut centre = Centre::sales(&["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.acd.set_status(centre.now, &"ann".into(), Status::LoggedOut);
    centre.settle();
    centre.answer(offer.id);
    assert_eq!(centre.state("ann"), AgentState::InCall(call));
    centre.release("ann");
    centre.pass(60 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::LoggedOut);
}

#[test]
fn an_agent_of_two_queues_takes_the_call_that_waited_longest() {
    let names = ["ann"];
    let mut centre = Centre::new(vec![queue("sales", &names), queue("support", &names)], &names);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    let support = centre.join("support");
    centre.pass(SECOND);
    centre.join("sales");
    centre.take();
    centre.release("ann");
    centre.pass(5 * SECOND);
    let next = centre.offer();
    assert_eq!((next.call, next.queue.as_str()), (support, "support"));
}

#[test]
fn queues_may_have_no_wrap_up_and_no_rest() {
    let mut config: QueueConfig = queue("sales", &["ann"]);
    config.wrap_up = std::time::Duration::ZERO;
    config.penalties.declined.rest = std::time::Duration::ZERO;
    config.penalties.declined.retry = std::time::Duration::ZERO;
    let mut centre = Centre::new(vec![config], &["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.fail(offer.id, OfferFailure::Declined);
    let again = centre.offer();
    assert_eq!(again.agent.as_str(), "ann");
    centre.answer(again.id);
    centre.release("ann");
    assert_eq!(centre.state("ann"), AgentState::Idle);
}
