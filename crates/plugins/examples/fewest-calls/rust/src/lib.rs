//! Who answered the fewest calls today gets the next one. The switch has this built in; here it is to be read.

wit_bindgen::generate!({ path: "../../../../routing/wit", world: "plugin" });

use exports::strowger::routing::strategy::{
    Action, AgentSurplus, CallSurplus, Decision, Description, Guest, Offer, Order, Outcome, Question, Snapshot, Wait,
};

struct FewestCalls;

impl Guest for FewestCalls {
    fn describe() -> Description {
        Description {
            name: "fewest-calls".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            order: Order::FewestCalls,
            parameters: r#"{"type":"object","additionalProperties":false}"#.to_owned(),
        }
    }

    fn decide(snapshot: Snapshot, _parameters: String) -> Result<Decision, String> {
        Ok(match snapshot.question {
            Question::Agent(AgentSurplus { call, candidates }) => {
                let lowest = candidates.iter().map(|candidate| candidate.level).min();
                let eligible = || candidates.iter().filter(|candidate| Some(candidate.level) == lowest);
                // Of equals the first one.
                let Some(best) = eligible().min_by_key(|candidate| candidate.calls_today) else { return Ok(nobody()) };
                let reason = format!("{} calls today, fewest of {}", best.calls_today, eligible().count());
                let scores = candidates.iter().map(|candidate| -i64::from(candidate.calls_today)).collect();
                offer(call.id, best.agent.clone(), reason, scores)
            }
            Question::Call(CallSurplus { agent, calls }) => {
                let count = calls.len();
                let Some(first) = calls.into_iter().next() else { return Ok(nobody()) };
                let reason = format!("first of {count}, waited {} ms", first.waited_ms);
                offer(first.id, agent.agent, reason, Vec::new())
            }
        })
    }

    fn told(_outcomes: Vec<Outcome>, _state: Option<String>, _parameters: String) -> Option<String> {
        None
    }
}

fn offer(call: String, agent: String, reason: String, scores: Vec<i64>) -> Decision {
    Decision { action: Action::Offer(Offer { call, agent, ring_ms: None }), reason, scores, state: None }
}

fn nobody() -> Decision {
    let action = Action::Wait(Wait { at_most_ms: None });
    Decision { action, reason: "nobody to choose".to_owned(), scores: Vec::new(), state: None }
}

export!(FewestCalls);
