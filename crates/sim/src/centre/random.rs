//! Random loads with faults, and how one that breaks a law is made small.

use std::fmt;
use std::time::Duration;

use base::Rng;
use switch::Config;

use super::bare::bare_company;
use super::load::{Arrivals, Fault, Load, Stream, Team};
use super::run::Centre;
use super::spread::Spread;
use super::summary::Outcome;
use crate::Node;

/// A small centre for a few minutes, in which all goes wrong that can: its load and its company.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Who calls, who works, what goes wrong.
    pub load: Load,
    /// The queues: number, name, who serves it.
    queues: Vec<(&'static str, &'static str, Vec<String>)>,
    /// Time after a call, ring time, the longest wait and the most that wait, of all queues.
    times: (Duration, Duration, Option<Duration>, Option<usize>),
}

/// The queues that there may be.
const QUEUES: [(&str, &str); 3] = [("201", "sales"), ("202", "support"), ("203", "billing")];
/// For how long calls come, in seconds.
const LENGTH: u32 = 240;

impl Trial {
    /// The trial of a seed.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut rng = Rng::from_number(seed);
        let agents = 1 + rng.below(5);
        let names: Vec<String> = (1..=agents).map(|number| format!("a{number}")).collect();
        let queues = QUEUES.iter().take(1 + count(rng.below(3)));
        let queues: Vec<_> = queues
            .map(|(number, name)| {
                let served_by = names.iter().filter(|_| rng.percent(70)).cloned().collect();
                (*number, *name, served_by)
            })
            .collect();
        let seconds = |rng: &mut Rng, most: u32| Duration::from_secs(u64::from(rng.below(most)));
        let times = (
            seconds(&mut rng, 20),
            Duration::from_secs(3) + seconds(&mut rng, 20),
            rng.percent(50).then(|| Duration::from_secs(1) + seconds(&mut rng, 90)),
            rng.percent(25).then(|| 1 + count(rng.below(4))),
        );
        let mut load = Load::new(seed, Duration::from_secs(u64::from(LENGTH)));
        load.check = Duration::from_secs(1);
        load.network = network(&mut rng);
        load.errs = if rng.percent(30) { rng.below(300) } else { 0 };
        for (number, name, _) in &queues {
            load.streams.push(stream(&mut rng, number, name));
        }
        for name in &names {
            let mut team = Team::always(vec![name.clone()]);
            team.answers_after = Spread::Constant(if rng.percent(30) { Duration::ZERO } else { seconds(&mut rng, 15) });
            (team.ignores, team.declines) = (rng.below(40), rng.below(40));
            load.teams.push(team);
        }
        for _ in 0..rng.below(6) {
            let at = time(&mut rng);
            load.faults.push((at, fault(&mut rng, names.len())));
        }
        load.faults.sort_by_key(|(at, _)| *at);
        Self { load, queues, times }
    }

    /// What comes of it.
    #[must_use]
    pub fn play(&self) -> Outcome {
        Centre::play(self.load.clone(), self.config())
    }

    /// The smallest trial found that still breaks the same law.
    #[must_use]
    pub fn shrink(&self) -> Self {
        let law_of = |trial: &Self| trial.play().breaches.first().map(|(_, breach)| breach.law);
        let (mut smallest, law) = (self.clone(), law_of(self));
        if law.is_none() {
            return smallest;
        }
        loop {
            let before = smallest.clone();
            for without in WITHOUT {
                let mut index = 0;
                while let Some(candidate) = without(&smallest, index) {
                    if law_of(&candidate) == law {
                        smallest = candidate;
                    } else {
                        index += 1;
                    }
                }
            }
            if smallest.load == before.load {
                return smallest;
            }
        }
    }

    fn config(&self) -> Config {
        let mut config = bare_company(&self.queues);
        let (wrap_up, ring_time, max_wait, max_length) = self.times;
        for queue in &mut config.queues {
            (queue.wrap_up, queue.ring_time, queue.max_wait, queue.max_length) =
                (wrap_up, ring_time, max_wait, max_length);
        }
        config
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, name, agents) in &self.queues {
            writeln!(f, "  queue {name} at {number}: {}", agents.join(", "))?;
        }
        let (wrap_up, ring_time, max_wait, max_length) = self.times;
        writeln!(f, "  wrap-up {wrap_up:?}, rings {ring_time:?}, waits {max_wait:?} at most, {max_length:?} at once")?;
        writeln!(f, "  network: {:?}, {} of 1,000 decisions are rubbish", self.load.network, self.load.errs)?;
        for stream in &self.load.streams {
            writeln!(
                f,
                "  calls to {}: {:?}, patience {:?}, talk {:?}",
                stream.number, stream.arrivals, stream.patience, stream.talk
            )?;
        }
        for team in &self.load.teams {
            let Team { users, answers_after, ignores, declines, .. } = team;
            writeln!(
                f,
                "  {}: answers after {answers_after:?}, ignores {ignores} %, declines {declines} %",
                users.join(", ")
            )?;
        }
        for (at, fault) in &self.load.faults {
            writeln!(f, "  at {at:?}: {fault:?}")?;
        }
        Ok(())
    }
}

/// Ways to take something out of a trial: each without its so many-th thing, until there are no more.
const WITHOUT: [fn(&Trial, usize) -> Option<Trial>; 5] =
    [without_fault, without_call, without_node, without_mood, without_errors];

fn without_fault(trial: &Trial, index: usize) -> Option<Trial> {
    trial.load.faults.get(index)?;
    let mut simpler = trial.clone();
    simpler.load.faults.remove(index);
    Some(simpler)
}

fn without_call(trial: &Trial, mut index: usize) -> Option<Trial> {
    let mut simpler = trial.clone();
    for stream in &mut simpler.load.streams {
        let Arrivals::At(times) = &mut stream.arrivals else { continue };
        if index < times.len() {
            times.remove(index);
            return Some(simpler);
        }
        index -= times.len();
    }
    None
}

fn without_node(trial: &Trial, index: usize) -> Option<Trial> {
    trial.load.network.get(index)?;
    let mut simpler = trial.clone();
    simpler.load.network.remove(index);
    Some(simpler)
}

fn without_errors(trial: &Trial, index: usize) -> Option<Trial> {
    let errs = index == 0 && trial.load.errs > 0;
    errs.then(|| Trial { load: Load { errs: 0, ..trial.load.clone() }, ..trial.clone() })
}

/// With an agent who answers each call. One who does so already is no way to make it simpler.
fn without_mood(trial: &Trial, index: usize) -> Option<Trial> {
    let moody = trial.load.teams.iter().enumerate().filter(|(_, team)| team.ignores + team.declines > 0);
    let (at, _) = moody.clone().nth(index)?;
    let mut simpler = trial.clone();
    let team = simpler.load.teams.get_mut(at)?;
    (team.ignores, team.declines) = (0, 0);
    Some(simpler)
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or_default()
}

fn time(rng: &mut Rng) -> Duration {
    Duration::from_micros(u64::from(rng.below(LENGTH * 1_000_000)))
}

fn network(rng: &mut Rng) -> Vec<Node> {
    let mut nodes = Vec::new();
    if rng.percent(60) {
        let millis = |rng: &mut Rng, most| Duration::from_millis(u64::from(rng.below(most)));
        nodes.push(Node::Delay { least: millis(rng, 100), jitter: millis(rng, 200) });
    }
    if rng.percent(30) {
        nodes.push(Node::Lose(1 + rng.below(20)));
    }
    if rng.percent(30) {
        nodes.push(Node::Double(1 + rng.below(30)));
    }
    nodes
}

fn stream(rng: &mut Rng, number: &str, name: &str) -> Stream {
    let mut times: Vec<Duration> = (0..1 + rng.below(6)).map(|_| time(rng)).collect();
    times.sort_unstable();
    times.dedup();
    let patience = match rng.below(3) {
        // Not endless: whoever is served by nobody but one who never answers in time would wait for ever.
        0 => Spread::Constant(Duration::from_secs(1_200)),
        1 => Spread::Constant(Duration::from_secs(u64::from(rng.below(60)))),
        _ => Spread::Exponential(Duration::from_secs(40)),
    };
    let talk = match rng.below(3) {
        0 => Spread::Constant(Duration::from_secs(u64::from(rng.below(60)))),
        1 => Spread::Lognormal { mean: Duration::from_secs(40), deviation: Duration::from_secs(30) },
        _ => Spread::Exponential(Duration::from_secs(30)),
    };
    let (number, arrivals) = (number.to_owned(), Arrivals::At(times));
    Stream { name: name.to_owned(), number, caller: None, arrivals, patience, talk, keys: Vec::new() }
}

fn fault(rng: &mut Rng, agents: usize) -> Fault {
    let agent = count(rng.below(u32::try_from(agents).unwrap_or(1)));
    let lasts = Duration::from_secs(1 + u64::from(rng.below(90)));
    match rng.below(5) {
        0 | 1 => Fault::PhoneDies(agent, lasts),
        2 => Fault::LogsOut(agent, lasts),
        3 => Fault::ClockJumps(i64::from(rng.below(7_200)) - 3_600),
        _ if rng.percent(30) => Fault::Reload(0),
        _ => Fault::Reload(rng.u64()),
    }
}
