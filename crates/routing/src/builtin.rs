//! The strategies that are built in, each with its definition.

use std::cmp::Reverse;
use std::fmt;

use crate::{Action, Call, Candidate, Decision, Order, Question, Ring, Snapshot, Strategy};

/// A strategy that is built in.
///
/// What all of them have in common, unless the definition says otherwise: with agent surplus only agents of the lowest
/// level that is there are looked at; of equals the one who stands first in the snapshot gets the call, that is who has
/// been idle longest. With call surplus the agent gets the call that stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// See [`LongestIdle`].
    #[default]
    LongestIdle,
    /// All free agents are rung at once, at most [`crate::MAX_CANDIDATES`]; who answers first has the call. Whoever
    /// becomes free while a call rings so is rung for it, too.
    RingAll,
    /// Round-robin with memory: the agent whose last offer from this queue lies furthest back; who had none comes before
    /// all others, in the order of the queue's list. What is remembered survives calls, wrap-up and breaks, so that a
    /// round goes on where it stopped.
    RoundRobin,
    /// The agent who answered the fewest queue calls today.
    FewestCalls,
    /// The agent who spoke for the shortest time in queue calls today.
    LeastTalkTime,
    /// The agent with the highest level of the first skill that the call needs; of equals the highest of the second, and
    /// so on. A call that needs none goes to whoever has been idle longest.
    MostSkilled,
    /// The agent with the lowest level that suffices, by the needed skills in their order: who knows more is kept for
    /// those who need it. A call that needs none goes to whoever has been idle longest.
    LeastSkilled,
    /// The first free agent of the queue's list, always.
    Linear,
    /// One of the free agents by chance, each with a probability in proportion to his weight; of more than
    /// [`crate::MAX_CANDIDATES`], those who have been idle longest take part.
    WeightedRandom,
    /// With call surplus, the first call of the queue that is furthest behind its service objective
    /// ([`crate::Service::behind`]); of equals the one whose call stands first. With agent surplus as longest idle.
    ServiceObjective,
}

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::LongestIdle,
        Self::RingAll,
        Self::RoundRobin,
        Self::FewestCalls,
        Self::LeastTalkTime,
        Self::MostSkilled,
        Self::LeastSkilled,
        Self::Linear,
        Self::WeightedRandom,
        Self::ServiceObjective,
    ];

    /// Its name in the configuration and the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LongestIdle => "longest-idle",
            Self::RingAll => "ring-all",
            Self::RoundRobin => "round-robin",
            Self::FewestCalls => "fewest-calls",
            Self::LeastTalkTime => "least-talk-time",
            Self::MostSkilled => "most-skilled",
            Self::LeastSkilled => "least-skilled",
            Self::Linear => "linear",
            Self::WeightedRandom => "weighted-random",
            Self::ServiceObjective => "service-objective",
        }
    }

    /// How good a candidate is for a call: more is better. Of the figures of ring-all and choices by chance nobody is
    /// better than another.
    fn score(self, call: &Call, candidate: &Candidate) -> i64 {
        let figure = |figure: u64| i64::try_from(figure).unwrap_or(i64::MAX);
        match self {
            Self::LongestIdle | Self::ServiceObjective => figure(candidate.idle_ms),
            Self::RingAll => 0,
            Self::RoundRobin => -figure(candidate.turn),
            Self::FewestCalls => -i64::from(candidate.calls_today),
            Self::LeastTalkTime => -figure(candidate.talk_today_ms),
            Self::MostSkilled if call.needs.is_empty() => figure(candidate.idle_ms),
            Self::MostSkilled => skill(call, candidate),
            Self::LeastSkilled if call.needs.is_empty() => figure(candidate.idle_ms),
            Self::LeastSkilled => -skill(call, candidate),
            Self::Linear => -i64::from(candidate.position),
            Self::WeightedRandom => i64::from(candidate.weight),
        }
    }

    fn choose_agent(self, snapshot: &Snapshot, call: &Call, candidates: &[Candidate]) -> Decision {
        let scores: Vec<i64> = candidates.iter().map(|candidate| self.score(call, candidate)).collect();
        let Some(level) = candidates.iter().map(|candidate| candidate.level).min() else { return nobody() };
        let eligible = || candidates.iter().zip(&scores).filter(|(candidate, _)| candidate.level == level);
        let number = eligible().count();
        if self == Self::RingAll {
            let agents = eligible().map(|(candidate, _)| ring(candidate)).collect();
            let reason = format!("all {number} free agents are rung");
            return Decision { scores, ..Decision::new(Action::OfferAll { call: call.id, agents }, reason) };
        }
        let best = match self {
            Self::WeightedRandom => draw(snapshot.seed, eligible().map(|(candidate, _)| candidate)),
            // The first of equals: `max_by_key` gives the last one, so positions count backwards.
            _ => eligible()
                .enumerate()
                .max_by_key(|(at, (_, score))| (**score, Reverse(*at)))
                .map(|(_, (candidate, _))| candidate),
        };
        let Some(agent) = best else { return nobody() };
        let reason = self.reason(call, agent, number);
        Decision { scores, ..offer(call, agent, reason) }
    }

    fn choose_call(self, snapshot: &Snapshot, agent: &Candidate, calls: &[Call]) -> Decision {
        let Some(first) = calls.first() else { return nobody() };
        if self == Self::RingAll {
            let agents = vec![ring(agent)];
            return Decision::new(Action::OfferAll { call: first.id, agents }, format!("first of {}", calls.len()));
        }
        if self != Self::ServiceObjective {
            return offer(first, agent, format!("first of {}, waited {} ms", calls.len(), first.waited_ms));
        }
        let scores: Vec<i64> = calls.iter().map(|call| snapshot.queue_of(call).service.behind()).collect();
        let furthest = scores.iter().copied().enumerate().max_by_key(|(at, behind)| (*behind, Reverse(*at)));
        let Some((call, behind)) = furthest.and_then(|(at, behind)| Some((calls.get(at)?, behind))) else {
            return nobody();
        };
        let reason = match behind {
            0.. => format!("`{}` is {} % behind its objective", call.queue, percent(behind)),
            _ => format!("`{}` is {} % ahead of its objective, the least of all", call.queue, percent(-behind)),
        };
        Decision { scores, ..offer(call, agent, reason) }
    }

    fn reason(self, call: &Call, agent: &Candidate, of: usize) -> String {
        match self {
            Self::RoundRobin if agent.turn == 0 => format!("had no turn yet, of {of}"),
            Self::RoundRobin => format!("his turn lies furthest back of {of}"),
            Self::FewestCalls => format!("{} calls today, fewest of {of}", agent.calls_today),
            Self::LeastTalkTime => format!("spoke {} s today, least of {of}", agent.talk_today_ms / 1_000),
            Self::MostSkilled if !call.needs.is_empty() => format!("has {}, most of {of}", known(call, agent)),
            Self::LeastSkilled if !call.needs.is_empty() => {
                format!("has {}, least of {of} that suffices", known(call, agent))
            }
            Self::Linear => format!("first free one of the list, of {of}"),
            Self::WeightedRandom => format!("drawn with weight {}, of {of}", agent.weight),
            _ => format!("idle {} ms, longest of {of}", agent.idle_ms),
        }
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Strategy for Builtin {
    fn name(&self) -> &str {
        self.as_str()
    }

    fn order(&self) -> Order {
        match self {
            Self::LongestIdle | Self::RingAll | Self::WeightedRandom | Self::ServiceObjective => Order::LongestIdle,
            Self::RoundRobin => Order::Turn,
            Self::FewestCalls => Order::FewestCalls,
            Self::LeastTalkTime => Order::LeastTalkTime,
            Self::MostSkilled => Order::MostSkilled,
            Self::LeastSkilled => Order::LeastSkilled,
            Self::Linear => Order::List,
        }
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        match &snapshot.question {
            Question::Agent { call, candidates } => self.choose_agent(snapshot, call, candidates),
            Question::Call { agent, calls } => self.choose_call(snapshot, agent, calls),
        }
    }
}

/// Longest idle, to which every queue falls back: the agent who has been idle longest gets the call; the call that stands
/// first gets the agent.
///
/// *Idle* is the time since an agent was last given a reason to be busy: since his last call or his wrap-up ended, since
/// he became available, or since his rest after an offer that he did not take ended (so he who did not answer stands at
/// the end, not in front). An offer that was withdrawn through no doing of his (the caller hung up, waited too long, a
/// colleague was faster) does not restart it. Agents who have been idle equally long stand in the order of the
/// configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongestIdle;

impl Strategy for LongestIdle {
    fn name(&self) -> &str {
        Builtin::LongestIdle.as_str()
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        Builtin::LongestIdle.decide(snapshot)
    }
}

/// The levels of the needed skills as one number in which the first skill weighs most.
fn skill(call: &Call, candidate: &Candidate) -> i64 {
    let digits = call.needs.iter().take(crate::MAX_NEEDS);
    digits.fold(0, |sum, (skill, _)| sum * 101 + i64::from(candidate.skills.of(skill).unwrap_or(0)))
}

fn known(call: &Call, candidate: &Candidate) -> String {
    let levels = call.needs.iter().map(|(skill, _)| format!("{skill} {}", candidate.skills.of(skill).unwrap_or(0)));
    levels.collect::<Vec<_>>().join(", ")
}

/// One of the candidates, with a probability in proportion to his weight. Who has weight 0 is drawn if there is nobody else.
fn draw<'a>(seed: u64, candidates: impl Iterator<Item = &'a Candidate> + Clone) -> Option<&'a Candidate> {
    let total: u64 = candidates.clone().map(|candidate| u64::from(candidate.weight)).sum();
    if total == 0 {
        return candidates.clone().next();
    }
    // The high half of a product maps the seed evenly onto the weights.
    let mut left = u64::try_from((u128::from(seed) * u128::from(total)) >> 64).unwrap_or_default();
    candidates.clone().find(|candidate| {
        let weight = u64::from(candidate.weight);
        let is_his = left < weight;
        left = left.saturating_sub(weight);
        is_his
    })
}

pub fn offer(call: &Call, agent: &Candidate, reason: String) -> Decision {
    Decision::new(Action::Offer { call: call.id, agent: agent.agent.clone(), ring_ms: None }, reason)
}

pub fn nobody() -> Decision {
    Decision::new(Action::Wait { at_most_ms: None }, "nobody to choose")
}

fn ring(candidate: &Candidate) -> Ring {
    Ring { agent: candidate.agent.clone(), ring_ms: None }
}

fn percent(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
