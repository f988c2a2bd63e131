//! Sticky last agent: the caller gets whom he knows, if that does not take too long.

use crate::builtin::offer;
use crate::{Action, Builtin, Call, Decision, Order, Presence, Question, Snapshot, Strategy};

/// Another strategy, but that a caller gets the agent who spoke with him last.
///
/// With agent surplus: is that agent a candidate, he gets the call. Is he busy, the call waits for him, until it has waited
/// for `patience_ms` in all. Otherwise (also if he is away, or lacks what the call needs now) the other strategy decides.
///
/// With call surplus: the first call whose last agent is this one goes before all others. Calls that still wait for their
/// busy last agent are passed over; of the rest the other strategy chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sticky<S> {
    /// Who decides about all others.
    pub other: S,
    /// How long a caller waits for his last agent, in milliseconds since he joined.
    pub patience_ms: u64,
}

impl<S: Strategy> Strategy for Sticky<S> {
    fn name(&self) -> &str {
        self.other.name()
    }

    fn order(&self) -> Order {
        self.other.order()
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        match &snapshot.question {
            Question::Agent { call, candidates } => {
                let known = call.last_agent.as_ref().map(|last| &last.agent);
                if let Some(agent) = candidates.iter().find(|candidate| Some(&candidate.agent) == known) {
                    return offer(call, agent, "spoke with this caller last".to_owned());
                }
                match self.holds(call) {
                    Some(left) => Decision::new(
                        Action::Wait { at_most_ms: Some(left) },
                        format!("waits for {}, who spoke with this caller last", name(call)),
                    ),
                    None => self.other.decide(snapshot),
                }
            }
            Question::Call { agent, calls } => {
                let his = calls.iter().find(|call| is_last(call, agent.agent.as_str()));
                if let Some(call) = his {
                    return offer(call, agent, "spoke with this caller last".to_owned());
                }
                if !calls.iter().any(|call| self.holds(call).is_some()) {
                    return self.other.decide(snapshot);
                }
                let open: Vec<Call> = calls.iter().filter(|call| self.holds(call).is_none()).cloned().collect();
                if open.is_empty() {
                    let left = calls.iter().filter_map(|call| self.holds(call)).min();
                    return Decision::new(
                        Action::Wait { at_most_ms: left },
                        "all wait for those who spoke with them last",
                    );
                }
                let question = Question::Call { agent: agent.clone(), calls: open };
                self.other.decide(&Snapshot { question, ..snapshot.clone() })
            }
        }
    }
}

impl<S> Sticky<S> {
    /// How long a call goes on waiting for its last agent, in milliseconds; none if it does not.
    fn holds(&self, call: &Call) -> Option<u64> {
        let busy = call.last_agent.as_ref().is_some_and(|last| last.presence == Presence::Busy);
        self.patience_ms.checked_sub(call.waited_ms).filter(|left| busy && *left > 0)
    }
}

fn is_last(call: &Call, agent: &str) -> bool {
    call.last_agent.as_ref().is_some_and(|last| last.agent.as_str() == agent)
}

fn name(call: &Call) -> &str {
    call.last_agent.as_ref().map(|last| last.agent.as_str()).unwrap_or_default()
}

/// How a queue decides that is configured so: by a strategy that is built in, and by who spoke with the caller last if
/// there is patience for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Method {
    /// The strategy.
    pub strategy: Builtin,
    /// How long a caller waits for his last agent ([`Sticky`]), in milliseconds; not at all if none.
    pub patience_ms: Option<u64>,
}

impl Strategy for Method {
    fn name(&self) -> &str {
        self.strategy.as_str()
    }

    fn order(&self) -> Order {
        self.strategy.order()
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        match self.patience_ms {
            Some(patience_ms) => Sticky { other: self.strategy, patience_ms }.decide(snapshot),
            None => self.strategy.decide(snapshot),
        }
    }
}
