//! Whom a call is offered to and which call an agent gets: levels, skills, widening, priorities, last agents; several
//! offers of one call; what decisions may do beside offering.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use acd::{
    AgentConfig, AgentState, Caller, Change, DecisionFault, Event, LeaveReason, OfferEnd, OfferFailure, QueueConfig,
    Status,
};
use base::CallId;
use common::{Centre, SECOND, offers, queue};
use routing::{Action, Builtin, Decision, Levels, Method, Presence, Question, Ring, Target, Widening};

fn levels(levels: &[(&str, u8)]) -> Levels {
    Levels::new(levels.iter().map(|(skill, level)| ((*skill).into(), *level)))
}

fn by(strategy: Builtin, agents: &[&str]) -> QueueConfig {
    QueueConfig { method: Method { strategy, patience_ms: None }, ..queue("sales", agents) }
}

/// A centre where each agent has these skills.
fn skilled(queue: QueueConfig, agents: &[(&str, &[(&str, u8)])]) -> Centre {
    let names: Vec<&str> = agents.iter().map(|(name, _)| *name).collect();
    let mut centre = Centre::new(vec![queue.clone()], &names);
    let configs = agents.iter().map(|(name, skills)| AgentConfig { name: (*name).into(), skills: levels(skills) });
    centre.acd.reconfigure(centre.now, vec![queue], configs.collect(), |_| Status::Available);
    centre.settle();
    centre
}

fn needs(skills: &[(&str, u8)]) -> Caller {
    Caller { needs: levels(skills), ..Caller::default() }
}

fn prior(priority: u8) -> Caller {
    Caller { priority, ..Caller::default() }
}

/// The agents to whom calls were offered since the last look.
fn offered(centre: &mut Centre) -> Vec<String> {
    offers(&centre.take()).into_iter().map(|offer| offer.agent.to_string()).collect()
}

/// A call comes, is answered and ends; who answered is idle again at once.
fn serve(centre: &mut Centre) -> String {
    centre.join("sales");
    let offer = centre.offer();
    centre.answer(offer.id);
    centre.pass(SECOND);
    centre.release(offer.agent.as_str());
    centre.take();
    offer.agent.to_string()
}

fn without_wrap_up(strategy: Builtin, agents: &[&str]) -> Centre {
    Centre::new(vec![QueueConfig { wrap_up: std::time::Duration::ZERO, ..by(strategy, agents) }], agents)
}

#[test]
fn round_robin_goes_round_and_remembers_where_it_stopped() {
    let mut centre = without_wrap_up(Builtin::RoundRobin, &["ann", "bob", "cid"]);
    let round: Vec<String> = (0..4).map(|_| serve(&mut centre)).collect();
    assert_eq!(round, ["ann", "bob", "cid", "ann"]);
    // Also over a reload, and whoever is new comes before all others.
    centre.reconfigure(vec![by(Builtin::RoundRobin, &["ann", "bob", "cid", "dot"])], &["ann", "bob", "cid", "dot"]);
    let round: Vec<String> = (0..3)
        .map(|_| {
            let agent = serve(&mut centre);
            centre.pass(5 * SECOND);
            agent
        })
        .collect();
    assert_eq!(round, ["dot", "bob", "cid"]);
}

#[test]
fn linear_takes_the_first_of_the_list_always() {
    let mut centre = without_wrap_up(Builtin::Linear, &["ann", "bob"]);
    assert_eq!((0..3).map(|_| serve(&mut centre)).collect::<Vec<_>>(), ["ann", "ann", "ann"]);
}

#[test]
fn calls_and_talk_of_the_day_count_until_the_next_one_begins() {
    for strategy in [Builtin::FewestCalls, Builtin::LeastTalkTime] {
        let mut centre = without_wrap_up(strategy, &["ann", "bob"]);
        assert_eq!((0..3).map(|_| serve(&mut centre)).collect::<Vec<_>>(), ["ann", "bob", "ann"], "{strategy}");
        centre.acd.begin_day(centre.now);
        centre.settle();
        // Nobody has any now: who has been idle longest.
        assert_eq!(serve(&mut centre), "bob", "{strategy}");
    }
}

#[test]
fn agents_of_a_higher_level_get_calls_only_if_nobody_of_a_lower_one_is_free() {
    let mut config = queue("sales", &["ann", "bob", "cid"]);
    config.agents[0].level = 2;
    let mut centre = Centre::new(vec![config], &["ann", "bob", "cid"]);
    centre.pass(SECOND);
    for _ in 0..3 {
        centre.join("sales");
    }
    assert_eq!(offered(&mut centre), ["bob", "cid", "ann"]);
}

#[test]
fn an_agent_serves_the_queue_first_where_his_level_is_lower() {
    let (mut near, far) = (queue("near", &["ann"]), queue("far", &["ann"]));
    near.agents[0].level = 2;
    let mut centre = Centre::new(vec![near, far], &["ann"]);
    centre.join("near");
    let busy = centre.offer();
    let (_, far) = (centre.join("near"), centre.join("far"));
    centre.answer(busy.id);
    centre.release("ann");
    centre.pass(5 * SECOND);
    assert_eq!(centre.offer().call, far);
}

#[test]
fn only_agents_who_have_what_is_needed_are_rung() {
    let spanish: (&str, &[(&str, u8)]) = ("cid", &[("spanish", 60), ("billing", 10)]);
    let mut centre =
        skilled(queue("sales", &["ann", "bob", "cid"]), &[("ann", &[]), ("bob", &[("spanish", 40)]), spanish]);
    centre.join_as("sales", needs(&[("spanish", 50)]));
    let offer = centre.offer();
    assert_eq!(offer.agent.as_str(), "cid");
    assert_eq!(offer.chosen.snapshot.queue.excluded.unskilled, 2);
    // Cid is taken: the next one waits though two are idle, and a call without needs does not.
    centre.join_as("sales", needs(&[("billing", 1), ("spanish", 0)]));
    assert_eq!(offered(&mut centre), [""; 0]);
    centre.join("sales");
    assert_eq!(offered(&mut centre), ["ann"]);
    centre.fail(offer.id, OfferFailure::Declined);
    centre.pass(5 * SECOND);
    assert_eq!(offered(&mut centre), ["cid"], "after his rest he gets the one whom he has not declined");
}

#[test]
fn a_queue_may_need_skills_of_its_own() {
    let config = QueueConfig { needs: levels(&[("billing", 50)]), ..queue("sales", &["ann", "bob"]) };
    let mut centre = skilled(config, &[("ann", &[("billing", 40)]), ("bob", &[("billing", 50)])]);
    centre.join("sales");
    assert_eq!(offered(&mut centre), ["bob"]);
    // The call's own word counts more.
    centre.join_as("sales", needs(&[("billing", 30)]));
    assert_eq!(offered(&mut centre), ["ann"]);
}

#[test]
fn most_and_least_skilled_look_at_all_idle_agents() {
    let names: Vec<String> = (0..100).map(|number| format!("agent{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (strategy, expected) in [(Builtin::MostSkilled, "agent99"), (Builtin::LeastSkilled, "agent30")] {
        let mut centre = Centre::new(vec![by(strategy, &names)], &names);
        let level = |number: usize| levels(&[("spanish", u8::try_from(number).unwrap())]);
        let agents = names.iter().enumerate().map(|(n, name)| AgentConfig { name: (*name).into(), skills: level(n) });
        centre.acd.reconfigure(centre.now, vec![by(strategy, &names)], agents.collect(), |_| Status::Available);
        centre.join_as("sales", needs(&[("spanish", 30)]));
        assert_eq!(offered(&mut centre), [expected]);
    }
}

#[test]
fn the_longer_a_call_waits_the_less_it_needs() {
    let ring = |seconds: u64, lower| Widening { after_ms: seconds * 1_000, lower };
    let widening = vec![ring(20, Some(30)), ring(40, None)];
    let config = QueueConfig { widening, ..queue("sales", &["ann", "bob"]) };
    let mut centre = skilled(config, &[("ann", &[]), ("bob", &[("spanish", 40)])]);
    centre.join_as("sales", needs(&[("spanish", 80)]));
    centre.join_as("sales", needs(&[("spanish", 60)]));
    centre.pass(19 * SECOND);
    assert_eq!(offered(&mut centre), [""; 0]);
    centre.pass(SECOND);
    let told = centre.said.iter().filter_map(|event| match event {
        Event::Changed { change: Change::Needs(needs), reason, .. } => Some(format!("{needs}: {reason}")),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["spanish 50: waited for 20 s", "spanish 30: waited for 20 s"]);
    assert_eq!(offered(&mut centre), ["bob"]);
    centre.pass(19 * SECOND);
    assert_eq!(offered(&mut centre), [""; 0]);
    centre.pass(SECOND);
    assert!(offered(&mut centre).contains(&"ann".to_owned()));
}

#[test]
fn a_higher_priority_goes_first() {
    let mut centre = Centre::sales(&["ann"]);
    centre.join("sales");
    let first = centre.offer();
    let usual = centre.join("sales");
    centre.pass(SECOND);
    let (low, high) = (centre.join_as("sales", prior(10)), centre.join_as("sales", prior(90)));
    centre.answer(first.id);
    centre.release("ann");
    for expected in [high, usual, low] {
        centre.pass(5 * SECOND);
        let offer = centre.offer();
        assert_eq!(offer.call, expected);
        centre.answer(offer.id);
        centre.release("ann");
    }
}

#[test]
fn with_aging_a_long_wait_makes_up_for_a_low_priority() {
    let config = QueueConfig { aging: Some(SECOND), ..queue("sales", &["ann"]) };
    let mut centre = Centre::new(vec![config.clone()], &["ann"]);
    centre.join("sales");
    let busy = centre.offer();
    // Forty steps are worth forty seconds: after thirty the prior call is still in front, after fifty not.
    let low = centre.join_as("sales", prior(10));
    centre.pass(10 * SECOND);
    let high = centre.join_as("sales", prior(40));
    let asked = |centre: &mut Centre| offers(&centre.take()).pop().unwrap();
    centre.answer(busy.id);
    centre.release("ann");
    centre.pass(5 * SECOND);
    let offer = asked(&mut centre);
    assert_eq!(offer.call, high);
    centre.fail(offer.id, OfferFailure::Busy);
    centre.pass(25 * SECOND);
    centre.take();
    let late = centre.join_as("sales", prior(40));
    let Question::Call { calls, .. } = offer.chosen.snapshot.question.clone() else {
        panic!("{:?}", offer.chosen.snapshot)
    };
    assert_eq!(calls.iter().map(|call| call.id).collect::<Vec<_>>(), [high, low]);
    // Strict again by a reload: priority before all.
    centre.reconfigure(vec![QueueConfig { aging: None, ..config }], &["ann"]);
    centre.pass(60 * SECOND);
    for call in [high, late, low] {
        centre.leave(call);
    }
    assert!(centre.acd.is_quiet());
}

fn ring_all(agents: &[&str]) -> Centre {
    Centre::new(vec![by(Builtin::RingAll, agents)], agents)
}

#[test]
fn who_answers_first_has_the_call_and_the_others_lose_nothing() {
    let mut centre = ring_all(&["ann", "bob", "cid"]);
    let call = centre.join("sales");
    let rung = offers(&centre.take());
    assert_eq!(rung.iter().map(|offer| offer.agent.as_str()).collect::<Vec<_>>(), ["ann", "bob", "cid"]);
    centre.pass(3 * SECOND);
    centre.answer(rung[1].id);
    let said = centre.take();
    let lost: Vec<_> = said
        .iter()
        .filter_map(|event| match event {
            Event::OfferEnded { agent, end: OfferEnd::AnsweredElsewhere, .. } => Some(agent.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(lost, ["ann", "cid"]);
    assert_eq!((centre.state("ann"), centre.state("bob")), (AgentState::Idle, AgentState::InCall(call)));
    assert!(centre.acd.offer_answered(centre.now, rung[0].id).is_err(), "who is too late hears so");
    // Their idle time goes on, and they are rung again at once.
    centre.join("sales");
    let again = offers(&centre.take());
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].chosen.snapshot.candidates()[0].idle_ms, 3_000);
}

#[test]
fn a_call_rings_on_while_one_of_several_declines_and_waits_when_none_is_left() {
    let mut centre = ring_all(&["ann", "bob"]);
    let call = centre.join("sales");
    let rung = offers(&centre.take());
    centre.fail(rung[0].id, OfferFailure::Declined);
    assert_eq!((centre.state("ann"), centre.state("bob")), (AgentState::Resting, AgentState::Offered(rung[1].id)));
    centre.fail(rung[1].id, OfferFailure::Busy);
    assert_eq!(offered(&mut centre), [""; 0]);
    centre.pass(30 * SECOND);
    let again = offers(&centre.take());
    assert_eq!(
        again.iter().map(|offer| (offer.call, offer.agent.as_str())).collect::<Vec<_>>(),
        [(call, "ann"), (call, "bob")]
    );
}

#[test]
fn whoever_becomes_free_is_rung_for_a_call_that_rings_all() {
    let mut centre = ring_all(&["ann", "bob", "cid"]);
    centre.acd.reserve(centre.now, &"cid".into(), CallId::from_raw(99)).unwrap();
    let call = centre.join("sales");
    assert_eq!(offered(&mut centre), ["ann", "bob"]);
    centre.acd.release(centre.now, &"cid".into(), CallId::from_raw(99));
    centre.settle();
    let late = centre.offer();
    assert_eq!((late.agent.as_str(), late.call), ("cid", call));
    centre.leave(call);
    assert_eq!(["ann", "bob", "cid"].map(|agent| centre.state(agent)), [AgentState::Idle; 3]);
}

#[test]
fn when_all_have_rung_their_time_each_of_them_rests() {
    let mut centre = ring_all(&["ann", "bob"]);
    centre.join("sales");
    centre.pass(20 * SECOND);
    assert_eq!(["ann", "bob"].map(|agent| centre.state(agent)), [AgentState::Resting; 2]);
}

fn asking(agents: &[&str]) -> (Centre, CallId, std::sync::Arc<routing::Snapshot>) {
    let mut centre = Centre::sales(agents);
    centre.decide = false;
    let call = centre.join("sales");
    let asked = centre.asked();
    (centre, call, asked)
}

#[test]
fn a_decision_may_ring_agents_in_turn() {
    let (mut centre, call, asked) = asking(&["ann", "bob", "cid"]);
    let ring = |agent: &str| Ring { agent: agent.into(), ring_ms: Some(5_000) };
    let action = Action::OfferInTurn { call, agents: vec![ring("cid"), ring("bob"), ring("ann")] };
    centre.decide(&asked, &Decision::new(action, "by hand"));
    assert_eq!(offered(&mut centre), ["cid"]);
    // Bob is in a direct call when his turn comes.
    centre.acd.reserve(centre.now, &"bob".into(), CallId::from_raw(99)).unwrap();
    centre.pass(5 * SECOND);
    let last = centre.offer();
    assert_eq!((last.agent.as_str(), &*last.chosen.reason), ("ann", "by hand"));
    centre.fail(last.id, OfferFailure::Declined);
    assert!(centre.take().iter().all(|event| !matches!(event, Event::Offer(_))), "the turns are over");
}

#[test]
fn a_decision_may_widen_what_a_call_needs_and_not_narrow_it() {
    let mut centre =
        skilled(queue("sales", &["ann", "bob"]), &[("ann", &[("spanish", 40)]), ("bob", &[("spanish", 90)])]);
    centre.decide = false;
    let call = centre.join_as("sales", needs(&[("spanish", 80)]));
    let asked = centre.asked();
    assert_eq!(asked.candidates().len(), 1);
    let widen = |level| Decision::new(Action::Widen { call, needs: levels(&[("spanish", level)]) }, "why not");
    centre.decide(&asked, &widen(30));
    let said = centre.said.clone();
    let told = said.iter().find_map(|event| match event {
        Event::Changed { call, change, reason, .. } => Some((*call, change.clone(), reason.as_str())),
        _ => None,
    });
    assert_eq!(told, Some((call, Change::Needs(levels(&[("spanish", 30)])), "why not")));
    let asked = centre.asked();
    assert_eq!((asked.candidates().len(), asked.calls()[0].needs.to_string().as_str()), (2, "spanish 30"));
    centre.decide(&asked, &widen(31));
    let said = centre.take();
    let Event::DecisionRejected { call: of, fault: DecisionFault::Impossible, reason, .. } = &said[0] else {
        panic!("{said:?}")
    };
    assert_eq!((*of, reason.as_deref()), (call, Some("why not")));
    assert_eq!(offers(&said)[0].agent.as_str(), "ann", "longest idle decides");
}

#[test]
fn decisions_cannot_change_a_call_for_ever() {
    let (mut centre, call, mut asked) = asking(&["ann"]);
    for round in 0..40u8 {
        centre.decide(&asked, &Decision::new(Action::Prioritise { call, priority: round }, ""));
        let said = centre.take();
        if let Some(offer) = offers(&said).first() {
            assert!(offer.chosen.fallback);
            assert_eq!(round, 16);
            return;
        }
        let next = said.into_iter().find_map(|event| match event {
            Event::DecisionNeeded { snapshot, .. } => Some(snapshot),
            _ => None,
        });
        asked = next.unwrap();
        assert_eq!(asked.calls()[0].priority, round);
    }
    panic!("it may be changed for ever");
}

#[test]
fn a_call_keeps_its_waiting_time_when_it_goes_to_another_queue() {
    let mut centre = Centre::new(vec![queue("sales", &["ann"]), queue("support", &["bob"])], &["ann", "bob"]);
    centre.join("support");
    let busy = centre.offer();
    centre.decide = false;
    let call = centre.join("sales");
    let asked = centre.asked();
    centre.pass(std::time::Duration::from_millis(50));
    let later = centre.join("support");
    let to = Target::Queue("support".into());
    centre.decide(&asked, &Decision::new(Action::Overflow { call, to }, "full"));
    let said = centre.take();
    assert!(
        matches!(&said[..], [
        Event::LeftQueue { why: LeaveReason::Overflowed { to: Target::Queue(to), reason }, .. },
        Event::Moved { queue, .. },
    ] if to.as_str() == "support" && queue == to && reason == "full"),
        "{said:?}"
    );
    centre.decide = true;
    centre.answer(busy.id);
    centre.release("bob");
    centre.pass(5 * SECOND);
    let offer = centre.offer();
    assert_eq!(
        (offer.call, offer.queue.as_str()),
        (call, "support"),
        "before one that joined support earlier, but later at all"
    );
    assert_eq!(centre.acd.overflow(centre.now, later, &"nowhere".into(), ""), Err(acd::JoinError::UnknownQueue));
    assert_eq!(centre.acd.overflow(centre.now, later, &"support".into(), ""), Err(acd::JoinError::AlreadyIn));
}

#[test]
fn a_strategy_finds_what_it_wanted_to_find() {
    let (mut centre, call, asked) = asking(&["ann"]);
    let action = Action::Wait { at_most_ms: Some(1) };
    centre.decide(&asked, &Decision { state: Some("seven".to_owned()), ..Decision::new(action.clone(), "") });
    centre.pass(SECOND / 1_000);
    let asked = centre.asked();
    assert_eq!(asked.state.as_deref(), Some("seven"));
    centre.decide(&asked, &Decision { state: Some("x".repeat(5_000)), ..Decision::new(action, "") });
    centre.pass(SECOND / 1_000);
    assert_eq!(centre.asked().state.as_deref(), Some("seven"), "a state that is too long is not taken");
    centre.leave(call);
}

#[test]
fn a_caller_waits_for_whom_he_knows_and_then_takes_another() {
    let mut config = queue("sales", &["ann", "bob"]);
    config.method.patience_ms = Some(10_000);
    let mut centre = Centre::new(vec![config], &["ann", "bob"]);
    centre.join("sales");
    let busy = centre.offer();
    let known = |agent: &str| Caller { last_agent: Some(agent.into()), ..Caller::default() };
    centre.join_as("sales", known("ann"));
    assert_eq!(offered(&mut centre), [""; 0], "Ann is being rung; Bob is idle");
    centre.pass(10 * SECOND);
    assert_eq!(offered(&mut centre), ["bob"]);
    centre.answer(busy.id);
    centre.join_as("sales", known("ann"));
    centre.join("sales");
    centre.release("ann");
    centre.pass(5 * SECOND);
    assert_eq!(offered(&mut centre), ["ann"]);
}

#[test]
fn who_is_known_is_a_candidate_however_many_others_are_idle_longer() {
    let names: Vec<String> = (0..100).map(|number| format!("agent{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut config = queue("sales", &names);
    config.method.patience_ms = Some(10_000);
    let mut centre = Centre::new(vec![config], &names);
    centre.join_as("sales", Caller { last_agent: Some("agent77".into()), ..Caller::default() });
    let offer = centre.offer();
    assert_eq!(offer.agent.as_str(), "agent77");
    let known = offer.chosen.snapshot.calls()[0].last_agent.clone().unwrap();
    assert_eq!((known.presence, offer.chosen.snapshot.candidates().len()), (Presence::Free, routing::MAX_CANDIDATES));
}

#[test]
fn the_first_call_of_each_queue_is_shown_however_many_wait_in_another() {
    let method = Method { strategy: Builtin::ServiceObjective, patience_ms: None };
    let queues = ["sales", "support"].map(|name| QueueConfig { method, ..queue(name, &["ann"]) });
    let mut centre = Centre::new(queues.to_vec(), &["ann"]);
    centre.join("sales");
    let busy = centre.offer();
    let waiting: Vec<CallId> = (0..50).map(|_| centre.join("sales")).collect();
    let other = centre.join("support");
    // Support lost a caller who had waited for too long; sales served its first one in time.
    centre.answer(busy.id);
    centre.pass(30 * SECOND);
    let lost = centre.join("support");
    centre.pass(30 * SECOND);
    centre.leave(lost);
    centre.release("ann");
    centre.take();
    centre.pass(5 * SECOND);
    let offer = centre.offer();
    assert_eq!(offer.call, other);
    let shown: Vec<CallId> = offer.chosen.snapshot.calls().iter().map(|call| call.id).collect();
    assert_eq!((shown.len(), shown.contains(&other), shown[0]), (routing::MAX_CANDIDATES, true, waiting[0]));
    assert_eq!(offer.chosen.snapshot.other_queues[0].service.kept, Some(0));
}
