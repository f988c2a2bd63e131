//! Queues whose decisions a plugin makes: what it sees, and who decides when it does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use acd::{AgentConfig, Binding, Caller, DecisionFault, Event, OfferFailure, QueueConfig, Status};
use base::{CallId, Rng};
use common::{Centre, SECOND, offers, queue};
use routing::{Action, Builtin, Decision, Happened, Levels, Method, Order, Ring, Snapshot, Target};

const AGENTS: [&str; 3] = ["ann", "bob", "eve"];

/// A queue that asks a plugin, and in whose place the last of its list decides.
fn bound(order: Order, candidates: usize) -> QueueConfig {
    let binding = Binding { candidates, ..Binding::new("ours", order) };
    QueueConfig {
        plugin: Some(Arc::new(binding)),
        method: Method { strategy: Builtin::RingAll, patience_ms: None },
        ..queue("sales", &AGENTS)
    }
}

/// A call that waits for the plugin's word.
fn asking(config: QueueConfig) -> (Centre, Arc<Snapshot>) {
    let mut centre = Centre::new(vec![config], &AGENTS);
    centre.decide = false;
    centre.join("sales");
    let asked = centre.asked();
    (centre, asked)
}

/// To whom the call is offered, by whose decision, and whether that is another's in its place.
fn offered(said: &[Event]) -> Vec<(String, String, bool)> {
    let told = |offer: acd::Offer| (offer.agent.to_string(), offer.chosen.strategy().to_owned(), offer.chosen.fallback);
    offers(said).into_iter().map(told).collect()
}

fn all_by_fallback() -> Vec<(String, String, bool)> {
    AGENTS.map(|agent| (agent.to_owned(), "ring-all".to_owned(), true)).into()
}

fn faults(said: &[Event]) -> Vec<DecisionFault> {
    let fault = |event: &Event| match event {
        Event::DecisionRejected { fault, plugin, .. } => {
            assert_eq!(plugin.as_ref().unwrap().plugin.as_str(), "ours");
            Some(*fault)
        }
        _ => None,
    };
    said.iter().filter_map(fault).collect()
}

fn to(snapshot: &Snapshot, agent: &str) -> Decision {
    let call = snapshot.calls()[0].id;
    Decision::new(Action::Offer { call, agent: agent.into(), ring_ms: None }, "")
}

#[test]
fn the_driver_is_told_whom_to_ask_and_the_offer_by_whom_it_is() {
    let mut centre = Centre::new(vec![bound(Order::List, 32)], &AGENTS);
    centre.decide = false;
    centre.join("sales");
    let said = centre.take();
    let [Event::DecisionNeeded { plugin: Some(binding), snapshot, .. }] = &said[..] else { panic!("{said:?}") };
    assert_eq!((binding.plugin.as_str(), &*binding.parameters), ("ours", "{}"));
    let decision = to(snapshot, "eve");
    assert!(centre.acd.handle_decision(centre.now, snapshot.id, &decision));
    centre.settle();
    assert_eq!(offered(&centre.take()), [("eve".to_owned(), "ours".to_owned(), false)]);
}

#[test]
fn it_sees_the_best_by_the_order_of_its_binding_and_no_more_than_that_says() {
    let (_, snapshot) = asking(bound(Order::List, 2));
    let seen: Vec<&str> = snapshot.candidates().iter().map(|candidate| candidate.agent.as_str()).collect();
    assert_eq!((seen, snapshot.queue.excluded.surplus), (vec!["ann", "bob"], 1));
}

#[test]
fn with_call_surplus_it_sees_no_more_calls_than_that_says() {
    let mut centre = Centre::new(vec![bound(Order::List, 2)], &AGENTS[..1]);
    centre.decide = false;
    centre.join("sales");
    let asked = centre.asked();
    centre.decide(&asked, &to(&asked, "ann"));
    let offer = centre.offer();
    centre.answer(offer.id);
    let calls: Vec<_> = (0..5).map(|_| centre.join("sales")).collect();
    centre.take();
    centre.release("ann");
    centre.pass(5 * SECOND);
    let asked = centre.asked();
    assert_eq!(asked.calls().iter().map(|call| call.id).collect::<Vec<_>>(), calls[..2]);
}

#[test]
fn in_the_place_of_one_that_does_not_answer_the_queues_strategy_decides_at_once() {
    let (mut centre, asked) = asking(bound(Order::List, 1));
    assert_eq!(centre.acd.decide_otherwise(centre.now, asked.id), Some(asked.calls()[0].id));
    centre.settle();
    // It sees no more than the plugin.
    assert_eq!(offered(&centre.take()), all_by_fallback()[..1]);
    assert_eq!(centre.acd.decide_otherwise(centre.now, asked.id), None, "nobody waits for it any more");
    assert!(!centre.acd.handle_decision(centre.now, asked.id, &to(&asked, "eve")));
    centre.settle();
    assert!(centre.take().is_empty());
}

#[test]
fn so_it_does_if_the_answer_is_late_or_impossible() {
    let (mut centre, _) = asking(bound(Order::List, 32));
    centre.pass(Duration::from_millis(100));
    let said = centre.take();
    assert_eq!((faults(&said), offered(&said)), (vec![DecisionFault::Late], all_by_fallback()));
    let (mut centre, asked) = asking(bound(Order::List, 32));
    assert!(!centre.acd.handle_decision(centre.now, asked.id, &to(&asked, "nobody")));
    centre.settle();
    let said = centre.take();
    assert_eq!((faults(&said), offered(&said)), (vec![DecisionFault::Impossible], all_by_fallback()));
}

#[test]
fn a_plugin_whose_agent_was_taken_is_asked_once_more() {
    let (mut centre, asked) = asking(bound(Order::List, 32));
    let gone = |centre: &mut Centre, agent: &str| {
        centre.acd.reserve(centre.now, &agent.into(), base::CallId::from_raw(99)).unwrap();
        centre.settle();
    };
    gone(&mut centre, "ann");
    centre.decide(&asked, &to(&asked, "ann"));
    let said = centre.take();
    assert_eq!((faults(&said), offered(&said)), (vec![DecisionFault::Stale], vec![]));
    let Some(Event::DecisionNeeded { snapshot, plugin: Some(_), .. }) = said.last() else { panic!("{said:?}") };
    gone(&mut centre, "bob");
    centre.decide(snapshot, &to(snapshot, "bob"));
    let said = centre.take();
    let eve = [("eve".to_owned(), "ring-all".to_owned(), true)];
    assert_eq!((faults(&said), offered(&said)), (vec![DecisionFault::Stale], eve.into()));
}

#[test]
fn a_plugin_that_changes_a_call_again_and_again_has_the_time_of_one_decision() {
    let (mut centre, mut asked) = asking(bound(Order::List, 32));
    for priority in [60, 61] {
        centre.pass(Duration::from_millis(40));
        let call = asked.calls()[0].id;
        centre.decide(&asked, &Decision::new(Action::Prioritise { call, priority }, ""));
        asked = centre.asked();
        assert_eq!(asked.calls()[0].priority, priority);
    }
    centre.take();
    centre.pass(Duration::from_millis(19));
    assert!(centre.take().is_empty());
    centre.pass(Duration::from_millis(1));
    let said = centre.take();
    assert_eq!((faults(&said), offered(&said)), (vec![DecisionFault::Late], all_by_fallback()));
}

/// An answer by chance about call 1, which needs Spanish of level 50 and has priority 50.
fn any_action(rng: &mut Rng) -> Action {
    let call = CallId::from_raw(if rng.percent(15) { 2 } else { 1 });
    let ring = |rng: &mut Rng| {
        let agent = if rng.percent(15) { "nobody" } else { AGENTS[rng.below(3) as usize] };
        let times = [None, Some(0), Some(1), Some(600_000), Some(600_001)];
        Ring { agent: agent.into(), ring_ms: times[rng.below(5) as usize] }
    };
    let rings = |rng: &mut Rng| (0..rng.below(4)).map(|_| ring(rng)).collect();
    match rng.below(8) {
        0 => {
            let Ring { agent, ring_ms } = ring(rng);
            Action::Offer { call, agent, ring_ms }
        }
        1 => Action::OfferAll { call, agents: rings(rng) },
        2 => Action::OfferInTurn { call, agents: rings(rng) },
        3 => Action::Wait { at_most_ms: Some(u64::from(rng.below(100_000))) },
        4 => {
            let skill = if rng.percent(80) { "spanish" } else { "french" };
            let needs = [(skill.into(), u8::try_from(rng.below(100)).unwrap())];
            Action::Widen { call, needs: Levels::new(needs.into_iter().take(rng.below(2) as usize)) }
        }
        5 => Action::Prioritise { call, priority: u8::try_from(49 + rng.below(3) + 50 * rng.below(2)).unwrap() },
        6 => {
            let queue = if rng.percent(50) { "sales" } else { "support" };
            let to = if rng.percent(70) { Target::Queue(queue.into()) } else { Target::Flow(queue.to_owned()) };
            Action::Overflow { call, to }
        }
        _ => Action::Refuse { call },
    }
}

#[test]
fn in_an_exchange_that_stands_still_what_the_contract_calls_impossible_is_rejected_and_nothing_else() {
    let mut rng = Rng::from_number(7);
    let mut seen = [0; 2];
    for _ in 0..3_000 {
        let mut centre = Centre::new(vec![bound_for(SECOND), queue("support", &AGENTS)], &AGENTS);
        let skilled = AGENTS.map(|name| AgentConfig {
            name: name.into(),
            skills: Levels::new([("spanish".into(), 90), ("french".into(), 90)]),
        });
        let queues = vec![bound_for(SECOND), queue("support", &AGENTS)];
        centre.acd.reconfigure(centre.now, queues, skilled.into(), |_| Status::Available);
        centre.decide = false;
        let caller = Caller { needs: Levels::new([("spanish".into(), 50)]), priority: 50, ..Caller::default() };
        centre.join_as("sales", caller);
        let asked = centre.asked();
        assert_eq!((asked.calls()[0].priority, asked.candidates().len()), (50, 3));
        let decision = Decision::new(any_action(&mut rng), "");
        let why = decision.impossible(&asked);
        let obeyed = centre.acd.handle_decision(centre.now, asked.id, &decision);
        centre.settle();
        let expected = why.iter().map(|_| DecisionFault::Impossible).collect::<Vec<_>>();
        assert_eq!((obeyed, faults(&centre.take())), (why.is_none(), expected), "{decision:?}: {why:?}");
        seen[usize::from(obeyed)] += 1;
    }
    assert!(seen.iter().all(|seen| *seen > 500), "{seen:?}");
}

#[test]
fn both_questions_together_take_no_longer_than_one_may() {
    let (mut centre, asked) = asking(bound(Order::List, 32));
    let begun = centre.now.monotonic;
    centre.pass(Duration::from_millis(60));
    centre.acd.reserve(centre.now, &"ann".into(), CallId::from_raw(99)).unwrap();
    centre.decide(&asked, &to(&asked, "ann"));
    assert_eq!(faults(&centre.take()), [DecisionFault::Stale]);
    centre.pass(Duration::from_millis(39));
    assert_eq!(offered(&centre.take()), []);
    centre.pass(Duration::from_millis(1));
    let said = centre.take();
    // That it had little time for the second is no fault of its own.
    assert_eq!((faults(&said), offered(&said)), (vec![DecisionFault::Stale], all_by_fallback()[1..].to_vec()));
    assert_eq!(centre.now.monotonic - begun, Duration::from_millis(100));
}

/// Answers each question by "wait", after so many milliseconds, until a call is offered; when that is, and by whose decision.
fn waiting(centre: &mut Centre, at_most_ms: Option<u64>, takes: u64) -> (Duration, Vec<DecisionFault>, Vec<String>) {
    let begun = centre.now.monotonic;
    let mut faulty = Vec::new();
    for _ in 0..10_000 {
        let said = centre.take();
        faulty.extend(faults(&said));
        let offers: Vec<String> = offered(&said).into_iter().map(|(_, by, _)| by).collect();
        if !offers.is_empty() {
            return (centre.now.monotonic - begun, faulty, offers);
        }
        let asked = said.into_iter().filter_map(|event| match event {
            Event::DecisionNeeded { snapshot, .. } => Some(snapshot),
            _ => None,
        });
        let asked: Vec<_> = asked.collect();
        if asked.is_empty() {
            let next = centre.acd.poll_timeout().expect("it is asked again");
            centre.pass(next - centre.now.monotonic);
            continue;
        }
        centre.pass(Duration::from_millis(takes));
        for snapshot in asked {
            centre.decide(&snapshot, &Decision::new(Action::Wait { at_most_ms }, "for a better one"));
        }
    }
    panic!("it waits for ever");
}

fn bound_for(may_wait: Duration) -> QueueConfig {
    let mut config = bound(Order::List, 32);
    config.method = Method::default();
    let binding = config.plugin.take().unwrap();
    QueueConfig { plugin: Some(Arc::new(Binding { may_wait, ..(*binding).clone() })), ..config }
}

#[test]
fn one_that_always_says_wait_has_a_call_wait_as_long_as_it_may_and_then_the_queues_strategy_decides() {
    // Whoever says how long it is, or does not, or says no time at all, which is a short one.
    for (may_wait, at_most_ms) in
        [(60, None), (60, Some(7_000)), (60, Some(u64::MAX)), (90, Some(u64::MAX)), (60, Some(0)), (5, None), (0, None)]
    {
        let mut centre = Centre::new(vec![bound_for(SECOND * may_wait)], &AGENTS);
        centre.decide = false;
        centre.join("sales");
        let (after, faults, by) = waiting(&mut centre, at_most_ms, 0);
        assert_eq!(after, SECOND * may_wait, "{at_most_ms:?}");
        assert_eq!((faults, by), (vec![DecisionFault::Wait], vec!["longest-idle".to_owned()]), "{at_most_ms:?}");
    }
}

#[test]
fn so_it_is_for_calls_that_wait_while_an_agent_becomes_free() {
    let mut centre = Centre::new(vec![bound_for(SECOND * 20)], &AGENTS[..1]);
    let busy = CallId::from_raw(99);
    centre.acd.reserve(centre.now, &"ann".into(), busy).unwrap();
    centre.decide = false;
    centre.join("sales");
    // That nobody is free is not its doing.
    centre.pass(SECOND * 300);
    centre.join("sales");
    centre.acd.release(centre.now, &"ann".into(), busy);
    centre.settle();
    let (after, faults, by) = waiting(&mut centre, Some(6_000), 0);
    assert_eq!((after, faults), (SECOND * 20, vec![DecisionFault::Wait]));
    assert_eq!(by, ["longest-idle"]);
    // A strategy that is built in may have somebody wait as long as it likes.
    let mut centre = Centre::new(vec![QueueConfig { plugin: None, ..bound_for(SECOND) }], &AGENTS);
    centre.decide = false;
    centre.join("sales");
    for _ in 0..100 {
        let asked = centre.asked();
        centre.decide(&asked, &Decision::new(Action::Wait { at_most_ms: Some(50_000) }, ""));
        centre.pass(SECOND * 50);
    }
}

/// What the plugin is told, of whom.
fn told(said: &[Event]) -> Vec<(String, Happened)> {
    let outcome = |event: &Event| match event {
        Event::Outcome { queue, plugin, agent, happened, .. } => {
            assert_eq!((queue.as_str(), plugin.plugin.as_str()), ("sales", "ours"));
            Some((agent.to_string(), happened.clone()))
        }
        _ => None,
    };
    said.iter().filter_map(outcome).collect()
}

fn happens(agent: &str, happened: Happened) -> (String, Happened) {
    (agent.to_owned(), happened)
}

#[test]
fn it_is_told_what_becomes_of_offers_and_of_the_calls_that_come_of_them() {
    let config = QueueConfig { wrap_up: SECOND * 5, ..bound(Order::List, 32) };
    let mut centre = Centre::new(vec![config], &AGENTS);
    let call = centre.join("sales");
    centre.pass(SECOND * 2);
    let offered = offers(&centre.take());
    let id = |agent: &str| offered.iter().find(|offer| offer.agent.as_str() == agent).unwrap().id;
    centre.fail(id("ann"), OfferFailure::Busy);
    assert_eq!(told(&centre.take()), [happens("ann", Happened::Declined { rang_ms: 2_000 })]);
    centre.pass(SECOND);
    centre.answer(id("bob"));
    let both =
        [happens("eve", Happened::Withdrawn { rang_ms: 3_000 }), happens("bob", Happened::Accepted { rang_ms: 3_000 })];
    assert_eq!(told(&centre.take()), both);
    centre.pass(SECOND * 9);
    centre.leave(call);
    assert_eq!(told(&centre.take()), [], "his time after it belongs to it");
    centre.pass(SECOND * 5);
    assert_eq!(told(&centre.take()), [happens("bob", Happened::Ended { talk_ms: 9_000, disposition: None })]);
}

#[test]
fn its_state_stays_while_it_is_bound_and_is_of_no_use_to_another_one() {
    let mut centre = Centre::new(vec![bound(Order::List, 32)], &AGENTS);
    let sales = "sales".into();
    assert!(centre.acd.set_strategy_state(&sales, "learnt".to_owned()));
    assert!(!centre.acd.set_strategy_state(&sales, "learnt".to_owned()), "nothing new");
    assert!(!centre.acd.set_strategy_state(&sales, "x".repeat(routing::MAX_STATE + 1)), "too much");
    let seen = |centre: &Centre| centre.acd.strategy_state(&"sales".into()).map(str::to_owned);
    centre.reconfigure(vec![bound(Order::Turn, 8)], &AGENTS);
    assert_eq!(seen(&centre).as_deref(), Some("learnt"));
    let mut other = bound(Order::List, 32);
    let binding = Binding { plugin: "theirs".into(), ..(**other.plugin.as_ref().unwrap()).clone() };
    other.plugin = Some(Arc::new(binding));
    centre.reconfigure(vec![other], &AGENTS);
    assert_eq!(seen(&centre), None);
}

/// A centre of ten thousand agents with these skills whose only queue asks a plugin, and what that is asked about the first call.
/// The last hundred of the list have been free the longest.
fn asked_of_ten_thousand(skills: usize) -> Arc<Snapshot> {
    let names: Vec<String> = (0..10_000).map(|number| format!("agent{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let binding = Binding::new("ours", Order::List);
    let config = QueueConfig { plugin: Some(Arc::new(binding)), ..queue("sales", &names) };
    let skills = (0..skills).map(|number| (format!("a-skill-of-some-length-{number}").into(), 50));
    let skills = routing::Levels::new(skills);
    let now = Centre::new(Vec::new(), &[]).now;
    let agents = names.iter().map(|name| acd::AgentConfig { skills: skills.clone(), ..acd::AgentConfig::new(*name) });
    let mut acd = acd::Acd::new(now, base::IdGen::new(0, now.wall), vec![config], agents.collect());
    let later = now.after(SECOND * 60);
    for name in &names[..9_900] {
        for status in [acd::Status::LoggedOut, acd::Status::Available] {
            acd.set_status(later, &(*name).into(), status);
        }
    }
    while acd.poll_event().is_some() {}
    acd.join(later.after(SECOND * 60), base::CallId::from_raw(1), &"sales".into(), acd::Caller::default()).unwrap();
    let Some(Event::DecisionNeeded { snapshot, .. }) = acd.poll_event() else { panic!("a decision is asked for") };
    assert_eq!(Snapshot::clone(&snapshot).fit(), 0, "it has its size");
    let first = |at: usize| format!("agent{at}");
    let seen = snapshot.candidates();
    assert!(seen.iter().enumerate().all(|(at, candidate)| candidate.agent.as_str() == first(at)), "{seen:?}");
    assert!(seen.iter().all(|candidate| candidate.idle_ms == 60_000), "others have been free for longer");
    assert_eq!(snapshot.queue.excluded.surplus as usize, 10_000 - seen.len());
    let octets = serde_json::to_string(&*snapshot).unwrap().len();
    assert!(octets <= 64_000, "{octets}");
    snapshot
}

#[test]
fn among_ten_thousand_agents_it_sees_the_best_and_no_more_than_a_snapshot_may_hold() {
    assert_eq!(asked_of_ten_thousand(5).candidates().len(), 32);
    let seen = asked_of_ten_thousand(100).candidates().len();
    assert!((10..32).contains(&seen), "who knows so much takes room: {seen}");
}
