//! Value-based routing: who is worth more is served first, and valuable calls are spread evenly over the agents.
//!
//! Parameters: `customers`, the text of a CSV with a line `number,value` for each; `usual`, the value of who is not among them (0
//! unless said); `patience_ms`, after which a call goes before all others whatever it is worth (one minute unless said).
//!
//! State: what each agent had so far in value, and what he was asked to take. An offer counts when it is made; if the agent did
//! not take it, `told` takes it back.

wit_bindgen::generate!({ path: "../../../../routing/wit", world: "plugin" });

use std::collections::BTreeMap;

use exports::strowger::routing::strategy::{
    Action, AgentSurplus, Call, CallSurplus, Candidate, Decision, Description, Guest, Happened, Offer, Order, Outcome,
    Question, Snapshot, Wait,
};
use serde_json::{Map, Value, json};

/// Agents, and offers, that the state has room for.
const MAX_AGENTS: usize = 64;
const MAX_ASKED: usize = 20;

struct ValueBased;

impl Guest for ValueBased {
    fn describe() -> Description {
        Description {
            name: "value-based".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            order: Order::LongestIdle,
            parameters: json!({
                "type": "object",
                "properties": {
                    "customers": { "type": "string" },
                    "usual": { "type": "integer", "minimum": 0 },
                    "patience_ms": { "type": "integer", "minimum": 0 },
                },
                "required": ["customers"],
                "additionalProperties": false,
            })
            .to_string(),
        }
    }

    fn decide(snapshot: Snapshot, parameters: String) -> Result<Decision, String> {
        let parameters: Value = serde_json::from_str(&parameters).map_err(|error| error.to_string())?;
        let mut state = State::read(snapshot.state.as_deref());
        Ok(match &snapshot.question {
            Question::Agent(AgentSurplus { call, candidates }) => {
                let values = values(&parameters, std::slice::from_ref(call))?;
                for_agent(&mut state, call, values[0], candidates)
            }
            Question::Call(CallSurplus { agent, calls }) => {
                let values = values(&parameters, calls)?;
                let patience = parameters["patience_ms"].as_u64().unwrap_or(60_000);
                for_call(&mut state, agent, calls, values, patience)
            }
        })
    }

    fn told(outcomes: Vec<Outcome>, state: Option<String>, _parameters: String) -> Option<String> {
        let mut new = State::read(state.as_deref());
        for outcome in outcomes {
            let Some(value) = new.asked.remove(&outcome.call) else { continue };
            if !matches!(outcome.happened, Happened::Accepted(_) | Happened::Ended(_)) {
                let had = new.had.entry(outcome.agent).or_default();
                *had = had.saturating_sub(value);
            }
        }
        let new = new.write();
        (Some(&new) != state.as_ref()).then_some(new)
    }
}

/// Of the lowest level, who had the least value so far; of equals the first one.
fn for_agent(state: &mut State, call: &Call, value: u64, candidates: &[Candidate]) -> Decision {
    let had: Vec<u64> = candidates.iter().map(|candidate| state.of(&candidate.agent)).collect();
    let lowest = candidates.iter().map(|candidate| candidate.level).min();
    let eligible = || candidates.iter().zip(&had).filter(|(candidate, _)| Some(candidate.level) == lowest);
    let Some((agent, least)) = eligible().min_by_key(|(_, had)| **had) else { return nobody() };
    let reason = format!("worth {value}; had {least} so far, least of {}", eligible().count());
    let scores = had.iter().map(|had| -i64::try_from(*had).unwrap_or(i64::MAX)).collect();
    offer(state, &call.id, &agent.agent, value, reason, scores)
}

/// The first call that has waited too long, or the one that is worth most; of equals the first one.
fn for_call(state: &mut State, agent: &Candidate, calls: &[Call], values: Vec<u64>, patience: u64) -> Decision {
    let most = values.iter().copied().max().unwrap_or_default();
    let late = calls.iter().position(|call| call.waited_ms >= patience);
    let Some(place) = late.or_else(|| values.iter().position(|value| *value == most)) else { return nobody() };
    let (call, value) = (&calls[place], values[place]);
    let reason = match late {
        Some(_) => format!("waited {} ms, worth {value}", call.waited_ms),
        None => format!("worth {value}, most of {}", calls.len()),
    };
    let scores = values.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect();
    offer(state, &call.id, &agent.agent, value, reason, scores)
}

fn offer(state: &mut State, call: &str, agent: &str, value: u64, reason: String, scores: Vec<i64>) -> Decision {
    // Who is worth nothing changes nothing.
    let state = (value > 0).then(|| {
        *state.had.entry(agent.to_owned()).or_default() += value;
        state.asked.insert(call.to_owned(), value);
        state.write()
    });
    let action = Action::Offer(Offer { call: call.to_owned(), agent: agent.to_owned(), ring_ms: None });
    Decision { action, reason, scores, state }
}

fn nobody() -> Decision {
    let action = Action::Wait(Wait { at_most_ms: None });
    Decision { action, reason: "nobody to choose".to_owned(), scores: Vec::new(), state: None }
}

/// What the callers are worth, in one pass over the customers.
fn values(parameters: &Value, calls: &[Call]) -> Result<Vec<u64>, String> {
    let customers = parameters["customers"].as_str().ok_or("`customers` is missing")?;
    let usual = parameters["usual"].as_u64().unwrap_or_default();
    let mut values = vec![usual; calls.len()];
    let callers: Vec<String> = calls.iter().map(|call| digits(&call.caller)).collect();
    for line in customers.lines() {
        let Some((number, value)) = line.split_once(',') else { continue };
        let number = digits(number);
        // The heading has no digits.
        if number.is_empty() || !callers.contains(&number) {
            continue;
        }
        let value = value.trim().parse().map_err(|_| format!("`{line}` has no value"))?;
        for (_, place) in callers.iter().zip(&mut values).filter(|(caller, _)| **caller == number) {
            *place = value;
        }
    }
    Ok(values)
}

/// A number without what people write between its digits.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// What the switch keeps for the queue.
#[derive(Default)]
struct State {
    /// By agent, the value that he was offered.
    had: BTreeMap<String, u64>,
    /// By call, what was counted for an offer of which nothing was told yet.
    asked: BTreeMap<String, u64>,
}

impl State {
    /// A state that cannot be read is an empty one.
    fn read(text: Option<&str>) -> Self {
        let state: Value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let numbers = |key: &str| {
            let entries = state[key].as_object().into_iter().flatten();
            entries.filter_map(|(key, value)| Some((key.clone(), value.as_u64()?))).collect()
        };
        Self { had: numbers("had"), asked: numbers("asked") }
    }

    fn of(&self, agent: &str) -> u64 {
        self.had.get(agent).copied().unwrap_or_default()
    }

    /// As text, without those for whom there is no room: the oldest offers, and the agents who had least.
    fn write(&mut self) -> String {
        while self.asked.len() > MAX_ASKED {
            self.asked.pop_first();
        }
        while self.had.len() > MAX_AGENTS {
            let least = self.had.iter().min_by_key(|(_, had)| **had).map(|(agent, _)| agent.clone());
            least.and_then(|agent| self.had.remove(&agent));
        }
        let numbers = |of: &BTreeMap<String, u64>| of.iter().map(|(key, value)| (key.clone(), (*value).into())).collect();
        let (asked, had): (Map<String, Value>, Map<String, Value>) = (numbers(&self.asked), numbers(&self.had));
        json!({ "asked": asked, "had": had }).to_string()
    }
}

export!(ValueBased);
