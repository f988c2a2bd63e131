//! Who must be there for callers to come and to stay, and queues that close.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use acd::{Attendance, Caller, Door, Event, JoinError, LeaveReason, OfferFailure, Presence, Status};
use base::CallId;
use common::{Centre, SECOND, offers, queue};

/// `sales` of ann alone.
fn centre(join: Presence, stay: Presence) -> Centre {
    let mut config = queue("sales", &["ann"]);
    config.attendance = Attendance { join, stay };
    Centre::new(vec![config], &["ann"])
}

fn say(centre: &mut Centre, status: Status) {
    centre.acd.set_status(centre.now, &"ann".into(), status);
    centre.settle();
}

fn lunch() -> Status {
    Status::Break { reason: "lunch".into() }
}

fn may_join(centre: &Centre) -> Result<(), JoinError> {
    centre.acd.check_join(&"sales".into())
}

fn left(centre: &mut Centre) -> Vec<(CallId, LeaveReason)> {
    let left = centre.take().into_iter().filter_map(|event| match event {
        Event::LeftQueue { call, why, .. } => Some((call, why)),
        _ => None,
    });
    left.collect()
}

#[test]
fn who_must_be_there_for_a_caller_to_join() {
    let idle = |_: &mut Centre| {};
    let talking = |centre: &mut Centre| {
        centre.join("sales");
        let offer = centre.offer();
        centre.answer(offer.id);
    };
    let wrap_up = |centre: &mut Centre| {
        talking(centre);
        centre.release("ann");
    };
    let on_break = |centre: &mut Centre| say(centre, lunch());
    let out = |centre: &mut Centre| say(centre, Status::LoggedOut);
    let all = [Presence::Nobody, Presence::LoggedIn, Presence::Working, Presence::Free];
    let taken_by = |what: &dyn Fn(&mut Centre)| {
        all.map(|join| {
            let mut centre = centre(join, Presence::Nobody);
            what(&mut centre);
            may_join(&centre).is_ok()
        })
    };
    assert_eq!(taken_by(&idle), [true, true, true, true]);
    assert_eq!(taken_by(&talking), [true, true, true, false]);
    assert_eq!(taken_by(&wrap_up), [true, true, true, false]);
    assert_eq!(taken_by(&on_break), [true, true, false, false]);
    assert_eq!(taken_by(&out), [true, false, false, false]);
}

#[test]
fn who_waits_for_nobody_gets_the_agent_who_comes() {
    let mut centre = centre(Presence::Nobody, Presence::Nobody);
    say(&mut centre, Status::LoggedOut);
    let call = centre.join("sales");
    centre.pass(60 * SECOND);
    assert_eq!(centre.take().len(), 0, "he waits on");
    say(&mut centre, Status::Available);
    assert_eq!(centre.offer().call, call);
}

#[test]
fn callers_leave_when_nobody_works_any_more_if_the_queue_wants_it_so() {
    for (stay, leaves) in [(Presence::LoggedIn, false), (Presence::Working, true), (Presence::Free, true)] {
        let mut centre = centre(Presence::Working, stay);
        let rung = centre.join("sales");
        let waits = centre.join("sales");
        let offer = centre.offer();
        assert_eq!(left(&mut centre), [], "{stay:?}: that nobody is free is no reason");
        say(&mut centre, lunch());
        assert_eq!(left(&mut centre), if leaves { vec![(waits, LeaveReason::NoAgents)] } else { vec![] });
        // His phone rings on; who is not answered leaves, too.
        centre.fail(offer.id, OfferFailure::NoAnswer);
        assert_eq!(left(&mut centre), if leaves { vec![(rung, LeaveReason::NoAgents)] } else { vec![] });
    }
}

#[test]
fn a_closed_queue_takes_nobody_and_keeps_those_who_wait_unless_they_are_to_leave() {
    let mut centre = centre(Presence::Nobody, Presence::Nobody);
    let rung = centre.join("sales");
    let waits = centre.join("sales");
    let offer = centre.offer();
    centre.acd.set_door(centre.now, &"sales".into(), Door::Closed);
    centre.settle();
    assert_eq!((may_join(&centre), left(&mut centre)), (Err(JoinError::Closed), vec![]));
    let call = CallId::from_raw(100);
    assert_eq!(centre.acd.join(centre.now, call, &"sales".into(), Caller::default()), Err(JoinError::Closed));
    centre.answer(offer.id);
    centre.leave(rung);
    centre.pass(5 * SECOND);
    let offer = centre.offer();
    assert_eq!(offer.call, waits, "who waits is served");
    centre.acd.set_door(centre.now, &"sales".into(), Door::Cleared);
    centre.settle();
    assert_eq!(left(&mut centre), [], "his phone rings");
    centre.fail(offer.id, OfferFailure::Declined);
    assert_eq!(left(&mut centre), [(waits, LeaveReason::Closed)]);
    centre.acd.set_door(centre.now, &"sales".into(), Door::Open);
    assert_eq!(may_join(&centre), Ok(()));
    assert_eq!(offers(&centre.take()).len(), 0);
}

#[test]
fn a_reload_that_asks_for_more_lets_those_out_for_whom_nobody_is_there() {
    let mut centre = centre(Presence::Nobody, Presence::Nobody);
    say(&mut centre, lunch());
    let call = centre.join("sales");
    let mut config = queue("sales", &["ann"]);
    config.attendance = Attendance { join: Presence::Working, stay: Presence::Working };
    centre.acd.reconfigure(centre.now, vec![config], vec![acd::AgentConfig::new("ann")], |_| lunch());
    centre.settle();
    assert_eq!(left(&mut centre), [(call, LeaveReason::NoAgents)]);
}
