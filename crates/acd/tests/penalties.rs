//! What follows for agents who do not take offers.
//!
//! Covered: rest and retry delay of each failure · a break after so many in a row, for each failure apart · the row ends with an
//! answered call, with a word of the agent, and with a new log-in · losers of a ring-all have none · who is on a break or
//! logged out already stays what he is · the phone's own wish outlives the pause.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use acd::{AgentState, Event, OfferFailure, Penalty, QueueConfig, Status};
use common::{Centre, SECOND, offers, queue};
use routing::{Builtin, Method};

/// Rests of 1 s, the same call again after 2 s, and a break after three.
fn strict() -> QueueConfig {
    let mut config = queue("sales", &["ann"]);
    for failure in OfferFailure::ALL {
        *config.penalties.of_mut(failure) = Penalty { rest: SECOND, retry: 2 * SECOND, pause_after: Some(3) };
    }
    config
}

fn centre() -> Centre {
    Centre::new(vec![strict()], &["ann"])
}

/// The next offer, and the next, fails so.
fn fail(centre: &mut Centre, failures: &[OfferFailure]) {
    for failure in failures {
        let offer = centre.offer();
        centre.fail(offer.id, *failure);
        centre.pass(3 * SECOND);
    }
}

fn pauses(said: &[Event]) -> Vec<OfferFailure> {
    let paused = said.iter().filter_map(|event| match event {
        Event::Paused { agent, failure } if agent.as_str() == "ann" => Some(*failure),
        _ => None,
    });
    paused.collect()
}

#[test]
fn each_failure_has_its_own_rest_and_retry_delay() {
    for (failure, number) in OfferFailure::ALL.into_iter().zip(1..) {
        let mut config = queue("sales", &["ann"]);
        *config.penalties.of_mut(failure) =
            Penalty { rest: number * SECOND, retry: 10 * number * SECOND, pause_after: None };
        let mut centre = Centre::new(vec![config], &["ann"]);
        let call = centre.join("sales");
        let offer = centre.offer();
        centre.fail(offer.id, failure);
        centre.pass(number * SECOND - Duration::from_millis(1));
        assert_eq!(centre.state("ann"), AgentState::Resting, "{failure:?}");
        centre.pass(Duration::from_millis(1));
        assert_eq!(centre.state("ann"), AgentState::Idle, "{failure:?}");
        centre.pass(9 * number * SECOND - Duration::from_millis(1));
        assert!(offers(&centre.take()).is_empty(), "{failure:?}: the same call again too soon");
        centre.pass(Duration::from_millis(1));
        assert_eq!(centre.offer().call, call, "{failure:?}");
    }
}

#[test]
fn the_third_offer_missed_in_a_row_puts_the_agent_on_a_break() {
    for failure in OfferFailure::ALL {
        let mut centre = centre();
        let call = centre.join("sales");
        fail(&mut centre, &[failure, failure]);
        let offer = centre.offer();
        centre.fail(offer.id, failure);
        assert_eq!(pauses(&centre.take()), [failure]);
        let reason = failure.reason().into();
        assert_eq!(centre.acd.agent_status(&"ann".into()), Some(&Status::Break { reason }));
        assert_eq!(centre.state("ann"), AgentState::OnBreak);
        centre.pass(60 * SECOND);
        assert!(offers(&centre.take()).is_empty(), "the call waits for him, and does not ring him");
        centre.acd.set_status(centre.now, &"ann".into(), Status::Available);
        centre.settle();
        assert_eq!(centre.offer().call, call, "he does not rest beside his break");
    }
}

#[test]
fn failures_of_different_kinds_are_counted_apart() {
    use OfferFailure::{Busy, Declined, NoAnswer, Unreachable};
    let mut centre = centre();
    centre.join("sales");
    fail(&mut centre, &[Busy, Declined, NoAnswer, Unreachable, Busy, Declined, NoAnswer, Unreachable]);
    assert_eq!(centre.acd.agent_status(&"ann".into()), Some(&Status::Available));
    let offer = centre.offer();
    centre.fail(offer.id, Busy);
    assert_eq!(pauses(&centre.take()), [Busy]);
}

#[test]
fn an_answered_call_a_word_of_the_agent_and_a_new_log_in_end_the_row() {
    let answers = |centre: &mut Centre| {
        let offer = centre.offer();
        let call = centre.answer(offer.id).call;
        centre.leave(call);
        centre.pass(5 * SECOND);
        centre.join("sales");
    };
    let speaks = |centre: &mut Centre| centre.acd.forgive(&"ann".into());
    let comes = |centre: &mut Centre| {
        let offer = centre.offer();
        centre.leave(offer.call);
        for status in [Status::LoggedOut, Status::Available] {
            centre.acd.set_status(centre.now, &"ann".into(), status);
            centre.settle();
        }
        centre.join("sales");
    };
    for end in [answers as fn(&mut Centre), speaks, comes] {
        let mut centre = centre();
        centre.join("sales");
        fail(&mut centre, &[OfferFailure::NoAnswer; 2]);
        end(&mut centre);
        fail(&mut centre, &[OfferFailure::NoAnswer; 2]);
        assert_eq!(centre.acd.agent_status(&"ann".into()), Some(&Status::Available));
        let offer = centre.offer();
        centre.fail(offer.id, OfferFailure::NoAnswer);
        assert_eq!(pauses(&centre.take()), [OfferFailure::NoAnswer]);
    }
}

#[test]
fn who_was_not_the_fastest_of_those_who_were_rung_has_missed_nothing() {
    let mut config = strict();
    config.agents.push("bob".into());
    config.method = Method { strategy: Builtin::RingAll, patience_ms: None };
    let mut centre = Centre::new(vec![config], &["ann", "bob"]);
    for _ in 0..4 {
        centre.join("sales");
        let said = centre.take();
        let bobs = offers(&said).into_iter().find(|offer| offer.agent.as_str() == "bob").unwrap();
        let call = centre.answer(bobs.id).call;
        assert_eq!(centre.state("ann"), AgentState::Idle);
        centre.leave(call);
        centre.pass(5 * SECOND);
    }
    assert_eq!(centre.acd.agent_status(&"ann".into()), Some(&Status::Available));
}

#[test]
fn who_takes_no_calls_anyway_stays_what_he_is() {
    for status in [Status::LoggedOut, Status::Break { reason: "lunch".into() }] {
        let mut config = strict();
        config.penalties.declined.pause_after = Some(1);
        let mut centre = Centre::new(vec![config], &["ann"]);
        centre.join("sales");
        let offer = centre.offer();
        centre.acd.set_status(centre.now, &"ann".into(), status.clone());
        centre.settle();
        centre.fail(offer.id, OfferFailure::Declined);
        assert_eq!((pauses(&centre.take()), centre.acd.agent_status(&"ann".into())), (vec![], Some(&status)));
    }
}

#[test]
fn a_phone_that_wants_to_be_left_alone_is_though_its_agent_is_paused_and_back() {
    let mut config = strict();
    config.penalties.busy.pause_after = Some(1);
    let mut centre = Centre::new(vec![config], &["ann"]);
    centre.join("sales");
    let offer = centre.offer();
    centre.acd.offer_failed_for(centre.now, offer.id, OfferFailure::Busy, 20 * SECOND);
    centre.settle();
    assert_eq!(pauses(&centre.take()), [OfferFailure::Busy]);
    centre.acd.set_status(centre.now, &"ann".into(), Status::Available);
    centre.settle();
    assert_eq!(centre.state("ann"), AgentState::Resting);
    centre.pass(20 * SECOND);
    centre.offer();
}
