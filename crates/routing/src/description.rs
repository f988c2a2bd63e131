//! What a strategy says of itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Order;

/// A strategy, as it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// A short name, such as `value-based`; at most [`Self::MAX_NAME`] octets.
    pub name: String,
    /// The strategy's own version, for people; at most [`Self::MAX_NAME`] octets.
    pub version: String,
    /// The order in which it wants to see the candidates.
    #[serde(default)]
    pub order: Order,
    /// A JSON Schema of its parameters; at most [`Self::MAX_PARAMETERS`] octets as text.
    #[serde(default = "no_parameters")]
    pub parameters: Value,
}

impl Description {
    /// The most octets of a plugin's name, and of its version.
    pub const MAX_NAME: usize = 64;
    /// The most octets of the JSON Schema of a plugin's parameters.
    pub const MAX_PARAMETERS: usize = 65_536;

    /// A strategy without parameters.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>, order: Order) -> Self {
        Self { name: name.into(), version: version.into(), order, parameters: no_parameters() }
    }

    /// What is wrong with it, if it cannot be used.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let most = Self::MAX_NAME;
        match &self.parameters {
            _ if self.name.is_empty() || self.name.len().max(self.version.len()) > most => {
                Some(format!("name and version have up to {most} octets, the name at least one"))
            }
            Value::Object(_) if self.parameters.to_string().len() > Self::MAX_PARAMETERS => {
                Some(format!("the schema of its parameters has more than {} octets", Self::MAX_PARAMETERS))
            }
            Value::Object(_) => None,
            _ => Some("the schema of its parameters is no object".to_owned()),
        }
    }
}

fn no_parameters() -> Value {
    json!({ "type": "object", "additionalProperties": false })
}
