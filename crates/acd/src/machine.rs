//! The machine's inputs and outputs.

use base::{CallId, DecisionId, IdGen, Mono, Now, OfferId};
use routing::{AgentName, Decision, QueueName};

use crate::{
    AgentConfig, AgentState, Caller, Connected, Event, JoinError, OfferFailure, OfferOver, QueueConfig, ReserveError,
    Status,
};

/// All queues and agents of a node.
#[derive(Debug)]
pub struct Acd {
    _ids: IdGen,
}

impl Acd {
    /// A machine with these queues and agents, all agents idle. An agent that a queue names and that `agents` does not
    /// hold is left out; `company` refuses such a configuration.
    #[must_use]
    pub fn new(now: Now, ids: IdGen, _queues: Vec<QueueConfig>, _agents: Vec<AgentConfig>) -> Self {
        let _ = now;
        Self { _ids: ids }
    }

    /// A call enters a queue.
    ///
    /// # Errors
    /// If there is no such queue, it is full or served by nobody, or the call is in one already.
    pub fn join(&mut self, _now: Now, _call: CallId, _queue: &QueueName, _caller: Caller) -> Result<(), JoinError> {
        Err(JoinError::UnknownQueue)
    }

    /// The caller hung up, or his flow goes on without the queue: wherever the call is (waiting, offered, with an
    /// agent), it is out and its agent free. A call that is not here changes nothing.
    pub fn leave(&mut self, _now: Now, _call: CallId) {}

    /// The answer to [`Event::DecisionNeeded`]. One that nobody waits for any more changes nothing.
    pub fn handle_decision(&mut self, _now: Now, _id: DecisionId, _decision: &Decision) {}

    /// The agent's phone answered.
    ///
    /// # Errors
    /// If the offer is over (withdrawn or timed out meanwhile).
    pub fn offer_answered(&mut self, _now: Now, _offer: OfferId) -> Result<Connected, OfferOver> {
        Err(OfferOver)
    }

    /// The agent's phone did not take the offer. One that is over already changes nothing.
    pub fn offer_failed(&mut self, _now: Now, _offer: OfferId, _failure: OfferFailure) {}

    /// The agent's call from a queue ended on his side: his wrap-up begins. Without such a call nothing changes.
    pub fn agent_released(&mut self, _now: Now, _agent: &AgentName) {}

    /// Holds an agent for a direct call, or for one that he makes himself.
    ///
    /// # Errors
    /// If there is no such agent, or he has an offer, a call or a reservation.
    pub fn reserve(&mut self, _now: Now, _agent: &AgentName, _call: CallId) -> Result<(), ReserveError> {
        Err(ReserveError::UnknownAgent)
    }

    /// Ends the reservation of an agent for `call`; another one's is left alone.
    pub fn release(&mut self, _now: Now, _agent: &AgentName, _call: CallId) {}

    /// What the agent says of himself. Logging out ends nothing that he has.
    pub fn set_status(&mut self, _now: Now, _agent: &AgentName, _status: Status) {}

    /// What the agent is doing.
    #[must_use]
    pub fn agent_state(&self, _agent: &AgentName) -> Option<AgentState> {
        None
    }

    /// The place of a waiting or offered call in its queue, from 1.
    #[must_use]
    pub fn position(&self, _call: CallId) -> Option<usize> {
        None
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// When to call [`Self::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        None
    }

    /// The next thing for the driver to do or to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }
}
