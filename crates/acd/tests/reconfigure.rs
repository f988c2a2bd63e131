//! New lists of queues and agents while calls wait, ring and talk: no call is lost, nobody gets what is not his.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use acd::{
    AgentConfig, AgentState, Caller, Event, JoinError, LeaveReason, OfferEnd, OfferFailure, ReserveError, Status,
};
use base::CallId;
use common::{Centre, SECOND, queue};
use routing::{Action, Decision};

/// The calls that left their queue, and why.
fn left(said: &[Event]) -> Vec<(CallId, LeaveReason)> {
    let left = said.iter().filter_map(|event| match event {
        Event::LeftQueue { call, why, .. } => Some((*call, why.clone())),
        _ => None,
    });
    left.collect()
}

#[test]
fn a_new_agent_gets_the_call_that_waits() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let first = centre.offer();
    let waits = centre.join("sales");
    centre.reconfigure(vec![queue("sales", &["ann", "bob"])], &["ann", "bob"]);
    let second = centre.offer();
    assert_eq!((second.call, second.agent.as_str()), (waits, "bob"));
    assert_eq!(centre.state("ann"), AgentState::Offered(first.id), "what rings goes on");
}

#[test]
fn the_same_lists_change_nothing() {
    let mut centre = Centre::sales(&["ann", "bob", "cid"]);
    let calls = [centre.join("sales"), centre.join("sales")];
    let said = centre.take();
    let offers = common::offers(&said);
    centre.answer(offers[0].id);
    centre.pass(3 * SECOND);
    centre.take();
    centre.reconfigure(vec![queue("sales", &["ann", "bob", "cid"])], &["ann", "bob", "cid"]);
    assert!(centre.take().is_empty());
    assert_eq!(centre.state(offers[0].agent.as_str()), AgentState::InCall(calls[0]));
    assert_eq!(centre.state(offers[1].agent.as_str()), AgentState::Offered(offers[1].id));
    centre.release(offers[0].agent.as_str());
    assert_eq!(centre.state(offers[0].agent.as_str()), AgentState::WrapUp);
    centre.reconfigure(vec![queue("sales", &["ann", "bob", "cid"])], &["ann", "bob", "cid"]);
    assert_eq!(centre.state(offers[0].agent.as_str()), AgentState::WrapUp);
    centre.pass(5 * SECOND);
    assert_eq!(centre.state(offers[0].agent.as_str()), AgentState::Idle);
}

#[test]
fn who_is_idle_longest_stays_so() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    assert_eq!(offer.agent.as_str(), "ann");
    centre.leave(call);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.release("ann");
    centre.pass(10 * SECOND);
    // Ann stands first in the list, but Bob has been idle since the beginning; who is new has not.
    centre.reconfigure(vec![queue("sales", &["new", "ann", "bob"])], &["new", "ann", "bob"]);
    centre.take();
    let order = ["bob", "ann", "new"].map(|expected| {
        centre.join("sales");
        (centre.offer().agent.as_str().to_owned(), expected)
    });
    assert!(order.iter().all(|(got, expected)| got == expected), "{order:?}");
}

#[test]
fn an_agent_who_is_gone_ends_his_call_and_gets_no_other() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.reconfigure(vec![queue("sales", &["bob"])], &["bob"]);
    assert_eq!(centre.state("ann"), AgentState::InCall(call));
    assert_eq!(centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(9)), Err(ReserveError::Busy));
    centre.take();
    centre.release("ann");
    assert!(centre.take().is_empty(), "no wrap-up for nobody");
    assert_eq!(centre.acd.agent_state(&"ann".into()), None);
    assert_eq!(centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(9)), Err(ReserveError::UnknownAgent));
    centre.join("sales");
    assert_eq!(centre.offer().agent.as_str(), "bob");
    centre.join("sales");
    assert!(common::offers(&centre.take()).is_empty(), "Ann is offered nothing");
}

#[test]
fn an_offer_to_an_agent_who_is_gone_may_still_be_answered() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.reconfigure(vec![queue("sales", &["bob"])], &["bob"]);
    assert!(centre.take().is_empty());
    assert_eq!(centre.answer(offer.id).call, call);
    assert_eq!(centre.state("ann"), AgentState::InCall(call));
}

#[test]
fn an_offer_to_an_agent_who_is_gone_goes_to_another_if_it_fails() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.reconfigure(vec![queue("sales", &["bob"])], &["bob"]);
    centre.fail(offer.id, OfferFailure::NoAnswer);
    let next = centre.offer();
    assert_eq!((next.call, next.agent.as_str()), (call, "bob"));
    assert_eq!(centre.acd.agent_state(&"ann".into()), None, "nobody rests");
}

#[test]
fn who_comes_back_in_his_last_call_is_who_he_was() {
    let mut centre = Centre::sales(&["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.reconfigure(vec![], &[]);
    centre.reconfigure(vec![queue("sales", &["ann"])], &["ann"]);
    assert_eq!(centre.state("ann"), AgentState::InCall(call));
    centre.release("ann");
    assert_eq!(centre.state("ann"), AgentState::WrapUp);
}

#[test]
fn wrap_up_of_an_agent_who_is_gone_is_over() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.release("ann");
    centre.take();
    centre.reconfigure(vec![], &[]);
    assert!(matches!(&centre.take()[..], [Event::WrapUpEnded { agent, .. }] if agent.as_str() == "ann"));
    assert_eq!((centre.acd.agent_state(&"ann".into()), centre.acd.poll_timeout()), (None, None));
}

#[test]
fn calls_leave_a_queue_that_is_gone_and_none_can_join() {
    let mut centre = Centre::new(vec![queue("sales", &["ann"]), queue("support", &["bob"])], &["ann", "bob"]);
    let rings = centre.join("sales");
    let offer = centre.offer();
    let waits = centre.join("sales");
    centre.take();
    centre.reconfigure(vec![queue("support", &["ann", "bob"])], &["ann", "bob"]);
    assert_eq!(left(&centre.take()), [(waits, LeaveReason::NoAgents)]);
    let joined = centre.acd.join(centre.now, CallId::from_raw(99), &"sales".into(), Caller::default());
    assert_eq!(joined, Err(JoinError::NoAgents));
    // What rings may still be answered; if it is not, the call leaves, too.
    centre.fail(offer.id, OfferFailure::Declined);
    assert_eq!(left(&centre.take()), [(rings, LeaveReason::NoAgents)]);
    let shown: Vec<String> = centre.acd.queues(centre.now).map(|figures| figures.name.to_string()).collect();
    assert_eq!(shown, ["support"]);
}

#[test]
fn a_call_from_a_queue_that_is_gone_has_its_name_and_wrap_up_to_the_end() {
    let mut centre = Centre::new(vec![queue("sales", &["ann"]), queue("support", &["ann"])], &["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.reconfigure(vec![queue("support", &["ann"])], &["ann"]);
    assert_eq!(centre.acd.queue_of(call), Some(&"sales".into()));
    centre.release("ann");
    assert_eq!(centre.state("ann"), AgentState::WrapUp);
}

#[test]
fn calls_leave_a_queue_whose_only_agent_left_it() {
    let mut centre = Centre::new(vec![queue("sales", &["ann"]), queue("support", &["bob"])], &["ann", "bob"]);
    centre.join("sales");
    centre.offer();
    let waits = centre.join("sales");
    let agents = ["ann", "bob"].map(AgentConfig::new);
    let queues = vec![queue("sales", &["bob"]), queue("support", &["ann"])];
    // Bob would serve it, but is not logged in.
    let status = |agent: &acd::AgentName| if agent.as_str() == "bob" { Status::LoggedOut } else { Status::Available };
    centre.acd.reconfigure(centre.now, queues, agents.into(), status);
    centre.settle();
    assert_eq!(left(&centre.take()), [(waits, LeaveReason::NoAgents)]);
    assert_eq!(centre.state("bob"), AgentState::LoggedOut);
}

#[test]
fn a_new_longest_wait_counts_from_when_a_call_joined() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    centre.offer();
    let (first, _) = (centre.join("sales"), centre.pass(10 * SECOND));
    let second = centre.join("sales");
    centre.take();
    let mut sales = queue("sales", &["ann"]);
    sales.max_wait = Some(8 * SECOND);
    centre.reconfigure(vec![sales.clone()], &["ann"]);
    let said = centre.take();
    assert!(left(&said).contains(&(first, LeaveReason::WaitedTooLong)), "{said:?}");
    assert!(said.iter().any(|event| matches!(event, Event::OfferEnded { end: OfferEnd::WaitedTooLong, .. })));
    // The second one rings now, as the first one's agent came free.
    let offered = common::offers(&said);
    assert_eq!(offered[0].call, second);
    centre.pass(8 * SECOND);
    assert_eq!(left(&centre.take()), [(second, LeaveReason::WaitedTooLong)]);
    sales.max_wait = None;
    let third = centre.join("sales");
    centre.reconfigure(vec![sales], &["ann"]);
    centre.pass(SECOND * 15);
    assert!(!left(&centre.take()).iter().any(|(call, _)| *call == third));
}

#[test]
fn new_times_count_from_the_next_offer_on() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    centre.join("sales");
    let first = centre.offer();
    let mut sales = queue("sales", &["ann", "bob"]);
    (sales.ring_time, sales.wrap_up) = (7 * SECOND, Duration::ZERO);
    centre.reconfigure(vec![sales], &["ann", "bob"]);
    centre.pass(8 * SECOND);
    assert!(centre.take().is_empty(), "what rings goes on for as long as it was to");
    centre.join("sales");
    assert_eq!(centre.offer().ring_time, 7 * SECOND);
    centre.answer(first.id);
    centre.release(first.agent.as_str());
    assert_eq!(centre.state(first.agent.as_str()), AgentState::Idle);
}

/// A decision that was asked for before the change must not give a call to one who does not serve its queue any more.
#[test]
fn a_decision_from_before_the_change_is_checked_against_it() {
    let mut centre = Centre::sales(&["ann", "bob"]);
    centre.decide = false;
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.reconfigure(vec![queue("sales", &["bob"]), queue("support", &["ann"])], &["ann", "bob"]);
    centre.take();
    let action = Action::Offer { call, agent: "ann".into(), ring_ms: None };
    centre.decide(&asked, &Decision::new(action, ""));
    let again = centre.asked();
    assert_eq!(again.candidates().iter().map(|found| found.agent.as_str()).collect::<Vec<_>>(), ["bob"]);
}
