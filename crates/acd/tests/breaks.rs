//! Agents on a break.
//!
//! Covered: no offer in a break · who is in one counts as logged in: calls join and wait for him · he is back: the call
//! is his · a break during an offer, a call and the time after it · from a break to logged out · counted apart from
//! those who are logged out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{AgentState, Event, LeaveReason, OfferFailure, Status};
use common::{Centre, SECOND, offers, queue};

fn say(centre: &mut Centre, agent: &str, status: Status) -> bool {
    let changed = centre.acd.set_status(centre.now, &agent.into(), status);
    centre.settle();
    changed
}

fn lunch() -> Status {
    Status::Break { reason: "lunch".into() }
}

#[test]
fn calls_wait_for_an_agent_who_is_on_a_break_and_are_his_when_he_is_back() {
    let mut centre = Centre::sales(&["ann"]);
    assert!(say(&mut centre, "ann", lunch()));
    assert_eq!((centre.state("ann"), centre.acd.agent_status(&"ann".into())), (AgentState::OnBreak, Some(&lunch())));
    let call = centre.join("sales");
    centre.pass(60 * SECOND);
    assert_eq!(offers(&centre.take()).len(), 0);
    assert_eq!(centre.acd.queue_length(&"sales".into()), Some(1), "it waits");
    assert!(say(&mut centre, "ann", Status::Available));
    assert_eq!(centre.offer().call, call);
    assert!(!say(&mut centre, "ann", Status::Available), "nothing new");
}

#[test]
fn a_call_goes_past_who_is_on_a_break_to_the_others() {
    let mut centre = Centre::sales(&["ann", "bob", "cid"]);
    say(&mut centre, "ann", lunch());
    say(&mut centre, "cid", Status::LoggedOut);
    centre.join("sales");
    let offer = centre.offer();
    let excluded = offer.chosen.snapshot.queue.excluded;
    assert_eq!((offer.agent.as_str(), excluded.on_break, excluded.unavailable), ("bob", 1, 1));
}

#[test]
fn what_an_agent_has_goes_on_in_his_break() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    say(&mut centre, "ann", lunch());
    assert_eq!(centre.state("ann"), AgentState::Offered(offer.id), "his phone rings on");
    let call = centre.answer(offer.id).call;
    assert_eq!(centre.state("ann"), AgentState::InCall(call));
    centre.release("ann");
    assert_eq!(centre.state("ann"), AgentState::WrapUp, "the time after a call counts first");
    centre.join("sales");
    centre.pass(5 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::OnBreak);
    centre.pass(60 * SECOND);
    assert_eq!(offers(&centre.take()).len(), 0);
    say(&mut centre, "ann", Status::Available);
    centre.offer();
}

#[test]
fn a_break_in_the_time_after_a_call_ends_it_not() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.release("ann");
    say(&mut centre, "ann", lunch());
    say(&mut centre, "ann", Status::Available);
    assert_eq!(centre.state("ann"), AgentState::WrapUp);
    centre.pass(5 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::Idle);
}

#[test]
fn an_offer_that_fails_in_a_break_leaves_the_call_waiting() {
    let mut centre = Centre::new(vec![queue("sales", &["ann"])], &["ann"]);
    let call = centre.join("sales");
    let offer = centre.offer();
    say(&mut centre, "ann", lunch());
    centre.fail(offer.id, OfferFailure::NoAnswer);
    centre.pass(120 * SECOND);
    assert_eq!(centre.state("ann"), AgentState::OnBreak);
    assert_eq!(offers(&centre.take()).len(), 0);
    say(&mut centre, "ann", Status::LoggedOut);
    let said = centre.take();
    let left = matches!(&said[..], [Event::LeftQueue { call: who, why: LeaveReason::NoAgents, .. }] if *who == call);
    assert!(left, "the last one who was logged in is gone: {said:?}");
}

#[test]
fn operators_see_what_each_agent_says_and_does_and_since_when() {
    let mut centre = Centre::new(vec![queue("sales", &["ann", "bob"]), queue("billing", &["ann"])], &["ann", "bob"]);
    let start = centre.now.monotonic;
    centre.pass(10 * SECOND);
    say(&mut centre, "bob", lunch());
    centre.pass(5 * SECOND);
    let call = centre.join("sales");
    let offer = centre.offer();
    centre.pass(SECOND);
    let at = |centre: &Centre, agent: &str| {
        let found = centre.acd.agent(&agent.into()).unwrap();
        (found.state, found.state_since.since(start).as_secs(), found.call)
    };
    assert_eq!(at(&centre, "ann"), (AgentState::Offered(offer.id), 15, Some(call)));
    centre.answer(offer.id);
    assert_eq!(at(&centre, "ann"), (AgentState::InCall(call), 16, Some(call)));
    centre.pass(SECOND);
    centre.release("ann");
    assert_eq!(at(&centre, "ann"), (AgentState::WrapUp, 17, None));
    centre.pass(5 * SECOND);
    assert_eq!(at(&centre, "ann"), (AgentState::Idle, 22, None));
    let (page, more) = centre.acd.agents(None, 1);
    assert_eq!((page.len(), more, page[0].name.as_str(), page[0].calls_today), (1, true, "ann", 1));
    assert_eq!(page[0].queues, ["sales".into(), "billing".into()]);
    let (page, more) = centre.acd.agents(Some(&"ann".into()), 5);
    let bob = &page[0];
    assert_eq!((page.len(), more, &bob.status, bob.state), (1, false, &lunch(), AgentState::OnBreak));
    assert_eq!((bob.status_since.since(start).as_secs(), bob.state_since), (10, bob.status_since));
    assert_eq!(centre.acd.agents(Some(&"nobody".into()), 5), (Vec::new(), false));
    assert_eq!(centre.acd.agent_count(), 2);
}
