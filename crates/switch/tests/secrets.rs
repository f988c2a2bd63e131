//! Secrets that a caller types: which keys they were, the journal does not say, and recordings have silence meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod common;

use std::sync::{Arc, Mutex};

use common::{SECOND, Scene};
use journal::Kind;
use routing::{Decision, LongestIdle, Snapshot, Strategy};

const PIN: &str = "\
version: 1
nodes:
  begin: {record: start, next: menu}
  menu:
    menu: {prompt: welcome, keys: {1: pin, 2: words}, attempts: forever}
  words: {play: {prompt: goodbye, barge_in: false}, next: pin}
  pin:
    collect: {prompt: welcome, into: pin, digits: 4, secret: true, attempts: 2, exhausted: menu}
    next: account
  account:
    collect: {prompt: welcome, into: account, digits: 4, exhausted: menu}
    next: direct
  direct:
    dial: {user: 102}
    next: hangup
";

fn scene() -> Scene {
    let mut config = sim::company();
    let faults = yaml::Faults::default();
    let flows = ivr::Flows::read([("main", &yaml::Source::new("main.yaml", PIN))], &faults);
    config.flows = flows.unwrap().into();
    let mut scene = Scene::of(config);
    scene.call("1000");
    scene
}

impl Scene {
    fn types(&mut self, keys: &str) {
        keys.chars().for_each(|key| self.press(key));
    }

    fn is_masked(&self) -> bool {
        self.world.media.masks.contains_key(&self.world.caller_leg())
    }

    /// What the journal says of keys, masks and what was collected.
    fn told(&self) -> String {
        let word = |event: &journal::Event| match &event.kind {
            Kind::Digit { key } => Some(key.reveal().map_or('x', |key| key).to_string()),
            Kind::Collected { variable, digits } => {
                Some(format!(" {variable}={} ", digits.reveal().as_deref().unwrap_or("x")))
            }
            Kind::MaskBegan { both: false } => Some("(".to_owned()),
            Kind::MaskBegan { both: true } => Some("[".to_owned()),
            Kind::MaskEnded => Some(")".to_owned()),
            _ => None,
        };
        self.world.journal.iter().filter_map(word).collect()
    }
}

#[test]
fn the_journal_has_no_key_of_a_secret_and_the_media_masks_it() {
    let mut s = scene();
    assert!(!s.is_masked());
    s.types("1");
    assert!(s.is_masked());
    s.types("47");
    s.world
        .with_phone(s.caller, |phone, now| phone.tell(now, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"));
    s.world.run(SECOND);
    assert!(s.is_masked());
    s.types("2");
    assert!(!s.is_masked());
    s.types("8150");
    assert_eq!(s.told(), "1(xxxx pin=x )8150 account=8150 ");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_flow_keeps_both_sides_of_a_talk_out_of_the_recording() {
    let mut config = sim::company();
    let faults = yaml::Faults::default();
    let flow = "
version: 1
nodes:
  begin: {record: start, next: hide}
  hide: {record: mask, next: pin}
  pin: {collect: {prompt: welcome, into: pin, digits: 1, secret: true, exhausted: hangup}, next: pay}
  pay: {queue: sales, next: show}
  show: {record: unmask, next: menu}
  menu: {menu: {prompt: welcome, keys: {1: menu}, exhausted: hangup}}
";
    let flows = ivr::Flows::read([("main", &yaml::Source::new("main.yaml", flow))], &faults);
    config.flows = flows.unwrap().into();
    let mut s = Scene::of(config);
    s.call("1000");
    let caller = s.world.caller_leg();
    let masked = |s: &Scene| s.world.media.masks.get(&caller).copied();
    assert_eq!(masked(&s), Some(leg::Masked::Both));
    s.types("4");
    s.answer(s.ada);
    assert_eq!(masked(&s), Some(leg::Masked::Both), "the secret's end is not that of the talk");
    s.hang_up(s.ada);
    s.world.run(SECOND);
    assert_eq!(masked(&s), None);
    assert_eq!(s.told(), "[x pin=x )");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn what_is_typed_ahead_of_a_secret_is_not_told_either() {
    let mut s = scene();
    s.types("247");
    assert_eq!(s.told(), "2xx", "the words are heard to their end, and the keys thrown away");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn attempts_that_fail_stay_masked_and_their_end_does_not() {
    let mut s = scene();
    s.types("1*");
    assert!(s.is_masked());
    s.types("#");
    assert!(!s.is_masked());
    assert_eq!(s.told(), "1(xx)");
    s.hang_up(s.caller);
    s.end();
}

#[test]
fn a_caller_may_hang_up_while_he_is_asked() {
    let mut s = scene();
    s.types("14");
    s.hang_up(s.caller);
    s.end();
    assert_eq!(s.told(), "1(x");
}

const QUEUE: &str = "\
version: 1
nodes:
  pin:
    collect: {prompt: welcome, into: pin, digits: 4, secret: true, exhausted: hangup}
    next: account
  account:
    collect: {prompt: welcome, into: account, digits: 4, exhausted: hangup}
    next: made
  made:
    set: {made: \"'0' + pin\", again: \"made + '0'\", right: \"pin == '4711'\", vip: \"account == '0815'\"}
    next: wait
  wait: {queue: {name: sales}, next: hangup}
";

/// Longest idle; keeps the last snapshot as whoever is asked outside the process gets it.
struct Recorder(Arc<Mutex<String>>);

impl Strategy for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        *self.0.lock().unwrap() = serde_json::to_string(snapshot).unwrap();
        LongestIdle.decide(snapshot)
    }
}

#[test]
fn a_strategy_sees_the_flows_variables_and_no_secret_nor_what_was_made_of_one() {
    let faults = yaml::Faults::default();
    let flows = ivr::Flows::read([("main", &yaml::Source::new("main.yaml", QUEUE))], &faults);
    let said: Vec<String> = faults.into_sorted().iter().map(ToString::to_string).collect();
    let config = switch::Config { flows: flows.unwrap_or_else(|| panic!("{said:?}")).into(), ..sim::company() };
    let told = Arc::default();
    let mut s = Scene::within(sim::World::with_strategy(config, 1, Box::new(Recorder(Arc::clone(&told)))));
    s.call("1000");
    s.types("4711");
    s.world.run(SECOND);
    s.types("0815");
    s.world.run(SECOND);
    let text = told.lock().unwrap().clone();
    let snapshot: serde_json::Value = serde_json::from_str(&text).unwrap();
    let call = &snapshot["question"]["call"];
    let expected = serde_json::json!({ "account": "0815", "right": true, "vip": true });
    assert_eq!(call["variables"]["values"], expected, "{text}");
    assert_eq!(call["way"].as_array().unwrap().last(), Some(&serde_json::json!("main/wait")));
    assert!(!text.contains("4711"), "{text}");
    s.hang_up(s.caller);
    s.end();
}
