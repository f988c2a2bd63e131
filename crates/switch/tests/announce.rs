//! What callers who wait are told, when, and that it never keeps anybody from an agent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is test code"
)]

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{SECOND, Scene};
use ivr::{Languages, Spoken, Table};
use journal::Kind;
use leg::{Item, Prompt};
use sim::company;
use switch::{Config, Prompts};
use yaml::{Faults, Source};

const FLOW: &str = "version: 1
nodes:
  wait: { queue: { name: sales, announce: { position: 30s, wait: 1m }, keys: { 1: bye } }, next: hangup }
  bye: { play: goodbye, next: hangup }
";

/// A company with one agent, whose callers are told things in English.
fn told_in_english() -> Config {
    let mut config = company();
    config.queues[0].agents = vec!["101".into()];
    let faults = Faults::default();
    let table = Table::read("en", &Source::new("en.yaml", ivr::shipped_table("en").unwrap()), &faults).unwrap();
    let clips = [Spoken::Position, Spoken::Wait].map(|spoken| table.clips(&spoken).unwrap());
    let names = clips.into_iter().flatten().chain(["music", "goodbye"].map(Into::into));
    let prompts: BTreeMap<_, _> = names.map(|name| (name.clone(), sound(&name))).collect();
    config.prompts = Prompts::of_one("en", prompts);
    let flows = ivr::Flows::read([("main", &Source::new("main.yaml", FLOW))], &faults).expect("a flow");
    config.flows = Arc::new(flows.with_languages(Languages::new("en".into(), [Arc::new(table)])));
    config
}

/// A sound that is its name's alone.
fn sound(name: &str) -> Prompt {
    let sum = name.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 30_011);
    Prompt::from_samples(&[i16::try_from(sum).unwrap(); 8])
}

fn sounds(names: &[&str]) -> Vec<Item> {
    names.iter().map(|name| Item::Prompt(sound(name))).collect()
}

impl Scene {
    /// What the one who called last was told, in the order of time.
    fn told(&self) -> Vec<Vec<Item>> {
        let leg = self.world.caller_leg();
        let his = self.world.media.told.iter().filter(|(to, _)| *to == leg);
        his.map(|(_, items)| items.to_vec()).collect()
    }

    fn announced(&self) -> (Option<u32>, Option<[u32; 2]>) {
        self.world.last(|kind| match kind {
            Kind::Announced(told) => Some((told.position, told.wait_minutes)),
            _ => None,
        })
    }
}

const PLACE: fn(&'static str) -> Vec<Item> = |number| sounds(&["queue/you-are-number", number, "queue/in-the-queue"]);

/// Somebody talks with the agent, and somebody else waits.
fn one_talks_and_one_waits() -> Scene {
    let mut s = Scene::of(told_in_english());
    s.call("1000");
    s.answer(s.ada);
    s.dial(s.other, "4930124", "1000");
    s
}

#[test]
fn who_waits_is_told_his_place_at_once_and_at_the_interval_and_the_music_goes_on() {
    let mut s = one_talks_and_one_waits();
    let leg = s.world.caller_leg();
    assert_eq!(s.told(), [PLACE("numbers/1")], "nothing is known of waits");
    assert_eq!(s.announced(), (Some(1), None));
    let music = s.world.media.plays.get(&leg).copied();
    assert!(music.is_some());
    let third = s.world.phone("127.0.0.2:5092");
    s.dial(third, "4930125", "1000");
    assert_eq!(s.told(), [PLACE("numbers/2")]);
    s.world.run(SECOND * 28);
    assert_eq!(s.told().len(), 1);
    s.hang_up(s.other);
    s.world.run(SECOND * 2);
    assert_eq!(s.told(), [PLACE("numbers/2"), PLACE("numbers/1")], "one who was in front is gone");
    assert_eq!(s.world.media.heard[&leg].to_vec(), sounds(&["music"]), "it plays behind");
    s.hang_up(third);
    s.hang_up(s.caller);
    s.end_all(3);
}

#[test]
fn who_is_back_in_the_queue_as_his_agent_was_lost_is_told_his_place_again() {
    let mut config = told_in_english();
    config.waiting.entry("sales".into()).or_default().return_time = Some(Duration::ZERO);
    let mut s = Scene::of(config);
    s.call("1000");
    s.answer(s.ada);
    assert_eq!(s.world.media.told, []);
    let leg = s.world.media.bridges[&s.world.caller_leg()];
    s.world.unplug(s.ada);
    s.world.silence(leg);
    s.world.run(SECOND);
    assert_eq!(s.told(), [PLACE("numbers/1")]);
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn an_agent_who_answers_cuts_what_is_told_and_nothing_is_told_while_his_phone_rings() {
    let mut s = Scene::of(told_in_english());
    s.call("1000");
    s.world.run(SECOND * 10);
    assert_eq!(s.world.media.told, [], "a phone rings for him");
    s.answer(s.ada);
    s.dial(s.other, "4930124", "1000");
    let leg = s.world.caller_leg();
    assert_eq!(s.told().len(), 1);
    s.hang_up(s.ada);
    s.world.run(SECOND * 6);
    let (now, before) = (s.world.now, s.told().len());
    s.world.at(s.ada).answer(now);
    s.world.react();
    assert!(!s.world.media.plays.contains_key(&leg), "the music and all over it has stopped");
    assert!(s.world.media.bridges.contains_key(&leg), "and they talk, though no time went by");
    s.world.run(SECOND * 90);
    assert_eq!(s.told().len(), before);
    s.hang_up(s.ada);
    s.end_all(2);
}

#[test]
fn who_leaves_the_queue_is_told_nothing_any_more() {
    let mut s = one_talks_and_one_waits();
    s.press('1');
    s.world.run(SECOND * 60);
    assert_eq!(s.told().len(), 1);
    s.hang_up(s.other);
    s.hang_up(s.caller);
    s.end_all(2);
}

/// The agent takes one after the other, of whom two wait.
fn rounds(s: &mut Scene, phones: [SocketAddr; 3], from: usize, count: usize) {
    for round in from..from + count {
        s.world.run(SECOND * 10);
        s.hang_up(s.ada);
        s.world.run(SECOND * 7);
        s.answer(s.ada);
        s.dial(phones[round % 3], "4930124", "1000");
    }
}

#[test]
fn the_wait_is_told_once_it_is_known_and_held_against_what_happens() {
    let mut s = one_talks_and_one_waits();
    let third = s.world.phone("127.0.0.2:5092");
    s.dial(third, "4930125", "1000");
    let phones = [s.caller, s.other, third];
    rounds(&mut s, phones, 0, 10);
    assert_eq!(s.announced(), (Some(2), None), "ten waits are too few");
    rounds(&mut s, phones, 10, 40);
    assert_eq!(s.announced(), (Some(2), Some([0, 1])));
    let below = sounds(&["queue/you-will-wait-less-than", "numbers/1", "queue/minute"]);
    assert_eq!(s.told().last(), Some(&[PLACE("numbers/2"), below].concat()), "both together");
    let status = s.world.switch.handle_control(s.world.now, switch::control::Request::Status);
    let switch::control::Response::Status(status) = status else { panic!("{status:?}") };
    let queue = &status.queues[0];
    assert!(queue.forecasts.told > 0 && queue.forecasts.recent > Some(79), "{queue:?}");
    // A call every 19 seconds, and two before him.
    let [low, high] = queue.expected_wait_s.expect("it is known");
    assert!((15..=60).contains(&low) && (40..=80).contains(&high), "{queue:?}");
    for phone in phones {
        s.hang_up(phone);
    }
    s.end_all(53);
}
