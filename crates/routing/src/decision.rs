//! What a strategy may answer.

use base::CallId;
use serde::{Deserialize, Serialize};

use crate::AgentName;

/// The most octets of a decision's reason that are kept; the rest is cut off.
pub const MAX_REASON: usize = 256;

/// An answer, with its reason in words for whoever asks later why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
    /// Why, in plain words; at most [`MAX_REASON`] octets are kept.
    pub reason: String,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// The call is offered to the agent. Both must stand in the snapshot.
    Offer {
        /// The call.
        call: CallId,
        /// The agent.
        agent: AgentName,
        /// How long his phone rings, in milliseconds; the queue's own ring time if none.
        #[serde(default)]
        ring_ms: Option<u64>,
    },
    /// Nothing is done until something changes (a call joins, an agent becomes free) or the time is over.
    Wait {
        /// How long at most, in milliseconds; one second if none.
        #[serde(default)]
        at_most_ms: Option<u64>,
    },
    /// The call is turned away from the queue: its flow goes on with the queue's refusal.
    Refuse {
        /// The call.
        call: CallId,
    },
}

impl Decision {
    /// The reason, cut to [`MAX_REASON`] octets at a character's border.
    #[must_use]
    pub fn short_reason(&self) -> &str {
        let mut end = self.reason.len().min(MAX_REASON);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        self.reason.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_reads_and_writes_as_flat_json() {
        let decision = Decision {
            action: Action::Offer { call: CallId::from_raw(7), agent: "eva".into(), ring_ms: None },
            reason: "knows him".to_owned(),
        };
        let json = serde_json::to_string(&decision).unwrap();
        assert_eq!(
            json,
            r#"{"action":"offer","call":"c0000000000007","agent":"eva","ring_ms":null,"reason":"knows him"}"#
        );
        assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
        let wait: Decision = serde_json::from_str(r#"{"action":"wait","reason":"","later":1}"#).unwrap();
        assert_eq!(wait.action, Action::Wait { at_most_ms: None }, "unknown fields are ignored");
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let decision = Decision { action: Action::Wait { at_most_ms: None }, reason: format!("a{}", "ß".repeat(400)) };
        assert_eq!(decision.short_reason().len(), MAX_REASON - 1);
    }
}
