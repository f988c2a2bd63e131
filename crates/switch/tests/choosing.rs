//! Whom a caller's queue rings: several phones at once, by skills that his flow asks for, and whom he knows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

mod common;

use std::sync::Arc;

use acd::{AgentState, QueueConfig};
use base::Pii;
use common::{SECOND, Scene};
use journal::{CallChanged, DecisionFault, DecisionRejected, Kind, OfferEnded, OfferMade, OfferOutcome};
use routing::{Action, Builtin, Decision, Levels, Method, Snapshot, Strategy};
use sim::{Seen, World, company};
use switch::{Config, Destination};
use yaml::{Faults, Source};

const FLOW: &str = "
version: 1
nodes:
  wait: {queue: {name: sales, skills: {spanish: 50}, priority: 80}, next: hangup}
";

fn config(change: impl Fn(&mut QueueConfig)) -> Config {
    let faults = Faults::default();
    let flows = ivr::Flows::read([("main", &Source::new("main.yaml", FLOW))], &faults).unwrap();
    let numbers = [("1000", Destination::Flow("main".into())), ("2000", Destination::Queue("sales".into()))];
    let numbers = numbers.map(|(number, to)| (number.into(), to)).into();
    let mut config = Config { flows: Arc::new(flows), numbers, ..company() };
    config.queues[0].agents = vec!["101".into(), "102".into()];
    change(&mut config.queues[0]);
    for agent in &mut config.agents {
        let level = if agent.name.as_str() == "102" { 60 } else { 40 };
        agent.skills = Levels::new([("spanish".into(), level)]);
    }
    config
}

fn scene(change: impl Fn(&mut QueueConfig)) -> Scene {
    Scene::of(config(change))
}

fn by(strategy: Builtin) -> Scene {
    scene(|queue| queue.method = Method { strategy, patience_ms: None })
}

impl Scene {
    fn outcomes(&self, wanted: OfferOutcome) -> usize {
        self.world.count(|kind| matches!(kind, Kind::OfferEnded(OfferEnded { outcome, .. }) if *outcome == wanted))
    }

    fn offers(&self) -> usize {
        self.world.count(|kind| matches!(kind, Kind::OfferMade(_)))
    }
}

#[test]
fn of_phones_that_ring_together_one_wins_and_the_others_are_let_go_unpunished() {
    let mut s = by(Builtin::RingAll);
    s.call("2000");
    assert!(s.saw(s.ada, &Seen::Rings) && s.saw(s.alan, &Seen::Rings));
    s.answer(s.alan);
    s.world.run(SECOND);
    assert!(s.saw(s.ada, &Seen::Cancelled), "he who lost");
    assert_eq!((s.agent("101"), s.offers()), (Some(AgentState::Idle), 2), "he does not rest");
    assert_eq!((s.outcomes(OfferOutcome::AnsweredElsewhere), s.outcomes(OfferOutcome::Answered)), (1, 1));
    s.hang_up(s.caller);
    assert_eq!(s.end().agent.as_deref(), Some("102"));
}

#[test]
fn of_two_who_answer_in_the_same_moment_one_is_hung_up() {
    let mut s = by(Builtin::RingAll);
    s.call("2000");
    let now = s.world.now;
    // Neither has heard of the other.
    s.world.at(s.ada).answer(now);
    s.world.at(s.alan).answer(now);
    s.world.react();
    s.world.run(SECOND);
    assert_eq!((s.outcomes(OfferOutcome::AnsweredElsewhere), s.outcomes(OfferOutcome::Answered)), (1, 1));
    assert_eq!(s.world.media.bridges.len(), 2, "one pair talks");
    let idle = ["101", "102"].map(|agent| s.agent(agent) == Some(AgentState::Idle));
    assert_eq!(idle.into_iter().filter(|idle| *idle).count(), 1);
    s.hang_up(s.caller);
    s.end();
    assert!(s.world.at(s.ada).session.is_none() && s.world.at(s.alan).session.is_none());
}

#[test]
fn when_the_caller_hangs_up_every_phone_falls_silent() {
    let mut s = by(Builtin::RingAll);
    s.call("2000");
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert!(s.saw(s.ada, &Seen::Cancelled) && s.saw(s.alan, &Seen::Cancelled));
    assert_eq!(s.outcomes(OfferOutcome::CallerLeft), 2);
    s.end();
}

#[test]
fn a_flow_asks_for_skills() {
    let mut s = by(Builtin::LongestIdle);
    s.call("1000");
    assert!(s.saw(s.alan, &Seen::Rings) && !s.saw(s.ada, &Seen::Rings));
    let shown = s.world.last(|kind| match kind {
        Kind::OfferMade(OfferMade { why, .. }) => {
            Some((why.candidates[0].skills["spanish"], why.excluded["unskilled"]))
        }
        _ => None,
    });
    assert_eq!(shown, (60, 1));
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_caller_gets_whom_he_spoke_with_last() {
    let mut s = scene(|queue| queue.method = Method { strategy: Builtin::Linear, patience_ms: Some(30_000) });
    s.call("1000");
    s.answer(s.alan);
    s.hang_up(s.caller);
    s.end();
    s.world.run(20 * SECOND);
    // By the list it were Ada's turn.
    s.call("2000");
    let whom = s.world.last(|kind| match kind {
        Kind::OfferMade(OfferMade { agent, .. }) => Some(agent.to_string()),
        _ => None,
    });
    assert_eq!(whom, "102");
    s.hang_up(s.caller);
}

#[test]
fn a_caller_gets_whom_he_spoke_with_in_an_earlier_run() {
    for (patience_ms, expected) in [(Some(30_000), "102"), (None, "101")] {
        let mut s = scene(|queue| queue.method = Method { strategy: Builtin::Linear, patience_ms });
        let number = |text: &str| Pii::new(text.to_owned());
        let talks = vec![(number("4930123"), "101"), (number("4930124"), "101"), (number("4930123"), "102")];
        s.world.switch.restore_acquaintances(talks.into_iter().map(|(of, agent)| (of, agent.into())).collect());
        s.call("2000");
        let whom = s.world.last(|kind| match kind {
            Kind::OfferMade(OfferMade { agent, .. }) => Some(agent.to_string()),
            _ => None,
        });
        assert_eq!(whom, expected, "by the list it were 101's turn");
        s.hang_up(s.caller);
        s.end();
    }
}

/// Makes a call more urgent, then has it need nothing, and then offers it to nobody who is there.
struct Whims;

impl Strategy for Whims {
    fn name(&self) -> &str {
        "whims"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        let call = &snapshot.calls()[0];
        let id = call.id;
        match (call.priority, call.needs.is_empty()) {
            (80, _) => Decision::new(Action::Prioritise { call: id, priority: 90 }, "he is angry"),
            (_, false) => Decision::new(Action::Widen { call: id, needs: Levels::default() }, "anybody will do"),
            _ => Decision::new(Action::Offer { call: id, agent: "nobody".into(), ring_ms: None }, "a guess"),
        }
    }
}

#[test]
fn the_journal_says_what_decisions_changed_and_which_were_not_used() {
    let mut s = Scene::within(World::with_strategy(config(|_| {}), 1, Box::new(Whims)));
    s.call("1000");
    let told: Vec<(&str, String)> = s
        .world
        .journal
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::CallChanged(CallChanged { priority: Some(90), needs: None, reason, .. }) => {
                Some(("urgent", reason.clone()))
            }
            Kind::CallChanged(CallChanged { priority: None, needs: Some(needs), reason, .. }) if needs.is_empty() => {
                Some(("wide", reason.clone()))
            }
            Kind::DecisionRejected(DecisionRejected { fault: DecisionFault::Impossible, reason, .. }) => {
                Some(("rejected", reason.clone().unwrap()))
            }
            Kind::OfferMade(OfferMade { why, .. }) if why.fallback => Some(("fallback", String::new())),
            _ => None,
        })
        .collect();
    let expected = [("urgent", "he is angry"), ("wide", "anybody will do"), ("rejected", "a guess"), ("fallback", "")];
    assert_eq!(told, expected.map(|(what, why)| (what, why.to_owned())));
    assert_eq!(s.world.switch.status(s.world.now).decisions_rejected.impossible, 1);
    s.hang_up(s.caller);
    s.end();
}
