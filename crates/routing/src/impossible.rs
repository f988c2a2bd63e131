//! Decisions that nobody could carry out, by what stood in their snapshots alone.

use std::fmt;
use std::time::Duration;

use base::CallId;

use crate::{Action, AgentName, Call, Decision, Levels, QueueName, Ring, Snapshot, Target};

/// The longest ring time that a decision may ask for, in milliseconds.
const MAX_RING_MS: u64 = 600_000;
/// The highest priority of a call.
const MAX_PRIORITY: u8 = 100;

/// Why a decision is impossible. In words it is for the decision's author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impossible<'a> {
    /// The call does not stand in the snapshot.
    Call(CallId),
    /// The agent does not stand in the snapshot.
    Agent(&'a AgentName),
    /// An agent is named twice.
    Twice(&'a AgentName),
    /// No agent is named.
    Nobody,
    /// A phone is to ring for no time, or for too long, in milliseconds.
    RingTime(u64),
    /// The call needs these skills already, or not all of them.
    Needs(&'a Levels),
    /// The call has this priority already, or there is no such.
    Priority(u8),
    /// The call is in this queue already.
    OwnQueue(&'a QueueName),
}

impl fmt::Display for Impossible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => write!(f, "`{call}` is not among the calls"),
            Self::Agent(agent) => write!(f, "`{agent}` is not among the agents"),
            Self::Twice(agent) => write!(f, "`{agent}` is named twice"),
            Self::Nobody => f.write_str("nobody's phone rings"),
            Self::RingTime(ms) => {
                let most = Duration::from_millis(MAX_RING_MS).as_secs();
                write!(f, "a phone cannot ring for {ms} ms, but up to {most} s")
            }
            Self::Needs(needs) if needs.is_empty() => f.write_str("the call needs no skill as it is"),
            Self::Needs(needs) => write!(f, "`{needs}` is no less than what the call needs"),
            Self::Priority(priority @ ..=MAX_PRIORITY) => write!(f, "the call has priority {priority} already"),
            Self::Priority(priority) => write!(f, "{priority} is no priority, which goes up to {MAX_PRIORITY}"),
            Self::OwnQueue(queue) => write!(f, "the call is in the queue `{queue}` already"),
        }
    }
}

impl Decision {
    /// Why nobody could carry it out, whatever has changed since the snapshot was taken; none if somebody might. What only
    /// the exchange knows (which queues, flows and numbers there are, how often a call was changed) is not looked at.
    #[must_use]
    pub fn impossible(&self, snapshot: &Snapshot) -> Option<Impossible<'_>> {
        let call = match self.action.call() {
            Some(id) => match snapshot.calls().iter().find(|listed| listed.id == id) {
                Some(call) => call,
                None => return Some(Impossible::Call(id)),
            },
            // A wait is shortened if it is too long.
            None => return None,
        };
        match &self.action {
            Action::Offer { agent, ring_ms, .. } => ring(snapshot, agent, *ring_ms),
            Action::OfferAll { agents, .. } | Action::OfferInTurn { agents, .. } => rings(snapshot, agents),
            Action::Widen { needs, .. } => {
                // Whoever met the old needs meets the new ones.
                let less = *needs != call.needs && call.needs.meet(needs);
                (!less).then_some(Impossible::Needs(needs))
            }
            Action::Prioritise { priority, .. } => {
                let wrong = *priority == call.priority || *priority > MAX_PRIORITY;
                wrong.then_some(Impossible::Priority(*priority))
            }
            Action::Overflow { to, .. } => own_queue(call, to),
            Action::Refuse { .. } | Action::Wait { .. } => None,
        }
    }
}

fn ring<'a>(snapshot: &Snapshot, agent: &'a AgentName, ring_ms: Option<u64>) -> Option<Impossible<'a>> {
    if !snapshot.candidates().iter().any(|candidate| candidate.agent == *agent) {
        return Some(Impossible::Agent(agent));
    }
    ring_ms.filter(|ms| !(1..=MAX_RING_MS).contains(ms)).map(Impossible::RingTime)
}

fn rings<'a>(snapshot: &Snapshot, agents: &'a [Ring]) -> Option<Impossible<'a>> {
    if agents.is_empty() {
        return Some(Impossible::Nobody);
    }
    // As none is named twice and all stand in the snapshot, no more are looked at than that has.
    agents.iter().enumerate().find_map(|(number, Ring { agent, ring_ms })| {
        let before = agents.iter().take(number);
        let again = before.into_iter().any(|before| before.agent == *agent).then_some(Impossible::Twice(agent));
        again.or_else(|| ring(snapshot, agent, *ring_ms))
    })
}

fn own_queue<'a>(call: &Call, to: &'a Target) -> Option<Impossible<'a>> {
    match to {
        Target::Queue(queue) if *queue == call.queue => Some(Impossible::OwnQueue(queue)),
        Target::Queue(_) | Target::Flow(_) | Target::Voicemail(_) | Target::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use base::{DecisionId, Wall};

    use super::*;
    use crate::{Candidate, Exclusions, Question, Queue, Service, VERSION};

    fn needs(level: u8) -> Levels {
        Levels::new([("spanish".into(), level)])
    }

    /// Call 7 of the queue `sales` needs Spanish of level 60 and has priority 50; ann and bob are free.
    fn snapshot() -> Snapshot {
        let exclusions = Exclusions::default();
        let (name, service) = (QueueName::from("sales"), Service::default());
        let queue = Queue { name, waiting: 1, longest_wait_ms: 0, excluded: exclusions, ring_ms: 20_000, service };
        let call = Call { needs: needs(60), priority: 50, ..Call::new(CallId::from_raw(7), "sales") };
        let candidates = ["ann", "bob"].map(Candidate::new).into();
        let question = Question::Agent { call, candidates };
        let (id, other_queues, at) = (DecisionId::from_raw(1), Vec::new(), Wall::from_unix_micros(0));
        Snapshot { version: VERSION, id, epoch: 1, at, seed: 0, queue, other_queues, state: None, question }
    }

    fn told(action: Action) -> Option<String> {
        Decision::new(action, "").impossible(&snapshot()).map(|why| why.to_string())
    }

    fn ring(agent: &str, ring_ms: impl Into<Option<u64>>) -> Ring {
        Ring { agent: agent.into(), ring_ms: ring_ms.into() }
    }

    #[test]
    fn what_could_be_done_is_possible() {
        let call = CallId::from_raw(7);
        for action in [
            Action::Offer { call, agent: "bob".into(), ring_ms: Some(600_000) },
            Action::Offer { call, agent: "bob".into(), ring_ms: Some(1) },
            Action::OfferAll { call, agents: vec![ring("bob", None), ring("ann", 9_000)] },
            Action::OfferInTurn { call, agents: vec![ring("ann", None)] },
            Action::Widen { call, needs: needs(59) },
            Action::Widen { call, needs: Levels::default() },
            Action::Prioritise { call, priority: 0 },
            Action::Prioritise { call, priority: 100 },
            Action::Overflow { call, to: Target::Queue("support".into()) },
            Action::Overflow { call, to: Target::Flow("sales".to_owned()) },
            Action::Refuse { call },
            Action::Wait { at_most_ms: Some(u64::MAX) },
        ] {
            assert_eq!(told(action.clone()), None, "{action:?}");
        }
    }

    #[test]
    fn each_way_to_be_impossible_is_told_in_words() {
        let (call, other) = (CallId::from_raw(7), CallId::from_raw(8));
        let offer = |call, agent: &str, ring_ms| Action::Offer { call, agent: agent.into(), ring_ms };
        for (action, words) in [
            (offer(other, "bob", None), "`c0000000000008` is not among the calls"),
            (offer(call, "eve", None), "`eve` is not among the agents"),
            (offer(call, "bob", Some(0)), "a phone cannot ring for 0 ms, but up to 600 s"),
            (offer(call, "bob", Some(600_001)), "a phone cannot ring for 600001 ms, but up to 600 s"),
            (Action::OfferAll { call, agents: Vec::new() }, "nobody's phone rings"),
            (Action::OfferInTurn { call, agents: vec![ring("ann", None), ring("eve", None)] }, "`eve` is not among"),
            (Action::OfferAll { call, agents: vec![ring("ann", None), ring("ann", 9)] }, "`ann` is named twice"),
            (Action::OfferAll { call: other, agents: vec![ring("ann", None)] }, "is not among the calls"),
            (Action::Widen { call, needs: needs(60) }, "`spanish 60` is no less than what the call needs"),
            (Action::Widen { call, needs: needs(61) }, "`spanish 61` is no less"),
            (Action::Widen { call, needs: Levels::new([("french".into(), 0)]) }, "`french 0` is no less"),
            (Action::Prioritise { call, priority: 50 }, "the call has priority 50 already"),
            (Action::Prioritise { call, priority: 101 }, "101 is no priority, which goes up to 100"),
            (Action::Overflow { call, to: Target::Queue("sales".into()) }, "the call is in the queue `sales` already"),
            (Action::Overflow { call: other, to: Target::Queue("support".into()) }, "is not among the calls"),
            (Action::Refuse { call: other }, "is not among the calls"),
        ] {
            let why = told(action.clone()).unwrap_or_default();
            assert!(why.contains(words), "{action:?}: {why}");
        }
        let mut snapshot = snapshot();
        let Question::Agent { call, .. } = &mut snapshot.question else { unreachable!("made so") };
        call.needs = Levels::default();
        let widen = Decision::new(Action::Widen { call: call.id, needs: Levels::default() }, "");
        let why = widen.impossible(&snapshot).map(|why| why.to_string());
        assert_eq!(why.as_deref(), Some("the call needs no skill as it is"));
    }
}
