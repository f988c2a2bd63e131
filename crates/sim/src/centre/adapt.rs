//! A company's configuration as its centre is played: on one listener, with agents' phones that register, and without the rest of the
//! world.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base::Rng;
use sip::digest::{Algorithm, Secret};
use switch::{Config, Login, Place, SrtpPolicy, Trunk, User};

use super::agents::{BREAK, PASSWORD};
use super::callers::CALLERS;

/// The trunk that all callers come by.
const TRUNK: &str = "simulated";

/// The configuration that is played.
///
/// - Callers come by a trunk of their own.
/// - Users who are agents register, with a password of the simulation: that is how they come and go, also where agents log in by a
///   code. There is a reason for all their breaks.
/// - Nobody is asked outside: trunks neither register nor are they watched; who is called there does not answer.
/// - Audio is not encrypted.
/// - Where nobody runs `plugins`, the strategies of their queues decide.
pub(super) fn adapt(mut config: Config, plugins: bool) -> Config {
    let callers = match CALLERS {
        IpAddr::V4(ip) => ipnet::IpNet::from(ipnet::Ipv4Net::from(ip)),
        IpAddr::V6(ip) => ipnet::IpNet::from(ipnet::Ipv6Net::from(ip)),
    };
    for trunk in &mut config.trunks {
        trunk.register = None;
        trunk.health = None;
        trunk.srtp = None;
    }
    config.trunks.push(Trunk::incoming(TRUNK, vec![callers]));
    for peer in config.peers_mut() {
        peer.listener = None;
    }
    (config.srtp, config.listener_srtp) = (SrtpPolicy::Allowed, std::collections::BTreeMap::new());
    config.listener_algorithms.clear();
    config.limits.media_addresses.clear();
    if config.algorithms.is_empty() {
        config.algorithms.push(Algorithm::Sha256);
    }
    if !plugins {
        config.queues.iter_mut().for_each(|queue| queue.plugin = None);
    }
    config.duties.login = Login::Registration;
    config.duties.breaks.insert(BREAK.into(), u32::MAX);
    let realm = config.realm.clone();
    for agent in &config.agents {
        let name = agent.name.shared();
        if let Some(user) = config.users.get_mut(name) {
            *user =
                User { display: user.display.take(), caller_id: user.caller_id.take(), ..User::at(Place::Registered) };
            config.secrets.insert(name.clone(), Secret::of(name, &realm, PASSWORD));
        }
    }
    config
}

/// The configuration, changed as an operator may while calls live; 0: as it was.
pub(super) fn changed(config: &Arc<Config>, seed: u64) -> Arc<Config> {
    if seed == 0 {
        return config.clone();
    }
    let mut rng = Rng::from_number(seed);
    let mut changed = Config::clone(config);
    let below = |rng: &mut Rng, count: usize| {
        usize::try_from(rng.below(u32::try_from(count).unwrap_or(u32::MAX))).unwrap_or_default()
    };
    match rng.below(5) {
        // A queue is gone, and agents who are in no other.
        0 if !changed.queues.is_empty() => {
            let gone = below(&mut rng, changed.queues.len());
            changed.queues.remove(gone);
        }
        // An agent is one no more.
        1 if !changed.agents.is_empty() => {
            let gone = changed.agents.remove(below(&mut rng, changed.agents.len()));
            changed.queues.iter_mut().for_each(|queue| queue.agents.retain(|member| member.agent != gone.name));
        }
        // Times are others.
        2 => changed.queues.iter_mut().for_each(|queue| {
            queue.ring_time = Duration::from_secs(3 + u64::from(rng.below(30)));
            queue.wrap_up = Duration::from_secs(u64::from(rng.below(30)));
            queue.max_wait = Some(Duration::from_secs(1 + u64::from(rng.below(120))));
        }),
        // A queue is full at once.
        3 => changed.queues.iter_mut().for_each(|queue| queue.max_length = Some(1)),
        // The order is another.
        _ => changed.queues.iter_mut().for_each(|queue| queue.agents.reverse()),
    }
    let serves = |agent: &acd::AgentConfig| {
        changed.queues.iter().any(|queue| queue.agents.iter().any(|member| member.agent == agent.name))
    };
    changed.agents = changed.agents.iter().filter(|agent| serves(agent)).cloned().collect();
    Arc::new(changed)
}
