//! The figures of a contact centre: one definition each, and the fold that makes them.
//!
//! A call's stay in a queue is a *visit* ([`crate::Visit`]). All of a visit counts in the interval in which the call joined the
//! queue, whenever it was answered or ended; what agents do counts by the clock. Sums stand in [`Figures`], and each figure of
//! the trade is a method of it with its formula ([`VERSION`] names the set). [`KpiFold`] takes the journal's events, each in
//! O(log n), and says what each adds to which queue, agent and time; whoever wants figures by hour, by agent or of today adds
//! that up, as [`Board`] does for a running switch. So live tables, reports and simulations count the same.

mod board;
mod figures;
mod fold;
mod work;

pub use board::{Board, QueueBoard};
pub use figures::{Figures, Kpis, SHORT_ABANDON, WAIT_STEPS};
pub use fold::{Credit, KpiFold, Targets};

/// Version of the definitions: another one means that a figure of the same name is another one.
pub const VERSION: u16 = 2;
