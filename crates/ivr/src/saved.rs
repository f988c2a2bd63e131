//! A session written down, to be moved or replayed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base::Now;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::{FlowHash, Flows, Session};

/// All that a session remembers, and the name and the hash of the flow that it is in. It holds what the caller typed: treat it as
/// personal data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    flow: String,
    hash: String,
    state: State,
    /// Time left to the next timeout: another machine's clock has another origin.
    left: Option<Duration>,
}

/// A saved session cannot go on in this flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// There is no such flow, or it is another version.
    #[error("the session belongs to another version of the flow")]
    OtherFlow,
}

impl Saved {
    /// The name of the flow that the session is in.
    #[must_use]
    pub fn flow(&self) -> &str {
        &self.flow
    }

    /// The hash of that flow, as [`FlowHash`] prints.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl Session {
    /// Writes the session down. Take all outputs out before: they are not saved.
    #[must_use]
    pub fn save(&self, now: Now) -> Saved {
        let hash: FlowHash = self.flow.hash();
        let left = self.deadline.map(|deadline| deadline.since(now.monotonic));
        let (flow, hash) = (self.flow.name().to_string(), hash.to_string());
        Saved { flow, hash, state: self.state.clone(), left }
    }

    /// Goes on where [`Self::save`] stopped, as if no time had passed. What played, rang or waited is to be carried on by
    /// the driver; the session does not ask for it again.
    ///
    /// # Errors
    /// If the flow that the session is in is not among `flows`, to the letter.
    pub fn resume(flows: Arc<Flows>, saved: Saved, now: Now) -> Result<Self, ResumeError> {
        let flow = flows.get(&saved.flow).filter(|flow| flow.hash().to_string() == saved.hash);
        let flow = Arc::clone(flow.ok_or(ResumeError::OtherFlow)?);
        let deadline = saved.left.map(|left| now.monotonic + left);
        Ok(Self { flows, flow, state: saved.state, deadline, outputs: VecDeque::new() })
    }
}
