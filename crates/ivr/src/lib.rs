//! The flow language: what operators write as YAML, checked, and played to a caller.

mod check;
mod flow;
mod interpret;
mod output;
mod read;
mod session;
mod state;

pub use flow::{Flow, FlowHash, Reference, ReferenceKind};
pub use output::{DialOutcome, DialTarget, HangupCause, Output, QueueOutcome};
pub use session::Session;
