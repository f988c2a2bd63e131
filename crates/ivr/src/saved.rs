//! A session written down, to be moved or replayed.

use std::sync::Arc;
use std::time::Duration;

use base::Now;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::{Flow, FlowHash, Session};

/// All that a session remembers, and the hash of the flow that it is in. It holds what the caller typed: treat it as
/// personal data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    flow: String,
    state: State,
    /// Time left to the next timeout: another machine's clock has another origin.
    left: Option<Duration>,
}

/// A saved session cannot go on in this flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// It began in another flow, or in another version of this one.
    #[error("the session belongs to another version of the flow")]
    OtherFlow,
}

impl Saved {
    /// The hash of the flow that the session is in, as [`FlowHash`] prints.
    #[must_use]
    pub fn flow(&self) -> &str {
        &self.flow
    }
}

impl Session {
    /// Writes the session down. Take all outputs out before: they are not saved.
    #[must_use]
    pub fn save(&self, now: Now) -> Saved {
        let hash: FlowHash = self.flow.hash();
        let left = self.deadline.map(|deadline| deadline.since(now.monotonic));
        Saved { flow: hash.to_string(), state: self.state.clone(), left }
    }

    /// Goes on where [`Self::save`] stopped, as if no time had passed. What played, rang or waited is to be carried on by
    /// the driver; the session does not ask for it again.
    ///
    /// # Errors
    /// If `flow` is not the one that the session began in, to the letter.
    pub fn resume(flow: Arc<Flow>, saved: Saved, now: Now) -> Result<Self, ResumeError> {
        if saved.flow != flow.hash().to_string() {
            return Err(ResumeError::OtherFlow);
        }
        let deadline = saved.left.map(|left| now.monotonic + left);
        let mut state = saved.state;
        state.variables.resize(flow.variables.len(), None);
        Ok(Self::from_parts(flow, state, deadline))
    }
}
