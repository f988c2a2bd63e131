//! What operators are told of queues and of calls in them: figures of today, and why nobody has a call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::time::Duration;

use base::CallId;
use common::{QUIET, SECOND, Scene};
use journal::{Event, Kind, StatusBy};
use switch::control::{QueueLine, Request, Response};

impl Scene {
    fn queues(&mut self) -> Vec<QueueLine> {
        let request = Request::Queues { after: None, limit: 0 };
        let Response::Queues(page) = self.world.switch.handle_control(self.world.now, request) else {
            panic!("no queues")
        };
        assert_eq!((page.total, page.next), (page.queues.len(), None));
        page.queues
    }

    fn sales(&mut self) -> QueueLine {
        self.queues().into_iter().find(|line| line.queue.name == "sales").unwrap()
    }
}

#[test]
fn a_call_counts_as_it_goes_through_its_queue_and_its_agent_is_busy_until_his_wrap_up_is_over() {
    let mut s = Scene::without_alan();
    let before = s.sales().today;
    assert_eq!((before.offered, before.service_level), (0, None));
    s.call("201");
    assert_eq!((s.sales().today.offered, s.sales().today.answered), (1, 0));
    s.world.run(3 * SECOND);
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    s.world.run(20 * SECOND);
    let talks = s.sales().today;
    assert_eq!((talks.answered, talks.service_level, talks.handled), (1, Some(1.0), 0));
    assert!(talks.busy_s >= 20.0 && talks.busy_s < 24.0, "{talks:?}");
    s.world.with_phone(s.caller, |phone, now| phone.hang_up(now));
    s.world.run(QUIET);
    let over = s.sales();
    assert_eq!((over.today.handled, over.today.abandoned), (1, 0));
    assert!(over.today.wrap_up_s > 0.0, "the time after it was told: {over:?}");
    let handled = over.today.talk_s + over.today.hold_s + over.today.wrap_up_s;
    assert!((over.today.aht_s.unwrap() - handled).abs() < 0.001, "{over:?}");
    assert!(over.today.busy_s < over.today.staffed_s && over.today.occupancy.unwrap() < 1.0);
    assert_eq!((over.recent.offered, over.hour.offered), (1, 1));
}

#[test]
fn figures_go_on_after_a_restart_and_begin_anew_with_the_day() {
    let mut s = Scene::without_alan();
    s.call("201");
    s.world.run(3 * SECOND);
    s.world.with_phone(s.caller, |phone, now| phone.hang_up(now));
    s.world.run(QUIET);
    let first = s.sales().today;
    assert_eq!((first.offered, first.abandoned, first.abandoned_short), (1, 1, 1));
    let journal: Vec<Event> = s.world.journal.clone();
    // As a start does, before anything of this run is polled.
    let mut next = Scene::without_alan();
    next.world.switch.restore_figures(next.world.now, |figures| journal.iter().for_each(|event| figures.feed(event)));
    assert_eq!(next.sales().today.abandoned, 1);
    next.call("201");
    assert_eq!(next.sales().today.offered, 2);
    next.world.with_phone(next.caller, |phone, now| phone.hang_up(now));
    next.world.run(Duration::from_secs(25 * 3_600));
    assert_eq!(next.sales().today.offered, 0);
    next.world.run(SECOND);
    // The day's journal says by itself who is there.
    let told = next.world.count(|kind| matches!(kind, Kind::AgentStatus(told) if told.by == StatusBy::Day));
    assert!(told > 0);
}

#[test]
fn the_day_is_another_one_though_nobody_has_called_or_looked_before() {
    let mut before = Scene::without_alan();
    before.call("201");
    before.world.with_phone(before.caller, |phone, now| phone.hang_up(now));
    before.world.run(QUIET);
    let journal = before.world.journal;
    for reconciles in [true, false] {
        let mut s = Scene::without_alan();
        s.world.switch.restore_figures(s.world.now, |figures| journal.iter().for_each(|event| figures.feed(event)));
        s.world.run(Duration::from_secs(24 * 3_600));
        if reconciles {
            s.world.switch.reconcile(s.world.now);
            s.world.run(SECOND);
            let told = |by| s.world.count(|kind| matches!(kind, Kind::AgentStatus(told) if told.by == by));
            assert_eq!((told(StatusBy::Day), told(StatusBy::Start)), (2, 2), "its journal says who is there");
        }
        assert_eq!(s.sales().today.offered, 0, "that was yesterday");
    }
}

#[test]
fn a_call_that_waits_says_why_nobody_has_it() {
    let mut s = Scene::without_alan();
    s.call("201");
    let call = s.only_call();
    let ask = |s: &mut Scene, call| s.world.switch.handle_control(s.world.now, Request::Explain { call });
    let Response::Standing(Some(standing)) = ask(&mut s, call) else { panic!("it is in a queue") };
    assert_eq!((&*standing.queue, &*standing.stage), ("sales", "offered"));
    assert_eq!(standing.agents, [journal::Name::from("101")]);
    assert_eq!(ask(&mut s, CallId::from_raw(1)), Response::NoSuchCall);
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    s.world.run(SECOND);
    let Response::Standing(Some(standing)) = ask(&mut s, call) else { panic!("it is with an agent of the queue") };
    assert_eq!((&*standing.stage, standing.position), ("connected", None));
}
