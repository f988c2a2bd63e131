//! The strategy that is built in, and to which every queue falls back.

use crate::{Action, Call, Candidate, Decision, Question, Snapshot, Strategy};

/// Longest idle: the agent who has been idle longest gets the call; the call that joined first gets the agent.
///
/// *Idle* is the time since an agent was last given a reason to be busy: since his last call or his wrap-up ended, since
/// he became available, or since his rest after an offer that he did not take ended (so he who did not answer stands at
/// the end, not in front). An offer that was withdrawn through no doing of his (the caller hung up, waited too long) does
/// not restart it. Agents who have been idle equally long stand in the order of the configuration, calls that joined at
/// the same moment in the order in which they joined.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongestIdle;

impl Strategy for LongestIdle {
    fn name(&self) -> &'static str {
        "longest-idle"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        let pair = match &snapshot.question {
            Question::Agent { call, candidates } => first_max(candidates, |c| c.idle_ms).map(|agent| (call, agent)),
            Question::Call { agent, calls } => first_max(calls, |c| c.waited_ms).map(|call| (call, agent)),
        };
        pair.map_or_else(nobody, |(call, agent)| offer(call, agent, snapshot))
    }
}

/// The first of the items with the greatest figure.
fn first_max<T>(items: &[T], figure: impl Fn(&T) -> u64) -> Option<&T> {
    items.iter().reduce(|best, item| if figure(item) > figure(best) { item } else { best })
}

fn offer(call: &Call, agent: &Candidate, snapshot: &Snapshot) -> Decision {
    let reason = match &snapshot.question {
        Question::Agent { candidates, .. } => format!("idle {} ms, longest of {}", agent.idle_ms, candidates.len()),
        Question::Call { calls, .. } => format!("waited {} ms, longest of {}", call.waited_ms, calls.len()),
    };
    Decision { action: Action::Offer { call: call.id, agent: agent.agent.clone(), ring_ms: None }, reason }
}

fn nobody() -> Decision {
    Decision { action: Action::Wait { at_most_ms: None }, reason: "nobody to choose".to_owned() }
}
