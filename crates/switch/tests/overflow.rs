//! A strategy sends callers out of their queue: to another queue, to a flow, to numbers of the plan, and to places that are none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "this is test code")]

mod common;

use std::sync::Arc;

use acd::QueueConfig;
use common::{QUIET, SECOND, Scene};
use journal::{Kind, OfferMade, QueueExit};
use routing::{Action, Decision, LongestIdle, Snapshot, Strategy, Target};
use sim::{Seen, World, company};
use switch::{Config, Destination, Mailbox};
use yaml::{Faults, Source};

/// Sends whoever comes to `sales` there; elsewhere longest idle decides.
struct Away(Target);

impl Strategy for Away {
    fn name(&self) -> &str {
        "away"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        match snapshot.calls().first().filter(|call| call.queue.as_str() == "sales") {
            Some(call) => Decision::new(Action::Overflow { call: call.id, to: self.0.clone() }, "away from here"),
            None => LongestIdle.decide(snapshot),
        }
    }
}

const MAIN: &str = "
version: 1
nodes:
  wait: {queue: {name: sales}, next: after}
  after: {play: {prompt: goodbye}, next: hangup}
";
const OTHER: &str = "
version: 1
nodes:
  there: {queue: {name: support}, next: hangup}
";

/// A caller by the flow `main`, whose queue sends him there.
fn sent(to: Target) -> Scene {
    let faults = Faults::default();
    let flows = [("main", &Source::new("main.yaml", MAIN)), ("other", &Source::new("other.yaml", OTHER))];
    let flows = ivr::Flows::read(flows, &faults).unwrap();
    let numbers = [
        ("1000", Destination::Flow("main".into())),
        ("1001", Destination::Flow("other".into())),
        ("2002", Destination::Queue("support".into())),
        ("102", Destination::User("102".into())),
    ];
    let numbers = numbers.map(|(number, to)| (number.into(), to)).into();
    let mut config = Config { flows: Arc::new(flows), numbers, ..company() };
    config.mailboxes = [
        ("sales", Mailbox::default()),
        // It has no room.
        ("full", Mailbox { max_messages: 0, ..Mailbox::default() }),
    ]
    .map(|(name, mailbox)| (name.into(), mailbox))
    .into();
    config.queues =
        vec![QueueConfig::new("sales", vec!["101".into()]), QueueConfig::new("support", vec!["102".into()])];
    let mut s = Scene::within(World::with_strategy(config, 1, Box::new(Away(to))));
    s.call("1000");
    s
}

impl Scene {
    fn entered(&self, flow: &str) -> bool {
        self.world.count(|kind| matches!(kind, Kind::NodeEntered { flow: at, .. } if &**at == flow)) > 0
    }

    fn overflows(&self) -> usize {
        self.world.count(|kind| matches!(kind, Kind::QueueLeft { why: QueueExit::Overflowed, .. }))
    }

    /// Agent 102 rings, talks with him and hangs up: then his call is over, without another word of his first flow.
    fn assert_102_ends_it(&mut self) {
        assert!(self.saw(self.alan, &Seen::Rings) && !self.saw(self.ada, &Seen::Rings));
        self.answer(self.alan);
        self.world.run(SECOND);
        assert_eq!(self.world.media.bridges.len(), 2, "both ways");
        self.hang_up(self.alan);
        self.world.run(QUIET);
        assert!(self.saw(self.caller, &Seen::Ended));
        assert_eq!(self.world.count(|kind| matches!(kind, Kind::NodeEntered { node, .. } if &**node == "after")), 0);
        assert!(self.world.switch.is_quiet(), "{:?}", self.world.switch);
        let cdr = &self.world.cdrs[0];
        assert_eq!((cdr.agent.as_deref(), &*cdr.cause), (Some("102"), "bye"));
    }
}

#[test]
fn a_flow_takes_him_in_the_place_of_his_own() {
    let mut s = sent(Target::Flow("other".to_owned()));
    assert!(s.entered("other"));
    assert_eq!(s.overflows(), 1);
    s.assert_102_ends_it();
}

#[test]
fn a_number_leads_to_a_flow_or_a_user() {
    let mut s = sent(Target::Number("1001".to_owned()));
    assert!(s.entered("other"));
    s.assert_102_ends_it();
    let mut s = sent(Target::Number("102".to_owned()));
    assert!(!s.entered("other"));
    s.assert_102_ends_it();
}

#[test]
fn in_another_queue_he_has_waited_since_he_came_to_the_first() {
    for to in [Target::Queue("support".into()), Target::Number("2002".to_owned())] {
        let mut s = sent(to);
        assert_eq!(s.overflows(), 1);
        let joined = s.world.count(|kind| matches!(kind, Kind::QueueJoined { queue } if &**queue == "support"));
        assert_eq!(joined, 1);
        assert!(s.saw(s.alan, &Seen::Rings));
        s.answer(s.alan);
        s.world.run(SECOND);
        s.hang_up(s.alan);
        s.world.run(SECOND);
        // The queue was his flow's: that goes on.
        assert_eq!(s.world.count(|kind| matches!(kind, Kind::NodeEntered { node, .. } if &**node == "after")), 1);
    }
}

#[test]
fn a_mailbox_takes_his_message_and_his_call_is_over() {
    let mut s = sent(Target::Voicemail("sales".to_owned()));
    assert_eq!(s.overflows(), 1);
    assert!(s.entered("voicemail:sales"));
    // The tone after which he speaks, and the key that ends it.
    s.world.finish_play(s.world.caller_leg());
    s.world.run(SECOND);
    s.press('#');
    s.world.run(QUIET);
    let left = |kind: &Kind| matches!(kind, Kind::VoicemailLeft(left) if &*left.mailbox == "sales");
    assert_eq!(s.world.count(left), 1);
    assert!(s.saw(s.caller, &Seen::Ended));
    assert!(!s.saw(s.ada, &Seen::Rings) && !s.saw(s.alan, &Seen::Rings));
    assert_eq!(s.world.count(|kind| matches!(kind, Kind::NodeEntered { node, .. } if &**node == "after")), 0);
    assert!(s.world.switch.is_quiet(), "{:?}", s.world.switch);
}

#[test]
fn to_places_that_are_none_nobody_is_sent_and_longest_idle_decides() {
    let mailboxes = ["full", "none"].map(|name| Target::Voicemail(name.to_owned()));
    let others = [Target::Flow("nowhere".to_owned()), Target::Number("999".to_owned()), Target::Queue("none".into())];
    for to in mailboxes.into_iter().chain(others) {
        let mut s = sent(to);
        assert_eq!(s.overflows(), 0);
        let fallen_back = s.world.count(
            |kind| matches!(kind, Kind::OfferMade(OfferMade { why, .. }) if why.fallback && &*why.strategy == "longest-idle"),
        );
        assert_eq!(fallen_back, 1);
        assert!(s.saw(s.ada, &Seen::Rings));
    }
}

#[test]
fn flows_and_strategies_cannot_send_him_round_for_ever() {
    let mut s = sent(Target::Flow("main".to_owned()));
    assert_eq!(s.overflows(), 16);
    assert!(s.saw(s.ada, &Seen::Rings), "then longest idle decides");
    s.answer(s.ada);
    s.world.run(SECOND);
    s.hang_up(s.caller);
    s.world.run(QUIET);
    assert!(s.world.switch.is_quiet());
}
