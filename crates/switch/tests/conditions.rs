//! Conditions of flows on what the switch knows: how queues stand, who called before.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

mod common;

use std::sync::Arc;

use base::Pii;
use common::{SECOND, Scene};
use journal::Kind;
use sim::company;
use switch::{Config, Destination};
use yaml::{Faults, Source};

fn with_flow(text: &str) -> Config {
    let faults = Faults::default();
    let source = Source::new("main.yaml", text);
    let flows = ivr::Flows::read([("main", &source)], &faults);
    let said: String = faults.into_sorted().iter().map(ToString::to_string).collect();
    let flows = flows.unwrap_or_else(|| panic!("{said}"));
    let numbers = [("1000", Destination::Flow("main".into())), ("2000", Destination::Queue("sales".into()))];
    Config { flows: Arc::new(flows), numbers: numbers.map(|(number, to)| (number.into(), to)).into(), ..company() }
}

fn chosen(scene: &Scene) -> Option<u32> {
    scene.world.last(|kind| match kind {
        Kind::Chosen { case, failure: None, .. } => Some(*case),
        Kind::Chosen { failure: Some(why), .. } => panic!("{why}"),
        _ => None,
    })
}

#[test]
fn a_condition_sees_who_waits_in_a_queue_and_for_how_long() {
    let text = "
version: 1
nodes:
  who:
    when:
      - {if: \"queues['sales'].waiting == 0 && queues['sales'].free == 2\", next: end}
      - {if: \"queues['sales'].waiting == 1 && queues['sales'].free == 1\", next: end}
      - {if: \"queues['sales'].waiting == 3 && queues['sales'].free == 0 && queues['sales'].longest_wait >= 4\", next: end}
      - {otherwise: end}
  end: {play: welcome, next: hangup}
";
    let mut scene = Scene::of(with_flow(text));
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(1));
    scene.dial(scene.other, "4930124", "2000");
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(2), "a phone rings for one who waits");
    scene.dial(scene.other, "4930125", "2000");
    scene.dial(scene.other, "4930126", "2000");
    scene.world.run(4 * SECOND);
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(3));
}

#[test]
fn a_caller_who_called_before_is_known_also_from_an_earlier_run() {
    let text = "
version: 1
nodes:
  who:
    when:
      - {if: \"repeat.today == 2 && now - repeat.last < duration('2m')\", next: end}
      - {if: \"repeat.today == 1 && now - repeat.last >= duration('1h') && now - repeat.last < duration('1h1m')\", next: end}
      - {if: \"repeat.today == 0 && repeat.last == null\", next: end}
      - {otherwise: end}
  end: {play: welcome, next: hangup}
";
    let mut scene = Scene::of(with_flow(text));
    let earlier = base::Wall::from_unix_micros(scene.world.now.wall.as_unix_micros() - 3_600_000_000);
    scene.world.switch.restore_callers(vec![(earlier, Pii::new("4930123".to_owned()))]);
    scene.dial(scene.other, "4930124", "1000");
    assert_eq!(chosen(&scene), Some(3));
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(2));
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(1));
}

#[test]
fn who_called_is_remembered_only_while_a_flow_reads_it() {
    let asks = "
version: 1
nodes:
  who:
    when:
      - {if: \"repeat.today == 0\", next: end}
      - {if: \"repeat.today == 1\", next: end}
      - {otherwise: end}
  end: {play: welcome, next: hangup}
";
    let forgets = "version: 1\nnodes:\n  end: {play: welcome, next: hangup}\n";
    let mut scene = Scene::of(with_flow(forgets));
    scene.call("1000");
    scene.world.reconfigure(with_flow(asks));
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(1), "nothing was kept while nobody asked");
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(2));
    scene.world.reconfigure(with_flow(forgets));
    scene.call("1000");
    scene.world.reconfigure(with_flow(asks));
    scene.call("1000");
    assert_eq!(chosen(&scene), Some(1), "what was kept is given back");
}
