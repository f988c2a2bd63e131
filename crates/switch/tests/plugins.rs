//! A queue asks a plugin: what comes of its answers, of those that do not come, and of one that fails again and again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{Binding, QueueConfig};
use base::{CallId, Wall};
use common::{QUIET, SECOND, Scene};
use journal::{Decided, Kind, OfferMade, PluginFailed, PluginLearnt};
use routing::{Action, Decision, Happened, Order, Target};
use sim::{Seen, company};
use switch::control::{Request, Response, Saying};
use switch::{Config, PluginAsk, PluginFault, PluginOrder, PluginState, PluginTell, Rest};

/// A queue of two agents that asks the plugin `ours`.
fn queue() -> QueueConfig {
    let binding = Binding { parameters: r#"{"depth":2}"#.into(), ..Binding::new("ours", Order::List) };
    let sales = QueueConfig::new("sales", vec!["101".into(), "102".into()]);
    QueueConfig { plugin: Some(Arc::new(binding)), ..sales }
}

/// The same, if the plugin may have calls wait for so long.
fn deciding(may_wait: Duration) -> QueueConfig {
    let binding = Binding { may_wait, ..Binding::new("ours", Order::List) };
    QueueConfig { plugin: Some(Arc::new(binding)), ..queue() }
}

fn scene() -> Scene {
    Scene::of(config())
}

/// That queue; its plugin rests for 10 s after three failures.
fn config() -> Config {
    let mut config = company();
    config.queues = vec![queue()];
    config.duties.dispositions = [("sale".into(), 1), ("no-sale".into(), 2)].into();
    config.plugins = [("ours".into(), Rest { after: 3, lasts: SECOND * 10 })].into();
    config.numbers.insert("2001".into(), switch::Destination::Queue("sales".into()));
    config
}

/// What the plugin says.
fn second(ask: &PluginAsk) -> Result<Decision, PluginFault> {
    let (call, agent) = (ask.snapshot.calls()[0].id, ask.snapshot.candidates()[1].agent.clone());
    Ok(Decision::new(Action::Offer { call, agent, ring_ms: None }, "knows better"))
}

fn trap(_: &PluginAsk) -> Result<Decision, PluginFault> {
    Err(PluginFault { kind: "trap", text: "unreachable".to_owned() })
}

impl Scene {
    /// A call comes to the queue, just now.
    fn come(&mut self) {
        self.world.with_phone(self.caller, |phone, now| phone.call(now, "4930123", "2001"));
        self.world.run(Duration::from_millis(20));
    }

    /// A call comes to the queue, so long ago.
    fn come_and_wait(&mut self, time: Duration) {
        self.come();
        let joined = |event: &journal::Event| matches!(event.kind, Kind::QueueJoined { .. }).then_some(event.at);
        let came = self.world.journal.iter().find_map(joined).expect("a call");
        self.world.run(time - self.world.now.wall.since(came));
    }

    /// Whoever is told of outcomes meanwhile learns nothing.
    fn asked(&mut self) -> PluginAsk {
        loop {
            match self.world.switch.poll_plugin().expect("the plugin is asked") {
                PluginOrder::Decide(ask) => return ask,
                PluginOrder::Tell(tell) => self.learn(&tell, None),
            }
        }
    }

    fn told(&mut self) -> PluginTell {
        match self.world.switch.poll_plugin() {
            Some(PluginOrder::Tell(tell)) => tell,
            other => panic!("{other:?}"),
        }
    }

    fn learn(&mut self, tell: &PluginTell, state: Option<&str>) {
        let state = Ok(state.map(str::to_owned));
        self.world.switch.handle_told(self.world.now, &tell.queue, state, Duration::from_micros(30));
        self.world.run(Duration::from_millis(20));
    }

    fn reply(&mut self, ask: &PluginAsk, outcome: Result<Decision, PluginFault>) {
        self.world.switch.handle_plugin(self.world.now, ask.id, outcome, Duration::from_micros(70));
        self.world.run(Duration::from_millis(20));
    }

    /// A call comes, and the plugin says that.
    fn call_and(&mut self, says: fn(&PluginAsk) -> Result<Decision, PluginFault>) {
        self.come();
        let ask = self.asked();
        let outcome = says(&ask);
        self.reply(&ask, outcome);
    }

    fn end_call(&mut self) {
        self.hang_up(self.caller);
        self.world.run(SECOND);
    }

    /// By whom offers were made, and whether in another's place.
    fn offers(&self) -> Vec<(String, bool)> {
        let made = |event: &journal::Event| match &event.kind {
            Kind::OfferMade(OfferMade { why, .. }) => Some((why.strategy.to_string(), why.fallback)),
            _ => None,
        };
        self.world.journal.iter().filter_map(made).collect()
    }

    fn failures(&self) -> Vec<(String, Option<u64>, bool)> {
        let failed = |event: &journal::Event| match &event.kind {
            Kind::PluginFailed(PluginFailed { fault, rests_ms, .. }) => {
                Some((fault.to_string(), *rests_ms, event.call.is_some()))
            }
            _ => None,
        };
        self.world.journal.iter().filter_map(failed).collect()
    }

    fn state(&mut self) -> PluginState {
        let answer = self.world.switch.handle_control(self.world.now, Request::Plugins);
        let Response::Plugins(mut all) = answer else { panic!("{answer:?}") };
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

#[test]
fn its_decision_is_carried_out_and_kept_with_all_that_it_went_by() {
    let mut s = scene();
    s.call_and(second);
    assert!(s.saw(s.alan, &Seen::Rings) && !s.saw(s.ada, &Seen::Rings));
    assert_eq!(s.offers(), [("ours".to_owned(), false)]);
    let kept = s.world.journal.iter().find_map(|event| match &event.kind {
        Kind::Decided(decided) => Some(decided.clone()),
        _ => None,
    });
    let Decided { queue, strategy, parameters, took_us, snapshot, decision } = kept.unwrap();
    assert_eq!((&*queue, &*strategy, parameters.as_deref()), ("sales", "ours", Some(r#"{"depth":2}"#)));
    assert_eq!((took_us, snapshot.candidates().len(), &*decision.reason), (Some(70), 2, "knows better"));
    let PluginState { plugin, queues, asked, decided, took_us, longest_us, failed, .. } = s.state();
    assert_eq!((plugin.as_str(), queues, asked, decided), ("ours", vec!["sales".to_owned()], 1, 1));
    assert_eq!((took_us, longest_us, failed.len()), (70, 70, 0));
}

#[test]
fn in_its_place_the_queues_strategy_decides_at_once() {
    let mut s = scene();
    s.call_and(trap);
    assert!(s.saw(s.ada, &Seen::Rings) || s.saw(s.alan, &Seen::Rings));
    assert_eq!(s.offers(), [("longest-idle".to_owned(), true)]);
    assert_eq!(s.failures(), [("trap".to_owned(), None, true)]);
    let state = s.state();
    let (_, fault, text) = state.last_failure.unwrap();
    assert_eq!((state.decided, state.in_row, &*fault, text.as_str()), (0, 1, "trap", "unreachable"));
}

#[test]
fn an_answer_that_is_late_or_cannot_be_carried_out_is_a_failure_and_one_for_nobody_is_nothing() {
    let mut s = scene();
    s.come();
    let ask = s.asked();
    s.world.run(Duration::from_millis(100));
    assert_eq!(s.offers(), [("longest-idle".to_owned(), true)]);
    let outcome = second(&ask);
    s.reply(&ask, outcome);
    assert_eq!((s.offers().len(), s.failures()), (1, vec![("late".to_owned(), None, true)]));
    s.end_call();
    // Places that are none: the ACD knows of agents, the switch of the rest.
    s.call_and(|ask| {
        let call = ask.snapshot.calls()[0].id;
        Ok(Decision::new(Action::Overflow { call, to: Target::Flow("nowhere".to_owned()) }, ""))
    });
    s.end_call();
    s.world.run(SECOND * 10);
    s.call_and(|ask| {
        let call = ask.snapshot.calls()[0].id;
        Ok(Decision::new(Action::Offer { call, agent: "nobody".into(), ring_ms: None }, ""))
    });
    assert_eq!(s.state().failed.get("impossible"), Some(&2));
    assert_eq!(s.offers().iter().filter(|(_, fallback)| *fallback).count(), 3);
    s.end_call();
    // A caller who is gone by then.
    s.world.run(SECOND * 20);
    s.come();
    let ask = s.asked();
    s.end_call();
    let outcome = trap(&ask);
    s.reply(&ask, outcome);
    assert_eq!(s.failures().last().unwrap(), &("trap".to_owned(), Some(10_000), false), "told, though of no call");
    s.world.run(QUIET);
    assert!(s.world.switch.is_quiet(), "{:?}", s.world.switch);
}

#[test]
fn one_that_fails_again_and_again_is_left_alone_for_a_while() {
    let mut s = scene();
    for _ in 0..3 {
        s.call_and(trap);
        s.end_call();
    }
    let rests = |s: &Scene| s.failures().iter().map(|(_, rests, _)| *rests).collect::<Vec<_>>();
    assert_eq!(rests(&s), [None, None, Some(10_000)]);
    assert!(s.state().rests_ms.is_some_and(|left| left < 10_000));
    s.come();
    while let Some(order) = s.world.switch.poll_plugin() {
        assert!(matches!(order, PluginOrder::Tell(_)), "it is not asked");
    }
    assert_eq!(s.offers().last().unwrap(), &("longest-idle".to_owned(), true));
    assert_eq!((s.state().rested, s.state().asked), (1, 3));
    s.end_call();
    // Then it is tried once; a failure has it rest again, an answer counts from the start.
    s.world.run(SECOND * 10);
    s.call_and(trap);
    s.end_call();
    assert_eq!(rests(&s).last().unwrap(), &Some(10_000));
    s.world.run(SECOND * 10);
    s.call_and(second);
    s.end_call();
    assert_eq!((s.state().in_row, s.state().rests_ms), (0, None));
    s.call_and(trap);
    assert_eq!(rests(&s).last().unwrap(), &None);
    assert_eq!((s.state().in_row, s.state().asked), (1, 6));
}

#[test]
fn one_that_leaves_decisions_to_the_strategy_is_asked_again_each_time() {
    let mut s = scene();
    for _ in 0..4 {
        s.call_and(|_| Err(PluginFault { kind: "declined", text: "not my customer".to_owned() }));
        assert_eq!(s.offers().last().unwrap(), &("longest-idle".to_owned(), true));
        s.end_call();
    }
    assert_eq!((s.state().asked, s.state().in_row, s.state().rests_ms), (4, 0, None));
    assert_eq!(s.state().failed, [("declined".into(), 4)].into());
}

#[test]
fn it_is_told_what_became_of_offers_and_decides_by_what_it_learnt_from_that() {
    let mut s = scene();
    s.call_and(second);
    s.answer(s.alan);
    let tell = s.told();
    let happened = |tell: &PluginTell| tell.outcomes.iter().map(|outcome| outcome.happened.clone()).collect::<Vec<_>>();
    assert!(matches!(happened(&tell)[..], [Happened::Accepted { .. }]), "{tell:?}");
    assert_eq!(
        (tell.queue.as_str(), tell.state.as_deref(), &*tell.binding.parameters),
        ("sales", None, r#"{"depth":2}"#)
    );
    // What comes while it is told waits for that.
    s.world.with_phone(s.other, |phone, now| phone.call(now, "4930777", "2001"));
    s.world.run(Duration::from_millis(20));
    assert_eq!(s.world.switch.poll_plugin(), None);
    s.learn(&tell, Some("one accepted"));
    let Some(PluginOrder::Decide(ask)) = s.world.switch.poll_plugin() else { panic!("it decides now") };
    assert_eq!(ask.snapshot.state.as_deref(), Some("one accepted"));
    let learnt = s.world.journal.iter().find_map(|event| match &event.kind {
        Kind::PluginLearnt(learnt) => Some(learnt.clone()),
        _ => None,
    });
    let PluginLearnt { plugin, queue, outcomes, before, state, .. } = learnt.unwrap();
    assert_eq!((&*plugin, &*queue, before, state.as_str()), ("ours", "sales", None, "one accepted"));
    assert_eq!(outcomes, *tell.outcomes);
    let state = s.state();
    assert_eq!((state.told, state.untold, state.answered, state.took_us, state.longest_us), (1, 0, 2, 100, 70));
}

#[test]
fn it_is_told_of_the_end_with_what_the_agent_said_of_it() {
    let mut s = scene();
    s.call_and(second);
    s.answer(s.alan);
    let tell = s.told();
    s.learn(&tell, None);
    s.world.run(SECOND * 7);
    let say = |s: &mut Scene, code: &str| {
        let saying = Saying::Disposition { code: code.into() };
        let request = Request::SetAgent { agent: "102".into(), saying, by: "root".to_owned() };
        assert!(matches!(s.world.switch.handle_control(s.world.now, request), Response::Agent(_)));
    };
    say(&mut s, "sale");
    s.end_call();
    say(&mut s, "no-sale");
    assert_eq!(s.world.switch.poll_plugin(), None, "his time after it belongs to it");
    s.world.run(SECOND * 5);
    let tell = s.told();
    let [Happened::Ended { talk_ms: 8_000..8_100, disposition: Some(code) }] =
        &tell.outcomes.iter().map(|outcome| outcome.happened.clone()).collect::<Vec<_>>()[..]
    else {
        panic!("{tell:?}")
    };
    assert_eq!((code.as_str(), tell.outcomes[0].agent.as_str()), ("no-sale", "102"));
}

#[test]
fn one_that_fails_to_be_told_or_rests_learns_nothing_and_that_is_counted() {
    let mut s = scene();
    s.call_and(second);
    s.answer(s.alan);
    let tell = s.told();
    let fault = Err(PluginFault { kind: "deadline", text: "took longer".to_owned() });
    s.world.switch.handle_told(s.world.now, &tell.queue, fault.clone(), Duration::from_micros(9));
    s.world.run(Duration::from_millis(20));
    assert_eq!(s.failures(), [("deadline".to_owned(), None, false)]);
    assert_eq!((s.state().told, s.state().untold, s.state().in_row), (0, 1, 1));
    // An answer that nobody waits for is nothing.
    s.world.switch.handle_told(s.world.now, &tell.queue, fault, Duration::from_micros(9));
    assert_eq!(s.state().untold, 1);
    s.end_call();
    for _ in 0..2 {
        s.call_and(trap);
        s.end_call();
    }
    assert!(s.state().rests_ms.is_some());
    let (told, untold) = (s.state().told, s.state().untold);
    s.come();
    s.end_call();
    s.world.run(SECOND);
    while let Some(PluginOrder::Tell(tell)) = s.world.switch.poll_plugin() {
        s.learn(&tell, None);
    }
    assert!(s.state().untold > untold, "{told} {untold} {:?}", s.state());
}

#[test]
fn decisions_of_a_queue_without_a_plugin_are_kept_if_that_is_wanted() {
    let kept = |recorded: bool| {
        let mut config = company();
        config.queues = vec![QueueConfig::new("sales", vec!["101".into(), "102".into()])];
        config.recorded = recorded.then(|| "sales".into()).into_iter().collect();
        config.numbers.insert("2001".into(), switch::Destination::Queue("sales".into()));
        let mut s = Scene::of(config);
        s.come();
        let decided = s.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::Decided(decided) => Some(decided.clone()),
            _ => None,
        });
        decided.collect::<Vec<_>>()
    };
    assert_eq!(kept(false), []);
    let [Decided { strategy, parameters: None, took_us: None, snapshot, decision, .. }] = &kept(true)[..] else {
        panic!()
    };
    assert_eq!((&**strategy, snapshot.candidates().len()), ("longest-idle", 2));
    assert_eq!(**decision, routing::Strategy::decide(&routing::LongestIdle, snapshot), "decided again, it is the same");
}

#[test]
fn after_a_restart_a_plugin_knows_what_it_had_learnt_and_another_one_does_not() {
    let mut s = scene();
    s.world.switch.restore_plugin_state(&"sales".into(), &"ours".into(), "learnt".to_owned());
    s.world.switch.restore_plugin_state(&"sales".into(), &"theirs".into(), "of another".to_owned());
    s.world.switch.restore_plugin_state(&"nowhere".into(), &"ours".into(), "of another queue".to_owned());
    s.come();
    assert_eq!(s.asked().snapshot.state.as_deref(), Some("learnt"));
}

/// Each offer: how long after the call came to the queue it was made, to whom, and by whose decision.
fn offered(s: &Scene) -> Vec<(Duration, String, String)> {
    let came = s.world.journal.iter().filter(|event| matches!(event.kind, Kind::QueueJoined { .. }));
    let came: BTreeMap<CallId, Wall> = came.map(|event| (event.call.unwrap(), event.at)).collect();
    let made = |event: &journal::Event| match &event.kind {
        Kind::OfferMade(made) => {
            let after = event.at.since(came[&event.call.unwrap()]);
            Some((after, made.agent.to_string(), made.why.strategy.to_string()))
        }
        _ => None,
    };
    s.world.journal.iter().filter_map(made).collect()
}

/// A call comes, and its offer is what the queue's strategy alone makes of it, so much later.
fn is_offered_after(s: &mut Scene, delay: Duration, what: &str) {
    let mut plain = Scene::of(Config { queues: vec![QueueConfig { plugin: None, ..queue() }], ..config() });
    plain.come();
    let [(Duration::ZERO, agent, by)] = &offered(&plain)[..] else { panic!("{:?}", offered(&plain)) };
    s.world.run(SECOND);
    assert_eq!(offered(s), [(delay, agent.clone(), by.clone())], "{what}");
}

#[test]
fn whatever_a_plugin_does_a_call_is_offered_within_100_ms_of_when_its_queues_strategy_alone_would_have_done_so() {
    type Says = fn(&PluginAsk) -> Result<Decision, PluginFault>;
    let nobody: Says = |ask| {
        let call = ask.snapshot.calls()[0].id;
        Ok(Decision::new(Action::Offer { call, agent: "nobody".into(), ring_ms: None }, ""))
    };
    let another: Says = |ask| {
        let agent = ask.snapshot.candidates()[0].agent.clone();
        Ok(Decision::new(Action::Offer { call: CallId::from_raw(7), agent, ring_ms: None }, ""))
    };
    let never: Says = |ask| {
        let (call, agent) = (ask.snapshot.calls()[0].id, ask.snapshot.candidates()[0].agent.clone());
        Ok(Decision::new(Action::Offer { call, agent, ring_ms: Some(0) }, ""))
    };
    let wait: Says = |_| Ok(Decision::new(Action::Wait { at_most_ms: None }, "for ever"));
    // Whatever the driver says is wrong, it is the same to the switch.
    let answers =
        [("a fault", trap as Says), ("nobody", nobody), ("another call", another), ("no time to ring", never)];
    for (what, says) in answers.into_iter().chain([("wait", wait)]) {
        for delay in [20, 50, 99].map(Duration::from_millis) {
            let mut s = Scene::of(Config { queues: vec![deciding(Duration::ZERO)], ..config() });
            s.come_and_wait(delay);
            let ask = s.asked();
            let outcome = says(&ask);
            s.world.switch.handle_plugin(s.world.now, ask.id, outcome, delay);
            is_offered_after(&mut s, delay, what);
            assert_eq!(s.failures().len(), 1, "{what}");
        }
    }
    // Who does not answer in time has the time of a decision: 100 ms, or what its deadline makes of that.
    for time in [100, 550].map(Duration::from_millis) {
        let mut s = Scene::of(Config {
            queues: vec![QueueConfig { decision_time: time, ..deciding(Duration::ZERO) }],
            ..config()
        });
        s.come();
        s.asked();
        is_offered_after(&mut s, time, "no answer");
    }
}

/// An answer that comes twice, and one that names a call that is taken.
#[test]
fn two_decisions_for_one_call_are_one_and_cost_the_other_call_nothing() {
    let mut s = scene();
    s.come();
    let ask = s.asked();
    let outcome = second(&ask);
    s.reply(&ask, outcome.clone());
    s.reply(&ask, outcome);
    assert_eq!((s.offers().len(), s.failures()), (1, vec![]));
    // The next call: the plugin says again what it said of the first.
    let before = s.offers().len();
    s.world.with_phone(s.other, |phone, now| phone.call(now, "4930777", "2001"));
    s.world.run(Duration::from_millis(20));
    let next = s.asked();
    let first = ask.snapshot.calls()[0].id;
    let agent = next.snapshot.candidates()[0].agent.clone();
    let again = Decision::new(Action::Offer { call: first, agent, ring_ms: None }, "knows better");
    s.reply(&next, Ok(again));
    assert_eq!(s.offers()[before..], [("longest-idle".to_owned(), true)]);
    assert_eq!(s.failures(), [("impossible".to_owned(), None, true)]);
    s.world.run(SECOND);
    assert!(s.saw(s.ada, &Seen::Rings) && s.saw(s.alan, &Seen::Rings));
}

#[test]
fn callers_who_come_at_once_wait_no_longer_for_a_plugin_that_hangs_than_one_does() {
    let mut s = scene();
    for (phone, number) in [(s.caller, "4930123"), (s.other, "4930777")] {
        s.world.with_phone(phone, |phone, now| phone.call(now, number, "2001"));
    }
    s.world.run(Duration::from_millis(20));
    let first = s.asked();
    assert_eq!(s.world.switch.poll_plugin(), None, "one question at a time");
    s.world.run(Duration::from_millis(90));
    let made = |s: &Scene| s.offers().iter().filter(|offer| **offer == ("longest-idle".to_owned(), true)).count();
    assert_eq!((made(&s), s.failures().len()), (2, 2), "both have an offer when the time of a decision is over");
    // The second is not asked after the event; the next call is.
    let outcome = trap(&first);
    s.reply(&first, outcome);
    while let Some(order) = s.world.switch.poll_plugin() {
        assert!(matches!(order, PluginOrder::Tell(_)), "{order:?}");
    }
}
