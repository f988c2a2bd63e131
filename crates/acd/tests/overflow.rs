//! Calls that go on to another queue by rules: after a wait, or because they come when it is full of others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{Caller, Door, Event, Excess, LeaveReason, OfferFailure, Overflow, QueueConfig, Status};
use base::CallId;
use common::{Centre, SECOND, queue};
use routing::Target;

fn rules(name: &str, agents: &[&str], rules: &[(Excess, &str)]) -> QueueConfig {
    let mut config = queue(name, agents);
    config.overflow = rules.iter().map(|(when, to)| Overflow { when: *when, to: (*to).into() }).collect();
    config
}

/// ann serves `sales` and talks; bob serves `support`, and carl `billing`.
fn centre(of_sales: &[(Excess, &str)], of_support: &[(Excess, &str)]) -> Centre {
    let queues =
        vec![rules("sales", &["ann"], of_sales), rules("support", &["bob"], of_support), queue("billing", &["carl"])];
    let mut centre = Centre::new(queues, &["ann", "bob", "carl"]);
    for (name, queue) in [("ann", "sales"), ("bob", "support"), ("carl", "billing")] {
        centre.join(queue);
        let offer = centre.offer();
        assert_eq!(offer.agent.as_str(), name);
        centre.answer(offer.id);
    }
    centre.take();
    centre
}

/// Where calls went, with the reason.
fn moves(centre: &mut Centre) -> Vec<(CallId, String, String)> {
    let mut moves = Vec::new();
    for event in centre.take() {
        if let Event::LeftQueue { call, why: LeaveReason::Overflowed { to: Target::Queue(to), reason }, .. } = event {
            moves.push((call, to.to_string(), reason));
        }
    }
    moves
}

fn moved(call: CallId, to: &str, reason: &str) -> (CallId, String, String) {
    (call, to.to_owned(), reason.to_owned())
}

#[test]
fn a_call_goes_on_after_its_time_and_stands_by_when_it_joined() {
    let mut centre = centre(&[(Excess::Waited(60 * SECOND), "support")], &[]);
    let first = centre.join("sales");
    centre.pass(30 * SECOND);
    let there = centre.join("support");
    centre.pass(29 * SECOND);
    assert_eq!(moves(&mut centre), []);
    centre.pass(SECOND);
    assert_eq!(moves(&mut centre), [moved(first, "support", "waited for 60 s")]);
    centre.release("bob");
    centre.pass(5 * SECOND);
    let offer = centre.offer();
    assert_eq!((offer.call, offer.queue.as_str()), (first, "support"), "he came before {there}");
    assert_eq!(centre.answer(offer.id).waited, 65 * SECOND);
}

#[test]
fn who_has_a_higher_priority_keeps_it() {
    let mut centre = centre(&[(Excess::Waited(10 * SECOND), "support")], &[]);
    centre.join("support");
    let urgent = centre.join_as("sales", Caller { priority: 90, ..Caller::default() });
    centre.pass(10 * SECOND);
    centre.take();
    centre.release("bob");
    centre.pass(5 * SECOND);
    assert_eq!(centre.offer().call, urgent);
}

#[test]
fn whoever_comes_while_too_many_wait_or_too_long_goes_on_at_once() {
    let mut centre = centre(&[(Excess::Waiting(2), "support"), (Excess::LongestWait(30 * SECOND), "billing")], &[]);
    let first = centre.join("sales");
    centre.join("sales");
    assert_eq!(moves(&mut centre), []);
    let third = centre.join("sales");
    assert_eq!(moves(&mut centre), [moved(third, "support", "2 wait")]);
    centre.leave(third);
    centre.pass(29 * SECOND);
    centre.leave(first);
    let fourth = centre.join("sales");
    assert_eq!(moves(&mut centre), [], "the first has waited for 29 s");
    centre.leave(fourth);
    centre.pass(SECOND);
    let fifth = centre.join("sales");
    assert_eq!(moves(&mut centre), [moved(fifth, "billing", "the first has waited for 30 s")]);
}

#[test]
fn a_queue_that_takes_nobody_is_passed_over_and_tried_again() {
    let rules = [(Excess::Waited(10 * SECOND), "support"), (Excess::Waited(20 * SECOND), "billing")];
    let mut centre = centre(&rules, &[]);
    centre.acd.set_door(centre.now, &"support".into(), Door::Closed);
    let first = centre.join("sales");
    centre.pass(19 * SECOND);
    assert_eq!(moves(&mut centre), []);
    centre.pass(SECOND);
    assert_eq!(moves(&mut centre), [moved(first, "billing", "waited for 20 s")]);
    centre.acd.set_status(centre.now, &"carl".into(), Status::LoggedOut);
    centre.take();
    let second = centre.join("sales");
    centre.pass(425 * SECOND);
    assert_eq!(moves(&mut centre), [], "neither takes him, however often it is tried");
    centre.acd.set_door(centre.now, &"support".into(), Door::Open);
    centre.pass(10 * SECOND);
    assert_eq!(moves(&mut centre), [moved(second, "support", "waited for 10 s")]);
}

#[test]
fn it_goes_from_queue_to_queue_and_waits_in_each() {
    let mut centre = centre(&[(Excess::Waited(10 * SECOND), "support")], &[(Excess::Waited(20 * SECOND), "billing")]);
    let call = centre.join("sales");
    centre.pass(29 * SECOND);
    assert_eq!(moves(&mut centre), [moved(call, "support", "waited for 10 s")]);
    centre.pass(SECOND);
    assert_eq!(moves(&mut centre), [moved(call, "billing", "waited for 20 s")]);
}

#[test]
fn a_call_that_is_rung_for_goes_on_only_if_nobody_answers() {
    let mut centre = centre(&[(Excess::Waited(10 * SECOND), "support")], &[]);
    let call = centre.join("sales");
    centre.release("ann");
    centre.pass(5 * SECOND);
    let offer = centre.offer();
    centre.pass(10 * SECOND);
    assert_eq!(moves(&mut centre), [], "a phone rings for him");
    centre.fail(offer.id, OfferFailure::Declined);
    assert_eq!(moves(&mut centre), [moved(call, "support", "waited for 10 s")]);
}

#[test]
fn rules_that_lead_in_a_circle_end() {
    let mut centre = centre(&[(Excess::Waiting(0), "support")], &[(Excess::Waiting(0), "sales")]);
    let call = centre.join("sales");
    assert_eq!(moves(&mut centre).len(), 16);
    assert_eq!(centre.acd.queue_length(&"sales".into()), Some(1));
    centre.leave(call);
}

#[test]
fn new_rules_count_for_those_who_wait() {
    let mut centre = centre(&[], &[]);
    let call = centre.join("sales");
    centre.pass(60 * SECOND);
    let rule = [(Excess::Waited(30 * SECOND), "support")];
    let queues = vec![rules("sales", &["ann"], &rule), queue("support", &["bob"]), queue("billing", &["carl"])];
    centre.acd.reconfigure(centre.now, queues, ["ann", "bob", "carl"].map(acd::AgentConfig::new).into(), |_| {
        Status::Available
    });
    centre.settle();
    assert_eq!(moves(&mut centre), [moved(call, "support", "waited for 30 s")]);
}
