//! Whether an answer is as expected, and one that can be.

use routing::{Decision, Snapshot};
use serde_json::Value as Json;
use yaml::Place;

use super::{Expectation, Failed, Step};
use crate::Failure;

/// A decision in one line, with calls by their places.
#[must_use]
pub fn shown(snapshot: &Snapshot, decision: &Decision) -> String {
    let mut json = serde_json::to_value(decision).unwrap_or_default();
    let reason = decision.short_reason();
    if let Some(entries) = json.as_object_mut() {
        for key in ["reason", "state", "scores"] {
            entries.remove(key);
        }
        entries.retain(|_, value| !value.is_null());
        if let Some(call) = entries.get_mut("call") {
            *call = placed(snapshot, call);
        }
    }
    format!("{json} “{reason}”")
}

/// A call by its place in the snapshot, from 1, if it stands there.
fn placed(snapshot: &Snapshot, id: &Json) -> Json {
    let place = snapshot.calls().iter().position(|call| id.as_str() == Some(&call.id.to_string()));
    place.map_or_else(|| id.clone(), |place| (place + 1).into())
}

pub(super) fn failed(place: Place, asked: &str, failed: &Failed) -> Failure {
    let what = format!("`{asked}` failed");
    Failure::new(place, what, "an answer".to_owned(), format!("{}: {}", failed.kind, failed.text))
}

pub(super) fn judge(
    step: &Step,
    snapshot: &Snapshot,
    answer: &Result<Decision, Failed>,
    state: Option<&str>,
) -> Vec<Failure> {
    let fault = step.expect.iter().find(|expected| expected.key == "fault");
    let decision = match (answer, fault) {
        (Ok(decision), None) => decision,
        (Err(came), None) => return vec![failed(step.place.clone(), "decide", came)],
        (Err(came), Some(expected)) if expected.wanted == came.kind => return Vec::new(),
        (Err(came), Some(expected)) => {
            return vec![differs(expected, text(&expected.wanted), format!("{}: {}", came.kind, came.text))];
        }
        (Ok(decision), Some(expected)) => {
            return vec![differs(expected, text(&expected.wanted), shown(snapshot, decision))];
        }
    };
    if let Some(why) = decision.impossible(snapshot) {
        let what = "the switch cannot do that".to_owned();
        let came = format!("{}: {why}", shown(snapshot, decision));
        return vec![Failure::new(step.place.clone(), what, "a decision that can be".to_owned(), came)];
    }
    let json = serde_json::to_value(decision).unwrap_or_default();
    let compare = |expected: &Expectation| {
        let came = match expected.key {
            "state" => state.map_or(Json::Null, Json::from),
            "agents" => names(json.get("agents")),
            key => json.get(key).cloned().unwrap_or_default(),
        };
        if came == expected.wanted {
            return None;
        }
        let [wanted, came] = [&expected.wanted, &came].map(|value| {
            let value = if expected.key == "call" { placed(snapshot, value) } else { value.clone() };
            text(&value)
        });
        Some(differs(expected, wanted, format!("{came} in {}", shown(snapshot, decision))))
    };
    step.expect.iter().filter_map(compare).collect()
}

fn differs(expected: &Expectation, wanted: String, came: String) -> Failure {
    Failure::new(expected.place.clone(), format!("`{}` is another", expected.key), wanted, came)
}

fn names(agents: Option<&Json>) -> Json {
    let agents = agents.and_then(Json::as_array);
    agents.map_or(Json::Null, |agents| agents.iter().filter_map(|ring| ring.get("agent").cloned()).collect())
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => "nothing".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
