//! Where a call stands, as operators are told: whom it waits for, and what comes when.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use acd::{AgentConfig, CallStage, Caller, OfferFailure, QueueConfig, Status};
use common::{Centre, SECOND, queue};
use routing::{Levels, Widening};

#[test]
fn a_call_that_waits_tells_who_cannot_be_asked_and_what_comes_when() {
    let config = QueueConfig {
        widening: vec![Widening { after_ms: 30_000, lower: None }],
        max_wait: Some(Duration::from_secs(600)),
        ..queue("sales", &["ann", "bob", "cid"])
    };
    let mut centre = Centre::new(vec![config.clone()], &["ann", "bob", "cid"]);
    let skilled = |name: &str| AgentConfig { name: name.into(), skills: Levels::new([("spanish".into(), 60)]) };
    let agents = vec![skilled("ann"), AgentConfig::new("bob"), AgentConfig::new("cid")];
    let away = |name: &acd::AgentName| match name.as_str() {
        "cid" => Status::Break { reason: "lunch".into() },
        _ => Status::Available,
    };
    centre.acd.reconfigure(centre.now, vec![config], agents, away);
    centre.settle();
    let needs = Levels::new([("spanish".into(), 40)]);
    let call = centre.join_as("sales", Caller { needs: needs.clone(), ..Caller::default() });
    let offer = centre.offer();
    let standing = centre.acd.standing(centre.now, call).unwrap();
    assert_eq!((standing.stage, standing.position), (CallStage::Offered(vec!["ann".into()]), None));

    centre.pass(5 * SECOND);
    centre.fail(offer.id, OfferFailure::Declined);
    let joined = centre.now.monotonic.since(base::Mono::ZERO) - 5 * SECOND;
    // Ann rests for 5 s; then she is free again, but has just been asked for this call.
    let standing = centre.acd.standing(centre.now, call).unwrap();
    assert_eq!((standing.stage, standing.position, standing.needs), (CallStage::Waiting, Some(1), needs));
    assert_eq!((standing.excluded.resting, standing.excluded.tried, standing.excluded.on_break), (1, 0, 1));
    centre.pass(10 * SECOND);
    let standing = centre.acd.standing(centre.now, call).unwrap();
    let excluded = standing.excluded;
    assert_eq!((excluded.resting, excluded.tried, excluded.unskilled, excluded.on_break), (0, 1, 1, 1));
    assert_eq!(standing.free, 0);
    let at = |seconds| Some(base::Mono::ZERO + joined + Duration::from_secs(seconds));
    assert_eq!((standing.widens, standing.looks_again, standing.leaves), (at(30), at(35), at(600)));

    // It needs nothing any more, and bob gets it.
    centre.pass(15 * SECOND);
    let offer = centre.offer();
    centre.answer(offer.id);
    let standing = centre.acd.standing(centre.now, call).unwrap();
    assert_eq!(standing.stage, CallStage::Connected("bob".into()));
    assert!(standing.needs.iter().next().is_none() && standing.leaves.is_none());
    assert!(centre.acd.standing(centre.now, base::CallId::from_raw(99)).is_none());
}
