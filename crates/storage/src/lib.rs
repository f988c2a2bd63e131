//! Journal, CDRs and recordings on disk.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a driver: owns files, threads and a clock")]

mod config;
mod notice;
mod store;

pub use config::Config;
pub use notice::{Notice, StartError, TakeEvent};
pub use store::{ChunkPort, JournalPort, Storage, TakePort};
