//! A whole contact centre on the virtual clock: the real switch, driven by virtual callers and agents at full load.
//!
//! A [`Load`] says who calls and how often, how patient callers are, how long they talk, which agents work when, and what goes wrong.
//! [`Centre::play`] plays it in the configuration of a company and gives an [`Outcome`]: figures by queue and hour, and
//! whatever broke an invariant. What a caller meets is the real thing: SIP messages both ways through real transactions,
//! menus, queues, offers, CANCEL, BYE; only sound is left out.
//!
//! | what | where |
//! |---|---|
//! | the load as data | `load.rs`, its distributions `spread.rs` |
//! | the same, read from a file | `read.rs`, its keys `forms.rs` |
//! | who calls | `callers.rs` |
//! | who answers, and the phones | `agents.rs` |
//! | a recorded day as a load | `recorded.rs` |
//! | who decides, and errs | `erring.rs`; plugins, and who reads the journal `plugins.rs` |
//! | ports, prompts, takes | `media.rs` |
//! | time, and everybody reacting to everybody | `run.rs` |
//! | what of a configuration is not played | `adapt.rs` |
//! | figures, folded from the journal | `tally.rs`, told by `summary.rs` and `html.rs` |
//! | small centres in which all goes wrong, by seeds | `random.rs` |
//! | a company of nothing but queues, for tests | `bare.rs` |
//!
//! Seeds: the same load, configuration and build give the same events to the microsecond.

mod adapt;
mod agents;
mod bare;
mod callers;
mod erring;
mod forms;
mod html;
mod load;
mod media;
mod plugins;
mod random;
mod read;
mod recorded;
mod run;
mod spread;
mod summary;
mod tally;

pub use bare::bare_company;
pub use load::{Arrivals, Fault, Load, Stream, Team};
pub use plugins::{Beside, Deciders, Reader};
pub use random::Trial;
pub use read::{CentreFile, is_centre};
pub use recorded::Recorded;
pub use run::Centre;
pub use spread::Spread;
pub use summary::Outcome;
pub use tally::Tally;
