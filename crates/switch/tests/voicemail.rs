//! Voice messages: what a caller leaves is kept unless somebody says otherwise; its owner hears it by his own phone, and his lamp follows.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod common;

use common::{SECOND, Scene};
use ivr::MessageOutcome;
use journal::Kind;
use switch::{Destination, Mailbox};

const FLOW: &str = "\
version: 1
nodes:
  leave:
    voicemail: { mailbox: 101, greeting: welcome, review: { prompt: welcome }, full: full, empty: full }
    next: hangup
  full: { play: goodbye, next: hangup }
";
const HEAR: &str = "\
version: 1
nodes:
  hear: { mailbox: { name: own, menu: welcome, denied: denied }, next: hangup }
  denied: { hangup: rejected }
";
const HEAR_101: &str = "\
version: 1
nodes:
  hear: { mailbox: { name: 101, menu: welcome, denied: denied }, next: hangup }
  denied: { hangup: rejected }
";

fn scene(most: u32) -> Scene {
    let mut config = sim::company();
    let faults = yaml::Faults::default();
    let sources = [
        ("main", yaml::Source::new("main.yaml", FLOW)),
        ("hear", yaml::Source::new("hear.yaml", HEAR)),
        ("hear-101", yaml::Source::new("hear-101.yaml", HEAR_101)),
    ];
    let flows = ivr::Flows::read(sources.iter().map(|(name, source)| (*name, source)), &faults);
    config.flows = flows.unwrap().into();
    config.numbers.insert("1009".into(), Destination::Flow("hear".into()));
    config.numbers.insert("1010".into(), Destination::Flow("hear-101".into()));
    config.mailboxes =
        ["101", "102"].map(|name| (name.into(), Mailbox { users: [name.into()].into(), max_messages: most })).into();
    Scene::of(config)
}

impl Scene {
    fn finish_play(&mut self) {
        let leg = self.world.caller_leg();
        self.world.finish_play(leg);
        self.world.run(SECOND);
    }

    /// A caller who speaks.
    fn speak(&mut self) {
        self.call("1000");
        self.finish_play();
        assert_eq!(self.world.media.letters.len(), 1, "a message is being taken");
    }

    fn messages(&self) -> Vec<bool> {
        self.world.letters.boxes.get("101").into_iter().flatten().map(|(_, heard)| *heard).collect()
    }

    fn told(&self) -> Vec<String> {
        let word = |event: &journal::Event| match &event.kind {
            Kind::VoicemailLeft(left) => Some(format!("left {}", left.mailbox)),
            Kind::VoicemailNotLeft(left) => Some(format!("not {}", left.why)),
            Kind::VoicemailHeard(message) => Some(format!("heard {}", message.heard)),
            Kind::VoicemailDeleted { .. } => Some("deleted".to_owned()),
            _ => None,
        };
        self.world.journal.iter().filter_map(word).collect()
    }
}

#[test]
fn who_hangs_up_has_left_what_he_said() {
    let mut s = scene(9);
    s.speak();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!((s.messages(), s.told()), (vec![false], vec!["left 101".to_owned()]));
    s.end();
}

#[test]
fn who_hangs_up_while_he_is_asked_has_left_it_too_and_who_deletes_it_has_not() {
    let mut s = scene(9);
    s.speak();
    s.press('#');
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.messages(), [false]);
    s.end();
    let mut s = scene(9);
    s.speak();
    s.press('#');
    s.press('1');
    s.press('4');
    assert_eq!((s.messages(), s.told()), (vec![], vec!["not deleted".to_owned()]));
}

#[test]
fn a_message_of_nothing_and_a_disk_that_takes_none_are_ways_of_the_flow() {
    for (outcome, why) in [(MessageOutcome::NothingSaid, "not nothing_said"), (MessageOutcome::Failed, "not disk")] {
        let mut s = scene(9);
        s.world.letters.outcome = outcome;
        s.speak();
        s.press('#');
        assert_eq!((s.messages(), s.told()), (vec![], vec![why.to_owned()]));
        assert!(
            s.world
                .journal
                .iter()
                .any(|event| matches!(&event.kind, Kind::NodeEntered { node, .. } if **node == *"full"))
        );
    }
}

#[test]
fn a_full_mailbox_takes_no_more_those_included_that_are_being_taken() {
    let mut s = scene(1);
    s.speak();
    s.dial(s.other, "4930124", "1000");
    assert_eq!(s.told(), ["not full"]);
    s.hang_up(s.caller);
    s.world.run(SECOND);
    s.call("1000");
    assert_eq!(s.told(), ["not full", "left 101", "not full"]);
}

#[test]
fn the_owner_hears_his_messages_and_nobody_else_does() {
    let mut s = scene(9);
    s.speak();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    s.dial(s.ada, "101", "1009");
    s.finish_play();
    assert_eq!(s.messages(), [true], "heard to its end");
    s.press('4');
    assert_eq!(s.messages(), [false], "kept as new");
    s.dial(s.ada, "101", "1009");
    s.press('3');
    assert_eq!((s.messages().len(), s.told().pop()), (0, Some("deleted".to_owned())));
    s.speak();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    s.call("1009");
    assert!(
        s.world
            .journal
            .iter()
            .any(|event| matches!(&event.kind, Kind::NodeEntered { node, .. } if **node == *"denied"))
    );
}

#[test]
fn a_mailbox_by_its_name_is_for_its_users_alone() {
    let mut s = scene(9);
    s.speak();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    let denied = |s: &Scene| {
        let is = |event: &&journal::Event| matches!(&event.kind, Kind::NodeEntered { node, .. } if **node == *"denied");
        s.world.journal.iter().filter(is).count()
    };
    s.dial(s.alan, "102", "1010");
    assert_eq!(denied(&s), 1);
    s.dial(s.ada, "101", "1010");
    s.finish_play();
    assert_eq!((denied(&s), s.messages()), (1, vec![true]));
}

#[test]
fn whom_the_owner_sends_on_to_his_mailbox_does_not_hear_it() {
    let mut s = scene(9);
    s.speak();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    s.dial(s.ada, "101", "102");
    s.answer(s.alan);
    s.world.with_phone(s.ada, |phone, now| phone.refer(now, "1009"));
    s.world.run(SECOND);
    let opened = |event: &journal::Event| matches!(&event.kind, Kind::NodeEntered { node, .. } if **node == *"hear");
    assert!(s.world.journal.iter().any(opened), "he came there");
    assert!(s.world.media.plays.is_empty(), "he hears nothing of it");
    assert_eq!((s.messages(), s.told()), (vec![false], vec!["left 101".to_owned()]));
    assert_eq!(s.world.breaches(), []);
}

#[test]
fn who_begins_anew_leaves_what_he_said_last() {
    let mut s = scene(1);
    s.speak();
    s.press('#');
    s.press('2');
    s.finish_play();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!((s.messages(), s.told()), (vec![false], vec!["not deleted".to_owned(), "left 101".to_owned()]));
    s.end();
}

#[test]
fn a_place_that_a_message_held_is_free_once_it_is_deleted() {
    let mut s = scene(1);
    s.speak();
    s.press('#');
    s.press('4');
    s.world.run(SECOND);
    s.speak();
    s.hang_up(s.caller);
    s.world.run(SECOND);
    assert_eq!(s.told(), ["not deleted", "left 101"]);
}
