//! An agent's phone dies in mid-call.
//!
//! Covered: he comes back and they talk on · he does not, and the call stands first for the others, with one recording and its priority ·
//! a phone that refuses is rung again, one that registers is rung at once · what the caller hears meanwhile · who hangs up meanwhile ·
//! a hang-up is no loss · without time to come back, and where queues go on without such calls · the lost agent gets no offer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use acd::AgentState;
use base::LegId;
use common::{SECOND, Scene};
use journal::{Disposition, Kind, QueueExit};
use leg::{Item, Prompt};
use sim::{Seen, company};
use switch::control::Place;
use switch::{Config, Destination, Prompts};
use yaml::{Faults, Source};

fn company_that_waits(time: Duration) -> Config {
    let mut config = company();
    config.waiting.entry("sales".into()).or_default().return_time = Some(time);
    config.queues[0].agents = vec!["101".into(), "102".into()];
    let sound = |name: &str, sample| (name.into(), Prompt::from_samples(&[sample]));
    let sounds = [("welcome", 1), ("goodbye", 2), ("music", 3), ("queue/agent-lost", 4)];
    config.prompts = Prompts::of_one("en", sounds.map(|(name, sample)| sound(name, sample)).into());
    config
}

impl Scene {
    /// The leg that the caller of the call that began last talks with.
    fn other_side(&self) -> Option<LegId> {
        self.world.media.bridges.get(&self.world.caller_leg()).copied()
    }

    /// A caller talks with agent 101, whom he reached by the menu; it is recorded.
    fn talks_with_ada(&mut self) {
        self.call("1000");
        self.press('3');
        self.answer(self.ada);
        assert!(matches!(self.agent("101"), Some(AgentState::InCall(_))));
    }

    /// Her phone dies, which shows by her silence, in the call that began last.
    fn ada_dies(&mut self) {
        let leg = self.other_side().unwrap();
        self.dies(leg);
    }

    fn dies(&mut self, leg: LegId) {
        self.world.unplug(self.ada);
        self.world.silence(leg);
        self.world.run(SECOND);
    }

    fn lost(&self) -> Vec<(String, String, u64)> {
        let lost = self.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::AgentLost(lost) => Some((lost.agent.to_string(), lost.cause.to_string(), lost.return_ms)),
            _ => None,
        });
        lost.collect()
    }

    fn joined(&self) -> usize {
        self.world.count(|kind| matches!(kind, Kind::QueueJoined { .. }))
    }
}

#[test]
fn an_agent_who_comes_back_in_time_talks_on_with_his_caller() {
    let mut s = Scene::of(company_that_waits(10 * SECOND));
    s.talks_with_ada();
    s.ada_dies();
    assert_eq!(s.lost(), [("101".to_owned(), "media_silent".to_owned(), 10_000)]);
    assert!(!s.saw(s.caller, &Seen::Ended));
    assert_eq!(s.other_side(), None);
    let caller = s.world.caller_leg();
    assert_eq!(s.world.media.heard[&caller].to_vec(), [Item::Prompt(Prompt::from_samples(&[3]))], "the music");
    let (told, items) = s.world.media.told.last().unwrap();
    assert_eq!((*told, items.to_vec()), (caller, vec![Item::Prompt(Prompt::from_samples(&[4]))]), "and the notice");
    assert!(matches!(s.agent("101"), Some(AgentState::InCall(_))), "the call is still hers");
    assert_eq!(s.agent("102"), Some(AgentState::Idle));
    s.world.add_phone(s.ada);
    s.world.run(5 * SECOND);
    assert!(s.saw(s.ada, &Seen::Rings));
    s.answer(s.ada);
    assert!(s.other_side().is_some(), "they talk on");
    s.world.run(20 * SECOND);
    assert!(s.other_side().is_some(), "the time that she had is over, and changes nothing");
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.agent("101"), Some(AgentState::WrapUp));
    let cdr = s.end();
    assert_eq!((cdr.disposition, cdr.agent.as_deref(), cdr.offers), (Disposition::Answered, Some("101"), 1));
    assert_eq!((cdr.recordings.len(), s.joined()), (1, 1));
}

#[test]
fn after_that_the_call_stands_first_for_the_others() {
    let mut s = Scene::of(company_that_waits(10 * SECOND));
    s.talks_with_ada();
    let (leg, call) = (s.other_side().unwrap(), s.world.journal.last().and_then(|event| event.call));
    // The other agent is busy, and somebody waits.
    s.dial(s.other, "4930124", "201");
    s.answer(s.alan);
    let waiting = s.world.phone("127.0.0.2:5093");
    s.dial(waiting, "4930125", "201");
    s.dies(leg);
    s.world.run(8 * SECOND);
    assert_eq!(s.joined(), 3, "she has a second left");
    s.world.run(2 * SECOND);
    assert_eq!((s.joined(), s.agent("101")), (4, Some(AgentState::Resting)));
    s.hang_up(s.other);
    s.world.run(7 * SECOND);
    s.answer(s.alan);
    assert!(matches!(s.agent("102"), Some(AgentState::InCall(with)) if Some(with) == call), "he waited for less long");
    assert_eq!(s.agent("101"), Some(AgentState::Resting));
    let story = s.world.story(call.unwrap());
    let exits = story.into_iter().filter_map(|kind| match kind {
        Kind::QueueLeft { why, waited_ms, .. } => Some((*why, *waited_ms / 1_000)),
        _ => None,
    });
    let exits: Vec<_> = exits.collect();
    assert_eq!(exits, [(QueueExit::Answered, 1), (QueueExit::Answered, 8)], "what it waited since");
    for who in [s.caller, waiting] {
        s.hang_up(who);
    }
    let cdrs = s.end_all(3);
    let cdr = cdrs.iter().find(|cdr| Some(cdr.call) == call).unwrap();
    assert_eq!((cdr.agent.as_deref(), cdr.offers, cdr.recordings.len()), (Some("102"), 2, 1));
}

#[test]
fn a_phone_that_refreshes_its_call_no_more_is_lost_too() {
    let mut s = Scene::of(company_that_waits(10 * SECOND));
    let manners = sim::Manners { session_timer: Some(90), ..sim::Manners::default() };
    s.world.at(s.ada).set_manners(manners);
    s.talks_with_ada();
    // It began anew, and knows nothing of the call, which it was to refresh.
    s.world.add_phone(s.ada);
    s.world.run(3_600 * SECOND);
    assert_eq!(s.lost(), [("101".to_owned(), "session_expired".to_owned(), 10_000)]);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_phone_that_does_not_take_it_is_rung_again() {
    let mut s = Scene::of(company_that_waits(20 * SECOND));
    s.talks_with_ada();
    let leg = s.other_side().unwrap();
    // Her audio alone is gone.
    s.world.silence(leg);
    s.world.run(SECOND);
    for _ in 0..2 {
        s.world.with_phone(s.ada, |phone, now| phone.refuse(now, 486));
        s.world.run(4 * SECOND);
    }
    s.answer(s.ada);
    assert!(s.other_side().is_some());
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert!(s.saw(s.caller, &Seen::Ended), "a hang-up is no loss");
    assert_eq!((s.lost().len(), s.end().offers), (1, 1));
}

#[test]
fn a_phone_that_registers_is_rung_at_once() {
    let mut config = company_that_waits(60 * SECOND);
    config.queues[0].agents = vec!["103".into()];
    let mut s = Scene::of(config);
    let account = || sim::Account { user: "103".to_owned(), password: "open sesame".to_owned() };
    let old = s.world.phone("127.0.0.9:5060");
    s.world.at(old).set_account(account());
    s.world.with_phone(old, |phone, now| phone.register(now));
    s.world.run(SECOND);
    s.call("201");
    s.answer(old);
    let leg = s.other_side().unwrap();
    s.world.unplug(old);
    s.world.silence(leg);
    s.world.run(10 * SECOND);
    let new = s.world.phone("127.0.0.8:5060");
    s.world.at(new).set_account(account());
    s.world.with_phone(new, |phone, now| phone.register(now));
    s.world.run(SECOND);
    assert!(s.saw(new, &Seen::Rings), "the leg that rings at the dead one is no hindrance");
    let let_go =
        |s: &Scene| s.world.count(|kind| matches!(kind, Kind::LegEnded { cause, .. } if **cause == *"rung_elsewhere"));
    assert_eq!(let_go(&s), 1);
    // It refreshes its registration, and rings on.
    s.world.with_phone(new, |phone, now| phone.register(now));
    s.world.run(SECOND);
    assert_eq!(let_go(&s), 1);
    // It begins anew where it was, and knows of no call: what began there is over, whatever its address.
    s.world.unplug(new);
    s.world.add_phone(new).set_account(account());
    s.world.with_phone(new, |phone, now| phone.register(now));
    s.world.run(SECOND);
    assert_eq!(let_go(&s), 2);
    s.answer(new);
    assert!(s.other_side().is_some());
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_caller_who_hangs_up_meanwhile_leaves_the_lost_agent_resting() {
    let mut s = Scene::of(company_that_waits(10 * SECOND));
    s.talks_with_ada();
    s.ada_dies();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!((s.agent("101"), s.joined()), (Some(AgentState::Resting), 1));
    let cdr = s.end();
    assert_eq!((cdr.disposition, &*cdr.cause), (Disposition::Answered, "bye"));
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "her rest is over");
}

#[test]
fn a_caller_who_is_gone_from_the_queue_again_has_his_place_when_he_calls_again() {
    let mut config = company_that_waits(5 * SECOND);
    config.queues[0].agents = vec!["101".into()];
    config.waiting.get_mut("sales").unwrap().resume = Some(60 * SECOND);
    let mut s = Scene::of(config);
    s.call("201");
    s.world.run(3 * SECOND);
    s.answer(s.ada);
    s.world.run(200 * SECOND);
    s.ada_dies();
    s.world.run(10 * SECOND);
    assert_eq!(s.joined(), 2);
    let again = s.world.phone("127.0.0.2:5093");
    s.dial(again, "4930123", "201");
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::CalledTwice { .. })), 1, "he waits there already");
    s.hang_up(again);
    s.hang_up(s.caller);
    s.world.run(10 * SECOND);
    s.dial(again, "4930123", "201");
    let waited_ms = s.world.last(|kind| match kind {
        Kind::PlaceResumed { waited_ms, .. } => Some(*waited_ms),
        _ => None,
    });
    assert!(
        (15_000..40_000).contains(&waited_ms),
        "both waits and the time he was gone, and nothing of the talk: {waited_ms}"
    );
    s.hang_up(again);
    s.end_all(3);
}

#[test]
fn operators_see_the_caller_in_his_queue_and_may_end_the_call() {
    let mut s = Scene::of(company_that_waits(10 * SECOND));
    s.talks_with_ada();
    s.ada_dies();
    let request = switch::control::Request::Calls { after: None, limit: 0 };
    let switch::control::Response::Calls(page) = s.world.switch.handle_control(s.world.now, request) else { panic!() };
    assert_eq!(page.calls[0].place, Place::Queue { queue: "sales".into() });
    let hang_up = switch::control::Request::Hangup { call: page.calls[0].call };
    s.world.switch.handle_control(s.world.now, hang_up);
    s.world.react();
    s.end();
}

#[test]
fn without_time_to_come_back_the_call_is_for_others_at_once() {
    let mut s = Scene::of(company_that_waits(Duration::ZERO));
    s.talks_with_ada();
    s.ada_dies();
    assert_eq!((s.joined(), s.agent("101")), (2, Some(AgentState::Resting)));
    s.answer(s.alan);
    assert!(s.other_side().is_some());
    s.hang_up(s.caller);
    assert_eq!(s.end().agent.as_deref(), Some("102"));
}

#[test]
fn a_queue_that_is_gone_or_that_nobody_serves_lets_the_flow_go_on() {
    for whole in [true, false] {
        let mut s = Scene::of(company_that_waits(5 * SECOND));
        s.talks_with_ada();
        s.ada_dies();
        let mut config = company_that_waits(5 * SECOND);
        if whole {
            config.queues.clear();
            config.agents.clear();
        } else {
            config.duties.login = switch::Login::Code;
        }
        s.world.reconfigure(config);
        s.world.run(6 * SECOND);
        let left = s.world.last(|kind| match kind {
            Kind::QueueLeft { why, .. } => Some(*why),
            _ => None,
        });
        assert_eq!(left, QueueExit::NoAgents);
        s.hang_up(s.caller);
        s.end();
    }
}

#[test]
fn the_flows_own_limit_of_the_wait_begins_anew_in_the_queue() {
    let flow = "{version: 1, nodes: {wait: {queue: {name: sales, max_wait: 20s, timed_out: bye}, next: hangup}, bye: {play: goodbye, next: hangup}}}";
    let faults = Faults::default();
    let source = Source::new("main.yaml", flow);
    let flows = ivr::Flows::read([("main", &source)], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let mut config = company_that_waits(5 * SECOND);
    config.queues[0].agents = vec!["101".into()];
    config.flows = Arc::new(flows.unwrap_or_else(|| panic!("{said}")));
    config.numbers = [("1000".into(), Destination::Flow("main".into()))].into();
    let mut s = Scene::of(config);
    s.call("1000");
    s.answer(s.ada);
    s.world.run(60 * SECOND);
    s.ada_dies();
    let over = |s: &Scene| s.world.count(|kind| matches!(kind, Kind::NodeEntered { node, .. } if **node == *"bye"));
    s.world.run(22 * SECOND);
    assert_eq!((s.joined(), over(&s)), (2, 0));
    s.world.run(4 * SECOND);
    assert_eq!(over(&s), 1);
    let leg = s.world.caller_leg();
    s.world.finish_play(leg);
    s.end();
}
