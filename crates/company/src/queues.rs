//! `queues.yaml`: where callers wait, and for whom.

mod choosing;
mod duties;
mod overflow;
mod penalties;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentConfig, Binding, QueueConfig};
use ivr::Need;
use routing::{AgentName, Levels, QueueName};
use switch::{UserName, Waiting};
use yaml::{Faults, Kind, Map, Value, form, key};

use crate::{Catalogue, or};

pub(crate) use choosing::{SKILL_MAP, check_needs, levels};
pub(crate) use duties::read as read_duties;
pub(crate) use overflow::Reach;
pub(crate) use waiting::check_ways_in;

form! {
    pub(crate) FILE, "`queues.yaml`", one of [],
    key("queues", &Kind::Map(NAME_PATTERN, &Kind::Form(&QUEUE), 10_000), "The queues by their names.", "{ sales: { agents: [101, 102], music: music-on-hold } }").needed(),
    key("plugins", &crate::plugins::PLUGINS, "How the plugins in `plugins/` run, by their names.", "{ value-based: { deadline: 20ms, memory: 64 } }").otherwise("each has 5 ms and 16 MiB"),
    duties::BREAKS,
    duties::DISPOSITIONS,
    duties::LOGIN,
    duties::CODES,
}

form! {
    pub(crate) QUEUE, "a queue", one of [],
    key("agents", &Kind::List(&choosing::AGENT, 10_000), "The users who serve it, by name, or each with his level and weight.", "[101, { user: 102, level: 2 }]").needed(),
    key("strategy", &Kind::Word(choosing::STRATEGIES), "Which of the free agents gets a call, and which call an agent who becomes free.", "longest-idle").usual("longest-idle"),
    key("plugin", &crate::plugins::BINDING, "Who is asked before the strategy: a file of `plugins/`, or one with what it is to go by.", "{ name: value-based, parameters: { patience: 20 } }").otherwise("the strategy decides"),
    key("record_decisions", &Kind::Bool, "Whether the journal keeps all that each decision went by, for `plugin replay`; it has numbers of callers.", "true").otherwise("those of its plugin alone"),
    key("sticky", DURATION, "How long a caller waits for the agent who spoke with him last, 1s to 1h.", "30s").otherwise("not at all"),
    key("skills", SKILL_MAP, "What its agents must have to get any of its calls, each with the least level, 0 to 100; the one that matters most first.", "{ billing: 50 }").otherwise("nothing but what the call needs"),
    key("widen", &choosing::STEPS, "How calls need less the longer they wait.", "[{ after: 20s, lower: 20 }, { after: 1m, any: true }]").otherwise("they need the same all the time"),
    key("aging", DURATION, "The wait that makes up for one step of priority, 100ms to 1h.", "5s").otherwise("a higher priority always goes first"),
    key("service_level", &Kind::Form(&choosing::SERVICE_LEVEL), "In how many cases calls are to be answered in time: `service-objective` and figures go by it.", "{ share: 90, within: 30s }").otherwise("80 of 100 within 20s"),
    key("music", PROMPT, "The prompt that is looped while callers wait.", "music-on-hold").otherwise("silence"),
    key("whisper", PROMPT, "What an agent is told, once he has answered, before he talks with the caller, who hears on what he heard.", "a-call-for-sales").otherwise("they talk at once"),
    key("ring_time", DURATION, "How long an agent's phone rings before the next agent is tried, 3s to 5m.", "15s").usual("20s"),
    key("wrap_up", DURATION, "How long an agent gets no call after one, 0s to 1h.", "10s").usual("5s"),
    key("wrap_up_max", DURATION, "How long that may be in all if he extends it, up to 2h, no less than `wrap_up`.", "10m").usual("5m"),
    key("penalties", &Kind::Form(&penalties::PENALTIES), "What follows for an agent who does not take an offer, by what happened.", "{ no_answer: { rest: 10s, retry: 30s, pause_after: 3 } }").otherwise("short rests, and no pause"),
    key("resume", DURATION, "For how long one who was gone while he waited has his place back when he calls again, 10s to 1h.", "5m").otherwise("he stands at the end"),
    key("empty", &Kind::Form(&waiting::EMPTY), "Who must be there for callers to join, and to go on waiting.", "{ join: working, stay: always }").otherwise("one who is logged in, for both"),
    key("hours", NAME, "The calendar of `hours.yaml` by which it takes callers; it closes in breaks, on holidays and by switches, too.", "office").otherwise("it is always open"),
    key("when_closed", &Kind::Word(&["stay", "leave"]), "What becomes of those who wait when it closes; needs `hours`.", "leave").usual("stay"),
    key("return_time", DURATION, "How long an agent has to come back whose phone is lost in mid-call, 0s to 5m; then the call stands first in the queue again.", "30s").usual("15s"),
    key("max_wait", DURATION, "After so long the flow goes on without an agent, 1s to 24h.", "10m").otherwise("callers wait without end"),
    key("max_length", &Kind::Whole(1, 100_000), "With so many waiting, the flow goes on at once.", "20").otherwise("there is no bound"),
    key("overflow", &overflow::RULES, "Which calls go on to another queue, with the time since which they wait; of several rules that fit, the first whose queue takes the call.", "[{ after: 60s, to: support }, { waiting: 30, to: support }]").otherwise("none does"),
}

/// Names of users, queues and the like.
pub(crate) const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$";
pub(crate) const NAME: &Kind = &Kind::Like(NAME_PATTERN);
const PROMPT: &Kind = &Kind::Like("^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?(/[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?)*$");
pub(crate) const DURATION: &Kind = &Kind::Unlike("^[0-9]+(ms|s|m|h)$");

/// How long an agent has to come back, if nothing is written.
const USUAL_RETURN: Duration = Duration::from_secs(15);

/// All queues, everyone who serves one, and what they are to those who wait.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub queues: Vec<QueueConfig>,
    pub agents: Vec<AgentConfig>,
    pub waiting: BTreeMap<QueueName, Waiting>,
    /// Of which every decision is kept.
    pub recorded: BTreeSet<QueueName>,
    /// Where calls of each may go on to.
    pub reach: Reach,
    /// The skills that queues ask for, where they stand.
    pub needs: Vec<Need>,
}

/// Reads the map at `value`; what it names is looked up in `catalogue`.
pub(crate) fn read(
    value: &Value<'_>,
    skills: &BTreeMap<UserName, Levels>,
    catalogue: &mut Catalogue,
    faults: &Faults,
) -> Queues {
    let mut all = Queues::default();
    let mut agents: BTreeSet<AgentName> = BTreeSet::new();
    let mut ways = Vec::new();
    for (key, value) in value.entries("a map of queues").unwrap_or_default() {
        let (name, map) = (key.name(), value.map(&QUEUE.shape));
        let Some(map) = map else { continue };
        let mut queue = queue(name.unwrap_or_default(), &map, &mut all.needs, catalogue, faults);
        ways.extend(overflow::read(&map, &mut queue, catalogue, faults));
        let music = catalogue.prompt(&map, "music", faults);
        let resume = map
            .optional("resume")
            .and_then(|value| value.duration_in(Duration::from_secs(10)..=Duration::from_secs(3_600)));
        let whisper = catalogue.prompt(&map, "whisper", faults);
        let back = |value: Value<'_>| value.duration_in(Duration::ZERO..=Duration::from_secs(300));
        let return_time = Some(or(&map, "return_time", USUAL_RETURN, back));
        let hours = waiting::hours(&map, catalogue, faults);
        if let Some(name) = name {
            if or(&map, "record_decisions", false, |value| value.bool()) {
                all.recorded.insert(name.into());
            }
            all.waiting.insert(name.into(), Waiting { music, whisper, resume, return_time, hours });
        }
        agents.extend(queue.agents.iter().map(|member| member.agent.clone()));
        all.queues.push(queue);
    }
    let skilled = |name: AgentName| {
        let skills = skills.get(name.shared()).cloned().unwrap_or_default();
        AgentConfig { name, skills }
    };
    all.reach = Reach::new(&ways, faults);
    all.agents = agents.into_iter().map(skilled).collect();
    all
}

/// Binds queues to the plugins that they ask, each as `bind` reads it.
pub(crate) fn bind(
    section: Option<Value<'_>>,
    queues: &mut [QueueConfig],
    mut bind: impl FnMut(Value<'_>) -> Option<(Binding, Duration)>,
) {
    for (key, value) in section.and_then(|value| value.entries("a map of queues")).unwrap_or_default() {
        // Its other keys are read elsewhere.
        let mut written = if value.is_map() { value.entries("").unwrap_or_default() } else { Vec::new() }.into_iter();
        let asked = written.find(|(key, _)| key.raw() == Some("plugin")).and_then(|(_, value)| bind(value));
        let queue = queues.iter_mut().find(|queue| Some(queue.name.as_str()) == key.raw());
        if let (Some((binding, time)), Some(queue)) = (asked, queue) {
            queue.decision_time = queue.decision_time.max(time);
            queue.plugin = Some(Arc::new(binding));
        }
    }
}

fn queue(name: &str, map: &Map<'_>, needs: &mut Vec<Need>, catalogue: &mut Catalogue, faults: &Faults) -> QueueConfig {
    let mut queue = QueueConfig::new(name, Vec::new());
    choosing::read(map, &mut queue, needs, catalogue, faults);
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    queue.attendance = waiting::attendance(map);
    queue.ring_time = or(map, "ring_time", queue.ring_time, |value| value.duration_in(seconds(3, 300)));
    queue.wrap_up = or(map, "wrap_up", queue.wrap_up, |value| value.duration_in(seconds(0, 3_600)));
    read_longest_wrap_up(map, &mut queue);
    queue.penalties = map.optional("penalties").map(|value| penalties::read(&value)).unwrap_or_default();
    queue.max_wait = map.optional("max_wait").and_then(|value| value.duration_in(seconds(1, 86_400)));
    queue.max_length = map.optional("max_length").and_then(|value| value.integer(1..=100_000));
    queue
}

fn read_longest_wrap_up(map: &Map<'_>, queue: &mut QueueConfig) {
    let most = Duration::from_secs(7_200);
    let written =
        map.optional("wrap_up_max").and_then(|value| Some((value, value.duration_in(Duration::ZERO..=most)?)));
    let Some((value, longest)) = written else {
        queue.wrap_up_max = queue.wrap_up_max.max(queue.wrap_up);
        return;
    };
    if longest < queue.wrap_up {
        let usual = yaml::show_duration(queue.wrap_up);
        value.fault(
            format!("a wrap-up lasts {usual} anyway"),
            format!("write `{usual}` or more, or a shorter `wrap_up`"),
        );
    }
    queue.wrap_up_max = longest;
}
