//! Strategies in Rust behind the face of all plugins.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use base::DecisionId;
use common::{LIMIT, agents};
use plugins::{Answer, Ask, Binding, Decide as _, Fault, Native, Plugins};
use routing::{Builtin, Decision, MAX_REASON, MAX_STATE, Outcome, Snapshot, Strategy};

/// What it decides is what it was made with, and how often it was asked.
struct Counts {
    made: u64,
    asked: AtomicU64,
}

impl Strategy for Counts {
    fn name(&self) -> &str {
        "counts"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(asked < 2, "asked {asked} times");
        let decision = Builtin::LongestIdle.decide(snapshot);
        Decision { reason: format!("made {} asked {asked} {}", self.made, "ß".repeat(400)), ..decision }
    }

    fn told(&self, _: &[Outcome], state: Option<&str>) -> Option<String> {
        match state? {
            "long" => Some("x".repeat(MAX_STATE + 1)),
            "panic" => std::panic::panic_any(7),
            state => Some(format!("{state} and more")),
        }
    }
}

fn counts() -> Native {
    let made = AtomicU64::new(0);
    let make = move || Counts { made: made.fetch_add(1, Ordering::Relaxed), asked: AtomicU64::new(0) };
    Native::new(Arc::new(move || Box::new(make())))
}

#[test]
fn a_panic_costs_a_say_and_what_follows_is_decided_by_a_strategy_made_anew() {
    let mut native = counts();
    native.prepare();
    native.prepare();
    let mut reason = || native.decide(&agents(1), "{}").map(|decision| decision.reason);
    assert!(reason().unwrap().starts_with("made 0 asked 0"));
    let long = reason().unwrap();
    assert!(long.starts_with("made 0 asked 1") && long.len() <= MAX_REASON, "{long}");
    let fault = reason().unwrap_err();
    assert_eq!((fault.name(), fault.to_string()), ("panic", "panicked: asked 2 times".to_owned()));
    assert!(reason().unwrap().starts_with("made 1 asked 0"));
}

#[test]
fn a_strategy_is_told_and_its_state_is_bounded() {
    let mut native = counts();
    assert_eq!(native.told(&[], Some("this"), "{}"), Ok(Some("this and more".to_owned())));
    assert_eq!(native.told(&[], None, "{}"), Ok(None));
    assert_eq!(native.told(&[], Some("long"), "{}"), Err(Fault::TooLarge(MAX_STATE)));
    assert_eq!(native.told(&[], Some("panic"), "{}"), Err(Fault::Panic("without a word".to_owned())));
}

#[test]
fn a_queue_may_be_bound_to_one() {
    let (told, answers) = channel();
    let mut plugins = Plugins::new(move |answer| drop(told.send(answer)));
    plugins.bind("sales".into(), Binding::new(counts, "{}".into())).unwrap();
    let asked = agents(3);
    let ask = Ask { id: DecisionId::from_raw(3), queue: "sales".into(), snapshot: Arc::new(asked.clone()) };
    plugins.ask(ask).unwrap();
    let Answer::Decided { result, .. } = answers.recv_timeout(LIMIT).unwrap() else { panic!("a decision") };
    assert_eq!(result.unwrap().action, Builtin::LongestIdle.decide(&asked).action);
}
