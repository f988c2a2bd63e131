//! The whole switch with a routing strategy of one's own, which a queue asks by `plugin: last-of-list`:
//! `cargo run --release -p strowger --example last_of_list -- run --config config`.

use std::process::ExitCode;

use strowger::Strowger;
use strowger::routing::{Action, Decision, Order, Question, Snapshot, Strategy};

/// The last free agent of the queue's list gets the call.
struct LastOfList;

impl Strategy for LastOfList {
    fn name(&self) -> &str {
        "last-of-list"
    }

    fn order(&self) -> Order {
        Order::List
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        let pair = match &snapshot.question {
            Question::Agent { call, candidates } => candidates.last().map(|agent| (call, agent)),
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
    Strowger::new().strategy(|| LastOfList).main()
}
