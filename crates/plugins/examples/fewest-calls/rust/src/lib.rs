//! Who answered the fewest calls today gets the next one; who lets calls ring stands behind the others until he takes one.
//!
//! Parameters: `misses`, after how many calls in a row that an agent did not take he stands behind (3 unless said).
//!
//! State: by agent, how many calls in a row he did not take.

wit_bindgen::generate!({ path: "../../../../routing/wit", world: "plugin" });

use std::collections::BTreeMap;

use exports::strowger::routing::strategy::{
    Action, AgentSurplus, CallSurplus, Decision, Description, Guest, Happened, Offer, Order, Outcome, Question,
    Snapshot, Wait,
};
use serde_json::{Value, json};

/// Agents that the state has room for: it may have 4,096 octets.
const MAX_AGENTS: usize = 50;

struct FewestCalls;

impl Guest for FewestCalls {
    fn describe() -> Description {
        Description {
            name: "fewest-calls".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            order: Order::FewestCalls,
            parameters: json!({
                "type": "object",
                "properties": { "misses": { "type": "integer", "minimum": 1 } },
                "additionalProperties": false,
            })
            .to_string(),
        }
    }

    fn decide(snapshot: Snapshot, parameters: String) -> Result<Decision, String> {
        let parameters: Value = serde_json::from_str(&parameters).map_err(|error| error.to_string())?;
        let most = parameters["misses"].as_u64().unwrap_or(3);
        let missed = read(snapshot.state.as_deref());
        Ok(match snapshot.question {
            // A call came, and several agents are free.
            Question::Agent(AgentSurplus { call, candidates }) => {
                let lowest = candidates.iter().map(|agent| agent.level).min();
                let eligible = || candidates.iter().filter(|agent| Some(agent.level) == lowest);
                let misses = |agent: &str| missed.get(agent).copied().unwrap_or_default() >= most;
                // Of equals the first one.
                let best = eligible().min_by_key(|agent| (misses(&agent.agent), agent.calls_today));
                let Some(best) = best else { return Ok(nobody()) };
                let reason = format!("{} calls today, fewest of {}", best.calls_today, eligible().count());
                let scores = candidates.iter().map(|agent| -i64::from(agent.calls_today)).collect();
                offer(call.id, best.agent.clone(), reason, scores)
            }
            // An agent became free, and several calls wait.
            Question::Call(CallSurplus { agent, calls }) => {
                let count = calls.len();
                let Some(first) = calls.into_iter().next() else { return Ok(nobody()) };
                let reason = format!("first of {count}, waited {} ms", first.waited_ms);
                offer(first.id, agent.agent, reason, Vec::new())
            }
        })
    }

    fn told(outcomes: Vec<Outcome>, state: Option<String>, _parameters: String) -> Option<String> {
        let mut missed = read(state.as_deref());
        for outcome in outcomes {
            match outcome.happened {
                Happened::Accepted(_) => drop(missed.remove(&outcome.agent)),
                Happened::Declined(_) | Happened::TimedOut(_) | Happened::Unreachable(_) => {
                    *missed.entry(outcome.agent).or_default() += 1;
                }
                Happened::Withdrawn(_) | Happened::Ended(_) => {}
            }
        }
        while missed.len() > MAX_AGENTS {
            missed.pop_last();
        }
        let new = json!(missed).to_string();
        (Some(&new) != state.as_ref()).then_some(new)
    }
}

/// A state that cannot be read is an empty one.
fn read(state: Option<&str>) -> BTreeMap<String, u64> {
    let state: Value = state.and_then(|state| serde_json::from_str(state).ok()).unwrap_or_default();
    let entries = state.as_object().into_iter().flatten();
    entries.filter_map(|(agent, misses)| Some((agent.clone(), misses.as_u64()?))).collect()
}

fn offer(call: String, agent: String, reason: String, scores: Vec<i64>) -> Decision {
    Decision { action: Action::Offer(Offer { call, agent, ring_ms: None }), reason, scores, state: None }
}

fn nobody() -> Decision {
    let action = Action::Wait(Wait { at_most_ms: None });
    Decision { action, reason: "nobody to choose".to_owned(), scores: Vec::new(), state: None }
}

export!(FewestCalls);
