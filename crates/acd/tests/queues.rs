//! Queues: who may join, who must leave, and decisions that come late, wrong or twice.
//!
//! Covered: full, unknown, unserved queue · max wait while waiting and while ringing · last agent logs out · decisions:
//! stale, impossible, late, doubled, wait, refuse; both surplus cases; snapshots that do not grow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::Arc;

use acd::{AgentState, Caller, DecisionFault, Event, JoinError, LeaveReason, OfferEnd, OfferFailure, Status};
use base::CallId;
use common::{Centre, SECOND, offers, queue};
use routing::{Action, Decision, MAX_CANDIDATES, Question, Snapshot};

fn offer_to(call: CallId, agent: &str) -> Decision {
    Decision::new(Action::Offer { call, agent: agent.into(), ring_ms: None }, "test")
}

fn wait(at_most_ms: Option<u64>) -> Decision {
    Decision::new(Action::Wait { at_most_ms }, "test")
}

/// `sales` with a strategy that a test plays.
fn by_hand(agents: &[&str]) -> Centre {
    let mut centre = Centre::sales(agents);
    centre.decide = false;
    centre
}

fn faults(said: &[Event]) -> Vec<DecisionFault> {
    let faults = said.iter().filter_map(|event| match event {
        Event::DecisionRejected { fault, .. } => Some(*fault),
        _ => None,
    });
    faults.collect()
}

fn snapshots(said: &[Event]) -> Vec<Arc<Snapshot>> {
    let asked = said.iter().filter_map(|event| match event {
        Event::DecisionNeeded { snapshot, .. } => Some(Arc::clone(snapshot)),
        _ => None,
    });
    asked.collect()
}

#[test]
fn a_full_queue_takes_no_more() {
    let mut config = queue("sales", &["ann"]);
    config.max_length = Some(2);
    let mut centre = Centre::new(vec![config], &["ann"]);
    let first = centre.join("sales");
    centre.join("sales");
    let call = CallId::from_raw(100);
    assert_eq!(centre.acd.join(centre.now, call, &"sales".into(), Caller::default()), Err(JoinError::Full));
    assert_eq!(centre.acd.join(centre.now, first, &"sales".into(), Caller::default()), Err(JoinError::AlreadyIn));
    assert_eq!(centre.acd.join(centre.now, call, &"x".into(), Caller::default()), Err(JoinError::UnknownQueue));
    centre.leave(first);
    assert_eq!(centre.acd.join(centre.now, call, &"sales".into(), Caller::default()), Ok(()));
}

#[test]
fn a_queue_that_nobody_serves_takes_no_call() {
    let mut centre = Centre::new(vec![queue("sales", &["ann"]), queue("empty", &[])], &["ann"]);
    let call = CallId::from_raw(100);
    assert_eq!(centre.acd.join(centre.now, call, &"empty".into(), Caller::default()), Err(JoinError::NoAgents));
    centre.acd.set_status(centre.now, &"ann".into(), Status::LoggedOut);
    assert_eq!(centre.acd.join(centre.now, call, &"sales".into(), Caller::default()), Err(JoinError::NoAgents));
}

#[test]
fn calls_leave_when_the_last_agent_logs_out() {
    let mut centre = Centre::sales(&["ann"]);
    let rung = centre.join("sales");
    let waiting = centre.join("sales");
    let offer = centre.offer();
    centre.acd.set_status(centre.now, &"ann".into(), Status::LoggedOut);
    centre.settle();
    let left = |said: Vec<Event>| match &said[..] {
        [.., Event::LeftQueue { call, why: LeaveReason::NoAgents, .. }] => *call,
        other => panic!("{other:?}"),
    };
    assert_eq!(left(centre.take()), waiting);
    centre.fail(offer.id, OfferFailure::NoAnswer);
    assert_eq!(left(centre.take()), rung);
    assert!(centre.acd.is_quiet());
}

#[test]
fn a_call_leaves_when_it_has_waited_as_long_as_it_may_even_while_a_phone_rings() {
    let mut config = queue("sales", &["ann"]);
    config.max_wait = Some(10 * SECOND);
    let mut centre = Centre::new(vec![config], &["ann"]);
    let rung = centre.join("sales");
    centre.pass(SECOND);
    let waiting = centre.join("sales");
    centre.take();
    centre.pass(9 * SECOND);
    let said = centre.take();
    assert!(matches!(said[0], Event::OfferEnded { end: OfferEnd::WaitedTooLong, .. }), "{said:?}");
    assert!(matches!(said[1], Event::LeftQueue { call, why: LeaveReason::WaitedTooLong, .. } if call == rung));
    assert_eq!(offers(&said)[0].call, waiting, "the agent is free for the next at once");
    centre.pass(SECOND);
    assert!(centre.acd.is_quiet());
}

#[test]
fn a_call_that_comes_asks_for_an_agent_and_an_agent_who_comes_asks_for_a_call() {
    let mut centre = by_hand(&["ann", "bob"]);
    let first = centre.join("sales");
    let asked = centre.asked();
    let Question::Agent { call, candidates } = &asked.question else { panic!("{asked:?}") };
    assert_eq!((call.id, candidates.len()), (first, 2));
    centre.decide(&asked, &offer_to(first, "ann"));
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.acd.reserve(centre.now, &"bob".into(), CallId::from_raw(99)).unwrap();
    let second = centre.join("sales");
    let third = centre.join("sales");
    assert!(snapshots(&centre.take()).is_empty(), "nobody is free");
    centre.release("ann");
    centre.pass(5 * SECOND);
    let asked = centre.asked();
    let Question::Call { agent, calls } = &asked.question else { panic!("{asked:?}") };
    assert_eq!(agent.agent.as_str(), "ann");
    assert_eq!(calls.iter().map(|call| call.id).collect::<Vec<_>>(), [second, third]);
    assert_eq!(asked.queue.excluded.in_call, 1, "Bob is counted");
    centre.decide(&asked, &offer_to(third, "ann"));
    assert_eq!(centre.offer().call, third, "the strategy may choose any of the calls");
}

#[test]
fn a_decision_for_an_agent_who_was_taken_meanwhile_is_asked_again_once_then_longest_idle_decides() {
    let mut centre = by_hand(&["ann", "bob", "cid"]);
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(99)).unwrap();
    centre.decide(&asked, &offer_to(call, "ann"));
    assert_eq!(faults(&centre.said), [DecisionFault::Stale]);
    let again = centre.asked();
    assert_eq!(again.candidates().len(), 2);
    centre.acd.reserve(centre.now, &"bob".into(), CallId::from_raw(98)).unwrap();
    centre.decide(&again, &offer_to(call, "bob"));
    assert_eq!(faults(&centre.said), [DecisionFault::Stale]);
    let offer = centre.offer();
    assert_eq!((offer.agent.as_str(), offer.chosen.fallback), ("cid", true));
}

#[test]
fn an_impossible_decision_is_replaced_at_once() {
    let absurd = [
        offer_to(CallId::from_raw(1), "eve"),
        offer_to(CallId::from_raw(77), "ann"),
        Decision::new(Action::Refuse { call: CallId::from_raw(77) }, ""),
        Decision::new(Action::Offer { call: CallId::from_raw(1), agent: "ann".into(), ring_ms: Some(0) }, ""),
        Decision::new(Action::Offer { call: CallId::from_raw(1), agent: "ann".into(), ring_ms: Some(u64::MAX) }, ""),
    ];
    for decision in absurd {
        let mut centre = by_hand(&["ann"]);
        centre.join("sales");
        let asked = centre.asked();
        centre.decide(&asked, &decision);
        assert_eq!(faults(&centre.said), [DecisionFault::Impossible], "{decision:?}");
        let offer = centre.offer();
        assert_eq!((offer.agent.as_str(), offer.chosen.fallback), ("ann", true));
    }
}

#[test]
fn a_late_decision_is_replaced_and_then_ignored() {
    let mut centre = by_hand(&["ann", "bob"]);
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.pass(SECOND / 10);
    assert_eq!(faults(&centre.said), [DecisionFault::Late]);
    let offer = centre.offer();
    assert_eq!((offer.agent.as_str(), offer.chosen.fallback), ("ann", true));
    centre.decide(&asked, &offer_to(call, "bob"));
    assert!(centre.take().is_empty());
    assert_eq!(centre.state("bob"), AgentState::Idle);
}

#[test]
fn a_decision_counts_once() {
    let mut centre = by_hand(&["ann", "bob"]);
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.decide(&asked, &offer_to(call, "ann"));
    centre.decide(&asked, &offer_to(call, "bob"));
    assert_eq!(centre.offer().agent.as_str(), "ann");
}

#[test]
fn a_decision_for_a_caller_who_hung_up_changes_nothing() {
    let mut centre = by_hand(&["ann"]);
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.leave(call);
    centre.take();
    centre.decide(&asked, &offer_to(call, "ann"));
    assert!(centre.take().is_empty());
    assert_eq!(centre.state("ann"), AgentState::Idle);
}

#[test]
fn a_decision_to_wait_is_asked_again_when_its_time_is_over() {
    let mut centre = by_hand(&["ann"]);
    centre.join("sales");
    let asked = centre.asked();
    centre.decide(&asked, &wait(Some(3000)));
    centre.pass(3 * SECOND - SECOND / 100);
    assert!(centre.take().is_empty());
    centre.pass(SECOND / 50);
    assert!(matches!(centre.asked().question, Question::Agent { .. }));
}

#[test]
fn a_decision_to_wait_for_ever_is_asked_again_after_a_minute() {
    let mut centre = by_hand(&["ann"]);
    centre.join("sales");
    let asked = centre.asked();
    centre.decide(&asked, &wait(Some(u64::MAX)));
    centre.pass(60 * SECOND);
    centre.asked();
}

#[test]
fn a_decision_to_wait_is_asked_again_at_once_if_an_agent_came_meanwhile() {
    let mut centre = by_hand(&["ann", "bob"]);
    centre.acd.reserve(centre.now, &"bob".into(), CallId::from_raw(99)).unwrap();
    centre.join("sales");
    let asked = centre.asked();
    centre.acd.release(centre.now, &"bob".into(), CallId::from_raw(99));
    centre.settle();
    assert!(centre.take().is_empty(), "the call is being decided, so Bob has nothing to choose");
    centre.decide(&asked, &wait(None));
    assert_eq!(centre.asked().candidates().len(), 2);
}

#[test]
fn a_decision_can_turn_a_call_away() {
    let mut centre = by_hand(&["ann"]);
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.decide(&asked, &Decision::new(Action::Refuse { call }, "closed"));
    let said = centre.take();
    assert!(matches!(&said[..], [Event::LeftQueue { why: LeaveReason::Refused { reason }, .. }] if reason == "closed"));
}

#[test]
fn no_more_decisions_are_under_way_than_agents_are_idle() {
    let mut centre = by_hand(&["ann", "bob"]);
    let calls: Vec<CallId> = (0..4).map(|_| centre.join("sales")).collect();
    let asked = snapshots(&centre.take());
    assert_eq!(asked.len(), 2);
    centre.decide(&asked[0], &offer_to(calls[0], "bob"));
    centre.decide(&asked[1], &offer_to(calls[1], "ann"));
    let said = centre.take();
    assert_eq!((offers(&said).len(), snapshots(&said).len()), (2, 0));
}

#[test]
fn a_snapshot_does_not_grow_with_the_exchange() {
    let names: Vec<String> = (0..500).map(|n| format!("agent{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut centre = by_hand(&names);
    centre.join("sales");
    let asked = centre.asked();
    assert_eq!(asked.candidates().len(), MAX_CANDIDATES);
    assert_eq!(asked.queue.excluded.surplus as usize, 500 - MAX_CANDIDATES);
}

#[test]
fn a_slow_queue_does_not_delay_another() {
    let mut centre = Centre::new(vec![queue("slow", &["ann"]), queue("fast", &["bob"])], &["ann", "bob"]);
    centre.decide = false;
    centre.join("slow");
    centre.asked();
    centre.decide = true;
    centre.join("fast");
    assert_eq!(centre.offer().agent.as_str(), "bob");
}

/// Ann's decision takes a call of another queue whose own decision was under way; the call behind it must not wait for
/// that decision, which never comes.
#[test]
fn a_call_that_waits_for_anothers_decision_goes_on_when_that_call_is_taken() {
    let names = ["ann", "bob"];
    let mut centre = Centre::new(vec![queue("sales", &names), queue("support", &names)], &names);
    centre.decide = false;
    let direct = CallId::from_raw(99);
    centre.acd.reserve(centre.now, &"bob".into(), direct).unwrap();
    centre.join("sales");
    let asked = centre.asked();
    centre.decide(&asked, &wait(Some(60_000)));
    let taken = centre.join("support");
    let asked = centre.asked();
    centre.decide(&asked, &wait(Some(50)));
    centre.acd.reserve(centre.now, &"ann".into(), direct).unwrap();
    centre.acd.release(centre.now, &"ann".into(), direct);
    centre.settle();
    let anns = centre.asked();
    centre.acd.release(centre.now, &"bob".into(), direct);
    centre.settle();
    let bobs = centre.asked();
    centre.decide(&bobs, &wait(Some(60_000)));
    centre.pass(SECOND / 20);
    centre.asked();
    let behind = centre.join("support");
    assert!(centre.take().is_empty(), "Bob alone is idle, and a decision is under way that may choose him");
    centre.decide(&anns, &offer_to(taken, "ann"));
    let said = centre.take();
    assert_eq!(offers(&said)[0].call, taken);
    assert_eq!(snapshots(&said)[0].calls()[0].id, behind);
}
