//! Callers who wait because their flow says so: what they hear, and the keys that lead them out of the queue.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

mod common;

use std::sync::Arc;

use acd::{AgentState, Excess, Overflow};
use common::{SECOND, Scene};
use journal::{Disposition, Kind, OfferEnded, OfferOutcome, QueueExit};
use sim::{Seen, company};
use switch::{Config, Destination, Waiting};
use yaml::{Faults, Source};

const FLOW: &str = "
version: 1
nodes:
  wait: {queue: {name: sales, hear: [welcome, {silence: 1s}], keys: {1: bye}}, next: hangup}
  bye: {play: {prompt: goodbye, barge_in: false}, next: hangup}
";

fn scene() -> Scene {
    Scene::of(company_with_flow())
}

fn company_with_flow() -> Config {
    let faults = Faults::default();
    let source = Source::new("main.yaml", FLOW);
    let flows = ivr::Flows::read([("main", &source)], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let flows = flows.unwrap_or_else(|| panic!("{said}"));
    let numbers = [("1000", Destination::Flow("main".into())), ("2000", Destination::Queue("sales".into()))];
    let numbers = numbers.map(|(number, to)| (number.into(), to)).into();
    Config { flows: Arc::new(flows), numbers, ..company() }
}

impl Scene {
    /// What was played last, and in what node the caller is.
    fn hears(&self) -> (Vec<String>, String) {
        let node = self.world.last(|kind| match kind {
            Kind::NodeEntered { node, .. } => Some(node.to_string()),
            _ => None,
        });
        (self.hears_items(), node)
    }

    fn hears_items(&self) -> Vec<String> {
        self.world.last(|kind| match kind {
            Kind::Play { items, .. } => Some(items.iter().map(ToString::to_string).collect()),
            _ => None,
        })
    }

    /// True if he left the queue so, and left it but once.
    fn left(&self, exit: QueueExit) -> bool {
        let left = |kind: &Kind| matches!(kind, Kind::QueueLeft { why, .. } if *why == exit);
        self.world.count(|kind| matches!(kind, Kind::QueueLeft { .. })) == 1 && self.world.count(left) == 1
    }

    /// He hears the goodbye to its end, and all is over.
    fn bids_goodbye(&mut self) -> journal::Cdr {
        assert_eq!(self.hears(), (vec!["goodbye".to_owned()], "bye".to_owned()));
        let leg = self.world.caller_leg();
        self.world.finish_play(leg);
        self.end()
    }
}

#[test]
fn who_waits_hears_what_the_flow_says_in_place_of_the_queues_music() {
    let mut s = scene();
    s.call("1000");
    assert_eq!(s.hears().0, ["welcome", "silence"]);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_key_leads_out_of_the_queue_and_the_phone_that_rings_is_let_go() {
    let mut s = scene();
    s.call("1000");
    assert!(s.saw(s.ada, &Seen::Rings));
    s.press('2');
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::QueueLeft { .. })), 0, "that key is none");
    s.press('1');
    assert!(s.left(QueueExit::MovedOn));
    assert_eq!(s.agent("101"), Some(AgentState::Idle), "he is free at once");
    assert!(s.saw(s.ada, &Seen::Cancelled) || s.saw(s.ada, &Seen::Ended));
    let cdr = s.bids_goodbye();
    assert_eq!((cdr.disposition, cdr.agent), (Disposition::SelfServed, None));
    let told = |kind: &Kind| matches!(kind, Kind::OfferEnded(OfferEnded { outcome: OfferOutcome::CallerLeft, .. }));
    assert_eq!(s.world.count(told), 1);
}

#[test]
fn the_key_of_one_who_talks_with_an_agent_leads_nowhere() {
    let mut s = scene();
    s.call("1000");
    s.answer(s.ada);
    s.press('1');
    assert_eq!(s.world.media.bridges.len(), 2, "they talk on");
    assert!(s.left(QueueExit::Answered));
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert_eq!(s.hears().1, "wait", "it goes on by `next`");
    assert_eq!(s.end().agent.as_deref(), Some("101"));
}

#[test]
fn an_agent_who_answers_as_the_caller_presses_the_key_is_let_go() {
    let mut s = scene();
    s.call("1000");
    let (now, leg) = (s.world.now, s.world.caller_leg());
    // Neither has heard of the other.
    s.world.at(s.ada).answer(now);
    s.world.press(leg, '1');
    s.world.react();
    s.world.run(SECOND);
    assert!(s.world.media.bridges.is_empty());
    assert!(s.left(QueueExit::MovedOn));
    assert_eq!(s.agent("101"), Some(AgentState::Idle));
    s.bids_goodbye();
    assert!(s.world.at(s.ada).is_quiet() && s.world.at(s.ada).session.is_none());
}

/// 101 serves `sales`, 102 `support`, where those go after ten seconds who wait for the former.
fn with_overflow() -> Config {
    let mut config = company_with_flow();
    let mut support = acd::QueueConfig::new("support", vec!["102".into()]);
    support.wrap_up = SECOND;
    config.queues.push(support);
    let sales = &mut config.queues[0];
    sales.agents = vec!["101".into()];
    sales.overflow = vec![Overflow { when: Excess::Waited(SECOND * 10), to: "support".into() }];
    config.waiting.insert("support".into(), Waiting { music: Some("welcome".into()), ..Waiting::default() });
    config
}

#[test]
fn who_goes_on_to_another_queue_hears_its_music_and_talks_with_its_agent() {
    let mut s = Scene::of(with_overflow());
    s.dial(s.other, "4930124", "2000");
    s.answer(s.ada);
    s.call("2000");
    assert_eq!(s.hears_items(), ["music"]);
    s.world.run(SECOND * 10);
    assert_eq!(s.hears_items(), ["welcome"]);
    s.answer(s.alan);
    s.hang_up(s.caller);
    s.hang_up(s.other);
    let cdrs = s.end_all(2);
    let cdr = cdrs.iter().find(|cdr| cdr.from.reveal() == "4930123").unwrap();
    assert_eq!((cdr.agent.as_deref(), cdr.queue.as_deref()), (Some("102"), Some("support")));
    let visits: Vec<_> = cdr.visits.iter().map(|visit| (&*visit.queue, visit.left)).collect();
    assert_eq!(visits, [("sales", Some(QueueExit::Overflowed)), ("support", Some(QueueExit::Answered))]);
    assert!((10_000..13_000).contains(&cdr.wait_ms), "{}", cdr.wait_ms);
    let told = s.world.last(|kind| match kind {
        Kind::QueueLeft { why: QueueExit::Overflowed, reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some("waited for 10 s"));
}

#[test]
fn what_the_flow_has_played_goes_on_in_the_other_queue() {
    let mut s = Scene::of(with_overflow());
    s.dial(s.other, "4930124", "2000");
    s.answer(s.ada);
    s.call("1000");
    let plays = |s: &Scene| s.world.count(|kind| matches!(kind, Kind::Play { .. }));
    let before = plays(&s);
    s.world.run(SECOND * 10);
    assert_eq!(plays(&s), before);
    assert!(s.saw(s.alan, &Seen::Rings));
    // His keys go on to count.
    s.press('1');
    assert_eq!(s.hears_items(), ["goodbye"]);
    assert_eq!(s.world.breaches(), []);
}
