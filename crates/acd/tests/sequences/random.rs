//! Queues and agents by chance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acd::{AgentConfig, Attendance, Binding, Excess, OfferFailure, Overflow, Presence, QueueConfig};
use base::Rng;
use routing::{AgentName, Builtin, Levels, Method, Order, QueueName, SkillName, Widening};

use super::common::{SECOND, queue};

pub fn members(queues: &[QueueConfig]) -> BTreeMap<QueueName, Vec<AgentName>> {
    let agents = |queue: &QueueConfig| queue.agents.iter().map(|member| member.agent.clone()).collect();
    queues.iter().map(|queue| (queue.name.clone(), agents(queue))).collect()
}

pub fn random_skills(rng: &mut Rng, percent: u32) -> Levels {
    let skills = ["spanish", "billing", "french"].map(SkillName::from);
    let had = skills.into_iter().filter(|_| rng.percent(percent)).collect::<Vec<_>>();
    Levels::new(had.into_iter().map(|skill| (skill, u8::try_from(rng.below(5) * 25).unwrap())))
}

pub fn random_agents(rng: &mut Rng, names: &[String]) -> (Vec<AgentConfig>, BTreeMap<AgentName, Levels>) {
    let agents = names.iter().map(|name| AgentConfig { name: name.as_str().into(), skills: random_skills(rng, 60) });
    let agents: Vec<AgentConfig> = agents.collect();
    let skills = agents.iter().map(|agent| (agent.name.clone(), agent.skills.clone())).collect();
    (agents, skills)
}

pub fn random_queue(rng: &mut Rng, name: &QueueName, agents: &[String]) -> QueueConfig {
    let members: Vec<&str> = agents.iter().filter(|_| rng.percent(70)).map(String::as_str).collect();
    let mut config = queue(name.as_str(), &members);
    let mut time = |most: u32| Duration::from_millis(u64::from(rng.below(most)) / 500 * 500);
    config.wrap_up = time(8_000);
    config.wrap_up_max = time(20_000);
    config.penalties.declined.rest = time(6_000);
    config.penalties.no_answer.rest = time(20_000);
    for failure in OfferFailure::ALL {
        config.penalties.of_mut(failure).retry = time(40_000);
    }
    config.max_wait = Some(SECOND + time(90_000)).filter(|wait| wait.as_millis() % 1000 == 0);
    config.max_length = (name.as_str() == "queue1").then_some(4);
    let strategy = if rng.percent(30) { Builtin::RingAll } else { Builtin::ALL[rng.below(10) as usize] };
    config.method = Method { strategy, patience_ms: rng.percent(40).then(|| u64::from(rng.below(30_000))) };
    config.plugin = rng.percent(30).then(|| Arc::new(binding(rng)));
    for member in &mut config.agents {
        member.level = u8::try_from(rng.below(3)).unwrap();
    }
    if rng.percent(20) {
        config.needs = random_skills(rng, 30);
    }
    if rng.percent(40) {
        let ring = |after_ms, lower| Widening { after_ms, lower };
        config.widening = vec![ring(u64::from(rng.below(20_000)), Some(25)), ring(30_000, None)];
    }
    config.aging = rng.percent(30).then_some(SECOND);
    for failure in OfferFailure::ALL {
        let after = 1 + rng.below(3);
        config.penalties.of_mut(failure).pause_after = rng.percent(30).then_some(after);
    }
    let all = [Presence::Nobody, Presence::LoggedIn, Presence::Working, Presence::Free];
    let mut presence = || if rng.percent(60) { Presence::LoggedIn } else { all[rng.below(4) as usize] };
    config.attendance = Attendance { join: presence(), stay: presence() };
    for _ in 0..rng.below(3) {
        let seconds = Duration::from_secs(u64::from(rng.below(30)));
        let kinds = [Excess::Waited(seconds), Excess::LongestWait(seconds), Excess::Waiting(rng.below(4) as usize)];
        // They may lead round and round; `company` refuses that, and the machine bears it.
        let to = QueueName::from(format!("queue{}", rng.below(4)));
        config.overflow.push(Overflow { when: kinds[rng.below(3) as usize], to });
    }
    config
}

fn binding(rng: &mut Rng) -> Binding {
    let orders = [Order::LongestIdle, Order::List, Order::Turn, Order::FewestCalls, Order::MostSkilled];
    let order = orders[rng.below(5) as usize];
    let (candidates, may_wait) = (1 + rng.below(32) as usize, Duration::from_secs(u64::from(rng.below(90))));
    Binding { candidates, may_wait, ..Binding::new("plugin", order) }
}
