//! Another configuration while calls live: it holds for what comes next, and no call is lost by it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use acd::AgentState;
use common::{SECOND, Scene};
use journal::{Disposition, Kind, QueueExit};
use leg::{Item, Prompt};
use sim::{Seen, company};
use switch::{Config, Destination, Prompts};

impl Scene {
    fn call_from(&mut self, who: SocketAddr, number: &str) -> base::LegId {
        self.dial(who, "4930123", number);
        self.world.caller_leg()
    }

    /// What a leg was told to play last.
    fn heard(&self, leg: base::LegId) -> Prompt {
        match &self.world.media.heard[&leg][..] {
            [Item::Prompt(prompt)] => prompt.clone(),
            other => panic!("no prompt: {other:?}"),
        }
    }
}

/// The company with only agent 101.
fn without_102() -> Config {
    let mut config = company();
    config.users.remove("102");
    config.agents.retain(|agent| agent.name.as_str() == "101");
    config.queues[0].agents.retain(|member| member.agent.as_str() == "101");
    // Its flow dials 102, which no such configuration passes.
    config
}

/// A sound that no other is.
fn sound(sample: i16) -> Prompt {
    Prompt::from_samples(&[sample; 8])
}

fn with_prompts(mut config: Config, prompts: &[(&str, i16)]) -> Config {
    let prompts = prompts.iter().map(|(name, sample)| ((*name).into(), sound(*sample))).collect();
    config.prompts = Prompts::of_one("en", prompts);
    config
}

fn flow(text: &str) -> Arc<ivr::Flows> {
    let faults = yaml::Faults::default();
    Arc::new(ivr::Flows::read([("main", &yaml::Source::new("main.yaml", text))], &faults).expect("a flow"))
}

#[test]
fn a_caller_stays_in_his_flow_and_hears_what_it_names_while_the_next_gets_the_new_one() {
    let mut s = Scene::of(with_prompts(company(), &[("welcome", 1_000), ("goodbye", 2_000)]));
    let first = s.call_from(s.caller, "1000");
    assert_eq!(s.heard(first), sound(1_000));
    let mut config = with_prompts(company(), &[("welcome", 3_000), ("closed", 4_000)]);
    let text = "version: 1\nnodes:\n  closed:\n    play: [closed]\n    next: hangup\n";
    config.flows = flow(text);
    s.world.reconfigure(config);
    let second = s.call_from(s.other, "1000");
    assert_eq!(s.heard(second), sound(4_000));
    assert_eq!(s.heard(first), sound(1_000), "nothing was cut off");
    // 4 leads to `bye` in the flow that he began, whose prompt the new configuration does not have.
    s.world.press(first, '4');
    assert_eq!(s.heard(first), sound(2_000));
    s.world.finish_play(first);
    s.world.finish_play(second);
    s.end_all(2);
}

#[test]
fn an_agent_who_is_added_gets_the_call_that_waits() {
    let mut s = Scene::of(without_102());
    s.call_from(s.caller, "201");
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    s.call_from(s.other, "201");
    assert!(!s.world.at(s.alan).saw(&Seen::Rings));
    s.world.reconfigure(company());
    assert!(s.world.at(s.alan).saw(&Seen::Rings));
    s.world.with_phone(s.alan, |phone, now| phone.answer(now));
    assert_eq!(s.world.media.bridges.len(), 4, "both calls talk");
}

#[test]
fn an_agent_who_is_gone_ends_his_call_in_peace() {
    let mut s = Scene::new();
    s.call_from(s.caller, "201");
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    let mut config = company();
    config.users.remove("101");
    config.agents.retain(|agent| agent.name.as_str() != "101");
    config.queues[0].agents.retain(|member| member.agent.as_str() != "101");
    config.numbers.remove("101");
    s.world.reconfigure(config);
    s.world.run(10 * SECOND);
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))));
    s.hang_up(s.caller);
    assert_eq!(s.agent("101"), None);
    s.end();
    assert_eq!(s.world.cdrs[0].disposition, Disposition::Answered);
    assert!((9_900..=10_100).contains(&s.world.cdrs[0].talk_ms), "{}", s.world.cdrs[0].talk_ms);
}

#[test]
fn a_caller_in_a_queue_that_is_gone_goes_on_as_if_nobody_served_it() {
    let mut s = Scene::of(without_102());
    s.call_from(s.other, "201");
    let menu = s.call_from(s.caller, "1000");
    s.world.press(menu, '1');
    s.world.run(SECOND);
    let mut config = company();
    config.queues.clear();
    config.agents.clear();
    config.numbers.remove("201");
    s.world.reconfigure(config);
    let left = |k: &Kind| matches!(k, Kind::QueueLeft { why: QueueExit::NoAgents, .. });
    assert_eq!(s.world.count(left), 1, "the other one's agent rings");
    let entered = |k: &Kind| matches!(k, Kind::NodeEntered { node, .. } if &**node == "bye");
    assert_eq!(s.world.count(entered), 1, "`no_agents` of his flow");
    s.world.with_phone(s.ada, |phone, now| phone.answer(now));
    assert_eq!(s.world.media.bridges.len(), 2, "what rang was answered");
    s.world.finish_play(menu);
    s.hang_up(s.other);
    s.end_all(2);
}

#[test]
fn numbers_trunks_and_limits_hold_at_once() {
    let mut s = Scene::new();
    s.call_from(s.caller, "1000");
    let mut config = company();
    config.numbers.remove("1000");
    config.numbers.insert("1001".into(), Destination::Flow("main".into()));
    s.world.reconfigure(config.clone());
    s.call_from(s.other, "1000");
    assert!(s.world.at(s.other).saw(&Seen::Refused(404)));
    s.call_from(s.other, "1001");
    assert!(s.world.at(s.other).saw(&Seen::Answered));
    s.hang_up(s.other);
    s.world.run(SECOND);
    config.limits.max_calls = 1;
    s.world.reconfigure(config.clone());
    s.call_from(s.other, "1001");
    assert!(s.world.at(s.other).saw(&Seen::Refused(503)));
    config.limits.max_calls = 10;
    config.trunks.clear();
    s.world.reconfigure(config);
    s.call_from(s.other, "1001");
    assert!(s.world.at(s.other).saw(&Seen::Refused(401)));
    assert!(!s.world.at(s.caller).saw(&Seen::Ended), "who was there before is not bothered");
    assert_eq!(s.world.count(|k| matches!(k, Kind::Reloaded { .. })), 3);
}
