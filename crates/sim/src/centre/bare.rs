//! A company that is nothing but queues, for tests.

use std::time::Duration;

use acd::{AgentConfig, QueueConfig};
use switch::{Config, Destination, Place, User};

/// A company with these queues: the number that reaches it, its name, and who serves it. No time after a call, no music, and
/// callers may wait for ever.
#[must_use]
pub fn bare_company(queues: &[(&str, &str, Vec<String>)]) -> Config {
    let mut config = Config { realm: "test".into(), ..Config::default() };
    config.limits.max_calls = 100_000;
    config.limits.max_call_time = Duration::from_secs(7 * 86_400);
    for (number, name, agents) in queues {
        let served_by = agents.iter().map(|agent| agent.as_str().into()).collect();
        config.queues.push(QueueConfig { wrap_up: Duration::ZERO, ..QueueConfig::new(*name, served_by) });
        config.numbers.insert((*number).into(), Destination::Queue((*name).into()));
        for agent in agents {
            if config.users.insert(agent.as_str().into(), User::at(Place::Registered)).is_none() {
                config.agents.push(AgentConfig::new(agent.as_str()));
            }
        }
    }
    config
}
