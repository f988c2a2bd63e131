//! The vocabulary of call events, and the call detail records folded from them.
//!
//! One contract: all that happened to a call is in its [`Event`]s, numbered without a gap from 0; whatever counts or
//! reports calls is a fold over them, as [`CdrFold`] is. Nothing counts calls a second way.
//!
//! Where to find what: `event.rs` the envelope, `kind.rs` what can happen, `vital.rs` what of it must not be lost, `words.rs`
//! the words that fields use, `offer.rs` and `trunk.rs` what is told of offers and of trunks, `agent.rs` what is told of agents apart from calls, `cdr.rs` the record of a call with the definition of each of its figures, `kpi` the figures of queues and agents with the definition of each, `visit.rs` the record's part about queues and offers, `fold.rs` how events
//! become records, `charge.rs` what calls to the outside are charged, `location.rs` where registered users are, `media_stats.rs` what the media of a leg carried, `voicemail.rs` what is known of a voice message.
//!
//! Invariants:
//! - Events and records are plain data that serialise as JSON objects. Readers ignore fields and events that they do not
//!   know; a word's meaning never changes.
//! - Personal data (numbers, digits) is [`base::Pii`] and reaches nothing but the serialised journal and records: these
//!   are the places that are meant to hold it, and are to be kept as such (access, retention).
//! - Folding is deterministic: the same events give the same records. Durations come from the events' wall times unless
//!   the event itself carries one measured on the monotonic clock.

mod agent;
mod callback;
mod cdr;
mod charge;
mod decided;
mod event;
mod fold;
mod kind;
pub mod kpi;
mod location;
mod media_stats;
mod offer;
mod trunk;
mod visit;
mod vital;
mod voicemail;
mod waiting;
mod words;

pub use agent::{AgentLost, AgentSaid, AgentStatus, Disposed, StatusBy, StatusChanged};
pub use callback::{CallbackKept, CallbackPromise, CallbackStep, CallbackTold, NoCallback};
pub use cdr::{AgentDisposition, Cdr, Disposition, OutsideLeg, Recording, SurveyAnswer};
pub use charge::{Charges, by_day};
pub use decided::{Decided, PluginFailed, PluginLearnt};
pub use event::Event;
pub use fold::CdrFold;
pub use kind::Kind;
pub use location::{Carrier, Location, Locations};
pub use media_stats::MediaStats;
pub use offer::{
    CallChanged, Candidate, DecisionFault, DecisionRejected, OfferEnded, OfferMade, OfferOutcome, OfferReason, Rival,
};
pub use trunk::{TrunkDown, TrunkLocated, TrunkNotLocated, TrunkRegistered, TrunkRests, TrunkUnregistered, TrunkUp};
pub use visit::{OfferedTo, Visit};
pub use voicemail::{LetterOrder, MessageHeard, MessageLeft, MessageName, MessageNotLeft, Voicemail};
pub use waiting::Announced;
pub use words::{
    Asker, Consult, ConsultBegan, ConsultOutcome, Direction, DivertedFrom, LegRole, LoginFault, Name, NoWayOut, Origin,
    Outside, Party, QueueExit, Reason, Received, Scale, Transfer, TransferKind,
};
