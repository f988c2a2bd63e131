//! `queues.yaml`: where callers wait, and for whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use acd::{AgentConfig, QueueConfig};
use routing::{AgentName, QueueName};
use switch::PromptName;
use yaml::{Faults, Map, Shape, Value};

use crate::{Catalogue, or};

const QUEUE: Shape =
    Shape { what: "a queue", keys: &["agents", "strategy", "music", "ring_time", "wrap_up", "max_wait", "max_length"] };

/// All queues, everyone who serves one, and the music.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub queues: Vec<QueueConfig>,
    pub agents: Vec<AgentConfig>,
    pub music: HashMap<QueueName, PromptName>,
}

/// Reads the map at `value`; what it names is looked up in `catalogue`.
pub(crate) fn read(value: &Value<'_>, catalogue: &mut Catalogue, faults: &Faults) -> Queues {
    let mut all = Queues::default();
    let mut agents: BTreeSet<AgentName> = BTreeSet::new();
    for (key, value) in value.entries("a map of queues").unwrap_or_default() {
        let (name, map) = (key.name(), value.map(&QUEUE));
        let Some(map) = map else { continue };
        let queue = queue(name.unwrap_or_default(), &map, catalogue, faults);
        let music = catalogue.prompt(&map, "music", faults);
        if let (Some(music), Some(name)) = (music, name) {
            all.music.insert(name.into(), music);
        }
        agents.extend(queue.agents.iter().cloned());
        all.queues.push(queue);
    }
    all.agents = agents.into_iter().map(|name| AgentConfig { name }).collect();
    all
}

fn queue(name: &str, map: &Map<'_>, catalogue: &mut Catalogue, faults: &Faults) -> QueueConfig {
    let agents = map.required("agents").map_or_else(Vec::new, |value| agents(&value, catalogue, faults));
    // One strategy so far; it is checked, so that a file written for more of them is not misread.
    let _ = map.optional("strategy").and_then(|value| value.choose(&[("longest-idle", ())]));
    let mut queue = QueueConfig::new(name, agents);
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    queue.ring_time = or(map, "ring_time", queue.ring_time, |value| value.duration_in(seconds(3, 300)));
    queue.wrap_up = or(map, "wrap_up", queue.wrap_up, |value| value.duration_in(seconds(0, 3_600)));
    queue.max_wait = map.optional("max_wait").and_then(|value| value.duration_in(seconds(1, 86_400)));
    queue.max_length = map.optional("max_length").and_then(|value| value.integer(1..=100_000));
    queue
}

fn agents(value: &Value<'_>, catalogue: &mut Catalogue, faults: &Faults) -> Vec<AgentName> {
    let items = value.list().unwrap_or_default();
    if value.is_list() && items.is_empty() {
        value.fault("nobody serves this queue", "name a user");
    }
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    let mut agents = Vec::new();
    for item in items {
        let Some(name) = item.name() else { continue };
        let place = item.place();
        if let Some(line) = lines.insert(name, place.span.line) {
            item.fault(format!("`{name}` is given twice; first in line {line}"), "keep one of them");
            continue;
        }
        catalogue.users.refer(name, &place, "add it to `users.yaml`", faults);
        agents.push(name.into());
    }
    agents
}
