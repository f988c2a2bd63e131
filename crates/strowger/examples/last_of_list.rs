//! The whole switch with a routing strategy of one's own, which a queue asks by `plugin: last-of-list`:
//! `cargo run --release -p strowger --example last_of_list -- run --config config`.

use std::process::ExitCode;

use strowger::routing::{Action, Decision, Order, Question, Snapshot, Strategy};
use strowger::{Strowger, Value};

/// The last free agent of the queue's list gets the call.
struct LastOfList {
    /// So many of the last are spared as long as another one is free.
    spared: usize,
}

/// What a queue may write: `plugin: { name: last-of-list, parameters: { spared: 1 } }`.
const PARAMETERS: &str = r#"{
    "type": "object",
    "properties": { "spared": { "type": "integer", "minimum": 0, "maximum": 31 } },
    "additionalProperties": false
}"#;

impl Strategy for LastOfList {
    fn name(&self) -> &str {
        "last-of-list"
    }

    fn order(&self) -> Order {
        Order::List
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        let pair = match &snapshot.question {
            Question::Agent { call, candidates } => {
                let agent = candidates.iter().rev().nth(self.spared).or(candidates.first());
                agent.map(|agent| (call, agent))
            }
            Question::Call { agent, calls } => calls.first().map(|call| (call, agent)),
        };
        let Some((call, agent)) = pair else {
            return Decision::new(Action::Wait { at_most_ms: None }, "nobody is free");
        };
        let offer = Action::Offer { call: call.id, agent: agent.agent.clone(), ring_ms: None };
        Decision::new(offer, format!("number {} of the list", agent.position + 1))
    }
}

fn main() -> ExitCode {
    let make = |parameters: &Value| {
        let spared = parameters["spared"].as_u64().unwrap_or_default();
        LastOfList { spared: usize::try_from(spared).unwrap_or_default() }
    };
    Strowger::new().strategy_with(PARAMETERS, make).main()
}
