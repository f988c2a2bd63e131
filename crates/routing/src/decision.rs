//! What a strategy may answer.

use base::CallId;
use serde::{Deserialize, Serialize};

use crate::{AgentName, Levels, QueueName};

/// The most octets of a decision's reason that are kept; the rest is cut off.
pub const MAX_REASON: usize = 256;
/// The most octets of a strategy's own state that are kept for it; a longer one is not taken.
pub const MAX_STATE: usize = 4_096;

/// An answer, with its reason in words for whoever asks later why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
    /// Why, in plain words; at most [`MAX_REASON`] octets are kept.
    pub reason: String,
    /// How good each option was (candidates with agent surplus, calls with call surplus), in the order of the snapshot;
    /// more is better. For whoever asks later; empty if the strategy does not reckon so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<i64>,
    /// What the strategy wants to find in the queue's next snapshot, at most [`MAX_STATE`] octets; none leaves what is
    /// there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
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
    /// The call is offered to all of them at once, and to those who become free while it rings if the strategy says so
    /// again for them. Who answers first has it; the others lose nothing by it.
    OfferAll {
        /// The call.
        call: CallId,
        /// The agents, of the snapshot; not none.
        agents: Vec<Ring>,
    },
    /// The call is offered to them one after the other, as long as each is free when his turn comes.
    OfferInTurn {
        /// The call.
        call: CallId,
        /// The agents, of the snapshot; not none.
        agents: Vec<Ring>,
    },
    /// Nothing is done until something changes (a call joins, an agent becomes free) or the time is over.
    Wait {
        /// How long at most, in milliseconds; one second if none.
        #[serde(default)]
        at_most_ms: Option<u64>,
    },
    /// The call needs these skills from now on; it is decided anew at once.
    Widen {
        /// The call.
        call: CallId,
        /// What it needs now.
        needs: Levels,
    },
    /// The call has this priority from now on; it is decided anew at once.
    Prioritise {
        /// The call.
        call: CallId,
        /// From 0 to 100.
        priority: u8,
    },
    /// The call leaves the queue for another place.
    Overflow {
        /// The call.
        call: CallId,
        /// Where to.
        to: Target,
    },
    /// The call is turned away from the queue: its flow goes on with the queue's refusal.
    Refuse {
        /// The call.
        call: CallId,
    },
}

impl Action {
    /// The call that it names.
    #[must_use]
    pub const fn call(&self) -> Option<CallId> {
        match self {
            Self::Offer { call, .. }
            | Self::OfferAll { call, .. }
            | Self::OfferInTurn { call, .. }
            | Self::Widen { call, .. }
            | Self::Prioritise { call, .. }
            | Self::Overflow { call, .. }
            | Self::Refuse { call } => Some(*call),
            Self::Wait { .. } => None,
        }
    }
}

/// An agent whose phone is to ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// The agent.
    pub agent: AgentName,
    /// How long his phone rings, in milliseconds; the queue's own ring time if none.
    #[serde(default)]
    pub ring_ms: Option<u64>,
}

/// Where a call goes that leaves its queue without an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Another queue; it keeps the time since which it waits.
    Queue(QueueName),
    /// A flow, by its name, in the place of the one that it came by.
    Flow(String),
    /// A mailbox, by its name: after a beep it takes a message, and ends the call. Whoever shall hear more is sent to a flow.
    Voicemail(String),
    /// A number of the number plan: a user's, a flow's or a queue's.
    Number(String),
}

impl Decision {
    /// A decision without scores that leaves the strategy's state as it is.
    #[must_use]
    pub fn new(action: Action, reason: impl Into<String>) -> Self {
        Self { action, reason: reason.into(), scores: Vec::new(), state: None }
    }

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
        let action = Action::Offer { call: CallId::from_raw(7), agent: "eva".into(), ring_ms: None };
        let decision = Decision::new(action, "knows him");
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
    fn every_action_reads_as_it_is_written() {
        let call = CallId::from_raw(7);
        let agents = vec![Ring { agent: "eva".into(), ring_ms: Some(9_000) }];
        let actions = [
            (
                Action::OfferAll { call, agents: agents.clone() },
                r#"{"action":"offer_all","call":"c0000000000007","agents":[{"agent":"eva","ring_ms":9000}]}"#,
            ),
            (
                Action::OfferInTurn { call, agents },
                r#"{"action":"offer_in_turn","call":"c0000000000007","agents":[{"agent":"eva","ring_ms":9000}]}"#,
            ),
            (
                Action::Widen { call, needs: Levels::new([("spanish".into(), 40)]) },
                r#"{"action":"widen","call":"c0000000000007","needs":{"spanish":40}}"#,
            ),
            (
                Action::Prioritise { call, priority: 90 },
                r#"{"action":"prioritise","call":"c0000000000007","priority":90}"#,
            ),
            (
                Action::Overflow { call, to: Target::Queue("support".into()) },
                r#"{"action":"overflow","call":"c0000000000007","to":{"queue":"support"}}"#,
            ),
            (
                Action::Overflow { call, to: Target::Flow("sorry".to_owned()) },
                r#"{"action":"overflow","call":"c0000000000007","to":{"flow":"sorry"}}"#,
            ),
            (
                Action::Overflow { call, to: Target::Voicemail("sales".to_owned()) },
                r#"{"action":"overflow","call":"c0000000000007","to":{"voicemail":"sales"}}"#,
            ),
            (Action::Refuse { call }, r#"{"action":"refuse","call":"c0000000000007"}"#),
        ];
        for (action, json) in actions {
            assert_eq!(serde_json::to_string(&action).unwrap(), json);
            assert_eq!(serde_json::from_str::<Action>(json).unwrap(), action);
        }
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let decision = Decision::new(Action::Wait { at_most_ms: None }, format!("a{}", "ß".repeat(400)));
        assert_eq!(decision.short_reason().len(), MAX_REASON - 1);
    }
}
