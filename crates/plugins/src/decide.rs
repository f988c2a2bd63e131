//! The one face of all plugins, whatever they are written in.

use routing::{Decision, MAX_STATE, Outcome, Snapshot};

use crate::Fault;

/// A plugin that can be asked, by one at a time. The caller waits, and so bounds must hold here: whatever the plugin does,
/// each of these comes to an end.
pub trait Decide: Send {
    /// Decides. `parameters` is JSON.
    ///
    /// # Errors
    /// Why there is no decision. The next call begins anew.
    fn decide(&mut self, snapshot: &Snapshot, parameters: &str) -> Result<Decision, Fault>;

    /// Tells what became of earlier decisions, with the queue's state; gives the state that takes its place, if another does.
    ///
    /// # Errors
    /// Why it could not be told. The state stays.
    fn told(&mut self, outcomes: &[Outcome], state: Option<&str>, parameters: &str) -> Result<Option<String>, Fault>;

    /// True if it answers nothing until something comes back that it is at: whoever wants an answer begins with another one.
    fn hangs(&self) -> bool {
        false
    }

    /// Gets ready for the next call, so that it need not wait for that.
    fn prepare(&mut self) {}
}

/// A decision with a reason that is cut to its length.
///
/// # Errors
/// If its state is too large to be kept.
pub(crate) fn within_bounds(mut decision: Decision) -> Result<Decision, Fault> {
    if decision.state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
        return Err(Fault::TooLarge(MAX_STATE));
    }
    decision.reason.truncate(decision.short_reason().len());
    Ok(decision)
}
