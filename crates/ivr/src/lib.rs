//! The flow language: what operators write as YAML, checked, and played to a caller.
//!
//! The one contract: [`Flows::read`] gives the flows of a company only if nothing is wrong with one of them; then a [`Session`]
//! leads one caller through them. Its driver puts in what happened (`handle_*`), carries out what [`Session::poll_output`] says, and comes back at
//! [`Session::poll_timeout`]. What a flow names outside of itself ([`Flow::references`]: prompts, queues, users) is for
//! the owner of those to check.
//!
//! ```
//! # use std::sync::Arc;
//! # use base::{Mono, Now, Wall};
//! use ivr::{Flows, Output, Session};
//!
//! let text = "version: 1\nnodes:\n  hello: {play: welcome, next: hangup}\n";
//! let faults = yaml::Faults::default();
//! let flows = Flows::read([("hello", &yaml::Source::new("flows/hello.yaml", text))], &faults).unwrap();
//! # let now = Now { monotonic: Mono::ZERO, wall: Wall::from_unix_micros(0) };
//! let mut session = Session::new(Arc::new(flows), "hello").unwrap();
//! session.handle_start(now);
//! assert!(matches!(session.poll_output(), Some(Output::Entered { .. })));
//! assert!(matches!(session.poll_output(), Some(Output::Play { .. })));
//! session.handle_play_done(now);
//! assert!(matches!(session.poll_output(), Some(Output::Hangup { .. })));
//! ```
//!
//! Where to find what: `read` the shape of the file (`table` all keys, `menu`, `ask` questions and collect, `inspect` its checks,
//! `connect` queue and dial, `voicemail` messages, `decide` when and set, `http`, `hours`, `announce` what those who wait are told, `callback` promises to call back, `parts` prompts and outcomes, `items` what is said of variables, `texts` texts, `names` nodes and variables) · `flow`
//! what was read, `flows` all of them together · `check` faults of the graph · `session` inputs and outputs · `interpret` the
//! steps between, `asking` those of questions, `deciding` those of conditions, `fetching` those of requests to web servers (`web`: what they are made of), `voicemail` those of messages · `key_range` keys of several digits, `extensions` the numbers that a menu takes
//! beside them · `inspect` what digits must be · `state`, `saved` what a session remembers, `value` what its variables hold,
//! `facts` what its driver knows · `expression` conditions · `rows` tables that they look into · `template`, `text` texts with variables ·
//! `output` the words between session and driver · `spoken` numbers, dates and the like by a table for each language ·
//! `outline` a flow to be looked at, `trail` the ways of it that were taken.
//! The language is explained to operators in `config/README.md`.
//!
//! Invariants: a flow names only nodes and flows that exist, and every variable is set before it is read back; no way round,
//! whatever flows it passes, takes neither a key nor time, and flows don't call each other without end; so that one input gives a bounded number of outputs; a session does nothing between inputs;
//! nothing follows [`Output::Hangup`]; it goes on only in the flow, to the letter, that it is in; a
//! secret is in no output.
//!
//! A new key is a row of `read::table`: from it the reader knows the key, and editors too (`strowger schema`; its test in
//! `tests/e2e/schema.rs` wants each faulty file refused whose fault is one of shape). A new verb: its name in the `one of`
//! of `read::table::NODE`, its row there and a form of its own keys; an arm each in `read::Reader::node`, `flow::Verb`,
//! `check::steps`, `check::prompts`, `outline::Draft::of`, `Session::enter`, and in `check`'s `ends` if nothing follows it. If it waits for
//! something: a `state::Phase` and a `Session::handle_…`. If the driver must act: an [`Output`] and its arm in the switch's
//! `flow::perform`. If it names something outside: a [`ReferenceKind`] and its arm in the company's `flows::check`. Then
//! its row in `config/README.md` and `tests/readme.rs`, and a faulty file for each thing that can be wrong with it. A new
//! thing to say is a `flow::Item`.

mod announce;
mod asking;
mod check;
mod deciding;
mod expression;
mod extensions;
mod facts;
mod fetching;
mod flow;
mod flows;
mod inspect;
mod interpret;
mod key_range;
mod outline;
mod output;
mod read;
mod rows;
mod saved;
mod session;
mod spoken;
mod state;
mod template;
mod text;
mod trail;
mod value;
mod voicemail;
pub mod web;

pub use announce::Announce;
pub use facts::{Facts, Figures, QueueFigures};
pub use flow::{Flow, FlowHash, Need, Reference, ReferenceKind, SpokenReference, WayIn};
pub use flows::Flows;
pub use outline::{Outline, OutlineNode, OutlineTarget, OutlineWay};
pub use output::{
    DialOutcome, DialTarget, HangupCause, Output, Promise, QueueOutcome, Recording, Scale, Sound, Speech,
};
pub use rows::Rows;
pub use saved::{ResumeError, Saved, SavedFlow};
pub use session::Session;
pub use spoken::{Clock, Languages, Spoken, Table, Unsayable, shipped_table};
pub use text::Text;
pub use trail::Taken;
pub use value::Value;
pub use voicemail::{MailboxState, MessageOutcome};
