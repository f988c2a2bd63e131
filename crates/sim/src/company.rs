//! A small company to play in.
//!
//! | number | reaches |
//! |---|---|
//! | 1000 | the menu: 1 the queue, 2 user 102, 3 the queue with a recording, 4 goodbye, 5 the queue and then goodbye |
//! | 101 to 104 | that user's phone: 101 and 102 at fixed addresses, 103 and 104 where they register |
//! | 201 | the queue `sales`, which all four serve |
//!
//! Whoever calls from 127.0.0.2 is the trunk `local`.
//!
//! Scenarios have a company with a way out, too, and with hold music ([`Company::Whole`]):
//!
//! | number | reaches |
//! |---|---|
//! | +49… | outside by the trunk `carrier`: 101 and 103, two calls at once and a minute a day; +4917… 101 alone, one call at once |
//! | 1001 | a flow that calls +4930999, one call at once and two minutes a day; else `sales` for five seconds, then 102 |
//! | 112 | help, by the same trunk |
//! | *50 to *56 | what agents dial: log in and out, breaks, dispositions |
//!
//! Everybody may pick up what rings at 101, and 102 what rings at 103.
#![allow(clippy::unwrap_used, reason = "what is read here are constants of this file")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use leg::Prompt;
use sip::digest::{Algorithm, Secret};
use switch::{
    Asker, Codes, Config, Destination, Emergency, Feature, Grant, Peer, Prompts, TalkKey, TalkKeys, Trunk, User,
    Waiting, Watchers,
};

/// The menu that most tests call: 1 for the queue, 2 to be dialled through to 102, three attempts.
pub const MENU: &str = "\
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

/// A flow that calls out, and has the caller wait or rings 102 if that fails.
const OUT: &str = "\
version: 1
nodes:
  out:
    dial: {number: \"+4930999\", ring_time: 10s, busy: wait, no_answer: other, declined: other, failed: wait}
    next: bye
  wait:
    queue: {name: sales, max_wait: 5s, timed_out: other, full: bye, no_agents: bye}
    next: other
  other:
    dial: {user: 102, ring_time: 10s, busy: bye, no_answer: bye, declined: bye, failed: bye}
    next: bye
  bye:
    play: goodbye
    next: hangup
";

/// The trunk that calls leave by.
const CARRIER: &str = "carrier";

/// What is heard while one waits or is held.
const MUSIC: &str = "music";

/// The realm of its digest authentication.
const REALM: &str = "test";

/// The password of every user who registers.
pub const PASSWORD: &str = "open sesame";

/// The company of the tests, as at the top of this file.
#[must_use]
pub fn company() -> Config {
    let user = |port: u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let contact = sip_message::Uri::from_address(address).with_user("agent");
        User::at(switch::Place::Fixed(switch::Peer { contact, address, reached_at: None, listener: None }))
    };
    let everybody = ["101", "102", "103", "104"];
    let mut queue = acd::QueueConfig::new("sales", everybody.map(Into::into).into());
    queue.max_wait = Some(Duration::from_secs(120));
    let agents = everybody.map(acd::AgentConfig::new);
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
        flows: flows(&[("main", MENU)]),
        queues: vec![queue],
        agents: agents.into(),
        waiting: [("sales".into(), Waiting { music: Some(MUSIC.into()), ..Waiting::default() })].into(),
        prompts: prompts(&["welcome", "goodbye", MUSIC]),
        ..Config::default()
    }
}

/// The company of scenarios.
fn with_carrier() -> Config {
    let mut config = company();
    let address = carrier_address();
    let to = Peer { contact: sip_message::Uri::from_address(address), address, reached_at: None, listener: None };
    config.trunks.push(Trunk { to: Some(to.into()), ..Trunk::incoming(CARRIER, Vec::new()) });
    config.flows = flows(&[("main", MENU), ("out", OUT)]);
    config.numbers.insert("1001".into(), Destination::Flow("out".into()));
    let user = |name: &str| Asker::User(name.into());
    config.grants = [
        grant("inland", &[user("101"), user("103")], "+49", 2, 1),
        grant("mobile", &[user("101")], "+4917", 1, 10),
        grant("flow", &[Asker::Flow("out".into())], "+49", 1, 2),
    ]
    .map(|grant| (grant.name.clone(), grant))
    .into();
    config.emergency = Some(Emergency { numbers: ["112".into()].into(), trunk: CARRIER.into() });
    config.hold_music = Some(MUSIC.into());
    config.talk_keys = talk_keys();
    config.waiting.entry("sales".into()).or_default().return_time = Some(Duration::from_secs(10));
    config.duties.breaks = [("lunch".into(), 1), ("coaching".into(), 2)].into();
    config.duties.dispositions = [("sold".into(), 1), ("callback".into(), 2)].into();
    config.duties.codes = feature_codes();
    config.watchers = [("101".into(), Watchers::All), ("103".into(), Watchers::Only(["102".into()].into()))].into();
    config
}

/// `*2` with a number asks a third one, `*3` has all three talk, `*4` returns, `*5` with a number sends the caller on.
#[must_use]
pub fn talk_keys() -> TalkKeys {
    let codes = [("*2", TalkKey::Consult), ("*3", TalkKey::Confer), ("*4", TalkKey::Return), ("*5", TalkKey::Transfer)];
    TalkKeys(codes.map(|(code, does)| (code.into(), does)).into())
}

/// `*50` to `*56`.
#[must_use]
pub fn feature_codes() -> Codes {
    Codes::new(Feature::ALL.map(|feature| (feature.usual().into(), feature)))
}

fn grant(name: &str, askers: &[Asker], prefix: &str, at_once: usize, minutes_a_day: u32) -> Grant {
    let (askers, prefixes) = (askers.iter().cloned().collect(), vec![prefix.into()]);
    Grant { name: name.into(), askers, prefixes, trunk: CARRIER.into(), at_once, minutes_a_day }
}

fn flows(texts: &[(&str, &str)]) -> Arc<ivr::Flows> {
    let faults = yaml::Faults::default();
    let source = |name: &str, text: &str| yaml::Source::new(format!("{name}.yaml"), text);
    let sources: Vec<_> = texts.iter().map(|(name, text)| (*name, source(name, text))).collect();
    let flows = ivr::Flows::read(sources.iter().map(|(name, source)| (*name, source)), &faults);
    assert!(faults.is_empty(), "{:?}", faults.into_sorted().iter().map(ToString::to_string).collect::<Vec<_>>());
    Arc::new(flows.unwrap())
}

/// Where the far end of the trunk `carrier` is.
pub(crate) fn carrier_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 5], 5060))
}

/// The company of scenarios as it is, or as its operator may have changed it while calls live.
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
    /// Without menus and numbers; of the prompts, the music is left.
    WithoutNumbers,
    /// Nobody waits for longer than two seconds.
    Impatient,
    /// Without any way out: no trunk to call by, no grants.
    WithoutCarrier,
    /// Nobody is granted anything, but there is still the trunk.
    WithoutGrants,
    /// One call at once and one minute a day for each grant.
    Stingy,
}

impl Company {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Whole,
        Self::WithoutQueues,
        Self::Without101,
        Self::Without102,
        Self::Without103,
        Self::WithoutNumbers,
        Self::Impatient,
        Self::WithoutCarrier,
        Self::WithoutGrants,
        Self::Stingy,
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
            Self::WithoutCarrier => "without_carrier",
            Self::WithoutGrants => "without_grants",
            Self::Stingy => "stingy",
        }
    }

    /// Its configuration.
    pub(crate) fn config(self) -> Config {
        let mut config = with_carrier();
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
                config.flows = Arc::default();
                config.numbers.clear();
                config.prompts = prompts(&[MUSIC]);
            }
            Self::WithoutCarrier => {
                config.trunks.retain(|trunk| &*trunk.name != CARRIER);
                config.grants.clear();
                config.emergency = None;
            }
            Self::WithoutGrants => config.grants.clear(),
            Self::Stingy => config.grants.values_mut().for_each(|grant| (grant.at_once, grant.minutes_a_day) = (1, 1)),
            Self::Impatient => config.queues.iter_mut().for_each(|queue| queue.max_wait = Some(Duration::from_secs(2))),
        }
        config
    }
}

/// Prompts of no length to speak of.
fn prompts(names: &[&str]) -> Prompts {
    let sound = |name: &&str| ((*name).into(), Prompt::from_samples(&[0]));
    Prompts::of_one("en", names.iter().map(sound).collect())
}
