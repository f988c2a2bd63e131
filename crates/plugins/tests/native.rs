//! Strategies in Rust behind the face of all plugins.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "threads, which take their time")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::DecisionId;
use common::{LIMIT, agents};
use plugins::{Answer, Ask, Binding, Decide as _, Fault, Make, Native, Plugins};
use routing::{Builtin, Decision, MAX_REASON, MAX_STATE, Outcome, Snapshot, Strategy};

/// Threads that are left behind are counted by the process: tests that share one run one after the other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    counted().0
}

/// With it, how many of it were made.
fn counted() -> (Native, Arc<AtomicU64>) {
    let made = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&made);
    let make = move || Counts { made: count.fetch_add(1, Ordering::SeqCst), asked: AtomicU64::new(0) };
    (Native::new(Arc::new(move || Box::new(make())), LIMIT), made)
}

#[test]
fn a_panic_costs_a_say_and_what_follows_is_decided_by_a_strategy_made_anew() {
    let _alone = alone();
    let (mut native, made) = counted();
    native.prepare();
    native.prepare();
    let mut reason = || native.decide(&agents(1), "{}").map(|decision| decision.reason);
    assert!(reason().unwrap().starts_with("made 0 asked 0"));
    let long = reason().unwrap();
    assert!(long.starts_with("made 0 asked 1") && long.len() <= MAX_REASON, "{long}");
    let fault = reason().unwrap_err();
    assert_eq!((fault.name(), fault.to_string()), ("panic", "panicked: asked 2 times".to_owned()));
    // Ahead of the next question, if there is time.
    native.prepare();
    assert_eq!(made.load(Ordering::SeqCst), 2);
    let next = native.decide(&agents(1), "{}").unwrap().reason;
    assert!(next.starts_with("made 1 asked 0"), "{next}");
}

#[test]
fn a_strategy_is_told_and_its_state_is_bounded() {
    let _alone = alone();
    let mut native = counts();
    assert_eq!(native.told(&[], Some("this"), "{}"), Ok(Some("this and more".to_owned())));
    assert_eq!(native.told(&[], None, "{}"), Ok(None));
    assert_eq!(native.told(&[], Some("long"), "{}"), Err(Fault::TooLarge(MAX_STATE)));
    assert_eq!(native.told(&[], Some("panic"), "{}"), Err(Fault::Panic("without a word".to_owned())));
}

#[test]
fn a_queue_may_be_bound_to_one() {
    let _alone = alone();
    let (told, answers) = channel();
    let mut plugins = Plugins::new(move |answer| drop(told.send(answer)));
    plugins.bind("sales".into(), Binding::new(counts, "{}".into())).unwrap();
    let asked = agents(3);
    let ask = Ask { id: DecisionId::from_raw(3), queue: "sales".into(), snapshot: Arc::new(asked.clone()) };
    plugins.ask(ask).unwrap();
    let Answer::Decided { result, .. } = answers.recv_timeout(LIMIT).unwrap() else { panic!("a decision") };
    assert_eq!(result.unwrap().action, Builtin::LongestIdle.decide(&asked).action);
}

/// The first so many that are asked do not come back before the test lets them.
struct Blocks {
    asked: Sender<()>,
    blocking: Arc<AtomicU64>,
    gate: Arc<Mutex<Receiver<()>>>,
}

impl Strategy for Blocks {
    fn name(&self) -> &str {
        "blocks"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        self.asked.send(()).unwrap();
        let blocks = |left: u64| left.checked_sub(1);
        if self.blocking.fetch_update(Ordering::SeqCst, Ordering::SeqCst, blocks).is_ok() {
            // All go when the other end is gone.
            let _ = self.gate.lock().unwrap().recv();
        }
        Builtin::LongestIdle.decide(snapshot)
    }
}

/// What makes them, what tells when one is asked, and what lets all go when it is dropped.
fn blocking(count: u64) -> (Make, Receiver<()>, Sender<()>) {
    let (asked, is_asked) = channel();
    let (let_go, gate) = channel();
    let (asked, gate, blocking) = (Mutex::new(asked), Arc::new(Mutex::new(gate)), Arc::new(AtomicU64::new(count)));
    let make = move || {
        let (blocking, gate) = (Arc::clone(&blocking), Arc::clone(&gate));
        Blocks { asked: asked.lock().unwrap().clone(), blocking, gate }
    };
    (Arc::new(move || Box::new(make())), is_asked, let_go)
}

const SHORT: Duration = Duration::from_millis(20);

/// Decides, as soon as it can again.
fn decides_again(native: &mut Native) {
    let until = Instant::now() + LIMIT;
    while let Err(fault) = native.decide(&agents(1), "{}") {
        let is_at_it = matches!(fault, Fault::Hangs | Fault::Deadline(_));
        assert!(is_at_it && Instant::now() < until, "{fault}");
        std::thread::yield_now();
    }
}

#[test]
fn one_that_does_not_return_is_asked_nothing_until_it_has_and_others_of_its_kind_go_on() {
    let _alone = alone();
    let (make, is_asked, let_go) = blocking(1);
    let mut native = Native::new(Arc::clone(&make), SHORT);
    assert_eq!(native.decide(&agents(1), "{}"), Err(Fault::Deadline(SHORT)));
    is_asked.recv_timeout(LIMIT).unwrap();
    // The strategy hears of none of them, and nobody waits for it.
    for _ in 0..1_000 {
        assert_eq!(native.decide(&agents(1), "{}"), Err(Fault::Hangs));
        native.prepare();
    }
    assert_eq!(native.told(&[], None, "{}"), Err(Fault::Hangs));
    assert!(is_asked.try_recv().is_err());
    let told = Fault::Hangs.to_string();
    assert_eq!(
        told,
        "has not come back from an earlier question; a reload begins with it anew, unless 8 threads were left behind so"
    );
    assert!(Native::new(make, LIMIT).decide(&agents(1), "{}").is_ok(), "another queue's");
    drop(let_go);
    decides_again(&mut native);
}

#[test]
fn a_reload_begins_anew_and_leaves_only_so_many_threads_behind() {
    let _alone = alone();
    let most = Native::MOST_LEFT_BEHIND;
    let (make, is_asked, let_go) = blocking(most as u64);
    for _ in 0..most {
        let mut native = Native::new(Arc::clone(&make), SHORT);
        assert_eq!(native.decide(&agents(1), "{}"), Err(Fault::Deadline(SHORT)));
        is_asked.recv_timeout(LIMIT).unwrap();
    }
    let mut native = Native::new(make, LIMIT);
    native.prepare();
    assert_eq!(native.decide(&agents(1), "{}"), Err(Fault::Hangs));
    assert!(is_asked.try_recv().is_err(), "it is not even begun with");
    drop(let_go);
    decides_again(&mut native);
}

#[test]
fn a_queue_whose_strategy_hangs_is_answered_and_bound_anew_it_decides() {
    let _alone = alone();
    let (make, is_asked, _let_go) = blocking(1);
    let (told, answers) = channel();
    let mut plugins = Plugins::new(move |answer| drop(told.send(answer)));
    let bound = |deadline| {
        let make = Arc::clone(&make);
        Binding::new(move || Native::new(Arc::clone(&make), deadline), "{}".into())
    };
    let ask = |plugins: &Plugins| {
        let snapshot = Arc::new(agents(1));
        plugins.ask(Ask { id: DecisionId::from_raw(3), queue: "sales".into(), snapshot }).unwrap();
        match answers.recv_timeout(LIMIT).unwrap() {
            Answer::Decided { result, .. } => result,
            other => panic!("{other:?}"),
        }
    };
    plugins.bind("sales".into(), bound(SHORT)).unwrap();
    assert_eq!(ask(&plugins), Err(Fault::Deadline(SHORT)));
    is_asked.recv_timeout(LIMIT).unwrap();
    assert_eq!(ask(&plugins), Err(Fault::Hangs));
    plugins.renew(&"sales".into());
    // The same binding, and so the same deadline: it may be late, but not hang.
    let until = Instant::now() + LIMIT;
    while let Err(fault) = ask(&plugins) {
        assert!(matches!(fault, Fault::Hangs | Fault::Deadline(_)) && Instant::now() < until, "{fault}");
        plugins.renew(&"sales".into());
    }
    plugins.bind("sales".into(), bound(LIMIT)).unwrap();
    assert!(ask(&plugins).is_ok());
}
