//! The language that a flow chose holds for the rest of the call: prompts, the music of queues and of holding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::{SECOND, Scene};
use leg::{Item, Prompt};
use sim::company;
use switch::{Config, Prompts};

const FLOW: &str = "version: 1
nodes:
  choose: { menu: { prompt: welcome, keys: { 1: sales, 2: mandarin }, exhausted: hangup } }
  mandarin: { language: zh, next: hello }
  hello: { play: [welcome, { silence: 300ms }], next: sales }
  sales: { queue: sales, next: bye }
  bye: { play: goodbye, next: hangup }
";

/// A sound that no other is.
fn sound(sample: i16) -> Prompt {
    Prompt::from_samples(&[sample; 8])
}

/// English prompts are 1,000 and more, Mandarin ones 2,000.
fn in_two_languages() -> Config {
    let mut config = company();
    let music = config.waiting.values().next().and_then(|waiting| waiting.music.clone()).expect("music");
    let prompts = |base: i16| -> BTreeMap<_, _> {
        let names = [("welcome".into(), base + 100), ("goodbye".into(), base + 200), (music.clone(), base + 300)];
        names.map(|(name, sample)| (name, sound(sample))).into()
    };
    let languages = [("en".into(), prompts(1_000)), ("zh".into(), prompts(2_000))].into();
    config.prompts = Prompts::new("en".into(), languages, BTreeMap::new());
    let faults = yaml::Faults::default();
    let flows = ivr::Flows::read([("main", &yaml::Source::new("main.yaml", FLOW))], &faults);
    config.flows = Arc::new(flows.expect("a flow"));
    config
}

impl Scene {
    fn heard(&self) -> Vec<Item> {
        self.world.media.heard[&self.world.caller_leg()].to_vec()
    }
}

#[test]
fn prompts_queue_and_hold_speak_the_language_that_the_flow_chose() {
    let mut s = Scene::of(in_two_languages());
    s.call("1000");
    let leg = s.world.caller_leg();
    assert_eq!(s.heard(), [Item::Prompt(sound(1_100))]);
    s.world.press(leg, '2');
    assert_eq!(s.heard(), [Item::Prompt(sound(2_100)), Item::Silence(Duration::from_millis(300))]);
    s.world.finish_play(leg);
    assert_eq!(s.heard(), [Item::Prompt(sound(2_300))], "the queue's music");
    s.answer(s.ada);
    assert!(s.world.with_phone(s.ada, |phone, now| phone.change(now, "sendonly")));
    s.world.run(SECOND);
    assert_eq!(s.heard(), [Item::Prompt(sound(2_300))], "the music of who is held");
    s.hang_up(s.ada);
    assert_eq!(s.heard(), [Item::Prompt(sound(2_200))], "and on in the flow");
}

#[test]
fn who_chose_nothing_hears_the_first_language() {
    let mut s = Scene::of(in_two_languages());
    s.call("1000");
    s.world.press(s.world.caller_leg(), '1');
    assert_eq!(s.heard(), [Item::Prompt(sound(1_300))]);
}
