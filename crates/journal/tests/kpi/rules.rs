//! What of a call counts as what: each rule by itself.

use std::collections::BTreeMap;

use base::{CallId, LegId};
use journal::kpi::{Figures, KpiFold};
use journal::{
    AgentLost, AgentStatus, Asker, CallbackStep, ConsultBegan, ConsultOutcome, Kind, LegRole, OfferOutcome, QueueExit,
    StatusBy, StatusChanged,
};

use crate::{BEGAN, Journal, folded};

#[test]
fn a_break_is_told_by_its_reason_and_not_while_a_call_goes_on() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    let on_break = |journal: &mut Journal, reason: &str| {
        let (agent, reason) = ("ann".into(), Some(reason.into()));
        let (status, by) = (AgentStatus::Break, StatusBy::Operator);
        journal.system(Kind::AgentStatus(StatusChanged { agent, status, reason, by, who: String::new() }));
    };
    journal.status("ann", AgentStatus::Available);
    journal.join(1, "sales");
    let leg = journal.offer(1, "sales", "ann");
    journal.offer_ended(1, leg, "ann", OfferOutcome::Answered, 0);
    journal.left(1, "sales", QueueExit::Answered, 0);
    on_break(&mut journal, "lunch");
    journal.now += 10;
    journal.done(1, leg);
    journal.now += 20;
    on_break(&mut journal, "training");
    journal.now += 40;
    journal.status("ann", AgentStatus::LoggedOut);
    journal.now += 80;
    journal.status("ann", AgentStatus::Available);
    let (mut fold, mut breaks) = (KpiFold::default(), BTreeMap::<String, u64>::new());
    for event in &journal.events {
        fold.feed(event, &mut |credit| {
            if let Some(reason) = credit.break_reason {
                *breaks.entry(reason.to_string()).or_default() += credit.figures.break_ms;
            }
        });
    }
    assert_eq!(breaks, [("lunch".to_owned(), 20_000), ("training".to_owned(), 40_000)].into());
}

/// What a queue was credited in all.
fn sales(journal: &Journal) -> Figures {
    let mut sum = Figures::default();
    let (queues, _) = folded(&journal.events);
    queues.iter().filter(|((queue, _), _)| queue == "sales").for_each(|(_, figures)| sum.add(figures));
    sum
}

#[test]
fn who_leaves_for_a_callback_is_offered_and_neither_answered_nor_abandoned() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.join(1, "sales");
    journal.now += 100;
    journal.left(1, "sales", QueueExit::MovedOn, 100);
    journal.promise(1, "sales");
    let sum = sales(&journal);
    assert_eq!((sum.offered, sum.moved_on, sum.callbacks), (1, 1, 1));
    assert_eq!((sum.answered, sum.abandoned, sum.service_level()), (0, 0, None));
    assert_eq!(sum.service_level_offered(), Some(0.0));
}

#[test]
fn a_callback_is_handled_but_neither_offered_nor_waited_for_and_its_agent_is_busy_while_it_rings() {
    for reached in [true, false] {
        let mut journal = Journal { now: BEGAN, ..Journal::default() };
        journal.status("ann", AgentStatus::Available);
        journal.callback(1, CallbackStep::Begun);
        journal.join(1, "sales");
        let leg = journal.offer(1, "sales", "ann");
        journal.now += 5;
        journal.call(1, Kind::LegAnswered { leg: LegId::from_raw(leg) });
        journal.now += 10;
        if reached {
            journal.offer_ended(1, leg, "ann", OfferOutcome::Answered, 15);
            journal.left(1, "sales", QueueExit::Answered, 900);
            journal.now += 60;
            journal.done(1, leg);
        } else {
            journal.callback(1, CallbackStep::Missed { left: 0 });
            journal.offer_ended(1, leg, "ann", OfferOutcome::CallerLeft, 15);
            journal.left(1, "sales", QueueExit::NotReached, 900);
        }
        journal.call(1, Kind::CallEnded { cut: false });
        let sum = sales(&journal);
        assert_eq!((sum.offered, sum.answered, sum.wait_ms, sum.answer_wait_ms), (0, 0, 0, 0));
        assert_eq!((sum.callbacks_reached, sum.callbacks_failed), (u64::from(reached), u64::from(!reached)));
        assert_eq!((sum.handled, sum.talk_ms), if reached { (1, 60_000) } else { (0, 0) });
        journal.system(Kind::Stopped { cause: "test".into() });
        assert_eq!(folded(&journal.events).1["ann"].busy_ms, if reached { 70_000 } else { 10_000 });
    }
}

#[test]
fn a_call_that_comes_after_hours_is_not_offered_and_one_that_waits_as_they_end_is() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.left(1, "sales", QueueExit::Closed, 0);
    journal.join(2, "sales");
    journal.now += 60;
    journal.left(2, "sales", QueueExit::Closed, 60);
    let sum = sales(&journal);
    assert_eq!((sum.offered, sum.out_of_hours, sum.closed), (1, 1, 1));
}

#[test]
fn a_place_resumed_is_a_second_visit_that_brings_nothing_along() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.join(1, "sales");
    journal.now += 100;
    journal.left(1, "sales", QueueExit::Abandoned, 100);
    journal.now += 10;
    journal.join(2, "sales");
    let (queue, before) = ("sales".into(), CallId::from_raw(1));
    journal.call(2, Kind::PlaceResumed { queue, before, waited_ms: 110_000 });
    journal.now += 7;
    journal.left(2, "sales", QueueExit::Answered, 117);
    let sum = sales(&journal);
    assert_eq!((sum.offered, sum.abandoned, sum.answered, sum.resumed), (2, 1, 1, 1));
    assert_eq!((sum.answer_wait_ms, sum.answered_in_time), (7_000, 1));
}

#[test]
fn whoever_asks_a_third_one_has_the_caller_wait_and_the_one_who_is_asked_is_busy() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.status("ann", AgentStatus::Available);
    journal.status("bob", AgentStatus::Available);
    journal.join(1, "sales");
    let leg = journal.offer(1, "sales", "ann");
    journal.offer_ended(1, leg, "ann", OfferOutcome::Answered, 0);
    journal.left(1, "sales", QueueExit::Answered, 0);
    journal.now += 10;
    let (by, target) = (Asker::User("ann".into()), base::Pii::new("102".to_owned()));
    journal.call(1, Kind::ConsultBegan(ConsultBegan { by, leg: LegId::from_raw(leg), target }));
    let third = LegId::from_raw(99);
    journal.call(1, Kind::LegBegan { leg: third, role: LegRole::Party("bob".into()) });
    journal.now += 5;
    journal.call(1, Kind::LegAnswered { leg: third });
    journal.now += 20;
    journal.call(1, Kind::ConferenceBegan { legs: vec![LegId::from_raw(0), LegId::from_raw(leg), third] });
    journal.now += 30;
    journal.leg_ended(1, 99);
    journal.call(1, Kind::ConsultEnded { outcome: ConsultOutcome::ThirdLeft, status: None });
    journal.now += 1;
    journal.done(1, leg);
    let sum = sales(&journal);
    assert_eq!((sum.handled, sum.talk_ms, sum.hold_ms), (1, 41_000, 25_000));
    journal.system(Kind::Stopped { cause: "test".into() });
    let (_, agents) = folded(&journal.events);
    assert_eq!((agents["ann"].busy_ms, agents["bob"].busy_ms), (66_000, 50_000));
}

#[test]
fn an_agent_who_comes_back_has_handled_one_call_and_all_of_its_talk() {
    let mut journal = Journal { now: BEGAN, ..Journal::default() };
    journal.status("ann", AgentStatus::Available);
    journal.join(1, "sales");
    let leg = journal.offer(1, "sales", "ann");
    journal.offer_ended(1, leg, "ann", OfferOutcome::Answered, 0);
    journal.left(1, "sales", QueueExit::Answered, 0);
    journal.now += 10;
    journal.done(1, leg);
    journal.call(1, Kind::AgentLost(AgentLost { agent: "ann".into(), cause: "gone".into(), return_ms: 30_000 }));
    journal.now += 7;
    let (anew, role) = (LegId::from_raw(98), LegRole::Agent("ann".into()));
    journal.call(1, Kind::LegBegan { leg: anew, role });
    journal.call(1, Kind::LegAnswered { leg: anew });
    journal.call(1, Kind::Bridged { a: LegId::from_raw(0), b: anew });
    journal.now += 20;
    journal.done(1, 98);
    let sum = sales(&journal);
    assert_eq!((sum.offered, sum.answered, sum.handled, sum.talk_ms), (1, 1, 1, 30_000));
    journal.system(Kind::Stopped { cause: "test".into() });
    assert_eq!(folded(&journal.events).1["ann"].busy_ms, 30_000, "not while his phone is gone");
}
