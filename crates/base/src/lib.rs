//! Ground that every machine stands on: time as an argument, seeded randomness, ids, timers, personal data as a type.
//!
//! Nothing here reads a clock or a random source: a driver makes [`Now`] and seeds [`Rng`], and hands both in.

mod day;
mod id;
mod id_map;
mod pii;
mod rng;
mod table;
mod time;
mod timers;

pub use day::{Day, NoDay};
pub use id::{CallId, DecisionId, IdGen, LegId, OfferId, PlayId, TakeId};
pub use id_map::{IdHasher, IdMap};
pub use pii::{Pii, revealed};
pub use rng::Rng;
pub use table::give_back;
pub use time::{Mono, Now, Wall};
pub use timers::{TimerToken, Timers};
