//! The switch among simulated phones, on a virtual clock and network.
//!
//! A [`World`] holds the real [`switch::Switch`] machine and [`Phone`]s on a lossy wire; [`World::run`] lets time pass. What media
//! threads and disks do in production is played by [`Media`]. Nothing here reads a clock or opens a socket: the same seed and
//! the same acts give the same events.
//!
//! Phones are the project's own SIP stack, which is fine here: these tests are about what the switch decides, not about
//! what is on the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of tests that panics fails the test with its place, which is what a test wants"
)]

mod company;
mod media;
mod phone;
mod world;

pub use company::company;
pub use media::Media;
pub use phone::{Phone, Seen};
pub use world::{SWITCH, World};
