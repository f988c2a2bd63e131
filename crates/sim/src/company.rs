//! A small company to play in.
//!
//! | number | reaches |
//! |---|---|
//! | 1000 | the menu: 1 the queue, 2 user 102, 3 the queue with a recording, 4 goodbye, 5 the queue and then goodbye |
//! | 101 to 104 | that user's phone: 101 and 102 at fixed addresses, 103 and 104 where they register |
//! | 201 | the queue `sales`, which all four serve |
//!
//! Whoever calls from 127.0.0.2 is the trunk `local`.
#![allow(clippy::unwrap_used, reason = "what is read here are constants of this file")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use leg::Prompt;
use sip::digest::{Algorithm, Secret};
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

/// The realm of its digest authentication.
const REALM: &str = "test";

/// The password of every user who registers.
pub const PASSWORD: &str = "open sesame";

/// The company of the tests, as at the top of this file.
#[must_use]
pub fn company() -> Config {
    let faults = yaml::Faults::default();
    let flow = ivr::Flow::read("main", &yaml::Source::new("main.yaml", MENU), &faults);
    assert!(faults.is_empty(), "{:?}", faults.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>());
    let user = |port: u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let contact = sip_message::Uri::from_address(address).with_user("agent");
        User::at(switch::Place::Fixed(switch::Peer { contact, address, reached_at: None }))
    };
    let everybody = ["101", "102", "103", "104"];
    let mut queue = acd::QueueConfig::new("sales", everybody.map(Into::into).into());
    queue.max_wait = Some(Duration::from_secs(120));
    let agents = everybody.map(|name| acd::AgentConfig { name: name.into() });
    let registers = || User::at(switch::Place::Registered);
    let secret = |name: &str| (name.into(), Secret::of(name, REALM, PASSWORD));
    Config {
        trunks: vec![Trunk::incoming("local", vec!["127.0.0.2/32".parse().unwrap()])],
        realm: REALM.into(),
        algorithms: vec![Algorithm::Sha256],
        secrets: [secret("103"), secret("104")].into(),
        users: [
            ("101".into(), user(5071)),
            ("102".into(), user(5072)),
            ("103".into(), registers()),
            ("104".into(), registers()),
        ]
        .into(),
        numbers: everybody
            .map(|name| (name.into(), Destination::User(name.into())))
            .into_iter()
            .chain([("1000".into(), Destination::Flow("main".into()))])
            .chain([("201".into(), Destination::Queue("sales".into()))])
            .collect(),
        flows: [("main".into(), Arc::new(flow.unwrap()))].into(),
        queues: vec![queue],
        agents: agents.into(),
        queue_music: [("sales".into(), "music".into())].into(),
        prompts: Arc::new(["welcome", "goodbye", "music"].map(|name| (name.into(), Prompt::from_samples(&[0]))).into()),
        ..Config::default()
    }
}

/// The company as it is, or as its operator may have changed it while calls live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// As it is.
    Whole,
    /// Without queues, and so without agents.
    WithoutQueues,
    /// Without user 101.
    Without101,
    /// 102 is no agent any more.
    Without102,
    /// Without user 103, who registers.
    Without103,
    /// Without menus, numbers and prompts.
    WithoutNumbers,
    /// Nobody waits for longer than two seconds.
    Impatient,
}

impl Company {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Whole,
        Self::WithoutQueues,
        Self::Without101,
        Self::Without102,
        Self::Without103,
        Self::WithoutNumbers,
        Self::Impatient,
    ];

    /// What scenarios call it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::WithoutQueues => "without_queues",
            Self::Without101 => "without_101",
            Self::Without102 => "without_102",
            Self::Without103 => "without_103",
            Self::WithoutNumbers => "without_numbers",
            Self::Impatient => "impatient",
        }
    }

    /// Its configuration.
    pub(crate) fn config(self) -> Config {
        let mut config = company();
        let dismiss = |config: &mut Config, name: &str| config.agents.retain(|agent| agent.name.as_str() != name);
        match self {
            Self::Whole => {}
            Self::WithoutQueues => {
                config.queues.clear();
                config.agents.clear();
            }
            Self::Without101 | Self::Without103 => {
                let name = if self == Self::Without101 { "101" } else { "103" };
                config.users.remove(name);
                config.secrets.remove(name);
                dismiss(&mut config, name);
            }
            Self::Without102 => dismiss(&mut config, "102"),
            Self::WithoutNumbers => {
                config.flows.clear();
                config.numbers.clear();
                config.prompts = Arc::default();
            }
            Self::Impatient => config.queues.iter_mut().for_each(|queue| queue.max_wait = Some(Duration::from_secs(2))),
        }
        config
    }
}
