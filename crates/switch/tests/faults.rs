//! A panic while the switch handles something: the call that it is about ends by the books, all others go on.
//!
//! The strategy stands in for whatever of ours may panic: its name is asked for while an offer is placed, which is a call's
//! business; its decision belongs to no call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acd::AgentState;
use common::{QUIET, SECOND, Scene};
use journal::{Disposition, Kind, OfferMade, Party};
use routing::{Decision, LongestIdle, Snapshot, Strategy};
use sim::{Seen, World, company};
use switch::TakeReport;

/// Panics where it is told to, once.
#[derive(Clone, Default)]
struct Broken {
    name: Arc<AtomicBool>,
    decision: Arc<AtomicBool>,
}

impl Strategy for Broken {
    fn name(&self) -> &str {
        assert!(!self.name.swap(false, Ordering::Relaxed), "a fault on purpose");
        "broken"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        assert!(!self.decision.swap(false, Ordering::Relaxed), "a fault on purpose");
        LongestIdle.decide(snapshot)
    }
}

/// The caller talks with agent 101; the other one has dialled the menu.
fn scene() -> (Scene, Broken) {
    let broken = Broken::default();
    let mut scene = Scene::within(World::with_strategy(company(), 1, Box::new(broken.clone())));
    scene.world.survives = true;
    scene.call("201");
    scene.world.with_phone(scene.ada, |phone, now| phone.answer(now));
    scene.dial(scene.other, "2", "1000");
    (scene, broken)
}

impl Scene {
    /// The first call has not noticed anything; when it is over, nothing is left of either.
    fn assert_the_other_goes_on(&mut self) {
        assert!(!self.world.at(self.caller).saw(&Seen::Ended) && !self.world.at(self.ada).saw(&Seen::Ended));
        assert_eq!(self.world.media.bridges.len(), 2);
        self.hang_up(self.caller);
        self.hang_up(self.other);
        self.world.run(QUIET);
        assert!(self.world.switch.is_quiet() && self.world.media.open.is_empty(), "{:?}", self.world.switch);
        for agent in ["101", "102"] {
            assert_eq!(self.agent(agent), Some(AgentState::Idle), "{agent}");
        }
        assert_eq!(self.world.cdrs.len(), 2);
    }
}

fn faults(world: &World) -> Vec<Option<base::CallId>> {
    let faults = world.journal.iter().filter(|event| matches!(event.kind, Kind::Fault { .. }));
    faults.map(|event| event.call).collect()
}

#[test]
fn a_panic_in_a_calls_handling_ends_that_call_only() {
    let (mut s, broken) = scene();
    broken.name.store(true, Ordering::Relaxed);
    s.press('1');
    assert_eq!(s.world.faults, 1);
    assert!(s.world.at(s.other).saw(&Seen::Ended), "its caller was hung up");
    s.assert_the_other_goes_on();
    let [broken, good] = &*s.world.cdrs else { panic!("two") };
    assert_eq!((&*broken.cause, broken.hung_up_by, broken.cut), ("fault", Some(Party::System), false));
    assert_eq!(faults(&s.world), [Some(broken.call)]);
    assert_eq!((&*good.cause, good.disposition), ("bye", Disposition::Answered));
}

#[test]
fn a_panic_of_the_strategy_ends_no_call_and_longest_idle_decides() {
    let (mut s, broken) = scene();
    broken.decision.store(true, Ordering::Relaxed);
    s.press('1');
    assert_eq!((s.world.faults, faults(&s.world)), (1, vec![None]));
    let made = |kind: &Kind| matches!(kind, Kind::OfferMade(OfferMade { why, .. }) if why.fallback);
    assert_eq!(s.world.count(made), 1, "agent 102 rings");
    s.assert_the_other_goes_on();
    assert!(s.world.cdrs.iter().all(|cdr| &*cdr.cause != "fault"));
}

#[test]
fn a_fault_in_a_call_that_is_over_closes_its_books_at_once() {
    let (mut s, _) = scene();
    s.world.media.slow_disk = Some(Vec::new());
    let leg = s.world.caller_leg();
    s.world.press(leg, '3');
    s.world.run(SECOND);
    s.hang_up(s.other);
    assert!(s.world.cdrs.is_empty(), "the disk has not closed his recording");
    let take = s.world.last(|kind| if let Kind::RecordingStarted { take, .. } = kind { Some(*take) } else { None });
    let (now, lost) = (s.world.now, TakeReport::Lost { take, frames: 1, why: "test".to_owned() });
    s.world.switch.handle_take(now, lost);
    // As if handling that had panicked.
    s.world.switch.handle_fault(now, "test");
    s.world.react();
    let [cdr] = &*s.world.cdrs else { panic!("closed without the disk") };
    assert_eq!(faults(&s.world), [Some(cdr.call)]);
    assert_eq!(cdr.hung_up_by, Some(Party::Caller), "who hung up stays true");
    s.world.finish_takes();
    s.assert_the_other_goes_on();
}

#[test]
fn an_invite_that_never_became_a_call_is_refused() {
    let (mut s, _) = scene();
    let three = s.world.phone("127.0.0.2:5092");
    // Without a number in the plan it is a call for the books only, which is over when the switch has answered.
    s.world.with_phone(three, |phone, now| phone.call(now, "3", "999"));
    assert!(s.world.at(three).saw(&Seen::Refused(404)));
    let now = s.world.now;
    s.world.switch.handle_fault(now, "test");
    s.world.run(SECOND);
    assert_eq!(faults(&s.world), [None]);
    s.world.cdrs.clear();
    s.assert_the_other_goes_on();
}

/// A bug: what was in hand when an INVITE came was taken to be no call although it had become one, so that its caller was
/// refused and the call stayed for hours.
#[test]
fn a_fault_after_an_invite_became_a_call_ends_that_call() {
    let (mut s, _) = scene();
    s.world.media.pace.media = Duration::from_millis(40);
    let three = s.world.phone("127.0.0.2:5092");
    s.world.with_phone(three, |phone, now| phone.call(now, "3", "1000"));
    let now = s.world.now;
    s.world.switch.handle_fault(now, "test");
    s.world.run(SECOND);
    let [cdr] = &*s.world.cdrs else { panic!("{:?}", s.world.switch) };
    assert_eq!((faults(&s.world), &*cdr.cause), (vec![Some(cdr.call)], "fault"));
    s.world.cdrs.clear();
    s.assert_the_other_goes_on();
}
