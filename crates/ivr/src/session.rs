//! One caller in a flow.

use std::collections::VecDeque;
use std::sync::Arc;

use base::{Mono, Now};

use crate::{DialOutcome, Flow, Output, QueueOutcome};

/// One caller in a flow: a machine.
#[derive(Debug)]
pub struct Session {
    flow: Arc<Flow>,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A caller who has not been answered yet.
    #[must_use]
    pub fn new(flow: Arc<Flow>) -> Self {
        Self { flow, outputs: VecDeque::new() }
    }

    /// The flow that the caller is in.
    #[must_use]
    pub const fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// True once [`Output::Hangup`] was put out.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        false
    }

    /// The call was answered: the flow begins.
    pub fn handle_start(&mut self, _now: Now) {}

    /// The caller pressed a key (`0`–`9`, `*`, `#`, `A`–`D`; others are ignored), told at the first packet of the digit.
    pub fn handle_digit(&mut self, _now: Now, _digit: char) {}

    /// The prompts of the last [`Output::Play`] were played to their end.
    pub fn handle_play_done(&mut self, _now: Now) {}

    /// The wait in the queue, or the talk that followed, is over.
    pub fn handle_queue_ended(&mut self, _now: Now, _outcome: QueueOutcome) {}

    /// The dialling, or the talk that followed, is over.
    pub fn handle_dial_ended(&mut self, _now: Now, _outcome: DialOutcome) {}

    /// The time of [`Self::poll_timeout`] has come. Harmless if it has not.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        None
    }

    /// What to do next; ask until `None` after each `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
