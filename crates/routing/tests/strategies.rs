//! Each strategy by its definition: whoever was chosen, nobody else had more right to it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use base::CallId;
use common::{call, candidate, chosen, queue, snapshot};
use proptest::prelude::*;
use routing::{
    Action, Builtin, Call, Candidate, LastAgent, Levels, Method, Order, Presence, Question, Service, SkillName,
    Snapshot, Sticky, Strategy as _,
};

const SKILLS: [&str; 3] = ["spanish", "billing", "french"];

fn levels(levels: &[u8]) -> Levels {
    Levels::new(levels.iter().zip(SKILLS).map(|(level, skill)| (SkillName::from(skill), *level)))
}

prop_compose! {
    fn any_candidate()(
        level in 1u8..4, idle_ms in 0u64..6, turn in 0u64..6, calls_today in 0u32..4, talk_today_ms in 0u64..4,
        weight in 0u16..4, skills in prop::collection::vec(0u8..4, 3)
    ) -> Candidate {
        Candidate { level, idle_ms, turn, calls_today, talk_today_ms, weight, skills: levels(&skills), ..Candidate::new("") }
    }
}

prop_compose! {
    /// Candidates as they stand in a snapshot: by level, then longest idle first.
    fn any_candidates()(mut candidates in prop::collection::vec(any_candidate(), 1..12)) -> Vec<Candidate> {
        candidates.sort_by_key(|c| (c.level, std::cmp::Reverse(c.idle_ms)));
        for (number, candidate) in candidates.iter_mut().enumerate() {
            candidate.agent = format!("agent{number}").into();
            candidate.position = u32::try_from((number * 7) % 13).unwrap();
        }
        candidates
    }
}

/// Whom `strategy` chooses among the candidates for a call that needs the first `needs` skills at level 0.
fn choice(strategy: Builtin, candidates: &[Candidate], needs: usize) -> &Candidate {
    let call = Call { needs: levels(&vec![0; needs]), ..call(1, 0) };
    let decision = strategy.decide(&snapshot(Question::Agent { call, candidates: candidates.to_vec() }));
    assert_eq!(decision.scores.len(), candidates.len());
    let (_, agent) = chosen(&decision);
    candidates.iter().find(|candidate| candidate.agent.as_str() == agent).unwrap()
}

/// Checks that nobody of the lowest level has a lower `key`, and that of equals the first was chosen.
fn check<K: Ord>(strategy: Builtin, candidates: &[Candidate], needs: usize, key: impl Fn(&Candidate) -> K) {
    let chosen = choice(strategy, candidates, needs);
    let lowest = candidates.iter().map(|candidate| candidate.level).min().unwrap();
    assert_eq!(chosen.level, lowest, "{strategy}: somebody of a lower level is free");
    let others = || candidates.iter().filter(|candidate| candidate.level == lowest);
    assert!(others().all(|other| key(chosen) <= key(other)), "{strategy}: somebody has more right to it");
    let first = others().find(|other| key(other) == key(chosen)).unwrap();
    assert_eq!(first.agent, chosen.agent, "{strategy}: of equals another one stands first");
}

fn skill(candidate: &Candidate, needs: usize) -> Vec<u8> {
    SKILLS[..needs].iter().map(|skill| candidate.skills.of(&SkillName::from(*skill)).unwrap()).collect()
}

proptest! {
    #[test]
    fn the_agent_who_is_chosen_has_the_right_to_it(candidates in any_candidates(), needs in 1usize..4) {
        use std::cmp::Reverse;
        check(Builtin::LongestIdle, &candidates, needs, |c| Reverse(c.idle_ms));
        check(Builtin::ServiceObjective, &candidates, needs, |c| Reverse(c.idle_ms));
        check(Builtin::RoundRobin, &candidates, needs, |c| c.turn);
        check(Builtin::FewestCalls, &candidates, needs, |c| c.calls_today);
        check(Builtin::LeastTalkTime, &candidates, needs, |c| c.talk_today_ms);
        check(Builtin::Linear, &candidates, needs, |c| c.position);
        check(Builtin::MostSkilled, &candidates, needs, |c| Reverse(skill(c, needs)));
        check(Builtin::LeastSkilled, &candidates, needs, |c| skill(c, needs));
        check(Builtin::MostSkilled, &candidates, 0, |c| Reverse(c.idle_ms));
        check(Builtin::LeastSkilled, &candidates, 0, |c| Reverse(c.idle_ms));
    }

    #[test]
    fn all_free_agents_of_the_lowest_level_are_rung(candidates in any_candidates()) {
        let decision = Builtin::RingAll.decide(&snapshot(Question::Agent { call: call(1, 0), candidates: candidates.clone() }));
        let Action::OfferAll { agents, .. } = decision.action else { panic!("{decision:?}") };
        let rung: Vec<_> = agents.into_iter().map(|ring| ring.agent).collect();
        let lowest = candidates.iter().map(|candidate| candidate.level).min();
        let expected = candidates.into_iter().filter(|candidate| Some(candidate.level) == lowest);
        prop_assert_eq!(rung, expected.map(|candidate| candidate.agent).collect::<Vec<_>>());
    }

    #[test]
    fn an_agent_gets_the_call_that_stands_first(waited in prop::collection::vec(0u64..50, 1..12)) {
        let calls: Vec<Call> = waited.iter().zip(0..).map(|(waited, id)| call(id, *waited)).collect();
        let question = snapshot(Question::Call { agent: candidate(0, 5), calls });
        for strategy in Builtin::ALL {
            let decision = strategy.decide(&question);
            if strategy == Builtin::RingAll {
                let first = matches!(&decision.action, Action::OfferAll { call, .. } if call.as_raw() == 0);
                prop_assert!(first, "{:?}", decision);
            } else {
                prop_assert_eq!(chosen(&decision), (CallId::from_raw(0), "agent0"));
            }
        }
    }

    #[test]
    fn the_queue_furthest_behind_its_objective_is_served_first(
        kept in prop::collection::vec(prop::option::of(0u16..10_001), 3),
        target in prop::collection::vec(1u8..101, 3), queues in prop::collection::vec(0usize..3, 1..12)
    ) {
        let name = |number: usize| format!("queue{number}");
        let called = |number: usize| routing::Queue {
            service: Service { within_ms: 20_000, target: target[number], kept: kept[number] }, ..queue(&name(number))
        };
        let calls = queues.iter().zip(0..).map(|(queue, id)| Call::new(CallId::from_raw(id), name(*queue)));
        let mut question = snapshot(Question::Call { agent: candidate(0, 5), calls: calls.collect() });
        question.queue = called(queues[0]);
        question.other_queues = (0..3).filter(|number| *number != queues[0]).map(called).collect();
        let decision = Builtin::ServiceObjective.decide(&question);
        let behind = |number: usize| kept[number].map_or(0, |kept| i64::from(target[number]) * 100 - i64::from(kept));
        let furthest = queues.iter().map(|queue| behind(*queue)).max().unwrap();
        let first = queues.iter().position(|queue| behind(*queue) == furthest).unwrap();
        prop_assert_eq!(chosen(&decision).0, CallId::from_raw(u64::try_from(first).unwrap()));
    }

    /// By the definition of `Sticky`, word for word.
    #[test]
    fn a_caller_gets_whom_he_knows_if_that_does_not_take_too_long(
        known in prop::collection::vec((0usize..4, 0u8..3, 0u64..20), 1..6), patience_ms in 0u64..20
    ) {
        let sticky = Sticky { other: Builtin::LongestIdle, patience_ms };
        let presence = |number: u8| [Presence::Free, Presence::Busy, Presence::Away][usize::from(number)];
        let calls: Vec<Call> = known.iter().zip(0..).map(|((agent, at, waited), id)| {
            // Agent 0 is the one who is free.
            let presence = if *agent == 0 { Presence::Free } else { presence(*at) };
            Call { last_agent: Some(LastAgent { agent: format!("agent{agent}").into(), presence }), ..call(id, *waited) }
        }).collect();
        let holds = |call: &Call| {
            call.last_agent.as_ref().unwrap().presence == Presence::Busy && call.waited_ms < patience_ms
        };
        let decision = sticky.decide(&snapshot(Question::Call { agent: candidate(0, 5), calls: calls.clone() }));
        let his = calls.iter().find(|call| call.last_agent.as_ref().unwrap().agent.as_str() == "agent0");
        match his.or(calls.iter().find(|call| !holds(call))) {
            Some(expected) => prop_assert_eq!(chosen(&decision), (expected.id, "agent0")),
            None => {
                let left = calls.iter().map(|call| patience_ms - call.waited_ms).min();
                prop_assert_eq!(decision.action, Action::Wait { at_most_ms: left });
            }
        }
        for call in &calls {
            let candidates = vec![candidate(1, 9), candidate(0, 5)];
            let known = call.last_agent.as_ref().unwrap().agent.clone();
            let decision = sticky.decide(&snapshot(Question::Agent { call: call.clone(), candidates: candidates.clone() }));
            if candidates.iter().any(|candidate| candidate.agent == known) {
                prop_assert_eq!(chosen(&decision), (call.id, known.as_str()));
            } else if holds(call) {
                prop_assert_eq!(decision.action, Action::Wait { at_most_ms: Some(patience_ms - call.waited_ms) });
            } else {
                prop_assert_eq!(chosen(&decision), (call.id, "agent1"));
            }
        }
    }
}

/// Over many seeds each agent is drawn as often as his weight says, and who has none never while others do.
#[test]
fn chance_goes_by_weight() {
    let weights = [0u16, 1, 3, 6];
    let candidates: Vec<Candidate> = weights
        .iter()
        .enumerate()
        .map(|(number, weight)| Candidate { weight: *weight, ..candidate(number, 0) })
        .collect();
    let mut drawn: BTreeMap<String, u64> = BTreeMap::new();
    let rounds = 100_000u64;
    for round in 0..rounds {
        let question = Question::Agent { call: call(1, 0), candidates: candidates.clone() };
        let seed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let decision = Builtin::WeightedRandom.decide(&Snapshot { seed, ..snapshot(question) });
        *drawn.entry(chosen(&decision).1.to_owned()).or_default() += 1;
    }
    assert_eq!(drawn.get("agent0"), None);
    for (number, weight) in weights.iter().enumerate().skip(1) {
        let expected = rounds * u64::from(*weight) / 10;
        let got = drawn[&format!("agent{number}")];
        assert!(got.abs_diff(expected) < rounds / 200, "agent{number}: {got} in place of {expected}");
    }
}

#[test]
fn whoever_has_no_weight_is_drawn_if_there_is_nobody_else() {
    let candidates = vec![Candidate { weight: 0, ..candidate(0, 0) }];
    let decision = Builtin::WeightedRandom.decide(&snapshot(Question::Agent { call: call(1, 0), candidates }));
    assert_eq!(chosen(&decision).1, "agent0");
}

#[test]
fn a_method_has_the_name_and_the_order_of_its_strategy() {
    for strategy in Builtin::ALL {
        let method = Method { strategy, patience_ms: Some(5) };
        assert_eq!((method.name(), method.order()), (strategy.as_str(), strategy.order()));
    }
    assert_eq!(Method::default().order(), Order::LongestIdle);
}
