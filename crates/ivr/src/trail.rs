//! The ways that a session takes, for those who test flows. A call does without: then nothing is kept.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;

use crate::{DialOutcome, QueueOutcome, Session, Value};

/// A way that was taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// The flow's name.
    pub flow: Arc<str>,
    /// The node that it leads away from, or back to.
    pub node: Arc<str>,
    /// Its name there, as [`crate::OutlineWay::name`] has it.
    pub way: String,
}

impl Session {
    /// The same session, which keeps from now on what ways it takes.
    #[must_use]
    pub fn traced(self) -> Self {
        Self { trail: Some(VecDeque::new()), ..self }
    }

    /// The next way that was taken and not asked for yet; always `None` if it is not [`Self::traced`].
    pub fn poll_way(&mut self) -> Option<Taken> {
        self.trail.as_mut()?.pop_front()
    }

    /// Sets a variable before the start, as if somebody had set it before the call.
    pub fn set_variable(&mut self, name: &str, value: Value) {
        self.state.variables.insert(name.to_owned(), value);
    }

    /// Notes the way that the node which the caller is in is left by.
    pub(crate) fn took(&mut self, way: impl Display) {
        let Some(trail) = &mut self.trail else { return };
        if let Some(node) = self.flow.node(self.state.node) {
            let (flow, node) = (Arc::clone(self.flow.name()), Arc::clone(&node.name));
            trail.push_back(Taken { flow, node, way: way.to_string() });
        }
    }
}

impl QueueOutcome {
    /// The key of a flow's file under which the way stands, or the key of the phone.
    pub(crate) fn way(self) -> Cow<'static, str> {
        match self {
            Self::AgentEnded => "next".into(),
            Self::TimedOut => "timed_out".into(),
            Self::Full => "full".into(),
            Self::NoAgents | Self::Unknown => "no_agents".into(),
            Self::Closed => "closed".into(),
            Self::Pressed(key) => key.to_string().into(),
        }
    }
}

/// The way out of a `transfer` that worked.
pub(crate) const ANSWERED: &str = "answered";

impl DialOutcome {
    /// The key of a flow's file under which the way stands.
    pub(crate) const fn way(self) -> &'static str {
        match self {
            Self::Ended => "next",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Declined => "declined",
            Self::Unreachable | Self::Refused => "failed",
        }
    }
}
