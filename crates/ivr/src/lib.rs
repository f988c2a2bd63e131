//! The flow language: what operators write as YAML, checked, and played to a caller.

mod flow;
mod output;
mod session;

pub use flow::{Flow, FlowHash, Reference, ReferenceKind};
pub use output::{DialOutcome, DialTarget, HangupCause, Output, QueueOutcome};
pub use session::Session;
