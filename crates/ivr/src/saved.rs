//! A session written down, to be moved or replayed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base::Now;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::{Flow, Flows, Session};

/// All that a session remembers, and the flows that it is in: the one that it plays, and those that wait for a return. It holds
/// what the caller typed: treat it as personal data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The one that it plays last.
    flows: Vec<SavedFlow>,
    state: State,
    /// Time left to the next timeout: another machine's clock has another origin.
    left: Option<Duration>,
}

/// A flow that a saved session is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFlow {
    /// Its name.
    pub name: String,
    /// The hash of its text, as [`crate::FlowHash`] prints.
    pub hash: String,
}

/// A saved session cannot go on in this flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// There is no such flow, or it is another version.
    #[error("the session belongs to another version of the flow")]
    OtherFlow,
}

impl Saved {
    /// The flows that the session is in: those that wait for a return, the first caller first, and the one that it plays.
    #[must_use]
    pub fn flows(&self) -> &[SavedFlow] {
        &self.flows
    }
}

impl Session {
    /// Writes the session down. Take all outputs out before: they are not saved.
    #[must_use]
    pub fn save(&self, now: Now) -> Saved {
        let left = self.deadline.map(|deadline| deadline.since(now.monotonic));
        let waiting = self.state.callers.iter().filter_map(|frame| self.flows.get(&frame.flow));
        let named = |flow: &Arc<Flow>| SavedFlow { name: flow.name().to_string(), hash: flow.hash().to_string() };
        Saved { flows: waiting.chain([&self.flow]).map(named).collect(), state: self.state.clone(), left }
    }

    /// Goes on where [`Self::save`] stopped, as if no time had passed. What played, rang or waited is to be carried on by
    /// the driver; the session does not ask for it again.
    ///
    /// # Errors
    /// If one of the flows that the session is in is not among `flows`, to the letter.
    pub fn resume(flows: Arc<Flows>, saved: Saved, now: Now) -> Result<Self, ResumeError> {
        let same = |saved: &SavedFlow| flows.get(&saved.name).filter(|flow| flow.hash().to_string() == saved.hash);
        let known: Option<Vec<&Arc<Flow>>> = saved.flows.iter().map(same).collect();
        let flow = Arc::clone(known.and_then(|known| known.last().copied()).ok_or(ResumeError::OtherFlow)?);
        let deadline = saved.left.map(|left| now.monotonic + left);
        Ok(Self { flows, flow, state: saved.state, deadline, outputs: VecDeque::new(), trail: None })
    }
}
