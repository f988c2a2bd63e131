//! A strategy that errs now and then, as a plugin may.

use base::Rng;
use routing::{Action, Decision, LongestIdle, Snapshot, Strategy};

/// Longest idle, but of 1,000 decisions so many are rubbish. Equal snapshots give equal decisions.
pub(super) struct Erring {
    /// Of 1,000.
    pub often: u32,
    pub seed: u64,
}

impl Strategy for Erring {
    fn name(&self) -> &'static str {
        "erring"
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        let right = LongestIdle.decide(snapshot);
        let mut rng = Rng::from_number(self.seed ^ snapshot.id.as_raw());
        if rng.below(1_000) >= self.often {
            return right;
        }
        let action = match (rng.below(5), right.action) {
            (0, Action::Offer { call, .. }) => Action::Offer { call, agent: "nobody".into(), ring_ms: None },
            (1, Action::Offer { call, agent, .. }) => Action::Offer { call, agent, ring_ms: Some(0) },
            (2, Action::Offer { call, agent, .. }) => Action::Offer { call, agent, ring_ms: Some(u64::MAX) },
            (3, Action::Offer { agent, .. }) => {
                Action::Offer { call: base::CallId::from_raw(u64::MAX), agent, ring_ms: None }
            }
            (_, _) => Action::Wait { at_most_ms: Some(u64::MAX) },
        };
        Decision::new(action, "rubbish".repeat(100))
    }
}
