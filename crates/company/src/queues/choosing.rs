//! How a queue chooses: its agents with their levels, the strategy and what goes with it, and the skills that are needed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::{AgentConfig, Member, QueueConfig, ServiceLevel};
use ivr::Need;
use routing::{AgentName, Builtin, Levels, MAX_NEEDS, Method, SkillName, Widening};
use yaml::{Faults, Kind, Map, Value, form, key};

use super::{DURATION, NAME, NAME_PATTERN};
use crate::{Catalogue, or};

/// The strategies by their names.
pub(super) const STRATEGIES: &[&str] = &[
    Builtin::LongestIdle.as_str(),
    Builtin::RingAll.as_str(),
    Builtin::RoundRobin.as_str(),
    Builtin::FewestCalls.as_str(),
    Builtin::LeastTalkTime.as_str(),
    Builtin::MostSkilled.as_str(),
    Builtin::LeastSkilled.as_str(),
    Builtin::Linear.as_str(),
    Builtin::WeightedRandom.as_str(),
    Builtin::ServiceObjective.as_str(),
];

const MAX_STEPS: usize = 10;
const MAX_SKILLS: usize = 100;

/// Skills with their levels.
pub(crate) const SKILL_MAP: &Kind = &Kind::Map(NAME_PATTERN, &Kind::Whole(0, 100), MAX_SKILLS);

/// An agent of a queue: a user, or one with his level and weight.
pub(super) static AGENT: Kind = Kind::Any(&[NAME, &Kind::Form(&MEMBER)]);
/// A step of `widen`.
pub(super) static STEPS: Kind = Kind::List(&Kind::Form(&STEP), MAX_STEPS);

form! {
    MEMBER, "an agent of a queue", one of [],
    key("user", NAME, "The user.", "102").needed(),
    key("level", &Kind::Whole(1, 100), "Who has a higher one is asked only if nobody with a lower one is free.", "2").usual("1"),
    key("weight", &Kind::Whole(0, 1000), "His share of the calls beside others', for `weighted-random`.", "3").usual("1"),
}

form! {
    STEP, "a step of `widen`", one of ["lower", "any"],
    key("after", DURATION, "When it counts, since the call joined, 1s to 24h.", "20s").needed(),
    key("lower", &Kind::Whole(1, 100), "How much lower each level may be than at first.", "20"),
    key("any", &Kind::Bool, "No skills are needed any more.", "true"),
}

form! {
    pub(super) SERVICE_LEVEL, "a service level", one of [],
    key("share", &Kind::Whole(1, 100), "In so many of a hundred cases.", "90").usual("80"),
    key("within", DURATION, "Within this time since the call joined, 1s to 1h.", "30s").usual("20s"),
}

/// Reads all of it into `queue`.
pub(super) fn read(
    map: &Map<'_>,
    queue: &mut QueueConfig,
    needs: &mut Vec<Need>,
    catalogue: &mut Catalogue,
    faults: &Faults,
) {
    queue.agents = map.required("agents").map_or_else(Vec::new, |value| members(&value, catalogue, faults));
    let words = Builtin::ALL.map(|strategy| (strategy.as_str(), strategy));
    let strategy = or(map, "strategy", Builtin::default(), |value| value.choose(&words));
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    let sticky = map.optional("sticky").and_then(|value| value.duration_in(seconds(1, 3_600)));
    queue.method = Method { strategy, patience_ms: sticky.map(millis) };
    let skills = map.optional("skills").map(|value| skills(&value, MAX_NEEDS)).unwrap_or_default();
    needs.extend(skills.iter().map(|(key, skill, least)| Need {
        queue: queue.name.shared().clone(),
        skill: skill.shared().clone(),
        least: *least,
        place: key.place(),
    }));
    queue.needs = Levels::new(skills.into_iter().map(|(_, skill, least)| (skill, least)));
    queue.widening = map.optional("widen").map(|value| widening(&value)).unwrap_or_default();
    let aging = Duration::from_millis(100)..=Duration::from_secs(3_600);
    queue.aging = map.optional("aging").and_then(|value| value.duration_in(aging));
    if let Some(map) = map.optional("service_level").and_then(|value| value.map(&SERVICE_LEVEL.shape)) {
        let ServiceLevel { within, target } = queue.service_level;
        queue.service_level = ServiceLevel {
            within: or(&map, "within", within, |value| value.duration_in(seconds(1, 3_600))),
            target: or(&map, "share", target, |value| value.integer(1..=100)),
        };
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn members(value: &Value<'_>, catalogue: &mut Catalogue, faults: &Faults) -> Vec<Member> {
    let items = value.list().unwrap_or_default();
    if value.is_list() && items.is_empty() {
        value.fault("nobody serves this queue", "name a user");
    }
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    let mut members = Vec::new();
    for item in items {
        let map = if item.is_map() { item.map(&MEMBER.shape) } else { None };
        let user = if item.is_map() { map.and_then(|map| map.required("user")) } else { Some(item) };
        let Some((user, name)) = user.and_then(|user| Some((user, user.name()?))) else { continue };
        let place = user.place();
        if let Some(line) = lines.insert(name, place.span.line) {
            user.fault(format!("`{name}` is given twice; first in line {line}"), "keep one of them");
            continue;
        }
        catalogue.users.refer(name, &place, "add it to `users.yaml`", faults);
        let usual = Member::new(name.into());
        let level = map.map_or(usual.level, |map| or(&map, "level", usual.level, |value| value.integer(1..=100)));
        let weight = map.map_or(usual.weight, |map| or(&map, "weight", usual.weight, |value| value.integer(0..=1_000)));
        members.push(Member { level, weight, ..usual });
    }
    members
}

/// Skills with their levels, `most` of them at most.
pub(crate) fn levels(value: &Value<'_>, most: usize) -> Levels {
    Levels::new(skills(value, most).into_iter().map(|(_, skill, level)| (skill, level)))
}

/// Each with the key that names it.
fn skills<'a>(value: &Value<'a>, most: usize) -> Vec<(Value<'a>, SkillName, u8)> {
    let entries = value.entries("skills by their names, such as `spanish: 60`").unwrap_or_default();
    if entries.is_empty() && value.is_map() {
        value.fault_at_key("no skill is named", "name one, such as `spanish: 60`, or remove `skills`");
    }
    if entries.len() > most {
        value.fault_at_key(
            format!("{} skills are more than a call can need", entries.len()),
            format!("name {most} at most"),
        );
    }
    // Both are read, so that each fault is told.
    let read = entries.into_iter().map(|(key, level)| (key.name().map(SkillName::from), level.integer(0..=100), key));
    read.filter_map(|(skill, level, key)| Some((key, skill?, level?))).collect()
}

fn widening(value: &Value<'_>) -> Vec<Widening> {
    let mut steps: Vec<Widening> = Vec::new();
    for item in value.list().unwrap_or_default() {
        let Some(map) = item.map(&STEP.shape) else { continue };
        let range = Duration::from_secs(1)..=Duration::from_secs(86_400);
        let after = map.required("after").and_then(|value| Some((value, value.duration_in(range)?)));
        let lower = match map.one_of(&["lower", "any"]) {
            Some(("lower", value)) => value.integer(1..=100_u8).map(Some),
            Some((_, value)) => match value.bool() {
                Some(false) => {
                    value.fault("a step that changes nothing", "write `any: true`, or `lower: 20`");
                    None
                }
                any => any.map(|_| None),
            },
            None => None,
        };
        let (Some((place, after)), Some(lower)) = (after, lower) else { continue };
        let step = Widening { after_ms: millis(after), lower };
        match steps.last() {
            Some(before) if before.after_ms >= step.after_ms => {
                place.fault(
                    "this step comes no later than the one before",
                    "write the steps in the order of their times",
                );
            }
            Some(before) if before.lower.is_none() || (lower.is_some() && before.lower >= lower) => {
                item.fault(
                    "this step asks for no less than the one before",
                    "lower the levels further, or take it out",
                );
            }
            _ => steps.push(step),
        }
    }
    steps
}

/// Finds skills that nobody has who could get the call: it would wait for nobody.
pub(crate) fn check_needs<'a>(
    needs: impl Iterator<Item = &'a Need>,
    queues: &[QueueConfig],
    agents: &[AgentConfig],
    faults: &Faults,
) {
    let skills: BTreeMap<&AgentName, &Levels> = agents.iter().map(|agent| (&agent.name, &agent.skills)).collect();
    let everybody: BTreeSet<&SkillName> =
        agents.iter().flat_map(|agent| agent.skills.iter().map(|(skill, _)| skill)).collect();
    for Need { queue, skill, least, place } in needs {
        let Some(queue) = queues.iter().find(|found| found.name.shared() == queue) else { continue };
        let wanted = SkillName::from(skill.clone());
        let levels = queue.agents.iter().filter_map(|member| skills.get(&member.agent)?.of(&wanted));
        let Some(best) = levels.max() else {
            let (message, remedy) = if everybody.contains(&wanted) {
                (
                    format!("nobody of the queue `{}` has the skill `{skill}`", queue.name),
                    "give it to one of its agents in `users.yaml`",
                )
            } else {
                (
                    format!("nobody has the skill `{skill}`"),
                    "give it to an agent of the queue in `users.yaml`, as `skills`",
                )
            };
            faults.add(place.clone(), message, remedy);
            continue;
        };
        if best < *least {
            let message =
                format!("nobody of the queue `{}` has `{skill}` at {least}; the best has it at {best}", queue.name);
            faults.add(
                place.clone(),
                message,
                format!("ask for {best} at most, or raise an agent's level in `users.yaml`"),
            );
        }
    }
}
