//! A small company to play in.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use leg::Prompt;
use switch::{Config, Destination, Trunk, User};

/// The menu that most tests call: 1 for the queue, 2 to be dialled through to 102, three attempts.
const MENU: &str = "\
version: 1
nodes:
  menu:
    menu:
      prompt: welcome
      timeout: 2s
      attempts: 3
      keys: {1: sales, 2: direct, 3: recorded, 4: bye, 5: thanked}
      exhausted: bye
  sales:
    queue: {name: sales, timed_out: bye, full: bye, no_agents: bye}
    next: hangup
  direct:
    dial: {user: 102, ring_time: 10s, busy: bye, no_answer: bye, declined: bye, failed: bye}
    next: hangup
  recorded:
    record: start
    next: sales
  thanked:
    queue: sales
    next: bye
  bye:
    play: goodbye
    next: hangup
";

/// The company of the tests: 1000 the menu, 101 and 102 agents of `sales`, 201 the queue without a menu.
#[must_use]
pub fn company() -> Config {
    let faults = yaml::Faults::default();
    let flow = ivr::Flow::read("main", &yaml::Source::new("main.yaml", MENU), &faults);
    assert!(faults.is_empty(), "{:?}", faults.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>());
    let user = |port: u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let contact = sip_message::Uri::from_address(address).with_user("agent");
        User { display: None, place: switch::Place::Fixed(switch::FixedPhone { contact, address, reached_at: None }) }
    };
    let mut queue = acd::QueueConfig::new("sales", vec!["101".into(), "102".into()]);
    queue.max_wait = Some(Duration::from_secs(120));
    let agents = ["101", "102"].map(|name| acd::AgentConfig { name: name.into() });
    Config {
        trunks: vec![Trunk { name: "local".into(), sources: vec!["127.0.0.2/32".parse().unwrap()] }],
        users: [("101".into(), user(5071)), ("102".into(), user(5072))].into(),
        numbers: [
            ("1000".into(), Destination::Flow("main".into())),
            ("101".into(), Destination::User("101".into())),
            ("201".into(), Destination::Queue("sales".into())),
        ]
        .into(),
        flows: [("main".into(), Arc::new(flow.unwrap()))].into(),
        queues: vec![queue],
        agents: agents.into(),
        queue_music: [("sales".into(), "music".into())].into(),
        prompts: Arc::new(["welcome", "goodbye", "music"].map(|name| (name.into(), Prompt::from_samples(&[0]))).into()),
        ..Config::default()
    }
}
