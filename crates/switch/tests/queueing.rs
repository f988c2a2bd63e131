//! Callers who wait because their flow says so: what they hear, and the keys that lead them out of the queue.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod common;

use std::sync::Arc;

use acd::AgentState;
use common::{SECOND, Scene};
use journal::{Disposition, Kind, OfferEnded, OfferOutcome, QueueExit};
use sim::{Seen, company};
use switch::{Config, Destination};
use yaml::{Faults, Source};

const FLOW: &str = "
version: 1
nodes:
  wait: {queue: {name: sales, hear: [welcome, {silence: 1s}], keys: {1: bye}}, next: hangup}
  bye: {play: {prompt: goodbye, barge_in: false}, next: hangup}
";

fn scene() -> Scene {
    let faults = Faults::default();
    let source = Source::new("main.yaml", FLOW);
    let flows = ivr::Flows::read([("main", &source)], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let flows = flows.unwrap_or_else(|| panic!("{said}"));
    let numbers = [("1000", Destination::Flow("main".into())), ("2000", Destination::Queue("sales".into()))];
    let numbers = numbers.map(|(number, to)| (number.into(), to)).into();
    Scene::of(Config { flows: Arc::new(flows), numbers, ..company() })
}

impl Scene {
    /// What was played last, and in what node the caller is.
    fn hears(&self) -> (Vec<String>, String) {
        let items = self.world.last(|kind| match kind {
            Kind::Play { items, .. } => Some(items.iter().map(ToString::to_string).collect::<Vec<_>>()),
            _ => None,
        });
        let node = self.world.last(|kind| match kind {
            Kind::NodeEntered { node, .. } => Some(node.to_string()),
            _ => None,
        });
        (items, node)
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
