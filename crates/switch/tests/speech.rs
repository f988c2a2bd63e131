//! Texts that a driver speaks while a call waits: in time, too late, not at all, and not wanted any more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is test code")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use base::Pii;
use common::{SECOND, Scene};
use journal::Kind;
use leg::{Item, Prompt};
use switch::Speak;

const FLOW: &str = "\
version: 1
nodes:
  hello: {play: [welcome, {text: 'You call {{ dialled }}'}, {text: 'Hello'}], next: menu}
  menu:
    menu:
      prompt: [{text: 'Press 1, {{ caller.number }}'}]
      keys: {1: hello, 2: round, 3: wait}
      timeout: 1m
      exhausted: hangup
  round: {say: 'Nothing of {{ dialled }}', next: menu}
  wait: {queue: sales, next: hangup}
";

fn sound(sample: i16) -> Prompt {
    Prompt::from_samples(&[sample; 8])
}

/// The text `Hello` was spoken before.
fn scene() -> Scene {
    let mut config = sim::company();
    let faults = yaml::Faults::default();
    let flows = ivr::Flows::read([("main", &yaml::Source::new("main.yaml", FLOW))], &faults);
    config.flows = flows.unwrap().into();
    let hello = ivr::Speech { language: "en".into(), text: Pii::new("Hello".into()) };
    config.prompts = config.prompts.with_spoken(BTreeMap::from([(hello, sound(1000))]));
    let mut scene = Scene::of(config);
    scene.call("1000");
    scene
}

impl Scene {
    fn asked(&mut self) -> Option<Speak> {
        self.world.switch.poll_speak()
    }

    fn spoken(&mut self, id: u64, outcome: Result<Prompt, &'static str>) {
        let now = self.world.now;
        self.world.switch.handle_spoken(now, id, outcome);
        self.world.react();
    }

    fn heard(&self) -> Option<Vec<Item>> {
        self.world.media.heard.get(&self.world.caller_leg()).map(|items| items.to_vec())
    }

    fn unsaid(&self) -> Vec<String> {
        let words = self.world.journal.iter().filter_map(|event| match &event.kind {
            Kind::Unsaid { why } => Some(why.to_string()),
            _ => None,
        });
        words.collect()
    }
}

fn text(speak: &Speak) -> &str {
    speak.speech.text.reveal()
}

#[test]
fn all_is_played_once_the_texts_are_spoken_and_what_was_spoken_before_is_not_asked_for() {
    let mut s = scene();
    let ask = s.asked().unwrap();
    assert_eq!((text(&ask), &*ask.speech.language), ("You call 1000", "en"));
    assert_eq!(s.asked(), None);
    assert_eq!(s.heard(), None, "nothing before all is there");
    s.spoken(ask.id, Ok(sound(2000)));
    let heard = s.heard().unwrap();
    assert_eq!(heard[1..], [Item::Prompt(sound(2000)), Item::Prompt(sound(1000))]);
    assert!(s.unsaid().is_empty());
}

#[test]
fn a_text_that_is_not_spoken_is_left_out_and_the_journal_says_why_but_not_what() {
    let mut s = scene();
    let ask = s.asked().unwrap();
    s.spoken(ask.id, Err("failed"));
    assert_eq!(s.heard().unwrap().len(), 2);
    assert_eq!(s.unsaid(), ["failed"]);
    let written: String = s.world.journal.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    assert!(!written.contains("You call"), "{written}");
}

#[test]
fn a_text_that_takes_too_long_is_not_waited_for() {
    let mut s = scene();
    let ask = s.asked().unwrap();
    s.world.run(5 * SECOND);
    assert_eq!(s.heard().unwrap().len(), 2);
    assert_eq!(s.unsaid(), ["too_late"]);
    // What comes then changes nothing.
    s.spoken(ask.id, Ok(sound(2000)));
    assert_eq!(s.heard().unwrap().len(), 2);
    assert_eq!(s.unsaid(), ["too_late"]);
}

#[test]
fn keys_count_while_nothing_is_heard_yet() {
    let mut s = scene();
    let first = s.asked().unwrap();
    // It ends what would have played, and answers the menu behind it, whose text need not be spoken any more.
    s.press('3');
    assert_eq!(s.asked(), None);
    assert!(s.agent("101").is_some());
    assert_eq!(s.world.journal.iter().filter(|event| matches!(event.kind, Kind::QueueJoined { .. })).count(), 1);
    let music = s.heard();
    s.spoken(first.id, Ok(sound(2000)));
    assert_eq!(s.heard(), music, "he hears the queue's music, and no text");
}

#[test]
fn a_way_round_takes_time_though_nothing_of_it_is_spoken() {
    let mut s = scene();
    let first = s.asked().unwrap();
    s.spoken(first.id, Err("failed"));
    s.world.finish_play(s.world.caller_leg());
    let menu = s.asked().unwrap();
    assert_eq!(text(&menu), "Press 1, 4930123");
    s.spoken(menu.id, Err("failed"));
    assert_eq!(s.heard().unwrap(), [Item::Silence(Duration::from_millis(200))]);
}

#[test]
fn who_hangs_up_meanwhile_is_gone() {
    let mut s = scene();
    let ask = s.asked().unwrap();
    s.hang_up(s.caller);
    s.spoken(ask.id, Ok(sound(2000)));
    s.world.run(60 * SECOND);
    assert!(s.unsaid().is_empty());
    assert_eq!(s.world.switch.live_calls(), 0);
}
