//! When a company is open: calendars in their time zones, and the switches that people turn in an emergency.
//!
//! The one contract: [`Hours::read`] reads `hours.yaml` and puts what is wrong with it into [`yaml::Faults`]; a [`Calendar`]
//! then says by [`Calendar::decide`] how it stands at a time, and why, and when that changes. The same calendar and time give the
//! same answer: no clock is read here, and no file; the time zones are those of the database that `jiff` brings along.
//!
//! Where to find what: `read` the shape of the file (`table` all keys, `days` weeks and times of day, `dates` holidays and exceptions) · `zone` time
//! zones · `date` which dates a line of the file means · `calendar` how a time stands · `change` when that ends, in words · `local` what a clock shows ·
//! `board` the switches. The file is explained to operators in `config/README.md`.
//!
//! How a time stands:
//! - The clock on the wall decides: hours that the clock skips in spring are skipped, and hours that it shows twice in autumn
//!   count twice.
//! - Hours belong to the day on which they begin, also if they end on the next one. So a holiday takes away what begins on it,
//!   and nothing that began on its eve.
//! - Of a date the exception counts, else the holiday, else the week.
//!
//! Invariants: spans of a week don't overlap, and breaks lie within them; looking for a change takes bounded time, whatever
//! the file holds.

mod board;
mod calendar;
mod change;
mod date;
mod local;
mod read;
mod zone;

pub use board::{Board, NoSuchSwitch, Turned};
pub use calendar::{Calendar, Situation, State};
pub use change::Decision;
pub use local::LocalTime;
pub use read::Hours;
pub use zone::Zone;
