//! For tests: says what it was asked and told, as JSON by the types that were generated from `routing.wit`; or, if its parameters are a
//! decision of these types, decides that.

wit_bindgen::generate!({
    path: "../../../../routing/wit",
    world: "plugin",
    additional_derives: [serde::Deserialize, serde::Serialize],
});

use exports::strowger::routing::strategy::{Decision, Description, Guest, Order, Outcome, Snapshot};

struct Echo;

impl Guest for Echo {
    fn describe() -> Description {
        let text = |text: &str| text.to_owned();
        Description { name: text("echo"), version: text("1"), order: Order::LeastSkilled, parameters: text("{}") }
    }

    fn decide(snapshot: Snapshot, parameters: String) -> Result<Decision, String> {
        let asked = || serde_json::to_string(&snapshot).unwrap_or_default();
        serde_json::from_str(&parameters).map_err(|_| asked())
    }

    fn told(outcomes: Vec<Outcome>, _state: Option<String>, _parameters: String) -> Option<String> {
        serde_json::to_string(&outcomes).ok()
    }
}

export!(Echo);
